"""What the tests of requests share: rows of the cast by name, and a way to make them anonymous."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.mail import OutgoingMail
from portal.organizations.models import Membership, Organization
from portal.partnerships.models import Request, Response
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries import responses as response_queries
from tests.cast import World

ActorOf = Callable[[str], Actor]
CANARY = "Zanzibarium"


@pytest.fixture
def organization(world: World) -> Callable[[str], Organization]:
    """Return an organization of the cast."""
    return lambda name: session.get_one(Organization, world.organizations[name])


@pytest.fixture
def request_of(world: World) -> Callable[[str], Request]:
    """Return a request of the cast with all that a command needs."""
    return lambda name: queries.get_request(world.requests[name])


@pytest.fixture
def response(world: World) -> Callable[[], Response]:
    """Return the college's response to the shop's public request."""
    return lambda: response_queries.get_response(world.responses["college_to_shop"])


@pytest.fixture
def complete() -> Mapping[str, Any]:
    """What a request needs to be published at once."""
    return {
        "kind": "equipment_sharing",
        "direction": "need",
        "title": "A bridge CMM for two days",
        "summary": "Inspection of housings.",
        "expertise_sought": "Somebody who measures.",
        "capabilities": ["CMM"],
        "visibility": "public",
    }


@pytest.fixture
def change(world: World) -> Callable[..., Request]:
    """Set columns of a request of the cast behind the commands' back."""

    def write(name: str, **columns: Any) -> Request:
        with unit_of_work():
            row = session.get_one(Request, world.requests[name])
            for column, value in columns.items():
                setattr(row, column, value)
        return queries.get_request(row.id)

    return write


@pytest.fixture
def join(world: World) -> Callable[..., None]:
    """Let a person of the cast belong to one more organization."""

    def write(person: str, organization: str, role: str = "manager") -> None:
        with unit_of_work():
            session.add(
                Membership(
                    organization_id=world.organizations[organization],
                    user_id=world.users[person],
                    role=role,
                )
            )

    return write


@pytest.fixture
def hidden(world: World, change: Callable[..., Request]) -> Request:
    """The shop's public request, anonymous, with a telltale word in all that must stay inside."""
    with unit_of_work():
        shop = session.get_one(Organization, world.organizations["shop"])
        shop.name = f"{CANARY} Machine Shop"
        # Its other requests name it, as they should.
        session.get_one(Request, world.requests["shop_members"]).status = "draft"
        shop.certifications = [{"name": "Nadcap", "expires_on": None}]
    return change(
        "shop_public",
        is_anonymous=True,
        anonymous_summary="A shop seeks a measuring machine.",
        summary=f"{CANARY} seeks a machine.",
        description=f"We are {CANARY}.",
        expertise_sought=f"For {CANARY}.",
        advantages=f"Of {CANARY}.",
        innovations=f"By {CANARY}.",
        call_name=f"The {CANARY} call",
        zip_code="40299",
        latitude=38.11111,
        longitude=-85.22222,
        published_at=now() - dt.timedelta(days=3),
    )


@pytest.fixture
def mails(app: Flask) -> Iterator[list[dict[str, Any]]]:
    """What is put in line for sending, as it is before the worker erases the words."""
    lines: list[dict[str, Any]] = []

    def note(_mapper: object, _connection: object, mail: OutgoingMail) -> None:
        lines.append({"to": mail.recipient, "subject": mail.subject, "text": mail.body_text})

    event.listen(OutgoingMail, "before_insert", note)
    yield lines
    event.remove(OutgoingMail, "before_insert", note)

"""What the tests of agreements share: rows of the cast by name, and agreements made on the way."""

import datetime as dt
import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from werkzeug.datastructures import FileStorage

from portal.agreements.models import Agreement, Outcome
from portal.agreements.queries import agreements as queries
from portal.agreements.queries import outcomes as outcome_queries
from portal.agreements.services import agreements as services
from portal.agreements.services import outcomes as outcome_services
from portal.kernel.authorization import Actor
from portal.kernel.clock import today_here
from portal.kernel.database import session
from portal.kernel.mail import OutgoingMail
from portal.organizations.models import Organization
from tests.cast import World

ActorOf = Callable[[str], Actor]
Make = Callable[..., Agreement]
PERSON_OF = {"shop": "ana", "college": "cleo", "aero": "eve"}


def a_document(words: bytes = b"What we agreed on.", name: str = "contract.txt") -> FileStorage:
    return FileStorage(io.BytesIO(words), filename=name)


@pytest.fixture
def agreement(world: World) -> Callable[[str], Agreement]:
    """Return an agreement of the cast."""
    return lambda name: queries.get_agreement(world.agreements[name])


@pytest.fixture
def make(world: World, actor: ActorOf) -> Make:
    """Make an agreement of an organization with another: drafted, proposed, or active."""

    def write(owner: str, other: str, status: str = "active", **values: Any) -> Agreement:
        organization = session.get_one(Organization, world.organizations[owner])
        role = values.pop("other_role", "")
        made = services.create_agreement(
            actor(PERSON_OF[owner]),
            organization,
            parties=[
                {"organization": f"/organizations/{world.organizations[other]}", "role": role}
            ],
            **{
                "kind": "other",
                "title": f"{owner} and {other}",
                "starts_on": today_here() - dt.timedelta(days=100),
                **values,
            },
        )
        if status != "draft":
            made = services.act_on_agreement(actor(PERSON_OF[owner]), made, "propose")
        if status == "active":
            made = services.acknowledge_agreement(
                actor(PERSON_OF[other]), made, revision=made.revision
            )
        return queries.get_agreement(made.id)

    return write


@pytest.fixture
def tell(world: World, actor: ActorOf) -> Callable[..., Outcome]:
    """Say as somebody what came of an agreement."""

    def write(name: str, about: Agreement, **values: Any) -> Outcome:
        organization = values.pop("at", None)
        return outcome_services.assert_outcome(
            actor(name),
            queries.get_agreement(about.id),
            **{
                "kind": "jobs_created",
                "amount_hundredths": 300,
                "happened_on": today_here() - dt.timedelta(days=10),
                "organization_id": world.organizations[organization] if organization else None,
                **values,
            },
        )

    return write


@pytest.fixture
def confirm(actor: ActorOf) -> Callable[[str, Outcome], Outcome]:
    """Confirm an outcome as somebody."""
    return lambda name, outcome: outcome_services.act_on_outcome(
        actor(name), outcome_queries.get_outcome(outcome.id), "confirm"
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

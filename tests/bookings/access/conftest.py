"""What the tests of access share: organizations of the cast, and the mail that was put in line."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from portal.kernel.authorization import Actor
from portal.kernel.database import session, unit_of_work
from portal.kernel.mail import OutgoingMail
from portal.organizations.models import Organization
from portal.regions.rules import name_key
from portal.skills.models import Credential
from tests.cast import World

ActorOf = Callable[[str], Actor]
OrganizationOf = Callable[[str], Organization]


@pytest.fixture
def organization(world: World) -> OrganizationOf:
    """Return an organization of the cast."""
    return lambda name: session.get_one(Organization, world.organizations[name])


def credential_of(world: World, organization: str, name: str) -> Credential:
    """A credential that an organization issues itself."""
    with unit_of_work():
        issuer = session.get_one(Organization, world.organizations[organization])
        credential = Credential(
            kind="certificate",
            name=name,
            name_key=name_key(name),
            issuer=issuer.name,
            issuer_organization_id=issuer.id,
        )
        session.add(credential)
    return credential


@pytest.fixture
def mails(app: Flask) -> Iterator[list[dict[str, Any]]]:
    """What is put in line for sending, as it is before the worker erases the words."""
    lines: list[dict[str, Any]] = []

    def note(_mapper: object, _connection: object, mail: OutgoingMail) -> None:
        lines.append({"to": mail.recipient, "subject": mail.subject, "text": mail.body_text})

    event.listen(OutgoingMail, "before_insert", note)
    yield lines
    event.remove(OutgoingMail, "before_insert", note)

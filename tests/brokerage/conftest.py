"""What the tests of introductions share: proposing one, answering it, and reading as somebody."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import delete, select

from portal.brokerage.models.introductions import Introduction, IntroductionParty
from portal.brokerage.queries import disclosure
from portal.brokerage.queries import introductions as queries
from portal.brokerage.services import introductions as services
from portal.conversations.models import Block
from portal.kernel.authorization import Actor
from portal.kernel.database import session, unit_of_work
from portal.kernel.mail import OutgoingMail
from portal.organizations.models import Organization
from portal.regions.models import Region
from tests.cast import World

ActorOf = Callable[[str], Actor]
#: Who answers for each organization of the cast.
MANAGERS = {"shop": "ana", "college": "cleo", "aero": "eve"}


@dataclass(frozen=True)
class Table:
    """An introduction at which organizations of the cast sit, and what each may do."""

    id: int
    actor: ActorOf
    world: World

    @property
    def row(self) -> Introduction:
        return queries.get_introduction(self.id)

    def party(self, name: str) -> IntroductionParty:
        number = self.world.organizations[name]
        party = next(row for row in self.row.parties if row.organization_id == number)
        return queries.get_visible_party(self.actor(MANAGERS[name]), self.id, party.id)

    def consent(self, *names: str) -> None:
        for name in names:
            services.consent_to_meet(
                self.actor(MANAGERS[name]), self.party(name), accepts_terms=True
            )

    def share(self, *names: str) -> None:
        for name in names:
            services.share_contact(
                self.actor(MANAGERS[name]),
                self.party(name),
                contact_name=f"Contact of {name}",
                contact_email=f"{name}@contact.example",
            )

    def decline(self, name: str, note: str = "We have no time.") -> None:
        services.decline_introduction(self.actor(MANAGERS[name]), self.party(name), note=note)

    def sides(self, reader: str) -> list[disclosure.Side]:
        actor = self.actor(reader)
        return disclosure.sides_of(actor, queries.get_visible_introduction(actor, self.id))


@pytest.fixture
def region(world: World) -> Region:
    """The region that Dov brokers."""
    return session.get_one(Region, world.regions["greater-louisville"])


@pytest.fixture
def proposal(world: World) -> Callable[..., Mapping[str, Any]]:
    """What a broker says of an introduction of organizations of the cast."""

    def make(*names: str, **changes: Any) -> Mapping[str, Any]:
        parties: Sequence[Mapping[str, Any]] = [
            {
                "organization_id": world.organizations[name],
                "summary": f"An organization with a {name} machine.",
                "reason": f"They need what a {name} has.",
            }
            for name in names
        ]
        return {"title": "Composite parts", "parties": parties, **changes}

    return make


@pytest.fixture
def propose(
    world: World, actor: ActorOf, region: Region, proposal: Callable[..., Mapping[str, Any]]
) -> Callable[..., Table]:
    """Let Dov propose an introduction of organizations of the cast.

    None of them waits before, and none has blocked another.
    """
    with unit_of_work():
        session.execute(delete(Block))
        session.get_one(Introduction, world.introductions["shop_college"]).status = "withdrawn"

    def make(*names: str, **changes: Any) -> Table:
        introduction = services.propose_introduction(
            actor("dov"), region, **proposal(*names, **changes)
        )
        return Table(introduction.id, actor, world)

    return make


@pytest.fixture
def mails(drain: Callable[[], None]) -> Callable[[], dict[str, list[str]]]:
    """Let the worker do its part; return the subjects and texts of what was written since."""
    seen: set[int] = set()

    def read() -> dict[str, list[str]]:
        drain()
        found: dict[str, list[str]] = {}
        for mail in session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)):
            if mail.id not in seen:
                seen.add(mail.id)
                found.setdefault(mail.recipient.partition("@")[0], []).append(
                    f"{mail.subject}\n{mail.body_text}"
                )
        session.rollback()
        return found

    return read


def name_of(world: World, name: str) -> str:
    """Return the name of an organization of the cast."""
    return session.get_one(Organization, world.organizations[name]).name

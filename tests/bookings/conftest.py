"""What tests of bookings share: the college's public mill, opened for everybody, and booking it."""

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import delete, select

from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Resource, RuleLayer
from portal.bookings.queries import bookings as queries
from portal.bookings.queries.bookings import get_resource
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.refusal import Refused
from portal.bookings.services import making
from portal.facilities.models import Equipment
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.mail import OutgoingMail
from portal.kernel.outbox import OutboxEvent
from portal.organizations.models import Organization
from tests.cast import World

ActorOf = Callable[[str], Actor]
OpenMill = Callable[..., Resource]
Hour = Callable[..., Span]
OrganizationOf = Callable[[str], Organization]
Book = Callable[..., Booking]
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def mill(world: World) -> OpenMill:
    """Give the college's public mill rules of its own; without others, all are booked at once."""

    def open_mill(**rules: object) -> Resource:
        resource_id = world.resources["college_public"]
        with unit_of_work():
            session.add(RuleLayer(resource_id=resource_id, **{"approval": "instant", **rules}))
        session.expunge_all()
        return get_resource(resource_id)

    return open_mill


@pytest.fixture
def hour() -> Hour:
    """Return a span of whole hours, by default one that begins in a week at noon UTC."""

    def span(after: float = 0, hours: float = 1, days: float = 7) -> Span:
        noon = now().replace(hour=12, minute=0, second=0, microsecond=0)
        starts_at = noon + dt.timedelta(days=days, hours=after)
        return Span(starts_at, starts_at + dt.timedelta(hours=hours))

    return span


@pytest.fixture
def organization_of(world: World) -> OrganizationOf:
    """Return an organization of the cast's world by name."""
    return lambda name: session.get_one(Organization, world.organizations[name])


@pytest.fixture
def book(actor: ActorOf, organization_of: OrganizationOf, mill: OpenMill, hour: Hour) -> Book:
    """Book the mill for somebody's organization; the first booking opens it at once for all."""
    opened: list[Resource] = []

    def make(who: str = "ana", span: Span | None = None, **values: object) -> Booking:
        resource = values.pop("resource", None) or (opened[0] if opened else None)
        if resource is None:
            resource = mill()
        opened[:] = [resource]
        name = {"eve": "aero", "cleo": "college"}.get(who, "shop")
        made = making.create_booking(
            actor(who),
            resource,
            organization=organization_of(name),
            span=span or hour(),
            **values,
        )
        return queries.get_booking(made[0].id)

    return make


@pytest.fixture
def deliver(drain: Callable[[], object]) -> Callable[[], list[OutgoingMail]]:
    """Deliver the outbox and return the mails queued since the last time, in order."""

    def run() -> list[OutgoingMail]:
        drain()
        mails = list(session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)))
        with unit_of_work():
            session.execute(delete(OutgoingMail))
        return mails

    return run


@pytest.fixture
def asked(world: World) -> Booking:
    """Ben's request for the college's mill, which nobody was told of."""
    return queries.get_booking(world.bookings["ben_on_college_mill"])


def again(booking: Booking) -> Booking:
    return queries.get_booking(booking.id)


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [problem.code for problem in refused.value.problems]


def events(kind: type) -> list[dict[str, object]]:
    rows = session.scalars(
        select(OutboxEvent).where(OutboxEvent.name == kind.name()).order_by(OutboxEvent.id)
    )
    return [row.payload for row in rows]


def set_time(booking: Booking, **values: dt.datetime) -> Booking:
    """Let time pass, for a booking."""
    with unit_of_work():
        for name, value in values.items():
            setattr(booking, name, value)
    return again(booking)


def open_to_all(resource: Resource) -> None:
    with unit_of_work():
        session.get_one(Equipment, resource.equipment_id).sharing_terms = "bookable"


def second_mill(world: World) -> Resource:
    with unit_of_work():
        resource = Resource(
            kind="equipment",
            organization_id=world.organizations["college"],
            equipment_id=world.equipment["college_members"],
            name="College members mill",
        )
        session.add(resource)
        session.flush()
        session.add(RuleLayer(resource_id=resource.id, approval="instant"))
    return queries.get_resource(resource.id)

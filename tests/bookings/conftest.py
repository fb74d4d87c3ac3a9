"""Fixtures of bookings: the college's public mill, opened for everybody, and times to book it."""

import datetime as dt
from collections.abc import Callable

import pytest

from portal.bookings.models.calendar import Resource, RuleLayer
from portal.bookings.queries.bookings import get_resource
from portal.bookings.rules.attempt import Span
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.organizations.models import Organization
from tests.cast import World

ActorOf = Callable[[str], Actor]
OpenMill = Callable[..., Resource]
Hour = Callable[..., Span]


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
def organization_of(world: World) -> Callable[[str], Organization]:
    """Return an organization of the cast's world by name."""
    return lambda name: session.get_one(Organization, world.organizations[name])

"""Records of the cast with their resources, and bookings written past the commands."""

import datetime as dt
from typing import Any

from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Resource
from portal.bookings.queries.resources import resource_of
from portal.facilities.queries.records import get_equipment, get_facility
from portal.kernel.database import session, unit_of_work
from portal.organizations.models import Organization
from tests.cast import World

_ORGANIZATIONS = {"ana": "shop", "ben": "shop", "cleo": "college", "eve": "aero"}


def record_of(world: World, kind: str, name: str) -> Any:
    """Return a record of the cast with what its pages load."""
    if kind == "equipment":
        return get_equipment(world.equipment[name])
    if kind == "facility":
        return get_facility(world.facilities[name])
    return session.get_one(Organization, world.organizations[name])


def resource_named(world: World, kind: str, name: str, **columns: Any) -> Resource:
    """Write the resource of a machine, facility or organization of the cast, with columns."""
    resource = resource_of(record_of(world, kind, name))
    with unit_of_work():
        for column, value in columns.items():
            setattr(resource, column, value)
        session.add(resource)
    return resource


def say(*rows: Any) -> None:
    """Write rows as they are given."""
    with unit_of_work():
        session.add_all(rows)


def book(
    world: World,
    resource: Resource,
    person: str,
    *,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    status: str = "approved",
) -> Booking:
    """Write a booking of a person of the cast as it is, whatever the rules say."""
    booking = Booking(
        resource_id=resource.id,
        host_organization_id=resource.organization_id,
        organization_id=world.organizations[_ORGANIZATIONS[person]],
        user_id=world.users[person],
        booked_by_id=world.users[person],
        starts_at=starts_at,
        ends_at=ends_at,
        status=status,
        customer_class="other",
    )
    say(booking)
    return booking

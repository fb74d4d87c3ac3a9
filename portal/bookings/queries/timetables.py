"""What pages show of a resource's time: its days as blocks, and what could be booked along."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from portal.accounts.models import User
from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Resource
from portal.bookings.policies import Permission
from portal.bookings.queries.availability import Availability, Busy, availability
from portal.bookings.queries.bookings import RESOURCE_OPTIONS
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.free import crowded
from portal.bookings.rules.hours import local_date, merged, open_spans, without
from portal.bookings.rules.timetable import Block, Day, Table, day_span, draw, paint
from portal.facilities.models import Equipment, Facility
from portal.facilities.policies import Permission as FacilityPermission
from portal.kernel.authorization import NOBODY, Actor, visible
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.organizations.models import Membership, Organization

#: How far beyond what is shown the next free time is looked for.
LOOK_AHEAD = dt.timedelta(days=28)
_MARGIN = dt.timedelta(days=9)
#: So many bookings that wait for approval are shown in one timetable.
MOST_REQUESTED = 100
#: So many things of a host are offered to be booked along.
MOST_ALONG = 30
#: So many people are offered as those who will be there.
MOST_COLLEAGUES = 300


@dataclass(frozen=True)
class Week:
    """A week of a resource from Monday on, for one reader.

    date: the chosen day of it; today: the date at the resource; next_free: the first free time.
    """

    found: Availability
    date: dt.date
    today: dt.date
    days: tuple[Day, ...]
    table: Table
    next_free: Span | None


def load_week(
    actor: Actor,
    resource: Resource,
    date: dt.date | None,
    *,
    organization: Organization | None,
) -> Week:
    """Return the week of a date (or of today) of a resource that the actor sees.

    organization: for whom the actor would book; with nobody, free time is that of any customer.
    """
    moment = now()
    near = dt.datetime.combine(date or moment.date(), dt.time(), dt.UTC)
    # Whatever the zone turns out to be, the week of the date lies in it.
    window = Span(near - _MARGIN, max(near, moment) + _MARGIN + LOOK_AHEAD)
    (found,) = availability(actor, [resource], window, organization=organization)
    today = local_date(found.time_zone, moment)
    date = date or today
    monday = date - dt.timedelta(days=date.weekday())
    dates = [monday + dt.timedelta(days=number) for number in range(7)]
    shown = Span(
        day_span(found.time_zone, dates[0]).starts_at, day_span(found.time_zone, dates[6]).ends_at
    )
    layers = _layers(found, shown, list_requested(actor, resource, shown))
    days = tuple(paint(found.time_zone, one, layers) for one in dates)
    return Week(
        found=found,
        date=date,
        today=today,
        days=days,
        table=draw(days, found.hours, found.rules),
        next_free=next((span for span in found.free if span.ends_at > shown.starts_at), None),
    )


def _layers(found: Availability, shown: Span, requested: Sequence[Busy]) -> list[Block]:
    """Return what lies over each other, what matters most on top."""
    shut = without([shown], open_spans(found.hours, shown))
    if found.rules.capacity == 1:
        busy = [
            Block("busy", one.span, one if one.booking_id is not None else None)
            for one in found.busy
        ]
    else:
        full = crowded((one.span for one in found.busy), found.rules.capacity)
        busy = [Block("busy", span) for span in full]
    return [
        *(Block("free", span, span) for span in found.free),
        *(Block(one.kind, one.span, one) for one in found.closed),
        *(Block("shut", span) for span in shut),
        *(Block("requested", one.span, one) for one in requested),
        *busy,
    ]


def list_busy(resource: Resource, window: Span) -> list[Span]:
    """Return when nobody can book a resource since it is taken or closed, in order and apart.

    How many bookings there are in such a time is not to be seen.
    """
    (found,) = availability(NOBODY, [resource], window)
    taken = crowded((one.span for one in found.busy), found.rules.capacity)
    closed = (one.span for one in found.closed)
    return merged(
        Span(max(one.starts_at, window.starts_at), min(one.ends_at, window.ends_at))
        for one in (*taken, *closed)
    )


def list_requested(actor: Actor, resource: Resource, window: Span) -> list[Busy]:
    """Return what was asked for and not decided yet, as far as the actor may see it."""
    if resource.id is None or actor.user_id is None:
        return []
    rows = session.execute(
        select(
            Booking.starts_at,
            Booking.ends_at,
            Booking.id,
            Booking.status,
            Organization.name,
            Booking.purpose,
        )
        .join(Organization, Organization.id == Booking.organization_id)
        .where(
            Booking.resource_id == resource.id,
            Booking.status == "requested",
            Booking.starts_at < window.ends_at,
            Booking.ends_at > window.starts_at,
            visible(actor, Permission.BOOKING_VIEW),
        )
        .order_by(Booking.starts_at, Booking.id)
        .limit(MOST_REQUESTED)
    )
    return [Busy(*row) for row in rows]


def list_along(actor: Actor, resource: Resource) -> list[Resource]:
    """Return what of the same host can be booked along with a resource at one place.

    That is its facility with the bookable equipment in it, and the operators of the host.
    """
    equipment = resource.equipment
    facility_id = equipment.facility_id if equipment is not None else resource.facility_id
    places = [Resource.kind == "operator"]
    if facility_id is not None:
        places += [
            (Resource.facility_id == facility_id)
            & visible(actor, FacilityPermission.FACILITY_VIEW),
            (Equipment.facility_id == facility_id)
            & visible(actor, FacilityPermission.EQUIPMENT_VIEW),
        ]
    statement = (
        select(Resource)
        .outerjoin(Equipment, Equipment.id == Resource.equipment_id)
        .outerjoin(Facility, Facility.id == Resource.facility_id)
        .options(*RESOURCE_OPTIONS, joinedload(Resource.operator))
        .where(
            Resource.organization_id == resource.organization_id,
            Resource.id != (resource.id or 0),
            or_(*places),
            Resource.is_open,
        )
        .order_by(Resource.kind, Resource.name, Resource.id)
        .limit(MOST_ALONG)
    )
    return list(session.scalars(statement).unique())


def list_colleagues(organization_ids: Sequence[int]) -> list[tuple[int, str]]:
    """Return (id, name) of the people of some organizations by name, with theirs if several."""
    rows = session.execute(
        select(User.id, User.name, Organization.name)
        .join(Membership, Membership.user_id == User.id)
        .join(Organization, Organization.id == Membership.organization_id)
        .where(Membership.organization_id.in_(organization_ids))
        .order_by(Organization.name, User.name, User.id)
        .limit(MOST_COLLEAGUES)
    )
    names: dict[int, str] = {}
    for user_id, name, organization in rows:
        shown = name if len(organization_ids) == 1 else f"{name} ({organization})"
        names.setdefault(user_id, shown)
    return list(names.items())

"""Lists of bookings for people: their own, those a host decides about and expects, their desk."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import joinedload

from portal.bookings.models.booking import Booking, WaitingEntry
from portal.bookings.models.calendar import Resource
from portal.bookings.policies import Permission
from portal.bookings.queries.calendar import load_calendars
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.telling import write_times
from portal.bookings.rules.words import OPEN_STATUSES
from portal.kernel.authorization import Actor, visible
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.manifest import DeskItem, Hindrance
from portal.kernel.paging import Page, keyset_page
from portal.organizations.models import Organization

#: So many bookings stand in one part of a host's worklist.
MOST_LISTED = 100
#: The desk shows one's own bookings of the next days.
DESK_DAYS = 3
#: Whoever has not checked in after so many minutes is late.
LATE_MINUTES = 10

_OPTIONS = (
    joinedload(Booking.resource),
    joinedload(Booking.organization),
    joinedload(Booking.host),
    joinedload(Booking.user),
)


@dataclass(frozen=True)
class Listed:
    """A booking in a list, with its time as clocks at the resource show it."""

    booking: Booking
    when: str
    zone: str


@dataclass(frozen=True)
class HostedDay:
    """What a host looks after now: what waits for it, who is late, who is here or will come."""

    waiting: list[Listed]
    late: list[Listed]
    today: list[Listed]


def list_own_bookings(
    actor: Actor,
    *,
    is_over: bool = False,
    of_colleagues: bool = False,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Listed]:
    """Return a page of what the actor booked or comes to, the next first; over: the last.

    of_colleagues: what others booked for organizations of the actor instead.
    """
    moment = now()
    is_open = and_(Booking.status.in_(OPEN_STATUSES), Booking.ends_at > moment)
    found = keyset_page(
        (_of_colleagues(actor) if of_colleagues else _of(actor)).where(
            ~is_open if is_over else is_open
        ),
        [Booking.starts_at, Booking.id],
        cursor=cursor,
        limit=limit,
        descending=is_over,
    )
    return Page(_listed(found.items), found.next)


def list_hindrances(actor: Actor) -> list[Hindrance]:
    """Return what is booked for somebody and still to come, as hosts and colleagues count on it."""
    # Who booked for somebody else is no longer needed: that one comes.
    comes = func.coalesce(Booking.user_id, Booking.booked_by_id) == actor.user_id
    to_come = and_(Booking.status.in_(OPEN_STATUSES), Booking.ends_at > now())
    if session.scalar(select(Booking.id).where(comes, to_come).limit(1)) is None:
        return []
    return [Hindrance(_("Cancel what you have booked, or hand it over."), "/bookings")]


def _of(actor: Actor) -> Select[Any]:
    return select(Booking).options(*_OPTIONS).where(_is_own(actor))


def _of_colleagues(actor: Actor) -> Select[Any]:
    return (
        select(Booking)
        .options(*_OPTIONS)
        .where(
            visible(actor, Permission.BOOKING_VIEW),
            Booking.organization_id.in_(sorted(actor.memberships)),
            func.coalesce(~_is_own(actor), True),
        )
    )


def _is_own(actor: Actor) -> ColumnElement[bool]:
    return or_(Booking.user_id == actor.user_id, Booking.booked_by_id == actor.user_id)


def list_hosted(organization: Organization) -> HostedDay:
    """Return what the people of a host look after in the next day, the earliest first."""
    moment = now()
    tomorrow = moment + dt.timedelta(days=1)
    hosted = Booking.host_organization_id == organization.id
    waiting = _list(hosted, Booking.status == "requested", Booking.ends_at > moment)
    near = _list(
        hosted,
        Booking.status.in_(("approved", "in_use")),
        Booking.ends_at > moment,
        Booking.starts_at < tomorrow,
    )
    late = moment - dt.timedelta(minutes=LATE_MINUTES)
    is_late = {
        one.booking.id
        for one in near
        if one.booking.status == "approved" and one.booking.starts_at <= late
    }
    return HostedDay(
        waiting=waiting,
        late=[one for one in near if one.booking.id in is_late],
        today=[one for one in near if one.booking.id not in is_late],
    )


def list_coming(
    organization: Organization, *, cursor: str | None = None, limit: int = 30
) -> Page[Listed]:
    """Return a page of what is booked of a host after the next day, the earliest first."""
    found = keyset_page(
        select(Booking)
        .options(*_OPTIONS)
        .where(
            Booking.host_organization_id == organization.id,
            Booking.status == "approved",
            Booking.starts_at >= now() + dt.timedelta(days=1),
        ),
        [Booking.starts_at, Booking.id],
        cursor=cursor,
        limit=limit,
    )
    return Page(_listed(found.items), found.next)


def list_series(booking: Booking) -> list[Listed]:
    """Return all of a booking's series, or what was booked with it in one go; nothing if alone."""
    if booking.series_id is not None:
        return _list(Booking.series_id == booking.series_id)
    if booking.party is not None:
        return _list(Booking.party == booking.party)
    return []


def find_at_hand(actor: Actor, resource: Resource) -> Listed | None:
    """Return the actor's booking of a resource that is on or comes next, within the next day."""
    moment = now()
    found = session.scalars(
        _of(actor)
        .where(
            Booking.resource_id == resource.id,
            Booking.status.in_(("approved", "in_use")),
            Booking.ends_at > moment,
            Booking.starts_at < moment + dt.timedelta(days=1),
        )
        .order_by(Booking.starts_at, Booking.id)
        .limit(1)
    ).all()
    return next(iter(_listed(found)), None)


def _list(*conditions: ColumnElement[bool]) -> list[Listed]:
    return _listed(
        session.scalars(
            select(Booking)
            .options(*_OPTIONS)
            .where(*conditions)
            .order_by(Booking.starts_at, Booking.id)
            .limit(MOST_LISTED)
        ).all()
    )


def _listed(bookings: Sequence[Booking]) -> list[Listed]:
    zones = zones_of(booking.resource for booking in bookings)
    return [
        Listed(
            booking,
            write_times(Span(booking.starts_at, booking.ends_at), zones[booking.resource_id]),
            zones[booking.resource_id],
        )
        for booking in bookings
    ]


def zones_of(resources: Iterable[Resource]) -> dict[int, str]:
    """Return the time zones of written resources by their ids."""
    known = {resource.id: resource for resource in resources}
    calendars = load_calendars(list(known.values()))
    return {number: calendar.hours.zone for number, calendar in zip(known, calendars, strict=True)}


# The desk


def list_to_approve(actor: Actor, limit: int) -> list[DeskItem]:
    """Return what was asked for and waits for the actor's decision, the oldest first."""
    rows = session.scalars(
        select(Booking)
        .options(*_OPTIONS)
        .where(
            Booking.host_organization_id.in_(sorted(actor.organizations_as("owner", "manager"))),
            Booking.status == "requested",
            Booking.starts_at > now(),
        )
        .order_by(Booking.created_at, Booking.id)
        .limit(limit)
    ).all()
    return [
        DeskItem(
            _("%(name)s: %(when)s", name=one.booking.resource.name, when=one.when),
            f"/bookings/{one.booking.id}",
            one.booking.created_at,
            detail=" · ".join(
                part for part in (one.booking.organization.name, one.booking.purpose) if part
            ),
            action=_("Approve"),
            action_url=f"/bookings/{one.booking.id}/actions/approve",
        )
        for one in _listed(rows)
    ]


def list_next(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the actor's own bookings of the next days, the next first."""
    moment = now()
    rows = session.scalars(
        select(Booking)
        .options(*_OPTIONS)
        .where(
            Booking.user_id == actor.user_id,
            Booking.status.in_(("approved", "in_use")),
            Booking.ends_at > moment,
            Booking.starts_at < moment + dt.timedelta(days=DESK_DAYS),
        )
        .order_by(Booking.starts_at, Booking.id)
        .limit(limit)
    ).all()
    return [
        DeskItem(
            _("%(name)s: %(when)s", name=one.booking.resource.name, when=one.when),
            f"/bookings/{one.booking.id}",
            one.booking.created_at,
            detail=one.booking.host.name,
            action=_("Open the booking"),
        )
        for one in _listed(rows)
    ]


def list_offered(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the freed times that are kept for the actor, the first to lapse first."""
    rows = session.scalars(
        select(WaitingEntry)
        .options(joinedload(WaitingEntry.resource), joinedload(WaitingEntry.organization))
        .where(
            WaitingEntry.status == "offered",
            WaitingEntry.offered_until > now(),
            visible(actor, Permission.WAITING_LEAVE),
        )
        .order_by(WaitingEntry.offered_until, WaitingEntry.id)
        .limit(limit)
    ).all()
    zones = zones_of(entry.resource for entry in rows)
    return [
        DeskItem(
            _(
                "%(name)s is free: %(when)s",
                name=entry.resource.name,
                when=write_times(Span(entry.starts_at, entry.ends_at), zones[entry.resource_id]),
            ),
            "/bookings",
            entry.created_at,
            detail=_("It is kept for you for a while."),
            action=_("Book it"),
            action_url=f"/waiting/{entry.id}/accept",
        )
        for entry in rows
    ]

"""Reads of bookings and of those who wait, with what their pages show."""

import datetime as dt
from collections.abc import Mapping, Sequence

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, bindparam, or_, select
from sqlalchemy.orm import joinedload, load_only, selectinload

from portal.bookings.models.booking import (
    Booking,
    BookingMove,
    BookingOverride,
    WaitingEntry,
)
from portal.bookings.models.calendar import Resource
from portal.bookings.policies import Permission
from portal.bookings.queries.calendar import load_calendars
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.customers import customer_class_of
from portal.bookings.rules.words import OPEN_STATUSES
from portal.facilities.models import Equipment, Facility
from portal.facilities.rules import CUSTOMER_CLASSES
from portal.kernel.authorization import Actor, authorize, visible
from portal.kernel.clock import now
from portal.kernel.database import read_committed, session
from portal.kernel.errors import NotFound
from portal.kernel.manifest import Party
from portal.kernel.paging import Page, keyset_page
from portal.kernel.settled import settled_row
from portal.organizations.models import Organization
from portal.organizations.queries.profiles import list_organizations_of

_NAMED = load_only(Organization.name, Organization.kind, Organization.status)
#: What decides who sees a resource and may book it; the rest is read when it is asked for.
RESOURCE_OPTIONS = (
    joinedload(Resource.organization).options(_NAMED),
    joinedload(Resource.equipment).options(
        load_only(
            Equipment.name,
            Equipment.organization_id,
            Equipment.facility_id,
            Equipment.visibility,
            Equipment.created_by_id,
            Equipment.sharing_terms,
        ),
        joinedload(Equipment.organization).options(_NAMED),
        joinedload(Equipment.facility).load_only(Facility.name, Facility.organization_id),
    ),
    joinedload(Resource.facility).options(
        load_only(
            Facility.name,
            Facility.organization_id,
            Facility.visibility,
            Facility.created_by_id,
        ),
        joinedload(Facility.organization).options(_NAMED),
    ),
)
_OF_EQUIPMENT = (
    select(Resource)
    .options(*RESOURCE_OPTIONS)
    .where(Resource.equipment_id == bindparam("equipment_id"))
)
_OF_FACILITY = (
    select(Resource)
    .options(*RESOURCE_OPTIONS)
    .where(Resource.facility_id == bindparam("facility_id"))
)
_ORGANIZATION = (
    select(Organization)
    .options(
        load_only(
            Organization.name, Organization.kind, Organization.status, Organization.county_fips
        )
    )
    .where(Organization.id == bindparam("organization_id"))
)
BOOKING_OPTIONS = (
    joinedload(Booking.resource).options(*RESOURCE_OPTIONS),
    joinedload(Booking.organization),
    joinedload(Booking.host),
    joinedload(Booking.user),
    joinedload(Booking.booked_by),
    joinedload(Booking.series),
    selectinload(Booking.overrides).joinedload(BookingOverride.overridden_by),
    selectinload(Booking.moves).options(
        joinedload(BookingMove.moved_by),
        joinedload(BookingMove.was_user),
        # Most often it is the booking's own, which must not lose what was loaded with that.
        joinedload(BookingMove.was_resource).options(*RESOURCE_OPTIONS),
    ),
)


def get_resource(resource_id: int) -> Resource:
    """Return a resource with its record and organization. Raises NotFound."""
    resource = session.scalar(
        select(Resource).options(*RESOURCE_OPTIONS).where(Resource.id == resource_id)
    )
    if resource is None:
        raise NotFound(_("This is no longer here."))
    return resource


def find_resource(
    *, equipment_id: int | None = None, facility_id: int | None = None
) -> Resource | None:
    """Return the resource of equipment or of a facility, if one is written, whoever asks.

    It is kept: to be looked at.
    """
    values: dict[str, int | None]
    if equipment_id is not None:
        values = {"equipment_id": equipment_id}
        return settled_row(("resource of equipment", equipment_id), _OF_EQUIPMENT, values)
    values = {"facility_id": facility_id}
    return settled_row(("resource of facility", facility_id), _OF_FACILITY, values)


def find_own_organization(actor: Actor, organization_id: int) -> Organization | None:
    """Return an organization of the actor's, or None. It is kept: to be looked at."""
    if organization_id not in actor.memberships:
        return None
    key = ("organization", organization_id)
    return settled_row(key, _ORGANIZATION, {"organization_id": organization_id})


def list_bookers(actor: Actor, host_id: int) -> list[Organization]:
    """Return the organizations for which the actor could book something of a host.

    The host itself comes first, then member firms, academic ones, others: who belongs to several is
    told what holds for the first, and books for it, until they choose another.
    """
    if not actor.memberships:
        return []
    classes = list(CUSTOMER_CLASSES)
    return sorted(
        list_organizations_of(actor),
        key=lambda one: classes.index(customer_class_of(host_id, one.id, one.kind)),
    )


def find_only_organization(actor: Actor) -> Organization | None:
    """Return the actor's organization where there is only one that is not archived."""
    own = list(actor.memberships)
    if len(own) > 1:
        own = [organization.id for organization in list_organizations_of(actor)]
    return find_own_organization(actor, own[0]) if len(own) == 1 else None


def get_booking(booking_id: int) -> Booking:
    """Return a booking with all that belongs to it, whoever asks. Raises NotFound."""
    booking = session.scalar(
        select(Booking)
        .options(*BOOKING_OPTIONS)
        .where(Booking.id == booking_id)
        .execution_options(populate_existing=True)
    )
    if booking is None:
        raise NotFound()
    return booking


def load_bookings(ids: Sequence[int]) -> Mapping[int, Booking]:
    """Return those bookings that exist, with their resource and two sides, by number."""
    rows = session.scalars(
        select(Booking)
        .options(
            joinedload(Booking.resource).options(*RESOURCE_OPTIONS),
            joinedload(Booking.organization).options(_NAMED),
            joinedload(Booking.host).options(_NAMED),
        )
        .where(Booking.id.in_(ids))
    )
    return {row.id: row for row in rows}


def parties_of(booking: Booking) -> tuple[Party, ...]:
    """Return the two sides that talk about a booking: who books, and whose it is."""
    return Party(booking.organization_id, booking.organization.name), Party(
        booking.host_organization_id, booking.host.name
    )


def get_visible_booking(actor: Actor, booking_id: int) -> Booking:
    """Return a booking that the actor may see. Raises NotFound."""
    booking = get_booking(booking_id)
    authorize(actor, Permission.BOOKING_VIEW, booking)
    return booking


def list_bookings(
    actor: Actor,
    *,
    cursor: str | None = None,
    limit: int = 20,
    status: str = "",
    resource_id: int | None = None,
    organization_id: int | None = None,
    starts_from: dt.datetime | None = None,
    is_over: bool = False,
) -> Page[Booking]:
    """Return a page of the bookings that the actor sees, the earliest first.

    organization_id: whose it is, or who booked. is_over: those that have ended, the latest first.
    """
    statement = (
        select(Booking).options(*BOOKING_OPTIONS).where(visible(actor, Permission.BOOKING_VIEW))
    )
    if status:
        statement = statement.where(Booking.status == status)
    if resource_id is not None:
        statement = statement.where(Booking.resource_id == resource_id)
    if organization_id is not None:
        statement = statement.where(
            or_(
                Booking.organization_id == organization_id,
                Booking.host_organization_id == organization_id,
            )
        )
    if starts_from is not None:
        statement = statement.where(Booking.starts_at >= starts_from)
    if is_over:
        statement = statement.where(Booking.ends_at <= now())
    return keyset_page(
        statement,
        [Booking.starts_at, Booking.id],
        cursor=cursor,
        limit=limit,
        descending=is_over,
    )


def list_siblings(booking: Booking, scope: str) -> list[Booking]:
    """Return a booking, and with "following" or "all" those of its series that are still open."""
    if scope == "one" or booking.series_id is None:
        return [booking]
    statement = (
        select(Booking)
        .where(
            Booking.series_id == booking.series_id,
            Booking.id != booking.id,
            Booking.resource_id == booking.resource_id,
            Booking.status.in_(OPEN_STATUSES),
            Booking.ends_at > now(),
        )
        .order_by(Booking.starts_at, Booking.id)
        .limit(MOST_SIBLINGS)
        # As they are now that the resource is locked.
        .execution_options(populate_existing=True)
    )
    if scope == "following":
        statement = statement.where(Booking.starts_at >= booking.starts_at)
    return sorted([booking, *session.scalars(statement)], key=lambda one: (one.starts_at, one.id))


#: A series has no more bookings than one recurrence can make.
MOST_SIBLINGS = 500


def list_rivals(booking: Booking) -> list[Booking]:
    """Return what else was asked for at a time that overlaps a booking's, the oldest first."""
    return list(
        session.scalars(
            select(Booking)
            .where(
                Booking.resource_id == booking.resource_id,
                Booking.id != booking.id,
                Booking.status == "requested",
                _overlaps(Booking, Span(booking.starts_at, booking.ends_at)),
            )
            .order_by(Booking.id)
            .limit(MOST_SIBLINGS)
            .execution_options(populate_existing=True)
        )
    )


def find_by_key(user_id: int | None, key: str) -> int | None:
    """Return the number of the booking that a person made with an idempotency key, or None."""
    rows = read_committed(_OF_KEY, {"user_id": user_id, "key": key})
    return rows[0][0] if rows else None


_OF_KEY = select(Booking.id).where(
    Booking.booked_by_id == bindparam("user_id"), Booking.idempotency_key == bindparam("key")
)


def list_made_together(booking: Booking) -> list[Booking]:
    """Return what was made by one call with a booking: its series, its party, or itself alone."""
    if booking.series_id is not None:
        together = Booking.series_id == booking.series_id
    elif booking.party is not None:
        together = Booking.party == booking.party
    else:
        together = Booking.id == booking.id
    return list(
        session.scalars(
            select(Booking)
            .options(*BOOKING_OPTIONS)
            .where(together)
            .order_by(Booking.starts_at, Booking.id)
            .limit(MOST_SIBLINGS)
        )
    )


def list_due() -> list[tuple[Booking, str]]:
    """Return the bookings that the clock closes now, each with the step that it takes."""
    moment = now()
    over = _due(
        or_(
            and_(Booking.status.in_(("approved", "in_use")), Booking.ends_at <= moment),
            and_(Booking.status == "requested", Booking.starts_at <= moment),
        )
    )
    missed = _due(
        Booking.status == "approved", Booking.starts_at <= moment, Booking.ends_at > moment
    )
    calendars = load_calendars([booking.resource for booking in (*over, *missed)])
    due = []
    for booking, calendar in zip((*over, *missed), calendars, strict=True):
        grace = calendar.rules_for(booking.customer_class).no_show_minutes
        if booking.status == "requested":
            due.append((booking, "lapse"))
        elif booking.status == "in_use" or grace is None:
            if booking.ends_at <= moment:
                due.append((booking, "complete"))
        elif min(booking.starts_at + dt.timedelta(minutes=grace), booking.ends_at) <= moment:
            due.append((booking, "release"))
    return due


#: So many bookings are closed in one round of the clock.
_MOST_DUE = 500


def _due(*conditions: ColumnElement[bool]) -> list[Booking]:
    return list(
        session.scalars(
            select(Booking)
            .options(joinedload(Booking.resource))
            .where(*conditions)
            .order_by(Booking.starts_at, Booking.id)
            .limit(_MOST_DUE)
        )
    )


def _overlaps(model: type[Booking] | type[WaitingEntry], span: Span) -> ColumnElement[bool]:
    return and_(model.starts_at < span.ends_at, model.ends_at > span.starts_at)

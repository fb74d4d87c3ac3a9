"""Closures: which bookings they hit, what closes along with them, what others may read of them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import aliased, contains_eager, joinedload, selectinload

from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Closure, Resource
from portal.bookings.policies import Permission
from portal.bookings.queries.books import load_needs
from portal.bookings.queries.calendar import load_calendars
from portal.bookings.rules.attempt import NO_END, ClosedSpan, Span
from portal.bookings.rules.dependencies import reached
from portal.bookings.rules.recurrence import MOST_OCCURRENCES, occurrences, read_recurrence
from portal.bookings.rules.words import OPEN_STATUSES
from portal.facilities.models import Equipment
from portal.kernel.authorization import Actor, visible
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.errors import NotFound

#: How many bookings that a closure hits are shown at once, and looked through for one that repeats.
MOST_HIT = 100
MOST_LOOKED_THROUGH = 2000


def get_closure(resource: Resource, closure_id: int) -> Closure:
    """Return a closure of a resource with whom it is kept free for. Raises NotFound."""
    closure = session.scalar(
        select(Closure)
        .options(selectinload(Closure.allowed))
        .where(Closure.id == closure_id, Closure.resource_id == resource.id)
    )
    if closure is None:
        raise NotFound(_("This is no longer here."))
    return closure


def list_hit_bookings(resource: Resource, closure: Closure, limit: int = MOST_HIT) -> list[Booking]:
    """Return the bookings still to come that a closure of the resource hits, the first ones first.

    Those of everything that depends on the resource are among them.
    """
    first = Span(closure.starts_at, closure.ends_at or NO_END)
    ahead = Span(
        max(now(), first.starts_at), first.ends_at if closure.recurrence is None else NO_END
    )
    if ahead.starts_at >= ahead.ends_at:
        return []
    statement = (
        select(Booking)
        .options(
            joinedload(Booking.resource),
            joinedload(Booking.organization),
            joinedload(Booking.user),
        )
        .where(
            Booking.resource_id.in_(list_depending(resource)),
            Booking.status.in_(OPEN_STATUSES),
            Booking.starts_at < ahead.ends_at,
            Booking.ends_at > ahead.starts_at,
            Booking.organization_id.not_in([one.id for one in closure.allowed]),
        )
        .order_by(Booking.starts_at, Booking.id)
    )
    if closure.recurrence is None:
        return list(session.scalars(statement.limit(limit)))
    booked = session.scalars(statement.limit(MOST_LOOKED_THROUGH)).all()
    if not booked:
        return []
    times = occurrences(
        read_recurrence(closure.recurrence),
        first,
        load_calendars([resource])[0].hours.zone,
        most=MOST_OCCURRENCES,
        window=Span(ahead.starts_at, max(booking.ends_at for booking in booked)),
    )
    return [
        booking
        for booking in booked
        if any(time.overlaps(Span(booking.starts_at, booking.ends_at)) for time in times)
    ][:limit]


def list_coming_of_removed(organization_id: int) -> list[Booking]:
    """Return what is booked to come of an organization's things that were deleted since."""
    return list(
        session.scalars(
            select(Booking)
            .join(Booking.resource)
            .options(contains_eager(Booking.resource))
            .where(
                Resource.organization_id == organization_id,
                Resource.kind.in_(("equipment", "facility")),
                Resource.equipment_id.is_(None),
                Resource.facility_id.is_(None),
                Booking.status.in_(("requested", "approved")),
                Booking.ends_at > now(),
            )
            .order_by(Booking.resource_id, Booking.id)
        )
    )


def list_depending(resource: Resource) -> list[int]:
    """Return the resources that are closed along with one, itself included."""
    home = aliased(Resource)
    rows = session.execute(
        select(Resource.id, home.id)
        .outerjoin(Equipment, Equipment.id == Resource.equipment_id)
        .outerjoin(home, home.facility_id == Equipment.facility_id)
        .where(Resource.organization_id == resource.organization_id)
    ).all()
    if resource.kind == "organization":
        return sorted(resource_id for resource_id, _home_id in rows)
    closes: dict[int, list[int]] = defaultdict(list)
    for resource_id, home_id in rows:
        if home_id is not None:
            closes[home_id].append(resource_id)
    for resource_id, needed in load_needs(resource.organization_id).items():
        for needs_id in needed:
            closes[needs_id].append(resource_id)
    return sorted(reached(closes, resource.id))


def veil(actor: Actor, closed: Iterable[ClosedSpan]) -> tuple[ClosedSpan, ...]:
    """Return closures as the actor may read them: of what they do not see, neither name nor why."""
    given = tuple(closed)
    numbers = {one.place_id for one in given if one.place_id is not None}
    if not numbers:
        return given
    seen = set(
        session.scalars(
            select(Resource.id).where(
                Resource.id.in_(numbers), visible(actor, Permission.CALENDAR_VIEW)
            )
        )
    )
    return tuple(
        one
        if one.place_id is None or one.place_id in seen
        else replace(one, because_of="", reason="")
        for one in given
    )

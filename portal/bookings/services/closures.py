"""Commands that close things for a time, and cancel what that hits.

Closing cancels nothing by itself: who closes something that is booked is shown what is hit.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from portal.bookings.models.calendar import Closure, Resource
from portal.bookings.policies import Permission
from portal.bookings.queries.closures import (
    get_closure,
    list_coming_of_removed,
    list_hit_bookings,
)
from portal.bookings.rules.recurrence import read_recurrence
from portal.bookings.rules.words import BOOKINGS
from portal.bookings.services.calendar import keep_to, touch
from portal.kernel.authorization import Actor, authorize
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import lock, session
from portal.kernel.errors import Conflict, Invalid
from portal.organizations.models import Organization

MOST_CLOSURES = 200
MOST_ALLOWED = 30


@command(Permission.CALENDAR_EDIT)
def add_closure(
    actor: Actor,
    resource: Resource,
    *,
    kind: str,
    starts_at: dt.datetime,
    ends_at: dt.datetime | None,
    reason: str = "",
    is_planned: bool = True,
    recurrence: Mapping[str, Any] | None = None,
    allowed_ids: Collection[int] = (),
) -> Closure:
    """Close a resource, and what depends on it, for a time: `queries.list_hit_bookings` then says
    which bookings that hits.

    kind, recurrence: as of `Closure`. allowed_ids: the organizations a blocking is kept free for.
    Raises Invalid for a span or recurrence that cannot be.
    """
    keep_to(Closure, resource, MOST_CLOSURES)
    closure = Closure(resource_id=resource.id, created_by_id=actor.user_id, allowed=[])
    session.add(closure)
    _change_closure(closure, kind, starts_at, ends_at, reason, is_planned, recurrence, allowed_ids)
    session.flush()
    touch(resource)
    return closure


@command(Permission.CALENDAR_EDIT)
def change_closure(
    actor: Actor,
    resource: Resource,
    *,
    closure_id: int,
    kind: str,
    starts_at: dt.datetime,
    ends_at: dt.datetime | None,
    reason: str = "",
    is_planned: bool = True,
    recurrence: Mapping[str, Any] | None = None,
    allowed_ids: Collection[int] = (),
) -> Closure:
    """Change a closure as a whole; arguments as of `add_closure`."""
    closure = get_closure(resource, closure_id)
    _change_closure(closure, kind, starts_at, ends_at, reason, is_planned, recurrence, allowed_ids)
    touch(resource)
    return closure


@command(Permission.CALENDAR_EDIT)
def end_outage(actor: Actor, resource: Resource, *, closure_id: int) -> Closure:
    """Say that what was out of order works again, from now on."""
    closure = get_closure(resource, closure_id)
    moment = now()
    if closure.kind != "outage" or closure.recurrence is not None:
        raise Conflict(_("Only an outage that does not repeat can be ended."))
    if closure.starts_at >= moment:
        raise Conflict(_("This has not begun yet. Delete it instead."))
    if closure.ends_at is not None and closure.ends_at <= moment:
        raise Conflict(_("This is over already."))
    closure.ends_at = moment
    touch(resource)
    return closure


@command(Permission.CALENDAR_EDIT)
def remove_closure(actor: Actor, resource: Resource, *, closure_id: int) -> Resource:
    """Take a closure away, as if it had never been."""
    session.delete(get_closure(resource, closure_id))
    touch(resource)
    return resource


@command(Permission.CALENDAR_EDIT)
def cancel_hit_bookings(
    actor: Actor,
    resource: Resource,
    *,
    closure_id: int,
    booking_ids: Collection[int],
    reason: str,
) -> int:
    """Cancel bookings that a closure hits, all for one reason, and return how many.

    Their time is not offered to those who wait: it cannot be used. What is in use stays.
    """
    if not reason.strip():
        raise Invalid("reason", _("Please give a reason."))
    closure = get_closure(resource, closure_id)
    chosen = [
        hit
        for hit in list_hit_bookings(resource, closure)
        if hit.id in booking_ids and hit.status in ("requested", "approved")
    ]
    chosen.sort(key=lambda hit: (hit.resource_id, hit.id))
    at = now()
    for booking in chosen:
        lock(booking)
        authorize(actor, Permission.BOOKING_CANCEL, booking)
        booking.sequence += 1
        BOOKINGS.apply(actor, booking, "cancel", note=reason, at=at)
    return len(chosen)


@command(Permission.BOOKING_CLOSE)
def cancel_of_removed(actor: Actor, *, organization_id: int, reason: str) -> int:
    """Cancel what is booked of an organization's things that were deleted; return how many.

    What is in use stays, as do those that are over.
    """
    coming = list_coming_of_removed(organization_id)
    at = now()
    for booking in coming:
        lock(booking)
        # Whoever cancels at this moment has said so.
        if booking.status in BOOKINGS.transitions["cancel"].sources:
            booking.sequence += 1
            BOOKINGS.apply(actor, booking, "cancel", note=reason, at=at)
    return len(coming)


def _change_closure(
    closure: Closure,
    kind: str,
    starts_at: dt.datetime,
    ends_at: dt.datetime | None,
    reason: str,
    is_planned: bool,
    recurrence: Mapping[str, Any] | None,
    allowed_ids: Collection[int],
) -> None:
    if ends_at is not None and ends_at <= starts_at:
        raise Invalid("ends_at", _("Please give an end after the beginning."))
    if ends_at is None and kind != "outage":
        raise Invalid("ends_at", _("Only an outage may have no end yet."))
    if ends_at is None and recurrence is not None:
        raise Invalid("ends_at", _("What repeats needs an end of its first time."))
    closure.kind = kind
    closure.is_planned = is_planned or kind != "outage"
    closure.starts_at, closure.ends_at = starts_at, ends_at
    closure.reason = reason
    closure.recurrence = None
    if recurrence is not None:
        try:
            closure.recurrence = read_recurrence(recurrence).as_json()
        except ValueError as error:
            raise Invalid("recurrence", str(error)) from error
    wanted = set(allowed_ids) if kind == "blocking" else set()
    allowed = list(
        session.scalars(
            select(Organization).where(Organization.id.in_(wanted)).order_by(Organization.name)
        )
    )
    if len(allowed) != len(wanted) or len(wanted) > MOST_ALLOWED:
        raise Invalid("allowed", _("Please choose organizations that are listed here."))
    if kind == "blocking" and not wanted:
        raise Invalid("allowed", _("Please choose for whom it is kept free."))
    closure.allowed = allowed

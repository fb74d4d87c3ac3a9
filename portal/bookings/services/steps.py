"""Commands that take bookings a step on: decided, used, cancelled, closed by the clock."""

import datetime as dt
from collections.abc import Callable, Mapping

from flask_babel import gettext as _

from portal.bookings.events import SpanFreed
from portal.bookings.models.booking import (
    Booking,
    BookingMove,
)
from portal.bookings.models.calendar import Resource
from portal.bookings.policies import Permission
from portal.bookings.queries import bookings as queries
from portal.bookings.queries.calendar import load_rules
from portal.bookings.queries.situations import list_holding
from portal.bookings.rules.attempt import Situation, Span
from portal.bookings.rules.places import peak
from portal.bookings.rules.words import (
    BOOKINGS,
    EARLIEST_CHECK_IN_MINUTES,
    HOLDING_STATUSES,
    OPEN_STATUSES,
)
from portal.bookings.services.judging import (
    attempt_of,
    decides_about,
    find_place,
    judge,
    overrides_of,
    read_reason,
    span_of,
)
from portal.kernel.authorization import Actor, authorize
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import lock, session
from portal.kernel.errors import Conflict
from portal.kernel.outbox import record


@command(BOOKINGS.permission)
def act_on_booking(
    actor: Actor,
    booking: Booking,
    action: str,
    *,
    note: str = "",
    override_reason: str = "",
    scope: str = "one",
) -> Booking:
    """Take a step: approve, decline, check in or out, cancel, or note that nobody came.

    override_reason: why a host approves what breaks rules now. scope: "one", "following" or "all"
    of a series, for cancelling and deciding.
    Raises Conflict in a wrong state or at a wrong time, Refused when it cannot be approved.
    """
    transition = BOOKINGS.transitions[action]
    siblings = queries.list_siblings(booking, scope) if scope != "one" else [booking]
    at = now()
    for one in siblings:
        if one is not booking:
            if one.status not in transition.sources:
                continue
            authorize(actor, transition.permission, one)
        if action == "approve":
            _approve(actor, booking, one, read_reason(override_reason), at)
        elif action == "cancel":
            cancel(actor, booking.resource, one, note, at)
        else:
            _PREPARED.get(action, lambda _booking: None)(one)
            _step(actor, one, action, note, at)
    return booking


def _step(
    actor: Actor, booking: Booking, action: str, note: str = "", at: dt.datetime | None = None
) -> None:
    """Take a step, and say so when it frees time; at: the one time of those taken together."""
    held = booking.status in HOLDING_STATUSES
    booking.sequence += 1
    BOOKINGS.apply(actor, booking, action, note=note, at=at)
    if held and booking.status not in HOLDING_STATUSES and booking.ends_at > now():
        record(SpanFreed(booking.resource_id))


def _approve(
    actor: Actor, asked: Booking, booking: Booking, override_reason: str, at: dt.datetime
) -> None:
    if booking.status != "requested":
        _step(actor, booking, "approve")  # refuses in words
    resource = asked.resource
    span = span_of(booking)
    situation, overridden = judge(
        actor,
        resource,
        attempt_of(booking, span),
        asked.organization,
        override_reason,
        leaving_out=[booking.id],
        # The notice was given when it was asked for.
        about=lambda problem: problem.code != "too_soon",
    )
    booking.place = find_place(resource, span, situation)
    session.add_all(overrides_of(actor, booking, overridden, override_reason))
    _step(actor, booking, "approve", at=at)
    _decline_rivals(actor, resource, booking, situation)


def _decline_rivals(
    actor: Actor, resource: Resource, booking: Booking, situation: Situation
) -> None:
    """Decline the others that waited for the same time, where no place is left for them."""
    rivals = queries.list_rivals(booking)
    if not rivals:
        return
    holding = [one.span for one in list_holding(resource)]
    for rival in rivals:
        span = span_of(rival)
        if peak(_within(one, span) for one in holding if one.overlaps(span)) >= (
            situation.rules.capacity
        ):
            _step(actor, rival, "decline", _("Another booking was approved for this time."))


def _within(one: Span, span: Span) -> Span:
    return Span(max(one.starts_at, span.starts_at), min(one.ends_at, span.ends_at))


def cancel(
    actor: Actor,
    resource: Resource,
    booking: Booking,
    note: str,
    at: dt.datetime | None = None,
) -> None:
    """Cancel a booking within a command; at: the one time of those cancelled together.

    Raises Conflict where it is too late for that.
    """
    if booking.status in OPEN_STATUSES and booking.ends_at <= now():
        raise Conflict(_("This booking is over."))
    if booking.status == "approved" and not decides_about(actor, resource):
        if booking.starts_at <= now():
            raise Conflict(_("This booking has begun. Its host can cancel it."))
        notice = load_rules(resource, booking.customer_class).cancel_notice_minutes
        booking.is_cancelled_late = booking.starts_at < now() + dt.timedelta(minutes=notice)
    _step(actor, booking, "cancel", note, at)


def _prepare_check_in(booking: Booking) -> None:
    if booking.status != "approved":
        return
    if now() < booking.starts_at - dt.timedelta(minutes=EARLIEST_CHECK_IN_MINUTES):
        raise Conflict(
            _(
                "You can check in from %(minutes)d minutes before it begins.",
                minutes=EARLIEST_CHECK_IN_MINUTES,
            )
        )
    if now() >= booking.ends_at:
        raise Conflict(_("This booking is over."))
    booking.used_from = now()


def _prepare_check_out(booking: Booking) -> None:
    if booking.status != "in_use":
        return
    moment = now()
    booking.used_until = moment
    whole = moment.replace(second=0, microsecond=0) + dt.timedelta(minutes=1)
    ends_at = max(whole, booking.starts_at + dt.timedelta(minutes=1))
    if ends_at < booking.ends_at:
        session.add(
            BookingMove(
                booking_id=booking.id,
                was_from=booking.starts_at,
                was_until=booking.ends_at,
                was_user_id=booking.user_id,
                was_resource_id=booking.resource_id,
                moved_by_id=None,
                reason=_("Checked out early."),
            )
        )
        booking.ends_at = ends_at
        record(SpanFreed(booking.resource_id))


def _prepare_no_show(booking: Booking) -> None:
    if booking.status == "approved" and booking.starts_at > now():
        raise Conflict(_("This booking has not begun yet."))


_PREPARED: Mapping[str, Callable[[Booking], None]] = {
    "check_in": _prepare_check_in,
    "check_out": _prepare_check_out,
    "mark_no_show": _prepare_no_show,
}


@command(Permission.BOOKING_CLOSE)
def close_overdue(actor: Actor) -> int:
    """Release what nobody came for, complete what is over, let undecided ones lapse."""
    due = queries.list_due()
    done = 0
    for booking, action in sorted(due, key=lambda item: (item[0].resource_id, item[0].id)):
        was = span_of(booking)
        lock(booking)
        # What changed meanwhile is looked at again in the next round.
        if span_of(booking) != was or booking.status not in BOOKINGS.transitions[action].sources:
            continue
        if action == "complete" and booking.used_from is not None:
            booking.used_until = max(booking.ends_at, booking.used_from)
        _step(actor, booking, action)
        done += 1
    return done

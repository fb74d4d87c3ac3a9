"""Commands that change bookings: moved, handed over, described anew."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from portal.bookings.events import BookingMoved, SpanFreed
from portal.bookings.models.booking import (
    Booking,
    BookingMove,
)
from portal.bookings.models.calendar import Resource
from portal.bookings.policies import Permission
from portal.bookings.queries import bookings as queries
from portal.bookings.queries.calendar import load_hours
from portal.bookings.queries.charging import estimate_cents, paid_span
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.hours import instant_at
from portal.bookings.rules.refusal import Refused
from portal.bookings.rules.suggestions import MOST_ADVISED, MOST_FOR_EACH
from portal.bookings.rules.words import (
    BOOKINGS,
    HOLDING_STATUSES,
    OPEN_STATUSES,
    PERSONAL_PROBLEMS,
)
from portal.bookings.services.charging import report_usage
from portal.bookings.services.judging import (
    attempt_of,
    book,
    check_bookable,
    check_person,
    decides_about,
    find_place,
    judge,
    overrides_of,
    read_reason,
    read_wish,
    span_of,
    take_from_waiting_list,
    tell_together,
)
from portal.bookings.services.steps import cancel
from portal.kernel.authorization import Actor, authorize
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import lock, session
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.outbox import record
from portal.organizations.queries.people import find_membership


@dataclass(frozen=True)
class _Change:
    """Why something is changed. at: the one time by which all that changes along is told as one."""

    reason: str
    override_reason: str
    at: dt.datetime = field(default_factory=now)


@command(Permission.BOOKING_MOVE)
def move_booking(
    actor: Actor,
    booking: Booking,
    *,
    span: Span,
    reason: str = "",
    override_reason: str = "",
    scope: str = "one",
) -> Booking:
    """Move or resize a booking, under the rules as they are now; what it was is kept.

    scope: with "following" or "all" the others of its series move by the same time on the wall.
    What its own side moves is asked for again where the host approves, unless it lies within the
    time that was approved. Raises Refused with the problems, Conflict in a wrong state.
    """
    _check_movable(booking)
    if booking.status == "in_use" and span.starts_at != booking.starts_at:
        raise Conflict(_("It is in use: only its end can change."))
    return _move_all(actor, booking, booking.resource, span, reason, override_reason, scope)


@command(Permission.BOOKING_CREATE)
def move_to_resource(
    actor: Actor,
    resources: tuple[Resource, Resource],
    *,
    booking: Booking,
    span: Span | None = None,
    reason: str = "",
    override_reason: str = "",
    scope: str = "one",
) -> Booking:
    """Move a booking from the first of two resources to the second, perhaps to another time too.

    Both are of one kind: equipment, or facilities.
    Within one host it stays the same booking, as in `move_booking`. At another host, where only its
    own side can move it, it is a new one, which is returned, and the old one is cancelled under
    the rules for that: each host keeps what concerns it, and learns nothing of the other.
    """
    was, resource = resources
    lock(booking)
    authorize(actor, Permission.BOOKING_MOVE, booking)
    _check_movable(booking)
    if booking.resource_id != was.id or was.id == resource.id:
        raise Conflict(_("This booking is for something else already."))
    if booking.status == "in_use":
        raise Conflict(_("It is in use: only its end can change."))
    if resource.kind != was.kind:
        raise Invalid(None, _("Equipment is exchanged for equipment, a facility for a facility."))
    check_bookable(resource, booking.organization)
    span = span or span_of(booking)
    if resource.organization_id == booking.host_organization_id:
        return _move_all(actor, booking, resource, span, reason, override_reason, scope)
    authorize(actor, Permission.BOOKING_HAND_OVER, booking)
    if scope != "one":
        raise Invalid("scope", _("To another host they move one by one."))
    wish = read_wish(
        actor, booking.organization, booking.user_id, booking.purpose, read_reason(override_reason)
    )
    made = book(actor, resource, wish, span)
    for name, value in booking.use.items():
        setattr(made, name, value)
    made.usage_notes = _notes_of_its_side(booking)
    _estimate(made, resource)
    session.add(_what_it_was(actor, booking, _Change(reason, ""), made.id))
    cancel(actor, was, booking, reason)
    return made


def _notes_of_its_side(booking: Booking) -> str:
    """Return its notes, if nobody but its own side wrote them: what a host says stays with it."""
    writers = {step.actor_id for step in BOOKINGS.history(booking) if step.action == "plan_use"}
    is_own = writers and all(find_membership(booking.organization_id, one) for one in writers)
    return booking.usage_notes if is_own else ""


def _move_all(
    actor: Actor,
    booking: Booking,
    resource: Resource,
    span: Span,
    reason: str,
    override_reason: str,
    scope: str,
) -> Booking:
    """Move a booking, and those of its series that go along, to a time of a resource."""
    change = _Change(reason, read_reason(override_reason))
    siblings = [
        one
        for one in (queries.list_siblings(booking, scope) if scope != "one" else [booking])
        if one is booking or one.status in ("requested", "approved")
    ]
    shifted = {one.id: _shift(booking, span, one) for one in siblings}
    waiting = [one.id for one in siblings]
    if len(siblings) > 1:
        # One must not stand in the way of the next on its way.
        for one in siblings:
            one.place = -one.place
        session.flush()
    refusals: list[tuple[Resource, Span, Refused]] = []
    for one in siblings:
        if one is not booking:
            authorize(actor, Permission.BOOKING_MOVE, one)
        try:
            _move(
                actor,
                booking,
                one,
                resource,
                shifted[one.id],
                change,
                tuple(waiting),
            )
        except Refused as refusal:
            if len(siblings) == 1:
                raise
            refusals.append((resource, shifted[one.id], refusal))
        waiting.remove(one.id)
    _refuse(refusals, len(siblings))
    return booking


def _refuse(refusals: Sequence[tuple[Resource, Span, Refused]], times: int) -> None:
    """Raise all that stands against several of a series, each with its day, if anything does."""
    if refusals:
        raise Refused(
            tell_together(refusals, things=1, times=times),
            lambda: [
                replace(other, instead_of=one)
                for _resource, one, refusal in refusals[:MOST_ADVISED]
                for other in refusal.suggestions[:MOST_FOR_EACH]
            ],
        )


def _check_movable(booking: Booking) -> None:
    if booking.status not in OPEN_STATUSES or booking.ends_at <= now():
        raise Conflict(
            _(
                "This is not possible now: its state is “%(state)s”.",
                state=BOOKINGS.statuses[booking.status],
            )
            if booking.status not in OPEN_STATUSES
            else _("This booking is over.")
        )


def _shift(moved: Booking, span: Span, one: Booking) -> Span:
    """Return where one of a series goes when another one moves, on the clock of its place."""
    if one is moved:
        return span
    name = load_hours(moved.resource, span).zone
    zone = ZoneInfo(name)

    def wall(moment: dt.datetime) -> dt.datetime:
        return moment.astimezone(zone).replace(tzinfo=None)

    def shift(moment: dt.datetime, was: dt.datetime, becomes: dt.datetime) -> dt.datetime:
        local = wall(moment) + (wall(becomes) - wall(was))
        return instant_at(name, local.date(), local.hour * 60 + local.minute)

    return Span(
        shift(one.starts_at, moved.starts_at, span.starts_at),
        shift(one.ends_at, moved.ends_at, span.ends_at),
    )


def _move(
    actor: Actor,
    asked: Booking,
    booking: Booking,
    resource: Resource,
    span: Span,
    change: _Change,
    leaving_out: Sequence[int],
) -> None:
    was, was_resource_id = span_of(booking), booking.resource_id
    held, stays = booking.status in HOLDING_STATUSES, was_resource_id == resource.id
    situation, overridden = judge(
        actor,
        resource,
        attempt_of(booking, span),
        asked.organization,
        change.override_reason,
        leaving_out=leaving_out,
    )
    _keep_move(actor, booking, change)
    session.add_all(overrides_of(actor, booking, overridden, change.override_reason))
    is_within = stays and was.starts_at <= span.starts_at and span.ends_at <= was.ends_at
    is_sure = situation.rules.approval == "instant" or decides_about(actor, resource) or is_within
    if booking.status == "approved" and not is_sure:
        BOOKINGS.apply(actor, booking, "ask_again")
    place = 1
    if booking.status == "approved":
        place = find_place(resource, span, situation, leaving_out)
    elif booking.status == "in_use":
        place = find_place(resource, span, situation, leaving_out, place=abs(booking.place))
    # At once, since the database allows no state between.
    booking.starts_at, booking.ends_at, booking.place = span.starts_at, span.ends_at, place
    booking.resource_id = resource.id
    booking.resource = resource
    _estimate(booking, resource)
    session.flush()
    is_kept = (
        stays
        and booking.status in HOLDING_STATUSES
        and (span.starts_at <= was.starts_at and was.ends_at <= span.ends_at)
    )
    if held and not is_kept:
        record(SpanFreed(was_resource_id))
    if not stays:
        take_from_waiting_list(booking)


def _estimate(booking: Booking, resource: Resource) -> None:
    booking.estimate_cents = estimate_cents(
        resource, paid_span(booking), booking.customer_class, **booking.use
    )


def _keep_move(actor: Actor, booking: Booking, change: _Change) -> None:
    """Keep what a booking is before it changes, and let those who follow it know."""
    move = _what_it_was(actor, booking, change, booking.id)
    session.add(move)
    booking.sequence += 1
    session.flush()
    record(BookingMoved(booking.id, move.id, actor.user_id))


def _what_it_was(actor: Actor, booking: Booking, change: _Change, booking_id: int) -> BookingMove:
    return BookingMove(
        booking_id=booking_id,
        was_from=booking.starts_at,
        was_until=booking.ends_at,
        was_user_id=booking.user_id,
        was_resource_id=booking.resource_id,
        moved_by_id=actor.user_id,
        moved_at=change.at,
        reason=read_reason(change.reason),
    )


@command(Permission.BOOKING_HAND_OVER)
def hand_over_booking(
    actor: Actor,
    booking: Booking,
    *,
    user_id: int,
    reason: str = "",
    override_reason: str = "",
    scope: str = "one",
) -> Booking:
    """Give a booking to a colleague of the organization that booked, who must be allowed to use it.

    scope: "following" or "all" of a series go along, all or none.
    Raises Refused with what that person lacks, Invalid for somebody of another organization.
    """
    _check_movable(booking)
    check_person(booking.organization_id, user_id)
    change = _Change(reason, read_reason(override_reason))
    siblings = [one for one in queries.list_siblings(booking, scope) if one.user_id != user_id]
    refusals: list[tuple[Resource, Span, Refused]] = []
    for one in siblings:
        if one is not booking:
            authorize(actor, Permission.BOOKING_HAND_OVER, one)
        try:
            _hand_over(actor, booking, one, user_id, change)
        except Refused as refusal:
            if len(siblings) == 1:
                raise
            refusals.append((booking.resource, span_of(one), refusal))
    _refuse(refusals, len(siblings))
    return booking


def _hand_over(
    actor: Actor,
    asked: Booking,
    booking: Booking,
    user_id: int,
    change: _Change,
) -> None:
    _situation, overridden = judge(
        actor,
        asked.resource,
        attempt_of(booking, span_of(booking), user_id),
        asked.organization,
        change.override_reason,
        leaving_out=[booking.id],
        about=lambda problem: problem.code in PERSONAL_PROBLEMS,
    )
    _keep_move(actor, booking, change)
    session.add_all(overrides_of(actor, booking, overridden, change.override_reason))
    booking.user_id = user_id
    # The next of a series is judged with this one.
    session.flush()


@command(Permission.BOOKING_DESCRIBE)
def describe_booking(
    actor: Actor, booking: Booking, *, purpose: str, scope: str = "one"
) -> Booking:
    """Say anew what a booking, or those of its series, are for, as long as they are not over.

    What was said before stays in their history.
    """
    _check_movable(booking)
    purpose = purpose.strip()
    for one in queries.list_siblings(booking, scope):
        if one is not booking:
            authorize(actor, Permission.BOOKING_DESCRIBE, one)
        if one.purpose != purpose:
            BOOKINGS.apply(actor, one, "describe", note=one.purpose)
            one.purpose = purpose
            one.sequence += 1
    return booking


@command(Permission.BOOKING_MOVE)
def change_booking(
    actor: Actor,
    booking: Booking,
    *,
    span: Span,
    user_id: int | None,
    purpose: str,
    use: Mapping[str, Any],
    reason: str = "",
    override_reason: str = "",
    scope: str = "one",
) -> Booking:
    """Hand over, move and describe a booking, as far as what is given differs from what it is.

    use: what is planned, as `Booking.use` has it. What differs there is planned for the others of
    its series as well; the rest of their plans stays.
    """
    planned = {name: value for name, value in use.items() if value != booking.use[name]}
    said: dict[str, str] = {"reason": reason, "override_reason": override_reason, "scope": scope}
    if purpose != booking.purpose:
        describe_booking(actor, booking, purpose=purpose, scope=scope)
    if user_id is not None and user_id != booking.user_id:
        hand_over_booking(actor, booking, user_id=user_id, **said)
    if span != span_of(booking):
        move_booking(actor, booking, span=span, **said)
    for one in queries.list_siblings(booking, scope) if planned else ():
        report_usage(actor, one, notes=one.usage_notes, **{**one.use, **planned})
    return booking

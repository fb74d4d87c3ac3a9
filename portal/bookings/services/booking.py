"""Commands on bookings: made, decided, moved, handed over, used, cancelled, closed by the clock.

Each locks the resource first, then judges by what is written and writes, in one transaction.
"""

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from flask_babel import format_date
from flask_babel import gettext as _
from sqlalchemy import and_, bindparam, or_, select, update
from sqlalchemy.orm.attributes import set_committed_value

from portal.bookings.events import BookingMade, BookingMoved, SpanFreed
from portal.bookings.models.booking import (
    Booking,
    BookingMove,
    BookingOverride,
    BookingSeries,
    WaitingEntry,
)
from portal.bookings.models.calendar import Resource
from portal.bookings.policies import Permission
from portal.bookings.queries import bookings as queries
from portal.bookings.queries.calendar import load_hours, load_rules
from portal.bookings.queries.charging import estimate_cents
from portal.bookings.queries.situations import list_holding, list_suggestions, load_situation
from portal.bookings.rules.attempt import Attempt, Problem, Situation, Span
from portal.bookings.rules.customers import customer_class_of
from portal.bookings.rules.free import apart_among
from portal.bookings.rules.hours import instant_at
from portal.bookings.rules.places import deal_places, peak
from portal.bookings.rules.problems import find_problems
from portal.bookings.rules.recurrence import Recurrence, occurrences
from portal.bookings.rules.refusal import Refused
from portal.bookings.rules.words import (
    BOOKINGS,
    EARLIEST_CHECK_IN_MINUTES,
    HOLDING_STATUSES,
    OPEN_STATUSES,
    PERSONAL_PROBLEMS,
)
from portal.kernel.authorization import Actor, authorize, can
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import change_rows, lock, session, write
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.outbox import record
from portal.organizations.models import Organization
from portal.organizations.queries.people import find_membership

MOST_OCCURRENCES = 200
_LONGEST_REASON = 500


@dataclass(frozen=True)
class _Wish:
    """Who wants to book, for whom, what for, and why rules may be set aside."""

    organization: Organization
    user_id: int | None
    purpose: str
    override_reason: str


# Making bookings


@command(Permission.BOOKING_CREATE)
def create_booking(
    actor: Actor,
    resource: Resource,
    *,
    organization: Organization,
    span: Span,
    user_id: int | None = None,
    purpose: str = "",
    override_reason: str = "",
    recurrence: Recurrence | None = None,
    on_conflict: str = "refuse",
    idempotency_key: str | None = None,
) -> list[Booking]:
    """Book a resource for an organization, or ask for it where its host approves.

    user_id: who will be there, of the same organization; the actor, if nobody is named.
    override_reason: why a host sets broken rules aside; kept with each of them.
    recurrence: makes a booking of each occurrence; with `on_conflict` "skip" those that break a
    rule are left out, as long as one is left.
    idempotency_key: the same call again returns what the first one made.
    Raises Refused with all problems and suggestions, Invalid for a person of another organization
    and for a key that stands for another call.
    """
    wish = _wish(actor, organization, user_id, purpose, override_reason)
    return _create(actor, [resource], wish, span, recurrence, on_conflict, idempotency_key)


@command(Permission.BOOKING_CREATE)
def create_party(
    actor: Actor,
    resources: tuple[Resource, ...],
    *,
    organization: Organization,
    span: Span,
    user_id: int | None = None,
    purpose: str = "",
    override_reason: str = "",
    recurrence: Recurrence | None = None,
    on_conflict: str = "refuse",
    idempotency_key: str | None = None,
) -> list[Booking]:
    """Book several resources for one time, all of them or none (machine, bay and operator).

    The rest is as in `create_booking`; a recurrence is told by the clock of the first one's place,
    and an occurrence is left out as a whole.
    """
    wish = _wish(actor, organization, user_id, purpose, override_reason)
    return _create(
        actor, list(dict.fromkeys(resources)), wish, span, recurrence, on_conflict, idempotency_key
    )


@command(Permission.BOOKING_CREATE)
def create_booking_of_kind(
    actor: Actor,
    resources: tuple[Resource, ...],
    *,
    kind: str,
    organization: Organization,
    span: Span,
    user_id: int | None = None,
    purpose: str = "",
    idempotency_key: str | None = None,
) -> list[Booking]:
    """Book the first of several resources of a kind that can be booked at a time.

    kind: what the key stands for, since others may be free when the same call comes again.
    Raises Refused with what stands against the one that has the fewest problems.
    """
    wish = _wish(actor, organization, user_id, purpose, "")
    digest = _digest(wish, [], span, None, kind)
    if made := _made_before(actor, idempotency_key, digest):
        return made
    refusals: list[Refused] = []
    for resource in resources:
        _check_bookable(resource, organization)
        try:
            made = [_book(actor, resource, wish, span)]
        except Refused as refusal:
            refusals.append(refusal)
        else:
            if idempotency_key:
                made[0].idempotency_key, made[0].request_digest = idempotency_key, digest
            return made
    if not refusals:
        raise Conflict(_("There is nothing of this kind that can be booked."))
    raise min(refusals, key=lambda refusal: len(refusal.problems))


def _wish(
    actor: Actor, organization: Organization, user_id: int | None, purpose: str, reason: str
) -> _Wish:
    if organization.id not in actor.memberships and not actor.is_system:
        raise Invalid("organization_id", _("Please choose one of your organizations."))
    if organization.status != "active":
        raise Invalid("organization_id", _("This organization is archived."))
    user_id = actor.user_id if user_id is None else user_id
    if user_id != actor.user_id:
        _check_person(organization.id, user_id)
    return _Wish(organization, user_id, purpose.strip(), _reason(reason))


def _check_person(organization_id: int, user_id: int | None) -> None:
    if find_membership(organization_id, user_id) is None:
        raise Invalid("for_user", _("Please choose somebody of the organization that books."))


def _reason(reason: str) -> str:
    reason = reason.strip()
    if len(reason) > _LONGEST_REASON:
        raise Invalid("override_reason", _("Please use 500 characters at most."))
    return reason


def _check_bookable(resource: Resource, organization: Organization) -> None:
    if resource.is_gone:
        raise Conflict(_("This can no longer be booked."))
    if not resource.is_open_to(organization.id):
        raise Conflict(_("This cannot be booked here. Ask its organization to use it."))


def _digest(
    wish: _Wish,
    resources: Sequence[Resource],
    span: Span,
    recurrence: Recurrence | None = None,
    on_conflict: str = "",
) -> str:
    said = (
        sorted(resource.id for resource in resources),
        wish.organization.id,
        wish.user_id,
        wish.purpose,
        wish.override_reason,
        span.starts_at.isoformat(),
        span.ends_at.isoformat(),
        sorted(recurrence.as_json().items()) if recurrence else None,
        on_conflict,
    )
    return hashlib.blake2s(repr(said).encode(), digest_size=16).hexdigest()


def _made_before(actor: Actor, key: str | None, digest: str) -> list[Booking]:
    """Return what the same call made before, if anything."""
    number = queries.find_by_key(actor.user_id, key) if key else None
    first = queries.get_booking(number) if number is not None else None
    if first is None:
        return []
    if first.request_digest != digest:
        raise Invalid(
            "idempotency_key", _("This key was used for another booking. Please use a new one.")
        )
    return queries.list_made_together(first)


def _create(
    actor: Actor,
    resources: list[Resource],
    wish: _Wish,
    span: Span,
    recurrence: Recurrence | None,
    on_conflict: str,
    key: str | None,
) -> list[Booking]:
    """Book resources together, once or at each occurrence, unless the same call did so before."""
    digest = _digest(wish, resources, span, recurrence, on_conflict)
    if made := _made_before(actor, key, digest):
        return made
    for resource in resources:
        _check_bookable(resource, wish.organization)
    spans, series = [span], None
    if recurrence is not None:
        spans, series = _repeat(resources, span, recurrence)
    # In the order in which they are locked.
    ordered = sorted(resources, key=lambda resource: resource.id)
    call = (key, digest) if key else (None, None)
    made = _book_all(
        actor, wish, ordered, spans, series=series, skips=on_conflict == "skip", call=call
    )
    if key and made[0].idempotency_key is None:
        made[0].idempotency_key, made[0].request_digest = call
    return made


def _repeat(
    resources: Sequence[Resource], span: Span, recurrence: Recurrence
) -> tuple[list[Span], BookingSeries]:
    """Return when what repeats is, and the series of its bookings."""
    most = MOST_OCCURRENCES // len(resources)
    zone = load_hours(resources[0], span).zone
    spans = occurrences(recurrence, span, zone, most=most + 1)
    if not spans:
        raise Invalid("recurrence", _("It never repeats this way. Please look again."))
    if len(spans) > most:
        raise Invalid("recurrence", _("Please repeat it %(most)d times at most.", most=most))
    series = BookingSeries(recurrence=recurrence.as_json())
    session.add(series)
    session.flush()
    return spans, series


def _book_all(
    actor: Actor,
    wish: _Wish,
    resources: Sequence[Resource],
    spans: Sequence[Span],
    *,
    series: BookingSeries | None,
    skips: bool,
    call: tuple[str | None, str | None],
) -> list[Booking]:
    """Book all at all times, or (with `skips`) whenever all can be; else raise all problems."""
    if len(spans) == len(resources) == 1:
        return [_book(actor, resources[0], wish, spans[0], series=series, call=call)]
    made: list[Booking] = []
    refusals: list[tuple[Resource, Span, Refused]] = []
    for span in spans:
        try:
            # What was booked already of an occurrence that is left out must not stay.
            with session.begin_nested() if skips else nullcontext():
                made += _book_together(actor, wish, resources, span, series)
        except _NotWhole as error:
            refusals += [(resource, span, refusal) for resource, refusal in error.refusals]
    if refusals and not (skips and made):
        raise Refused(
            [
                replace(problem, message=f"{what}: {problem.message}")
                for resource, span, refusal in refusals
                for what in [_what(resource, span, resources, spans)]
                for problem in refusal.problems
            ]
        )
    return made


class _NotWhole(Exception):
    """Not all of what is booked together can be booked."""

    def __init__(self, refusals: list[tuple[Resource, Refused]]) -> None:
        super().__init__()
        self.refusals = refusals


def _book_together(
    actor: Actor,
    wish: _Wish,
    resources: Sequence[Resource],
    span: Span,
    series: BookingSeries | None,
) -> list[Booking]:
    """Book resources for one time; raise _NotWhole with all that stands against any of them."""
    party = secrets.token_hex(16) if len(resources) > 1 else None
    made: list[Booking] = []
    refusals: list[tuple[Resource, Refused]] = []
    for resource in resources:
        try:
            made.append(_book(actor, resource, wish, span, series=series, party=party))
        except Refused as refusal:
            refusals.append((resource, refusal))
    if refusals:
        raise _NotWhole(refusals)
    return made


def _what(
    resource: Resource, span: Span, resources: Sequence[Resource], spans: Sequence[Span]
) -> str:
    """Return which of several a problem is about: the resource, or the day of an occurrence."""
    zone = ZoneInfo(load_hours(resource, span).zone)
    told = [resource.name] if len(resources) > 1 else []
    if len(spans) > 1 or not told:
        told.append(format_date(span.starts_at.astimezone(zone), "medium"))
    return ", ".join(told)


def _book(
    actor: Actor,
    resource: Resource,
    wish: _Wish,
    span: Span,
    *,
    series: BookingSeries | None = None,
    party: str | None = None,
    call: tuple[str | None, str | None] = (None, None),
) -> Booking:
    customer_class = customer_class_of(
        resource.organization_id, wish.organization.id, wish.organization.kind
    )
    attempt = Attempt(span, wish.user_id, wish.organization.id, customer_class)
    situation, overridden = _judge(
        actor, resource, attempt, wish.organization, wish.override_reason
    )
    is_sure = situation.rules.approval == "instant" or _keeps(actor, resource)
    booking = write(
        Booking,
        resource_id=resource.id,
        host_organization_id=resource.organization_id,
        organization_id=wish.organization.id,
        user_id=wish.user_id,
        booked_by_id=actor.user_id,
        series_id=series.id if series else None,
        party=party,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        place=_find_place(resource, span, situation) if is_sure else 1,
        status="approved" if is_sure else "requested",
        purpose=wish.purpose,
        customer_class=customer_class,
        estimate_cents=estimate_cents(resource, span, customer_class),
        idempotency_key=call[0],
        request_digest=call[1],
    )
    overrides = _overrides_of(actor, booking, overridden, wish.override_reason)
    session.add_all(overrides)
    known = {
        "resource": resource,
        "organization": wish.organization,
        "overrides": overrides,
        "moves": [],
    }
    for name, value in known.items():
        set_committed_value(booking, name, value)
    record(BookingMade(booking.id, actor.user_id))
    _take_from_waiting_list(booking)
    return booking


def _keeps(actor: Actor, resource: Resource) -> bool:
    """Tell whether the actor decides about the resource."""
    return can(actor, Permission.BOOKING_OVERRIDE, resource)


def _judge(
    actor: Actor,
    resource: Resource,
    attempt: Attempt,
    organization: Organization,
    override_reason: str,
    *,
    leaving_out: Sequence[int] = (),
    about: Callable[[Problem], bool] = lambda _problem: True,
) -> tuple[Situation, list[Problem]]:
    """Return the situation and the problems that a host sets aside; else raise Refused.

    about: which problems count.
    """
    situation = load_situation(
        resource,
        organization=organization,
        user_id=attempt.user_id,
        window=attempt.span,
        leaving_out=leaving_out,
        reader=actor,
        is_binding=True,
    )
    problems = [problem for problem in find_problems(attempt, situation) if about(problem)]
    if problems and override_reason:
        authorize(actor, Permission.BOOKING_OVERRIDE, resource)
        if all(problem.overridable for problem in problems):
            return situation, problems
    if problems:
        raise Refused(
            problems,
            lambda: list_suggestions(
                resource, attempt, organization=organization, leaving_out=leaving_out
            ),
        )
    return situation, []


def _overrides(actor: Actor, problems: Sequence[Problem], reason: str) -> list[BookingOverride]:
    return [
        BookingOverride(
            code=problem.code,
            message=problem.message[:500],
            reason=reason,
            overridden_by_id=actor.user_id,
        )
        for problem in problems
    ]


def _find_place(
    resource: Resource,
    span: Span,
    situation: Situation,
    leaving_out: Sequence[int] = (),
    *,
    place: int | None = None,
) -> int:
    """Return a free place, after others that have not begun have changed theirs if need be.

    place: the one where it is in use.
    """
    if situation.rules.capacity == 1:
        return 1
    holding = list_holding(resource, leaving_out)
    dealt = deal_places(
        holding,
        span,
        situation.rules.capacity,
        apart_minutes=apart_among(holding, situation.rules),
        place=place,
    )
    if dealt is None:
        raise Conflict(_("All places are taken at this time."))
    others = {number: place for number, place in dealt.items() if number}
    if others:
        rows = session.scalars(
            select(Booking).where(Booking.id.in_(others)).order_by(Booking.id)
        ).all()
        # Two that change places would collide on the way, but for places that nobody has.
        for row in rows:
            row.place = -row.place
        session.flush()
        for row in rows:
            row.place = others[row.id]
        session.flush()
    return dealt[0]


def _take_from_waiting_list(booking: Booking) -> None:
    """Whoever books what was offered, or all of what they waited for, waits no longer.

    What was kept for them and is not booked now, or only asked for, is for the next in line.
    """
    taken = change_rows(
        _TAKE,
        {
            "number": booking.resource_id,
            "person": booking.user_id,
            "since": booking.starts_at,
            "until": booking.ends_at,
        },
    )
    if taken:
        record(SpanFreed(booking.resource_id))


_TAKE = (
    update(WaitingEntry.__table__)  # type: ignore[arg-type]
    .where(
        WaitingEntry.resource_id == bindparam("number"),
        WaitingEntry.user_id == bindparam("person"),
        or_(
            and_(
                WaitingEntry.status == "offered",
                WaitingEntry.starts_at < bindparam("until"),
                WaitingEntry.ends_at > bindparam("since"),
            ),
            and_(
                WaitingEntry.status == "waiting",
                WaitingEntry.starts_at >= bindparam("since"),
                WaitingEntry.ends_at <= bindparam("until"),
            ),
        ),
    )
    .values(status="taken", offered_until=None)
)


# Steps of the workflow


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
    for one in siblings:
        if one is not booking:
            if one.status not in transition.sources:
                continue
            authorize(actor, transition.permission, one)
        if action == "approve":
            _approve(actor, booking, one, _reason(override_reason))
        elif action == "cancel":
            _cancel(actor, booking.resource, one, note)
        else:
            _PREPARED.get(action, lambda _booking: None)(one)
            _step(actor, one, action, note)
    return booking


def _step(actor: Actor, booking: Booking, action: str, note: str = "") -> None:
    """Take a step, and say so when it frees time."""
    held = booking.status in HOLDING_STATUSES
    booking.sequence += 1
    BOOKINGS.apply(actor, booking, action, note=note)
    if held and booking.status not in HOLDING_STATUSES and booking.ends_at > now():
        record(SpanFreed(booking.resource_id))


def _approve(actor: Actor, asked: Booking, booking: Booking, override_reason: str) -> None:
    if booking.status != "requested":
        _step(actor, booking, "approve")  # refuses in words
    resource = asked.resource
    span = _span(booking)
    situation, overridden = _judge(
        actor,
        resource,
        _attempt(booking, span),
        asked.organization,
        override_reason,
        leaving_out=[booking.id],
        # The notice was given when it was asked for.
        about=lambda problem: problem.code != "too_soon",
    )
    booking.place = _find_place(resource, span, situation)
    session.add_all(_overrides_of(actor, booking, overridden, override_reason))
    _step(actor, booking, "approve")
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
        span = _span(rival)
        if peak(_within(one, span) for one in holding if one.overlaps(span)) >= (
            situation.rules.capacity
        ):
            _step(actor, rival, "decline", _("Another booking was approved for this time."))


def _within(one: Span, span: Span) -> Span:
    return Span(max(one.starts_at, span.starts_at), min(one.ends_at, span.ends_at))


def _cancel(actor: Actor, resource: Resource, booking: Booking, note: str) -> None:
    if booking.status in OPEN_STATUSES and booking.ends_at <= now():
        raise Conflict(_("This booking is over."))
    if booking.status == "approved" and not _keeps(actor, resource):
        if booking.starts_at <= now():
            raise Conflict(_("This booking has begun. Its host can cancel it."))
        notice = load_rules(resource, booking.customer_class).cancel_notice_minutes
        booking.is_cancelled_late = booking.starts_at < now() + dt.timedelta(minutes=notice)
    _step(actor, booking, "cancel", note)


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


def _span(booking: Booking) -> Span:
    return Span(booking.starts_at, booking.ends_at)


def _attempt(booking: Booking, span: Span, user_id: int | None = None) -> Attempt:
    return Attempt(
        span,
        booking.user_id if user_id is None else user_id,
        booking.organization_id,
        booking.customer_class,
        booking_id=booking.id,
        was=_span(booking),
    )


def _overrides_of(
    actor: Actor, booking: Booking, problems: Sequence[Problem], reason: str
) -> list[BookingOverride]:
    found = _overrides(actor, problems, reason)
    for override in found:
        override.booking_id = booking.id
    return found


# Moving


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
    _check_bookable(resource, booking.organization)
    span = span or _span(booking)
    if resource.organization_id == booking.host_organization_id:
        return _move_all(actor, booking, resource, span, reason, override_reason, scope)
    authorize(actor, Permission.BOOKING_HAND_OVER, booking)
    if scope != "one":
        raise Invalid("scope", _("To another host they move one by one."))
    wish = _wish(
        actor, booking.organization, booking.user_id, booking.purpose, _reason(override_reason)
    )
    made = _book(actor, resource, wish, span)
    session.add(_what_it_was(actor, booking, reason, made.id))
    _cancel(actor, was, booking, reason)
    return made


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
    override_reason = _reason(override_reason)
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
                reason,
                override_reason,
                tuple(waiting),
            )
        except Refused as refusal:
            if len(siblings) == 1:
                raise
            refusals.append((resource, shifted[one.id], refusal))
        waiting.remove(one.id)
    if refusals:
        raise Refused(
            [
                replace(problem, message=f"{_what(resource, one, [], [])}: {problem.message}")
                for resource, one, refusal in refusals
                for problem in refusal.problems
            ]
        )
    return booking


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
    reason: str,
    override_reason: str,
    leaving_out: Sequence[int],
) -> None:
    was, was_resource_id = _span(booking), booking.resource_id
    held, stays = booking.status in HOLDING_STATUSES, was_resource_id == resource.id
    situation, overridden = _judge(
        actor,
        resource,
        _attempt(booking, span),
        asked.organization,
        override_reason,
        leaving_out=leaving_out,
    )
    _keep_move(actor, booking, reason)
    session.add_all(_overrides_of(actor, booking, overridden, override_reason))
    is_within = stays and was.starts_at <= span.starts_at and span.ends_at <= was.ends_at
    is_sure = situation.rules.approval == "instant" or _keeps(actor, resource) or is_within
    if booking.status == "approved" and not is_sure:
        BOOKINGS.apply(actor, booking, "ask_again")
    place = 1
    if booking.status == "approved":
        place = _find_place(resource, span, situation, leaving_out)
    elif booking.status == "in_use":
        place = _find_place(resource, span, situation, leaving_out, place=abs(booking.place))
    # At once, since the database allows no state between.
    booking.starts_at, booking.ends_at, booking.place = span.starts_at, span.ends_at, place
    booking.resource_id = resource.id
    booking.resource = resource
    booking.estimate_cents = estimate_cents(
        resource,
        span,
        booking.customer_class,
        runs=booking.runs,
        samples=booking.samples,
        with_operator=booking.with_operator,
    )
    session.flush()
    is_kept = (
        stays
        and booking.status in HOLDING_STATUSES
        and (span.starts_at <= was.starts_at and was.ends_at <= span.ends_at)
    )
    if held and not is_kept:
        record(SpanFreed(was_resource_id))
    if not stays:
        _take_from_waiting_list(booking)


def _keep_move(actor: Actor, booking: Booking, reason: str) -> None:
    """Keep what a booking is before it changes, and let those who follow it know."""
    move = _what_it_was(actor, booking, reason, booking.id)
    session.add(move)
    booking.sequence += 1
    session.flush()
    record(BookingMoved(booking.id, move.id, actor.user_id))


def _what_it_was(actor: Actor, booking: Booking, reason: str, booking_id: int) -> BookingMove:
    return BookingMove(
        booking_id=booking_id,
        was_from=booking.starts_at,
        was_until=booking.ends_at,
        was_user_id=booking.user_id,
        was_resource_id=booking.resource_id,
        moved_by_id=actor.user_id,
        reason=_reason(reason),
    )


@command(Permission.BOOKING_HAND_OVER)
def hand_over_booking(
    actor: Actor,
    booking: Booking,
    *,
    user_id: int,
    reason: str = "",
    override_reason: str = "",
) -> Booking:
    """Give a booking to a colleague of the organization that booked, who must be allowed to use it.

    Raises Refused with what that person lacks, Invalid for somebody of another organization.
    """
    _check_movable(booking)
    if user_id == booking.user_id:
        return booking
    _check_person(booking.organization_id, user_id)
    override_reason = _reason(override_reason)
    _situation, overridden = _judge(
        actor,
        booking.resource,
        _attempt(booking, _span(booking), user_id),
        booking.organization,
        override_reason,
        leaving_out=[booking.id],
        about=lambda problem: problem.code in PERSONAL_PROBLEMS,
    )
    _keep_move(actor, booking, reason)
    session.add_all(_overrides_of(actor, booking, overridden, override_reason))
    booking.user_id = user_id
    return booking


@command(Permission.BOOKING_DESCRIBE)
def describe_booking(actor: Actor, booking: Booking, *, purpose: str) -> Booking:
    """Say anew what a booking is for, as long as it is not over."""
    _check_movable(booking)
    booking.purpose = purpose.strip()
    return booking


@command(Permission.BOOKING_MOVE)
def change_booking(
    actor: Actor,
    booking: Booking,
    *,
    span: Span,
    user_id: int | None,
    purpose: str,
    reason: str = "",
    override_reason: str = "",
    scope: str = "one",
) -> Booking:
    """Hand over, move and describe a booking, as far as what is given differs from what it is."""
    if purpose != booking.purpose:
        describe_booking(actor, booking, purpose=purpose)
    if user_id is not None and user_id != booking.user_id:
        hand_over_booking(
            actor, booking, user_id=user_id, reason=reason, override_reason=override_reason
        )
    if span != _span(booking):
        move_booking(
            actor, booking, span=span, reason=reason, override_reason=override_reason, scope=scope
        )
    return booking


# The clock


@command(Permission.BOOKING_CLOSE)
def close_overdue(actor: Actor) -> int:
    """Release what nobody came for, complete what is over, let undecided ones lapse."""
    due = queries.list_due()
    done = 0
    for booking, action in sorted(due, key=lambda item: (item[0].resource_id, item[0].id)):
        was = _span(booking)
        lock(booking)
        # What changed meanwhile is looked at again in the next round.
        if _span(booking) != was or booking.status not in BOOKINGS.transitions[action].sources:
            continue
        if action == "complete" and booking.used_from is not None:
            booking.used_until = max(booking.ends_at, booking.used_from)
        _step(actor, booking, action)
        done += 1
    return done

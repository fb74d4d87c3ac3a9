"""When something can be booked: the calendar's side of the rules, for spans of time."""

import datetime as dt
from collections.abc import Iterable, Sequence

from portal.bookings.rules.attempt import BookingRules, ClosedSpan, Situation, Span, Taken
from portal.bookings.rules.hours import (
    instant_at,
    is_on_slot,
    local_date,
    next_mark,
    open_spans,
    slot_marks,
    without,
)
from portal.bookings.rules.places import crowded

_REACH = dt.timedelta(days=1)
#: Five years: nobody books farther ahead, whatever rules say and whoever sets them aside.
FARTHEST_DAYS = 1826


def free_spans(
    situation: Situation,
    window: Span,
    *,
    user_id: int | None = None,
    organization_id: int | None = None,
) -> list[Span]:
    """Return when at least the shortest booking would find no problem of the calendar.

    What is given begins and ends on slots. user_id, organization_id: who wants to book; of nobody
    known, all buffers are kept and every blocking closes. Quotas and gates are not looked at.
    """
    rules, hours = situation.rules, situation.hours
    reached = [Span(earliest_start(situation), latest_end(situation)), window]
    if situation.window is not None:
        reached.append(situation.window)
    window = Span(max(one.starts_at for one in reached), min(one.ends_at for one in reached))
    if window.ends_at <= window.starts_at:
        return []
    closed = (one.span for one in situation.closed if not lets_in(one, organization_id))
    free = without(
        open_spans(hours, window),
        [*closed, *blocked_spans(situation.taken, rules, user_id=user_id)],
    )
    whole = (_on_slots(span, situation) for span in free)
    return [span for span in whole if span is not None and span.minutes >= rules.min_length_minutes]


def _on_slots(span: Span, situation: Situation) -> Span | None:
    """Return a free span from its first slot to the end of its last one."""
    starts_at = _mark(span, situation, is_end=False)
    ends_at = _mark(span, situation, is_end=True)
    if starts_at is None or ends_at is None or ends_at <= starts_at:
        return None
    return Span(starts_at, ends_at)


def _mark(span: Span, situation: Situation, *, is_end: bool) -> dt.datetime | None:
    hours, slot = situation.hours, situation.rules.slot_minutes
    edge = span.ends_at if is_end else span.starts_at
    mark = next_mark(hours, slot, edge, is_end=is_end)
    if mark is not None and span.starts_at <= mark <= span.ends_at:
        return mark
    if is_on_slot(hours, slot, edge, is_end=is_end):
        return edge
    # Seldom farther than a day away, so that not all slots of months are listed.
    near = Span(max(span.starts_at, edge - _REACH), min(span.ends_at, edge + _REACH))
    marks = slot_marks(hours, slot, near, are_ends=is_end) or slot_marks(
        hours, slot, span, are_ends=is_end
    )
    return (marks[-1] if is_end else marks[0]) if marks else None


def earliest_start(situation: Situation) -> dt.datetime:
    """Return from when on bookings may begin: now and the lead time."""
    return situation.now + dt.timedelta(minutes=situation.rules.lead_time_minutes)


def latest_end(situation: Situation) -> dt.datetime:
    """Return until when bookings may last: the end of the last day of the horizon."""
    return day_end(situation, horizon_days(situation.rules))


def horizon_days(rules: BookingRules) -> int:
    """Return how many days ahead one books at most."""
    return min(rules.horizon_days, FARTHEST_DAYS)


def day_end(situation: Situation, days: int) -> dt.datetime:
    """Return when the day ends that is so many days ahead."""
    zone = situation.hours.zone
    last = local_date(zone, situation.now) + dt.timedelta(days=days)
    return instant_at(zone, last + dt.timedelta(days=1))


def lets_in(closed: ClosedSpan, organization_id: int | None) -> bool:
    """Tell whether an organization may book through a blocking."""
    return organization_id in closed.allowed_organization_ids


def apart_minutes(rules: BookingRules) -> int:
    """Return how long a place is kept free between bookings of different people of one class."""
    return max(rules.turnaround_minutes, rules.buffer_before_minutes, rules.buffer_after_minutes)


def apart_from(one: Taken, rules: BookingRules, user_id: int | None) -> int:
    """Return how many minutes a person's booking keeps from another one: what either asks for."""
    if user_id is not None and one.user_id == user_id:
        return max(rules.turnaround_minutes, one.turnaround_minutes)
    return max(apart_minutes(rules), one.apart_minutes)


def apart_among(taken: Iterable[Taken], rules: BookingRules) -> int:
    """Return how long places are kept free where there are several: the longest of all.

    It does not matter whose they are, since which place one gets may still change.
    """
    return max([apart_minutes(rules), *(one.apart_minutes for one in taken)])


def blocked_spans(
    taken: Sequence[Taken], rules: BookingRules, *, user_id: int | None
) -> list[Span]:
    """Return where no booking may lie: where all places are taken, and the time to keep free."""
    if rules.capacity == 1:
        return [one.span.widened(apart := apart_from(one, rules, user_id), apart) for one in taken]
    return [one.widened(apart_among(taken, rules), 0) for one in kept_spans(taken, rules)]


def kept_spans(taken: Sequence[Taken], rules: BookingRules) -> list[Span]:
    """Return when all of several places are taken, or kept free after a booking.

    Neither a booking nor the time to keep free after it may lie there.
    """
    apart = apart_among(taken, rules)
    return crowded((one.span.widened(0, apart) for one in taken), rules.capacity)

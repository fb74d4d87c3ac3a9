"""What would work instead of an attempt that fails: a little sooner, later, shorter, or next."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from portal.bookings.rules.attempt import Attempt, BookingRules, Situation, Span
from portal.bookings.rules.free import free_spans
from portal.bookings.rules.hours import next_mark, slot_marks
from portal.bookings.rules.problems import find_problems

#: A booking is shifted by so many slots at most, and keeps at least this part of its length.
MOST_SLOTS = 4
LEAST_PART = 0.75
#: Of what repeats, so many times that cannot be had get suggestions, and so many each.
MOST_ADVISED = 3
MOST_FOR_EACH = 2
#: So far ahead the next free span is looked for, and so many are tried of each kind.
LOOK_AHEAD = dt.timedelta(days=14)
_MOST_TRIES = 12
_MINUTE = dt.timedelta(minutes=1)


@dataclass(frozen=True)
class Suggestion:
    """A span that would work. kind: "shift", "shorten" or "next_free".

    instead_of: which of several times it stands for; None where only one was asked for.
    """

    kind: str
    span: Span
    instead_of: Span | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what the API says of it."""
        said = {
            "kind": self.kind,
            "starts_at": self.span.starts_at.isoformat(),
            "ends_at": self.span.ends_at.isoformat(),
        }
        if self.instead_of is not None:
            said["instead_of"] = self.instead_of.starts_at.isoformat()
        return said


def suggest(attempt: Attempt, situation: Situation, *, most: int = 4) -> list[Suggestion]:
    """Return what would work instead, the nearest first; none of it has any problem.

    A shift by up to MOST_SLOTS slots either way, a shorter booking within the span, and the next
    free span, where that is another one. How far ahead depends on the situation's window.
    """
    others = situation
    if attempt.booking_id is not None:
        taken = tuple(one for one in situation.taken if one.booking_id != attempt.booking_id)
        others = replace(situation, taken=taken)
    around = Span(
        attempt.span.starts_at - (MOST_SLOTS + 1) * situation.rules.slot_minutes * _MINUTE,
        attempt.span.ends_at + LOOK_AHEAD,
    )
    free = free_spans(
        others,
        around,
        user_id=attempt.user_id,
        organization_id=attempt.organization_id,
    )
    found: list[Suggestion] = []
    for kind, spans in (
        ("shift", _shifted(attempt.span, situation, free, is_later=False)),
        ("shift", _shifted(attempt.span, situation, free, is_later=True)),
        ("shorten", _shortened(attempt.span, situation, free)),
        ("next_free", _next(attempt.span, situation, free)),
    ):
        span = next(
            (
                span
                for span in islice(spans, _MOST_TRIES)
                if all(span != other.span for other in found)
                and not find_problems(replace(attempt, span=span), situation)
            ),
            None,
        )
        if span is not None:
            found.append(Suggestion(kind, span))
    return found[:most]


def _length(span: Span, rules: BookingRules) -> dt.timedelta:
    """Return how long a booking may be that is as long as a span: whole slots within the rules."""
    slot = rules.slot_minutes
    least = -(-rules.min_length_minutes // slot) * slot
    wished = -(-int(span.minutes) // slot) * slot
    most = rules.max_length_minutes
    bounded = wished if most is None else min(wished, most // slot * slot)
    return max(least, bounded) * _MINUTE


def _shifted(
    wanted: Span, situation: Situation, free: Sequence[Span], *, is_later: bool
) -> Iterator[Span]:
    """Yield the same length, in whole slots, at the slots before or after, the nearest first."""
    hours, slot = situation.hours, situation.rules.slot_minutes
    length = _length(wanted, situation.rules)
    if abs(length - (wanted.ends_at - wanted.starts_at)) >= slot * _MINUTE:
        return
    begins, reach = wanted.starts_at, MOST_SLOTS * slot * _MINUTE
    near = Span(begins, begins + reach) if is_later else Span(begins - reach, begins)
    marks = slot_marks(hours, slot, near)
    for mark in marks if is_later else reversed(marks):
        span = Span(mark, mark + length)
        if mark != begins and _lies_in(span, free):
            yield span


def _lies_in(span: Span, free: Sequence[Span]) -> bool:
    return any(one.starts_at <= span.starts_at and span.ends_at <= one.ends_at for one in free)


def _shortened(wanted: Span, situation: Situation, free: Sequence[Span]) -> Iterator[Span]:
    """Yield what is free of the wanted span, the longest first, if it is enough of it."""
    hours, rules = situation.hours, situation.rules
    least = wanted.minutes * LEAST_PART
    pieces: list[Span] = []
    for one in free:
        if not one.overlaps(wanted):
            continue
        piece = Span(max(one.starts_at, wanted.starts_at), min(one.ends_at, wanted.ends_at))
        starts = slot_marks(hours, rules.slot_minutes, piece)
        ends = slot_marks(hours, rules.slot_minutes, piece, are_ends=True)
        if rules.max_length_minutes is not None and starts:
            longest = starts[0] + rules.max_length_minutes * _MINUTE
            ends = [end for end in ends if end <= longest]
        if starts and ends and Span(starts[0], ends[-1]).minutes >= least:
            pieces.append(Span(starts[0], ends[-1]))
    yield from sorted(pieces, key=lambda piece: -piece.minutes)


def _next(wanted: Span, situation: Situation, free: Sequence[Span]) -> Iterator[Span]:
    """Yield the same length at the first slot of each free span from the wanted start on."""
    length = _length(wanted, situation.rules)
    for one in free:
        starts_at = max(one.starts_at, wanted.starts_at)
        mark = _first_mark(Span(starts_at, one.ends_at), situation)
        if mark is not None and mark + length <= one.ends_at:
            yield Span(mark, mark + length)


def _first_mark(span: Span, situation: Situation) -> dt.datetime | None:
    """Return the first slot of a span, if one begins within its first day."""
    hours, slot = situation.hours, situation.rules.slot_minutes
    near = Span(span.starts_at, min(span.ends_at, span.starts_at + dt.timedelta(days=1)))
    mark = next_mark(hours, slot, near.starts_at, is_end=False)
    if mark is not None and mark <= near.ends_at:
        return mark
    return next(iter(slot_marks(hours, slot, near)), None)

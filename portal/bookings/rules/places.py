"""Which of a resource's places a booking gets, and how many are taken at the same time."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence

from portal.bookings.rules.attempt import Span, Taken
from portal.bookings.rules.hours import merged


def peak(spans: Iterable[Span]) -> int:
    """Return how many of the spans share one instant at most; one may begin when another ends."""
    return max((running for _moment, running in _steps(spans)), default=0)


def crowded(spans: Iterable[Span], least: int) -> list[Span]:
    """Return when at least so many of the spans share an instant: in order, apart."""
    found: list[Span] = []
    begins: dt.datetime | None = None
    for moment, running in _steps(spans):
        if begins is None and running >= least:
            begins = moment
        elif begins is not None and running < least:
            found.append(Span(begins, moment))
            begins = None
    return merged(found)


def _steps(spans: Iterable[Span]) -> Iterator[tuple[dt.datetime, int]]:
    """Yield each beginning and end, with how many spans run from then on."""
    steps = sorted(step for span in spans for step in ((span.starts_at, 1), (span.ends_at, -1)))
    running = 0
    for moment, step in steps:
        running += step
        yield moment, running


def deal_places(
    taken: Sequence[Taken],
    span: Span,
    capacity: int,
    *,
    apart_minutes: int = 0,
    place: int | None = None,
) -> Mapping[int, int] | None:
    """Return the places (from 1) of a new booking and of those that move for it, or None.

    The new one has the id 0. Whoever stays is not named; few move, and nobody whose place is
    fixed. None: more than `capacity` would share an instant.
    taken: all that may move, and all that overlaps those: of a resource with many places give
    everything that is not over.
    apart_minutes: kept free between two bookings of one place, where that can be done.
    place: the one that it must have, since it is in use there and only lasts longer.
    """
    wished = _deal(taken, span, capacity, dt.timedelta(minutes=apart_minutes), place)
    if wished is not None or not apart_minutes:
        return wished
    # Bookings may lie nearer than that, by an override or from before the rule.
    return _deal(taken, span, capacity, dt.timedelta(), place)


def _deal(
    taken: Sequence[Taken],
    span: Span,
    capacity: int,
    apart: dt.timedelta,
    wanted_place: int | None,
) -> Mapping[int, int] | None:
    spans = {one.booking_id: Span(one.span.starts_at, one.span.ends_at + apart) for one in taken}
    new = Span(span.starts_at, span.ends_at + apart)
    if peak([new, *(one for one in spans.values() if one.overlaps(new))]) > capacity:
        return None
    held: dict[int, list[Taken]] = {place: [] for place in range(1, capacity + 1)}
    for one in taken:
        held.setdefault(one.place, []).append(one)
    in_the_way = {
        place: [one for one in held[place] if spans[one.booking_id].overlaps(new)]
        for place in range(1, capacity + 1)
        if wanted_place in (None, place)
    }
    free = next((place for place, ones in in_the_way.items() if not ones), None)
    if free is not None:
        return {0: free}
    moves = [
        move
        for place, ones in in_the_way.items()
        if (move := _make_way(place, ones, spans, held, capacity)) is not None
    ]
    if moves:
        return min(moves, key=len)
    return _deal_anew(taken, spans, new, capacity, wanted_place)


def _make_way(
    place: int,
    ones: Sequence[Taken],
    spans: Mapping[int, Span],
    held: Mapping[int, Sequence[Taken]],
    capacity: int,
) -> dict[int, int] | None:
    """Return the moves that clear a place, each to a place that is free as it is, or None."""
    if any(one.is_fixed for one in ones):
        return None
    moves = {0: place}
    there = {
        other: [spans[one.booking_id] for one in held[other]]
        for other in range(1, capacity + 1)
        if other != place
    }
    for one in ones:
        wanted = spans[one.booking_id]
        free = next(
            (
                other
                for other, found in there.items()
                if not any(span.overlaps(wanted) for span in found)
            ),
            None,
        )
        if free is None:
            return None
        moves[one.booking_id] = free
        there[free].append(wanted)
    return moves


def _deal_anew(
    taken: Sequence[Taken],
    spans: Mapping[int, Span],
    new: Span,
    capacity: int,
    wanted_place: int | None,
) -> dict[int, int] | None:
    """Return the moves of a dealing of all places from one instant outwards, or None.

    Whoever is there at the instant comes first, then what begins after it in the order of its
    beginning, then what ends before it in the reverse order of its end. Then each finds a place as
    long as no more than `capacity` share an instant, wherever the first ones are. So the instant is
    one of those whose places are fixed: they are in use at the same time.
    """
    wanted = {**spans, 0: new}
    was = {one.booking_id: one.place for one in taken}
    fixed = {one.booking_id for one in taken if one.is_fixed}
    if wanted_place is not None:
        was[0] = wanted_place
        fixed.add(0)
    middle = max((wanted[one].starts_at for one in fixed), default=new.starts_at)

    def turn(booking_id: int) -> tuple[int, dt.timedelta]:
        span = wanted[booking_id]
        if booking_id in fixed:
            return 0, dt.timedelta()
        if span.ends_at <= middle:
            return 3, middle - span.ends_at
        return (1, dt.timedelta()) if span.starts_at <= middle else (2, span.starts_at - middle)

    dealt: dict[int, list[Span]] = {place: [] for place in range(1, capacity + 1)}
    moves = {} if wanted_place is None else {0: wanted_place}
    for booking_id in sorted(wanted, key=turn):
        span, place = wanted[booking_id], was.get(booking_id)
        free = [
            other for other, ones in dealt.items() if not any(one.overlaps(span) for one in ones)
        ]
        if place not in free:
            if booking_id in fixed and place not in dealt:
                continue  # at a place from before there were fewer
            if booking_id in fixed or not free:
                return None
            place = moves[booking_id] = free[0]
        dealt[place].append(span)
    return moves

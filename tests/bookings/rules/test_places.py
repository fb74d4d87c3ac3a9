"""Places of a resource: whoever fits by the count gets one, and few move for it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import combinations, product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from portal.bookings.rules.attempt import Span, Taken
from portal.bookings.rules.hours import without
from portal.bookings.rules.places import crowded, deal_places, peak

DAY = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


def hours(first: float, last: float) -> Span:
    return Span(DAY + dt.timedelta(hours=first), DAY + dt.timedelta(hours=last))


def taken(*found: tuple[int, float, float] | tuple[int, float, float, bool]) -> list[Taken]:
    """Bookings numbered from 1, each as (place, from, until[, is_fixed])."""
    return [
        Taken(number, hours(one[1], one[2]), 1, 1, one[0], one[3] if len(one) > 3 else False)
        for number, one in enumerate(found, 1)
    ]


@pytest.mark.parametrize(
    ("found", "span", "capacity", "expected"),
    [
        pytest.param([], (9, 10), 1, {0: 1}, id="nobody there"),
        pytest.param([(1, 8, 9), (1, 10, 11)], (9, 10), 1, {0: 1}, id="exactly between two"),
        pytest.param([(1, 9, 10)], (9.5, 10.5), 1, None, id="taken"),
        pytest.param([(1, 9, 10)], (9.5, 10.5), 2, {0: 2}, id="the second place"),
        pytest.param([(2, 9, 10)], (9.5, 10.5), 2, {0: 1}, id="the first place is free"),
        pytest.param([(1, 9, 10), (2, 9, 10)], (9.5, 10.5), 2, None, id="both taken"),
        pytest.param(
            [(1, 8, 10), (2, 11, 13)],
            (9, 12),
            2,
            {0: 1, 1: 2},
            id="first fit fails, one moves",
        ),
        pytest.param(
            [(1, 8, 10, True), (2, 11, 13)],
            (9, 12),
            2,
            {0: 2, 2: 1},
            id="the other one moves, since the first is in use",
        ),
        pytest.param(
            [(1, 8, 10, True), (2, 11, 13, True)],
            (9, 12),
            2,
            None,
            id="both are in use and neither moves",
        ),
        pytest.param(
            [(1, 8, 10), (2, 11, 13), (3, 8, 13)],
            (9, 12),
            3,
            {0: 1, 1: 2},
            id="with a full place beside",
        ),
        pytest.param(
            [(1, 11, 12), (1, 12, 13), (2, 13, 14)],
            (10.5, 13.5),
            2,
            {0: 2, 3: 1},
            id="the cheaper way of two",
        ),
        pytest.param([(3, 9, 12)], (9, 12), 2, {0: 1}, id="a place that is there no more"),
        pytest.param([(3, 9, 12), (1, 9, 12)], (9, 12), 2, None, id="which counts all the same"),
    ],
)
def test_a_booking_gets_a_place_and_few_move(
    found: Sequence[tuple[int, float, float]],
    span: tuple[float, float],
    capacity: int,
    expected: Mapping[int, int] | None,
) -> None:
    assert deal_places(taken(*found), hours(*span), capacity) == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param([(1, 8, 9), (2, 6, 7)], {0: 2}, id="the one that has been free for longer"),
        pytest.param([(1, 8, 9), (2, 10, 12)], {0: 1, 1: 2}, id="one moves for it"),
        pytest.param(
            [(1, 8, 9), (1, 10, 12), (2, 8, 9), (2, 10, 12)],
            {0: 1},
            id="none is, so as near as they lie",
        ),
        pytest.param([(1, 8, 8.5), (2, 10, 12)], {0: 1}, id="exactly as long as needed"),
        pytest.param([(1, 10.5, 12), (2, 10, 12)], {0: 1}, id="free long enough afterwards"),
    ],
)
def test_time_between_bookings_is_kept_where_it_can_be(
    found: list[tuple[int, float, float]], expected: Mapping[int, int]
) -> None:
    assert deal_places(taken(*found), hours(9, 10), 2, apart_minutes=30) == expected


# Properties.


@st.composite
def dealt(draw: st.DrawFn, *, most: int = 4, longest_day: int = 9) -> tuple[list[Taken], int]:
    """Bookings that fill several places with few gaps, so that first fit soon finds none."""
    capacity = draw(st.integers(2, most))
    found: list[Taken] = []
    for place in range(1, capacity + 1):
        steps = st.tuples(st.integers(0, 2), st.integers(2, 5))
        until = 0
        for gap, length in draw(st.lists(steps, min_size=longest_day // 2, max_size=longest_day)):
            begins, until = until + gap, until + gap + length
            span = hours(begins / 2, until / 2)
            found.append(Taken(len(found) + 1, span, 1, 1, place))
    return found, capacity


def rooms(found: Sequence[Taken], capacity: int) -> list[Span]:
    """All the time in which fewer than all places are taken, wherever that is."""
    return without([hours(0, 40)], crowded((one.span for one in found), capacity))


def at_once(found: Sequence[Taken], instant: Span) -> list[Taken]:
    """The same with those in use that run at one instant."""
    return [one._replace(is_fixed=one.span.overlaps(instant)) for one in found]


def check(found: Sequence[Taken], span: Span, capacity: int, moves: Mapping[int, int]) -> None:
    """Nobody shares a place, and nobody is named who stays or may not move."""
    was = {one.booking_id: one.place for one in found}
    after = {one.booking_id: (moves.get(one.booking_id, one.place), one.span) for one in found}
    after[0] = moves[0], span
    assert all(1 <= place <= capacity for place in moves.values())
    assert all(was[moved] != place for moved, place in moves.items() if moved)
    assert not {one.booking_id for one in found if one.is_fixed} & set(moves)
    for (place, one), (other_place, other) in combinations(after.values(), 2):
        assert place != other_place or not one.overlaps(other)


@settings(max_examples=100, deadline=None)
@given(world=dealt(), data=st.data())
def test_whoever_fits_by_the_count_gets_a_place(
    world: tuple[list[Taken], int], data: st.DataObject
) -> None:
    found, capacity = world
    span = data.draw(st.sampled_from(rooms(found, capacity)))
    moves = deal_places(found, span, capacity)
    assert moves is not None
    check(found, span, capacity, moves)
    wider = span.widened(0, 30)
    fits = peak([wider, *(one.span for one in found if one.span.overlaps(wider))]) <= capacity
    assert (deal_places(found, wider, capacity) is not None) is fits


@settings(max_examples=100, deadline=None)
@given(world=dealt(), data=st.data(), now=st.integers(0, 50))
def test_what_is_in_use_never_moves_and_everybody_else_finds_room(
    world: tuple[list[Taken], int], data: st.DataObject, now: int
) -> None:
    found, capacity = world
    found = at_once(found, hours(now / 2, now / 2 + 0.1))
    span = data.draw(st.sampled_from(rooms(found, capacity)))
    moves = deal_places(found, span, capacity)
    assert moves is not None
    check(found, span, capacity, moves)


def test_what_is_in_use_stays_where_it_is_when_it_lasts_longer() -> None:
    """The next one at its place goes to another one, and the one there in turn."""
    next_one = taken((1, 10, 11), (2, 8, 9))
    assert deal_places(next_one, hours(8, 10.5), 2, place=1) == {0: 1, 1: 2}
    full = taken((1, 10, 12), (2, 9, 10.5), (2, 11, 12))
    assert deal_places(full, hours(8, 10.5), 2, place=1) is None
    assert deal_places(taken((1, 10, 12, True)), hours(8, 10.5), 2, place=1) is None


@settings(max_examples=100, deadline=None)
@given(world=dealt(), data=st.data(), now=st.integers(0, 40))
def test_what_is_in_use_may_last_longer_whenever_the_count_allows(
    world: tuple[list[Taken], int], data: st.DataObject, now: int
) -> None:
    found, capacity = world
    found = at_once(found, hours(now / 2, now / 2 + 0.1))
    running = [one for one in found if one.is_fixed]
    assume(running)
    own = data.draw(st.sampled_from(running))
    others = [one for one in found if one is not own]
    ends_at = next(room.ends_at for room in rooms(others, capacity) if room.overlaps(own.span))
    span = Span(own.span.starts_at, ends_at)
    moves = deal_places(others, span, capacity, place=own.place)
    assert moves is not None
    assert moves[0] == own.place
    check(others, span, capacity, moves)


@settings(max_examples=100, deadline=None)
@given(world=dealt(), data=st.data())
def test_time_between_is_kept_whenever_the_count_allows(
    world: tuple[list[Taken], int], data: st.DataObject
) -> None:
    wide, capacity = world
    room = data.draw(st.sampled_from(rooms(wide, capacity)))
    assume(room.minutes > 30)
    found = [one._replace(span=one.span.widened(0, -30)) for one in wide]
    moves = deal_places(found, room.widened(0, -30), capacity, apart_minutes=30)
    assert moves is not None
    check(wide, room, capacity, moves)


@settings(max_examples=60, deadline=None)
@given(
    world=dealt(most=3, longest_day=2),
    begins=st.integers(0, 8),
    length=st.integers(1, 8),
    fixed=st.sets(st.integers(1, 6), max_size=3),
)
def test_nobody_moves_when_a_place_is_free_and_one_when_one_is_enough(
    world: tuple[list[Taken], int], begins: int, length: int, fixed: set[int]
) -> None:
    found, capacity = world
    found = [one._replace(is_fixed=one.booking_id in fixed) for one in found]
    span = hours(begins / 2, (begins + length) / 2)

    def fits(places: Sequence[int], own: int) -> bool:
        tried = [
            (own, span),
            *((place, one.span) for place, one in zip(places, found, strict=True)),
        ]
        return all(
            place != other_place or not one.overlaps(other)
            for (place, one), (other_place, other) in combinations(tried, 2)
        )

    ways = [
        sum(place != one.place for place, one in zip(places, found, strict=True))
        for places in product(range(1, capacity + 1), repeat=len(found))
        if not any(
            one.is_fixed and place != one.place for place, one in zip(places, found, strict=True)
        )
        for own in range(1, capacity + 1)
        if fits(places, own)
    ]
    moves = deal_places(found, span, capacity)
    if ways and min(ways) <= 1:
        assert moves is not None
        assert len(moves) - 1 == min(ways)
    if moves is not None:
        check(found, span, capacity, moves)
        assert ways

"""Spans of time: how two of them can lie to each other, and how many share an instant."""

import datetime as dt

import pytest

from portal.bookings.rules.attempt import Span
from portal.bookings.rules.hours import clipped, merged, without
from portal.bookings.rules.places import crowded, peak
from tests.bookings.rules.times import span

DAY = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


def hours(first: float, last: float) -> Span:
    return Span(DAY + dt.timedelta(hours=first), DAY + dt.timedelta(hours=last))


#: Allen's relations of one span to the span from 10 to 12.
RELATIONS = {
    "before": (hours(7, 9), False),
    "meets": (hours(8, 10), False),
    "overlaps": (hours(9, 11), True),
    "starts": (hours(10, 11), True),
    "during": (hours(10.5, 11.5), True),
    "finishes": (hours(11, 12), True),
    "equals": (hours(10, 12), True),
    "is finished by": (hours(9, 12), True),
    "contains": (hours(9, 13), True),
    "is started by": (hours(10, 13), True),
    "is overlapped by": (hours(11, 13), True),
    "is met by": (hours(12, 14), False),
    "after": (hours(13, 14), False),
}


@pytest.mark.parametrize("relation", RELATIONS)
def test_two_spans_overlap_when_they_share_an_instant(relation: str) -> None:
    one, is_shared = RELATIONS[relation]
    other = hours(10, 12)
    assert one.overlaps(other) is is_shared
    assert other.overlaps(one) is is_shared
    assert peak([one, other]) == (2 if is_shared else 1)
    assert bool(crowded([one, other], 2)) is is_shared
    assert bool(clipped([one], other)) is is_shared
    assert (without([other], [one]) == [other]) is not is_shared


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param([], 0, id="nothing"),
        pytest.param([(8, 9), (9, 10), (10, 11)], 1, id="one after the other"),
        pytest.param([(8, 10), (9, 11), (10, 12)], 2, id="three, of which two share an instant"),
        pytest.param([(8, 12), (8, 9), (11, 12)], 2, id="two within a long one, apart"),
        pytest.param([(8, 9)] * 3, 3, id="the same three times"),
        pytest.param([(8, 12), (9, 11), (10, 10.5), (11, 12)], 3, id="one within one within one"),
    ],
)
def test_capacity_is_a_matter_of_how_many_run_at_once(
    found: list[tuple[float, float]], expected: int
) -> None:
    assert peak(hours(*one) for one in found) == expected


def test_crowded_time_is_told_apart_from_its_quiet_sides() -> None:
    found = [hours(8, 12), hours(9, 10), hours(10, 11), hours(14, 15), hours(14.5, 16)]
    assert crowded(found, 2) == [hours(9, 11), hours(14.5, 15)]
    assert crowded(found, 1) == [hours(8, 12), hours(14, 16)]
    assert crowded(found, 3) == []


def test_merged_spans_are_in_order_apart_and_never_empty() -> None:
    assert merged([hours(3, 4), hours(1, 2), hours(2, 3), hours(6, 6), hours(7, 9)]) == [
        hours(1, 4),
        hours(7, 9),
    ]
    assert merged([hours(1, 9), hours(2, 3)]) == [hours(1, 9)]


@pytest.mark.parametrize(
    ("taken", "left"),
    [
        pytest.param([(8, 9)], [(9, 12), (13, 17)], id="the beginning"),
        pytest.param([(11, 14)], [(8, 11), (14, 17)], id="over a pause"),
        pytest.param([(9, 10), (14, 15)], [(8, 9), (10, 12), (13, 14), (15, 17)], id="twice"),
        pytest.param([(7, 18)], [], id="all"),
        pytest.param([(12, 13)], [(8, 12), (13, 17)], id="the pause alone"),
        pytest.param([(16, 20), (9, 16)], [(8, 9)], id="touching, out of order"),
    ],
)
def test_taken_time_is_cut_out_of_free_time(
    taken: list[tuple[float, float]], left: list[tuple[float, float]]
) -> None:
    free = [hours(8, 12), hours(13, 17)]
    assert without(free, [hours(*one) for one in taken]) == [hours(*one) for one in left]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("2026-03-02 09:00 / 10:30", 90),
        ("2026-03-07 23:00 / 2026-03-08 04:00", 240),
        ("2026-10-31 23:00 / 2026-11-01 04:00", 360),
        ("2026-12-31 23:30 / 2027-01-01 00:30", 60),
    ],
)
def test_a_span_is_as_long_as_it_really_lasts(text: str, minutes: int) -> None:
    assert span(text).minutes == minutes


def test_a_widened_span_keeps_time_on_both_sides() -> None:
    assert hours(10, 12).widened(30, 60) == hours(9.5, 13)

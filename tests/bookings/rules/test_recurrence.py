"""What repeats: days that some months lack, ends and exceptions, and the change of clocks."""

import datetime as dt
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.bookings.rules.attempt import Span
from portal.bookings.rules.recurrence import Recurrence, occurrences, read_recurrence
from tests.bookings.rules.times import HAVANA, NEW_YORK, span, walls


def days(given: dict[str, Any], first: str, most: int = 5) -> list[str]:
    """The dates on which something from 9 to 10 repeats."""
    found = occurrences(read_recurrence(given), span(f"{first} 09:00 / 10:00"), NEW_YORK, most=most)
    assert all(one.minutes == 60 for one in found)
    return [one.starts_at.date().isoformat()[2:] for one in found]


@pytest.mark.parametrize(
    ("given_", "first", "expected"),
    [
        pytest.param(
            {"frequency": "daily"},
            "2026-12-30",
            ["26-12-30", "26-12-31", "27-01-01", "27-01-02", "27-01-03"],
            id="daily over the end of the year",
        ),
        pytest.param(
            {"frequency": "daily", "interval": 3, "until": "2026-03-09"},
            "2026-03-02",
            ["26-03-02", "26-03-05", "26-03-08"],
            id="every third day until a date",
        ),
        pytest.param(
            {"frequency": "daily", "until": "2026-03-04"},
            "2026-03-02",
            ["26-03-02", "26-03-03", "26-03-04"],
            id="the last date is one of them",
        ),
        pytest.param(
            {"frequency": "daily", "until": "2026-03-01"}, "2026-03-02", [], id="over before it was"
        ),
        pytest.param(
            {"frequency": "weekly", "count": 3},
            "2026-03-04",
            ["26-03-04", "26-03-11", "26-03-18"],
            id="weekly on the weekday of the first",
        ),
        pytest.param(
            {"frequency": "weekly", "weekdays": [4, 0], "count": 5},
            "2026-03-02",
            ["26-03-02", "26-03-06", "26-03-09", "26-03-13", "26-03-16"],
            id="weekly on Mondays and Fridays",
        ),
        pytest.param(
            {"frequency": "weekly", "interval": 2, "weekdays": [0, 6], "count": 4},
            "2026-03-04",
            ["26-03-08", "26-03-16", "26-03-22", "26-03-30"],
            id="every other week, begun in its middle: weeks begin on Monday",
        ),
        pytest.param(
            {"frequency": "weekly", "weekdays": [1], "count": 2},
            "2026-03-02",
            ["26-03-03", "26-03-10"],
            id="a first day that does not fit is none",
        ),
        pytest.param(
            {"frequency": "monthly"},
            "2026-01-31",
            ["26-01-31", "26-03-31", "26-05-31", "26-07-31", "26-08-31"],
            id="the 31st, where there is one",
        ),
        pytest.param(
            {"frequency": "monthly", "month_day": 30, "count": 3},
            "2026-01-30",
            ["26-01-30", "26-03-30", "26-04-30"],
            id="the 30th, not in February",
        ),
        pytest.param(
            {"frequency": "monthly", "month_day": -1, "count": 4},
            "2027-12-31",
            ["27-12-31", "28-01-31", "28-02-29", "28-03-31"],
            id="the last day, in a leap year",
        ),
        pytest.param(
            {"frequency": "monthly", "interval": 12, "count": 3},
            "2028-02-29",
            ["28-02-29", "32-02-29", "36-02-29"],
            id="every year on February 29",
        ),
        pytest.param(
            {"frequency": "monthly", "nth": 5, "weekday": 4},
            "2026-01-30",
            ["26-01-30", "26-05-29", "26-07-31", "26-10-30", "27-01-29"],
            id="the fifth Friday, where there is one",
        ),
        pytest.param(
            {"frequency": "monthly", "nth": -1, "weekday": 4, "count": 3},
            "2026-01-30",
            ["26-01-30", "26-02-27", "26-03-27"],
            id="the last Friday",
        ),
        pytest.param(
            {"frequency": "monthly", "nth": 1, "weekday": 0, "interval": 2, "count": 3},
            "2026-11-02",
            ["26-11-02", "27-01-04", "27-03-01"],
            id="the first Monday of every other month",
        ),
        pytest.param(
            {"frequency": "weekly", "count": 3, "except_dates": ["2026-03-11"]},
            "2026-03-04",
            ["26-03-04", "26-03-18"],
            id="an exception is counted and left out",
        ),
        pytest.param(
            {"frequency": "daily", "count": 2, "except_dates": ["2026-03-02", "2026-03-03"]},
            "2026-03-02",
            [],
            id="nothing but exceptions",
        ),
    ],
)
def test_occurrences_fall_on_the_right_days(
    given_: dict[str, Any], first: str, expected: list[str]
) -> None:
    assert days(given_, first) == expected


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        pytest.param(
            "2026-03-07 09:00 / 10:00",
            ["03-07 09:00 1h", "03-08 09:00 1h", "03-09 09:00 1h"],
            id="in the morning, always at nine",
        ),
        pytest.param(
            "2026-03-07 22:00 / 2026-03-08 06:00",
            ["03-07 22:00 7h", "03-08 22:00 8h", "03-09 22:00 8h"],
            id="over the skip",
        ),
        pytest.param(
            "2026-03-07 01:30 / 02:30",
            ["03-07 01:30 1h", "03-08 01:30 0.5h", "03-09 01:30 1h"],
            id="ends at a time that is skipped",
        ),
        pytest.param(
            "2026-03-07 02:30 / 04:00",
            ["03-07 02:30 1.5h", "03-08 03:00 1h", "03-09 02:30 1.5h"],
            id="begins at a time that is skipped",
        ),
        pytest.param(
            "2026-03-07 02:00 / 03:00",
            ["03-07 02:00 1h", "03-09 02:00 1h", "03-10 02:00 1h"],
            id="is skipped altogether",
        ),
        pytest.param(
            "2026-10-31 22:00 / 2026-11-01 06:00",
            ["10-31 22:00 9h", "11-01 22:00 8h", "11-02 22:00 8h"],
            id="over the hour that comes twice",
        ),
        pytest.param(
            "2026-10-31 01:15 / 01:45",
            ["10-31 01:15 0.5h", "11-01 01:15 0.5h", "11-02 01:15 0.5h"],
            id="within it, the first time",
        ),
        pytest.param(
            "2026-11-01 01:15 again / 02:15",
            ["11-01 01:15 1h", "11-02 01:15 1h", "11-03 01:15 1h"],
            id="the first one as it was given, in the second hour",
        ),
    ],
)
def test_times_on_the_wall_stay_when_clocks_change(first: str, expected: list[str]) -> None:
    found = occurrences(Recurrence("daily"), span(first), NEW_YORK, most=3)
    assert walls(found) == expected


def test_days_that_begin_at_one_have_what_begins_at_midnight() -> None:
    found = occurrences(
        Recurrence("daily"), span("2026-03-07 00:00 / 02:00", HAVANA), HAVANA, most=2
    )
    assert walls(found, HAVANA) == ["03-07 00:00 2h", "03-08 01:00 1h"]


def test_a_long_span_repeats_over_several_days() -> None:
    """A blocking from Friday evening to Monday morning, seconds and all."""
    first = Span(
        dt.datetime(2026, 3, 6, 23, 0, 30, tzinfo=dt.UTC),
        dt.datetime(2026, 3, 9, 11, 0, 45, tzinfo=dt.UTC),
    )
    second = occurrences(Recurrence("weekly"), first, NEW_YORK, most=2)[1]
    # The clocks skipped an hour within the first one, so all is an hour earlier in UTC.
    assert second == Span(
        dt.datetime(2026, 3, 13, 22, 0, 30, tzinfo=dt.UTC),
        dt.datetime(2026, 3, 16, 11, 0, 45, tzinfo=dt.UTC),
    )


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        pytest.param(
            "2026-03-03 00:00 / 2026-03-05 00:00",
            ["03-02 22:00 8h", "03-03 22:00 8h", "03-04 22:00 8h"],
            id="two days and the night before",
        ),
        pytest.param("2026-03-03 05:00 / 20:00", ["03-02 22:00 8h"], id="one reaches into it"),
        pytest.param("2026-03-03 06:00 / 22:00", [], id="between two of them"),
        pytest.param("2020-01-01 00:00 / 2020-02-01 00:00", [], id="before the first"),
    ],
)
def test_only_what_overlaps_a_window_is_returned(window: str, expected: list[str]) -> None:
    first = span("2026-03-01 22:00 / 2026-03-02 06:00")
    found = occurrences(Recurrence("daily"), first, NEW_YORK, most=9, window=span(window))
    assert walls(found) == expected


def test_what_has_no_end_ends_when_enough_is_found() -> None:
    first = span("2026-03-02 09:00 / 10:00")
    assert len(occurrences(Recurrence("daily"), first, NEW_YORK, most=7)) == 7


@pytest.mark.parametrize("day", [30, 31])
def test_what_can_never_be_is_not_looked_for_until_the_end_of_time(day: int) -> None:
    never = Recurrence("monthly", interval=12, month_day=day)
    february, may = span("2026-02-02 09:00 / 10:00"), span("2026-05-02 09:00 / 10:00")
    assert occurrences(never, february, NEW_YORK, most=7) == []
    assert len(occurrences(never, may, NEW_YORK, most=7)) == 7


recurrences = st.one_of(
    st.builds(Recurrence, st.just("daily"), interval=st.integers(1, 40)),
    st.builds(
        Recurrence,
        st.just("weekly"),
        interval=st.integers(1, 9),
        weekdays=st.lists(st.integers(0, 6), unique=True, max_size=4).map(
            lambda found: tuple(sorted(found))
        ),
    ),
    st.builds(
        Recurrence,
        st.just("monthly"),
        interval=st.integers(1, 13),
        month_day=st.none() | st.integers(1, 31) | st.just(-1),
    ),
    st.builds(
        Recurrence,
        st.just("monthly"),
        interval=st.integers(1, 5),
        nth=st.integers(1, 5) | st.just(-1),
        weekday=st.integers(0, 6),
    ),
)


@settings(max_examples=80, deadline=None)
@given(
    recurrence=recurrences,
    day=st.integers(0, 400),
    length=st.integers(15, 4000),
    ahead=st.integers(0, 2000),
    until=st.none() | st.integers(0, 2000),
    count=st.none() | st.integers(1, 40),
)
def test_a_window_far_ahead_shows_what_counting_from_the_first_finds(
    recurrence: Recurrence,
    day: int,
    length: int,
    ahead: int,
    until: int | None,
    count: int | None,
) -> None:
    starts_at = dt.datetime(2026, 1, 1, 4, 30, tzinfo=dt.UTC) + dt.timedelta(days=day)
    first = Span(starts_at, starts_at + dt.timedelta(minutes=length))
    if until is not None:
        recurrence = Recurrence(
            **{**recurrence.__dict__, "until": starts_at.date() + dt.timedelta(days=until)}
        )
    elif count is not None:
        recurrence = Recurrence(**{**recurrence.__dict__, "count": count})
    window = Span(
        starts_at + dt.timedelta(days=ahead), starts_at + dt.timedelta(days=ahead + 30, hours=7)
    )
    everything = occurrences(recurrence, first, NEW_YORK, most=5000)
    assert all(one.starts_at < other.starts_at for one, other in pairwise(everything))
    assert occurrences(recurrence, first, NEW_YORK, most=5000, window=window) == [
        one for one in everything if one.overlaps(window)
    ]


@settings(max_examples=40, deadline=None)
@given(recurrence=recurrences, dates=st.frozensets(st.dates(), max_size=3))
def test_a_recurrence_is_read_as_it_was_written(
    recurrence: Recurrence, dates: frozenset[dt.date]
) -> None:
    recurrence = Recurrence(**{**recurrence.__dict__, "except_dates": dates})
    assert read_recurrence(recurrence.as_json()) == recurrence


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        (None, "how it repeats"),
        ("daily", "how it repeats"),
        ({}, "daily, weekly or monthly"),
        ({"frequency": "yearly"}, "daily, weekly or monthly"),
        ({"frequency": ["daily"]}, "daily, weekly or monthly"),
        ({"frequency": "daily", "interval": 0}, "“interval” as a whole number from 1 to 99"),
        ({"frequency": "daily", "interval": 1.5}, "“interval”"),
        ({"frequency": "daily", "interval": True}, "“interval”"),
        ({"frequency": "daily", "interval": "2"}, "“interval”"),
        ({"frequency": "daily", "count": 501}, "“count” as a whole number from 1 to 500"),
        ({"frequency": "daily", "count": 3, "until": "2027-01-01"}, "a last date or a number"),
        ({"frequency": "daily", "until": "soon"}, "dates like 2027-01-31"),
        ({"frequency": "daily", "until": 20270131}, "dates like 2027-01-31"),
        ({"frequency": "daily", "except_dates": "2027-01-31"}, "at most 500 dates"),
        ({"frequency": "daily", "except_dates": ["2027-01-31"] * 501}, "at most 500 dates"),
        ({"frequency": "daily", "except_dates": [None]}, "dates like 2027-01-31"),
        ({"frequency": "daily", "weekdays": [1]}, "what repeats weekly"),
        ({"frequency": "weekly", "weekdays": 1}, "numbers from 0 (Monday) to 6 (Sunday)"),
        ({"frequency": "weekly", "weekdays": [7]}, "numbers from 0 (Monday) to 6 (Sunday)"),
        ({"frequency": "weekly", "weekdays": ["mon"]}, "numbers from 0 (Monday) to 6 (Sunday)"),
        ({"frequency": "weekly", "month_day": 1}, "what repeats monthly"),
        ({"frequency": "weekly", "weekday": 0}, "what repeats monthly"),
        ({"frequency": "monthly", "month_day": 32}, "“month_day” as a whole number from 1 to 31"),
        ({"frequency": "monthly", "month_day": 0}, "“month_day”"),
        ({"frequency": "monthly", "nth": 6, "weekday": 0}, "“nth” as a whole number from 1 to 5"),
        ({"frequency": "monthly", "nth": 1}, "either a day of the month or"),
        ({"frequency": "monthly", "weekday": 1}, "either a day of the month or"),
        ({"frequency": "monthly", "nth": 1, "weekday": 0, "month_day": 3}, "either a day"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(given_: Any, words: str) -> None:
    with pytest.raises(ValueError, match=r"\.$") as refused:
        read_recurrence(given_)
    assert words in str(refused.value)

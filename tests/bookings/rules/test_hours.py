"""Opening hours as instants: weekdays, special dates, and the two nights on which clocks change."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.bookings.rules.attempt import Hours, Span
from portal.bookings.rules.hours import instant_at, is_on_slot, open_spans, slot_marks
from tests.bookings.rules.times import HAVANA, NEW_YORK, at, span, walls

SHOP = {
    **dict.fromkeys(range(4), (("08:00", "12:00"), ("13:00", "17:00"))),
    4: (("08:00", "12:00"),),
}
NIGHTS = dict.fromkeys(range(7), (("00:00", "06:00"), ("22:00", "24:00")))
ALWAYS = dict.fromkeys(range(7), (("00:00", "24:00"),))


def rows(*texts: str) -> dict[int, tuple[tuple[str, str], ...]]:
    """The same hours every day, from "08:00-12:00"."""
    return dict.fromkeys(range(7), tuple((text[:5], text[6:]) for text in texts))


@pytest.mark.parametrize(
    ("week", "window", "expected"),
    [
        pytest.param(
            SHOP,
            "2026-03-02 00:00 / 2026-03-03 00:00",
            ["03-02 08:00 4h", "03-02 13:00 4h"],
            id="several spans a day",
        ),
        pytest.param(
            SHOP,
            "2026-03-05 12:30 / 2026-03-09 09:00",
            ["03-05 13:00 4h", "03-06 08:00 4h", "03-09 08:00 1h"],
            id="over a weekend, clipped at the end",
        ),
        pytest.param(SHOP, "2026-03-07 00:00 / 2026-03-09 08:00", [], id="closed at weekends"),
        pytest.param(
            SHOP,
            "2026-03-02 09:00 / 10:00",
            ["03-02 09:00 1h"],
            id="a window within",
        ),
        pytest.param(SHOP, "2026-03-02 12:00 / 13:00", [], id="a window in the pause"),
        pytest.param(
            NIGHTS,
            "2026-03-02 12:00 / 2026-03-04 12:00",
            ["03-02 22:00 8h", "03-03 22:00 8h"],
            id="hours over midnight are one span",
        ),
        pytest.param(
            ALWAYS,
            "2026-03-02 12:00 / 2026-03-05 12:00",
            ["03-02 12:00 72h"],
            id="day and night",
        ),
        pytest.param(
            None, "2026-03-02 12:00 / 2026-03-05 12:00", ["03-02 12:00 72h"], id="always open"
        ),
        pytest.param({}, "2026-03-02 00:00 / 2026-03-09 00:00", [], id="never open"),
        # The spring night: 2 o'clock is 3 o'clock.
        pytest.param(
            ALWAYS,
            "2026-03-08 00:00 / 2026-03-09 00:00",
            ["03-08 00:00 23h"],
            id="the day of 23 hours",
        ),
        pytest.param(
            NIGHTS,
            "2026-03-07 12:00 / 2026-03-08 12:00",
            ["03-07 22:00 7h"],
            id="the short night shift",
        ),
        pytest.param(
            rows("01:00-05:00"),
            "2026-03-08 00:00 / 12:00",
            ["03-08 01:00 3h"],
            id="spring: open over the skip",
        ),
        pytest.param(
            rows("02:30-05:00"),
            "2026-03-08 00:00 / 12:00",
            ["03-08 03:00 2h"],
            id="spring: opens at a time that is skipped",
        ),
        pytest.param(
            rows("00:30-02:30"),
            "2026-03-08 00:00 / 12:00",
            ["03-08 00:30 1.5h"],
            id="spring: closes at a time that is skipped",
        ),
        pytest.param(
            rows("02:00-03:00"), "2026-03-08 00:00 / 12:00", [], id="spring: open when it is not"
        ),
        pytest.param(
            rows("00:00-02:15", "02:15-04:00"),
            "2026-03-08 00:00 / 12:00",
            ["03-08 00:00 3h"],
            id="spring: two that meet within the skip stay one",
        ),
        # The autumn night: from 1 to 2 o'clock twice.
        pytest.param(
            ALWAYS,
            "2026-11-01 00:00 / 2026-11-02 00:00",
            ["11-01 00:00 25h"],
            id="the day of 25 hours",
        ),
        pytest.param(
            NIGHTS,
            "2026-10-31 12:00 / 2026-11-01 12:00",
            ["10-31 22:00 9h"],
            id="the long night shift",
        ),
        pytest.param(
            rows("01:00-02:00"),
            "2026-11-01 00:00 / 12:00",
            ["11-01 01:00 2h"],
            id="autumn: open both times",
        ),
        pytest.param(
            rows("01:30-05:00"),
            "2026-11-01 00:00 / 12:00",
            ["11-01 01:30 4.5h"],
            id="autumn: opens the first time",
        ),
        pytest.param(
            rows("00:00-01:30"),
            "2026-11-01 00:00 / 12:00",
            ["11-01 00:00 1.5h"],
            id="autumn: closes the first time",
        ),
        pytest.param(
            rows("00:00-01:30", "01:30-03:00"),
            "2026-11-01 00:00 / 12:00",
            ["11-01 00:00 4h"],
            id="autumn: two that meet within the hour stay one",
        ),
    ],
)
def test_hours_of_weekdays_become_spans(
    week: dict[int, tuple[tuple[str, str], ...]] | None, window: str, expected: list[str]
) -> None:
    assert walls(open_spans(Hours(NEW_YORK, week), span(window))) == expected


@pytest.mark.parametrize(
    ("special", "expected"),
    [
        pytest.param((), ["03-02 08:00 4h", "03-02 13:00 4h"], id="closed on the date"),
        pytest.param(
            (("10:00", "11:00"), ("20:00", "24:00")),
            ["03-02 08:00 4h", "03-02 13:00 4h", "03-03 10:00 1h", "03-03 20:00 4h"],
            id="hours of its own",
        ),
    ],
)
def test_a_special_date_has_its_own_hours(
    special: tuple[tuple[str, str], ...], expected: list[str]
) -> None:
    hours = Hours(NEW_YORK, SHOP, {dt.date(2026, 3, 3): special})
    assert walls(open_spans(hours, span("2026-03-02 00:00 / 2026-03-04 00:00"))) == expected


def test_what_is_always_open_is_closed_on_its_special_date() -> None:
    hours = Hours(NEW_YORK, None, {dt.date(2026, 3, 3): ()})
    assert walls(open_spans(hours, span("2026-03-02 12:00 / 2026-03-05 00:00"))) == [
        "03-02 12:00 12h",
        "03-04 00:00 24h",
    ]


def test_the_weekday_is_the_one_of_the_place() -> None:
    """Monday 00:30 in UTC is still Sunday in New York."""
    mondays = Hours(NEW_YORK, {0: (("00:00", "24:00"),)})
    window = Span(dt.datetime(2026, 3, 2, tzinfo=dt.UTC), dt.datetime(2026, 3, 4, tzinfo=dt.UTC))
    assert open_spans(mondays, window) == [span("2026-03-02 00:00 / 2026-03-03 00:00")]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        pytest.param("2026-03-07", ["03-07 00:00 24h"], id="the day before the skip"),
        pytest.param("2026-03-08", ["03-08 01:00 23h"], id="the day that begins at 1"),
        pytest.param("2026-10-31", ["10-31 00:00 24h"], id="the day before the long one"),
        pytest.param("2026-11-01", ["11-01 00:00 25h"], id="the day whose first hour comes twice"),
    ],
)
def test_days_are_whole_where_clocks_change_at_midnight(day: str, expected: list[str]) -> None:
    date = dt.date.fromisoformat(day)
    weekday_alone = Hours(HAVANA, {date.weekday(): (("00:00", "24:00"),)})
    window = Span(
        dt.datetime.combine(date, dt.time(), dt.UTC) - dt.timedelta(days=1),
        dt.datetime.combine(date, dt.time(), dt.UTC) + dt.timedelta(days=3),
    )
    assert walls(open_spans(weekday_alone, window), HAVANA) == expected


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from([NEW_YORK, HAVANA, "Europe/Berlin", "Australia/Lord_Howe", "UTC"]),
    day=st.dates(dt.date(2026, 1, 1), dt.date(2027, 12, 31)),
    times=st.lists(st.integers(0, 24 * 60), min_size=2, max_size=8),
)
def test_times_of_a_day_stay_in_order_whatever_clocks_do(
    zone: str, day: dt.date, times: list[int]
) -> None:
    instants = [instant_at(zone, day, minutes) for minutes in sorted(times)]
    assert instants == sorted(instants)
    assert instant_at(zone, day, 24 * 60) == instant_at(zone, day + dt.timedelta(days=1))


# Slots.


@pytest.mark.parametrize(
    ("slot", "text", "fits"),
    [
        pytest.param(15, "2026-03-02 09:15 / 10:30", True, id="quarters of an hour"),
        pytest.param(15, "2026-03-02 09:10 / 10:30", False, id="begins between"),
        pytest.param(15, "2026-03-02 09:15 / 10:31", False, id="ends between"),
        pytest.param(15, "2026-03-02 09:15:01 / 10:30", False, id="a second too late"),
        pytest.param(60, "2026-03-02 08:00 / 12:00", True, id="the whole morning"),
        pytest.param(45, "2026-03-02 08:45 / 09:30", True, id="counted from the opening"),
        pytest.param(45, "2026-03-02 09:00 / 09:45", False, id="not counted from midnight"),
        pytest.param(90, "2026-03-02 13:00 / 16:00", True, id="counted anew after the pause"),
        pytest.param(90, "2026-03-02 14:00 / 15:30", False, id="not counted over the pause"),
        pytest.param(60, "2026-03-08 01:00 / 04:00", True, id="over the skip"),
        pytest.param(120, "2026-03-08 04:00 / 08:00", True, id="after the skip as on the wall"),
        pytest.param(60, "2026-11-01 01:00 / 01:00 again", True, id="the hour that comes twice"),
        pytest.param(120, "2026-11-01 04:00 / 08:00", True, id="after it as on the wall"),
    ],
)
def test_bookings_begin_and_end_on_slots(slot: int, text: str, fits: bool) -> None:
    hours = Hours(NEW_YORK, SHOP if text < "2026-03-03" else ALWAYS)
    wanted = span(text)
    found = is_on_slot(hours, slot, wanted.starts_at, is_end=False) and is_on_slot(
        hours, slot, wanted.ends_at, is_end=True
    )
    assert found is fits


def test_slots_are_those_of_open_hours() -> None:
    window = span("2026-03-02 10:00 / 14:30")
    hours = Hours(NEW_YORK, SHOP)
    assert slot_marks(hours, 60, window) == [
        at(f"2026-03-02 {time}") for time in ("10:00", "11:00", "13:00", "14:00")
    ]
    assert slot_marks(hours, 60, window, are_ends=True) == [
        at(f"2026-03-02 {time}") for time in ("10:00", "11:00", "12:00", "14:00")
    ]


def test_every_hour_of_both_nights_is_a_slot() -> None:
    hours = Hours(NEW_YORK, ALWAYS)
    spring = slot_marks(hours, 60, span("2026-03-08 00:00 / 05:00"))
    autumn = slot_marks(hours, 60, span("2026-11-01 00:00 / 05:00"))
    assert spring == [
        at(f"2026-03-08 {time}") for time in ("00:00", "01:00", "03:00", "04:00", "05:00")
    ]
    assert autumn == [
        at(f"2026-11-01 {time}")
        for time in ("00:00", "01:00", "01:00 again", "02:00", "03:00", "04:00", "05:00")
    ]


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from([NEW_YORK, HAVANA, "Australia/Lord_Howe"]),
    date=st.dates(dt.date(2026, 2, 25), dt.date(2026, 11, 10)),
    slot=st.sampled_from([5, 15, 20, 30, 45, 50, 60, 90, 480]),
    week=st.sampled_from([None, SHOP, NIGHTS, ALWAYS, rows("00:30-02:30", "02:30-09:15")]),
    are_ends=st.booleans(),
)
def test_what_is_listed_as_a_slot_is_one(
    zone: str,
    date: dt.date,
    slot: int,
    week: dict[int, tuple[tuple[str, str], ...]] | None,
    are_ends: bool,
) -> None:
    hours = Hours(zone, week)
    window = Span(instant_at(zone, date), instant_at(zone, date, 36 * 60))
    marks = slot_marks(hours, slot, window, are_ends=are_ends)
    assert all(is_on_slot(hours, slot, mark, is_end=are_ends) for mark in marks)
    assert marks == sorted(set(marks))

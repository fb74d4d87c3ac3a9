"""Days as people read them: blocks without a gap, and tables that keep to the clock on the wall."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from portal.bookings.rules.attempt import BookingRules, Hours, Span
from portal.bookings.rules.timetable import (
    Block,
    Table,
    day_span,
    draw,
    moments_at,
    paint,
    starts_in,
    usual_end,
)

ZONE = "America/New_York"
PLAIN = dt.date(2027, 3, 2)
FORWARD = dt.date(2027, 3, 14)
BACK = dt.date(2027, 11, 7)
WORKDAY = Hours(ZONE, dict.fromkeys(range(7), (("08:00", "17:00"),)))


def at(date: dt.date, time: str, fold: int = 0) -> dt.datetime:
    hour, minute = time.split(":")
    local = dt.datetime(
        date.year, date.month, date.day, int(hour), int(minute), fold=fold, tzinfo=ZoneInfo(ZONE)
    )
    return local.astimezone(dt.UTC)


def span(date: dt.date, starts: str, ends: str) -> Span:
    return Span(at(date, starts), at(date, ends))


def told(blocks: tuple[Block, ...]) -> list[tuple[str, str, str]]:
    place = ZoneInfo(ZONE)
    return [
        (
            block.kind,
            f"{block.span.starts_at.astimezone(place):%H:%M}",
            f"{block.span.ends_at.astimezone(place):%H:%M}",
        )
        for block in blocks
    ]


def column(table: Table, number: int) -> list[tuple[str, str, int]]:
    return [
        (row.label, row.cells[number].block.kind, row.cells[number].rows)  # type: ignore[union-attr]
        for row in table.rows
        if row.cells[number] is not None
    ]


def test_what_lies_on_top_is_what_a_day_shows() -> None:
    free = span(PLAIN, "08:00", "17:00")
    day = paint(
        ZONE, PLAIN, [Block("free", free, free), Block("busy", span(PLAIN, "10:00", "12:00"))]
    )
    assert told(day.blocks) == [
        ("idle", "00:00", "08:00"),
        ("free", "08:00", "10:00"),
        ("busy", "10:00", "12:00"),
        ("free", "12:00", "17:00"),
        ("idle", "17:00", "00:00"),
    ]


def test_bookings_that_touch_look_like_one_to_outsiders_and_like_two_to_those_who_may_see() -> None:
    first, second = span(PLAIN, "09:00", "10:00"), span(PLAIN, "10:00", "11:00")
    outside = paint(ZONE, PLAIN, [Block("busy", first), Block("busy", second)])
    inside = paint(ZONE, PLAIN, [Block("busy", first, "ours"), Block("busy", second, "theirs")])
    assert told(outside.blocks)[1] == ("busy", "09:00", "11:00")
    assert [block.about for block in inside.blocks] == [None, "ours", "theirs", None]


@pytest.mark.parametrize(("date", "hours"), [(PLAIN, 24), (FORWARD, 23), (BACK, 25)])
def test_a_day_has_all_its_hours_and_no_gap(date: dt.date, hours: int) -> None:
    day = paint(ZONE, date, [Block("busy", span(date, "00:30", "03:30"))])
    assert sum(block.span.minutes for block in day.blocks) == hours * 60
    assert day.changes_clock == (hours != 24)
    assert all(
        one.span.ends_at == other.span.starts_at
        for one, other in zip(day.blocks, day.blocks[1:], strict=False)
    )


@pytest.mark.parametrize(
    ("date", "time", "count"),
    [(PLAIN, "01:30", 1), (BACK, "01:30", 2), (BACK, "02:00", 1), (FORWARD, "02:30", 1)],
)
def test_a_clock_set_back_shows_a_time_twice(date: dt.date, time: str, count: int) -> None:
    minutes = int(time[:2]) * 60 + int(time[3:])
    assert len(moments_at(ZONE, date, minutes)) == count


def test_a_table_draws_only_hours_that_are_open_and_cuts_free_time_where_one_may_begin() -> None:
    free = span(PLAIN, "08:00", "17:00")
    shut = [
        Block("shut", span(PLAIN, "00:00", "08:00")),
        Block("shut", Span(free.ends_at, day_span(ZONE, PLAIN).ends_at)),
    ]
    layers = [Block("free", free, free), *shut, Block("busy", span(PLAIN, "09:30", "15:30"))]
    table = draw([paint(ZONE, PLAIN, layers)], WORKDAY, BookingRules())
    assert table.step == 30
    assert column(table, 0) == [
        ("8:00\u202fAM", "free", 2),
        ("9:00\u202fAM", "free", 1),
        ("", "busy", 12),
        ("", "free", 1),
        ("4:00\u202fPM", "free", 2),
    ]


def test_on_the_night_of_the_longer_hour_its_rows_stand_twice_and_other_days_reach_over() -> None:
    hours = Hours(ZONE)
    before = BACK - dt.timedelta(days=1)
    days = [paint(ZONE, date, [Block("busy", day_span(ZONE, date))]) for date in (before, BACK)]
    booked = Block("free", day_span(ZONE, BACK), day_span(ZONE, BACK))
    days[1] = paint(ZONE, BACK, [booked])
    table = draw(days, hours, BookingRules())
    assert [row.label for row in table.rows][:4] == [f"{hour}:00\u202fAM" for hour in (12, 1, 1, 2)]
    assert len(table.rows) == 25
    assert column(table, 0) == [("12:00\u202fAM", "busy", 25)]
    assert [rows for _label, _kind, rows in column(table, 1)] == [1] * 25


def test_on_the_night_of_the_missing_hour_the_day_reaches_over_it() -> None:
    after = FORWARD + dt.timedelta(days=1)
    free = [Block("free", day_span(ZONE, date), day_span(ZONE, date)) for date in (FORWARD, after)]
    days = [paint(ZONE, date, [block]) for date, block in zip((FORWARD, after), free, strict=True)]
    table = draw(days, Hours(ZONE), BookingRules())
    assert len(table.rows) == 24
    assert [rows for _label, _kind, rows in column(table, 0)][:4] == [1, 2, 1, 1]


@pytest.mark.parametrize(
    ("rules", "starts", "length"),
    [
        (BookingRules(), ["08:00", "09:00", "10:00"], 60),
        (BookingRules(min_length_minutes=120), ["08:00", "09:00"], 120),
        (BookingRules(slot_minutes=45), ["08:00", "08:45", "09:30", "10:15"], 90),
        (BookingRules(max_length_minutes=30), ["08:00", "09:00", "10:00"], 30),
    ],
    ids=["by the hour", "two hours at least", "slots of 45 minutes", "half an hour at most"],
)
def test_bookings_are_offered_where_they_fit(
    rules: BookingRules, starts: list[str], length: int
) -> None:
    free = span(PLAIN, "08:00", "11:00")
    offered = starts_in(Block("free", free, free), WORKDAY, rules)
    place = ZoneInfo(ZONE)
    assert [f"{moment.astimezone(place):%H:%M}" for moment in offered] == starts
    assert usual_end(offered[0], free, rules) - offered[0] == dt.timedelta(minutes=length)

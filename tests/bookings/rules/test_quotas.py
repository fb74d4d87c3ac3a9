"""Quotas: what counts in which day, week and month, in minutes and in number."""

import pytest

from portal.bookings.rules.attempt import QuotaUse, Span
from portal.bookings.rules.quotas import exceeded, periods, whole_periods
from tests.bookings.rules.times import HAVANA, NEW_YORK, span, spans, walls


@pytest.mark.parametrize(
    ("period", "wanted", "expected"),
    [
        pytest.param("day", "2026-03-02 09:00 / 10:00", ["03-02 00:00 24h"], id="a day"),
        pytest.param(
            "day",
            "2026-03-02 23:00 / 2026-03-03 00:00",
            ["03-02 00:00 24h"],
            id="until midnight is no time of the next day",
        ),
        pytest.param(
            "day",
            "2026-12-31 23:00 / 2027-01-01 01:00",
            ["12-31 00:00 24h", "01-01 00:00 24h"],
            id="days over the end of the year",
        ),
        pytest.param(
            "day",
            "2026-03-08 01:00 / 12:00",
            ["03-08 00:00 23h"],
            id="the short day",
        ),
        pytest.param(
            "day",
            "2026-11-01 23:00 / 2026-11-02 01:00",
            ["11-01 00:00 25h", "11-02 00:00 24h"],
            id="the long day and the next",
        ),
        pytest.param(
            "week",
            "2026-03-01 23:00 / 2026-03-02 01:00",
            ["02-23 00:00 168h", "03-02 00:00 167h"],
            id="weeks begin on Monday",
        ),
        pytest.param(
            "week",
            "2026-12-31 09:00 / 10:00",
            ["12-28 00:00 168h"],
            id="a week over the end of the year",
        ),
        pytest.param(
            "month",
            "2026-02-28 22:00 / 2026-03-01 06:00",
            ["02-01 00:00 672h", "03-01 00:00 743h"],
            id="months, the second with a short day",
        ),
        pytest.param(
            "month",
            "2026-12-31 22:00 / 2027-01-01 06:00",
            ["12-01 00:00 744h", "01-01 00:00 744h"],
            id="months over the end of the year",
        ),
        pytest.param(
            "month",
            "2028-02-29 09:00 / 10:00",
            ["02-01 00:00 696h"],
            id="February of a leap year",
        ),
    ],
)
def test_periods_are_those_of_the_calendar_on_the_wall(
    period: str, wanted: str, expected: list[str]
) -> None:
    found = periods(period, span(wanted), NEW_YORK)
    assert walls(found) == expected
    assert whole_periods(period, span(wanted), NEW_YORK) == Span(
        found[0].starts_at, found[-1].ends_at
    )


def test_a_day_of_another_place_is_another_day() -> None:
    wanted = span("2026-03-08 00:30 / 02:30", HAVANA)
    assert walls(periods("day", wanted, HAVANA), HAVANA) == ["03-08 01:00 23h"]
    assert walls(periods("day", wanted, "Pacific/Auckland"), "Pacific/Auckland") == [
        "03-08 00:00 24h"
    ]


def test_a_quota_is_exceeded_in_a_day_of_the_place_not_of_the_world() -> None:
    """In New York both are Monday's; in UTC the second would be Tuesday's."""
    quota = QuotaUse("person", "day", 180, None, tuple(spans("2026-03-02 09:00 / 11:00")))
    wanted = span("2026-03-02 20:00 / 22:00")
    assert exceeded([quota], wanted, NEW_YORK)
    assert not exceeded([quota], wanted, "UTC")


@pytest.mark.parametrize(
    ("period", "most", "used", "wanted", "expected"),
    [
        pytest.param("day", 120, [], "2026-03-02 09:00 / 11:00", None, id="all of it at once"),
        pytest.param(
            "day", 119, [], "2026-03-02 09:00 / 11:00", ("03-02", 120), id="a minute too much"
        ),
        pytest.param(
            "day",
            120,
            ["2026-03-02 08:00 / 09:00", "2026-03-03 08:00 / 17:00"],
            "2026-03-02 09:00 / 10:00",
            None,
            id="another day does not count",
        ),
        pytest.param(
            "day",
            120,
            ["2026-03-02 08:00 / 09:30"],
            "2026-03-02 10:00 / 11:00",
            ("03-02", 150),
            id="what is used counts",
        ),
        pytest.param(
            "day",
            120,
            ["2026-03-02 21:00 / 22:00"],
            "2026-03-02 23:00 / 2026-03-03 02:00",
            None,
            id="over midnight each day gets its part",
        ),
        pytest.param(
            "day",
            120,
            ["2026-03-03 08:00 / 08:01"],
            "2026-03-02 23:00 / 2026-03-03 02:00",
            ("03-03", 121),
            id="over midnight the second day is full",
        ),
        pytest.param(
            "day",
            120,
            ["2026-03-01 23:00 / 2026-03-02 01:30"],
            "2026-03-02 09:00 / 10:00",
            ("03-02", 150),
            id="what began the day before counts with its part",
        ),
        pytest.param(
            "day",
            60,
            [],
            "2026-12-31 23:00 / 2027-01-01 00:59",
            None,
            id="over the end of the year each day gets its part",
        ),
        pytest.param(
            "week",
            600,
            ["2026-03-02 08:00 / 17:00"],
            "2026-03-08 20:00 / 22:00",
            ("03-02", 660),
            id="Sunday belongs to the week before Monday",
        ),
        pytest.param(
            "week",
            600,
            ["2026-03-02 08:00 / 17:00"],
            "2026-03-09 08:00 / 17:00",
            None,
            id="the next week",
        ),
        pytest.param(
            "week",
            600,
            ["2026-12-30 08:00 / 17:00"],
            "2027-01-02 08:00 / 10:00",
            ("12-28", 660),
            id="one week over the end of the year",
        ),
        pytest.param(
            "month",
            1200,
            ["2026-03-02 08:00 / 17:00"],
            "2026-03-31 08:00 / 20:00",
            ("03-01", 1260),
            id="a month",
        ),
        pytest.param(
            "month",
            1200,
            ["2026-03-02 08:00 / 17:00"],
            "2026-03-31 20:00 / 2026-04-01 20:00",
            None,
            id="over the end of the month each gets its part",
        ),
        pytest.param(
            "month",
            599,
            [],
            "2026-12-31 20:00 / 2027-01-01 10:00",
            ("01-01", 600),
            id="over the end of the year the second month is full",
        ),
        pytest.param(
            "day", 180, [], "2026-03-08 00:00 / 04:00", None, id="on the short night, real time"
        ),
        pytest.param(
            "day",
            240,
            [],
            "2026-11-01 00:00 / 04:00",
            ("11-01", 300),
            id="on the long night, real time",
        ),
    ],
)
def test_minutes_count_to_the_periods_in_which_they_lie(
    period: str,
    most: int,
    used: list[str],
    wanted: str,
    expected: tuple[str, int] | None,
) -> None:
    quota = QuotaUse("organization", period, most, None, tuple(spans(*used)))
    found = exceeded([quota], span(wanted), NEW_YORK)
    assert [(walls([one.period])[0][:5], one.minutes) for one in found] == (
        [expected] if expected else []
    )
    assert all(one.is_of_minutes for one in found)


@pytest.mark.parametrize(
    ("period", "most", "used", "wanted", "bookings"),
    [
        pytest.param("day", 1, [], "2026-03-02 09:00 / 11:00", None, id="the first"),
        pytest.param(
            "day", 1, ["2026-03-02 08:00 / 08:15"], "2026-03-02 09:00 / 11:00", 2, id="the second"
        ),
        pytest.param(
            "day",
            1,
            ["2026-03-01 23:00 / 2026-03-02 01:00"],
            "2026-03-02 09:00 / 11:00",
            None,
            id="one that began the day before",
        ),
        pytest.param(
            "day",
            1,
            ["2026-03-03 08:00 / 09:00"],
            "2026-03-02 23:00 / 2026-03-03 01:00",
            None,
            id="over midnight it counts to the day of its beginning",
        ),
        pytest.param(
            "day",
            1,
            ["2026-03-03 08:00 / 09:00", "2026-03-03 10:00 / 11:00"],
            "2026-03-02 23:00 / 2026-03-03 01:00",
            None,
            id="over midnight, into a day that has too many already",
        ),
        pytest.param(
            "day",
            1,
            ["2026-03-02 08:00 / 09:00"],
            "2026-03-02 23:00 / 2026-03-03 01:00",
            2,
            id="over midnight, a second one of that day",
        ),
        pytest.param(
            "week",
            2,
            ["2026-03-02 08:00 / 09:00", "2026-03-04 08:00 / 09:00"],
            "2026-03-08 23:00 / 2026-03-09 01:00",
            3,
            id="the third of a week",
        ),
        pytest.param(
            "week",
            2,
            ["2026-12-28 08:00 / 09:00", "2027-01-01 08:00 / 09:00"],
            "2027-01-03 08:00 / 09:00",
            3,
            id="the third of a week over the end of the year",
        ),
        pytest.param(
            "month",
            1,
            ["2026-12-31 08:00 / 09:00"],
            "2027-01-01 08:00 / 09:00",
            None,
            id="another month of another year",
        ),
        pytest.param(
            "month",
            1,
            ["2026-03-01 00:00 / 01:00"],
            "2026-03-31 23:00 / 2026-04-01 01:00",
            2,
            id="the second of a month",
        ),
    ],
)
def test_bookings_count_to_the_period_in_which_they_begin(
    period: str, most: int, used: list[str], wanted: str, bookings: int | None
) -> None:
    quota = QuotaUse("person", period, None, most, tuple(spans(*used)))
    found = exceeded([quota], span(wanted), NEW_YORK)
    assert [one.bookings for one in found] == ([bookings] if bookings else [])
    assert not any(one.is_of_minutes for one in found)


@pytest.mark.parametrize("sharer", ["person", "organization", "equipment"])
def test_each_quota_is_judged_by_what_counts_towards_it(sharer: str) -> None:
    """One of them being full says nothing of the others."""
    used = tuple(spans("2026-03-02 08:00 / 10:00"))
    quotas = [
        QuotaUse(other, "day", 150, 5, used if other == sharer else ())
        for other in ("person", "organization", "equipment")
    ]
    found = exceeded(quotas, span("2026-03-02 12:00 / 13:00"), NEW_YORK)
    assert [one.quota.shared_by for one in found] == [sharer]


def test_all_quotas_that_are_exceeded_are_told_in_their_order() -> None:
    used = tuple(spans("2026-03-02 08:00 / 10:00", "2026-03-03 08:00 / 10:00"))
    quotas = [
        QuotaUse("person", "month", 300, None, used),
        QuotaUse("person", "week", None, 2, used),
        QuotaUse("organization", "day", 60, 1, used),
        QuotaUse("equipment", "day", 240, 2, used),
    ]
    found = exceeded(quotas, span("2026-03-02 12:00 / 14:00"), NEW_YORK)
    assert [one.quota for one in found] == quotas[:3]


def test_both_bounds_of_one_quota_count() -> None:
    used = tuple(spans("2026-03-02 08:00 / 08:30"))
    short, long = span("2026-03-02 09:00 / 09:30"), span("2026-03-02 09:00 / 12:00")
    by_number = QuotaUse("person", "day", 180, 1, used)
    by_time = QuotaUse("person", "day", 180, 2, used)
    assert [one.is_of_minutes for one in exceeded([by_number], short, NEW_YORK)] == [False]
    assert [one.is_of_minutes for one in exceeded([by_time], long, NEW_YORK)] == [True]
    assert exceeded([by_time], short, NEW_YORK) == []

"""Opening hours, rates, places, order and freshness, without a database."""

from types import SimpleNamespace
from typing import Any

import pytest

from portal.facilities.rules import (
    HoursProblem,
    find_hours_problem,
    find_repeated_rate,
    moved,
    place_of,
    sort_hours,
    week_of,
)


def hours(*rows: tuple[int, str, str]) -> list[dict[str, Any]]:
    return [{"weekday": day, "opens": opens, "closes": closes} for day, opens, closes in rows]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([], None),
        ([(0, "08:00", "12:00"), (0, "12:00", "17:00")], None),
        ([(0, "08:00", "12:00"), (1, "08:00", "12:00")], None),
        ([(0, "08:00", "24:00")], None),
        ([(0, "08:00", "08:00")], HoursProblem(0, "order")),
        ([(0, "08:00", "12:00"), (0, "17:00", "13:00")], HoursProblem(1, "order")),
        ([(0, "08:00", "12:00"), (0, "11:59", "13:00")], HoursProblem(1, "overlap")),
        ([(0, "09:00", "10:00"), (0, "08:00", "17:00")], HoursProblem(1, "overlap")),
    ],
)
def test_opening_hours_close_after_opening_and_do_not_overlap(
    rows: list[tuple[int, str, str]], problem: HoursProblem | None
) -> None:
    assert find_hours_problem(hours(*rows)) == problem


def test_week_shows_the_spans_of_each_day_in_order() -> None:
    rows = hours((4, "13:00", "17:00"), (0, "08:00", "12:00"), (4, "08:00", "12:00"))
    assert [row["weekday"] for row in sort_hours(rows)] == [0, 4, 4]
    assert [(str(day), spans) for day, spans in week_of(rows)] == [
        ("Monday", ["8:00\u202fAM–12:00\u202fPM"]),
        ("Friday", ["8:00\u202fAM–12:00\u202fPM", "1:00–5:00\u202fPM"]),
    ]


def test_rate_may_not_stand_twice_for_a_customer_and_unit() -> None:
    rates = [
        {"customer_class": "other", "unit": "hour"},
        {"customer_class": "other", "unit": "day"},
        {"customer_class": "other", "unit": "hour"},
    ]
    assert find_repeated_rate(rates) == 2
    assert find_repeated_rate(rates[:2]) is None


@pytest.mark.parametrize(
    ("item", "direction", "order"),
    [
        (2, "up", [2, 1, 3]),
        (1, "up", [1, 2, 3]),
        (1, "down", [2, 1, 3]),
        (3, "down", [1, 2, 3]),
        (3, "first", [3, 1, 2]),
    ],
)
def test_photo_moves_by_one_place_or_to_the_front(
    item: int, direction: str, order: list[int]
) -> None:
    assert moved([1, 2, 3], item, direction) == order


def at(**columns: Any) -> SimpleNamespace:
    nowhere = dict.fromkeys(("street", "city", "state", "zip_code"), "")
    return SimpleNamespace(
        **{**nowhere, "county_fips": None, "latitude": None, "longitude": None, **columns}
    )


def test_first_row_that_says_where_it_is_counts() -> None:
    facility = at(city="Louisville", street="1 Main Street")
    own = at(city="Wichita")
    organization = at(city="San Jose", street="Secret Street")
    assert place_of(facility, own, organization).city == "Louisville"
    assert place_of(facility, own, organization).street == "1 Main Street"
    assert place_of(None, own, organization).city == "Wichita"
    assert place_of(None, at(), organization).city == "San Jose"
    assert place_of(None, at(), organization).street == "", "the organization may hide it"
    assert place_of(None, at(), at()).town == ""

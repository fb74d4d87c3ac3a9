"""What holds for facilities and equipment: the fixed words, opening hours, rates, place.

Pure functions and tables; nothing here reads the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.kernel.times import minutes_of, write_hours

FACILITY_KINDS: Mapping[str, Any] = {
    "lab": _l("Laboratory"),
    "pilot_line": _l("Pilot line"),
    "makerspace": _l("Makerspace"),
    "test_bed": _l("Test bed"),
    "shop_floor": _l("Shop floor"),
}

CONDITIONS: Mapping[str, Any] = {
    "new": _l("New"),
    "good": _l("Good"),
    "fair": _l("Fair"),
    "needs_repair": _l("Needs repair"),
}

SHARING_TERMS: Mapping[str, Any] = {
    "by_request": _l("By request: you decide each time"),
    "bookable": _l("Bookable by those who qualify"),
    "in_house": _l("In-house only: shown, not shared"),
}

#: The same in the words of somebody who looks for a machine.
SHARING_LABELS: Mapping[str, Any] = {
    "by_request": _l("By request"),
    "bookable": _l("Bookable"),
    "in_house": _l("In-house only"),
}

CUSTOMER_CLASSES: Mapping[str, Any] = {
    "own_organization": _l("Own organization"),
    "member_sme": _l("Member firms (small and medium-sized)"),
    "academic": _l("Academic"),
    "other": _l("Others"),
}

RATE_UNITS: Mapping[str, Any] = {
    "hour": _l("hour"),
    "day": _l("day"),
    "run": _l("run"),
    "sample": _l("sample"),
}

WEEKDAYS: Mapping[str, Any] = {
    "0": _l("Monday"),
    "1": _l("Tuesday"),
    "2": _l("Wednesday"),
    "3": _l("Thursday"),
    "4": _l("Friday"),
    "5": _l("Saturday"),
    "6": _l("Sunday"),
}

#: Where a record's page is; the worker writes it into the search index without a request.
ADDRESSES: Mapping[str, str] = {"facility": "/facilities/%d", "equipment": "/equipment/%d"}

MOST_PHOTOS = 12
MOST_DOCUMENTS = 12
MOST_HOURS = 28
MOST_SPECIFICATIONS = 60
MOST_RATES = len(CUSTOMER_CLASSES) * len(RATE_UNITS)
OLDEST_YEAR = 1850
NEARBY_MILES = 100


@dataclass(frozen=True)
class HoursProblem:
    """What is wrong with a row of opening hours: its number and "order" or "overlap"."""

    number: int
    kind: str


def find_hours_problem(rows: Sequence[Mapping[str, Any]]) -> HoursProblem | None:
    """Return the first row that closes before it opens or overlaps another of its day, or None.

    rows: {weekday 0–6, opens, closes} with times as "08:00". Spans are half-open, so that one may
    begin when another ends.
    """
    for number, row in enumerate(rows):
        if row["closes"] <= row["opens"]:
            return HoursProblem(number, "order")
    for number, row in enumerate(rows):
        for other in rows[:number]:
            if (
                row["weekday"] == other["weekday"]
                and row["opens"] < other["closes"]
                and other["opens"] < row["closes"]
            ):
                return HoursProblem(number, "overlap")
    return None


def sort_hours(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return opening hours in the order of the week."""
    return sorted((dict(row) for row in rows), key=lambda row: (row["weekday"], row["opens"]))


def week_of(rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, list[str]]]:
    """Return (weekday's name, ["8:00 AM–12:00 PM", …]) for the days on which a facility is open."""
    days: dict[int, list[str]] = {}
    for row in sort_hours(rows):
        days.setdefault(row["weekday"], []).append(
            write_hours(minutes_of(row["opens"]), minutes_of(row["closes"]))
        )
    return [(WEEKDAYS[str(day)], spans) for day, spans in sorted(days.items())]


def find_repeated_rate(rows: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the number of the first rate whose customer class and unit stood before, or None."""
    seen: set[tuple[str, str]] = set()
    for number, row in enumerate(rows):
        key = (row["customer_class"], row["unit"])
        if key in seen:
            return number
        seen.add(key)
    return None


def moved(ids: Sequence[int], item: int, direction: str) -> list[int]:
    """Return the ids with one of them moved "up" or "down" by a place, or made "first"."""
    order = list(ids)
    here = order.index(item)
    there = {"up": here - 1, "down": here + 1, "first": 0}[direction]
    order.insert(max(0, min(there, len(order) - 1)), order.pop(here))
    return order


@dataclass(frozen=True)
class Place:
    """Where a record is, whoever says so: itself, its facility or its organization."""

    street: str
    city: str
    state: str
    zip_code: str
    county_fips: str | None
    latitude: float | None
    longitude: float | None

    @property
    def town(self) -> str:
        """The city with its state, for one line."""
        return ", ".join(part for part in (self.city, self.state) if part)


def has_place(row: Any) -> bool:
    """Tell whether a row (with the columns of a place) says where it is."""
    return bool(row.county_fips or row.zip_code or row.city or row.latitude is not None)


def place_of(*rows: Any) -> Place:
    """Return the place of the first row that has one; the last row's where none has.

    Give the facility, then the equipment itself, then the organization. Of the last one the street
    is left out: an organization may keep it to members.
    """
    given = [row for row in rows if row is not None]
    chosen = next((row for row in given if has_place(row)), given[-1])
    return Place(
        "" if chosen is given[-1] and len(given) > 1 else chosen.street,
        chosen.city,
        chosen.state,
        chosen.zip_code,
        chosen.county_fips,
        chosen.latitude,
        chosen.longitude,
    )

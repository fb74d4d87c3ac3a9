"""Training of the demo: programs with sections, who takes part, which skills firms need."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.demo.rules.organizations import WEEKDAYS

_SECTION = re.compile(r"(-?\d+) ([\w,]+) (\d\d:\d\d)-(\d\d:\d\d) x(\d+)( done)?")
_DEMAND = re.compile(
    r"([a-z0-9-]+) x(\d+) in (\d+)(?: \$(\d+)-(\d+))?(?: (\d\d-\d{4}))?"
    r"((?: co-funds| apprentices)*)"
)
_PROGRAM_EXTRAS = {
    *("provider", "credential", "hours", "weeks", "cost", "place", "seats", "prices"),
    "sections",
}


@dataclass(frozen=True)
class DemoSection:
    """When a section of a program begins (days from today), meets, and how often.

    is_over: it was held, so many days ago.
    """

    in_days: int
    weekdays: tuple[int, ...]
    starts: int
    ends: int
    weeks: int
    is_over: bool

    @property
    def count(self) -> int:
        """How often it meets."""
        return self.weeks * len(self.weekdays)


@dataclass(frozen=True)
class DemoProgram:
    """What an organization (by key) teaches: the fields of its form, and its sections.

    credential: a key, or the name of one that the provider issues itself (is_own).
    """

    provider: str
    values: Mapping[str, Any]
    credential: str
    is_own: bool
    place: str
    seats: int
    prices: Mapping[str, int]
    sections: Sequence[DemoSection]


@dataclass(frozen=True)
class DemoEnrollment:
    """Who takes part in a section; data/enrollments.toml says the fields."""

    provider: str
    program: str
    section: int
    people: Sequence[str]
    by: str = ""
    accepted: Sequence[str] = ()
    passed: Sequence[str] = ()
    failed: Sequence[str] = ()


@dataclass(frozen=True)
class DemoRecognition:
    """A credential (by key, or by the name of one that somebody issues) that a host recognizes."""

    host: str
    credential: str
    capability: str = ""


@dataclass(frozen=True)
class DemoDemand:
    """How many people with a skill (by key) an organization needs, and by when."""

    skill: str
    people: int
    in_days: int
    wages: tuple[int, int] | None
    occupation: str
    is_cofunding: bool
    hosts_apprentices: bool


def parse_demand(text: str) -> DemoDemand:
    """Return "cnc-mill-operation x2 in 120 $24-31 51-4041 co-funds apprentices"."""
    found = _DEMAND.fullmatch(text)
    if found is None:
        raise ValueError(f"no demand: {text}")
    return DemoDemand(
        skill=found[1],
        people=int(found[2]),
        in_days=int(found[3]),
        wages=(int(found[4]) * 100, int(found[5]) * 100) if found[4] else None,
        occupation=found[6] or "",
        is_cofunding="co-funds" in found[7],
        hosts_apprentices="apprentices" in found[7],
    )


def parse_program(raw: Mapping[str, Any]) -> DemoProgram:
    """Return one `[[program]]`; hours, weeks and dollars get the names of the form."""
    values = {name: value for name, value in raw.items() if name not in _PROGRAM_EXTRAS}
    values["duration_hours"], values["duration_weeks"] = raw["hours"], raw["weeks"]
    values["cost_cents"] = raw["cost"] * 100
    values["visibility"] = "public"
    values["wage_schedule"] = [
        {"period": period, "wage_cents": round(wage * 100)}
        for period, wage in raw.get("wage_schedule", ())
    ]
    credential = raw.get("credential", "")
    return DemoProgram(
        provider=raw["provider"],
        values=values,
        credential=credential.removeprefix("own: "),
        is_own=credential.startswith("own: "),
        place=raw.get("place", ""),
        seats=raw["seats"],
        prices=raw.get("prices", {}),
        sections=[parse_section(text) for text in raw["sections"]],
    )


def parse_section(text: str) -> DemoSection:
    """Return "12 Mon,Wed 17:30-21:30 x12", or "-60 Sat 08:00-13:00 x2 done"."""
    found = _SECTION.fullmatch(text)
    if found is None:
        raise ValueError(f"no section: {text}")
    return DemoSection(
        in_days=int(found[1]),
        weekdays=tuple(WEEKDAYS.index(day) for day in found[2].split(",")),
        starts=_minutes(found[3]),
        ends=_minutes(found[4]),
        weeks=int(found[5]),
        is_over=found[6] is not None,
    )


def first_day(section: DemoSection, day: dt.date) -> dt.date:
    """Return the first day on which a section meets, counted from a day."""
    first = day + dt.timedelta(days=section.in_days)
    return first + dt.timedelta(
        days=min((weekday - first.weekday()) % 7 for weekday in section.weekdays)
    )


def _minutes(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)

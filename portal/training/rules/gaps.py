"""Demand for skills against supply, told so that no firm can be told apart.

Pure functions; nothing here reads the database. Each demand counts in one cell only, or in none,
and cells depend on nothing that a reader chooses: whatever is filtered or subtracted, what is left
is whole cells, and a cell is shown only where it tells too little of each of its firms.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

#: A firm and three others at least.
FEWEST_FIRMS = 4

#: The county, or what stands for it where counties are pooled: ("region", "3"), ("state", "KY").
Area = tuple[str, str]
#: A skill, where, and in which quarter (None: from now on).
Key = tuple[str, Area, int | None]


class Demanded(NamedTuple):
    """An open demand: what is counted of it. wage_cents: the middle of its band, per hour."""

    skill: str
    county: str
    quarter: int
    organization_id: int
    people: int
    wage_cents: int | None
    is_cofunding: bool
    hosts_apprentices: bool


class Supplied(NamedTuple):
    """Seats of sections that teach a skill and end in a quarter: all that are not taken."""

    skill: str
    county: str
    quarter: int
    seats: int
    sections: int


@dataclass(frozen=True)
class Cell:
    """What is asked for of a skill in an area: in one quarter, or (None) from now on.

    firms: how many people each firm needs; shown is only how many firms there are.
    wage_cents: the typical wage, in whole dollars, where four firms at least have named one.
    some_cofund, some_host: whether any of them would.
    """

    skill: str
    area: Area
    quarter: int | None
    firms: Mapping[int, int] = field(repr=False)
    people: int
    wage_cents: int | None = None
    some_cofund: bool = False
    some_host: bool = False

    @property
    def key(self) -> Key:
        return self.skill, self.area, self.quarter


class Gap(NamedTuple):
    """Demand and supply of a skill, side by side; firms and people are 0 where none is shown."""

    skill: str
    area: Area
    quarter: int | None
    firms: int
    people: int
    seats: int
    sections: int
    wage_cents: int | None = None
    some_cofund: bool = False
    some_host: bool = False

    @property
    def key(self) -> Key:
        return self.skill, self.area, self.quarter

    @property
    def missing(self) -> int:
        """How many people more are asked for than there are seats."""
        return self.people - self.seats


def is_showable(firms: Mapping[int, int]) -> bool:
    """Tell whether a sum over firms tells too little of each of them to be held back.

    firms: the people that each needs. What is left when the second largest takes itself away must
    not say how much the largest needs: the others make up half as much as that at least.
    """
    if len(firms) < FEWEST_FIRMS:
        return False
    largest, _second, *others = sorted(firms.values(), reverse=True)
    return 2 * sum(others) >= largest


def make_cells(demands: Iterable[Demanded], area_of: Mapping[str, Area]) -> list[Cell]:
    """Part demands into cells that may be shown.

    First by county and quarter; what is too little there, by the area of the counties and quarter;
    what is too little again, by area alone. The rest is shown nowhere.
    """
    found: list[Cell] = []
    groups: dict[Key, list[Demanded]] = defaultdict(list)
    for row in demands:
        groups[row.skill, ("county", row.county), row.quarter].append(row)
    for is_lasting in (False, True):
        rest = _take(groups, found)
        groups = defaultdict(list)
        for row in rest:
            groups[row.skill, area_of[row.county], None if is_lasting else row.quarter].append(row)
    _take(groups, found)
    return found


def _take(groups: Mapping[Key, list[Demanded]], found: list[Cell]) -> list[Demanded]:
    """Put the groups that may be shown with those found; return what is left over."""
    rest: list[Demanded] = []
    for key, rows in groups.items():
        cell = _cell(key, rows) if len(rows) >= FEWEST_FIRMS else None
        if cell is None:
            rest += rows
        else:
            found.append(cell)
    return rest


def _cell(key: Key, rows: list[Demanded]) -> Cell | None:
    firms: dict[int, int] = {}
    for row in rows:
        firms[row.organization_id] = firms.get(row.organization_id, 0) + row.people
    if not is_showable(firms):
        return None
    wages = {row.organization_id: row.wage_cents for row in rows if row.wage_cents is not None}
    is_told = len(wages) >= FEWEST_FIRMS
    return Cell(
        *key,
        firms,
        sum(firms.values()),
        wage_cents=round(median(wages.values()) / 100) * 100 if is_told else None,
        some_cofund=any(row.is_cofunding for row in rows),
        some_host=any(row.hosts_apprentices for row in rows),
    )


def unserved(cells: Iterable[Cell]) -> dict[Key, Gap]:
    """Return what is asked for as if nobody taught it, the largest gap first."""
    found = [
        Gap(
            *cell.key,
            len(cell.firms),
            cell.people,
            0,
            0,
            cell.wage_cents,
            cell.some_cofund,
            cell.some_host,
        )
        for cell in cells
    ]
    return {gap.key: gap for gap in sorted(found, key=_order)}


def serve(
    asked: Mapping[Key, Gap], supplies: Iterable[Supplied], area_of: Mapping[str, Area]
) -> list[Gap]:
    """Put the seats beside the demand that they serve; the largest gap first, mere seats last.

    Seats count in the one cell that covers their county and quarter; where none does, they stand
    for themselves.
    """
    totals: dict[Key, tuple[int, int]] = {}
    for row in supplies:
        own = (row.skill, ("county", row.county), row.quarter)
        area = area_of.get(row.county, own[1])
        wider = (own, (row.skill, area, row.quarter), (row.skill, area, None))
        key: Key = next((one for one in wider if one in asked), own)
        seats, sections = totals.get(key, (0, 0))
        totals[key] = seats + row.seats, sections + row.sections
    served = dict(asked)
    for key, (seats, sections) in totals.items():
        skill, place, quarter = key
        gap = served.get(key) or Gap(skill, place, quarter, 0, 0, 0, 0)
        served[key] = gap._replace(seats=seats, sections=sections)
    # Most stand in order already.
    return sorted(served.values(), key=_order)


def _order(gap: Gap) -> tuple[bool, int, str, Area, int]:
    return not gap.firms, gap.seats - gap.people, gap.skill, gap.area, gap.quarter or 0

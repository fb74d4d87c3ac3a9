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
    wage_cents: int | None = None
    some_cofund: bool = False
    some_host: bool = False

    @property
    def people(self) -> int:
        return sum(self.firms.values())

    @property
    def key(self) -> Key:
        return self.skill, self.area, self.quarter


@dataclass(frozen=True)
class Gap:
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
    steps = (
        lambda row: (row.skill, ("county", row.county), row.quarter),
        lambda row: (row.skill, area_of[row.county], row.quarter),
        lambda row: (row.skill, area_of[row.county], None),
    )
    rest: list[Demanded] = list(demands)
    for step in steps:
        groups: dict[Key, list[Demanded]] = defaultdict(list)
        for row in rest:
            groups[step(row)].append(row)
        rest = []
        for (skill, area, quarter), rows in groups.items():
            cell = _cell(skill, area, quarter, rows)
            if cell is None:
                rest += rows
            else:
                found.append(cell)
    return found


def _cell(skill: str, area: Area, quarter: int | None, rows: list[Demanded]) -> Cell | None:
    if len(rows) < FEWEST_FIRMS:
        return None
    firms: dict[int, int] = {}
    for row in rows:
        firms[row.organization_id] = firms.get(row.organization_id, 0) + row.people
    if not is_showable(firms):
        return None
    wages = {row.organization_id: row.wage_cents for row in rows if row.wage_cents is not None}
    is_told = len(wages) >= FEWEST_FIRMS
    return Cell(
        skill,
        area,
        quarter,
        firms,
        wage_cents=round(median(wages.values()) / 100) * 100 if is_told else None,
        some_cofund=any(row.is_cofunding for row in rows),
        some_host=any(row.hosts_apprentices for row in rows),
    )


def compare(
    cells: Iterable[Cell], supplies: Iterable[Supplied], area_of: Mapping[str, Area]
) -> list[Gap]:
    """Put the seats beside the demand that they serve; the largest gap first.

    Seats count in the one cell that covers their county and quarter; where none does, they stand
    for themselves.
    """
    by_key = {cell.key: cell for cell in cells}
    seats: dict[Key, list[int]] = defaultdict(lambda: [0, 0])
    for row in supplies:
        own = (row.skill, ("county", row.county), row.quarter)
        wider = (
            own,
            (row.skill, area_of.get(row.county, own[1]), row.quarter),
            (row.skill, area_of.get(row.county, own[1]), None),
        )
        total = seats[next((key for key in wider if key in by_key), own)]
        total[0] += row.seats
        total[1] += row.sections
    found = []
    for cell in by_key.values():
        free, sections = seats.pop(cell.key, (0, 0))
        found.append(
            Gap(
                *cell.key,
                firms=len(cell.firms),
                people=cell.people,
                seats=free,
                sections=sections,
                wage_cents=cell.wage_cents,
                some_cofund=cell.some_cofund,
                some_host=cell.some_host,
            )
        )
    for key, (free, sections) in seats.items():
        found.append(Gap(*key, firms=0, people=0, seats=free, sections=sections))
    return sorted(found, key=lambda gap: (-gap.missing, gap.skill, gap.area, gap.quarter or 0))

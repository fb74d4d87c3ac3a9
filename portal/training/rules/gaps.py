"""Demand for skills against supply, told so that no firm can be told apart.

Pure functions; nothing here reads the database. Each demand counts in one cell only, or in none,
and cells depend on nothing that a reader chooses: whatever is filtered or subtracted, what is left
is whole cells, and a cell is shown only where it tells too little of each of its firms.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

#: A firm and three others at least.
FEWEST_FIRMS = 4

#: The county, or what stands for it where counties are pooled: ("region", "3"), ("state", "KY").
Area = tuple[str, str]
#: A skill, where, and in which quarter (None: from now on).
Key = tuple[str, Area, int | None]
Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Demands:
    """Open demands and what is counted of them: each has a place in all of the arrays.

    skill, county: places in `skills` and `counties`. wage_cents: the middle of the band, per hour;
    -1: not said. would: 1 where the firm pays a part, and 2 where it hosts apprentices, added up.
    """

    skills: Sequence[str]
    counties: Sequence[str]
    skill: Array
    county: Array
    quarter: Array
    firm: Array
    people: Array
    wage_cents: Array
    would: Array


class Supplied(NamedTuple):
    """Seats of sections that teach a skill and end in a quarter: all that are not taken.

    planned: seats of sections in which nobody can enroll yet.
    """

    skill: str
    county: str
    quarter: int
    seats: int
    sections: int
    planned: int = 0


@dataclass(frozen=True)
class Cell:
    """The firms of a cell that may be shown, and how many people each asks for.

    Shown is only how many firms there are.
    """

    skill: str
    area: Area
    quarter: int | None
    firms: Mapping[int, int] = field(repr=False)

    @property
    def people(self) -> int:
        return sum(self.firms.values())


class Gap(NamedTuple):
    """Demand and supply of a skill, side by side; firms and people are 0 where none is shown.

    wage_cents: the typical wage, in whole dollars, where four firms at least have named one.
    some_cofund, some_host: whether any of them would.
    """

    skill: str
    area: Area
    quarter: int | None
    firms: int
    people: int
    seats: int = 0
    sections: int = 0
    planned: int = 0
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


@dataclass(frozen=True)
class _Groups:
    """Demands of one skill, place and quarter each, that may be shown: parallel arrays.

    Those of a group's firms are `firms[begin:end]`, and the people whom each asks for.
    """

    skill: Array
    place: Array
    quarter: Array
    people: Array
    wage_cents: Array
    would: Array
    begin: Array
    end: Array
    firms: Array
    firm_people: Array


def is_showable(counts: Array, sums: Array, largest: Array, second: Array) -> Array:
    """Tell of sums over firms whether they tell too little of each of them to be held back.

    counts: how many firms; largest, second: what the two of them ask for that ask for most. What is
    left when the second takes itself away must not say how much the largest needs: the others make
    up half as much as that at least.
    """
    shown: Array = (counts >= FEWEST_FIRMS) & (2 * (sums - largest - second) >= largest)
    return shown


def make_cells(demands: Demands, area_of: Mapping[str, Area]) -> dict[Key, Gap]:
    """Part demands into cells that may be shown; as gaps that nobody serves, the largest first.

    First by county and quarter; what is too little there, by the area of the counties and quarter;
    what is too little again, by area alone. The rest is shown nowhere.
    """
    found = []
    for places, groups in _part(demands, area_of):
        columns = (
            groups.skill,
            groups.place,
            groups.quarter,
            groups.end - groups.begin,
            groups.people,
            groups.wage_cents,
            groups.would,
        )
        for skill, place, quarter, firms, people, wage_cents, would in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            found.append(
                Gap(
                    demands.skills[skill],
                    places[place],
                    None if quarter < 0 else quarter,
                    firms,
                    people,
                    wage_cents=None if wage_cents < 0 else wage_cents,
                    some_cofund=bool(would & 1),
                    some_host=bool(would & 2),
                )
            )
    return in_order(found)


def in_order(gaps: Iterable[Gap]) -> dict[Key, Gap]:
    """Return gaps by their keys: the largest first, mere seats last."""
    return {gap.key: gap for gap in sorted(gaps, key=_order)}


def find_cell(demands: Demands, area_of: Mapping[str, Area], key: Key) -> Cell | None:
    """Return a cell with its firms, if it may be shown."""
    for places, groups in _part(demands, area_of):
        for number, (skill, place, quarter) in enumerate(
            zip(groups.skill.tolist(), groups.place.tolist(), groups.quarter.tolist(), strict=True)
        ):
            if (demands.skills[skill], places[place], None if quarter < 0 else quarter) == key:
                its = slice(groups.begin[number], groups.end[number])
                firms, people = groups.firms[its].tolist(), groups.firm_people[its].tolist()
                return Cell(*key, dict(zip(firms, people, strict=True)))
    return None


def _part(
    demands: Demands, area_of: Mapping[str, Area]
) -> Iterator[tuple[Sequence[Area], _Groups]]:
    """Return three times what may be shown of what is left, with the places that it counts."""
    counties = [("county", county) for county in demands.counties]
    areas = sorted({area_of[county] for county in demands.counties})
    numbers = {area: number for number, area in enumerate(areas)}
    area_codes = np.array([numbers[area_of[county]] for county in demands.counties], np.int64)
    rows = np.arange(len(demands.skill))
    for places, is_lasting in ((counties, False), (areas, False), (areas, True)):
        if not len(rows):
            return
        county = demands.county[rows]
        place = county if places is counties else area_codes[county]
        quarter = np.full(len(rows), -1) if is_lasting else demands.quarter[rows]
        groups, rows = _take(demands, rows, place, quarter)
        yield places, groups


def _take(demands: Demands, rows: Array, place: Array, quarter: Array) -> tuple[_Groups, Array]:
    """Return the groups of rows that may be shown, and the rows that are left over."""
    order = np.argsort(_joined(demands.skill[rows], place, quarter, demands.firm[rows]))
    rows, place, quarter = rows[order], place[order], quarter[order]
    skill, firm = demands.skill[rows], demands.firm[rows]
    is_first = _differs(skill) | _differs(place) | _differs(quarter)
    # Where groups and the firms in them begin: among the rows, and groups among the firms.
    heads = np.flatnonzero(is_first)
    is_firm = is_first | _differs(firm)
    firm_heads = np.flatnonzero(is_firm)
    begin = np.cumsum(is_firm)[heads] - 1
    end = np.append(begin[1:], len(firm_heads))
    group = np.cumsum(is_first)[firm_heads]
    people = np.add.reduceat(demands.people[rows], firm_heads)
    ranked = _ranked(people, group)
    sums, counts = np.add.reduceat(people, begin), end - begin
    second = np.where(counts > 1, ranked[np.maximum(end - 2, 0)], 0)
    shown = is_showable(counts, sums, ranked[end - 1], second)
    wages = np.maximum.reduceat(demands.wage_cents[rows], firm_heads)
    groups = _Groups(
        skill[heads][shown],
        place[heads][shown],
        quarter[heads][shown],
        sums[shown],
        _typical(wages, group, begin, end)[shown],
        np.bitwise_or.reduceat(demands.would[rows], heads)[shown],
        begin[shown],
        end[shown],
        firm[firm_heads],
        people,
    )
    return groups, rows[~np.repeat(shown, np.diff(np.append(heads, len(rows))))]


def _joined(*columns: Array) -> Array:
    """Return one number for each place that sorts like its numbers one after the other."""
    joined = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        least = column.min()
        joined = joined * (column.max() - least + 1) + (column - least)
    return joined


def _ranked(values: Array, group: Array) -> Array:
    """Return the values of each group by size; groups stand in order already."""
    least, span = values.min(), np.ptp(values) + 1
    ranked: Array = np.sort(group * span + (values - least)) % span + least
    return ranked


def _differs(values: Array) -> Array:
    """Tell of each value whether it is another one than that before it."""
    return np.append(True, values[1:] != values[:-1])


def _typical(wages: Array, group: Array, begin: Array, end: Array) -> Array:
    """Return the median of each group's wages in whole dollars; -1 where fewer than four firms
    named one."""
    ranked = _ranked(wages, group)
    # Those that named none stand first.
    named = np.add.reduceat(wages >= 0, begin, dtype=np.int64)
    low = ranked[np.maximum(end - named + (named - 1) // 2, 0).clip(max=len(ranked) - 1)]
    high = ranked[np.minimum(end - named + named // 2, len(ranked) - 1)]
    dollars = np.rint((low + high) / 200).astype(np.int64)
    return np.where(named >= FEWEST_FIRMS, dollars * 100, -1)


def cells_covering(
    skill: str, county: str, quarter: int, area_of: Mapping[str, Area]
) -> tuple[Key, Key, Key]:
    """Return the cells that cover a skill in a county and quarter, the narrowest first."""
    own = ("county", county)
    area = area_of.get(county, own)
    return (skill, own, quarter), (skill, area, quarter), (skill, area, None)


def serve(
    asked: Mapping[Key, Gap], supplies: Iterable[Supplied], area_of: Mapping[str, Area]
) -> list[Gap]:
    """Put the seats beside the demand that they serve; the largest gap first, mere seats last.

    Seats count in the one cell that covers their county and quarter; where none does, they stand
    for themselves.
    """
    totals: dict[Key, tuple[int, int, int]] = {}
    for row in supplies:
        own, *wider = cells_covering(row.skill, row.county, row.quarter, area_of)
        key = next((one for one in (own, *wider) if one in asked), own)
        seats, sections, planned = totals.get(key, (0, 0, 0))
        totals[key] = seats + row.seats, sections + row.sections, planned + row.planned
    served = dict(asked)
    for key, (seats, sections, planned) in totals.items():
        gap = served.get(key) or Gap(*key, 0, 0)
        served[key] = gap._replace(seats=seats, sections=sections, planned=planned)
    # Most stand in order already.
    return sorted(served.values(), key=_order)


def _order(gap: Gap) -> tuple[bool, int, str, Area, int]:
    return not gap.firms, gap.seats - gap.people, gap.skill, gap.area, gap.quarter or 0

"""The cells of demand: each tells too little of every firm, and nothing can be subtracted."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.training.rules.gaps import FEWEST_FIRMS, Demands, Supplied, find_cell, serve
from portal.training.rules.gaps import make_cells as make_cells_of

AREAS = {
    "21111": ("region", "1"),
    "18019": ("region", "1"),
    "20173": ("state", "KS"),
}


class Demanded(NamedTuple):
    """One open need."""

    skill: str
    county: str
    quarter: int
    firm: int
    people: int
    wage_cents: int
    would: int


def asked(firm: int, people: int = 2, county: str = "21111", quarter: int = 8110, **more):
    return Demanded(
        "welding", county, quarter, firm, people, **{"wage_cents": -1, "would": 0, **more}
    )


def put_together(rows: Sequence[Demanded]) -> Demands:
    columns = list(zip(*rows, strict=True)) or [()] * 7
    skills, counties = sorted(set(columns[0])), sorted(AREAS)
    return Demands(
        skills,
        counties,
        np.array([skills.index(skill) for skill in columns[0]], np.int64),
        np.array([counties.index(county) for county in columns[1]], np.int64),
        *(np.array(column, np.int64) for column in columns[2:]),
    )


def make_cells(rows: Sequence[Demanded], area_of=None):
    """Return the cells of needs, each with its firms and how many people they ask for."""
    demands = put_together(rows)
    return [
        (gap, find_cell(demands, area_of or AREAS, key).firms)
        for key, gap in make_cells_of(demands, area_of or AREAS).items()
    ]


def are_shown(*people: int) -> bool:
    return bool(make_cells([asked(firm, number) for firm, number in enumerate(people)]))


def test_three_firms_are_too_few_and_four_alike_are_enough():
    assert not are_shown()
    assert not are_shown(2, 2, 2)
    assert are_shown(2, 2, 2, 2)


def test_one_large_firm_hides_the_sum_from_the_second_largest():
    assert not are_shown(40, 2, 2, 2)
    assert not are_shown(10, 8, 1, 1)
    assert are_shown(10, 5, 5, 5)
    # What is left when the second largest is away is half of the largest exactly, and less.
    assert are_shown(8, 8, 2, 2)
    assert not are_shown(9, 9, 2, 2)


def test_several_needs_of_one_firm_are_one_firm():
    assert make_cells([asked(1), asked(1), asked(2), asked(3)]) == []
    ((cell, firms),) = make_cells([asked(1), asked(1), asked(2), asked(3), asked(4)])
    assert (cell.firms, cell.people) == (4, 10)
    assert firms == {1: 4, 2: 2, 3: 2, 4: 2}


def test_what_is_too_little_in_a_county_is_pooled_by_region_then_over_time():
    cells = make_cells(
        [
            *(asked(firm) for firm in range(4)),
            *(asked(firm, county="18019") for firm in (10, 11)),
            *(asked(firm, county="18019", quarter=8111) for firm in (12, 13)),
            asked(20, county="20173"),
        ]
    )
    assert [(cell.area, cell.quarter, sorted(firms)) for cell, firms in cells] == [
        (("county", "21111"), 8110, [0, 1, 2, 3]),
        (("region", "1"), None, [10, 11, 12, 13]),
    ]


def test_a_wage_is_told_where_four_firms_named_one():
    three = [asked(firm, wage_cents=2000 + 111 * firm) for firm in range(3)]
    other = [asked(firm, county="18019", wage_cents=5000) for firm in range(4)]
    ((pooled, _firms), (cell, _others)) = make_cells([*three, asked(3), asked(0), *other])
    assert (pooled.area[1], cell.area[1]) == ("21111", "18019")
    assert (pooled.wage_cents, cell.wage_cents) == (None, 5000)
    ((cell, _firms),) = make_cells([*three, asked(3, wage_cents=9000, would=1)])
    assert cell.wage_cents == 2200
    assert cell.some_cofund
    assert not cell.some_host


def test_seats_stand_beside_the_demand_that_they_serve_once():
    rows = [asked(firm, county=county) for county in ("21111", "18019") for firm in range(4)]
    gaps = serve(
        make_cells_of(put_together(rows), AREAS),
        [
            Supplied("welding", "21111", 8110, 5, 1),
            Supplied("welding", "21111", 8110, 1, 1),
            Supplied("welding", "20173", 8110, 7, 1),
            Supplied("welding", "18019", 8110, 20, 2),
            Supplied("welding", "18019", 8110, 0, 0, 9),
        ],
        AREAS,
    )
    assert [
        (gap.area[1], gap.people, gap.seats, gap.sections, gap.planned, gap.missing) for gap in gaps
    ] == [
        ("21111", 8, 6, 2, 0, 2),
        # Where firms ask, seats may be left over; what nobody asks for comes last all the same.
        ("18019", 8, 20, 2, 9, -12),
        ("20173", 0, 7, 1, 0, -7),
    ]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.builds(
            Demanded,
            st.sampled_from(["welding", "milling"]),
            st.sampled_from(sorted(AREAS)),
            st.integers(8110, 8112),
            st.integers(1, 9),
            st.integers(1, 12),
            st.integers(-1, 3),
            st.integers(0, 3),
        ),
        max_size=60,
    )
)
def test_every_need_counts_in_one_cell_at_most_and_every_cell_is_showable(demands):
    cells = make_cells(demands)
    for cell, firms in cells:
        assert len(firms) >= FEWEST_FIRMS
        largest, _second, *others = sorted(firms.values(), reverse=True)
        assert 2 * sum(others) >= largest
        assert (cell.firms, cell.people) == (len(firms), sum(firms.values()))
    assert len({cell.key for cell, _firms in cells}) == len(cells)
    counted = Counter()
    for cell, firms in cells:
        for firm, people in firms.items():
            counted[cell.skill, firm] += people
    present = Counter()
    for row in demands:
        present[row.skill, row.firm] += row.people
    assert all(counted[key] <= present[key] for key in counted)
    # The order in which they were stated tells nothing.
    assert make_cells(demands[::-1]) == cells

"""The cells of demand: each tells too little of every firm, and nothing can be subtracted."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.training.rules.gaps import (
    FEWEST_FIRMS,
    Demanded,
    Supplied,
    is_showable,
    make_cells,
    serve,
    unserved,
)

AREAS = {
    "21111": ("region", "1"),
    "18019": ("region", "1"),
    "20173": ("state", "KS"),
}


def asked(
    firm: int, people: int = 2, county: str = "21111", quarter: int = 8110, **more
) -> Demanded:
    facts = {"wage_cents": None, "is_cofunding": False, "hosts_apprentices": False, **more}
    return Demanded("welding", county, quarter, firm, people, **facts)


def test_three_firms_are_too_few_and_four_alike_are_enough():
    assert not is_showable({1: 2, 2: 2, 3: 2})
    assert is_showable({1: 2, 2: 2, 3: 2, 4: 2})


def test_one_large_firm_hides_the_sum_from_the_second_largest():
    assert not is_showable({1: 40, 2: 2, 3: 2, 4: 2})
    assert not is_showable({1: 10, 2: 8, 3: 1, 4: 1})
    assert is_showable({1: 10, 2: 5, 3: 5, 4: 5})


def test_several_needs_of_one_firm_are_one_firm():
    assert make_cells([asked(1), asked(1), asked(2), asked(3)], AREAS) == []


def test_what_is_too_little_in_a_county_is_pooled_by_region_then_over_time():
    cells = make_cells(
        [
            *(asked(firm) for firm in range(4)),
            *(asked(firm, county="18019") for firm in (10, 11)),
            *(asked(firm, county="18019", quarter=8111) for firm in (12, 13)),
            asked(20, county="20173"),
        ],
        AREAS,
    )
    assert [(cell.area, cell.quarter, sorted(cell.firms)) for cell in cells] == [
        (("county", "21111"), 8110, [0, 1, 2, 3]),
        (("region", "1"), None, [10, 11, 12, 13]),
    ]


def test_a_wage_is_told_where_four_firms_named_one():
    three = [asked(firm, wage_cents=2000 + 111 * firm) for firm in range(3)]
    (cell,) = make_cells([*three, asked(3)], AREAS)
    assert cell.wage_cents is None
    (cell,) = make_cells([*three, asked(3, wage_cents=9000, is_cofunding=True)], AREAS)
    assert cell.wage_cents == 2200
    assert cell.some_cofund
    assert not cell.some_host


def test_seats_stand_beside_the_demand_that_they_serve_once():
    cells = make_cells([asked(firm) for firm in range(4)], AREAS)
    cells += make_cells(
        [asked(firm, county="18019") for firm in range(4)], {**AREAS, "18019": ("region", "9")}
    )
    gaps = serve(
        unserved(cells),
        [
            Supplied("welding", "21111", 8110, 5, 1),
            Supplied("welding", "21111", 8110, 1, 1),
            Supplied("welding", "20173", 8110, 7, 1),
            Supplied("welding", "18019", 8110, 20, 2),
        ],
        AREAS,
    )
    assert [(gap.area[1], gap.people, gap.seats, gap.sections, gap.missing) for gap in gaps] == [
        ("21111", 8, 6, 2, 2),
        # Where firms ask, seats may be left over; what nobody asks for comes last all the same.
        ("18019", 8, 20, 2, -12),
        ("20173", 0, 7, 1, -7),
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
            st.none(),
            st.booleans(),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_every_need_counts_in_one_cell_at_most_and_every_cell_is_showable(demands):
    cells = make_cells(demands, AREAS)
    assert all(is_showable(cell.firms) for cell in cells)
    assert all(len(cell.firms) >= FEWEST_FIRMS for cell in cells)
    assert len({cell.key for cell in cells}) == len(cells)
    counted = Counter()
    for cell in cells:
        for firm, people in cell.firms.items():
            counted[cell.skill, firm] += people
    present = Counter()
    for row in demands:
        present[row.skill, row.organization_id] += row.people
    assert all(counted[key] <= present[key] for key in counted)
    # The order in which they were stated tells nothing.
    assert {cell.key: cell for cell in make_cells(demands[::-1], AREAS)} == {
        cell.key: cell for cell in cells
    }

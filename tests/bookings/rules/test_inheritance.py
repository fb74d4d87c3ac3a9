"""Which layer of rules wins."""

from typing import Any

import pytest

from portal.bookings.rules.attempt import BookingRules
from portal.bookings.rules.inheritance import inherit


def test_what_nobody_says_is_as_the_portal_has_it() -> None:
    assert inherit([]) == BookingRules()
    assert inherit([{}, {"slot_minutes": None, "is_regional": None}]) == BookingRules()


def test_the_narrowest_layer_that_says_something_wins_value_by_value() -> None:
    for_class = {"horizon_days": 30, "needs_agreement": False}
    machine = {"horizon_days": 60, "slot_minutes": 30, "needs_agreement": None}
    organization = {"horizon_days": 90, "slot_minutes": 60, "needs_agreement": True, "capacity": 2}
    rules = inherit([for_class, machine, {}, organization])
    assert rules == BookingRules(
        horizon_days=30, slot_minutes=30, needs_agreement=False, capacity=2
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("lead_time_minutes", 0), ("needs_induction", False), ("buffer_after_minutes", 0)],
)
def test_nothing_and_no_are_things_to_say(name: str, value: Any) -> None:
    """A zero or a "no" of a narrow layer stands against the wider one."""
    wider = {name: True if value is False else 60}
    assert getattr(inherit([{name: value}, wider]), name) == value


@pytest.mark.parametrize(
    ("narrow", "wide", "lengths"),
    [
        pytest.param(
            {"min_length_minutes": 240}, {"max_length_minutes": 120}, (240, 240), id="longer"
        ),
        pytest.param(
            {"max_length_minutes": 30}, {"min_length_minutes": 60}, (30, 30), id="shorter"
        ),
        pytest.param({"max_length_minutes": 10}, {}, (10, 10), id="shorter than the portal's own"),
        pytest.param(
            {"min_length_minutes": 60}, {"max_length_minutes": 120}, (60, 120), id="in order"
        ),
    ],
)
def test_lengths_of_two_layers_never_shut_everybody_out(
    narrow: dict[str, int], wide: dict[str, int], lengths: tuple[int, int]
) -> None:
    rules = inherit([narrow, wide])
    assert (rules.min_length_minutes, rules.max_length_minutes) == lengths


@pytest.mark.parametrize(
    ("layers", "regions"),
    [
        pytest.param([{"eligible_region_ids": [1]}], None, id="of a layer that is not regional"),
        pytest.param(
            [{}, {"is_regional": True, "eligible_region_ids": [1, 2]}], {1, 2}, id="the wider one"
        ),
        pytest.param(
            [
                {"is_regional": True, "eligible_region_ids": [3]},
                {"is_regional": True, "eligible_region_ids": [1, 2]},
            ],
            {3},
            id="the narrower one",
        ),
        pytest.param(
            [
                {"is_regional": False, "eligible_region_ids": []},
                {"is_regional": True, "eligible_region_ids": [1]},
            ],
            None,
            id="lifted",
        ),
        pytest.param([{"is_regional": True, "eligible_region_ids": []}], set(), id="nobody at all"),
    ],
)
def test_regions_count_where_a_layer_is_regional(
    layers: list[dict[str, Any]], regions: set[int] | None
) -> None:
    assert inherit(layers).eligible_region_ids == regions


def test_kinds_of_organizations_are_taken_whole_from_one_layer() -> None:
    rules = inherit([{"eligible_kinds": ["sme"]}, {"eligible_kinds": ["sme", "university"]}])
    assert rules.eligible_kinds == frozenset({"sme"})
    assert inherit([{"eligible_kinds": []}]).eligible_kinds == frozenset()

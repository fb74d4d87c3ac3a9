"""The measures of matching, and what was judged over the demo's regions."""

from collections import Counter

import pytest

from benchmarks.matching import Measures, average, measure, read_judged, timing
from benchmarks.relevance import record_name
from portal.demo import queries as demo


def test_precision_is_of_as_many_places_as_there_are_acceptable_records() -> None:
    few = frozenset({"a", "b"})
    assert measure(["a", "x", "b"], few) == Measures(1.0, pytest.approx(2 / 3), 1.0)
    assert measure(["x", "y", "z", "v", "w", "a"], few) == Measures(0.0, 0.0, 0.5)
    many = frozenset("abcdefg")
    assert measure(["a", "b", "c", "x", "d"], many).precision == 4 / 5
    assert measure([], many) == Measures(0.0, 0.0, 0.0)
    assert average([Measures(1, 1, 1), Measures(0, 0.5, 0)]) == Measures(0.5, 0.75, 0.5)


def test_times_are_told_as_a_table() -> None:
    told = timing(100_000, [0.05, 0.09])
    assert "a need among 100,000 records" in told
    assert "| all within | 90" in told


def test_the_judged_needs_are_many_and_accept_records_that_the_demo_has() -> None:
    records = [
        (kind, record.values.get("title") or record.values["name"], item.values["name"])
        for item in demo.read_organizations()
        for kind, its in (
            ("organization", [item]),
            ("facility", item.facilities),
            ("equipment", [*item.equipment, *(e for f in item.facilities for e in f.equipment)]),
            ("request", item.requests),
        )
        for record in its
    ]
    owners = {item.key: item.values["name"] for item in demo.read_organizations()}
    records += [
        ("program", program.values["title"], owners[program.provider])
        for program in demo.read_programs()
    ]
    often = Counter(record_name(kind, title) for kind, title, _ in records)
    names = {
        record_name(kind, title, *([owner] if often[record_name(kind, title)] > 1 else []))
        for kind, title, owner in records
    }
    judged = read_judged()

    assert len(judged) >= 40
    for need, accepted in judged.items():
        assert accepted <= names, need

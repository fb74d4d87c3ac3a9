"""Nobody learns from search that a record exists which they may not see."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.kernel.fulltext.port import Document, Engine, Key, Near, Query, Results
from tests.kernel.fulltext.contract.conftest import IndexOf
from tests.kernel.fulltext.model import PUBLIC, record

CANARY = "zebrafish"
HERE = {"latitude": 38.25, "longitude": -85.76}


@pytest.fixture
def index(index_of: IndexOf) -> Engine:
    return index_of(
        record(1, "Laser lab", body="zebra crossing", **HERE),
        record(
            2,
            f"{CANARY} laser lab",
            kind=CANARY,
            summary=CANARY,
            body=f"{CANARY} prototype",
            organization=CANARY,
            keywords=(CANARY,),
            facets={"county": (CANARY,), CANARY: ("yes",)},
            extra={"county": CANARY},
            audience=frozenset({"org:1", "member"}),
            **HERE,
        ),
        record(3, f"{CANARY} draft", audience=frozenset()),
    )


@pytest.mark.parametrize(
    "query",
    [
        Query(audience=PUBLIC),
        Query(audience=PUBLIC, text="laser"),
        Query(audience=PUBLIC, text=CANARY),
        Query(audience=PUBLIC, text=f'"{CANARY} prototype"'),
        Query(audience=PUBLIC, text="-laser"),
        Query(audience=PUBLIC, text="zebrafsh"),
        Query(audience=PUBLIC, text="zebrafsh laser"),
        Query(audience=PUBLIC, text="prototpe"),
        Query(audience=PUBLIC, near=Near(38.25, -85.76, 5), sort="distance"),
        Query(audience=PUBLIC, sort="title"),
        Query(audience=frozenset({"org:2", "public"}), text="laser"),
        Query(audience=frozenset({"org:11", "org:", "memb"})),
        Query(audience=frozenset()),
    ],
)
def test_nothing_of_a_hidden_record_shows_in_any_answer(index: Engine, query: Query) -> None:
    results = index.search(query)
    assert CANARY not in repr(results)
    assert results.total <= 1
    assert results.total == len(results.hits)


def test_a_selected_value_is_repeated_with_count_zero_whether_it_exists_or_not(
    index: Engine,
) -> None:
    for value in (CANARY, "no such county"):
        query = Query(audience=PUBLIC, facets={"county": frozenset({value})})
        results = index.search(query)
        assert results.total == 0
        assert [(v.value, v.count) for v in results.facets["county"]] == [(value, 0)]


def test_suggestions_and_spelling_help_do_not_know_hidden_words(index: Engine) -> None:
    assert index.suggest("zeb", PUBLIC) == ()
    assert [found.id for found in index.suggest("laser", PUBLIC)] == [1]
    hidden = index.search(Query(audience=PUBLIC, text="zebrafsh"))
    assert (hidden.total, hidden.suggestion, hidden.is_fuzzy) == (0, None, False)
    shown = index.search(Query(audience=frozenset({"org:1"}), text="zebrafsh"))
    assert (shown.total, shown.suggestion) == (1, CANARY)


def test_a_word_that_only_hidden_records_have_is_corrected_like_one_that_nobody_has(
    index_of: IndexOf,
) -> None:
    def answer(hidden: str) -> str:
        index = index_of(record(1, "Welding"), record(2, hidden, audience=frozenset()))
        return repr(index.search(Query(audience=PUBLIC, text="weldin")))

    assert answer("weldin") == answer("other")
    assert "suggestion='welding'" in answer("weldin")


def test_a_hidden_word_does_not_stand_in_the_way_of_a_visible_correction(
    index_of: IndexOf,
) -> None:
    index = index_of(record(1, "Welding"), record(2, "Weldint", audience=frozenset()))
    results = index.search(Query(audience=PUBLIC, text="weldit"))
    assert (results.total, results.suggestion) == (1, "welding")


def test_scores_are_the_same_whatever_is_hidden(index_of: IndexOf) -> None:
    def scores(*hidden: str) -> list[float]:
        others = (record(100 + n, text, audience=frozenset()) for n, text in enumerate(hidden))
        index = index_of(record(1, "Laser lab"), record(2, body="laser cutter"), *others)
        asked = (Query(audience=PUBLIC, text=text) for text in ("laser", "laser lab"))
        return [hit.score for query in asked for hit in index.search(query).hits]

    assert len(scores()) == 3
    assert scores() == scores("laser " * 50, "laser lab", "lab")


def test_what_is_hidden_by_its_key_is_as_what_the_audience_may_not_see(index_of: IndexOf) -> None:
    def answers(*others: Document, hidden: frozenset[Key] = frozenset()) -> list[Results]:
        index = index_of(record(1, "Laser lab"), record(2, "Laser cutter"), *others)
        return [
            index.search(Query(audience=PUBLIC, hidden=hidden, text=text, limit=1))
            for text in ("", "laser", "zebrafsh", "zebrafsh laser", "-laser")
        ]

    zebra = record(3, "Zebrafish laser")
    expected = answers(replace(zebra, audience=frozenset()))
    assert answers(zebra) != expected
    assert answers(zebra, hidden=frozenset({zebra.key, ("organization", 99)})) == expected


def test_everything_that_matches_is_told_without_what_is_hidden(index_of: IndexOf) -> None:
    first, second = record(1, "Laser"), record(2, "Laser")
    asked = Query(audience=PUBLIC, text="laser", hidden=frozenset({first.key}))
    assert index_of(first, second).matching(asked) == {second.key}


def test_those_who_may_see_it_find_it(index: Engine) -> None:
    for token in ("org:1", "member"):
        results = index.search(Query(audience=frozenset({token, "public"}), text=CANARY))
        assert [hit.id for hit in results.hits] == [2]


def test_a_narrowed_audience_takes_effect_with_the_commit(index: Engine) -> None:
    index.apply([record(1, "Laser lab", audience=frozenset({"org:1"}))])
    assert index.search(Query(audience=PUBLIC)).total == 0
    assert index.suggest("laser", PUBLIC) == ()
    assert index.search(Query(audience=PUBLIC)).facets == {"kind": ()}

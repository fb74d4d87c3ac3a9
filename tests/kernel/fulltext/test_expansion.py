"""Other words for those of a query find as much, and count as much as they are said to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.kernel.fulltext import executor
from portal.kernel.fulltext.asked import Expansion, understand
from portal.kernel.fulltext.index import Index
from portal.kernel.fulltext.port import Query, Results
from tests.kernel.fulltext.conftest import IndexOf
from tests.kernel.fulltext.model import PUBLIC, record

COORDINATE = ("coordin", "measur", "machin")


def search(index: Index, text: str, *expansions: Expansion) -> Results:
    asked = replace(understand(text), expansions=expansions)
    return executor.search(index._latest(), Query(text=text, audience=PUBLIC), asked)


def ids(results: Results) -> list[int]:
    return [hit.id for hit in results.hits]


@pytest.fixture
def index(index_of: IndexOf) -> Index:
    return index_of(
        record(1, "CMM"),
        record(2, "Coordinate measuring machine"),
        record(3, "Machine for measuring a coordinate"),
        record(4, "Something else", body="cmm"),
    )


def test_a_document_with_the_other_words_is_found_too(index: Index) -> None:
    results = search(index, "cmm", Expansion(0, 1, ((COORDINATE, 1.0),)))
    assert set(ids(results)) == {1, 2, 4}
    assert not results.is_fuzzy
    marked = search(index, "else cmm", Expansion(1, 2, ((("someth",), 0.5),)))
    assert ids(marked) == [4]


def test_words_that_stand_for_several_need_not_be_with_them(index: Index) -> None:
    wanted = Expansion(0, 3, ((("cmm",), 1.0),))
    assert set(ids(search(index, "coordinate measuring machine", wanted))) == {1, 2, 3, 4}
    assert ids(search(index, "coordinate measuring machine else", wanted)) == [4]


def test_the_best_of_the_words_counts_with_its_weight_and_not_their_sum(index_of: IndexOf) -> None:
    index = index_of(
        record(1, "alpha"), record(2, "beta"), record(3, "gamma"), record(4, "alpha beta")
    )
    results = search(index, "alpha", Expansion(0, 1, ((("beta",), 0.9), (("gamma",), 0.5))))
    scores = {hit.id: hit.score for hit in results.hits}
    assert scores[2] == pytest.approx(0.9 * scores[1], rel=1e-6)
    assert scores[3] == pytest.approx(0.5 * scores[1], rel=1e-6)
    assert scores[4] < scores[1]


def test_a_word_with_others_that_are_found_is_not_corrected(index: Index) -> None:
    plain = search(index, "elss")
    assert (ids(plain), plain.suggestion) == ([4], "else")
    results = search(index, "elss", Expansion(0, 1, ((COORDINATE, 1.0),)))
    assert (ids(results), results.suggestion) == ([2], None)

"""What else may be said for the words of a query finds as much, and counts as it is said to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from portal.kernel.fulltext.port import Engine, Query, Results
from portal.kernel.fulltext.vocabulary import Concept, Vocabulary
from tests.kernel.fulltext.model import PUBLIC, matches_of, record

VOCABULARY = Vocabulary.of([
    Concept("cmm", ("CMM", "coordinate measuring machine")),
    Concept("milling", ("CNC milling",), narrower=("5-axis",)),
    Concept("5-axis", ("5-axis machining",)),
])  # fmt: skip


@pytest.fixture
def find(open_index: Callable[..., Engine]) -> Callable[[str], Results]:
    """Searches some records with the vocabulary at hand."""
    index = open_index(lambda: VOCABULARY)
    texts: list[dict[str, Any]] = [
        {"title": "CMM"},
        {"title": "Coordinate measuring machine"},
        {"title": "Machine for measuring a coordinate"},
        {"title": "Something else", "body": "cmm"},
        {"title": "CNC milling"},
        {"title": "5-axis machining"},
        {"title": "Hidden CMM", "audience": frozenset()},
    ]
    index.rebuild(record(number, **text) for number, text in enumerate(texts))
    return lambda text: index.search(Query(text=text, audience=PUBLIC))


def ids(results: Results) -> list[int]:
    return [hit.id for hit in results.hits]


def test_a_name_finds_the_others_and_what_is_narrower(find: Callable[[str], Results]) -> None:
    assert set(ids(find("cmm"))) == {0, 1, 3}
    assert set(ids(find("coordinate measuring machine"))) == {0, 1, 2, 3}
    assert ids(find("cmm else")) == [3]
    assert ids(find("CNC milling")) == [4, 5]
    assert ids(find("5-axis machining")) == [5]
    assert not find("cmm").is_fuzzy
    assert find("cmm").total == 3


def test_phrases_and_words_with_a_sign_stand_for_themselves(
    find: Callable[[str], Results],
) -> None:
    assert set(ids(find('"cmm"'))) == {0, 3}
    assert set(ids(find("+cmm"))) == {0, 3}
    assert set(ids(find("machine -cmm"))) == {1, 2, 5}


def test_other_names_count_less_than_the_name_and_narrower_ones_less_still(
    find: Callable[[str], Results],
) -> None:
    scores = {hit.id: hit.score for hit in find("CNC milling").hits}
    assert 0 < scores[5] < scores[4]
    assert ids(find("cmm"))[:2] == [0, 1]


def test_a_name_whose_words_stand_apart_is_found_among_those_with_some_of_the_words(
    open_index: Callable[..., Engine],
) -> None:
    names = ("DMLS", "selective laser melting", "metal powder bed")
    index = open_index(lambda: Vocabulary.of([Concept("lpbf", names)]))
    index.rebuild([
        record(1, "Laser", body="It melts selectively, melting layers of powder."),
        record(2, "Powder coating"),
        record(3, "Pressing of metal"),
    ])  # fmt: skip
    alone = index.search(Query(text="DMLS", audience=PUBLIC))
    assert (ids(alone), alone.is_fuzzy) == ([1], True)

    index.apply([record(4, "DMLS")])
    beside = index.search(Query(text="DMLS", audience=PUBLIC))
    assert (ids(beside), beside.is_fuzzy) == ([4], False)
    assert [hit.id for hit in beside.partial] == [1]
    assert beside.total == 1


def test_of_those_with_some_of_the_words_those_come_first_that_also_say_words_of_names(
    open_index: Callable[..., Engine],
) -> None:
    names = ("EMC", "radiated emissions", "conducted interference")
    index = open_index(lambda: Vocabulary.of([Concept("emc", names)]))
    index.rebuild([
        record(1, "Room", body="Tests of springs."),
        record(2, "Room", body="Tests of emissions."),
        record(3, "Room", body="Tests of paper."),
    ])  # fmt: skip
    results = index.search(Query(text="EMC tests", audience=PUBLIC))
    assert ids(results) == [2, 1, 3]


def test_the_other_words_are_highlighted_too(find: Callable[[str], Results]) -> None:
    (hit,) = [hit for hit in find("coordinate measuring machine").hits if hit.id == 3]
    assert matches_of(hit.highlights[0]) == ["cmm"]


def test_of_keywords_those_with_the_words_as_typed_are_shown_alone(
    open_index: Callable[..., Engine],
) -> None:
    index = open_index(lambda: VOCABULARY)
    names = ("Coordinate measuring machine", "CMM operation")
    index.rebuild([record(1, "Gauge room", keywords=names), record(2, "Lab", keywords=names[:1])])
    hits = index.search(Query(text="cmm", audience=PUBLIC)).hits
    assert {hit.id: [one.text for one in hit.highlights] for hit in hits} == {
        1: ["CMM operation"],
        2: ["Coordinate measuring machine"],
    }


def test_of_keywords_those_are_shown_that_add_a_word(open_index: Callable[..., Engine]) -> None:
    index = open_index()
    names = ("5-axis milling", "Fresado de 5 ejes", "5-axis", "Milling machines", "Probe")
    index.rebuild([record(1, "Trunnion", keywords=names)])

    def shown(text: str) -> list[str]:
        (hit,) = index.search(Query(text=text, audience=PUBLIC)).hits
        return [one.text for one in hit.highlights]

    assert shown("5 axis mill") == ["5-axis milling"]
    assert shown("milling probe") == ["5-axis milling", "Probe"]


def test_misspelled_words_beside_a_known_name_are_corrected(
    find: Callable[[str], Results],
) -> None:
    results = find("cmm elss")
    assert (ids(results), results.suggestion) == ([3], "cmm else")

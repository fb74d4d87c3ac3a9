"""What else is said for the words of a query: other names, narrower concepts, other spellings."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.kernel.fulltext.asked import MAX_ALTERNATIVES, understand
from portal.kernel.fulltext.index import Index
from portal.kernel.fulltext.language import SAME
from portal.kernel.fulltext.port import Query
from portal.kernel.fulltext.vocabulary import (
    MOST_ALTERNATIVES,
    NARROWER,
    Concept,
    Vocabulary,
)
from tests.kernel.fulltext.model import PUBLIC, record

MACHINING = Concept("machining", ("Machining",), ("milling", "turning"))
MILLING = Concept("milling", ("CNC milling", "machining center", "Fresado CNC"), ("five-axis",))
FIVE_AXIS = Concept("five-axis", ("5-axis milling", "simultaneous contouring"))
TURNING = Concept("turning", ("Turning", "lathe work"))
MEASURING = Concept("cmm", ("Coordinate measuring machine", "CMM"))
ADDITIVE = Concept("am", ("Additive manufacturing", "AM"))
EXPERIMENTS = Concept("doe", ("Design of experiments", "Taguchi methods"))
SHEET = Concept("sheet", ("Sheet metal work",))
VOCABULARY = Vocabulary.of(
    (MACHINING, MILLING, FIVE_AXIS, TURNING, MEASURING, ADDITIVE, EXPERIMENTS, SHEET)
)


def expanded(text: str) -> list[tuple[int, int, dict[str, float]]]:
    """The expansions of a query: first and last unit, and the weights of what may stand there."""
    return [
        (its.first, its.last, {" ".join(terms): weight for terms, weight in its.alternatives})
        for its in understand(text, VOCABULARY).expansions
    ]


def test_an_abbreviation_stands_for_the_long_name_and_the_reverse() -> None:
    assert expanded("CMM") == [(0, 1, {"coordin measur machin": SAME})]
    assert expanded("coordinate measuring machines") == [(0, 3, {"cmm": SAME})]


def test_narrower_concepts_count_less_the_further_down_and_broader_ones_do_not_count() -> None:
    assert expanded("machining") == [
        (
            0,
            1,
            {
                "cnc mill": NARROWER[0],
                "turn": NARROWER[0],
                "5 axi mill": NARROWER[1],
                "fresado cnc": NARROWER[0],
                "lath work": NARROWER[0],
                "simultan contour": NARROWER[1],
            },
        )
    ]
    assert SAME > NARROWER[0] > NARROWER[1] > 0
    assert (
        expanded("5-axis milling")
        == expanded("milling 5-axis")
        == [(0, 2, {"simultan contour": SAME})]
    )


def test_a_name_of_one_word_is_not_taken_for_another_form_of_it() -> None:
    assert expanded("machine") == []
    assert expanded("sewing machines") == [(0, 2, {"sewingmachin": SAME})]


def test_the_longest_name_is_taken_and_the_rest_is_left() -> None:
    first, last, others = expanded("cheap cnc milling today")[0]
    assert (first, last) == (1, 3)
    assert others["machin center"] == SAME
    assert others["cncmill"] == SAME


def test_a_name_may_have_a_filler_within() -> None:
    assert expanded("course on design of experiments") == [(1, 3, {"taguchi method": SAME})]


@pytest.mark.parametrize("text", ['"CMM"', "+CMM", "-CMM", '+"CNC milling"', "cnc +milling"])
def test_what_is_quoted_or_signed_stands_for_itself(text: str) -> None:
    assert expanded(text) == []


def test_the_words_of_a_name_may_come_in_any_order_and_more_than_once() -> None:
    assert expanded("milling 5-axis") == [(0, 2, {"simultan contour": SAME})]
    assert [its[:2] for its in expanded("milling cnc milling")] == [(0, 2)]
    assert [its[:2] for its in expanded("CMM or CMM")] == [(0, 1)]


def test_a_name_that_is_also_a_filler_is_meant_in_capitals_only() -> None:
    assert expanded("I am looking for AM") == [(0, 1, {"addit manufactur": SAME})]
    assert [unit.terms for unit in understand("I am a welder", VOCABULARY).wanted] == [("weld",)]


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("water jet", "waterjet"),
        ("start-up", "startup"),
        ("x ray", "xray"),
        ("AS9100D", "as 9100"),
        ("9001:2015", "9001"),
        ("mock up", "mockup"),
    ],
)
def test_words_are_also_found_in_their_other_spelling(text: str, other: str) -> None:
    found = {
        " ".join(terms): weight
        for its in understand(text).expansions
        for terms, weight in its.alternatives
    }
    assert found == {other: SAME}


def test_other_spellings_do_not_take_a_word_away_from_a_name() -> None:
    assert [its[:2] for its in expanded("water jet cnc milling")] == [(0, 2), (2, 4)]


@pytest.mark.parametrize("text", ["316L", "17-4 PH", "Ti-6Al-4V", "1/4-20", "316 L", "B117"])
def test_grades_and_threads_have_no_other_spelling(text: str) -> None:
    assert understand(text).expansions == ()


def test_a_measure_is_known_in_its_other_names() -> None:
    assert expanded("roll 2 inch plate") == [(1, 2, {"2 in": SAME})]
    assert expanded("300-gallon tank")[0] == (0, 1, {"300 gal": SAME})


def test_two_words_of_a_name_are_known_as_one() -> None:
    assert expanded("sheetmetal") == [(0, 1, {"sheet metal": SAME})]


def test_however_large_the_thesaurus_a_query_has_few_alternatives() -> None:
    narrower = [
        Concept(f"kind-{at}", (f"forging {chr(97 + at % 26)}{at}x", f"xy{at}")) for at in range(300)
    ]
    top = Concept("top", ("forgework", "smithing"), tuple(its.key for its in narrower))
    vocabulary = Vocabulary.of([top, *narrower])
    (forging,) = understand("smithing", vocabulary).expansions
    assert len(forging.alternatives) == MOST_ALTERNATIVES
    many = understand(" ".join(f"xy{at}" for at in range(300)) + " smithing" * 9, vocabulary)
    assert sum(len(its.alternatives) for its in many.expansions) <= MAX_ALTERNATIVES


def test_a_cycle_or_a_concept_that_is_not_there_does_no_harm() -> None:
    vocabulary = Vocabulary.of(
        [Concept("a", ("alpha",), ("b", "gone")), Concept("b", ("beta",), ("a",)), Concept("c", ())]
    )
    assert [its.alternatives for its in understand("alpha", vocabulary).expansions] == [
        ((("beta",), NARROWER[0]),)
    ]


def test_the_index_finds_by_what_the_vocabulary_says(tmp_path: Path) -> None:
    index = Index(tmp_path / "index", lambda: VOCABULARY)
    index.rebuild(
        [
            record(1, "CMM with scanning head"),
            record(2, "Coordinate measuring machine"),
            record(3, "5-axis milling cell"),
            record(4, "Machining center"),
            record(5, "Measuring coordinates by machine"),
        ]
    )

    def found(text: str) -> list[int]:
        return [hit.id for hit in index.search(Query(text=text, audience=PUBLIC)).hits]

    assert set(found("cmm")) == {1, 2}
    assert set(found("coordinate measuring machine")) == {1, 2, 5}
    assert found("cnc milling") == [4, 3]
    assert found('"cnc milling"') == []
    # Once its spelling is mended, a name is a name.
    assert found("coordinat mesuring machine")[-1] == 1

"""What searchers find, in which order, and what they are told about it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from markupsafe import escape

from portal.kernel.fulltext.port import (
    FEW,
    MAX_LIMIT,
    MAX_OFFSET,
    Engine,
    FacetValue,
    Near,
    Query,
)
from tests.kernel.fulltext.contract.conftest import IndexOf
from tests.kernel.fulltext.model import NEW_YEAR, PUBLIC, matches_of, record

LOUISVILLE = (38.2527, -85.7585)
LEXINGTON = (38.0406, -84.5037)
WICHITA = (37.6872, -97.3301)


def found(index: Engine, text: str = "", **query: object) -> list[int]:
    return [hit.id for hit in index.search(Query(text=text, audience=PUBLIC, **query)).hits]  # type: ignore[arg-type]


FINDS: dict[str, set[int]] = {
    "machine": {1, 2},
    "MACHINING": {1, 2},
    "316L": {1},
    "316": {1, 3},
    "316-L": {1},
    "AS9100": {1},
    "AS9100D": {1},
    "AS 9100": {1},
    "3/8": {2},
    "2.5 m": {2},
    "2.5 meters": {2},
    "2.5 m 3/8 bolts": {2},
    '"2.5 m"': {2},
    "5-axis": {1, 3},
    "5 axis": {1, 3},
    "C++": {3},
    "CNC and EDM": {3},
    "CNC/EDM": {3},
    "fresado precisión": {4},
    "FRESADO PRECISION": {4},
    "CMM": {2},
    "coordinate measuring machine": {2},
    '"measuring machine coordinate"': set(),
    '"measuring machine touch"': set(),
    "machine -CMM": {1},
    "-machine": {3, 4},
    "-machine -316 -fresado": set(),
    "Bluegrass machine": {1},
    "": {1, 2, 3, 4},
    "?!": {1, 2, 3, 4},
}


def test_a_number_and_its_measure_are_one_thing(index_of: IndexOf) -> None:
    index = index_of(
        record(1, "Wafer probe", body="0.5 µm steps over 300 mm"),
        record(2, "Sheet", body="From 0.5mm to 3 mm"),
        record(3, "Foil", body="0.5 millimeters"),
    )
    assert set(found(index, "0.5 mm")) == {2, 3}
    assert found(index, "300mm") == [1]


def test_all_words_must_match_somewhere_in_the_record(index_of: IndexOf) -> None:
    index = index_of(
        record(1, "5-Axis machining of 316L", body="AS9100D", organization="Bluegrass Tool"),
        record(
            2,
            "Inspection room",
            keywords=("CMM", "coordinate measuring machine", "touch probe"),
            body='Travel 2.5 m, 3/8" bolts',
        ),
        record(3, "Job shop", summary="CNC, wire EDM, five or 5 axis", body="316 programs in C++"),
        record(4, "Taller", summary="Fresado de precisión"),
    )
    answers = {text: index.search(Query(text=text, audience=PUBLIC)) for text in FINDS}
    assert {text: {hit.id for hit in results.hits} for text, results in answers.items()} == FINDS
    assert all(results.total == len(results.hits) for results in answers.values())
    assert [text for text, results in answers.items() if results.is_fuzzy] == []


def test_a_word_counts_most_in_the_title_and_least_in_the_body(index_of: IndexOf) -> None:
    index = index_of(
        record(1, "One", body="laser"),
        record(2, "Two", summary="laser"),
        record(3, "Three", organization="laser"),
        record(4, "Four", keywords=("laser",)),
        record(5, "Laser"),
    )
    assert found(index, "laser") == [5, 4, 3, 2, 1]


def test_the_record_with_just_that_title_comes_first(index_of: IndexOf) -> None:
    everything = "Río Tool & Die "
    index = index_of(
        record(1, everything * 3, keywords=(everything,), organization=everything),
        record(2, "Río Tool & Die"),
    )
    assert found(index, "rio tool die") == [2, 1]
    assert found(index, '"Rio Tool" die') == [2, 1]


def test_ties_are_broken_by_kind_and_id_wherever_the_records_are_stored(index_of: IndexOf) -> None:
    same = [record(n, "Laser", kind=kind, updated_at=NEW_YEAR) for kind in "ba" for n in (9, 10)]
    order = [("a", 9), ("a", 10), ("b", 9), ("b", 10)]
    for documents in (same, same[::-1], [*same[2:], *same[:2]]):
        index = index_of(*documents)
        for query in (
            Query(text="laser", audience=PUBLIC),
            Query(audience=PUBLIC, sort="title"),
            Query(audience=PUBLIC, sort="newest"),
            Query(audience=PUBLIC, sort="distance", near=Near(*WICHITA)),
        ):
            assert [hit.key for hit in index.search(query).hits] == order


def test_results_sort_by_newest_title_and_distance(index_of: IndexOf) -> None:
    index = index_of(
        record(1, "zeta lab", latitude=WICHITA[0], longitude=WICHITA[1]),
        record(2, "Émile's lab"),
        record(3, "Eden Lab", latitude=LOUISVILLE[0], longitude=LOUISVILLE[1]),
        record(4, "3-D lab", updated_at=NEW_YEAR - timedelta(days=9000)),
    )
    assert found(index, "lab", sort="newest") == [3, 2, 1, 4]
    assert found(index, "lab", sort="title") == [4, 3, 2, 1]
    assert found(index, "lab", sort="distance", near=Near(*LEXINGTON)) == [3, 1, 2, 4]
    assert found(index, sort="relevance") == [3, 2, 1, 4]
    assert found(index, sort="distance") == [3, 2, 1, 4]


def test_pages_follow_each_other_without_gap_or_overlap(index_of: IndexOf) -> None:
    index = index_of(*(record(n, f"Lab {n}") for n in range(1, 8)))
    pages = [found(index, "lab", limit=3, offset=at) for at in (0, 3, 6, 9)]
    assert pages == [[1, 2, 3], [4, 5, 6], [7], []]
    assert index.search(Query(text="lab", audience=PUBLIC, limit=0)).total == 7


@pytest.mark.parametrize(
    "wrong",
    [{"limit": MAX_LIMIT + 1}, {"limit": -1}, {"offset": MAX_OFFSET + 1}, {"offset": -1},
     {"sort": "price"}, {"facets": {"kind": frozenset()}}],
)  # fmt: skip
def test_a_query_out_of_bounds_cannot_be_made(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"limit|offset|sort|kinds"):
        Query(audience=PUBLIC, **wrong)  # type: ignore[arg-type]


def test_only_what_lies_within_the_radius_is_found(index_of: IndexOf) -> None:
    index = index_of(
        record(1, latitude=LOUISVILLE[0], longitude=LOUISVILLE[1], facets={"county": ("21111",)}),
        record(2, latitude=WICHITA[0], longitude=WICHITA[1], facets={"county": ("20173",)}),
        record(3),
    )
    results = index.search(Query(audience=PUBLIC, near=Near(*LEXINGTON, 80)))
    assert [hit.id for hit in results.hits] == [1]
    assert results.facets["county"] == (FacetValue("21111", 1, is_selected=False),)
    # 69.6 miles by the haversine formula on a sphere of 3,958.76 miles.
    assert results.hits[0].distance_miles == pytest.approx(69.6, abs=0.3)
    everywhere = index.search(Query(audience=PUBLIC, near=Near(*LEXINGTON)))
    assert everywhere.total == 3
    assert [hit.distance_miles is None for hit in everywhere.hits] == [True, False, False]


def test_the_date_line_and_the_pole_are_not_the_end_of_the_world(index_of: IndexOf) -> None:
    index = index_of(
        record(1, latitude=52.0, longitude=179.95),
        record(2, latitude=89.9, longitude=0.0),
        record(3, latitude=0.0, longitude=0.0),
    )
    assert found(index, near=Near(52.0, -179.95, 10)) == [1]
    assert found(index, near=Near(53.0, 179.95, 70)) == [1]  # a degree of latitude: 69.1 miles
    assert found(index, near=Near(53.0, 179.95, 69)) == []
    assert found(index, near=Near(89.9, 180.0, 20)) == [2]
    assert found(index, near=Near(0.0, 0.0, 0)) == [3]


def test_every_value_counts_of_a_document_that_has_many_more_than_others(index_of: IndexOf) -> None:
    many = tuple(f"{n:02}" for n in range(40))
    index = index_of(
        *(record(n, facets={"county": (many[n],), "size": ("s",)}) for n in range(10)),
        record(10, "Laser", facets={"county": many}),
    )

    found = index.search(Query(audience=PUBLIC)).facets["county"]
    assert {item.value: item.count for item in found} == {
        value: 2 if value < "10" else 1 for value in many
    }
    found = index.search(Query(text="laser", audience=PUBLIC)).facets["county"]
    assert {item.value: item.count for item in found} == dict.fromkeys(many, 1)


def test_counts_in_a_facet_ignore_its_own_selection_and_heed_the_others(index_of: IndexOf) -> None:
    index = index_of(
        record(1, kind="facility", facets={"county": ("A",), "capability": ("cut", "weld")}),
        record(2, kind="facility", facets={"county": ("B",), "capability": ("weld",)}),
        record(3, kind="request", facets={"county": ("A",)}),
    )
    results = index.search(
        Query(
            audience=PUBLIC,
            kinds=frozenset({"facility"}),
            facets={"county": frozenset({"A", "Z"})},
        )
    )
    assert [hit.id for hit in results.hits] == [1]
    assert results.facets == {
        "kind": (
            FacetValue("facility", 1, is_selected=True),
            FacetValue("request", 1, is_selected=False),
        ),
        "county": (
            FacetValue("A", 1, is_selected=True),
            FacetValue("B", 1, is_selected=False),
            FacetValue("Z", 0, is_selected=True),
        ),
        "capability": (
            FacetValue("cut", 1, is_selected=False),
            FacetValue("weld", 1, is_selected=False),
        ),
    }


def test_a_misspelled_word_is_corrected_and_the_page_can_say_so(index_of: IndexOf) -> None:
    index = index_of(record(1, "Water jet"), record(2, "Grinding wheels"))
    results = index.search(Query(text='"water jet" -robots Grindng', audience=PUBLIC))
    assert results.total == 2  # no record has both, so either will do
    results = index.search(Query(text="  Whels,  GRINDNG", audience=PUBLIC))
    assert [hit.id for hit in results.hits] == [2]
    assert (results.is_fuzzy, results.suggestion) == (True, "  wheels,  grinding")


def test_a_misspelled_word_is_not_taken_for_one_that_says_nothing(index_of: IndexOf) -> None:
    index = index_of(record(1, "A welding course"), record(2, "Your welding is yours"))
    results = index.search(Query(text="welding cours", audience=PUBLIC))
    assert [hit.id for hit in results.hits] == [1]
    assert results.suggestion == "welding course"


def test_of_words_as_close_those_with_the_same_first_letter_are_meant(index_of: IndexOf) -> None:
    index = index_of(record(1, "Hours"), record(2, "Hours"), record(3, "Course"))
    assert found(index, "cours") == [3]
    assert found(index, "zours") == [1, 2]


def test_a_suggestion_is_made_only_if_it_finds_something(index_of: IndexOf) -> None:
    index = index_of(record(1, "Laser"), record(2, "Laser"), record(3, "Lason welding"))
    results = index.search(Query(text="lasor weldin", audience=PUBLIC))
    assert [hit.id for hit in results.hits] == [3]
    assert (results.is_fuzzy, results.suggestion) == (True, None)


@pytest.mark.parametrize("text", ["edn", "316M", "+grindng", '"grindng wheel"', "xyzzyplugh"])
def test_short_words_numbers_and_what_was_insisted_on_are_not_corrected(
    index_of: IndexOf, text: str
) -> None:
    index = index_of(record(1, "Grinding wheels"), record(2, "EDM of 316L"))
    results = index.search(Query(text=text, audience=PUBLIC))
    assert (results.total, results.is_fuzzy, results.suggestion) == (0, False, None)


def test_if_no_record_has_all_words_those_with_some_are_offered(index_of: IndexOf) -> None:
    index = index_of(
        record(1, "Laser cutting"), record(2, "Laser welding"), record(3, "Sand casting")
    )
    results = index.search(Query(text="laser welding xyzzy -cutting", audience=PUBLIC))
    assert [hit.id for hit in results.hits] == [2]
    assert results.is_fuzzy
    assert found(index, "+casting +plugh laser") == []
    assert found(index, "+casting plugh laser") == [3]


def test_where_few_have_all_words_those_with_some_follow_apart_and_uncounted(
    index_of: IndexOf,
) -> None:
    index = index_of(
        record(1, "Laser welding", facets={"county": ("A",)}),
        record(2, "Laser cutting", facets={"county": ("A",)}),
        record(3, "Stud welding and laser marking", audience=frozenset({"org:1"})),
        record(4, "Welding", kind="request", facets={"county": ("B",)}),
        record(5, "Sand casting"),
        record(6, "Welding helmets"),
    )

    def partial(text: str = "laser welding -helmets", **query: object) -> list[int]:
        results = index.search(Query(text=text, audience=PUBLIC, **query))  # type: ignore[arg-type]
        return [hit.id for hit in results.partial]

    results = index.search(Query(text="laser welding -helmets", audience=PUBLIC))
    assert [hit.id for hit in results.hits] == [1]
    assert (results.total, results.is_fuzzy) == (1, False)
    assert results.facets["county"] == (FacetValue("A", 1, is_selected=False),)
    assert sorted(hit.id for hit in results.partial) == [2, 4]
    assert all(hit.highlights == () and hit.score > 0 for hit in results.partial)
    assert partial(kinds=frozenset({"request"})) == [4]
    assert partial(facets={"county": frozenset("A")}) == [2]
    assert partial("+laser welding -helmets") == [2]
    assert len(partial(limit=2)) == 1
    assert partial(limit=1) == partial(limit=0) == partial(offset=1) == partial(sort="newest") == []
    assert partial("welding") == partial("laser casting") == []


def test_where_enough_have_all_words_the_others_are_left_out(index_of: IndexOf) -> None:
    many = [record(at, "Laser welding") for at in range(FEW)]
    index = index_of(*many, record(FEW, "Laser"))
    assert index.search(Query(text="laser welding", audience=PUBLIC, limit=50)).partial == ()


def test_filters_that_leave_nothing_do_not_make_the_words_fuzzy(index_of: IndexOf) -> None:
    index = index_of(record(1, "Laser welder", kind="facility"), record(2, "Laser", kind="request"))
    query = Query(text="laser welder", audience=PUBLIC, kinds=frozenset({"request"}))
    results = index.search(query)
    assert (results.total, results.is_fuzzy) == (0, False)
    assert FacetValue("facility", 1, is_selected=False) in results.facets["kind"]


def test_highlights_show_the_words_where_they_stand_and_are_safe_in_a_page(
    index_of: IndexOf,
) -> None:
    filler = "Lorem ipsum dolor sit amet. " * 20
    index = index_of(
        record(
            1,
            "Shop",
            summary="<b>5-axis</b> & five more",
            body=f"{filler}The shop mills on 5-Axis machines, 5 days a week.{filler}",
        ),
        record(2, "Other", keywords=("Wire EDM", "5 axis mill"), body="Nothing to see."),
    )
    hits = index.search(Query(text="5-axis milling", audience=PUBLIC)).hits
    highlights = {hit.id: hit.highlights for hit in hits}
    assert str(escape(highlights[1][0])) == (
        "&lt;b&gt;<mark>5-axis</mark>&lt;/b&gt; &amp; five more"
    )
    assert matches_of(highlights[1][1]) == ["mills", "5-Axis"]
    assert highlights[1][1].text.startswith("… ")
    assert len(highlights[1][1].text) < 200
    assert [fragment.text for fragment in highlights[2]] == ["5 axis mill"]
    assert all(not hit.highlights for hit in index.search(Query(audience=PUBLIC)).hits)


def test_a_record_with_broken_characters_is_indexed_all_the_same(index_of: IndexOf) -> None:
    index = index_of(
        record(1, "Lab\ud800", audience=PUBLIC | {"\udfff"}, facets={"county": ("\ud800", "A")})
    )
    results = index.search(Query(text="lab", audience=PUBLIC, facets={"county": frozenset("A")}))
    assert results.total == 1


def test_a_hit_carries_what_was_put_in(index_of: IndexOf) -> None:
    document = record(
        7,
        "Lab\ud800",
        kind="facility",
        summary="A lab",
        organization="College",
        facets={"county": ("21111",), "none": ()},
        latitude=38.123456789,
        longitude=-85.5,
        extra={"county": "Jefferson County, KY"},
        updated_at=NEW_YEAR.replace(microsecond=123456),
    )
    index = index_of(record(1), document)
    (hit,) = index.search(Query(text="lab", audience=PUBLIC)).hits
    for name in ("key", "title", "url", "summary", "organization", "facets", "extra"):
        assert getattr(hit, name) == getattr(document, name)
    assert (hit.latitude, hit.longitude) == (document.latitude, document.longitude)
    assert hit.updated_at == document.updated_at
    assert hit.score > 0


SUGGESTS: dict[str, list[int]] = {
    "mea": [1, 2],
    "MEASURING la": [1],
    "lab mea": [1],
    "cmm": [2],
    "m": [1, 2, 3],
    "maq": [3],
    "5-a": [3],
    "body": [],
    "": [],
    "*": [],
    "zzz": [],
}


def test_suggestions_begin_with_what_is_typed(index_of: IndexOf) -> None:
    index = index_of(
        record(1, "Measuring Lab"),
        record(2, "Inspection", keywords=("CMM", "coordinate measuring machine")),
        record(3, "Taller", keywords=("Máquina de 5-axis",), body="body"),
    )
    found = {prefix: sorted(s.id for s in index.suggest(prefix, PUBLIC)) for prefix in SUGGESTS}
    assert found == SUGGESTS


def test_suggestions_come_best_first_but_kinds_stand_together(index_of: IndexOf) -> None:
    index = index_of(
        record(1, "The laser lab", kind="facility"),
        record(2, "Laser", kind="request"),
        record(3, "Laser job shop", kind="facility"),
        record(4, "Optics", kind="request", keywords=("laser",)),
        record(5, "Laser room", kind="facility"),
    )
    assert [found.id for found in index.suggest("laser", PUBLIC)] == [2, 4, 3, 5, 1]
    assert [found.id for found in index.suggest("laser", PUBLIC, 2)] == [2, 3]
    first = index.suggest("laser", PUBLIC, 1)[0]
    assert (first.kind, first.title, first.url) == ("request", "Laser", "/records/2")


def test_only_what_is_among_those_given_is_found_and_counted(index_of: IndexOf) -> None:
    index = index_of(*(record(n, "Lab", facets={"n": (str(n),)}) for n in range(5)))
    among = frozenset({("organization", 1), ("organization", 3), ("facility", 2)})
    results = index.search(Query(text="lab", audience=PUBLIC, among=among))
    assert ({hit.id for hit in results.hits}, results.total) == ({1, 3}, 2)
    assert {value.value for value in results.facets["n"]} == {"1", "3"}
    assert index.search(Query(audience=PUBLIC, among=frozenset())).total == 0


def test_only_what_was_updated_since_is_found(index_of: IndexOf) -> None:
    index = index_of(*(record(n, "Lab", updated_at=NEW_YEAR + timedelta(n)) for n in range(5)))
    assert found(index, "lab", updated_since=NEW_YEAR + timedelta(3)) == [3, 4]
    assert found(index, updated_since=NEW_YEAR + timedelta(days=3, microseconds=1)) == [4]
    with pytest.raises(ValueError, match="aware"):
        Query(audience=PUBLIC, updated_since=NEW_YEAR.replace(tzinfo=None))


def test_everything_that_matches_is_told_without_limit_and_without_guessing(
    index_of: IndexOf,
) -> None:
    index = index_of(
        *(record(n, "Laser lab", facets={"n": (str(n % 2),)}) for n in range(120)),
        record(999, "Hidden laser", audience=frozenset()),
    )
    odd = Query(text="laser", audience=PUBLIC, facets={"n": frozenset("1")}, limit=3, offset=9)
    assert index.matching(odd) == {("organization", n) for n in range(1, 120, 2)}
    assert len(index.matching(Query(audience=PUBLIC))) == 120
    assert index.matching(Query(audience=PUBLIC, text="lasre")) == frozenset()
    assert index.matching(Query(audience=PUBLIC, text="laser robot")) == frozenset()


def test_counts_do_not_depend_on_how_many_hits_are_asked_for(index_of: IndexOf) -> None:
    index = index_of(
        *(
            record(
                n,
                "laser " * (n % 7 + 1),
                audience=PUBLIC if n % 3 else frozenset({"member"}),
                facets={"parity": (str(n % 2),)},
            )
            for n in range(1, 200)
        )
    )
    answers = [index.search(Query(text="laser", audience=PUBLIC, limit=n)) for n in (0, 1, 50)]
    assert {results.total for results in answers} == {133}
    assert len({repr(results.facets) for results in answers}) == 1
    assert answers[1].hits[0] == answers[2].hits[0]


def test_places_anywhere_on_earth_are_kept(index_of: IndexOf) -> None:
    places = [(-90.0, -180.0), (90.0, 180.0), (0.0, 0.0), (-33.123456, 151.654321)]
    index = index_of(
        *(record(n, latitude=p[0], longitude=p[1]) for n, p in enumerate(places)), record(9)
    )
    for number, place in enumerate(places):
        results = index.search(Query(audience=PUBLIC, near=Near(*place, 0.01)))
        assert [hit.id for hit in results.hits if hit.id == number] == [number]


HOSTILE = [
    "a* b* c* d* e*",
    "zzz~5 zzz~",
    "?" * 10_000,
    "*" * 10_000,
    "word " * 2_000,
    " ".join(f"laser{n}" for n in range(3_000)),
    '"' * 10_000,
    '"a "b ' * 2_000,
    "(" * 5_000 + "laser" + ")" * 5_000,
    "+-" * 5_000,
    "-x" * 5_000,
    "1," * 5_000,
    "[a TO zzz] {* TO *} title:* kind:k",
    "laser\0\x01\x1f\x7f laser",
    "\ud800\udfff laser \ufffe",
    "\u202elaser\u202c \u200f\u2066\u2069",
    "laser" * 2_000,
    "ﷺ" * 5_000,
    "Z͑ͫ̓ͪ̂ͫ" * 1_000,
    "' OR 1=1; DROP TABLE users; --",
    "{{7*7}} ${x} %s %(x)s",
]


def test_hostile_queries_are_plain_text(index_of: IndexOf) -> None:
    index = index_of(record(1, "Laser"), record(2, "Lasers and other tools"))
    for text in HOSTILE:
        for part in (text, text.swapcase(), f"laser {text}", f'"{text}"', f"-{text}"):
            assert index.search(Query(text=part, audience=PUBLIC)).total <= 2, part[:80]
            index.suggest(part, PUBLIC)

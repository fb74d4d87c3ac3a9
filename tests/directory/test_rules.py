"""A search and its address say the same, whatever an address holds."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.directory.rules import (
    LAST_PAGE,
    MOST_VALUES,
    UPDATED_DAYS,
    VIEWS,
    Search,
    facet_with_too_many,
    read_nearby,
    read_query,
    read_search,
)
from portal.kernel.fulltext.port import SORTS

FACETS = ("capability", "county")

words = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Z")),
    min_size=1,
    max_size=30,
)


@st.composite
def searches(draw: st.DrawFn) -> Search:
    near = draw(st.sampled_from(["", "40202"]))
    return Search(
        text=draw(st.one_of(st.just(""), words)),
        chosen=draw(
            st.dictionaries(
                st.sampled_from(["kind", *FACETS]),
                st.lists(words, min_size=1, max_size=3, unique=True).map(tuple),
            )
        ),
        near=near,
        radius_miles=draw(st.sampled_from([10, 50, 77, None])) if near else 50,
        updated_days=draw(st.sampled_from([None, *UPDATED_DAYS])),
        sort=draw(st.sampled_from([sort for sort in SORTS if near or sort != "distance"])),
        view=draw(st.sampled_from(VIEWS)),
        page=draw(st.integers(1, LAST_PAGE)),
    )


def as_arguments(search: Search) -> dict[str, list[str]]:
    return {
        name: values if isinstance(values, list) else [values]
        for name, values in search.arguments().items()
    }


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(searches())
def test_a_search_written_into_an_address_is_read_back(search: Search) -> None:
    assert read_search(as_arguments(search), FACETS) == search


@given(
    st.dictionaries(
        st.sampled_from(["q", "kind", "near", "page", "sort", "radius_miles"]),
        st.lists(st.text(max_size=50), max_size=4),
    )
)
def test_any_address_is_read_as_some_search(arguments: dict[str, list[str]]) -> None:
    search = read_search(arguments, FACETS)

    assert 1 <= search.page <= LAST_PAGE
    assert search.sort in SORTS


@pytest.mark.parametrize(
    ("arguments", "search"),
    [
        ({"page": ["0"]}, Search()),
        ({"page": ["-3"]}, Search()),
        ({"page": ["99999"]}, Search(page=LAST_PAGE)),
        ({"sort": ["price"]}, Search()),
        ({"sort": ["distance"]}, Search()),
        ({"sort": ["distance"], "near": ["40202"]}, Search(sort="distance", near="40202")),
        ({"radius_miles": ["any"], "near": ["1"]}, Search(near="1", radius_miles=None)),
        ({"radius_miles": ["0"]}, Search()),
        ({"updated_days": ["31"]}, Search()),
        ({"radius_miles": ["²"]}, Search()),
        ({"color": ["red"]}, Search()),
        ({"kind": ["a", "a", ""]}, Search(chosen={"kind": ("a",)})),
        ({"q": ["x" * 999]}, Search(text="x" * 400)),
    ],
)
def test_what_does_not_fit_is_passed_over(arguments: dict[str, list[str]], search: Search) -> None:
    assert read_search(arguments, FACETS) == search


@pytest.mark.parametrize(
    "arguments",
    [
        {"q": ["x" * 399 + " yy"]},
        {"near": ["1" * 19 + " 2"]},
        {name: [str(number) for number in range(MOST_VALUES)] for name in "abcdefghijkl"},
    ],
)
def test_a_kept_search_is_read_back_however_much_it_holds(arguments: dict[str, list[str]]) -> None:
    facets = tuple("abcdefghijkl")
    search = read_search(arguments, facets)
    assert read_search(read_query(search.query()), facets) == search


def test_choosing_a_value_twice_takes_it_away_and_starts_at_the_first_page() -> None:
    search = Search(page=3)

    chosen = search.toggled("county", "21111")
    assert chosen == Search(chosen={"county": ("21111",)})
    assert chosen.toggled("county", "21111").chosen == {"county": ()}


def test_an_address_with_more_values_than_a_search_can_have_is_known() -> None:
    values = [str(number) for number in range(MOST_VALUES + 1)]
    assert facet_with_too_many({"county": [*values[1:], "1"]}, ("county",)) is None
    assert facet_with_too_many({"county": values}, ("county",)) == "county"


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("welding near Wichita", [("welding", "Wichita", None)]),
        ("CMM near 40202", [("CMM", "40202", None)]),
        ("near Wichita, KS", [("", "Wichita, KS", None)]),
        ("heat treatment within 50 miles of 67202", [("heat treatment", "67202", 50)]),
        ("heat treatment within 50 miles", [("heat treatment", "", 50)]),
        ("plating in a 30-mile radius of St. Louis?", [("plating", "St. Louis", 30)]),
        ("plating within 80 km from Wichita", [("plating", "Wichita", 50)]),
        ("plating within 9999 miles of Wichita", [("plating", "Wichita", 5000)]),
        ("welder near me", [("welder", "", None)]),
        ("welder within 20 mi of me", [("welder", "", 20)]),
        ("Welder Nearby", [("Welder", "", None)]),
        ("soldadura cerca de Wichita", [("soldadura", "Wichita", None)]),
        ("soldadura a menos de 20 millas de Wichita", [("soldadura", "Wichita", 20)]),
        ("soldadura cerca de mí", [("soldadura", "", None)]),
        (
            "near net shape casting near Wichita",
            [
                ("", "net shape casting near Wichita", None),
                ("near net shape casting", "Wichita", None),
            ],
        ),
        ("welding near", []),
        ("near-net shape", []),
        ("hole within 0.005 inches", []),
        ("20 miles of pipe", []),
        ("near " + "x" * 61, []),
    ],
)
def test_words_may_say_near_what_and_how_far(
    text: str, readings: list[tuple[str, str, int | None]]
) -> None:
    assert list(read_nearby(text)) == readings

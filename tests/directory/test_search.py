"""Searching as each of the cast: what is found, what never is, and what leads on."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.directory.rules import MOST_VALUES
from portal.facilities.models import Equipment
from portal.facilities.services.equipment import change_equipment_visibility
from portal.kernel.authorization import Actor
from portal.kernel.database import session, unit_of_work
from portal.kernel.search import search_index
from portal.regions.models import County
from tests.cast import CAST, World

pytestmark = pytest.mark.usefixtures("indexed")

MILLS = {
    "nobody": {"Shop public mill", "College public mill", "Aero public mill"},
    "dov": {"Shop public mill", "College public mill", "Aero public mill"},
    "ben": {
        "Shop public mill",
        "Shop members mill",
        "Shop organization mill",
        "College public mill",
        "College members mill",
        "Aero public mill",
        "Aero members mill",
    },
    "eve": {
        "Shop public mill",
        "Shop members mill",
        "College public mill",
        "College members mill",
        "Aero public mill",
        "Aero members mill",
        "Aero organization mill",
    },
}


def find(client: FlaskClient, **arguments: Any) -> dict[str, Any]:
    response = client.get("/api/v1/search", query_string=arguments)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.get_json()
    return found


def _counts(found: dict[str, Any], facet: str) -> dict[str, int]:
    return {item["value"]: item["count"] for item in found["facets"].get(facet, ())}


def titles(found: dict[str, Any]) -> set[str]:
    return {hit["title"] for hit in found["hits"]}


@pytest.mark.parametrize("name", MILLS)
def test_each_person_finds_what_they_may_see_and_counts_say_no_more(
    client_of: Callable[[str], FlaskClient], name: str
) -> None:
    found = find(client_of(name), q="mill", kind="equipment", limit=50)

    assert titles(found) == MILLS[name]
    assert found["total"] == len(MILLS[name])
    kinds = {value["value"]: value["count"] for value in found["facets"]["kind"]}
    assert kinds["equipment"] == len(MILLS[name])
    assert sum(value["count"] for value in found["facets"]["county"]) == len(MILLS[name])


def test_programs_get_what_has_some_of_the_words_apart(
    client_of: Callable[[str], FlaskClient],
) -> None:
    found = find(client_of("nobody"), q="college public mill", kind="equipment")
    assert titles(found) == {"College public mill"}
    assert {hit["title"] for hit in found["partial"]} == MILLS["nobody"] - titles(found)
    assert found["total"] == 1


@pytest.mark.parametrize("name", CAST)
def test_drafts_and_serial_numbers_are_found_by_nobody(
    client_of: Callable[[str], FlaskClient], name: str
) -> None:
    for words in ("draft", "SN-shop_public", "SN shop"):
        assert not {title for title in titles(find(client_of(name), q=words)) if "draft" in title}
    assert find(client_of(name), q="+SN-shop_public")["total"] == 0


@pytest.mark.parametrize("path", ["/search", "/search/suggestions", "/api/v1/search"])
def test_no_page_of_a_stranger_names_a_private_record(
    client_of: Callable[[str], FlaskClient], path: str
) -> None:
    for words in ("Shop", "organization mill", "members", "organizatoin", "Shop memberz"):
        text = client_of("nobody").get(path, query_string={"q": words}).text
        assert "Shop organization" not in text
        assert "Shop members" not in text


def test_narrowing_takes_effect_before_the_index_knows(
    world: World, actor: Callable[[str], Actor], client_of: Callable[[str], FlaskClient]
) -> None:
    stranger = client_of("nobody")
    before = find(stranger, q="mill")
    mill = session.get_one(Equipment, world.equipment["shop_public"])
    change_equipment_visibility(actor("ana"), mill, visibility="organization")

    after = find(stranger, q="mill")
    assert "Shop public mill" not in titles(after)
    assert after["total"] == before["total"] - 1
    fewer = {
        (name, item["value"]): item["count"] - _counts(after, name).get(item["value"], 0)
        for name in ("kind", "county", "organization_kind")
        for item in before["facets"].get(name, ())
    }
    assert {key: number for key, number in fewer.items() if number} == {
        ("kind", "equipment"): 1,
        ("county", "21111"): 1,
        ("organization_kind", "sme"): 1,
    }
    assert "Shop public mill" not in stranger.get("/search?q=mill").text
    assert "Shop public mill" not in stranger.get("/search/suggestions?q=shop pub").text


def test_what_was_narrowed_counts_no_longer_wherever_it_ranks(
    world: World, actor: Callable[[str], Actor], client_of: Callable[[str], FlaskClient]
) -> None:
    stranger = client_of("nobody")
    before = find(stranger, q="mill", limit=1)
    for owner, name in (("ana", "shop_public"), ("eve", "aero_public")):
        row = session.get_one(Equipment, world.equipment[name])
        change_equipment_visibility(actor(owner), row, visibility="organization")

    after = find(stranger, q="mill", limit=1)
    assert after["total"] == before["total"] - 2
    assert _counts(after, "kind")["equipment"] == _counts(before, "kind")["equipment"] - 2
    assert "Shop public mill" in titles(find(client_of("ana"), q="mill"))


def test_a_change_is_found_once_the_worker_has_seen_it(
    world: World,
    actor: Callable[[str], Actor],
    client_of: Callable[[str], FlaskClient],
    drain: Callable[[], None],
) -> None:
    mill = session.get_one(Equipment, world.equipment["shop_members"])
    change_equipment_visibility(actor("ana"), mill, visibility="public")
    drain()

    found = find(client_of("nobody"), q="mill", kind="equipment")
    assert "Shop members mill" in titles(found)
    assert found["total"] == len(MILLS["nobody"]) + 1


def test_a_narrower_capability_is_found_under_the_broader_one(
    client_of: Callable[[str], FlaskClient],
) -> None:
    found = find(client_of("nobody"), capability="machining", kind="equipment")

    assert titles(found) == MILLS["nobody"]


def test_an_abbreviation_finds_what_it_stands_for(
    client_of: Callable[[str], FlaskClient],
) -> None:
    assert "Falls City Community College" in titles(find(client_of("nobody"), q="CMM"))


def test_a_place_name_and_a_skill_find_who_has_both(
    client_of: Callable[[str], FlaskClient],
) -> None:
    found = find(client_of("nobody"), q="five-axis jefferson")

    assert {"Ana's Machine Shop", "Shop public mill"} <= titles(found)
    assert "Prairie Aero Composites" not in titles(found)
    assert "Aero public mill" not in titles(found)


def test_near_a_zip_code_keeps_what_is_within_the_radius_and_says_how_far(
    client_of: Callable[[str], FlaskClient],
) -> None:
    found = find(
        client_of("nobody"), near="40202", radius_miles=10, kind="organization", sort="distance"
    )

    assert found["hits"][0]["title"] == "Ana's Machine Shop"
    assert "Prairie Aero Composites" not in titles(found)
    distances = [hit["distance_miles"] for hit in found["hits"]]
    assert distances == sorted(distances)
    assert distances[0] < 1 < distances[-1] < 10


@pytest.mark.parametrize(
    "asked",
    [
        {"q": "mill near Louisville"},
        {"q": "mill within 10 miles of 40202"},
        {"q": "mill", "near": "louisville ky", "radius_miles": "10"},
    ],
)
def test_a_place_is_given_among_the_words_or_as_a_town(
    client_of: Callable[[str], FlaskClient], asked: dict[str, str]
) -> None:
    plain = find(client_of("nobody"), q="mill", near="40202", radius_miles=10)
    assert titles(find(client_of("nobody"), **asked)) == titles(plain)

    text = client_of("nobody").get("/search", query_string=asked).text
    assert "near Louisville, KY" in text
    assert 'id="q" name="q" value="mill"' in text
    # Every choice goes on from what was understood.
    links = re.findall(r'href="/search\?([^"]*county=[^"]*)"', text.replace("&amp;", "&"))
    assert links
    assert all(parse_qs(link)["q"] == ["mill"] and "near" in parse_qs(link) for link in links)


def test_what_follows_near_is_words_unless_it_is_a_place(
    client_of: Callable[[str], FlaskClient],
) -> None:
    text = client_of("nobody").get("/search?q=mill+near+net+shape").text
    assert 'id="q" name="q" value="mill near net shape"' in text
    assert 'id="near" name="near" value=""' in text


def test_a_search_saved_from_words_with_a_place_keeps_the_place(
    client_of: Callable[[str], FlaskClient],
) -> None:
    response = client_of("ana").post(
        "/api/v1/saved-searches",
        json={
            "name": "Mills",
            "search": "q=mill near Wichita",
            "channel": "desk",
            "frequency": "daily",
        },
    )
    assert response.status_code == 201
    assert response.json["search"] == "q=mill&near=67202"


def test_counts_of_a_facet_ignore_its_own_choice(client_of: Callable[[str], FlaskClient]) -> None:
    found = find(client_of("nobody"), kind="organization", organization_kind="sme")

    kinds = {value["value"]: value for value in found["facets"]["organization_kind"]}
    assert kinds["sme"] == {
        "value": "sme",
        "label": "Small or medium-sized firm",
        "count": 2,
        "selected": True,
    }
    assert kinds["university"]["count"] == 1
    assert found["total"] == 2


def test_a_page_after_the_last_result_leads_to_the_last_page(
    client_of: Callable[[str], FlaskClient],
) -> None:
    for query, there in (("q=mill", "q=mill"), ("q=zeppelin", "q=zeppelin"), ("", "")):
        response = client_of("nobody").get(f"/search?{query}&page=9")
        assert response.status_code == 302
        assert response.location.removeprefix("/search").removeprefix("?") == there


def test_pages_by_cursor_show_everything_once(client_of: Callable[[str], FlaskClient]) -> None:
    client, seen, cursor = client_of("root"), [], "0"
    while cursor:
        found = find(client, limit=3, cursor=cursor, sort="title")
        seen += [(hit["kind"], hit["id"]) for hit in found["hits"]]
        cursor = found["next"]

    assert len(seen) == len(set(seen)) == found["total"]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"sort": "price"}, "sort"),
        ({"sort": "distance"}, "sort"),
        ({"near": "00000"}, "near"),
        ({"radius_miles": "far"}, "radius_miles"),
        ({"limit": "51"}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"cursor": "-1"}, "cursor"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_a_program_learns_what_is_wrong(
    client_of: Callable[[str], FlaskClient], arguments: dict[str, str], field: str
) -> None:
    response = client_of("nobody").get("/api/v1/search", query_string=arguments)

    assert response.status_code == 422
    assert response.mimetype == "application/problem+json"
    assert list(response.get_json()["errors"]) == [field]


@pytest.mark.parametrize("path", ["/search?kind=request", "/", "/requests"])
def test_requests_say_wherever_they_are_listed_whether_they_need_or_offer(
    client_of: Callable[[str], FlaskClient], path: str
) -> None:
    item = client_of("nobody").get(path).text.split("College public request")[0]
    assert re.findall(r"Request</span></span>\s*<span[^>]*>([^<]+)<", item)[-1] == "Need"


@pytest.mark.parametrize("path", ["/search", "/search/feed.atom", "/search/feed.json"])
def test_more_filters_than_a_page_can_repeat_are_refused_in_words(
    indexed: None, client_of: Callable[[str], FlaskClient], path: str
) -> None:
    facets = ("kind", "capability", "county", "cluster")
    query = "&".join(f"{name}={value:090d}" for name in facets for value in range(20))
    answer = client_of("nobody").get(f"{path}?q=mill&{query}")
    assert answer.status_code == 422
    assert "too many filters" in answer.text


@pytest.mark.parametrize(
    "path",
    ["/search", "/search/feed.atom", "/search/feed.json", "/api/v1/search", "/saved-searches/new"],
)
def test_more_values_of_a_filter_than_a_search_can_have_are_refused_in_words(
    client_of: Callable[[str], FlaskClient], path: str
) -> None:
    query = "&".join(f"county={number:05d}" for number in range(MOST_VALUES + 1))
    answer = client_of("dov").get(f"{path}?q=mill&{query}")
    assert answer.status_code == 422
    assert "Choose at most 20 values of one filter." in answer.text
    assert client_of("dov").get(f"{path}?q=mill&{query[13:]}").status_code == 200


def test_a_search_is_one_click_from_being_around_ones_own_organization(
    client_of: Callable[[str], FlaskClient],
) -> None:
    ana = client_of("ana")
    found = re.search(
        r'<a href="([^"]+)"[^>]*>.*Near (.+) \(40202\)', ana.get("/search?q=mill").text
    )
    assert found is not None
    assert found[1] == "/search?q=mill&amp;near=40202"
    around = ana.get(found[1].replace("&amp;", "&")).text
    assert "near Louisville, KY" in around
    assert "(40202)" not in around
    assert "(40202)" not in client_of("nobody").get("/search?q=mill").text


@pytest.mark.parametrize(
    "words",
    [
        "x" * 10_000,
        '"' * 5000,
        "a* b* c* d* e*",
        "zzz~5",
        "+ - + -",
        "(((((",
        "AND OR NOT",
        "\u202egnidlew",
        " ".join(f"w{number}" for number in range(3000)),
        "title:secret",
        "' OR 1=1 --",
    ],
)
def test_hostile_words_are_only_words(client_of: Callable[[str], FlaskClient], words: str) -> None:
    response = client_of("nobody").get("/search", query_string={"q": words})

    assert response.status_code == 200
    assert len(re.findall(r"<h1", response.text)) == 1


@pytest.mark.parametrize("words", ["", "mill", "mill <&'\"> %%(", "five-axis composites"])
def test_visitors_get_the_results_that_people_get(
    client_of: Callable[[str], FlaskClient], words: str
) -> None:
    def results(name: str, words: str) -> str:
        text = client_of(name).get("/search", query_string={"q": words}).text
        assert text.count("<main") == 1
        return re.sub("<time.*?</time>", "", text[text.index("<main") : text.index("</main>")])

    # What is around them is kept: nothing of what somebody else has asked before may be in it.
    results("nobody", f"{words} &")
    assert results("nobody", words) == results("dov", words)


def test_a_misspelled_word_is_corrected_openly(client_of: Callable[[str], FlaskClient]) -> None:
    text = client_of("nobody").get("/search?q=compossite").text

    assert "Did you mean" in text
    assert "Prairie Aero Composites" in text


def test_records_with_some_of_the_words_follow_those_with_all(
    client_of: Callable[[str], FlaskClient],
) -> None:
    text = client_of("nobody").get("/search?q=five-axis+composites").text
    above, _heading, below = text.partition("With some of your words")
    assert "1 result" in above
    assert "Prairie Aero Composites" in above + below
    assert "Ana&#39;s Machine Shop" in below
    assert "With some of your words" not in client_of("nobody").get("/search?q=composites").text


def test_nothing_found_leads_on(client_of: Callable[[str], FlaskClient]) -> None:
    text = (
        client_of("nobody").get("/search?q=zeppelin&near=40202&radius_miles=10&kind=facility").text
    )

    assert "Nothing found" in text
    assert "/requests/new?direction=need&amp;title=zeppelin" in text


def test_an_unknown_zip_code_is_said_at_its_field(
    client_of: Callable[[str], FlaskClient],
) -> None:
    text = client_of("nobody").get("/search?q=mill&near=00000").text

    assert "We do not know this ZIP code" in text
    assert "Shop public mill" in text
    text = client_of("nobody").get("/search?q=mill&near=00000&sort=distance").text
    assert 'aria-current="true">Best match' in text
    assert ">Distance</a>" not in text


def test_every_choice_of_the_page_is_a_link_that_keeps_the_rest(
    client_of: Callable[[str], FlaskClient],
) -> None:
    text = client_of("nobody").get("/search?q=mill&kind=equipment&near=40202&sort=title").text
    links = [
        link.replace("&amp;", "&")
        for link in re.findall(r'href="(/search\?[^"]*county=[^"]*)"', text)
    ]

    assert links
    assert all(
        part in link for link in links for part in ("q=mill", "kind=equipment", "sort=title")
    )


def test_the_map_shows_the_results_as_points_and_as_a_table(
    client_of: Callable[[str], FlaskClient], world: World
) -> None:
    text = client_of("nobody").get("/search?kind=organization&view=map").text

    assert text.count('class="point"') == 3
    shop = world.organizations["shop"]
    assert f'<a href="/organizations/{shop}" aria-label="Ana&#39;s Machine Shop">' in text


def test_the_map_draws_the_chosen_counties_only(client_of: Callable[[str], FlaskClient]) -> None:
    square = [[[-86, 38], [-85, 38], [-85, 39], [-86, 39], [-86, 38]]]
    with unit_of_work():
        for county in session.scalars(select(County)):
            county.outline = square
    for query, drawn in (("", 3), ("&county=21111", 1)):
        text = client_of("nobody").get(f"/search?kind=organization&view=map{query}").text
        assert len(re.findall('<path class="county" data-inside', text)) == drawn


def test_suggestions_begin_with_what_is_typed(client_of: Callable[[str], FlaskClient]) -> None:
    text = client_of("nobody").get("/search/suggestions?q=prair").text

    assert "Prairie Aero Composites" in text
    assert "Machine Shop" not in text
    assert client_of("nobody").get("/search/suggestions?q=p").text.strip() == ""


def test_while_there_is_no_index_pages_say_so(
    app: Flask, client_of: Callable[[str], FlaskClient]
) -> None:
    shutil.rmtree(Path(app.instance_path) / "index")

    response = client_of("nobody").get("/search?q=mill")
    assert response.status_code == 503
    assert "Search is being rebuilt" in response.text
    assert client_of("nobody").get("/api/v1/search").status_code == 503
    for address in ("/", "/regions/wichita"):
        text = client_of("nobody").get(address).text
        assert "Search is being rebuilt" in text
        assert "Nothing is listed yet" not in text, "nobody knows"

    search_index().rebuild()
    assert client_of("nobody").get("/search?q=mill").status_code == 200

"""What leads on from nothing found, filters of other domains, and the count of what was missed."""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.directory import services
from portal.directory.models import UnmetDemand
from portal.directory.rules import demand_words
from portal.directory.views import leading_on
from portal.kernel.authorization import NOBODY, SYSTEM
from portal.kernel.database import db, session
from portal.kernel.manifest import FilterField, SearchFilter
from tests.cast import World
from tests.support.statements import count_statements

pytestmark = pytest.mark.usefixtures("indexed")

ClientOf = Callable[[str], FlaskClient]


@pytest.fixture(autouse=True)
def counted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts do not wait to be written together."""
    monkeypatch.setattr(leading_on, "MINUTES_APART", 0)
    monkeypatch.setattr(leading_on, "_waiting", leading_on.Waiting())


def search(client: FlaskClient, query: str, network: str = "192.0.2.1") -> str:
    return client.get(f"/search?{query}", environ_base={"REMOTE_ADDR": network}).text


def count(text: str, county: str = "") -> int:
    return services.count_unmet(NOBODY, searches=[(text, county)])


def counted() -> dict[tuple[str, str], int]:
    rows = session.scalars(select(UnmetDemand)).all()
    return {(row.words, row.county_fips): row.searches for row in rows}


def test_each_filter_can_be_given_up_for_as_much_as_that_finds(client_of: ClientOf) -> None:
    text = search(
        client_of("nobody"),
        "q=mill&near=40202&radius_miles=10&county=20173&kind=equipment&updated_days=30",
    )
    ways = {
        label: (address.replace("&amp;", "&"), number)
        for address, label, number in re.findall(
            r'<li><a href="([^"]+)">([^<]+)</a> <span class="muted">(\d+) results?</span>', text
        )
    }
    address, number = ways["Without “Sedgwick, KS”"]
    assert number == "2"
    assert "county" not in address
    assert "kind=equipment" in address
    assert ways["At any distance"][1] == "1"
    assert ways["Remove all filters"][1] == "5"
    assert "Without “Equipment”" not in ways


@pytest.mark.parametrize(
    ("typed", "words", "address"),
    [
        ("mill 40202", "“mill” near Louisville, KY", "/search?q=mill&amp;near=40202"),
        ("40202", "everything near Louisville, KY", "/search?near=40202"),
        ("mill 40202-1234", "“mill” near Louisville, KY", "/search?q=mill&amp;near=40202-1234"),
        ("mill 99999", None, None),
        ("mill 4020", None, None),
    ],
)
def test_a_zip_code_among_the_words_is_understood(
    client_of: ClientOf, typed: str, words: str | None, address: str | None
) -> None:
    text = search(client_of("nobody"), f"q={typed}")
    found = re.findall(r'Did you mean <a href="([^"]+)">([^<]+)</a>', text)
    assert (found == [(address, words)]) if words else ("near" not in str(found))


def test_a_distance_without_a_place_says_what_it_needs(client_of: ClientOf) -> None:
    needs = "A distance counts from a ZIP code or a town"
    assert needs in search(client_of("nobody"), "q=mill&near=&radius_miles=25")
    assert needs not in search(client_of("nobody"), "q=mill&near=&radius_miles=50")
    assert needs not in search(client_of("nobody"), "q=mill&near=40202&radius_miles=25")
    for words in ("mill near me", "mill within 50 miles"):
        text = search(client_of("nobody"), f"q={words}")
        assert needs in text
        assert 'value="mill"' in text
        assert "Shop public mill" in text


def test_nothing_found_is_asked_for_or_waited_for(client_of: ClientOf) -> None:
    text = search(client_of("nobody"), "q=CMM&near=40202&kind=request")
    assert (
        "/requests/new?direction=need&amp;title=CMM&amp;capability=Coordinate+measuring"
        "&amp;zip_code=40202"
    ) in text
    assert "/saved-searches/new?q=CMM&amp;kind=request&amp;near=40202" in text

    form = (
        client_of("ana")
        .get(
            "/requests/new?direction=need&title=CMM&capability=Coordinate+measuring&zip_code=40202"
        )
        .text
    )
    assert 'value="CMM"' in form
    assert 'value="40202"' in form


def test_a_town_is_looked_up_once_for_all_that_asks_for_a_little_less(client_of: ClientOf) -> None:
    with count_statements() as sent:
        text = search(client_of("nobody"), "q=mill&near=wichita&radius_miles=10&kind=request")
    assert "Remove all filters" in text
    assert sum("lower(zip_code.place)" in statement for statement in sent.texts) == 1


def test_what_nothing_has_whole_is_asked_for_or_waited_for_as_well(client_of: ClientOf) -> None:
    text = search(client_of("nobody"), "q=zeppelin+composites")
    assert "Nothing has all of your words" in text
    assert "/requests/new?direction=need&amp;title=zeppelin+composites" in text
    assert "/saved-searches/new?q=zeppelin+composites" in text
    # What was only misspelled is there.
    assert "/requests/new?direction" not in search(client_of("nobody"), "q=compossite")


def test_only_what_was_updated_lately_is_found_if_so_asked(client_of: ClientOf) -> None:
    client = client_of("nobody")
    text = search(client, "q=mill&kind=equipment&updated_days=30")
    assert "Shop public mill" in text
    assert re.search(r'href="/search\?q=mill&amp;kind=equipment" rel="nofollow">Any time', text)
    assert client.get("/api/v1/search?q=mill&updated_days=90").get_json()["total"] == 5
    assert client.get("/api/v1/search?q=mill&updated_days=91").status_code == 422


@pytest.fixture
def with_filter(app: Flask, world: World) -> Iterator[SearchFilter]:
    """A domain that knows which equipment is free in a span of days."""

    def read(values: Mapping[str, str]) -> Mapping[str, str]:
        return values if all(values.values()) else {}

    def keys(values: Mapping[str, str]) -> frozenset[tuple[str, int]]:
        is_free = values["free_from"] < "2027"
        free = ("shop_public", "college_members") if is_free else ()
        return frozenset(("equipment", world.equipment[name]) for name in free)

    added = SearchFilter(
        name="free",
        label="Free between",
        fields=(
            FilterField("free_from", "First day", "date"),
            FilterField("free_until", "Last day", "date"),
        ),
        read=read,
        keys=keys,
    )
    manifests = app.extensions["portal-manifests"]
    app.extensions["portal-manifests"] = [
        dataclasses.replace(manifest, filters=(added,))
        if manifest.name == "facilities"
        else manifest
        for manifest in manifests
    ]
    yield added
    app.extensions["portal-manifests"] = manifests


@pytest.mark.usefixtures("with_filter")
def test_another_domain_adds_a_filter_by_its_manifest_alone(client_of: ClientOf) -> None:
    stranger, ana = client_of("nobody"), client_of("ana")
    query = "kind=equipment&free_from=2026-12-01&free_until=2026-12-05"
    text = search(stranger, query)
    assert "Shop public mill" in text
    assert "College" not in re.sub(r"<aside.*", "", text).split('class="result-list"')[1]
    assert "College members mill" in search(ana, query)
    assert 'type="date" id="filter-free_from" name="free_from" value="2026-12-01"' in text
    assert "Aero public mill" in search(stranger, "kind=equipment&free_from=2026-12-01")
    # Other choices keep it.
    assert "county=21111&amp;free_from=2026-12-01&amp;free_until=2026-12-05" in text
    nothing = search(stranger, query.replace("2026", "2027"))
    assert "Without “Free between”" in nothing


@pytest.mark.usefixtures("with_filter")
def test_a_saved_search_keeps_the_filter_of_a_domain(app: Flask, client_of: ClientOf) -> None:
    query = "free_from=2026-12-01&free_until=2026-12-05"
    data = {"name": "Free", "search": query, "channel": "desk", "frequency": "daily"}
    address = client_of("dov").post("/saved-searches/new", data=data).headers["Location"]
    assert "Free between: 2026-12-01, 2026-12-05" in client_of("dov").get(address).text


def test_what_nobody_has_is_counted_by_words_and_place_once_a_network_and_day(
    client_of: ClientOf,
) -> None:
    client = client_of("nobody")
    for network in ("192.0.2.1", "192.0.2.1", "192.0.2.2"):
        search(client, "q=Zirconium  SINTERING!&near=40202", network)
    search(client, "q=zirconium+sintering", "192.0.2.3")
    search(client, "q=mill", "192.0.2.3")
    search(client, "q=zirconium+sintering&page=2", "192.0.2.4")
    assert counted() == {
        ("zirconium sintering", "21111"): 2,
        ("zirconium sintering", ""): 1,
    }


@pytest.mark.sqlite
def test_a_search_that_finds_nothing_does_not_wait_for_somebody_who_writes(
    client_of: ClientOf,
) -> None:
    client = client_of("nobody")
    with db.engine.connect() as other:
        other.exec_driver_sql("COMMIT")
        other.exec_driver_sql("BEGIN IMMEDIATE")
        answer = client.get("/search?q=unobtainium")
        other.exec_driver_sql("ROLLBACK")
    assert answer.status_code == 200
    assert "unobtainium" in answer.text
    assert counted() == {}
    search(client, "q=unobtainium", "192.0.2.9")
    assert counted() == {("unobtainium", ""): 1}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("5-axis  Milling!", "5-axis milling"),
        ("AS9100D 316L 3/8", "as9100d 316l 3/8"),
        ("+laser -co2 “cladding”", "laser co2 cladding"),
        ("ana@shop.example", ""),
        ("call ana ＠ shop.example", ""),
        ("(502) 555-0101 repair", ""),
        ("+1 502.555.0101", ""),
        ("ssn 123456789", ""),
        ("naics 332710", "naics 332710"),
        ("x" * 500, "x" * 120),
        ("?!", ""),
    ],
)
def test_what_is_counted_names_nobody(text: str, words: str) -> None:
    assert demand_words(text) == words


def test_a_flood_of_words_does_not_fill_the_table(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MOST_WORDS_A_DAY", 2)
    counts = [count(word) for word in ("one", "two", "three", "two")]
    assert counts == [1, 1, 0, 1]
    assert counted() == {("one", ""): 1, ("two", ""): 2}


def test_one_network_cannot_use_up_the_words_of_the_day(
    client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leading_on, "_MOST_SEARCHES", 2)
    client = client_of("nobody")
    for number in range(4):
        search(client, f"q=zyx{number}", "198.51.100.7")
        search(client, f"q=zyx{number}", f"2001:db8:7:1::{number}")
    search(client, "q=zyx3", "198.51.100.8")
    assert counted() == {("zyx0", ""): 2, ("zyx1", ""): 2, ("zyx3", ""): 1}


def test_brokers_see_what_was_missed_often_and_where(client_of: ClientOf) -> None:
    for county, times in (("21111", 2), ("20173", 2), ("", 1)):
        for _time in range(times):
            count("zeppelin hull", county)
    count("somebody's own words")
    page = client_of("dov").get("/administration/unmet-demand").text
    assert '<a href="/search?q=zeppelin+hull">zeppelin hull</a>' in page
    assert "somebody" not in page.split("<tbody>")[1]
    louisville = "/administration/unmet-demand?days=90&region=greater-louisville"
    assert "Nothing was missed often" in client_of("dov").get(louisville).text
    count("zeppelin hull", "18019")
    assert "zeppelin hull" in client_of("dov").get(louisville).text


def test_what_was_missed_long_ago_is_forgotten(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    count("zeppelin")
    assert services.forget_old_demand(SYSTEM) == 0
    monkeypatch.setattr(services, "DEMAND_DAYS", -1)
    assert services.forget_old_demand(SYSTEM) == 1


def test_suggestions_stand_in_groups_by_kind(client_of: ClientOf) -> None:
    text = client_of("ana").get("/search/suggestions?q=shop").text
    groups = re.findall(r'role="group" aria-labelledby="suggestions-(\w+)"', text)
    assert len(groups) == len(set(groups)) > 1
    assert text.count('role="option"') > len(groups)

"""Feeds of searches: well-formed, public for everybody, the newest first, cheap to ask again."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring
from flask.testing import FlaskClient

from portal.facilities.models import Equipment
from portal.facilities.services.equipment import change_equipment_visibility, update_equipment
from portal.kernel.authorization import Actor
from portal.kernel.database import session
from portal.organizations.models import Organization
from portal.organizations.services.records import change_organization
from tests.cast import World

pytestmark = pytest.mark.usefixtures("indexed")

ATOM = "{http://www.w3.org/2005/Atom}"
PUBLIC_MILLS = {"Shop public mill", "College public mill", "Aero public mill"}
ClientOf = Callable[[str], FlaskClient]


def atom(client: FlaskClient, query: str) -> Any:
    response = client.get(f"/search/feed.atom?{query}")
    assert response.status_code == 200
    assert response.mimetype == "application/atom+xml"
    return fromstring(response.data)


def test_the_page_of_results_names_its_feeds(client_of: ClientOf) -> None:
    text = client_of("nobody").get("/search?q=mill&kind=equipment&sort=title").text
    for name, media_type in (("atom", "atom+xml"), ("json", "feed+json")):
        address = f"/search/feed.{name}?q=mill&amp;kind=equipment"
        assert f'<link rel="alternate" type="application/{media_type}"' in text
        assert text.count(f'href="{address}"') == 2
    assert "Feeds show what is public" in text


@pytest.mark.parametrize("name", ["nobody", "ana", "root"])
def test_a_feed_shows_everybody_the_same_public_records(client_of: ClientOf, name: str) -> None:
    feed = atom(client_of(name), "q=mill&kind=equipment")
    assert {entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")} == PUBLIC_MILLS
    found = client_of(name).get("/search/feed.json?q=mill&kind=equipment")
    assert found.mimetype == "application/feed+json"
    assert {item["title"] for item in found.get_json()["items"]} == PUBLIC_MILLS


def test_an_atom_feed_has_what_its_readers_need(client_of: ClientOf, world: World) -> None:
    feed = atom(client_of("nobody"), "q=mill&kind=equipment")
    base = "http://127.0.0.1:8000"
    assert feed.findtext(f"{ATOM}id") == f"{base}/search/feed.atom?q=mill&kind=equipment"
    links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    assert links == {
        "self": f"{base}/search/feed.atom?q=mill&kind=equipment",
        "alternate": f"{base}/search?q=mill&kind=equipment&sort=newest",
    }
    entries = list(feed.iter(f"{ATOM}entry"))
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert f"{base}/equipment/{world.equipment['shop_public']}" in ids
    times = [dt.datetime.fromisoformat(entry.findtext(f"{ATOM}updated")) for entry in entries]
    assert times == sorted(times, reverse=True)
    assert feed.findtext(f"{ATOM}updated") == times[0].isoformat()
    assert all(entry.findtext(f"{ATOM}summary") for entry in entries)


def test_a_json_feed_keeps_to_version_1_1(client_of: ClientOf) -> None:
    feed = client_of("nobody").get("/search/feed.json?q=mill").get_json()
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"].endswith("/search/feed.json?q=mill")
    for item in feed["items"]:
        assert item["id"] == item["url"]
        assert item["content_text"]
        assert dt.datetime.fromisoformat(item["date_modified"]).tzinfo is not None


@pytest.mark.parametrize("form", ["atom", "json"])
def test_an_unchanged_feed_is_not_sent_again(
    client_of: ClientOf,
    form: str,
    world: World,
    actor: Callable[[str], Actor],
    drain: Callable[[], None],
) -> None:
    client, address = client_of("nobody"), f"/search/feed.{form}?q=mill"
    tag = client.get(address).headers["ETag"]
    again = client.get(address, headers={"If-None-Match": tag})
    assert again.status_code == 304
    assert again.data == b""

    mill = session.get_one(Equipment, world.equipment["shop_public"])
    update_equipment(actor("ana"), mill, name="Shop public mill & lathe <2>")
    drain()
    fresh = client.get(address, headers={"If-None-Match": tag})
    assert fresh.status_code == 200
    assert "lathe" in fresh.text


def test_a_feed_is_sent_again_when_an_organization_has_another_name(
    client_of: ClientOf, world: World, actor: Callable[[str], Actor], drain: Callable[[], None]
) -> None:
    client, address = client_of("nobody"), "/search/feed.json?q=mill&kind=equipment"
    tag = client.get(address).headers["ETag"]
    shop = session.get_one(Organization, world.organizations["shop"])
    change_organization(actor("ana"), shop, name="Renamed Shop")
    drain()
    fresh = client.get(address, headers={"If-None-Match": tag})
    assert fresh.status_code == 200
    assert "Renamed Shop" in fresh.text


def test_what_is_searched_for_cannot_break_a_feed(client_of: ClientOf) -> None:
    feed = atom(client_of("nobody"), "q=mill%0b%1f%ef%bf%be")
    assert str(feed.findtext(f"{ATOM}title")).startswith("“mill”")


def test_names_cannot_break_a_feed(
    client_of: ClientOf,
    world: World,
    actor: Callable[[str], Actor],
    drain: Callable[[], None],
) -> None:
    name = "Mill ]]> & </title><script>\ufffe\u202e"
    mill = session.get_one(Equipment, world.equipment["shop_public"])
    update_equipment(actor("ana"), mill, name=name)
    drain()
    titles = [item.text for item in atom(client_of("nobody"), "q=script").iter(f"{ATOM}title")]
    assert name.replace("\ufffe", "") in titles


def test_what_is_hidden_leaves_the_feed_before_the_index_knows(
    client_of: ClientOf, world: World, actor: Callable[[str], Actor]
) -> None:
    mill = session.get_one(Equipment, world.equipment["shop_public"])
    change_equipment_visibility(actor("ana"), mill, visibility="members")
    for form in ("atom", "json"):
        assert "Shop public mill" not in client_of("ana").get(f"/search/feed.{form}?q=mill").text


def test_a_feed_makes_no_guesses(client_of: ClientOf) -> None:
    client = client_of("nobody")
    assert client.get("/search/feed.json?q=compossite").get_json()["items"] == []
    assert list(atom(client, "q=compossite").iter(f"{ATOM}entry")) == []
    assert client.get("/search/feed.atom?q=mill&near=00000").status_code == 404

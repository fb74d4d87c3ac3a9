"""Regions and capabilities in the JSON API."""

import pytest

from portal.kernel.authorization import SYSTEM
from portal.regions import services
from portal.regions.queries.regions import get_region
from tests.support.statements import count_statements


def test_regions_are_listed_with_their_counties(client_of, world):
    answer = client_of("nobody").get("/api/v1/regions")
    assert answer.json["next"] is None
    first = answer.json["items"][0]
    assert first["id"] == world.regions["greater-louisville"]
    assert (first["key"], first["name"]) == ("greater-louisville", "Greater Louisville")
    assert first["counties"] == [
        {"fips": "18019", "name": "Clark", "state": "IN"},
        {"fips": "21111", "name": "Jefferson", "state": "KY"},
    ]


def test_regions_come_in_pages(client_of):
    client = client_of("nobody")
    first = client.get("/api/v1/regions?limit=1").json
    second = client.get("/api/v1/regions", query_string={"limit": 1, "cursor": first["next"]}).json
    assert [item["key"] for item in first["items"] + second["items"]] == [
        "greater-louisville",
        "wichita",
    ]
    assert second["next"] is None


def test_a_region_is_read_alone_and_not_sent_twice(client_of, world):
    client = client_of("nobody")
    url = f"/api/v1/regions/{world.regions['wichita']}"
    answer = client.get(url)
    assert answer.json["name"] == "Wichita"
    again = client.get(url, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "url",
    [
        "/api/v1/regions/999999",
        "/api/v1/regions/99999999999999999999",
        "/api/v1/capabilities/basket-weaving",
    ],
)
def test_what_is_not_there_is_a_problem_document(client_of, url):
    answer = client_of("nobody").get(url)
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"


def test_an_administrator_creates_and_changes_a_region(client_of):
    client = client_of("root")
    body = {"name": "Falls Cities", "summary": "", "county_fips": ["21111", "Clark, IN"]}
    made = client.post("/api/v1/regions", json=body)
    assert made.status_code == 201
    assert [county["fips"] for county in made.json["counties"]] == ["18019", "21111"]
    changed = client.patch(made.headers["Location"], json={"summary": "Both banks."})
    assert changed.status_code == 200
    assert changed.json["summary"] == "Both banks."
    assert len(changed.json["counties"]) == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "Falls", "county_fips": ["99999"]}, "county_fips"),
        ({"name": "Falls", "county_fips": "21111"}, "county_fips"),
        ({"county_fips": ["21111"]}, "name"),
        ({"name": "Wichita", "county_fips": ["21111"]}, "name"),
        ({"name": "x" * 121, "county_fips": ["21111"]}, "name"),
    ],
)
def test_a_bad_region_is_refused_by_field(client_of, body, field):
    answer = client_of("root").post("/api/v1/regions", json=body)
    assert answer.status_code == 422
    assert field in answer.json["errors"]


@pytest.mark.parametrize(
    ("name", "status"), [("nobody", 401), ("ana", 403), ("cleo", 403), ("dov", 403), ("eve", 403)]
)
def test_others_change_no_region(client_of, world, name, status):
    client = client_of(name)
    number = world.regions["wichita"]
    body = {"name": "Mine", "county_fips": ["21111"]}
    assert client.post("/api/v1/regions", json=body).status_code == status
    assert client.patch(f"/api/v1/regions/{number}", json=body).status_code == status
    assert get_region(number).name == "Wichita"


def test_a_capability_is_read_with_its_names_and_neighbors(client_of):
    answer = client_of("nobody").get("/api/v1/capabilities/cnc-milling")
    assert answer.json == {
        "key": "cnc-milling",
        "label": "CNC milling",
        "label_es": "Fresado CNC",
        "definition": "What cnc milling means.",
        "other_names": ["CNC mill"],
        "broader": [{"key": "machining", "label": "Machining"}],
        "narrower": [{"key": "5-axis-milling", "label": "5-axis milling"}],
        "url": "/capabilities/cnc-milling",
    }


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ({"q": "cmm"}, ["coordinate-measuring"]),
        ({"q": "zzz"}, []),
        ({"broader": "machining"}, ["cnc-milling"]),
        ({"broader": "nowhere"}, []),
        ({"limit": "2"}, ["5-axis-milling", "cnc-milling"]),
    ],
)
def test_capabilities_are_listed_and_filtered(client_of, query, keys):
    answer = client_of("nobody").get("/api/v1/capabilities", query_string=query)
    assert [item["key"] for item in answer.json["items"]] == keys


@pytest.mark.parametrize(
    "query",
    [{"q": "c", "broader": "machining"}, {"cursor": "nonsense"}, {"limit": "0"}, {"limit": "x"}],
)
def test_a_query_that_makes_no_sense_is_refused(client_of, query):
    answer = client_of("nobody").get("/api/v1/capabilities", query_string=query)
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"


def test_lists_take_the_same_statements_for_two_and_for_ten(app, client_of):
    client = client_of("nobody")
    client.get("/api/v1/regions")
    with count_statements() as few:
        client.get("/api/v1/regions")
    for number in range(8):
        services.create_region(SYSTEM, name=f"Region {number}", county_fips=["21111"])
    with count_statements() as many:
        client.get("/api/v1/regions")
    assert few.count == many.count

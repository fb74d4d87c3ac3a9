"""The JSON API of organizations."""

import datetime as dt

import pytest

from portal.kernel.authorization import SYSTEM
from portal.organizations.services import records

FIRM = {
    "name": "Salt River Springs",
    "kind": "sme",
    "zip_code": "40202",
    "capabilities": ["CMM"],
    "naics_codes": ["332710"],
    "certifications": [{"name": "UL", "expires_on": "2027-01-31"}],
    "contacts": [{"name": "Bo"}],
}


@pytest.fixture
def shop_url(world):
    return f"/api/v1/organizations/{world.organizations['shop']}"


def test_an_organization_is_made_read_changed_and_archived(client_of):
    client = client_of("dov")
    made = client.post("/api/v1/organizations", json=FIRM)
    assert made.status_code == 201
    url = made.headers["Location"]
    assert made.json["capabilities"] == ["coordinate-measuring"]
    assert made.json["county"] == "Jefferson, KY"
    assert made.json["certifications"] == FIRM["certifications"]

    changed = client.patch(url, json={"summary": "Springs.", "certifications": []})
    assert changed.json["summary"] == "Springs."
    assert changed.json["certifications"] == []
    assert changed.json["capabilities"] == ["coordinate-measuring"]
    assert changed.json["contacts"] == made.json["contacts"]
    assert changed.json["confirmed_by"] == "Dov"

    assert client.delete(url).status_code == 204
    assert client_of("nobody").get(url).status_code == 404
    assert client.get(url).json["status"] == "archived"
    assert client.delete(url).status_code == 409


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"capabilities": ["basket weaving"]}, "capabilities"),
        ({"capabilities": "CMM"}, "capabilities"),
        ({"zip_code": "99999"}, "zip_code"),
        ({"name": 7}, "name"),
        ({"latitude": "north"}, "latitude"),
        ({"status": "archived"}, ""),
        ({"verified_by": "Dov"}, ""),
        ({"match_key": "x"}, ""),
    ],
)
def test_refused_values_are_named_by_field(client_of, shop_url, change, field):
    reply = client_of("ana").patch(shop_url, json=change)
    assert reply.status_code == 422
    assert reply.mimetype == "application/problem+json"
    assert field in reply.json["errors"]


def test_probable_duplicates_are_a_conflict_unless_it_is_another(client_of):
    firm = {**FIRM, "name": "Ana's Machine Shop LLC"}
    reply = client_of("dov").post("/api/v1/organizations", json=firm)
    assert reply.status_code == 409
    assert "Ana's Machine Shop" in reply.json["detail"]
    reply = client_of("dov").post("/api/v1/organizations?is_another=yes", json=firm)
    assert reply.status_code == 201


def test_a_profile_has_a_version_that_every_change_moves(client_of, shop_url):
    client = client_of("nobody")
    tag = client.get(shop_url).headers["ETag"]
    assert client.get(shop_url, headers={"If-None-Match": tag}).status_code == 304
    client_of("ana").patch(shop_url, json={"capabilities": ["welding"]})
    reply = client.get(shop_url, headers={"If-None-Match": tag})
    assert reply.status_code == 200
    assert reply.json["capabilities"] == ["welding"]


def test_the_version_of_members_is_another_than_that_of_outsiders(client_of, shop_url):
    tag = client_of("nobody").get(shop_url).headers["ETag"]
    reply = client_of("eve").get(shop_url, headers={"If-None-Match": tag})
    assert reply.status_code == 200
    assert reply.json["phone"] == "(502) 555-0101"


def names(reply):
    return [item["name"] for item in reply.json["items"]]


def test_a_list_is_filtered_and_paged_by_cursor(client_of):
    client = client_of("nobody")
    first = client.get("/api/v1/organizations?limit=3")
    second = client.get(f"/api/v1/organizations?limit=3&cursor={first.json['next']}")
    assert names(first) + names(second) == [
        "Ana's Machine Shop",
        "Falls City Community College",
        "Ohio Valley Institute",
        "Prairie Aero Composites",
    ]
    assert second.json["next"] is None
    assert names(client.get("/api/v1/organizations?county=20173")) == ["Prairie Aero Composites"]
    assert names(client.get("/api/v1/organizations?kind=university")) == ["Ohio Valley Institute"]


def test_a_list_tells_what_changed_since(client_of):
    moment = dt.datetime.now(dt.UTC)
    records.import_organization(SYSTEM, source="csv", name="Union Works", kind="sme")
    client = client_of("nobody")
    for text in (
        moment.isoformat(),
        moment.isoformat().replace("+00:00", "Z"),
        moment.replace(tzinfo=None).isoformat(),
    ):
        reply = client.get("/api/v1/organizations", query_string={"updated_since": text})
        assert names(reply) == ["Union Works"]


@pytest.mark.parametrize(
    "query",
    [
        "kind=circus",
        "updated_since=yesterday",
        "updated_since=0001-01-01T00:00:00%2B14:00",
        "limit=0",
        "cursor=x",
    ],
)
def test_questions_that_make_no_sense_are_refused(client_of, query):
    assert client_of("nobody").get(f"/api/v1/organizations?{query}").status_code == 422

"""Requests and responses in the JSON API."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.kernel.authorization import Actor, can
from portal.kernel.database import session
from portal.partnerships.models import Request
from portal.partnerships.policies import Permission
from portal.partnerships.queries import requests as queries
from tests.cast import World

ClientOf = Callable[[str], FlaskClient]


def test_list_has_what_the_reader_may_see_and_pages_by_cursor(
    client_of: ClientOf, world: World
) -> None:
    seen: list[int] = []
    address = "/api/v1/requests?limit=2"
    client = client_of("cleo")
    while True:
        body = client.get(address).json
        seen += [item["id"] for item in body["items"]]
        if body["next"] is None:
            break
        address = f"/api/v1/requests?limit=2&cursor={body['next']}"
    names = {name for name, number in world.requests.items() if number in seen}
    assert len(seen) == len(set(seen))
    assert names == {
        "shop_members",
        "shop_public",
        "aero_members",
        "aero_public",
        "college_draft",
        "college_organization",
        "college_members",
        "college_public",
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=draft", set()),
        ("county=20173", {"aero_public"}),
        ("kind=training", set()),
        ("direction=need&county=21111", {"shop_public", "college_public"}),
        ("capability=machining", set()),
    ],
)
def test_list_is_filtered(
    client_of: ClientOf, world: World, query: str, expected: set[str]
) -> None:
    body = client_of("nobody").get(f"/api/v1/requests?{query}").json
    ids = {item["id"] for item in body["items"]}
    assert {name for name, number in world.requests.items() if number in ids} == expected


@pytest.mark.parametrize(
    "query", ["kind=x", "status=x", "direction=x", "organization_id=x", "limit=0", "cursor=x"]
)
def test_filter_that_means_nothing_is_refused(client_of: ClientOf, query: str) -> None:
    reply = client_of("nobody").get(f"/api/v1/requests?{query}")
    assert reply.status_code == 422
    assert reply.mimetype == "application/problem+json"
    assert query.partition("=")[0] in reply.json["errors"]


def test_capability_filter_finds_narrower_ones(
    client_of: ClientOf, world: World, complete: Mapping[str, Any]
) -> None:
    body = {**complete, "organization_id": world.organizations["shop"], "publish": True}
    made = client_of("ana").post("/api/v1/requests", json=body)
    found = client_of("nobody").get("/api/v1/requests?capability=metrology").json
    assert [item["id"] for item in found["items"]] == [made.json["id"]]


def test_request_is_written_read_changed_and_deleted(
    client_of: ClientOf, world: World, complete: Mapping[str, Any]
) -> None:
    client = client_of("ana")
    body = {**complete, "organization_id": world.organizations["shop"], "budget_cents": 250_000}
    made = client.post("/api/v1/requests", json=body)
    assert made.status_code == 201
    address = made.headers["Location"]
    assert made.json["status"] == "draft"
    assert made.json["capabilities"] == ["coordinate-measuring"]
    changed = client.patch(address, json={"title": "Another title", "zip_code": "67202"}).json
    assert (changed["title"], changed["budget_cents"]) == ("Another title", 250_000)
    assert changed["county"] == "Sedgwick, KS"
    assert client.get(address).json == changed
    assert client_of("ben").get(address).status_code == 404
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404


def test_what_was_published_is_not_deleted(client_of: ClientOf, world: World) -> None:
    reply = client_of("ana").delete(f"/api/v1/requests/{world.requests['shop_public']}")
    assert reply.status_code == 409
    assert session.get(Request, world.requests["shop_public"]) is not None


def test_publication_names_every_missing_field_and_writes_nothing(
    client_of: ClientOf, world: World
) -> None:
    count = select(func.count()).select_from(Request)
    before = session.scalar(count)
    reply = client_of("ana").post(
        "/api/v1/requests",
        json={
            "organization_id": world.organizations["shop"],
            "kind": "consortium",
            "direction": "need",
            "title": "Partners for a call",
            "visibility": "public",
            "publish": True,
        },
    )
    assert reply.status_code == 422
    assert set(reply.json["errors"]) == {
        "summary",
        "expertise_sought",
        "partner_kinds",
        "duration_months",
        "call_name",
        "call_deadline",
    }
    assert session.scalar(count) == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"status": "published"}, ""),
        ({"trl": 10}, "trl"),
        ({"trl": "6"}, "trl"),
        ({"kind": "barter"}, "kind"),
        ({"visibility": "draft"}, "visibility"),
        ({"expires_on": "2199-01-01"}, "expires_on"),
        ({"wanted_by": "2001-01-01"}, "wanted_by"),
        ({"title": ""}, "title"),
        ({"partner_kinds": ["guild"]}, "partner_kinds"),
        ({"budget_cents": -1}, "budget_cents"),
        ({"organization_id": 1}, ""),
    ],
)
def test_value_that_cannot_be_is_refused_at_its_field(
    client_of: ClientOf, world: World, change: dict[str, Any], field: str
) -> None:
    reply = client_of("ana").patch(f"/api/v1/requests/{world.requests['shop_public']}", json=change)
    assert reply.status_code == 422
    assert set(reply.json["errors"]) == {field}


def test_steps_of_the_workflow(client_of: ClientOf, world: World) -> None:
    address = f"/api/v1/requests/{world.requests['shop_public']}"
    client = client_of("ana")
    assert client.post(f"{address}/actions/pause", json={}).json["status"] == "paused"
    for action, status, said in (
        ("pause", 409, "its state is"),
        ("expire", 403, "you may not change it"),
        ("explode", 404, "There is no such action."),
    ):
        refused = client.post(f"{address}/actions/{action}", json={})
        assert refused.status_code == status
        assert said in refused.json["detail"]
    assert client.post(f"{address}/actions/resume", json={}).json["status"] == "published"


def test_reply_is_not_sent_twice_to_who_has_it(client_of: ClientOf, world: World) -> None:
    client = client_of("nobody")
    for address in ("/api/v1/requests", f"/api/v1/requests/{world.requests['shop_public']}"):
        tag = client.get(address).headers["ETag"]
        unchanged = client.get(address, headers={"If-None-Match": tag})
        assert (unchanged.status_code, unchanged.data) == (304, b"")
    changed = {"summary": "New words.", "capabilities": ["CMM"]}
    client_of("ana").patch(address, json=changed)
    assert client.get(address, headers={"If-None-Match": tag}).json["summary"] == "New words."


def test_firm_answers_and_owner_decides(client_of: ClientOf, world: World) -> None:
    request_id = world.requests["college_public"]
    made = client_of("eve").post(
        f"/api/v1/requests/{request_id}/responses", json={"message": "We can."}
    )
    assert made.status_code == 201
    address = made.headers["Location"]
    assert made.json["organization"] == "Prairie Aero Composites"
    assert made.json["contacts"] is None
    responses = f"/api/v1/requests/{request_id}/responses"
    assert len(client_of("cleo").get(responses).json["items"]) == 1
    assert client_of("ana").get(responses).json["items"] == []
    again = client_of("eve").post(responses, json={"message": "We still can."})
    assert again.status_code == 409
    refused = client_of("cleo").post(f"{address}/actions/decline", json={"note": ""})
    assert (refused.status_code, set(refused.json["errors"])) == (422, {"note"})
    accepted = client_of("cleo").post(f"{address}/actions/accept", json={})
    assert accepted.json["status"] == "accepted"
    assert len(client_of("eve").get(address).json["contacts"]) == 2


def test_token_that_only_reads_sees_whose_request_it_is_and_changes_nothing(
    app: Any, world: World
) -> None:
    reader = Actor(
        user_id=world.users["ana"],
        memberships={world.organizations["shop"]: "owner"},
        scopes=frozenset({"read"}),
    )
    request = queries.get_request(world.requests["shop_public"])
    assert can(reader, Permission.REQUEST_VIEW_IDENTITY, request)
    assert can(reader, Permission.REQUEST_VIEW_INSIDE, request)
    assert not can(reader, Permission.REQUEST_EDIT, request)
    assert not can(reader, Permission.REQUEST_PUBLISH, request)

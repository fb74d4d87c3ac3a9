"""Drafts that the portal keeps while they are typed."""

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.kernel.database import session
from portal.kernel.outbox import OutboxEvent
from portal.partnerships.models import Request
from portal.partnerships.queries import requests as queries
from tests.cast import World
from tests.support.forms import filled

ClientOf = Callable[[str], FlaskClient]
TYPED = {
    "kind": "training",
    "direction": "need",
    "title": "Welding classes",
    "visibility": "public",
    "capabilities": "weldi",
    "radius_miles": "far",
    "summary": "For eight",
}


def count() -> int:
    return session.scalar(select(func.count()).select_from(Request)) or 0


def test_a_draft_is_kept_as_soon_as_it_has_a_title(client_of: ClientOf, world: World) -> None:
    client, before = client_of("ben"), count()
    reply = client.post("/requests/draft", data={**TYPED, "title": ""})
    assert reply.status_code == 422
    assert "title" in reply.json["message"]
    assert count() == before
    body = client.post("/requests/draft", data=TYPED).json
    assert count() == before + 1
    request = queries.get_request(int(body["url"].split("/")[2]))
    # What is not right yet is left out, what is right is kept.
    assert (request.status, request.title, request.summary) == (
        "draft",
        "Welding classes",
        "For eight",
    )
    assert (request.capabilities, request.radius_miles) == ([], None)
    assert "Needed to publish" in body["quality"]
    assert client.get(body["url"]).status_code == 200


def test_what_is_typed_on_goes_into_the_same_draft_and_tells_nobody(
    client_of: ClientOf, world: World
) -> None:
    client = client_of("ana")
    number, before = world.requests["shop_draft"], count()
    events = select(func.count()).select_from(OutboxEvent)
    told = session.scalar(events)
    reply = client.post(f"/requests/{number}/draft", data={**TYPED, "capabilities": "welding"})
    assert reply.status_code == 200
    request = queries.get_request(number)
    assert [item.key for item in request.capabilities] == ["welding"]
    assert request.summary == "For eight"
    assert (count(), session.scalar(events)) == (before, told)


def test_a_draft_is_not_written_over_what_another_tab_kept_meanwhile(
    client_of: ClientOf, world: World
) -> None:
    number = world.requests["shop_draft"]
    client = client_of("ana")
    one, other = (filled(client.get(f"/requests/{number}/edit").text) for _tab in range(2))
    kept = client.post(f"/requests/{number}/draft", data={**one, "title": "Of one tab"})
    assert kept.status_code == 200
    refused = client.post(f"/requests/{number}/draft", data={**other, "title": "Of the other"})
    assert refused.status_code == 409
    assert "This has changed meanwhile." in refused.json["message"]
    assert queries.get_request(number).title == "Of one tab"
    # The first tab goes on with what the portal answered.
    typed = {**one, "title": "Of one tab, longer", "made_from": kept.json["made_from"]}
    assert client.post(f"/requests/{number}/draft", data=typed).status_code == 200
    saved = client.post(f"/requests/{number}/edit", data={**other, "title": "Of the other"})
    assert saved.status_code == 409, "the other is asked where it saves"


def test_what_is_published_never_changes_while_one_types(client_of: ClientOf, world: World) -> None:
    number = world.requests["shop_public"]
    reply = client_of("ana").post(f"/requests/{number}/draft", data=TYPED)
    assert reply.status_code == 409
    assert queries.get_request(number).title == "Shop public need"
    page = client_of("ana").get(f"/requests/{number}/edit").text
    assert "data-keep" not in page
    draft = client_of("ana").get(f"/requests/{world.requests['shop_draft']}/edit").text
    assert f'data-keep="/requests/{world.requests["shop_draft"]}/draft"' in draft


def test_a_draft_can_become_another_of_ones_organizations(
    client_of: ClientOf, world: World, actor: Any, join: Callable[..., None]
) -> None:
    join("ana", "aero")
    number = world.requests["shop_draft"]
    data = {
        **TYPED,
        "capabilities": "",
        "radius_miles": "",
        "organization_id": world.organizations["aero"],
        "action": "draft",
    }
    assert client_of("ana").post(f"/requests/{number}/edit", data=data).status_code == 303
    request = queries.get_request(number)
    assert (request.organization_id, request.county_fips) == (world.organizations["aero"], "20173")

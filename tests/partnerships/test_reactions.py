"""What follows by itself: mails, reminders, the desk, the search index."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import now, today_here
from portal.kernel.database import session
from portal.kernel.fulltext.port import Query
from portal.kernel.search import search_index
from portal.organizations.queries.profiles import get_organization
from portal.organizations.services import records
from portal.partnerships import documents, events, reactions
from portal.partnerships.models import Request, Response
from portal.partnerships.queries import desk
from portal.partnerships.queries import requests as queries
from portal.partnerships.services import requests as services
from portal.partnerships.services import responses as response_services
from tests.cast import World
from tests.partnerships.conftest import ActorOf

Change = Callable[..., Request]
Drain = Callable[[], None]


def test_managers_are_told_of_a_response(
    actor: ActorOf, world: World, drain: Drain, mails: list[dict[str, Any]]
) -> None:
    request = queries.get_request(world.requests["shop_public"])
    response = response_services.send_response(
        actor("eve"), request, message="Line one.\nLine two."
    )
    drain()
    [mail] = mails
    assert mail["to"] == "ana@cast.example"
    assert mail["subject"] == "Prairie Aero Composites responded to “Shop public need”"
    assert "> Line one.\n> Line two." in mail["text"]
    assert f"/responses/{response.id}" in mail["text"]


@pytest.mark.parametrize("action", ["accept", "decline"])
def test_responder_is_told_the_answer_with_its_reason(
    actor: ActorOf,
    response: Callable[[], Response],
    drain: Drain,
    mails: list[dict[str, Any]],
    action: str,
) -> None:
    response_services.act_on_response(actor("ana"), response(), action, note="Because of Friday.")
    drain()
    [mail] = mails
    assert mail["to"] == "cleo@cast.example"
    assert "Because of Friday." in mail["text"]
    assert "Ana's Machine Shop" in mail["text"]


def test_responder_is_told_that_the_request_was_withdrawn(
    actor: ActorOf,
    client_of: Callable[[str], FlaskClient],
    world: World,
    drain: Drain,
    mails: list[dict[str, Any]],
) -> None:
    request = queries.get_request(world.requests["shop_public"])
    services.act_on_request(actor("ana"), request, "withdraw")
    drain()
    [mail] = mails
    assert mail["to"] == "cleo@cast.example"
    assert mail["subject"] == "“Shop public need” was withdrawn"
    page = client_of("cleo").get(f"/responses/{world.responses['college_to_shop']}").text
    assert "The request was withdrawn before it was decided." in page


def test_nobody_is_told_of_a_response_taken_back(
    actor: ActorOf,
    response: Callable[[], Response],
    drain: Drain,
    mails: list[dict[str, Any]],
) -> None:
    response_services.act_on_response(actor("cleo"), response(), "withdraw")
    drain()
    assert mails == []


def test_people_are_told_once_that_the_end_is_near_and_again_for_another_end(
    actor: ActorOf, change: Change, drain: Drain, mails: list[dict[str, Any]]
) -> None:
    change("shop_public", expires_on=today_here() + dt.timedelta(days=14))
    change("aero_public", expires_on=today_here() + dt.timedelta(days=15))
    assert services.remind_of_ends(SYSTEM) == 1
    assert services.remind_of_ends(SYSTEM) == 0
    drain()
    assert [mail["to"] for mail in mails] == ["ana@cast.example"]
    assert "You can renew it once" in mails[0]["text"]
    request = queries.get_request(
        session.scalar(select(Request.id).where(Request.reminded_at.is_not(None)))
    )
    services.renew_request(actor("ana"), request, expires_on=today_here() + dt.timedelta(days=100))
    change("shop_public", expires_on=today_here() + dt.timedelta(days=2))
    assert services.remind_of_ends(SYSTEM) == 1
    drain()
    assert "renewed before" in mails[1]["text"]


def test_people_are_told_when_it_has_expired(
    change: Change, drain: Drain, mails: list[dict[str, Any]]
) -> None:
    change("shop_public", expires_on=today_here() - dt.timedelta(days=1))
    services.expire_overdue(SYSTEM)
    drain()
    [mail] = mails
    assert mail["to"] == "ana@cast.example"
    assert mail["subject"] == "“Shop public need” has expired"


def test_writer_who_is_a_plain_member_is_told_too(
    actor: ActorOf,
    organization: Any,
    complete: Mapping[str, Any],
    change: Change,
    drain: Drain,
    mails: list[dict[str, Any]],
    world: World,
) -> None:
    change("shop_public", created_by_id=world.users["ben"])
    change("shop_public", expires_on=today_here() - dt.timedelta(days=1))
    services.expire_overdue(SYSTEM)
    drain()
    assert sorted(mail["to"] for mail in mails) == ["ana@cast.example", "ben@cast.example"]


def test_reactions_bear_with_what_is_gone(app: Flask, mails: list[dict[str, Any]]) -> None:
    reactions.email_managers_on_response_sent(events.ResponseSent(999))
    reactions.email_responder_on_response_decided(events.ResponseDecided(999, "accept", ""))
    reactions.email_keepers_on_request_expired(events.RequestMoved(999, "expire", "expired", None))
    reactions.email_keepers_on_request_ends_soon(events.RequestEndsSoon(999))
    assert mails == []


# The desk


def titles(items: list[Any]) -> list[str]:
    return [item.title for item in items]


def test_response_waits_on_the_desk_of_who_decides(
    actor: ActorOf, response: Callable[[], Response]
) -> None:
    waiting = "Falls City Community College responded to “Shop public need”"
    assert titles(desk.list_to_decide(actor("ana"), 10)) == [waiting]
    for name in ("ben", "cleo", "eve", "root", "nobody"):
        assert desk.list_to_decide(actor(name), 10) == []
    response_services.act_on_response(actor("ana"), response(), "accept")
    assert desk.list_to_decide(actor("ana"), 10) == []
    assert titles(desk.list_answers(actor("cleo"), 10)) == [
        "Your response to “Shop public need” was accepted"
    ]
    assert desk.list_answers(actor("ana"), 10) == []


def test_drafts_and_ending_requests_are_on_the_desk_of_their_people(
    actor: ActorOf, change: Change
) -> None:
    assert titles(desk.list_drafts(actor("ana"), 10)) == ["Shop draft need"]
    assert desk.list_drafts(actor("ben"), 10) == []
    assert desk.list_drafts(actor("root"), 10) == []
    assert desk.list_ending(actor("ana"), 10) == []
    change("shop_public", expires_on=today_here() + dt.timedelta(days=9), published_at=now())
    [item] = desk.list_ending(actor("ana"), 10)
    assert item.title == "Shop public need"
    assert desk.list_ending(actor("eve"), 10) == []


# Search


def found(text: str) -> set[tuple[str, int]]:
    query = Query(audience=frozenset({"public"}), text=text, kinds=frozenset({"request"}))
    return {hit.key for hit in search_index().index.search(query).hits}


def test_search_follows_a_request_through_its_life(
    actor: ActorOf, organization: Any, complete: Mapping[str, Any], drain: Drain, indexed: None
) -> None:
    request = services.create_request(
        actor("ana"), organization("shop"), **{**complete, "title": "Quokka housings"}
    )
    key = ("request", request.id)

    def again() -> Request:
        return queries.get_request(key[1])

    drain()
    assert key not in found("quokka")
    services.act_on_request(actor("ana"), again(), "publish")
    drain()
    assert key in found("quokka")
    assert key in found("coordinate measuring machine")
    services.change_request(actor("ana"), again(), title="Wombat housings")
    drain()
    assert key not in found("quokka")
    assert key in found("wombat")
    services.act_on_request(actor("ana"), again(), "pause")
    drain()
    assert key in found("wombat")
    services.act_on_request(actor("ana"), again(), "withdraw")
    drain()
    assert key not in found("wombat")


def test_requests_of_an_archived_organization_leave_search_and_board(
    actor: ActorOf, world: World, drain: Drain, indexed: None
) -> None:
    key = ("request", world.requests["shop_public"])
    assert key in found("shop public need")
    records.archive_organization(actor("ana"), get_organization(world.organizations["shop"]))
    drain()
    assert key not in found("shop public need")
    assert key[1] not in {card.id for card in queries.list_board(actor("nobody")).items}


def test_document_of_a_named_request_carries_its_organization(world: World) -> None:
    [document] = documents.list_request_documents([world.requests["shop_public"]])
    assert document.organization == "Ana's Machine Shop"
    assert document.facets["organization_kind"] == ("sme",)
    assert document.facets["cluster"] == ("metalworking-technology",)
    assert document.facets["certification"] == ("ISO 9001",)
    assert document.facets["request_kind"] == ("equipment_sharing",)
    assert documents.list_request_documents([world.requests["shop_draft"]]) == []


def test_request_stands_no_more_exact_than_its_organization(
    world: World, change: Change, actor: ActorOf
) -> None:
    change("shop_public", latitude=38.26111, longitude=-85.74222)
    records.change_organization(
        actor("ana"),
        get_organization(world.organizations["shop"]),
        members_only_fields=["street"],
    )
    [document] = documents.list_request_documents([world.requests["shop_public"]])
    assert (document.latitude, document.longitude) == (38.2529, -85.7514)

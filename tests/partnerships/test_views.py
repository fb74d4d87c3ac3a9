"""The pages of requests and responses, as people meet them."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.kernel.clock import today_here
from portal.kernel.database import session, unit_of_work
from portal.organizations.models import Organization
from portal.organizations.services import records
from portal.partnerships.models import Request, Response
from portal.partnerships.queries import requests as queries
from portal.partnerships.services import requests as services
from portal.partnerships.services import responses as response_services
from tests.cast import World
from tests.partnerships.conftest import ActorOf
from tests.support.statements import count_statements

ClientOf = Callable[[str], FlaskClient]
Change = Callable[..., Request]

WORDS = {
    "kind": "technology",
    "direction": "offer",
    "title": "A coating that lasts",
    "visibility": "public",
}


def newest() -> Request:
    found = session.scalar(select(Request).order_by(Request.id.desc()).limit(1))
    assert found is not None
    return found


def test_board_shows_open_requests_and_filters_them_by_links(
    client_of: ClientOf, change: Change
) -> None:
    change("aero_public", kind="training", direction="offer")
    page = client_of("nobody").get("/requests").text
    assert "Shop public need" in page
    assert "Aero public need" in page
    assert "Shop members need" not in page
    assert "Shop draft need" not in page
    filtered = client_of("nobody").get("/requests?kind=training&direction=offer").text
    assert "Aero public need" in filtered
    assert "Shop public need" not in filtered
    mine = client_of("ana").get("/requests?mine=yes").text
    assert "Shop organization need" in mine
    assert "Aero public need" not in mine
    assert "No open request fits" in client_of("nobody").get("/requests?kind=consortium").text


@pytest.mark.parametrize("path", ["/requests/new", "/requests/{}/respond"])
def test_who_gave_no_way_to_be_reached_is_told_before_posting_and_answering(
    client_of: ClientOf, world: World, path: str
) -> None:
    path = path.format(world.requests["shop_public"])
    warning = "has given no phone and no e-mail"
    edit = f"/organizations/{world.organizations['aero']}/edit"
    page = client_of("eve").get(path).text
    assert warning in page
    assert edit in page
    with unit_of_work():
        session.get_one(Organization, world.organizations["aero"]).phone = "(316) 555-0102"
    assert warning not in client_of("eve").get(path).text


@pytest.mark.parametrize("query", ["kind=x&direction=%27&mine=no", "kind=%3Cscript%3E", "q=1"])
def test_board_takes_no_harm_from_odd_filters(client_of: ClientOf, query: str) -> None:
    assert "Shop public need" in client_of("nobody").get(f"/requests?{query}").text


def test_closed_requests_leave_the_board_but_keep_their_page(
    client_of: ClientOf, change: Change, world: World
) -> None:
    change("shop_public", status="expired")
    assert "Shop public need" not in client_of("nobody").get("/requests").text
    page = client_of("nobody").get(f"/requests/{world.requests['shop_public']}")
    assert "takes no more responses" in page.text


@pytest.mark.parametrize("address", ["/requests", "/requests/mine", "/api/v1/requests"])
def test_lists_take_the_same_statements_for_few_and_for_many(
    app: Any,
    client_of: ClientOf,
    world: World,
    actor: ActorOf,
    complete: Mapping[str, Any],
    organization: Any,
    address: str,
) -> None:
    client = client_of("ana")
    client.get(address)
    with count_statements() as few:
        client.get(address)
    for number in range(12):
        values = {**complete, "title": f"Request {number}"}
        services.create_request(
            actor("ana"), organization("shop"), publish=True, **values, zip_code="47130"
        )
    client.get(address)
    with count_statements() as many:
        client.get(address)
    assert few.count == many.count


def test_list_of_responses_takes_the_same_statements_for_few_and_for_many(
    app: Any, client_of: ClientOf, world: World, actor: ActorOf
) -> None:
    client = client_of("ana")
    client.get("/responses")
    with count_statements() as few:
        client.get("/responses")
    for number in range(6):
        records.register_organization(actor("eve"), name=f"Aero {number}", kind="sme")
    for organization_id in sorted(actor("eve").memberships):
        response_services.send_response(
            actor("eve"),
            queries.get_request(world.requests["shop_public"]),
            organization_id=organization_id,
            message="Hello.",
        )
    client.get("/responses")
    with count_statements() as many:
        client.get("/responses")
    assert few.count == many.count


def test_draft_is_saved_with_little_and_finished_later(client_of: ClientOf) -> None:
    client = client_of("ana")
    reply = client.post("/requests/new", data={**WORDS, "action": "draft"})
    assert reply.status_code == 303
    draft = newest()
    assert (draft.status, draft.title) == ("draft", "A coating that lasts")
    page = client.get(reply.headers["Location"]).text
    assert "was saved" in page
    reply = client.post(
        f"/requests/{draft.id}/edit",
        data={
            **WORDS,
            "summary": "Ten times the life.",
            "capabilities": "welding\n5-axis milling",
            "advantages": "Fewer stops.",
            "innovations": "The binder.",
            "ip_status": "applied_for",
            "trl": "6",
        },
    )
    assert reply.status_code == 303
    found = queries.get_request(draft.id)
    assert (found.status, found.trl) == ("published", 6)
    assert [item.key for item in found.capabilities] == ["5-axis-milling", "welding"]
    assert "6 – demonstrated" in client.get(f"/requests/{draft.id}").text


def test_publishing_shows_all_that_is_missing_and_keeps_what_was_typed(
    client_of: ClientOf,
) -> None:
    before = newest().id
    reply = client_of("ana").post(
        "/requests/new", data={**WORDS, "description": "A long story.", "trl": "4"}
    )
    assert reply.status_code == 422
    for words in (
        "Please say in a sentence or two",
        "Please name at least one capability",
        "Please say what advantages",
        "Please say what is new",
        "Please say how the knowledge is protected",
    ):
        assert words in reply.text
    assert "Please say how far it is developed" not in reply.text
    assert "A long story." in reply.text
    assert '<option selected value="4">' in reply.text
    assert newest().id == before


def test_publish_button_of_a_draft_leads_to_the_form_where_something_is_missing(
    client_of: ClientOf, world: World, change: Change
) -> None:
    request_id = world.requests["shop_draft"]
    change("shop_draft", summary="")
    reply = client_of("ana").post(f"/requests/{request_id}/actions/publish")
    assert reply.status_code == 422
    assert "Please say in a sentence or two" in reply.text
    assert f'action="/requests/{request_id}/edit"' in reply.text
    assert "Please choose who sees it" in reply.text


def test_refused_edit_keeps_what_was_typed_beside_the_attachments(
    client_of: ClientOf, world: World
) -> None:
    request_id = world.requests["shop_public"]
    reply = client_of("ana").post(
        f"/requests/{request_id}/edit",
        data={**WORDS, "title": "Quite another title", "capabilities": "basket weaving"},
    )
    assert reply.status_code == 422
    assert "Quite another title" in reply.text
    assert "We do not know" in reply.text


def test_old_day_that_stands_already_does_not_block_an_edit(
    client_of: ClientOf, world: World, change: Change
) -> None:
    yesterday = today_here() - dt.timedelta(days=1)
    change("shop_draft", wanted_by=yesterday, expires_on=yesterday)
    data = {**WORDS, "wanted_by": str(yesterday), "expires_on": str(yesterday), "action": "draft"}
    address = f"/requests/{world.requests['shop_draft']}/edit"
    assert client_of("ana").post(address, data=data).status_code == 303
    data["wanted_by"] = str(yesterday - dt.timedelta(days=1))
    reply = client_of("ana").post(address, data=data)
    assert reply.status_code == 422
    assert "not over" in reply.text


def test_link_to_the_form_fills_in_what_it_says(client_of: ClientOf, world: World) -> None:
    page = (
        client_of("ana")
        .get("/requests/new?kind=training&direction=offer&title=Evening+classes&capability=welding")
        .text
    )
    assert 'value="Evening classes"' in page
    assert '<option selected value="training">' in page
    assert ">welding</textarea>" in page.replace("\r\n", "").replace("\n", "")
    equipment = world.equipment["college_public"]
    page = client_of("ana").get(f"/requests/new?equipment={equipment}").text
    assert "Use of College public mill" in page
    hidden = world.equipment["college_draft"]
    assert "College draft" not in client_of("ana").get(f"/requests/new?equipment={hidden}").text


def test_who_belongs_nowhere_reads_how_to_get_in(client_of: ClientOf, world: World) -> None:
    assert "Register an organization" in client_of("dov").get("/requests/new").text
    page = client_of("dov").get(f"/requests/{world.requests['shop_public']}").text
    assert "Join or register yours" in page


def test_who_has_several_organizations_chooses_one(client_of: ClientOf, actor: ActorOf) -> None:
    records.register_organization(actor("ana"), name="Second Shop", kind="sme")
    second = max(actor("ana").memberships)
    client = client_of("ana")
    assert "Second Shop" in client.get("/requests/new").text
    client.post("/requests/new", data={**WORDS, "organization_id": second, "action": "draft"})
    assert newest().organization_id == second
    reply = client.post(
        "/requests/new", data={**WORDS, "organization_id": 999_999, "action": "draft"}
    )
    assert reply.status_code == 422
    assert "one of your organizations" in reply.text


def test_step_that_cannot_be_undone_asks_first(client_of: ClientOf, world: World) -> None:
    address = f"/requests/{world.requests['shop_public']}/actions/withdraw"
    client = client_of("ana")
    asked = client.post(address, data={"note": "We bought one."})
    assert "Withdraw this request?" in asked.text
    assert "We bought one." in asked.text
    assert queries.get_request(world.requests["shop_public"]).status == "published"
    client.post(address, data={"note": "We bought one.", "confirmed": "yes"})
    assert queries.get_request(world.requests["shop_public"]).status == "withdrawn"
    assert "We bought one." in client.get(f"/requests/{world.requests['shop_public']}").text


def test_unknown_step_is_not_found(client_of: ClientOf, world: World) -> None:
    address = f"/requests/{world.requests['shop_public']}/actions/explode"
    assert "There is no such action." in client_of("ana").post(address).text
    assert queries.get_request(world.requests["shop_public"]).status == "published"


def test_draft_is_deleted_after_a_question(client_of: ClientOf, world: World) -> None:
    address = f"/requests/{world.requests['shop_draft']}/delete"
    assert "Delete the draft" in client_of("ana").post(address).text
    client_of("ana").post(address, data={"confirmed": "yes"})
    assert session.get(Request, world.requests["shop_draft"]) is None


def test_request_is_renewed_near_its_end(client_of: ClientOf, world: World, change: Change) -> None:
    request_id = world.requests["shop_public"]
    assert "Renew" not in client_of("ana").get(f"/requests/{request_id}").text
    change("shop_public", expires_on=today_here() + dt.timedelta(days=3))
    assert "Renew" in client_of("ana").get(f"/requests/{request_id}").text
    later = today_here() + dt.timedelta(days=100)
    client_of("ana").post(f"/requests/{request_id}/renew", data={"expires_on": str(later)})
    assert queries.get_request(request_id).expires_on == later


def test_firm_answers_a_request_and_the_owner_accepts(client_of: ClientOf, world: World) -> None:
    request_id = world.requests["college_public"]
    page = client_of("ana").get(f"/requests/{request_id}").text
    assert f"/requests/{request_id}/respond" in page
    assert client_of("ana").post(f"/requests/{request_id}/respond", data={}).status_code == 422
    sent = client_of("ana").post(
        f"/requests/{request_id}/respond", data={"message": "Our mill is **free**."}
    )
    assert sent.status_code == 303
    response_id = session.scalar(select(Response.id).order_by(Response.id.desc()).limit(1))
    assert "See your response" in client_of("ana").get(f"/requests/{request_id}").text
    page = client_of("cleo").get(f"/responses/{response_id}").text
    assert "<strong>free</strong>" in page
    assert "(502) 555-0101" not in page
    client_of("cleo").post(f"/responses/{response_id}/actions/accept")
    assert "(502) 555-0101" in client_of("cleo").get(f"/responses/{response_id}").text
    assert "Accepted" in client_of("ana").get("/responses").text


def test_declining_without_a_reason_asks_for_it(client_of: ClientOf, world: World) -> None:
    response_id = world.responses["college_to_shop"]
    reply = client_of("ana").post(f"/responses/{response_id}/actions/decline", data={"note": " "})
    assert reply.status_code == 422
    assert "Please give a reason." in reply.text
    client_of("ana").post(f"/responses/{response_id}/actions/decline", data={"note": "Too far."})
    assert "Too far." in client_of("cleo").get(f"/responses/{response_id}").text


@pytest.mark.parametrize("name", ["nobody", "cleo", "eve", "dov"])
def test_number_of_responses_and_history_are_for_the_owner(
    client_of: ClientOf, world: World, actor: ActorOf, name: str
) -> None:
    request_id = world.requests["shop_public"]
    services.act_on_request(actor("ana"), queries.get_request(request_id), "pause")
    services.act_on_request(actor("ana"), queries.get_request(request_id), "resume")
    assert "1 response" in client_of("ben").get(f"/requests/{request_id}").text
    assert "History" in client_of("ben").get(f"/requests/{request_id}").text
    page = client_of(name).get(f"/requests/{request_id}").text
    assert "1 response" not in page
    assert "History" not in page


def test_responder_keeps_the_page_of_the_response_when_the_request_is_withdrawn(
    client_of: ClientOf, world: World, actor: ActorOf
) -> None:
    request_id = world.requests["shop_public"]
    services.act_on_request(actor("ana"), queries.get_request(request_id), "withdraw")
    page = client_of("cleo").get(f"/responses/{world.responses['college_to_shop']}")
    assert page.status_code == 200
    assert f'href="/requests/{request_id}"' not in page.text


def test_organization_page_lists_its_open_requests(client_of: ClientOf, world: World) -> None:
    page = client_of("nobody").get(f"/organizations/{world.organizations['shop']}").text
    assert "Shop public need" in page
    assert "Shop members need" not in page
    assert "Shop draft need" not in page


def test_text_of_others_is_never_markup(client_of: ClientOf, world: World) -> None:
    evil = "<script>alert(1)</script>"
    with unit_of_work():
        row = session.get_one(Request, world.requests["shop_public"])
        row.title = row.summary = row.expertise_sought = row.description = evil
    for address in ("/requests", f"/requests/{row.id}", "/responses"):
        assert evil not in client_of("cleo").get(address).text

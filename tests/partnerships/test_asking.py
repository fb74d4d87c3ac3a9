"""Requests that ask to use one machine or facility: who sees them, who is told, who answers."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.facilities.models import Equipment
from portal.facilities.queries.records import get_equipment
from portal.facilities.services.equipment import delete_equipment
from portal.kernel.authorization import can
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Invalid
from portal.kernel.fulltext.port import Query
from portal.kernel.search import search_index
from portal.organizations.models import Membership
from portal.partnerships import documents
from portal.partnerships.models import Request
from portal.partnerships.policies import Permission
from portal.partnerships.queries import desk
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries import responses as response_queries
from portal.partnerships.services import requests as services
from portal.partnerships.services import responses as response_services
from tests.cast import CAST, World
from tests.partnerships.conftest import ActorOf

ClientOf = Callable[[str], FlaskClient]
Ask = Callable[..., Request]
Mails = list[dict[str, Any]]


@pytest.fixture
def ask(actor: ActorOf, organization: Any, world: World) -> Ask:
    """Let Ana ask to use the college's public mill; only the two organizations see it."""

    def write(**values: Any) -> Request:
        given = {
            "kind": "equipment_sharing",
            "direction": "need",
            "title": "Two days on your mill",
            "summary": "Forty brackets, in March.",
            "visibility": "organization",
            "equipment_id": world.equipment["college_public"],
            "publish": True,
            **values,
        }
        created = services.create_request(actor("ana"), organization("shop"), **given)
        return queries.get_request(created.id)

    return write


def who_sees(request: Request, actor: ActorOf) -> set[str]:
    return {name for name in CAST if can(actor(name), Permission.REQUEST_VIEW, request)}


def test_owner_is_told_sees_it_and_finds_it_on_the_desk(
    ask: Ask, actor: ActorOf, drain: Callable[[], None], mails: Mails
) -> None:
    request = ask()
    drain()
    [mail] = mails
    assert mail["to"] == "cleo@cast.example"
    assert mail["subject"] == "Ana's Machine Shop asks to use “College public mill”"
    assert "Forty brackets, in March." in mail["text"]
    assert f"/requests/{request.id}" in mail["text"]
    assert who_sees(request, actor) == {"ana", "ben", "cleo", "root"}
    [item] = desk.list_asked(actor("cleo"), 10)
    assert (item.title, item.detail) == ("Two days on your mill", "Ana's Machine Shop")
    for name in ("ana", "ben", "eve", "root", "nobody"):
        assert desk.list_asked(actor(name), 10) == []


def test_draft_tells_nobody(
    ask: Ask, actor: ActorOf, drain: Callable[[], None], mails: Mails
) -> None:
    request = ask(publish=False)
    drain()
    assert mails == []
    assert who_sees(request, actor) == {"ana", "root"}
    assert desk.list_asked(actor("cleo"), 10) == []


def test_answer_clears_the_desk_and_opens_the_way_to_each_other(
    ask: Ask, actor: ActorOf, client_of: ClientOf
) -> None:
    request = ask()
    assert "Your organization is asked." in client_of("cleo").get(f"/requests/{request.id}").text
    request = queries.get_request(request.id)
    response = response_services.send_response(actor("cleo"), request, message="Fridays are free.")
    assert desk.list_asked(actor("cleo"), 10) == []
    response_services.act_on_response(
        actor("ana"), response_queries.get_response(response.id), "accept"
    )
    assert "Fridays are free." in client_of("ana").get(f"/responses/{response.id}").text


def test_member_who_asked_hears_of_the_answer_and_who_decides(
    ask: Ask, actor: ActorOf, client_of: ClientOf, drain: Callable[[], None], mails: Mails
) -> None:
    request = ask()
    with unit_of_work():
        session.get_one(Request, request.id).created_by_id = actor("ben").user_id
    ben = client_of("ben")
    assert "has not answered yet" in ben.get(f"/requests/{request.id}").text
    request = queries.get_request(request.id)
    response = response_services.send_response(actor("cleo"), request, message="Fridays are free.")
    drain()
    told = {mail["to"]: mail["text"] for mail in mails if "Fridays are free." in mail["text"]}
    assert set(told) == {"ana@cast.example", "ben@cast.example"}
    assert "Please accept or decline it." in told["ana@cast.example"]
    assert "An owner or manager" in told["ben@cast.example"]
    assert [item.action for item in desk.list_to_decide(actor("ben"), 10)] == ["Read the answer"]
    assert "An owner or manager" in ben.get(f"/responses/{response.id}").text


def test_owner_of_an_anonymous_request_is_not_told_the_name(
    ask: Ask, actor: ActorOf, client_of: ClientOf, drain: Callable[[], None], mails: Mails
) -> None:
    request = ask(is_anonymous=True, anonymous_summary="A shop needs two days.")
    drain()
    [mail] = mails
    assert mail["subject"] == "An organization asks to use “College public mill”"
    assert "A shop needs two days." in mail["text"]
    assert "Machine Shop" not in mail["text"]
    assert "Forty brackets" not in mail["text"]
    [item] = desk.list_asked(actor("cleo"), 10)
    assert item.detail == "An organization that does not show its name"
    assert "Machine Shop" not in client_of("cleo").get(f"/requests/{request.id}").text


def test_pages_lead_to_each_other_for_those_who_may_see_both(
    ask: Ask, client_of: ClientOf, world: World
) -> None:
    request = ask(visibility="public", equipment_id=world.equipment["college_members"])
    record, subject = f"/requests/{request.id}", f"/equipment/{request.equipment_id}"
    for name in ("ana", "cleo", "eve"):
        assert f'href="{subject}"' in client_of(name).get(record).text
        assert f'href="{record}"' in client_of(name).get(subject).text
        api = client_of(name).get(f"/api/v1{record}").json
        assert (api["equipment_id"], api["facility_id"]) == (request.equipment_id, None)
    stranger = client_of("nobody")
    assert "College members mill" not in stranger.get(record).text
    assert stranger.get(f"/api/v1{record}").json["equipment_id"] is None


def test_page_of_the_machine_does_not_show_what_others_ask_in_private(
    ask: Ask, client_of: ClientOf
) -> None:
    request = ask()
    page = f"/equipment/{request.equipment_id}"
    before = client_of("nobody").get(page)
    assert "Two days on your mill" not in before.text
    assert "Two days on your mill" not in client_of("eve").get(page).text
    assert "Only the two organizations" in client_of("cleo").get(page).text
    with unit_of_work():
        session.get_one(Request, request.id).visibility = "public"
    # The copy that a visitor has kept is not right any longer.
    again = client_of("nobody").get(page, headers={"If-None-Match": before.headers["ETag"]})
    assert "Two days on your mill" in again.text


def test_facility_is_asked_for_in_the_same_way(
    ask: Ask, actor: ActorOf, client_of: ClientOf, world: World
) -> None:
    lab = world.facilities["college_public"]
    request = ask(equipment_id=None, facility_id=lab)
    assert request.asked_organization_id == world.organizations["college"]
    assert "Asks to use" in client_of("cleo").get(f"/requests/{request.id}").text
    assert "Two days on your mill" in client_of("cleo").get(f"/facilities/{lab}").text


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        ({"equipment_id": "college_draft"}, "no longer here"),
        ({"equipment_id": "shop_public"}, "your own organization"),
        ({"equipment_id": "aero_public"}, "does not share"),
        ({"equipment_id": "college_public", "facility_id": "college_public"}, "not both"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    ask: Ask, world: World, subject: dict[str, str], message: str
) -> None:
    with unit_of_work():
        session.get_one(Equipment, world.equipment["aero_public"]).sharing_terms = "in_house"
    rows = {"equipment_id": world.equipment, "facility_id": world.facilities}
    numbers = {name: rows[name][record] for name, record in subject.items()}
    with pytest.raises(Invalid, match=message) as refusal:
        ask(publish=False, **numbers)
    assert refusal.value.field in subject


def test_what_is_asked_for_is_chosen_before_publication(
    ask: Ask, actor: ActorOf, world: World
) -> None:
    other = world.equipment["aero_public"]
    draft = ask(publish=False)
    services.change_request(actor("ana"), draft, equipment_id=other, publish=True)
    published = queries.get_request(draft.id)
    assert published.asked_organization_id == world.organizations["aero"]
    with pytest.raises(Invalid, match="before it is published"):
        services.change_request(actor("ana"), published, equipment_id=None)


def test_draft_for_a_machine_that_was_withdrawn_is_not_published(
    ask: Ask, actor: ActorOf, world: World
) -> None:
    draft = ask(publish=False)
    with unit_of_work():
        session.get_one(Equipment, world.equipment["college_public"]).sharing_terms = "in_house"
    with pytest.raises(Invalid, match="does not share"):
        services.act_on_request(actor("ana"), draft, "publish")


def test_owner_still_sees_what_it_was_asked_when_the_machine_is_gone(
    ask: Ask, actor: ActorOf, client_of: ClientOf
) -> None:
    request = ask()
    delete_equipment(actor("cleo"), get_equipment(request.equipment_id or 0))
    page = client_of("cleo").get(f"/requests/{request.id}")
    assert "Two days on your mill" in page.text
    assert "Asks to use" not in page.text


def test_search_finds_it_for_the_two_organizations_only(
    ask: Ask, world: World, indexed: None, drain: Callable[[], None]
) -> None:
    request = ask(title="Quokka brackets")
    drain()
    [document] = documents.list_request_documents([request.id])
    college, shop = world.organizations["college"], world.organizations["shop"]
    assert document.audience == {"admin", f"org:{shop}", f"org:{college}"}
    for tokens, is_found in (
        ({"public", "member", f"org:{college}"}, True),
        ({"public", "member"}, False),
    ):
        query = Query(audience=frozenset(tokens), text="quokka")
        assert bool(search_index().index.search(query).hits) is is_found


def test_form_says_whom_it_asks_and_publishes_with_little(
    client_of: ClientOf, world: World
) -> None:
    equipment = world.equipment["college_public"]
    page = client_of("ana").get(f"/requests/new?equipment={equipment}").text
    assert "You ask Falls City Community College to use “College public mill”." in page
    assert "Your organization and Falls City Community College" in page
    assert "Send request" in page
    assert '<option selected value="organization">' in page
    asking = client_of("ana")
    reply = asking.post(
        "/requests/new",
        data={
            "kind": "equipment_sharing",
            "direction": "need",
            "title": "Use of College public mill",
            "summary": "Two days.",
            "visibility": "organization",
            "equipment_id": str(equipment),
        },
    )
    sent = asking.get(reply.headers["Location"]).text
    assert "“Use of College public mill” was sent to Falls City Community College." in sent
    request = session.scalars(select(Request).order_by(Request.id.desc()).limit(1)).one()
    assert (request.status, request.equipment_id) == ("published", equipment)
    client = client_of("ana")
    form = client.get(f"/requests/{request.id}/edit").text
    assert 'name="equipment_id"' not in form
    data = {"kind": "equipment_sharing", "direction": "need", "title": "Use of your mill"}
    data |= {"summary": "Three days.", "visibility": "organization"}
    client.post(f"/requests/{request.id}/edit", data=data)
    assert "“Use of your mill” was saved." in client.get(f"/requests/{request.id}").text
    assert queries.get_request(request.id).equipment_id == equipment


def test_form_says_when_nobody_would_be_told(client_of: ClientOf, world: World) -> None:
    with unit_of_work():
        session.delete(session.get_one(Membership, world.memberships["cleo_college"]))
    equipment = world.equipment["college_public"]
    page = client_of("ana").get(f"/requests/new?equipment={equipment}").text
    assert "nobody represents it here yet" in page
    assert '<option selected value="public">' in page


def test_program_asks_in_the_same_way(client_of: ClientOf, world: World) -> None:
    given = {
        "organization_id": world.organizations["shop"],
        "kind": "equipment_sharing",
        "direction": "need",
        "title": "Two days on your mill",
        "summary": "Forty brackets.",
        "visibility": "organization",
        "equipment_id": world.equipment["college_public"],
        "publish": True,
    }
    reply = client_of("ana").post("/api/v1/requests", json=given)
    assert reply.status_code == 201
    assert reply.json["equipment_id"] == given["equipment_id"]
    refused = client_of("ana").post("/api/v1/requests", json={**given, "equipment_id": 999_999})
    assert refused.status_code == 422
    assert set(refused.json["errors"]) == {"equipment_id"}

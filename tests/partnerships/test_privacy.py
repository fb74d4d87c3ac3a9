"""What stays inside of an anonymous request, wherever it is shown."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.kernel.authorization import Actor
from portal.kernel.database import session, unit_of_work
from portal.kernel.fulltext.port import Query
from portal.kernel.mail import OutgoingMail
from portal.kernel.search import search_index
from portal.organizations.queries.profiles import get_organization
from portal.organizations.services import records
from portal.partnerships import documents, events, reactions
from portal.partnerships.models import Request
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries import responses as response_queries
from portal.partnerships.services import responses as response_services
from tests.cast import World
from tests.partnerships.conftest import CANARY, ActorOf

ClientOf = Callable[[str], FlaskClient]
OUTSIDERS = ["nobody", "cleo", "dov", "eve"]
INSIDERS = ["ana", "ben", "root"]


def secrets_in(text: str) -> list[str]:
    """The words that would tell whose request it is."""
    telltale = [CANARY, "40299", "38.11111", "-85.22222", "38.2529", "Nadcap", ">Ana<", '"Ana"']
    return [word for word in telltale if word in text]


@pytest.mark.parametrize("name", OUTSIDERS)
@pytest.mark.parametrize(
    "address",
    ["/requests/{id}", "/requests", "/api/v1/requests/{id}", "/api/v1/requests?kind={kind}"],
)
def test_outsiders_learn_nowhere_whose_request_it_is(
    client_of: ClientOf, hidden: Request, name: str, address: str
) -> None:
    reply = client_of(name).get(address.format(id=hidden.id, kind=hidden.kind))
    assert reply.status_code == 200
    assert "A shop seeks a measuring machine." in reply.text
    assert secrets_in(reply.text) == []


@pytest.mark.parametrize("name", INSIDERS)
def test_its_own_people_and_administrators_see_all_of_it(
    client_of: ClientOf, hidden: Request, name: str
) -> None:
    client = client_of(name)
    assert f"We are {CANARY}." in client.get(f"/requests/{hidden.id}").text
    body = client.get(f"/api/v1/requests/{hidden.id}").json
    assert body["organization"] == f"{CANARY} Machine Shop"
    assert body["latitude"] == 38.11111


def test_program_gets_the_county_and_its_middle_and_null_for_the_rest(
    client_of: ClientOf, hidden: Request
) -> None:
    body = client_of("eve").get(f"/api/v1/requests/{hidden.id}").json
    assert (body["county_fips"], body["latitude"], body["longitude"]) == ("21111", 38.187, -85.657)
    for name in (
        "organization",
        "organization_id",
        "summary",
        "description",
        "attachments",
        "zip_code",
        "expertise_sought",
        "confirmed_by",
        "budget_cents",
        "call_name",
    ):
        assert body[name] is None, name


@pytest.mark.parametrize("name", OUTSIDERS)
def test_page_of_the_organization_does_not_list_it_for_outsiders(
    client_of: ClientOf, hidden: Request, name: str
) -> None:
    address = f"/organizations/{hidden.organization_id}"
    assert hidden.title not in client_of(name).get(address).text
    assert hidden.title in client_of("ana").get(address).text


@pytest.mark.parametrize("name", OUTSIDERS)
def test_filter_by_organization_does_not_find_it_for_outsiders(
    client_of: ClientOf, hidden: Request, name: str
) -> None:
    address = f"/api/v1/requests?organization_id={hidden.organization_id}&limit=100"
    ids = [item["id"] for item in client_of(name).get(address).json["items"]]
    assert hidden.id not in ids
    ids = [item["id"] for item in client_of("ana").get(address).json["items"]]
    assert hidden.id in ids


def test_search_neither_holds_nor_finds_it_by_what_is_hidden(
    app: object, world: World, hidden: Request
) -> None:
    [document] = documents.list_request_documents([hidden.id])
    assert secrets_in(repr(document)) == []
    assert document.organization == ""
    assert set(document.facets) == {"request_kind", "direction", "capability", "county"}
    search_index().rebuild()
    everything = frozenset({"public", "member", "admin", f"org:{hidden.organization_id}"})
    for text in (CANARY, "Nadcap"):
        found = search_index().index.search(Query(audience=everything, text=text))
        assert ("request", hidden.id) not in {hit.key for hit in found.hits}
    found = search_index().index.search(
        Query(audience=frozenset({"public"}), text="shop seeks a measuring machine")
    )
    assert ("request", hidden.id) in {hit.key for hit in found.hits}
    for suggestion in search_index().index.suggest("Zanz", audience=frozenset({"public"})):
        assert suggestion.kind != "request"


def test_version_of_the_reply_does_not_move_with_the_organization(
    client_of: ClientOf, hidden: Request, actor: ActorOf
) -> None:
    address = f"/api/v1/requests/{hidden.id}"
    before = client_of("eve").get(address).headers["ETag"]
    records.change_organization(
        actor("ana"), get_organization(hidden.organization_id), summary="Another summary."
    )
    assert client_of("eve").get(address).headers["ETag"] == before


def mails() -> list[OutgoingMail]:
    return list(session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)))


def respond(actor: Actor, hidden: Request) -> int:
    request = queries.get_request(hidden.id)
    return response_services.send_response(actor, request, message="Ours is free.").id


def test_responder_learns_who_it_is_only_when_accepted(
    client_of: ClientOf, actor: ActorOf, hidden: Request, drain: Callable[[], None]
) -> None:
    response_id = respond(actor("eve"), hidden)
    pages = [f"/responses/{response_id}", "/responses", f"/requests/{hidden.id}"]
    for address in [*pages, f"/api/v1/responses/{response_id}"]:
        assert secrets_in(client_of("eve").get(address).text) == []
    response_services.act_on_response(
        actor("ana"), response_queries.get_response(response_id), "accept"
    )
    drain()
    reply = client_of("eve").get(f"/responses/{response_id}")
    assert f"{CANARY} Machine Shop" in reply.text
    assert "(502) 555-0101" in reply.text  # members only, and a partner is one
    body = client_of("eve").get(f"/api/v1/responses/{response_id}").json
    assert [side["name"] for side in body["contacts"]] == [
        f"{CANARY} Machine Shop",
        "Prairie Aero Composites",
    ]
    assert "Prairie Aero Composites" in client_of("ana").get(f"/responses/{response_id}").text


@pytest.mark.parametrize(("action", "is_named"), [("accept", True), ("decline", False)])
def test_mail_to_the_responder_names_the_organization_only_when_accepted(
    world: World,
    actor: ActorOf,
    hidden: Request,
    action: str,
    is_named: bool,
) -> None:
    response_id = respond(actor("eve"), hidden)
    response_services.act_on_response(
        actor("ana"), response_queries.get_response(response_id), action, note="Thanks for asking."
    )
    with unit_of_work():
        reactions.email_responder_on_response_decided(
            events.ResponseDecided(response_id, action, "Thanks for asking.")
        )
    [mail] = mails()
    assert mail.recipient == "eve@cast.example"
    assert "Thanks for asking." in mail.body_text
    assert (CANARY in mail.subject + mail.body_text + mail.body_html) is is_named


def test_declined_responder_never_learns_who_it_was(
    client_of: ClientOf, actor: ActorOf, hidden: Request
) -> None:
    response_id = respond(actor("eve"), hidden)
    response_services.act_on_response(
        actor("ana"), response_queries.get_response(response_id), "decline", note="Too far."
    )
    reply = client_of("eve").get(f"/responses/{response_id}")
    assert "Too far." in reply.text
    assert secrets_in(reply.text) == []
    assert client_of("eve").get(f"/api/v1/responses/{response_id}").json["contacts"] is None

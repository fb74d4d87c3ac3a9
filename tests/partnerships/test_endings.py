"""How a request ends: what came of it, and letting others know whose it was."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal.kernel.database import session
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from portal.partnerships.models import Request, RequestClosing, Response
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries.closing import list_untold
from portal.partnerships.queries.reveals import list_reveals
from portal.partnerships.services import requests as request_services
from portal.partnerships.services.closing import close_request
from portal.partnerships.services.responses import act_on_response, send_response
from portal.partnerships.services.reveals import reveal_request
from tests.cast import World
from tests.partnerships.conftest import CANARY, ActorOf

ClientOf = Callable[[str], FlaskClient]
RequestOf = Callable[[str], Request]


def test_closing_names_the_accepted_response_that_led_to_it(
    actor: ActorOf, request_of: RequestOf, response: Callable[[], Response], client_of: ClientOf
) -> None:
    ana = actor("ana")
    untold = client_of("ana").get(f"/requests/{request_of('shop_public').id}/close").text
    assert '<option selected value="found_elsewhere">' in untold
    with pytest.raises(Invalid, match="No response is accepted"):
        close_request(ana, request_of("shop_public"), result="found_here")
    act_on_response(ana, response(), "accept")
    with pytest.raises(Invalid) as refusal:
        close_request(ana, request_of("shop_public"), result="found_here")
    assert refusal.value.field == "response_id"
    assert request_of("shop_public").status == "published"
    number = request_of("shop_public").id
    page = client_of("ana").get(f"/requests/{number}/close").text
    assert f'<option selected value="{response().id}">Falls City Community College' in page
    data = {"result": "found_here", "response_id": response().id, "note": "Two days a month."}
    assert client_of("ana").post(f"/requests/{number}/close", data=data).status_code == 303
    closing = session.get_one(RequestClosing, number)
    assert (closing.result, closing.response_id) == ("found_here", response().id)
    assert request_of("shop_public").status == "fulfilled"
    assert "Two days a month." in client_of("ben").get(f"/requests/{number}").text
    for name in ("nobody", "cleo", "eve"):
        assert "Two days a month." not in client_of(name).get(f"/requests/{number}").text


@pytest.mark.parametrize(
    ("result", "status"),
    [("found_elsewhere", "fulfilled"), ("not_needed", "withdrawn"), ("nobody", "withdrawn")],
)
def test_what_came_of_an_open_request_closes_it(
    actor: ActorOf,
    request_of: RequestOf,
    response: Callable[[], Response],
    result: str,
    status: str,
) -> None:
    close_request(actor("ana"), request_of("shop_public"), result=result, response_id=response().id)
    assert request_of("shop_public").status == status
    closing = session.get_one(RequestClosing, request_of("shop_public").id)
    assert (closing.result, closing.response_id) == (result, None)


def test_the_desk_asks_what_came_of_a_request_until_it_is_told(
    actor: ActorOf, change: Callable[..., Request]
) -> None:
    ana = actor("ana")
    assert list_untold(ana, 5) == []
    request = change("shop_public", status="expired")
    assert [item.title for item in list_untold(ana, 5)] == ["Shop public need"]
    assert list_untold(actor("eve"), 5) == []
    close_request(ana, request, result="nobody")
    assert queries.get_request(request.id).status == "expired"
    assert list_untold(ana, 5) == []
    # An answer can be corrected; what was found after all fulfils the request.
    close_request(ana, queries.get_request(request.id), result="found_elsewhere")
    assert queries.get_request(request.id).status == "fulfilled"


def test_only_who_manages_a_published_request_says_what_came_of_it(
    actor: ActorOf, request_of: RequestOf
) -> None:
    for name in ("ben", "cleo", "dov"):
        with pytest.raises(Forbidden):
            close_request(actor(name), request_of("shop_public"), result="nobody")
    with pytest.raises(Conflict):
        close_request(actor("ana"), request_of("shop_draft"), result="nobody")


def test_accepting_a_response_to_an_anonymous_request_is_on_record(
    actor: ActorOf, hidden: Request, response: Callable[[], Response], client_of: ClientOf
) -> None:
    assert CANARY not in client_of("cleo").get(f"/requests/{hidden.id}").text
    act_on_response(actor("ana"), response(), "accept")
    [reveal] = list_reveals(actor("ben"), queries.get_request(hidden.id))
    assert (reveal.organization_id, reveal.cause) == (response().organization_id, "accept")
    assert list_reveals(actor("cleo"), queries.get_request(hidden.id)) == []
    # The request's page tells the one organization, and nobody else.
    assert CANARY in client_of("cleo").get(f"/requests/{hidden.id}").text
    assert CANARY not in client_of("eve").get(f"/requests/{hidden.id}").text


def test_an_owner_reveals_to_one_responder_and_the_other_learns_nothing(
    actor: ActorOf,
    world: World,
    hidden: Request,
    response: Callable[[], Response],
    client_of: ClientOf,
    mails: list[dict[str, Any]],
    drain: Callable[[], None],
) -> None:
    other = send_response(actor("eve"), queries.get_request(hidden.id), message="We too.")
    drain()
    mails.clear()
    client, college = client_of("ana"), world.organizations["college"]
    data = {"organization_id": college}
    question = client.post(f"/requests/{hidden.id}/reveal", data=data)
    assert "Show your name to Falls City Community College?" in question.text
    reply = client.post(f"/requests/{hidden.id}/reveal", data={**data, "confirmed": "yes"})
    assert reply.status_code == 303
    drain()
    assert [mail["to"] for mail in mails] == ["cleo@cast.example"]
    assert CANARY in mails[0]["text"]
    assert CANARY in client_of("cleo").get(f"/responses/{response().id}").text
    assert CANARY in client_of("cleo").get(f"/requests/{hidden.id}").text
    assert CANARY not in client_of("eve").get(f"/responses/{other.id}").text
    assert CANARY not in client_of("eve").get(f"/requests/{hidden.id}").text
    assert response().status == "sent"
    with pytest.raises(Conflict):
        reveal_request(actor("ana"), queries.get_request(hidden.id), organization_id=college)


@pytest.mark.parametrize("odd", ["999999", "x", "-1", "9" * 30])
def test_what_is_no_organization_is_not_taken_for_everybody(
    hidden: Request, client_of: Callable[[str], FlaskClient], odd: str
) -> None:
    data = {"organization_id": odd, "confirmed": "yes"}
    assert client_of("ana").post(f"/requests/{hidden.id}/reveal", data=data).status_code == 404
    assert queries.get_request(hidden.id).is_anonymous


def test_nothing_is_revealed_to_who_has_not_responded_or_by_who_may_not(
    actor: ActorOf, world: World, hidden: Request
) -> None:
    with pytest.raises(NotFound):
        reveal_request(actor("ana"), hidden, organization_id=world.organizations["aero"])
    for name in ("ben", "cleo"):
        with pytest.raises(Forbidden):
            reveal_request(actor(name), queries.get_request(hidden.id))


@pytest.mark.parametrize("is_edit", [False, True])
def test_showing_the_name_to_everybody_is_on_record_however_it_is_done(
    actor: ActorOf, hidden: Request, is_edit: bool
) -> None:
    ana = actor("ana")
    if is_edit:
        request_services.change_request(
            ana, queries.get_request(hidden.id), is_anonymous=False, capabilities=["CMM"]
        )
    else:
        reveal_request(ana, queries.get_request(hidden.id))
    request = queries.get_request(hidden.id)
    assert not request.is_anonymous
    [reveal] = list_reveals(ana, request)
    assert (reveal.organization_id, reveal.cause) == (None, "owner")
    assert reveal.revealed_by_id == ana.user_id
    with pytest.raises(Conflict):
        reveal_request(ana, request)


def test_a_declined_response_reveals_nothing(
    actor: ActorOf, hidden: Request, response: Callable[[], Response]
) -> None:
    act_on_response(actor("ana"), response(), "decline", note="Too far.")
    assert list_reveals(actor("ana"), queries.get_request(hidden.id)) == []
    assert not queries.sees_identity(actor("cleo"), queries.get_request(hidden.id))

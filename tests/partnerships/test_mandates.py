"""Requests that a broker posts for a firm, which confirms them by a link without an account."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden, NotFound, TooMany
from portal.organizations.models import Organization
from portal.partnerships.models import Mandate, Request
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries import responses as response_queries
from portal.partnerships.queries.desk import list_drafts, list_proposed
from portal.partnerships.queries.mandates import get_mandate_by_token
from portal.partnerships.rules.publishing import Incomplete
from portal.partnerships.rules.workflows import REQUESTS
from portal.partnerships.services import mandates as services
from portal.partnerships.services import requests as request_services
from portal.partnerships.services.responses import act_on_response, send_response
from portal.regions.models import BrokerAppointment
from portal.regions.queries.regions import get_region
from portal.regions.services import dismiss_broker
from tests.cast import MANDATE_TOKEN, World
from tests.partnerships.conftest import ActorOf

ClientOf = Callable[[str], FlaskClient]
Mails = list[dict[str, Any]]


@pytest.fixture
def proposed(world: World) -> Callable[[], Request]:
    """The request that Dov wrote for the institute and for which it is asked."""
    return lambda: queries.get_request(world.proposals["unclaimed"])


def test_a_broker_writes_a_draft_that_only_the_firm_can_publish(
    actor: ActorOf,
    world: World,
    complete: Mapping[str, Any],
    organization: Callable[[str], Organization],
) -> None:
    dov = actor("dov")
    request = request_services.write_request_for(dov, organization("unclaimed"), **complete)
    assert (request.status, request.is_on_behalf) == ("draft", True)
    assert request.title in [item.title for item in list_drafts(dov, 10)]
    with pytest.raises(Forbidden):
        request_services.act_on_request(dov, queries.get_request(request.id), "publish")
    with pytest.raises(Forbidden):
        request_services.create_request(dov, organization("unclaimed"), **complete)
    with pytest.raises(Forbidden):  # another region's
        request_services.write_request_for(dov, organization("aero"), **complete)
    # A colleague of the region may go on with it, nobody else sees it.
    for name in ("nobody", "ana", "cleo", "eve"):
        with pytest.raises(NotFound):
            queries.get_visible_request(actor(name), request.id)


def test_a_firm_is_asked_only_for_what_can_be_published(
    actor: ActorOf, world: World, organization: Callable[[str], Organization]
) -> None:
    dov = actor("dov")
    request = request_services.write_request_for(
        dov, organization("unclaimed"), kind="training", direction="need", title="Welding"
    )
    with pytest.raises(Incomplete):
        services.ask_firm(dov, request, email="office@valley.example", language="en")
    assert queries.get_request(request.id).status == "draft"


def test_the_firm_reads_everything_by_the_link_and_its_yes_publishes(
    client_of: ClientOf,
    actor: ActorOf,
    proposed: Callable[[], Request],
    mails: Mails,
    drain: Callable[[], None],
) -> None:
    dov = client_of("dov")
    reply = dov.post(
        f"/requests/{proposed().id}/ask",
        data={"email": "val@valley.example", "language": "es", "message": "Como hablamos."},
    )
    assert reply.status_code == 303
    drain()
    [mail] = mails
    assert (mail["to"], "Como hablamos." in mail["text"]) == ("val@valley.example", True)
    assert "Nada se publica sin su palabra" in mail["text"]
    [path] = re.findall(r"(/requests/mandates/[\w-]+)", mail["text"])
    # The first link, of the first mail, is dead by then.
    stranger = client_of("nobody")
    assert stranger.get(f"/requests/mandates/{MANDATE_TOKEN}").status_code == 404
    page = stranger.get(path).text
    assert "The institute tests forty samples of steel." in page
    assert stranger.post(path, data={"answer": "yes"}).status_code == 422
    assert proposed().status == "proposed"  # without a name, nobody has answered
    assert stranger.post(path, data={"answer": "yes", "name": "Val Ortiz"}).status_code == 303
    request = proposed()
    assert (request.status, request.published_at is not None) == ("published", True)
    step = REQUESTS.history(request)[-1]
    assert (step.action, step.actor_name, step.actor_id) == ("confirm", "Val Ortiz", None)
    assert "The request is published." in stranger.get(path).text
    # Whoever finds the link later reads neither whose request it was nor what it is about.
    closed = client_of("nobody").get(path).text
    assert "This question is closed" in closed
    for word in (request.title, request.organization.name, "Val Ortiz"):
        assert word not in closed
    assert stranger.post(path, data={"answer": "no", "name": "Mallory"}).status_code == 409
    drain()
    assert mails[-1]["to"] == "dov@cast.example"
    assert "Val Ortiz" in mails[-1]["text"]
    assert request.title in stranger.get("/requests").text


def test_a_firm_that_says_no_has_nothing_published_and_may_be_asked_again(
    client_of: ClientOf, actor: ActorOf, proposed: Callable[[], Request]
) -> None:
    path = f"/requests/mandates/{MANDATE_TOKEN}"
    reply = client_of("nobody").post(
        path, data={"answer": "no", "name": "Val Ortiz", "note": "We bought one."}
    )
    assert reply.status_code == 303
    assert (proposed().status, proposed().published_at) == ("draft", None)
    assert "We bought one." in client_of("dov").get(f"/requests/{proposed().id}").text
    services.ask_firm(actor("dov"), proposed(), email="v@valley.example", language="en")
    assert proposed().status == "proposed"


def test_what_a_firm_said_of_a_draft_goes_with_it(
    actor: ActorOf, proposed: Callable[[], Request]
) -> None:
    refused = proposed()
    with unit_of_work():
        REQUESTS.apply(SYSTEM, refused, "refuse", note="Ask the bank about us.")
    request_services.delete_request(actor("root"), refused)
    assert REQUESTS.history(refused) == []


def test_a_question_lapses_by_the_clock_and_can_be_taken_back(
    actor: ActorOf, world: World, proposed: Callable[[], Request]
) -> None:
    dov = actor("dov")
    assert [item.title for item in list_proposed(dov, 5)] == [proposed().title]
    request_services.act_on_request(dov, proposed(), "recall")
    with pytest.raises(Conflict):
        services.answer_mandate(
            actor("nobody"),
            get_mandate_by_token(MANDATE_TOKEN),
            token=MANDATE_TOKEN,
            is_given=True,
            name="Val",
        )
    mandate = services.ask_firm(dov, proposed(), email="v@valley.example", language="en")
    assert services.lapse_mandates(SYSTEM) == 0
    with unit_of_work():
        session.get_one(Mandate, mandate.id).expires_at = now() - dt.timedelta(minutes=1)
    with pytest.raises(Forbidden):
        services.lapse_mandates(dov)
    assert services.lapse_mandates(SYSTEM) == 1
    assert proposed().status == "draft"
    assert session.get_one(Mandate, mandate.id).status == "lapsed"


def test_nobody_is_flooded_with_questions(actor: ActorOf, proposed: Callable[[], Request]) -> None:
    for _time in range(3):
        services.ask_firm(actor("dov"), proposed(), email="v@valley.example", language="en")
    with pytest.raises(TooMany):
        services.ask_firm(actor("dov"), proposed(), email="v@valley.example", language="en")


def test_the_broker_answers_for_the_firm_until_its_people_take_over(
    client_of: ClientOf,
    actor: ActorOf,
    world: World,
    proposed: Callable[[], Request],
    join: Callable[..., None],
    mails: Mails,
    drain: Callable[[], None],
) -> None:
    services.answer_mandate(
        actor("nobody"),
        get_mandate_by_token(MANDATE_TOKEN),
        token=MANDATE_TOKEN,
        is_given=True,
        name="Val",
    )
    response = send_response(actor("cleo"), proposed(), message="Ours is free.")
    drain()
    assert "dov@cast.example" in [mail["to"] for mail in mails if "Ours is free." in mail["text"]]
    # What the firm has confirmed, the broker does not write anew.
    with pytest.raises(Forbidden):
        request_services.change_request(actor("dov"), proposed(), title="Something else")
    join("ben", "unclaimed", role="owner")
    page = client_of("ben").get(f"/requests/{proposed().id}").text
    assert "Look after it ourselves" in page
    assert client_of("ben").post(f"/requests/{proposed().id}/take-over").status_code == 303
    with pytest.raises(NotFound):
        act_on_response(actor("dov"), response_queries.get_response(response.id), "accept")
    act_on_response(actor("ben"), response_queries.get_response(response.id), "accept")


def test_who_is_no_broker_any_more_hears_nothing_of_the_firm(
    actor: ActorOf,
    world: World,
    proposed: Callable[[], Request],
    mails: Mails,
    drain: Callable[[], None],
) -> None:
    for appointment in session.scalars(
        select(BrokerAppointment).where(BrokerAppointment.user_id == world.users["dov"])
    ).all():
        region = get_region(appointment.region_id)
        dismiss_broker(actor("root"), region, user_id=appointment.user_id)
    services.answer_mandate(
        actor("nobody"),
        get_mandate_by_token(MANDATE_TOKEN),
        token=MANDATE_TOKEN,
        is_given=True,
        name="Val Ortiz",
    )
    send_response(actor("cleo"), proposed(), message="Ours is free.")
    drain()

    texts = [mail["text"] for mail in mails if mail["to"] == "dov@cast.example"]
    assert not [text for text in texts if "Val Ortiz" in text or "Ours is free." in text]

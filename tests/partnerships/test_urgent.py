"""Mutual aid: an urgent request goes at once to everyone near who can help, and ends in days."""

import datetime as dt
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.kernel.clock import date_here, today_here
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Invalid
from portal.organizations.models import Organization
from portal.partnerships.models import Request, UrgentCall
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries import urgent
from portal.partnerships.queries.desk import list_ending_unreminded
from portal.partnerships.queries.urgent import list_calls
from portal.partnerships.rules.publishing import Incomplete, is_renewable
from portal.partnerships.services import requests as services
from portal.partnerships.services.responses import send_response
from portal.partnerships.services.urgent import change_urgent_mail
from tests.cast import World
from tests.partnerships.conftest import ActorOf

ClientOf = Callable[[str], FlaskClient]
Mails = list[dict[str, Any]]


@pytest.fixture
def post(
    actor: ActorOf, complete: Mapping[str, Any], organization: Callable[[str], Organization]
) -> Callable[..., Request]:
    """Publish an urgent request of the shop."""

    def publish(**values: Any) -> Request:
        urgent = {**complete, "is_urgent": True, "radius_miles": 30, "title": "Our CMM is down"}
        return services.create_request(
            actor("ana"), organization("shop"), **{"publish": True, **urgent, **values}
        )

    return publish


def called(request: Request) -> set[int]:
    return set(
        session.scalars(
            select(UrgentCall.organization_id).where(UrgentCall.request_id == request.id)
        )
    )


def test_everyone_near_who_offers_it_is_told_at_once_and_once(
    post: Callable[..., Request],
    actor: ActorOf,
    world: World,
    mails: Mails,
    drain: Callable[[], None],
    client_of: ClientOf,
) -> None:
    request = post()
    drain()
    assert called(request) == {world.organizations["college"]}
    assert [mail["to"] for mail in mails] == ["cleo@cast.example"]
    assert "Ana's Machine Shop" in mails[0]["text"]
    assert [item.title for item in list_calls(actor("cleo"), 5)] == ["Our CMM is down"]
    assert list_calls(actor("eve"), 5) == []
    assert "1 organization nearby was told" in client_of("ana").get(f"/requests/{request.id}").text
    services.change_request(actor("ana"), queries.get_request(request.id), summary="By Friday.")
    drain()
    assert len(mails) == 1
    # Whom a change concerns is told then.
    services.change_request(
        actor("ana"),
        queries.get_request(request.id),
        capabilities=["5-axis milling"],
        radius_miles=800,
    )
    drain()
    assert called(request) == {world.organizations["college"], world.organizations["aero"]}
    assert [mail["to"] for mail in mails[1:]] == ["eve@cast.example"]
    send_response(actor("cleo"), queries.get_request(request.id), message="Bring it.")
    assert list_calls(actor("cleo"), 5) == []


def test_whoever_is_too_far_or_keeps_it_inside_is_not_told(
    post: Callable[..., Request], world: World, mails: Mails, drain: Callable[[], None]
) -> None:
    far = post(capabilities=["5-axis milling"], radius_miles=300)
    drain()
    # The college's mill is 10 miles away, aero's 600.
    assert called(far) == {world.organizations["college"]}
    near = post(capabilities=["welding"], radius_miles=1)
    drain()
    assert called(near) == set()
    assert len(mails) == 1


def test_of_too_many_places_the_farthest_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
    post: Callable[..., Request],
    world: World,
    drain: Callable[[], None],
) -> None:
    monkeypatch.setattr(urgent, "MOST_PLACES", 1)
    request = post(capabilities=["5-axis milling"], radius_miles=800)
    drain()
    assert called(request) == {world.organizations["college"]}


def test_an_anonymous_one_tells_no_name_and_no_distance(
    post: Callable[..., Request], mails: Mails, drain: Callable[[], None], client_of: ClientOf
) -> None:
    request = post(is_anonymous=True, anonymous_summary="A shop without its CMM.", zip_code="40202")
    drain()
    [mail] = mails
    assert "A shop without its CMM." in mail["text"]
    assert "Ana" not in mail["subject"] + mail["text"]
    page = client_of("cleo").get("/requests/urgent").text
    assert "Our CMM is down" in page
    assert "Ana" not in page
    assert request.is_anonymous


def test_who_wants_no_mail_gets_none_and_finds_it_on_the_desk(
    post: Callable[..., Request],
    actor: ActorOf,
    mails: Mails,
    drain: Callable[[], None],
    client_of: ClientOf,
) -> None:
    client = client_of("cleo")
    assert client.post("/requests/urgent/mail", data={"choice": "off"}).status_code == 303
    post()
    drain()
    assert mails == []
    assert "Our CMM is down" in client.get("/desk").text
    change_urgent_mail(actor("cleo"), wants_mail=True)
    assert "Owners and managers get an e-mail at once." in client.get("/requests/urgent").text


def test_it_ends_in_days_and_warns_on_the_last(
    post: Callable[..., Request], actor: ActorOf, change: Callable[..., Request]
) -> None:
    request = post()
    assert request.expires_on == today_here() + dt.timedelta(days=3)
    assert request.id not in {row.id for row in list_ending_unreminded()}
    with pytest.raises(Invalid) as refusal:
        services.change_request(
            actor("ana"),
            queries.get_request(request.id),
            expires_on=today_here() + dt.timedelta(days=8),
        )
    assert refusal.value.field == "expires_on"
    with unit_of_work():
        session.get_one(Request, request.id).expires_on = today_here() + dt.timedelta(days=1)
    assert request.id in {row.id for row in list_ending_unreminded()}


def test_drafts_that_are_published_at_the_same_moment_count_each_other(
    app: Flask, actor: ActorOf, post: Callable[..., Request]
) -> None:
    drafts = [post(publish=False, title=f"Down {number}").id for number in range(4)]
    session.remove()
    together, ana = threading.Barrier(4), actor("ana")
    said: list[str] = []

    def publish(number: int) -> None:
        with app.app_context():
            request = queries.get_request(number)
            together.wait()
            try:
                services.act_on_request(ana, request, "publish")
                said.append("published")
            except Invalid as refusal:
                said.append(refusal.message)
            session.remove()

    threads = [threading.Thread(target=publish, args=(number,)) for number in drafts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refusal = "Your organization has 2 urgent requests open already."
    assert sorted(said) == [refusal] * 2 + ["published"] * 2


def test_an_open_request_that_becomes_urgent_ends_in_days_too(
    actor: ActorOf, change: Callable[..., Request], world: World, drain: Callable[[], None]
) -> None:
    request = change("shop_public", radius_miles=30)
    services.change_request(actor("ana"), request, is_urgent=True, capabilities=["CMM"])
    changed = queries.get_request(request.id)
    assert changed.expires_on == date_here(changed.published_at) + dt.timedelta(days=3)
    drain()
    assert called(request) == {world.organizations["college"]}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"radius_miles": None}, "radius_miles"),
        ({"visibility": "organization"}, "visibility"),
        ({"capabilities": [], "kind": "consortium"}, "capabilities"),
    ],
)
def test_an_urgent_request_says_what_helpers_must_know(
    post: Callable[..., Request], values: Mapping[str, Any], field: str
) -> None:
    with pytest.raises(Incomplete) as refusal:
        post(**values)
    assert field in [name for name, _message in refusal.value.problems]


def test_an_offer_is_never_urgent_and_nobody_has_many(post: Callable[..., Request]) -> None:
    with pytest.raises(Invalid) as refusal:
        post(direction="offer", advantages="It is free.")
    assert refusal.value.field == "is_urgent"
    post()
    post()
    with pytest.raises(Invalid, match="2 urgent requests"):
        post()


def test_the_board_and_the_api_show_urgent_ones_alone(
    post: Callable[..., Request], client_of: ClientOf
) -> None:
    request = post()
    page = client_of("nobody").get("/requests?urgent=yes").text
    assert "Our CMM is down" in page
    assert "Aero public need" not in page
    body = client_of("nobody").get("/api/v1/requests?urgent=yes").json
    assert [item["id"] for item in body["items"]] == [request.id]


def test_an_urgent_request_that_is_long_over_cannot_be_renewed(
    post: Callable[..., Request], actor: ActorOf
) -> None:
    request = post()
    for days, is_possible in ((-3, True), (-8, False)):
        with unit_of_work():
            row = session.get_one(Request, request.id)
            row.status, row.expires_on = "expired", today_here() + dt.timedelta(days=days)
        found = is_renewable("expired", 0, row.expires_on, today_here(), is_urgent=True)
        assert found is is_possible
    with unit_of_work():
        session.get_one(Request, request.id).expires_on = today_here() + dt.timedelta(days=1)
    services.renew_request(
        actor("ana"),
        queries.get_request(request.id),
        expires_on=today_here() + dt.timedelta(days=8),
    )
    # An edit leaves what was renewed as it is.
    services.change_request(actor("ana"), queries.get_request(request.id), summary="Still down.")
    assert queries.get_request(request.id).expires_on == today_here() + dt.timedelta(days=8)


def test_a_renewed_request_that_becomes_urgent_ends_in_days_too(
    actor: ActorOf, change: Callable[..., Request]
) -> None:
    request = change("shop_public", radius_miles=30, renewals=1)
    services.change_request(actor("ana"), request, is_urgent=True, capabilities=["CMM"])
    changed = queries.get_request(request.id)
    assert changed.expires_on == date_here(changed.published_at) + dt.timedelta(days=3)

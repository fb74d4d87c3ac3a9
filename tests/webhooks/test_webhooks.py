"""What webhooks are told, how it is signed, what is tried again, and whom nothing is sent to."""

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.agreements.events import AgreementMoved
from portal.agreements.models import Agreement, AgreementParty
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.outbox import record
from portal.kernel.worker import Worker
from portal.organizations.models import Organization
from portal.organizations.queries.profiles import get_organization
from portal.partnerships.models import Request
from portal.partnerships.queries.responses import get_response
from portal.partnerships.services.responses import act_on_response
from portal.webhooks import queries, services
from portal.webhooks.models import Notice, Webhook
from portal.webhooks.rules import MOST_FAILURES, MOST_WEBHOOKS, NOTICE_KINDS, new_secret, sign
from tests.cast import World
from tests.support.listener import Listen, Listener, ok

Make = Callable[..., tuple[Webhook, Listener]]
Drain = Callable[[], None]
Actors = Callable[[str], Actor]


def refuse(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(500)
    handler.end_headers()


@pytest.fixture
def make(actor: Actors, world: World, listen: Listen, reach: Callable[[str], None]) -> Make:
    """Make a webhook of an organization of the cast that leads to a server of the test."""
    reach("127.0.0.0/8")

    def made(
        name: str = "shop", person: str = "ana", answer: Any = ok, kinds: Any = NOTICE_KINDS
    ) -> tuple[Webhook, Listener]:
        listener = listen(answer)
        organization = get_organization(world.organizations[name])
        webhook = services.make_webhook(
            actor(person), organization, url=f"{listener.url}/hook", kinds=list(kinds)
        )
        return webhook, listener

    return made


def accept(actor: Actors, world: World) -> None:
    act_on_response(actor("ana"), get_response(world.responses["college_to_shop"]), "accept")


def notices() -> list[Notice]:
    session.expire_all()
    return list(session.scalars(select(Notice).order_by(Notice.id)))


def told(listener: Listener) -> list[dict[str, Any]]:
    return [json.loads(body) for _path, body in listener.heard]


def test_both_sides_of_an_accepted_response_are_told(
    actor: Actors, world: World, make: Make, drain: Drain
) -> None:
    _shop, at_shop = make()
    _college, at_college = make("college", "cleo")
    _aero, at_aero = make("aero", "eve")
    accept(actor, world)
    drain()

    [notice] = told(at_shop)
    assert notice["type"] == "response.accepted"
    assert notice["data"]["request_id"] == world.requests["shop_public"]
    assert notice["data"]["url"].endswith(f"/responses/{world.responses['college_to_shop']}")
    assert [item["data"] for item in told(at_college)] == [notice["data"]]
    assert told(at_aero) == []
    assert [item.status for item in notices()] == ["delivered", "delivered"]


def test_an_archived_organization_is_told_nothing(
    actor: Actors, world: World, make: Make, drain: Drain
) -> None:
    _shop, at_shop = make()
    _college, at_college = make("college", "cleo")
    with unit_of_work():
        session.get_one(Organization, world.organizations["college"]).status = "archived"
    accept(actor, world)
    drain()

    assert len(told(at_shop)) == 1
    assert told(at_college) == []


def test_who_is_asked_hears_of_a_request_without_who_is_behind_it(
    client_of: Callable[[str], FlaskClient], world: World, make: Make, drain: Drain
) -> None:
    with unit_of_work():
        request = session.get_one(Request, world.requests["shop_draft"])
        request.visibility, request.asked_organization_id = "public", world.organizations["college"]
        request.equipment_id = world.equipment["college_public"]
        request.is_anonymous, request.anonymous_summary = True, "A shop asks."
        request.summary = "We are Ana's."
    _college, listener = make("college", "cleo")
    number = world.requests["shop_draft"]
    client_of("ana").post(f"/requests/{number}/actions/publish")
    drain()

    [notice] = told(listener)
    assert notice["type"] == "request.published"
    assert notice["data"]["request_id"] == number
    assert "Ana" not in json.dumps(notice)
    assert "organization" not in json.dumps(notice)


def test_the_parties_hear_that_an_agreement_is_signed(
    actor: Actors, world: World, make: Make, drain: Drain
) -> None:
    _webhook, listener = make("college", "cleo")
    with unit_of_work():
        agreement = Agreement(
            organization_id=world.organizations["shop"],
            kind="equipment_use",
            title="Use of the measuring machine",
            parties=[
                AgreementParty(organization_id=world.organizations["shop"], role="provider"),
                AgreementParty(organization_id=world.organizations["college"], role="receiver"),
            ],
        )
        session.add(agreement)
        session.flush()
        for action, status in (("propose", "proposed"), ("activate", "active")):
            record(AgreementMoved(agreement.id, action, status, "", None))
    drain()
    assert [notice["data"]["title"] for notice in told(listener)] == [
        "Use of the measuring machine"
    ]


def test_a_notice_is_signed_as_its_receiver_can_check(
    actor: Actors, world: World, make: Make, drain: Drain
) -> None:
    webhook, listener = make()
    secret = webhook.secret
    accept(actor, world)
    drain()
    [headers], [(path, body)] = listener.headers, listener.heard
    assert path == "/hook"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    seal = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{seal}"


def test_another_secret_key_time_or_body_has_another_signature() -> None:
    secret = new_secret()
    made = {
        sign(*given)
        for given in (
            (secret, "a", 1, b"x"),
            (new_secret(), "a", 1, b"x"),
            (secret, "b", 1, b"x"),
            (secret, "a", 2, b"x"),
            (secret, "a", 1, b"y"),
        )
    }
    assert len(made) == 5


def test_what_fails_is_sent_again_later_under_the_same_key(
    actor: Actors, world: World, make: Make, drain: Drain
) -> None:
    answers = iter([500, 429, 302, 200])

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(next(answers))
        handler.end_headers()

    _webhook, listener = make(answer=answer)
    accept(actor, world)
    moment = now()
    for attempts in (1, 2, 3):
        with time_machine.travel(moment, tick=False):
            drain()
        assert [(item.status, item.attempts) for item in notices()] == [("open", attempts)]
        # Not at once: each time it waits longer.
        moment += dt.timedelta(seconds=4**attempts)
    with time_machine.travel(moment, tick=False):
        drain()
    [notice] = notices()
    assert (notice.status, notice.attempts, notice.answer) == ("delivered", 4, 200)
    assert len({headers["webhook-id"] for headers in listener.headers}) == 1
    assert len({body for _path, body in listener.heard}) == 1


def test_where_nobody_ever_answers_it_is_given_up_and_the_webhook_paused(
    app: Flask, world: World, make: Make, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "WORKER_ATTEMPTS", 1)
    webhook, listener = make(answer=refuse)
    for number in range(MOST_FAILURES + 2):
        services.tell_webhooks(
            SYSTEM,
            kind="agreement.signed",
            organization_ids=[world.organizations["shop"]],
            data={"agreement_id": number},
        )
        drain()
    assert len(listener.heard) == MOST_FAILURES
    assert {notice.status for notice in notices()} == {"failed"}
    session.expire_all()
    assert not queries.get_webhook(webhook.id).is_active


def test_who_answers_at_last_has_failed_at_nothing(
    actor: Actors, world: World, make: Make, drain: Drain
) -> None:
    webhook, _listener = make()
    with unit_of_work():
        session.get_one(Webhook, webhook.id).failures = MOST_FAILURES - 1
    accept(actor, world)
    drain()
    assert queries.get_webhook(webhook.id).failures == 0


def test_nothing_is_sent_into_a_private_network(
    actor: Actors, world: World, make: Make, drain: Drain, reach: Callable[[str], None]
) -> None:
    """Whatever its address was when the webhook was made."""
    _webhook, listener = make()
    reach("")
    accept(actor, world)
    drain()
    assert listener.heard == []
    [notice] = notices()
    assert (notice.status, notice.problem) == ("open", "private_address")


def test_what_waits_for_a_paused_webhook_is_given_up_unsent(
    app: Flask, actor: Actors, world: World, make: Make, drain: Drain
) -> None:
    webhook, listener = make()
    accept(actor, world)
    Worker(app, {}).deliver_inside()
    services.change_webhook(
        actor("ana"),
        queries.get_webhook(webhook.id),
        url=webhook.url,
        kinds=webhook.kinds,
        is_active=False,
    )
    drain()
    assert listener.heard == []
    assert [notice.status for notice in notices()] == ["failed"]


@pytest.mark.parametrize(
    ("url", "kinds", "field"),
    [
        ("http://hooks.example/", ["agreement.signed"], "url"),
        ("https://169.254.169.254/latest", ["agreement.signed"], "url"),
        ("https://localhost/", ["agreement.signed"], "url"),
        ("https://hooks.example/", [], "kinds"),
    ],
)
def test_what_leads_nowhere_public_is_refused_when_it_is_made(
    actor: Actors, world: World, url: str, kinds: list[str], field: str
) -> None:
    shop = get_organization(world.organizations["shop"])
    with pytest.raises(Invalid) as refusal:
        services.make_webhook(actor("ana"), shop, url=url, kinds=kinds)
    assert refusal.value.field == field


def test_an_organization_has_so_many_at_most(actor: Actors, world: World) -> None:
    shop = get_organization(world.organizations["shop"])
    for number in range(MOST_WEBHOOKS - 1):
        services.make_webhook(
            actor("ana"), shop, url=f"https://hooks.example/{number}", kinds=["agreement.signed"]
        )
    with pytest.raises(Conflict):
        services.make_webhook(
            actor("ana"), shop, url="https://hooks.example/x", kinds=["agreement.signed"]
        )


def test_old_notices_are_forgotten(actor: Actors, world: World) -> None:
    with unit_of_work():
        for days in (1, 60):
            session.add(
                Notice(
                    webhook_id=world.webhooks["shop"],
                    key=f"msg_{days}",
                    kind="agreement.signed",
                    data={},
                    created_at=now() - dt.timedelta(days=days),
                )
            )
    assert services.forget_old_notices(SYSTEM) == 1
    assert [notice.key for notice in notices()] == ["msg_1"]


def test_a_manager_makes_tries_changes_and_deletes_one(
    client_of: Callable[[str], FlaskClient], world: World, make: Make, drain: Drain
) -> None:
    webhook, listener = make()
    ana, address = client_of("ana"), f"/webhooks/{webhook.id}"
    shown = ana.get(address).text
    assert webhook.secret not in shown
    ana.post(f"{address}/try")
    drain()
    assert told(listener)[0]["type"] == "webhook.tested"
    assert "Delivered" in ana.get(address).text

    again = f"{address}/notices/{listener.headers[0]['webhook-id']}/send"
    ana.post(again)
    drain()
    assert len(listener.heard) == 2
    assert len({headers["webhook-id"] for headers in listener.headers}) == 1
    assert client_of("eve").post(f"/api/v1{again}").status_code == 404
    assert ana.post(f"/api/v1{again}").json["status"] == "open"  # type: ignore[index]
    assert ana.post(again).status_code == 409, "it is on its way"

    old = webhook.secret
    page = ana.post(f"{address}/secret", data={"confirmed": "yes"}).text
    session.expire_all()
    fresh = queries.get_webhook(webhook.id).secret
    assert fresh != old
    assert fresh in page

    ana.post(address, data={"url": f"{listener.url}/new", "kinds": "agreement.signed"})
    assert not queries.get_webhook(webhook.id).is_active
    assert ana.post(f"{address}/try").status_code == 409
    ana.post(f"{address}/delete", data={"confirmed": "yes"})
    assert ana.get(address).status_code == 404


def test_a_program_gets_the_secret_once(
    client_of: Callable[[str], FlaskClient], world: World
) -> None:
    ana, shop = client_of("ana"), world.organizations["shop"]
    made = ana.post(
        f"/api/v1/organizations/{shop}/webhooks",
        json={"url": "https://hooks.example/x", "kinds": ["request.published"]},
    )
    assert made.status_code == 201
    assert made.json["secret"].startswith("whsec_")  # type: ignore[index]
    assert "secret" not in ana.get(made.location).json  # type: ignore[operator]
    changed = ana.patch(made.location, json={"is_active": False}).json
    assert (changed["is_active"], changed["url"]) == (False, "https://hooks.example/x")  # type: ignore[index]
    assert ana.get(f"{made.location}/notices").json == {"items": [], "next": None}


def test_the_secret_is_shown_on_the_page_that_makes_it(
    client_of: Callable[[str], FlaskClient], world: World
) -> None:
    ana, address = client_of("ana"), f"/organizations/{world.organizations['shop']}/webhooks"
    words = {"url": "https://hooks.example/new", "kinds": "agreement.signed"}
    assert "whsec_" in ana.post(address, data=words).text
    shown = ana.get(address).text
    assert "hooks.example/<wbr>new" in shown
    assert "whsec_" not in shown
    refused = ana.post(address, data={**words, "url": "https://10.0.0.1/"})
    assert refused.status_code == 422
    assert address in ana.get(f"/organizations/{world.organizations['shop']}").text
    assert address not in client_of("ben").get(f"/organizations/{world.organizations['shop']}").text

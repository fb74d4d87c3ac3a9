"""What a load balancer and an operator learn from /healthz and /readyz."""

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.mail import OutgoingMail
from portal.kernel.outbox import OutboxDelivery, OutboxEvent
from portal.kernel.search import search_index

ClientOf = Callable[[str], FlaskClient]
NOON = dt.datetime(2026, 3, 4, 12, tzinfo=dt.UTC)


def deliver(due_at: dt.datetime, **state: dt.datetime | None) -> None:
    """Put a delivery into the outbox as a worker would find it."""
    with unit_of_work():
        event = OutboxEvent(name="SomethingHappened", payload={})
        event.deliveries.append(OutboxDelivery(handler="nobody.hears", due_at=due_at, **state))
        session.add(event)


def write_mail(created_at: dt.datetime, sent_at: dt.datetime | None) -> None:
    with unit_of_work():
        session.add(
            OutgoingMail(
                recipient="ana@cast.example",
                subject="Hello",
                body_text="",
                body_html="",
                message_id="<1@portal>",
                created_at=created_at,
                sent_at=sent_at,
            )
        )


def test_ready_means_that_database_and_index_serve(client_of: ClientOf, indexed: None) -> None:
    response = client_of("nobody").get("/readyz")

    assert response.status_code == 200
    assert response.get_json() == {
        "status": "ok",
        "database": "ok",
        "search_documents": search_index().index.status().documents,
        "outbox_lag_seconds": 0,
        "mail_lag_seconds": 0,
    }
    assert response.get_json()["search_documents"] > 0
    assert response.headers["Cache-Control"] == "private, no-store"


def test_without_index_the_rest_of_the_portal_still_serves(client_of: ClientOf) -> None:
    response = client_of("nobody").get("/readyz")

    assert (response.status_code, response.get_json()["status"]) == (200, "degraded")
    assert response.get_json()["search_documents"] is None


def test_damaged_index_is_as_good_as_none(app: Flask, client_of: ClientOf, indexed: None) -> None:
    index = Path(app.instance_path) / "index"
    # A reader that has the index open looks again when a file has come or gone.
    (index / "CURRENT").unlink()
    (index / "CURRENT").write_text("../../etc")
    assert client_of("nobody").get("/readyz").get_json()["status"] == "degraded"
    shutil.rmtree(index)
    assert client_of("nobody").get("/readyz").get_json()["status"] == "degraded"


@pytest.mark.parametrize(
    ("deliveries", "lag"),
    [
        ([], 0),
        ([(90, "open"), (30, "open")], 90),
        ([(-60, "open")], 0),
        ([(90, "done"), (30, "open")], 30),
        ([(90, "failed")], 0),
    ],
    ids=["nothing", "the oldest counts", "not due yet", "done", "set aside"],
)
def test_lag_is_the_age_of_the_oldest_delivery_that_is_due(
    client_of: ClientOf, deliveries: list[tuple[int, str]], lag: int
) -> None:
    client = client_of("nobody")
    with time_machine.travel(NOON, tick=False):
        for age, state in deliveries:
            deliver(
                now() - dt.timedelta(seconds=age),
                done_at=now() if state == "done" else None,
                failed_at=now() if state == "failed" else None,
            )
        assert client.get("/readyz").get_json()["outbox_lag_seconds"] == lag


def test_mail_that_cannot_be_sent_is_told_by_its_age(
    app: Flask, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of("nobody")
    with time_machine.travel(NOON, tick=False):
        for age, sent_at in ((90, None), (30, None), (300, now())):
            write_mail(now() - dt.timedelta(seconds=age), sent_at)
        # Mail that is only kept here waits for nobody.
        assert client.get("/readyz").get_json()["mail_lag_seconds"] == 0
        monkeypatch.setitem(app.config, "MAIL_URL", "smtp://127.0.0.1:1")
        assert client.get("/readyz").get_json()["mail_lag_seconds"] == 90


def test_process_lives_whatever_else_is_missing(client_of: ClientOf) -> None:
    response = client_of("nobody").get("/healthz")

    assert (response.status_code, response.get_json()) == (200, {"status": "ok"})
    assert "Set-Cookie" not in response.headers


def test_mailbox_is_no_page_of_a_real_site(
    app: Flask, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client_of("nobody").get("/mailbox").status_code == 200
    monkeypatch.setitem(app.config, "MAILBOX_PAGE", False)
    assert client_of("root").get("/mailbox").status_code == 404

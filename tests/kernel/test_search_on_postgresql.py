"""SEARCH_URL: the whole portal with its search in PostgreSQL, and what is refused at start."""

import datetime as dt
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from portal.app import create_app
from portal.directory.queries.saved_searches import has_due
from portal.directory.reactions import report_due_searches
from portal.directory.rules import AT_ONCE_MINUTES
from portal.directory.services import save_search
from portal.facilities.models import Equipment
from portal.facilities.services.equipment import change_equipment_visibility, create_equipment
from portal.kernel.clock import now
from portal.kernel.database import db, session
from portal.kernel.fulltext.postgresql import index
from portal.kernel.search import search_index
from portal.kernel.worker import Worker
from portal.organizations.models import Organization
from tests.cast import World, actor_named, token_of
from tests.conftest import Browser
from tests.support.postgresql import Cluster
from tests.world.building import build_world

PUBLIC_MILLS = {"Shop public mill", "College public mill", "Aero public mill"}


@pytest.fixture
def stateless(postgresql: Cluster, tmp_path: Path) -> Iterator[tuple[Flask, World]]:
    """The cast's world in an app that keeps everything in PostgreSQL, inside its context."""
    name = f"stateless_{tmp_path.name}"
    app = create_app(
        "testing",
        INSTANCE_PATH=str(tmp_path),
        DATABASE_URL=postgresql.create(name),
        SEARCH_URL="postgresql",
    )
    app.test_client_class = Browser
    with app.app_context():
        db.create_all()
        yield app, build_world()
        app.extensions["portal-reader"].close()
        db.session.remove()
        db.engine.dispose()
    postgresql.drop(name)


def client(app: Flask, name: str) -> FlaskClient:
    signed_in = app.test_client()
    if name != "nobody":
        with signed_in.session_transaction() as cookie:
            cookie["_user_id"] = token_of(name)
            cookie["_fresh"] = True
    return signed_in


def find(app: Flask, name: str, **arguments: Any) -> dict[str, Any]:
    response = client(app, name).get("/api/v1/search", query_string=arguments)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.get_json()
    return found


def titles(found: dict[str, Any]) -> set[str]:
    return {hit["title"] for hit in found["hits"]}


def test_portal_finds_counts_hides_suggests_and_follows_with_all_its_search_in_postgresql(
    stateless: tuple[Flask, World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, world = stateless
    missing = client(app, "nobody").get("/search?q=mill")
    assert (missing.status_code, "Search is being rebuilt" in missing.text) == (503, True)
    assert client(app, "nobody").get("/readyz").get_json()["status"] == "degraded"

    run = app.test_cli_runner().invoke
    assert run(args=["index", "rebuild"]).exit_code == 0
    assert client(app, "nobody").get("/readyz").get_json()["status"] == "ok"
    assert "Shop public mill" in client(app, "nobody").get("/search?q=mill").text
    found = find(app, "nobody", q="mill", kind="equipment")
    assert titles(found) == PUBLIC_MILLS
    assert sum(value["count"] for value in found["facets"]["county"]) == len(PUBLIC_MILLS)
    assert "Shop organization mill" in titles(find(app, "ben", q="mill", limit=50))
    assert "Falls City Community College" in titles(find(app, "nobody", q="CMM"))
    spelled = find(app, "nobody", q="prairi")
    assert "Prairie Aero Composites" in titles(spelled)
    suggested = client(app, "nobody").get("/search/suggestions?q=prair").text
    assert "Prairie Aero Composites" in suggested
    assert "Shop members" not in client(app, "nobody").get("/search/suggestions?q=shop").text

    mill = session.get_one(Equipment, world.equipment["shop_members"])
    change_equipment_visibility(actor_named("ana"), mill, visibility="public")
    Worker(app, {}).drain()
    found = find(app, "nobody", q="mill", kind="equipment")
    assert titles(found) == PUBLIC_MILLS | {"Shop members mill"}
    assert run(args=["index", "verify"]).exit_code == 0
    assert not (tmp_path / "index").exists()

    monkeypatch.setitem(index._READING, "statement_timeout", "50")
    with db.engine.begin() as other:
        other.execute(text("LOCK TABLE search.document_1 IN ACCESS EXCLUSIVE MODE"))
        stuck = client(app, "nobody").get("/search?q=welding")
        assert (stuck.status_code, "This search takes too long" in stuck.text) == (503, True)
        assert not search_index().is_damaged()
    assert client(app, "nobody").get("/search?q=welding").status_code == 200


def test_saved_searches_that_take_too_long_are_put_off_and_lose_nothing(
    stateless: tuple[Flask, World],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app, world = stateless
    search_index().rebuild()
    for name in ("Zinc", "Baths"):
        save_search(
            actor_named("dov"), name=name, search="q=zinc", channel="desk", frequency="daily"
        )
    shop = session.get_one(Organization, world.organizations["shop"])
    create_equipment(actor_named("ana"), shop, name="Zinc bath", visibility="public")
    Worker(app, {}).drain()
    # Who saves one holds a transaction, and waits.
    with monkeypatch.context() as patch, db.engine.begin() as other:
        patch.setitem(index._WAITED_FOR, "statement_timeout", "50")
        other.execute(text("LOCK TABLE search.document_1 IN ACCESS EXCLUSIVE MODE"))
        values = {"name": "Tin", "search": "q=tin", "channel": "desk", "frequency": "daily"}
        refused = client(app, "dov").post("/saved-searches/new", data=values)
        assert (refused.status_code, "This search takes too long" in refused.text) == (503, True)
    monkeypatch.setitem(index._CHECKING, "statement_timeout", "50")
    with time_machine.travel(now() + dt.timedelta(days=1), tick=False):
        with db.engine.begin() as other, caplog.at_level(logging.CRITICAL):
            other.execute(text("LOCK TABLE search.document_1 IN ACCESS EXCLUSIVE MODE"))
            assert report_due_searches() == 0
        assert not has_due()
    with time_machine.travel(now() + dt.timedelta(days=1, minutes=AT_ONCE_MINUTES)):
        assert report_due_searches() == 2


def test_search_may_have_a_database_of_its_own(
    app: Flask, world: World, postgresql: Cluster, tmp_path: Path
) -> None:
    name = f"apart_{tmp_path.name}"
    apart = create_app(
        "testing",
        INSTANCE_PATH=app.instance_path,
        DATABASE_URL=app.config["DATABASE_URL"],
        SEARCH_URL=postgresql.create(name).replace("+psycopg", ""),
    )
    apart.test_client_class = Browser
    with apart.app_context():
        search_index().rebuild()
        assert titles(find(apart, "nobody", q="mill", kind="equipment")) == PUBLIC_MILLS
        search_index().index._engine.dispose()  # type: ignore[attr-defined]
        db.session.remove()
        db.engine.dispose()
    postgresql.drop(name)


def test_search_in_the_portals_database_needs_postgresql(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="DATABASE_URL names no PostgreSQL"):
        create_app("testing", INSTANCE_PATH=str(tmp_path), SEARCH_URL="postgresql")


def test_unknown_search_address_is_refused_at_start(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="SEARCH_URL must be"):
        create_app("testing", INSTANCE_PATH=str(tmp_path), SEARCH_URL="elsewhere://host")

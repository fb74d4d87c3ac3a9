"""Fixtures of all tests: one app per process, a fresh copy of the cast's world for every test."""

import contextvars
import gc
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, event
from werkzeug.test import TestResponse

from portal.app import create_app
from portal.kernel.authorization import Actor
from portal.kernel.database import Model, db
from portal.kernel.search import search_index
from portal.kernel.worker import Worker
from tests.cast import World, actor_named, build_world, token_of

pytest_plugins = [
    "tests.support.no_skips",
    "tests.support.postgresql",
    "tests.support.smtp",
    "tests.support.browser",
    "tests.support.server",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=["sqlite", "postgresql"],
        default="sqlite",
        help="which database the tests run on",
    )


# What goes over every page, route or text of the portal, whoever's domain it is.
SWEEPS = ("architecture", "browser", "interface", "security")


# First, since `-m` chooses by the markers that are there by then.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    tests = Path(__file__).parent
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if item.path.relative_to(tests).parts[0] in SWEEPS or "chromium" in fixtures:
            item.add_marker("sweep")
        if "app" in fixtures:
            item.add_marker("database")
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    if config.getoption("--database") == "postgresql":
        # What does not touch the database was checked by the run on SQLite.
        chosen = [
            item
            for item in items
            if item.get_closest_marker("database") and not item.get_closest_marker("sqlite")
        ]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """Replace pytest-flask's: its shared `g` would take one client for another."""


class Browser(FlaskClient):
    """A client whose requests see nothing of the test's app context, as on a server.

    Flask would share the test's `g`, so that one client would be taken for another.
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        kwargs.setdefault("buffered", True)
        response = contextvars.Context().run(super().open, *args, **kwargs)
        # The test's session must see what the request wrote.
        db.session.rollback()
        return response


class Databases:
    """The database of this process, and how it is set back to the cast's world."""

    def __init__(self, app: Flask, reset: Callable[[], None]) -> None:
        self.app = app
        self.app.test_client_class = Browser
        self._reset = reset
        self.is_dirty = False
        with app.app_context():
            db.create_all()
            self.world = build_world()
            self.release()
            event.listen(db.engine, "commit", self._note_commit)

    def release(self) -> None:
        """Let go of every connection of the present context."""
        db.session.remove()
        db.engine.dispose()

    def reset(self) -> None:
        """Put the cast's world back, if anything was written."""
        db.session.remove()
        if self.is_dirty:
            self._reset()
            self.is_dirty = False

    def _note_commit(self, _connection: object) -> None:
        # Reads end in a commit too, so this errs on the side of a reset.
        self.is_dirty = True


@pytest.fixture(scope="session")
def _databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Databases]:
    folder = tmp_path_factory.mktemp("instance")
    if request.config.getoption("--database") == "sqlite":
        app = create_app("testing", INSTANCE_PATH=str(folder))
        databases = Databases(app, lambda: _restore(folder))
        _checkpoint(folder / "portal.db")
        shutil.copyfile(folder / "portal.db", folder / "template.db")
        yield databases
        with app.app_context():
            databases.release()
        return
    cluster = request.getfixturevalue("postgresql")
    worker = getattr(request.config, "workerinput", {}).get("workerid", "main")
    name = f"test_{worker}"
    app = create_app("testing", INSTANCE_PATH=str(folder), DATABASE_URL=cluster.create(name))
    databases = Databases(app, _restore_rows)
    with app.app_context(), db.engine.begin() as connection:
        _keep_rows(connection)
    databases.is_dirty = False
    yield databases
    with app.app_context():
        databases.release()
    cluster.drop(name)


def _keep_rows(connection: Connection) -> None:
    """Keep every table's rows, and let every table say from now on that it was written to."""
    connection.exec_driver_sql(
        """
        CREATE SCHEMA kept;
        CREATE UNLOGGED TABLE kept.written (name text);
        CREATE FUNCTION kept.note() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO kept.written VALUES (TG_TABLE_NAME); RETURN NULL; END'
        """
    )
    numbering = []
    for table in Model.metadata.sorted_tables:
        connection.exec_driver_sql(
            f"""
            CREATE TABLE kept."{table.name}" AS TABLE public."{table.name}";
            CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
            ON public."{table.name}" EXECUTE FUNCTION kept.note()
            """
        )
        if table.autoincrement_column is not None:
            numbering.append(
                f"setval(pg_get_serial_sequence('public.\"{table.name}\"', 'id'),"
                f' (SELECT coalesce(max(id), 0) + 1 FROM kept."{table.name}"), false)'
            )
    # A number is taken for good, even if its row never comes to be.
    connection.exec_driver_sql(
        "CREATE FUNCTION kept.renumber() RETURNS void LANGUAGE plpgsql AS"
        f" $$BEGIN PERFORM {', '.join(numbering)}; END$$"
    )


def _restore_rows() -> None:
    """Copy the kept rows of written tables back: far faster than all rows or a new database."""
    with db.engine.begin() as connection:
        written = (
            connection.exec_driver_sql("SELECT DISTINCT name FROM kept.written").scalars().all()
        )
        if not written:
            return  # most tests only read
        statements = ["SET LOCAL session_replication_role = replica", "SELECT kept.renumber()"]
        for table in written:
            statements.append(f'DELETE FROM public."{table}"')
            statements.append(f'INSERT INTO public."{table}" SELECT * FROM kept."{table}"')
        statements.append("DELETE FROM kept.written")
        connection.exec_driver_sql("; ".join(statements))


def _restore(folder: Path) -> None:
    db.engine.dispose()
    for name in ("portal.db-wal", "portal.db-shm"):
        (folder / name).unlink(missing_ok=True)
    shutil.copyfile(folder / "template.db", folder / "portal.db")


def _checkpoint(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    gc.collect()


@pytest.fixture
def app(_databases: Databases) -> Iterator[Flask]:
    """The app, its database as the cast's world has it, inside an app context."""
    with _databases.app.app_context():
        # What the last test's world called things is nothing that this one knows.
        search_index().thesaurus.forget()
        yield _databases.app
        _databases.reset()
    shutil.rmtree(Path(_databases.app.instance_path) / "index", ignore_errors=True)


@pytest.fixture
def reset_world(app: Flask, _databases: Databases) -> Callable[[], None]:
    """Put the cast's world back in the middle of a test."""
    return _databases.reset


@pytest.fixture
def world(app: Flask, _databases: Databases) -> World:
    """Ids of the rows of the cast's world."""
    return _databases.world


@pytest.fixture
def actor(app: Flask) -> Callable[[str], Actor]:
    """Return the actor of a member of the cast by name."""
    return actor_named


@pytest.fixture
def client_of(app: Flask) -> Callable[[str], FlaskClient]:
    """Make a client that is signed in as a member of the cast ("nobody": not signed in)."""

    def make(name: str) -> FlaskClient:
        client = app.test_client()
        if name != "nobody":
            with client.session_transaction() as cookie:
                cookie["_user_id"] = token_of(name)
                cookie["_fresh"] = True
        return client

    return make


@pytest.fixture
def drain(app: Flask) -> Callable[[], None]:
    """Let the worker do everything that is due."""
    return lambda: Worker(app, {}).drain()


@pytest.fixture
def indexed(app: Flask) -> None:
    """Put the cast's world into the search index."""
    kept = Path(app.instance_path).parent / f"{Path(app.instance_path).name}-index"
    present = Path(app.instance_path) / "index"
    if kept.exists():
        # The world is always the same, so its index is built once and copied.
        shutil.copytree(kept, present)
    else:
        search_index().rebuild()
        shutil.copytree(present, kept)

"""Fixtures of all tests: one app per process, a fresh copy of the cast's world for every test."""

import contextvars
import gc
import hashlib
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import update
from werkzeug.test import TestResponse

from portal.accounts.models import UserSession
from portal.app import create_app
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.database import db, unit_of_work
from portal.kernel.search import search_index
from portal.kernel.worker import Worker
from tests.cast import World, actor_named, token_of
from tests.support.kept_world import KeptInPostgresql, KeptInSqlite
from tests.world.building import build_world

pytest_plugins = [
    "tests.support.no_skips",
    "tests.support.postgresql",
    "tests.support.processes",
    "tests.support.smtp",
    "tests.support.browser",
    "tests.support.server",
    "tests.support.serving",
    "tests.support.listener",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=["sqlite", "postgresql"],
        default="sqlite",
        help="which database the tests run on",
    )


# What tells Jinja how to compile templates; of the templates themselves it keeps watch.
COMPILERS = ("portal/kernel/templating.py", "portal/kernel/web/setup.py")


# First, since `-m` chooses by the markers that are there by then.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        is_of_pages = item.path.stem.endswith(("_pages", "_views"))
        if is_of_pages and not item.get_closest_marker("database"):
            item.add_marker("pages")
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


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for tests without looking for garbage: whatever is made then stays."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Spare the garbage collector what stays for good: all modules and all tests.

    Then it looks seldom: looking after every 700 objects took an eighth of the tests' time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


def pytest_unconfigure() -> None:
    """Look for garbage once: pytest does five times, for what complains while it goes."""
    gc.collect()
    gc.freeze()


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


def compiled_templates() -> Path:
    """Make the folder of compiled templates, another one for every way of compiling them."""
    root = Path(__file__).parent.parent
    compilers = (version("jinja2"), *(root.joinpath(name).read_text("utf-8") for name in COMPILERS))
    digest = hashlib.blake2s(repr(compilers).encode(), digest_size=8).hexdigest()
    folder = root / "build" / "templates" / digest
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Databases:
    """The database of this process, and how it is set back to the cast's world."""

    def __init__(self, app: Flask, keep: type[KeptInSqlite | KeptInPostgresql]) -> None:
        self.app = app
        self.app.test_client_class = Browser
        # Compiling all templates takes 3 s of each process.
        self.app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(compiled_templates()))
        with app.app_context():
            db.create_all()
            self.world = build_world()
            # Now, as no test has changed anything yet; each that searches gets a copy.
            search_index().rebuild()
            self.index = Path(
                shutil.move(Path(app.instance_path) / "index", f"{app.instance_path}-index")
            )
            db.session.remove()
            self._kept = keep(app)
        self._signed_in_at = time.monotonic()

    def is_written(self) -> bool:
        """Tell whether anything was written since the world was last put back."""
        db.session.remove()
        return self._kept.is_written()

    def reset(self) -> None:
        """Put the cast's world back, if anything was written."""
        if self.is_written():
            self._kept.put_back()

    def keep_signed_in(self, seconds: float = 600) -> None:
        """Let the cast have signed in just now, if that was longer ago than some seconds.

        Else a run that takes half an hour would ask them for their passwords.
        """
        if time.monotonic() - self._signed_in_at < seconds:
            return
        self.reset()
        with unit_of_work():
            db.session.execute(update(UserSession).values(authenticated_at=now()))
        db.session.remove()
        self._kept.keep_anew("user_session")
        self._signed_in_at = time.monotonic()

    def release(self) -> None:
        """Let go of every connection."""
        self._kept.close()
        self.app.extensions["portal-reader"].close()
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.fixture(scope="session")
def _databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Databases]:
    folder = str(tmp_path_factory.mktemp("instance"))
    if request.config.getoption("--database") == "sqlite":
        databases = Databases(create_app("testing", INSTANCE_PATH=folder), KeptInSqlite)
        yield databases
        databases.release()
        return
    cluster = request.getfixturevalue("postgresql")
    worker = getattr(request.config, "workerinput", {}).get("workerid", "main")
    name = f"test_{worker}"
    url = cluster.create(name)
    databases = Databases(
        create_app("testing", INSTANCE_PATH=folder, DATABASE_URL=url), KeptInPostgresql
    )
    yield databases
    databases.release()
    cluster.drop(name)


@pytest.fixture
def app(_databases: Databases) -> Iterator[Flask]:
    """The app, its database as the cast's world has it, inside an app context."""
    with _databases.app.app_context():
        _databases.keep_signed_in()
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
def is_world_written(app: Flask, _databases: Databases) -> Callable[[], bool]:
    """Tell whether anything was written since the world was last put back."""
    return _databases.is_written


@pytest.fixture
def keep_signed_in(app: Flask, _databases: Databases) -> Callable[[float], None]:
    """Let the cast have signed in just now, if that was longer ago than some seconds."""
    return _databases.keep_signed_in


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
def indexed(app: Flask, _databases: Databases) -> None:
    """Put the cast's world into the search index."""
    shutil.copytree(_databases.index, Path(app.instance_path) / "index")

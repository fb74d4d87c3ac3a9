"""What the database promises: instants keep their zone, readers never wait, writes are whole."""

import datetime as dt
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import bindparam, select, text, update
from sqlalchemy.exc import IntegrityError, StatementError

from portal.accounts.models import User
from portal.app import create_app
from portal.kernel.database import (
    UtcDateTime,
    change_rows,
    db,
    init_database,
    insert_row,
    is_writing,
    lock,
    read_rows,
    session,
    unit_of_work,
    unless_busy,
)
from portal.kernel.outbox import OutboxDelivery, OutboxEvent
from portal.organizations.models import Membership, Organization
from tests.cast import World
from tests.support.forms import filled
from tests.support.processes import Begin, Say
from tests.support.statements import count_statements

T = TypeVar("T")
PATIENCE_SECONDS = 60


def stored(column: str, world: World) -> object:
    session.rollback()
    found = session.scalar(
        select(getattr(Organization, column)).where(Organization.id == world.organizations["shop"])
    )
    session.rollback()
    return found


def aside(app: Flask, function: Callable[[], T]) -> T:
    """Run something on another connection, as another request would."""

    def in_own_context() -> T:
        with app.app_context():
            return function()

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(in_own_context).result(PATIENCE_SECONDS)


# Past the session


@pytest.mark.parametrize("count", [0, 1, 3])
def test_rows_read_past_the_session_are_what_the_session_reads(world: World, count: int) -> None:
    table = OutboxEvent.__table__
    among = select(table).where(table.c.id.in_(bindparam("ids", expanding=True)))
    with unit_of_work():
        made = [
            insert_row(OutboxEvent, {"name": "kernel.Tried", "payload": {"at": [at, None, "ü"]}})
            for at in range(3)
        ]
        ids = [row["id"] for row in made[:count]]
        rows = read_rows(among, {"ids": ids})
        assert sorted(map(tuple, rows)) == sorted(map(tuple, session.execute(among, {"ids": ids})))
        assert sorted(row[0] for row in rows) == ids
        assert {row.payload["at"][0] for row in session.scalars(select(OutboxEvent))} >= {0, 1, 2}


def test_rows_changed_past_the_session_are_counted(world: World) -> None:
    statement = (
        update(OutboxEvent.__table__)  # type: ignore[arg-type]
        .where(OutboxEvent.name == bindparam("known"))
        .values(name="kernel.TriedAgain")
    )
    with unit_of_work():
        for name in ("kernel.Tried", "kernel.Tried", "kernel.Else"):
            insert_row(OutboxEvent, {"name": name, "payload": {}})
        assert change_rows(statement, {"known": "kernel.Tried"}) == 2
        assert change_rows(statement, {"known": "kernel.Tried"}) == 0


def test_what_the_database_refuses_past_the_session_is_told_as_ever(world: World) -> None:
    with pytest.raises(IntegrityError), unit_of_work():
        insert_row(OutboxDelivery, {"event_id": 0, "handler": "kernel.nobody"})
    assert not session.scalar(select(OutboxDelivery.id))


# Instants


@pytest.mark.parametrize(
    "moment",
    [
        dt.datetime(2026, 3, 8, 7, 30, 15, 123456, tzinfo=dt.UTC),
        dt.datetime(2026, 3, 8, 2, 30, 15, 123456, tzinfo=dt.timezone(dt.timedelta(hours=-5))),
    ],
    ids=["UTC", "another zone"],
)
def test_instant_comes_back_as_the_same_one_in_utc(world: World, moment: dt.datetime) -> None:
    with unit_of_work():
        session.get_one(Organization, world.organizations["shop"]).updated_at = moment

    found = stored("updated_at", world)
    assert isinstance(found, dt.datetime)
    assert found == moment
    assert found.tzinfo is dt.UTC


def test_instants_compare_as_instants_whatever_their_zone(world: World) -> None:
    early = dt.datetime(2026, 1, 1, 23, tzinfo=dt.timezone(dt.timedelta(hours=12)))
    with unit_of_work():
        session.get_one(Organization, world.organizations["shop"]).updated_at = early

    before_noon = select(Organization.id).where(
        Organization.updated_at < dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    )
    assert session.scalars(before_noon).all() == [world.organizations["shop"]]


def test_instant_without_a_zone_is_refused(world: World) -> None:
    def write() -> None:
        with unit_of_work():
            shop = session.get_one(Organization, world.organizations["shop"])
            shop.updated_at = dt.datetime(2026, 3, 8, 7, 30)  # noqa: DTZ001

    with pytest.raises(StatementError, match="needs a time zone"):
        write()
    assert not is_writing()
    assert UtcDateTime().process_result_value(None, db.engine.dialect) is None


# What a connection keeps to


def test_rows_may_not_point_nowhere(world: World) -> None:
    def write() -> None:
        with unit_of_work():
            session.add(
                Membership(organization_id=10**9, user_id=world.users["ana"], role="member")
            )

    with pytest.raises(IntegrityError):
        write()
    assert not is_writing()


def test_nothing_is_flushed_outside_a_unit_of_work(world: World) -> None:
    session.get_one(Organization, world.organizations["shop"]).summary = "By the way."

    with pytest.raises(RuntimeError, match="outside a command"):
        session.flush()
    assert stored("summary", world) != "By the way."


def test_inner_unit_of_work_is_undone_with_the_outer_one(world: World) -> None:
    def write_and_fail() -> None:
        with unit_of_work():
            with unit_of_work():
                session.get_one(Organization, world.organizations["shop"]).summary = "Inner."
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert not is_writing()
    assert stored("summary", world) != "Inner."


@pytest.mark.parametrize("fails", [False, True])
def test_what_is_undone_within_a_unit_of_work_leaves_the_rest(world: World, fails: bool) -> None:
    """Both what was written before an inner savepoint, and what is written after it is undone."""
    before = stored("summary", world), stored("website", world)

    def write() -> None:
        with unit_of_work():
            shop = session.get_one(Organization, world.organizations["shop"])
            shop.summary = "Kept."
            inner = session.begin_nested()
            shop.summary = "Undone."
            session.flush()
            inner.rollback()
            shop.website = "https://after.example"
            session.flush()
            if fails:
                raise ZeroDivisionError

    if fails:
        with pytest.raises(ZeroDivisionError):
            write()
        assert (stored("summary", world), stored("website", world)) == before
        write_again(world)
    else:
        write()
        assert stored("summary", world) == "Kept."
        assert stored("website", world) == "https://after.example"


def write_again(world: World) -> None:
    """A unit of work that was undone holds no lock and leaves nothing to the next."""
    with unit_of_work():
        session.get_one(Organization, world.organizations["shop"]).summary = "Again."
    assert stored("summary", world) == "Again."


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_common_addresses_of_postgresql_are_understood(scheme: str) -> None:
    app = Flask(__name__)
    app.config.update(DATABASE_URL=f"{scheme}://commons@127.0.0.1:9/commons", DATABASE_POOL_SIZE=3)
    init_database(app)

    with app.app_context():
        assert db.engine.dialect.name == "postgresql"
        assert db.engine.url.drivername == "postgresql+psycopg"
        assert db.engine.pool.size() == 3  # type: ignore[attr-defined]


# Readers and writers


def test_reader_is_not_kept_waiting_by_a_writer_and_sees_only_what_is_committed(
    app: Flask, world: World
) -> None:
    before = stored("summary", world)
    with unit_of_work():
        session.get_one(Organization, world.organizations["shop"]).summary = "Half way."
        session.flush()
        assert aside(app, lambda: stored("summary", world)) == before

    assert aside(app, lambda: stored("summary", world)) == "Half way."


def test_writer_is_not_kept_waiting_by_a_reader(app: Flask, world: World) -> None:
    def write() -> None:
        with unit_of_work():
            session.get_one(Organization, world.organizations["shop"]).summary = "Meanwhile."

    session.scalars(select(Organization)).all()  # a read transaction, still open
    aside(app, write)

    assert stored("summary", world) == "Meanwhile."


def test_reading_takes_no_lock_and_writing_takes_it_first(world: World) -> None:
    def is_locking(statement: str) -> bool:
        return "IMMEDIATE" in statement or "FOR UPDATE" in statement

    session.rollback()
    with count_statements() as reading:
        shop = session.get_one(Organization, world.organizations["shop"])
    session.rollback()
    with count_statements() as writing, unit_of_work():
        lock(shop)
    assert [text for text in reading.texts if is_locking(text)] == []
    locking = [number for number, text in enumerate(writing.texts) if is_locking(text)]
    assert len(locking) == 1
    if db.engine.dialect.name == "sqlite":
        assert locking == [0]  # the whole database, before anything is read
    else:
        assert "organization" in writing.texts[locking[0]]  # the row, as it is read again


def test_row_read_under_the_lock_is_the_newest(app: Flask, world: World) -> None:
    def write() -> None:
        with unit_of_work():
            session.get_one(Organization, world.organizations["shop"]).summary = "Newer."

    shop = session.get_one(Organization, world.organizations["shop"])
    assert shop.summary != "Newer."
    aside(app, write)
    with unit_of_work():
        lock(shop)
        assert shop.summary == "Newer."


# Processes


def test_two_processes_write_at_once_and_nothing_is_lost(
    app: Flask, world: World, another_process: Begin
) -> None:
    with unit_of_work():
        session.execute(update(Organization).values(description=""))

    def append(say: Say) -> None:
        say("ready")
        for _time in range(20):
            organization = session.get_one(Organization, world.organizations["shop"])
            with unit_of_work():
                lock(organization)
                organization.description += "x"

    with another_process(append) as one, another_process(append) as other:
        assert [one.heard(), other.heard()] == ["ready", "ready"]
        one.go_on()
        other.go_on()
        assert [one.wait(), other.wait()] == [0, 0]

    assert stored("description", world) == "x" * 40


def test_process_killed_half_way_leaves_nothing_and_no_lock(
    app: Flask, world: World, another_process: Begin
) -> None:
    before = stored("description", world)

    def stop_half_way(say: Say) -> None:
        with unit_of_work():
            shop = session.get_one(Organization, world.organizations["shop"])
            shop.description = "half"
            session.add(
                Membership(organization_id=shop.id, user_id=world.users["cleo"], role="member")
            )
            session.flush()
            say("written")

    with another_process(stop_half_way) as process:
        assert process.heard() == "written"
        assert stored("description", world) == before
        process.kill()
        assert process.wait() < 0

    with unit_of_work():
        shop = session.get_one(Organization, world.organizations["shop"])
        lock(shop)
        assert shop.description == before
        shop.summary = "Written right after."
    people = select(Membership.user_id).where(Membership.organization_id == shop.id)
    assert world.users["cleo"] not in session.scalars(people).all()
    assert stored("summary", world) == "Written right after."
    if db.engine.dialect.name == "sqlite":
        assert session.scalar(text("PRAGMA integrity_check")) == "ok"
    else:
        assert session.scalar(text("SELECT count(*) FROM pg_prepared_xacts")) == 0
    assert session.get(User, world.users["cleo"]) is not None


@pytest.mark.sqlite
def test_who_cannot_stand_in_line_is_told_that_the_database_does_not_answer(
    app: Flask, world: World, client_of: Callable[[str], FlaskClient]
) -> None:
    line = Path(app.instance_path) / "portal.db-line"
    line.unlink(missing_ok=True)
    # As a disk that is full or read-only would have it.
    line.mkdir()
    try:
        sent = client_of("ana").post("/sign-out")
        assert sent.status_code == 503
        with unless_busy(), unit_of_work():
            raise AssertionError("there is no turn to write")
        assert session.get(User, world.users["ana"]) is not None
    finally:
        line.rmdir()
    assert client_of("ana").post("/sign-out").status_code == 303


@pytest.mark.sqlite
def test_nobody_waits_without_end_for_a_process_that_was_stopped_while_it_writes(
    app: Flask,
    world: World,
    client_of: Callable[[str], FlaskClient],
    another_process: Begin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = f"/facilities/{world.facilities['shop_public']}/edit"
    page = f"http://localhost{url}"
    sent = {"name": "A name that took long", "made_from": ""}
    client = client_of("ana")

    def stop_half_way(say: Say) -> None:
        with unit_of_work():
            say("written")

    with another_process(stop_half_way) as process:
        assert process.heard() == "written"
        process.stop()
        monkeypatch.setitem(app.config, "SQLITE_BUSY_SECONDS", 0.1)
        for _time in range(3):
            refused = client.post(url, data=sent, headers={"Referer": page})
            assert refused.status_code == 503
            assert refused.headers["Retry-After"]
            assert "A name that took long" in refused.text
            assert f'href="{url}"' in refused.text
        waiting = [thread for thread in threading.enumerate() if thread.name == "line"]
        assert len(waiting) == 1, "who comes later is not kept waiting as long"
        monkeypatch.undo()
        process.go_on()
        assert process.wait() == 0
    for thread in waiting:
        thread.join(PATIENCE_SECONDS)
    assert client.post(url, data={**filled(client.get(url).text)}).status_code == 303


def test_an_app_that_is_made_has_no_connection_yet(app: Flask) -> None:
    other = create_app(
        "testing", INSTANCE_PATH=app.instance_path, DATABASE_URL=app.config["DATABASE_URL"]
    )
    # Processes that part from its own would share it.
    with other.app_context():
        pool: Any = db.engine.pool
        assert (pool.checkedin(), pool.checkedout()) == (0, 0)
        session.execute(select(1))
        assert pool.checkedout() == 1
        session.remove()
        db.engine.dispose()

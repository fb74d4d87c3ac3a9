"""What is read without a transaction is what is committed, by whichever process, whatever fails."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import (
    Integer,
    NullPool,
    bindparam,
    column,
    create_engine,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError, OperationalError, StatementError

from portal.kernel.database import (
    change_rows,
    db,
    init_database,
    read_committed,
    read_rows,
    session,
    unit_of_work,
)
from portal.kernel.outside import read_outside, version_outside
from portal.kernel.settled import SettledMark, init_settled, settled
from portal.organizations.models import Organization
from tests.cast import World
from tests.support.postgresql import Cluster, MissingPostgreSQL
from tests.support.processes import Begin, Say

_SUMMARY = select(Organization.summary).where(Organization.id == bindparam("number"))
_MARK = select(SettledMark.mark)
_END = select(func.pg_terminate_backend(bindparam("number"), 60_000))
_PREPARED = text(
    "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT settled%'"
    " AND generic_plans + custom_plans > 9"
).columns(column("count", Integer))


def test_what_another_process_commits_is_seen_at_once(
    app: Flask, world: World, another_process: Begin
) -> None:
    shop = world.organizations["shop"]

    def write(say: Say) -> None:
        for number in range(20):
            with unit_of_work():
                session.get_one(Organization, shop).summary = f"Summary {number}."
            say("written")

    versions = []
    with another_process(write) as process:
        for number in range(20):
            assert process.heard() == "written"
            versions.append(version_outside())
            assert list(read_outside(_SUMMARY, {"number": shop})[0]) == [f"Summary {number}."]
            process.go_on()
        assert process.wait() == 0
    assert len(set(versions)) == 20


def test_what_nobody_has_committed_is_not_read_without_a_transaction(world: World) -> None:
    shop = world.organizations["shop"]
    (before,) = read_outside(_SUMMARY, {"number": shop})
    with unit_of_work():
        session.get_one(Organization, shop).summary = "Not yet."
        session.flush()
        assert list(read_outside(_SUMMARY, {"number": shop})[0]) == list(before)
        assert list(read_committed(_SUMMARY, {"number": shop})[0]) == ["Not yet."]


def test_a_statement_that_fails_without_a_transaction_leaves_the_next_ones_alone(
    world: World,
) -> None:
    with pytest.raises((DBAPIError, StatementError)):
        read_outside(select(text("nothing")), {})
    assert read_outside(_SUMMARY, {"number": world.organizations["shop"]})


@pytest.fixture(scope="module")
def restarted() -> Iterator[tuple[Flask, Cluster]]:
    """An app over a server of its own, which may be restarted."""
    try:
        cluster = Cluster.start()
    except MissingPostgreSQL as missing:
        pytest.skip(str(missing))
    app = Flask(__name__)
    app.config.update(DATABASE_URL=cluster.create("restarted"), DATABASE_POOL_SIZE=3)
    try:
        init_database(app)
        init_settled(app)
        with app.app_context():
            SettledMark.metadata.tables[SettledMark.__tablename__].create(db.engine)
            with unit_of_work():
                session.execute(insert(SettledMark).values(id=1, mark=1))
            session.remove()
            yield app, cluster
            app.extensions["portal-reader"].close()
            session.remove()
            db.engine.dispose()
    finally:
        cluster.stop()


def test_nobody_notices_that_the_server_of_the_database_was_restarted(
    restarted: tuple[Flask, Cluster],
) -> None:
    app, cluster = restarted

    def ask(mark: int) -> tuple[object, Any]:
        with app.test_request_context():
            kept = settled("mark", lambda: [row[0] for row in read_committed(_MARK, {})])
        assert kept == [mark]
        with unit_of_work():
            assert [row[0] for row in read_rows(_MARK, {})] == kept
            change_rows(update(SettledMark), {"mark": mark + 1})
        session.remove()
        return version_outside(), read_outside(_MARK, {})[0][0]

    before, mark = ask(1)
    assert (mark, version_outside()) == (2, before)
    cluster.restart()
    after, mark = ask(2)
    assert mark == 3
    assert after != before
    cluster.halt()
    assert version_outside() is None
    with pytest.raises(OperationalError):
        read_outside(_MARK, {})
    cluster.resume()
    ask(3)


def test_a_connection_that_is_lost_in_a_transaction_fails_it_alone(
    restarted: tuple[Flask, Cluster],
) -> None:
    (before,) = read_outside(_MARK, {})
    with pytest.raises(OperationalError), unit_of_work():  # noqa: PT012
        (number,) = read_rows(select(func.pg_backend_pid()), {})
        change_rows(update(SettledMark), {"mark": 99})
        read_outside(_END, {"number": number[0]})
        change_rows(update(SettledMark), {"mark": 100})
    with unit_of_work():
        assert read_rows(_MARK, {}) == [before]


def test_what_the_driver_has_prepared_outlives_what_is_undone(
    restarted: tuple[Flask, Cluster],
) -> None:
    for _time in range(2):
        for _other_time in range(10):
            read_rows(_MARK, {})
        (found,) = read_rows(_PREPARED, {})
        session.rollback()
        with pytest.raises(ZeroDivisionError), unit_of_work():
            raise ZeroDivisionError
    assert found[0] == 1


def test_a_table_that_was_changed_meanwhile_fails_nobody_twice(
    restarted: tuple[Flask, Cluster],
) -> None:
    _app, cluster = restarted
    another = create_engine(cluster.database_url("restarted"), poolclass=NullPool)

    def ask() -> int:
        """Read the mark in each way, so often that the driver prepares it; return the failures."""
        failures = 0
        for _time in range(10):
            for read in (
                lambda: session.execute(_MARK).all(),
                lambda: read_rows(_MARK, {}),
                lambda: read_outside(_MARK, {}),
            ):
                try:
                    read()
                except DBAPIError:
                    failures += 1
                    session.remove()
                session.rollback()
        return failures

    assert ask() == 0
    for kind in ("numeric", "bigint"):
        with another.begin() as connection:
            connection.exec_driver_sql(f"ALTER TABLE settled_mark ALTER COLUMN mark TYPE {kind}")
        assert ask() <= 1
        assert ask() == 0

"""What is kept in memory holds exactly until something that it may depend on is written."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from flask import Flask
from sqlalchemy import bindparam, delete, insert, select, update

from portal.accounts.models import User
from portal.kernel.authorization import SYSTEM
from portal.kernel.database import session, unit_of_work
from portal.kernel.settled import KEEPS_SETTLED, committed_for_now, own_row, settled, settled_row
from portal.kernel.workflow import WorkflowStep
from portal.organizations.models import Membership, Organization
from portal.organizations.services.records import archive_organization
from tests.cast import World

T = TypeVar("T")
_SHOP = select(Organization).where(Organization.id == bindparam("number"))


def aside(app: Flask, function: Callable[[], T]) -> T:
    """Run something on another connection, as another request would."""

    def in_own_context() -> T:
        with app.app_context():
            return function()

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(in_own_context).result(60)


class Made:
    """How often something was made anew."""

    def __init__(self) -> None:
        self.times = 0

    def make(self) -> int:
        self.times += 1
        return self.times

    def read(self) -> int:
        session.rollback()
        return settled("made", self.make)


@pytest.fixture
def made(app: Flask) -> Made:
    found = Made()
    with unit_of_work():
        session.execute(update(Organization).values(summary="A first."))
    assert found.read() == found.read() == 1
    return found


def test_whatever_is_written_to_a_settled_table_ends_what_is_kept(
    app: Flask, world: World, made: Made
) -> None:
    shop = world.organizations["shop"]

    def by_object() -> None:
        session.get_one(Organization, shop).summary = "By an object."

    def by_statement() -> None:
        session.execute(update(User).where(User.id == world.users["eve"]).values(name="Eva"))

    def by_connection() -> None:
        session.connection().execute(
            insert(Membership),
            {"organization_id": shop, "user_id": world.users["eve"], "role": "member"},
        )

    def by_deleting() -> None:
        session.execute(delete(Membership).where(Membership.user_id == world.users["eve"]))

    def write(change: Callable[[], None]) -> None:
        with unit_of_work():
            change()

    for times, change in enumerate((by_object, by_statement, by_connection, by_deleting), 2):
        aside(app, lambda change=change: write(change))  # type: ignore[misc]
        assert (made.read(), made.read()) == (times, times)


def test_what_comes_and_goes_all_day_ends_nothing(app: Flask, world: World, made: Made) -> None:
    with unit_of_work():
        session.add(
            WorkflowStep(
                subject="request", subject_id=1, action="open", source="draft", target="open"
            )
        )
        session.execute(update(User).values(name="Somebody").execution_options(**KEEPS_SETTLED))
    assert made.read() == 1


def test_what_was_not_written_in_the_end_ends_nothing(world: World, made: Made) -> None:
    def write() -> None:
        with unit_of_work():
            session.execute(update(Organization).values(summary="Not so."))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert made.read() == 1


def test_a_transaction_sees_what_it_has_changed_itself_and_keeps_none_of_it(
    app: Flask, world: World, made: Made
) -> None:
    with unit_of_work():
        assert settled("made", made.make) == 1
        session.get_one(Organization, world.organizations["shop"]).summary = "In the middle."
        assert settled("made", made.make) == 2
        assert aside(app, lambda: settled("made", made.make)) == 1
        assert settled("made", made.make) == 3
    assert (made.read(), made.read()) == (4, 4)


def test_a_request_goes_by_one_state_and_the_next_one_by_what_was_written_meanwhile(
    app: Flask, world: World, made: Made
) -> None:
    def write() -> None:
        with unit_of_work():
            session.execute(update(Organization).values(summary="Meanwhile."))

    session.rollback()
    with app.test_request_context():
        assert settled("made", made.make) == 1
        aside(app, write)
        assert settled("made", made.make) == 1
        # On SQLite there is none.
        session.rollback()
    with app.test_request_context():
        assert settled("made", made.make) == 2
        aside(app, write)
        with unit_of_work():
            assert settled("made", made.make) == 3


def test_what_many_ask_within_a_second_holds_until_anything_is_committed(
    app: Flask, world: World, made: Made
) -> None:
    def write() -> None:
        with unit_of_work():
            session.add(
                WorkflowStep(
                    subject="request", subject_id=1, action="open", source="draft", target="open"
                )
            )

    def ask() -> int:
        with app.test_request_context():
            return committed_for_now("asked", made.make)

    session.rollback()
    # On PostgreSQL whoever writes to another database of the server ends it, too.
    assert any(ask() == ask() for _time in range(100))
    first = ask()
    aside(app, write)
    second = ask()
    assert second > first
    with app.test_request_context(), unit_of_work():
        # Nobody else sees what is not committed.
        assert committed_for_now("asked", made.make) == second + 1


def test_a_row_that_is_kept_is_a_row_of_the_session_like_any_other(
    app: Flask, world: World
) -> None:
    shop = world.organizations["shop"]

    def read() -> Organization:
        found = settled_row(("shop", shop), _SHOP, {"number": shop})
        assert found is not None
        return own_row(found)

    name = read().name
    session.rollback()
    with unit_of_work():
        read().name = "Another name"
        assert read().name == "Another name"
    session.rollback()
    session.expunge_all()
    assert read().name == "Another name"
    assert read() is session.get(Organization, shop)
    with unit_of_work():
        read().name = name
    assert aside(app, lambda: read().name) == name
    assert settled_row(("nothing",), _SHOP, {"number": 10**9}) is None


def test_a_row_that_is_kept_is_given_to_no_command(app: Flask, world: World) -> None:
    kept = settled_row("kept", _SHOP, {"number": world.organizations["shop"]})
    with pytest.raises(RuntimeError, match="own_row"):
        archive_organization(SYSTEM, kept)

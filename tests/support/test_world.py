"""The cast's world is put back whole between tests, in whichever way it was written to."""

import contextlib
import datetime as dt
from collections.abc import Callable

from sqlalchemy import delete, select, update

from portal.accounts.models import UserSession
from portal.kernel.database import Model, db, session, unit_of_work
from portal.regions.models import Region, State


def contents() -> dict[str, list[tuple[object, ...]]]:
    session.rollback()
    found = {
        table.name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
        for table in Model.metadata.sorted_tables
    }
    session.rollback()
    return found


class _ChangedMind(Exception):
    pass


def number_of_next_region() -> int:
    region = Region(key="nowhere", name="Nowhere")
    with contextlib.suppress(_ChangedMind), unit_of_work():
        session.add(region)
        session.flush()
        number = region.id
        raise _ChangedMind
    return number


def test_world_is_put_back_whole(reset_world: Callable[[], None]) -> None:
    before, number = contents(), number_of_next_region()
    with unit_of_work():
        session.execute(update(State).values(name=State.name + "!"))
        # Their counties and brokers go with them.
        session.execute(delete(Region))
    after = contents()
    gone = {name for name in before if len(after[name]) < len(before[name])}
    assert {"region", "region_county"} <= gone
    reset_world()
    assert contents() == before

    with db.engine.connect() as other:
        other.exec_driver_sql("DELETE FROM user_session")
        other.commit()
    reset_world()
    assert contents() == before
    assert number_of_next_region() == number


def test_the_cast_has_just_signed_in_however_long_a_run_takes(
    keep_signed_in: Callable[[float], None], is_world_written: Callable[[], bool]
) -> None:
    def signed_in_at() -> set[dt.datetime]:
        found = set(session.scalars(select(UserSession.authenticated_at)))
        session.rollback()
        return found

    before = signed_in_at()
    keep_signed_in(3600)
    assert signed_in_at() == before
    keep_signed_in(0)
    assert min(signed_in_at()) > max(before)
    assert not is_world_written()

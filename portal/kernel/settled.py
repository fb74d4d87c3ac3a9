"""What is read often and changed seldom: kept in the memory of each process, and never stale.

One row of the database has a mark, which every transaction moves that writes to any table but those
whose rows come and go all day (`is_settled = False` in their models). What was made under a mark
holds as long as the mark that a transaction reads, or a request without one, is the same.

A request without a transaction knows the state of the whole database as well, which every commit
ends: as long as that is the same, so is the mark, and whatever else is committed.
"""

import secrets
from collections.abc import Callable, Collection, Hashable, Mapping
from functools import cache
from typing import Any, NamedTuple, TypeVar

from flask import Flask, current_app, has_request_context
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Connection,
    Engine,
    Select,
    event,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.orm import InstanceState, Mapped, Session, mapped_column
from sqlalchemy.orm.attributes import instance_state, set_committed_value
from sqlalchemy.sql.dml import UpdateBase

from portal.kernel import prepared
from portal.kernel.database import (
    MARK,
    OUTSIDE,
    Base,
    Model,
    db,
    is_in_transaction,
    is_writing,
    present_connection,
    put_row,
    session,
)
from portal.kernel.kept import Values
from portal.kernel.outside import read_outside, version_outside
from portal.kernel.prepared import Rows

T = TypeVar("T")
R = TypeVar("R", bound=Base)

#: Of a statement that writes nothing of what is kept, though its table is settled.
KEEPS_SETTLED = {"keeps_settled": True}
#: So many values are kept; then all are made anew. Of passing ones fewer, apart from the others.
MOST_VALUES = 4096
MOST_PASSING = 256
_MOVES = "settled-moves"
#: Of each open savepoint, whether anything of this kind was written before it.
_SAVEPOINTS = "settled-savepoints"


class SettledMark(Model):
    """The one row whose mark no two states of the settled tables ever share."""

    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    is_settled = False

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    mark: Mapped[int] = mapped_column(BigInteger)


_READ = select(SettledMark.mark)


def init_settled(app: Flask) -> None:
    """Let every transaction of the app's database move the mark that has to."""
    app.extensions["portal-settled"] = Values(most=MOST_VALUES)
    app.extensions["portal-settled-passing"] = Values(most=MOST_PASSING)
    app.extensions["portal-committed"] = Values(most=MOST_PASSING)
    app.teardown_request(_forget_outside)
    with app.app_context():
        _listen(db.engine)


def settled(key: Hashable, make: Callable[[], T]) -> T:
    """Return what `make` returned for the key under the present mark.

    It must depend on nothing but the key and the settled tables, and nobody may change it. What the
    present transaction itself has changed is made anew each time.
    """
    mark = _present_mark()
    if mark is None:
        return make()
    values: Values = current_app.extensions["portal-settled"]
    return values.get(mark, key, make)


def settled_for_now(key: Hashable, make: Callable[[], T]) -> T:
    """Return what `settled` would, of a key that hardly anybody asks for a second later.

    All that is not settled and decides about it has to be in the key.
    """
    mark = _present_mark()
    if mark is None:
        return make()
    values: Values = current_app.extensions["portal-settled-passing"]
    return values.get(mark, key, make)


def committed_for_now(key: Hashable, make: Callable[[], T]) -> T:
    """Return what `make` returned for the key since anything was committed, whoever committed it.

    For what many requests ask within a second. It must depend on nothing but the key and the
    database; in a transaction it is made anew.
    """
    outside = _outside()
    if outside is None:
        return make()
    values: Values = current_app.extensions["portal-committed"]
    return values.get(outside.version, key, make)


def settled_each(
    kind: Hashable, numbers: Collection[int], make: Callable[[list[int]], Mapping[int, T]]
) -> dict[int, T]:
    """Return what `make` returned for each number; it is asked at once for all that are new."""
    mark = _present_mark()
    if mark is None:
        return dict(make(sorted(numbers))) if numbers else {}
    values: Values = current_app.extensions["portal-settled"]
    found: dict[int, T] = {}
    new = []
    for number in numbers:
        value = values.find(mark, (kind, number), None)
        if value is None:
            new.append(number)
        else:
            found[number] = value
    for number, made in make(sorted(new)).items() if new else ():
        found[number] = made
        values.put(mark, (kind, number), made)
    return found


def settled_row(key: Hashable, statement: Select[R], values: Mapping[str, Any]) -> R | None:
    """Return the one row that a statement reads, without reading it each time.

    It is to be looked at, and nobody's to change; what goes to a command is `own_row` of it.
    """
    mark = _present_mark()
    if mark is None:
        return session.scalar(statement, values)

    def make() -> R | None:
        # In a session of its own, so that it is nobody's.
        with Session(session.connection(), join_transaction_mode="create_savepoint") as apart:
            row = apart.scalar(statement, values)
            if row is not None:
                instance_state(row).info[_PRINT] = _Print(row)
            return row

    kept: Values = current_app.extensions["portal-settled"]
    return kept.get(mark, key, make)


def own_row(row: R) -> R:
    """Return the session's copy of a row that is kept; any other is the session's already."""
    found: _Print | None = instance_state(row).info.get(_PRINT)
    return row if found is None else found.row(session())


_PRINT = "print"


class _Print:
    """What was read of a row and of those it leads to; sessions get copies.

    `Session.merge` takes ten times as long, since it asks about each attribute anew.
    """

    def __init__(self, row: Base) -> None:
        state: InstanceState[Any] = inspect(row)
        names, leads = state.mapper.column_attrs.keys(), state.mapper.relationships.keys()
        self._model = type(row)
        self._key: Any = state.key
        self._columns = {name: state.dict[name] for name in names if name in state.dict}
        self._unread = [name for name in names if name not in state.dict]
        self._related = {
            name: None if state.dict[name] is None else _Print(state.dict[name])
            for name in leads
            if name in state.dict
        }

    def row(self, present: Session) -> Any:
        """Return the session's row: a copy, or the one it has, with what it lacked."""
        row = present.identity_map.get(self._key)
        if row is None:
            row = put_row(self._model, self._key, self._columns, self._unread)
        elif not instance_state(row).modified:
            for name, value in self._columns.items():
                if name not in row.__dict__ or row.__dict__[name] != value:
                    set_committed_value(row, name, value)
        for name, related in self._related.items():
            if name not in row.__dict__:
                row.__dict__[name] = None if related is None else related.row(present)
        return row


def _present_mark() -> int | None:
    """Return the mark of this transaction, or None once it has changed something itself."""
    if is_writing():
        session.flush()
    else:
        outside = _outside()
        if outside is not None and outside.mark is not None:
            return outside.mark
    connection = present_connection()
    if _MOVES in connection.info:
        return None
    mark = connection.info.get(MARK)
    if mark is None:
        mark = connection.info[MARK] = _mark_among(prepared.ask(connection, _READ, {}))
    return mark


class _Outside(NamedTuple):
    """What a request goes by that has begun no transaction; `version`: every commit ends it."""

    version: object
    mark: int | None


def _outside() -> _Outside | None:
    """Return what a request goes by that has begun no transaction, which it reads once.

    To begin one and end it takes a tenth of what a small answer does. None elsewhere, for nobody
    would read it again.
    """
    found: _Outside | None = OUTSIDE.get()
    if found is None and has_request_context() and not is_in_transaction():
        version = version_outside()
        if version is not None:
            values: Values = current_app.extensions["portal-committed"]
            mark = values.get(version, "mark", lambda: _mark_among(read_outside(_READ, {})))
            found = _Outside(version, mark)
            OUTSIDE.set(found)
    return found


def _mark_among(rows: Rows | None) -> int | None:
    return rows[0][0] if rows else None


def _forget_outside(_error: BaseException | None) -> None:
    OUTSIDE.set(None)


@cache
def _settled_tables() -> frozenset[str]:
    """Return the tables of the portal but those whose rows come and go all day."""
    passing = {
        str(mapper.local_table)
        for mapper in Base.registry.mappers
        if not getattr(mapper.class_, "is_settled", True)
    }
    return frozenset(Model.metadata.tables) - passing


def _listen(engine: Engine) -> None:
    @event.listens_for(engine, "before_execute")
    def note_writing(
        connection: Connection,
        statement: Any,
        _many: object,
        _values: object,
        options: Mapping[str, Any],
    ) -> None:
        if (
            isinstance(statement, UpdateBase)
            and str(statement.table) in _settled_tables()
            and "keeps_settled" not in options
        ):
            connection.info[_MOVES] = True

    @event.listens_for(engine, "savepoint")
    def note_savepoint(connection: Connection, _name: str) -> None:
        connection.info.setdefault(_SAVEPOINTS, []).append(_MOVES in connection.info)

    @event.listens_for(engine, "release_savepoint")
    def leave(connection: Connection, _name: str, _context: object) -> None:
        connection.info[_SAVEPOINTS].pop()

    @event.listens_for(engine, "rollback_savepoint")
    def undo(connection: Connection, _name: str, _context: object) -> None:
        # One that is lost has taken all that was noted with it.
        if not connection.invalidated and not connection.info[_SAVEPOINTS].pop():
            connection.info.pop(_MOVES, None)

    @event.listens_for(engine, "commit")
    def move_mark(connection: Connection) -> None:
        # At the very end, so that two who change different things hardly wait for each other.
        if connection.info.get(_MOVES):
            values = {"mark": secrets.randbits(62)}
            if not connection.execute(update(SettledMark).values(values)).rowcount:
                connection.execute(insert(SettledMark).values(id=1, **values))
        begin_anew(connection)

    @event.listens_for(engine, "rollback")
    def begin_anew(connection: Connection) -> None:
        for name in () if connection.invalidated else (MARK, _MOVES, _SAVEPOINTS):
            connection.info.pop(name, None)

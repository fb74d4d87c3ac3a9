"""The database session, the declarative base, column types, and the one write transaction.

Nothing outside the kernel commits. SQLite by default (WAL, foreign keys, `BEGIN IMMEDIATE` for
writes), PostgreSQL by `DATABASE_URL`.
"""

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from copy import deepcopy
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    CheckConstraint,
    Connection,
    Engine,
    Insert,
    MetaData,
    Select,
    Table,
    bindparam,
    event,
    insert,
    inspect,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidRequestError, OperationalError, PendingRollbackError
from sqlalchemy.orm import (
    DeclarativeBase,
    InstanceState,
    Mapped,
    Mapper,
    Session,
    mapped_column,
    registry,
)
from sqlalchemy.orm.attributes import instance_state, set_committed_value
from sqlalchemy.orm.interfaces import ORMOption
from sqlalchemy.sql.dml import UpdateBase

from portal.kernel import prepared, sqlite
from portal.kernel.clock import now
from portal.kernel.instants import UtcDateTime
from portal.kernel.outside import Reader, read_outside
from portal.kernel.prepared import Rows, Values

log = logging.getLogger(__name__)

#: Where a connection has the mark of `kernel/settled.py`, as its transaction has read it.
MARK = "settled-mark"
#: Where a connection has the name of the savepoint that is its whole transaction.
_WHOLE = "whole-savepoint"
_writing: ContextVar[bool] = ContextVar("writing", default=False)
_waiting: ContextVar[bool] = ContextVar("waiting", default=True)


JsonValue = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class Base(DeclarativeBase):
    """The base of every table: constraint names by convention, types by annotation.

    locked_after: the many-to-one (loaded beforehand) whose row is locked before one of these, so
    that whoever changes several of them locks in one order.
    is_settled: whether `kernel/settled.py` may keep what depends on it; tables whose rows come and
    go all day say no.
    """

    locked_after: ClassVar[str | None] = None
    is_settled: ClassVar[bool] = True

    # On the registry, not on the class: Flask-SQLAlchemy derives a second base from this one.
    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={
            dt.datetime: UtcDateTime(),
            dict[str, Any]: JsonValue,
            list[dict[str, Any]]: JsonValue,
            list[str]: JsonValue,
        },
    )


M = TypeVar("M", bound=Base)
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
session = db.session

if TYPE_CHECKING:

    class Model(Base):
        """For the type checker: what `db.Model` is at run time."""

        __abstract__ = True
else:
    Model = db.Model


def known_values(
    column: str, values: Iterable[str], *, is_optional: bool = False
) -> CheckConstraint:
    """The database's own constraint that a column has one of the values (or is empty)."""
    listed = ", ".join(f"'{value}'" for value in ([""] if is_optional else []) + list(values))
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


#: The last argument of a table whose rows are named by number elsewhere: in addresses, labels,
#: calendars, histories. Else SQLite gives the number of the last row, once deleted, to the next.
NO_NUMBER_TWICE: Mapping[str, Any] = {"sqlite_autoincrement": True}


class Identified:
    """A row with a number of its own."""

    id: Mapped[int] = mapped_column(primary_key=True, sort_order=-1)


class Timestamped:
    """When a row was made and last changed, and a version that grows with every change."""

    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    updated_at: Mapped[dt.datetime] = mapped_column(default=now, onupdate=now)


def init_database(app: Flask) -> None:
    """Bind the session to the app's database and make SQLite keep its promises."""
    url = with_driver(app.config["DATABASE_URL"] or f"sqlite:///{app.instance_path}/portal.db")
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = (
        {"connect_args": {"timeout": app.config["SQLITE_BUSY_SECONDS"]}}
        if url.startswith("sqlite")
        else pool_options(app)
    )
    db.init_app(app)
    with app.app_context():
        engine = db.engine
        app.extensions["portal-reader"] = Reader(engine)
        path = engine.url.database if engine.dialect.name == "sqlite" else None
        app.extensions["portal-log"] = sqlite.Log(path) if path else None
        if engine.dialect.name == "sqlite":
            _prepare_sqlite(engine, app.config["SQLITE_BUSY_SECONDS"])
            _prepare_savepoints(engine, prepared.tell)
        else:
            # Who does without it need not wait for its driver to load.
            from portal.kernel.postgresql import prepare_postgresql, tell

            prepare_postgresql(engine)
            _prepare_savepoints(engine, tell)


def with_driver(url: str) -> str:
    """A database's URL as SQLAlchemy wants it: PostgreSQL's with the driver that we use."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def pool_options(app: Flask) -> dict[str, Any]:
    """How an app keeps connections to a PostgreSQL server."""
    return {"pool_size": app.config["DATABASE_POOL_SIZE"]}


def _prepare_sqlite(engine: Engine, busy_seconds: float) -> None:
    @event.listens_for(engine, "connect")
    def set_pragmas(connection: DBAPIConnection, _record: object) -> None:
        # The driver must not open transactions by itself, or reads would take the write lock.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "foreign_keys=ON",
            "synchronous=NORMAL",
            f"wal_autocheckpoint={sqlite.MOST_LEFT}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        if _waiting.get() or not _writing.get():
            prepared.tell(connection, "BEGIN IMMEDIATE" if _writing.get() else "BEGIN")
            return
        prepared.tell(connection, "PRAGMA busy_timeout = 0")
        try:
            prepared.tell(connection, "BEGIN IMMEDIATE")
        finally:
            prepared.tell(connection, f"PRAGMA busy_timeout = {round(busy_seconds * 1000)}")


def _prepare_savepoints(engine: Engine, tell: Callable[[Connection, str], object]) -> None:
    """Say by name what SQLAlchemy would compile anew each time, and nothing of the first one.

    A command's own savepoint is set before anything is written, so that to undo it is to undo all
    of the transaction. For one that it knows of, SQLite keeps a copy of every page that is changed
    after it, mostly in a file that it makes and deletes again; PostgreSQL is asked twice more.
    """

    def forget(connection: Connection) -> None:
        connection.info.pop(_WHOLE, None)

    def begin(connection: Connection, name: str) -> None:
        if _writing.get() and _WHOLE not in connection.info:
            connection.info[_WHOLE] = name
        else:
            tell(connection, f"SAVEPOINT {name}")

    def release(connection: Connection, name: str) -> None:
        if connection.info.get(_WHOLE) != name:
            tell(connection, f"RELEASE {name}")

    def undo(connection: Connection, name: str) -> None:
        if connection.info.get(_WHOLE) != name:
            tell(connection, f"ROLLBACK TO {name}")
            return
        tell(connection, "ROLLBACK")
        if engine.dialect.name == "sqlite":
            # Nothing more is written in it, but it is to end as any other.
            tell(connection, "BEGIN")

    event.listen(engine, "begin", forget)
    dialect: Any = engine.dialect
    dialect.do_savepoint = begin
    dialect.do_release_savepoint = release
    dialect.do_rollback_to_savepoint = undo


def is_in_transaction() -> bool:
    """Tell whether the session has begun a transaction; if there is none yet, none is made."""
    return session.registry.has() and session().in_transaction()


def is_writing() -> bool:
    """Tell whether a write transaction of ours is open."""
    return _writing.get()


@contextmanager
def unit_of_work() -> Iterator[None]:
    """Run a block as one write transaction: committed once, at the outermost, or not at all.

    The block runs in a savepoint, so that a refusal leaves what the caller had loaded usable for
    the page that explains it.
    """
    if _writing.get():
        yield
        return
    db_session = session()
    reading = _end_reading(db_session)
    token = _writing.set(True)
    try:
        with _in_line():
            try:
                if reading is not None:
                    reading.info.pop(_WHOLE, None)
                    prepared.tell(reading, "BEGIN IMMEDIATE")
                try:
                    with db_session.begin_nested():
                        yield
                except BaseException:
                    # The savepoint is already undone: nothing but the lock is left, if that is.
                    with suppress(PendingRollbackError):
                        db_session.commit()
                    raise
                db_session.commit()
            except BaseException:
                db_session.rollback()
                raise
    finally:
        _writing.reset(token)


def _end_reading(db_session: Session) -> Connection | None:
    """End the read transaction, whose snapshot would be stale.

    Returns the connection of SQLite on which only the database's transaction is over, since to part
    from it and to take it again costs more than half of what is written.
    """
    if not db_session.in_transaction():
        return None
    connection: Connection | None = db_session.info.get(_CONNECTION)
    if (
        connection is None
        or connection.dialect.name != "sqlite"
        or db_session.in_nested_transaction()
        or not _waiting.get()
    ):
        db_session.commit()
        return None
    db_session.flush()
    connection.dispatch.commit(connection)
    prepared.tell(connection, "COMMIT")
    return connection


#: Where a session has the connection of its transaction, which takes long to ask for.
_CONNECTION = "connection"
#: What holds as long as the session begins no transaction, and no longer than the request.
OUTSIDE: ContextVar[Any] = ContextVar("outside", default=None)


@event.listens_for(Session, "after_begin")
def _know_connection(db_session: Session, _transaction: object, connection: Connection) -> None:
    db_session.info[_CONNECTION] = connection


# A savepoint begins when its connection is asked for the first time.
@event.listens_for(Session, "after_transaction_create")
@event.listens_for(Session, "after_transaction_end")
def _forget_connection(db_session: Session, _transaction: object) -> None:
    db_session.info.pop(_CONNECTION, None)
    OUTSIDE.set(None)


def present_connection() -> Connection:
    """Return the connection of the session's transaction."""
    return _connection_of(session())


def _connection_of(db_session: Session) -> Connection:
    known: Connection | None = db_session.info.get(_CONNECTION)
    return db_session.connection() if known is None else known


@contextmanager
def _in_line() -> Iterator[None]:
    """Wait for our turn to write to SQLite; on PostgreSQL there is none."""
    written: sqlite.Log | None = current_app.extensions["portal-log"]
    if written is None:
        yield
        return
    seconds = current_app.config["SQLITE_BUSY_SECONDS"] if _waiting.get() else 0
    with ExitStack() as turn:
        try:
            turn.enter_context(sqlite.in_line(written.path, seconds=seconds))
        except OSError as error:
            raise OperationalError("", None, error) from error
        yield
    written.note_commit()


@contextmanager
def unless_busy() -> Iterator[None]:
    """Run a block that writes something of little weight: it is let go while somebody else writes.

    For commands that a page brings along: nobody who reads may wait for a writer, or be refused.
    """
    token = _waiting.set(False)
    try:
        yield
    except OperationalError as error:
        log.info("not written, since the database is busy: %s", error.orig)
    finally:
        _waiting.reset(token)


@event.listens_for(Session, "before_flush")
def _refuse_writes_outside(db_session: Session, _context: object, _instances: object) -> None:
    if not _writing.get():
        raise RuntimeError("rows were changed outside a command")


class Overtaken(Exception):
    """Somebody else changed at the same moment to what a row belongs."""


def reload(row: Model, *options: ORMOption) -> None:
    """Read a row again with what the options load, for a command that holds its lock."""
    session.get_one(type(row), inspect(row).identity, options=options, populate_existing=True)


def lock(row: Model) -> bool:
    """Read a row's columns again under the write lock (a row lock on PostgreSQL).

    Return whether somebody has changed them since they were read.
    Raises `sqlalchemy.exc.InvalidRequestError` when the row is gone, and Overtaken when it belongs
    to another row by now than the one that was locked before it.
    """
    if row.locked_after is not None:
        lock(getattr(row, row.locked_after))
    state = instance_state(row)
    statement, names = _lock_statement(state.mapper)
    rows = read_rows(statement, _keys(state))
    if not rows:
        raise InvalidRequestError("the row is gone")
    (found,) = rows
    if row.locked_after is not None:
        number = f"{row.locked_after}_id"
        if found[names.index(number)] != getattr(row, row.locked_after).id:
            raise Overtaken(number)
    known, is_changed = state.dict, False
    for name, value in zip(names, found, strict=True):
        if name not in known or known[name] != value:
            is_changed |= name in known
            set_committed_value(row, name, value)
    # While this one waited, another transaction may have ended.
    present_connection().info.pop(MARK, None)
    return is_changed


@cache
def _lock_statement(mapper: Mapper[Any]) -> tuple[Select[*tuple[Any, ...]], list[str]]:
    # Put together once for a table: a refresh would do it anew each time.
    names = [attribute.key for attribute in mapper.column_attrs]
    statement = select(*(attribute.columns[0] for attribute in mapper.column_attrs)).where(
        *(column == bindparam(f"key_{column.name}") for column in mapper.primary_key)
    )
    return statement.with_for_update(), names


def _keys(state: InstanceState[Any]) -> dict[str, Any]:
    columns = (column.name for column in state.mapper.primary_key)
    return {f"key_{name}": value for name, value in zip(columns, state.identity or (), strict=True)}


def read_rows(statement: Any, values: Values) -> Rows:
    """Return the rows of plain columns that a statement finds, past the session's entities.

    What the session has changed is written first, as ever; entities that it has loaded stay as they
    are. Statements that are the same object each time are put together once; a list among the
    values is for an `IN`.
    """
    return prepared.ask(_flushed(), statement, values)


def read_committed(statement: Any, values: Values) -> Rows:
    """Return what a statement finds among what is committed; in our transaction if there is one.

    For what most pages ask and need no more of.
    """
    if is_in_transaction():
        return read_rows(statement, values)
    return read_outside(statement, values)


def change_rows(statement: UpdateBase, values: Values) -> int:
    """Change rows past the session's entities, as `read_rows` reads them; return how many."""
    return prepared.change(_flushed(), statement, values)


def insert_row(model: type[Base], values: Values) -> dict[str, Any]:
    """Insert a row that has a number of its own; return its columns, the defaults among them."""
    row = _filled(model, values)
    row["id"] = prepared.insert(_flushed(), _insert_of(model), row)
    return row


def insert_rows(model: type[Base], rows: Iterable[Values]) -> None:
    """Insert several rows at once, of which the same columns are given."""
    filled = [_filled(model, row) for row in rows]
    prepared.insert_each(_flushed(), _insert_of(model), filled)


def _flushed() -> Connection:
    """Return the session's connection, after what it has changed is written."""
    db_session = session()
    db_session.flush()
    return _connection_of(db_session)


def _filled(model: type[Base], values: Values) -> dict[str, Any]:
    """Return values with the defaults of those that are missing."""
    plain, made = _defaults_of(model)
    row = {**plain, **values}
    for name, make in made:
        if name not in values:
            row[name] = make()
    return row


def write(model: type[M], *, related: Values | None = None, **values: Any) -> M:
    """Insert a row and return it, in a third of the time that a flush takes.

    related: the rows that it leads to, as far as they are known, by name.
    """
    written = insert_row(model, values)
    key = model.__mapper__.identity_key_from_primary_key((written["id"],))
    undone = session.identity_map.get(key)
    if undone is not None:  # with its savepoint, and SQLite gave its number away again
        session.expunge(undone)
    return put_row(model, key, {**_empty(model), **written, **(related or {})})


def put_row(model: type[M], key: Any, values: Values, unread: Iterable[str] = ()) -> M:
    """Return a row that is now the session's as if it had been read, in a tenth of the time.

    key: its identity; the session must not have it yet. unread: the columns that `values` lacks.
    """
    db_session = session()
    row = cast(M, model.__mapper__.class_manager.new_instance())
    state = instance_state(row)
    row.__dict__.update(values)
    state.key, state.session_id = key, db_session.hash_key
    state.expired_attributes.update(unread)
    db_session.identity_map.add(state)
    return row


@cache
def _empty(model: type[Base]) -> dict[str, None]:
    return {attribute.key: None for attribute in inspect(model).column_attrs}


@cache
def _defaults_of(
    model: type[Base],
) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]]]:
    """Return the defaults that are always the same value, and what makes the others."""
    plain: dict[str, Any] = {}
    made: list[tuple[str, Callable[[], Any]]] = []
    for column in model.__table__.columns:
        default: Any = column.default
        if default is None or column.primary_key:
            continue
        if default.is_callable:
            # SQLAlchemy wraps each function, to give it what none of ours takes.
            made.append((column.key, partial(default.arg, None)))
        elif isinstance(default.arg, str | int | None):
            plain[column.key] = default.arg
        else:
            made.append((column.key, partial(deepcopy, default.arg)))
    return plain, made


@cache
def _insert_of(model: type[Base]) -> Insert:
    return insert(cast(Table, model.__table__))


def is_deadlock(error: OperationalError) -> bool:
    """Tell whether PostgreSQL ended a transaction because two waited for each other."""
    return getattr(error.orig, "sqlstate", None) == "40P01"

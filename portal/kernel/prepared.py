"""Statements about plain columns, put together once and then given straight to SQLite's driver.

What SQLAlchemy does around a statement takes ten times as long as SQLite takes to answer it. On
PostgreSQL they go through SQLAlchemy, as everything else does.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection, Dialect, Insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import UpdateBase

Rows: TypeAlias = Sequence[Sequence[Any]]
Values: TypeAlias = Mapping[str, Any]
_Processor: TypeAlias = Callable[[Any], Any] | None


def ask(connection: Connection, statement: Any, values: Values) -> Rows:
    """Return the rows that a statement finds; a list among the values is for an `IN`."""
    if connection.dialect.name != "sqlite":
        return connection.execute(statement, values).all()
    return _prepared(connection, statement, values).ask(connection, values)


def change(connection: Connection, statement: UpdateBase, values: Values) -> int:
    """Return how many rows a statement has changed."""
    if connection.dialect.name != "sqlite":
        return connection.execute(statement, values).rowcount
    return _prepared(connection, statement, values).run(connection, values).rowcount


def insert(connection: Connection, statement: Insert, values: Values) -> int:
    """Insert a row, of which all is known that it does not get from the database; its number."""
    if connection.dialect.name != "sqlite":
        (number,) = connection.execute(statement, values).inserted_primary_key or (None,)
    else:
        number = _prepared(connection, statement, values).run(connection, values).lastrowid
    if number is None:
        raise ValueError("only rows with a number of their own are inserted like this")
    return int(number)


def insert_each(connection: Connection, statement: Insert, rows: Sequence[Values]) -> None:
    """Insert rows of the same columns at once; nobody is told their numbers."""
    if not rows:
        return
    if connection.dialect.name != "sqlite":
        connection.execute(statement, rows)
    else:
        _prepared(connection, statement, rows[0]).run_each(connection, rows)


def tell(connection: Connection, text: str) -> None:
    """Tell SQLite to begin or end something."""
    _give(connection, text)


def _prepared(connection: Connection, statement: Any, values: Values) -> "_Prepared":
    shape = [(name, len(value)) if type(value) is list else name for name, value in values.items()]
    key = (statement, *shape)
    found = _known.get(key)
    if found is None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        found = _known[key] = _Prepared(connection.dialect, statement, values)
    return found


_MOST_KNOWN = 1000
_known: dict[tuple[object, ...], "_Prepared"] = {}


class _Prepared:
    """A statement for values of some names, and lists of some lengths among them."""

    def __init__(self, dialect: Dialect, statement: Any, values: Values) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(values))
        if compiled.insert_prefetch or compiled.update_prefetch:
            raise ValueError("SQLAlchemy would fill in a column of this")
        self._statement = statement
        expanded = compiled.construct_expanded_state(values)
        self._text = expanded.statement
        pieces = {
            piece: (name, at)
            for name, parts in expanded.parameter_expansion.items()
            for at, piece in enumerate(parts)
        }
        #: In the driver's order: what is always the same, and room for the rest.
        self._always: list[Any] = []
        #: Where else a value of some name is put in, where it stands in a list, how it is written.
        self._binds: list[tuple[int, str, int | None, _Processor]] = []
        #: Where whole lists are put in, as they are.
        self._lists: list[tuple[int, str]] = []
        for place, piece in enumerate(expanded.positiontup or ()):
            name, at = pieces.get(piece, (piece, None))
            process = compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
            always = None if name in values else expanded.parameters[piece]
            self._always.append(process(always) if process and name not in values else always)
            if name not in values:
                continue
            if at is None or process is not None:
                self._binds.append((place, name, at, process))
            elif at == 0:
                self._lists.append((place, name))
        columns = statement.selected_columns if not isinstance(statement, UpdateBase) else ()
        found = [column.type.dialect_impl(dialect) for column in columns]
        readers = [one.result_processor(dialect, None) for one in found]
        self._readers = [(at, reader) for at, reader in enumerate(readers) if reader]

    def ask(self, connection: Connection, values: Values) -> Rows:
        rows = self.run(connection, values).fetchall()
        if not self._readers:
            return rows
        read = [list(row) for row in rows]
        for row in read:
            for at, reader in self._readers:
                row[at] = reader(row[at])
        return read

    def run(self, connection: Connection, values: Values) -> sqlite3.Cursor:
        """Run it, telling those who listen to statements as SQLAlchemy would."""
        self._tell_of(connection, values)
        return _give(connection, self._text, self._parameters(values))

    def run_each(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Run it for each of several values."""
        self._tell_of(connection, rows)
        _give(connection, self._text, [self._parameters(row) for row in rows], are_many=True)

    def _tell_of(self, connection: Connection, values: Any) -> None:
        if isinstance(self._statement, UpdateBase):
            options = self._statement.get_execution_options()
            for listener in connection.engine.dispatch.before_execute:
                listener(connection, self._statement, (), values, options)

    def _parameters(self, values: Values) -> list[Any]:
        parameters = self._always.copy()
        for place, name, at, process in self._binds:
            value = values[name] if at is None else values[name][at]
            parameters[place] = process(value) if process else value
        for place, name in self._lists:
            its = values[name]
            parameters[place : place + len(its)] = its
        return parameters


def _give(
    connection: Connection, text: str, parameters: Sequence[Any] = (), *, are_many: bool = False
) -> sqlite3.Cursor:
    said = (connection, None, text, parameters, None, are_many)
    # Nobody listens to a connection alone, and the engine is quicker to ask.
    heard = connection.engine.dispatch
    for listener in heard.before_cursor_execute:
        listener(*said)
    driver: Any = connection.connection.driver_connection
    try:
        give = driver.executemany if are_many else driver.execute
        cursor: sqlite3.Cursor = give(text, parameters)
    except sqlite3.Error as error:
        raise DBAPIError.instance(
            text, parameters, error, sqlite3.Error, dialect=connection.dialect
        ) from error
    for listener in heard.after_cursor_execute:
        listener(*said)
    return cursor

"""Statements about plain columns, put together once and then given straight to the driver.

What SQLAlchemy does around a statement takes ten times as long as SQLite takes to answer it, and
twice as long as PostgreSQL.
"""

import re
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
    return _prepared(connection, statement, values).ask(connection, values)


def change(connection: Connection, statement: UpdateBase, values: Values) -> int:
    """Return how many rows a statement has changed."""
    changed: int = _prepared(connection, statement, values).run(connection, values).rowcount
    return changed


def insert(connection: Connection, statement: Insert, values: Values) -> int:
    """Insert a row, of which all is known that it does not get from the database; its number."""
    return _prepared(connection, statement, values).insert(connection, values)


def insert_each(connection: Connection, statement: Insert, rows: Sequence[Values]) -> None:
    """Insert rows of the same columns at once; nobody is told their numbers."""
    if rows:
        _prepared(connection, statement, rows[0]).run_each(connection, rows)


def tell(connection: Connection, text: str) -> None:
    """Tell the database to begin or end something."""
    _give(connection, text)


def _prepared(connection: Connection, statement: Any, values: Values) -> "_Prepared":
    shape = [(name, len(value)) if type(value) is list else name for name, value in values.items()]
    key = (statement, connection.dialect.name, *shape)
    found = _known.get(key)
    if found is None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        found = _known[key] = _Prepared(connection.dialect, statement, values)
    return found


_MOST_KNOWN = 1000
#: So many rows are inserted by one statement.
_MOST_ROWS = 100
_known: dict[tuple[object, ...], "_Prepared"] = {}


class _Prepared:
    """A statement for values of some names, and lists of some lengths among them."""

    def __init__(self, dialect: Dialect, statement: Any, values: Values) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(values))
        if compiled.insert_prefetch or compiled.update_prefetch:
            raise ValueError("SQLAlchemy would fill in a column of this")
        self._statement = statement
        expanded = compiled.construct_expanded_state(values)
        self._text, order = _numbered(expanded.statement, expanded.positiontup)
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
        for place, piece in enumerate(order):
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
        self._dialect = dialect
        self._columns = () if isinstance(statement, UpdateBase) else statement.selected_columns
        #: Of the columns that are not read as the driver gives them, known from the first answer.
        self._readers: list[tuple[int, Callable[[Any], Any]]] | None = None
        self._returns = bool(compiled.effective_returning)

    def ask(self, connection: Connection, values: Values) -> Rows:
        cursor = self.run(connection, values)
        rows: Rows = cursor.fetchall()
        readers = self._readers
        if readers is None:
            readers = self._readers = self._readers_of(cursor.description)
        if not readers:
            return rows
        read = [list(row) for row in rows]
        for row in read:
            for at, reader in readers:
                row[at] = reader(row[at])
        return read

    def _readers_of(self, description: Any) -> list[tuple[int, Callable[[Any], Any]]]:
        readers = []
        for at, (column, told) in enumerate(zip(self._columns, description, strict=True)):
            found = column.type.dialect_impl(self._dialect)
            reader = found.result_processor(self._dialect, told[1])
            if reader is not None:
                readers.append((at, reader))
        return readers

    def insert(self, connection: Connection, values: Values) -> int:
        cursor = self.run(connection, values)
        number = cursor.fetchone()[0] if self._returns else getattr(cursor, "lastrowid", None)
        if number is None:
            raise ValueError("only rows with a number of their own are inserted like this")
        return int(number)

    def run(self, connection: Connection, values: Values) -> Any:
        """Run it, telling those who listen to statements as SQLAlchemy would."""
        self._tell_of(connection, values)
        return _give(connection, self._text, self._parameters(values))

    def run_each(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Insert each of several rows, so many at once."""
        self._tell_of(connection, rows)
        for at in range(0, len(rows), _MOST_ROWS):
            some = rows[at : at + _MOST_ROWS]
            parameters = [value for row in some for value in self._parameters(row)]
            _give(connection, self._text_of(len(some)), parameters)

    def _text_of(self, number: int) -> str:
        """Return the text that inserts so many rows."""
        before, word, row = self._text.partition(" VALUES ")
        row, returning, after = row.partition(" RETURNING ")
        rows = (
            _NUMBER.sub(lambda found, at=at: f"${int(found[1]) + at * len(self._always)}", row)  # type: ignore[misc]
            for at in range(number)
        )
        return f"{before}{word}{', '.join(rows)}{returning}{after}"

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


def _numbered(text: str, order: Sequence[str] | None) -> tuple[str, Sequence[str]]:
    """Return a text that has its values in order, and what SQLAlchemy calls them.

    SQLite's has them so. PostgreSQL's names them, and is to have numbers as the server has.
    """
    if order is not None:
        return text, order
    names = list(dict.fromkeys(_NAME.findall(text)))
    return _NAME.sub(lambda found: f"${names.index(found[1]) + 1}", text).replace("%%", "%"), names


_NAME = re.compile(r"%\((\w+)\)s")
_NUMBER = re.compile(r"\$(\d+)")


def _give(connection: Connection, text: str, parameters: Sequence[Any] = ()) -> Any:
    """Return the cursor of a statement; its rows are read before the next one."""
    said = (connection, None, text, parameters, None, False)
    # Nobody listens to a connection alone, and the engine is quicker to ask.
    heard = connection.engine.dispatch
    for listener in heard.before_cursor_execute:
        listener(*said)
    cursor = give_unheard(connection, text, parameters)
    for listener in heard.after_cursor_execute:
        listener(*said)
    return cursor


def give_unheard(connection: Connection, text: str, parameters: Sequence[Any] = ()) -> Any:
    """Return the cursor of a statement that is no concern of those who listen."""
    known = connection.info
    cursor = known.get(_CURSOR)
    try:
        if cursor is None:
            cursor = known[_CURSOR] = _make_cursor(connection)
        cursor.execute(text, parameters)
    except Exception as error:  # each driver has a class of its own
        _refuse(connection, text, parameters, error)
        raise
    return cursor


def _make_cursor(connection: Connection) -> Any:
    """Return a cursor that gives the server texts as they are."""
    driver: Any = connection.connection.dbapi_connection
    make = getattr(connection.dialect.loaded_dbapi, "RawCursor", None)
    return make(driver) if make else driver.cursor()


def _refuse(connection: Connection, text: str, parameters: Any, error: Exception) -> None:
    """Raise as SQLAlchemy would what a driver has said; who is lost is not asked again."""
    dialect = connection.dialect
    kind: Any = dialect.loaded_dbapi.Error
    if not isinstance(error, kind):
        return
    is_lost = dialect.is_disconnect(error, connection.connection.dbapi_connection, None)
    if is_lost:
        connection.invalidate(error)
    raise DBAPIError.instance(
        text, parameters, error, kind, dialect=dialect, connection_invalidated=is_lost
    ) from error


#: Where a connection has the cursor of these statements: to make one takes as long as to use it.
_CURSOR = "cursor"

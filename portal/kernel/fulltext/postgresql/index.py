"""The index in PostgreSQL: its generations, the one writer, and readers that need nothing local.

Keeps and serves what it is given; what belongs into the index is decided by the domains.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, Final, TypeAlias, TypeVar

from psycopg import errors, sql
from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Executable,
    Table,
    Text,
    cast,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as insert_new
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.schema import CreateSchema, DropTable

from portal.kernel.fulltext.asked import understand
from portal.kernel.fulltext.port import (
    WARMING,
    Document,
    IndexBusy,
    IndexOutOfReach,
    IndexUnavailable,
    Key,
    Query,
    QueryTooCostly,
    Results,
    Status,
    Suggestion,
)
from portal.kernel.fulltext.postgresql.executor import Executor
from portal.kernel.fulltext.postgresql.tables import (
    CURRENT,
    FORMAT,
    SCHEMA,
    Generation,
    generation,
    values_of,
)
from portal.kernel.fulltext.vocabulary import Vocabulary

_ATTEMPTS: Final = 5
_CHUNK: Final = 1_000
_TABLE: Final = re.compile(r"(?:document|content|word)_(\d+)")
_WRITER_LOCK: Final = 5_061_973_001
"""The number of the lock that the one writer holds; any will do that others do not use."""

# For the transaction of one answer. Compiling a plan takes longer than most answers, a plan for
# any words is worse than one for these, and a reader who is stuck must not hold up others.
_READING: Final = {
    "statement_timeout": "2000",
    "idle_in_transaction_session_timeout": "10000",
    "jit": "off",
    "plan_cache_mode": "force_custom_plan",
    "max_parallel_workers_per_gather": "0",
    "work_mem": "32MB",
    "pg_trgm.similarity_threshold": "0.1",
    # What is searched a lot is in memory, where it costs little to jump about.
    "random_page_cost": "1.1",
}
# For all that a query finds, while somebody waits.
_WAITED_FOR: Final = _READING | {"statement_timeout": "5000"}
# For what nobody waits for at a page.
_CHECKING: Final = _READING | {"statement_timeout": "60000"}
_BUILDING: Final = {"statement_timeout": "0", "maintenance_work_mem": "256MB"}


_MANY_WORDS: Final = 8
"""More than people type, fillers left out: what asks for so many must be quick."""
_HURRIED_SECONDS: Final = 0.45
_SECONDS: Final = 3.0

Reader: TypeAlias = tuple[Connection, Generation]
_T = TypeVar("_T")
_known = lru_cache(maxsize=8)(generation)


class PostgreSQLIndex:
    """The full-text index kept in a PostgreSQL database, for any number of threads and processes.

    The schema `search` holds the tables of each generation and the table `current`, which names
    the one in use. A missing or outdated index raises `IndexUnavailable` when it is used, until
    `rebuild` has written a new one. `vocabulary` is asked at every search by what else the words
    of a query may be said.
    """

    def __init__(
        self, engine: Engine, vocabulary: Callable[[], Vocabulary | None] = lambda: None
    ) -> None:
        self._engine = engine
        self._vocabulary = vocabulary
        # One snapshot for all statements of an answer, and nothing to write by mistake.
        self._reading_engine = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    # Reading

    def warm(self) -> None:
        """Search once: connect, and have statements and the stemmer ready."""
        self.search(WARMING)

    def search(self, query: Query) -> Results:
        reread = partial(understand, vocabulary=self._vocabulary())
        asked = reread(query.text)

        def answer(reader: Reader) -> Results:
            connection, tables = reader
            words = sum(len(unit.terms) for unit in (*asked.wanted, *asked.unwanted))
            runner = _Timed(connection, _HURRIED_SECONDS if words > _MANY_WORDS else _SECONDS)
            executor = Executor(runner, tables, query.audience, query.hidden)
            return executor.search(query, asked, reread)

        return self._read(answer)

    def matching(self, query: Query, *, is_waited_for: bool = False) -> frozenset[Key]:
        """All documents that have the words as typed; limit, offset and sort do not matter.

        is_waited_for: give up after some seconds.
        """
        asked = understand(query.text, self._vocabulary())
        return self._read(
            lambda reader: Executor(*reader, query.audience, query.hidden).matching(query, asked),
            _WAITED_FOR if is_waited_for else _CHECKING,
        )

    def suggest(
        self, prefix: str, audience: frozenset[str], limit: int = 8
    ) -> tuple[Suggestion, ...]:
        """Visible documents whose titles or keywords have words beginning like those typed.

        The best come first, but those of a kind stand together. At most 50.
        """
        return self._read(lambda reader: Executor(*reader, audience).suggest(prefix, limit))

    def keys(self) -> Mapping[Key, datetime]:
        """Every document in the index with its `updated_at`, to compare with the database."""

        def keys(reader: Reader) -> dict[Key, datetime]:
            connection, tables = reader
            document = tables.document.c
            rows = connection.execute(select(document.kind, document.id, document.updated_at))
            return {(kind, number): updated.astimezone(UTC) for kind, number, updated in rows}

        return self._read(keys, _CHECKING)

    def digests(self) -> Mapping[Key, bytes]:
        """The `digest` that each document had when it was put in, to compare contents."""

        def digests(reader: Reader) -> dict[Key, bytes]:
            connection, tables = reader
            content = tables.content.c
            rows = connection.execute(select(content.kind, content.id, content.digest))
            return {(kind, number): digest for kind, number, digest in rows}

        return self._read(digests, _CHECKING)

    def status(self) -> Status:
        def count(reader: Reader) -> Status:
            connection, tables = reader
            documents = connection.scalar(select(func.count()).select_from(tables.document))
            return Status(documents=documents or 0, generation=tables.name, segments=1)

        return self._read(count)

    def _read(self, answer: Callable[[Reader], _T], settings: Mapping[str, str] = _READING) -> _T:
        for attempt in range(_ATTEMPTS):
            try:
                with self._reading_engine.connect() as connection:
                    return answer((connection, _current(connection, settings)))
            except DBAPIError as error:
                # A rebuild may have dropped the tables between our finding and reading them.
                if not _is_missing(error) or attempt == _ATTEMPTS - 1:
                    raise _explained(error) from error
        raise AssertionError("unreachable")

    # Writing

    def apply(
        self,
        documents: Iterable[Document] = (),
        deleted: Iterable[Key] = (),
        *,
        timeout: float = 10.0,
    ) -> None:
        """Delete and then add or replace documents, all in one commit.

        Raises `IndexBusy` if another writer holds on for more than `timeout` seconds.
        """
        added = {document.key: document for document in documents}
        gone = sorted({*deleted, *added})
        if not gone:
            return
        rows = [values_of(document) for document in added.values()]
        words = sorted({word for row in rows for word in row["words"]})
        with self._writing(timeout) as connection:
            tables = _current(connection)
            keys = select(
                func.unnest(cast([kind for kind, _ in gone], ARRAY(Text))),
                func.unnest(cast([number for _, number in gone], ARRAY(BigInteger))),
            )
            for table in (tables.document, tables.content):
                is_gone = tuple_(table.c.kind, table.c.id).in_(keys)
                connection.execute(delete(table).where(is_gone))
                if rows:
                    connection.execute(insert(table), [_chosen(table, row) for row in rows])
            if words:
                connection.execute(
                    insert_new(tables.word).on_conflict_do_nothing(),
                    [{"word": word} for word in words],
                )

    def rebuild(
        self,
        documents: Iterable[Document],
        progress: Callable[[int], None] | None = None,
        *,
        timeout: float = 10.0,
    ) -> None:
        """Write a new generation from `documents` while the old one serves, and put it in place.

        Of several documents with one key the first counts. `progress` is told how many have been
        added so far. If anything fails, the old generation stays. Other writers wait meanwhile.
        """
        with self._writing(timeout) as connection:
            _set_locally(connection, _BUILDING)
            # Who may not make these can have them made by somebody who may.
            if not inspect(connection).has_schema(SCHEMA):
                connection.execute(CreateSchema(SCHEMA))
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
            CURRENT.create(connection, checkfirst=True)
            used = connection.scalar(select(func.max(CURRENT.c.number))) or 0
            fresh = generation(max([used, *_numbers(connection)]) + 1)
            for table in fresh.tables:
                table.create(connection)
            _fill(connection, fresh, documents, progress)
            connection.execute(delete(CURRENT))
            connection.execute(insert(CURRENT).values(number=fresh.number, format=FORMAT))
        self._drop_before(fresh.number)

    def _drop_before(self, number: int) -> None:
        """Drop older generations that nobody reads any more; the next rebuild drops the rest."""
        for older in _numbers(self._engine):
            if older < number:
                with suppress(OperationalError), self._engine.begin() as connection:
                    _set_locally(connection, {"lock_timeout": "1000"})
                    for table in generation(older).tables:
                        connection.execute(DropTable(table, if_exists=True))

    @contextmanager
    def _writing(self, timeout: float) -> Iterator[Connection]:
        """Be the only writer of all processes, in one transaction."""
        try:
            with self._engine.begin() as connection:
                _set_locally(connection, {"lock_timeout": str(max(1, round(timeout * 1000)))})
                connection.execute(select(func.pg_advisory_xact_lock(_WRITER_LOCK)))
                _set_locally(connection, {"lock_timeout": "0"})
                yield connection
        except DBAPIError as error:
            if isinstance(error.orig, errors.LockNotAvailable):
                raise IndexBusy("The search index is being written by another process") from error
            raise (_explained(error) if _is_missing(error) else error) from error


class _Timed:
    """A connection on which all statements of an answer together have so many seconds."""

    def __init__(self, connection: Connection, seconds: float) -> None:
        self._connection = connection
        self._end = time.monotonic() + seconds
        self._step = seconds / 10
        self._known = seconds + self._step

    def execute(self, statement: Executable) -> Any:
        left = self._end - time.monotonic()
        # To say it again costs a round trip, so what took but a moment does not count.
        if left < self._known - self._step:
            self._known = left
            timeout = str(max(1, round(left * 1000)))
            _set_locally(self._connection, {"statement_timeout": timeout})
        return self._connection.execute(statement)


def _current(connection: Connection, settings: Mapping[str, str] | None = None) -> Generation:
    """The generation in use, and in the same round trip the transaction's settings."""
    configured = (func.set_config(name, value, True) for name, value in (settings or {}).items())
    found = connection.execute(select(CURRENT.c.number, CURRENT.c.format, *configured)).first()
    if found is None:
        raise IndexUnavailable("There is no search index yet")
    if found.format != FORMAT:
        raise IndexUnavailable(f"The search index has another format: {found.format}")
    return _known(found.number)


def _set_locally(connection: Connection, settings: Mapping[str, str]) -> None:
    connection.execute(
        select(*(func.set_config(name, value, True) for name, value in settings.items()))
    )


def _fill(
    connection: Connection,
    fresh: Generation,
    documents: Iterable[Document],
    progress: Callable[[int], None] | None,
) -> None:
    seen: set[Key] = set()
    words: set[str] = set()
    rows: list[dict[str, Any]] = []
    for document in documents:
        if document.key in seen:
            continue
        seen.add(document.key)
        rows.append(values_of(document))
        words.update(rows[-1]["words"])
        if len(rows) == _CHUNK:
            _copy(connection, fresh.document, rows)
            _copy(connection, fresh.content, rows)
            rows = []
        if progress is not None:
            progress(len(seen))
    _copy(connection, fresh.document, rows)
    _copy(connection, fresh.content, rows)
    _copy(connection, fresh.word, [{"word": word} for word in sorted(words)])
    for index in fresh.indexes():
        index.create(connection)
    for table in fresh.tables:
        connection.execute(text(f"ANALYZE {table.fullname}"))


def _copy(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows the fastest way there is."""
    names = [column.name for column in table.columns]
    statement = sql.SQL("COPY {}.{} ({}) FROM STDIN").format(
        sql.Identifier(SCHEMA),
        sql.Identifier(table.name),
        sql.SQL(", ").join(map(sql.Identifier, names)),
    )
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([row[name] for name in names])


def _chosen(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    return {column.name: row[column.name] for column in table.columns}


def _numbers(bind: Connection | Engine) -> set[int]:
    """The generations of which there are tables."""
    names = inspect(bind).get_table_names(schema=SCHEMA)
    return {int(found[1]) for name in names if (found := _TABLE.fullmatch(name))}


def _is_missing(error: DBAPIError) -> bool:
    return isinstance(error.orig, errors.UndefinedTable | errors.InvalidSchemaName)


def _explained(error: DBAPIError) -> Exception:
    if _is_missing(error):
        return IndexUnavailable("There is no search index yet, or it is damaged")
    if isinstance(error.orig, errors.QueryCanceled):
        return QueryTooCostly("The answer would have taken too long")
    if isinstance(error, OperationalError):
        return IndexOutOfReach(f"The search index does not answer: {error.orig}")
    return error

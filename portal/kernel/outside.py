"""Reads what is committed, by whichever process, without a transaction.

To begin a transaction and to end it takes as long as several small statements, and what most
requests ask needs none.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from flask import current_app
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from portal.kernel import prepared
from portal.kernel.prepared import Rows, Values

T = TypeVar("T")

log = logging.getLogger(__name__)

#: What a database says that differs after every commit: SQLite counts those of all others, and
#: PostgreSQL's snapshot names every transaction that is not over.
_VERSION = {
    "sqlite": "PRAGMA data_version",
    "postgresql": "SELECT CAST(pg_current_snapshot() AS text)",
}
#: So much of SQLite's file is read where the system has it in memory, not copied piece by piece: a
#: page of results of 100,000 records read twenty pieces again and again. What writes would map all
#: of it anew each time, since others have written meanwhile.
_MAPPED_BYTES = 2**30


class Reader:
    """For one process: a connection of its own that never writes, and on which none begins."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._question = _VERSION[engine.dialect.name]
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._driver: Any = None
        self._opened = 0
        # Whoever lets go of the engine's connections lets go of this one.
        event.listen(engine, "engine_disposed", lambda _engine: self.close())

    def version(self) -> object:
        """Return something that differs after every commit, or None while no database answers."""

        def read(connection: Connection) -> object:
            rows = prepared.give_unheard(connection, self._question).fetchall()
            # What two connections say cannot be compared.
            return (self._opened, rows[0][0]) if rows else None

        try:
            return self._run(read)
        except Exception as error:  # drivers raise classes of their own
            log.warning("the database does not tell its version: %r", error)
            return None

    def ask(self, statement: object, values: Values) -> Rows:
        """Return the rows that a statement finds among what is committed."""
        return self._run(lambda connection: prepared.ask(connection, statement, values))

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._forget()

    def _run(self, work: Callable[[Connection], T]) -> T:
        with self._lock:
            is_kept = self._connection is not None
            try:
                return work(self._connection or self._open())
            except Exception as error:
                self._forget()
                # The server was started anew meanwhile: nothing was written, so ask again.
                if not (is_kept and isinstance(error, DBAPIError) and error.connection_invalidated):
                    raise
            try:
                return work(self._open())
            except Exception:
                self._forget()
                raise

    def _forget(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()
            # Of one that is nobody else's, what is lost is not closed.
            with suppress(Exception):
                self._driver.close()

    def _open(self) -> Connection:
        connection = self._connection = self._engine.connect()
        self._driver = connection.connection.dbapi_connection
        self._opened += 1
        # Nobody else's again, and each statement for itself; SQLite's are so by themselves.
        connection.detach()
        driver = self._driver
        if connection.dialect.name == "postgresql":
            driver.autocommit = True
        else:
            driver.execute(f"PRAGMA mmap_size = {_MAPPED_BYTES}")
        return connection


def read_outside(statement: object, values: Values) -> Rows:
    """Return what a statement finds among what is committed."""
    return _reader().ask(statement, values)


def version_outside() -> object:
    """Return what differs after every commit; None while the database does not answer."""
    return _reader().version()


def _reader() -> Reader:
    found: Reader = current_app.extensions["portal-reader"]
    return found

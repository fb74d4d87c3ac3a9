"""What PostgreSQL is not asked again and again, and what its driver need not forget.

Each thing that is said to a server takes longer to bring there and back than to do.
"""

import select
import time
from functools import partial
from typing import Any

from psycopg import errors, pq
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError

#: So long a connection is taken to be alive whose server has not said that it goes.
TRUSTED_SECONDS = 10
_USED = "used"


def prepare_postgresql(engine: Engine) -> None:
    """Make the engine's connections begin, end and come back in fewer steps."""
    dialect: Any = engine.dialect
    # The driver would forget what it has prepared with everything that is undone, as if tables had
    # been made anew. Every page that only reads ends so.
    dialect.do_rollback = partial(_end, b"ROLLBACK")
    dialect.do_commit = partial(_end, b"COMMIT")
    # So if tables were made anew indeed, the connections that know them otherwise are let go.
    is_disconnect = dialect.is_disconnect
    dialect.is_disconnect = lambda error, *its: _is_outdated(error) or is_disconnect(error, *its)
    event.listen(engine, "checkout", _check)
    event.listen(engine, "checkin", _note_use)


def _is_outdated(error: Exception) -> bool:
    """Tell whether what was prepared no longer holds, since a table was changed meanwhile."""
    return isinstance(error, errors.FeatureNotSupported | errors.InvalidSqlStatementName)


def tell(connection: Connection, text: str) -> None:
    """Tell the server what has no values; the driver's transaction begins with it."""
    driver: Any = connection.connection.dbapi_connection
    is_idle = driver.pgconn.transaction_status == pq.TransactionStatus.IDLE
    _say(driver, f"BEGIN;{text}".encode() if is_idle else text.encode())


def _end(words: bytes, driver: Any) -> None:
    if driver.pgconn.transaction_status != pq.TransactionStatus.IDLE:
        _say(driver, words)


def _say(driver: Any, words: bytes) -> None:
    result = driver.pgconn.exec_(words)
    if result.status not in _DONE:
        raise errors.error_from_result(result, encoding=driver.info.encoding)


_DONE = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)


def _note_use(driver: DBAPIConnection | None, record: Any) -> None:
    if driver is not None:
        record.info[_USED] = time.monotonic()


def _check(driver: Any, record: Any, _proxy: object) -> None:
    """Look whether the server is still there; a connection that is lost is replaced by another.

    A server that ends says so, which is seen without asking. Who is only cut off says nothing.
    """
    used = record.info.get(_USED)
    if used is None:  # just made
        return
    if time.monotonic() - used < TRUSTED_SECONDS and not _has_words(driver):
        return
    try:
        _say(driver, b"SELECT")
    except errors.Error as error:
        raise DisconnectionError(str(error)) from error


def _has_words(driver: Any) -> bool:
    line = select.poll()
    line.register(driver.pgconn.socket, select.POLLIN)
    return bool(line.poll(0))

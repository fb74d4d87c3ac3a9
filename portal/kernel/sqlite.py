"""Who writes to SQLite's file when: one line of writers, and what is logged brought into it beside.

SQLite would have whoever commits bring the log into the file, and wait for the disk meanwhile, with
all others behind: a fifth of a second, now and then.
"""

import fcntl
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import quote

log = logging.getLogger(__name__)

#: After so many commits of a process it looks what there is to bring.
COMMITS_BETWEEN = 25
#: From so many pages on the log is begun anew, for which writers wait a moment: at one when to
#: bring what is logged, which is less from round to round, takes no longer than this.
MOST_LOGGED = 2_000
QUICK_SECONDS = 0.015
_MOST_ROUNDS = 5
_MOST_WAITED = 5.0
#: And with so many whoever commits brings them after all, since nobody else comes to it.
MOST_LEFT = 8 * MOST_LOGGED


@contextmanager
def in_line(path: str, *, seconds: float) -> Iterator[None]:
    """Wait in line for SQLite's one write lock, which goes to whoever happens to ask next.

    The line is a lock on a file, which the system hands on in the order of asking and takes back
    from who dies. Other programs do not stand in it, so SQLite's own waiting comes after it.
    Raises an OSError where the turn does not come in so many seconds, as when a process that has
    it was stopped.
    """
    place = os.open(f"{path}-line", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not seconds:
                raise
            _wait(place, seconds)
        yield
    finally:
        os.close(place)


#: Those of this process who wait for nobody any more, and cannot be called back either, each with
#: the seconds after which it was given up.
_given_up: dict[threading.Thread, float] = {}


def _wait(place: int, seconds: float) -> None:
    """Wait until the lock of an open file is ours, in a thread, since the system knows no limit."""
    if any(one.is_alive() and waited >= seconds for one, waited in list(_given_up.items())):
        # Somebody has waited that long before us, and still does.
        raise TimeoutError("nobody gets a turn to write")
    came = threading.Event()

    def wait(of_thread: int) -> None:
        try:
            fcntl.flock(of_thread, fcntl.LOCK_EX)
            came.set()
        finally:
            # It is one lock for both, and over when both are closed.
            os.close(of_thread)

    thread = threading.Thread(target=wait, args=[os.dup(place)], name="line", daemon=True)
    thread.start()
    if came.wait(seconds):
        return
    for one in list(_given_up):
        if not one.is_alive():
            _given_up.pop(one, None)
    _given_up[thread] = seconds
    raise TimeoutError("the turn to write did not come in time")


class Log:
    """Brings what commits have logged into the file of a database; for one process."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._commits = 0
        self._busy = threading.Lock()

    def note_commit(self) -> None:
        """Begin to bring what is logged, if it may be much; return at once."""
        self._commits += 1
        if self._commits >= COMMITS_BETWEEN and self._busy.acquire(blocking=False):
            self._commits = 0
            try:
                threading.Thread(target=self._bring, name="log", daemon=True).start()
            except RuntimeError as error:  # no more threads; what was committed stays so
                self._busy.release()
                log.info("what is logged is brought another time: %s", error)

    def _bring(self) -> None:
        try:
            # Lest a database that was removed is made again.
            address = f"file:{quote(self.path)}?mode=rw"
            with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
                for _round in range(_MOST_ROUNDS):
                    start = time.monotonic()
                    if _copy(connection) < MOST_LOGGED:
                        return
                    if time.monotonic() - start < QUICK_SECONDS:
                        # Little is left, and the disk is quick. The next who writes begins anew.
                        with in_line(self.path, seconds=_MOST_WAITED):
                            _copy(connection)
                        return
        except (sqlite3.Error, OSError) as error:
            log.info("what is logged is brought another time: %s", error)
        finally:
            self._busy.release()


def _copy(connection: sqlite3.Connection) -> int:
    """Bring into the file what nobody reads otherwise; return how many pages were logged."""
    _is_busy, logged, _copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(logged)

"""What SQLite has logged is brought into its file beside those who write."""

import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from portal.kernel.sqlite import COMMITS_BETWEEN, MOST_LOGGED, Log, in_line

PATIENCE_SECONDS = 60.0
pytestmark = pytest.mark.sqlite


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    """Return a folder whose name means something else in an address."""
    folder = tmp_path / "50% of #1?"
    folder.mkdir()
    return folder


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Return a connection that brings nothing into the file itself."""
    with closing(sqlite3.connect(tmp_path / "some.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("CREATE TABLE page (text TEXT)")
        yield connection


def write(connection: sqlite3.Connection, pages: int = 1) -> None:
    rows = [("x" * 5000,) for _page in range(pages)]
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO page VALUES (?)", rows)
    connection.execute("COMMIT")


def commit(log: Log, times: int = COMMITS_BETWEEN) -> None:
    """Note commits, and wait for what follows."""
    for _time in range(times):
        log.note_commit()
    for thread in threading.enumerate():
        if thread.name == "log":
            thread.join()


def rows_of_file(tmp_path: Path) -> int:
    """Return how many rows are in the file alone, whatever is logged."""
    shutil.copy(tmp_path / "some.db", tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        try:
            found: int = connection.execute("SELECT count(*) FROM page").fetchone()[0]
        except sqlite3.DatabaseError:  # an empty file has no table
            return 0
        return found


def logged(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1])


def test_what_many_commits_have_logged_is_brought_into_the_file(
    writer: sqlite3.Connection, tmp_path: Path
) -> None:
    log = Log(str(tmp_path / "some.db"))
    write(writer, 3)
    commit(log, COMMITS_BETWEEN - 1)
    assert rows_of_file(tmp_path) == 0
    commit(log, 1)
    assert rows_of_file(tmp_path) == 3


def test_nobody_waits_meanwhile(writer: sqlite3.Connection, tmp_path: Path) -> None:
    log = Log(str(tmp_path / "some.db"))
    with in_line(log.path, seconds=PATIENCE_SECONDS):
        writer.execute("BEGIN IMMEDIATE")
        commit(log)
        writer.execute("INSERT INTO page VALUES ('y')")
        writer.execute("COMMIT")
    commit(log)
    assert rows_of_file(tmp_path) == 1


def test_whoever_waits_longer_is_not_refused_since_somebody_gave_up(tmp_path: Path) -> None:
    path, turns = str(tmp_path / "some.db"), []

    def waiting() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "line"]

    def write() -> None:
        with in_line(path, seconds=PATIENCE_SECONDS):
            turns.append("late")

    with ThreadPoolExecutor() as pool:
        with in_line(path, seconds=PATIENCE_SECONDS):
            for _time in range(2):
                with pytest.raises(TimeoutError), in_line(path, seconds=0.01):
                    pass
            given_up = waiting()
            assert len(given_up) == 1, "who waits no longer than that is refused at once"
            written = pool.submit(write)
            while len(waiting()) == 1 and not written.done():
                time.sleep(0.001)
            turns.append("early")
        written.result(PATIENCE_SECONDS)
    assert turns == ["early", "late"]
    for thread in given_up:
        thread.join(PATIENCE_SECONDS)


def test_a_long_log_is_begun_anew(
    writer: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.kernel.sqlite.QUICK_SECONDS", 60.0)
    log = Log(str(tmp_path / "some.db"))
    write(writer, MOST_LOGGED)
    commit(log)
    write(writer)
    assert logged(writer) < 10
    assert rows_of_file(tmp_path) == MOST_LOGGED + 1


def test_a_database_that_was_removed_is_not_made_again(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "gone.db"))
    commit(log)
    commit(log)
    assert list(tmp_path.iterdir()) == []

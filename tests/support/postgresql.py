"""A private PostgreSQL server for one test run, shared by its parallel workers.

Listens on a Unix socket that only this user reaches, keeps nothing, and is gone after the run.
"""

import contextlib
import fcntl
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

SUPERUSER = "postgres"
SETTINGS = {"listen_addresses": "", "max_connections": "200", "timezone": "UTC"}
HASTE = {
    # Nothing has to survive: a crash of the machine ends the tests anyway.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # With a handful of rows any order of joins is fine. To find the best of ten takes milliseconds,
    # and whoever asks only a few times on a connection pays for it each time.
    "join_collapse_limit": "1",
    "from_collapse_limit": "1",
}
NEEDED_BYTES = 2 * 1024**3


class MissingPostgreSQL(Exception):
    """Says what has to be installed."""


def _find_programs() -> Path:
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: float(path.parent.parent.name),
    )
    if debian:
        return debian[-1].parent
    if found := shutil.which("postgres"):
        return Path(found).resolve().parent
    raise MissingPostgreSQL(
        "PostgreSQL's server programs are not installed (Debian: apt-get install postgresql)."
    )


def _server_account() -> pwd.struct_passwd | None:
    """Whom to run the server as, since PostgreSQL refuses root. None: as whoever runs the tests."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


@dataclass(frozen=True)
class Cluster:
    """A running server: where it lives and what can be asked of it."""

    programs: str
    folder: str

    @classmethod
    def start(cls, *, is_durable: bool = False) -> "Cluster":
        """Start a server; a durable one keeps what it is given on disk, as in production."""
        programs = _find_programs()
        place = None if is_durable else _fast_folder()
        folder = Path(tempfile.mkdtemp(prefix="portal-pg-", dir=place))
        if account := _server_account():
            os.chown(folder, account.pw_uid, account.pw_gid)
        cluster = cls(str(programs), str(folder))
        try:
            cluster._run(
                "initdb",
                *("--pgdata", str(folder / "data"), "--username", SUPERUSER, "--auth", "trust"),
                *("--encoding", "UTF8", "--no-sync"),
                *("--locale", "C.UTF-8" if sys.platform == "linux" else "C"),
            )
            settings = {**SETTINGS, "unix_socket_directories": str(folder)}
            if not is_durable:
                settings |= HASTE
            with (folder / "data" / "postgresql.auto.conf").open("a") as file:
                file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
            cluster.resume()
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return cluster

    def restart(self) -> None:
        """Ends every connection; what was written stays."""
        self.halt()
        self.resume()

    def halt(self) -> None:
        self._run("pg_ctl", "stop", "--wait", "--mode", "fast", *self._where())

    def resume(self) -> None:
        self._run("pg_ctl", "start", "--wait", *self._where())

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "--wait", "--mode", "immediate", *self._where())
        shutil.rmtree(self.folder, ignore_errors=True)

    def database_url(self, name: str) -> str:
        return f"postgresql+psycopg://{SUPERUSER}@/{name}?host={self.folder}"

    def create(self, name: str) -> str:
        """Makes an empty database and returns its URL."""
        self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.database_url(name)

    def create_from_template(self, name: str, template: str) -> str:
        """Makes a copy of another database, which nobody may be connected to; returns its URL."""
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return self.database_url(name)

    def drop(self, name: str) -> None:
        """Removes a database, whoever is still connected; one that is not there is no problem."""
        self._execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )

    def exists(self, name: str) -> bool:
        with self._connection() as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            return connection.execute(query, (name,)).fetchone() is not None

    def _connection(self) -> psycopg.Connection:
        return psycopg.connect(host=self.folder, user=SUPERUSER, dbname="postgres", autocommit=True)

    def _execute(self, statement: sql.Composed) -> None:
        with self._connection() as connection:
            connection.execute(statement)

    def _where(self) -> list[str]:
        folder = Path(self.folder)
        return ["--pgdata", str(folder / "data"), "--log", str(folder / "log")]

    def _run(self, program: str, *arguments: str) -> None:
        account = _server_account()
        # The server keeps this output open, so it must not be a pipe that is read to its end.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [f"{self.programs}/{program}", *arguments],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
            )
            if done.returncode:
                output.seek(0)
                message = output.read().decode(errors="replace")
                log = Path(self.folder) / "log"
                message += log.read_text(errors="replace") if log.exists() else ""
                raise RuntimeError(f"{program} failed:\n{message}")


def _fast_folder() -> str | None:
    """Memory to keep the data in, where there is plenty; None: wherever temporary files go."""
    memory = Path("/dev/shm")  # noqa: S108 (the folder made in it has a name of its own)
    if not memory.is_dir() or not os.access(memory, os.W_OK):
        return None
    return str(memory) if shutil.disk_usage(memory).free > NEEDED_BYTES else None


@contextlib.contextmanager
def _locked_note(folder: Path) -> Iterator[Path]:
    """The file that tells a run's workers where their server is, for one worker at a time."""
    note = folder / "postgresql.json"
    with (folder / "postgresql.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield note


def _folder_of_run(config: pytest.Config, factory: pytest.TempPathFactory) -> Path:
    base = factory.getbasetemp()
    return base.parent if hasattr(config, "workerinput") else base


@pytest.fixture(scope="session")
def postgresql(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The server of this run, started by the first test that asks for it."""
    with _locked_note(_folder_of_run(pytestconfig, tmp_path_factory)) as note:
        if note.exists():
            return Cluster(**json.loads(note.read_text()))
        try:
            cluster = Cluster.start()
        except MissingPostgreSQL as missing:
            pytest.skip(str(missing))
        note.write_text(json.dumps(asdict(cluster)))
        return cluster


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """The process that began the run outlives its workers, so it stops the server."""
    if hasattr(session.config, "workerinput"):
        return
    factory: pytest.TempPathFactory = session.config._tmp_path_factory  # type: ignore[attr-defined]
    with _locked_note(_folder_of_run(session.config, factory)) as note:
        if note.exists():
            Cluster(**json.loads(note.read_text())).stop()
            note.unlink(missing_ok=True)

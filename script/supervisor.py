"""Prepares the portal, then keeps web server and worker running: they start and stop together.

Started by script/server with the Python of .venv. For one machine; it restarts nothing by itself.
"""

import contextlib
import ctypes
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
FLASK = [sys.executable, "-m", "flask", "--app", "wsgi"]
SECONDS_TO_GET_READY = 60
SECONDS_TO_STOP = 15
BIND_ALL = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def number_of_web_processes() -> int:
    """One more than cores, so that those left when one dies still use all of them."""
    named = os.environ.get("GRANIAN_WORKERS")
    if named:
        return int(named)
    has_some = hasattr(os, "sched_getaffinity")
    return 1 + (len(os.sched_getaffinity(0)) if has_some else os.cpu_count() or 1)


def end_with_parent() -> None:
    """Lets a child end even when this process is killed outright, where the system can (Linux)."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def start(
    command: list[str], environment: dict[str, str], stdout: int | None = None
) -> subprocess.Popen[str]:
    # In a session of its own, a child gets no Ctrl-C from the terminal: only this process ends it.
    before: Callable[[], None] | None = end_with_parent if sys.platform == "linux" else None
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        text=True,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=before,  # noqa: PLW1509 (no thread runs here)
        stdout=stdout,
    )


def stop(children: list[subprocess.Popen[str]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + SECONDS_TO_STOP
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(max(0.0, deadline - time.monotonic()))
        # What is left of its process group, its own children too, gets no more time.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


@contextlib.contextmanager
def running(children: list[subprocess.Popen[str]]) -> Iterator[None]:
    """Signals end the block; whatever ended it, no child outlives it."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    asked_to_stop = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in asked_to_stop:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in asked_to_stop:
            signal.signal(number, signal.SIG_IGN)
        stop(children)


def code_of(child: subprocess.Popen[str]) -> int:
    """Its exit code as a shell gives it: 128 + signal for one that was killed."""
    code = child.wait()
    return 128 - code if code < 0 else code


def check_port_is_free(host: str, port: int) -> None:
    # The web server shares ports on purpose, so a second portal would start unnoticed.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            sys.exit(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another PORT.")


def is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def wait_until_ready(address: str, children: list[subprocess.Popen[str]]) -> None:
    deadline = time.monotonic() + SECONDS_TO_GET_READY
    while not is_ready(address):
        if any(child.poll() is not None for child in children):
            return
        if time.monotonic() > deadline:
            sys.exit(f"{address}/readyz did not answer within {SECONDS_TO_GET_READY} seconds.")
        time.sleep(0.1)


class SetupNote:
    """What `flask setup` said when it last prepared this instance, and for which state of the code.

    While nothing that it reads has changed there is no need to run it again, which would double
    the time that a start takes.
    """

    def __init__(self, instance: Path, database_url: str, search_url: str) -> None:
        self.path = instance / "setup.json"
        self.needed: list[Path] = []
        if not search_url:
            self.needed.append(instance / "index" / "CURRENT")
        if not database_url:
            self.needed.append(instance / "portal.db")
        digest = hashlib.sha256(f"{database_url} {search_url}".encode())
        for folder in (
            "migrations/versions",
            "portal/regions/data",
            "portal/demo/data",
            "portal/kernel/fulltext",
        ):
            for path in sorted((ROOT / folder).rglob("*.*")):
                if path.suffix in (".py", ".csv", ".toml"):
                    digest.update(path.read_bytes())
        self.state = digest.hexdigest()

    def read(self) -> str | None:
        """What it said, if it need not run again."""
        try:
            note = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return None
        is_current = note.get("state") == self.state and all(path.exists() for path in self.needed)
        return str(note.get("words", "")) if is_current else None

    def write(self, words: str) -> None:
        self.path.write_text(json.dumps({"state": self.state, "words": words}))


def prepare(
    environment: dict[str, str], children: list[subprocess.Popen[str]], note: SetupNote
) -> str:
    """Runs `flask setup` unless it has nothing to do; returns what there is to tell the person."""
    known = note.read()
    if known is not None:
        return known
    setup = start([*FLASK, "setup"], environment, stdout=subprocess.PIPE)
    children.append(setup)
    words, _ = setup.communicate()
    if setup.returncode:
        sys.exit(code_of(setup))
    children.clear()
    note.write(words)
    return words


def web_server(host: str, port: int) -> list[str]:
    """The command of the production server."""
    return [
        *(sys.executable, "-m", "script.web", "--interface", "rsgi", "--no-ws"),
        *("--host", host, "--port", str(port)),
        *("--workers", str(number_of_web_processes())),
        "--respawn-failed-workers",
        # Counts open connections, idle ones too, so it has to be far above what works at once.
        *("--backlog", "2048", "--backpressure", "512"),
        # A worker that is told to stop while it still starts does not hear it.
        *("--workers-kill-timeout", "3"),
        # It would warn of more workers than cores.
        *("--log-level", "error", "wsgi:server"),
    ]


def main() -> None:
    host = os.environ.get("HOST") or "127.0.0.1"
    port = int(os.environ.get("PORT") or 8000)
    check_port_is_free(host, port)
    reachable = BIND_ALL.get(host, host)
    address = f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"

    instance = Path(os.environ.get("INSTANCE_PATH") or "instance")
    environment = {
        "PUBLIC_URL": address,
        **os.environ,
        "INSTANCE_PATH": str((ROOT / instance).resolve()),
        "PYTHONUNBUFFERED": "1",
    }
    web = web_server(host, port)

    children: list[subprocess.Popen[str]] = []
    with running(children):
        note = SetupNote(
            Path(environment["INSTANCE_PATH"]),
            os.environ.get("DATABASE_URL", ""),
            os.environ.get("SEARCH_URL", ""),
        )
        words = prepare(environment, children, note)
        children.append(start(web, environment))
        children.append(start([*FLASK, "worker"], environment))
        wait_until_ready(address, children)
        if all(child.poll() is None for child in children):
            print(f"\nThe portal is running at {address} (Ctrl-C stops it).", flush=True)
            print(words, flush=True)
        while True:
            for name, child in zip(("web server", "worker"), children, strict=True):
                if child.poll() is not None:
                    code = code_of(child)
                    say(f"The {name} ended with exit code {code}: stopping the other.")
                    sys.exit(code or 1)
            time.sleep(0.2)


if __name__ == "__main__":
    main()

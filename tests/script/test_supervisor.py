"""The server command: web and worker start together, stop together and leave nothing behind.

Runs the real supervisor over the smallest portal that has the commands it calls.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from script.supervisor import SetupNote

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "script"
SERVER = "portal/kernel/web/server.py"
MADE = """
import os, pathlib


def app_of_process():
    folder = pathlib.Path(os.environ["INSTANCE_PATH"])
    folder.mkdir(exist_ok=True)
    with (folder / "made_by").open("a") as told:
        print(os.getpid(), file=told)
"""
SMALLEST_PORTAL = """
import os, pathlib, signal, subprocess, sys, time
import click
from flask import Flask
from portal.kernel.web.server import Server

app = Flask(__name__)
server = Server(app, 1000)
folder = pathlib.Path(os.environ["INSTANCE_PATH"])


@app.get("/readyz")
def readyz():
    return {"status": "ok"}


@app.get("/settings")
def settings():
    return {"public_url": os.environ["PUBLIC_URL"], "pid": os.getpid()}


@app.cli.command("setup")
def setup():
    folder.mkdir(exist_ok=True)
    if "SETUP_FAILS" in os.environ:
        sys.exit(3)
    print("Sign in as ana@demo.example")


@app.cli.command("worker")
def worker():
    helper = subprocess.Popen(["sleep", "300"])
    (folder / "pids").write_text(f"{os.getpid()} {helper.pid}")
    for _ in range(3000):
        time.sleep(0.1)
        if (folder / "crash").exists():
            helper.terminate()
            sys.exit(7)
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def is_alive(pid: int) -> bool:
    try:
        # A process that ended but was not waited for yet counts as gone.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.05)


class Server:
    """A started supervisor, what it printed, and the processes below it."""

    def __init__(self, root: Path, port: int, **environment: str) -> None:
        self.root = root
        self.address = f"http://127.0.0.1:{port}"
        self.output = root / "output"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(root / "script" / "supervisor.py")],
                env={
                    "PATH": os.environ["PATH"],
                    "PORT": str(port),
                    "INSTANCE_PATH": "data",
                    **environment,
                },
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def words(self) -> str:
        return self.output.read_text()

    def wait_until_running(self) -> None:
        def is_running() -> bool:
            assert self.process.poll() is None, self.words
            return "The portal is running" in self.words and (self.root / "data/pids").exists()

        wait_until(is_running, "the portal runs")

    def settings(self) -> str:
        with urllib.request.urlopen(f"{self.address}/settings", timeout=5) as answer:
            return str(answer.read().decode())

    def pids(self) -> list[int]:
        (web,) = re.findall(r'"pid":\s*(\d+)', self.settings())
        return [int(web), *map(int, (self.root / "data/pids").read_text().split())]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts the supervisor over the smallest portal."""
    (tmp_path / "script").mkdir()
    for name in ("supervisor.py", "web.py"):
        shutil.copy(SCRIPTS / name, tmp_path / "script")
    (tmp_path / SERVER).parent.mkdir(parents=True)
    shutil.copy(ROOT / SERVER, tmp_path / SERVER)
    (tmp_path / "portal/app.py").write_text(MADE)
    (tmp_path / "wsgi.py").write_text(SMALLEST_PORTAL)
    servers: list[Server] = []

    def start(port: int = 0, **environment: str) -> Server:
        servers.append(Server(tmp_path, port or free_port(), **environment))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.process.terminate()
        server.process.wait()


needs_proc = pytest.mark.skipif(
    sys.platform != "linux", reason="Processes are looked up in /proc, which only Linux has."
)


def test_it_tells_the_address_and_what_the_set_up_had_to_say(
    serve: Callable[..., Server],
) -> None:
    server = serve()
    server.wait_until_running()
    assert server.address in server.words
    assert "Sign in as ana@demo.example" in server.words
    assert server.address in server.settings()


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_is_no_failure(
    serve: Callable[..., Server], number: signal.Signals
) -> None:
    server = serve()
    server.wait_until_running()
    pids = server.pids()
    server.process.send_signal(number)
    assert server.process.wait(30) == 0
    assert [pid for pid in pids if is_alive(pid)] == []
    with pytest.raises(urllib.error.URLError):
        server.settings()


@needs_proc
def test_a_worker_that_ends_takes_the_web_server_with_it(serve: Callable[..., Server]) -> None:
    server = serve()
    server.wait_until_running()
    pids = server.pids()
    (server.root / "data/crash").touch()
    assert server.process.wait(30) == 7
    assert [pid for pid in pids if is_alive(pid)] == []
    assert "The worker ended with exit code 7" in server.words


@needs_proc
def test_a_web_process_that_is_killed_is_replaced_by_one_that_makes_nothing_anew(
    serve: Callable[..., Server],
) -> None:
    server = serve(GRANIAN_WORKERS="1")
    server.wait_until_running()
    (before, *_others) = server.pids()
    os.kill(before, signal.SIGKILL)

    def is_replaced() -> bool:
        try:
            return server.pids()[0] != before
        except (urllib.error.URLError, ConnectionError):
            return False

    wait_until(is_replaced, "another process serves")
    (made_by,) = map(int, (server.root / "data/made_by").read_text().split())
    assert made_by not in (before, server.pids()[0])


@needs_proc
def test_children_end_when_the_supervisor_is_killed_outright(
    serve: Callable[..., Server],
) -> None:
    server = serve()
    server.wait_until_running()
    web, worker, helper = server.pids()
    server.process.kill()
    wait_until(lambda: not is_alive(web) and not is_alive(worker), "both ended")
    os.kill(helper, signal.SIGKILL)  # a grandchild in a process group of its own is left to us


def test_nothing_starts_when_the_set_up_fails(serve: Callable[..., Server]) -> None:
    server = serve(SETUP_FAILS="1")
    assert server.process.wait(30) == 3
    assert "is running" not in server.words


def test_a_port_in_use_is_said_plainly(serve: Callable[..., Server]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = serve(port)
        assert server.process.wait(30) == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in server.words
    assert "Choose another PORT" in server.words


def test_set_up_runs_again_when_the_index_moves(tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    for kept in ("index/CURRENT", "portal.db"):
        (tmp_path / kept).touch()
    SetupNote(tmp_path, "", "").write("ready")

    assert SetupNote(tmp_path, "", "").read() == "ready"
    assert SetupNote(tmp_path, "", "postgresql://db.example.org/search").read() is None
    shutil.rmtree(tmp_path / "index")
    assert SetupNote(tmp_path, "", "").read() is None
    moved = SetupNote(tmp_path, "", "postgresql://db.example.org/search")
    moved.write("ready")
    assert moved.read() == "ready"

"""Web processes over the test's database, and programs that call them all at once."""

import contextlib
import contextvars
import http.client
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.cast import token_of

WEB_PROCESSES = 3
#: So many may ask at the same moment.
BACKLOG = 256


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep the tests' output free of a line for each request."""


@dataclass(frozen=True)
class WebProcess:
    """A process that serves the app by itself, over the same database."""

    pid: int
    port: int


@pytest.fixture
def web_processes(app: Flask, _databases: Any) -> Iterator[list[WebProcess]]:
    # What is open belongs to one process.
    _databases.release()
    started = []
    for _number in range(WEB_PROCESSES):
        listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        pid = os.fork()
        if pid == 0:
            _serve(app, listener)
        started.append(WebProcess(pid, listener.getsockname()[1]))
        listener.close()
    yield started
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        os.waitpid(process.pid, 0)


def _serve(app: Flask, listener: socket.socket) -> None:
    """Serve until killed; never returns into the test."""
    try:
        server = make_server(
            "127.0.0.1",
            listener.getsockname()[1],
            app,
            request_handler=_Quiet,
            fd=listener.fileno(),
        )
        # Without the test's app context, whose `g` would take one client for another.
        contextvars.Context().run(server.serve_forever)
    finally:
        os._exit(1)


@pytest.fixture
def cookie_of(app: Flask) -> Callable[[str], str]:
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    name = app.config["SESSION_COOKIE_NAME"]
    return lambda who: f"{name}={serializer.dumps({'_user_id': token_of(who), '_fresh': True})}"


def post_json(port: int, path: str, body: str, headers: dict[str, str]) -> tuple[int, Any]:
    """Send a JSON body to a process on this machine; return its status and its answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()

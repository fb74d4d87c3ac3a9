"""Small servers on loopback addresses, for what the portal sends to others."""

import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask

Answer = Callable[[BaseHTTPRequestHandler], None]


class Listener:
    """A server on a loopback address that notes what it gets."""

    def __init__(
        self, host: str, answer: Answer, certificate: ssl.SSLContext | None = None
    ) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.headers: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                outer.headers.append(dict(self.headers))
                outer.heard.append((self.path, self.rfile.read(length)))
                answer(self)

            def log_message(self, *_args: Any) -> None:
                """Keep the tests' output free of a line for each request."""

        self.server = ThreadingHTTPServer((host, 0), Handler)
        self.server.daemon_threads = True
        if certificate is not None:
            self.server.socket = certificate.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http://{host}:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


Listen = Callable[..., Listener]


@pytest.fixture
def listen() -> Iterator[Listen]:
    listeners: list[Listener] = []

    def start(answer: Answer, host: str = "127.0.0.1", **more: Any) -> Listener:
        listeners.append(Listener(host, answer, **more))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.server.shutdown()
        listener.server.server_close()


@pytest.fixture
def reach(app: Flask) -> Iterator[Callable[[str], None]]:
    """Allow networks for one test."""

    def allow(networks: str) -> None:
        app.config["OUTGOING_NETWORKS"] = networks

    yield allow
    app.config.update(OUTGOING_NETWORKS="", OUTGOING_SECONDS=5)


def ok(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(204)
    handler.end_headers()


def redirect(status: int, url: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Location", url)
        handler.end_headers()

    return answer

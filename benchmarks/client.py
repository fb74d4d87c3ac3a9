"""A light HTTP client: keep-alive connections in one process, each with one request under way.

It shares the machine with the server it measures, so it does no more than it must.
"""

import re
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ETAG = re.compile(rb"\r\netag: *([^\r]+)", re.IGNORECASE)
_TIMEOUT_SECONDS = 30


@dataclass
class Outcome:
    """How a load went: seconds of each request, statuses with their numbers, what it all cost."""

    times: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    seconds: float = 0.0
    client_seconds: float = 0.0
    server_seconds: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds if self.seconds else 0.0


class Connection:
    """One keep-alive connection."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=_TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.started = 0.0

    def send(self, request: bytes) -> None:
        self.started = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> tuple[int, bytes]:
        """Return the status and the head of an answer, when all of it has come."""
        data = self.socket.recv(262_144)
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head = data[: end + 2]
        status = int(head[9:12])
        missing = end + 4 - len(data)
        if found := _LENGTH.search(head):
            missing += int(found[1])
        elif status not in (204, 304):
            while not data.endswith(b"0\r\n\r\n"):
                data += self._more()
            return status, head
        while missing > 0:
            missing -= len(self._more())
        return status, head

    def _more(self) -> bytes:
        data = self.socket.recv(262_144)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and wait for its answer."""
        self.send(request)
        return self.receive()


def request_for(path: str, etag: bytes = b"") -> bytes:
    """Return the octets of a visitor's request."""
    condition = b"If-None-Match: " + etag + b"\r\n" if etag else b""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Language: en\r\n".encode()
        + condition
        + b"\r\n"
    )


def revalidations(host: str, port: int, paths: Sequence[str]) -> list[bytes]:
    """Ask for each path once; return the requests of somebody who has them all already."""
    connection = Connection(host, port)
    found = []
    for path in paths:
        # Each process of the server has to know the answer.
        _status, head = connection.ask(request_for(path))
        tag = _ETAG.search(head)
        if tag:
            found.append(request_for(path, tag[1]))
    connection.socket.close()
    return found


def load(
    host: str, port: int, requests: Sequence[bytes], clients: int, seconds: float, *, once: bool
) -> Outcome:
    """Ask for all requests in turn on so many connections for so long (or each just once)."""
    outcome = Outcome()
    selector = selectors.DefaultSelector()
    place = 0
    started, cpu = time.perf_counter(), time.process_time()
    end = started + seconds

    def send_next(connection: Connection) -> bool:
        nonlocal place
        if time.perf_counter() > end or (once and place >= len(requests)):
            return False
        connection.send(requests[place % len(requests)])
        place += 1
        return True

    waiting = 0
    for _ in range(clients):
        connection = Connection(host, port)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        waiting += send_next(connection)
    while waiting:
        for key, _events in selector.select(_TIMEOUT_SECONDS):
            connection = key.data
            status, _head = connection.receive()
            outcome.times.append(time.perf_counter() - connection.started)
            outcome.statuses[status] = outcome.statuses.get(status, 0) + 1
            waiting += send_next(connection) - 1
    outcome.seconds = time.perf_counter() - started
    outcome.client_seconds = time.process_time() - cpu
    for key in list(selector.get_map().values()):
        key.data.socket.close()
    return outcome

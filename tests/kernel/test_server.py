"""The web server gives requests to the app whole; nobody slow holds up others."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Says of each request what the app is told; a long answer is more than sockets keep.
APP = """
import json
from portal.kernel.web import server as module

module.MOST_HELD_BYTES = 40_000_000
module.BODY_SECONDS = 0.5
closed = []


def app(environ, begin):
    path = environ["PATH_INFO"]
    if path == "/long":
        begin("200 OK", [("Content-Type", "text/plain")])
        return Pieces()
    told = {name: value for name, value in environ.items() if isinstance(value, str)}
    body = environ["wsgi.input"].read()
    told |= {"body": body[:100].decode("latin-1"), "length": len(body), "closed": len(closed)}
    begin("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(told).encode()]


class Pieces:
    def __iter__(self):
        for _number in range(320):
            yield b"x" * 65_536

    def close(self):
        closed.append(self)


server = module.Server(app, most_bytes=1000)
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "small.py").write_text(APP)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "granian", "--interface", "rsgi", "--no-ws"),
            *("--port", str(number), "--workers-kill-timeout", "1"),
            *("--log-level", "error", "small:server"),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        deadline = time.monotonic() + 60
        while not _listens(number):
            assert server.poll() is None
            assert time.monotonic() < deadline, "the server does not listen"
            time.sleep(0.05)
        yield number
    finally:
        server.terminate()
        server.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def begin(port: int, said: str) -> socket.socket:
    """Say the beginning of a request."""
    line = socket.create_connection(("127.0.0.1", port), timeout=60)
    line.sendall(said.encode("latin-1"))
    return line


def ask(port: int, method: str = "GET", path: str = "/", **options: Any) -> dict[str, Any]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request(method, path, **options)
        return dict(json.loads(connection.getresponse().read()))


def say(port: int, *lines: str) -> dict[str, Any]:
    """Ask in words of one's own."""
    with begin(port, "".join(f"{line}\r\n" for line in [*lines, "Connection: close", ""])) as line:
        answer = line.makefile("rb").read()
    return dict(json.loads(answer.partition(b"\r\n\r\n")[2]))


HALF = "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nhalf"


def test_bodies_that_do_not_come_hold_up_nobody_and_are_given_up(port: int) -> None:
    slow = [begin(port, HALF) for _number in range(20)]
    assert ask(port)["length"] == 0
    for line in slow:
        with line:
            assert line.recv(100).startswith(b"HTTP/1.1 408")


def test_who_takes_an_answer_slowly_or_goes_holds_up_nobody(port: int) -> None:
    before = ask(port)["closed"]
    with begin(port, "GET /long HTTP/1.1\r\nHost: here\r\n\r\n") as slow:
        assert slow.recv(100)
        assert ask(port)["length"] == 0
    with begin(port, "GET /long HTTP/1.1\r\nHost: here\r\n\r\n") as slow:
        assert slow.recv(100)
        size = 0
        while piece := slow.recv(1_000_000):
            size += len(piece)
        assert size > 320 * 65_536
    assert ask(port)["closed"] == before + 2


def test_no_more_than_so_much_is_kept_in_memory(port: int) -> None:
    slow = []
    for _number in range(2):
        slow.append(begin(port, "GET /long HTTP/1.1\r\nHost: here\r\n\r\n"))
        assert slow[-1].recv(100)
    assert status_of_long(port) == 503
    for line in slow:
        line.close()
    while status_of_long(port) != 200:
        time.sleep(0.01)


def status_of_long(port: int) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", "/long")
        answer = connection.getresponse()
        assert len(answer.read()) == (320 * 65_536 if answer.status == 200 else 0)
        return answer.status


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_comes_whole_with_its_length(port: int, is_chunked: bool) -> None:
    body: Any = [b"a=", b"1&b", b"=2"] if is_chunked else b"a=1&b=2"
    told = ask(port, "POST", body=body, headers={"Content-Type": "text/plain"})
    assert (told["body"], told["CONTENT_LENGTH"]) == ("a=1&b=2", "7")
    assert told["CONTENT_TYPE"] == "text/plain"


def test_of_a_body_that_is_too_long_no_more_is_read_than_to_see_it(port: int) -> None:
    assert ask(port, "POST", body=[b"x" * 1500, b"x" * 1500])["length"] < 3000
    told = say(port, "POST / HTTP/1.1", "Host: here", "Content-Length: 999999999999")
    assert (told["length"], told["CONTENT_LENGTH"]) == (0, "999999999999")


def test_the_app_is_told_what_was_asked(port: int) -> None:
    told = say(
        port,
        "GET /caf%C3%A9/a%2Fb?q=%C3%A9+x HTTP/1.1",
        *("Host: here.example:80", "Accept: a", "Accept: b", "Cookie: a=1", "Cookie: b=2"),
    )
    assert told["PATH_INFO"].encode("latin-1").decode() == "/café/a/b"
    assert told["QUERY_STRING"] == "q=%C3%A9+x"
    assert told["HTTP_HOST"] == "here.example:80"
    assert (told["HTTP_ACCEPT"], told["HTTP_COOKIE"]) == ("a, b", "a=1; b=2")
    assert (told["REMOTE_ADDR"], told["REQUEST_METHOD"]) == ("127.0.0.1", "GET")


def test_a_header_does_not_pass_for_one_that_a_proxy_sets(port: int) -> None:
    told = say(
        port,
        *("GET / HTTP/1.1", "Host: here", "X-Forwarded-For: 192.0.2.1"),
        *("X_Forwarded_For: 192.0.2.9", "X-Forwarded_Host: elsewhere"),
    )
    assert told["HTTP_X_FORWARDED_FOR"] == "192.0.2.1"
    assert "HTTP_X_FORWARDED_HOST" not in told


def test_a_token_of_odd_signs_is_a_token_all_the_same(port: int) -> None:
    told = say(port, "GET / HTTP/1.1", "Host: here", "Authorization: Bearer \xff")
    assert told["HTTP_AUTHORIZATION"] == ""

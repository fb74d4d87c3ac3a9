"""The measuring of pages over HTTP: its client, its clock and its words."""

import re
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import client, web
from benchmarks.client import Outcome
from tests.cast import World


class Answering(socketserver.StreamRequestHandler):
    """Answers in the ways servers do, and notes what was asked."""

    asked: list[str] = []

    def handle(self) -> None:
        while line := self.rfile.readline():
            headers = b"".join(iter(self.rfile.readline, b"\r\n"))
            path = line.split()[1].decode()
            self.asked.append(path)
            if b"If-None-Match" in headers:
                self.wfile.write(b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n')
            elif path == "/pieces":
                head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                self.wfile.write(head)
                self.wfile.write(b"3\r\nabc\r\n0\r\n\r\n")
            else:
                self.wfile.write(b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 90000\r\n\r\n')
                self.wfile.write(b"x" * 90_000)


@pytest.fixture
def port() -> Iterator[int]:
    Answering.asked = []
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_each_address_is_asked_once_and_its_whole_answer_read(port: int) -> None:
    requests = [client.request_for(path) for path in ("/a", "/pieces", "/b", "/c")]
    outcome = client.load("127.0.0.1", port, requests, 2, 30, once=True)
    assert sorted(Answering.asked) == ["/a", "/b", "/c", "/pieces"]
    assert outcome.statuses == {200: 4}
    assert len(outcome.times) == 4
    assert outcome.per_second > 0


def test_addresses_are_asked_in_turn_until_the_time_is_up(port: int) -> None:
    requests = [client.request_for(path) for path in ("/a", "/b")]
    outcome = client.load("127.0.0.1", port, requests, 1, 0.1, once=False)
    assert len(outcome.times) > 2
    assert Answering.asked[:4] == ["/a", "/b", "/a", "/b"]


def test_who_has_an_answer_already_is_told_so(port: int) -> None:
    requests = client.revalidations("127.0.0.1", port, ["/a", "/b"])
    assert client.load("127.0.0.1", port, requests, 1, 30, once=True).statuses == {304: 2}


def test_addresses_come_from_the_database_and_differ_between_pages(
    world: World, app: object, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--database") != "sqlite":
        return  # the benchmark runs on a SQLite instance
    paths = web.paths_of(Path(app.instance_path), 3)  # type: ignore[attr-defined]
    assert len(set(paths["results"])) == 3
    shop = world.organizations["shop"]
    every = web.paths_of(Path(app.instance_path), 100)  # type: ignore[attr-defined]
    assert f"/organizations/{shop}" in every["record"]
    mills = [f"/equipment/{number}" for name, number in world.equipment.items() if "draft" in name]
    assert not set(mills) & set(every["record"])


def test_time_spent_inside_another_part_counts_for_that_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticks = iter(range(100))
    monkeypatch.setattr("benchmarks.web.time.process_time", lambda: next(ticks))
    clock = web.Clock()
    clock.enter("template")
    clock.enter("sql")
    clock.leave()
    clock.leave()
    assert clock.total() == {"rest": 2, "template": 2, "sql": 1}


def test_report_judges_goals_and_has_a_line_for_each_page() -> None:
    fast = {kind: Outcome([0.002] * 600, {200: 600}, 1.0, 0.1, 0.5) for kind in web.PAGES}
    parts = {"home": {"index": 0.001, "rest": 0.002}}
    text = web.describe(100, [("rebuilding the index", 3.0)], {1: fast, 8: fast}, parts)
    assert re.search(r"results page made anew ≥ 500 requests/s +\| +600 \| +met \|", text)
    assert re.search(r"revalidation ≥ 5,000 requests/s +\| +600 \| NOT MET \|", text)
    assert text.count("| suggestions  ") == 2
    assert "| home |  1.00 | 0.00 |     0.00 | 2.00 | 3.00 |" in text
    assert "3 s for rebuilding the index" in text

"""The measuring of bookings: a client that loses its server asks again, and minutes are counted."""

import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from benchmarks import bookings
from portal.bookings.models.booking import Booking
from portal.kernel.database import session, unit_of_work
from tests.cast import World


class Failing(socketserver.StreamRequestHandler):
    """Hangs up on the first request, and answers all others."""

    keys: list[str] = []

    def handle(self) -> None:
        while self.rfile.readline():
            headers = list(iter(self.rfile.readline, b"\r\n"))
            named = dict(line.decode().strip().lower().split(": ", 1) for line in headers)
            self.rfile.read(int(named["content-length"]))
            self.keys.append(named["idempotency-key"])
            if len(self.keys) == 1:
                return
            self.wfile.write(b"HTTP/1.1 201 CREATED\r\nContent-Length: 2\r\n\r\n{}")


@pytest.fixture
def port() -> Iterator[int]:
    Failing.keys = []
    with socketserver.ThreadingTCPServer((bookings.HOST, 0), Failing) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


def test_client_that_loses_its_server_asks_again_with_the_same_key(port: int) -> None:
    plans = bookings.contested(1, clients=1, first=0, slots=2, run="run")
    outcome = bookings.run_clients(port, plans, time.time(), time.time() + 60)
    assert Failing.keys == ["run-0-0", "run-0-0", "run-0-1"]
    assert (outcome.statuses, outcome.lost) == ({201: 2}, 1)


def test_plans_are_for_the_same_times_or_for_different_ones() -> None:
    shared = bookings.contested(1, clients=3, first=0, slots=2, run="run")
    apart = bookings.free(1, clients=3, first=0, slots=2, run="run")

    def times(plans: list[list[bytes]]) -> set[bytes]:
        return {request.split(b"starts_at")[1][:30] for plan in plans for request in plan}

    assert len(times(shared)) == 2
    assert len(times(apart)) == 6


def test_minutes_booked_twice_are_counted(
    world: World,
) -> None:
    with unit_of_work():
        booking = session.get_one(Booking, world.bookings["ben_on_college_mill"])
        booking.status = "approved"
        for place, status in ((2, "approved"), (3, "cancelled")):
            session.add(
                Booking(
                    **{
                        name: getattr(booking, name)
                        for name in (
                            "resource_id",
                            "host_organization_id",
                            "organization_id",
                            "starts_at",
                            "ends_at",
                            "customer_class",
                        )
                    },
                    place=place,
                    status=status,
                )
            )
    assert bookings.count_minutes() == (2, 120)

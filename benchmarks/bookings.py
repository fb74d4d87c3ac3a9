"""`python -m benchmarks.bookings`: many clients want the same times, and a web process is killed.

Starts the production server on a database with one machine under all rules, and asks from several
processes beside it, which share the machine's cores. Afterwards every minute is counted.
"""

import argparse
import contextlib
import datetime as dt
import json
import multiprocessing
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import measuring
from benchmarks.client import Connection
from benchmarks.measuring import milliseconds, percentile, table
from benchmarks.web import processor_seconds
from script.supervisor import FLASK, ROOT, is_ready, number_of_web_processes, web_server

HOST = "127.0.0.1"
SECONDS_TO_GET_READY = 60
#: A client that loses its server asks again so often, with the same key.
MOST_TRIES = 20
#: Seconds until then.
PAUSE = 0.01
FIRMS = 20
SLOT = dt.timedelta(minutes=15)
GOAL_PER_SECOND = 400
GOAL_LONGEST = 0.25


@dataclass
class Outcome:
    """What a load came to: statuses with numbers, seconds of each answer, lost connections.

    asked_again: seconds of those answers whose client lost its server and had to ask again.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    asked_again: list[float] = field(default_factory=list)
    lost: int = 0
    seconds: float = 0.0


def environment_of(instance: Path, database: str, processes: int) -> dict[str, str]:
    """Return the settings of a portal in production, without a proxy in front."""
    return {
        **os.environ,
        "PORTAL_ENVIRONMENT": "production",
        "INSTANCE_PATH": str(instance),
        "DATABASE_URL": database,
        "SECRET_KEY": "only-for-benchmarks",
        "SECURE_COOKIES": "false",
        "TRUSTED_PROXIES": "0",
        "REQUESTS_PER_MINUTE": "1000000000",
        "DEMO_DATA": "false",
        "GRANIAN_WORKERS": str(processes),
    }


def prepare(environment: dict[str, str]) -> int:
    """Make the tables and write the machine, its rules and who may book it; return its number."""
    subprocess.run([*FLASK, "db", "upgrade"], cwd=ROOT, env=environment, check=True)
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks.bookings", "--fill"],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return int(found.stdout.split()[-1])


def fill() -> int:
    """Write a machine under every rule, and firms that keep them; return its number."""
    from portal.accounts.models import ApiToken, User
    from portal.accounts.queries import hash_secret
    from portal.app import create_app
    from portal.bookings.models.access import Clearance, Qualification
    from portal.bookings.models.calendar import Closure, Quota, Resource, RuleLayer
    from portal.facilities.models import Equipment
    from portal.kernel.clock import now
    from portal.kernel.database import session, unit_of_work
    from portal.organizations.models import Membership, Organization

    def add(row: Any) -> Any:
        session.add(row)
        session.flush()
        return row

    with create_app().app_context(), unit_of_work():
        today = now().date()
        host = add(Organization(name="College", match_key="college", kind="community_college"))
        machine = add(
            Equipment(
                organization_id=host.id,
                name="Mill",
                visibility="public",
                sharing_terms="bookable",
            )
        )
        resource = add(
            Resource(
                kind="equipment",
                organization_id=host.id,
                equipment_id=machine.id,
                name="Mill",
                hours=[{"weekday": day, "opens": "00:00", "closes": "24:00"} for day in range(7)],
            )
        )
        add(
            RuleLayer(
                resource_id=resource.id,
                slot_minutes=15,
                min_length_minutes=15,
                max_length_minutes=240,
                lead_time_minutes=60,
                horizon_days=3650,
                cancel_notice_minutes=60,
                capacity=1,
                approval="instant",
                needs_qualification=True,
                needs_agreement=True,
                needs_insurance=True,
                needs_induction=True,
                eligible_kinds=["sme"],
            )
        )
        for shared_by in ("person", "organization"):
            add(
                Quota(resource_id=resource.id, shared_by=shared_by, period="day", most_minutes=1440)
            )
        add(
            Closure(
                resource_id=resource.id,
                kind="closure",
                starts_at=now(),
                ends_at=now() + dt.timedelta(hours=1),
                reason="Stocktaking",
            )
        )
        for number in range(FIRMS):
            firm = add(Organization(name=f"Firm {number}", match_key=f"firm {number}", kind="sme"))
            person = add(
                User(
                    email=f"{number}@bench.example",
                    name=f"Person {number}",
                    email_verified_at=now(),
                )
            )
            session.add_all(
                [
                    Membership(organization_id=firm.id, user_id=person.id, role="owner"),
                    Qualification(
                        host_organization_id=host.id,
                        user_id=person.id,
                        equipment_id=machine.id,
                        granted_on=today,
                    ),
                    Clearance(
                        host_organization_id=host.id,
                        kind="induction",
                        user_id=person.id,
                        valid_from=today,
                    ),
                    *(
                        Clearance(
                            host_organization_id=host.id,
                            kind=kind,
                            organization_id=firm.id,
                            valid_from=today,
                        )
                        for kind in ("agreement", "insurance")
                    ),
                    ApiToken(
                        user_id=person.id,
                        name="bench",
                        token_hash=hash_secret(f"ic_bench_{number}"),
                        scopes=["read", "bookings:write"],
                        last_used_at=now(),
                    ),
                ]
            )
        return int(machine.id)


@contextlib.contextmanager
def served(environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Run the production server; give its port and its process."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    before = os.environ.get("GRANIAN_WORKERS")
    os.environ["GRANIAN_WORKERS"] = environment["GRANIAN_WORKERS"]
    command = web_server(HOST, port)
    os.environ.pop("GRANIAN_WORKERS") if before is None else os.environ.update(
        GRANIAN_WORKERS=before
    )
    server = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        deadline = time.monotonic() + SECONDS_TO_GET_READY
        while not is_ready(f"http://{HOST}:{port}"):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the server does not get ready")
            time.sleep(0.1)
        yield port, server.pid
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def request_for(machine: int, slot: int, firm: int, key: str) -> bytes:
    """Return the octets of a firm's booking of one slot."""
    first = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    starts_at = first + dt.timedelta(days=3) + slot * SLOT
    body = json.dumps(
        {
            "starts_at": starts_at.isoformat(),
            "ends_at": (starts_at + SLOT).isoformat(),
            "purpose": "Bench",
        }
    ).encode()
    return (
        f"POST /api/v1/equipment/{machine}/bookings HTTP/1.1\r\nHost: {HOST}\r\n"
        f"Authorization: Bearer ic_bench_{firm % FIRMS}\r\nContent-Type: application/json\r\n"
        f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


@dataclass
class _Client:
    """One client: what it asks in turn, and since when it waits for an answer."""

    requests: Iterator[bytes]
    asked: bytes = b""
    since: float = 0.0
    tries: int = 0
    connection: Connection | None = None


def run_clients(
    port: int, plans: Sequence[Sequence[bytes]], start_at: float, until: float
) -> Outcome:
    """Let clients ask what they plan, one after the other; who loses its server asks again."""
    outcome = Outcome()
    selector = selectors.DefaultSelector()

    #: Those who ask again, with when: in the order of that, for all wait equally long.
    pausing: deque[tuple[float, _Client]] = deque()

    def ask(client: _Client) -> None:
        try:
            if client.connection is None:
                client.connection = Connection(HOST, port)
                selector.register(client.connection.socket, selectors.EVENT_READ, client)
            client.connection.send(client.asked)
        except OSError:
            lose(client)

    def lose(client: _Client) -> None:
        outcome.lost += 1
        client.tries += 1
        if client.connection is not None:
            selector.unregister(client.connection.socket)
            client.connection.socket.close()
            client.connection = None
        if client.tries > MOST_TRIES:
            raise RuntimeError("the server does not come back")
        pausing.append((time.perf_counter() + PAUSE, client))

    def ask_next(client: _Client) -> None:
        request = next(client.requests, None) if time.time() < until else None
        if request is None:
            if client.connection is not None:
                selector.unregister(client.connection.socket)
                client.connection.socket.close()
            return
        client.asked, client.since, client.tries = request, time.perf_counter(), 0
        ask(client)

    clients = [_Client(iter(plan)) for plan in plans]
    for client in clients:
        client.connection = Connection(HOST, port)
        selector.register(client.connection.socket, selectors.EVENT_READ, client)
    time.sleep(max(0.0, start_at - time.time()))
    started = time.perf_counter()
    for client in clients:
        ask_next(client)
    while selector.get_map() or pausing:
        pause = max(0.0, pausing[0][0] - time.perf_counter()) if pausing else 1.0
        found = selector.select(timeout=pause)
        while pausing and pausing[0][0] <= time.perf_counter():
            ask(pausing.popleft()[1])
        for ready, _events in found:
            client = ready.data
            try:
                status, _head = client.connection.receive()
            except (OSError, ConnectionError):
                lose(client)
                continue
            outcome.statuses[status] += 1
            times = outcome.asked_again if client.tries else outcome.times
            times.append(time.perf_counter() - client.since)
            ask_next(client)
    outcome.seconds = time.perf_counter() - started
    return outcome


def _work(
    port: int,
    plans: Sequence[Sequence[bytes]],
    start_at: float,
    until: float,
    answers: "multiprocessing.Queue[Outcome]",
) -> None:
    answers.put(run_clients(port, plans, start_at, until))


def load(
    port: int, server: int, plans: Sequence[Sequence[bytes]], seconds: float, *, kills: bool
) -> Outcome:
    """Run clients in several processes; with `kills`, kill a web process in the middle."""
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[Outcome] = context.Queue()
    share = max(1, len(plans) // CLIENT_PROCESSES)
    parts = [plans[at : at + share] for at in range(0, len(plans), share)]
    start_at = time.time() + 3
    children = [
        context.Process(target=_work, args=(port, part, start_at, start_at + seconds, answers))
        for part in parts
    ]
    for child in children:
        child.start()
    if kills:
        time.sleep(max(0.0, start_at + seconds / 2 - time.time()))
        os.kill(web_processes_of(server)[0], signal.SIGKILL)
    total = Outcome()
    for _child in children:
        one = answers.get(timeout=seconds + 120)
        total.statuses += one.statuses
        total.times += one.times
        total.asked_again += one.asked_again
        total.lost += one.lost
        total.seconds = max(total.seconds, one.seconds)
    for child in children:
        child.join()
    return total


CLIENT_PROCESSES = 4


def web_processes_of(server: int) -> list[int]:
    """Return the processes below the server's, as the system tells."""
    text = Path(f"/proc/{server}/task/{server}/children").read_text("ascii")
    found = []
    for number in map(int, text.split()):
        command = Path(f"/proc/{number}/cmdline").read_bytes()
        if b"resource_tracker" not in command:
            found.append(number)
    return found


def check(environment: dict[str, str]) -> tuple[int, int]:
    """Return the bookings that hold time, and the minutes on which more than one does."""
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks.bookings", "--check"],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    held, crowded = re.findall(r"\d+", found.stdout)[-2:]
    return int(held), int(crowded)


def count_minutes() -> tuple[int, int]:
    """Count what `check` returns, minute by minute."""
    from sqlalchemy import select

    from portal.bookings.models.booking import Booking
    from portal.kernel.database import session

    minutes: Counter[int] = Counter()
    rows = session.execute(
        select(Booking.starts_at, Booking.ends_at).where(Booking.status == "approved")
    ).all()
    for starts_at, ends_at in rows:
        first, last = (round(moment.timestamp() / 60) for moment in (starts_at, ends_at))
        minutes.update(range(first, last))
    return len(rows), sum(1 for count in minutes.values() if count > 1)


def contested(machine: int, clients: int, first: int, slots: int, run: str) -> list[list[bytes]]:
    """Everybody wants the same slots, in the same order."""
    return [
        [
            request_for(machine, first + slot, client, f"{run}-{client}-{slot}")
            for slot in range(slots)
        ]
        for client in range(clients)
    ]


def free(machine: int, clients: int, first: int, slots: int, run: str) -> list[list[bytes]]:
    """Everybody books slots that nobody else wants."""
    return [
        [
            request_for(machine, first + slot * clients + client, client, f"{run}-{client}-{slot}")
            for slot in range(slots)
        ]
        for client in range(clients)
    ]


def _waits(times: Sequence[float]) -> list[str]:
    """Return half of the waits, nearly all, and the longest."""
    if not times:
        return ["–"] * 3
    longest = milliseconds(max(times))
    return [milliseconds(percentile(times, 0.5)), milliseconds(percentile(times, 0.95)), longest]


def measure(arguments: argparse.Namespace, words: str, database: str, instance: Path) -> list[str]:
    """Measure one database; return the lines of its report."""
    environment = environment_of(instance, database, arguments.processes)
    machine = prepare(environment)
    rows: list[list[str]] = []
    most = int(arguments.seconds * 2000 / arguments.clients) + 1
    first = 0
    with served(environment) as (port, server):
        # A process answers its first dozens of requests, of either kind, at half its speed; and of
        # a few clients, all can be with the same one.
        load(port, server, free(machine, 24, first, 8, "warm"), 10, kills=False)
        load(port, server, contested(machine, 24, first, 12, "refused"), 10, kills=False)
        first += 200
        for name, plan, clients, kills in (
            ("one client alone, free times", free, 1, False),
            ("all at once, one time", contested, arguments.clients, False),
            ("free times", free, arguments.clients, False),
            # Last, since the process that takes the dead one's place needs seconds to begin.
            ("the same times, a web process killed", contested, arguments.clients, True),
        ):
            slots = 1 if name.endswith("one time") else most if clients > 1 else 500
            plans = plan(machine, clients, first, slots, name.replace(" ", "-"))
            first += slots * (clients if plan is free else 1) + 1
            before = processor_seconds(server)
            found = load(port, server, plans, arguments.seconds, kills=kills)
            # Of a process that was killed, nobody knows what it had.
            cost = None if kills else (processor_seconds(server) - before) / len(found.times)
            answers = ", ".join(f"{count} × {status}" for status, count in found.statuses.items())
            rows.append(
                [
                    name,
                    f"{clients}",
                    f"{found.statuses[201] / found.seconds:,.0f}",
                    f"{found.statuses.total() / found.seconds:,.0f}",
                    *_waits(found.times),
                    milliseconds(cost),
                    answers,
                ]
            )
            if kills:
                rows.append(
                    [
                        "… those of them who asked again",
                        f"{len(found.asked_again)}",
                        "",
                        "",
                        *_waits(found.asked_again),
                        "",
                        "",
                    ]
                )
    held, crowded = check(environment)
    return [
        f"## {words}",
        "",
        table(
            [
                "",
                "clients",
                "bookings/s",
                "answers/s",
                "p50 ms",
                "p95 ms",
                "longest ms",
                "server's CPU",
                "answers",
            ],
            rows,
        ),
        "",
        f"{held:,} bookings hold time; minutes booked more than once: {crowded}.",
        "",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument(
        "--processes", type=int, default=number_of_web_processes(), help="web processes"
    )
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--markdown", type=Path, help="where to write the report as well")
    parser.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.fill:
        print(fill())
        return
    if arguments.check:
        from portal.app import create_app

        with create_app().app_context():
            print(*count_minutes())
        return
    lines = [
        f"{measuring.machine()}; load at the start {measuring.load()}.",
        f"Goals: {GOAL_PER_SECOND} bookings/s on SQLite, nobody waits longer than"
        f" {GOAL_LONGEST * 1000:.0f} ms, no minute twice.",
        "",
    ]
    databases = arguments.databases.split(",")
    with tempfile.TemporaryDirectory(prefix="portal-bookings-") as folder:
        if "sqlite" in databases:
            lines += measure(arguments, "SQLite", "", Path(folder) / "sqlite")
        if "postgresql" in databases:
            from tests.support.postgresql import Cluster

            cluster = Cluster.start(is_durable=True)
            try:
                url = cluster.create("bookings")
                lines += measure(arguments, "PostgreSQL", url, Path(folder) / "postgresql")
            finally:
                cluster.stop()
    report = "\n".join(lines)
    print(report)
    if arguments.markdown:
        arguments.markdown.write_text(report + "\n", "utf-8")


if __name__ == "__main__":
    main()

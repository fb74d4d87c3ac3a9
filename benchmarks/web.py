"""`python -m benchmarks.web`: the portal's pages under its production server, as visitors get them.

Starts the server as `script/server` does, on a database with synthetic records, and asks from one
process beside it, which shares the machine's cores.
"""

import argparse
import contextlib
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from benchmarks import measuring
from benchmarks.client import Outcome, load, request_for, revalidations
from benchmarks.measuring import milliseconds, percentile, table
from script.supervisor import FLASK, ROOT, is_ready, web_server

HOST = "127.0.0.1"
SECONDS_TO_GET_READY = 60
PROFILED = 60
AGAIN = 40
PAGES = {
    "home": "home",
    "results": "results, each for the first time",
    "results_again": "results, again",
    "suggestions": "suggestions",
    "record": "record, each for the first time",
    "record_again": "record, again",
    "api": "API search",
    "revalidation": "revalidation (304)",
}


def environment_of(instance: Path) -> dict[str, str]:
    """Return the settings of a portal in production, without a proxy in front."""
    return {
        **os.environ,
        "PORTAL_ENVIRONMENT": "production",
        "INSTANCE_PATH": str(instance),
        "SECRET_KEY": "only-for-benchmarks",
        "SECURE_COOKIES": "false",
        "TRUSTED_PROXIES": "0",
        "REQUESTS_PER_MINUTE": "1000000000",
        "DEMO_DATA": "true",
    }


def prepare(instance: Path, records: int) -> list[tuple[str, float]]:
    """Fill an instance, unless it is there already; return what took how long."""
    if (instance / "portal.db").exists():
        return []
    instance.mkdir(parents=True, exist_ok=True)
    took = []
    for words, arguments in (
        ("setting up, with the demo regions", ["setup"]),
        (
            f"generating {records:,} records",
            ["demo", "generate", "--records", str(records), "--no-index"],
        ),
        ("rebuilding the index", ["index", "rebuild"]),
    ):
        start = time.perf_counter()
        subprocess.run(
            [*FLASK, *arguments],
            cwd=ROOT,
            env=environment_of(instance),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        took.append((words, time.perf_counter() - start))
    return took


@contextlib.contextmanager
def served(instance: Path) -> Iterator[tuple[int, int]]:
    """Run the production server; give its port and its process."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    server = subprocess.Popen(
        web_server(HOST, port), cwd=ROOT, env=environment_of(instance), start_new_session=True
    )
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


def paths_of(instance: Path, count: int) -> dict[str, list[str]]:
    """Return addresses of each kind of page, from what is in the database."""
    chance = random.Random(1)
    connection = sqlite3.connect(instance / "portal.db")
    labels = [row[0] for row in connection.execute("SELECT label FROM capability ORDER BY key")]
    records = [
        path
        for (path,) in connection.execute(
            "SELECT '/organizations/' || id FROM organization WHERE status = 'active' "
            "UNION ALL SELECT '/equipment/' || id FROM equipment WHERE visibility = 'public'"
        )
    ]
    connection.close()
    words = sorted({word for label in labels for word in label.lower().split() if len(word) > 3})
    texts = [*labels, *(f"{chance.choice(words)} {word}" for word in words)]
    chance.shuffle(texts)
    while len(texts) < 2 * count:
        texts += [f"{text} {chance.choice(words)}" for text in texts]
    # Different ones for each measurement: nothing of them is known from before.
    first, second = texts[:count], texts[count : 2 * count]
    return {
        "home": ["/"],
        "results": [f"/search?q={quote_plus(text)}" for text in first],
        "suggestions": [f"/search/suggestions?q={quote_plus(text[:4])}" for text in second],
        "record": chance.sample(records, min(count, len(records))),
        "api": [f"/api/v1/search?q={quote_plus(text)}" for text in second],
    }


def measure(
    port: int,
    server: int,
    paths: dict[str, list[str]],
    clients: int,
    seconds: float,
    say: Callable[[str], None],
) -> dict[str, Outcome]:
    """Load each kind of page; "first" goes once through addresses that nobody asked for before."""
    found: dict[str, Outcome] = {}
    for kind, words in PAGES.items():
        say(f"{words}, {clients} at a time")
        source = kind.removesuffix("_again")
        if kind == "revalidation":
            requests = revalidations(HOST, port, paths["record"][:AGAIN])
            load(HOST, port, requests, 2, 1.0, once=False)  # every process gets to know them
        else:
            chosen = paths[source]
            requests = [request_for(path) for path in chosen]
            if kind.endswith("_again"):
                # Each process of the server makes its own, and keeps it for a minute.
                requests = requests[:AGAIN]
                load(HOST, port, requests * 3, 2, SECONDS_TO_GET_READY, once=True)
        is_first = kind in ("results", "record")
        before = processor_seconds(server)
        found[kind] = load(HOST, port, requests, clients, seconds, once=is_first)
        found[kind].server_seconds = processor_seconds(server) - before
    return found


def processor_seconds(process: int) -> float:
    """Return what a process and those below it have had of the processor; 0 if nobody tells."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()
        fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(processor_seconds(int(child)) for child in children)


def profile(instance: Path, paths: dict[str, list[str]]) -> dict[str, dict[str, float]]:
    """Return where the time of a page goes, measured in this process: seconds by part.

    sql: in the database's driver; index: in the full-text index; template: rendering, without what
    it asks of the other two; rest: routing, hooks, loading objects, forms of answers.
    """
    os.environ.update(environment_of(instance))
    from sqlalchemy import event

    from portal.app import create_app
    from portal.kernel.database import db
    from portal.kernel.search import search_index
    from portal.kernel.web import answers

    app = create_app()
    clock = Clock()
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *_: clock.enter("sql"))
        event.listen(db.engine, "after_cursor_execute", lambda *_: clock.leave())
        engine = type(search_index().index)
    undo = [
        clock.watch(engine, "search", "index"),
        clock.watch(engine, "suggest", "index"),
        clock.watch(answers, "render_template", "template"),
    ]
    client = app.test_client(use_cookies=False)
    found = {}
    for kind, chosen in paths.items():
        some = [chosen[at % len(chosen)] for at in range(2 * PROFILED)]
        for path in some[PROFILED:]:
            client.get(path)
        clock.reset()
        for at, path in enumerate(some[:PROFILED]):
            # Something no page looks at makes it one that is not kept.
            client.get(f"{path}{'&' if '?' in path else '?'}profile={at}")
        found[kind] = {part: spent / PROFILED for part, spent in clock.total().items()}
    for restore in undo:
        restore()
    return found


class Clock:
    """Adds up time by part; what a part spends in another counts for the other."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._spent: dict[str, float] = defaultdict(float)
        self._parts = ["rest"]
        self._since = time.process_time()

    def enter(self, part: str) -> None:
        self._note()
        self._parts.append(part)

    def leave(self) -> None:
        self._note()
        self._parts.pop()

    def total(self) -> dict[str, float]:
        self._note()
        return dict(self._spent)

    def _note(self) -> None:
        present = time.process_time()  # what other processes do does not count
        self._spent[self._parts[-1]] += present - self._since
        self._since = present

    def watch(self, owner: Any, name: str, part: str) -> Callable[[], None]:
        """Count what a function spends; return what puts the function back."""
        original = getattr(owner, name)

        def watched(*arguments: Any, **named: Any) -> Any:
            self.enter(part)
            try:
                return original(*arguments, **named)
            finally:
                self.leave()

        setattr(owner, name, watched)
        return lambda: setattr(owner, name, original)


def goals(one: dict[str, Outcome], several: dict[str, Outcome]) -> list[list[str]]:
    """Return each goal, what was measured, and whether that is good enough."""

    def best(kind: str) -> float:
        return max(one[kind].per_second, several[kind].per_second)

    rows = []
    for kind, words in (("results", "made anew"), ("results_again", "asked again")):
        p95 = percentile(one[kind].times, 0.95)
        rows += [
            (f"results page {words} ≥ 500 requests/s", f"{best(kind):,.0f}", best(kind) >= 500),
            (
                f"results page {words}, p95 ≤ 8 ms for one client",
                f"{milliseconds(p95)} ms",
                p95 <= 0.008,
            ),
        ]
    rows += [
        (
            "public record page ≥ 1,000 requests/s",
            f"{best('record_again'):,.0f}",
            best("record_again") >= 1000,
        ),
        (
            "revalidation ≥ 5,000 requests/s",
            f"{best('revalidation'):,.0f}",
            best("revalidation") >= 5000,
        ),
    ]
    return [[words, text, measuring.verdict(is_met)] for words, text, is_met in rows]


def describe(
    records: int,
    took: Sequence[tuple[str, float]],
    loads: dict[int, dict[str, Outcome]],
    parts: dict[str, dict[str, float]],
) -> str:
    """Return everything as Markdown, as docs/performance.md shows it."""
    one, several = (loads[clients] for clients in sorted(loads)[:1] + sorted(loads)[-1:])
    text = [
        f"Measured with {records:,} records on {measuring.machine()}, the client included.",
        table(("Goal", "measured", ""), goals(one, several)),
    ]
    for clients, found in sorted(loads.items()):
        rows = [
            [
                PAGES[kind],
                f"{outcome.per_second:,.0f}",
                *(milliseconds(percentile(outcome.times, share)) for share in (0.5, 0.95, 0.99)),
                ", ".join(f"{status}" for status in sorted(outcome.statuses)),
                milliseconds(outcome.server_seconds / len(outcome.times)),
                milliseconds(outcome.client_seconds / len(outcome.times)),
            ]
            for kind, outcome in found.items()
        ]
        header = (
            "",
            "requests/s",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "status",
            "server's CPU",
            "client's",
        )
        text += [f"{clients} at a time; the processor's time per request in milliseconds."]
        text.append(table(header, rows))
    names = ("index", "sql", "template", "rest")
    rows = [
        [
            PAGES[kind].partition(",")[0],
            *(milliseconds(spent.get(name, 0.0)) for name in names),
            milliseconds(sum(spent.values())),
        ]
        for kind, spent in parts.items()
    ]
    text += [
        "Where a page's time goes when it is made anew: mean milliseconds of the processor.",
        table(("", *names, "all"), rows),
    ]
    if took:
        text.append(f"It took {', '.join(f'{s:.0f} s for {words}' for words, s in took)}.")
    return "\n\n".join(text) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.web", description=__doc__)
    parser.add_argument("--records", type=int, default=5_000)
    parser.add_argument("--instance", type=Path, help="use this one, or fill it for the next run")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each kind of page")
    parser.add_argument("--clients", type=int, default=8, help="at a time, beside one alone")
    parser.add_argument("--addresses", type=int, default=2_000, help="of each kind of page")
    parser.add_argument("--markdown", type=Path, help="write the result into this file as well")
    options = parser.parse_args(arguments)
    busy = measuring.load()
    with contextlib.ExitStack() as stack:
        instance = options.instance
        if instance is None:
            instance = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        instance = instance.resolve()
        progress = measuring.Progress(1 + 2 * len(PAGES))
        progress.say("filling the database")
        took = prepare(instance, options.records)
        progress.step()

        def say(text: str) -> None:
            progress.say(text)
            progress.step()

        loads = {}
        for clients in (1, options.clients):
            paths = paths_of(instance, options.addresses)
            with served(instance) as (port, server):
                loads[clients] = measure(port, server, paths, clients, options.seconds, say)
        progress.close()
        parts = profile(instance, paths)
    text = describe(options.records, took, loads, parts)
    print(text)
    print(f"Load of the machine before and after: {busy}, {measuring.load()}.")
    if options.markdown:
        options.markdown.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

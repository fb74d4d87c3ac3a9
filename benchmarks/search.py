"""`python -m benchmarks.search`: the portal's search beside other engines, in one run.

The same corpus and queries for all. Every engine answers in a fresh process of its own; the
engines take turns query by query, so that whatever else the machine does meets all of them alike.
"""

import argparse
import gc
import itertools
import json
import multiprocessing
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks import measuring
from benchmarks.corpus import CLASSES, Ask, Corpus
from benchmarks.engines import ENGINES, OURS, Answer, Engine
from benchmarks.measuring import megabytes, milliseconds, percentile, ratio, table
from portal.kernel.fulltext.port import Document

ROUNDS = 3
PATIENCE_SECONDS = 8.0
CHANGES = 40
_LETTERS = str.maketrans("0123456789", "ghijklmnop")
_WHOOSH = "whoosh"
_LARGE = 100_000
_CORES = 2


@dataclass
class Measured:
    """What was found out about one engine at one size."""

    name: str
    build_seconds: float = 0.0
    build_cpu: float = 0.0
    size_bytes: int = 0
    open_seconds: float = 0.0
    memory_opened: tuple[int, int] | None = None
    memory_used: tuple[int, int] | None = None
    first: list[float] = field(default_factory=list)
    times: dict[str, list[float]] = field(default_factory=dict)
    totals: dict[str, list[int]] = field(default_factory=dict)
    counts: list[dict[str, dict[str, int]]] = field(default_factory=list)


@dataclass
class Run:
    """All engines at one size."""

    records: int
    engines: dict[str, Measured]
    is_work: bool = False
    freshness: list[float] = field(default_factory=list)


class Server:
    """An engine in a process of its own, asked one question at a time."""

    def __init__(self, name: str, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(name, folder, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, what: str, value: Any = None) -> Any:
        """Ask for something and wait for the answer."""
        self._pipe.send((what, value))
        answer = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def stop(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()


def _serve(name: str, folder: Path, pipe: Connection) -> None:
    engine = ENGINES[name].load(name, folder)
    while True:
        try:
            what, value = pipe.recv()
        except EOFError:
            engine.close()
            return
        try:
            pipe.send(_REPLIES[what](engine, value))
        except Exception as error:
            pipe.send(RuntimeError(f"{name}: {error!r}"))


def _open(engine: Engine, _value: None) -> tuple[float, tuple[int, int] | None]:
    start = time.perf_counter()
    engine.open()
    passed = time.perf_counter() - start
    engine.warm()
    gc.collect()
    gc.freeze()
    return passed, _memory(engine, None)


def _memory(engine: Engine, _value: None) -> tuple[int, int] | None:
    process = getattr(engine, "process_id", lambda: "self")()
    return measuring.memory_of(process)


def _timed(engine: Engine, ask: Ask) -> tuple[float, Answer]:
    start = time.perf_counter()
    answer = engine.answer(ask)
    return time.perf_counter() - start, answer


def _worked(engine: Engine, ask: Ask) -> tuple[float, Answer]:
    start = time.process_time()
    answer = engine.answer(ask)
    return time.process_time() - start, answer


_REPLIES: Mapping[str, Callable[[Engine, Any], Any]] = {
    "open": _open,
    "memory": _memory,
    "answer": _timed,
    "work": _worked,
}


def measure(
    records: int,
    queries: int,
    seed: int,
    names: Sequence[str],
    progress: measuring.Progress,
    kept: Path | None = None,
    is_work: bool = False,
) -> Run:
    """Build all indexes, ask all queries, and see how fast a change is found.

    kept: a folder in which indexes stay, to be used again by the next run. is_work: take the
    processor's time of the engine's process for a query, not the clock's.
    """
    corpus = Corpus(records, seed)
    asks = corpus.asks(queries)
    run = Run(records, {name: Measured(name) for name in names}, is_work)
    folder = kept / f"{records}-{seed}" if kept else Path(tempfile.mkdtemp(prefix="benchmark-"))
    builders: dict[str, Engine] = {}
    servers: dict[str, Server] = {}
    try:
        for name, measured in run.engines.items():
            progress.say(f"{records:,}: {ENGINES[name].label} indexes")
            builders[name] = ENGINES[name].load(name, folder / name)
            _build(builders[name], folder / name, corpus, measured)
            progress.step()
        for name, measured in run.engines.items():
            servers[name] = Server(name, folder / name)
            measured.open_seconds, measured.memory_opened = servers[name].ask("open")
        # The results pages come first: their words are still unseen.
        for kind in ("page", *(kind for kind in CLASSES if kind != "page")):
            progress.say(f"{records:,}: {CLASSES[kind]}")
            _ask_all(run, servers, kind, asks[kind])
            progress.step()
        for name, measured in run.engines.items():
            measured.memory_used = servers[name].ask("memory")
        if OURS in servers:
            progress.say(f"{records:,}: changed records")
            run.freshness = _change(corpus, builders[OURS], servers[OURS])
        progress.step()
    finally:
        for server in servers.values():
            server.stop()
        for engine in builders.values():
            engine.close()
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)
    return run


def _build(engine: Engine, folder: Path, corpus: Corpus, measured: Measured) -> None:
    """Write an engine's index, unless an earlier run left it; a server ends with its run."""
    note = folder.with_suffix(".json")
    if note.exists() and not hasattr(engine, "cluster"):
        known = json.loads(note.read_text())
        measured.build_seconds, measured.size_bytes, measured.build_cpu = known
        return
    shutil.rmtree(folder, ignore_errors=True)
    start, used = time.perf_counter(), measuring.processor_seconds()
    engine.build(corpus.documents())
    measured.build_seconds = time.perf_counter() - start
    measured.build_cpu = measuring.processor_seconds() - used
    measured.size_bytes = engine.size()
    note.write_text(json.dumps([measured.build_seconds, measured.size_bytes, measured.build_cpu]))


def _ask_all(run: Run, servers: Mapping[str, Server], kind: str, asks: Sequence[Ask]) -> None:
    """Ask each query once untimed (or as the first touch) and then some rounds timed.

    An engine that takes longer than everybody's patience is asked fewer of them.
    """
    spent = dict.fromkeys(servers, 0.0)
    how = "work" if run.is_work else "answer"
    for ask in asks:
        for name, server in servers.items():
            if spent[name] > PATIENCE_SECONDS:
                continue
            measured = run.engines[name]
            first, answer = server.ask(how, ask)
            measured.totals.setdefault(kind, []).append(answer.total)
            if kind == "page":
                measured.first.append(first)
                measured.counts.append(answer.facets)
            spent[name] += first
    for at, ask in enumerate(asks):
        rounds: dict[str, list[float]] = {name: [] for name in servers}
        for _round in range(ROUNDS):
            for name, server in servers.items():
                if at < len(run.engines[name].totals[kind]):
                    rounds[name].append(server.ask(how, ask)[0])
        for name, times in rounds.items():
            if times:
                run.engines[name].times.setdefault(kind, []).append(percentile(times, 0.5))


def _change(corpus: Corpus, writer: Engine, reader: Server) -> list[float]:
    """Change records one by one; return the seconds until another process finds the change."""
    index = writer.index  # type: ignore[attr-defined]
    times = []
    changes = min(CHANGES, 3 + corpus.records // 100)
    for document in itertools.islice(corpus.documents(), changes):
        # A word that no earlier run has left in an index that was kept.
        word = f"changed{secrets.token_hex(8)}".translate(_LETTERS)
        changed = _with_word(document, word)
        ask = Ask((word,), document.audience)
        start = time.perf_counter()
        index.apply([changed])
        while reader.ask("answer", ask)[1].ids != [document.id]:
            time.sleep(0.001)
        times.append(time.perf_counter() - start)
    return times[1:]  # the first one opened the writer's index


def _with_word(document: Document, word: str) -> Document:
    values = {name: getattr(document, name) for name in document.__dataclass_fields__}
    return Document(**{**values, "body": f"{word} {document.body}"})


# What was found out, in words


def report(run: Run) -> str:
    """Return the tables of one size."""
    names = list(run.engines)
    labels = [ENGINES[name].label for name in names]
    parts = [
        f"### {run.records:,} records",
        f"{'Processor milliseconds' if run.is_work else 'Milliseconds'}, p50 / p95. In brackets: "
        "how many times ours that is.",
        table(("", *labels), [_times(run, kind) for kind in CLASSES]),
        "First touch of a process just opened: pages whose words it has not seen.",
        table(("", *labels), [_first(run)]),
        "What an index costs. Private: memory that the process wrote itself, opened and after all "
        "queries (of PostgreSQL: the server process of the connection); resident: with the shared "
        "pages of files. Processor: of a build, without that of a server.",
        table(("", *labels), _costs(run)),
    ]
    if OURS in run.engines and len(names) > 1:
        parts += [
            "Queries whose number of hits is within 2 % of ours; last, the pages' facet counts.",
            table(("", *labels), _agreement(run)),
        ]
    if run.freshness:
        p50, p95 = (milliseconds(percentile(run.freshness, share)) for share in (0.5, 0.95))
        parts.append(
            f"A changed record is found by another process after {p50} ms (p95 {p95}), from "
            "the moment the worker applies it."
        )
    return "\n\n".join(parts)


def _times(run: Run, kind: str) -> list[str]:
    cells = [CLASSES[kind]]
    for name, measured in run.engines.items():
        times = measured.times[kind]
        cell = f"{milliseconds(percentile(times, 0.5))} / {milliseconds(percentile(times, 0.95))}"
        if name != OURS and OURS in run.engines:
            cell += f" ({_against_ours(run, name, kind, 0.5)})"
        cells.append(cell)
    return cells


def _against_ours(run: Run, name: str, kind: str, share: float) -> str:
    theirs = run.engines[name].times[kind]
    ours = run.engines[OURS].times[kind][: len(theirs)]
    theirs = theirs[: len(ours)]
    return f"{ratio(percentile(theirs, share), percentile(ours, share))} ×"


def _first(run: Run) -> list[str]:
    return [
        "results page",
        *(
            f"{milliseconds(percentile(measured.first, 0.5))} / "
            f"{milliseconds(percentile(measured.first, 0.95))}"
            for measured in run.engines.values()
        ),
    ]


def _costs(run: Run) -> list[list[str]]:
    def memory(found: tuple[int, int] | None, at: int) -> str:
        return megabytes(found[at] if found else None)

    every = run.engines.values()
    return [
        ["build", *(f"{measured.build_seconds:.1f} s" for measured in every)],
        ["build, processor", *(f"{measured.build_cpu:.1f} s" for measured in every)],
        ["size", *(megabytes(measured.size_bytes) for measured in every)],
        ["opening", *(f"{milliseconds(measured.open_seconds)} ms" for measured in every)],
        ["private, opened", *(memory(measured.memory_opened, 0) for measured in every)],
        ["private, used", *(memory(measured.memory_used, 0) for measured in every)],
        ["resident, used", *(memory(measured.memory_used, 1) for measured in every)],
    ]


def _agreement(run: Run) -> list[list[str]]:
    rows = []
    for kind, label in CLASSES.items():
        row = [label]
        for name, measured in run.engines.items():
            if name == OURS:
                row.append("–")
                continue
            ours = run.engines[OURS].totals[kind]
            pairs = list(zip(measured.totals[kind], ours, strict=False))
            alike = sum(abs(a - b) <= max(1, 0.02 * max(a, b)) for a, b in pairs) / len(pairs)
            row.append(f"{alike:.0%}")
        rows.append(row)
    row = ["facet counts"]
    for name, measured in run.engines.items():
        if name == OURS:
            row.append("–")
            continue
        pairs = list(zip(measured.counts, run.engines[OURS].counts, strict=False))
        row.append(f"{sum(_counts_agree(a, b) for a, b in pairs) / len(pairs):.0%}")
    return [*rows, row]


def _counts_agree(
    theirs: Mapping[str, Mapping[str, int]], ours: Mapping[str, Mapping[str, int]]
) -> bool:
    """Tell whether the most frequent value of each facet has the same count."""
    for name, counts in theirs.items():
        if counts:
            most = max(counts.values())
            mine = max(ours.get(name, {"": 0}).values(), default=0)
            if abs(most - mine) > max(1, 0.02 * max(most, mine)):
                return False
    return True


def goals(runs: Mapping[int, Run], records: int) -> list[tuple[str, str, bool | None]]:
    """Return each goal, what was measured, and whether that is good enough."""
    run = runs[records]
    ours = run.engines.get(OURS)
    found: list[tuple[str, str, bool | None]] = []

    def compare(
        of: Run, name: str, share: float, words: str, is_met: Callable[[float], bool]
    ) -> None:
        if ours is None or name not in of.engines:
            found.append((words, "–", None))
            return
        theirs = of.engines[name].times["page"]
        times = of.engines[OURS].times["page"][: len(theirs)]
        value = percentile(times, share) / percentile(theirs[: len(times)], share)
        text = f"{value:.2f} ×" if value > 0.1 else f"{1 / value:,.0f} times faster"
        found.append((words, text, is_met(value)))

    compare(run, "tantivy", 0.5, "warm page p50 ≤ 0.7 × Tantivy's", lambda value: value <= 0.7)
    compare(run, "tantivy", 0.95, "warm page p95 ≤ 0.65 × Tantivy's", lambda value: value <= 0.65)
    compare(run, _WHOOSH, 0.5, "≥ 200 times faster than Whoosh's own", lambda v: v <= 1 / 200)
    for name, how in (("postgresql_apart", "statement by statement"), ("postgresql", "by one")):
        words = f"≥ 50 times faster than PostgreSQL, asked {how}"
        compare(run, name, 0.5, words, lambda value: value <= 1 / 50)
    large = runs.get(300_000)
    if large is not None:
        words = "at 300,000: warm page p50 ≤ 0.6 × Tantivy's"
        compare(large, "tantivy", 0.5, words, lambda value: value <= 0.6)
    if ours is None:
        return found
    touch = percentile(ours.first, 0.5) / percentile(ours.times["page"], 0.5)
    found.append(("first touch ≤ 2 × warm", f"{touch:.2f} ×", touch <= 2))
    fresh = percentile(run.freshness, 0.95)
    found.append(
        ("a change is found in ≤ 120 ms (p95)", f"{milliseconds(fresh)} ms", fresh <= 0.12)
    )
    opening = ours.open_seconds
    found.append(("opening under 20 ms", f"{milliseconds(opening)} ms", opening < 0.02))
    memory = ours.memory_used
    found.append(
        (
            "private memory under 120 MB",
            megabytes(memory[0] if memory else None),
            memory[0] < 120e6 if memory else None,
        )
    )
    # What else a machine does makes a rebuild longer, but no more work.
    seconds = ours.build_cpu / _CORES
    words = f"rebuild of 100,000 under 150 s on {_CORES} cores (processor time)"
    text = f"{seconds:.0f} s for {records:,}"
    found.append((words, text, seconds < 150 if records >= _LARGE else None))
    return found


def curve(runs: Mapping[int, Run]) -> str:
    """Return how the results page grows with the number of records."""
    names = list(dict.fromkeys(name for run in runs.values() for name in run.engines))
    rows = []
    for records, run in sorted(runs.items()):
        cells = [f"{records:,}"]
        for name in names:
            times = run.engines[name].times["page"] if name in run.engines else []
            cells.append(
                f"{milliseconds(percentile(times, 0.5))} / {milliseconds(percentile(times, 0.95))}"
                if times
                else "–"
            )
        rows.append(cells)
    return table(("records", *(ENGINES[name].label for name in names)), rows)


def describe(runs: Mapping[int, Run], records: int, queries: int, seed: int) -> str:
    """Return everything as Markdown, as docs/performance.md shows it."""
    rows = [
        [words, text, measuring.verdict(is_met)] for words, text, is_met in goals(runs, records)
    ]
    parts = [
        f"Measured on {measuring.machine()}; {queries} queries of each class, seed {seed}. Each "
        f"query was asked {ROUNDS} times warm, its median counts.",
        table((f"Goal ({records:,} records)", "measured", ""), rows),
        report(runs[records]),
    ]
    if len(runs) > 1:
        parts += [
            "### How it grows",
            "The results page warm, milliseconds, p50 / p95.",
            curve(runs),
        ]
    return "\n\n".join(parts) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=100, help="of each class")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engines", default=",".join(ENGINES), help="by name, with commas")
    parser.add_argument(
        "--curve", default="", help="more sizes, with commas (Whoosh's own is left out there)"
    )
    parser.add_argument("--keep", type=Path, help="keep the indexes here, for the next run")
    parser.add_argument(
        "--processor",
        action="store_true",
        help="time queries by the processor's time, on a machine that others use as well",
    )
    parser.add_argument("--markdown", type=Path, help="write the result into this file as well")
    options = parser.parse_args(arguments)
    names = options.engines.split(",")
    if unknown := [name for name in names if name not in ENGINES]:
        parser.error(f"no such engine: {', '.join(unknown)}; there are {', '.join(ENGINES)}")
    for name in [name for name in names if not ENGINES[name].is_installed()]:
        print(f"{ENGINES[name].label} is left out: {ENGINES[name].needs} is not installed.")
        names.remove(name)
    if options.processor:
        for name in [name for name in names if name.startswith("postgresql")]:
            print(f"{ENGINES[name].label} is left out: its server's processor time is not seen.")
            names.remove(name)
    if not names:
        return 1
    sizes = {options.records: names}
    for size in filter(None, options.curve.split(",")):
        sizes.setdefault(int(size), [name for name in names if name != _WHOOSH])
    steps = sum(len(of) + len(CLASSES) + 1 for of in sizes.values())
    progress = measuring.Progress(steps)
    busy = measuring.load()
    runs = {
        size: measure(
            size, options.queries, options.seed, of, progress, options.keep, options.processor
        )
        for size, of in sorted(sizes.items())
    }
    progress.close()
    text = describe(runs, options.records, options.queries, options.seed)
    print(text)
    print(f"Load of the machine before and after: {busy}, {measuring.load()}.")
    if options.markdown:
        options.markdown.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

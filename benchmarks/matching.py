"""How well matching finds whom a need would accept, beside plain search, and how long it takes.

    python -m benchmarks.matching                    the judged needs over the demo's regions
    python -m benchmarks.matching --records 100000   and the time of a need among so many records

The needs are those that the demo's organizations posted, as far as the demo has anything for
them, and some more as people would post them (`matching/needs.toml`). For each of them a person
said, from its words and the records', which records it would accept (`matching/judged.tsv`).
Precision@5 is the share of the first five places that hold an acceptable record; where fewer than
five are acceptable, of as many places as there are. Plain search is the portal's own search, asked
with the need's title, with the names of its capabilities, and with both and all its words; needs
and the records of the need's own organization are left out of what it finds.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from benchmarks import measuring
from benchmarks.measuring import milliseconds, percentile
from benchmarks.relevance import _app, demo_collection, record_name
from benchmarks.web import environment_of, prepare
from portal.app import create_app
from portal.kernel.database import session
from portal.kernel.fulltext.port import Key, Query
from portal.kernel.search import search_index
from portal.matching.queries.candidates import AUDIENCE, find_candidates
from portal.matching.queries.facts import wanted_of
from portal.organizations.models import Organization
from portal.partnerships.models import Request
from portal.partnerships.queries.requests import get_request
from portal.regions.queries.capabilities import capabilities_by_key

JUDGED = Path(__file__).with_suffix("") / "judged.tsv"
NEEDS = JUDGED.with_name("needs.toml")
FIRST = 5
DEEPEST = 20
KINDS = frozenset({"equipment", "facility", "organization", "request", "program"})

Judgments = Mapping[str, frozenset[str]]
"""By the name of a need, the names of the records that it would accept."""

Finder = Callable[[Request], list[str]]
"""Answers a need with the names of records, the best first."""


@dataclass(frozen=True)
class Measures:
    """How good one answer is, or many on average.

    precision: of the first five places, or as many as there are acceptable records; shown: of
    those of the first five places that hold anything; recall: among the first twenty.
    """

    precision: float
    shown: float
    recall: float


def measure(found: Sequence[str], accepted: frozenset[str]) -> Measures:
    """Compare an answer with what a need would accept, which is something."""
    first = found[:FIRST]
    good = len(accepted.intersection(first))
    return Measures(
        precision=good / min(FIRST, len(accepted)),
        shown=good / len(first) if first else 0.0,
        recall=len(accepted.intersection(found[:DEEPEST])) / min(DEEPEST, len(accepted)),
    )


def average(measures: Sequence[Measures]) -> Measures:
    """The mean over needs."""
    count = max(1, len(measures))
    return Measures(
        sum(one.precision for one in measures) / count,
        sum(one.shown for one in measures) / count,
        sum(one.recall for one in measures) / count,
    )


def read_judged(path: Path = JUDGED) -> Judgments:
    """Read which records each need would accept."""
    found: dict[str, set[str]] = {}
    for line in path.read_text("utf-8").splitlines()[1:]:
        need, record = line.split("\t")[:2]
        found.setdefault(need, set()).add(record)
    return {need: frozenset(records) for need, records in found.items()}


# Answering


def matching(names: Mapping[Key, str]) -> Finder:
    """The portal's matching, without those that a hard criterion removed."""

    def find(request: Request) -> list[str]:
        candidates = find_candidates(wanted_of(request))
        return [names[one.offered.key] for one in candidates if one.obstacle is None]

    return find


def plain_search(names: Mapping[Key, str], words: Callable[[Request], str]) -> Finder:
    """The portal's search, asked with some words of the need."""
    engine = search_index().index

    def find(request: Request) -> list[str]:
        results = engine.search(Query(audience=AUDIENCE, text=words(request), limit=50))
        return [
            names[hit.key]
            for hit in (*results.hits, *results.partial)
            if hit.organization != request.organization.name
            and hit.facets.get("direction") != ("need",)
            and hit.kind in KINDS
        ]

    return find


def finders(names: Mapping[Key, str]) -> dict[str, Finder]:
    """Those who are compared, by what they are called."""

    def capabilities(request: Request) -> str:
        return " ".join(capability.label for capability in request.capabilities)

    def everything(request: Request) -> str:
        return f"{capabilities(request)} {request.title} {request.expertise_sought}"

    return {
        "plain search: title": plain_search(names, lambda request: request.title),
        "plain search: capabilities": plain_search(names, capabilities),
        "plain search: all words": plain_search(names, everything),
        "**matching**": matching(names),
    }


def measure_all(
    judged: Judgments, needs: Mapping[str, Request], finder: Finder
) -> dict[str, tuple[Measures, list[str]]]:
    """The measures of those of the needs that were judged, with the first that were found."""
    found = {}
    for name, need in needs.items():
        if name in judged:
            answer = finder(need)
            found[name] = (measure(answer, judged[name]), answer)
    return found


def demo_needs() -> dict[str, Request]:
    """The needs that the present app's demo posted, by the names that they have in judgments."""
    rows = session.execute(
        select(Request.id, Request.title)
        .where(Request.direction == "need", Request.is_demo, Request.status == "published")
        .order_by(Request.id)
    )
    return {record_name("need", row.title): get_request(row.id) for row in rows}


def further_needs() -> dict[str, Request]:
    """The needs of `needs.toml`, by the names that they have in judgments; they are not stored."""
    with NEEDS.open("rb") as file:
        rows = tomllib.load(file)["need"]
    found = {}
    for row in rows:
        organization = session.scalars(
            select(Organization)
            .options(joinedload(Organization.county), joinedload(Organization.zip_place))
            .where(Organization.name == row["organization"], Organization.is_demo)
        ).one()
        with session.no_autoflush:
            request = Request(
                organization=organization,
                organization_id=organization.id,
                kind=row["kind"],
                direction="need",
                title=row["title"],
                summary=row["summary"],
                expertise_sought=row["expertise_sought"],
                advantages="",
                capabilities=capabilities_by_key(row["capabilities"]),
                zip_code=organization.zip_code,
                latitude=organization.latitude,
                longitude=organization.longitude,
                radius_miles=row.get("radius_miles"),
                budget_cents=row.get("budget_cents"),
                is_anonymous=False,
                partner_kinds=[],
                partner_sizes=[],
            )
        found[record_name("need", request.title)] = request
    return found


# Timing


def times_of(instance: Path, records: int, needs: int) -> list[float]:
    """The processor's time of some needs among so many records, each asked once before."""
    prepare(instance, records)
    app = create_app("production", **_settings(instance))
    with app.app_context():
        ids = session.scalars(
            select(Request.id)
            .where(Request.status == "published", Request.direction == "need")
            .order_by(Request.id)
        ).all()
        chosen = random.Random(1).sample(ids, min(needs, len(ids)))
        find_candidates(wanted_of(get_request(chosen[0])))
        # As wsgi.py does for web server and worker.
        gc.collect()
        gc.freeze()
        took = []
        for number in chosen:
            for _warm_or_timed in range(2):
                session.expunge_all()
                start = time.process_time()
                find_candidates(wanted_of(get_request(number)))
                seconds = time.process_time() - start
            took.append(seconds)
        return took


def _settings(instance: Path) -> dict[str, str]:
    names = ("INSTANCE_PATH", "SECRET_KEY")
    return {name: environment_of(instance)[name] for name in names}


# The program


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matching", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--instance", type=Path, metavar="DIR", help="keep the demo's database there for next time"
    )
    parser.add_argument("--each", action="store_true", help="show every need")
    parser.add_argument("--records", type=int, metavar="N", help="time needs among N records")
    parser.add_argument("--needs", type=int, default=100, metavar="N", help="so many are timed")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        if options.records:
            instance = options.instance or Path(folder)
            print(timing(options.records, times_of(instance, options.records, options.needs)))
            return
        with _app(options.instance or Path(folder), has_demo=True).app_context():
            collection = demo_collection()
            search_index().index.rebuild(collection.documents.values())
            search_index().thesaurus.forget()
            names = {document.key: name for name, document in collection.documents.items()}
            judged, own = read_judged(), demo_needs()
            further = further_needs()
            measured = {
                label: measure_all(judged, {**own, **further}, finder)
                for label, finder in finders(names).items()
            }
    if options.each:
        print(each(judged, measured["**matching**"]), file=sys.stderr)
    for title, names_of in (("all", {**own, **further}), ("the demo's", own), ("more", further)):
        chosen = {
            label: {name: one for name, one in found.items() if name in names_of}
            for label, found in measured.items()
        }
        print(table(title, chosen), end="\n\n")


def table(title: str, measured: Mapping[str, Mapping[str, tuple[Measures, list[str]]]]) -> str:
    """The averages as Markdown."""
    count = len(next(iter(measured.values())))
    lines = [
        f"| {title}: {count} judged needs | precision@5 | of those shown | recall@20 |",
        "|---|---|---|---|",
    ]
    for label, found in measured.items():
        mean = average([one for one, _answer in found.values()])
        lines.append(f"| {label} | {mean.precision:.3f} | {mean.shown:.3f} | {mean.recall:.3f} |")
    return "\n".join(lines)


def each(judged: Judgments, found: Mapping[str, tuple[Measures, list[str]]]) -> str:
    """Every need with its first answers; what it would accept is marked."""
    lines = []
    for need, (one, answer) in found.items():
        lines.append(f"{one.precision:.2f} {one.recall:.2f} {need}")
        lines += [
            f"     {'+' if name in judged[need] else '-'} {name}" for name in answer[: FIRST + 3]
        ]
        lines += [f"     missing {name}" for name in sorted(judged[need] - set(answer[:DEEPEST]))]
    return "\n".join(lines)


def timing(records: int, took: Sequence[float]) -> str:
    """The times as Markdown."""
    return "\n".join(
        [
            f"| a need among {records:,} records, processor time | milliseconds |",
            "|---|---|",
            f"| half of {len(took)} needs within | {milliseconds(percentile(took, 0.5))} |",
            f"| 95 % within | {milliseconds(percentile(took, 0.95))} |",
            f"| all within | {milliseconds(max(took))} |",
            "",
            f"Measured on {measuring.machine()}, load {measuring.load()}.",
        ]
    )


if __name__ == "__main__":
    main()

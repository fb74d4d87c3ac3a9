"""How well search finds what people mean, beside plain Whoosh: nDCG@10, MRR and recall@50.

    python -m benchmarks.relevance                   the judged queries over the demo's regions
    python -m benchmarks.relevance --collection DIR  any judged collection

A collection is a folder with `documents.jsonl` (objects with id, title, text), `queries.tsv`
(id, text) and `qrels.tsv` (query id, document id, grade). Ours answers with the thesaurus and the
settings of the portal. Plain Whoosh answers with its own parser, analyzer and BM25F, with every
field of the same documents in a field of its own: once as it comes, which wants all the words,
and once content with any of them, the best its parser can do with a sentence.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade
from whoosh.fields import ID, TEXT, Schema
from whoosh.filedb.filestore import RamStorage
from whoosh.qparser import AndGroup, GroupNode, MultifieldParser, OrGroup

from portal.app import create_app
from portal.kernel.fulltext.port import Document, Key, Query
from portal.kernel.manifest import installed_manifests
from portal.kernel.search import search_index

DEMO = Path(__file__).with_suffix("")
AUDIENCE = frozenset({"public", "member"})
DEEPEST = 50
FIELDS = ("title", "organization", "keywords", "summary", "body")
_HEADERS = {"id", "qid", "query", "query_id", "query-id", "queryid", "topic"}

Search = Callable[[str], list[str]]
"""Answers a text with the names of documents, the best first."""

Judgments = Mapping[str, Mapping[str, int]]
"""For each query the grades of documents by name: 3 is just what was meant, 0 is not relevant."""


@dataclass(frozen=True)
class Collection:
    """Documents and queries by name, and what was judged of them."""

    documents: Mapping[str, Document]
    queries: Mapping[str, str]
    judgments: Judgments


@dataclass(frozen=True)
class Measures:
    """How good one ranking is, or many on average."""

    ndcg: float
    reciprocal_rank: float
    recall: float


# Measuring


def measure(found: Sequence[str], grades: Mapping[str, int]) -> Measures:
    """Compare a ranking with the grades of a query that has relevant documents."""
    relevant = {name for name, grade in grades.items() if grade > 0}
    ideal = _gain(sorted(grades.values(), reverse=True))
    first = next((rank for rank, name in enumerate(found, 1) if name in relevant), None)
    return Measures(
        ndcg=_gain([grades.get(name, 0) for name in found]) / ideal,
        reciprocal_rank=1 / first if first else 0.0,
        recall=len(relevant.intersection(found[:DEEPEST])) / len(relevant),
    )


def _gain(grades: Sequence[int]) -> float:
    return sum((2**grade - 1) / math.log2(rank + 1) for rank, grade in enumerate(grades[:10], 1))


def average(all_measures: Sequence[Measures]) -> Measures:
    """The mean over queries."""
    count = max(len(all_measures), 1)
    return Measures(
        sum(item.ndcg for item in all_measures) / count,
        sum(item.reciprocal_rank for item in all_measures) / count,
        sum(item.recall for item in all_measures) / count,
    )


def measure_all(search: Search, collection: Collection) -> dict[str, Measures]:
    """The measures of every query that something is relevant to."""
    return {
        query: measure(search(text), collection.judgments[query])
        for query, text in collection.queries.items()
        if any(grade > 0 for grade in collection.judgments.get(query, {}).values())
    }


# Reading


def read_collection(folder: Path) -> Collection:
    """Read a judged collection; what is not a document, a query or a judgment is passed over."""
    documents: dict[str, Document] = {}
    for number, line in enumerate(_lines(folder / "documents.jsonl"), 1):
        found = json.loads(line)
        documents[str(found["id"]).strip()] = Document(
            kind="document",
            id=number,
            title=str(found.get("title") or ""),
            url="/",
            audience=AUDIENCE,
            updated_at=datetime(2026, 1, 1, tzinfo=UTC),
            body=str(found.get("text") or ""),
        )
    return Collection(documents, *read_judged(folder))


def read_judged(folder: Path) -> tuple[dict[str, str], Judgments]:
    """Read queries and judgments; a first row with the names of the columns is none."""
    queries: dict[str, str] = {}
    for line in _lines(folder / "queries.tsv"):
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) > 1 and (queries or cells[0].lower() not in _HEADERS):
            queries[cells[0]] = cells[1]
    judgments: dict[str, dict[str, int]] = {}
    for line in _lines(folder / "qrels.tsv"):
        cells = [cell.strip() for cell in line.split("\t")] if "\t" in line else line.split()
        if len(cells) >= 3 and re.fullmatch(r"[+-]?\d+(\.\d*)?", cells[-1]):
            judgments.setdefault(cells[0], {})[cells[-2]] = max(0, int(float(cells[-1])))
    return queries, judgments


def _lines(path: Path) -> Iterator[str]:
    # Not splitlines(): it would break a text at characters that are no ends of lines in a file.
    for line in path.read_text("utf-8-sig").split("\n"):
        if line.strip():
            yield line.rstrip("\r")


def demo_collection() -> Collection:
    """The records of the present app's demo under names that do not change, and what was judged."""
    documents = list(search_index().documents())
    plain = {document.key: record_name(document.kind, document.title) for document in documents}
    often = Counter(plain.values())
    names = {
        document.key: record_name(document.kind, document.title, document.organization)
        if often[plain[document.key]] > 1
        else plain[document.key]
        for document in documents
    }
    return Collection({names[document.key]: document for document in documents}, *read_judged(DEMO))


def record_name(kind: str, *words: str) -> str:
    """What a record is called in the judgments, whatever its number in the database."""
    return f"{kind}/{re.sub(r'[^a-z0-9]+', '-', ' '.join(words).lower()).strip('-')}"


# Searching


def ours(documents: Mapping[str, Document]) -> Search:
    """The portal's search over the documents, in the index of the present app."""
    index = search_index().index
    names: dict[Key, str] = {document.key: name for name, document in documents.items()}
    index.rebuild(documents.values())
    # The reference data may have come a moment ago.
    search_index().thesaurus.forget()

    def search(text: str) -> list[str]:
        results = index.search(Query(text=text, audience=AUDIENCE, limit=DEEPEST))
        return [names[hit.key] for hit in (*results.hits, *results.partial)]

    return search


@contextmanager
def plain_whoosh(
    documents: Mapping[str, Document], group: type[GroupNode] = AndGroup
) -> Iterator[Search]:
    """Whoosh as it comes, over the same documents; `group` says how many words must match."""
    schema = Schema(name=ID(stored=True), **{field: TEXT() for field in FIELDS})
    index = RamStorage().create_index(schema)
    writer = index.writer()
    for name, document in documents.items():
        if document.audience & AUDIENCE:
            texts = {field: getattr(document, field) for field in FIELDS}
            texts["keywords"] = "\n".join(document.keywords)
            writer.add_document(name=name, **texts)
    writer.commit()
    parser = MultifieldParser(FIELDS, schema, group=group)
    with index.searcher() as searcher:

        def search(text: str) -> list[str]:
            return [hit["name"] for hit in searcher.search(parser.parse(text), limit=DEEPEST)]

        yield search


# The program


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.relevance", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--collection", type=Path, metavar="DIR", help="measure this collection")
    parser.add_argument(
        "--instance", type=Path, metavar="DIR", help="keep the demo's database there for next time"
    )
    parser.add_argument("--each", action="store_true", help="show every query")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        app = _app(options.instance or Path(folder), has_demo=options.collection is None)
        with app.app_context():
            if options.collection is None:
                collection = demo_collection()
            else:
                collection = read_collection(options.collection)
            measured = {}
            for label, group in (("plain Whoosh", AndGroup), ("plain Whoosh, any word", OrGroup)):
                with plain_whoosh(collection.documents, group) as search:
                    measured[label] = measure_all(search, collection)
            measured["**ours**"] = measure_all(ours(collection.documents), collection)
    if not measured["**ours**"]:
        sys.exit("No query of the collection has a relevant document.")
    print(table(collection, measured, is_each=options.each))


def _app(instance: Path, *, has_demo: bool) -> Flask:
    """An app with the portal's settings, filled as `flask setup` fills it."""
    app = create_app("development", INSTANCE_PATH=str(instance), DEMO_DATA=has_demo)
    # What the set-up has to say is not a result.
    with app.app_context(), redirect_stdout(sys.stderr):
        upgrade()
        for manifest in installed_manifests():
            if manifest.first_data is not None:
                manifest.first_data()
    return app


def table(
    collection: Collection, measured: Mapping[str, Mapping[str, Measures]], *, is_each: bool
) -> str:
    """The averages of each engine as Markdown; before them, if wanted, those of every query."""
    lines: list[str] = []
    if is_each:
        lines += [f"| nDCG@10 of each query | {' | '.join(measured)} |", "|---" * 4 + "|"]
        for query in next(iter(measured.values())):
            text = collection.queries[query].replace("|", " ")[:80]
            scores = (f"{found[query].ndcg:.2f}" for found in measured.values())
            lines.append(f"| {text} | {' | '.join(scores)} |")
        lines.append("")
    count = len(next(iter(measured.values())))
    lines += [
        f"| {len(collection.documents):,} documents, {count} queries | nDCG@10 | MRR | recall@50 |",
        "|---|---|---|---|",
    ]
    for label, found in measured.items():
        mean = average(list(found.values()))
        lines.append(
            f"| {label} | {mean.ndcg:.3f} | {mean.reciprocal_rank:.3f} | {mean.recall:.3f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()

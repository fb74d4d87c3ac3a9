"""The measures of relevance, the collections they are taken on, and the demo's judged queries."""

import json
import math
import re
from collections import Counter
from pathlib import Path

import pytest
from flask import Flask

from benchmarks.relevance import (
    DEMO,
    Measures,
    average,
    measure,
    measure_all,
    ours,
    plain_whoosh,
    read_collection,
    read_judged,
    record_name,
    table,
)
from portal.demo import queries as demo

DOCUMENTS = [
    {"id": "a/1", "title": "Whales", "text": "Whales sing.\u2028They breathe air."},
    {"id": 7, "text": "Fish do not sing, and breathe water."},
    {"id": "x y", "title": None, "text": "Coordinate measuring machines know no song."},
    {"id": "empty", "title": ""},
    {"id": "a/1", "title": "Whales", "text": "Whales sing in the sea, and breathe air."},
]


def write(folder: Path, *, newline: str, header: bool) -> Path:
    queries = ["q1\tsinging whales", "2\tCMM", "q3\tunjudged", "", "q4\twhat do fish breathe?"]
    judgments = ["q1\ta/1\t3", "q1\t7\t1", "2\tx y\t2.0", "q4\t7\t2", "q4\ta/1\t-1", "  "]
    if header:
        queries.insert(0, "query_id\ttext")
        judgments.insert(0, "query_id\tdoc_id\tgrade")
    lines = {
        "documents.jsonl": [json.dumps(item, ensure_ascii=False) for item in DOCUMENTS],
        "queries.tsv": queries,
        "qrels.tsv": judgments,
    }
    for name, its in lines.items():
        mark = "\ufeff" if header else ""
        (folder / name).write_bytes((mark + newline.join([*its, ""])).encode())
    return folder


def test_measures_are_those_of_the_books() -> None:
    grades = {"a": 3, "b": 2, "c": 1, "d": 0}
    assert measure(["a", "b", "c", "d"], grades) == Measures(1, 1, 1)
    ideal = 7 + 3 / math.log2(3) + 1 / 2
    found = measure(["d", "x", "b", "a"], grades)
    assert found.ndcg == pytest.approx((3 / 2 + 7 / math.log2(5)) / ideal)
    assert (found.reciprocal_rank, found.recall) == (1 / 3, 2 / 3)
    assert measure(["x"] * 10 + ["a"], grades) == Measures(0, 1 / 11, 1 / 3)
    assert measure(["x"] * 50 + ["a"], grades).recall == 0
    assert measure([], grades) == Measures(0, 0, 0)
    assert average([Measures(1, 1, 1), Measures(0, 0.5, 0)]) == Measures(0.5, 0.75, 0.5)


@pytest.mark.parametrize(
    ("newline", "header"), [("\n", False), ("\r\n", True)], ids=["plain", "windows"]
)
def test_a_collection_is_read_whatever_its_ids_and_lines(
    tmp_path: Path, newline: str, header: bool
) -> None:
    collection = read_collection(write(tmp_path, newline=newline, header=header))
    assert list(collection.documents) == ["a/1", "7", "x y", "empty"]
    assert len({document.key for document in collection.documents.values()}) == 4
    assert collection.documents["a/1"].body.endswith("air.")
    assert collection.queries == {
        "q1": "singing whales",
        "2": "CMM",
        "q3": "unjudged",
        "q4": "what do fish breathe?",
    }
    assert collection.judgments == {
        "q1": {"a/1": 3, "7": 1},
        "2": {"x y": 2},
        "q4": {"7": 2, "a/1": 0},
    }


def test_a_collection_is_measured_with_the_thesaurus_and_beside_plain_whoosh(
    app: Flask, tmp_path: Path
) -> None:
    collection = read_collection(write(tmp_path, newline="\n", header=True))
    own = measure_all(ours(collection.documents), collection)
    with plain_whoosh(collection.documents) as search:
        plain = measure_all(search, collection)
    assert own == {"q1": Measures(1, 1, 1), "2": Measures(1, 1, 1), "q4": Measures(1, 1, 1)}
    assert plain["2"] == Measures(0, 0, 0)
    shown = table(collection, {"plain": plain, "ours": own}, is_each=True)
    assert "| 4 documents, 3 queries | nDCG@10 | MRR | recall@50 |" in shown
    assert "| ours | 1.000 | 1.000 | 1.000 |" in shown
    assert "| CMM | 0.00 | 1.00 |" in shown


def test_the_judged_queries_are_many_and_speak_of_records_that_the_demo_has() -> None:
    queries, judgments = read_judged(DEMO)
    records = [
        (kind, record.values.get("title") or record.values["name"], item.values["name"])
        for item in demo.read_organizations()
        for kind, its in (
            ("organization", [item]),
            ("facility", item.facilities),
            ("equipment", [*item.equipment, *(e for f in item.facilities for e in f.equipment)]),
            ("request", item.requests),
        )
        for record in its
    ]
    owners = {item.key: item.values["name"] for item in demo.read_organizations()}
    records += [
        ("program", program.values["title"], owners[program.provider])
        for program in demo.read_programs()
    ]
    often = Counter(record_name(kind, title) for kind, title, _ in records)
    names = {
        record_name(kind, title, *([owner] if often[record_name(kind, title)] > 1 else []))
        for kind, title, owner in records
    }
    assert len(queries) >= 60
    assert set(judgments) == set(queries)
    for query, grades in judgments.items():
        assert set(grades) <= names, query
        assert set(grades.values()) <= {1, 2, 3}
        assert 3 in grades.values(), query
    assert all(re.fullmatch(r"[a-z0-9-]+", query) for query in queries)
    assert len(set(queries.values())) == len(queries)

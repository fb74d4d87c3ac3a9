"""Whatever the records, whoever asks whatever: matches and counts are those of the plain model."""

from __future__ import annotations

import tempfile
from math import inf

import pytest
import sqlalchemy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from portal.kernel.fulltext.index import Index
from portal.kernel.fulltext.port import SORTS, Document, Engine, Near, Query
from portal.kernel.fulltext.postgresql.index import PostgreSQLIndex
from tests.kernel.fulltext.model import answer, distance, record

# Any words of anybody: lines are counted where other tests mean to run them.

WORDS = [
    "mill",
    "milling",
    "mills",
    "laser",
    "lasers",
    "lazer",
    "5-axis",
    "axis",
    "5",
    "316L",
    "316",
    "L",
    "cnc",
    "CNC",
    "and",
    "C++",
    "Máquina",
    "maquina",
    "welder",
    "weld",
    "3/8",
    "2.5",
    "m",
    "secret",
    "the",
]
TYPOS = ["lasr", "millng", "weldr", "maqina", "secrt", "5axis", "xyzzy", "of"]
POINTS = ((38.25, -85.76), (38.0, -85.7), (37.69, -97.33), (0.0, 179.9), (0.0, -179.9))
TOKENS = ("public", "member", "org:1")

texts = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
audiences = st.frozensets(st.sampled_from(TOKENS))


@st.composite
def documents(draw: DrawFn) -> Document:
    point = draw(st.none() | st.sampled_from(POINTS))
    return record(
        draw(st.integers(1, 5)),
        draw(texts),
        kind=draw(st.sampled_from(("facility", "request"))),
        summary=draw(texts),
        body=draw(texts),
        organization=draw(texts),
        keywords=tuple(draw(st.lists(texts, max_size=2))),
        audience=draw(audiences),
        facets={
            "county": draw(st.sampled_from(((), ("21111",), ("20173",)))),
            "capability": tuple(draw(st.lists(st.sampled_from("abc"), max_size=3))),
        },
        latitude=point[0] if point else None,
        longitude=point[1] if point else None,
    )


@st.composite
def queries(draw: DrawFn) -> Query:
    sign = st.sampled_from(("", "", "", "+", "-"))
    word = st.sampled_from((*WORDS, *TYPOS))
    phrase = st.lists(word, min_size=1, max_size=3).map(lambda words: f'"{" ".join(words)}"')
    asked = st.tuples(sign, word | phrase).map("".join)
    point = draw(st.none() | st.sampled_from(POINTS))
    return Query(
        text=draw(st.lists(asked, max_size=4).map(" ".join)),
        audience=draw(audiences),
        kinds=draw(st.frozensets(st.sampled_from(("facility", "request", "nothing")), max_size=2)),
        facets={
            "county": draw(st.frozensets(st.sampled_from(("21111", "20173")), max_size=1)),
            "capability": draw(st.frozensets(st.sampled_from("abd"), max_size=2)),
        },
        near=Near(*point, draw(st.sampled_from((None, 1, 30, 5000)))) if point else None,
        sort=draw(st.sampled_from(SORTS)),
        limit=draw(st.integers(0, 5)),
        offset=draw(st.integers(0, 3)),
    )


questions = given(
    st.lists(documents(), max_size=5),
    st.lists(st.lists(documents(), max_size=3), max_size=2),
    st.lists(queries(), min_size=4, max_size=8),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@questions
def test_matches_and_counts_of_the_index_in_files_are_those_of_the_model(
    first: list[Document], batches: list[list[Document]], asked: list[Query]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        check(Index(directory), first, batches, asked)


# Fewer, for each makes all the tables anew.
@pytest.mark.usefixtures("fresh_database")
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@questions
def test_matches_and_counts_of_postgresql_are_those_of_the_model(
    database: sqlalchemy.Engine,
    first: list[Document],
    batches: list[list[Document]],
    asked: list[Query],
) -> None:
    check(PostgreSQLIndex(database), first, batches, asked)


def check(
    index: Engine, first: list[Document], batches: list[list[Document]], asked: list[Query]
) -> None:
    index.rebuild(first)
    corpus = {document.key: document for document in reversed(first)}
    for batch in batches:
        gone = [("facility", 1)] if len(batch) > 1 else []
        index.apply(batch, gone)
        for key in gone:
            corpus.pop(key, None)
        corpus.update({document.key: document for document in batch})
    assert index.keys() == {key: document.updated_at for key, document in corpus.items()}
    for query in asked:
        expected = answer(corpus.values(), query)
        results = index.search(query)
        counts = {
            name: {value.value: value.count for value in values}
            for name, values in results.facets.items()
            if values
        }
        assert results.total == len(expected.keys)
        assert counts == expected.counts
        assert (results.suggestion, results.is_fuzzy) == (
            expected.suggestion,
            expected.is_fuzzy,
        )
        shown = [hit.key for hit in results.hits]
        assert len(shown) == max(0, min(query.limit, results.total - query.offset))
        assert len(set(shown)) == len(shown)
        assert expected.keys.issuperset(shown)
        if query.near and query.sort == "distance":
            miles = [inf if h.distance_miles is None else h.distance_miles for h in results.hits]
            assert miles == [distance(corpus[key], query) for key in shown]
            assert miles == sorted(miles)

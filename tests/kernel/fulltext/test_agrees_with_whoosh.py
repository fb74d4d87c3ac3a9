"""Whatever the records: Whoosh's own search finds the same, and plain arithmetic ranks the same."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from math import log
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from whoosh import query as whoosh
from whoosh.filedb.filestore import FileStorage
from whoosh.index import FileIndex

from portal.kernel.fulltext import executor
from portal.kernel.fulltext.asked import Asked, Expansion, Unit, understand
from portal.kernel.fulltext.index import Index
from portal.kernel.fulltext.language import terms_of, words_of
from portal.kernel.fulltext.port import Document, Key, Query
from portal.kernel.fulltext.rows import SCHEMA
from tests.kernel.fulltext.contract.test_agrees_with_model import TOKENS, TYPOS, WORDS, documents

# Any words in any records: lines are counted where other tests mean to run them.

# (how much a word counts there, how many words there usually are)
FIELDS = {
    "title": (4, 8),
    "keywords": (3, 50),
    "organization": (3, 4),
    "summary": (2, 20),
    "body": (1, 120),
}

asked_words = st.sampled_from((*WORDS, *TYPOS))
asked_texts = st.lists(
    st.tuples(
        st.sampled_from(("", "", "+", "-")),
        asked_words | st.lists(asked_words, min_size=2, max_size=3).map('"{0[0]} {0[1]}"'.format),
    ).map("".join),
    min_size=1,
    max_size=3,
).map(" ".join)
alternatives = st.tuples(
    st.lists(asked_words, min_size=1, max_size=2).map(
        lambda words: tuple(terms_of(words_of(" ".join(words))))
    ),
    st.sampled_from((1.0, 0.7, 0.25)),
)


@st.composite
def asked(draw: st.DrawFn) -> Asked:
    """A query's text with other words for some runs of its units."""
    understood = understand(draw(asked_texts))
    expansions = []
    at = 0
    while at < len(understood.wanted):
        last = draw(st.integers(at + 1, len(understood.wanted)))
        if draw(st.booleans()):
            others = draw(st.lists(alternatives, min_size=1, max_size=2))
            expansions.append(Expansion(at, last, tuple(others)))
        at = last
    return replace(understood, expansions=tuple(expansions))


def groups(
    asked: Asked,
) -> Iterable[tuple[tuple[Unit, ...], tuple[tuple[tuple[str, ...], float], ...]]]:
    covered = {e.first: e for e in asked.expansions}
    at = 0
    while at < len(asked.wanted):
        its = covered.get(at)
        last = its.last if its else at + 1
        yield asked.wanted[at:last], its.alternatives if its else ()
        at = last


def in_whoosh(terms: tuple[str, ...]) -> whoosh.Query:
    """A query of Whoosh for terms that follow each other in some field."""
    if len(terms) == 1:
        return whoosh.Or([whoosh.Term(field, terms[0].encode()) for field in FIELDS])
    return whoosh.Or([
        whoosh.Phrase(field, [term.encode() for term in terms]) for field in FIELDS
    ])  # fmt: skip


def found_by_whoosh(folder: Path, audience: frozenset[str], asked: Asked) -> frozenset[Key]:
    every = [whoosh.Or([whoosh.Term("audience", token.encode()) for token in sorted(audience)])]
    for units, others in groups(asked):
        together = whoosh.And([in_whoosh(unit.terms) for unit in units])
        every.append(whoosh.Or([together, *(in_whoosh(terms) for terms, _ in others)]))
    with FileIndex(FileStorage(str(folder)), schema=SCHEMA).searcher() as searcher:
        numbers = set(searcher.docs_for_query(whoosh.And(every)))
        # Its AndNot keeps a document that has an unwanted word which is also a wanted one.
        for unit in asked.unwanted:
            numbers -= set(searcher.docs_for_query(in_whoosh(unit.terms)))
        identity = searcher.reader().column_reader("identity", translate=False)
        keys = [identity[number].decode() for number in numbers]
    return frozenset((key.rpartition(":")[0], int(key.rpartition(":")[2])) for key in keys)


def words_in(document: Document) -> dict[str, list[str]]:
    keywords: list[str] = []
    for at, keyword in enumerate(document.keywords):
        keywords += ["|", *terms_of(words_of(keyword))] if at else terms_of(words_of(keyword))
    texts = {name: getattr(document, name) for name in FIELDS if name != "keywords"}
    return {"keywords": keywords} | {n: terms_of(words_of(text)) for n, text in texts.items()}


def impact(document: Document, terms: tuple[str, ...]) -> float:
    total = 0.0
    for field, words in words_in(document).items():
        weight, usual = FIELDS[field]
        count = sum(tuple(words[at : at + len(terms)]) == terms for at in range(len(words)))
        length = max(len(words), 1)
        total += weight * count / (0.4 + 0.6 * length / usual)
    return 3 * total / (total + 2)


def score(document: Document, asked: Asked, visible: list[Document]) -> float:
    total = 0.0
    for units, others in groups(asked):
        own = rarities = 0.0
        for unit in units:
            either = (unit.terms, *(terms for terms, _ in others))
            has = sum(any(impact(d, terms) for terms in either) for d in visible)
            rarity = log(1 + (len(visible) - has + 0.5) / (has + 0.5))
            rarities += rarity
            own += rarity * impact(document, unit.terms)
        total += max([own, *(rarities * w * impact(document, terms) for terms, w in others)])
    return total


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(documents(), min_size=1, max_size=6),
    st.lists(st.lists(documents(), max_size=3), max_size=2),
    st.lists(st.tuples(st.frozensets(st.sampled_from(TOKENS), min_size=1), asked()), min_size=4),
)
def test_whoosh_finds_the_same_and_scores_are_those_of_the_formula(
    first: list[Document],
    batches: list[list[Document]],
    questions: list[tuple[frozenset[str], Asked]],
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        index = Index(directory)
        index.rebuild(first)
        corpus = {document.key: document for document in reversed(first)}
        for batch in batches:
            index.apply(batch)
            corpus.update({document.key: document for document in batch})
        folder = Path(directory) / index.status().generation
        snapshot = index._latest()
        for audience, question in questions:
            query = Query(text=question.text, audience=audience)
            found = executor.matching(snapshot, query, question)
            assert found == found_by_whoosh(folder, audience, question)
            results = executor.search(snapshot, query, question)
            if results.is_fuzzy or not question.wanted:
                continue
            assert {hit.key for hit in results.hits} == found
            visible = [document for document in corpus.values() if document.audience & audience]
            for hit in results.hits:
                assert hit.score == pytest.approx(score(corpus[hit.key], question, visible), 1e-5)

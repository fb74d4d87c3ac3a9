"""What is put in stays, what is taken out goes, and readers see whole commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from portal.kernel.fulltext.port import Document, Engine, IndexUnavailable, Query
from tests.kernel.fulltext.contract.conftest import IndexOf
from tests.kernel.fulltext.model import NEW_YEAR, PUBLIC, record

EVERYTHING = Query(audience=PUBLIC)


def titles(index: Engine) -> list[str]:
    return sorted(hit.title for hit in index.search(EVERYTHING).hits)


def test_a_newer_version_replaces_the_older_and_is_found_at_once(index_of: IndexOf) -> None:
    index = index_of(record(1, "old"), record(2, "other"))
    assert titles(index) == ["old", "other"]
    for version in range(3):
        index.apply([record(1, f"new {version}")])
        assert titles(index) == [f"new {version}", "other"]
        assert index.search(Query(text="old", audience=PUBLIC)).total == 0
    assert index.status().documents == 2


def test_documents_are_told_apart_by_kind_and_id(index_of: IndexOf) -> None:
    index = index_of(record(1, "a", kind="facility"), record(1, "b", kind="facility:1"))
    index.apply([record(1, "c", kind="request"), record(11, "d", kind="facility")])
    assert titles(index) == ["a", "b", "c", "d"]
    index.apply(deleted=[("facility", 1)])
    assert titles(index) == ["b", "c", "d"]
    assert set(index.keys()) == {("facility:1", 1), ("request", 1), ("facility", 11)}


def test_deleting_comes_before_adding_and_what_is_not_there_may_be_deleted(
    index_of: IndexOf,
) -> None:
    index = index_of(record(1, "a"))
    index.apply([record(1, "b"), record(1, "c")], [("organization", 1), ("organization", 99)])
    assert titles(index) == ["c"]
    index.apply()
    assert titles(index) == ["c"]


def test_keys_tell_when_each_document_was_updated(index_of: IndexOf) -> None:
    exact = NEW_YEAR.replace(microsecond=987654)
    index = index_of(
        record(1, updated_at=exact), record(2, updated_at=NEW_YEAR, audience=frozenset())
    )
    assert index.keys() == {("organization", 1): exact, ("organization", 2): NEW_YEAR}


def test_digests_tell_when_anything_about_a_document_differs(index_of: IndexOf) -> None:
    one = record(1, "a", facets={"county": ("1",), "size": ("s", "m")}, keywords=("x", "y"))
    index = index_of(one, record(2))
    assert index.digests() == {one.key: one.digest, ("organization", 2): record(2).digest}
    assert replace(one, facets={"size": ("s", "m"), "county": ("1",)}).digest == one.digest
    different: list[dict[str, Any]] = [
        {"title": "b"},
        {"url": "/b"},
        {"audience": frozenset({"member"})},
        {"updated_at": one.updated_at.replace(microsecond=1)},
        {"facets": {"county": ("1",)}},
        {"keywords": ("xy",)},
        {"latitude": 0.0},
        {"extra": {"a": "b"}},
    ]
    assert len({one.digest, *(replace(one, **values).digest for values in different)}) == 9


def test_a_failing_batch_changes_nothing_and_frees_the_writer(index_of: IndexOf) -> None:
    index = index_of(record(1, "a"))
    broken = record(2, "b", latitude=1e9, longitude=0.0)
    with pytest.raises(Exception, match=r"format|range"):
        index.apply([record(1, "c"), broken])
    assert titles(index) == ["a"]
    index.apply([record(1, "d")])
    assert titles(index) == ["d"]


def test_threads_search_while_another_writes(index_of: IndexOf) -> None:
    index = index_of(record(1, "laser zero"), record(2, "laser five-axis 5-axis"))

    def search(_: int) -> int:
        index.suggest("las", PUBLIC)
        return index.search(Query(text="laser", audience=PUBLIC)).total

    with ThreadPoolExecutor(4) as pool:
        totals = pool.map(search, range(80))
        for number in range(3, 9):
            index.apply([record(number, f"laser {number}")])
    assert set(totals) <= set(range(2, 9))
    assert search(0) == 8


def test_a_missing_index_says_so_until_it_is_rebuilt(open_index: Callable[[], Engine]) -> None:
    index = open_index()
    for use in (
        lambda: index.search(EVERYTHING),
        lambda: index.suggest("a", PUBLIC),
        lambda: index.apply([record(1)]),
        index.keys,
        index.status,
        index.warm,
    ):
        with pytest.raises(IndexUnavailable):
            use()
    index.rebuild([])
    assert index.status().documents == index.search(EVERYTHING).total == 0
    index.apply([record(1, "first")])
    assert titles(index) == ["first"]


def test_a_rebuild_replaces_everything_and_the_old_serves_until_it_is_whole(
    index_of: IndexOf, open_index: Callable[[], Engine]
) -> None:
    index = index_of(record(1, "old"), record(9, "gone"))
    before = index.status().generation
    other = open_index()
    told: list[int] = []

    def documents() -> Iterator[Document]:
        for number in range(1, 4):
            assert titles(index) == titles(other) == ["gone", "old"]
            yield record(number, f"new {number}")
        yield record(1, "repeated")

    index.rebuild(documents(), told.append)
    assert told == [1, 2, 3]
    assert titles(index) == titles(other) == ["new 1", "new 2", "new 3"]
    assert index.status().documents == 3
    assert index.status().generation == other.status().generation != before


def test_a_rebuild_that_fails_leaves_what_was_there(index_of: IndexOf) -> None:
    def documents() -> Iterator[Document]:
        yield record(1, "new")
        raise ZeroDivisionError

    index = index_of(record(1, "old"))
    with pytest.raises(ZeroDivisionError):
        index.rebuild(documents())
    assert titles(index) == ["old"]
    index.rebuild([record(1, "newer")])
    assert titles(index) == ["newer"]


def test_other_readers_see_every_commit(
    index_of: IndexOf, open_index: Callable[[], Engine]
) -> None:
    index = index_of(record(1, "first"))
    reader = open_index()
    assert titles(reader) == ["first"]
    index.apply([record(2, "second")])
    assert titles(reader) == ["first", "second"]
    index.apply([record(1, "changed")], [("organization", 2)])
    assert titles(reader) == ["changed"]
    index.rebuild([record(3, "rebuilt")])
    assert titles(reader) == ["rebuilt"]
    reader.apply([record(4, "after")])
    assert titles(index) == ["after", "rebuilt"]

"""What is known to go wrong in Whoosh does not go wrong here, and what we lean on stands."""

from __future__ import annotations

import pickle
import re
from importlib.metadata import version
from pathlib import Path

import pytest
from whoosh.filedb.filestore import FileStorage
from whoosh.index import TOC

import portal.kernel.fulltext
from portal.kernel.fulltext.port import Query
from portal.kernel.fulltext.rows import SCHEMA
from tests.kernel.fulltext.conftest import IndexOf
from tests.kernel.fulltext.model import PUBLIC, record


def test_the_release_is_the_one_whose_private_parts_we_lean_on() -> None:
    assert version("Whoosh-Reloaded") == "2.7.5"


@pytest.mark.parametrize(
    "banned",
    [
        r"\.refresh\(",  # returns all old versions of an updated document
        r"\bRequire\b",  # drops a clause inside And
        r"\bConstantScoreQuery\b",  # wrong counts and hits with a limit
        r"\bgroupedby\b",  # one pass per facet
        r"\bqparser\b",  # minutes for a few wildcards
        r"merge=False|NO_MERGE",  # hundreds of segments
        r"NUMERIC",  # sortable floats crash
    ],
)
def test_the_broken_parts_of_whoosh_are_not_used(banned: str) -> None:
    (package,) = portal.kernel.fulltext.__path__
    for module in Path(package).glob("*.py"):
        assert not re.search(banned, module.read_text()), module


def test_an_updated_document_has_one_version_in_an_index_that_was_open_all_along(
    index_of: IndexOf,
) -> None:
    index = index_of(record(1, "Laser"), record(2, "Other"))
    for number in range(13):
        audience = PUBLIC if number % 2 else frozenset({"org:1"})
        index.apply([record(1, f"Laser {number}", audience=audience)])
        results = index.search(Query(text="laser", audience=PUBLIC))
        assert [hit.title for hit in results.hits] == [f"Laser {number}"][: number % 2]
        assert results.total == number % 2


def test_many_small_commits_stay_a_few_segments(index_of: IndexOf) -> None:
    index = index_of(record(0, "Laser 0"))
    for number in range(1, 40):
        index.apply([record(number, f"Laser {number}")])
        assert index.status().segments < 12
    assert index.status().documents == 40
    assert index.search(Query(text="laser", audience=PUBLIC)).total == 40


def test_deletions_in_merged_segments_stay_deleted(index_of: IndexOf) -> None:
    index = index_of(*(record(n, "Laser", facets={"n": (str(n),)}) for n in range(20)))
    for number in range(0, 20, 2):
        index.apply([record(100 + number, "Other")], [("organization", number)])
    results = index.search(Query(text="laser", audience=PUBLIC))
    assert results.total == 10
    assert {value.value for value in results.facets["n"]} == {str(n) for n in range(1, 20, 2)}


def test_a_word_in_more_documents_than_a_block_holds_is_found_in_all(index_of: IndexOf) -> None:
    index = index_of(*(record(n, "laser lab", kind="k") for n in range(2500)))
    for text, total in (("laser", 2500), ('"laser lab"', 2500), ('"lab laser"', 0)):
        assert index.search(Query(text=text, audience=PUBLIC)).total == total


def test_the_stored_schema_names_no_code_of_ours(index_of: IndexOf, tmp_path: Path) -> None:
    index = index_of(record(1, "Laser"))
    storage = FileStorage(str(tmp_path / "index" / index.status().generation))
    entries = TOC.read(storage, "MAIN").segments
    assert b"portal" not in pickle.dumps(SCHEMA) + pickle.dumps(entries)

"""What is said here of search holds for every engine behind the port."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from portal.kernel.fulltext.index import Index
from portal.kernel.fulltext.port import Document, Engine
from portal.kernel.fulltext.postgresql.index import PostgreSQLIndex

IndexOf = Callable[..., Engine]


@pytest.fixture(params=["whoosh", "postgresql"])
def open_index(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Engine]:
    """Opens the test's index, of which nobody has asked anything yet: it is missing."""
    if request.param == "whoosh":
        return partial(Index, tmp_path / "index")
    return partial(PostgreSQLIndex, request.getfixturevalue("fresh_database"))


@pytest.fixture
def index_of(open_index: Callable[..., Engine]) -> IndexOf:
    """Makes an index of the documents given, all but the first in a second commit."""

    def make(*documents: Document) -> Engine:
        index = open_index()
        index.rebuild(documents[:1])
        index.apply(documents[1:])
        return index

    return make

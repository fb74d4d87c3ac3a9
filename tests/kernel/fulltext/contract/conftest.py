"""What is said here of search holds for every engine behind the port."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from portal.kernel.fulltext.index import Index
from portal.kernel.fulltext.port import Document, Engine

IndexOf = Callable[..., Engine]


@pytest.fixture
def open_index(tmp_path: Path) -> Callable[[], Engine]:
    """Opens the test's index, of which nobody has asked anything yet: it is missing."""
    return lambda: Index(tmp_path / "index")


@pytest.fixture
def index_of(open_index: Callable[[], Engine]) -> IndexOf:
    """Makes an index of the documents given, all but the first in a second commit."""

    def make(*documents: Document) -> Engine:
        index = open_index()
        index.rebuild(documents[:1])
        index.apply(documents[1:])
        return index

    return make

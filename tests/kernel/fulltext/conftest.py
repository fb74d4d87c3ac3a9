"""An index of its own for every test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from portal.kernel.fulltext.index import Index
from portal.kernel.fulltext.port import Document

IndexOf = Callable[..., Index]


@pytest.fixture
def index_of(tmp_path: Path) -> IndexOf:
    """Makes an index of the documents given, in two segments if there are several."""

    def make(*documents: Document) -> Index:
        index = Index(tmp_path / "index")
        index.rebuild(documents[:1])
        index.apply(documents[1:])
        return index

    return make

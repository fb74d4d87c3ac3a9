"""The engines compared. Each is used as its documentation says and as its makers would use it."""

import importlib
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks.corpus import Ask
from portal.kernel.fulltext.port import Document


@dataclass
class Answer:
    """What an engine says: how many match, the first of them, counts by facet, pieces of text."""

    total: int
    ids: list[int]
    facets: dict[str, dict[str, int]] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)


class Engine(Protocol):
    """An index in a folder of its own."""

    def build(self, documents: Iterable[Document]) -> None:
        """Write the index."""

    def open(self) -> None:
        """Get ready for the first query."""

    def warm(self) -> None:
        """Do what a server does before it takes requests."""

    def answer(self, ask: Ask) -> Answer:
        """Answer a query."""

    def size(self) -> int:
        """Return the bytes on disk."""

    def close(self) -> None:
        """Let go of everything."""


@dataclass(frozen=True)
class Entry:
    """An engine's name in the tables, where its code is and what it needs."""

    label: str
    needs: str

    def load(self, name: str, folder: Path) -> Engine:
        """Make the engine over a folder."""
        module = importlib.import_module(f"benchmarks.engines.{name}")
        engine: Engine = module.Engine(folder)
        return engine

    def is_installed(self) -> bool:
        """Tell whether what it needs is there."""
        return importlib.util.find_spec(self.needs) is not None


ENGINES = {
    "ours": Entry("ours", "numpy"),
    "whoosh": Entry("Whoosh's own", "whoosh"),
    "sqlite": Entry("SQLite FTS5", "sqlite3"),
    "postgresql_apart": Entry("PostgreSQL FTS, statement by statement", "psycopg"),
    "postgresql": Entry("PostgreSQL FTS, by one", "psycopg"),
    "tantivy": Entry("Tantivy", "tantivy"),
}
OURS = "ours"


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

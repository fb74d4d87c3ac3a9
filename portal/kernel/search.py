"""Search glue: the index of an app, kept from events and rebuilt from the database.

The database is the truth; what the index finds is checked against it before it is shown.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from flask import Flask, current_app
from sqlalchemy import create_engine, select
from sqlalchemy.exc import OperationalError

from portal.kernel.database import db, pool_options, read_committed, session, with_driver
from portal.kernel.fulltext.index import Index
from portal.kernel.fulltext.port import (
    Document,
    Engine,
    IndexBusy,
    IndexOutOfReach,
    IndexUnavailable,
    Key,
)
from portal.kernel.fulltext.vocabulary import Concept, Vocabulary
from portal.kernel.manifest import Facet, Searchable
from portal.kernel.outbox import Event, OutboxDelivery, OutboxEvent, load_event, subscribe_name

log = logging.getLogger(__name__)

INDEX_HANDLER = "kernel.update_search_index"
_CHUNK = 500
_MOST_UNINDEXED = 100
_UNINDEXED = (
    select(OutboxEvent.name, OutboxEvent.payload)
    .join(OutboxDelivery, OutboxDelivery.event_id == OutboxEvent.id)
    .where(
        OutboxDelivery.handler == INDEX_HANDLER,
        OutboxDelivery.done_at.is_(None),
        OutboxDelivery.failed_at.is_(None),
    )
    .limit(_MOST_UNINDEXED + 1)
)


class Differences(NamedTuple):
    """What the index lacks, what it should not have, and what it has in another version."""

    missing: set[Key]
    surplus: set[Key]
    stale: set[Key]


class SearchIndex:
    """The full-text index together with the kinds that the domains put into it."""

    def __init__(
        self,
        index: Engine,
        kinds: Mapping[str, Searchable],
        facets: Mapping[str, Facet],
        thesaurus: "Thesaurus",
    ) -> None:
        self.index = index
        self.kinds = kinds
        self.viewing = {kind: item.viewing for kind, item in kinds.items()}
        self.facets = facets
        self.thesaurus = thesaurus

    def warm(self) -> None:
        """Read the thesaurus and search once, before anybody waits for it."""
        self.thesaurus()
        # A process starts all the same; what is damaged is mended by the worker.
        with suppress(IndexUnavailable):
            self.index.warm()

    def update_for(self, events: Iterable[Event]) -> None:
        """Bring the documents that the events changed up to date (idempotent)."""
        ids = self._changed_by(events)
        applied: tuple[list[Document], list[Key]] = ([], [])
        # Another worker may have read and written newer versions of them meanwhile: only when
        # nothing has changed since what was written had been read, the index is up to date.
        while (found := self._present(ids)) != applied:
            self.index.apply(*found)
            applied = found

    def unindexed(self) -> frozenset[Key]:
        """Return the records that changed since the index last heard of them.

        None of them where very much has changed: to go through all that would take too long.
        """
        rows = read_committed(_UNINDEXED, {})
        if len(rows) > _MOST_UNINDEXED:
            return frozenset()
        events = [event for row in rows if (event := load_event(*row))]
        changed = self._changed_by(events).items()
        keys = frozenset((kind, number) for kind, its in changed for number in its)
        return keys if len(keys) <= _CHUNK else frozenset()

    def _changed_by(self, events: Iterable[Event]) -> dict[str, set[int]]:
        """The numbers of the records that events changed, by kind."""
        ids: dict[str, set[int]] = defaultdict(set)
        for event in events:
            for kind, searchable in self.kinds.items():
                changed = searchable.changed_by.get(type(event))
                if changed is not None:
                    ids[kind].update(changed(event))
        return ids

    def rebuild(self, progress: Callable[[int], None] | None = None) -> int:
        """Write the whole index anew from the database and swap it in; return its size."""
        self.index.rebuild(self.documents(), progress)
        return self.index.status().documents

    def differences(self) -> Differences:
        """Compare index and database."""
        wanted = {item.key: item.digest for item in self.documents()}
        present = self.index.digests()
        both = wanted.keys() & present.keys()
        return Differences(
            missing=wanted.keys() - present.keys(),
            surplus=present.keys() - wanted.keys(),
            stale={key for key in both if wanted[key] != present[key]},
        )

    def is_damaged(self) -> bool:
        """Tell whether the index is missing or damaged; one that is out of reach is neither."""
        try:
            self.index.status()
        except IndexOutOfReach:
            return False
        except IndexUnavailable as error:
            log.warning("the search index is rebuilt: %s", error)
            return True
        return False

    def _present(self, ids: Mapping[str, set[int]]) -> tuple[list[Document], list[Key]]:
        """The documents of these records as the database has them, and the records without."""
        documents: list[Document] = []
        gone: list[Key] = []
        for kind, wanted in ids.items():
            found = self._documents(kind, sorted(wanted))
            documents += found
            gone += [(kind, number) for number in sorted(wanted - {item.id for item in found})]
        session.commit()
        session.expunge_all()
        return documents, gone

    def _documents(self, kind: str, ids: list[int]) -> list[Document]:
        found: list[Document] = []
        for start in range(0, len(ids), _CHUNK):
            found += self.kinds[kind].documents(ids[start : start + _CHUNK])
        return found

    def documents(self) -> Iterator[Document]:
        """Yield every document as the database has it when the first is asked for."""
        # A transaction begun before a rebuild held the lock would not show it what was indexed
        # in between, and the new index would lack that.
        session.commit()
        for kind, searchable in self.kinds.items():
            after = 0
            while ids := searchable.list_ids(after, _CHUNK):
                yield from self._sound_documents(kind, ids)
                after = ids[-1]
                # Rows that were read are done with; keeping them would fill the memory.
                session.expunge_all()

    def _sound_documents(self, kind: str, ids: list[int]) -> list[Document]:
        """The documents of these records, without those that cannot be made.

        One of them would leave the portal without any search.
        """
        try:
            return self._documents(kind, ids)
        except OperationalError:
            raise
        except Exception:
            session.rollback()
            if len(ids) == 1:
                log.exception("%s %s is left out of the search index", kind, ids[0])
                return []
        return [document for number in ids for document in self._sound_documents(kind, [number])]


class Thesaurus:
    """The vocabulary of the domains, which notices within a minute that it was changed."""

    def __init__(
        self, sources: Iterable[Callable[[], Sequence[Concept]]], *, seconds: float = 60
    ) -> None:
        self._sources = tuple(sources)
        self._seconds = seconds
        self._concepts: list[Concept] = []
        self._vocabulary = Vocabulary.of(())
        self._due = 0.0

    def __call__(self) -> Vocabulary:
        if time.monotonic() >= self._due:
            concepts = [concept for source in self._sources for concept in source()]
            if concepts != self._concepts:
                self._vocabulary = Vocabulary.of(concepts)
                self._concepts = concepts
            self._due = time.monotonic() + self._seconds
        return self._vocabulary

    def forget(self) -> None:
        """Look for changes at the next search, not within a minute."""
        self._due = 0.0


def init_search(
    app: Flask,
    searchables: Iterable[Searchable],
    facets: Iterable[Facet],
    concepts: Iterable[Callable[[], Sequence[Concept]]],
) -> None:
    """Open the app's index and subscribe it to every event that changes a document."""
    kinds = {item.kind: item for item in searchables}
    for item in kinds.values():
        for event in item.changed_by:
            subscribe_name(event, INDEX_HANDLER)
    thesaurus = Thesaurus(concepts)
    app.extensions["portal-search"] = SearchIndex(
        _engine_of(app, thesaurus), kinds, {item.name: item for item in facets}, thesaurus
    )


def _engine_of(app: Flask, vocabulary: Thesaurus) -> Engine:
    url = with_driver(app.config["SEARCH_URL"])
    if not url:
        return Index(Path(app.instance_path) / "index", vocabulary)
    # Who does without it need not wait for it to load.
    from portal.kernel.fulltext.postgresql.index import PostgreSQLIndex
    from portal.kernel.postgresql import prepare_postgresql

    if url.startswith("postgresql+psycopg:"):
        engine = create_engine(url, **pool_options(app))
        prepare_postgresql(engine)
        return PostgreSQLIndex(engine, vocabulary)
    if url != "postgresql":
        raise RuntimeError("SEARCH_URL must be empty, 'postgresql' or a postgresql:// address")
    with app.app_context():
        if db.engine.dialect.name != "postgresql":
            raise RuntimeError(
                "SEARCH_URL=postgresql searches in the portal's own database, but DATABASE_URL"
                " names no PostgreSQL database"
            )
        return PostgreSQLIndex(db.engine, vocabulary)


def mend_index() -> None:
    """Rebuild the search index that is damaged; a job of the worker."""
    with suppress(IndexBusy):  # Somebody else rebuilds it.
        search_index().rebuild()


def search_index() -> SearchIndex:
    """Return the present app's search index."""
    # Each name of a proxy is looked up anew, and a page of results asks five times.
    found: SearchIndex = current_app._get_current_object().extensions["portal-search"]  # type: ignore[attr-defined]
    return found

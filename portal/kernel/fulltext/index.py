"""The index on disk: generations of it, the one writer, and readers that follow without restart.

Keeps and serves what it is given; what belongs into the index is decided by the domains.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from whoosh.filedb.filestore import FileStorage
from whoosh.index import TOC
from whoosh.util.filelock import FileLock, try_for

from portal.kernel.fulltext import executor, suggesting
from portal.kernel.fulltext.asked import understand
from portal.kernel.fulltext.building import NAME, fill, writing
from portal.kernel.fulltext.language import Terms
from portal.kernel.fulltext.port import (
    WARMING,
    Document,
    IndexBusy,
    IndexUnavailable,
    Key,
    Query,
    Results,
    Status,
    Suggestion,
)
from portal.kernel.fulltext.rows import EPOCH, FORMAT, MICROSECOND, SCHEMA, row_of
from portal.kernel.fulltext.segment import open_segment, prepare_phrases
from portal.kernel.fulltext.snapshot import Snapshot
from portal.kernel.fulltext.vocabulary import Vocabulary

_CURRENT: Final = "CURRENT"
_LOCK: Final = "writer.lock"
_ATTEMPTS: Final = 5
_PAUSE_SECONDS: Final = 0.02
# Of an index larger than that, what is asked for most comes into memory by itself.
_MOST_TOUCHED_BYTES: Final = 2**30
_SETTLED_NANOSECONDS: Final = 2 * 10**9
_GENERATION: Final = re.compile(r"\d+-(\d+)-[0-9a-f]{8}")


class Index:
    """The full-text index kept in `directory`, for any number of threads and processes.

    `directory` holds one folder per generation and the file CURRENT, which names the one in use.
    Every call sees the latest commit. Opening never fails; a missing or damaged index raises
    `IndexUnavailable` when it is used, until `rebuild` has written a new one. `vocabulary` is asked
    at every search by what else the words of a query may be said.
    """

    def __init__(
        self, directory: Path | str, vocabulary: Callable[[], Vocabulary | None] = lambda: None
    ) -> None:
        self._directory = Path(directory)
        self._path = str(directory)
        self._vocabulary = vocabulary
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._known: tuple[tuple[int, int], Snapshot] | None = None

    # Reading

    def warm(self) -> None:
        """Map what searches read, and search once: the first who searches waits for neither."""
        self._latest().touch(_MOST_TOUCHED_BYTES)
        self.search(WARMING)

    def search(self, query: Query) -> Results:
        reread = partial(understand, vocabulary=self._vocabulary())
        return executor.search(self._latest(), query, reread(query.text), reread)

    def matching(self, query: Query, *, is_waited_for: bool = False) -> frozenset[Key]:
        """All documents that have the words as typed; limit, offset and sort do not matter.

        is_waited_for: of no matter here, where this never takes long.
        """
        return executor.matching(self._latest(), query, understand(query.text, self._vocabulary()))

    def suggest(
        self, prefix: str, audience: frozenset[str], limit: int = 8
    ) -> tuple[Suggestion, ...]:
        """Visible documents whose titles or keywords have words beginning like those typed.

        The best come first, but those of a kind stand together. At most 50.
        """
        return suggesting.suggest(self._latest(), prefix, audience, limit)

    def keys(self) -> Mapping[Key, datetime]:
        """Every document in the index with its `updated_at`, to compare with the database."""
        snapshot = self._latest()
        live = np.flatnonzero(snapshot.live)
        updated = snapshot.column("updated")[live].tolist()
        times = (EPOCH + microseconds * MICROSECOND for microseconds in updated)
        return dict(zip(snapshot.keys(live), times, strict=True))

    def digests(self) -> Mapping[Key, bytes]:
        """The `digest` that each document had when it was put in, to compare contents."""
        snapshot = self._latest()
        live = np.flatnonzero(snapshot.live)
        return dict(zip(snapshot.keys(live), snapshot.digests(live), strict=True))

    def status(self) -> Status:
        snapshot = self._latest()
        return Status(
            documents=int(np.count_nonzero(snapshot.live)),
            generation=snapshot.stamp[0],
            segments=len(snapshot.segments),
        )

    def _latest(self) -> Snapshot:
        for attempt in range(_ATTEMPTS):
            if (unchanged := self._unchanged()) is not None:
                return unchanged
            # Its name is replaced in one step: where there is none, to wait would bring none.
            generation = self._current()
            try:
                times = self._times(generation)
                with _files_in(self._directory / generation) as storage:
                    stamp = (generation, TOC._latest_generation(storage, NAME))
                    with self._lock:
                        snapshot = self._opened(storage, stamp)
                # A file system's clock ticks slowly: what has just changed may change once more.
                is_settled = time.time_ns() - max(times) > _SETTLED_NANOSECONDS
                self._known = (times, snapshot) if is_settled else None
                return snapshot
            except (IndexUnavailable, OSError) as error:
                # A writer may have removed the files between our finding and opening them.
                if attempt == _ATTEMPTS - 1:
                    raise _unavailable(error) from error
                time.sleep(_PAUSE_SECONDS)
            except Exception as error:
                raise _unavailable(error) from error
        raise AssertionError("unreachable")

    def _unchanged(self) -> Snapshot | None:
        """What was opened last, if no file has come or gone since."""
        known = self._known
        with suppress(OSError):
            if known is not None and known[0] == self._times(known[1].stamp[0]):
                return known[1]
        return None

    def _times(self, generation: str) -> tuple[int, int]:
        """When the directory and the folder of a generation were last changed."""
        # At every search, where the paths of pathlib would take longer than the looks.
        return (
            os.stat(self._path).st_mtime_ns,  # noqa: PTH116
            os.stat(f"{self._path}{os.sep}{generation}").st_mtime_ns,  # noqa: PTH116
        )

    def _current(self) -> str:
        try:
            generation = (self._directory / _CURRENT).read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            raise _unavailable(error) from error
        if not _GENERATION.fullmatch(generation) or not generation.startswith(f"{FORMAT}-"):
            raise IndexUnavailable(f"The search index has another format: {generation!r}")
        return generation

    def _opened(self, storage: Any, stamp: tuple[str, int]) -> Snapshot:
        known = self._snapshot
        if known is not None and known.stamp == stamp:
            return known
        same = known.segments if known is not None and known.stamp[0] == stamp[0] else {}
        folder = Path(storage.folder)
        entries = [
            (entry.segment_id(), entry, frozenset(entry.deleted_docs()))
            for entry in TOC.read(storage, NAME, gen=stamp[1], schema=SCHEMA).segments
        ]
        for name, entry, _gone in entries:
            if name in same:
                same[name].look_for_phrases(folder, entry)
        # A segment never changes but for its deletions, which the commit lists, not the segment.
        self._snapshot = Snapshot(
            stamp,
            [
                (name, same.get(name) or open_segment(storage, folder, entry), gone)
                for name, entry, gone in entries
            ],
            known,
        )
        return self._snapshot

    # Writing

    def apply(
        self,
        documents: Iterable[Document] = (),
        deleted: Iterable[Key] = (),
        *,
        timeout: float = 10.0,
    ) -> None:
        """Delete and then add or replace documents, all in one commit.

        Raises `IndexBusy` if another writer holds on for more than `timeout` seconds.
        """
        added = {document.key: document for document in documents}
        gone = {*deleted, *added}
        if not gone:
            return
        with self._writing(timeout):
            snapshot = self._latest()
            replaced = snapshot.numbers_of(gone)
            replaced = replaced[snapshot.live[replaced]]
            with writing(self._directory / snapshot.stamp[0]) as writer:
                for number in replaced.tolist():
                    writer.delete_document(number)
                for document in added.values():
                    writer.add_document(**row_of(document))
                writer.commit()
            # Readers get along without, and see them at the next commit.
            self._prepare_phrases(self._directory / snapshot.stamp[0])

    def rebuild(
        self,
        documents: Iterable[Document],
        progress: Callable[[int], None] | None = None,
        *,
        timeout: float = 10.0,
        processes: int | None = None,
    ) -> None:
        """Write a new generation from `documents` while the old one serves, and put it in place.

        Of several documents with one key the first counts. `progress` is told how many have been
        added so far. If anything fails, the old generation stays. Other writers wait meanwhile.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        with self._writing(timeout):
            generation = self._next_generation()
            folder = self._directory / generation
            folder.mkdir()
            try:
                fill(folder, self._each_once(documents), progress, processes)
                self._prepare_phrases(folder)
                for file in (*folder.iterdir(), folder):
                    _sync(file)
                self._point_to(generation)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            # Readers that still have older files open keep them until they look again.
            for other in self._generations():
                if other != generation:
                    shutil.rmtree(self._directory / other, ignore_errors=True)

    def _prepare_phrases(self, folder: Path) -> None:
        """Write where the phrases of the vocabulary stand in large segments that lack that."""
        # A full disk must not undo what is written: what is not there is looked for.
        with suppress(OSError), _files_in(folder) as storage:
            for entry in TOC.read(storage, NAME, schema=SCHEMA).segments:
                prepare_phrases(storage, folder, entry, self._phrases)

    def _phrases(self) -> Collection[Terms]:
        vocabulary = self._vocabulary()
        return vocabulary.phrases() if vocabulary is not None else ()

    @staticmethod
    def _each_once(documents: Iterable[Document]) -> Iterator[Document]:
        seen: set[Key] = set()
        for document in documents:
            if document.key not in seen:
                seen.add(document.key)
                yield document

    def _point_to(self, generation: str) -> None:
        """Make a generation the current one, in one step for every process."""
        fresh = self._directory / f"{_CURRENT}.new"
        fresh.write_text(generation + "\n", encoding="ascii")
        _sync(fresh)
        fresh.replace(self._directory / _CURRENT)
        _sync(self._directory)

    def _generations(self) -> Iterator[str]:
        for path in list(self._directory.iterdir()):
            if path.is_dir() and _GENERATION.fullmatch(path.name):
                yield path.name

    def _next_generation(self) -> str:
        numbers = [int(name.split("-")[1]) for name in self._generations()]
        # The random part keeps readers from taking a new index for one they have open, should
        # somebody delete the whole directory and the counting begin again.
        return f"{FORMAT}-{max(numbers, default=0) + 1:06d}-{secrets.token_hex(4)}"

    @contextmanager
    def _writing(self, timeout: float) -> Iterator[None]:
        """Be the only writer of all processes."""
        if not self._directory.is_dir():
            raise IndexUnavailable("There is no search index yet")
        lock = FileLock(str(self._directory / _LOCK))
        if not try_for(lock.acquire, timeout=timeout, delay=_PAUSE_SECONDS):
            raise IndexBusy("The search index is being written by another process")
        try:
            yield
        finally:
            lock.release()


class _ReadStorage(FileStorage):
    """Knows the files it has opened: Whoosh leaves those open that it fails to read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder), readonly=True)
        self.opened: list[Any] = []

    def open_file(self, name: str, **options: Any) -> Any:
        self.opened.append(super().open_file(name, **options))
        return self.opened[-1]


@contextmanager
def _files_in(folder: Path) -> Iterator[_ReadStorage]:
    """A generation's files for reading; segments keep them mapped, but not open."""
    storage = _ReadStorage(folder)
    try:
        yield storage
    finally:
        for file in storage.opened:
            if not file.is_closed:
                file.close()


def _unavailable(error: BaseException) -> IndexUnavailable:
    if isinstance(error, IndexUnavailable):
        return error
    return IndexUnavailable(f"The search index cannot be read: {error!r}")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

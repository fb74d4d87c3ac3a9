"""Writing segments: a few documents at once, or a whole generation with several processes.

Each process writes one segment and its arrays in a folder of its own; the segments are then put
side by side. Merging them would take as long as writing them, and a search is as fast over a few.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, islice
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from whoosh.filedb.filestore import FileStorage
from whoosh.index import TOC, FileIndex
from whoosh.reading import SegmentReader

from portal.kernel.fulltext.port import Document
from portal.kernel.fulltext.rows import SCHEMA, row_of
from portal.kernel.fulltext.segment import prepare
from portal.kernel.fulltext.writing import RowWriter

NAME: Final = "MAIN"
MOST_PROCESSES: Final = 4
_ALONE: Final = 2_000
_CHUNK: Final = 100
_AHEAD: Final = 2
_MERGED: Final = 5


def _merged_alike(writer: RowWriter, segments: list[Any]) -> list[Any]:
    """Let the writer merge segments about as large as what it writes, as soon as it makes five.

    The segments that stay are returned. Each document is merged once for every time the index
    grows fivefold, and most commits merge a handful. (Whoosh's own policy merges up to 34 documents
    at every fifth commit, which then takes ten times as long.)
    """
    left = [segment for segment in segments if _live(segment)]
    size = writer.doc_count()
    while True:
        tier = _tier(size)
        alike = [segment for segment in left if _tier(_live(segment)) <= tier]
        # What is mostly deleted is not worth its room.
        alike = alike if len(alike) >= _MERGED - 1 else []
        alike += [it for it in left if it not in alike and it.deleted_count() > _live(it)]
        if not alike:
            return left
        for segment in alike:
            reader = SegmentReader(writer.storage, writer.schema, segment)
            writer.add_reader(reader)
            reader.close()
        left = [segment for segment in left if segment not in alike]
        size += sum(map(_live, alike))


def _live(segment: Any) -> int:
    live: int = segment.doc_count_all() - segment.deleted_count()
    return live


def _tier(size: int) -> int:
    tier = 0
    while size >= _MERGED:
        size //= _MERGED
        tier += 1
    return tier


class _Writer(RowWriter):
    """Makes the arrays of new segments before a commit lets anybody see these."""

    def commit(self) -> None:
        super().commit(mergetype=_merged_alike)

    def _commit_toc(self, segments: list[Any]) -> None:
        for segment in segments:
            prepare(self.storage, Path(self.storage.folder), segment)
        super()._commit_toc(segments)


@contextmanager
def writing(folder: Path) -> Iterator[Any]:
    """A writer of the index in a folder. It is to be committed; a failure undoes everything."""
    writer = _Writer(folder, NAME)
    try:
        yield writer
    except BaseException:
        with suppress(Exception):
            writer.cancel()
        raise


def fill(
    folder: Path,
    documents: Iterable[Document],
    progress: Callable[[int], None] | None = None,
    processes: int | None = None,
) -> None:
    """Write an index of the documents into an empty folder.

    `processes` are as many as there are processors, unless given. `progress` is told how many
    documents have been taken.
    """
    FileIndex.create(FileStorage(str(folder)), SCHEMA, NAME)
    counted = _counted(documents, progress)
    first = list(islice(counted, _ALONE))
    if processes is None:
        is_small = len(first) < _ALONE
        processes = 1 if is_small else min(len(os.sched_getaffinity(0)), MOST_PROCESSES)
    if processes == 1:
        with writing(folder) as writer:
            for document in chain(first, counted):
                writer.add_document(**row_of(document))
            writer.commit()
        return
    segments: list[Any] = []
    for part, its in _fill_parts(folder, chain(first, counted), processes):
        for file in part.glob(f"{NAME}_*"):
            if file.is_file():
                file.rename(folder / file.name)
        shutil.rmtree(part)
        segments += its
    TOC(SCHEMA, segments, 1).write(FileStorage(str(folder)), NAME)
    (folder / TOC._filename(NAME, 0)).unlink()


def _counted(
    documents: Iterable[Document], progress: Callable[[int], None] | None
) -> Iterator[Document]:
    for number, document in enumerate(documents, 1):
        yield document
        if progress is not None:
            progress(number)


def _fill_parts(
    folder: Path, documents: Iterator[Document], processes: int
) -> list[tuple[Path, list[Any]]]:
    """Let each process write a part of the documents: folders with the segments in them.

    A process that gets no document, as others are quicker, writes none.
    """
    # A process that is forked would share the locks and connections of this one.
    spawn = multiprocessing.get_context("spawn")
    parts: dict[Any, tuple[Path, BaseProcess]] = {}
    try:
        for number in range(processes):
            part = folder / f"part{number}"
            part.mkdir()
            ours, theirs = spawn.Pipe()
            process = spawn.Process(target=_write_part, args=(str(part), theirs), daemon=True)
            process.start()
            theirs.close()
            parts[ours] = (part, process)
        while chunk := list(islice(documents, _CHUNK)):
            ready: Any = wait(list(parts))[0]
            _answer(ready)
            ready.send(chunk)
        for connection in parts:
            connection.send(None)
        done = []
        for connection, (part, _) in parts.items():
            while (segments := _answer(connection)) is None:
                pass
            done.append((part, segments))
        return done
    finally:
        for connection, (_, its) in parts.items():
            connection.close()
            its.terminate()
            its.join()


def _answer(connection: Connection) -> Any:
    """What a process has to say: None if it can take more, its segments when it is done."""
    try:
        answer = connection.recv()
    except EOFError as error:
        raise RuntimeError("A process that wrote the search index has died") from error
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _write_part(folder: str, connection: Connection) -> None:
    """Run by a process: write what is sent, until it is None, and send back the segments."""
    try:
        FileIndex.create(FileStorage(folder), SCHEMA, NAME)
        with writing(Path(folder)) as writer:
            for _ in range(_AHEAD):
                connection.send(None)
            while chunk := connection.recv():
                for document in chunk:
                    writer.add_document(**row_of(document))
                connection.send(None)
            writer.commit()
        connection.send(TOC.read(FileStorage(folder), NAME, schema=SCHEMA).segments)
    except EOFError:
        return  # Nobody waits for it any more.
    except Exception as error:
        with suppress(BrokenPipeError):
            connection.send(error)

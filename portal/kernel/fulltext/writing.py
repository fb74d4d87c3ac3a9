"""Writing a segment as Whoosh does, but term by term instead of posting by posting.

What is written is Whoosh's own format, for any Whoosh to read. Its writer takes every posting
through a dozen calls and a sort, and pickles values so that each takes three times its size.
"""

from __future__ import annotations

import marshal
import pickle
import zlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final, NamedTuple

from whoosh.codec.whoosh3 import (
    WHOOSH3_HEADER_MAGIC,
    W3Codec,
    W3FieldWriter,
    W3PostingsWriter,
    W3Segment,
)
from whoosh.filedb.filestore import FileStorage
from whoosh.index import FileIndex
from whoosh.system import pack_uint
from whoosh.writing import SegmentWriter

from portal.kernel.fulltext.rows import SCHEMA, WEIGHING

_BLOCK: Final = 1024
_PROTOCOL: Final = 4
_COMPRESSION: Final = 1
# A block of less is not worth the compressing.
_WORTH_BYTES: Final = 200
# So many postings are kept in memory, some 20 bytes each, before they go to the disk.
_MOST_POSTINGS: Final = 10_000_000


class _Postings(NamedTuple):
    """The postings of a term in a field: documents, ascending, how often it stands in each, and
    where, as Whoosh encodes that.
    """

    ids: array[int]
    weights: array[float]
    values: list[bytes]

    @classmethod
    def none(cls) -> _Postings:
        return cls(array("I"), array("f"), [])


_Term = tuple[str, bytes, _Postings]


class _Pool:
    """Collects postings, in the place of Whoosh's pool of the same methods."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fields: dict[str, defaultdict[bytes, _Postings]] = {}
        self._values: dict[bytes, bytes] = {}
        self._runs: list[IO[bytes]] = []
        self._count = 0

    def add(self, item: tuple[str, bytes, int, float, bytes | None]) -> None:
        field, term, number, weight, value = item
        if self._count >= _MOST_POSTINGS:
            self._save()
        self._count += 1
        if (terms := self._fields.get(field)) is None:
            terms = self._fields[field] = defaultdict(_Postings.none)
        ids, weights, values = terms[term]
        ids.append(number)
        weights.append(weight)
        if value:
            # Most of them are alike: a word stands once in a field, and not far from its start.
            values.append(self._values.setdefault(value, value))

    def iter_postings(self) -> Iterator[_Term]:
        """Each term once, by field and term."""
        if not self._runs:
            yield from self._sorted()
            return
        self._save()
        every = merge(*map(_read, self._runs), key=itemgetter(0, 1))
        for (field, term), its in groupby(every, key=itemgetter(0, 1)):
            postings = _Postings.none()
            for _, _, more in its:
                postings.ids.extend(more.ids)
                postings.weights.extend(more.weights)
                postings.values.extend(more.values)
            yield field, term, postings

    def cleanup(self) -> None:
        for run in self._runs:
            run.close()

    def _sorted(self) -> Iterator[_Term]:
        for field, terms in sorted(self._fields.items()):
            for term in sorted(terms):
                yield field, term, terms[term]

    def _save(self) -> None:
        run = TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed by cleanup
        self._runs.append(run)
        for field, term, (ids, weights, values) in self._sorted():
            marshal.dump((field, term, ids.tobytes(), weights.tobytes(), values), run)
        self._fields.clear()
        self._values.clear()
        self._count = 0


def _read(run: IO[bytes]) -> Iterator[_Term]:
    run.seek(0)
    while True:
        try:
            field, term, ids, weights, values = marshal.load(run)  # noqa: S302 - our own file
        except EOFError:
            return
        yield field, term, _Postings(array("I", ids), array("f", weights), values)


class _PostingsWriter(W3PostingsWriter):
    """Writes all postings of a term at once."""

    def add_all(self, postings: _Postings) -> None:
        ids, weights, values = postings
        for start in range(0, len(ids), _BLOCK):
            if start:
                self._write_block()
            part = slice(start, start + _BLOCK)
            self._ids, self._weights, self._values = ids[part], weights[part], values[part]
            self._maxweight = max(self._weights)

    def _write_block(self, last: bool = False) -> None:
        if not self._blockcount:
            self._postfile.write(WHOOSH3_HEADER_MAGIC)
        self._terminfo.add_block(self)
        data = pickle.dumps(
            (self._mini_ids(), self._mini_weights(), self._mini_values()), _PROTOCOL
        )
        compression = _COMPRESSION if len(data) >= _WORTH_BYTES else 0
        if compression:
            data = zlib.compress(data, compression)
        info = pickle.dumps(
            (len(self._ids), self._ids[-1], self._maxweight, compression, 0, 0), _PROTOCOL
        )
        length = len(info) + len(data)
        # That of the last block is negative.
        self._postfile.write_int(-length if last else length)
        self._postfile.write(info)
        self._postfile.write(data)
        self._blockcount += 1
        self._new_block()

    def _mini_weights(self) -> Any:
        if self._maxweight == 1.0 == min(self._weights):
            return None
        return super()._mini_weights()


class _FieldWriter(W3FieldWriter):
    def add_postings(self, schema: Any, lengths: None, items: Iterable[_Term]) -> None:
        for field, its in groupby(items, key=itemgetter(0)):
            self.start_field(field, schema[field])
            for _, term, postings in its:
                self.start_term(term)
                self._postwriter.add_all(postings)
                self.finish_term()
            self.finish_field()


class _Codec(W3Codec):
    # Statistics of lengths, which only Whoosh's own search uses, take a look at a file a posting.
    length_stats = False

    def field_writer(self, storage: Any, segment: Any) -> _FieldWriter:
        return _FieldWriter(self, storage, segment)

    def postings_writer(self, dbfile: Any, byteids: bool = False) -> _PostingsWriter:
        return _PostingsWriter(dbfile, _BLOCK, byteids)

    def new_segment(self, storage: Any, indexname: str) -> W3Segment:
        # The table of contents names who reads a segment: that is any Whoosh.
        return W3Segment(W3Codec(), indexname)


class RowWriter(SegmentWriter):
    """Whoosh's writer of segments for rows as `row_of` makes them."""

    def __init__(self, folder: Path, name: str) -> None:
        # Whoosh's own lock would stay locked if a commit failed; the caller holds off others.
        index = FileIndex(FileStorage(str(folder)), schema=SCHEMA, indexname=name)
        super().__init__(index, codec=_Codec(), _lk=False)
        self.pool = _Pool(folder)

    def add_document(self, **row: Any) -> None:
        number, add = self.docnum, self.pool.add
        writer = self.perdocwriter
        writer.start_doc(number)
        for name, value in row.items():
            field = SCHEMA[name]
            if name in WEIGHING:
                for term, places in _places(value).items():
                    add((name, term.encode(), number, len(places), _encoded(places)))
                writer.add_field(name, field, None, len(value))
            elif field.indexed:
                for term in dict.fromkeys(value):
                    add((name, term.encode(), number, 1, None))
            else:
                writer.add_column_value(name, field.column_type, value)
        writer.finish_doc()
        self._added = True
        self.docnum += 1


def _places(terms: Sequence[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for at, term in enumerate(terms):
        if (known := places.get(term)) is None:
            places[term] = [at]
        else:
            known.append(at)
    return places


def _encoded(places: list[int]) -> bytes:
    """As Whoosh's format of positions does."""
    if len(places) == 1 and places[0] < len(_ONCE):
        return _ONCE[places[0]]
    deltas = [places[0], *(place - last for last, place in pairwise(places))]
    encoded: bytes = pack_uint(len(deltas)) + pickle.dumps(deltas, 2)
    return encoded


_ONCE: Final = [pack_uint(1) + pickle.dumps([at], 2) for at in range(256)]

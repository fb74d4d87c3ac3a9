"""One immutable segment of a Whoosh index: how documents are written into it and read out of it.

The only module that leans on Whoosh's private parts (`_terms`, `_perdoc`); the version is pinned.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final, TypeAlias

from whoosh import columns, fields, formats
from whoosh.codec.whoosh3 import LENGTHS_COLUMN, W3Codec
from whoosh.reading import SegmentReader
from whoosh.util.numeric import byte_to_length

from portal.kernel.fulltext.language import GAP, terms_of, words_of
from portal.kernel.fulltext.port import KIND_FACET, Document, IndexUnavailable, Key

FORMAT: Final = 2
"""To be raised whenever SCHEMA or `language` changes: older indexes then ask to be rebuilt."""

DEGREES: Final = 100_000
"""Coordinates are kept as integers of 1/100,000 degree, about a meter."""

NOWHERE: Final = -(2**31)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
_CACHED_POSTINGS: Final = 2_000_000
_SEPARATOR: Final = "\x1f"
_Counts: TypeAlias = Iterable[tuple[int, float]]


class Weighing:
    """How much a word in a field counts (BM25), and how many words such a field usually has.

    The usual length is a constant: averaged over all documents it would let scores tell of
    documents that the searcher may not see.
    """

    _SATURATION: Final = 1.2
    _LENGTH_INFLUENCE: Final = 0.5

    def __init__(self, weight: float, usual_length: float) -> None:
        self.gain = weight * (self._SATURATION + 1)
        influence = self._LENGTH_INFLUENCE
        # By Whoosh's one-byte code of a field's length.
        self.damping = tuple(
            self._SATURATION
            * (1 - influence + influence * max(byte_to_length(code), 1) / usual_length)
            for code in range(256)
        )


WEIGHING: Final[Mapping[str, Weighing]] = {
    "title": Weighing(5.0, 6),
    "keywords": Weighing(4.0, 16),
    "organization": Weighing(3.0, 4),
    "summary": Weighing(2.0, 25),
    "body": Weighing(1.0, 120),
}


def _existence() -> fields.FieldType:
    return fields.FieldType(formats.Existence(), None)


# All values are given as lists of ready terms, so Whoosh analyzes nothing and its pickled schema
# names no class of ours.
SCHEMA: Final = fields.Schema(
    audience=_existence(),
    facet=_existence(),
    word=_existence(),
    **{name: fields.FieldType(formats.Positions(), None, scorable=True) for name in WEIGHING},
    identity=fields.COLUMN(columns.VarBytesColumn()),
    heading=fields.COLUMN(columns.VarBytesColumn()),
    names=fields.COLUMN(columns.VarBytesColumn()),
    digest=fields.COLUMN(columns.VarBytesColumn()),
    updated=fields.COLUMN(columns.NumericColumn("q")),
    latitude=fields.COLUMN(columns.NumericColumn("i", default=NOWHERE)),
    longitude=fields.COLUMN(columns.NumericColumn("i", default=NOWHERE)),
    stored=fields.STORED,
)


def new_codec() -> W3Codec:
    """How Whoosh writes segments: plain blocks, and no statistics that only its own search uses."""
    codec = W3Codec(blocklimit=1024, compression=0)
    # Else it looks for a file of lengths on disk for every posting: a third of the time.
    codec.length_stats = False
    return codec


def row_of(document: Document) -> dict[str, Any]:
    """The fields under which Whoosh keeps a document."""
    title, organization = words_of(document.title), words_of(document.organization)
    summary, body = words_of(document.summary), words_of(document.body)
    keywords: list[str] = []
    for keyword in document.keywords:
        keywords += [GAP, *words_of(keyword)] if keywords else words_of(keyword)
    names = {*title, *keywords} - {GAP}
    row: dict[str, Any] = {
        "audience": [_encodable(token) for token in sorted(document.audience)],
        "facet": [
            _encodable(f"{name}{_SEPARATOR}{value}")
            for name, values in (*document.facets.items(), (KIND_FACET, (document.kind,)))
            for value in values
        ],
        "title": terms_of(title),
        "keywords": terms_of(keywords),
        "organization": terms_of(organization),
        "summary": terms_of(summary),
        "body": terms_of(body),
        "word": sorted(filter(_is_spelled, names.union(organization, summary, body))),
        "identity": _encodable(f"{document.kind}:{document.id}").encode(),
        "heading": " ".join(title).encode(),
        "names": " ".join(sorted(names)).encode(),
        "digest": document.digest,
        "updated": (document.updated_at - EPOCH) // MICROSECOND,
        "stored": (
            document.kind,
            document.id,
            document.title,
            document.url,
            document.summary,
            document.body,
            document.organization,
            {name: tuple(values) for name, values in document.facets.items()},
            tuple(document.keywords),
            document.latitude,
            document.longitude,
            document.updated_at,
            dict(document.extra),
        ),
    }
    if document.latitude is not None and document.longitude is not None:
        row["latitude"] = round(document.latitude * DEGREES)
        row["longitude"] = round(document.longitude * DEGREES)
    return row


def _is_spelled(word: str) -> bool:
    """Whether a word may be offered to correct another: numbers and abbreviations may not."""
    return len(word) > 2 and word.isalpha()


def _encodable(text: str) -> str:
    """`text` without lone surrogates, on which one bad record would fail a whole batch."""
    return text.encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class Stored:
    """What a segment gives back of a document."""

    kind: str
    id: int
    title: str
    url: str
    summary: str
    body: str
    organization: str
    facets: Mapping[str, tuple[str, ...]]
    keywords: tuple[str, ...]
    latitude: float | None
    longitude: float | None
    updated_at: datetime
    extra: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Postings:
    """The documents of a segment with some words: as a set of bits, and each with its impact."""

    bits: int
    ids: array[int]
    impacts: array[float]


NO_POSTINGS: Final = Postings(0, array("I"), array("f"))


def bits_of(ids: Iterable[int], size: int) -> int:
    """Document numbers as one integer, whose bit n says whether document n is among them."""
    octets = bytearray((size >> 3) + 1)
    for number in ids:
        octets[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(octets, "little")


class Segment:
    """A segment as sets of bits and columns, read from Whoosh once and kept.

    Deleted documents are still in it: deletion is the only thing that changes about a segment, so
    it is kept outside, by the snapshot. Whoosh's files have one position for all threads, so every
    read takes the lock.
    """

    def __init__(self, storage: Any, entry: Any) -> None:
        self.size: int = entry.doc_count_all()
        self._lock = threading.RLock()
        self._postings: OrderedDict[tuple[str, ...], Postings] = OrderedDict()
        self._cached = 0
        with self._reading():
            self._reader = SegmentReader(storage, SCHEMA, entry)
            self.audience = {
                token: bits_of(ids, self.size) for token, ids in self._all_terms("audience")
            }
            self.facets: dict[str, dict[str, int]] = {}
            for term, ids in self._all_terms("facet"):
                name, _, value = term.partition(_SEPARATOR)
                self.facets.setdefault(name, {})[value] = bits_of(ids, self.size)
            self.updated: list[int] = self._column("updated")
            self.latitudes: list[int] = self._column("latitude")
            self.longitudes: list[int] = self._column("longitude")
            self.identities: list[Key] = []
            for identity in self._column("identity"):
                kind, _, number = identity.decode().rpartition(":")
                self.identities.append((kind, int(number)))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except IndexUnavailable:
                raise
            except Exception as error:
                # A damaged file fails in as many ways as there are formats in it.
                raise IndexUnavailable(f"The search index cannot be read: {error!r}") from error

    def _column(self, name: str) -> list[Any]:
        return list(self._reader.column_reader(name, translate=False))

    def _blocks(self, field: str, term: str) -> Iterator[Any]:
        """Whoosh's matcher of a term, standing at each of its blocks; deleted documents and all.

        Reading whole blocks takes a quarter of the time that one posting after the other takes.
        """
        terms, octets = self._reader._terms, term.encode()
        if (field, octets) in terms:
            matcher = terms.matcher(field, octets, SCHEMA[field].format)
            while matcher.is_active():
                matcher._read_ids()
                yield matcher
                matcher._next_block()

    def _ids(self, field: str, term: str) -> array[int]:
        ids = array("I")
        for block in self._blocks(field, term):
            ids.extend(block._ids)
        return ids

    def _terms(self, field: str) -> list[str]:
        """All terms of a field, sorted."""
        if field not in self._reader.indexed_field_names():
            return []
        return sorted(term.decode() for term in self._reader.lexicon(field))

    def _all_terms(self, field: str) -> list[tuple[str, array[int]]]:
        return [(term, self._ids(field, term)) for term in self._terms(field)]

    @property
    def digests(self) -> list[bytes]:
        with self._reading():
            return self._column("digest")

    @cached_property
    def headings(self) -> list[str]:
        """The folded words of every title."""
        with self._reading():
            return [heading.decode() for heading in self._column("heading")]

    @cached_property
    def words(self) -> list[str]:
        """Every word of letters in the segment, not stemmed, whoever may see it."""
        with self._reading():
            return self._terms("word")

    @cached_property
    def _names(self) -> tuple[list[str], dict[str, array[int]]]:
        """The words of titles and keywords, sorted, and the documents that each names."""
        postings: dict[str, array[int]] = {}
        with self._reading():
            for number, names in enumerate(self._column("names")):
                for word in names.decode().split():
                    postings.setdefault(word, array("I")).append(number)
        return sorted(postings), postings

    @cached_property
    def _lengths(self) -> dict[str, bytes]:
        """Whoosh's one-byte code of each text field's length in each document."""
        documents = self._reader._perdoc
        return {
            field: bytes(documents.column_reader(f"_{field}_len", LENGTHS_COLUMN))
            if documents.has_column(f"_{field}_len")
            else bytes(self.size)
            for field in WEIGHING
        }

    def with_word(self, word: str) -> int:
        """The documents that say this very word."""
        with self._reading():
            return bits_of(self._ids("word", word), self.size)

    def with_name_prefix(self, prefix: str) -> int:
        """The documents with a word in title or keywords that begins with `prefix`."""
        words, postings = self._names
        at = bisect_left(words, prefix)
        found: set[int] = set()
        while at < len(words) and words[at].startswith(prefix):
            found.update(postings[words[at]])
            at += 1
        return bits_of(found, self.size)

    def stored(self, number: int) -> Stored:
        with self._reading():
            return Stored(*self._reader.stored_fields(number)["stored"])

    def postings(self, terms: tuple[str, ...]) -> Postings:
        """The documents in which the terms follow each other in one of the fields."""
        with self._reading():
            if (known := self._postings.get(terms)) is not None:
                self._postings.move_to_end(terms)
                return known
            found = self._weigh(self._occurrences(terms))
            self._postings[terms] = found
            self._cached += len(found.ids) + self.size // 64
            while self._cached > _CACHED_POSTINGS and len(self._postings) > 1:
                _, dropped = self._postings.popitem(last=False)
                self._cached -= len(dropped.ids) + self.size // 64
            return found

    def _occurrences(self, terms: tuple[str, ...]) -> Iterator[tuple[str, _Counts]]:
        """For each field the documents, and how often the terms follow each other there."""
        if len(terms) == 1:
            for field in WEIGHING:
                for block in self._blocks(field, terms[0]):
                    block._read_weights()
                    yield field, zip(block._ids, block._weights, strict=True)
            return
        everywhere = -1
        for term in terms:
            everywhere &= self.postings((term,)).bits
        if not everywhere:
            return
        candidates = set(members(everywhere))
        for field in WEIGHING:
            first = self._positions(field, terms[0], candidates)
            starts = {number: set(positions) for number, positions in first.items()}
            for distance, term in enumerate(terms[1:], 1):
                following = self._positions(field, term, starts)
                starts = {
                    number: together
                    for number, positions in following.items()
                    if (together := starts[number].intersection(p - distance for p in positions))
                }
            yield field, ((number, len(together)) for number, together in starts.items())

    def _positions(self, field: str, term: str, numbers: Container[int]) -> dict[int, list[int]]:
        decode = SCHEMA[field].format.decode_positions
        found: dict[int, list[int]] = {}
        for block in self._blocks(field, term):
            block._read_values()
            for number, value in zip(block._ids, block._values, strict=True):
                if number in numbers:
                    found[number] = decode(value)
        return found

    def _weigh(self, occurrences: Iterator[tuple[str, _Counts]]) -> Postings:
        impacts: dict[int, float] = {}
        for field, counts in occurrences:
            lengths, weighing = self._lengths[field], WEIGHING[field]
            gain, damping = weighing.gain, weighing.damping
            for number, count in counts:
                impact = gain * count / (count + damping[lengths[number]])
                impacts[number] = impacts.get(number, 0.0) + impact
        if not impacts:
            return NO_POSTINGS
        ids = array("I", sorted(impacts))
        return Postings(bits_of(ids, self.size), ids, array("f", [impacts[n] for n in ids]))


def members(bits: int) -> Iterator[int]:
    """The document numbers in a set of bits, ascending."""
    return (n for n, bit in enumerate(reversed(f"{bits:b}")) if bit == "1")

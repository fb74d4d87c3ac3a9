"""A segment as Whoosh wrote it, made into arrays that answer queries.

The only module that leans on Whoosh's private parts (`_terms`, `_tindex`, blocks of postings); its
version is pinned. With n documents and five text fields the arrays are:

    begins               uint32 n*5+1   where each field's words begin in the space of positions;
                                        between two fields one position stays free
    starts, widths       uint16, uint8  for each position of summary and body: the characters there
    terms.*, document_ends  lexicon; uint32: where each term's documents end in `ids`
    ids, impacts         uint32, float32: documents, ascending, and how much the term counts there
    position_ends, positions            the same for where the terms stand, ascending
    at                   uint8 to 32    for each position the number of the term there; of none, as
                                        many as there are terms
    KEY.text, .ends, .ptr, .ids         documents by audience, value of a facet (after its name),
                                        heading, title word, name, word
    heading              uint32 n       each document's place among the headings
    facet_rows           uint8 to 32    for each document the places of its values among all values
                                        of facets. Behind all these come a number that stands last
                                        where there are more, and one to fill up each column
    facet_longer, facet_more_ptr, facet_more    documents with more, and what they have besides
    kinds.*, kind, id    lexicon; uint16 and int64 n
    keys, by_key         int64, uint32 n: kind and id as one number, ascending, and whose it is
    updated              int64 n        microseconds since 1970
    latitude, longitude  int32 n        1/100,000 degree
    point                float64 n*3    on a sphere of radius 1; not a number: nowhere
    digest               uint8 n*8
    record, record_ends  uint8, uint64: what `rows.encode` kept
"""

from __future__ import annotations

import pickle
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Final

import numpy as np
from whoosh.codec.whoosh3 import W3LeafMatcher, W3TermInfo
from whoosh.reading import SegmentReader

from portal.kernel.fulltext.arrays import Array, Lexicon, Part
from portal.kernel.fulltext.rows import (
    DEGREES,
    LENGTH_INFLUENCE,
    NOWHERE,
    SATURATION,
    SCHEMA,
    WEIGHING,
)

FIELDS: Final = len(WEIGHING)
KIND_SHIFT: Final = 52
_SHOWN: Final = (False, False, False, True, True)
# How Positions keeps a word that stands in a field once: its count, and a pickled list of one byte.
_ONCE: Final = b"\0\0\0\1\x80\x02]q\0K"
_ONCE_LENGTH: Final = 13
_MANY: Final = 16
_ROWS_AT_ONCE: Final = 500_000
_PLACE_BITS: Final = 32
_HAVE_ROOM: Final = 99.5
_WEIGHTS: Final = np.array([its.weight for its in WEIGHING.values()])
_USUAL: Final = np.array([its.usual_length for its in WEIGHING.values()])


def weight_of(fields: Array, lengths: Array, counts: Array) -> Array:
    """How often a term stands in fields of this many words, as if all were body text of the usual
    length: float64. A phrase counts as a term.
    """
    influence = LENGTH_INFLUENCE * np.maximum(lengths, 1) / _USUAL[fields]
    weighed: Array = _WEIGHTS[fields] * counts / (1 - LENGTH_INFLUENCE + influence)
    return weighed


def saturated(weights: Array) -> Array:
    """How much terms count (BM25F) that stand in a document this often, over all of its fields.

    What is said in many fields is hardly more relevant than what is said in one.
    """
    counting: Array = weights * (SATURATION + 1) / (weights + SATURATION)
    return counting


def parts_of(storage: Any, entry: Any) -> Iterator[Part]:
    """The arrays of a segment; `entry` is how Whoosh's table of contents lists it."""
    reader = SegmentReader(storage, SCHEMA, entry)
    try:
        size: int = entry.doc_count_all()
        begins, layout = _layout(reader, size)
        yield from layout
        terms = _terms_by_field(reader)
        yield from _text(reader, terms, begins)
        yield from _by_term("audience", _existing(reader, terms, "audience"))
        by_value = _existing(reader, terms, "facet")
        yield from _by_term("facets", by_value)
        yield from _facet_rows(list(by_value.values()), size)
        del terms
        headings = _column(reader, "heading")
        yield from _by_word("headings", ((heading,) for heading in headings), size)
        yield ("heading", [_ranks(headings)])
        yield from _by_word("titles", (set(heading.split()) for heading in headings), size)
        for name in ("names", "words"):
            yield from _by_word(name, (words.split() for words in _column(reader, name)), size)
        yield from _identities(_column(reader, "identity"))
        yield ("updated", [np.array(_column(reader, "updated"), np.int64)])
        yield from _places(_column(reader, "latitude"), _column(reader, "longitude"))
        yield ("digest", [np.frombuffer(b"".join(_column(reader, "digest")), np.uint8)])
        records = _column(reader, "record")
        yield ("record", [np.frombuffer(b"".join(records), np.uint8)])
        yield ("record_ends", [_ends(map(len, records), len(records), np.uint64)])
    finally:
        reader.close()


def _column(reader: SegmentReader, name: str) -> list[Any]:
    return list(reader.column_reader(name, translate=False))


def _ends(counts: Iterable[int], size: int, kind: type = np.uint32) -> Array:
    return np.cumsum(np.fromiter(counts, kind, size), dtype=kind)


def _ptr(counts: Iterable[int], size: int) -> Array:
    """Where each of `size` runs of these lengths begins, and where the last ends."""
    return np.concatenate((np.zeros(1, np.uint32), _ends(counts, size)))


def _layout(reader: SegmentReader, size: int) -> tuple[Array, list[Part]]:
    """`begins`, and with it what `rows._layout` kept of the words of summary and body."""
    rows = _column(reader, "layout")
    head = FIELDS * 4
    lengths = np.frombuffer(b"".join(row[:head] for row in rows), np.uint32)
    begins = np.zeros(size * FIELDS + 1, np.uint32)
    np.cumsum(lengths + 1, out=begins[1:])
    shown = [(len(row) - head) // 3 for row in rows]
    # For each position whether it is one of a word that is shown.
    is_shown = np.repeat(np.tile(np.array(_SHOWN), size), lengths + 1)
    is_shown[begins[1:] - 1] = False
    starts = np.zeros(len(is_shown), np.uint16)
    widths = np.zeros(len(is_shown), np.uint8)
    pairs = list(zip(rows, shown, strict=True))
    gaps = np.frombuffer(b"".join(row[head : head + 2 * n] for row, n in pairs), np.uint16)
    its_widths = np.frombuffer(b"".join(row[head + 2 * n :] for row, n in pairs), np.uint8)
    starts[is_shown] = _starts(gaps, its_widths, lengths.reshape(-1, FIELDS)[:, _SHOWN].ravel())
    widths[is_shown] = its_widths
    return begins, [("begins", [begins]), ("starts", [starts]), ("widths", [widths])]


def _starts(gaps: Array, widths: Array, lengths: Array) -> Array:
    """Where words begin that follow each other in texts of so many words, within 16 bits."""
    steps = gaps.astype(np.int64)
    steps[1:] += widths[:-1]
    firsts = (np.cumsum(lengths) - lengths)[lengths > 0]
    # Nothing stands before the first word of a text.
    steps[firsts] = gaps[firsts]
    found = np.cumsum(steps)
    found -= np.repeat(found[firsts] - steps[firsts], lengths[lengths > 0])
    return found.astype(np.uint16)


# Postings


def _terms_by_field(reader: SegmentReader) -> dict[str, dict[bytes, bytes]]:
    """For each field its terms, and for each term what Whoosh keeps of its postings' place."""
    terms = reader._terms
    found: dict[str, dict[bytes, bytes]] = defaultdict(dict)
    for key, info in terms._tindex.items():
        field, term = terms._keydecoder(key)
        found[field][term] = info
    return found


def _blocks(
    reader: SegmentReader, field: str, info: bytes
) -> Iterator[tuple[Iterable[int], Sequence[bytes]]]:
    """A term's documents and their encoded values, block by block; deleted documents and all."""
    if info[0]:
        ids, _, values = W3TermInfo.from_bytes(info).inlined_postings()
        yield ids, values
        return
    start, length = W3TermInfo.from_bytes(info).extent()
    matcher = W3LeafMatcher(reader._terms._postfile, start, length, SCHEMA[field].format)
    while matcher.is_active():
        matcher._read_data()
        deltas, _, values = matcher._data
        yield accumulate(deltas), values
        matcher._next_block()


def _existing(
    reader: SegmentReader, terms: dict[str, dict[bytes, bytes]], field: str
) -> dict[bytes, Array]:
    return {
        term: np.array(
            [number for ids, _ in _blocks(reader, field, info) for number in ids], np.uint32
        )
        for term, info in sorted(terms[field].items())
    }


def _add_positions(values: Sequence[bytes], counts: array[int], flat: array[int]) -> None:
    """Add how often a term stands in each document, and all of the places."""
    if len(values) > _MANY:
        joined = b"".join(values)
        if len(joined) == _ONCE_LENGTH * len(values):
            # Unpickling one list after the other takes ten times as long.
            table = np.frombuffer(joined, np.uint8).reshape(-1, _ONCE_LENGTH)
            if (table[:, : len(_ONCE)] == np.frombuffer(_ONCE, np.uint8)).all():
                counts.frombytes(np.ones(len(values), np.uint32).tobytes())
                flat.frombytes(table[:, len(_ONCE)].astype(np.uint32).tobytes())
                return
    for value in values:
        if len(value) == _ONCE_LENGTH and value.startswith(_ONCE):
            counts.append(1)
            flat.append(value[len(_ONCE)])
        else:
            ending = b"" if value.endswith(b".") else b"."
            places = pickle.loads(value[4:] + ending)  # noqa: S301 - Whoosh's way, in our own file
            counts.append(len(places))
            flat.extend(accumulate(places))


def _text(
    reader: SegmentReader, terms: dict[str, dict[bytes, bytes]], begins: Array
) -> Iterator[Part]:
    """The postings of all text fields, those of a term's fields summed up."""
    fields = [(number, field, terms[field]) for number, field in enumerate(WEIGHING)]
    lexicon = sorted(set().union(*(its for _, _, its in fields)))
    batches = [_Batch()]
    for term in lexicon:
        batch = batches[-1]
        if len(batch.rows) > _ROWS_AT_ONCE:
            batch.finish(begins)
            batches.append(batch := _Batch())
        for number, field, its in fields:
            if (info := its.get(term)) is not None:
                for ids, values in _blocks(reader, field, info):
                    batch.rows.extend(document * FIELDS + number for document in ids)
                    _add_positions(values, batch.counts, batch.flat)
        batch.ends.append(len(batch.rows))
    batches[-1].finish(begins)
    yield from Lexicon.parts("terms", lexicon)
    for name in ("ids", "impacts", "positions"):
        yield (name, [getattr(batch, name) for batch in batches])
    for name in ("document_counts", "position_counts"):
        counts = np.concatenate([getattr(batch, name) for batch in batches])
        yield (name.replace("counts", "ends"), [np.cumsum(counts, dtype=np.uint32)])
    smallest = np.min_scalar_type(len(lexicon))
    at = np.full(begins[-1], len(lexicon), smallest)
    at[np.concatenate([batch.positions for batch in batches])] = np.repeat(
        np.arange(len(lexicon), dtype=smallest), counts
    )
    yield ("at", [at])


class _Batch:
    """Some terms with all of their postings, first as they are read, then as they are kept."""

    ids: Array
    impacts: Array
    positions: Array
    document_counts: Array
    position_counts: Array

    def __init__(self) -> None:
        # A row is a field of a document that has the term: document times five plus field.
        self.rows, self.counts, self.flat = array("I"), array("I"), array("I")
        self.ends = array("I")

    def finish(self, begins: Array) -> None:
        terms = len(self.ends)
        rows, counts = np.array(self.rows, np.int64), np.array(self.counts, np.int64)
        lengths: Array = np.diff(np.array(self.ends, np.int64), prepend=0)
        term_of = np.repeat(np.arange(terms), lengths)
        self.ids, self.impacts, owners = impacts_of(begins, rows, counts, term_of)
        self.document_counts = np.bincount(owners, minlength=terms)
        places = np.array(self.flat, np.int64) + np.repeat(begins[rows], counts)
        places += np.repeat(term_of, counts) << _PLACE_BITS
        places.sort()
        self.positions = (places & ((1 << _PLACE_BITS) - 1)).astype(np.uint32)
        self.position_counts = np.bincount(places >> _PLACE_BITS, minlength=terms)
        del self.rows, self.counts, self.flat, self.ends


def impacts_of(begins: Array, rows: Array, counts: Array, terms: Any = 0) -> tuple[Array, ...]:
    """The documents of some fields and how much a term counts in each; and which term it is.

    `terms[i]` stands in field `rows[i]` (document times five plus field) `counts[i]` times. What
    is returned ascends by term and document.
    """
    lengths = begins[rows + 1] - begins[rows] - 1
    weights = weight_of(rows % FIELDS, lengths, counts)
    keys = rows // FIELDS + (np.int64(1) << _PLACE_BITS) * terms
    order = np.argsort(keys, kind="stable")
    keys, weights = keys[order], weights[order]
    firsts = np.flatnonzero(np.diff(keys, prepend=-1))
    summed = np.add.reduceat(weights, firsts) if len(firsts) else weights
    keys = keys[firsts]
    ids = (keys & ((1 << _PLACE_BITS) - 1)).astype(np.uint32)
    return ids, saturated(summed).astype(np.float32), keys >> _PLACE_BITS


def impacts_at(begins: Array, positions: Array) -> tuple[Array, Array]:
    """The documents in which something stands at these ascending positions, at least one, and how
    much it counts in each.
    """
    rows = begins.searchsorted(positions, side="right") - 1
    firsts = _firsts(rows)
    counts: Array = np.diff(firsts, append=len(rows))
    rows = rows[firsts]
    weights = weight_of(rows % FIELDS, begins[rows + 1] - begins[rows] - 1, counts)
    documents = rows // FIELDS
    firsts = _firsts(documents)
    impacts = saturated(np.add.reduceat(weights, firsts))
    return documents[firsts].astype(np.uint32), impacts.astype(np.float32)


def _firsts(ascending: Array) -> Array:
    """Where the values are greater than those before."""
    is_first = np.empty(len(ascending), bool)
    is_first[0] = True
    np.not_equal(ascending[1:], ascending[:-1], out=is_first[1:])
    return np.flatnonzero(is_first)


# Documents by something


def _by_term(name: str, postings: dict[bytes, Array]) -> Iterator[Part]:
    yield from Lexicon.parts(name, list(postings))
    yield (f"{name}.ptr", [_ptr(map(len, postings.values()), len(postings))])
    yield (f"{name}.ids", [np.zeros(0, np.uint32), *postings.values()])


def _by_word(name: str, rows: Iterable[Iterable[bytes]], size: int) -> Iterator[Part]:
    """The documents that have each word; a row names a document's words, each once."""
    codes: defaultdict[bytes, int] = defaultdict()
    codes.default_factory = codes.__len__
    flat, counts = array("I"), array("I")
    for row in rows:
        before = len(flat)
        flat.extend(map(codes.__getitem__, row))
        counts.append(len(flat) - before)
    words = sorted(codes)
    rank = np.empty(len(words), np.uint32)
    rank[[codes[word] for word in words]] = np.arange(len(words), dtype=np.uint32)
    ranks = rank[np.frombuffer(flat, np.uint32)] if flat else np.zeros(0, np.uint32)
    owners = np.repeat(np.arange(size, dtype=np.uint32), np.frombuffer(counts, np.uint32))
    ptr = np.zeros(len(words) + 1, np.uint32)
    np.cumsum(np.bincount(ranks, minlength=len(words)), out=ptr[1:])
    yield from Lexicon.parts(name, words)
    yield (f"{name}.ptr", [ptr])
    yield (f"{name}.ids", [owners[np.argsort(ranks, kind="stable")]])


def _ranks(values: Sequence[bytes]) -> Array:
    place = {value: at for at, value in enumerate(sorted(set(values)))}
    return np.fromiter(map(place.__getitem__, values), np.uint32, len(values))


def _facet_rows(postings: list[Array], size: int) -> Iterator[Part]:
    """The places of a document's values side by side, for documents by value."""
    values = len(postings)
    documents = np.concatenate([np.zeros(0, np.uint32), *postings])
    codes = np.repeat(np.arange(values), list(map(len, postings)))
    order = np.argsort(documents, kind="stable")
    documents, codes = documents[order], codes[order]
    counts = np.bincount(documents, minlength=size)
    width = max(1, int(np.percentile(counts, _HAVE_ROOM, method="lower")))
    column = np.arange(len(documents)) - np.repeat(np.cumsum(counts) - counts, counts)
    longer = np.flatnonzero(counts > width)
    fits = column < np.where(counts > width, width - 1, width)[documents]
    # To count one number again and again, each time waiting for the last, would take twice as long.
    rows = np.tile(np.arange(values + 1, values + 1 + width), (size, 1))
    rows[documents[fits], column[fits]] = codes[fits]
    rows[longer, -1] = values
    codes = codes.astype(np.min_scalar_type(values + width))
    yield ("facet_rows", [rows.ravel().astype(codes.dtype)])
    yield ("facet_longer", [longer.astype(np.uint32)])
    yield ("facet_more_ptr", [_ptr(counts[longer] - (width - 1), len(longer))])
    yield ("facet_more", [codes[~fits]])


def _identities(identities: Sequence[bytes]) -> Iterator[Part]:
    parted = [identity.rpartition(b":") for identity in identities]
    kinds = sorted({kind for kind, _, _ in parted})
    place = {kind: at for at, kind in enumerate(kinds)}
    kind = np.array([place[kind] for kind, _, _ in parted], np.uint16)
    number = np.array([int(number) for _, _, number in parted], np.int64)
    keys = key_of(kind, number)
    order = np.argsort(keys, kind="stable")
    yield from Lexicon.parts("kinds", kinds)
    yield ("kind", [kind])
    yield ("id", [number])
    yield ("keys", [keys[order]])
    yield ("by_key", [order.astype(np.uint32)])


def key_of(kind: Any, number: Any) -> Any:
    """Kind (as its place among the kinds) and id as one number, which sorts like both."""
    return (np.int64(1) << KIND_SHIFT) * kind + number


def _places(latitudes: Sequence[int], longitudes: Sequence[int]) -> Iterator[Part]:
    latitude, longitude = np.array(latitudes, np.int32), np.array(longitudes, np.int32)
    x, y, z = point_of(latitude / DEGREES, longitude / DEGREES)
    point = np.concatenate((x, y, z))
    point[np.tile((latitude == NOWHERE) | (longitude == NOWHERE), 3)] = np.nan
    yield ("latitude", [latitude])
    yield ("longitude", [longitude])
    yield ("point", [point])


def point_of(latitude: Any, longitude: Any) -> tuple[Any, Any, Any]:
    """A place on the sphere of radius 1. Distances through it need no angles, and know no edge."""
    north, east = np.radians(latitude), np.radians(longitude)
    return np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)

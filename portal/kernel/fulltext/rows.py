"""How Whoosh keeps a document: the schema, the fields of a row, and how much each field counts."""

from __future__ import annotations

import pickle
from array import array
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from whoosh import columns, fields, formats

from portal.kernel.fulltext.language import GAP, Token, terms_of, tokens, words_of
from portal.kernel.fulltext.port import KIND_FACET, MATCH, MATCH_END, Document

FORMAT: Final = 11
"""To be raised whenever SCHEMA, `language` or the arrays change: older indexes are then rebuilt."""

DEGREES: Final = 100_000
"""Coordinates are kept as integers of 1/100,000 degree, about a meter."""

NOWHERE: Final = -(2**31)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
SEPARATOR: Final = "\x1f"
SATURATION: Final = 2.0
LENGTH_INFLUENCE: Final = 0.6
_MAX_OFFSET: Final = 2**16 - 1
_MAX_WIDTH: Final = 2**8 - 1
_PICKLE_PROTOCOL: Final = 5
# No place in a text moves.
_MARKS: Final = dict.fromkeys(map(ord, f"\0{MATCH}{MATCH_END}"), " ")


class Weighing(NamedTuple):
    """How much a word in a field counts (BM25F), and how many words such a field usually has.

    The usual length is a constant: averaged over all documents it would let scores tell of
    documents that the searcher may not see.
    """

    weight: float
    usual_length: float


WEIGHING: Final[Mapping[str, Weighing]] = {
    "title": Weighing(4.0, 8),
    "keywords": Weighing(3.0, 50),
    "organization": Weighing(3.0, 4),
    "summary": Weighing(2.0, 20),
    "body": Weighing(1.0, 120),
}
"""In the order in which a document's fields follow each other in `layout`; the last two are those
whose words are shown as highlights."""


def _existence() -> fields.FieldType:
    return fields.FieldType(formats.Existence(), None)


# All values are given as lists of ready terms, so Whoosh analyzes nothing and its pickled schema
# names no class of ours.
SCHEMA: Final = fields.Schema(
    audience=_existence(),
    facet=_existence(),
    **{name: fields.FieldType(formats.Positions(), None, scorable=True) for name in WEIGHING},
    identity=fields.COLUMN(columns.VarBytesColumn()),
    digest=fields.COLUMN(columns.VarBytesColumn()),
    heading=fields.COLUMN(columns.VarBytesColumn()),
    names=fields.COLUMN(columns.VarBytesColumn()),
    words=fields.COLUMN(columns.CompressedBytesColumn(1)),
    layout=fields.COLUMN(columns.CompressedBytesColumn(1)),
    record=fields.COLUMN(columns.CompressedBytesColumn(1)),
    updated=fields.COLUMN(columns.NumericColumn("q")),
    latitude=fields.COLUMN(columns.NumericColumn("i", default=NOWHERE)),
    longitude=fields.COLUMN(columns.NumericColumn("i", default=NOWHERE)),
)


def row_of(document: Document) -> dict[str, Any]:
    """The fields under which Whoosh keeps a document.

    `heading` is the title's folded words, `names` and `words` those of title and keywords and all
    those of letters (each once), `layout` is explained at `_layout`, `record` at `Record`.
    """
    title, organization = words_of(document.title), words_of(document.organization)
    shown = [list(tokens(text)) for text in (document.summary, document.body)]
    keywords: list[str] = []
    for at, keyword in enumerate(document.keywords):
        keywords += [GAP, *words_of(keyword)] if at else words_of(keyword)
    names = {*title, *keywords} - {GAP}
    spelled = names.union(organization, (token.word for text in shown for token in text))
    row: dict[str, Any] = {
        "audience": [_encodable(token) for token in sorted(document.audience)],
        "facet": [
            _encodable(f"{name}{SEPARATOR}{value}")
            for name, values in (*document.facets.items(), (KIND_FACET, (document.kind,)))
            for value in values
        ],
        "title": terms_of(title),
        "keywords": terms_of(keywords),
        "organization": terms_of(organization),
        "summary": [token.term for token in shown[0]],
        "body": [token.term for token in shown[1]],
        "identity": _encodable(f"{document.kind}:{document.id}").encode(),
        "digest": document.digest,
        "heading": " ".join(title).encode(),
        "names": " ".join(sorted(names)).encode(),
        "words": " ".join(sorted(filter(is_spelled, spelled))).encode(),
        "record": encode(document),
        "updated": (document.updated_at - EPOCH) // MICROSECOND,
    }
    counts = [len(row[name]) for name in WEIGHING]
    row["layout"] = _layout(counts, shown)
    if document.latitude is not None and document.longitude is not None:
        row["latitude"] = round(document.latitude * DEGREES)
        row["longitude"] = round(document.longitude * DEGREES)
    return row


def _layout(counts: list[int], texts: list[list[Token]]) -> bytes:
    """The number of words in each text field (uint32), and where those of summary and body stand:
    for all how many characters after the end of the one before (uint16), which is nearly always
    one, and then how many characters they have (uint8). Too far on for that: none.
    """
    gaps, widths = array("H"), array("B")
    for text in texts:
        last = 0
        for _, _, start, end in text:
            width = min(end - start, _MAX_WIDTH) if start < _MAX_OFFSET else 0
            gaps.append((start - last) & _MAX_OFFSET)
            widths.append(width)
            last = start + width
    return array("I", counts).tobytes() + gaps.tobytes() + widths.tobytes()


def is_spelled(word: str) -> bool:
    """Whether a word may be offered to correct another: numbers and abbreviations may not."""
    return len(word) > 2 and word.isalpha()


def _encodable(text: str) -> str:
    """`text` without lone surrogates, on which one bad record would fail a whole batch."""
    return text.encode("utf-8", "replace").decode()


class Kept(Mapping[str, tuple[str, ...]]):
    """A mapping that is taken apart when somebody first looks at it, as hardly anybody does."""

    __slots__ = ("_content", "_values")

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._values: dict[str, tuple[str, ...]] | None = None

    def _present(self) -> dict[str, tuple[str, ...]]:
        if self._values is None:
            self._values = pickle.loads(self._content)  # noqa: S301 - our own index
        return self._values

    def __getitem__(self, name: str) -> tuple[str, ...]:
        return self._present()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._present())

    def __len__(self) -> int:
        return len(self._present())

    def __repr__(self) -> str:
        return repr(self._present())


class Record(NamedTuple):
    """What is shown of a document, as `encode` keeps it.

    Keywords and facets, which are most of it, lie there as octets: a page needs neither of nearly
    all records that it shows.
    """

    title: str
    url: str
    summary: str
    body: str
    organization: str
    extra: dict[str, str]
    latitude: float | None
    longitude: float | None
    kept_keywords: bytes
    kept_facets: bytes

    @property
    def keywords(self) -> tuple[str, ...]:
        found: tuple[str, ...] = pickle.loads(self.kept_keywords)  # noqa: S301 - our own index
        return found

    @property
    def facets(self) -> Mapping[str, tuple[str, ...]]:
        return Kept(self.kept_facets)


def encode(document: Document) -> bytes:
    """What is shown of a document as bytes that are quickly taken apart, whatever a text says."""
    facets = {name: tuple(values) for name, values in document.facets.items()}
    record = Record(
        _shown(document.title),
        _shown(document.url),
        _shown(document.summary),
        _shown(document.body),
        _shown(document.organization),
        {name: _shown(text) for name, text in document.extra.items()},
        document.latitude,
        document.longitude,
        pickle.dumps(tuple(map(_shown, document.keywords)), _PICKLE_PROTOCOL),
        pickle.dumps(facets, _PICKLE_PROTOCOL),
    )
    return pickle.dumps(tuple(record), _PICKLE_PROTOCOL)


def _shown(text: str) -> str:
    """A text without the characters by which pages know texts and matches apart."""
    return text.translate(_MARKS)


# As Record(…), at half the cost.
_new_record: Final = tuple.__new__


def decode(record: bytes | memoryview) -> Record:
    return _new_record(Record, pickle.loads(record))  # noqa: S301 - our own index

"""The tables of the index in PostgreSQL, and what is written into them of a document.

They stand in a schema of their own, beside the portal's tables and apart from their migrations:
like the folder of the other engine they are made from the database and may be dropped any time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR

from portal.kernel.fulltext.language import terms_of, words_of
from portal.kernel.fulltext.port import KIND_FACET, Document
from portal.kernel.fulltext.rows import DEGREES, SEPARATOR, encode, is_spelled

FORMAT: Final = 4
"""To be raised whenever the tables or `language` change: older indexes then ask to be rebuilt."""

SCHEMA: Final = "search"
# What a lexeme is: terms stand for themselves, these marks tell the others apart from them.
NAME: Final = "^"
"""Before a word of title or keywords: to find names by their beginnings."""

ORGANIZATION: Final = "@"
"""Before a term of the organization's name, once more: we have five weights, PostgreSQL four."""

HEADING_START: Final = 200
"""So many characters of a heading are indexed; an index entry must not grow with the text."""

# PostgreSQL's limits: positions end at 16,383 and a tsvector at a mebibyte.
_LAST_POSITION: Final = 16_383
_MAX_VECTOR_BYTES: Final = 900_000
# A page's worth. Values that a query reads of every match stay in the row: fetching them from
# where PostgreSQL puts long ones by itself took four times as long as all the rest.
_KEPT_IN_ROW_BYTES: Final = 8_000

CURRENT: Final = Table(
    "current",
    MetaData(schema=SCHEMA),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("format", Integer, nullable=False),
)
"""One row: which generation is in use, and the format it was written in."""


@dataclass(frozen=True, slots=True)
class Generation:
    """The tables of one generation. Their indexes are made once they are filled.

    `document` has what queries match, count and order by, `content` what is shown of a document and
    the words that it spells, `word` each of those words once.
    """

    number: int
    document: Table
    content: Table
    word: Table

    @property
    def tables(self) -> tuple[Table, ...]:
        return (self.document, self.content, self.word)

    @property
    def name(self) -> str:
        return f"{FORMAT}-{self.number:06d}"

    def indexes(self) -> Iterator[Index]:
        document, name = self.document.c, self.document.name
        # Without a list of pending entries, which every reader would have to go through.
        gin: dict[str, Any] = {"postgresql_using": "gin", "postgresql_with": {"fastupdate": "off"}}
        for column in (document.terms, document.audience, document.facets):
            yield Index(f"{name}_{column.name}", column, **gin)
        yield Index(f"{name}_heading", heading_start(self.document))
        yield Index(f"{name}_latitude", document.latitude)
        yield Index(f"{self.content.name}_words", self.content.c.words, **gin)
        yield Index(
            f"{self.word.name}_alike",
            self.word.c.word,
            postgresql_ops={"word": "gin_trgm_ops"},
            **gin,
        )


def heading_start(document: Table) -> Any:
    """The beginning of a heading, as it is indexed."""
    return func.left(document.c.heading, HEADING_START)


def generation(number: int) -> Generation:
    metadata = MetaData(schema=SCHEMA)
    return Generation(
        number,
        Table(
            f"document_{number}",
            metadata,
            Column("kind", Text(collation="C"), primary_key=True),
            Column("id", BigInteger, primary_key=True, autoincrement=False),
            Column("audience", ARRAY(Text), nullable=False),
            Column("facets", ARRAY(Text), nullable=False),
            Column("terms", TSVECTOR, nullable=False),
            Column("heading", Text(collation="C"), nullable=False),
            Column("updated_at", DateTime(timezone=True), nullable=False),
            # As integers, like the other engine, so that both find the same within a radius.
            Column("latitude", Integer),
            Column("longitude", Integer),
            postgresql_with={"toast_tuple_target": _KEPT_IN_ROW_BYTES},
        ),
        Table(
            f"content_{number}",
            metadata,
            Column("kind", Text(collation="C"), primary_key=True),
            Column("id", BigInteger, primary_key=True, autoincrement=False),
            Column("digest", LargeBinary, nullable=False),
            Column("words", ARRAY(Text), nullable=False),
            Column("record", LargeBinary, nullable=False),
        ),
        Table(f"word_{number}", metadata, Column("word", Text(collation="C"), primary_key=True)),
    )


def storable(text: str) -> str:
    """`text` without what PostgreSQL refuses, NUL and lone surrogates, which would fail a batch."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def facet_value(name: str, value: str) -> str:
    return storable(f"{name}{SEPARATOR}{value}")


def values_of(document: Document) -> dict[str, Any]:
    """What is written of a document, by the names of the columns."""
    title, organization = words_of(document.title), words_of(document.organization)
    keywords = [words_of(keyword) for keyword in document.keywords]
    summary, body = words_of(document.summary), words_of(document.body)
    names = {*title, *(word for keyword in keywords for word in keyword)}
    facets = {facet_value(KIND_FACET, document.kind)}
    for name, values in document.facets.items():
        facets.update(facet_value(name, value) for value in values)
    has_place = document.latitude is not None and document.longitude is not None
    return {
        "kind": document.kind,
        "id": document.id,
        "audience": sorted(map(storable, document.audience)),
        "facets": sorted(facets),
        "terms": _vector(
            [
                ("A", title),
                *(("B", keyword) for keyword in keywords),
                ("C", organization),
                ("C", summary),
                ("D", body),
            ],
            terms_of(organization),
            [NAME + name for name in sorted(names)],
        ),
        "heading": " ".join(title),
        "updated_at": document.updated_at,
        "latitude": round((document.latitude or 0) * DEGREES) if has_place else None,
        "longitude": round((document.longitude or 0) * DEGREES) if has_place else None,
        "digest": document.digest,
        "words": sorted(filter(is_spelled, names.union(organization, summary, body))),
        "record": encode(document),
    }


def quoted(lexeme: str) -> str:
    """A lexeme as it is written in a tsvector or tsquery."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def _vector(fields: list[tuple[str, list[str]]], organization: list[str], marked: list[str]) -> str:
    """The text of a tsvector: terms with their places and the weights of their fields."""
    places: dict[str, list[str]] = {}
    position = 1
    for weight, words in fields:
        for term in terms_of(words):
            known = places.setdefault(term, [])
            if position <= _LAST_POSITION:
                known.append(f"{position}{weight}")
            position += 1
        # No phrase reaches from one field into the next.
        position += 1
    places.update((ORGANIZATION + term, ["1C"]) for term in organization)
    lexemes = [*places, *marked]
    room = _MAX_VECTOR_BYTES
    texts: list[str] = []
    for lexeme in lexemes:
        room -= len(lexeme.encode()) + 2 * len(places.get(lexeme, ())) + 8
        if room < 0:
            break
        at = ",".join(places.get(lexeme, ()))
        texts.append(f"{quoted(lexeme)}:{at}" if at else quoted(lexeme))
    return " ".join(texts)

"""The documents that somebody may see, and how conditions on them are written and counted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Protocol, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    cast,
    exists,
    func,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY

from portal.kernel.fulltext.port import Key
from portal.kernel.fulltext.postgresql.tables import Generation, storable

_COUNTED_AT_ONCE: Final = 100

Condition: TypeAlias = ColumnElement[bool]


class Runner(Protocol):
    """Runs statements, as a connection does."""

    def execute(self, statement: Any, /) -> Any: ...


class Visible:
    """What holders of some audience tokens see of one generation, without what is hidden."""

    def __init__(
        self,
        connection: Runner,
        generation: Generation,
        audience: Iterable[str],
        hidden: Collection[Key],
    ) -> None:
        self.run = connection.execute
        self.document = generation.document
        self.content = generation.content
        self.word = generation.word
        tokens = sorted({storable(token) for token in audience})
        self.condition: Condition = self.document.c.audience.overlap(cast(tokens, ARRAY(Text)))
        if hidden:
            self.condition &= ~is_among(self.document, sorted(hidden))

    def has(self, text: str) -> Condition:
        """Whether a document matches the text of a tsquery."""
        matches: Condition = self.document.c.terms.bool_op("@@")(cast(text, TSQUERY))
        return matches

    def having(self, text: str) -> Select[Any]:
        """The visible documents that match, to be counted."""
        return (
            select(literal_column("1"))
            .select_from(self.document)
            .where(self.condition, self.has(text))
        )

    def finds(self, text: str | None) -> bool:
        """Tell whether a visible document matches."""
        return text is None or self.which_find([text])[0]

    def which_find(self, texts: Sequence[str]) -> list[bool]:
        """For each text whether a visible document matches."""
        if not texts:
            return []
        found = (
            exists().select_from(self.document).where(self.condition, self.has(text))
            for text in texts
        )
        return list(self.run(select(*found)).one())

    def counted(self, searches: Mapping[str, Select[Any]], bound: int) -> dict[str, int]:
        """How much each search finds, up to a bound."""
        found: dict[str, int] = {}
        names = iter(searches)
        while some := list(islice(names, _COUNTED_AT_ONCE)):
            counts = (
                select(func.count())
                .select_from(searches[name].limit(bound).subquery())
                .scalar_subquery()
                for name in some
            )
            found.update(zip(some, self.run(select(*counts)).one(), strict=True))
        return found


def is_among(rows: FromClause, keys: Collection[Key]) -> Condition:
    kinds = [storable(kind) for kind, _ in keys]
    listed = select(
        func.unnest(cast(kinds, ARRAY(Text))),
        func.unnest(cast([number for _, number in keys], ARRAY(BigInteger))),
    )
    return tuple_(rows.c.kind, rows.c.id).in_(listed)

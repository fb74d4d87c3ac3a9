"""How much documents say of what is asked: rarities, and the score of a row as SQL.

Every score is bounded in its terms; of very many matches the likeliest are chosen first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import log
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Double,
    Subquery,
    Table,
    Text,
    bindparam,
    cast,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY

from portal.kernel.fulltext.asked import Asked
from portal.kernel.fulltext.port import MAX_LIMIT, MAX_OFFSET
from portal.kernel.fulltext.postgresql.tables import ORGANIZATION, quoted, storable
from portal.kernel.fulltext.postgresql.texts import any_of, is_short, phrase, telling, texts_of
from portal.kernel.fulltext.postgresql.visible import Condition, Visible
from portal.kernel.fulltext.reading import Clause, Reading, Unit

_COMMON: Final = 2_000
"""A word that so many visible documents have is as common as can be: counting ends there."""

_RANKED: Final = MAX_OFFSET + MAX_LIMIT
"""Of more matches than these, so many are chosen for ranking by a coarser measure."""

# What an occurrence counts in body, summary, keywords, and title; in the organization's name it
# counts as one in the summary, and as one there under its own mark.
_WEIGHTS: Final = "'{0.15, 0.3, 0.75, 1}'::real[]"
_BY_LENGTH: Final = "1"
"""Long documents count less: by 1 + the logarithm of their length."""

_HINT: Final = 0.6
"""What a word of another name for what is asked counts, times how rare such a word usually is."""
_MOST_HINTS: Final = 16

# What a row of the results needs of `document`.
SHOWN: Final = ("kind", "id", "updated_at", "latitude", "longitude")


class Ranking:
    """Ranks visible documents by what they say of a query."""

    def __init__(self, visible: Visible) -> None:
        self._visible = visible
        self._counts: dict[str, int] = {}

    def rarities(self, reading: Reading) -> dict[str, float]:
        """How much each word of the query tells, by its text together with what stands for it.

        Judged by visible documents, so that no score tells of others.
        """
        texts = dict.fromkeys(text for clause in reading.clauses for text in texts_of(clause))
        # The rarity of the only word changes the order of nothing.
        if len(texts) > 1:
            unknown = [text for text in texts if text not in self._counts]
            searches = {text: self._visible.having(text) for text in unknown}
            self._counts.update(self._visible.counted(searches, _COMMON))
        return {text: log(1 + _COMMON / (self._counts.get(text, 0) + 0.5)) for text in texts}

    def score(
        self, reading: Reading, rarities: Mapping[str, float], rows: Table | Subquery
    ) -> ColumnElement[float]:
        """What each of the rows says of the query."""
        return _Score(rows.name).column(reading, rarities)

    def likeliest(
        self,
        asked: Asked,
        reading: Reading,
        rarities: Mapping[str, float],
        conditions: Iterable[Condition],
        total: int | None,
    ) -> Subquery | None:
        """The matches to rank, if there are very many: those that one call says most of.

        total: how many match, None if there may be any number. None for a single term, of which
        the call says all there is to say.
        """
        terms = telling(reading, rarities)
        if len(terms) < 2 or (total is not None and total <= _RANKED):
            return None
        document = self._visible.document.c
        likeliness = func.ts_rank(
            text(_WEIGHTS),
            document.terms,
            cast(any_of(map(quoted, terms)), TSQUERY),
            text(_BY_LENGTH),
        )
        return (
            select(*(document[name] for name in (*SHOWN, "heading", "terms")))
            .where(*conditions)
            .order_by(
                document.heading != storable(asked.title),
                likeliness.desc(),
                document.kind,
                document.id,
            )
            .limit(_RANKED)
            .subquery("likeliest")
        )


class _Score:
    """A score as text, its values in two arrays.

    A capability has dozens of names, each ranked by calls of its own: to put them together as
    expressions took far longer than to answer them.
    """

    def __init__(self, rows: str) -> None:
        self._rows = rows
        self._texts: dict[str, int] = {}
        self._weights: list[float] = []

    def column(self, reading: Reading, rarities: Mapping[str, float]) -> ColumnElement[float]:
        """Terms weighted by field and rarity.

        What stands for words of the query counts as if it were all of them, times its weight; of
        it and the words themselves the best counts. Where some of the words suffice, single words
        of what stands for them count a little, as if all were as rare.
        """
        gains = [self._gain(clause, rarities) for clause in reading.clauses]
        hints = list(reading.hints)[:_MOST_HINTS] if reading.is_loose else []
        if hints and is_short(reading.clauses):
            gains.append(f"{self._rank_of_any(hints)} * {self._weight(_HINT * len(hints))}")
        if not gains:
            return literal(0.0, Double)
        values = [
            bindparam("ranked", list(self._texts), ARRAY(Text)),
            bindparam("weights", self._weights, ARRAY(Double)),
        ]
        return cast(text(" + ".join(gains)).bindparams(*values), Double)

    def _gain(self, clause: Clause, rarities: Mapping[str, float]) -> str:
        own = [rarities[text] for text in texts_of(clause)]
        gain = " + ".join(
            f"{self._rank(unit)} * {self._weight(rarity * word.weight)}"
            for word, rarity in zip(clause.words, own, strict=True)
            for unit in word.units
        )
        others = (
            f"{self._rank(unit)} * {self._weight(sum(own) * weight)}"
            for unit, weight in clause.others
        )
        return f"greatest({', '.join((gain, *others))})" if clause.others else gain

    def _rank(self, unit: Unit) -> str:
        """What a unit counts in a document, 0 to 1: of several terms the least."""
        ranks = [self._rank_of_any([term, ORGANIZATION + term]) for term in dict.fromkeys(unit)]
        least = f"least({', '.join(ranks)})"
        if len(unit) == 1:
            return least
        stands = f"{self._rows}.terms @@ {self._query(phrase(unit))}"
        return f"CASE WHEN {stands} THEN {least} ELSE 0.0 END"

    def _rank_of_any(self, terms: Iterable[str]) -> str:
        """What these count in a document on average."""
        query = self._query(any_of(map(quoted, terms)))
        return f"ts_rank({_WEIGHTS}, {self._rows}.terms, {query}, {_BY_LENGTH})::double precision"

    def _query(self, its: str) -> str:
        place = self._texts.setdefault(its, len(self._texts) + 1)
        return f"((:ranked)[{place}]::tsquery)"

    def _weight(self, weight: float) -> str:
        self._weights.append(weight)
        return f"(:weights)[{len(self._weights)}]"

"""What reading a query asks of visible documents: whether one has it, what is spelled alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from rapidfuzz.distance import OSA
from sqlalchemy import ColumnElement, Select, Text, and_, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY

from portal.kernel.fulltext.asked import Asked
from portal.kernel.fulltext.postgresql.texts import (
    clause_text,
    every_text,
    excluding,
    some_text,
    word_text,
)
from portal.kernel.fulltext.postgresql.visible import Visible
from portal.kernel.fulltext.reading import (
    Clause,
    Corrections,
    Word,
    is_correctable,
    likeliest,
    most_slips,
)

_MAX_CORRECTED: Final = 8
_MAX_ALIKE: Final = 500
_FREQUENT: Final = 200
"""A word offered as another spelling is as common as can be if so many visible documents have it;
there may be hundreds of those."""


class Matcher:
    """Asks the database for what the reading of a query has to know."""

    def __init__(self, visible: Visible, asked: Asked) -> None:
        self._visible = visible
        self._asked = asked

    def finds_all(self, clauses: Sequence[Clause]) -> bool:
        return self._visible.finds(excluding(every_text(clauses), self._asked))

    def finds_some(self, clauses: Sequence[Clause]) -> bool:
        return self._visible.finds(excluding(some_text(clauses), self._asked))

    def corrections(self, asked: Asked, clauses: Sequence[Clause]) -> Corrections:
        is_known = self._visible.which_find(list(map(clause_text, clauses)))
        places: list[tuple[int, Word]] = []
        at = 0
        for clause, known in zip(clauses, is_known, strict=True):
            for word in clause.words:
                if not known and is_correctable(asked.wanted[at]):
                    places.append((at, word))
                at += 1
        is_known = self._visible.which_find([word_text(word) for _, word in places])
        wrong = {
            place: asked.wanted[place].words[0]
            for (place, _), known in zip(places, is_known, strict=True)
            if not known
        }
        words = list(dict.fromkeys(wrong.values()))[:_MAX_CORRECTED]
        alike = self._spelled_alike(words)
        return {place: alike[word] for place, word in wrong.items() if word in alike}

    def _spelled_alike(self, words: list[str]) -> dict[str, list[str]]:
        """For each word those of visible documents closest to it, the most frequent first."""
        if not words:
            return {}
        asked = _each(cast(words, ARRAY(Text)), "asked")
        known = self._visible.word.c.word
        length = func.length(known)
        near = (
            select(known)
            .where(
                known.bool_op("%")(asked),
                length.between(func.length(asked) - 2, func.length(asked) + 2),
            )
            .order_by(func.similarity(known, asked).desc(), known)
            .limit(_MAX_ALIKE)
            .lateral("near")
        )
        statement = select(asked, near.c.word)
        away: dict[str, dict[int, list[str]]] = {word: defaultdict(list) for word in words}
        for word, other in self._visible.run(statement):
            distance = int(OSA.distance(word, other, score_cutoff=2))
            if 0 < distance <= most_slips(word):
                away[word][distance].append(other)
        # Words are tried against what is visible before anything is said about them; those a slip
        # further away only for what has none nearer.
        alike: dict[str, list[str]] = {}
        for distance in (1, 2):
            tried = {word: its[distance] for word, its in away.items() if word not in alike}
            counts = self._with_word({other for others in tried.values() for other in others})
            for word, others in tried.items():
                if seen := likeliest(word, {other: counts[other] for other in others}):
                    alike[word] = seen
        return alike

    def _with_word(self, words: Iterable[str]) -> dict[str, int]:
        """How many visible documents say each of the words, counted up to a bound."""
        content, document = self._visible.content, self._visible.document
        is_same = and_(document.c.kind == content.c.kind, document.c.id == content.c.id)
        searches: dict[str, Select[Any]] = {
            word: select(literal_column("1"))
            .select_from(content)
            .join(document, is_same)
            .where(content.c.words.contains(cast([word], ARRAY(Text))), self._visible.condition)
            for word in words
        }
        return self._visible.counted(searches, _FREQUENT)


def _each(values: ColumnElement[Any], name: str) -> ColumnElement[str]:
    """The values of an array, one a row, to be joined with what the array comes from."""
    rows = func.unnest(values).table_valued("value", name=name, joins_implicitly=True)
    each: ColumnElement[str] = rows.render_derived().c.value
    return each

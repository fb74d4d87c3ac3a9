"""The clauses of a query as the text of a tsquery: what each matches, and all of them together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from portal.kernel.fulltext.asked import Asked
from portal.kernel.fulltext.postgresql.tables import quoted
from portal.kernel.fulltext.reading import Clause, Reading, Unit, Word

_TELLING: Final = 12
"""So many terms are the measure by which the likeliest of very many matches are chosen."""

_FEW_WORDS: Final = 6
_MOST_APART: Final = 16
"""A query of few words is widened by so many names whose words may stand apart."""


def word_text(word: Word) -> str:
    return any_of(map(phrase, word.units))


def clause_text(clause: Clause) -> str:
    """The documents that satisfy a clause."""
    return any_of([all_of(map(word_text, clause.words)), *_others(clause)])


def texts_of(clause: Clause) -> list[str]:
    """For each word the documents that have it or what stands for it."""
    return [any_of([word_text(word), *_others(clause)]) for word in clause.words]


def _others(clause: Clause) -> list[str]:
    return [phrase(unit) for unit, _ in clause.others]


def every_text(clauses: Iterable[Clause]) -> str:
    """The documents that satisfy all clauses."""
    return all_of(map(clause_text, clauses))


def some_text(clauses: Sequence[Clause]) -> str:
    """The documents that have what is required, or else any of the words or all of a name."""
    if required := [clause for clause in clauses if clause.is_required]:
        return every_text(required)
    # Where a name stands as one, its words stand, too.
    units = (unit for clause in clauses for unit in clause.units)
    texts = [phrase(unit) for unit in units]
    names = (name for clause in clauses for name in clause.scattered)
    apart = islice(names, _MOST_APART if is_short(clauses) else 0)
    return any_of([*texts, *(all_of(map(quoted, sorted(name))) for name in apart)])


def is_short(clauses: Iterable[Clause]) -> bool:
    """Whether a query has so few words that there is time to look for others."""
    return sum(len(clause.words) for clause in clauses) <= _FEW_WORDS


def reading_text(reading: Reading) -> str | None:
    """The documents that match; None: all."""
    if not reading.clauses:
        return None
    return (some_text if reading.is_loose else every_text)(reading.clauses)


def excluding(text: str | None, asked: Asked) -> str | None:
    """The same without those that have unwanted words."""
    parts = [text] if text else []
    parts += ["!" + phrase(unit.terms) for unit in asked.unwanted]
    return all_of(parts) if parts else None


def telling(reading: Reading, rarities: Mapping[str, float]) -> list[str]:
    """The terms of the words that tell most."""
    words = sorted(
        (-rarities[text], at, text)
        for at, clause in enumerate(reading.clauses)
        for text in texts_of(clause)
    )
    terms: dict[str, None] = {}
    for _, at, _ in words:
        terms.update((term, None) for unit in reading.clauses[at].units for term in unit)
    return list(terms)[:_TELLING]


def phrase(unit: Unit) -> str:
    return "(" + " <-> ".join(map(quoted, unit)) + ")"


def any_of(texts: Iterable[str]) -> str:
    return "(" + " | ".join(texts) + ")"


def all_of(texts: Iterable[str]) -> str:
    return "(" + " & ".join(texts) + ")"

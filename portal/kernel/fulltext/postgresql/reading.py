"""A query as the text of a tsquery: what each of its words matches, and all of them together.

Pure functions; the executor asks the database which reading of the words finds something.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from portal.kernel.fulltext.language import Asked, Unit, terms_of
from portal.kernel.fulltext.postgresql.tables import quoted

_CORRECTED_WEIGHT: Final = 0.8
_TELLING: Final = 12
"""So many terms are the measure by which the likeliest of very many matches are chosen."""

_Units = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Word:
    """A unit of the query, or the words that it was corrected to, the best first."""

    units: _Units
    weight: float = 1.0

    @property
    def text(self) -> str:
        return any_of(map(phrase, self.units))

    @property
    def best(self) -> str:
        return phrase(self.units[0])


@dataclass(frozen=True, slots=True)
class Clause:
    """Words of the query, usually one, and all that may stand for them: (unit, weight)."""

    words: tuple[Word, ...]
    others: tuple[tuple[tuple[str, ...], float], ...] = ()
    is_required: bool = False

    @property
    def other_texts(self) -> list[str]:
        return [phrase(unit) for unit, _ in self.others]

    @property
    def text(self) -> str:
        """The documents that satisfy the clause."""
        return any_of([all_of(word.text for word in self.words), *self.other_texts])

    @property
    def best(self) -> str:
        return any_of([all_of(word.best for word in self.words), *self.other_texts])

    @property
    def texts(self) -> list[str]:
        """For each word the documents that have it or what stands for it."""
        return [any_of([word.text, *self.other_texts]) for word in self.words]

    @property
    def any_text(self) -> str:
        """The documents that have something of it."""
        return any_of([*(word.text for word in self.words), *self.other_texts])

    @property
    def units(self) -> Iterator[tuple[str, ...]]:
        for word in self.words:
            yield from word.units
        for unit, _ in self.others:
            yield unit


@dataclass(frozen=True, slots=True)
class Reading:
    """How the text was understood in the end. `text`: what to match, None for everything."""

    text: str | None
    clauses: tuple[Clause, ...] = ()
    suggestion: str | None = None
    is_fuzzy: bool = False
    is_loose: bool = False

    @property
    def units(self) -> frozenset[tuple[str, ...]]:
        return frozenset(unit for clause in self.clauses for unit in clause.units)

    def telling(self, rarities: Mapping[str, float]) -> list[str]:
        """The terms of the words that tell most."""
        words = sorted(
            (-rarities[text], at, text)
            for at, clause in enumerate(self.clauses)
            for text in clause.texts
        )
        terms: dict[str, None] = {}
        for _, at, _ in words:
            terms.update((term, None) for unit in self.clauses[at].units for term in unit)
        return list(terms)[:_TELLING]


def clauses_of(asked: Asked) -> tuple[Clause, ...]:
    """The wanted units, those together that an expansion covers."""
    expansions = {expansion.first: expansion for expansion in asked.expansions}
    clauses: list[Clause] = []
    at = 0
    while at < len(asked.wanted):
        expansion = expansions.get(at)
        last = expansion.last if expansion else at + 1
        units = asked.wanted[at:last]
        clauses.append(
            Clause(
                tuple(Word((unit.terms,)) for unit in units),
                expansion.alternatives if expansion else (),
                is_required=any(unit.sign == "+" for unit in units),
            )
        )
        at = last
    return tuple(clauses)


def is_correctable(unit: Unit) -> bool:
    word = unit.words[0]
    return not unit.sign and len(unit.words) == 1 and len(word) >= 4 and word.isalpha()


def corrected(
    clauses: Iterable[Clause], corrections: Mapping[int, list[str]]
) -> tuple[Clause, ...]:
    result: list[Clause] = []
    at = 0
    for clause in clauses:
        words: list[Word] = []
        for word in clause.words:
            if at in corrections:
                units = tuple(dict.fromkeys((term,) for term in terms_of(corrections[at])))
                word = Word(units, _CORRECTED_WEIGHT)
            words.append(word)
            at += 1
        is_certain = words == list(clause.words)
        others = tuple(
            (unit, weight if is_certain else weight * _CORRECTED_WEIGHT)
            for unit, weight in clause.others
        )
        result.append(replace(clause, words=tuple(words), others=others))
    return tuple(result)


def rewritten(asked: Asked, corrections: Mapping[int, str]) -> str:
    """The text as typed with some of its words replaced."""
    text = asked.text
    places = ((asked.wanted[at], word) for at, word in corrections.items())
    for unit, word in sorted(places, key=lambda place: -place[0].start):
        text = text[: unit.start] + word + text[unit.end :]
    return text


def phrase(unit: tuple[str, ...]) -> str:
    return "(" + " <-> ".join(map(quoted, unit)) + ")"


def any_of(texts: Iterable[str]) -> str:
    return "(" + " | ".join(texts) + ")"


def all_of(texts: Iterable[str]) -> str:
    return "(" + " & ".join(texts) + ")"


def some_of(clauses: Iterable[Clause]) -> str:
    """The documents that have what is required, or else any of the words."""
    required = [clause.text for clause in clauses if clause.is_required]
    return all_of(required) if required else any_of(clause.any_text for clause in clauses)


def excluding(text: str | None, asked: Asked) -> str | None:
    parts = [text] if text else []
    parts += ["!" + phrase(unit.terms) for unit in asked.unwanted]
    return all_of(parts) if parts else None

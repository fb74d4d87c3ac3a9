"""What the words of a query come to mean, whichever engine answers it.

A text is clauses, which a document has to satisfy; a clause is words, and what may stand for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Protocol, TypeAlias

from portal.kernel.fulltext import asked
from portal.kernel.fulltext.asked import FILLERS, Asked
from portal.kernel.fulltext.language import terms_of

Unit: TypeAlias = tuple[str, ...]
"""Terms that stand together."""

Corrections: TypeAlias = Mapping[int, list[str]]
"""For places among the wanted units other spellings, the best first."""

_CORRECTED_WEIGHT: Final = 0.8
_MOST_HINTS: Final = 32
_MOST_CORRECTIONS: Final = 5


@dataclass(frozen=True, slots=True)
class Word:
    """A unit of the query, or the words that it was corrected to, the best first."""

    units: tuple[Unit, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Clause:
    """Words of the query, usually one, and all that may stand for them, each with its weight."""

    words: tuple[Word, ...]
    others: tuple[tuple[Unit, float], ...] = ()
    is_required: bool = False

    @property
    def best(self) -> Clause:
        """The same with only the best correction of each word."""
        return replace(self, words=tuple(replace(w, units=w.units[:1]) for w in self.words))

    @property
    def units(self) -> Iterator[Unit]:
        for word in self.words:
            yield from word.units
        for unit, _ in self.others:
            yield unit

    @property
    def scattered(self) -> tuple[frozenset[str], ...]:
        """The terms of names that stand for the words. Where all of one's are, if not together, it
        may be meant: "wet fluorescent particle inspection" on a "magnetic bench".
        """
        names = (frozenset(unit) for unit, _ in self.others)
        return tuple(dict.fromkeys(name for name in names if len(name) > 1))


@dataclass(frozen=True)
class Reading:
    """How the text was understood in the end. `is_loose`: any of the words suffices."""

    clauses: tuple[Clause, ...] = ()
    suggestion: str | None = None
    is_fuzzy: bool = False
    is_loose: bool = False

    @property
    def loose(self) -> Reading:
        """The same where any of the words suffices."""
        return replace(self, is_loose=True)

    @property
    def has_partial(self) -> bool:
        """Whether a document can have some of this and not all."""
        is_some = sum(len(clause.words) for clause in self.clauses) > 1 or any(
            clause.scattered for clause in self.clauses
        )
        return is_some and not self.is_loose

    @cached_property
    def hints(self) -> Mapping[str, float]:
        """The terms of names that stand for words, each with the most that such a name counts.

        Of documents that have not all of the words, those come first that also say these.
        """
        typed = {term for unit in self.typed for term in unit}
        hints: dict[str, float] = {}
        for clause in self.clauses:
            for unit, weight in clause.others:
                for term in unit:
                    if term not in typed and len(term) > 1 and len(hints) < _MOST_HINTS:
                        hints[term] = max(weight, hints.get(term, 0.0))
        return hints

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        return tuple(dict.fromkeys(unit for clause in self.clauses for unit in clause.units))

    @cached_property
    def typed(self) -> tuple[Unit, ...]:
        """The units without what may stand for them."""
        words = (word for clause in self.clauses for word in clause.words)
        return tuple(dict.fromkeys(unit for word in words for unit in word.units))


class Matcher(Protocol):
    """Knows what the documents say that the searcher may see; unwanted words are heeded."""

    def finds_all(self, clauses: Sequence[Clause]) -> bool:
        """Tell whether a document satisfies all clauses."""

    def finds_some(self, clauses: Sequence[Clause]) -> bool:
        """Tell whether a document satisfies what is required, or else has any of the words or,
        wherever they stand, all words of a name."""

    def corrections(self, asked: Asked, clauses: Sequence[Clause]) -> Corrections:
        """Other spellings of the words that no document has."""


def read(asked: Asked, reread: Callable[[str], Asked], matcher: Matcher) -> Reading:
    """Take the words as typed; if nothing visible has them all, correct them; then any of them."""
    clauses = clauses_of(asked)
    if not clauses or matcher.finds_all(clauses):
        return Reading(clauses)
    if corrections := matcher.corrections(asked, clauses):
        spelling = _rewritten(asked, {at: words[0] for at, words in corrections.items()})
        asked = asked.corrected(reread(spelling))
        clauses = _corrected(clauses_of(asked), corrections)
        if matcher.finds_all(clauses):
            # Each word's best correction need not go with the others': offer only what finds.
            finds = matcher.finds_all([clause.best for clause in clauses])
            return Reading(clauses, spelling if finds else None, is_fuzzy=True)
    return Reading(clauses, is_fuzzy=matcher.finds_some(clauses), is_loose=True)


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


def is_correctable(unit: asked.Unit) -> bool:
    word = unit.words[0]
    return not unit.sign and len(unit.words) == 1 and len(word) >= 4 and word.isalpha()


def most_slips(word: str) -> int:
    """How many letters of a word may be wrong."""
    return 1 if len(word) < 6 else 2


def likeliest(word: str, counts: Mapping[str, int]) -> list[str]:
    """Of spellings that are as close to a word, those that were meant, the most frequent first.

    counts: how many visible documents say each. Hardly anybody has the first letter wrong, and who
    typed a word that says nothing by itself meant it.
    """
    said = [other for other, count in counts.items() if count and other not in FILLERS]
    alike = [other for other in said if other[0] == word[0]] or said
    return sorted(alike, key=lambda other: (-counts[other], other))[:_MOST_CORRECTIONS]


def _corrected(clauses: Iterable[Clause], corrections: Corrections) -> tuple[Clause, ...]:
    corrected: list[Clause] = []
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
        corrected.append(replace(clause, words=tuple(words), others=others))
    return tuple(corrected)


def _rewritten(asked: Asked, corrections: Mapping[int, str]) -> str:
    """The text as typed with some of its words replaced."""
    text = asked.text
    places = ((asked.wanted[at], word) for at, word in corrections.items())
    for unit, word in sorted(places, key=lambda place: -place[0].start):
        text = text[: unit.start] + word + text[unit.end :]
    return text

"""What else is said for a name: the words by which a thesaurus widens a query.

A frozen value made of concepts; whoever owns the thesaurus makes it, whoever reads queries uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from types import MappingProxyType
from typing import Final, TypeAlias

from portal.kernel.fulltext.language import SAME, Terms, terms_of, words_of

NARROWER: Final = (0.6, 0.35)
"""How much the names of concepts one and two steps narrower count. Broader ones do not count: who
looks for a wire EDM is not helped by any machine tool."""

MOST_ALTERNATIVES: Final = 24
MOST_WORDS: Final = 7
MOST_NAMES: Final = 50_000

Alternatives: TypeAlias = tuple[tuple[Terms, float], ...]


@dataclass(frozen=True, slots=True)
class Concept:
    """Something that has several names, in whatever languages; the first are the usual ones."""

    key: str
    names: tuple[str, ...]
    narrower: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """Names, each with what else may stand for it.

    A name of one word is known by the word, for "machining" must not be taken for "machine"; one of
    several by their terms in any order, so that "heat treating" is known where "treat heat" stands.
    Two words that follow each other in a name are also known as one: "sheetmetal".
    """

    by_name: Mapping[Terms, Alternatives]
    longest: int

    @classmethod
    def of(cls, concepts: Iterable[Concept]) -> Vocabulary:
        known = {concept.key: concept for concept in concepts}
        phrases = {key: tuple(map(_phrase, concept.names)) for key, concept in known.items()}
        by_name: dict[Terms, Alternatives] = {}
        for key, concept in known.items():
            others = _others(key, known, phrases)
            for name in concept.names:
                words = words_of(name)
                if 0 < len(words) <= MOST_WORDS and len(by_name) < MOST_NAMES:
                    own = _padded(terms_of(words))
                    found = (other for other in others if own not in _padded(other[0]))
                    by_name.setdefault(name_of(words), tuple(islice(found, MOST_ALTERNATIVES)))
        names = (words_of(name) for concept in known.values() for name in concept.names)
        for first, second in chain.from_iterable(map(pairwise, names)):
            together = first + second
            if together.isalpha() and len(by_name) < MOST_NAMES:
                pair = (tuple(terms_of([first, second])), SAME)
                widened = (pair, *by_name.get(name_of([first, second]), ()))
                by_name.setdefault(name_of([together]), widened[:MOST_ALTERNATIVES])
        return cls(MappingProxyType(by_name), max(map(len, by_name), default=0))

    def phrases(self) -> frozenset[Terms]:
        """All that may stand for some name and has several terms."""
        found = (terms for others in self.by_name.values() for terms, _weight in others)
        return frozenset(terms for terms in found if len(terms) > 1)

    def alternatives(self, words: Sequence[str]) -> Alternatives:
        """What may stand for these words, if they are a name; each with how much it counts."""
        return self.by_name.get(name_of(words), ())


def name_of(words: Sequence[str]) -> Terms:
    """The form in which a name is known."""
    if len(words) > 1:
        return tuple(sorted(terms_of(words)))
    word = words[0]
    is_plural = len(word) > 3 and word.endswith("s") and not word.endswith("ss")
    return (word.removesuffix("s") if is_plural else word,)


def _phrase(name: str) -> Terms:
    return tuple(terms_of(words_of(name)))


def _others(
    key: str, known: Mapping[str, Concept], phrases: Mapping[str, tuple[Terms, ...]]
) -> list[tuple[Terms, float]]:
    """All that may stand for a concept's names, each once, the best first."""
    steps = [(SAME, [key])]
    reached = {key}
    for weight in NARROWER:
        below = dict.fromkeys(
            other
            for above in steps[-1][1]
            for other in known[above].narrower
            if other in known and other not in reached
        )
        reached.update(below)
        steps.append((weight, list(below)))
    # First the concept's own names, then the usual names of those below, for not all find room.
    names = [(phrase, SAME) for phrase in phrases[key]]
    longest = max((len(phrases[other]) for _, keys in steps for other in keys), default=0)
    for rank in range(longest):
        for weight, keys in steps[1:]:
            names += [
                (phrases[other][rank], weight) for other in keys if rank < len(phrases[other])
            ]
    given: list[tuple[Terms, float]] = []
    padded: list[tuple[str, float]] = []
    for phrase, weight in names:
        if len(given) == 2 * MOST_ALTERNATIVES:
            break
        # Where a phrase stands, those within it stand too, and count as much or more.
        text = _padded(phrase)
        if phrase and not any(other in text and its >= weight for other, its in padded):
            padded.append((text, weight))
            given.append((phrase, weight))
    return given


def _padded(phrase: Sequence[str]) -> str:
    return f" {' '.join(phrase)} "

"""From what people type to what they ask: words, "phrases", +must, -not, and other words for them.

Pure functions, the same for every engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple

from portal.kernel.fulltext.language import SAME, TOKEN, Terms, fold, term_of, word_of
from portal.kernel.fulltext.vocabulary import Vocabulary

MAX_CHARACTERS: Final = 1_000
MAX_TERMS: Final = 48
MAX_ALTERNATIVES: Final = 96

# Words that people add to make a sentence of a query. They are indexed, so that phrases keep them,
# but a query does not insist on them: "CNC and EDM" finds what has both, not what says "and".
FILLERS: Final = frozenset({
    "a", "about", "am", "an", "and", "any", "anybody", "anyone", "anything", "anywhere", "are",
    "as", "at", "be", "because", "been", "being", "between", "but", "by", "can", "could", "did",
    "do", "does", "for", "from", "get", "getting", "give", "got", "had", "has", "have", "he", "her",
    "here", "him", "his", "how", "i", "if", "im", "in", "into", "is", "it", "its", "just", "know",
    "let", "like", "looking", "may", "me", "might", "my", "need", "needs", "no", "not", "of", "on",
    "onto", "or", "other", "our", "please", "shall", "she", "should", "so", "some", "somebody",
    "someone", "someplace", "something", "somewhere", "such", "than", "that", "the", "their",
    "them", "then", "there", "these", "they", "this", "those", "through", "to", "us", "want",
    "wants", "was", "we", "wed", "were", "weve", "what", "when", "where", "whether", "which",
    "while", "who", "whom", "whose", "why", "will", "with", "would", "you", "your", "al", "alguien",
    "algun", "alguna", "buscamos", "busco", "cerca", "como", "con", "cual", "cuales", "de", "del",
    "donde", "el", "ella", "en", "entre", "es", "esta", "este", "hay", "la", "las", "le", "les",
    "lo", "los", "mi", "mis", "necesitamos", "necesito", "ni", "nos", "o", "para", "pero", "por",
    "puede", "puedo", "que", "quien", "quiero", "quisiera", "se", "sin", "sobre", "son", "su",
    "sus", "tenemos", "tengo", "tu", "un", "una", "unas", "unos", "y",
})  # fmt: skip
# After a sign: "-40 to 85 °C" excludes nothing.
_TEMPERATURE: Final = re.compile(r"\d{1,3}(?:\.\d+)?\s*(?:[°º]|(?:[acf]|deg|degrees|to)\b)")
_SPACE: Final = re.compile(r"\s")
# A number and its measure are one thing: "0.5 mm" is not "0.5 µm and 3 mm". A line is a measure.
_MEASURES: Final = [
    names.split()
    for names in (
        "mm millimeter millimeters millimetre",
        "cm centimeter centimeters",
        "m meter meters",
        "um micron microns micrometer micrometers",
        "nm nanometer nanometers",
        "in inch inches",
        "ft foot feet",
        "lb lbs pound pounds",
        "kg kilogram kilograms",
        "kn kilonewton kilonewtons",
        "ton tons tonne tonnes",
        "kw kilowatt kilowatts",
        "hp horsepower",
        "v volt volts",
        "kv kilovolt kilovolts",
        "amp amps ampere amperes",
        "ghz gigahertz",
        "mhz megahertz",
        "khz kilohertz",
        "psi",
        "ksi",
        "mpa megapascal",
        "bar",
        "liter liters l",
        "gal gallon gallons",
        "rpm",
    )
]
# 316 L is a steel.
_MEASURE_OF: Final = {
    name: tuple(dict.fromkeys(map(term_of, names)))
    for names in _MEASURES
    for name in names
    if name != "l"
}
_NUMBER_BEFORE_MEASURE: Final = re.compile(
    rf"[\d.,/½¼¾±+-]*\d\s+(?:{'|'.join(sorted(_MEASURE_OF, key=len, reverse=True))})\b"
)
_JOINTS: Final = frozenset(("", "-", "&", "_", ".", "@", "'"))


@dataclass(frozen=True, slots=True)
class Unit:
    """Words of a query that must stand together, usually one. `sign` is "", "+" or "-".

    "316L", "5-axis" and "2 mm" become the units (316, l), (5, axis), (2, mm), so they find "316 L",
    "5 axis" and "2mm". `start` and `end` say where the unit stands in the text as typed.
    """

    terms: Terms
    words: tuple[str, ...]
    sign: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Expansion:
    """Other words for the wanted units from `first` to before `last`.

    Each alternative is a phrase of terms, with how much it counts (at most 1, as much as the units
    themselves). A document that has one of them is found like one that has all the units.
    """

    first: int
    last: int
    alternatives: tuple[tuple[Terms, float], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A query's text, understood: `wanted` and `unwanted` units, `title` to compare titles with.

    `expansions` stand in the order of the units and do not overlap.
    """

    text: str
    wanted: tuple[Unit, ...]
    unwanted: tuple[Unit, ...]
    title: str
    expansions: tuple[Expansion, ...] = ()

    def corrected(self, other: Asked) -> Asked:
        """The same with the expansions that it has in another spelling."""
        is_alike = len(other.wanted) == len(self.wanted)
        return replace(self, expansions=other.expansions) if is_alike else self


def understand(text: str, vocabulary: Vocabulary | None = None) -> Asked:
    """Read what a person typed: words, "phrases", +must, -not. Anything else is plain text.

    Words that are a name in the vocabulary, or two that are also written as one, get expansions;
    phrases and words with a sign stand for themselves.
    """
    return _understood(text[:MAX_CHARACTERS], vocabulary)


# The same words come again with every facet, page and order that is chosen.
@lru_cache(maxsize=1024)
def _understood(text: str, vocabulary: Vocabulary | None) -> Asked:
    folded, places = fold(text)
    units: dict[tuple[Terms, str], Unit] = {}
    typed: list[str] = []
    chunks: list[_Chunk] = []
    budget = MAX_TERMS
    at = 0
    while at < len(folded) and budget > 0:
        if folded[at].isspace():
            at += 1
            continue
        sign = ""
        is_sign = folded[at] in "+-" and re.match(r"[^\s+-]", folded[at + 1 : at + 2])
        if is_sign and not _TEMPERATURE.match(folded, at + 1):
            sign = folded[at]
            at += 1
        closing = folded.find('"', at + 1) if folded[at] == '"' else -1
        is_phrase = closing > 0
        end = closing if is_phrase else _end_of_chunk(folded, at)
        for matches in _joined(folded, at, end, is_phrase=is_phrase):
            matches = matches[:budget]
            if not matches:
                break
            words = tuple(word_of(match[0]) for match in matches)
            start, stop = matches[0].start(), matches[-1].end()
            if places is not None:
                start, stop = places[start], places[stop - 1] + 1
            if sign != "-":
                typed.extend(words)
            unit = Unit(tuple(map(term_of, words)), words, sign, start, stop)
            is_plain = not sign and not is_phrase
            is_filler = is_plain and len(words) == 1 and words[0] in FILLERS
            # "AM" is a name, "am" is not.
            if is_filler and vocabulary and text[start:stop].isupper() and len(words[0]) > 1:
                is_filler = not vocabulary.alternatives(words)
            if (key := (unit.terms, "filler" if is_filler else sign)) not in units:
                units[key] = unit
                budget -= 0 if is_filler else len(words)
            chunks.append(_Chunk(words, key if is_plain else None, is_filler))
        at = end + 1 if is_phrase else end
    wanted = {key: unit for key, unit in units.items() if key[1] in {"", "+"}}
    expansions: tuple[Expansion, ...] = ()
    if wanted:
        numbers = {key: number for number, key in enumerate(wanted)}
        expansions = tuple(_expansions(chunks, numbers, vocabulary))
    else:
        wanted = {key: unit for key, unit in units.items() if key[1] == "filler"}
    unwanted = tuple(unit for (_, role), unit in units.items() if role == "-")
    return Asked(text, tuple(wanted.values()), unwanted, " ".join(typed), expansions)


class _Chunk(NamedTuple):
    """Words as typed, and the unit they became; None for what only stands for itself."""

    words: tuple[str, ...]
    key: tuple[Terms, str] | None
    is_filler: bool


def _expansions(
    chunks: list[_Chunk], numbers: Mapping[tuple[Terms, str], int], vocabulary: Vocabulary | None
) -> Iterator[Expansion]:
    """Other words for the names among the words as typed, and other spellings of the rest."""
    names = _names(chunks, vocabulary) if vocabulary else {}
    budget = MAX_ALTERNATIVES
    covered = at = 0
    while at < len(chunks) and budget > 0:
        ends = [names[at]] if at in names else [at + 2, at + 1] if at + 1 not in names else [at + 1]
        for end in ends:
            run = chunks[at:end]
            words = tuple(word for chunk in run for word in chunk.words)
            found = (*_spelled_otherwise(words),)
            if at in names and vocabulary:
                found = (*vocabulary.alternatives(words), *found)
            keys = [chunk.key for chunk in run if not chunk.is_filler]
            if not found or None in keys or run[-1].is_filler or run[0].is_filler:
                continue
            places = [numbers[key] for key in keys if key]
            # A word that occurs twice is one unit, so that what surrounds it need not be a run.
            if places == list(range(max(places[0], covered), places[0] + len(places))):
                covered = places[-1] + 1
                yield Expansion(places[0], covered, found[:budget])
                budget -= len(found)
                at = end - 1
                break
        at += 1


def _names(chunks: list[_Chunk], vocabulary: Vocabulary) -> dict[int, int]:
    """Where names begin and end among the words as typed: the longest ones from left to right."""
    names: dict[int, int] = {}
    at = 0
    while at < len(chunks):
        end = at
        words: list[str] = []
        while end < len(chunks) and chunks[end].key is not None:
            words += chunks[end].words
            end += 1
            if len(words) > vocabulary.longest:
                break
            is_whole = not chunks[at].is_filler and not chunks[end - 1].is_filler
            if is_whole and vocabulary.alternatives(words):
                names[at] = end
        at = names.get(at, at + 1)
    return names


def _spelled_otherwise(words: tuple[str, ...]) -> Iterator[tuple[Terms, float]]:
    """Two words as one, and the number of a standard without its edition."""
    if len(words) < 2:
        return
    first, last = words[0], words[-1]
    if first[0].isdigit() and last in _MEASURE_OF:
        for name in _MEASURE_OF[last]:
            if name != term_of(last):
                yield (*map(term_of, words[:-1]), name), SAME
        return
    if len(words) == 2 and first.isalpha() and last.isalpha():
        # water jet, start-up, X ray; not A B
        if (len(first) > 2 and len(last) > 1) or (len(first) == 1 and len(last) > 2):
            yield (term_of(first + last),), SAME
        return
    # AS9100D, 9001:2015
    is_edition = (len(words) > 2 and len(last) == 1) or re.fullmatch("(19|20)..", last)
    if is_edition and words[-2].isdigit() and len(words[-2]) > 2:
        yield tuple(map(term_of, words[:-1])), SAME


def _end_of_chunk(folded: str, at: int) -> int:
    if measured := _NUMBER_BEFORE_MEASURE.match(folded, at):
        at = measured.end()
    match = _SPACE.search(folded, at)
    return match.start() if match else len(folded)


def _joined(folded: str, start: int, end: int, *, is_phrase: bool) -> Iterator[list[re.Match[str]]]:
    """The words between two places, those in one list that belong together."""
    together: list[re.Match[str]] = []
    for match in TOKEN.finditer(folded, start, end):
        if together and not is_phrase:
            joint = folded[together[-1].end() : match.start()]
            is_year = joint == ":" and together[-1][0].isdigit() and match[0].isdigit()
            is_measured = joint.isspace() and match[0] in _MEASURE_OF
            if joint not in _JOINTS and not is_year and not is_measured:
                yield together
                together = []
        together.append(match)
    if together:
        yield together

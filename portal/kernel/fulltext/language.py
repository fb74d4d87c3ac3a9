"""From text to terms, and from what people type to what they ask.

Pure functions, the same for every engine; documents and queries must pass through the same ones.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from whoosh.lang.porter2 import stem as stem_english

MAX_CHARACTERS: Final = 400
MAX_TERMS: Final = 32
MAX_TERM_LENGTH: Final = 48
GAP: Final = "|"
"""Stands between the keywords of a document, so that no phrase reaches from one into the next."""

# Words that people add to make a sentence of a query. They are indexed, so that phrases keep them,
# but a query does not insist on them: "CNC and EDM" finds what has both, not what says "and".
_FILLERS: Final = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "by", "do", "does", "for", "from", "has", "have",
    "how", "i", "in", "is", "me", "my", "near", "of", "on", "or", "our", "that", "the", "their",
    "there", "this", "to", "we", "what", "where", "which", "who", "with", "you", "your", "al",
    "como", "con", "de", "del", "el", "en", "es", "la", "las", "lo", "los", "o", "para", "por",
    "que", "se", "su", "un", "una", "y",
})  # fmt: skip
# Plurals that the stemmer leaves apart from their singulars.
_IRREGULAR: Final = {"axes": "axis", "analyses": "analysis", "gases": "gas", "buses": "bus"}

_FOLDED: Final = {
    "ø": "o", "Ø": "o", "ł": "l", "Ł": "l", "đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "ı": "i",
    "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "þ": "th", "Þ": "th",
    "µ": "u", "μ": "u",
    "™": " ", "®": " ", "©": " ",
    "‐": "-", "‑": "-", "−": "-", "‒": " ", "–": " ", "—": " ",
    "’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
}  # fmt: skip

_TOKEN: Final = re.compile(
    r"""
      (?<![^\W_])\.\d+                             # .005
    | \d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?        # 12,500
    | \d+(?:[./]\d+)*                              # 3/8, 2.5, 1.2.3
    | [^\W\d_]+(?:\+\+(?![^\W_])|\#(?![^\W_]))     # C++, C#
    | [^\W\d_]+(?:'[^\W\d_]+)*                     # machinist's
    """,
    re.VERBOSE,
)
_SPACE: Final = re.compile(r"\s")
_JOINTS: Final = frozenset(("", "-", "&", "_", ".", "@", "'"))


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text: its index term, its folded spelling, and where it stands in the text."""

    term: str
    word: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Unit:
    """Words of a query that must stand together, usually one. `sign` is "", "+" or "-".

    "316L" and "5-axis" become the units (316, l) and (5, axis), so they also find "316 L" and
    "5 axis". `start` and `end` say where the unit stands in the text as typed.
    """

    terms: tuple[str, ...]
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
    alternatives: tuple[tuple[tuple[str, ...], float], ...]


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


@lru_cache(maxsize=8192)
def _fold_character(character: str) -> str:
    if (folded := _FOLDED.get(character)) is not None:
        return folded
    category = unicodedata.category(character)
    if category == "Cc":
        return " "
    if category in {"Cf", "Cs", "Mn"}:  # invisible marks, lone surrogates, combining accents
        return ""
    parts = [
        _FOLDED.get(part, part).lower()
        for part in unicodedata.normalize("NFKD", character)
        if unicodedata.category(part) != "Mn"
    ]
    folded = "".join(parts)
    return " " + folded.replace("⁄", "/") if "⁄" in folded else folded.replace("ß", "ss")


def fold(text: str) -> tuple[str, list[int] | None]:
    """Lower case without accents, and for each of its characters the place it came from in `text`.

    The places are None where they are the same.
    """
    if text.isascii():
        return text.replace("\0", " ").lower(), None
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        folded = _fold_character(character)
        characters.append(folded)
        places.extend([place] * len(folded))
    return "".join(characters), places


@lru_cache(maxsize=65536)
def _term(word: str) -> str:
    if word.isascii() and word.isalpha() and len(word) > 3:
        return str(stem_english(_IRREGULAR.get(word, word)))
    return word


def _word(found: str) -> str:
    if found[0] == ".":
        found = "0" + found
    elif found[0].isdigit():
        found = found.replace(",", "")
    elif "'" in found:
        found = found.removesuffix("'s").replace("'", "")
    return found[:MAX_TERM_LENGTH]


def words_of(text: str) -> list[str]:
    """The folded words of `text` in order, not stemmed."""
    return [_word(found) for found in _TOKEN.findall(fold(text)[0])]


def terms_of(words: list[str]) -> list[str]:
    """The index terms of folded words."""
    return [_term(word) for word in words]


def tokens(text: str) -> Iterator[Token]:
    """The words of `text` with their places in it."""
    folded, places = fold(text)
    for match in _TOKEN.finditer(folded):
        word = _word(match[0])
        start, end = match.span()
        if places is not None:
            start, end = places[start], places[end - 1] + 1
        yield Token(_term(word), word, start, end)


def understand(text: str) -> Asked:
    """Read what a person typed: words, "phrases", +must, -not. Anything else is plain text."""
    text = text[:MAX_CHARACTERS]
    folded, places = fold(text)
    units: dict[tuple[tuple[str, ...], str], Unit] = {}
    typed: list[str] = []
    budget = MAX_TERMS
    at = 0
    while at < len(folded) and budget > 0:
        if folded[at].isspace():
            at += 1
            continue
        sign = ""
        if folded[at] in "+-" and re.match(r"[^\s+-]", folded[at + 1 : at + 2]):
            sign = folded[at]
            at += 1
        closing = folded.find('"', at + 1) if folded[at] == '"' else -1
        is_phrase = closing > 0
        end = closing if is_phrase else _end_of_chunk(folded, at)
        for matches in _joined(folded, at, end, is_phrase=is_phrase):
            matches = matches[:budget]
            if not matches:
                break
            budget -= len(matches)
            words = tuple(_word(match[0]) for match in matches)
            start, stop = matches[0].start(), matches[-1].end()
            if places is not None:
                start, stop = places[start], places[stop - 1] + 1
            if sign != "-":
                typed.extend(words)
            unit = Unit(tuple(map(_term, words)), words, sign, start, stop)
            is_filler = not sign and not is_phrase and words[0] in _FILLERS and len(words) == 1
            units.setdefault((unit.terms, "filler" if is_filler else sign), unit)
        at = end + 1 if is_phrase else end
    wanted = tuple(u for (_, role), u in units.items() if role in {"", "+"})
    if not wanted:
        wanted = tuple(u for (_, role), u in units.items() if role == "filler")
    unwanted = tuple(u for (_, role), u in units.items() if role == "-")
    return Asked(text, wanted, unwanted, " ".join(typed))


def _end_of_chunk(folded: str, at: int) -> int:
    match = _SPACE.search(folded, at)
    return match.start() if match else len(folded)


def _joined(folded: str, start: int, end: int, *, is_phrase: bool) -> Iterator[list[re.Match[str]]]:
    """The words between two places, those in one list that belong together."""
    together: list[re.Match[str]] = []
    for match in _TOKEN.finditer(folded, start, end):
        if together and not is_phrase and folded[together[-1].end() : match.start()] not in _JOINTS:
            yield together
            together = []
        together.append(match)
    if together:
        yield together

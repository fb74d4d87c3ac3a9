"""From text to terms: pure functions, the same for every engine, for documents and for queries."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from whoosh.lang.porter2 import stem as stem_english

Terms: TypeAlias = tuple[str, ...]
"""Terms that stand together, in this order."""

MAX_TERM_LENGTH: Final = 48
SAME: Final = 0.95
"""How much another name or spelling of the same counts."""

GAP: Final = "|"
"""Stands between the keywords of a document, so that no phrase reaches from one into the next."""

# Plurals that the stemmer leaves apart from their singulars.
_IRREGULAR: Final = {"axes": "axis", "analyses": "analysis", "gases": "gas", "buses": "bus"}

# Stems of British spellings, and of words that the stemmer leaves apart, as American ones.
_SPELLINGS: Final = {
    "aluminium": "aluminum", "centr": "center", "colour": "color", "fibr": "fiber", "gage": "gaug",
    "grey": "gray", "labour": "labor", "litr": "liter", "metr": "meter", "mould": "mold",
    "moulder": "molder", "plough": "plow", "programm": "program", "sulphur": "sulfur",
    "tyre": "tire", "vapour": "vapor",
}  # fmt: skip

# Stems of those who do a thing, and of other forms that the stemmer leaves apart, as that of the
# deed: who looks for a welder is served by welding.
_DEEDS: Final = {
    "analysi": "analyz", "analyst": "analyz", "apprenticeship": "apprentic",
    "assembler": "assembl", "auditor": "audit", "automat": "autom", "bender": "bend",
    "blaster": "blast", "builder": "build", "buyer": "buy", "certifi": "certif",
    "cleaner": "clean", "coater": "coat", "cutter": "cut", "designer": "design",
    "developer": "develop", "distributor": "distribut", "driller": "drill", "engraver": "engrav",
    "extrus": "extrud", "grinder": "grind", "inspector": "inspect", "laboratori": "lab",
    "lender": "lend", "machineri": "machin", "machinist": "machin", "maker": "make",
    "marker": "mark", "metrologist": "metrolog", "molder": "mold", "mover": "move",
    "packer": "pack", "painter": "paint", "plater": "plate", "polisher": "polish",
    "printer": "print", "scanner": "scan", "seller": "sell", "sprayer": "spray",
    "stamper": "stamp", "supplier": "suppli", "tester": "test", "trainer": "train",
    "treater": "treat", "treatment": "treat", "welder": "weld",
}  # fmt: skip

_FOLDED: Final = {
    "ø": "o", "Ø": "o", "ł": "l", "Ł": "l", "đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "ı": "i",
    "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "þ": "th", "Þ": "th",
    "µ": "u", "μ": "u",
    "™": " ", "®": " ", "©": " ",
    "‐": "-", "‑": "-", "−": "-", "‒": " ", "–": " ", "—": " ",
    "’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
}  # fmt: skip

# PLCs and PCBs are more than one; the stemmer takes no word without a vowel for a plural.
_VOWEL: Final = re.compile("[aeiouy]")

TOKEN: Final = re.compile(
    r"""
      (?<![^\W_])\.\d+                             # .005
    | \d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?        # 12,500
    | \d+(?:[./]\d+)*                              # 3/8, 2.5, 1.2.3
    | [^\W\d_]+(?:\+\+(?![^\W_])|\#(?![^\W_]))     # C++, C#
    | (?<![^\W_'-])[^\W\d_]-[^\W\d_]{3,}            # X-ray, O-ring
    | [^\W\d_]+(?:'[^\W\d_]+)*                     # machinist's
    """,
    re.VERBOSE,
)


class Token(NamedTuple):
    """A word of a text: its index term, its folded spelling, and where it stands in the text."""

    term: str
    word: str
    start: int
    end: int


# As Token(…), at half the cost: every word of every document becomes one.
_new_token: Final = tuple.__new__


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
def term_of(word: str) -> str:
    """The index term of a folded word."""
    if word.isascii() and word.isalpha() and len(word) > 3:
        stem = str(stem_english(_IRREGULAR.get(word, word)))
        if stem.endswith("is"):
            # Anodise is anodize, whose stem lacks the ending; precise is not an American precize.
            american = str(stem_english(stem[:-2] + "ize"))
            if not american.endswith("iz"):
                return american
        if stem[-1] == "s" and not _VOWEL.search(stem):
            stem = stem[:-1]
        stem = _SPELLINGS.get(stem, stem)
        return _DEEDS.get(stem, stem)
    return word


def word_of(found: str) -> str:
    """The folded word of what `TOKEN` has found."""
    if found.isalpha():
        return found[:MAX_TERM_LENGTH]
    if found[0] == ".":
        found = "0" + found
    elif found[0].isdigit():
        found = found.replace(",", "")
    elif found[-1] not in "+#":
        found = found.removesuffix("'s").replace("'", "").replace("-", "")
    return found[:MAX_TERM_LENGTH]


@lru_cache(maxsize=65536)
def _term_and_word(found: str) -> tuple[str, str]:
    word = word_of(found)
    return term_of(word), word


def words_of(text: str) -> list[str]:
    """The folded words of `text` in order, not stemmed."""
    return [word_of(found) for found in TOKEN.findall(fold(text)[0])]


def terms_of(words: Iterable[str]) -> list[str]:
    """The index terms of folded words."""
    return [term_of(word) for word in words]


def tokens(text: str) -> Iterator[Token]:
    """The words of `text` with their places in it."""
    folded, places = fold(text)
    for match in TOKEN.finditer(folded):
        start, end = match.span()
        if places is not None:
            start, end = places[start], places[end - 1] + 1
        yield _new_token(Token, (*_term_and_word(match[0]), start, end))

"""In which documents of a segment terms and phrases stand, as mapped arrays.

Terms are among the arrays that `decoding` makes. Phrases are arrays of their own beside those: the
names of the thesaurus of more than one word, two dozen of which stand for many a word of a query.
Any phrase can be found by its terms; to find it once, when the segment is written, saves a tenth of
a millisecond at each search. What the thesaurus learns later is found by its terms until then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from portal.kernel.fulltext import arrays
from portal.kernel.fulltext.arrays import Array, BadFile, Lexicon, Part
from portal.kernel.fulltext.language import Terms

#: In a segment of fewer documents phrases are found by their terms as fast.
FEWEST_DOCUMENTS: Final = 5_000
_KNOWN: Final = 1_000


class Postings(NamedTuple):
    """Documents (uint32, ascending) with how much something counts in each (float32)."""

    ids: Array
    impacts: Array


# As Postings(…), at half the cost.
_new_postings: Final = tuple.__new__

NOTHING: Final = Postings(np.zeros(0, np.uint32), np.zeros(0, np.float32))


class Occurrences:
    """Postings by what occurs: see `decoding` for the arrays."""

    def __init__(self, files: Mapping[str, Array]) -> None:
        self._ids, self._impacts = files["ids"], files["impacts"]
        self._terms = Lexicon(files, "terms")
        # One number of an array is looked at three times as fast without numpy.
        self._ends = files["document_ends"].data
        # A page asks for the same ones three times.
        self.find = lru_cache(_KNOWN)(self._find)

    def number(self, words: str) -> int | None:
        """The number of a term, or of terms with spaces between them."""
        return self._terms.find(words.encode())

    def _find(self, terms: Terms) -> Postings | None:
        """The documents with these terms together; None if nobody knows of any."""
        number = self._terms.find(" ".join(terms).encode())
        if number is None:
            return None
        start, end = self._ends[number - 1] if number else 0, self._ends[number]
        return _new_postings(Postings, (self._ids[start:end], self._impacts[start:end]))


def bounds(ends: memoryview, number: int) -> tuple[int, int]:
    """Where one of several runs begins and ends."""
    return (ends[number - 1] if number else 0), ends[number]


def write_phrases(path: Path, label: str, phrases: Mapping[Terms, Postings]) -> None:
    """Write in which documents of a segment these stand, those that stand nowhere too."""
    arrays.write(path, label, _parts(phrases))


def open_phrases(path: Path, label: str) -> Occurrences | None:
    """What `write_phrases` has written, if it has."""
    try:
        return Occurrences(arrays.open_file(path, label))
    except (BadFile, OSError):
        return None


def _parts(phrases: Mapping[Terms, Postings]) -> Iterator[Part]:
    found = {" ".join(terms).encode(): postings for terms, postings in phrases.items()}
    ordered = sorted(found)
    postings = [found[words] for words in ordered]
    yield from Lexicon.parts("terms", ordered)
    yield ("ids", [NOTHING.ids, *(its.ids for its in postings)])
    yield ("impacts", [NOTHING.impacts, *(its.impacts for its in postings)])
    counts = np.array([len(its.ids) for its in postings], np.uint32)
    yield ("document_ends", [np.cumsum(counts, dtype=np.uint32)])

"""Where terms and phrases stand in a segment, and in which of its documents, as mapped arrays.

Terms are among the arrays that `decoding` makes. Phrases are arrays of their own beside those: the
names of the thesaurus of more than one word, two dozen of which stand for many a word of a query.
Any phrase can be found by its terms; to find it once, when the segment is written, saves a tenth of
a millisecond at each search. What the thesaurus learns later is found by its terms until then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from portal.kernel.fulltext import arrays
from portal.kernel.fulltext.arrays import Array, BadFile, Lexicon, Part
from portal.kernel.fulltext.language import Terms

if TYPE_CHECKING:
    from portal.kernel.fulltext.segment import Segment

#: In a segment of fewer documents phrases are found by their terms as fast.
FEWEST_DOCUMENTS: Final = 5_000
_KNOWN: Final = 1_000


class Postings(NamedTuple):
    """Documents (uint32, ascending) with how much something counts in each (float32)."""

    ids: Array
    impacts: Array


NOTHING: Final = Postings(np.zeros(0, np.uint32), np.zeros(0, np.float32))


class Occurrences:
    """Postings and positions by what occurs: see `decoding` for the arrays."""

    def __init__(self, files: Mapping[str, Array]) -> None:
        self._files = files
        self._terms = Lexicon(files, "terms")
        # One number of an array is looked at three times as fast without numpy.
        self._document_ends = files["document_ends"].data
        self._position_ends = files["position_ends"].data
        # A page asks for the same ones three times.
        self.find = lru_cache(_KNOWN)(self._find)

    def _find(self, terms: Terms) -> int | None:
        """The number of what is made of these terms."""
        return self._terms.find(" ".join(terms).encode())

    def postings(self, number: int) -> Postings:
        start, end = _bounds(self._document_ends, number)
        return Postings(self._files["ids"][start:end], self._files["impacts"][start:end])

    def positions(self, number: int) -> Array:
        start, end = _bounds(self._position_ends, number)
        return self._files["positions"][start:end]


def _bounds(ends: memoryview, number: int) -> tuple[int, int]:
    return (ends[number - 1] if number else 0), ends[number]


def write_phrases(path: Path, label: str, segment: Segment, phrases: Collection[Terms]) -> None:
    """Write where these stand in a segment, those that stand nowhere too."""
    arrays.write(path, label, _parts(segment, phrases))


def open_phrases(path: Path, label: str) -> Occurrences | None:
    """What `write_phrases` has written, if it has."""
    try:
        return Occurrences(arrays.open_file(path, label))
    except (BadFile, OSError):
        return None


def _parts(segment: Segment, phrases: Collection[Terms]) -> Iterator[Part]:
    words = {" ".join(terms).encode(): terms for terms in phrases}
    ordered = sorted(words)
    positions = [segment.together(words[word]) for word in ordered]
    postings = [segment.having(its) for its in positions]
    yield from Lexicon.parts("terms", ordered)
    yield ("ids", [NOTHING.ids, *(its.ids for its in postings)])
    yield ("impacts", [NOTHING.impacts, *(its.impacts for its in postings)])
    yield ("positions", [NOTHING.ids, *positions])
    for name, lengths in (
        ("document_ends", [len(its.ids) for its in postings]),
        ("position_ends", list(map(len, positions))),
    ):
        yield (name, [np.cumsum(np.array(lengths, np.uint32), dtype=np.uint32)])

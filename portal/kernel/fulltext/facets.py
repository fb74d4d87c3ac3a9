"""How many documents have each value of the facets.

The values that a document has lie side by side, those of all facets: see `decoding`. So they are
counted in one go, whatever the facets are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final

import numpy as np

from portal.kernel.fulltext.arrays import Array
from portal.kernel.fulltext.port import FacetValues
from portal.kernel.fulltext.rows import SEPARATOR
from portal.kernel.fulltext.segment import Segment

# A place among all values, a count above it and a facet above that are one number.
_PLACES: Final = 20
_APART: Final = 48


class Facets:
    """The facets of all segments together, in alphabetical order, and so are their values."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        words = [segment.lexicon("facets").words() for segment in segments]
        terms = words[0] if len(words) == 1 else sorted(set().union(*words))
        place = {term: at for at, term in enumerate(terms)}
        self._rows = [
            _Rows(segment, np.array([place[term] for term in its], np.intp), len(terms))
            for segment, its in zip(segments, words, strict=True)
        ]
        # Where the documents of each segment begin, and where the last ends.
        self._bases = [0, *accumulate(segment.size for segment in segments)]
        parted = [term.partition(SEPARATOR) for term in terms]
        self._values = np.array([value for _, _, value in parted], object)
        sizes = Counter(name for name, _, _ in parted)
        self._names = list(sizes)
        self._ends = list(accumulate(sizes.values()))
        # Each value's place, in the room of its facet.
        rooms = np.arange(1, len(sizes) + 1).repeat(list(sizes.values()))
        self._places = (rooms << _APART) + np.arange(len(terms))

    def count(self, ids: Array) -> dict[str, FacetValues]:
        """How many of the documents (ascending) have each value of each facet, the most frequent
        first, without those that none has.
        """
        size = len(self._places)
        edges = pairwise(ids.searchsorted(self._bases).tolist())
        parts = [
            (rows, ids[start:end] - base)
            for rows, base, (start, end) in zip(self._rows, self._bases, edges, strict=False)
            if start < end
        ]
        if not parts:
            return dict.fromkeys(self._names, FacetValues((), ()))
        taken = [rows.of(its) for rows, its in parts]
        places = [rows.places(its) for (rows, _), its in zip(parts, taken, strict=True)]
        counts = np.bincount(_joined(places), minlength=size + 1)
        if counts[size]:
            more = [rows.more(ids, its) for (rows, ids), its in zip(parts, taken, strict=True)]
            counts[:size] += np.bincount(_joined(more), minlength=size)
        counts = counts[:size]
        # Most documents found are alike, and most of a thousand values have none of them.
        some = counts.nonzero()[0]
        edges = pairwise([0, *some.searchsorted(self._ends).tolist()])
        # The values of each facet together, the most frequent first; a number is put in order three
        # times as fast as a place by its number.
        order = self._places.take(some) - (counts.take(some) << _PLACES)
        order.sort()
        some = order & ((1 << _PLACES) - 1)
        values, numbers = self._values.take(some).tolist(), counts.take(some).tolist()
        return {
            name: FacetValues(values[start:end], numbers[start:end])
            for name, (start, end) in zip(self._names, edges, strict=True)
        }


def _joined(arrays: list[Array]) -> Array:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


class _Rows:
    """The values of the documents of a segment, one document a row.

    places: those of the segment's values among the `size` values of all segments.
    """

    def __init__(self, segment: Segment, places: Array, size: int) -> None:
        files = segment.files
        self._rows = files["facet_rows"].reshape(segment.size, -1)
        self._is_longer = len(places)
        # What fills rows up, and says that there is more, follows the values.
        filling = np.arange(self._rows.shape[1] + 1) + size
        self._places = np.concatenate((places, filling))
        self._longer, self._more = files["facet_longer"], files["facet_more"]
        # A number of them is looked at three times as fast without numpy.
        self._ptr = files["facet_more_ptr"].data

    def of(self, ids: Array) -> Array:
        """The rows of documents of the segment."""
        return self._rows.take(ids, axis=0)

    def places(self, rows: Array) -> Array:
        """The places of the values in rows; in one whose document has more, the first number that
        is no value's.
        """
        return self._places.take(rows).ravel()

    def more(self, ids: Array, rows: Array) -> Array:
        """The places of those values of documents that their rows do not hold."""
        longer = self._longer.searchsorted(ids[rows[:, -1] == self._is_longer]).tolist()
        ends, more = self._ptr, self._more
        found = [more[ends[at] : ends[at + 1]] for at in longer]
        return self._places.take(np.concatenate(found or [more[:0]]))

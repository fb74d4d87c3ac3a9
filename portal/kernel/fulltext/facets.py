"""Facets as numbers: which documents have chosen values, and how many have each.

Most documents share their set of values with many others. So each has the number of its set, and
only the sets know values; a facet of one value a document is the same with sets of one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import repeat
from typing import Final

import numpy as np

from portal.kernel.fulltext.arrays import Array, ranges
from portal.kernel.fulltext.port import FacetValue
from portal.kernel.fulltext.segment import Segment

# As FacetValue._make, but without a call to Python for each of the hundreds of values of a page.
_new_value: Final = tuple.__new__


class Facet:
    """A facet of all segments: `values` sorted, `of` the set of each document, and for each set
    where its `codes` (places among the values) begin and end.
    """

    def __init__(self, values: list[str], of: Array, ptr: Array, codes: Array) -> None:
        self.values = values
        self._of = of
        self._ptr = ptr
        self._codes = codes
        self._lengths: Array = np.diff(ptr.astype(np.int64))
        self._place = {value: at for at, value in enumerate(values)}

    def mask(self, chosen: Collection[str]) -> Array:
        """For each document whether it has one of these values."""
        is_chosen = np.zeros(len(self.values), bool)
        is_chosen[[self._place[value] for value in chosen if value in self._place]] = True
        has = np.zeros(len(self._lengths), bool)
        has[np.repeat(np.arange(len(has)), self._lengths)[is_chosen[self._codes]]] = True
        found: Array = has[self._of]
        return found

    def count(self, ids: Array, chosen: Collection[str]) -> tuple[FacetValue, ...]:
        """How many of the documents have each value, the most frequent first.

        Values of none are left out, unless chosen.
        """
        counts = self._counts(self._of[ids])
        seen = np.flatnonzero(counts)
        order = seen[np.argsort(-counts[seen], kind="stable")]
        names = map(self.values.__getitem__, order)
        numbers = counts[order].tolist()
        if not chosen:
            return tuple(map(_new_value, repeat(FacetValue), zip(names, numbers, repeat(False))))
        found = [
            FacetValue(name, number, name in chosen)
            for name, number in zip(names, numbers, strict=True)
        ]
        found += none_of(set(chosen).difference(value.value for value in found))
        return tuple(found)

    def _counts(self, sets: Array) -> Array:
        if len(self._codes) < 2 * len(sets):
            by_set = np.bincount(sets, minlength=len(self._lengths))
            weights = np.repeat(by_set, self._lengths)
            return np.bincount(self._codes, weights, len(self.values)).astype(np.int64)
        at = ranges(self._ptr[sets], self._lengths[sets])
        return np.bincount(self._codes[at], minlength=len(self.values))


def none_of(values: Collection[str]) -> list[FacetValue]:
    """Chosen values that nothing has."""
    return [FacetValue(value, 0, is_selected=True) for value in sorted(values)]


def facets_of(segments: Sequence[Segment]) -> dict[str, Facet]:
    """The facets of all segments together, by name in alphabetical order."""
    places: dict[str, dict[int, str]] = {}
    for number, segment in enumerate(segments):
        for at, name in enumerate(segment.lexicon("facets").words()):
            places.setdefault(name, {})[number] = f"facet{at}"
    return {name: _joined(segments, places[name]) for name in sorted(places)}


def _joined(segments: Sequence[Segment], places: dict[int, str]) -> Facet:
    own = {at: segments[at].lexicon(f"{name}.values").words() for at, name in places.items()}
    if len(segments) == 1:
        files, name = segments[0].files, places[0]
        return Facet(own[0], files[f"{name}.of"], files[f"{name}.ptr"], files[f"{name}.codes"])
    values = sorted(set().union(*own.values()))
    place = {value: at for at, value in enumerate(values)}
    # The first set is the empty one, of documents in segments that do not know the facet.
    of: list[Array] = []
    codes: list[Array] = []
    lengths: list[Array] = [np.zeros(1, np.int64)]
    sets = 1
    for number, segment in enumerate(segments):
        if number not in places:
            of.append(np.zeros(segment.size, np.uint32))
            continue
        files, name = segment.files, places[number]
        to = np.array([place[value] for value in own[number]], np.uint32)
        of.append(files[f"{name}.of"].astype(np.uint32) + np.uint32(sets))
        codes.append(to[files[f"{name}.codes"]])
        lengths.append(np.diff(files[f"{name}.ptr"].astype(np.int64)))
        sets += len(lengths[-1])
    ptr = np.concatenate((np.zeros(1, np.int64), np.cumsum(np.concatenate(lengths))))
    return Facet(values, np.concatenate(of), ptr, np.concatenate(codes))

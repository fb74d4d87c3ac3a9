"""Facets as numbers: which documents have chosen values, and how many have each.

Most documents share their set of values with many others. So each has the number of its set, and
only the sets know values; a facet of one value a document is the same with sets of one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np

from portal.kernel.fulltext.arrays import Array, ranges
from portal.kernel.fulltext.port import FacetValues
from portal.kernel.fulltext.segment import Segment

# Most documents have no more values of one facet.
_WIDTH: Final = 8
# A place among all values, a count above it and a facet above that are one number.
_PLACES: Final = 20
_APART: Final = 48


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
        at = is_chosen[self._codes].nonzero()[0]
        has[self._ptr.searchsorted(at, "right") - 1] = True
        found: Array = has[self._of]
        return found

    def count(self, ids: Array, chosen: Collection[str]) -> FacetValues:
        """How many of the documents have each value, the most frequent first.

        Values of none are left out, unless chosen.
        """
        found = Facets({"": self}).count(ids)[""]
        unseen = sorted(set(chosen).difference(found.names))
        return FacetValues([*found.names, *unseen], [*found.counts, *[0] * len(unseen)], chosen)

    def counts(self, ids: Array) -> Array:
        """How many of the documents have each value, in the order of the values."""
        sets, values = self._of.take(ids), len(self.values)
        if len(self._codes) < 2 * len(sets):
            by_set = np.bincount(sets, minlength=len(self._lengths))
            return np.bincount(self._codes, by_set.repeat(self._lengths), values).astype(np.int64)
        # Rows of one width are gathered ten times as fast as runs of any length.
        counts = np.bincount(self._first.take(sets, axis=0).ravel(), minlength=values + 1)[:values]
        if self._has_more:
            lengths = self._lengths.take(sets)
            sets = sets[lengths > _WIDTH]
            at = ranges(self._ptr[sets] + _WIDTH, self._lengths[sets] - _WIDTH)
            counts += np.bincount(self._codes[at], minlength=values)
        return counts

    @cached_property
    def _first(self) -> Array:
        """The first codes of each set, filled up with a code that no value has."""
        width = min(int(self._lengths.max(initial=1)), _WIDTH)
        first = np.full((len(self._lengths), width), len(self.values), self._codes.dtype)
        for at in range(width):
            has = self._lengths > at
            first[has, at] = self._codes[self._ptr[:-1][has] + at]
        return first

    @cached_property
    def _has_more(self) -> bool:
        return bool(self._lengths.max(initial=0) > _WIDTH)


class Facets(dict[str, Facet]):
    """Facets by name, counted together: their numbers are few, and put in order all at once."""

    def count(self, ids: Array) -> dict[str, FacetValues]:
        """How many of the documents have each value of each facet, as `Facet.count` says it."""
        if not self:
            return {}
        counts = np.concatenate([facet.counts(ids) for facet in self.values()])
        # Most documents found are alike, and most of a thousand values have none of them.
        some = counts.nonzero()[0]
        edges = pairwise([0, *some.searchsorted(self._ends).tolist()])
        # The values of each facet together, the most frequent first; a number is put in order three
        # times as fast as a place by its number.
        order = self._places.take(some) - (counts.take(some) << _PLACES)
        order.sort()
        some = order & ((1 << _PLACES) - 1)
        names, numbers = self._names.take(some).tolist(), counts.take(some).tolist()
        return {
            name: FacetValues(names[start:end], numbers[start:end])
            for name, (start, end) in zip(self, edges, strict=True)
        }

    @cached_property
    def _places(self) -> Array:
        """Each value's place, in the room of its facet."""
        facets = np.arange(1, len(self) + 1).repeat([len(facet.values) for facet in self.values()])
        return (facets << _APART) + np.arange(len(facets))

    @cached_property
    def _names(self) -> Array:
        return np.concatenate([np.array(facet.values, object) for facet in self.values()])

    @cached_property
    def _ends(self) -> Array:
        return np.cumsum([len(facet.values) for facet in self.values()])


def facets_of(segments: Sequence[Segment]) -> Facets:
    """The facets of all segments together, by name in alphabetical order."""
    places: dict[str, dict[int, str]] = {}
    for number, segment in enumerate(segments):
        for at, name in enumerate(segment.lexicon("facets").words()):
            places.setdefault(name, {})[number] = f"facet{at}"
    return Facets({name: _joined(segments, places[name]) for name in sorted(places)})


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
        to = np.array([place[value] for value in own[number]], np.min_scalar_type(len(values)))
        of.append(files[f"{name}.of"].astype(np.uint32) + np.uint32(sets))
        codes.append(to[files[f"{name}.codes"]])
        lengths.append(np.diff(files[f"{name}.ptr"].astype(np.int64)))
        sets += len(lengths[-1])
    ptr = np.concatenate((np.zeros(1, np.int64), np.cumsum(np.concatenate(lengths))))
    joined = np.concatenate(of).astype(np.min_scalar_type(sets))
    return Facet(values, joined, ptr, np.concatenate(codes))

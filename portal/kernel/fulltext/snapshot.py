"""The whole index as it stood after one commit: its segments, numbered through, minus the deleted.

Immutable; a search takes one snapshot and keeps it, whatever is committed meanwhile. What costs
time to put together is kept until the next commit, or if it belongs to one segment for longer,
within a limit of bytes.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import numpy as np

from portal.kernel.fulltext import arrays
from portal.kernel.fulltext.arrays import Array
from portal.kernel.fulltext.decoding import key_of
from portal.kernel.fulltext.facets import Facets
from portal.kernel.fulltext.language import Terms
from portal.kernel.fulltext.occurrences import NOTHING, Postings
from portal.kernel.fulltext.port import DIGEST_BYTES, FacetValues, Key
from portal.kernel.fulltext.rows import SEPARATOR
from portal.kernel.fulltext.segment import Segment

_CACHE_BYTES: Final = 24 * 2**20
_PLACES_BYTES: Final = 8 * 2**20
_ENTRY_BYTES: Final = 300
_COMMON: Final = 16
_HALF: Final = np.uint64(32)
T = TypeVar("T")
Counts: TypeAlias = Mapping[str, FacetValues]


class Cache:
    """The latest used things, as many as fit into so many bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T], size_of: Callable[[T], int]) -> T:
        with self._lock:
            if (kept := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return kept[0]
        made = make()
        size = size_of(made) + _ENTRY_BYTES
        with self._lock:
            if key not in self._kept:
                self._kept[key] = (made, size)
                self._size += size
            while self._size > self._limit and len(self._kept) > 1:
                _, (_, dropped) = self._kept.popitem(last=False)
                self._size -= dropped
        return made


class View(NamedTuple):
    """The documents that somebody may see: for each document whether, and how many.

    `frequencies` is filled by whoever counts those of them that have some words.
    """

    mask: Array
    size: int
    frequencies: dict[Hashable, int]


class Snapshot:
    """`stamp` names the commit: (generation, number of the commit within it).

    `before` is the snapshot of an earlier commit, whose segments this one may have too.
    """

    def __init__(
        self,
        stamp: tuple[str, int],
        segments: Iterable[tuple[str, Segment, Collection[int]]],
        before: Snapshot | None = None,
    ) -> None:
        self.stamp = stamp
        self.segments: dict[str, Segment] = {}
        self.bases: list[int] = []
        self.size = 0
        deleted: list[int] = []
        for name, segment, gone in segments:
            self.segments[name] = segment
            self.bases.append(self.size)
            deleted += [self.size + number for number in gone]
            self.size += segment.size
        self.parts = list(self.segments.values())
        self._names = list(self.segments)
        self.live = np.ones(self.size, bool)
        self.live[deleted] = False
        self._cache = Cache(_CACHE_BYTES)
        self._places: Cache = before._places if before is not None else Cache(_PLACES_BYTES)
        self._common: dict[str, Array] = {}
        self._zeros: list[Array] = []

    # Columns: one entry a document

    def touch(self, most_bytes: int) -> None:
        """Map what is read, the largest segment first, within so many bytes."""
        for part in sorted(self.parts, key=lambda part: -part.size):
            most_bytes -= arrays.touch(part.files.values(), most_bytes)

    def column(self, name: str) -> Array:
        """An array of the segments that has one entry a document."""
        return self._cache.get(("column", name), lambda: self._joined(name), _new_bytes)

    def _joined(self, name: str) -> Array:
        if len(self.parts) == 1:
            return self.parts[0].files[name]
        return np.concatenate([part.files[name] for part in self.parts] or [np.zeros(0)])

    def take_zeros(self) -> Array:
        """A zero (float32) for each document, for the caller alone: to put some right again and to
        give them back takes a fraction of what making them anew does.
        """
        with suppress(IndexError):
            return self._zeros.pop()
        return np.zeros(self.size, np.float32)

    def give_zeros(self, zeros: Array) -> None:
        """Take back what is all zeros again."""
        self._zeros.append(zeros)

    @cached_property
    def points(self) -> Array:
        """Three rows: where each document lies on the sphere."""
        if len(self.parts) == 1:
            return self.parts[0].files["point"].reshape(3, -1)
        points = [part.files["point"].reshape(3, -1) for part in self.parts]
        return np.concatenate(points or [np.zeros((3, 0))], axis=1)

    @cached_property
    def kinds(self) -> list[str]:
        return sorted(set().union(*(part.kinds for part in self.parts)))

    @cached_property
    def identities(self) -> Array:
        """Kind and id as one number: their order is that of (kind, id)."""
        place = {kind: at for at, kind in enumerate(self.kinds)}
        found = [
            key_of(np.array([place[kind] for kind in part.kinds])[part.files["kind"]],
                   part.files["id"])
            for part in self.parts
        ]  # fmt: skip
        return np.concatenate(found or [np.zeros(0, np.int64)])

    def keys(self, ids: Array) -> list[Key]:
        found: list[Key] = []
        at = np.searchsorted(ids, [*self.bases, self.size])
        for number, part in enumerate(self.parts):
            local = ids[at[number] : at[number + 1]] - self.bases[number]
            names = part.kinds
            kinds = map(names.__getitem__, part.files["kind"][local].tolist())
            found += zip(kinds, part.files["id"][local].tolist(), strict=True)
        return found

    def digests(self, ids: Array) -> list[bytes]:
        table = self._joined("digest").reshape(-1, DIGEST_BYTES)[ids]
        return [row.tobytes() for row in table]

    @cached_property
    def facets(self) -> Facets:
        return Facets(self.parts)

    def facet_mask(self, name: str, chosen: frozenset[str]) -> Array:
        """For each document whether it has one of these values of a facet."""
        return self._cache.get(
            ("facet", name, chosen), lambda: self._facet_mask(name, chosen), _bytes
        )

    def _facet_mask(self, name: str, chosen: frozenset[str]) -> Array:
        mask = np.zeros(self.size, bool)
        for value in chosen:
            term = f"{name}{SEPARATOR}{value}"
            mask[self.gather(lambda part, term=term: part.documents("facets", term))] = True  # type: ignore[misc]
        return mask

    def counts(self, audience: frozenset[str], make: Callable[[], Counts]) -> Counts:
        """How many of all visible documents have each value: worked out once for an audience."""
        return self._cache.get(("counts", audience), make, _counts_bytes)

    # Documents by something

    def gather(self, find: Callable[[Segment], Array]) -> Array:
        """What each segment finds, numbered through."""
        if len(self.parts) == 1:
            return find(self.parts[0])
        found = [
            its + np.uint32(base) if base else its
            for base, part in zip(self.bases, self.parts, strict=True)
            if len(its := find(part))
        ]
        if len(found) == 1:
            return found[0]
        return np.concatenate(found or [np.zeros(0, np.uint32)])

    def visible(self, audience: frozenset[str]) -> View:
        """The documents that somebody with these tokens may see."""
        return self._cache.get(
            ("view", audience), lambda: self._view(audience), lambda view: self.size
        )

    def visible_without(self, audience: frozenset[str], hidden: Collection[Key]) -> View:
        """The same without some."""
        view = self.visible(audience)
        if not hidden:
            return view
        mask = view.mask.copy()
        mask[self.numbers_of(hidden)] = False
        return View(mask, int(np.count_nonzero(mask)), {})

    def _view(self, audience: frozenset[str]) -> View:
        mask = np.zeros(self.size, bool)
        for token in audience:
            if token in self._common:
                mask |= self._common[token]
                continue
            ids = self.gather(lambda part, token=token: part.documents("audience", token))  # type: ignore[misc]
            mask[ids] = True
            if len(ids) > self.size // _COMMON:
                # What many may see is put together once, for the views of all.
                its = np.zeros(self.size, bool)
                its[ids] = True
                self._common[token] = its
        mask &= self.live
        return View(mask, int(np.count_nonzero(mask)), {})

    def numbers_of(self, keys: Collection[Key]) -> Array:
        """The documents with these keys, ascending, deleted ones among them."""
        by_kind: dict[str, list[int]] = {}
        for kind, number in keys:
            by_kind.setdefault(kind, []).append(number)
        ids = {kind: np.array(its, np.int64) for kind, its in by_kind.items()}

        def find(part: Segment) -> Array:
            found = [part.numbers_of(kind, its) for kind, its in ids.items()]
            return np.concatenate(found or [np.zeros(0, np.uint32)])

        return np.sort(self.gather(find))

    def headed(self, heading: str) -> Array:
        """The documents with just this title, whatever its case, accents and punctuation."""
        return self.gather(lambda part: part.documents("headings", heading))

    def find(self, terms: Terms) -> Postings:
        """The documents in which the terms follow each other; deleted and invisible ones too."""
        if len(self.parts) == 1 and (known := self.parts[0].postings(terms)) is not None:
            return known
        return self._cache.get(
            ("postings", terms), lambda: self._find(terms), lambda found: 8 * len(found.ids)
        )

    def _find(self, terms: Terms) -> Postings:
        found = [self._postings(at, terms) for at in range(len(self.parts))]
        if len(found) == 1:
            return found[0]
        impacts = [postings.impacts for postings in found]
        each = iter(found)
        return Postings(
            self.gather(lambda part: next(each).ids),
            np.concatenate(impacts or [np.zeros(0, np.float32)]),
        )

    def find_best(self, units: tuple[tuple[Terms, float], ...]) -> Postings:
        """The documents that have any of these, each with what counts most in it, times its weight.

        Worked out once for the names of a thing, of which there may be two dozen.
        """
        return self._cache.get(
            ("best", units), lambda: self._find_best(units), lambda found: 8 * len(found.ids)
        )

    def apart(self, units: tuple[tuple[Terms, float], ...], make: Callable[[], Array]) -> Array:
        """The documents with all words of any of these, wherever: worked out once as well."""
        return self._cache.get(("apart", units), make, _bytes)

    def _find_best(self, units: tuple[tuple[Terms, float], ...]) -> Postings:
        found: list[Array] = []
        for at, base in enumerate(self.bases):
            names = [
                (its, weight)
                for terms, weight in units
                if len((its := self._postings(at, terms)).ids)
            ]
            if not names:
                continue
            # Numbered through and weighed all at once, as there may be two dozen.
            each = np.concatenate([its.ids for its, _ in names]).astype(np.uint64)
            if base:
                each += np.uint64(base)
            weights = np.array([weight for _, weight in names], np.float32)
            impacts = np.concatenate([its.impacts for its, _ in names])
            impacts *= weights.repeat([len(its.ids) for its, _ in names])
            # Document and impact as one number: positive floats are in order as integers are.
            each <<= _HALF
            each |= impacts.view(np.uint32)
            found.append(each)
        if not found:
            return NOTHING
        each = found[0] if len(found) == 1 else np.concatenate(found)
        each.sort()
        ids = (each >> _HALF).astype(np.uint32)
        is_best = np.empty(len(ids), bool)
        is_best[-1] = True
        np.not_equal(ids[1:], ids[:-1], out=is_best[:-1])
        return Postings(ids[is_best], each[is_best].astype(np.uint32).view(np.float32))

    def _postings(self, at: int, terms: Terms) -> Postings:
        part = self.parts[at]
        if (known := part.postings(terms)) is not None:
            return known
        make = part.together
        places = self._places.get((self._names[at], terms), lambda: make(terms), _bytes)
        return part.having(places)

    def located(self, numbers: Iterable[int]) -> list[tuple[int, int]]:
        """The segments of documents, and their numbers there."""
        bases = self.bases
        parts = [(bisect_right(bases, number) - 1, number) for number in numbers]
        return [(part, number - bases[part]) for part, number in parts]


def _counts_bytes(counts: Counts) -> int:
    return sum(len(values) for values in counts.values()) * _ENTRY_BYTES


def _bytes(array: Array) -> int:
    return array.nbytes


def _new_bytes(array: Array) -> int:
    """Memory of our own, not that of a mapped file."""
    return array.nbytes if array.flags.owndata else 0

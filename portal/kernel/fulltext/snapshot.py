"""The whole index as it stood after one commit: its segments, numbered through, minus the deleted.

Immutable; a search takes one snapshot and keeps it, whatever is committed meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_

from portal.kernel.fulltext.port import Key
from portal.kernel.fulltext.segment import Postings, Segment, Stored, bits_of, members


@dataclass(frozen=True, slots=True)
class Found:
    """The documents with some words, over all segments; deleted and invisible ones among them."""

    bits: int
    parts: tuple[tuple[int, Postings], ...]

    def impacts(self) -> Iterator[tuple[int, float]]:
        for base, postings in self.parts:
            for number, impact in zip(postings.ids, postings.impacts, strict=True):
                yield base + number, impact


class Snapshot:
    """`stamp` names the commit: (generation, number of the commit within it)."""

    def __init__(
        self, stamp: tuple[str, int], segments: Iterable[tuple[str, Segment, frozenset[int]]]
    ) -> None:
        self.stamp = stamp
        self.segments: dict[str, Segment] = {}
        self._parts: list[tuple[int, Segment]] = []
        self.live = 0
        self.audience: dict[str, int] = {}
        self.facets: dict[str, dict[str, int]] = {}
        self.updated: list[int] = []
        self.latitudes: list[int] = []
        self.longitudes: list[int] = []
        self.identities: list[Key] = []
        base = 0
        for name, segment, deleted in segments:
            self.segments[name] = segment
            self._parts.append((base, segment))
            live = ((1 << segment.size) - 1) & ~bits_of(deleted, segment.size)
            self.live |= live << base
            _add(self.audience, segment.audience, base)
            for facet, values in segment.facets.items():
                _add(self.facets.setdefault(facet, {}), values, base)
            self.updated += segment.updated
            self.latitudes += segment.latitudes
            self.longitudes += segment.longitudes
            self.identities += segment.identities
            base += segment.size

    @property
    def digests(self) -> list[bytes]:
        return [digest for _, segment in self._parts for digest in segment.digests]

    @cached_property
    def headings(self) -> list[str]:
        return [heading for _, segment in self._parts for heading in segment.headings]

    @cached_property
    def _by_heading(self) -> dict[str, list[int]]:
        numbers: dict[str, list[int]] = {}
        for number, heading in enumerate(self.headings):
            numbers.setdefault(heading, []).append(number)
        return numbers

    def headed(self, heading: str) -> frozenset[int]:
        """The documents with just this title, whatever its case, accents and punctuation."""
        return frozenset(self._by_heading.get(heading, ()))

    def visible(self, audience: frozenset[str]) -> int:
        """The documents that somebody with these tokens may see."""
        return self.live & reduce(or_, (self.audience.get(token, 0) for token in audience), 0)

    def find(self, terms: tuple[str, ...]) -> Found:
        parts = tuple((base, segment.postings(terms)) for base, segment in self._parts)
        return Found(reduce(or_, (postings.bits << base for base, postings in parts), 0), parts)

    def with_word(self, word: str) -> int:
        return reduce(or_, (segment.with_word(word) << base for base, segment in self._parts), 0)

    def with_name_prefix(self, prefix: str) -> int:
        return reduce(
            or_, (segment.with_name_prefix(prefix) << base for base, segment in self._parts), 0
        )

    def stored(self, number: int) -> Stored:
        for base, segment in reversed(self._parts):
            if number >= base:
                return segment.stored(number - base)
        raise IndexError(number)

    def live_numbers(self) -> Iterator[int]:
        return members(self.live)


def _add(masks: dict[str, int], more: dict[str, int], base: int) -> None:
    for value, bits in more.items():
        masks[value] = masks.get(value, 0) | bits << base

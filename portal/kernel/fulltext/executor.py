"""Answers queries over a snapshot: who may see what, matching, counting, ranking, suggesting.

Sets of documents are integers with one bit per document, so that counting is exact and cheap.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from math import asin, cos, inf, log, pi, radians, sin, sqrt
from operator import and_, or_
from typing import Any, Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

from portal.kernel.fulltext.highlighting import highlight
from portal.kernel.fulltext.language import Asked, Unit, terms_of, words_of
from portal.kernel.fulltext.port import (
    KIND_FACET,
    FacetValue,
    Hit,
    Key,
    Near,
    Query,
    Results,
    Suggestion,
)
from portal.kernel.fulltext.segment import (
    DEGREES,
    EPOCH,
    MICROSECOND,
    NOWHERE,
    bits_of,
    members,
)
from portal.kernel.fulltext.snapshot import Found, Snapshot

MAX_SUGGESTIONS: Final = 50
_EARTH_MILES: Final = 3_958.7613
_MILES_PER_DEGREE: Final = _EARTH_MILES * pi / 180
_CORRECTIONS: Final = 5
_CORRECTED_WEIGHT: Final = 0.5
_MAX_PREFIX_WORDS: Final = 8


@dataclass(frozen=True, slots=True)
class _Word:
    """A unit of the query, or the words that it was corrected to."""

    found: tuple[Found, ...]
    units: tuple[tuple[str, ...], ...]
    weight: float = 1.0

    @property
    def bits(self) -> int:
        return reduce(or_, (found.bits for found in self.found), 0)


@dataclass(frozen=True, slots=True)
class _Clause:
    """Words of the query, usually one, and all that may stand for them: (unit, weight, found)."""

    words: tuple[_Word, ...]
    others: tuple[tuple[tuple[str, ...], float, Found], ...] = ()
    is_required: bool = False

    @property
    def other_bits(self) -> int:
        return reduce(or_, (found.bits for _, _, found in self.others), 0)

    @property
    def bits(self) -> int:
        """The documents that satisfy the clause."""
        return reduce(and_, (word.bits for word in self.words)) | self.other_bits

    @property
    def any_bits(self) -> int:
        """The documents that have something of it."""
        return reduce(or_, (word.bits for word in self.words), self.other_bits)

    @property
    def units(self) -> Iterator[tuple[str, ...]]:
        for word in self.words:
            yield from word.units
        for unit, _, _ in self.others:
            yield unit


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the text was understood in the end: the documents that match, and what made them."""

    bits: int
    clauses: tuple[_Clause, ...] = ()
    suggestion: str | None = None
    is_fuzzy: bool = False

    @property
    def units(self) -> frozenset[tuple[str, ...]]:
        return frozenset(unit for clause in self.clauses for unit in clause.units)


@dataclass(slots=True)
class _Distances:
    """Miles from where the searcher looks, worked out once per document."""

    snapshot: Snapshot
    near: Near
    known: dict[int, float | None] = field(default_factory=dict)

    def of(self, number: int) -> float | None:
        if number not in self.known:
            latitude = self.snapshot.latitudes[number]
            longitude = self.snapshot.longitudes[number]
            self.known[number] = (
                None
                if NOWHERE in {latitude, longitude}
                else miles_between(
                    self.near.latitude,
                    self.near.longitude,
                    latitude / DEGREES,
                    longitude / DEGREES,
                )
            )
        return self.known[number]

    def within(self, bits: int, radius_miles: float) -> int:
        """Those of `bits` that lie within the radius."""
        latitudes = self.snapshot.latitudes
        middle = self.near.latitude * DEGREES
        # A degree of latitude is the same anywhere, so most documents need no trigonometry.
        reach = (radius_miles / _MILES_PER_DEGREE) * DEGREES + 2
        kept: list[int] = []
        for number in members(bits):
            if abs(latitudes[number] - middle) <= reach:
                distance = self.of(number)
                if distance is not None and distance <= radius_miles:
                    kept.append(number)
        return bits_of(kept, len(latitudes))


def miles_between(latitude: float, longitude: float, latitude2: float, longitude2: float) -> float:
    """The great-circle distance (haversine)."""
    north, north2 = radians(latitude), radians(latitude2)
    half = sin((north2 - north) / 2) ** 2
    half += cos(north) * cos(north2) * sin(radians(longitude2 - longitude) / 2) ** 2
    return 2 * _EARTH_MILES * asin(min(1.0, sqrt(half)))


def search(snapshot: Snapshot, query: Query, asked: Asked) -> Results:
    visible = snapshot.visible(query.audience)
    reading = _read(snapshot, asked, visible)
    distances = _Distances(snapshot, query.near) if query.near else None
    base = _kept(snapshot, query, reading.bits, distances)
    selected = _selected(query)
    chosen = _chosen(snapshot, selected)
    matching = reduce(and_, chosen.values(), base)
    hits: tuple[Hit, ...] = ()
    if matching and query.limit:
        scores = _score(reading, matching, visible) if reading.clauses else {}
        order = _order(snapshot, query, asked, scores, distances)
        count = query.offset + query.limit
        page = heapq.nsmallest(count, members(matching), key=order)[query.offset :]
        hits = tuple(_hit(snapshot, reading, n, scores.get(n, 0.0), distances) for n in page)
    return Results(
        total=matching.bit_count(),
        hits=hits,
        facets=_count(snapshot, base, selected, chosen),
        suggestion=reading.suggestion,
        is_fuzzy=reading.is_fuzzy,
    )


def matching(snapshot: Snapshot, query: Query, asked: Asked) -> frozenset[Key]:
    """Everything that has the words as typed, or what stands for them."""
    visible = snapshot.visible(query.audience)
    strict = _all_of(_clauses(snapshot, asked), _allowed(snapshot, asked, visible))
    distances = _Distances(snapshot, query.near) if query.near else None
    base = _kept(snapshot, query, strict, distances)
    found = reduce(and_, _chosen(snapshot, _selected(query)).values(), base)
    return frozenset(snapshot.identities[number] for number in members(found))


def _kept(snapshot: Snapshot, query: Query, bits: int, distances: _Distances | None) -> int:
    """Those of `bits` that pass the filters which are not facets."""
    if query.among is not None:
        among, identities = query.among, snapshot.identities
        kept = [number for number in members(bits) if identities[number] in among]
        bits = bits_of(kept, len(identities))
    if query.updated_since is not None:
        updated, since = snapshot.updated, (query.updated_since - EPOCH) // MICROSECOND
        kept = [number for number in members(bits) if updated[number] >= since]
        bits = bits_of(kept, len(updated))
    if distances and distances.near.radius_miles is not None:
        bits = distances.within(bits, distances.near.radius_miles)
    return bits


def _selected(query: Query) -> dict[str, frozenset[str]]:
    selected = {name: frozenset(values) for name, values in query.facets.items() if values}
    if query.kinds:
        selected[KIND_FACET] = query.kinds
    return selected


def _chosen(snapshot: Snapshot, selected: Mapping[str, frozenset[str]]) -> dict[str, int]:
    return {
        name: reduce(or_, (snapshot.facets.get(name, {}).get(v, 0) for v in values), 0)
        for name, values in selected.items()
    }


def _allowed(snapshot: Snapshot, asked: Asked, visible: int) -> int:
    unwanted = (snapshot.find(unit.terms).bits for unit in asked.unwanted)
    return visible & ~reduce(or_, unwanted, 0)


def _clauses(snapshot: Snapshot, asked: Asked) -> tuple[_Clause, ...]:
    """The wanted units, those together that an expansion covers."""
    expansions = {expansion.first: expansion for expansion in asked.expansions}
    clauses: list[_Clause] = []
    at = 0
    while at < len(asked.wanted):
        expansion = expansions.get(at)
        last = expansion.last if expansion else at + 1
        units = asked.wanted[at:last]
        clauses.append(
            _Clause(
                tuple(_Word((snapshot.find(unit.terms),), (unit.terms,)) for unit in units),
                tuple(
                    (terms, weight, snapshot.find(terms))
                    for terms, weight in (expansion.alternatives if expansion else ())
                ),
                is_required=any(unit.sign == "+" for unit in units),
            )
        )
        at = last
    return tuple(clauses)


def _read(snapshot: Snapshot, asked: Asked, visible: int) -> _Reading:
    """Take the words as typed; if nothing visible has them all, correct them; then any of them."""
    allowed = _allowed(snapshot, asked, visible)
    if not asked.wanted:
        return _Reading(allowed)
    clauses = _clauses(snapshot, asked)
    if strict := _all_of(clauses, allowed):
        return _Reading(strict, clauses)
    corrections = _corrections(snapshot, asked, clauses, visible)
    if corrections:
        clauses = _corrected(snapshot, clauses, corrections)
        if repaired := _all_of(clauses, allowed):
            suggestion = None
            # Each word's best correction need not go with the others': offer only what finds.
            if reduce(and_, (_best_bits(clause) for clause in clauses), allowed):
                suggestion = _rewritten(asked, {at: words[0] for at, words in corrections.items()})
            return _Reading(repaired, clauses, suggestion, is_fuzzy=True)
    required = [clause for clause in clauses if clause.is_required]
    if required:
        loose = _all_of(required, allowed)
    else:
        loose = allowed & reduce(or_, (clause.any_bits for clause in clauses), 0)
    return _Reading(loose, clauses, is_fuzzy=bool(loose))


def _all_of(clauses: Iterable[_Clause], allowed: int) -> int:
    return reduce(and_, (clause.bits for clause in clauses), allowed)


def _spelled_alike(snapshot: Snapshot, unit: Unit, visible: int) -> list[str]:
    """The words of visible documents closest to a word nobody wrote, the most frequent first."""
    word = unit.words[0]
    if unit.sign or len(unit.words) > 1 or len(word) < 4 or not word.isalpha():
        return []
    distance = 1 if len(word) < 6 else 2
    alike: dict[str, int] = {}
    for segment in snapshot.segments.values():
        for other, away, _ in process.extract(
            word, segment.words, scorer=OSA.distance, score_cutoff=distance, limit=None
        ):
            alike[other] = int(away)
    for away in range(1, distance + 1):
        # Words are tried against what is visible before anything is said about them.
        seen = [
            (-count, other)
            for other, its in alike.items()
            if its == away and (count := (snapshot.with_word(other) & visible).bit_count())
        ]
        if seen:
            return [other for _, other in sorted(seen)[:_CORRECTIONS]]
    return []


def _corrections(
    snapshot: Snapshot, asked: Asked, clauses: Iterable[_Clause], visible: int
) -> dict[int, list[str]]:
    """For the places of the wanted units that nothing visible has: other spellings."""
    corrections: dict[int, list[str]] = {}
    at = 0
    for clause in clauses:
        is_unknown = not clause.bits & visible
        for word in clause.words:
            alike = []
            if is_unknown and not word.bits & visible:
                alike = _spelled_alike(snapshot, asked.wanted[at], visible)
            if alike:
                corrections[at] = alike
            at += 1
    return corrections


def _corrected(
    snapshot: Snapshot, clauses: Iterable[_Clause], corrections: Mapping[int, list[str]]
) -> tuple[_Clause, ...]:
    corrected: list[_Clause] = []
    at = 0
    for clause in clauses:
        words: list[_Word] = []
        for word in clause.words:
            if at in corrections:
                units = tuple(dict.fromkeys((term,) for term in terms_of(corrections[at])))
                word = _Word(tuple(map(snapshot.find, units)), units, _CORRECTED_WEIGHT)
            words.append(word)
            at += 1
        corrected.append(replace(clause, words=tuple(words)))
    return tuple(corrected)


def _best_bits(clause: _Clause) -> int:
    return reduce(and_, (word.found[0].bits for word in clause.words)) | clause.other_bits


def _rewritten(asked: Asked, corrections: Mapping[int, str]) -> str:
    """The text as typed with some of its words replaced."""
    text = asked.text
    places = ((asked.wanted[at], word) for at, word in corrections.items())
    for unit, word in sorted(places, key=lambda place: -place[0].start):
        text = text[: unit.start] + word + text[unit.end :]
    return text


def _score(reading: _Reading, matching: int, visible: int) -> dict[int, float]:
    """BM25 over weighted fields. Rarity is judged by visible documents, so that no score tells of
    others.

    What stands for words of the query counts as if it were all of them, times its weight; of it
    and the words themselves the best counts, and all together are as rare as the lot of them.
    """
    scores = dict.fromkeys(members(matching), 0.0)
    documents = visible.bit_count()
    for clause in reading.clauses:
        others, gained = clause.other_bits, dict.fromkeys(scores, 0.0)
        rarities = 0.0
        for word in clause.words:
            frequency = ((word.bits | others) & visible).bit_count()
            rarity = log(1 + (documents - frequency + 0.5) / (frequency + 0.5))
            rarities += rarity
            for found in word.found:
                for number, impact in found.impacts():
                    if number in gained:
                        gained[number] += rarity * word.weight * impact
        for _, weight, found in clause.others:
            for number, impact in found.impacts():
                if number in gained:
                    gained[number] = max(gained[number], rarities * weight * impact)
        for number, gain in gained.items():
            scores[number] += gain
    return scores


def _order(
    snapshot: Snapshot,
    query: Query,
    asked: Asked,
    scores: Mapping[int, float],
    distances: _Distances | None,
) -> Callable[[int], tuple[Any, ...]]:
    """The sort key of a document. It ends with (kind, id), so that no order is left to chance."""
    identities = snapshot.identities
    if query.sort == "title":
        headings = snapshot.headings
        return lambda number: (headings[number], *identities[number])
    if query.sort == "distance" and distances is not None:
        here = distances
        return lambda number: (
            inf if (miles := here.of(number)) is None else miles,
            *identities[number],
        )
    if query.sort == "relevance" and scores:
        exact = snapshot.headed(asked.title)
        return lambda number: (number not in exact, -scores[number], *identities[number])
    updated = snapshot.updated
    return lambda number: (-updated[number], *identities[number])


def _hit(
    snapshot: Snapshot,
    reading: _Reading,
    number: int,
    score: float,
    distances: _Distances | None,
) -> Hit:
    stored = snapshot.stored(number)
    return Hit(
        kind=stored.kind,
        id=stored.id,
        url=stored.url,
        title=stored.title,
        summary=stored.summary,
        organization=stored.organization,
        facets=stored.facets,
        extra=stored.extra,
        updated_at=stored.updated_at,
        latitude=stored.latitude,
        longitude=stored.longitude,
        highlights=highlight(stored, reading.units),
        score=score,
        distance_miles=distances.of(number) if distances else None,
    )


def _count(
    snapshot: Snapshot,
    base: int,
    selected: Mapping[str, frozenset[str]],
    chosen: Mapping[str, int],
) -> dict[str, tuple[FacetValue, ...]]:
    counts: dict[str, tuple[FacetValue, ...]] = {}
    for name in sorted({KIND_FACET, *snapshot.facets, *selected}):
        others = (bits for other, bits in chosen.items() if other != name)
        within = reduce(and_, others, base)
        picked = selected.get(name, frozenset())
        values = [
            FacetValue(value, count, value in picked)
            for value, bits in snapshot.facets.get(name, {}).items()
            if (count := (within & bits).bit_count())
        ]
        missing = picked.difference(value.value for value in values)
        values += [FacetValue(value, 0, is_selected=True) for value in missing]
        values.sort(key=lambda value: (-value.count, value.value))
        if values or name == KIND_FACET:
            counts[name] = tuple(values)
    return counts


def suggest(
    snapshot: Snapshot, prefix: str, audience: frozenset[str], limit: int
) -> tuple[Suggestion, ...]:
    words = words_of(prefix[:100])[:_MAX_PREFIX_WORDS]
    if not words:
        return ()
    typed = " ".join(words)
    starts = (snapshot.with_name_prefix(word) for word in dict.fromkeys(words))
    matching = reduce(and_, starts, snapshot.visible(audience))
    headings, identities = snapshot.headings, snapshot.identities

    def order(number: int) -> tuple[Any, ...]:
        heading = headings[number]
        if heading.startswith(typed):
            rank = 0
        else:
            padded = " " + heading
            rank = 1 if all(" " + word in padded for word in words) else 2
        return (rank, heading, *identities[number])

    best = heapq.nsmallest(min(limit, MAX_SUGGESTIONS), members(matching), key=order)
    by_kind: dict[str, list[Suggestion]] = {}
    for number in best:
        stored = snapshot.stored(number)
        by_kind.setdefault(stored.kind, []).append(
            Suggestion(stored.kind, stored.id, stored.title, stored.url)
        )
    return tuple(suggestion for group in by_kind.values() for suggestion in group)

"""What the text of a query means over a snapshot: the documents that match, and how well.

A text is clauses, which a document has to satisfy; a clause is words, and what may stand for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import log
from typing import Final

import numpy as np

from portal.kernel.fulltext.arrays import Array
from portal.kernel.fulltext.language import Asked, terms_of
from portal.kernel.fulltext.segment import Postings
from portal.kernel.fulltext.snapshot import Snapshot, View
from portal.kernel.fulltext.suggesting import spelled_alike

_CORRECTED_WEIGHT: Final = 0.8
_FEW: Final = 16

Unit = tuple[str, ...]


@dataclass(frozen=True)
class _Word:
    """A unit of the query, or the words that it was corrected to, the best first."""

    found: tuple[tuple[Unit, Postings], ...]
    weight: float = 1.0


@dataclass(frozen=True)
class Clause:
    """Words of the query, usually one, and all that may stand for them, each with its weight."""

    size: int
    words: tuple[_Word, ...]
    others: tuple[tuple[Unit, Postings, float], ...] = ()
    is_required: bool = False

    @property
    def only(self) -> Postings | None:
        """The postings that are all of the clause, if it is so simple."""
        if len(self.words) == 1 and len(self.words[0].found) == 1 and not self.others:
            return self.words[0].found[0][1]
        return None

    @cached_property
    def ids(self) -> Array:
        """The documents that satisfy the clause."""
        return self.only.ids if self.only is not None else np.flatnonzero(self._satisfied)

    @cached_property
    def _satisfied(self) -> Array:
        mask = np.ones(self.size, bool)
        for word in self.words:
            mask &= self._mask(found for _, found in word.found)
        return mask | self.other_mask

    @cached_property
    def other_mask(self) -> Array:
        return self._mask(found for _, found, _ in self.others)

    def _mask(self, postings: Iterable[Postings]) -> Array:
        mask = np.zeros(self.size, bool)
        for found in postings:
            mask[found.ids] = True
        return mask

    def mask_with(self, word: _Word) -> Array:
        """Whether a document has the word, or what stands for all the words."""
        return self._mask(found for _, found in word.found) | self.other_mask

    def best(self) -> Clause:
        """The same with only the best correction of each word."""
        return replace(self, words=tuple(replace(w, found=w.found[:1]) for w in self.words))

    @property
    def units(self) -> Iterator[Unit]:
        for word in self.words:
            for unit, _ in word.found:
                yield unit
        for unit, _, _ in self.others:
            yield unit


@dataclass(frozen=True, slots=True)
class Reading:
    """How the text was understood in the end: the documents that match, and what made them."""

    ids: Array
    clauses: tuple[Clause, ...] = ()
    suggestion: str | None = None
    is_fuzzy: bool = False
    is_loose: bool = False

    @property
    def units(self) -> tuple[Unit, ...]:
        return tuple(dict.fromkeys(unit for clause in self.clauses for unit in clause.units))


# Matching


def _allowed(snapshot: Snapshot, asked: Asked, view: View) -> Array | None:
    """A mask of the visible documents without the unwanted units; None if all are allowed."""
    if not asked.unwanted:
        return None
    mask = view.mask.copy()
    for unit in asked.unwanted:
        mask[snapshot.find(unit.terms).ids] = False
    return mask


def _clauses(snapshot: Snapshot, asked: Asked) -> tuple[Clause, ...]:
    """The wanted units, those together that an expansion covers."""
    expansions = {expansion.first: expansion for expansion in asked.expansions}
    clauses: list[Clause] = []
    at = 0
    while at < len(asked.wanted):
        expansion = expansions.get(at)
        last = expansion.last if expansion else at + 1
        units = asked.wanted[at:last]
        clauses.append(
            Clause(
                snapshot.size,
                tuple(_Word(((unit.terms, snapshot.find(unit.terms)),)) for unit in units),
                tuple(
                    (terms, snapshot.find(terms), weight)
                    for terms, weight in (expansion.alternatives if expansion else ())
                ),
                is_required=any(unit.sign == "+" for unit in units),
            )
        )
        at = last
    return tuple(clauses)


def strictly(snapshot: Snapshot, asked: Asked, view: View) -> Array:
    """The visible documents that have the words as typed, or what stands for them."""
    return _all_of(_clauses(snapshot, asked), _allowed(snapshot, asked, view), view)


def partly(snapshot: Snapshot, asked: Asked, reading: Reading, view: View) -> Array:
    """The visible documents that have some of the words of a reading."""
    return _any_of(reading.clauses, _allowed(snapshot, asked, view), view)


def read(snapshot: Snapshot, asked: Asked, view: View, reread: Callable[[str], Asked]) -> Reading:
    """Take the words as typed; if nothing visible has them all, correct them; then any of them."""
    allowed = _allowed(snapshot, asked, view)
    clauses = _clauses(snapshot, asked)
    strict = _all_of(clauses, allowed, view)
    if len(strict) or not clauses:
        return Reading(strict, clauses)
    corrections = _corrections(snapshot, asked, clauses, view)
    if corrections:
        rewritten = _rewritten(asked, {at: words[0] for at, words in corrections.items()})
        asked = asked.corrected(reread(rewritten))
        clauses = _corrected(snapshot, _clauses(snapshot, asked), corrections)
        repaired = _all_of(clauses, allowed, view)
        if len(repaired):
            # Each word's best correction need not go with the others': offer only what finds.
            finds = len(_all_of([clause.best() for clause in clauses], allowed, view))
            suggestion = rewritten if finds else None
            return Reading(repaired, clauses, suggestion, is_fuzzy=True)
    loose = _any_of(clauses, allowed, view)
    return Reading(loose, clauses, is_fuzzy=bool(len(loose)), is_loose=True)


def _any_of(clauses: Iterable[Clause], allowed: Array | None, view: View) -> Array:
    """The allowed documents that satisfy what is required, or have any of the words."""
    required = [clause for clause in clauses if clause.is_required]
    if required:
        return _all_of(required, allowed, view)
    has_any = np.zeros(len(view.mask), bool)
    for clause in clauses:
        has_any |= clause.other_mask
        for word in clause.words:
            for _, found in word.found:
                has_any[found.ids] = True
    return np.flatnonzero(has_any & (view.mask if allowed is None else allowed))


def _all_of(clauses: Iterable[Clause], allowed: Array | None, view: View) -> Array:
    """The allowed documents that satisfy all clauses."""
    mask = view.mask if allowed is None else allowed
    found = sorted((clause.ids for clause in clauses), key=len)
    if not found:
        return np.flatnonzero(mask)
    ids = found[0].astype(np.intp)
    ids = ids[mask[ids]]
    for other in found[1:]:
        if not len(ids):
            break
        if len(ids) * _FEW < len(other):
            at = np.searchsorted(other, ids.astype(other.dtype))
            at[at == len(other)] = 0
            ids = ids[other[at] == ids]
        else:
            has = np.zeros(len(mask), bool)
            has[other] = True
            ids = ids[has[ids]]
    return ids


# Correcting


def _corrections(
    snapshot: Snapshot, asked: Asked, clauses: Iterable[Clause], view: View
) -> dict[int, list[str]]:
    """For the places of the wanted units that nothing visible has: other spellings."""
    corrections: dict[int, list[str]] = {}
    at = 0
    for clause in clauses:
        is_unknown = not view.mask[clause.ids].any()
        for word in clause.words:
            alike = []
            if is_unknown and not any(view.mask[found.ids].any() for _, found in word.found):
                alike = spelled_alike(snapshot, asked.wanted[at], view)
            if alike:
                corrections[at] = alike
            at += 1
    return corrections


def _corrected(
    snapshot: Snapshot, clauses: Iterable[Clause], corrections: Mapping[int, list[str]]
) -> tuple[Clause, ...]:
    corrected: list[Clause] = []
    at = 0
    for clause in clauses:
        words: list[_Word] = []
        for word in clause.words:
            if at in corrections:
                units = dict.fromkeys((term,) for term in terms_of(corrections[at]))
                found = tuple((unit, snapshot.find(unit)) for unit in units)
                word = _Word(found, _CORRECTED_WEIGHT)
            words.append(word)
            at += 1
        is_certain = words == list(clause.words)
        others = tuple(
            (unit, found, weight if is_certain else weight * _CORRECTED_WEIGHT)
            for unit, found, weight in clause.others
        )
        corrected.append(replace(clause, words=tuple(words), others=others))
    return tuple(corrected)


def _rewritten(asked: Asked, corrections: Mapping[int, str]) -> str:
    """The text as typed with some of its words replaced."""
    text = asked.text
    places = ((asked.wanted[at], word) for at, word in corrections.items())
    for unit, word in sorted(places, key=lambda place: -place[0].start):
        text = text[: unit.start] + word + text[unit.end :]
    return text


def score(reading: Reading, ids: Array, view: View) -> Array:
    """BM25 over weighted fields. Rarity is judged by visible documents, so that no score tells of
    others.

    What stands for words of the query counts as if it were all of them, times its weight; of it
    and the words themselves the best counts, and all together are as rare as the lot of them.
    """
    scores = np.zeros(len(ids), np.float32)
    for clause in reading.clauses:
        gained = np.zeros(len(ids), np.float32)
        rarities = 0.0
        for word in clause.words:
            rarity = _rarity(clause, word, view)
            rarities += rarity
            for _, found in word.found:
                gained += np.float32(rarity * word.weight) * _impacts(found, ids, clause.size)
        for _, found, weight in clause.others:
            other = np.float32(rarities * weight) * _impacts(found, ids, clause.size)
            np.maximum(gained, other, out=gained)
        scores += gained
    return scores


def _rarity(clause: Clause, word: _Word, view: View) -> float:
    key = (tuple(unit for unit, _ in word.found), tuple(unit for unit, _, _ in clause.others))
    if (frequency := view.frequencies.get(key)) is None:
        if len(word.found) == 1 and not clause.others:
            frequency = int(np.count_nonzero(view.mask[word.found[0][1].ids]))
        else:
            frequency = int(np.count_nonzero(clause.mask_with(word) & view.mask))
        if len(view.frequencies) > 10_000:
            view.frequencies.clear()
        view.frequencies[key] = frequency
    return log(1 + (view.size - frequency + 0.5) / (frequency + 0.5))


def _impacts(found: Postings, ids: Array, size: int) -> Array:
    """How much something counts in each of these documents, 0 where it is not."""
    if len(ids) * _FEW < len(found.ids):
        at = np.searchsorted(found.ids, ids.astype(found.ids.dtype))
        at[at == len(found.ids)] = 0
        return np.where(found.ids[at] == ids, found.impacts[at], np.float32(0))
    every = np.zeros(size, np.float32)
    every[found.ids] = found.impacts
    impacts: Array = every[ids]
    return impacts

"""Which documents of a snapshot satisfy the clauses of a query, and how well."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import log
from typing import Final

import numpy as np

from portal.kernel.fulltext.arrays import Array
from portal.kernel.fulltext.asked import Asked
from portal.kernel.fulltext.occurrences import NOTHING, Postings
from portal.kernel.fulltext.reading import Clause, Corrections, Reading, Word, is_correctable
from portal.kernel.fulltext.snapshot import Snapshot, View
from portal.kernel.fulltext.suggesting import spelled_alike

_FEW: Final = 16
_SOME: Final = 40
_MOST_FREQUENCIES: Final = 10_000
_LIKELIEST: Final = 256
_HINT: Final = 0.2
"""What a word of another name for what is asked counts, of the whole name's weight."""


class _Known:
    """What is known of a clause, which is kept with it."""

    __slots__ = ("clause", "ids", "others")

    def __init__(self, clause: Clause) -> None:
        self.clause = clause
        self.ids: Array | None = None
        self.others: Postings | None = None


class Matcher:
    """Matches for one query, among what its searcher may see."""

    def __init__(self, snapshot: Snapshot, view: View, asked: Asked) -> None:
        self._snapshot = snapshot
        self._view = view
        self._allowed = view.mask
        if asked.unwanted:
            self._allowed = view.mask.copy()
            for unit in asked.unwanted:
                self._allowed[snapshot.find(unit.terms).ids] = False
        # What is asked more than once while a query is read and ranked. To compare clauses with two
        # dozen names takes longer than what is looked for here.
        self._known: dict[int, _Known] = {}
        self._all: tuple[Sequence[Clause], Array] | None = None

    # Matching

    def finds_all(self, clauses: Sequence[Clause]) -> bool:
        return bool(len(self.all_of(clauses)))

    def finds_some(self, clauses: Sequence[Clause]) -> bool:
        return bool(len(self.some_of(clauses)))

    def matches(self, reading: Reading) -> Array:
        """The documents that match, ascending."""
        return (self.some_of if reading.is_loose else self.all_of)(reading.clauses)

    def all_of(self, clauses: Sequence[Clause]) -> Array:
        """The allowed documents that satisfy all clauses."""
        if self._all is None or self._all[0] is not clauses:
            self._all = (clauses, self._found(clauses))
        return self._all[1]

    def some_of(self, clauses: Sequence[Clause]) -> Array:
        """The allowed documents that satisfy what is required, or else have any of the words or,
        wherever they stand, all words of a name."""
        if required := [clause for clause in clauses if clause.is_required]:
            return self._found(required)
        found = [self._having(word) for clause in clauses for word in clause.words]
        found += [self._others(clause).ids for clause in clauses]
        found += [self._apart(clause) for clause in clauses if clause.others]
        ids = self._in_any(found).astype(np.intp)
        return ids[self._allowed[ids]]

    def _apart(self, clause: Clause) -> Array:
        """The documents with all words of a name for a clause, wherever they stand."""
        return self._snapshot.apart(
            clause.others, lambda: self._in_any(map(self._with_all, clause.scattered))
        )

    def _with_all(self, terms: Iterable[str]) -> Array:
        found = sorted((self._snapshot.find((term,)).ids for term in terms), key=len)
        return self._in_all(found[0], found[1:])

    def _found(self, clauses: Sequence[Clause]) -> Array:
        found = sorted((self._ids(clause) for clause in clauses), key=len)
        if not found:
            return self._allowed.nonzero()[0]
        ids = found[0].astype(np.intp)
        return self._in_all(ids[self._allowed[ids]], found[1:])

    def _known_of(self, clause: Clause) -> _Known:
        known = self._known.get(id(clause))
        if known is None:
            known = self._known[id(clause)] = _Known(clause)
        return known

    def _in_all(self, ids: Array, others: Iterable[Array]) -> Array:
        """Those of the documents that are among all of the others too."""
        for other in others:
            if not len(ids):
                break
            if len(ids) * _FEW < len(other):
                at = other.searchsorted(ids.astype(other.dtype))
                at[at == len(other)] = 0
                ids = ids[other[at] == ids]
            else:
                ids = ids[self._has(other)[ids]]
        return ids

    def _in_any(self, found: Iterable[Array]) -> Array:
        """The documents that are in any of these, ascending."""
        several = [ids for ids in found if len(ids)]
        if len(several) < 2:
            return several[0] if several else NOTHING.ids
        size = self._snapshot.size
        if sum(map(len, several)) > size // _SOME:
            # Of few a mask would take longer, and leave the caches full of it.
            has_any = np.zeros(size, bool)
            for ids in several:
                has_any[ids.astype(np.intp)] = True
            return has_any.nonzero()[0]
        merged = np.concatenate(several)
        merged.sort()
        is_new = np.empty(len(merged), bool)
        is_new[0] = True
        np.not_equal(merged[1:], merged[:-1], out=is_new[1:])
        return merged[is_new]

    def _has(self, ids: Array) -> Array:
        """For each document whether it is one of these."""
        has = np.zeros(self._snapshot.size, bool)
        # By numbers of this size a mask is set twice as fast.
        has[ids.astype(np.intp, copy=False)] = True
        return has

    def _only(self, clause: Clause) -> Postings | None:
        """The postings that are all of a clause, if it is so simple."""
        if len(clause.words) == 1 and len(clause.words[0].units) == 1 and not clause.others:
            return self._snapshot.find(clause.words[0].units[0])
        return None

    def _ids(self, clause: Clause) -> Array:
        """The documents that satisfy a clause, whoever may see them."""
        if (only := self._only(clause)) is not None:
            return only.ids
        known = self._known_of(clause)
        if known.ids is None:
            words = sorted((self._having(word) for word in clause.words), key=len)
            has_all = self._in_all(words[0], words[1:])
            known.ids = self._in_any((has_all, self._others(clause).ids))
        return known.ids

    def _having(self, word: Word) -> Array:
        """The documents with a word, or with any of its corrections."""
        return self._in_any(self._snapshot.find(unit).ids for unit in word.units)

    def _others(self, clause: Clause) -> Postings:
        """The documents with something that stands for the words, and how much that counts."""
        known = self._known_of(clause)
        if known.others is None:
            known.others = self._snapshot.find_best(clause.others) if clause.others else NOTHING
        return known.others

    # Correcting

    def corrections(self, asked: Asked, clauses: Sequence[Clause]) -> Corrections:
        corrections: dict[int, list[str]] = {}
        at = 0
        for clause in clauses:
            is_unknown = not self._view.mask[self._ids(clause)].any()
            for word in clause.words:
                if is_unknown and is_correctable(asked.wanted[at]) and not self._is_known(word):
                    spelling = asked.wanted[at].words[0]
                    if alike := spelled_alike(self._snapshot, spelling, self._view):
                        corrections[at] = alike
                at += 1
        return corrections

    def _is_known(self, word: Word) -> bool:
        found = (self._snapshot.find(unit).ids for unit in word.units)
        return any(self._view.mask[ids].any() for ids in found)

    # Ranking

    def score(self, reading: Reading, ids: Array) -> Array:
        """BM25 over weighted fields. Rarity is judged by visible documents, so that no score tells
        of others.

        What stands for words of the query counts as if it were all of them, times its weight; of it
        and the words themselves the best counts, and all together are as rare as the lot of them.
        Where some of the words suffice, single words of what stands for them count a little.
        """
        scores = np.zeros(len(ids), np.float32)
        for clause in reading.clauses:
            gained = np.zeros(len(ids), np.float32)
            rarities = 0.0
            for word in clause.words:
                rarity = self._rarity(clause, word)
                rarities += rarity
                for unit in word.units:
                    impacts = self._impacts(self._snapshot.find(unit), ids)
                    gained += np.float32(rarity * word.weight) * impacts
            if clause.others:
                others = np.float32(rarities) * self._impacts(self._others(clause), ids)
                np.maximum(gained, others, out=gained)
            scores += gained
        if reading.is_loose and reading.hints:
            self._add_hints(scores, reading, ids)
        return scores

    def _add_hints(self, scores: Array, reading: Reading, ids: Array) -> None:
        """Raise the likeliest by what else of the names is said in them."""
        places = (
            np.argpartition(-scores, _LIKELIEST)[:_LIKELIEST]
            if len(scores) > _LIKELIEST
            else np.arange(len(scores))
        )
        likeliest = ids[places]
        for term, weight in reading.hints.items():
            found = self._snapshot.find((term,))
            if len(found.ids):
                rarity = self._rarity_of(term, lambda its=found.ids: its)  # type: ignore[misc]
                counting = np.float32(_HINT * weight * rarity)
                scores[places] += counting * self._impacts(found, likeliest)

    def _rarity(self, clause: Clause, word: Word) -> float:
        def documents() -> Array:
            # Of a clause of one word, as nearly all are, that is known from matching.
            if len(clause.words) == 1:
                return self._ids(clause)
            return self._in_any((self._having(word), self._others(clause).ids))

        return self._rarity_of((word.units, clause.others), documents)

    def _rarity_of(self, key: object, documents: Callable[[], Array]) -> float:
        view = self._view
        if (frequency := view.frequencies.get(key)) is None:
            frequency = int(np.count_nonzero(view.mask.take(documents())))
            if len(view.frequencies) > _MOST_FREQUENCIES:
                view.frequencies.clear()
            view.frequencies[key] = frequency
        return log(1 + (view.size - frequency + 0.5) / (frequency + 0.5))

    def _impacts(self, found: Postings, ids: Array) -> Array:
        """How much something counts in each of these documents, 0 where it is not."""
        if len(ids) * _FEW < len(found.ids):
            at = found.ids.searchsorted(ids.astype(found.ids.dtype))
            at[at == len(found.ids)] = 0
            return np.where(found.ids[at] == ids, found.impacts[at], np.float32(0))
        every, its = self._snapshot.take_zeros(), found.ids.astype(np.intp)
        every[its] = found.impacts
        impacts: Array = every[ids]
        every[its] = 0
        self._snapshot.give_zeros(every)
        return impacts

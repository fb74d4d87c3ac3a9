"""Answers queries over a snapshot: who may see what, matching, counting, ranking.

Documents are numbers; a set of them is an ascending array of numbers, or a mask with one entry
for each document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from portal.kernel.fulltext.arrays import Array
from portal.kernel.fulltext.asked import Asked, understand
from portal.kernel.fulltext.highlighting import highlight
from portal.kernel.fulltext.matching import Matcher
from portal.kernel.fulltext.port import KIND_FACET, FacetValues, Hit, Key, Query, Results
from portal.kernel.fulltext.ranking import chords, miles_to, smallest, within
from portal.kernel.fulltext.reading import Reading, clauses_of, read
from portal.kernel.fulltext.rows import EPOCH, MICROSECOND, Kept
from portal.kernel.fulltext.snapshot import Counts, Snapshot

# More than any sum of impacts: a document with just the title asked for comes first.
_EXACT: Final = 1e6
# As Hit(…), at half the cost.
_new_hit: Final = tuple.__new__


def search(
    snapshot: Snapshot,
    query: Query,
    asked: Asked,
    reread: Callable[[str], Asked] = understand,
) -> Results:
    """`asked` is how the query's text is understood, `reread` how another spelling would be."""
    matcher = Matcher(snapshot, snapshot.visible_without(query.audience, query.hidden), asked)
    reading = read(asked, reread, matcher)
    found = matcher.matches(reading)
    base = _kept(snapshot, query, found)
    selected = _selected(query)
    chosen = {name: snapshot.facet_mask(name, values) for name, values in selected.items()}
    matching = _all_in(base, chosen.values())
    whole: Counts | None = None
    if base is found and not (asked.wanted or asked.unwanted or query.hidden):
        # Who looks around, without a word, sees what all others like them see.
        whole = snapshot.counts(query.audience, lambda: snapshot.facets.count(base))
    facets = _count(snapshot, base, matching, selected, chosen, whole)
    hits = _page(snapshot, query, asked, reading, matching, matcher)
    partial: tuple[Hit, ...] = ()
    if query.wants_partial(len(matching)) and reading.has_partial:
        some = _kept(snapshot, query, matcher.some_of(reading.clauses))
        some = _all_in(some, chosen.values())
        # Whatever has all of the words has some of them.
        is_other = np.ones(len(some), bool)
        is_other[some.searchsorted(matching)] = False
        rest = some[is_other]
        fitting = replace(query, limit=query.limit - len(hits))
        partial = _page(snapshot, fitting, asked, reading.loose, rest, matcher)
    return Results(
        total=len(matching),
        hits=hits,
        facets=facets,
        suggestion=reading.suggestion,
        is_fuzzy=reading.is_fuzzy,
        partial=partial,
    )


def matching(snapshot: Snapshot, query: Query, asked: Asked) -> frozenset[Key]:
    """Everything that has the words as typed, or what stands for them."""
    matcher = Matcher(snapshot, snapshot.visible_without(query.audience, query.hidden), asked)
    strict = matcher.all_of(clauses_of(asked))
    chosen = [snapshot.facet_mask(name, values) for name, values in _selected(query).items()]
    return frozenset(snapshot.keys(_all_in(_kept(snapshot, query, strict), chosen)))


# Filters


def _kept(snapshot: Snapshot, query: Query, ids: Array) -> Array:
    """Those that pass the filters which are not facets."""
    if query.among is not None:
        among = np.zeros(snapshot.size, bool)
        among[snapshot.numbers_of(query.among)] = True
        ids = ids[among[ids]]
    if query.updated_since is not None:
        since = (query.updated_since - EPOCH) // MICROSECOND
        ids = ids[snapshot.column("updated")[ids] >= since]
    return within(snapshot, ids, query.near) if query.near else ids


def _selected(query: Query) -> dict[str, frozenset[str]]:
    selected = {name: frozenset(values) for name, values in query.facets.items() if values}
    if query.kinds:
        selected[KIND_FACET] = query.kinds
    return selected


def _all_in(ids: Array, masks: Iterable[Array]) -> Array:
    for mask in masks:
        ids = ids[mask[ids]]
    return ids


# Ranking


def _page(
    snapshot: Snapshot,
    query: Query,
    asked: Asked,
    reading: Reading,
    ids: Array,
    matcher: Matcher,
) -> tuple[Hit, ...]:
    """The hits of the page asked for."""
    if not len(ids) or not query.limit:
        return ()
    by_relevance = query.sort == "relevance" and reading.clauses
    scores = matcher.score(reading, ids) if by_relevance else None
    places = _best(snapshot, query, asked, ids, scores)
    page = ids[places]
    shown = matcher.score(reading, page) if scores is None else scores[places]
    return _hits(snapshot, query, reading, page, shown.tolist())


def _best(
    snapshot: Snapshot, query: Query, asked: Asked, ids: Array, scores: Array | None
) -> Array:
    """The places among `ids` of the page asked for. (kind, id) decides between equals, so that no
    order is left to chance.
    """
    count = query.offset + query.limit
    ties = snapshot.identities
    if query.sort == "title":
        places = _by_title(snapshot, ids, count)
    elif query.sort == "distance" and query.near is not None:
        away = np.nan_to_num(chords(snapshot, ids, query.near), copy=False, nan=np.inf)
        places = smallest(away, ids, ties, count)
    elif scores is not None:
        exact = snapshot.headed(asked.title)
        if len(exact):
            at = ids.searchsorted(exact)
            at[at == len(ids)] = 0
            scores = scores.astype(np.float64)
            scores[at[ids[at] == exact]] += _EXACT
        places = smallest(-scores, ids, ties, count)
    else:
        places = smallest(-snapshot.column("updated")[ids], ids, ties, count)
    return places[query.offset :]


def _by_title(snapshot: Snapshot, ids: Array, count: int) -> Array:
    """Each segment knows the order of its own titles; the first of each are then compared."""
    first: list[tuple[bytes, int, int]] = []
    at = np.searchsorted(ids, [*snapshot.bases, snapshot.size]).tolist()
    for number, part in enumerate(snapshot.parts):
        span = slice(at[number], at[number + 1])
        ranks = part.files["heading"][ids[span] - snapshot.bases[number]]
        headings = part.lexicon("headings")
        for place in smallest(ranks, ids[span], snapshot.identities, count).tolist():
            own = at[number] + place
            first.append((headings[int(ranks[place])], int(snapshot.identities[ids[own]]), own))
    return np.array([place for _, _, place in sorted(first)[:count]], np.intp)


def _hits(
    snapshot: Snapshot, query: Query, reading: Reading, ids: Array, scores: list[float]
) -> tuple[Hit, ...]:
    numbers = ids.tolist()
    located = snapshot.located(numbers)
    shown = [snapshot.parts[part].shown(number) for part, number in located]
    highlights = highlight(snapshot, located, [its.record for its in shown], reading)
    away = [miles_to(snapshot, number, query.near) if query.near else None for number in numbers]
    return tuple(
        _new_hit(
            Hit,
            (kind, number, record.url, record.title, record.summary, record.organization,
             Kept(record.kept_facets), record.extra, updated_at, record.latitude, record.longitude,
             fragments, score, miles),
        )
        for (kind, number, updated_at, record), fragments, score, miles in zip(
            shown, highlights, scores, away, strict=True
        )
    )  # fmt: skip


def _count(
    snapshot: Snapshot,
    base: Array,
    matching: Array,
    selected: Mapping[str, frozenset[str]],
    chosen: Mapping[str, Array],
    whole: Counts | None,
) -> Counts:
    """The counts of all facets. whole: those of `base`, if they are known."""
    found = snapshot.facets.count(matching) if selected or whole is None else whole
    counts = {KIND_FACET: FacetValues((), ()), **found}
    for name, picked in selected.items():
        others = [mask for other, mask in chosen.items() if other != name]
        its = None if others else whole
        if its is None:
            its = snapshot.facets.count(_all_in(base, others))
        counts[name] = _with_chosen(its.get(name), picked)
    return {
        name: counts[name] for name in sorted(counts) if counts[name].names or name == KIND_FACET
    }


def _with_chosen(found: FacetValues | None, picked: frozenset[str]) -> FacetValues:
    """The values of a facet, those that were chosen among them even if no document has them."""
    names, counts = (found.names, found.counts) if found else ((), ())
    unseen = sorted(picked.difference(names))
    return FacetValues([*names, *unseen], [*counts, *[0] * len(unseen)], picked)

"""The places in a hit's texts that show why it was found.

The index knows at which characters the words of summary and body stand, so that no text is read
again to find them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from portal.kernel.fulltext.decoding import FIELDS
from portal.kernel.fulltext.language import terms_of, tokens, words_of
from portal.kernel.fulltext.port import MATCH, MATCH_END, Fragment
from portal.kernel.fulltext.rows import Record
from portal.kernel.fulltext.snapshot import Snapshot

MAX_FRAGMENTS: Final = 3
# Where a document's summary and body begin among its fields, and where the next document begins.
_EDGES: Final = np.array(((3,), (4,), (FIELDS,)))
_BEFORE: Final = 60
_LENGTH: Final = 180
# Fragments of this length cannot show more words than that.
_MAX_PLACES: Final = MAX_FRAGMENTS * _LENGTH

Span = tuple[int, int]


def highlight(
    snapshot: Snapshot,
    located: Sequence[tuple[int, int]],
    records: Sequence[Record],
    units: Collection[tuple[str, ...]],
) -> list[tuple[Fragment, ...]]:
    """For each document up to three fragments, from summary and body, else matching keywords."""
    if not units:
        return [()] * len(records)
    spans: list[tuple[list[Span], list[Span]]] = [([], [])] * len(records)
    for part in {part for part, _ in located}:
        places = [at for at, (its, _) in enumerate(located) if its == part]
        found = _spans(snapshot, part, [located[at][1] for at in places], units)
        for at, its in zip(places, found, strict=True):
            spans[at] = its
    firsts = {unit[0] for unit in units}
    return [_shown(record, its, units, firsts) for record, its in zip(records, spans, strict=True)]


def highlight_by_reading(
    record: Record, units: Collection[tuple[str, ...]]
) -> tuple[Fragment, ...]:
    """The same for one document of an index that does not know where its words stand."""
    if not units:
        return ()
    summary, body = (_matches(_read(text), units) for text in (record.summary, record.body))
    return _shown(record, (summary, body), units, {unit[0] for unit in units})


def _spans(
    snapshot: Snapshot, part: int, numbers: list[int], units: Collection[tuple[str, ...]]
) -> list[tuple[list[Span], list[Span]]]:
    """Where the units stand in summary and body of documents of one segment."""
    files = snapshot.parts[part].files
    edges = files["begins"][np.array(numbers, np.int64) * FIELDS + _EDGES]
    starts, widths = files["starts"].data, files["widths"].data
    spans: list[tuple[list[Span], list[Span]]] = [([], []) for _ in numbers]
    for unit in units:
        positions = snapshot.places(part, unit)
        if not len(positions):
            continue
        summaries, bodies, ends = positions.searchsorted(edges).tolist()
        # Most units stand in none of the documents, which lists of numbers tell the soonest.
        if summaries == ends:
            continue
        first_at, more = positions.data, len(unit) - 1
        for (in_summary, in_body), summary, body, end in zip(
            spans, summaries, bodies, ends, strict=True
        ):
            if summary == end:
                continue
            for its, start, to in ((in_summary, summary, body), (in_body, body, end)):
                for place in range(start, min(to, start + _MAX_PLACES)):
                    first = first_at[place]
                    last = first + more
                    its.append((starts[first], starts[last] + widths[last]))
    return [(_merged(summary), _merged(body)) for summary, body in spans]


def _merged(spans: list[Span]) -> list[Span]:
    """Spans put in order, those that overlap as one, without words too far on to have a place."""
    if not spans:
        return spans
    merged: list[Span] = []
    for start, end in sorted(spans):
        if start == end:
            continue
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _shown(
    record: Record,
    spans: tuple[list[Span], list[Span]],
    units: Collection[tuple[str, ...]],
    firsts: set[str],
) -> tuple[Fragment, ...]:
    """The fragments of a document. firsts: the first terms of the units."""
    fragments: list[Fragment] = []
    for text, its in zip((record.summary, record.body), spans, strict=True):
        if its:
            _add_fragments(fragments, text, its)
    if not fragments:
        for keyword in record.keywords:
            # Of a dozen keywords, one has the word at most.
            if firsts.isdisjoint(_terms(keyword)):
                continue
            if matches := _matches(_words(keyword), units):
                fragments.append(_cut(keyword, 0, len(keyword), matches))
                if len(fragments) == MAX_FRAGMENTS:
                    break
    return tuple(fragments)


def _read(text: str) -> tuple[tuple[str, int, int], ...]:
    return tuple((token.term, token.start, token.end) for token in tokens(text))


_words = lru_cache(maxsize=8192)(_read)


@lru_cache(maxsize=8192)
def _terms(text: str) -> frozenset[str]:
    return frozenset(terms_of(words_of(text)))


def _matches(
    words: Sequence[tuple[str, int, int]], units: Collection[tuple[str, ...]]
) -> list[Span]:
    terms = tuple(term for term, _, _ in words)
    spans = [
        (words[at][1], words[at + len(unit) - 1][2])
        for unit in units
        if unit[0] in terms
        for at in range(len(terms) - len(unit) + 1)
        if terms[at : at + len(unit)] == unit
    ]
    return _merged(spans)


def _add_fragments(fragments: list[Fragment], text: str, matches: list[Span]) -> None:
    """Cut a text into fragments around its matches, until there are enough."""
    at = shown = 0
    while at < len(matches) and len(fragments) < MAX_FRAGMENTS:
        start = max(shown, matches[at][0] - _BEFORE)
        if start > 0 and (space := text.find(" ", start, matches[at][0])) >= 0:
            start = space + 1
        end = max(start + _LENGTH, matches[at][1])
        if end < len(text) and (space := text.rfind(" ", matches[at][1], end)) >= 0:
            end = space
        following = at
        while following < len(matches) and matches[following][1] <= end:
            following += 1
        fragments.append(_cut(text, start, end, matches[at:following]))
        at, shown = following, end


def _cut(text: str, start: int, end: int, matches: list[Span]) -> Fragment:
    """The text from `start` to `end`, with an ellipsis where it is cut off."""
    marked = "… " if start > 0 else ""
    at = start
    for first, last in matches:
        marked += f"{text[at:first]}{MATCH}{text[first:last]}{MATCH_END}"
        at = last
    return Fragment(f"{marked}{text[at:end]}{' …' if end < len(text) else ''}")

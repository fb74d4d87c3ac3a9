"""The places in a hit's texts that show why it was found.

The index knows at which characters the words of summary and body stand, so that no text is read
again to find them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import compress, count, islice
from typing import Final

from portal.kernel.fulltext.decoding import FIELDS
from portal.kernel.fulltext.language import GAP, tokens
from portal.kernel.fulltext.port import MATCH, MATCH_END, Fragment
from portal.kernel.fulltext.reading import Reading
from portal.kernel.fulltext.rows import Record
from portal.kernel.fulltext.segment import Segment
from portal.kernel.fulltext.snapshot import Snapshot

MAX_FRAGMENTS: Final = 3
# Where keywords, summary and body stand among a document's fields.
_KEYWORDS: Final = 1
_SUMMARY: Final = 3
_BODY: Final = 4
_BEFORE: Final = 60
_LENGTH: Final = 180

Span = tuple[int, int]
# As Fragment(…), at half the cost.
_new_fragment: Final = tuple.__new__


def highlight(
    snapshot: Snapshot,
    located: Sequence[tuple[int, int]],
    records: Sequence[Record],
    reading: Reading,
) -> list[tuple[Fragment, ...]]:
    """For each document up to three fragments, from summary and body, else matching keywords."""
    if not reading.clauses:
        return [()] * len(records)
    texts = {part: _Texts(snapshot.parts[part], reading) for part in {part for part, _ in located}}
    return [
        texts[part].shown(number, record)
        for record, (part, number) in zip(records, located, strict=True)
    ]


def highlight_by_reading(record: Record, reading: Reading) -> tuple[Fragment, ...]:
    """The same for one document of an index that does not know where its words stand."""
    if not reading.clauses:
        return ()
    units = reading.units
    summary, body = (_matches(_read(text), units) for text in (record.summary, record.body))
    return _of_texts(record, summary, body) or _of_keywords(record.keywords, reading)


class _Texts:
    """Where what is looked for stands in the texts of one segment."""

    def __init__(self, segment: Segment, reading: Reading) -> None:
        files = segment.files
        self._reading = reading
        # One number of an array is looked at three times as fast without numpy.
        self._begins, self._at = files["begins"].data, files["at"].data
        self._starts, self._widths = files["starts"].data, files["widths"].data
        self._gap = (segment.numbers((GAP,)) or [-1])[0]
        # By the first term of each unit, the others.
        self._units: dict[int, list[list[int]]] = {}
        for unit in reading.units:
            if (numbers := segment.numbers(unit)) is not None:
                self._units.setdefault(numbers[0], []).append(numbers[1:])

    def shown(self, number: int, record: Record) -> tuple[Fragment, ...]:
        """The fragments of a document."""
        begins, field = self._begins, number * FIELDS
        first, middle = begins[field + _SUMMARY], begins[field + _BODY]
        starts, widths = self._starts, self._widths
        summary: list[Span] = []
        body: list[Span] = []
        for at, more in self._found(first, begins[field + FIELDS]):
            at += first
            last = at + more
            # A word too far on has no place.
            if width := widths[last]:
                start, end = starts[at], starts[last] + width
                its = summary if at < middle else body
                # Those that overlap become one.
                if its and start < its[-1][1]:
                    its[-1] = (its[-1][0], max(end, its[-1][1]))
                else:
                    its.append((start, end))
        if summary or body:
            return _of_texts(record, summary, body)
        if places := self._keywords(number):
            known = record.keywords
            return _of_keywords([known[at] for at in places], self._reading)
        return ()

    def _keywords(self, number: int) -> list[int]:
        """The places of a document's keywords that have a unit, ascending."""
        field = number * FIELDS + _KEYWORDS
        first, end = self._begins[field], self._begins[field + 1]
        words = self._at[first:end].tolist()
        return sorted({words[:at].count(self._gap) for at, _ in self._found(first, end)})

    def _found(self, first: int, end: int) -> list[tuple[int, int]]:
        """How far on units begin between two positions, and how many more terms they have."""
        units, words = self._units, self._at[first:end].tolist()
        found: list[tuple[int, int]] = []
        for at in compress(count(), map(units.__contains__, words)):
            for rest in units[words[at]]:
                if not rest:
                    found.append((at, 0))
                elif words[at + 1 : at + 1 + len(rest)] == rest:
                    found.append((at, len(rest)))
        return found


def _of_texts(record: Record, summary: list[Span], body: list[Span]) -> tuple[Fragment, ...]:
    fragments: list[Fragment] = []
    if summary:
        _add_fragments(fragments, record.summary, summary)
    if body and len(fragments) < MAX_FRAGMENTS:
        _add_fragments(fragments, record.body, body)
    return tuple(fragments)


def _of_keywords(keywords: Collection[str], reading: Reading) -> tuple[Fragment, ...]:
    """Those with the words as they were typed; only where none has them, what stands for them.

    Each has a word that those before it lack: other names of a thing would say the same again.
    """
    for units in (reading.typed, reading.units):
        if fragments := tuple(islice(_telling(keywords, units), MAX_FRAGMENTS)):
            return fragments
    return ()


def _telling(keywords: Collection[str], units: Collection[tuple[str, ...]]) -> Iterator[Fragment]:
    told: set[str] = set()
    for keyword in keywords:
        words = _words(keyword)
        its = _matches(words, units)
        marked = {term for term, at, _ in words for first, last in its if first <= at < last}
        if not marked <= told:
            told |= marked
            yield _cut(keyword, 0, len(keyword), its)


def _read(text: str) -> tuple[tuple[str, int, int], ...]:
    return tuple((token.term, token.start, token.end) for token in tokens(text))


_words = lru_cache(maxsize=8192)(_read)


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
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


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
    marked += f"{text[at:end]} …" if end < len(text) else text[at:end]
    return _new_fragment(Fragment, (marked,))

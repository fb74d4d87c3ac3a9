"""The places in a hit's texts that show why it was found.

Works on the stored texts with the terms of the query; the index is not asked again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from portal.kernel.fulltext.language import tokens
from portal.kernel.fulltext.port import Fragment
from portal.kernel.fulltext.segment import Stored

MAX_FRAGMENTS: Final = 3
_BEFORE: Final = 60
_LENGTH: Final = 180


def highlight(document: Stored, units: Collection[tuple[str, ...]]) -> tuple[Fragment, ...]:
    """Up to three fragments, from summary and body, else the keywords that match."""
    if not units:
        return ()
    fragments: list[Fragment] = []
    for text in (document.summary, document.body):
        for fragment in _fragments(text, _matches(text, units)):
            fragments.append(fragment)
            if len(fragments) == MAX_FRAGMENTS:
                return tuple(fragments)
    if not fragments:
        for keyword in document.keywords:
            if matches := _matches(keyword, units):
                fragments.append(_cut(keyword, 0, len(keyword), matches))
                if len(fragments) == MAX_FRAGMENTS:
                    break
    return tuple(fragments)


def _matches(text: str, units: Collection[tuple[str, ...]]) -> list[tuple[int, int]]:
    """The stretches of `text` that the units cover, in order and not overlapping."""
    by_first: dict[str, list[tuple[str, ...]]] = {}
    for unit in units:
        by_first.setdefault(unit[0], []).append(unit)
    words = list(tokens(text))
    found: list[tuple[int, int]] = []
    for at, word in enumerate(words):
        for unit in by_first.get(word.term, ()):
            stretch = words[at : at + len(unit)]
            if tuple(token.term for token in stretch) == unit:
                start, end = word.start, stretch[-1].end
                if found and start < found[-1][1]:
                    found[-1] = (found[-1][0], max(end, found[-1][1]))
                else:
                    found.append((start, end))
    return found


def _fragments(text: str, matches: list[tuple[int, int]]) -> Iterator[Fragment]:
    at = shown = 0
    while at < len(matches):
        start = max(shown, matches[at][0] - _BEFORE)
        if start > 0 and (space := text.find(" ", start, matches[at][0])) >= 0:
            start = space + 1
        end = max(start + _LENGTH, matches[at][1])
        if end < len(text) and (space := text.rfind(" ", matches[at][1], end)) >= 0:
            end = space
        inside = [match for match in matches[at:] if match[1] <= end]
        yield _cut(text, start, end, inside)
        at += len(inside)
        shown = end


def _cut(text: str, start: int, end: int, matches: list[tuple[int, int]]) -> Fragment:
    """The text from `start` to `end` as spans, with an ellipsis where it is cut off."""
    spans: list[tuple[str, bool]] = []
    if start > 0:
        spans.append(("… ", False))
    at = start
    for first, last in matches:
        if first > at:
            spans.append((text[at:first], False))
        spans.append((text[first:last], True))
        at = last
    if at < min(end, len(text)):
        spans.append((text[at:end], False))
    if end < len(text):
        spans.append((" …", False))
    return Fragment(tuple(spans))

"""One immutable segment as mapped arrays: postings, phrases, columns, texts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from pickle import loads
from typing import Any, Final, NamedTuple

import numpy as np

from portal.kernel.fulltext import arrays, decoding
from portal.kernel.fulltext.arrays import Array, BadFile, Lexicon, ranges
from portal.kernel.fulltext.language import Terms
from portal.kernel.fulltext.occurrences import (
    FEWEST_DOCUMENTS,
    NOTHING,
    Occurrences,
    Postings,
    bounds,
    open_phrases,
    write_phrases,
)
from portal.kernel.fulltext.port import IndexUnavailable
from portal.kernel.fulltext.rows import EPOCH, FORMAT, MICROSECOND, Record

_FEW: Final = 8
_KNOWN: Final = 2_000
_MOST_KNOWN: Final = 10_000
_UNKNOWN: Final = -1


class Shown(NamedTuple):
    """A document as it is shown."""

    kind: str
    id: int
    updated_at: datetime
    record: Record


# As Shown(…) and Record(…), at half the cost: every row of a page is one.
_new_shown: Final = tuple.__new__
_new_record: Final = tuple.__new__


def file_of(folder: Path, entry: Any) -> Path:
    """The file of a segment's arrays; Whoosh deletes it with the segment, for its name."""
    return folder / f"{entry.segment_id()}.arrays"


def prepare(storage: Any, folder: Path, entry: Any) -> None:
    """Write a segment's arrays unless they are there already."""
    try:
        arrays.open_file(file_of(folder, entry), _label(folder, entry))
    except (BadFile, OSError):
        arrays.write(
            file_of(folder, entry), _label(folder, entry), decoding.parts_of(storage, entry)
        )


def prepare_phrases(
    storage: Any, folder: Path, entry: Any, phrases: Callable[[], Collection[Terms]]
) -> None:
    """Write where phrases stand in a segment, if it is large and nobody has done so."""
    if entry.doc_count_all() < FEWEST_DOCUMENTS:
        return
    path, label = _phrases_file(folder, entry), _label(folder, entry)
    if open_phrases(path, label) is None and (wanted := phrases()):
        segment = open_segment(storage, folder, entry)
        found = {terms: segment.having(segment.together(terms)) for terms in wanted}
        write_phrases(path, label, found)


def _phrases_file(folder: Path, entry: Any) -> Path:
    return folder / f"{entry.segment_id()}.phrases"


def _label(folder: Path, entry: Any) -> str:
    """Says what the arrays were made of, so that neither outlives a change of the other."""
    size = 0
    if entry.is_compound():
        size = (folder / entry.make_filename(".seg")).stat().st_size
    return f"{FORMAT} {entry.segment_id()} {entry.doc_count_all()} {size}"


def open_segment(storage: Any, folder: Path, entry: Any) -> Segment:
    """Map a segment's arrays, which are made first if its writer did not come to it."""
    path, label = file_of(folder, entry), _label(folder, entry)
    try:
        try:
            segment = Segment(arrays.open_file(path, label))
        except (BadFile, FileNotFoundError):
            segment = Segment(_made(storage, entry, path, label))
        segment.look_for_phrases(folder, entry)
        return segment
    except OSError:
        raise
    except Exception as error:
        # A damaged file fails in as many ways as there are formats in it.
        raise IndexUnavailable(f"The search index cannot be read: {error!r}") from error


def _made(storage: Any, entry: Any, path: Path, label: str) -> dict[str, Array]:
    try:
        arrays.write(path, label, decoding.parts_of(storage, entry))
        return arrays.open_file(path, label)
    except OSError:
        # The disk is full, or not ours to write on: the memory will do until the next commit.
        return arrays.in_memory(decoding.parts_of(storage, entry))


class Segment:
    """See `decoding` for the arrays. Deleted documents are still in it: deletion is the only thing
    that changes about a segment, so it is kept outside, by the snapshot.
    """

    def __init__(self, files: dict[str, Array]) -> None:
        self.files = files
        self.size = len(files["kind"])
        self._terms = Occurrences(files)
        self._position_ends = files["position_ends"].data
        self._phrases: Occurrences | None = None
        self._lexicons: dict[str, Lexicon] = {}
        # The names of a thing are asked for with each query that names it.
        self.numbers = lru_cache(_KNOWN)(self._numbers)
        # The words of those names come again in others.
        self._known: dict[str, int | None] = {}
        # One number of an array is looked at three times as fast without numpy.
        self._records = tuple(
            files[name].data for name in ("kind", "id", "updated", "record_ends", "record")
        )

    def lexicon(self, name: str) -> Lexicon:
        if name not in self._lexicons:
            self._lexicons[name] = Lexicon(self.files, name)
        return self._lexicons[name]

    # Text

    def look_for_phrases(self, folder: Path, entry: Any) -> None:
        """Know of the phrases that were written since the segment was."""
        if self._phrases is None and self.size >= FEWEST_DOCUMENTS:
            self._phrases = open_phrases(_phrases_file(folder, entry), _label(folder, entry))

    def postings(self, terms: Terms) -> Postings | None:
        """The documents with a term, or with a phrase; None if that has to be looked for."""
        if len(terms) == 1:
            return self._terms.find(terms) or NOTHING
        return self._phrases.find(terms) if self._phrases is not None else None

    def _numbers(self, terms: Terms) -> list[int] | None:
        """The numbers of terms; None if one of them stands nowhere."""
        known = self._known
        if len(known) > _MOST_KNOWN:
            known.clear()
        found: list[int] = []
        for term in terms:
            number = known.get(term, _UNKNOWN)
            if number == _UNKNOWN:
                number = known[term] = self._terms.number(term)
            if number is None:
                return None
            found.append(number)
        return found

    def _positions(self, term: str) -> Array:
        number = self._terms.number(term)
        start, end = (0, 0) if number is None else bounds(self._position_ends, number)
        return self.files["positions"][start:end]

    def together(self, terms: Terms) -> Array:
        """The positions (uint32, ascending) at which several terms follow each other."""
        found = [self._positions(term) for term in terms]
        rarest = min(range(len(terms)), key=lambda at: len(found[at]))
        # What begins before 0 wraps around, and then stands nowhere.
        first = found[rarest] - np.uint32(rarest)
        for distance in sorted(range(len(terms)), key=lambda at: len(found[at])):
            if distance != rarest and len(first):
                first = _common(first, found[distance], distance)
        return first

    def having(self, positions: Array) -> Postings:
        """The documents with these positions, at which some phrase stands."""
        if not len(positions):
            return NOTHING
        return Postings(*decoding.impacts_at(self.files["begins"], positions))

    # Documents by something

    def documents(self, name: str, value: str) -> Array:
        """Those with just this audience, heading, word …"""
        at = self.lexicon(name).find(value.encode("utf-8", "replace"))
        if at is None:
            return self.files[f"{name}.ids"][:0]
        ptr = self.files[f"{name}.ptr"]
        return self.files[f"{name}.ids"][ptr[at] : ptr[at + 1]]

    def beginning_with(self, name: str, prefix: str) -> Array:
        """Those with a value that begins so, in the order of the values, some perhaps repeated."""
        first, last = self.lexicon(name).beginning_with(prefix.encode())
        ptr = self.files[f"{name}.ptr"]
        return self.files[f"{name}.ids"][ptr[first] : ptr[last]]

    def numbers_of(self, kind: str, ids: Array) -> Array:
        """The documents of a kind with these ids (int64), as far as there are any."""
        code = self.lexicon("kinds").find(kind.encode("utf-8", "replace"))
        if code is None:
            return self.files["by_key"][:0]
        keys, wanted = self.files["keys"], decoding.key_of(code, ids)
        # A key may have several documents here, deleted ones among them.
        first, last = np.searchsorted(keys, wanted), np.searchsorted(keys, wanted, side="right")
        found: Array = self.files["by_key"][ranges(first, last - first)]
        return found

    @cached_property
    def kinds(self) -> list[str]:
        return self.lexicon("kinds").words()

    @cached_property
    def words_by_length(self) -> dict[int, tuple[list[str], Array]]:
        """Every word of letters in the segment, not stemmed, whoever may see it; and its letters
        as bits.
        """
        words = self.lexicon("words").words()
        letters = letters_of(self.files["words.text"])
        ends = self.files["words.ends"]
        if words:
            letters = np.bitwise_or.reduceat(letters, np.concatenate((ends[:1] * 0, ends[:-1])))
        places: dict[int, list[int]] = {}
        for at, word in enumerate(words):
            places.setdefault(len(word), []).append(at)
        return {size: ([words[at] for at in its], letters[its]) for size, its in places.items()}

    def shown(self, number: int) -> Shown:
        kinds, ids, updated, ends, records = self._records
        content = records[ends[number - 1] if number else 0 : ends[number]]
        # As `decode`, which a page would call twenty times.
        record = _new_record(Record, loads(content))  # noqa: S301 - our own index
        changed = EPOCH + updated[number] * MICROSECOND
        return _new_shown(Shown, (self.kinds[kinds[number]], ids[number], changed, record))


def letters_of(octets: Array) -> Array:
    """For each byte of a word one of 32 bits (uint32): its letter's, none if it is not ASCII."""
    bits = np.left_shift(np.uint32(1), octets & np.uint8(31), dtype=np.uint32)
    return np.where(octets < 128, bits, np.uint32(0))


def _common(first: Array, other: Array, distance: int) -> Array:
    """Those of `first` which, so much later, are in `other` too."""
    wanted = first + np.uint32(distance)
    if len(wanted) * _FEW < len(other):
        at = np.searchsorted(other, wanted)
        at[at == len(other)] = 0
        return first[other[at] == wanted]
    # Two ascending runs are merged faster than one is looked up in the other.
    merged = np.concatenate((wanted, other))
    merged.sort(kind="stable")
    return merged[:-1][merged[1:] == merged[:-1]] - np.uint32(distance)

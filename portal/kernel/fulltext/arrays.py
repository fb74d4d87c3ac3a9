"""Named arrays in one file: written once, then mapped into the memory that all processes share."""

from __future__ import annotations

import mmap
import os
import struct
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, TypeAlias
from zlib import crc32

import numpy as np

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Part: TypeAlias = tuple[str, Sequence[Array]]
"""A name, and the pieces of its array, all of one type; there is at least one."""

_MAGIC: Final = b"Arrays 2"
_HEADER: Final = struct.Struct("<8sQQQ")
_ALIGNMENT: Final = 64
# So much is checked quickly. More is brought to the disk before it gets its name instead, as that
# costs little beside writing it; a small file would take ten times as long.
_CHECKED_BYTES: Final = 4 * 2**20
# The places of so many words are remembered, as the same words are asked again and again.
_KNOWN: Final = 5_000
_UNKNOWN: Final = -1
_STEP: Final = 32
# A system that is asked for one page of a file maps so many bytes around it as well.
_MAPPED_AT_ONCE: Final = 64 * 1024


class BadFile(Exception):
    """The file is not whole, or not about what it should be."""


def write(path: Path, label: str, parts: Iterable[Part]) -> None:
    """Write arrays and a label of one line. Nobody ever sees less than the whole file, not even
    after a power cut.
    """
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with fresh.open("wb") as file:
            file.write(bytes(_ALIGNMENT))
            lines = [label]
            size, checksum = _ALIGNMENT, 0
            for name, pieces in parts:
                count = sum(len(piece) for piece in pieces)
                lines.append(f"{name} {pieces[0].dtype.str} {size} {count}")
                contents = [np.ascontiguousarray(piece).view(np.uint8) for piece in pieces]
                length = sum(len(content) for content in contents)
                contents.append(np.zeros(-length % _ALIGNMENT, np.uint8))
                for content in contents:
                    file.write(content.data)
                    checksum = crc32(content.data, checksum)
                    size += len(content)
            start, directory = size, "\n".join(lines).encode()
            file.write(directory)
            size += len(directory)
            file.seek(0)
            file.write(_HEADER.pack(_MAGIC, start, size, crc32(directory, checksum)))
            if size > _CHECKED_BYTES:
                file.flush()
                os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        if fresh.is_file():
            fresh.unlink()
        raise


def open_file(path: Path, label: str) -> dict[str, Array]:
    """Map the arrays of a file with this label into memory.

    Raises `BadFile`, or OSError if it cannot be opened.
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size < _ALIGNMENT:
            raise BadFile(f"{path.name} is cut short")
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    magic, start, size, checksum = _HEADER.unpack_from(content)
    if magic != _MAGIC or size != len(content) or not _ALIGNMENT <= start <= size:
        raise BadFile(f"{path.name} is no whole file of arrays")
    if size <= _CHECKED_BYTES and checksum != crc32(memoryview(content)[_ALIGNMENT:]):
        raise BadFile(f"{path.name} is damaged")
    found, *lines = content[start:].decode("utf-8", "replace").split("\n")
    if found != label:
        raise BadFile(f"{path.name} is about something else: {found!r}")
    if hasattr(mmap, "MADV_WILLNEED"):
        content.madvise(mmap.MADV_WILLNEED)
    arrays: dict[str, Array] = {}
    try:
        for line in lines:
            name, kind, at, count = line.split(" ")
            arrays[name] = np.frombuffer(content, kind, int(count), int(at))
    except (TypeError, ValueError) as error:
        raise BadFile(f"{path.name} has a damaged directory") from error
    return arrays


def touch(arrays: Iterable[Array], most_bytes: int) -> int:
    """Have arrays read from the disk and mapped, while they are within so many bytes together.

    Return how many they were. Whoever reads a page of a file first waits for that otherwise.
    """
    touched = 0
    for array in arrays:
        touched += array.nbytes
        if touched > most_bytes:
            return touched - array.nbytes
        array.view(np.uint8)[::_MAPPED_AT_ONCE].max(initial=0)
    return touched


def in_memory(parts: Iterable[Part]) -> dict[str, Array]:
    """The same arrays without a file."""
    return {name: np.concatenate(pieces) for name, pieces in parts}


def ranges(starts: Array, counts: Array) -> Array:
    """The numbers from each start on, so many, one range after the other."""
    ends = np.cumsum(counts)
    found: Array = np.repeat(starts - (ends - counts), counts)
    found += np.arange(len(found))
    return found


class Lexicon:
    """Distinct byte strings, sorted: all of them in one text, and where each ends in it."""

    def __init__(self, arrays: Mapping[str, Array], name: str) -> None:
        self._text = arrays[f"{name}.text"].data
        self._ends = arrays[f"{name}.ends"].data
        self._known: dict[bytes, int | None] = {}

    @staticmethod
    def parts(name: str, words: Sequence[bytes]) -> list[Part]:
        """The arrays of a lexicon of these words, which are sorted."""
        ends = np.cumsum(np.fromiter(map(len, words), np.uint32, len(words)), dtype=np.uint32)
        text = np.frombuffer(b"".join(words), np.uint8)
        return [(f"{name}.text", [text]), (f"{name}.ends", [ends])]

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, at: int) -> bytes:
        return bytes(self._text[self._ends[at - 1] if at else 0 : self._ends[at]])

    def words(self) -> list[str]:
        text, ends = bytes(self._text), self._ends.tolist()
        return [text[start:end].decode() for start, end in pairwise([0, *ends])]

    def lengths(self) -> Array:
        """Of each word, in bytes."""
        return np.diff(np.frombuffer(self._ends, np.uint32), prepend=np.uint32(0))

    def first(self, word: bytes) -> int:
        """Where the words begin that are not less than this."""
        last = bisect_left(self._steps, word) * _STEP
        first, last = max(last - _STEP, 0), min(last, len(self._ends))
        # As `bisect_left` does, which asks for each word in three calls.
        text, ends = self._text, self._ends
        while first < last:
            middle = (first + last) // 2
            if bytes(text[ends[middle - 1] if middle else 0 : ends[middle]]) < word:
                first = middle + 1
            else:
                last = middle
        return first

    @cached_property
    def _steps(self) -> list[bytes]:
        """Some of the words, for most of the way to any of them."""
        return [self[at] for at in range(0, len(self), _STEP)]

    def find(self, word: bytes) -> int | None:
        known = self._known.get(word, _UNKNOWN)
        if known != _UNKNOWN:
            return known
        at, ends = self.first(word), self._ends
        found = None
        if at < len(ends) and self._text[ends[at - 1] if at else 0 : ends[at]] == word:
            found = at
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[word] = found
        return found

    def beginning_with(self, prefix: bytes) -> tuple[int, int]:
        """Where the words with this beginning stand. UTF-8 has no byte 255."""
        return self.first(prefix), self.first(prefix + b"\xff")

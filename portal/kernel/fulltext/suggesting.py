"""What somebody may have meant: records whose names begin so, words that are spelled alike."""

from __future__ import annotations

from typing import Final

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from portal.kernel.fulltext.language import words_of
from portal.kernel.fulltext.port import Suggestion
from portal.kernel.fulltext.ranking import smallest
from portal.kernel.fulltext.reading import likeliest, most_slips
from portal.kernel.fulltext.segment import letters_of
from portal.kernel.fulltext.snapshot import Snapshot, View

MAX_SUGGESTIONS: Final = 50
_MAX_PREFIX_WORDS: Final = 8


def suggest(
    snapshot: Snapshot, prefix: str, audience: frozenset[str], limit: int
) -> tuple[Suggestion, ...]:
    """First what is headed by all that is typed, then what has it in the title, then the rest."""
    words = list(dict.fromkeys(words_of(prefix[:100])[:_MAX_PREFIX_WORDS]))
    typed = " ".join(words_of(prefix[:100])[:_MAX_PREFIX_WORDS])
    limit = min(limit, MAX_SUGGESTIONS)
    if not words or limit <= 0:
        return ()
    view = snapshot.visible(audience)
    found: list[tuple[int, bytes, int, int, int]] = []
    for number, part in enumerate(snapshot.parts):
        base = snapshot.bases[number]
        mask = view.mask[base : base + part.size].copy()
        for word in words:
            has = np.zeros(part.size, bool)
            has[part.beginning_with("names", word)] = True
            mask &= has
        in_title = mask.copy()
        for word in words:
            has = np.zeros(part.size, bool)
            has[part.beginning_with("titles", word)] = True
            in_title &= has
        heads = part.beginning_with("headings", typed)
        headed = np.zeros(part.size, bool)
        headed[heads[mask[heads]]] = True
        in_title &= ~headed
        mask &= ~(headed | in_title)
        ranks, headings = part.files["heading"], part.lexicon("headings")
        missing = limit
        for rank, those in enumerate((headed, in_title, mask)):
            ids = np.flatnonzero(those)
            if len(ids) and missing > 0:
                ties = snapshot.identities[base : base + part.size]
                for at in smallest(ranks[ids], ids, ties, missing).tolist():
                    own = int(ids[at])
                    found.append((rank, headings[int(ranks[own])], int(ties[own]), number, own))
                missing -= len(ids)
    by_kind: dict[str, list[Suggestion]] = {}
    for _, _, _, at, own in sorted(found)[:limit]:
        its = snapshot.parts[at].shown(own)
        offered = Suggestion(its.kind, its.id, its.record.title, its.record.url)
        by_kind.setdefault(its.kind, []).append(offered)
    return tuple(suggestion for group in by_kind.values() for suggestion in group)


def spelled_alike(snapshot: Snapshot, word: str, view: View) -> list[str]:
    """The words of visible documents closest to a word nobody wrote, the most frequent first."""
    distance = most_slips(word)
    letters = np.bitwise_or.reduce(letters_of(np.frombuffer(word.encode(), np.uint8)))
    candidates: set[str] = set()
    for part in snapshot.parts:
        for length in range(len(word) - distance, len(word) + distance + 1):
            if length in part.words_by_length:
                words, their = part.words_by_length[length]
                # A slip changes two letters at most; this leaves few words to be compared.
                near = np.bitwise_count(their ^ letters) <= 2 * distance
                candidates.update(map(words.__getitem__, np.flatnonzero(near).tolist()))
    found = process.extract(
        word, candidates, scorer=OSA.distance, score_cutoff=distance, limit=None
    )
    alike = {other: int(away) for other, away, _ in found}
    for away in range(1, distance + 1):
        # Words are tried against what is visible before anything is said about them.
        nearest = [other for other, its in alike.items() if its == away]
        if seen := likeliest(word, {other: _count(snapshot, other, view) for other in nearest}):
            return seen
    return []


def _count(snapshot: Snapshot, word: str, view: View) -> int:
    ids = snapshot.gather(lambda part: part.documents("words", word))
    return int(np.count_nonzero(view.mask[ids]))

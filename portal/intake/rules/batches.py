"""Batches of rows that are written at once, and rooms that two batches want at the same times."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence

from flask_babel import format_date
from flask_babel import gettext as _

from portal.bookings.rules.attempt import Span
from portal.intake.rules.rows import Candidate, Finding

BATCH = 100

#: So many meetings, each with its room, are about as much as such a batch.
MOST_MEETINGS_AT_ONCE = 400

#: So many meetings of a file are compared with each other before any is written.
MOST_MEETINGS_FORESEEN = 50_000


def next_batch(candidates: Sequence[Candidate], position: int) -> Sequence[Candidate]:
    """Return those that one transaction writes: one at least, and no more than others can await."""
    meetings = 0
    batch = candidates[position : position + BATCH]
    for place, candidate in enumerate(batch):
        meetings += len(_meetings_of(candidate))
        if place and meetings > MOST_MEETINGS_AT_ONCE:
            return batch[:place]
    return batch


def find_rooms_wanted_twice(candidates: Sequence[Candidate]) -> list[Finding]:
    """Return a note for each section whose room is wanted at its times by an earlier batch."""
    taken: dict[str, list[Span]] = {}
    found: list[Finding] = []
    position = looked_at = 0
    while position < len(candidates):
        batch = next_batch(candidates, position)
        position += len(batch)
        wanted: dict[str, list[Span]] = defaultdict(list)
        for candidate in batch:
            room = str(candidate.values.get("facility") or "").casefold()
            spans = _meetings_of(candidate) if room and candidate.is_good else []
            looked_at += len(spans)
            column = candidate.columns.get("facility_id", "")
            if looked_at > MOST_MEETINGS_FORESEEN:
                message = _("From here on, the check does not compare the rooms of rows.")
                return [*found, Finding(candidate.line, column, message, "note")]
            wanted[room] += spans
            clash = next((span for span in spans if _is_taken(taken.get(room, []), span)), None)
            if clash is not None:
                message = _(
                    "An earlier row wants the same room on %(day)s. Unless it holds both, this row "
                    "will be left out.",
                    day=format_date(clash.starts_at.date()),
                )
                found.append(Finding(candidate.line, column, message, "note"))
        for room, spans in wanted.items():
            taken[room] = _merged([*taken.get(room, []), *spans])
    return found


def _meetings_of(candidate: Candidate) -> list[Span]:
    # Which zone it is does not matter: a room has one.
    schedule = candidate.values.get("schedule")
    return schedule.spans("UTC") if schedule is not None else []


def _is_taken(taken: Sequence[Span], span: Span) -> bool:
    """Tell whether a span overlaps one of these, which are apart and in order."""
    place = bisect_left(taken, span.ends_at, key=lambda one: one.starts_at)
    return place > 0 and taken[place - 1].ends_at > span.starts_at


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Return what spans cover together: apart, and in order."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda one: one.starts_at):
        if merged and span.starts_at <= merged[-1].ends_at:
            ends_at = max(merged[-1].ends_at, span.ends_at)
            merged[-1] = Span(merged[-1].starts_at, ends_at)
        else:
            merged.append(span)
    return merged

"""A resource's days as people read them: what is free, taken or closed when, as list and as table.

Pure. A day is that of the resource's zone and may have 23 or 25 hours; its blocks never do more
than that day, and leave no gap in it.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from portal.bookings.rules.attempt import BookingRules, Hours, Span
from portal.bookings.rules.hours import instant_at, is_on_slot, slot_marks
from portal.kernel.times import write_time

_DAY = dt.timedelta(days=1)
_DAY_MINUTES = 24 * 60
_MINUTE = dt.timedelta(minutes=1)

#: Rows of a table stand for so many minutes, the largest of these that divides all edges.
STEPS = (60, 30, 20, 15, 10, 5)
#: Where none of them does: edges are then drawn to the row around them.
_USUAL_STEP = 15
#: What is drawn where several kinds of time share a row.
_WEIGHTS = {"busy": 6, "requested": 5, "outage": 4, "closure": 3, "blocking": 3, "free": 2}
_USUAL_HOURS = (8 * 60, 17 * 60)


@dataclass(frozen=True)
class Block:
    """Time that is all the same.

    kind: "free", "busy", "requested", one of `words.CLOSURE_KINDS`, "shut" (outside of the hours)
    or "idle" (open, but nobody can book it: it is over, too soon, or kept apart).
    about: the booking, closure, or whole free span that it is a part of.
    """

    kind: str
    span: Span
    about: Any = None


@dataclass(frozen=True)
class Day:
    """A date with its blocks in order. changes_clock: the day has more or less than 24 hours."""

    date: dt.date
    blocks: tuple[Block, ...]
    changes_clock: bool = False

    @property
    def hours(self) -> list[Span]:
        """When it is open on this day, whether or not it can be booked then."""
        found: list[Span] = []
        for block in self.blocks:
            if block.kind == "shut":
                continue
            if found and found[-1].ends_at == block.span.starts_at:
                found[-1] = Span(found[-1].starts_at, block.span.ends_at)
            else:
                found.append(block.span)
        return found


@dataclass(frozen=True)
class Cell:
    """A block in a column of a table, over so many rows."""

    block: Block
    rows: int


@dataclass(frozen=True)
class Row:
    """A row of a table: the cells that begin in it, and the time where a label stands beside it.

    label_rows: over how many rows the label reaches; 0: the label of an earlier row still does.
    """

    label: str
    label_rows: int
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Table:
    """Days side by side, on one axis of time. step: the minutes of a row."""

    step: int
    rows: tuple[Row, ...]


def day_span(zone: str, date: dt.date) -> Span:
    """Return a date of a zone from midnight to midnight."""
    return Span(instant_at(zone, date), instant_at(zone, date + _DAY))


def moments_at(zone: str, date: dt.date, minutes: int) -> list[dt.datetime]:
    """Return the instants at which clocks of a zone show a time: two where it comes again.

    minutes: after midnight, the next midnight included. Of a time that is skipped, the skip.
    """
    first = instant_at(zone, date, minutes)
    shown = dt.datetime.combine(date, dt.time()) + minutes * _MINUTE
    place = ZoneInfo(zone)
    again = shown.replace(tzinfo=place, fold=1).astimezone(dt.UTC)
    is_twice = again > first and again.astimezone(place).replace(tzinfo=None) == shown
    return [first, again] if is_twice else [first]


def paint(zone: str, date: dt.date, layers: Sequence[Block]) -> Day:
    """Return a date on which the layers lie over each other, later ones on top."""
    whole = day_span(zone, date)
    near = [layer for layer in layers if layer.span.overlaps(whole)]
    edges = {whole.starts_at, whole.ends_at}
    for layer in near:
        edges |= {
            edge
            for edge in (layer.span.starts_at, layer.span.ends_at)
            if whole.starts_at < edge < whole.ends_at
        }
    blocks: list[Block] = []
    for begins, ends in pairwise(sorted(edges)):
        top = next(
            (
                layer
                for layer in reversed(near)
                if layer.span.starts_at <= begins and ends <= layer.span.ends_at
            ),
            Block("idle", whole),
        )
        last = blocks[-1] if blocks else None
        if last is not None and (last.kind, last.about) == (top.kind, top.about):
            blocks[-1] = Block(last.kind, Span(last.span.starts_at, ends), last.about)
        else:
            blocks.append(Block(top.kind, Span(begins, ends), top.about))
    return Day(date, tuple(blocks), whole.minutes != _DAY_MINUTES)


def usual_end(starts_at: dt.datetime, free: Span, rules: BookingRules) -> dt.datetime:
    """Return when a booking would end that begins at a time of a free span: an hour, or as allowed.

    It is as long as the rules ask for, in whole slots, and ends with the span at the latest.
    """
    slot = rules.slot_minutes
    wanted = -(-max(rules.min_length_minutes, 60) // slot) * slot
    if rules.max_length_minutes is not None:
        wanted = max(min(wanted, rules.max_length_minutes // slot * slot), slot)
    return min(starts_at + wanted * _MINUTE, free.ends_at)


def starts_in(block: Block, hours: Hours, rules: BookingRules) -> list[dt.datetime]:
    """Return at which times of a free block a booking is offered: about every hour, on its slots.

    The first is that of the block; all leave time for the shortest booking before the free span
    that the block is a part of ends.
    """
    free: Span = block.about
    least = rules.min_length_minutes * _MINUTE
    marks = [
        mark
        for mark in slot_marks(hours, rules.slot_minutes, block.span)
        if block.span.starts_at < mark < block.span.ends_at and mark + least <= free.ends_at
    ]
    zone = ZoneInfo(hours.zone)
    if any(not mark.astimezone(zone).minute for mark in marks):
        marks = [mark for mark in marks if not mark.astimezone(zone).minute]
    found = [block.span.starts_at] if _may_begin(block, hours, rules) else []
    for mark in marks:
        if not found or mark - found[-1] >= dt.timedelta(minutes=30):
            found.append(mark)
    return found


def _may_begin(block: Block, hours: Hours, rules: BookingRules) -> bool:
    """Tell whether a booking fits in from the block's own begin; not if that is only midnight."""
    free: Span = block.about
    begins = block.span.starts_at
    return is_on_slot(hours, rules.slot_minutes, begins, is_end=False) and (
        begins + rules.min_length_minutes * _MINUTE <= free.ends_at
    )


def draw(days: Sequence[Day], hours: Hours, rules: BookingRules) -> Table:
    """Return days as a table; free blocks are cut where a booking is offered.

    Rows follow the clock on the wall. On a night on which it is set back its hour stands twice,
    and the columns of other days reach over it; on one on which it is set forward, that day's does.
    """
    zone = hours.zone
    columns = [
        [piece for block in day.blocks for piece in _pieces(block, hours, rules)] for day in days
    ]
    first, last = _bounds(zone, days)
    step = _step(zone, days, columns, first)
    keys = [_keys(zone, day.date, first, last, step) for day in days]
    axis = max(keys, key=len)
    drawn = [
        _column(axis, dict(found), blocks, step)
        for found, blocks in zip(keys, columns, strict=True)
    ]
    labels = _labels([key for key, _moment in axis])
    return Table(
        step,
        tuple(
            Row(text, reach, tuple(column[number] for column in drawn))
            for number, (text, reach) in enumerate(labels)
        ),
    )


_Key = tuple[int, int]  # minutes on the wall, and 1 for the second time that it shows them


def _pieces(block: Block, hours: Hours, rules: BookingRules) -> list[Block]:
    if block.kind != "free":
        return [block]
    starts = starts_in(block, hours, rules)
    if not starts or starts[0] != block.span.starts_at:
        starts = [block.span.starts_at, *starts]
    return [
        Block("free", Span(begins, ends), block.about)
        for begins, ends in pairwise([*starts, block.span.ends_at])
    ]


def _bounds(zone: str, days: Sequence[Day]) -> tuple[int, int]:
    """Return from which to which minute of the day anything but closed doors is to be drawn."""
    firsts: list[int] = []
    lasts: list[int] = []
    for day in days:
        for block in day.blocks:
            if block.kind != "shut":
                firsts.append(_wall(zone, block.span.starts_at))
                lasts.append(_wall(zone, block.span.ends_at) or _DAY_MINUTES)
    if not firsts:
        return _USUAL_HOURS
    return min(firsts) // 60 * 60, -(-max(lasts) // 60) * 60


def _wall(zone: str, moment: dt.datetime) -> int:
    shown = moment.astimezone(ZoneInfo(zone))
    return shown.hour * 60 + shown.minute


def _step(zone: str, days: Sequence[Day], columns: Sequence[Sequence[Block]], first: int) -> int:
    edges = {_wall(zone, block.span.starts_at) for column in columns for block in column}
    edges |= {_wall(zone, day.blocks[-1].span.ends_at) for day in days}
    return next(
        (step for step in STEPS if all(not (edge - first) % step for edge in edges)), _USUAL_STEP
    )


def _keys(
    zone: str, date: dt.date, first: int, last: int, step: int
) -> list[tuple[_Key, dt.datetime]]:
    """Return the rows that a date has, in the order in which it lives through them."""
    found: dict[dt.datetime, _Key] = {}
    for minutes in range(first, last, step):
        for fold, moment in enumerate(moments_at(zone, date, minutes)):
            # Times that are skipped are the moment of the skip, which is the time after it.
            found[moment] = (minutes, fold)
    return [(found[moment], moment) for moment in sorted(found)]


def _column(
    axis: Sequence[tuple[_Key, dt.datetime]],
    moments: dict[_Key, dt.datetime],
    blocks: Sequence[Block],
    step: int,
) -> list[Cell | None]:
    """Return the cells of a day by row, None where an earlier one still reaches."""
    here = [moments.get(key) for key, _moment in axis]
    known = [moment for moment in here if moment is not None]
    ends = dict(pairwise(known))
    cells: list[Cell | None] = []
    begun = 0
    for number, moment in enumerate(here):
        shown: Block | None = None
        if moment is not None:
            row = Span(moment, ends.get(moment, moment + step * _MINUTE))
            shown = max(
                (block for block in blocks if block.span.overlaps(row)),
                key=lambda block: _WEIGHTS.get(block.kind, 1),
                default=None,
            )
        before = cells[begun] if cells else None
        if before is not None and (shown is None or shown is before.block):
            cells[begun] = Cell(before.block, before.rows + 1)
            cells.append(None)
        elif shown is not None:
            begun = number
            cells.append(Cell(shown, 1))
        else:
            begun = number
            cells.append(Cell(blocks[0], 1))
    return cells


def _labels(keys: Sequence[_Key]) -> list[tuple[str, int]]:
    """Return the label beside each row and over how many rows it reaches: the hours, twice too."""
    found: list[tuple[str, int]] = []
    begun = 0
    for number, (minutes, _fold) in enumerate(keys):
        if not minutes % 60 or not number:
            begun = number
            found.append((write_time(minutes), 1))
        else:
            found[begun] = (found[begun][0], found[begun][1] + 1)
            found.append(("", 0))
    return found

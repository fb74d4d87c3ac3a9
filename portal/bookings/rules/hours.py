"""Opening hours as instants, and the slots in which they are booked.

Hours are times on the wall. Every one of them means one instant: of a time that the clock shows
twice, the first; of a time that it skips, the moment of the skip. So a day's hours stay in order
and whole on both nights on which clocks change.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from zoneinfo import ZoneInfo

from portal.bookings.rules.attempt import Hours, Span

_DAY_MINUTES = 24 * 60
_WHOLE_DAY = ((0, _DAY_MINUTES),)
_DAY = dt.timedelta(days=1)
_MINUTE = dt.timedelta(minutes=1)
_SECOND = dt.timedelta(seconds=1)
_INSTANT = dt.timedelta(microseconds=1)


def instant_at(zone: str, day: dt.date, minutes: int = 0) -> dt.datetime:
    """Return the instant at which clocks of a zone show a time, in minutes after midnight."""
    midnight, is_plain = _day(zone, day)
    return midnight + minutes * _MINUTE if is_plain else _search(zone, day, minutes)


@lru_cache(maxsize=8192)
def _day(zone: str, day: dt.date) -> tuple[dt.datetime, bool]:
    """Return when a day begins, and whether clocks run through it without a change."""
    place = ZoneInfo(zone)
    begins = dt.datetime.combine(day, dt.time(), place)
    ends = dt.datetime.combine(day + _DAY, dt.time(), place)
    is_plain = begins.utcoffset() == ends.utcoffset()
    return begins.astimezone(dt.UTC) if is_plain else _search(zone, day, 0), is_plain


def _search(zone: str, day: dt.date, minutes: int) -> dt.datetime:
    place = ZoneInfo(zone)
    shown = dt.datetime.combine(day, dt.time()) + minutes * _MINUTE
    late = shown.replace(tzinfo=place).astimezone(dt.UTC)
    if late.astimezone(place).replace(tzinfo=None) == shown:
        return late
    # The clock skips it. The two readings of such a time lie on either side of the skip.
    early = shown.replace(tzinfo=place, fold=1).astimezone(dt.UTC)
    while late - early > _SECOND:
        middle = early + (late - early) // _SECOND // 2 * _SECOND
        if middle.astimezone(place).replace(tzinfo=None) < shown:
            early = middle
        else:
            late = middle
    return late


def local_date(zone: str, moment: dt.datetime) -> dt.date:
    """Return the date that calendars of a zone show at an instant."""
    return moment.astimezone(ZoneInfo(zone)).date()


def clock_minutes(zone: str, span: Span) -> int:
    """Return how many minutes clocks of a zone go on in a span, whatever they skip or repeat."""
    begins, ends = (
        moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        for moment in (span.starts_at, span.ends_at)
    )
    return round((ends - begins) / _MINUTE)


def local_days(zone: str, window: Span) -> Iterator[dt.date]:
    """Yield the dates of a zone of which some time lies in a window."""
    day = local_date(zone, window.starts_at)
    while instant_at(zone, day) < window.ends_at:
        yield day
        day += _DAY


def open_rows(hours: Hours, day: dt.date) -> tuple[tuple[int, int], ...]:
    """Return a date's hours as minutes after midnight, in order; the whole day if always open."""
    rows = hours.special.get(day)
    if rows is None:
        if hours.week is None:
            return _WHOLE_DAY
        rows = hours.week.get(day.weekday(), ())
    return _read_rows(rows)


@lru_cache(maxsize=1024)
def _read_rows(rows: tuple[tuple[str, str], ...]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted((_minutes(opens), _minutes(closes)) for opens, closes in rows))


def _minutes(time: str) -> int:
    hour, minute = time.split(":")
    return int(hour) * 60 + int(minute)


def open_spans(hours: Hours, window: Span) -> list[Span]:
    """Return when it is open within a window: in order, what touches merged."""
    if hours.week is None and not hours.special:
        return [window]
    return clipped(
        merged(
            Span(instant_at(hours.zone, day, opens), instant_at(hours.zone, day, closes))
            for day in local_days(hours.zone, window)
            for opens, closes in open_rows(hours, day)
        ),
        window,
    )


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the same time as fewer spans: in order, apart from each other, none empty."""
    whole: list[Span] = []
    for span in sorted(spans):
        if span.ends_at <= span.starts_at:
            continue
        if whole and span.starts_at <= whole[-1].ends_at:
            if span.ends_at > whole[-1].ends_at:
                whole[-1] = Span(whole[-1].starts_at, span.ends_at)
        else:
            whole.append(span)
    return whole


def clipped(spans: Iterable[Span], window: Span) -> list[Span]:
    """Return what of the spans lies in a window."""
    return [
        Span(max(span.starts_at, window.starts_at), min(span.ends_at, window.ends_at))
        for span in spans
        if span.overlaps(window)
    ]


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """Return what is left of spans (in order, apart) after time is taken from them."""
    left: list[Span] = []
    gone = merged(taken)
    for span in spans:
        begins = span.starts_at
        for other in gone:
            if other.ends_at <= begins:
                continue
            if other.starts_at >= span.ends_at:
                break
            if other.starts_at > begins:
                left.append(Span(begins, other.starts_at))
            begins = other.ends_at
        if begins < span.ends_at:
            left.append(Span(begins, span.ends_at))
    return left


def slot_row(
    hours: Hours, moment: dt.datetime, *, is_end: bool = False
) -> tuple[dt.date, tuple[int, int]]:
    """Return the hours in which a booking begins, or ends, at an instant: their date and row.

    Where there are none, the whole day stands for them.
    """
    day = local_date(hours.zone, moment - _INSTANT if is_end else moment)
    for row in open_rows(hours, day):
        begins, ends = (instant_at(hours.zone, day, minutes) for minutes in row)
        if begins < moment <= ends if is_end else begins <= moment < ends:
            return day, row
    return day, _WHOLE_DAY[0]


def is_on_slot(hours: Hours, slot_minutes: int, moment: dt.datetime, *, is_end: bool) -> bool:
    """Tell whether a booking may begin, or end, at an instant as far as slots go.

    Slots count on the wall from the opening of the hours in which the instant lies.
    """
    day, row = slot_row(hours, moment, is_end=is_end)
    midnight, is_plain = _day(hours.zone, day)
    if is_plain:
        return not (moment - midnight - row[0] * _MINUTE) % (slot_minutes * _MINUTE)
    return moment in _row_marks(hours.zone, day, row, slot_minutes, are_ends=is_end)


def next_mark(
    hours: Hours, slot_minutes: int, moment: dt.datetime, *, is_end: bool
) -> dt.datetime | None:
    """Return the first instant from one on at which a slot begins (or, back from it, ends).

    Within the hours in which the instant lies, on days without a change of clocks; else None.
    """
    day, row = slot_row(hours, moment, is_end=is_end)
    midnight, is_plain = _day(hours.zone, day)
    if not is_plain:
        return None
    slot = slot_minutes * _MINUTE
    over = (moment - midnight - row[0] * _MINUTE) % slot
    mark = moment - over if is_end or not over else moment + slot - over
    if is_end:
        return mark if mark >= midnight + row[0] * _MINUTE + slot else None
    return mark if mark < midnight + row[1] * _MINUTE else None


def slot_marks(
    hours: Hours, slot_minutes: int, window: Span, *, are_ends: bool = False
) -> list[dt.datetime]:
    """Return the instants of a window, its end included, at which slots begin, or end; in order."""
    marks = {
        mark
        for day in local_days(hours.zone, window)
        for row in open_rows(hours, day)
        for mark in _row_marks(hours.zone, day, row, slot_minutes, are_ends=are_ends, within=window)
    }
    return sorted(mark for mark in marks if window.starts_at <= mark <= window.ends_at)


def _row_marks(
    zone: str,
    day: dt.date,
    row: tuple[int, int],
    slot_minutes: int,
    *,
    are_ends: bool,
    within: Span | None = None,
) -> Sequence[dt.datetime]:
    """Return the marks of a row; of a day without a change of clocks only those in a window."""
    midnight, is_plain = _day(zone, day)
    if not is_plain:
        return _changing_marks(zone, day, row, slot_minutes, are_ends)
    times = _times(row, slot_minutes, are_ends)
    if within is not None:
        first, last = ((moment - midnight) // _MINUTE - times.start for moment in within)
        times = times[max(first // slot_minutes, 0) : max(last // slot_minutes + 1, 0)]
    return [midnight + minutes * _MINUTE for minutes in times]


def _times(row: tuple[int, int], slot_minutes: int, are_ends: bool) -> range:
    opens, closes = row
    return range(opens + (slot_minutes if are_ends else 0), closes + are_ends, slot_minutes)


@lru_cache(maxsize=1024)
def _changing_marks(
    zone: str, day: dt.date, row: tuple[int, int], slot_minutes: int, are_ends: bool
) -> tuple[dt.datetime, ...]:
    place = ZoneInfo(zone)
    begins, ends = (instant_at(zone, day, minutes) for minutes in row)
    marks = set()
    for minutes in _times(row, slot_minutes, are_ends):
        marks.add(instant_at(zone, day, minutes))
        # A time that the clock shows twice is a slot both times.
        shown = dt.datetime.combine(day, dt.time()) + minutes * _MINUTE
        again = shown.replace(tzinfo=place, fold=1).astimezone(dt.UTC)
        if again.astimezone(place).replace(tzinfo=None) == shown:
            marks.add(again)
    return tuple(
        sorted(
            mark for mark in marks if (begins < mark <= ends if are_ends else begins <= mark < ends)
        )
    )

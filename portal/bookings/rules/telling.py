"""How times, days and lengths are told in a sentence: on the wall of the resource's place."""

import datetime as dt
from collections.abc import Iterable
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, dates, lists
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from portal.bookings.rules.attempt import NO_END, Span
from portal.kernel import times

_HOUR = 60
_DAY = 24 * _HOUR


def _locale() -> Locale:
    return get_locale() or Locale("en")


def write_length(minutes: int) -> str:
    """Write "30 minutes", "1 hour 30 minutes", "2 days"."""
    if minutes >= 2 * _DAY and not minutes % _DAY:
        return ngettext("%(num)d day", "%(num)d days", minutes // _DAY)
    return _hours_and_minutes(*divmod(minutes, _HOUR))


def _hours_and_minutes(hours: int, minutes: int) -> str:
    parts = []
    if hours:
        parts.append(ngettext("%(num)d hour", "%(num)d hours", hours))
    if minutes or not hours:
        parts.append(ngettext("%(num)d minute", "%(num)d minutes", minutes))
    return " ".join(parts)


def write_quantity(unit: str, thousandths: int) -> str:
    """Write how much is paid for, in thousandths of a unit as a charge has it.

    Nobody says 0.017 hours; so much time is said in hours and minutes, but not in days, since it is
    paid by the hour.
    """
    if unit == "hour":
        hours, minutes = divmod(round(thousandths * _HOUR / 1000), _HOUR)
        return _hours_and_minutes(hours, minutes)
    count = thousandths // 1000
    if unit == "day":
        return ngettext("%(num)d day", "%(num)d days", count)
    if unit == "run":
        return ngettext("%(num)d run", "%(num)d runs", count)
    return ngettext("%(num)d sample", "%(num)d samples", count)


def write_day(day: dt.date, *, has_year: bool = False) -> str:
    """Write a date with its weekday: "Tue, Mar 3", or "Tue, Mar 3, 2026"."""
    return _write_day(day, "yMMMEd" if has_year else "MMMEd", str(_locale()))


@lru_cache(maxsize=2048)
def _write_day(day: dt.date, skeleton: str, locale: str) -> str:
    return dates.format_skeleton(skeleton, dt.datetime.combine(day, dt.time()), locale=locale)


def write_month(month: dt.date) -> str:
    """Write a month with its year: "March 2026"."""
    return dates.format_skeleton("yMMMM", dt.datetime.combine(month, dt.time()), locale=_locale())


def write_instant(moment: dt.datetime, zone: str, *, on: dt.date | None = None) -> str:
    """Write a date and time on the wall of a zone: "Tue, Mar 3, 8:00 AM", or its time alone."""
    shown = moment.astimezone(ZoneInfo(zone))
    time = write_clock(shown)
    return time if shown.date() == on else f"{write_day(shown.date())}, {time}"


def write_span(span: Span, zone: str) -> str:
    """Write from when until when, as it stands in a sentence."""
    begins, ends = (
        moment.astimezone(ZoneInfo(zone)) if moment < NO_END else None
        for moment in (span.starts_at, span.ends_at)
    )
    first = write_instant(span.starts_at, zone)
    if begins is None or ends is None:
        return _("from %(first)s until further notice", first=first)
    if begins.date() == ends.date():
        return _(
            "on %(day)s from %(first)s to %(last)s",
            day=write_day(begins.date()),
            first=write_clock(begins),
            last=write_clock(ends),
        )
    return _("from %(first)s to %(last)s", first=first, last=write_instant(span.ends_at, zone))


def write_zone(zone: str, *moments: dt.datetime) -> str:
    """Write a city by which people know a zone, with its short names then: "Chicago, CST"."""
    short = dict.fromkeys(moment.astimezone(ZoneInfo(zone)).tzname() for moment in moments)
    city = zone.rsplit("/", 1)[-1].replace("_", " ")
    return f"{city}, {'/'.join(name for name in short if name)}"


def write_list(parts: Iterable[str]) -> str:
    """Write "a, b and c"."""
    return lists.format_list(list(parts), locale=_locale())


def write_times(span: Span, zone: str) -> str:
    """Write a span as a title: "Tue, Mar 3, 9:00–11:00 AM"; of another year, with it."""
    begins, ends = (moment.astimezone(ZoneInfo(zone)) for moment in (span.starts_at, span.ends_at))
    last = ends - dt.timedelta(microseconds=1)
    if begins.date() == last.date():
        return f"{_write_title(begins.date())}, {write_clocks(begins, ends)}"
    return (
        f"{_write_title(begins.date())}, {write_clock(begins)} – "
        f"{_write_title(last.date())}, {write_clock(ends, is_end=True)}"
    )


def write_clock(shown: dt.datetime, *, is_end: bool = False) -> str:
    """Write the time that a clock shows: "8:00 AM". is_end: as `times.write_time` says it."""
    return times.write_time(shown.hour * _HOUR + shown.minute, is_end=is_end)


def write_clocks(begins: dt.datetime, ends: dt.datetime) -> str:
    """Write from when until when, on one day or into the night after it: "9:00–11:00 AM"."""
    first, last = (shown.hour * _HOUR + shown.minute for shown in (begins, ends))
    return times.write_hours(first, last)


def _write_title(day: dt.date) -> str:
    return write_day(day, has_year=day.year != dt.datetime.now(dt.UTC).year)

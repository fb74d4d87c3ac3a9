"""Instants, dates, numbers, money and distances as their reader writes them."""

import datetime as dt
from collections.abc import Callable
from functools import lru_cache
from math import floor
from zoneinfo import ZoneInfo

from babel import Locale, dates
from babel.numbers import format_decimal as babel_format_decimal
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup

from portal.kernel.clock import now
from portal.kernel.templating import written
from portal.kernel.times import write_time_in
from portal.kernel.web.viewer import language, viewer_zone

_TOLD_IN_HOURS = 7200


def format_instant(moment: dt.datetime | None, style: str = "medium") -> str:
    """Write an instant to the minute in the viewer's zone, with the zone's short name."""
    if moment is None:
        return ""
    return _write_instant(moment, style, language(), viewer_zone())


def _write_in_zone(moment: dt.datetime, style: str, language: str, zone_name: str) -> str:
    here = moment.astimezone(ZoneInfo(zone_name))
    time = write_time_in(language, here.hour * 60 + here.minute)
    return f"{_write_day(here.date(), style, language)}, {time} {here.tzname() or ''}"


_write_instant = lru_cache(maxsize=4096)(_write_in_zone)


# Records are many, their days and minutes are few.
@lru_cache(maxsize=4096)
def _write_day(day: dt.date, style: str, language: str) -> str:
    return dates.format_date(day, style, locale=language)


def zone_city(zone: str) -> str:
    """Return the city by which people know a time zone: "Louisville"."""
    return zone.rsplit("/", 1)[-1].replace("_", " ")


def format_date(day: dt.date | dt.datetime | None, style: str = "medium") -> str:
    """Write a date; of an instant, the date in the viewer's zone."""
    if day is None:
        return ""
    if isinstance(day, dt.datetime):
        day = day.astimezone(ZoneInfo(viewer_zone())).date()
    return _write_day(day, style, language())


def format_number(value: float | None) -> str:
    """Write a number as the language does."""
    return "" if value is None else _write_number(value)


def _write_number(value: float, pattern: str | None = None) -> str:
    """Write a number with a US reader's comma and point, in Spanish too: "$4.800" is no price."""
    if pattern is None and isinstance(value, int):
        return f"{value:,}"
    current = get_locale()
    locale = Locale(current.language if current else "en", "US")
    return babel_format_decimal(value, pattern, locale=locale)


def format_money(cents: int | None, unit: str | None = None) -> str:
    """Write an amount of cents, with its unit ("$85 per hour")."""
    if cents is None:
        return ""
    pattern = "¤#,##0" if cents % 100 == 0 else "¤#,##0.00"
    from_babel = _write_number(cents / 100, pattern.replace("¤", "$"))
    return _("%(price)s per %(unit)s", price=from_babel, unit=unit) if unit else from_babel


def format_distance(miles: float | None) -> Markup:
    """Write a distance in miles, with kilometers in the title."""
    if miles is None:
        return Markup()
    number = _write_number(round(miles, 1 if miles < 10 else 0))
    kilometers = _write_number(round(miles * 1.609344, 1 if miles < 10 else 0))
    return Markup('<span class="distance" title="{}">{}</span>').format(
        _("%(count)s km", count=kilometers), _("%(count)s miles", count=number)
    )


def format_ago(moment: dt.datetime | None) -> str:
    """Write how long ago an instant was."""
    if moment is None:
        return ""
    return _write_span(_told_span((moment - now()).total_seconds()), language())


def _told_span(since: float) -> int:
    seconds = floor(since)
    if abs(seconds) >= _TOLD_IN_HOURS:
        return round(seconds / 3600) * 3600  # so few are different that each is written once
    return seconds


def time_ago(moment: dt.datetime) -> Markup:
    """Write how long ago an instant was; machines, and who points at it, are told the instant."""
    return Markup(times_ago()(moment.isoformat()))  # noqa: S704 (what could need it is escaped)


def times_ago() -> Callable[[str], str]:
    """Return what does that for a page that has instants by the dozen, in ISO 8601: it asks who
    reads once.
    """
    code, zone, present = language(), viewer_zone(), now().timestamp()

    def time_ago(moment: str) -> str:
        seconds, opening = _write_opening(moment, code, zone)
        since = seconds - present
        # As `_told_span`, which a page of results would call twenty times.
        span = round(since // 1 / 3600) * 3600 if since < -_TOLD_IN_HOURS else _told_span(since)
        return f"{opening}{_write_span(span, code)}</time>"

    return time_ago


@lru_cache(maxsize=8192)
def _write_opening(moment: str, language: str, zone: str) -> tuple[float, str]:
    """Return when an instant was, and what stands before how long ago that is."""
    instant = dt.datetime.fromisoformat(moment)
    # What is read as an instant has nothing that could be markup.
    told = written(_write_in_zone(instant, "medium", language, zone))
    return instant.timestamp(), f'<time datetime="{moment}" title="{told}">'


# The hours of two years.
@lru_cache(maxsize=17_520)
def _write_span(seconds: int, language: str) -> str:
    # From two of the larger unit on: "12 days ago" says more than "2 weeks ago".
    return dates.format_timedelta(
        dt.timedelta(seconds=seconds),
        granularity="minute",
        add_direction=True,
        threshold=2,
        locale=language,
    )

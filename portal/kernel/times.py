"""Times of a day: kept as "08:30", read and written as people do: "8:30 AM", "8:30"."""

import datetime as dt
import re
from functools import lru_cache

from babel import Locale, dates
from flask_babel import get_locale
from flask_babel import gettext as _

_HOUR = 60
_DAY = 24 * _HOUR
_HALF_DAY = 12 * _HOUR


#: "17:30", "17.30", "17 h 30" and, with all of its digits, "1730".
_TIME = re.compile(
    r"(?P<hour>[01]?\d|2[0-3])(?:[:.]|\s?h\s?)(?P<minute>[0-5]\d)"
    r"|(?P<shop_hour>[01]\d|2[0-3])(?P<shop_minute>[0-5]\d)"
    r"|(?P<full_hour>[01]?\d|2[0-3])\s?h",
    re.IGNORECASE,
)
_HALF_DAY_TIME = re.compile(
    r"(0?[1-9]|1[0-2])(?:[:.]([0-5]\d))?\s?([ap])\.?\s?(?:m\.?)?", re.IGNORECASE
)


def read_time(text: str) -> str | None:
    """Return "08:00" for "8:00" and "8 am", or None for no time of day; midnight may be "24:00"."""
    text = text.strip()
    if text.lower() in (spoken := {_("noon"): "12:00", _("midnight"): "24:00", "24:00": "24:00"}):
        return spoken[text.lower()]
    if found := _TIME.fullmatch(text):
        hour = found["hour"] or found["shop_hour"] or found["full_hour"]
        return f"{int(hour):02d}:{found['minute'] or found['shop_minute'] or '00'}"
    if found := _HALF_DAY_TIME.fullmatch(text):
        hour = int(found[1]) % 12 + (12 if found[3].lower() == "p" else 0)
        return f"{hour:02d}:{found[2] or '00'}"
    return None


def minutes_of(time: str) -> int:
    """Return the minutes after midnight of "08:30", or of "24:00"."""
    return int(time[:2]) * _HOUR + int(time[3:])


def write_time(minutes: int, *, is_end: bool = False) -> str:
    """Write a time of day, given as minutes after midnight: "8:30 AM".

    is_end: something lasts until then, so that midnight is that of the day that ends.
    """
    language = _language()
    if minutes == _DAY or (is_end and not minutes):
        return _("midnight") if _has_halves(language) else "24:00"
    return write_time_in(language, minutes)


def write_hours(first: int, last: int) -> str:
    """Write from when until when of one day: "9:00–11:00 AM", "8:00 AM–midnight"."""
    language = _language()
    last = last or _DAY
    is_one_half = _has_halves(language) and first // _HALF_DAY == last // _HALF_DAY
    begins = write_time_in(language, first, with_half=not is_one_half)
    return f"{begins}–{write_time(last, is_end=True)}"


def _language() -> str:
    return str(get_locale() or "en")


@lru_cache(maxsize=16)
def _has_halves(language: str) -> bool:
    """Tell whether a language counts the hours of a day to twelve, twice."""
    return "a" in _pattern(language)


def _pattern(language: str) -> str:
    pattern: str = Locale.parse(language).time_formats["short"].pattern
    return pattern


@lru_cache(maxsize=4 * _DAY)
def write_time_in(language: str, minutes: int, *, with_half: bool = True) -> str:
    """Write a time of day in a language, with which half of the day it is in where that is said."""
    pattern = _pattern(language)
    if not with_half:
        pattern = pattern.replace("a", "").strip()
    hour, minute = divmod(minutes, _HOUR)
    return dates.format_time(dt.time(hour, minute), pattern, locale=language)

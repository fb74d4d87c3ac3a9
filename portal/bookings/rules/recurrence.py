"""What repeats: every so many days, weeks or months, at the same time on the wall."""

import calendar
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from dateutil import rrule
from flask_babel import gettext as _

from portal.bookings.rules.attempt import Span
from portal.bookings.rules.hours import instant_at

FREQUENCIES = ("daily", "weekly", "monthly")
MOST_INTERVAL = 99
MOST_COUNT = 500
MOST_EXCEPTIONS = 500
#: What one that recurs may bring into one window.
MOST_OCCURRENCES = 400
#: What has no end is looked at for so many years at most.
LONGEST_YEARS = 10

_RULES = {"daily": rrule.DAILY, "weekly": rrule.WEEKLY, "monthly": rrule.MONTHLY}
_WEEKDAYS = (rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA, rrule.SU)


@dataclass(frozen=True)
class Recurrence:
    """How something repeats.

    weekdays: 0–6, for weekly ones; none: the weekday of the first.
    month_day: 1–31, or -1 for the last day; or nth (1–5, -1 for the last) of a weekday 0–6, for
    monthly ones; neither: the day of the first. A month without such a day is left out.
    until: the last date on which one may begin; count: how many there are, exceptions included.
    """

    frequency: str
    interval: int = 1
    weekdays: tuple[int, ...] = ()
    month_day: int | None = None
    nth: int | None = None
    weekday: int | None = None
    until: dt.date | None = None
    count: int | None = None
    except_dates: frozenset[dt.date] = frozenset()

    def as_json(self) -> dict[str, Any]:
        """Return what `read_recurrence` reads, without what is not said."""
        written = {
            "frequency": self.frequency,
            "interval": self.interval,
            "weekdays": list(self.weekdays) or None,
            "month_day": self.month_day,
            "nth": self.nth,
            "weekday": self.weekday,
            "until": self.until and self.until.isoformat(),
            "count": self.count,
            "except_dates": sorted(day.isoformat() for day in self.except_dates) or None,
        }
        return {name: value for name, value in written.items() if value is not None}


def read_recurrence(given: Any) -> Recurrence:
    """Return what a JSON object says of repeating; raise ValueError with words for the person."""
    if not isinstance(given, Mapping):
        raise ValueError(_("Please say how it repeats."))
    frequency = given.get("frequency")
    if frequency not in FREQUENCIES:
        raise ValueError(_("Please say whether it repeats daily, weekly or monthly."))
    weekdays = given.get("weekdays") or []
    if not isinstance(weekdays, list) or any(_whole(day, 0, 6) is None for day in weekdays):
        raise ValueError(_("Please give weekdays as numbers from 0 (Monday) to 6 (Sunday)."))
    read = Recurrence(
        frequency,
        _given(given, "interval", 1, MOST_INTERVAL) or 1,
        tuple(sorted(set(weekdays))),
        _given(given, "month_day", 1, 31, also=-1),
        _given(given, "nth", 1, 5, also=-1),
        _given(given, "weekday", 0, 6),
        None if given.get("until") is None else _date(given["until"]),
        _given(given, "count", 1, MOST_COUNT),
        _dates(given.get("except_dates") or []),
    )
    if weekdays and frequency != "weekly":
        raise ValueError(_("Weekdays are for what repeats weekly."))
    if frequency != "monthly" and (read.month_day or read.nth or read.weekday is not None):
        raise ValueError(_("A day of the month is for what repeats monthly."))
    if (read.nth is None) != (read.weekday is None) or (read.nth and read.month_day):
        raise ValueError(_("Please give either a day of the month or one of its weekdays."))
    if read.until and read.count:
        raise ValueError(_("Please give either a last date or a number of times."))
    return read


def _whole(value: Any, least: int, most: int) -> int | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and least <= value <= most else None


def _given(
    given: Mapping[str, Any], name: str, least: int, most: int, also: int | None = None
) -> int | None:
    value = given.get(name)
    if value is None or (value == also and type(value) is int):
        return value
    if _whole(value, least, most) is None:
        raise ValueError(
            _(
                "Please give “%(name)s” as a whole number from %(least)d to %(most)d.",
                name=name,
                least=least,
                most=most,
            )
        )
    return int(value)


def _date(value: Any) -> dt.date:
    try:
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(_("Please give dates like 2027-01-31.")) from None


def _dates(values: Any) -> frozenset[dt.date]:
    if not isinstance(values, list) or len(values) > MOST_EXCEPTIONS:
        raise ValueError(
            _("Please give at most %(most)d dates on which it is left out.", most=MOST_EXCEPTIONS)
        )
    return frozenset(_date(value) for value in values)


def occurrences(
    recurrence: Recurrence, first: Span, zone: str, *, most: int, window: Span | None = None
) -> list[Span]:
    """Return the spans of what repeats, in order, the first `most` of them.

    first: the span to repeat; it is the first occurrence if its own day fits the recurrence. All
    begin and end at its times on the wall of the zone, however long that is in real time on a
    night on which clocks change; one of which nothing would be left there is left out.
    window: return only what overlaps it.
    """
    place = ZoneInfo(zone)
    begins = first.starts_at.astimezone(place).replace(tzinfo=None)
    ends = first.ends_at.astimezone(place).replace(tzinfo=None)
    starts_at = begins - dt.datetime.combine(begins.date(), dt.time())
    ends_at = ends - dt.datetime.combine(begins.date(), dt.time())
    found: list[Span] = []
    for day in _days(recurrence, begins.date(), ends_at, zone, window):
        if len(found) >= most:
            break
        if day in recurrence.except_dates:
            continue
        span = first
        if day != begins.date():
            span = Span(_after(zone, day, starts_at), _after(zone, day, ends_at))
        if span.ends_at > span.starts_at and (window is None or span.overlaps(window)):
            found.append(span)
    return found


def _after(zone: str, day: dt.date, passed: dt.timedelta) -> dt.datetime:
    """Return the instant at which the clock of a zone shows a time, on a day or after it."""
    minutes, rest = divmod(passed - dt.timedelta(days=passed.days), dt.timedelta(minutes=1))
    return instant_at(zone, day + dt.timedelta(days=passed.days), minutes) + rest


def _days(
    recurrence: Recurrence, first: dt.date, length: dt.timedelta, zone: str, window: Span | None
) -> Iterator[dt.date]:
    last = min(first.year + LONGEST_YEARS, dt.MAXYEAR)
    until = first.replace(year=last, day=min(first.day, 28))
    start = first
    if window is not None:
        place = ZoneInfo(zone)
        until = window.ends_at.astimezone(place).date()
        if recurrence.count is None:
            reached = (window.starts_at.astimezone(place).replace(tzinfo=None) - length).date()
            start = _skipped_to(recurrence, first, reached)
    if recurrence.until is not None:
        until = min(until, recurrence.until)
    chosen: dict[str, Any] = {}
    if recurrence.frequency == "weekly":
        days = recurrence.weekdays or (first.weekday(),)
        chosen["byweekday"] = [_WEEKDAYS[day] for day in days]
    elif recurrence.frequency == "monthly":
        if recurrence.nth is not None and recurrence.weekday is not None:
            chosen["byweekday"] = _WEEKDAYS[recurrence.weekday](recurrence.nth)
        else:
            chosen["bymonthday"] = recurrence.month_day or first.day
            # Every so many years in a month without that day: never, and nobody should look on.
            if not recurrence.interval % 12 and chosen["bymonthday"] > _longest(first.month):
                return
    rule = rrule.rrule(
        _RULES[recurrence.frequency],
        dtstart=dt.datetime.combine(start, dt.time()),
        interval=recurrence.interval,
        count=recurrence.count,
        wkst=rrule.MO,
        **chosen,
    )
    for moment in rule:
        if moment.date() > until:
            return
        yield moment.date()


def _longest(month: int) -> int:
    leap_year = 2028
    return calendar.monthrange(leap_year, month)[1]


def _skipped_to(recurrence: Recurrence, first: dt.date, reached: dt.date) -> dt.date:
    """Return a day in step with the first from which nothing is missed from `reached` on."""
    if reached <= first:
        return first
    step = recurrence.interval
    if recurrence.frequency == "monthly":
        months = (reached.year - first.year) * 12 + reached.month - first.month
        month = first.month - 1 + months // step * step
        if month == first.month - 1:
            return first
        return dt.date(first.year + month // 12, month % 12 + 1, 1)
    if recurrence.frequency == "weekly":
        monday = first - dt.timedelta(days=first.weekday())
        weeks = (reached - monday).days // 7 // step * step
        return max(first, monday + dt.timedelta(weeks=weeks))
    return first + dt.timedelta(days=(reached - first).days // step * step)


def replace_some(spans: Sequence[Span], instead: Mapping[Span, Span]) -> list[Span]:
    """Return when what repeats is, with some of it at other times, as it begins."""
    return sorted((instead.get(one, one) for one in spans), key=lambda one: one.starts_at)

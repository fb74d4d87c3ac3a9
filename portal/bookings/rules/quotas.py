"""How much of a quota is used, in the days, weeks and months of a resource's own zone."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from portal.bookings.rules.attempt import QuotaUse, Span
from portal.bookings.rules.hours import instant_at, local_date


@dataclass(frozen=True)
class Excess:
    """A quota that a span would exceed: in which period, and what counts there with the span."""

    quota: QuotaUse
    period: Span
    is_of_minutes: bool
    minutes: int
    bookings: int


def exceeded(quotas: Iterable[QuotaUse], span: Span, zone: str) -> list[Excess]:
    """Return the quotas that a span would exceed, each with the first period in which it does.

    Minutes of real time count to the periods in which they lie, a booking to the one in which it
    begins.
    """
    return [excess for quota in quotas if (excess := _excess(quota, span, zone)) is not None]


def _excess(quota: QuotaUse, span: Span, zone: str) -> Excess | None:
    if _has_room(quota, span):
        return None
    for period in periods(quota.period, span, zone):
        counted = (*quota.used, span)
        minutes = int(sum(_shared_minutes(one, period) for one in counted))
        begun = [one for one in counted if period.starts_at <= one.starts_at < period.ends_at]
        is_of_minutes = quota.most_minutes is not None and minutes > quota.most_minutes
        # A booking that began in another period takes nothing from this one's number.
        is_of_bookings = (
            quota.most_bookings is not None
            and period.starts_at <= span.starts_at < period.ends_at
            and len(begun) > quota.most_bookings
        )
        if is_of_minutes or is_of_bookings:
            return Excess(quota, period, is_of_minutes, minutes, len(begun))
    return None


def _has_room(quota: QuotaUse, span: Span) -> bool:
    """Tell whether all that counts would not be too much even if it were all in one period."""
    most, used = quota.most_minutes, quota.used
    return (quota.most_bookings is None or len(used) < quota.most_bookings) and (
        most is None or sum(one.minutes for one in used) + span.minutes <= most
    )


def _shared_minutes(one: Span, other: Span) -> float:
    return max(
        0.0, Span(max(one.starts_at, other.starts_at), min(one.ends_at, other.ends_at)).minutes
    )


def periods(period: str, span: Span, zone: str) -> list[Span]:
    """Return the whole days, weeks (from Monday) or months of a zone that a span touches."""
    day = _first_day(period, local_date(zone, span.starts_at))
    found: list[Span] = []
    while (begins := instant_at(zone, day)) < span.ends_at:
        day = _next_day(period, day)
        found.append(Span(begins, instant_at(zone, day)))
    return found


def whole_periods(period: str, span: Span, zone: str) -> Span:
    """Return the time of all periods that a span touches, however long it is."""
    last = local_date(zone, span.ends_at - dt.timedelta(microseconds=1))
    return Span(
        instant_at(zone, _first_day(period, local_date(zone, span.starts_at))),
        instant_at(zone, _next_day(period, _first_day(period, last))),
    )


def _first_day(period: str, day: dt.date) -> dt.date:
    if period == "month":
        return day.replace(day=1)
    return day - dt.timedelta(days=day.weekday()) if period == "week" else day


def _next_day(period: str, day: dt.date) -> dt.date:
    if period == "month":
        return (day + dt.timedelta(days=31)).replace(day=1)
    return day + dt.timedelta(days=7 if period == "week" else 1)

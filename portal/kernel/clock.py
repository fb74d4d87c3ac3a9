"""The time, in one place: aware UTC instants and the calendar date of a zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from portal.kernel.settings import setting


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


def today(zone: str = "UTC") -> date:
    """Return the present date in the named IANA time zone."""
    return now().astimezone(ZoneInfo(zone)).date()


def today_here() -> date:
    """Return the present date in the portal's own zone, by which its deadlines count."""
    return date_here(now())


def date_here(moment: datetime) -> date:
    """Return the date of an instant in the portal's own zone."""
    return moment.astimezone(ZoneInfo(setting("DEFAULT_TIME_ZONE"))).date()


def month_after(day: date) -> date:
    """Return the first day of the month that follows."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)

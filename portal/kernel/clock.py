"""The time, in one place: aware UTC instants and the calendar date of a zone."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


def today(zone: str = "UTC") -> date:
    """Return the present date in the named IANA time zone."""
    return now().astimezone(ZoneInfo(zone)).date()

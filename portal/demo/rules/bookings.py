"""Access and bookings of the demo, as `access.toml` and `bookings.toml` have them."""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class DemoAccess:
    """What somebody (by address) asked a host (by key) for, and the host's grant of it, if any.

    needed: whether the machine's booking rules ask for it.
    """

    kind: str
    host: str
    person: str
    equipment: str
    message: str
    evidence: str = ""
    granted_days_ago: int | None = None
    expires_in_days: int | None = None
    lapses_after_days: int | None = None
    needed: bool = False


@dataclass(frozen=True)
class DemoBooking:
    """What somebody (by address) booked of a host (by key); data/bookings.toml says the fields."""

    host: str
    equipment: str
    person: str
    in_workdays: int
    starts: str
    ends: str
    purpose: str
    decision: str = ""
    weeks: int = 1


def workday_after(day: dt.date, count: int) -> dt.date:
    """Return the how manyth Monday to Friday after a day."""
    while count:
        day += dt.timedelta(days=1)
        count -= day.weekday() < 5
    return day

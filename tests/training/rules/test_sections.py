"""What a section's page says of its meetings in a line."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from portal.bookings.rules.attempt import Span
from portal.bookings.rules.recurrence import Recurrence
from portal.training.rules.sections import Schedule, sum_up_meetings

ZONE = "America/Kentucky/Louisville"


def evenings(*moved):
    twice_weekly = Recurrence("weekly", weekdays=(0, 2), count=24)
    return [
        *Schedule(dt.date(2027, 3, 1), 17 * 60 + 30, 21 * 60 + 30, twice_weekly).spans(ZONE),
        *moved,
    ]


def meeting(day, hour):
    starts = dt.datetime(2027, 3, day, hour, tzinfo=ZoneInfo(ZONE))
    return Span(starts, starts + dt.timedelta(hours=3))


@pytest.mark.parametrize(
    ("moved", "told"),
    [
        # Clocks change on March 14.
        ((), "Mon and Wed, 5:30–9:30\u202fPM"),
        ((meeting(6, 9),), "Mon and Wed, 5:30–9:30\u202fPM; Sat, 9:00\u202fAM–12:00\u202fPM"),
        (tuple(meeting(6, hour) for hour in (9, 10, 11)), "at different times"),
    ],
)
def test_meetings_are_summed_up_by_weekday_and_time(moved, told):
    assert sum_up_meetings(evenings(*moved), ZONE) == told

"""A section's meetings as calendar programs read them (RFC 5545). Pure."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from icalendar import Calendar, Event

_PRODUCT = "-//Industrial Commons//Training//EN"


@dataclass(frozen=True)
class Meeting:
    """A meeting in a calendar. number: makes its identity, which no change of its time touches."""

    number: int
    starts_at: dt.datetime
    ends_at: dt.datetime


@dataclass(frozen=True)
class Schedule:
    """What all meetings of a section have in common."""

    summary: str
    location: str
    url: str
    sequence: int
    updated_at: dt.datetime


def write_schedule(
    schedule: Schedule, meetings: Iterable[Meeting], *, host: str, is_over: bool = False
) -> tuple[str, str]:
    """Write meetings for the calendar of who takes part; return the text with its method.

    is_over: the person takes no part any more, so that programs take them out.
    """
    method = "CANCEL" if is_over else "PUBLISH"
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method)
    for meeting in meetings:
        event = Event()
        event.add("uid", f"meeting-{meeting.number}@{host}")
        event.add("sequence", schedule.sequence)
        event.add("status", "CANCELLED" if is_over else "CONFIRMED")
        event.add("dtstamp", schedule.updated_at)
        event.add("dtstart", meeting.starts_at)
        event.add("dtend", meeting.ends_at)
        event.add("summary", schedule.summary)
        for name in ("location", "url"):
            if value := getattr(schedule, name):
                event.add(name, value)
        calendar.add_component(event)
    return calendar.to_ical().decode(), method

"""Bookings as calendar programs read them (RFC 5545, 5546): feeds and invitations."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from icalendar import Calendar, Event, vCalAddress, vText

from portal.bookings.rules.attempt import Span

_PRODUCT = "-//Industrial Commons//Bookings//EN"

#: What a program is told about a booking's state.
_STATUSES: Mapping[str, str] = {
    "requested": "TENTATIVE",
    "approved": "CONFIRMED",
    "in_use": "CONFIRMED",
    "completed": "CONFIRMED",
    "declined": "CANCELLED",
    "cancelled": "CANCELLED",
    "no_show": "CANCELLED",
}


@dataclass(frozen=True)
class Entry:
    """A booking, or what else somebody goes to, in a calendar.

    kind, number: make its identity, which no move changes. status: as bookings have it.
    """

    number: int
    sequence: int
    status: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    updated_at: dt.datetime
    summary: str
    description: str = ""
    location: str = ""
    url: str = ""
    kind: str = "booking"


@dataclass(frozen=True)
class Party:
    """Who invites whom: e-mail addresses, and names for people."""

    organizer_email: str
    organizer_name: str
    attendee_email: str
    attendee_name: str


def write_feed(name: str, entries: Iterable[Entry], *, host: str) -> bytes:
    """Write a calendar that programs read again and again; what was cancelled stays in it as such,
    so that they take it out."""
    calendar = _calendar()
    calendar.add("x-wr-calname", vText(name))
    for entry in entries:
        calendar.add_component(_event(entry, host))
    return bytes(calendar.to_ical())


def write_busy(
    name: str, spans: Iterable[Span], *, said: str, key: str, host: str, at: dt.datetime
) -> bytes:
    """Write when something is busy and nothing else, for calendars that anybody may read.

    said: the word for it; key: makes the identities of its times; at: when this was so.
    """
    calendar = _calendar()
    calendar.add("x-wr-calname", vText(name))
    for span in spans:
        event = Event()
        event.add("uid", f"busy-{key}-{span.starts_at:%Y%m%dT%H%M%S}@{host}")
        event.add("dtstamp", at)
        event.add("dtstart", span.starts_at)
        event.add("dtend", span.ends_at)
        event.add("summary", said)
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def write_schedule(
    entries: Iterable[Entry], *, host: str, is_over: bool = False
) -> tuple[str, str]:
    """Write several times at once for the calendar of who goes there; return it with its method.

    is_over: the person does not go any more, so that programs take them out.
    """
    method = "CANCEL" if is_over else "PUBLISH"
    calendar = _calendar()
    calendar.add("method", method)
    for entry in entries:
        calendar.add_component(
            _event(replace(entry, status="cancelled") if is_over else entry, host)
        )
    return calendar.to_ical().decode(), method


def write_invitation(entry: Entry, party: Party, *, host: str) -> tuple[str, str]:
    """Write one booking as an invitation, or as its withdrawal; return it with its method."""
    method = "CANCEL" if _STATUSES[entry.status] == "CANCELLED" else "REQUEST"
    calendar = _calendar()
    calendar.add("method", method)
    event = _event(entry, host)
    event.add("organizer", _address(party.organizer_email, party.organizer_name))
    event.add("attendee", _address(party.attendee_email, party.attendee_name))
    calendar.add_component(event)
    return calendar.to_ical().decode(), method


def _calendar() -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    return calendar


def _event(entry: Entry, host: str) -> Event:
    event = Event()
    event.add("uid", f"{entry.kind}-{entry.number}@{host}")
    event.add("sequence", entry.sequence)
    event.add("status", _STATUSES[entry.status])
    event.add("dtstamp", entry.updated_at)
    event.add("last-modified", entry.updated_at)
    event.add("dtstart", entry.starts_at)
    event.add("dtend", entry.ends_at)
    event.add("summary", entry.summary)
    for name in ("description", "location", "url"):
        if value := getattr(entry, name):
            event.add(name, value)
    return event


def _address(email: str, name: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{email}")
    if name:
        # A name in quotes may hold anything but quotes.
        address.params["CN"] = vText(name.replace('"', "'"))
    return address

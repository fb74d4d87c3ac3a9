"""Bookings as calendar programs read them (RFC 5545, 5546, 7986): feeds and invitations."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from icalendar import Calendar, Event, vCalAddress, vDuration, vText

from portal.bookings.rules.attempt import Span

_PRODUCT = "-//Industrial Commons//Bookings//EN"

#: How often programs shall read a feed again.
_REFRESH = dt.timedelta(hours=1)

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


def takes_place(entry: Entry) -> bool:
    """Tell whether what an entry is of takes place, or may."""
    return _STATUSES[entry.status] != "CANCELLED"


def write_feed(name: str, entries: Iterable[Entry], *, host: str) -> bytes:
    """Write a calendar that programs read again and again.

    What does not take place is left out: programs take out what they no longer find, while some
    show as if it was on what is there and cancelled.
    """
    calendar = _feed(name)
    for entry in entries:
        if takes_place(entry):
            calendar.add_component(_event(entry, host, entry.updated_at))
    return bytes(calendar.to_ical())


def write_busy(
    name: str, spans: Iterable[Span], *, said: str, key: str, host: str, at: dt.datetime
) -> bytes:
    """Write when something is busy and nothing else, for calendars that anybody may read.

    said: the word for it; key: makes the identities of its times; at: when this was so.
    """
    calendar = _feed(name)
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
    held: Sequence[Entry],
    gone: Iterable[Entry],
    party: Party,
    *,
    host: str,
    at: dt.datetime,
) -> str:
    """Write where somebody goes, after the withdrawals of where they do not go any more.

    An invitation or withdrawal is about one event, so of several each withdrawal is an object of
    its own, and several that are held are published at once, to be added by one click.
    """
    objects = [
        write_invitation(replace(entry, status="cancelled"), party, host=host, at=at)
        for entry in gone
    ]
    if len(held) == 1:
        objects.append(write_invitation(held[0], party, host=host, at=at))
    elif held:
        calendar = _calendar("PUBLISH")
        for entry in held:
            event = _event(entry, host, at)
            event.add("organizer", _address(party.organizer_email, party.organizer_name))
            calendar.add_component(event)
        objects.append(calendar.to_ical().decode())
    return "".join(objects)


def write_invitation(entry: Entry, party: Party, *, host: str, at: dt.datetime) -> str:
    """Write one booking as an invitation, or as its withdrawal.

    at: when it is written, by which programs tell the later of two that have the same sequence.
    """
    calendar = _calendar("REQUEST" if takes_place(entry) else "CANCEL")
    event = _event(entry, host, at)
    event.add("organizer", _address(party.organizer_email, party.organizer_name))
    event.add("attendee", _coming(party))
    calendar.add_component(event)
    return calendar.to_ical().decode()


def _feed(name: str) -> Calendar:
    calendar = _calendar()
    calendar.add("name", vText(name))
    calendar.add("x-wr-calname", vText(name))
    # Programs that are told nothing look once a day or less. The second name is Outlook's.
    calendar.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(_REFRESH))
    return calendar


def _calendar(method: str = "") -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    if method:
        calendar.add("method", method)
    return calendar


def _event(entry: Entry, host: str, at: dt.datetime) -> Event:
    event = Event()
    event.add("uid", f"{entry.kind}-{entry.number}@{host}")
    event.add("sequence", entry.sequence)
    event.add("status", _STATUSES[entry.status])
    event.add("dtstamp", at)
    event.add("last-modified", entry.updated_at)
    event.add("dtstart", entry.starts_at)
    event.add("dtend", entry.ends_at)
    event.add("summary", entry.summary)
    for name in ("description", "location", "url"):
        if value := getattr(entry, name):
            event.add(name, value)
    return event


def _coming(party: Party) -> vCalAddress:
    """Return who comes, as somebody who does: it is booked, and nobody reads an answer."""
    address = _address(party.attendee_email, party.attendee_name)
    address.params["PARTSTAT"] = "ACCEPTED"
    address.params["RSVP"] = "FALSE"
    return address


def _address(email: str, name: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{email}")
    if name:
        # A name in quotes may hold anything but quotes.
        address.params["CN"] = vText(name.replace('"', "'"))
    return address

"""Calendars as the standards want them: RFC 5545 for all, RFC 5546 for what travels by e-mail."""

import datetime as dt
from dataclasses import replace

import pytest
from icalendar import Calendar, vText
from icalendar.parser import Contentlines

from portal.bookings.rules.attempt import Span
from portal.bookings.rules.invitations import (
    Entry,
    Party,
    write_busy,
    write_feed,
    write_invitation,
    write_schedule,
)

AT = dt.datetime(2026, 3, 1, 9, 0, 1, 999, tzinfo=dt.UTC)
HOUR = Span(AT.replace(hour=12), AT.replace(hour=13))
ODD = "“Máquina”, coordenadas; con \\ y " + "ñ" * 90 + "\nen otra línea"
HELD = Entry(7, 2, "approved", HOUR.starts_at, HOUR.ends_at, AT, ODD, ODD, ODD, "https://x.test/7")
ASKED = replace(HELD, number=8, status="requested")
GONE = replace(HELD, number=9, status="cancelled")
PARTY = Party("portal@x.test", 'Falls "City"; College: x', "ben@x.test", "Ñandú, Ben " + "a" * 90)

WRITTEN = {
    "feed": write_feed(ODD, [HELD, ASKED, GONE], host="x.test").decode(),
    "busy": write_busy(ODD, [HOUR], said=ODD, key="mill-1", host="x.test", at=AT).decode(),
    "request": write_invitation(ASKED, PARTY, host="x.test", at=AT),
    "cancel": write_invitation(GONE, PARTY, host="x.test", at=AT),
    "schedule": write_schedule([HELD, ASKED], [GONE], PARTY, host="x.test", at=AT),
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_lines_are_folded_and_say_again_what_was_written(text: str) -> None:
    lines = text.split("\r\n")
    assert lines.pop() == ""
    assert not any("\n" in line or "\r" in line for line in lines)
    assert max(len(line.encode()) for line in lines) <= 75
    for calendar in Calendar.from_ical(text, multiple=True):
        assert (str(calendar["version"]), bool(calendar["prodid"])) == ("2.0", True)
        for event in calendar.walk("VEVENT"):
            assert str(event["summary"]) == ODD
            assert {str(event.get(name, ODD)) for name in ("description", "location")} == {ODD}
            assert str(event["uid"]).endswith("@x.test")
            for name in ("dtstamp", "dtstart", "dtend"):
                assert event[name].to_ical().endswith(b"Z")


@pytest.mark.parametrize("name", ["feed", "busy"])
def test_what_is_subscribed_to_has_a_name_and_no_method(name: str) -> None:
    (calendar,) = Calendar.from_ical(WRITTEN[name], multiple=True)
    assert "method" not in calendar
    assert f"NAME:{vText(ODD).to_ical().decode()}" in Contentlines.from_ical(WRITTEN[name])
    uids = [str(event["uid"]) for event in calendar.walk("VEVENT")]
    assert len(uids) == len(set(uids)) == {"feed": 2, "busy": 1}[name]


def test_an_invitation_is_about_one_event_and_whoever_comes_has_accepted() -> None:
    for name, method, status in (("request", "REQUEST", "TENTATIVE"), ("cancel",) * 3):
        calendar = Calendar.from_ical(WRITTEN[name])
        (event,) = calendar.walk("VEVENT")
        assert str(calendar["method"]) == method.upper()
        assert str(event["status"]) == (status if name == "request" else "CANCELLED")
        assert int(event["sequence"]) == 2
        assert str(event["organizer"]) == "mailto:portal@x.test"
        assert event["organizer"].params["CN"] == "Falls 'City'; College: x"
        attendee = event["attendee"]
        assert str(attendee) == "mailto:ben@x.test"
        assert (attendee.params["PARTSTAT"], attendee.params["RSVP"]) == ("ACCEPTED", "FALSE")
        assert attendee.params["CN"] == PARTY.attendee_name


def test_of_several_each_is_withdrawn_by_itself_and_those_that_are_held_invite_nobody() -> None:
    gone, held = Calendar.from_ical(WRITTEN["schedule"], multiple=True)
    assert (str(gone["method"]), str(held["method"])) == ("CANCEL", "PUBLISH")
    assert len(gone.walk("VEVENT")) == 1
    for event in held.walk("VEVENT"):
        assert str(event["organizer"]) == "mailto:portal@x.test"
        assert "attendee" not in event

"""The pages, e-mails, desk, calendar and API of enrollments."""

import datetime as dt
import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient
from icalendar import Calendar
from markupsafe import escape
from sqlalchemy import select

from portal.accounts.models import User
from portal.bookings.services import notices
from portal.kernel.clock import now, today_here
from portal.kernel.database import session, unit_of_work
from portal.kernel.mail import OutgoingMail
from portal.training.events import SectionMoved
from portal.training.models.enrollments import Enrollment
from portal.training.queries import learning
from portal.training.queries.sections import get_section
from portal.training.reactions import enrollments as reactions
from portal.training.services import enrollments as services
from portal.training.services import sections as section_services
from tests.cast import SEAT_TOKEN, World
from tests.support.statements import count_statements
from tests.training.conftest import ActorOf, OpenSection, OrganizationOf, again, begin, mails

ClientOf = Callable[[str], FlaskClient]


def recipients(word: str) -> set[str]:
    return {mail.recipient for mail in mails(word)}


def calendars_of(mail: OutgoingMail) -> list[dict[str, Any]]:
    """Return what a message brings for the calendar: events by their identity, with sequences."""
    found = []
    for calendar in Calendar.from_ical(mail.calendar_text, multiple=True):
        events = calendar.walk("VEVENT")
        found.append(
            {
                "method": str(calendar["method"]),
                "organizer": str(events[0]["organizer"]),
                "attendee": str(events[0].get("attendee", "")),
                "events": {str(event["uid"]): int(event["sequence"]) for event in events},
            }
        )
    return found


def rows_of(section_id: int) -> list[Enrollment]:
    return list(
        session.scalars(
            select(Enrollment).where(Enrollment.section_id == section_id).order_by(Enrollment.id)
        )
    )


def test_page_of_a_section_says_seats_price_and_what_follows(
    open_section: OpenSection, client_of: ClientOf
) -> None:
    address = f"/training/sections/{open_section(seats=1, min_seats=0).id}"
    page = client_of("ana").get(address).text
    for told in ("1 of 1 seats is free", "$200", "$150", "Enroll your people"):
        assert told in page
    assert "Roster" not in page
    client_of("ben").post(f"{address}/enroll")
    page = client_of("eve").get(address).text
    assert "All seats are taken" in page
    assert "Join the waiting list" in page
    assert "You are enrolled" in client_of("ben").get(address).text


def test_provider_reads_what_to_do_about_too_few_people(
    open_section: OpenSection, client_of: ClientOf
) -> None:
    address = f"/training/sections/{open_section(seats=5, min_seats=3).id}"
    page = client_of("cleo").get(address).text
    assert "With fewer than 3 enrolled it is cancelled after" in page
    assert f"{address}/edit#min_seats" in page
    assert "Hold it anyway" not in client_of("ana").get(address).text


def test_section_that_was_cancelled_says_that_nobody_can_enroll(
    world: World, client_of: ClientOf
) -> None:
    for way in ("enroll", "enroll-others"):
        page = client_of("ana").get(f"/training/sections/{world.sections['cancelled']}/{way}")
        assert page.status_code == 409
        assert "Nobody can enroll in this section any more" in page.text


def test_person_enrolls_waits_and_takes_the_seat_by_page(
    actor: ActorOf, open_section: OpenSection, client_of: ClientOf, drain: Callable[[], None]
) -> None:
    section = open_section(seats=1, min_seats=0)
    address = f"/training/sections/{section.id}/enroll"
    client_of("ben").post(address)
    client_of("eve").post(address)
    ben, eve = rows_of(section.id)
    assert (ben.status, eve.status) == ("enrolled", "waiting")
    page = f"/training/enrollments/{ben.id}/actions/withdraw"
    asked = client_of("ben").post(page)
    assert "Withdraw this enrollment?" in asked.text
    client_of("ben").post(page, data={"confirmed": "yes"})
    drain()
    assert recipients("is free for you") == {"eve@cast.example"}
    assert "Seats kept for you" in client_of("eve").get("/training/enrollments").text
    (offered,) = learning.list_seats_kept(actor("eve"), 5)
    client_of("eve").post(f"{offered.url}/answer", data={"action": "accept"})
    assert again(eve).status == "enrolled"


def test_a_single_meeting_comes_as_an_invitation(
    actor: ActorOf, open_section: OpenSection, drain: Callable[[], None]
) -> None:
    section = open_section()
    for meeting in section.meetings[1:]:
        section_services.drop_meeting(actor("cleo"), get_section(section.id), meeting_id=meeting.id)
    services.enroll(actor("ben"), get_section(section.id))
    drain()
    (mail,) = [one for one in mails("You are enrolled") if one.recipient == "ben@cast.example"]
    (one,) = calendars_of(mail)
    assert (one["method"], one["attendee"]) == ("REQUEST", "mailto:ben@cast.example")


def test_confirmation_brings_the_meetings_into_the_calendar(
    open_section: OpenSection, client_of: ClientOf, drain: Callable[[], None]
) -> None:
    section = open_section()
    client_of("ben").post(f"/training/sections/{section.id}/enroll")
    drain()
    (mail,) = [one for one in mails("You are enrolled") if one.recipient == "ben@cast.example"]
    (several,) = calendars_of(mail)
    assert (several["method"], several["organizer"]) == ("PUBLISH", "mailto:portal@localhost")
    assert len(several["events"]) == len(section.meetings)
    assert recipients("is enrolled in") == {"cleo@cast.example"}


def test_firm_enrolls_three_people_and_one_without_an_account_gets_in_by_the_link(
    app: object,
    world: World,
    open_section: OpenSection,
    client_of: ClientOf,
    drain: Callable[[], None],
    actor: ActorOf,
) -> None:
    section = open_section()
    form = {
        "organization_id": world.organizations["shop"],
        "emails": "ben@cast.example\nnew@shop.example\nother@shop.example",
    }
    address = f"/training/sections/{section.id}/enroll-others"
    assert (
        "is no e-mail address"
        in client_of("ana").post(address, data={**form, "emails": "nobody"}).text
    )
    asked = client_of("ana").post(address, data=form)
    assert "3 × $150 = $450" in asked.text
    assert rows_of(section.id) == []
    answer = client_of("ana").post(address, data={**form, "confirmed": "yes"})
    assert answer.location.endswith(f"/organizations/{world.organizations['shop']}/training")
    drain()
    link = next(
        line.strip("<> ")
        for line in session.scalars(
            select(OutgoingMail.body_text).where(OutgoingMail.recipient == "new@shop.example")
        )
        .one()
        .splitlines()
        if "/training/seats/" in line
    )
    path = link[link.index("/training/seats/") :]
    page = client_of("nobody").get(path).text
    assert "Open an account" in page
    assert "sign-up" in page
    assert client_of("nobody").post(path, data={"action": "accept"}).status_code == 401
    with unit_of_work():
        newcomer = User(
            email="new@shop.example", name="Newcomer", email_verified_at=now(), language="es"
        )
        session.add(newcomer)
    # Dov stands for whoever is signed in with the link in hand.
    client_of("dov").post(path, data={"action": "accept"})
    drain()
    row = next(one for one in rows_of(section.id) if one.email == "new@shop.example")
    assert (row.status, row.user_id) == ("enrolled", actor("dov").user_id)
    assert "ana@cast.example" in recipients("is enrolled in")
    assert client_of("nobody").get(path).status_code == 404
    listed = client_of("ana").get(f"/organizations/{world.organizations['shop']}/training").text
    assert "other@shop.example" in listed
    assert f"<span>${row.price_cents // 100}</span>" in listed


def test_a_second_seat_that_a_firm_keeps_is_told_to_those_whom_it_concerns(
    actor: ActorOf, organization_of: OrganizationOf, open_section: OpenSection, client_of: ClientOf
) -> None:
    section = open_section(seats=3, min_seats=0)
    services.enroll(actor("ben"), section)
    emails = ["ben@cast.example"]
    (kept,) = services.enroll_others(
        actor("ana"), section, organization=organization_of("shop"), emails=emails
    )
    address, firm = f"/training/sections/{section.id}", escape(organization_of("shop").name)
    page = client_of("ben").get(address).text
    assert "You are enrolled." in page
    assert f"{firm} keeps a second seat for you until" in page
    assert f"/training/enrollments/{kept.id}" in page
    assert "Your people in it" not in page
    page = client_of("ben").get(f"/training/enrollments/{kept.id}").text
    assert f"If you take this seat, {firm} pays, and you give up the other one" in page
    assert "Until you answer, both are taken." in page
    roster = client_of("cleo").get(f"{address}/roster").text
    assert "has a seat without the firm, too" in roster
    # To the firm it is said of everybody, or it would learn of whom it holds.
    page = client_of("ana").get(f"{address}/enroll-others").text
    assert "Whoever has a seat without you keeps both until then." in page
    assert "has a seat without the firm, too" not in page


def test_provider_declines_with_a_reason_that_the_person_reads(
    world: World, client_of: ClientOf, drain: Callable[[], None]
) -> None:
    address = f"/training/enrollments/{world.enrollments['eve_asks']}/actions/refuse"
    assert "Please give a reason" in client_of("cleo").post(address).text
    client_of("cleo").post(address, data={"note": "Take the basics first."})
    drain()
    (mail,) = mails("Declined")
    assert mail.recipient == "eve@cast.example"
    assert "Take the basics first." in mail.body_text


def test_cancelled_section_tells_everybody_even_those_without_an_account(
    actor: ActorOf,
    open_section: OpenSection,
    organization_of: OrganizationOf,
    drain: Callable[[], None],
) -> None:
    section = open_section()
    services.enroll(actor("ben"), section)
    services.enroll_others(
        actor("ana"), section, organization=organization_of("shop"), emails=["x@shop.example"]
    )
    drain()
    section_services.act_on_section(
        actor("cleo"), get_section(section.id), "cancel", note="The mill is broken."
    )
    drain()
    assert {row.status for row in rows_of(section.id)} == {"cancelled"}
    assert recipients("Cancelled: the enrollment") == {
        "ben@cast.example",
        "x@shop.example",
        "ana@cast.example",
    }
    (mail,) = [one for one in mails("Cancelled: the") if one.recipient == "ben@cast.example"]
    assert {one["method"] for one in calendars_of(mail)} == {"CANCEL"}


def test_somebody_is_moved_by_page(
    world: World, client_of: ClientOf, drain: Callable[[], None]
) -> None:
    address = f"/training/enrollments/{world.enrollments['eve_asks']}/move"
    assert "8 of 8 seats are free" in client_of("cleo").get(address).text
    refused = client_of("cleo").post(address, data={"section_id": world.sections["completed"]})
    assert refused.status_code == 422
    form = {"section_id": world.sections["planned"], "reason": "She works by day."}
    client_of("cleo").post(address, data=form)
    drain()
    (mail,) = mails("Changed")
    assert (mail.recipient, "She works by day." in mail.body_text) == ("eve@cast.example", True)
    left = get_section(world.sections["open"]).meetings
    gone = [one for one in calendars_of(mail) if one["method"] == "CANCEL"]
    assert len(gone) == len(left) > 0


def test_telling_of_a_move_reads_as_much_for_four_as_for_two(
    actor: ActorOf, open_section: OpenSection
) -> None:
    section, read = open_section(), []
    for names in (("ana", "ben"), ("eve", "dov")):
        for name in names:
            services.enroll(actor(name), section)
        with count_statements() as seen, unit_of_work():
            reactions.email_meetings_on_section_moved(
                SectionMoved(section.id, section.program_id, None)
            )
        read.append(sum(text.startswith("SELECT") for text in seen.texts))
    assert read[0] == read[1]


def test_moved_meetings_reach_who_takes_part(
    actor: ActorOf, open_section: OpenSection, drain: Callable[[], None]
) -> None:
    section = open_section()
    count, first = len(section.meetings), section.meetings[0].id
    services.enroll(actor("ben"), section)
    drain()
    (before,) = [calendars_of(one)[0] for one in mails("You are enrolled")]
    section_services.drop_meeting(actor("cleo"), get_section(section.id), meeting_id=first)
    drain()
    (mail,) = mails("Changed")
    assert mail.recipient == "ben@cast.example"
    # The one that was dropped leaves the calendar, by a word of its own that programs heed.
    gone, held = calendars_of(mail)
    assert (held["method"], len(held["events"])) == ("PUBLISH", count - 1)
    assert (gone["method"], gone["attendee"]) == ("CANCEL", "mailto:ben@cast.example")
    (number,) = gone["events"]
    assert number.startswith(f"meeting-{first}@")
    assert gone["events"][number] > before["events"][number], "its SEQUENCE grows"


def test_certificate_is_sent_and_its_revocation_told(
    actor: ActorOf, world: World, client_of: ClientOf, drain: Callable[[], None]
) -> None:
    number = world.certificates["ben"]
    address = f"/training/certificates/{number}/revoke"
    assert client_of("cleo").post(address, data={"reason": ""}).status_code == 422
    client_of("cleo").post(address, data={"reason": "Wrong name"})
    drain()
    (mail,) = mails("Revoked")
    assert (mail.recipient, "Wrong name" in mail.body_text) == ("ben@cast.example", True)
    address = f"/training/sections/{world.sections['completed']}/roster"
    row_id = world.enrollments["ben_passed"]
    client_of("cleo").post(address, data={f"result-{row_id}": "fail"})
    client_of("cleo").post(address, data={f"result-{row_id}": "pass"})
    drain()
    assert recipients("Your certificate") == {"ben@cast.example"}


def test_desks_show_what_waits_for_each(
    actor: ActorOf, world: World, open_section: OpenSection, client_of: ClientOf
) -> None:
    assert [item.url for item in learning.list_seats_kept(actor("ben"), 5)] == [
        f"/training/enrollments/{world.enrollments['ben_invited']}"
    ]
    assert [item.action for item in learning.list_to_decide(actor("cleo"), 5)] == ["Decide"]
    assert learning.list_to_decide(actor("ana"), 5) == []
    section = open_section("running")
    services.enroll_by_hand(actor("cleo"), section, name="Jo", email="jo@shop.example")
    with unit_of_work():
        section.starts_on = today_here() - dt.timedelta(days=9)
        section.ends_on = today_here() - dt.timedelta(days=1)
    assert [item.url for item in learning.list_to_record(actor("cleo"), 5)] == [
        f"/training/sections/{section.id}/roster"
    ]
    assert "Take it or decline" in client_of("ben").get("/desk").text


def test_ones_training_stands_on_the_desk_and_in_the_calendar_feed(
    actor: ActorOf, open_section: OpenSection, client_of: ClientOf
) -> None:
    section = open_section()
    services.enroll(actor("ben"), section)
    with unit_of_work():
        meeting = get_section(section.id).meetings[0]
        meeting.starts_at, meeting.ends_at = (
            now() + dt.timedelta(hours=30),
            now() + dt.timedelta(hours=31),
        )
    assert len(learning.list_next_meetings(actor("ben"), 5)) == 1
    token = notices.make_feed(actor("ben"), None)
    feed = client_of("nobody").get(f"/calendars/{token}.ics").text
    assert all(f"UID:meeting-{meeting.id}@" in feed for meeting in section.meetings)
    assert learning.list_next_meetings(actor("eve"), 5) == []


def test_online_address_is_for_who_takes_part(
    open_section: OpenSection, client_of: ClientOf
) -> None:
    section = open_section()
    address = f"/training/sections/{section.id}"
    assert "meet.example" not in client_of("ben").get(address).text
    client_of("ben").post(f"{address}/enroll")
    assert "meet.example" in client_of("ben").get(address).text
    assert "meet.example" not in client_of("eve").get(address).text


def test_those_who_teach_can_write_to_who_takes_part(world: World, client_of: ClientOf) -> None:
    add = f"/training/sections/{world.sections['running']}/roster/people"
    added = {"name": "Jo Jones", "email": "jo+tig@shop.example"}
    client_of("cleo").post(add, data=added)
    roster = client_of("cleo").get(add.removesuffix("/people")).text
    written = re.search(r'href="(mailto:\?bcc=[^"]+)"', roster)
    assert written is not None
    hidden = unquote(unescape(written[1])).removeprefix("mailto:?bcc=").split(",")
    assert "jo+tig@shop.example" in hidden
    page = re.search(r'href="(/training/enrollments/\d+)">Jo Jones<', roster)
    assert page is not None
    link = 'href="mailto:jo%2Btig@shop.example">jo+tig@shop.example</a>'
    assert link in roster
    assert link in client_of("cleo").get(page[1]).text


def test_provider_adds_somebody_by_page(
    world: World, client_of: ClientOf, drain: Callable[[], None]
) -> None:
    address = f"/training/sections/{world.sections['running']}/roster/people"
    assert client_of("cleo").post(address, data={"name": "", "email": "x"}).status_code == 422
    somebody = {"name": "Jo", "email": "jo@shop.example", "organization": "Ana's Machine Shop"}
    client_of("cleo").post(address, data=somebody)
    drain()
    assert recipients("on the roster of") == {"jo@shop.example"}
    assert recipients("pays for") == {"ana@cast.example"}
    roster = client_of("cleo").get(f"/training/sections/{world.sections['running']}/roster").text
    assert "not kept in an account yet" in roster


# The API


def test_program_enrolls_lists_and_withdraws(
    world: World, open_section: OpenSection, client_of: ClientOf
) -> None:
    section = open_section()
    client = client_of("ana")
    body = {
        "section_id": section.id,
        "organization_id": world.organizations["shop"],
        "emails": ["a@shop.example", "b@shop.example"],
    }
    headers = {"Idempotency-Key": "once"}
    made = client.post("/api/v1/enrollments", json=body, headers=headers)
    assert made.status_code == 201
    assert len(made.json["together"]) == 2
    again_made = client.post("/api/v1/enrollments", json=body, headers=headers)
    assert again_made.json["id"] == made.json["id"]
    assert len(rows_of(section.id)) == 2
    listed = client.get(f"/api/v1/enrollments?organization_id={world.organizations['shop']}").json
    assert {row["status"] for row in listed["items"]} >= {"invited"}
    done = client.post(
        f"/api/v1/enrollments/{made.json['id']}/actions/withdraw", json={"note": "Not now."}
    )
    assert done.json["status"] == "withdrawn"


@pytest.mark.parametrize("waits", [True, False])
def test_program_waits_in_line_only_if_it_wants_to(
    open_section: OpenSection, client_of: ClientOf, waits: bool
) -> None:
    section = open_section(seats=1, min_seats=0)
    client_of("ben").post("/api/v1/enrollments", json={"section_id": section.id})
    answer = client_of("eve").post(
        "/api/v1/enrollments", json={"section_id": section.id, "waits": waits}
    )
    if waits:
        assert (answer.status_code, answer.json["status"]) == (201, "waiting")
    else:
        assert (answer.status_code, answer.json["detail"]) == (409, "No seat is free.")
    assert len(rows_of(section.id)) == (2 if waits else 1)


def test_program_decides_on_the_roster_and_stays_there(world: World, client_of: ClientOf) -> None:
    cleo, number = client_of("cleo"), world.enrollments["eve_asks"]
    roster = f"/training/sections/{world.sections['open']}/roster"
    step = f"/training/enrollments/{number}/actions/approve"
    assert f'action="{step}"' in cleo.get(roster).text

    assert cleo.post(step, data={"next": roster}).headers["Location"] == roster
    assert f'<a href="{roster}">Roster</a>' in cleo.get(f"/training/enrollments/{number}").text


def test_who_finds_no_seat_for_somebody_keeps_what_was_typed(
    open_section: OpenSection, client_of: ClientOf
) -> None:
    section = open_section(seats=1, min_seats=0)
    client_of("ben").post(f"/training/sections/{section.id}/enroll")
    page = client_of("cleo").post(
        f"/training/sections/{section.id}/roster/people",
        data={"name": "Wanda Riddle", "email": "wanda@riddle.example"},
    )

    assert "No seat is free." in page.text
    assert "Wanda Riddle" in page.text


def test_refused_step_leads_back_to_where_it_was_taken(world: World, client_of: ClientOf) -> None:
    address = f"/training/sections/{world.sections['cancelled']}"

    def refused(origin: str) -> str:
        answer = client_of("ana").post(f"{address}/enroll", headers={"Referer": origin + address})
        assert answer.status_code == 409
        return answer.text

    assert f'href="{address}"' in refused("http://localhost")
    assert f'href="{address}"' not in refused("http://localhost.example")


def test_program_decides_and_records_results(
    world: World, client_of: ClientOf, open_section: OpenSection
) -> None:
    client = client_of("cleo")
    number = world.enrollments["eve_asks"]
    approved = client.post(f"/api/v1/enrollments/{number}/actions/approve", json={})
    assert approved.json["status"] == "enrolled"
    begin(get_section(world.sections["open"]))
    done = client.post(f"/api/v1/enrollments/{number}/result", json={"passed": True, "grade": "A"})
    assert (done.json["status"], done.json["grade"]) == ("completed", "A")
    roster = client.get(f"/api/v1/enrollments?section_id={world.sections['open']}").json["items"]
    assert {row["id"] for row in roster} == {number, world.enrollments["ben_invited"]}
    assert (
        client_of("ana").get(f"/api/v1/enrollments?section_id={world.sections['open']}").status_code
        == 403
    )


def test_invited_person_answers_by_program_and_by_link(world: World, client_of: ClientOf) -> None:
    number = world.enrollments["ben_invited"]
    assert client_of("eve").get(f"/api/v1/enrollments/{number}").status_code == 404
    answer = client_of("ben").post(f"/api/v1/enrollments/{number}/actions/accept", json={})
    assert answer.json["status"] == "enrolled"
    assert client_of("nobody").get(f"/training/seats/{SEAT_TOKEN}").status_code == 404


@pytest.mark.sqlite
def test_lists_take_the_same_statements_for_two_people_and_for_many(
    actor: ActorOf,
    world: World,
    open_section: OpenSection,
    organization_of: OrganizationOf,
    client_of: ClientOf,
) -> None:
    section = open_section(seats=40)
    shop = world.organizations["shop"]
    pages = {
        f"/organizations/{shop}/training": "ana",
        f"/training/sections/{section.id}": "ana",
        f"/training/sections/{section.id}/roster": "cleo",
    }

    def invite(prefix: str, count: int) -> None:
        services.enroll_others(
            actor("ana"),
            get_section(section.id),
            organization=organization_of("shop"),
            emails=[f"{prefix}{number}@shop.example" for number in range(count)],
        )
        services.enroll_by_hand(
            actor("cleo"), get_section(section.id), name=prefix, email=f"{prefix}@hand.example"
        )

    def count() -> list[int]:
        found = []
        for address, name in pages.items():
            client = client_of(name)
            client.get(address)
            with count_statements() as seen:
                assert client.get(address).status_code == 200
            found.append(seen.count)
        return found

    invite("a", 2)
    few = count()
    invite("b", 15)
    assert count() == few

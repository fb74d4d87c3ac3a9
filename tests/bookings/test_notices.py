"""Who hears of bookings, by what, and what calendar programs read."""

import datetime as dt
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import delete, select

from portal.bookings.events import SpanOffered
from portal.bookings.models.booking import Booking, WaitingEntry
from portal.bookings.models.notices import Reminder
from portal.bookings.queries import notices as queries
from portal.bookings.queries.bookings import get_booking, get_resource
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.notices import Concerned, Wishes, told_of_change, told_of_making
from portal.bookings.services import notices as services
from portal.bookings.services.calendar import open_resource
from portal.bookings.services.closures import add_closure
from portal.bookings.services.making import create_booking
from portal.bookings.services.moving import move_booking, move_to_resource
from portal.bookings.services.steps import act_on_booking
from portal.facilities.models import Equipment
from portal.facilities.queries.records import get_equipment
from portal.facilities.services.equipment import delete_equipment
from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Forbidden, NotFound
from portal.kernel.mail import OutgoingMail
from portal.kernel.outbox import record
from portal.organizations.models import Membership, Organization
from tests.cast import World, actor_named

Clients = Callable[[str], FlaskClient]
ANA, BEN, CLEO, DOV = 1, 2, 3, 4


@pytest.mark.parametrize(
    ("by", "wishes", "told"),
    [
        pytest.param(BEN, {}, {BEN: "person", CLEO: "host"}, id="one books for oneself"),
        pytest.param(ANA, {}, {BEN: "person", CLEO: "host"}, id="a colleague books"),
        pytest.param(CLEO, {}, {BEN: "person"}, id="the host books for somebody"),
        pytest.param(BEN, {BEN: Wishes(tells_person=False)}, {CLEO: "host"}, id="wants no mail"),
        pytest.param(BEN, {CLEO: Wishes(tells_host=False)}, {BEN: "person"}, id="quiet host"),
    ],
)
def test_who_is_told_of_a_booking(by: int, wishes: dict[int, Wishes], told: dict[int, str]) -> None:
    assert told_of_making(Concerned(BEN, BEN, [CLEO]), wishes, by) == told


@pytest.mark.parametrize(
    ("action", "by", "by_host", "wishes", "told"),
    [
        pytest.param("approve", CLEO, True, {}, {BEN: "person", ANA: "person"}, id="approved"),
        pytest.param(
            "cancel", BEN, False, {}, {ANA: "person", CLEO: "host", BEN: "own"}, id="cancelled"
        ),
        pytest.param("cancel", ANA, False, {}, {BEN: "person", CLEO: "host"}, id="for another"),
        pytest.param(
            "cancel",
            BEN,
            False,
            {BEN: Wishes(tells_person=False)},
            {ANA: "person", CLEO: "host"},
            id="one's own, silenced",
        ),
        pytest.param("lapse", None, True, {}, {BEN: "person", ANA: "person"}, id="the clock"),
        pytest.param("check_in", BEN, False, {}, {}, id="checked in"),
        pytest.param(
            "move",
            CLEO,
            True,
            {BEN: Wishes(tells_person=False), ANA: Wishes(tells_person=False)},
            {},
            id="silenced",
        ),
        pytest.param(
            "cancel",
            CLEO,
            True,
            {BEN: Wishes(tells_person=False), ANA: Wishes(tells_person=False)},
            {BEN: "person", ANA: "person"},
            id="what cannot be silenced",
        ),
    ],
)
def test_who_is_told_of_a_change(
    action: str, by: int | None, by_host: bool, wishes: dict[int, Wishes], told: dict[int, str]
) -> None:
    concerned = Concerned(BEN, ANA, [CLEO])
    assert told_of_change(concerned, wishes, by, action=action, by_host=by_host) == told


# E-mails


def next_week(hours: int = 0) -> dt.datetime:
    return (now() + dt.timedelta(days=8, hours=hours)).replace(minute=0, second=0, microsecond=0)


def book(world: World, name: str = "ben", asked: Booking | None = None) -> Booking:
    assert asked is not None
    (booking,) = create_booking(
        actor_named(name),
        get_resource(asked.resource_id),
        organization=session.get_one(Organization, world.organizations["shop"]),
        span=Span(next_week(), next_week(1)),
    )
    return booking


def invitation_of(mail: OutgoingMail) -> tuple[str, str, str]:
    (event,) = Calendar.from_ical(mail.calendar_text).walk("VEVENT")
    return str(event["uid"]), str(event["status"]), str(event["sequence"])


def method_of(mail: OutgoingMail) -> str:
    return str(Calendar.from_ical(mail.calendar_text)["method"])


def test_a_booking_is_asked_for_approved_moved_and_cancelled_by_mail(
    world: World, asked: Booking, deliver: Callable[[], list[OutgoingMail]]
) -> None:
    deliver()
    booking = book(world, asked=asked)
    mails = {mail.recipient: mail for mail in deliver()}
    assert sorted(mails) == ["ben@cast.example", "cleo@cast.example"]
    assert mails["cleo@cast.example"].subject.startswith("Please decide: Ben asks for")
    assert f"/bookings/{booking.id}" in mails["cleo@cast.example"].body_text
    assert mails["cleo@cast.example"].calendar_text == ""
    identity, status, first = invitation_of(mails["ben@cast.example"])
    assert status == "TENTATIVE"

    act_on_booking(actor_named("cleo"), get_booking(booking.id), "approve")
    (mail,) = deliver()
    assert mail.recipient == "ben@cast.example"
    same, status, second = invitation_of(mail)
    assert (same, status, method_of(mail)) == (identity, "CONFIRMED", "REQUEST")
    assert int(second) > int(first)

    move_booking(
        actor_named("cleo"), get_booking(booking.id), span=Span(next_week(2), next_week(3))
    )
    (mail,) = deliver()
    assert "Before, it was on" in mail.body_text
    same, _status, third = invitation_of(mail)
    assert same == identity
    assert int(third) > int(second)

    act_on_booking(actor_named("ben"), get_booking(booking.id), "cancel", note="Ill.")
    mails = {mail.recipient: mail for mail in deliver()}
    assert "Ill." in mails.pop("cleo@cast.example").body_text
    # Nothing else takes it out of the calendar of whoever cancels.
    mail = mails.pop("ben@cast.example")
    assert "You cancelled" in mail.body_text
    same, status, fourth = invitation_of(mail)
    assert (same, status, method_of(mail)) == (identity, "CANCELLED", "CANCEL")
    assert int(fourth) > int(third)
    assert not mails
    act_on_booking(actor_named("cleo"), asked, "decline", note="In repair.")
    (mail,) = deliver()
    assert mail.recipient == "ben@cast.example"
    assert (method_of(mail), invitation_of(mail)[1]) == ("CANCEL", "CANCELLED")


def test_who_comes_hears_what_was_booked_before_and_both_hosts_hear_of_a_move_between_them(
    world: World, asked: Booking, deliver: Callable[[], list[OutgoingMail]]
) -> None:
    with unit_of_work():
        for name in ("college_members", "aero_public"):
            session.get_one(Equipment, world.equipment[name]).sharing_terms = "bookable"
    ben = actor_named("ben")

    def move(who: str, name: str, number: int) -> Booking:
        equipment = get_equipment(world.equipment[name])
        there = get_resource(open_resource(actor_named(who), equipment).id)
        booking = get_booking(number)
        return move_to_resource(
            actor_named(who), (booking.resource, there), booking=booking, reason="Nearer."
        )

    act_on_booking(actor_named("cleo"), asked, "approve")
    deliver()
    move("cleo", "college_members", asked.id)
    (mail,) = deliver()
    assert mail.recipient == "ben@cast.example"
    assert "Before, it was for “College public mill”." in mail.body_text
    made = get_booking(move("ben", "aero_public", asked.id).id)
    told = {mail.recipient: mail for mail in deliver()}
    assert told.keys() == {"ben@cast.example", "cleo@cast.example", "eve@cast.example"}
    assert f"{ben.name} cancelled" in told["cleo@cast.example"].body_text
    assert "asks to use" in told["eve@cast.example"].body_text
    assert "College" not in told["eve@cast.example"].body_text
    assert made.resource.name not in told["cleo@cast.example"].body_text


def test_who_booked_what_was_deleted_since_is_told_not_to_come(
    deliver: Callable[[], list[OutgoingMail]], asked: Booking
) -> None:
    act_on_booking(actor_named("cleo"), asked, "approve")
    deliver()
    delete_equipment(actor_named("cleo"), get_equipment(asked.resource.equipment_id or 0))
    (mail,) = deliver()
    assert (mail.recipient, method_of(mail)) == ("ben@cast.example", "CANCEL")
    assert "no longer here" in mail.body_text
    assert get_booking(asked.id).status == "cancelled"


def test_who_comes_reads_by_which_clock_and_where_to_go(
    world: World, asked: Booking, deliver: Callable[[], list[OutgoingMail]], client_of: Clients
) -> None:
    with unit_of_work():
        mill = session.get_one(Equipment, asked.resource.equipment_id)
        mill.facility_id = None
        mill.street, mill.city, mill.state, mill.zip_code = "1 Mill Lane", "Salem", "IN", "47167"
    deliver()
    act_on_booking(actor_named("cleo"), get_booking(asked.id), "approve")
    (mail,) = deliver()
    where = "Falls City Community College, 1 Mill Lane, Salem, IN 47167"
    assert f"Where: {where}" in mail.body_text
    assert "(Louisville, E" in mail.body_text
    (event,) = Calendar.from_ical(mail.calendar_text).walk("VEVENT")
    assert event["location"] == where
    feed = client_of("nobody").get(f"/calendars/{services.make_feed(actor_named('ben'))}.ics").text
    assert where in {str(one["location"]) for one in Calendar.from_ical(feed).walk("VEVENT")}
    assert where in client_of("ben").get(f"/bookings/{asked.id}").text


@pytest.mark.parametrize("wants", [True, False])
def test_who_is_next_in_line_hears_of_free_time_and_until_when_it_is_kept(
    world: World, asked: Booking, deliver: Callable[[], list[OutgoingMail]], wants: bool
) -> None:
    deliver()
    services.choose_notices(
        actor_named("eve"),
        tells_person=True,
        tells_host=True,
        tells_offers=wants,
        remind_minutes=None,
    )
    with unit_of_work():
        entry = WaitingEntry(
            resource_id=asked.resource_id,
            organization_id=world.organizations["aero"],
            user_id=world.users["eve"],
            starts_at=next_week(),
            ends_at=next_week(1),
            status="offered",
            offered_until=next_week(-100),
        )
        session.add(entry)
        session.flush()
        record(SpanOffered(entry.id))
    mails = deliver()
    assert [mail.recipient for mail in mails] == (["eve@cast.example"] if wants else [])
    if wants:
        assert "Free again" in mails[0].subject
        assert "It is kept for you until" in mails[0].body_text


# Reminders


@pytest.fixture
def tomorrow(world: World, asked: Booking) -> Booking:
    """Ben's booking, approved long ago, that begins within a day."""
    with unit_of_work():
        asked.status = "approved"
        asked.created_at = now() - dt.timedelta(days=9)
        asked.starts_at = now() + dt.timedelta(hours=20)
        asked.ends_at = now() + dt.timedelta(hours=21)
    return asked


def test_a_reminder_comes_once_for_each_time(
    tomorrow: Booking, deliver: Callable[[], list[OutgoingMail]]
) -> None:
    deliver()
    assert [services.remind(SYSTEM), services.remind(SYSTEM)] == [1, 0]
    (mail,) = deliver()
    assert (mail.recipient, mail.subject[:5]) == ("ben@cast.example", "Soon:")
    with unit_of_work():
        tomorrow.starts_at -= dt.timedelta(hours=1)
    assert [services.remind(SYSTEM), services.remind(SYSTEM)] == [1, 0]
    assert len(session.scalars(select(Reminder)).all()) == 2


@pytest.mark.parametrize(("lead", "count"), [(60, 0), (None, 0), (1440, 1)])
def test_reminders_come_when_one_wants_them(
    tomorrow: Booking, lead: int | None, count: int
) -> None:
    services.choose_notices(
        actor_named("ben"),
        tells_person=True,
        tells_host=True,
        tells_offers=True,
        remind_minutes=lead,
    )
    assert services.remind(SYSTEM) == count


def test_who_books_at_short_notice_is_not_reminded(tomorrow: Booking) -> None:
    with unit_of_work():
        tomorrow.created_at = now()
    assert services.remind(SYSTEM) == 0


def copy_of(booking: Booking, starts_at: dt.datetime, hours: int = 1) -> Booking:
    made = Booking(
        **{
            name: getattr(booking, name)
            for name in (
                "resource_id",
                "host_organization_id",
                "organization_id",
                "user_id",
                "booked_by_id",
                "status",
                "customer_class",
            )
        },
        starts_at=starts_at,
        ends_at=starts_at + dt.timedelta(hours=hours),
    )
    with unit_of_work():
        session.add(made)
    return made


def test_bookings_that_need_no_reminder_keep_no_other_from_its_own(tomorrow: Booking) -> None:
    copy_of(tomorrow, tomorrow.starts_at - dt.timedelta(hours=3))
    copy_of(tomorrow, tomorrow.starts_at - dt.timedelta(hours=2))
    assert [booking.id for booking, _person in queries.list_reminders(1)] == [tomorrow.id]


# Feeds


def test_of_too_many_a_feed_has_what_comes_next(
    tomorrow: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = copy_of(tomorrow, now() - dt.timedelta(days=2))
    copy_of(tomorrow, now() - dt.timedelta(days=3))
    copy_of(tomorrow, now() + dt.timedelta(days=3))
    monkeypatch.setattr(queries, "MOST_FEED_ENTRIES", 3)
    later = copy_of(tomorrow, now() + dt.timedelta(days=2))
    _feed, bookings = queries.read_feed(services.make_feed(actor_named("ben")))
    assert [one.id for one in bookings][:2] == [tomorrow.id, later.id]
    monkeypatch.setattr(queries, "MOST_FEED_ENTRIES", 4)
    _feed, bookings = queries.read_feed(services.make_feed(actor_named("ben")))
    assert bookings[0].id == over.id


def events_of(client: FlaskClient, path: str) -> dict[str, str]:
    """Return the status of each booking in a calendar; other domains add events of their own."""
    answer = client.get(path)
    assert answer.content_type.startswith("text/calendar")
    events = Calendar.from_ical(answer.text).walk("VEVENT")
    return {
        str(event["uid"]): str(event["status"])
        for event in events
        if event["uid"].startswith("booking-")
    }


def test_what_is_cancelled_or_declined_leaves_the_calendar_that_a_program_reads(
    client_of: Clients, world: World, asked: Booking
) -> None:
    nobody = client_of("nobody")
    mine = f"/calendars/{services.make_feed(actor_named('ben'))}.ics"
    mill = f"/calendars/{services.make_feed(actor_named('cleo'), get_resource(asked.resource_id))}"
    uid = f"booking-{asked.id}@{queries.calendar_host()}"
    assert events_of(nobody, mine) == {uid: "TENTATIVE"}
    assert "Ben" in nobody.get(f"{mill}.ics").text
    act_on_booking(actor_named("cleo"), get_booking(asked.id), "decline", note="In repair.")
    # What is there and cancelled some programs show as if it was on; none keeps what is gone.
    assert events_of(nobody, mine) == events_of(nobody, f"{mill}.ics") == {}
    answer = nobody.get(mine)
    again = nobody.get(mine, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_a_calendar_for_everybody_says_busy_and_nothing_else(
    world: World, asked: Booking, client_of: Clients
) -> None:
    address = f"/equipment/{world.equipment['college_public']}/busy.ics"
    assert not Calendar.from_ical(client_of("nobody").get(address).data).walk("VEVENT")
    act_on_booking(actor_named("cleo"), asked, "approve")
    booking = get_booking(asked.id)
    # Next to each other they are one time, so that nobody counts bookings.
    add_closure(
        actor_named("cleo"),
        booking.resource,
        kind="closure",
        starts_at=booking.ends_at,
        ends_at=booking.ends_at + dt.timedelta(hours=1),
        reason="Secret works",
    )
    read = client_of("nobody").get(address)
    (event,) = Calendar.from_ical(read.data).walk("VEVENT")
    assert event["SUMMARY"] == "Busy"
    assert event.decoded("DTSTART") == booking.starts_at
    assert event.decoded("DTEND") == booking.ends_at + dt.timedelta(hours=1)
    assert event.keys() == {"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY"}
    for text in (booking.purpose, booking.organization.name, "Ben", "Secret"):
        assert text not in read.text
    for visibility, terms in (("members", "bookable"), ("public", "by_request")):
        with unit_of_work():
            mill = session.get_one(Equipment, world.equipment["college_public"])
            mill.visibility, mill.sharing_terms = visibility, terms
        assert client_of("cleo").get(address).status_code == 404


def test_a_feed_ends_with_its_secret_its_membership_and_its_account(
    client_of: Clients, world: World, asked: Booking
) -> None:
    nobody = client_of("nobody")
    old = services.make_feed(actor_named("ben"))
    new = services.make_feed(actor_named("ben"))
    uid = f"booking-{asked.id}@{queries.calendar_host()}"
    assert events_of(nobody, f"/calendars/{new}.ics") == {uid: "TENTATIVE"}
    for ended in (old, "nonsense"):
        assert "There is no such calendar." in nobody.get(f"/calendars/{ended}.ics").text
    mill = services.make_feed(actor_named("cleo"), get_resource(asked.resource_id))
    with unit_of_work():
        session.execute(delete(Membership).where(Membership.user_id == world.users["cleo"]))
    assert "There is no such calendar." in nobody.get(f"/calendars/{mill}.ics").text


@pytest.mark.parametrize("name", ["ben", "eve", "dov"])
def test_only_the_hosts_people_read_a_machines_calendar(asked: Booking, name: str) -> None:
    with pytest.raises(Forbidden):
        services.make_feed(actor_named(name), get_resource(asked.resource_id))


def test_nobody_ends_the_feed_of_another(asked: Booking) -> None:
    services.make_feed(actor_named("ben"))
    (feed,) = queries.list_feeds(actor_named("ben"))
    with pytest.raises(NotFound):
        services.end_feed(actor_named("ana"), feed_id=feed.id)


# Pages


def test_choices_and_calendars_have_a_page(client_of: Clients, asked: Booking) -> None:
    client = client_of("ben")
    assert "A day before" in client.get("/notices").text
    chosen = {"tells_host": "yes", "remind_minutes": "60"}
    assert client.post("/notices", data=chosen).status_code == 303
    choice = queries.find_choice(actor_named("ben"))
    assert (choice.tells_person, choice.tells_host, choice.remind_minutes) == (False, True, 60)
    made = client.post("/notices/calendars", data={"resource_id": ""})
    assert "shown only this once" in made.text
    assert ".ics" in made.text
    (feed,) = queries.list_feeds(actor_named("ben"))
    assert "End it" in client.get("/notices").text
    assert client.post(f"/notices/calendars/{feed.id}/end").status_code == 303
    assert queries.list_feeds(actor_named("ben")) == []

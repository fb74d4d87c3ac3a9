"""The pages of bookings: the week, the form with its ways on, one booking, worklists, the desk."""

import datetime as dt
import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from markupsafe import escape
from sqlalchemy import delete, select
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from portal.bookings.models.booking import Booking, WaitingEntry
from portal.bookings.models.calendar import Closure, Dependency, Resource, RuleLayer
from portal.bookings.queries.bookings import get_booking, get_resource
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.recurrence import read_recurrence
from portal.bookings.services import making, steps, waiting
from portal.bookings.services.closures import add_closure
from portal.facilities.models import Equipment
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.organizations.models import Membership, Organization
from tests.bookings.conftest import OpenMill
from tests.cast import World
from tests.support.statements import count_statements

ClientOf = Callable[[str], FlaskClient]
ActorOf = Callable[[str], Actor]
PLACE = ZoneInfo("America/Kentucky/Louisville")


def in_a_week(time: str) -> dt.datetime:
    """Return an instant of the day in a week, by the clock of the college's mill."""
    day = now().astimezone(PLACE).date() + dt.timedelta(days=7)
    return dt.datetime.combine(day, dt.time.fromisoformat(time), PLACE).astimezone(dt.UTC)


def span(starts: str, ends: str) -> Span:
    return Span(in_a_week(starts), in_a_week(ends))


@pytest.fixture
def address(world: World) -> str:
    return f"/equipment/{world.equipment['college_public']}"


@pytest.fixture
def book(world: World, actor: ActorOf) -> Callable[..., Booking]:
    """Book the college's mill for a person of the cast in a week."""

    def make(name: str, starts: str, ends: str, organization: str = "shop", **more: Any) -> Booking:
        made, *_others = making.create_booking(
            actor(name),
            get_resource(world.resources["college_public"]),
            organization=session.get_one(Organization, world.organizations[organization]),
            span=span(starts, ends),
            **more,
        )
        return made

    return make


def filled(world: World, name: str = "ana", **more: str) -> dict[str, Any]:
    return {
        "organization_id": world.organizations["shop"],
        "for_user": world.users[name],
        "date": in_a_week("12:00").astimezone(PLACE).date().isoformat(),
        "starts": "09:00",
        "ends": "11:00",
        "purpose": "First articles",
        **more,
    }


def forms(response: TestResponse, label: str) -> tuple[str, MultiDict[str, str]]:
    """Return where the form of a button sends what it has in its hidden fields."""
    found = re.findall(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', response.text, re.DOTALL)
    for action, inside in found:
        if label in inside:
            sent = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', inside)
            return action, MultiDict((name, unescape(value)) for name, value in sent)
    raise AssertionError(f"no button {label}")


# The week


def test_outsiders_see_that_it_is_busy_and_its_people_see_who_and_what_for(
    client_of: ClientOf, mill: OpenMill, book: Callable[..., Booking], address: str
) -> None:
    mill()
    book("ana", "09:00", "11:00", purpose="Secret housings")
    week = f"{address}/times?date={in_a_week('12:00').astimezone(PLACE).date()}"
    outside = client_of("eve").get(week).text
    assert "busy" in outside
    assert "Secret housings" not in outside
    assert "Machine Shop" not in re.sub(r"<header.*?</header>", "", outside, flags=re.DOTALL)
    for name in ("cleo", "ben"):
        assert "Secret housings" in client_of(name).get(week).text


def test_a_free_time_leads_to_the_form_with_the_time_filled_in(
    client_of: ClientOf, mill: OpenMill, address: str
) -> None:
    mill(min_length_minutes=90)
    ana = client_of("ana")
    week = ana.get(f"{address}/times?date={in_a_week('12:00').astimezone(PLACE).date()}").text
    starts = re.escape(in_a_week("10:00").strftime("%Y-%m-%dT%H:%MZ"))
    link = re.search(rf'href="({address}/book\?starts_at={starts}[^"]*)"', week)
    assert link is not None
    form = ana.get(link[1].replace("&amp;", "&")).text
    assert 'name="starts" required step="900" type="time" value="10:00"' in form
    assert 'type="time" value="11:30"' in form


def test_whoever_belongs_to_no_organization_is_led_to_one_and_back(
    client_of: ClientOf, mill: OpenMill, address: str, world: World
) -> None:
    mill()
    with unit_of_work():
        session.execute(delete(Membership).where(Membership.user_id == world.users["eve"]))
    eve = client_of("eve")
    asked = {f"{address}/times": 200, f"{address}/book": 403}
    for page, status in asked.items():
        shown = eve.get(page)
        assert shown.status_code == status
        assert f'href="/organizations/register?next={page}"' in shown.text


def test_the_button_of_a_chosen_day_books_that_day(
    client_of: ClientOf, mill: OpenMill, address: str
) -> None:
    mill()
    day = in_a_week("12:00").astimezone(PLACE).date()
    for chosen in (day, day + dt.timedelta(days=1)):
        week = client_of("ana").get(f"{address}/times?date={chosen}").text
        button = re.search(r'href="([^"]+)" data-variant="primary"', week)
        assert button is not None
        assert f"starts_at={chosen}" in button[1]


def test_the_week_says_the_zone_and_why_it_is_closed(
    client_of: ClientOf, mill: OpenMill, actor: ActorOf, address: str
) -> None:
    resource = mill()
    add_closure(
        actor("cleo"),
        resource,
        kind="outage",
        starts_at=in_a_week("08:00"),
        ends_at=in_a_week("12:00"),
        reason="Spindle repair",
    )
    week = f"{address}/times?date={in_a_week('12:00').astimezone(PLACE).date()}"
    shown = client_of("nobody").get(week).text
    assert "Louisville, E" in shown
    assert "Out of order" in shown
    assert "Spindle repair" in shown
    assert "Sign in to book it" in shown


@pytest.mark.parametrize("date", ["2027-03-14", "2027-11-07", "not a date", "0001-01-01"])
def test_a_week_in_which_clocks_change_can_be_looked_at(
    client_of: ClientOf, mill: OpenMill, address: str, date: str
) -> None:
    mill(horizon_days=700)
    shown = client_of("ana").get(f"{address}/times?date={date}")
    assert shown.status_code == 200
    assert ("clocks change" in shown.text) == date.startswith("2027")


def test_a_week_takes_the_same_statements_for_one_booking_and_for_many(
    client_of: ClientOf, mill: OpenMill, book: Callable[..., Booking], address: str
) -> None:
    mill()
    week = f"{address}/times?date={in_a_week('12:00').astimezone(PLACE).date()}"
    cleo = client_of("cleo")
    book("ana", "07:00", "08:00")
    with count_statements() as few:
        cleo.get(week)
    for hour in range(8, 18):
        book("ana", f"{hour:02d}:00", f"{hour + 1:02d}:00")
    with count_statements() as many:
        cleo.get(week)
    assert many.count <= few.count <= 32


# Booking


def test_a_booking_is_made_for_a_colleague(
    client_of: ClientOf, world: World, mill: OpenMill, address: str
) -> None:
    mill()
    answer = client_of("ana").post(f"{address}/book", data=filled(world, "ben"))
    assert answer.status_code == 303
    made = get_booking(int(answer.headers["Location"].rsplit("/", 1)[1]))
    assert (made.user_id, made.booked_by_id) == (world.users["ben"], world.users["ana"])
    assert (made.starts_at, made.ends_at) == (in_a_week("09:00"), in_a_week("11:00"))
    assert made.status == "approved"


@pytest.mark.database
def test_the_same_form_sent_twice_books_once_and_a_changed_one_books_again(
    client_of: ClientOf, world: World, mill: OpenMill, address: str
) -> None:
    mill()
    ana, sent = client_of("ana"), filled(world, form_key="once")
    first = ana.post(f"{address}/book", data=sent).headers["Location"]
    assert ana.post(f"{address}/book", data=sent).headers["Location"] == first
    later = {**sent, "starts": "12:00", "ends": "13:00"}
    assert ana.post(f"{address}/book", data=later).headers["Location"] != first


def test_all_that_stands_against_it_is_told_at_once_with_where_a_gate_is_opened(
    client_of: ClientOf, world: World, mill: OpenMill, address: str
) -> None:
    mill(needs_qualification=True, needs_agreement=True, max_length_minutes=60)
    answer = client_of("ana").post(f"{address}/book", data=filled(world))
    assert answer.status_code == 422
    told = answer.text[answer.text.index("error-summary") :]
    told = told[: told.index("</section>")]
    assert told.count("<li>") == 3
    assert "kind=qualification" in told
    assert "kind=agreement" in told
    assert 'value="First articles"' in answer.text


def test_who_lacks_something_reads_it_before_filling_in_the_form(
    client_of: ClientOf, mill: OpenMill, address: str
) -> None:
    mill(needs_induction=True)
    shown = client_of("ana").get(f"{address}/book").text
    assert "A safety induction of whoever comes" in shown
    assert "/access/ask?kind=induction" in shown


def test_what_would_work_is_one_click_away(
    client_of: ClientOf, world: World, mill: OpenMill, book: Callable[..., Booking], address: str
) -> None:
    mill()
    book("ben", "09:00", "10:00")
    ana = client_of("ana")
    refused = ana.post(f"{address}/book", data=filled(world))
    assert refused.status_code == 409
    action, values = forms(refused, "is free")
    done = ana.post(action, data=values)
    assert done.status_code == 303
    made = get_booking(int(done.headers["Location"].rsplit("/", 1)[1]))
    assert made.purpose == "First articles"
    assert made.starts_at >= in_a_week("10:00")


def test_a_host_sets_rules_aside_with_a_reason_and_others_are_not_asked(
    client_of: ClientOf, world: World, mill: OpenMill, address: str
) -> None:
    mill(max_length_minutes=60)
    own = {"organization_id": world.organizations["college"], "for_user": world.users["cleo"]}
    assert (
        "override_reason" not in client_of("ana").post(f"{address}/book", data=filled(world)).text
    )
    cleo = client_of("cleo")
    assert "override_reason" in cleo.post(f"{address}/book", data=filled(world) | own).text
    done = cleo.post(f"{address}/book", data=filled(world) | own | {"override_reason": "Open day"})
    assert done.status_code == 303
    assert "Open day" in cleo.get(done.headers["Location"]).text


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ({"frequency": "daily", "count": "3"}, 3),
        ({"frequency": "weekly", "interval": "2", "count": "2"}, 2),
        ({"frequency": "monthly", "monthly": "weekday", "count": "3"}, 3),
    ],
    ids=["three days", "every other week", "a weekday of the month"],
)
def test_a_booking_repeats_and_its_page_shows_all_of_the_series(
    client_of: ClientOf,
    world: World,
    mill: OpenMill,
    address: str,
    said: dict[str, str],
    count: int,
) -> None:
    mill()
    ana = client_of("ana")
    done = ana.post(f"{address}/book", data=filled(world, **said))
    assert done.status_code == 303, done.text
    assert session.scalars(select(Booking).where(Booking.series_id.is_not(None))).all()[count - 1 :]
    assert "Booked together" in ana.get(done.headers["Location"]).text


def test_of_a_series_the_others_are_booked_with_one_click_and_what_was_left_out_is_told(
    client_of: ClientOf, world: World, mill: OpenMill, book: Callable[..., Booking], address: str
) -> None:
    mill()
    book("ben", "10:00", "12:00")
    ana = client_of("ana")
    refused = ana.post(f"{address}/book", data=filled(world, frequency="daily", count="3"))
    assert refused.status_code == 409
    action, values = forms(refused, "Leave these out and book the others")
    done = ana.post(action, data=values)
    shown = ana.get(done.headers["Location"]).text
    assert "2 bookings were made" in shown
    day = in_a_week("12:00").astimezone(PLACE)
    assert f"Left out: {day:%a}, {day:%b} {day.day}." in shown


def test_of_a_series_single_ones_are_at_another_time_one_click_each_and_nothing_typed_is_lost(
    client_of: ClientOf, world: World, mill: OpenMill, book: Callable[..., Booking], address: str
) -> None:
    mill()
    day = dt.timedelta(days=1)
    book(
        "ben",
        "10:00",
        "11:00",
        recurrence=read_recurrence({"frequency": "daily", "interval": 2, "count": 2}),
    )
    ana = client_of("ana")
    typed = filled(world, frequency="daily", count="3", purpose="Jigs & lids", starts="10:00")
    answer = ana.post(f"{address}/book", data=typed)
    for left in (2, 1):
        assert answer.status_code == 409
        assert len(set(re.findall(r"Instead of [^:]+", answer.text))) >= left
        action, values = forms(answer, "Instead of ")
        assert (action, values["purpose"]) == (f"{address}/book", "Jigs & lids")
        answer = ana.post(action, data=values)
        if left == 2:
            # What was chosen stands in the form, and can be taken back.
            assert re.search(r'name="instead"[^>]+checked', answer.text)
    assert answer.status_code == 303, answer.text
    made = session.scalars(select(Booking).where(Booking.purpose == "Jigs & lids")).all()
    begins = [one.starts_at - in_a_week("10:00") for one in made]
    assert len(made) == 3
    assert day in begins
    assert not {0 * day, 2 * day} & set(begins)
    assert "Left out" not in ana.get(answer.headers["Location"]).text


def test_what_stands_against_all_of_a_series_is_told_once(
    client_of: ClientOf, world: World, mill: OpenMill, book: Callable[..., Booking], address: str
) -> None:
    mill(needs_qualification=True)
    with unit_of_work():
        session.add(
            Closure(
                resource_id=world.resources["college_public"],
                kind="closure",
                starts_at=in_a_week("00:00"),
                ends_at=in_a_week("00:00") + dt.timedelta(days=2),
            )
        )
    refused = client_of("ana").post(
        f"{address}/book", data=filled(world, frequency="daily", count="12")
    )
    (summary,) = re.findall(r'<section class="error-summary".*?</section>', refused.text, re.DOTALL)
    # What is about some of it names their days.
    assert re.findall(r"<li>\w+ \d+, \d+ and \w+ \d+, \d+: It is closed", summary)
    assert summary.count("<li>") == 2
    (gate,) = re.findall(r"<li>([^<]*) <a [^>]*>Ask for it", summary)
    assert ": " not in gate


def test_what_is_taken_is_left_out_only_where_something_is_left(
    client_of: ClientOf, world: World, mill: OpenMill, book: Callable[..., Booking], address: str
) -> None:
    resource = mill()
    daily = filled(world, frequency="daily", count="2")
    ben, ana = client_of("ben"), client_of("ana")
    assert ben.post(f"{address}/book", data={**daily, "for_user": ""}).status_code == 303
    refused = ana.post(f"{address}/book", data=daily).text
    assert "Instead of" in refused
    assert "Leave these out" not in refused
    # Where nothing else would work, leaving out is a way on all the same.
    with unit_of_work():
        session.add(
            Closure(
                resource_id=resource.id,
                kind="closure",
                starts_at=in_a_week("00:00") + dt.timedelta(days=1),
                ends_at=in_a_week("00:00") + dt.timedelta(days=40),
            )
        )
        for one in session.scalars(select(Booking).where(Booking.series_id.is_not(None))):
            one.status = "cancelled"
    refused = ana.post(f"{address}/book", data=daily).text
    assert "Instead of" not in refused
    assert "Leave these out and book the others" in refused


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"frequency": "daily"}, "until when it repeats"),
        ({"ends": "08:00"}, "end after it begins"),
        ({"starts": "soon"}, "a time such as"),
        ({"date": ""}, "fill this in"),
        ({"date": "9999-12-31"}, "of this century"),
    ],
    ids=["endless", "ends before it begins", "no time of day", "no day", "the end of days"],
)
def test_what_cannot_be_read_is_told_at_its_field(
    client_of: ClientOf,
    world: World,
    mill: OpenMill,
    address: str,
    said: dict[str, str],
    message: str,
) -> None:
    mill()
    answer = client_of("ana").post(f"{address}/book", data=filled(world, **said))
    assert answer.status_code == 422
    assert message in answer.text


@pytest.mark.database
def test_a_machine_and_its_bay_are_booked_together_or_not_at_all(
    client_of: ClientOf, world: World, mill: OpenMill, address: str
) -> None:
    mill()
    with unit_of_work():
        bay = Resource(
            kind="facility",
            organization_id=world.organizations["college"],
            facility_id=world.facilities["college_public"],
            name="College public lab",
            is_bookable=True,
        )
        session.add(bay)
        session.flush()
        session.add(RuleLayer(resource_id=bay.id, approval="instant"))
    ana = client_of("ana")
    assert "College public lab" in ana.get(f"{address}/book").text
    sent = filled(world, also=str(bay.id))
    asked = ana.post(f"{address}/book", data=sent | {"action": "estimate"}).text
    assert "1 booking: about $170. 1 more has no price." in asked
    shown = ana.get(ana.post(f"{address}/book", data=sent).headers["Location"]).text
    assert "Booked together" in shown
    again = ana.post(f"{address}/book", data=sent | {"starts": "10:00", "ends": "12:00"})
    assert again.status_code == 409
    assert "College public lab: " in again.text
    # What would work for both is one click away, and books both.
    way, values = forms(again, "11:00\u202fAM–1:00\u202fPM is free")
    assert values["also"] == str(bay.id)
    assert way == f"{address}/book"
    assert len(session.scalars(select(Booking).where(Booking.party.is_not(None))).all()) == 2
    daily = ana.post(f"{address}/book", data=filled(world, frequency="daily", count="2")).text
    assert "Instead of " in daily
    weekly = sent | {"frequency": "weekly", "count": "3", "on_conflict": "skip"}
    shown = ana.get(ana.post(f"{address}/book", data=weekly).headers["Location"]).text
    assert shown.count("<span>College public lab</span>") == 2
    # A facility is exchanged for one of another host as equipment is, and for nothing else.
    with unit_of_work():
        session.add(
            Resource(
                kind="facility",
                organization_id=world.organizations["shop"],
                facility_id=world.facilities["shop_public"],
                name="Shop public lab",
                is_bookable=True,
            )
        )
    booked = session.scalars(select(Booking).where(Booking.resource_id == bay.id)).first()
    there = f'value="facility:{world.facilities["shop_public"]}"'
    assert there in ana.get(f"/bookings/{booked.id}/move").text
    machine = {"equipment_id": world.equipment["college_public"]}
    refused = ana.patch(f"/api/v1/bookings/{booked.id}", json=machine)
    assert (refused.status_code, "exchanged for equipment" in refused.text) == (422, True)
    # What the bay alone wants is asked for there.
    with unit_of_work():
        layer = session.scalars(select(RuleLayer).where(RuleLayer.resource_id == bay.id)).one()
        layer.needs_induction = True
    missing = ana.post(f"{address}/book", data=sent | {"starts": "14:00", "ends": "15:00"}).text
    assert f"/access/ask?facility={bay.facility_id}&amp;kind=induction&amp;org" in missing


def test_who_finds_it_taken_is_led_to_what_else_is_free_then(
    client_of: ClientOf, world: World, mill: OpenMill, book: Callable[..., Booking], address: str
) -> None:
    mill()
    book("ben", "09:00", "11:00")
    ben = world.users["ben"]
    sent = filled(world, purpose="Jigs & lids", for_user=ben)
    refused = client_of("ana").post(f"{address}/book", data=sent).text
    link = re.search(r'href="(/free\?[^"]+)"', refused)
    assert link is not None
    elsewhere = client_of("ana").get(unescape(link[1]))
    assert 'value="5-axis milling"' in elsewhere.text
    assert "0 machines and facilities are free" in elsewhere.text
    # What was typed comes along, to a later time too, and into the form that books it.
    hidden = dict(
        re.findall(r'type="hidden" name="(purpose|for_user)" value="([^"]*)"', elsewhere.text)
    )
    assert hidden == {"purpose": "Jigs &amp; lids", "for_user": str(ben)}
    asked = parse_qs(urlsplit(unescape(link[1])).query) | {"starts": "12:00", "ends": "13:00"}
    later = client_of("ana").get("/free", query_string=asked).text
    booking = re.search(rf'href="({address}/book[^"]+)"', later)
    assert booking is not None
    form = client_of("ana").get(unescape(booking[1])).text
    assert 'value="Jigs &amp; lids"' in form
    assert f'<option selected value="{ben}">' in form


# One booking


def test_the_host_approves_from_the_worklist_and_both_sides_read_the_history(
    client_of: ClientOf, world: World
) -> None:
    cleo = client_of("cleo")
    here = f"/organizations/{world.organizations['college']}/bookings"
    action, values = forms(cleo.get(here), "Approve")
    assert cleo.post(action, data=values).headers["Location"] == here
    booking_id = world.bookings["ben_on_college_mill"]
    assert get_booking(booking_id).status == "approved"
    shown = client_of("ben").get(f"/bookings/{booking_id}").text
    assert "Booked" in shown
    assert "Cleo" in shown


def test_a_declined_booking_needs_a_reason_that_its_people_read(
    client_of: ClientOf, world: World
) -> None:
    act = f"/bookings/{world.bookings['ben_on_college_mill']}/actions/decline"
    cleo = client_of("cleo")
    assert "Please give a reason." in cleo.post(act).text
    cleo.post(act, data={"note": "The mill moves to another hall."})
    assert "another hall" in client_of("ben").get(act.rsplit("/actions", 1)[0]).text


def test_what_the_rules_forbid_by_now_is_approved_only_with_a_reason(
    client_of: ClientOf, world: World, mill: OpenMill
) -> None:
    mill(max_length_minutes=60, approval="host")
    act = f"/bookings/{world.bookings['ben_on_college_mill']}/actions/approve"
    cleo = client_of("cleo")
    asked = cleo.post(act)
    assert asked.status_code == 422
    assert "stand against it" in asked.text
    cleo.post(act, data={"override_reason": "A long part"})
    assert get_booking(world.bookings["ben_on_college_mill"]).status == "approved"


def test_a_moved_booking_keeps_where_it_was(
    client_of: ClientOf, world: World, mill: OpenMill, book: Callable[..., Booking]
) -> None:
    mill()
    booking_id = book("ana", "09:00", "10:00").id
    ana = client_of("ana")
    date = in_a_week("12:00").astimezone(PLACE).date().isoformat()
    times = {"date": date, "starts": "13:00", "ends": "15:00", "reason": "The bar stock is late"}
    assert ana.post(f"/bookings/{booking_id}/move", data=times).status_code == 303
    book("ben", "16:00", "17:00")
    refused = ana.post(f"/bookings/{booking_id}/move", data=times | {"ends": "16:30"})
    assert refused.status_code == 409
    assert "is free" in refused.text
    # The time that it has is no way on.
    assert "1:00–3:00\u202fPM is free" not in refused.text
    shown = ana.get(f"/bookings/{booking_id}").text
    assert "1:00–3:00\u202fPM" in shown
    assert "9:00–10:00\u202fAM" in shown
    assert "The bar stock is late" in shown


def test_a_booking_is_moved_to_another_machine_and_told_what_it_is_for(
    client_of: ClientOf, world: World, mill: OpenMill, book: Callable[..., Booking]
) -> None:
    mill()
    booking_id = book("ana", "09:00", "10:00").id
    ana, here = client_of("ana"), f"/bookings/{booking_id}"
    other = session.get_one(Equipment, world.equipment["college_members"])
    name = other.name
    with unit_of_work():
        other.sharing_terms = "bookable"
    assert f">{name}</option>" in ana.get(f"{here}/move").text
    date = in_a_week("12:00").astimezone(PLACE).date().isoformat()
    times = {"date": date, "starts": "09:00", "ends": "10:00"}
    to = times | {"target": f"equipment:{other.id}"}
    asked = ana.post(f"{here}/move", data=to | {"action": "estimate"})
    assert "9:00–10:00\u202fAM: about $85." in asked.text
    moved = ana.post(f"{here}/move", data=to)
    assert moved.headers["Location"] == here
    for purpose in ("Lids", "Lids for the fair"):
        ana.post(f"{here}/purpose", data={"purpose": purpose})
    shown = ana.get(here).text
    assert f"<h1>{name}</h1>" in shown
    assert "“College public mill”" in shown
    assert "Waits for approval" in shown
    assert "Lids for the fair" in shown
    assert "It was: “Lids”" in shown


def test_a_booking_is_handed_over_only_to_somebody_who_may_use_it(
    client_of: ClientOf, world: World, mill: OpenMill, book: Callable[..., Booking]
) -> None:
    resource = mill()
    booking_id = book("ana", "09:00", "10:00").id
    ana, over = client_of("ana"), f"/bookings/{booking_id}/hand-over"
    assert f'value="{world.users["ana"]}"' not in ana.get(over).text
    assert ana.post(over, data={"for_user": world.users["ben"]}).status_code == 303
    assert get_booking(booking_id).user_id == world.users["ben"]
    with unit_of_work():
        layer = resource.__class__.metadata.tables["rule_layer"]
        session.execute(layer.update().values(needs_qualification=True))
    refused = ana.post(over, data={"for_user": world.users["ana"]})
    assert refused.status_code == 422
    assert get_booking(booking_id).user_id == world.users["ben"]
    # It says what is missing, and leads to it, as a refused booking does.
    asking = f"/access/ask?equipment={resource.equipment_id}&kind=qualification&organization="
    assert f'href="{escape(asking)}{world.organizations["shop"]}"' in refused.text
    assert ana.get(asking).status_code == 200


@pytest.mark.parametrize("path", ["hand-over", "book"])
def test_what_a_colleague_has_to_ask_for_is_an_address_to_hand_on(
    client_of: ClientOf,
    world: World,
    mill: OpenMill,
    book: Callable[..., Booking],
    address: str,
    path: str,
) -> None:
    booking_id = book("ana", "09:00", "10:00").id
    mill(needs_qualification=True)
    ana, data = client_of("ana"), filled(world, "ben", starts="14:00", ends="15:00")
    url = f"/bookings/{booking_id}/hand-over" if path == "hand-over" else f"{address}/book"
    refused = ana.post(url, data=data).text
    # Whoever asks is who gets it, so Ana cannot ask for Ben.
    assert "Ben can ask for it here" in refused
    (found,) = re.findall(r'href="(http://127.0.0.1:8000/access/ask[^"]+)"', refused)
    path = found.removeprefix("http://127.0.0.1:8000").replace("&amp;", "&")
    assert client_of("ben").get(path).status_code == 200


@pytest.mark.database
def test_all_that_follow_in_a_series_are_cancelled_at_once(
    client_of: ClientOf, world: World, mill: OpenMill, address: str
) -> None:
    mill()
    ana = client_of("ana")
    ana.post(f"{address}/book", data=filled(world, frequency="daily", count="3"))
    series = session.scalars(
        select(Booking).where(Booking.series_id.is_not(None)).order_by(Booking.starts_at)
    ).all()
    step = {"scope": "following", "confirmed": "yes"}
    asked = ana.post(f"/bookings/{series[1].id}/actions/cancel", data={"scope": "following"}).text
    assert "Cancel what you chose of the series?" in asked
    # Two buttons that both begin with “Cancel” would leave one guessing.
    assert ">Go back</a>" in asked
    done = ana.post(f"/bookings/{series[1].id}/actions/cancel", data=step)
    assert "The same goes for one more of its series." in ana.get(done.headers["Location"]).text
    session.expire_all()
    assert [one.status for one in series] == ["approved", "cancelled", "cancelled"]


# Lists, the desk, the machine


def test_a_host_goes_back_from_a_guests_booking_to_those_at_the_host(
    client_of: ClientOf, mill: OpenMill, book: Callable[..., Booking], world: World
) -> None:
    mill()
    number = book("ana", "09:00", "10:00").id
    hosted = f'<a href="/organizations/{world.organizations["college"]}/bookings">Bookings here</a>'
    assert hosted in client_of("cleo").get(f"/bookings/{number}").text
    assert "Your bookings</a>" in client_of("ana").get(f"/bookings/{number}").text


def test_what_colleagues_booked_stands_in_a_list_of_its_own(
    client_of: ClientOf, mill: OpenMill, book: Callable[..., Booking]
) -> None:
    mill()
    book("ben", "07:00", "08:00", purpose="Ben’s brackets")
    book("ana", "09:00", "10:00", purpose="Ana’s adapters")
    for name, theirs, own in (("ana", "Ben’s", "Ana’s"), ("ben", "Ana’s", "Ben’s")):
        shown = client_of(name).get("/bookings?of=colleagues").text
        assert theirs in shown
        assert own not in shown
        assert theirs not in client_of(name).get("/bookings").text
    assert "booked nothing to come" in client_of("eve").get("/bookings?of=colleagues").text


def test_lists_take_the_same_statements_for_one_booking_and_for_many(
    client_of: ClientOf, world: World, mill: OpenMill, book: Callable[..., Booking]
) -> None:
    mill()
    pages = ("/bookings", f"/organizations/{world.organizations['college']}/bookings", "/desk")
    ana, cleo = client_of("ana"), client_of("cleo")
    book("ana", "07:00", "08:00")

    def count() -> list[int]:
        counts = []
        for client in (ana, cleo):
            for page in pages:
                with count_statements() as sent:
                    client.get(page)
                counts.append(sent.count)
        return counts

    count()  # what is kept until it changes is made
    few = count()
    for hour in range(8, 14):
        book("ana", f"{hour:02d}:00", f"{hour + 1:02d}:00")
    assert count() == few
    # The desk is the dearest: it asks once or twice for each of its parts.
    assert max(few) <= 71


def test_the_desk_brings_what_waits_for_approval(client_of: ClientOf, world: World) -> None:
    cleo = client_of("cleo")
    action, values = forms(cleo.get("/desk"), ": College public mill")
    assert cleo.post(action, data=values).headers["Location"] == "/desk"
    assert get_booking(world.bookings["ben_on_college_mill"]).status == "approved"


def test_whoever_stands_at_the_machine_checks_in_with_one_button(
    client_of: ClientOf, world: World, mill: OpenMill, actor: ActorOf, address: str
) -> None:
    mill()
    quarter = now().replace(minute=now().minute // 15 * 15, second=0, microsecond=0)
    starts_at = quarter + dt.timedelta(minutes=15)
    making.create_booking(
        actor("ana"),
        get_resource(world.resources["college_public"]),
        organization=session.get_one(Organization, world.organizations["shop"]),
        span=Span(starts_at, starts_at + dt.timedelta(hours=1)),
    )
    here = f"{address}/check-in"
    ana = client_of("ana")
    # The large code opens the record: who has booked is there to check in, the others to book.
    action, values = forms(ana.get(address), "Check in")
    assert action.endswith("/actions/check_in")
    assert values["next"] == address
    for path in (address, here):
        page = client_of("ben").get(path)
        assert "Next free" in page.text
        assert "Check in" not in page.text
        (link,) = re.findall(r'href="([^"]+/book\?starts_at[^"]+)"', page.text)
        assert "Book it" in client_of("ben").get(unescape(link)).text
    assert f'href="{here}"' in client_of("nobody").get(address).text
    action, values = forms(ana.get(here), "Check in")
    assert ana.post(action, data=values).headers["Location"] == here
    assert "Check out" in ana.get(here).text
    assert "Report an incident" in ana.get(here).text
    assert "That does not change the price." in ana.get(here).text
    assert "You have no booking here" in client_of("ben").get(here).text
    assert client_of("nobody").get(here).headers["Location"].startswith("/sign-in")
    assert "check-in" in client_of("nobody").get(f"{address}/label").text


# Waiting, and the time first


def test_whoever_waits_is_offered_freed_time_and_takes_it_with_one_click(
    client_of: ClientOf,
    world: World,
    mill: OpenMill,
    book: Callable[..., Booking],
    actor: ActorOf,
    address: str,
) -> None:
    mill()
    taken = book("cleo", "09:00", "11:00", "college")
    ana = client_of("ana")
    action, values = forms(ana.post(f"{address}/book", data=filled(world)), "Tell me when")
    assert ana.post(action, data=values).status_code == 303
    assert "You wait for" in ana.get("/bookings").text
    steps.act_on_booking(actor("cleo"), get_booking(taken.id), "cancel")
    waiting.offer_freed_time(SYSTEM, get_resource(taken.resource_id))
    assert "kept for you" in ana.get("/desk").text
    action, values = forms(ana.get("/bookings"), "Book it")
    done = ana.post(action, data=values)
    assert "First articles" in ana.get(done.headers["Location"]).text


def test_one_waits_for_a_busy_time_where_one_sees_it(
    client_of: ClientOf, mill: OpenMill, book: Callable[..., Booking], address: str
) -> None:
    mill()
    book("cleo", "09:00", "11:00", "college")
    week = f"{address}/times?date={in_a_week('12:00').astimezone(PLACE).date()}"
    ana = client_of("ana")
    action, values = forms(ana.get(week), "Tell me when it gets free")
    assert ana.post(action, data=values).status_code == 303
    assert session.scalars(select(WaitingEntry)).one().starts_at == in_a_week("09:00")
    assert "Tell me when" not in client_of("cleo").get(week).text
    assert "Tell me when" not in client_of("nobody").get(week).text


def test_whoever_no_longer_waits_leaves_the_list_and_others_cannot_make_them(
    client_of: ClientOf, world: World, mill: OpenMill, book: Callable[..., Booking], address: str
) -> None:
    mill()
    book("cleo", "09:00", "11:00", "college")
    ana = client_of("ana")
    ana.post(f"{address}/wait", data=filled(world))
    entry = session.scalars(select(WaitingEntry)).one()
    assert client_of("ben").post(f"/waiting/{entry.id}/leave").status_code == 404
    assert client_of("ben").post(f"/waiting/{entry.id}/accept").status_code == 404
    ana.post(f"/waiting/{entry.id}/leave")
    session.expire_all()
    assert entry.status == "left"


def test_the_time_comes_first_and_any_of_a_kind_is_booked(
    client_of: ClientOf, world: World, mill: OpenMill, book: Callable[..., Booking]
) -> None:
    mill()
    date = in_a_week("12:00").astimezone(PLACE).date().isoformat()
    asked = {"date": date, "starts": "09:00", "ends": "10:00", "capability": "5-axis milling"}
    ana = client_of("ana")
    found = ana.get("/free", query_string=asked)
    assert "College public mill" in found.text
    lab = world.facilities["college_public"]
    with unit_of_work():
        host = world.organizations["college"]
        values = {"facility_id": lab, "name": "The lab", "is_bookable": True}
        session.add(Resource(kind="facility", organization_id=host, **values))
    assert (
        f"/facilities/{lab}/book" in ana.get("/free", query_string=asked | {"capability": ""}).text
    )
    action, values = forms(found, "Book one of them")
    assert ana.post(action, data=values).status_code == 303
    assert "College public mill" not in client_of("ben").get("/free", query_string=asked).text
    assert ana.post(action, data=values).status_code == 409


def test_what_is_too_far_away_is_neither_shown_nor_booked_as_one_of_a_kind(
    client_of: ClientOf, world: World, mill: OpenMill
) -> None:
    mill()
    eve = client_of("eve")
    date = in_a_week("12:00").astimezone(PLACE).date().isoformat()
    asked = {"date": date, "starts": "09:00", "ends": "10:00", "capability": "5-axis milling"}
    assert '<option selected value="100">' in eve.get("/free").text
    near = eve.get("/free", query_string=asked | {"within": "100"}).text
    assert "College public mill" not in near
    farther = re.search(r'href="(/free[^"]+within=[^"]*)"', near)
    assert farther is not None
    assert "College public mill" in eve.get(farther[1].replace("&amp;", "&")).text
    assert eve.post("/free/book", data=asked | {"within": "100"}).status_code == 409


def test_the_directory_finds_only_what_is_free(
    client_of: ClientOf, mill: OpenMill, indexed: None, book: Callable[..., Booking]
) -> None:
    mill()
    book("ana", "09:00", "11:00")
    date = in_a_week("12:00").astimezone(PLACE).date().isoformat()
    asked = {"q": "mill", "free_on": date, "free_starts": "10:00", "free_ends": "12:00"}
    anybody = client_of("nobody")
    assert "College public mill" not in anybody.get("/search", query_string=asked).text
    later = asked | {"free_starts": "11:00"}
    assert "College public mill" in anybody.get("/search", query_string=later).text


# Several organizations


def test_who_belongs_to_several_reads_what_holds_for_the_first_that_counts_most_or_chooses(
    client_of: ClientOf, world: World, mill: OpenMill, address: str
) -> None:
    resource, number = mill(), world.organizations["unclaimed"]
    with unit_of_work():
        session.add(Membership(organization_id=number, user_id=world.users["ana"], role="member"))
        for customer_class, days in (("academic", 1), ("member_sme", 30)):
            session.add(
                RuleLayer(
                    resource_id=resource.id,
                    customer_class=customer_class,
                    horizon_days=days,
                    needs_induction=True,
                )
            )
    ana = client_of("ana")
    shown = ana.get(address).text
    assert "Up to 30 days ahead" in shown
    shop = session.get_one(Organization, world.organizations["shop"])
    assert f"for {escape(shop.name)}" in shown
    assert shown.count("safety induction") == 1
    assert "What you need</dt>" not in shown
    window = {"from": in_a_week("09:00").isoformat(), "to": in_a_week("17:00").isoformat()}
    api = f"/api/v1{address}/availability"
    assert ana.get(api, query_string=window).json["free"]
    chosen = window | {"organization_id": number}
    assert ana.get(api, query_string=chosen).json["free"] == []
    day = in_a_week("12:00").astimezone(PLACE).date().isoformat()
    asked = {"date": day, "starts": "09:00", "ends": "10:00"}
    assert (
        "College public mill"
        in ana.get("/free", query_string=asked | {"organization_id": shop.id}).text
    )
    other = ana.get("/free", query_string=asked | {"organization_id": number}).text
    assert "0 machines and facilities are free" in other
    assert "Ohio Valley Institute</option>" in other


# What closes it


def test_why_it_is_closed_is_told_to_those_who_see_what_it_hangs_on(
    client_of: ClientOf, world: World, mill: OpenMill, actor: ActorOf, address: str
) -> None:
    resource = mill()
    with unit_of_work():
        compressor = Equipment(
            organization_id=resource.organization_id, name="Secret press", visibility="draft"
        )
        session.add(compressor)
        session.flush()
        needed = Resource(
            kind="equipment",
            organization_id=resource.organization_id,
            equipment_id=compressor.id,
            name="Secret press",
        )
        session.add(needed)
        session.flush()
        session.add(Dependency(resource_id=resource.id, needs_id=needed.id))
        session.add(
            Closure(
                resource_id=needed.id,
                kind="outage",
                starts_at=in_a_week("08:00"),
                ends_at=in_a_week("12:00"),
                reason="Hidden leak",
            )
        )
    date = in_a_week("12:00").astimezone(PLACE).date()
    window = {"from": in_a_week("07:00").isoformat(), "to": in_a_week("13:00").isoformat()}
    told = {"nobody": False, "eve": False, "ana": False, "cleo": True}
    for who, is_inside in told.items():
        client = client_of(who)
        for path in (f"{address}/times?date={date}", address):
            page = client.get(path).text
            assert "Out of order" in page
            assert ("Hidden leak" in page) == is_inside
            assert ("Secret press" in page) <= is_inside
        api = client.get(f"/api/v1{address}/availability", query_string=window)
        (closed,) = api.json["closed"]
        assert (closed["reason"], closed["because_of"]) == (
            ("Hidden leak", "Secret press") if is_inside else ("", "")
        )
    refused = client_of("ana").post(f"{address}/book", data=filled(world)).text
    assert "It is out of order" in refused
    assert "Secret press" not in refused
    own = filled(world, "cleo") | {"organization_id": world.organizations["college"]}
    assert (
        "“Secret press”, which it needs" in client_of("cleo").post(f"{address}/book", data=own).text
    )

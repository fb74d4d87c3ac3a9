"""What hosts do on the pages of a calendar, and what records then tell visitors."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.bookings.forms.calendar import read_length
from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Closure, Resource
from portal.bookings.queries.calendar import load_calendar, load_rules
from portal.bookings.queries.hosts import list_quotas, list_special_hours, region_choices
from portal.bookings.queries.resources import is_written, resource_of
from portal.bookings.rules.attempt import Span
from portal.bookings.services import calendar as services
from portal.bookings.services import closures
from portal.facilities.models import Equipment
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.database import session
from tests.bookings.calendars import book, record_of, resource_named
from tests.cast import World
from tests.support.statements import count_statements

ClientOf = Callable[[str], FlaskClient]
ActorOf = Callable[[str], Actor]
TOMORROW = (now() + dt.timedelta(days=1)).replace(hour=15, minute=0, second=0, microsecond=0)


@pytest.fixture
def rules_url(world: World) -> str:
    return f"/equipment/{world.equipment['shop_public']}/booking-rules"


def mill_of(world: World) -> Resource:
    return resource_of(record_of(world, "equipment", "shop_public"))


def test_a_limit_and_a_date_are_changed_in_place(
    world: World, client_of: ClientOf, rules_url: str
) -> None:
    ana = client_of("ana")
    for limit in (
        {"shared_by": "person", "period": "week", "most_minutes": "10 hours"},
        {"shared_by": "person", "period": "day", "most_bookings": "2"},
    ):
        assert ana.post(f"{rules_url}/limits", data=limit).status_code == 303
    weekly, daily = (quota.id for quota in list_quotas(mill_of(world)))
    page = f"{rules_url}/limits/{weekly}"
    assert f'href="{page}"' in ana.get(rules_url).text
    assert 'value="10 hours"' in ana.get(page).text
    changed = {"shared_by": "organization", "period": "month", "most_bookings": "3"}
    assert ana.post(page, data=changed).status_code == 303
    found = [
        (one.id, one.shared_by, one.period, one.most_minutes, one.most_bookings)
        for one in list_quotas(mill_of(world))
    ]
    assert found == [
        (weekly, "organization", "month", None, 3),
        (daily, "person", "day", None, 2),
    ]
    again = ana.post(f"{rules_url}/limits/{daily}", data=changed)
    assert again.status_code == 422
    assert "another limit that is counted so" in again.text
    assert client_of("eve").get(page).status_code == 403

    for date in ("2027-12-24", "2027-12-31"):
        half = {"date": date, "hours-0-opens": "8:00", "hours-0-closes": "12:00"}
        assert ana.post(f"{rules_url}/dates", data=half).status_code == 303
    eve, _sylvester = list_special_hours(mill_of(world))
    page = f"{rules_url}/dates/{eve.id}"
    shown = ana.get(page).text
    assert 'value="2027-12-24"' in shown
    assert 'value="12:00\u202fPM"' in shown
    assert "already" in ana.post(page, data={"date": "2027-12-31"}).text
    assert ana.post(page, data={"date": "2027-12-23", "reason": "Off"}).status_code == 303
    session.expire_all()
    first, _second = list_special_hours(mill_of(world))
    assert (first.id, first.date.day, first.hours, first.reason) == (eve.id, 23, [], "Off")


def test_rules_left_empty_say_what_they_inherit_and_from_where(
    world: World, client_of: ClientOf, rules_url: str
) -> None:
    lab = resource_named(world, "facility", "shop_public")
    ana = client_of("ana")
    facility_url = f"/facilities/{lab.facility_id}/booking-rules/edit"
    ana.post(facility_url, data={"min_length_minutes": "1.5 h", "needs_insurance": "y"})
    form = ana.get(f"{rules_url}/edit").text
    assert "Left empty: 1 hour 30 minutes (from the facility)." in form
    answer = ana.post(
        f"{rules_url}/edit", data={"min_length_minutes": "2 hours", "needs_insurance": "n"}
    )
    assert answer.status_code == 303
    rules = load_rules(mill_of(world), "other")
    assert (rules.min_length_minutes, rules.needs_insurance) == (120, False)
    ana.post(f"{rules_url}/edit", data={"min_length_minutes": "", "needs_insurance": ""})
    shown = ana.get(rules_url).text
    assert "1 hour 30 minutes · from the facility" in shown
    assert "Needed · from the facility" in shown


def test_rules_for_some_customers_stand_beside_those_for_all(
    world: World, client_of: ClientOf, rules_url: str
) -> None:
    ana = client_of("ana")
    ana.post(f"{rules_url}/edit?class=academic", data={"lead_time_minutes": "2 days"})
    assert load_rules(mill_of(world), "academic").lead_time_minutes == 2880
    assert load_rules(mill_of(world), "other").lead_time_minutes == 0
    assert "2 days before · set here, for Academic" in ana.get(f"{rules_url}?class=academic").text
    assert "2 days before" not in ana.get(rules_url).text


def test_who_may_book_is_chosen_by_kind_and_region(
    world: World, client_of: ClientOf, rules_url: str
) -> None:
    key, name = region_choices()[0]
    ana = client_of("ana")
    ana.post(f"{rules_url}/edit", data={"eligible_kinds": ["sme"], "eligible_regions": [key]})
    rules = load_rules(mill_of(world), "other")
    assert rules.eligible_kinds == {"sme"}
    assert rules.eligible_region_ids == {world.regions[key]}
    assert f"{name} · set here" in ana.get(rules_url).text
    assert f'value="{key}" checked' in ana.get(f"{rules_url}/edit").text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"min_length_minutes": "soon"}, "Please give a length such as"),
        ({"min_length_minutes": "2 h", "max_length_minutes": "1 h"}, "shorter than the shortest"),
        ({"capacity": "0"}, "Number must be between 1 and 1000."),
    ],
    ids=["no length", "lengths in disorder", "no place at all"],
)
def test_rules_that_cannot_be_come_back_with_what_to_do(
    world: World, client_of: ClientOf, rules_url: str, given: dict[str, str], words: str
) -> None:
    answer = client_of("ana").post(f"{rules_url}/edit", data=given)
    assert words in answer.text
    assert not is_written(mill_of(world))


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("90", 90),
        ("2 h", 120),
        ("1,5 hours", 90),
        ("1 hour 30 minutes", 90),
        ("1 día, 2 horas", 1560),
        ("0", 0),
    ],
)
def test_lengths_are_read_as_people_write_them(text: str, minutes: int) -> None:
    assert read_length(text) == minutes


@pytest.mark.parametrize("text", ["", "h", "one hour", "2 x", "1.234567 h", "-5", "1 h and more"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011  (the field says it in words)
        read_length(text)
    assert refusal.value.args == (text,)


def test_one_click_sets_up_a_shop(world: World, client_of: ClientOf, rules_url: str) -> None:
    ana = client_of("ana")
    record = f"/equipment/{world.equipment['shop_public']}"
    assert "Nobody can book it here yet" in ana.get(record).text
    assert "Nobody can book it here yet" not in client_of("nobody").get(record).text
    ana.post(f"{rules_url}/preset", data={"preset": "weekdays"})
    told = client_of("nobody").get(record).text
    for words in (
        "You ask, and the host approves",
        "From 1 hour to 9 hours",
        "Up to 90 days ahead, at the latest 24 hours before",
        "Monday to Friday",
        "8:00\u202fAM–5:00\u202fPM",
    ):
        assert words in told
    assert "Booking rules" not in told
    ana.post(f"{rules_url}/bookable", data={"bookable": "no"})
    assert "You ask, and the host approves" not in client_of("nobody").get(record).text


def test_a_facility_tells_how_it_is_booked_once_others_may(
    world: World, client_of: ClientOf
) -> None:
    url = f"/facilities/{world.facilities['shop_public']}"
    assert "Booking it" not in client_of("nobody").get(url).text
    ana = client_of("ana")
    ana.post(f"{url}/booking-rules/bookable", data={"bookable": "yes"})
    told = client_of("nobody").get(url).text
    assert "You ask, and the host approves" in told
    # Whoever lists a shop floor hardly means that others come at three in the morning.
    unset = "So far it is open at any hour of any day."
    assert unset not in told
    assert unset in ana.get(url).text
    ana.post(f"{url}/booking-rules/preset", data={"preset": "weekdays"})
    assert unset not in ana.get(url).text


def next_weekday(weekday: int) -> dt.date:
    """Return the first such day after today; Monday is 0."""
    tomorrow = now().date() + dt.timedelta(days=1)
    return tomorrow + dt.timedelta(days=(weekday - tomorrow.weekday()) % 7)


def test_the_hours_of_a_machine_are_its_facilitys_until_it_has_its_own(
    world: World, client_of: ClientOf, rules_url: str
) -> None:
    ana = client_of("ana")
    facility = world.facilities["shop_public"]
    row = {"hours-0-weekday": "1", "hours-0-opens": "6 am", "hours-0-closes": "2 pm"}
    ana.post(f"/facilities/{facility}/booking-rules/hours", data=row)
    page = ana.get(f"{rules_url}/hours").text
    assert "6:00\u202fAM–2:00\u202fPM" in page
    ana.post(f"{rules_url}/bookable", data={"bookable": "yes"})
    tuesday = next_weekday(1)
    for day, hours in (
        (tuesday, "Open: 6:00\u202fAM to 2:00\u202fPM"),
        (next_weekday(2), "Closed"),
    ):
        times = ana.get(f"/equipment/{world.equipment['shop_public']}/times?date={day}").text
        assert hours in times
    assert "from the facility" in page
    assert 'value="6:00' not in page
    assert 'value="6:00' in ana.get(f"{rules_url}/hours?begin=these").text
    assert ana.get(rules_url).text.count("6:00\u202fAM–2:00\u202fPM") == 1
    ana.post(f"{rules_url}/hours", data={**row, "hours-0-closes": "24:00"})
    assert "6:00\u202fAM–midnight" in ana.get(rules_url).text
    assert 'value="midnight"' in ana.get(f"{rules_url}/hours").text
    bad = ana.post(f"{rules_url}/hours", data={**row, "hours-0-closes": "5 am"})
    assert "closes before it opens" in bad.text


def test_special_dates_limits_and_dependencies_come_and_go(
    world: World, client_of: ClientOf, rules_url: str
) -> None:
    ana = client_of("ana")
    day = (now() + dt.timedelta(days=40)).date().isoformat()
    ana.post(f"{rules_url}/dates", data={"date": day, "reason": "Inventory"})
    ana.post(
        f"{rules_url}/limits",
        data={"shared_by": "person", "period": "week", "most_minutes": "8 h"},
    )
    bare = ana.post(f"{rules_url}/limits", data={"shared_by": "person", "most_minutes": "8"})
    assert "say hours or minutes" in bare.text
    needed = f"equipment:{world.equipment['shop_members']}"
    ana.post(f"{rules_url}/dependencies", data={"needs": needed})
    shown = ana.get(rules_url).text
    words = ("Closed (Inventory)", "At most 8 hours a week for each person", "Shop members mill")
    for text in words:
        assert text in shown
    circle = f"/equipment/{world.equipment['shop_members']}/booking-rules/dependencies"
    refused = ana.post(circle, data={"needs": f"equipment:{world.equipment['shop_public']}"})
    assert "itself depends on this" in refused.text
    mill = mill_of(world)
    (needs_id, _name) = session.execute(
        select(Resource.id, Resource.name).where(
            Resource.equipment_id == world.equipment["shop_members"]
        )
    ).one()
    assert mill.id != needs_id
    for part in ("dates/1/remove", "limits/1/remove", f"dependencies/{needs_id}/remove"):
        assert ana.post(f"{rules_url}/{part}").status_code == 303
    shown = ana.get(rules_url).text
    for text in words:
        assert text not in shown


def test_limits_of_the_organization_show_on_its_machines(
    world: World, client_of: ClientOf, rules_url: str
) -> None:
    ana = client_of("ana")
    limits = f"/organizations/{world.organizations['shop']}/booking-rules/limits"
    assert "over all machines together" in ana.get(limits).text
    ana.post(
        limits,
        data={
            "shared_by": "organization",
            "period": "month",
            "most_bookings": "3",
            "customer_class": "academic",
        },
    )
    shown = " ".join(ana.get(rules_url).text.split())
    assert "At most 3 bookings a month for each organization · Academic" in shown
    assert "(from the organization)" in shown


def test_a_closure_leads_to_what_it_hits_and_one_reason_cancels_it(
    world: World, client_of: ClientOf, actor: ActorOf, rules_url: str
) -> None:
    mill = services.open_resource(actor("ana"), record_of(world, "equipment", "shop_public"))
    one, other = (
        book(
            world,
            mill,
            person,
            starts_at=TOMORROW + dt.timedelta(hours=number),
            ends_at=TOMORROW + dt.timedelta(hours=number + 1),
        )
        for number, person in enumerate(("cleo", "eve"))
    )
    ana = client_of("ana")
    day = TOMORROW.date().isoformat()
    saved = ana.post(
        f"{rules_url}/closures",
        data={"kind": "closure", "first_date": day, "last_date": day, "reason": "Holiday"},
    )
    hits_url = saved.headers["Location"]
    shown = ana.get(hits_url).text
    assert "It hits 2 bookings, which stay until you cancel them." in shown
    assert f'href="/bookings/{one.id}"' in shown
    assert session.get_one(Booking, one.id).status == "approved"
    refused = ana.post(hits_url, data={"booking_ids": [one.id], "reason": ""})
    assert "Please fill this in." in refused.text
    ana.post(hits_url, data={"booking_ids": [one.id], "reason": "Holiday"})
    assert "1 booking was cancelled, and its people are told." in ana.get(hits_url).text
    session.expire_all()
    assert session.get_one(Booking, one.id).status == "cancelled"
    assert session.get_one(Booking, other.id).status == "approved"


def test_a_machine_that_breaks_is_closed_with_one_click_until_it_works_again(
    world: World, client_of: ClientOf, rules_url: str
) -> None:
    ana = client_of("ana")
    ana.post(f"{rules_url}/preset", data={"preset": "qualified"})
    ana.post(f"{rules_url}/out-of-order")
    record = f"/equipment/{world.equipment['shop_public']}"
    assert "until further notice" in client_of("nobody").get(record).text
    closure = session.scalars(select(Closure)).one()
    ana.post(f"{rules_url}/closures/{closure.id}/end")
    assert "until further notice" not in client_of("nobody").get(record).text


def test_a_closure_is_read_and_changed_in_the_time_of_its_place(
    world: World, client_of: ClientOf
) -> None:
    eve = client_of("eve")
    url = f"/equipment/{world.equipment['aero_public']}/booking-rules/closures"
    eve.post(
        url,
        data={
            "kind": "blocking",
            "first_date": "2027-07-05",
            "first_time": "8 am",
            "last_time": "12:30",
            "repeats": "monthly_weekday",
            "until": "2027-12-31",
            "allowed": "falls city community college",
        },
    )
    closure = session.scalars(select(Closure)).one()
    assert closure.starts_at == dt.datetime(2027, 7, 5, 13, tzinfo=dt.UTC)
    assert closure.recurrence == {
        "frequency": "monthly",
        "interval": 1,
        "nth": 1,
        "weekday": 0,
        "until": "2027-12-31",
    }
    form = eve.get(f"{url}/{closure.id}").text
    for shown in ('value="8:00\u202fAM"', 'value="12:30\u202fPM"', "Falls City Community College"):
        assert shown in form
    assert 'data-pick="/organizations/suggestions"' in form
    eve.post(
        f"{url}/{closure.id}",
        data={"kind": "outage", "first_date": "2027-07-05", "is_open": "y", "repeats": ""},
    )
    session.expire_all()
    assert (closure.kind, closure.ends_at, closure.recurrence) == ("outage", None, None)
    refused = eve.post(url, data={"kind": "blocking", "first_date": "2027-07-05", "allowed": "X"})
    assert "There is no organization “X”." in refused.text
    asked = eve.post(f"{url}/{closure.id}/delete")
    assert "Delete this closure?" in asked.text
    eve.post(f"{url}/{closure.id}/delete", data={"confirmed": "yes"})
    assert session.scalar(select(Closure)) is None


def test_maintenance_repeats_on_some_days_of_the_week_and_not_on_others(
    world: World, client_of: ClientOf, rules_url: str
) -> None:
    ana = client_of("ana")
    data = {
        "kind": "outage",
        "first_date": "2027-07-05",
        "last_time": "10:00",
        "repeats": "weekly",
        "weekdays": ["0", "2"],
        "except_dates": "2027-07-07",
    }
    ana.post(f"{rules_url}/closures", data=data)
    closure = session.scalars(select(Closure)).one()
    mill = mill_of(world)
    first = dt.datetime(2027, 7, 5, tzinfo=dt.UTC)
    days = [
        closed.span.starts_at.day
        for closed in load_calendar(mill, Span(first, first + dt.timedelta(days=10))).closed
    ]
    assert days == [5, 12, 14]
    form = ana.get(f"{rules_url}/closures/{closure.id}").text
    assert form.count('name="weekdays"') - form.count(" checked") == 5
    assert "2027-07-07" in form
    refused = ana.post(f"{rules_url}/closures", data={**data, "except_dates": "tomorrow"})
    assert "Please give dates like 2027-01-31." in refused.text


def test_an_operator_has_hours_and_closures_too(world: World, client_of: ClientOf) -> None:
    ana = client_of("ana")
    shop = world.organizations["shop"]
    ana.post(f"/organizations/{shop}/operators", data={"user_id": str(world.users["ben"])})
    operator = session.scalars(select(Resource).where(Resource.kind == "operator")).one()
    assert "Ben" in ana.get(f"/organizations/{shop}/booking-rules").text
    page = ana.get(f"/operators/{operator.id}/booking-rules")
    assert "When the time of this person can be booked along." in page.text
    assert client_of("cleo").get(f"/operators/{operator.id}/booking-rules").status_code == 404
    ana.post(f"/operators/{operator.id}/booking-rules/bookable", data={"bookable": "no"})
    assert f"/operators/{operator.id}/" not in ana.get(f"/organizations/{shop}/booking-rules").text


def test_the_page_takes_as_many_statements_for_much_as_for_little(
    world: World, client_of: ClientOf, actor: ActorOf, rules_url: str
) -> None:
    ana, client = actor("ana"), client_of("ana")
    mill = services.open_resource(ana, record_of(world, "equipment", "shop_public"))
    lab = services.open_resource(ana, record_of(world, "facility", "shop_public"))

    def fill(number: int) -> None:
        start = TOMORROW + dt.timedelta(days=number)
        for resource in (mill, lab):
            closures.add_closure(
                ana,
                resource,
                kind="closure",
                starts_at=start,
                ends_at=start + dt.timedelta(hours=1),
            )
        services.set_special_hours(ana, mill, date=start.date(), hours=[])

    fill(0)
    with count_statements() as few:
        client.get(rules_url)
    for number in range(1, 12):
        fill(number)
    with count_statements() as many:
        client.get(rules_url)
    assert many.count == few.count
    assert many.count <= 25


# The API


def test_programs_read_what_holds_and_who_says_it(
    world: World, client_of: ClientOf, actor: ActorOf
) -> None:
    ana = actor("ana")
    lab = services.open_resource(ana, record_of(world, "facility", "shop_public"))
    mill = services.open_resource(ana, record_of(world, "equipment", "shop_public"))
    services.change_rules(ana, lab, slot_minutes=20, horizon_days=30)
    services.change_rules(ana, mill, is_regional=True, eligible_regions=["wichita"])
    services.change_rules(ana, mill, customer_class="academic", lead_time_minutes=60)
    services.set_quota(ana, lab, shared_by="person", period="day", most_bookings=1)
    url = f"/api/v1/equipment/{world.equipment['shop_public']}/booking-rules"
    found: Any = client_of("nobody").get(url).json
    assert (found["slot_minutes"], found["horizon_days"], found["lead_time_minutes"]) == (20, 30, 0)
    assert (found["own"]["slot_minutes"], found["own"]["is_regional"]) == (None, True)
    assert found["eligible_regions"] == ["wichita"]
    assert [(layer["source"], layer["customer_class"]) for layer in found["layers"]] == [
        ("own", ""),
        ("own", "academic"),
        ("facility", ""),
    ]
    assert found["quotas"][0]["source"] == "facility"
    academic: Any = client_of("nobody").get(f"{url}?customer_class=academic").json
    assert academic["lead_time_minutes"] == academic["own"]["lead_time_minutes"] == 60


def test_programs_write_what_they_give_and_null_inherits(world: World, client_of: ClientOf) -> None:
    url = f"/api/v1/equipment/{world.equipment['shop_public']}/booking-rules"
    ana = client_of("ana")
    hours = [{"weekday": 2, "opens": "08:00", "closes": "12:00"}]
    written: Any = ana.put(
        url,
        json={
            "slot_minutes": 30,
            "approval": "instant",
            "needs_induction": True,
            "eligible_kinds": ["sme", "university"],
            "is_bookable": True,
            "time_zone": "America/Chicago",
            "hours": hours,
            "quotas": [{"shared_by": "person", "period": "week", "most_minutes": 600}],
        },
    ).json
    assert written["own"]["slot_minutes"] == written["slot_minutes"] == 30
    assert written["hours"] == hours
    assert (written["hours_from"], written["time_zone"]) == ("own", "America/Chicago")
    assert written["quotas"][0]["most_minutes"] == 600
    assert session.get_one(Equipment, world.equipment["shop_public"]).sharing_terms == "bookable"
    again: Any = ana.put(url, json={"slot_minutes": None, "hours": None, "quotas": []}).json
    assert (again["slot_minutes"], again["own"]["slot_minutes"]) == (15, None)
    assert (again["hours"], again["quotas"]) == (None, [])
    assert (again["approval"], again["needs_induction"]) == ("instant", True)
    assert again["time_zone"] == "America/Chicago"


@pytest.mark.parametrize(
    "body",
    [
        {"slot_minutes": 0},
        {"slot_minutes": "30"},
        {"needs_insurance": "yes"},
        {"surprise": 1},
        {"min_length_minutes": 60, "max_length_minutes": 30},
        {"eligible_regions": ["atlantis"]},
        {"quotas": [{"shared_by": "person", "period": "week"}]},
        {"time_zone": "Mars"},
    ],
    ids=[
        "too small",
        "a text",
        "no yes or no",
        "unknown",
        "in disorder",
        "no such region",
        "an empty limit",
        "no such zone",
    ],
)
def test_programs_are_told_what_is_wrong_and_nothing_is_written(
    world: World, client_of: ClientOf, body: dict[str, Any]
) -> None:
    url = f"/api/v1/equipment/{world.equipment['shop_public']}/booking-rules"
    answer = client_of("ana").put(url, json={"horizon_days": 7, **body})
    assert answer.status_code == 422
    assert client_of("ana").get(url).json["horizon_days"] == 180  # type: ignore[index]


@pytest.mark.parametrize(
    ("who", "expected"),
    [("nobody", (False, False)), ("ben", (True, False)), ("ana", (True, True))],
)
def test_the_people_of_an_organization_find_its_bookings_and_its_managers_the_rules(
    world: World, client_of: ClientOf, who: str, expected: tuple[bool, bool]
) -> None:
    address = f"/organizations/{world.organizations['shop']}"
    shown = client_of(who).get(address).text
    ways = (f'href="{address}/bookings"', f'href="{address}/booking-rules"')
    assert tuple(way in shown for way in ways) == expected

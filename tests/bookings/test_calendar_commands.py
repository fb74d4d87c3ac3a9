"""What hosts say about their calendars is checked, kept, and made known."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from portal.bookings.events import CalendarChanged
from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Closure, Dependency, Resource, RuleLayer, SpecialHours
from portal.bookings.queries.calendar import load_calendar, load_calendars, load_rules
from portal.bookings.queries.closures import get_closure, list_hit_bookings
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.presets import PRESETS
from portal.bookings.services import calendar as services
from portal.bookings.services import closures
from portal.facilities.models import Equipment
from portal.kernel import outbox
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from portal.kernel.mail import OutgoingMail
from portal.kernel.outbox import OutboxEvent
from portal.organizations.models import Organization
from tests.bookings.calendars import book, record_of, resource_named
from tests.cast import World

ActorOf = Callable[[str], Actor]
TOMORROW = (now() + dt.timedelta(days=1)).replace(hour=13, minute=0, second=0, microsecond=0)
EIGHT_TO_FIVE = [{"weekday": 0, "opens": "08:00", "closes": "17:00"}]


@pytest.fixture
def mill(world: World, actor: ActorOf) -> Resource:
    """The resource of the shop's public mill, written."""
    return services.open_resource(actor("ana"), record_of(world, "equipment", "shop_public"))


def span(hours: int = 4, days: int = 0) -> dict[str, dt.datetime]:
    start = TOMORROW + dt.timedelta(days=days)
    return {"starts_at": start, "ends_at": start + dt.timedelta(hours=hours)}


def test_a_resource_is_written_once_whoever_needs_it_first(world: World, actor: ActorOf) -> None:
    record = record_of(world, "equipment", "shop_public")
    first = services.open_resource(actor("cleo"), record)
    again = services.open_resource(actor("ana"), record)
    assert first.id == again.id
    assert (first.kind, first.name) == ("equipment", "Shop public mill")
    assert first.organization_id == world.organizations["shop"]


@pytest.mark.parametrize(
    ("who", "name", "refusal"),
    [
        ("eve", "shop_draft", NotFound),
        ("eve", "shop_organization", NotFound),
        ("dov", "shop_public", Forbidden),
    ],
    ids=["a draft", "what is internal", "without an organization"],
)
def test_nobody_opens_the_resource_of_what_is_not_shown_to_them(
    world: World, actor: ActorOf, who: str, name: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        services.open_resource(actor(who), record_of(world, "equipment", name))
    assert set(session.scalars(select(Resource.id))) == set(world.resources.values())


def test_rules_that_say_nothing_any_more_are_gone(actor: ActorOf, mill: Resource) -> None:
    ana = actor("ana")
    services.change_rules(ana, mill, slot_minutes=30, approval="instant")
    services.change_rules(ana, mill, slot_minutes=None)
    assert load_rules(mill, "other").approval == "instant"
    assert load_rules(mill, "other").slot_minutes == 15
    services.change_rules(ana, mill, approval=None)
    assert session.scalar(select(RuleLayer)) is None


def test_rules_of_a_region_name_it(world: World, actor: ActorOf, mill: Resource) -> None:
    region = world.regions["wichita"]
    services.change_rules(actor("ana"), mill, is_regional=True, eligible_regions=["wichita"])
    assert load_rules(mill, "other").eligible_region_ids == {region}
    services.change_rules(actor("ana"), mill, is_regional=False)
    assert load_rules(mill, "other").eligible_region_ids is None
    with pytest.raises(Invalid):
        services.change_rules(actor("ana"), mill, is_regional=True, eligible_regions=["atlantis"])


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"min_length_minutes": 60, "max_length_minutes": 30}, "max_length_minutes"),
        ({"customer_class": "academic", "capacity": 2}, "capacity"),
    ],
    ids=["longest before shortest", "a capacity for some"],
)
def test_rules_that_contradict_each_other_are_refused(
    actor: ActorOf, mill: Resource, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        services.change_rules(actor("ana"), mill, **values)
    assert refusal.value.field == field


@pytest.mark.parametrize("who", ["ben", "cleo", "eve"])
def test_only_managers_of_the_owner_change_rules(actor: ActorOf, mill: Resource, who: str) -> None:
    with pytest.raises(Forbidden):
        services.change_rules(actor(who), mill, slot_minutes=30)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_one_click_makes_a_machine_bookable(
    world: World, actor: ActorOf, mill: Resource, preset: str
) -> None:
    services.apply_preset(actor("ana"), mill, preset=preset)
    machine = session.get_one(Equipment, world.equipment["shop_public"])
    assert machine.sharing_terms == "bookable"
    rules = load_rules(mill, "other")
    assert {name: getattr(rules, name) for name in PRESETS[preset].rules} == PRESETS[preset].rules
    services.change_bookable(actor("ana"), mill, is_bookable=False)
    assert machine.sharing_terms == "by_request"


def test_the_hours_of_a_facility_are_its_opening_hours(world: World, actor: ActorOf) -> None:
    lab = record_of(world, "facility", "shop_public")
    resource = services.open_resource(actor("ana"), lab)
    services.change_hours(actor("ana"), resource, hours=EIGHT_TO_FIVE)
    assert lab.opening_hours == EIGHT_TO_FIVE
    assert resource.hours is None
    services.change_bookable(actor("ana"), resource, is_bookable=True)
    assert resource.is_bookable


@pytest.mark.parametrize(
    ("hours", "time_zone"),
    [
        ([{"weekday": 0, "opens": "17:00", "closes": "08:00"}], ""),
        ([*EIGHT_TO_FIVE, {"weekday": 0, "opens": "16:00", "closes": "20:00"}], ""),
        (EIGHT_TO_FIVE, "Kentucky"),
    ],
    ids=["closes before it opens", "overlaps", "no such zone"],
)
def test_hours_that_cannot_be_are_refused(
    actor: ActorOf, mill: Resource, hours: list[dict[str, Any]], time_zone: str
) -> None:
    with pytest.raises(Invalid):
        services.change_hours(actor("ana"), mill, hours=hours, time_zone=time_zone)


def test_a_date_has_one_set_of_special_hours(actor: ActorOf, mill: Resource) -> None:
    ana, day = actor("ana"), TOMORROW.date()
    services.set_special_hours(ana, mill, date=day, hours=[], reason="Stocktaking")
    services.set_special_hours(
        ana, mill, date=day, hours=[{"opens": "10:00", "closes": "12:00"}], reason="Open day"
    )
    (special,) = session.scalars(select(SpecialHours))
    assert (special.reason, special.hours) == (
        "Open day",
        [{"opens": "10:00", "closes": "12:00"}],
    )
    services.remove_special_hours(ana, mill, special_id=special.id)
    assert session.scalar(select(SpecialHours)) is None


def test_a_limit_is_changed_in_place(actor: ActorOf, mill: Resource) -> None:
    ana = actor("ana")
    services.set_quota(ana, mill, shared_by="person", period="week", most_minutes=300)
    services.set_quota(ana, mill, shared_by="person", period="week", most_bookings=2)
    (quota,) = load_calendars([mill])[0].quotas_for("other")
    assert (quota.most_minutes, quota.most_bookings) == (None, 2)
    with pytest.raises(Invalid):
        services.set_quota(ana, mill, shared_by="person", period="week")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"kind": "closure", "ends_at": TOMORROW}, "ends_at"),
        ({"kind": "closure", "ends_at": None}, "ends_at"),
        ({"kind": "outage", "ends_at": None, "recurrence": {"frequency": "daily"}}, "ends_at"),
        ({"kind": "blocking", **span()}, "allowed"),
        ({"kind": "blocking", "allowed_ids": [999], **span()}, "allowed"),
        ({"kind": "closure", "recurrence": {"frequency": "hourly"}, **span()}, "recurrence"),
    ],
    ids=[
        "ends when it begins",
        "a closure without end",
        "an open end that repeats",
        "kept free for nobody",
        "kept free for nobody known",
        "repeats oddly",
    ],
)
def test_closures_that_cannot_be_are_refused(
    actor: ActorOf, mill: Resource, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        closures.add_closure(actor("ana"), mill, **{"starts_at": TOMORROW, **values})
    assert refusal.value.field == field


def test_an_outage_goes_on_until_it_is_ended(actor: ActorOf, mill: Resource) -> None:
    ana = actor("ana")
    begun = now() - dt.timedelta(hours=3)
    closure = closures.add_closure(
        ana, mill, kind="outage", starts_at=begun, ends_at=None, is_planned=False
    )
    later = Span(TOMORROW, TOMORROW + dt.timedelta(days=1))
    assert load_calendar(mill, later).closed
    closures.end_outage(ana, mill, closure_id=closure.id)
    assert not load_calendar(mill, later).closed
    with pytest.raises(Conflict):
        closures.end_outage(ana, mill, closure_id=closure.id)


def test_what_has_not_begun_or_repeats_cannot_be_ended(actor: ActorOf, mill: Resource) -> None:
    ana = actor("ana")
    planned = closures.add_closure(ana, mill, kind="outage", **span())
    weekly = closures.add_closure(
        ana, mill, kind="outage", recurrence={"frequency": "weekly"}, **span(days=-30)
    )
    for closure in (planned, weekly):
        with pytest.raises(Conflict):
            closures.end_outage(ana, mill, closure_id=closure.id)
        closures.remove_closure(ana, mill, closure_id=closure.id)
    assert session.scalar(select(Closure)) is None


def test_a_closure_is_changed_as_a_whole(world: World, actor: ActorOf, mill: Resource) -> None:
    ana = actor("ana")
    college = world.organizations["college"]
    closure = closures.add_closure(
        ana, mill, kind="blocking", allowed_ids=[college], reason="Course", **span()
    )
    assert [one.id for one in closure.allowed] == [college]
    closures.change_closure(
        ana,
        mill,
        closure_id=closure.id,
        kind="closure",
        reason="Holidays",
        allowed_ids=[college],
        **span(days=1),
    )
    assert get_closure(mill, closure.id).allowed == []
    (found,) = load_calendar(mill, Span(TOMORROW, TOMORROW + dt.timedelta(days=3))).closed
    assert (found.kind, found.reason, found.allowed_organization_ids) == (
        "closure",
        "Holidays",
        frozenset(),
    )


def test_dependencies_never_make_a_circle(world: World, actor: ActorOf) -> None:
    ana = actor("ana")
    machines = [
        services.open_resource(ana, record_of(world, "equipment", f"shop_{name}"))
        for name in ("public", "members", "organization")
    ]
    first, second, third = machines
    services.add_dependency(ana, first, needs_id=second.id)
    services.add_dependency(ana, second, needs_id=third.id)
    for needed in machines:
        with pytest.raises(Invalid):
            services.add_dependency(ana, third, needs_id=needed.id)
    services.remove_dependency(ana, second, needs_id=third.id)
    services.add_dependency(ana, third, needs_id=first.id)
    assert set(session.execute(select(Dependency.resource_id, Dependency.needs_id))) == {
        (first.id, second.id),
        (third.id, first.id),
    }


def test_a_machine_depends_on_nothing_of_others(
    world: World, actor: ActorOf, mill: Resource
) -> None:
    foreign = resource_named(world, "equipment", "college_public")
    with pytest.raises(Invalid):
        services.add_dependency(actor("ana"), mill, needs_id=foreign.id)


def test_the_time_of_the_organizations_people_can_be_booked_along(
    world: World, actor: ActorOf
) -> None:
    ana = actor("ana")
    shop = services.open_resource(ana, session.get_one(Organization, world.organizations["shop"]))
    ben = services.add_operator(ana, shop, user_id=world.users["ben"])
    assert (ben.kind, ben.name, ben.is_bookable) == ("operator", "Ben", True)
    services.change_bookable(ana, ben, is_bookable=False)
    assert services.add_operator(ana, shop, user_id=world.users["ben"]).id == ben.id
    with pytest.raises(Invalid):
        services.add_operator(ana, shop, user_id=world.users["eve"])


def test_a_closure_hits_what_is_booked_of_all_that_depends_on_it(
    world: World, actor: ActorOf, mill: Resource
) -> None:
    ana = actor("ana")
    lab = services.open_resource(ana, record_of(world, "facility", "shop_public"))
    router = services.open_resource(ana, record_of(world, "equipment", "shop_members"))
    services.add_dependency(ana, router, needs_id=mill.id)
    inside = book(world, mill, "cleo", **span())
    asked = book(world, router, "eve", status="requested", **span(hours=1))
    book(world, mill, "cleo", **span(days=3))
    book(world, mill, "cleo", status="cancelled", **span())
    book(world, resource_named(world, "equipment", "college_public"), "cleo", **span())
    outage = closures.add_closure(ana, lab, kind="outage", **span(hours=2))
    assert [hit.id for hit in list_hit_bookings(lab, outage)] == [inside.id, asked.id]
    kept_free = closures.add_closure(
        ana,
        lab,
        kind="blocking",
        allowed_ids=[world.organizations["college"]],
        **span(hours=2),
    )
    assert [hit.id for hit in list_hit_bookings(lab, kept_free)] == [asked.id]


def test_a_closure_that_repeats_hits_only_its_own_times(
    world: World, actor: ActorOf, mill: Resource
) -> None:
    weekly = closures.add_closure(
        actor("ana"), mill, kind="outage", recurrence={"frequency": "weekly"}, **span()
    )
    book(world, mill, "cleo", **span(days=6))
    hit = book(world, mill, "cleo", **span(days=7))
    assert [one.id for one in list_hit_bookings(mill, weekly)] == [hit.id]


def test_hosts_cancel_what_is_hit_for_one_reason_and_nothing_else(
    world: World, actor: ActorOf, mill: Resource
) -> None:
    ana = actor("ana")
    hits = [book(world, mill, "cleo", **span(hours=1, days=day)) for day in range(2)]
    running = book(world, mill, "eve", status="in_use", **span(hours=1, days=2))
    aside = book(world, mill, "eve", **span(days=20))
    outage = closures.add_closure(
        ana, mill, kind="outage", starts_at=TOMORROW, ends_at=TOMORROW + dt.timedelta(days=5)
    )
    every = [booking.id for booking in (*hits, running, aside)]
    with pytest.raises(Invalid):
        closures.cancel_hit_bookings(ana, mill, closure_id=outage.id, booking_ids=every, reason=" ")
    count = closures.cancel_hit_bookings(
        ana, mill, closure_id=outage.id, booking_ids=every, reason="The spindle broke."
    )
    assert count == len(hits)
    assert [session.get_one(Booking, number).status for number in every] == [
        "cancelled",
        "cancelled",
        "in_use",
        "approved",
    ]
    assert {booking.sequence for booking in hits} == {1}


def test_the_people_of_a_cancelled_booking_are_told_why(
    world: World, actor: ActorOf, mill: Resource, drain: Callable[[], None]
) -> None:
    ana = actor("ana")
    book(world, mill, "cleo", **span(hours=1))
    own = book(world, mill, "ana", **span(hours=1, days=1))
    outage = closures.add_closure(
        ana, mill, kind="outage", starts_at=TOMORROW, ends_at=TOMORROW + dt.timedelta(days=5)
    )
    hits = [hit.id for hit in list_hit_bookings(mill, outage)]
    assert own.id in hits
    closures.cancel_hit_bookings(
        ana, mill, closure_id=outage.id, booking_ids=hits, reason="The spindle broke."
    )
    drain()
    mails = {mail.recipient: mail for mail in session.scalars(select(OutgoingMail))}
    mail, own_mail = mails.pop("cleo@cast.example"), mails.pop("ana@cast.example")
    assert not mails
    assert "You cancelled" in own_mail.body_text
    assert mail.subject == "Cancelled: the booking of “Shop public mill”"
    assert "Ana cancelled the booking" in mail.body_text
    assert "> The spindle broke." in mail.body_text


def test_every_change_is_made_known(
    world: World, actor: ActorOf, mill: Resource, events: Callable[[], list[str]]
) -> None:
    ana = actor("ana")
    services.change_rules(ana, mill, slot_minutes=30)
    services.change_hours(ana, mill, hours=EIGHT_TO_FIVE)
    services.set_quota(ana, mill, shared_by="person", period="day", most_bookings=1)
    closures.add_closure(ana, mill, kind="outage", **span())
    services.change_bookable(ana, mill, is_bookable=True)
    assert events().count("bookings.CalendarChanged") == 5


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Names of the events that were recorded, as if somebody waited for them."""
    monkeypatch.setitem(outbox._subscribers, CalendarChanged.name(), ["tests.nothing"])
    return lambda: list(session.scalars(select(OutboxEvent.name).order_by(OutboxEvent.id)))

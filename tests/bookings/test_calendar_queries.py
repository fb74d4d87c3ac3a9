"""What hosts say of a machine, its facility and the organization is found again, narrower first."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.bookings.models.calendar import (
    Closure,
    Dependency,
    Quota,
    Resource,
    RuleLayer,
    SpecialHours,
)
from portal.bookings.queries.calendar import load_calendar, load_calendars, load_hours, load_rules
from portal.bookings.queries.resources import new_resource, resource_of, resources_of
from portal.bookings.rules.attempt import NO_END, BookingRules, Span
from portal.facilities.models import Equipment, Facility
from portal.facilities.queries.records import get_equipment
from portal.kernel.database import session, unit_of_work
from portal.organizations.models import Organization
from portal.regions.models import Region
from tests.bookings.calendars import resource_named, say
from tests.cast import World
from tests.support.statements import count_statements

MONDAY = dt.date(2027, 3, 1)
WEEK = Span(
    dt.datetime(2027, 3, 1, 5, tzinfo=dt.UTC),
    dt.datetime(2027, 3, 8, 5, tzinfo=dt.UTC),
)


@pytest.fixture
def resource(world: World) -> Callable[..., Resource]:
    """Write the resource of a machine, facility or organization of the cast, with columns."""
    return lambda kind, name, **columns: resource_named(world, kind, name, **columns)


def test_a_machine_of_which_nothing_is_said_has_the_portals_rules_and_its_places_time(
    world: World,
) -> None:
    mill = resource_of(get_equipment(world.equipment["shop_public"]))
    jig = resource_of(get_equipment(world.equipment["aero_public"]))
    assert mill.id is None
    assert load_rules(mill, "other") == BookingRules()
    assert load_hours(mill, WEEK).week is None
    assert load_calendar(mill, WEEK).closed == ()
    assert load_calendar(mill, WEEK).quotas_for("other") == ()
    assert load_hours(mill, WEEK).zone == "America/Kentucky/Louisville"
    assert load_hours(jig, WEEK).zone == "America/Chicago"


def test_rules_come_from_the_narrowest_that_says_something(
    resource: Callable[..., Resource],
) -> None:
    mill = resource("equipment", "shop_public")
    lab = resource("facility", "shop_public")
    shop = resource("organization", "shop")
    say(
        RuleLayer(resource_id=shop.id, slot_minutes=60, horizon_days=30, approval="instant"),
        RuleLayer(resource_id=lab.id, slot_minutes=30, lead_time_minutes=120),
        RuleLayer(resource_id=lab.id, customer_class="academic", lead_time_minutes=60),
        RuleLayer(resource_id=mill.id, capacity=2, approval="host"),
    )
    assert load_rules(mill, "other") == BookingRules(
        slot_minutes=30, horizon_days=30, lead_time_minutes=120, capacity=2, approval="host"
    )
    assert load_rules(mill, "academic").lead_time_minutes == 60
    assert load_rules(lab, "other").approval == "instant"
    assert load_rules(lab, "other").capacity == 1


def test_a_narrower_word_opens_what_a_wider_one_keeps_to_a_region(
    world: World, resource: Callable[..., Resource]
) -> None:
    mill = resource("equipment", "shop_public")
    shop = resource("organization", "shop")
    wide = RuleLayer(resource_id=shop.id, is_regional=True, eligible_kinds=["sme"])
    wide.eligible_regions = [session.get_one(Region, world.regions["wichita"])]
    say(wide)
    rules = load_rules(mill, "other")
    assert rules.eligible_region_ids == {world.regions["wichita"]}
    assert rules.eligible_kinds == {"sme"}
    say(RuleLayer(resource_id=mill.id, is_regional=False))
    assert load_rules(mill, "other").eligible_region_ids is None


def test_hours_are_the_machines_or_else_the_facilitys_or_else_the_organizations(
    world: World, resource: Callable[..., Resource]
) -> None:
    def hours(opens: str) -> list[dict[str, Any]]:
        return [{"weekday": 0, "opens": opens, "closes": "17:00"}]

    mill = resource("equipment", "shop_public")
    resource("organization", "shop", hours=hours("06:00"))
    assert load_hours(mill, WEEK).week == {0: (("06:00", "17:00"),)}
    with unit_of_work():
        session.get_one(Facility, world.facilities["shop_public"]).opening_hours = hours("07:00")
    assert load_hours(mill, WEEK).week == {0: (("07:00", "17:00"),)}
    resource("facility", "shop_public")
    assert load_calendar(mill, WEEK).hours_from == "facility"
    resource("equipment", "shop_public", hours=hours("08:00"))
    assert load_hours(mill, WEEK).week == {0: (("08:00", "17:00"),)}


def test_a_special_date_of_the_facility_counts_for_its_machine(
    resource: Callable[..., Resource],
) -> None:
    mill = resource("equipment", "shop_public")
    lab = resource("facility", "shop_public")
    say(
        SpecialHours(resource_id=lab.id, date=MONDAY, hours=[]),
        SpecialHours(
            resource_id=lab.id,
            date=MONDAY + dt.timedelta(days=1),
            hours=[{"opens": "09:00", "closes": "12:00"}],
        ),
        SpecialHours(
            resource_id=mill.id, date=MONDAY, hours=[{"opens": "10:00", "closes": "11:00"}]
        ),
    )
    assert load_hours(mill, WEEK).special == {
        MONDAY: (("10:00", "11:00"),),
        MONDAY + dt.timedelta(days=1): (("09:00", "12:00"),),
    }


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ({}, "America/Kentucky/Louisville"),
        ({"organization": "America/Denver"}, "America/Kentucky/Louisville"),
        ({"facility": "America/Denver"}, "America/Denver"),
        ({"facility": "America/Denver", "equipment": "America/Phoenix"}, "America/Phoenix"),
    ],
    ids=["by the ZIP code", "the place before the firm", "the facility's", "its own"],
)
def test_the_time_zone_is_the_narrowest_that_is_known(
    resource: Callable[..., Resource], on: dict[str, str], expected: str
) -> None:
    for kind, zone in on.items():
        name = "shop" if kind == "organization" else "shop_public"
        resource(kind, name, time_zone=zone)
    assert load_hours(resource("equipment", "shop_public"), WEEK).zone == expected


def test_a_place_unknown_to_the_post_has_the_portals_time_zone(
    app: Any, world: World, resource: Callable[..., Resource]
) -> None:
    with unit_of_work():
        for record in (
            session.get_one(Facility, world.facilities["shop_public"]),
            session.get_one(Organization, world.organizations["shop"]),
        ):
            record.county_fips = None
            record.zip_code = ""
    mill = resource("equipment", "shop_public")
    assert load_hours(mill, WEEK).zone == app.config["DEFAULT_TIME_ZONE"]


def test_what_closes_facility_organization_or_a_needed_machine_closes_the_machine(
    world: World, resource: Callable[..., Resource]
) -> None:
    mill = resource("equipment", "shop_public")
    lab = resource("facility", "shop_public")
    shop = resource("organization", "shop")
    compressor = resource("equipment", "shop_members")
    power = resource("equipment", "shop_draft")
    other = resource("equipment", "shop_organization")

    def at(day: int) -> dict[str, dt.datetime]:
        start = WEEK.starts_at + dt.timedelta(days=day, hours=8)
        return {"starts_at": start, "ends_at": start + dt.timedelta(hours=4)}

    blocking = Closure(resource_id=mill.id, kind="blocking", reason="course", **at(0))
    blocking.allowed = [session.get_one(Organization, world.organizations["college"])]
    say(
        Dependency(resource_id=mill.id, needs_id=compressor.id),
        Dependency(resource_id=compressor.id, needs_id=power.id),
        Dependency(resource_id=power.id, needs_id=mill.id),
        blocking,
        Closure(resource_id=lab.id, kind="closure", **at(1)),
        Closure(resource_id=shop.id, kind="closure", **at(2)),
        Closure(
            resource_id=power.id,
            kind="outage",
            is_planned=False,
            starts_at=at(3)["starts_at"],
            ends_at=None,
        ),
        Closure(resource_id=other.id, kind="outage", **at(4)),
        Closure(resource_id=mill.id, kind="closure", **at(9)),
    )
    found = load_calendar(mill, WEEK).closed
    assert [(item.kind, item.because_of) for item in found] == [
        ("blocking", ""),
        ("closure", "Shop public lab"),
        ("closure", "Ana's Machine Shop"),
        ("outage", "Shop draft mill"),
    ]
    assert found[0].allowed_organization_ids == {world.organizations["college"]}
    assert found[3].span.ends_at == NO_END


def test_what_closes_the_facility_of_a_needed_machine_closes_what_needs_it(
    resource: Callable[..., Resource],
) -> None:
    mill = resource("equipment", "shop_public")
    elsewhere = resource("equipment", "shop_members")
    its_lab = resource("facility", "shop_members")
    start = WEEK.starts_at + dt.timedelta(days=1)
    say(
        Dependency(resource_id=mill.id, needs_id=elsewhere.id),
        Closure(
            resource_id=its_lab.id,
            kind="outage",
            starts_at=start,
            ends_at=start + dt.timedelta(hours=1),
        ),
    )
    (found,) = load_calendar(mill, WEEK).closed
    assert found.because_of == "Shop members lab"


def test_a_closure_that_repeats_keeps_the_time_of_its_place(
    resource: Callable[..., Resource],
) -> None:
    mill = resource("equipment", "shop_public")
    start = dt.datetime(2027, 3, 1, 13, tzinfo=dt.UTC)  # a Monday, 8 in the morning
    say(
        Closure(
            resource_id=mill.id,
            kind="outage",
            starts_at=start,
            ends_at=start + dt.timedelta(hours=2),
            recurrence={"frequency": "weekly", "interval": 1},
        )
    )
    after_the_change = Span(start + dt.timedelta(days=13), start + dt.timedelta(days=15))
    (found,) = load_calendar(mill, after_the_change).closed
    assert found.span.starts_at == dt.datetime(2027, 3, 15, 12, tzinfo=dt.UTC)


def test_the_narrowest_quota_of_a_sharer_and_period_holds(
    resource: Callable[..., Resource],
) -> None:
    mill = resource("equipment", "shop_public")
    shop = resource("organization", "shop")

    def quota(owner: Resource, shared_by: str, minutes: int, customer_class: str = "") -> Quota:
        return Quota(
            resource_id=owner.id,
            customer_class=customer_class,
            shared_by=shared_by,
            period="week",
            most_minutes=minutes,
        )

    say(
        quota(shop, "person", 600),
        quota(shop, "organization", 1200),
        quota(mill, "person", 300),
        quota(mill, "person", 120, "academic"),
        quota(mill, "equipment", 2400),
        quota(mill, "equipment", 1000, "academic"),
    )

    def held(customer_class: str) -> set[tuple[str, str, int | None]]:
        return {
            (found.shared_by, found.customer_class, found.most_minutes)
            for found in load_calendar(mill, WEEK).quotas_for(customer_class)
        }

    assert held("other") == {
        ("person", "", 300),
        ("organization", "", 1200),
        ("equipment", "", 2400),
    }
    assert held("academic") == {
        ("person", "", 120),
        ("organization", "", 1200),
        ("equipment", "", 2400),
        ("equipment", "academic", 1000),
    }


def test_many_calendars_take_as_many_statements_as_one(
    world: World, resource: Callable[..., Resource]
) -> None:
    mill = resource("equipment", "shop_public")
    lab = resource("facility", "shop_public")
    resource("organization", "shop")
    say(RuleLayer(resource_id=lab.id, slot_minutes=30))
    machines = [
        get_equipment(number) for name, number in world.equipment.items() if name.startswith("shop")
    ]
    unwritten = new_resource(machines[0])
    with count_statements() as few:
        load_calendars([mill, unwritten], WEEK)
    say(RuleLayer(resource_id=mill.id, horizon_days=9))
    with count_statements() as many:
        calendars = load_calendars([*resources_of(machines), lab, unwritten], WEEK)
    # On SQLite a transaction begins; which of them are written.
    assert many.count <= few.count + 2
    assert [calendar.rules_for("other").slot_minutes for calendar in calendars] == [
        30 if machine.name == "Shop public mill" else 15 for machine in machines
    ] + [30, 15]


def test_equipment_can_be_read_without_its_relations(world: World) -> None:
    ids = list(world.equipment.values())
    with unit_of_work():
        session.get_one(Equipment, ids[0]).facility_id = None
    resources = [new_resource(get_equipment(number)) for number in ids]
    assert [calendar.hours.zone for calendar in load_calendars(resources, WEEK)] == [
        "America/Kentucky/Louisville"
    ] * 8 + ["America/Chicago"] * 4


def test_what_others_can_book_is_the_same_in_a_list_as_alone(
    resource: Callable[..., Resource], world: World
) -> None:
    for name in ("shop_public", "aero_public"):
        resource("equipment", name)
    resource("facility", "shop_public", is_bookable=True)
    resource("facility", "college_public")
    resource("organization", "shop")
    with unit_of_work():
        session.get_one(Equipment, world.equipment["shop_public"]).sharing_terms = "bookable"
        session.add(
            Resource(
                kind="operator",
                organization_id=world.organizations["shop"],
                operator_id=world.users["ben"],
                name="Ben",
                is_bookable=True,
            )
        )
    written = session.scalars(select(Resource).options(joinedload(Resource.equipment))).all()
    listed = set(session.scalars(select(Resource.id).where(Resource.is_open)))
    assert {one.id for one in written if one.is_open} == listed
    assert {"equipment", "facility", "operator"} == {one.kind for one in written if one.is_open}
    assert len(listed) < len(written)

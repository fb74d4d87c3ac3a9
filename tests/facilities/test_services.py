"""What the commands of facilities and equipment do, refuse and record."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from portal.facilities.models import Equipment, Facility
from portal.facilities.queries.records import get_equipment, get_facility, place_of_record
from portal.facilities.services.equipment import (
    confirm_equipment,
    confirm_records,
    copy_equipment,
    create_equipment,
    delete_equipment,
    import_equipment,
    list_equipment_on_behalf,
    update_equipment,
)
from portal.facilities.services.facilities import (
    create_facility,
    delete_facility,
    import_facility,
    update_facility,
)
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from portal.kernel.outbox import OutboxEvent
from portal.organizations.models import Organization
from tests.cast import World

ActorOf = Callable[[str], Actor]


def organization(world: World, name: str) -> Organization:
    return session.get_one(Organization, world.organizations[name])


def test_member_adds_equipment_as_a_draft_with_everything(world: World, actor: ActorOf) -> None:
    equipment = create_equipment(
        actor("ben"),
        organization(world, "shop"),
        name="Surface grinder",
        capabilities=["CMM", "welding", "CNC mill"],
        specifications=[{"name": "Table", "value": "6 × 18", "unit": "in"}],
        rates=[{"customer_class": "other", "unit": "hour", "price_cents": 4500}],
        zip_code="47130",
    )
    found = get_equipment(equipment.id)
    assert found.visibility == "draft"
    assert [item.key for item in found.capabilities] == [
        "cnc-milling",
        "coordinate-measuring",
        "welding",
    ]
    assert [(rate.unit, rate.price_cents) for rate in found.rates] == [("hour", 4500)]
    assert (found.city, found.state, found.county_fips) == ("Jeffersonville", "IN", "18019")
    assert found.latitude == 38.3006
    assert found.created_by_id == found.confirmed_by_id == world.users["ben"]
    assert session.scalar(select(OutboxEvent.name).order_by(OutboxEvent.id.desc()).limit(1)) in (
        None,
        "facilities.EquipmentSaved",
    )


def test_broker_lists_for_whoever_has_nobody_here(world: World, actor: ActorOf) -> None:
    listed = list_equipment_on_behalf(
        actor("dov"), organization(world, "unclaimed"), name="Plasma table", visibility="public"
    )
    assert listed.visibility == "public"
    assert listed.confirmed_at is None
    with pytest.raises(Conflict, match="people here"):
        list_equipment_on_behalf(actor("dov"), organization(world, "shop"), name="Plasma table")
    with pytest.raises(Forbidden):
        list_equipment_on_behalf(
            actor("ana"), organization(world, "unclaimed"), name="Plasma table"
        )


def test_stranger_cannot_add_to_an_organization(world: World, actor: ActorOf) -> None:
    for name in ("eve", "cleo", "dov"):
        with pytest.raises(Forbidden):
            create_equipment(actor(name), organization(world, "shop"), name="Lathe")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"capabilities": ["millling"]}, "capabilities"),
        ({"zip_code": "00000"}, "zip_code"),
        ({"county_fips": "99999"}, "county_fips"),
        ({"facility_id": 999_999}, "facility_id"),
    ],
)
def test_values_that_point_nowhere_are_refused_at_their_field(
    world: World, actor: ActorOf, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        create_equipment(actor("ana"), organization(world, "shop"), name="Lathe", **values)
    assert refusal.value.field == field
    assert session.scalar(select(Equipment.id).where(Equipment.name == "Lathe")) is None


def test_unknown_capability_is_answered_with_what_may_be_meant(
    world: World, actor: ActorOf
) -> None:
    with pytest.raises(Invalid, match="CNC milling"):
        create_equipment(
            actor("ana"), organization(world, "shop"), name="Lathe", capabilities=["CNC mills"]
        )


def test_equipment_cannot_stand_in_a_facility_of_another_organization(
    world: World, actor: ActorOf
) -> None:
    equipment = get_equipment(world.equipment["shop_public"])
    with pytest.raises(Invalid, match="same organization"):
        update_equipment(actor("ana"), equipment, facility_id=world.facilities["college_public"])


def test_equipment_in_a_facility_has_the_place_of_the_facility(
    world: World, actor: ActorOf
) -> None:
    equipment = get_equipment(world.equipment["shop_public"])
    update_equipment(actor("ana"), equipment, facility_id=None, zip_code="47130")
    assert place_of_record(equipment).county_fips == "18019"
    update_equipment(
        actor("ana"), equipment, facility_id=world.facilities["shop_public"], zip_code="47130"
    )
    assert equipment.zip_code == ""
    assert place_of_record(equipment).county_fips == "21111"


def test_new_zip_code_moves_county_and_map_point(world: World, actor: ActorOf) -> None:
    facility = create_facility(
        actor("ana"), organization(world, "shop"), name="Annex", zip_code="40202"
    )
    update_facility(
        actor("ana"),
        facility,
        street="1 Court Avenue",
        city=facility.city,
        state=facility.state,
        zip_code="47130",
        county_fips=facility.county_fips,
        latitude=facility.latitude,
        longitude=facility.longitude,
    )
    assert (facility.city, facility.county_fips) == ("Jeffersonville", "18019")
    assert facility.longitude == -85.7266


def test_map_point_that_was_given_wins_over_the_zip_code(world: World, actor: ActorOf) -> None:
    facility = create_facility(
        actor("ana"),
        organization(world, "shop"),
        name="Annex",
        zip_code="40202",
        latitude=38.2,
        longitude=-85.7,
    )
    assert (facility.latitude, facility.county_fips) == (38.2, "21111")


def test_only_the_given_fields_change_and_saving_confirms(world: World, actor: ActorOf) -> None:
    equipment = get_equipment(world.equipment["shop_public"])
    version = equipment.updated_at
    update_equipment(actor("ana"), equipment, year=2019, rates=[])
    assert (equipment.year, equipment.make, equipment.rates) == (2019, "Haas", [])
    assert equipment.updated_at > version
    assert equipment.confirmed_by_id == world.users["ana"]


def test_unknown_field_is_a_defect_not_a_write(world: World, actor: ActorOf) -> None:
    equipment = get_equipment(world.equipment["shop_public"])
    with pytest.raises(TypeError):
        update_equipment(actor("ana"), equipment, organization_id=world.organizations["aero"])


def test_member_who_did_not_write_it_cannot_change_it(world: World, actor: ActorOf) -> None:
    equipment = get_equipment(world.equipment["shop_public"])
    with pytest.raises(Forbidden):
        update_equipment(actor("ben"), equipment, name="Mine")
    confirm_equipment(actor("ben"), equipment)
    assert equipment.confirmed_by_id == world.users["ben"]


def test_draft_of_a_colleague_cannot_even_be_confirmed(world: World, actor: ActorOf) -> None:
    equipment = get_equipment(world.equipment["shop_draft"])
    with pytest.raises(NotFound):
        confirm_equipment(actor("ben"), equipment)


def test_copy_is_a_draft_without_serial_number(world: World, actor: ActorOf) -> None:
    equipment = get_equipment(world.equipment["shop_public"])
    copy = get_equipment(copy_equipment(actor("ben"), equipment).id)
    assert copy.name == "Shop public mill (copy)"
    assert (copy.visibility, copy.serial_number, copy.make) == ("draft", "", "Haas")
    assert copy.facility_id == equipment.facility_id
    assert [item.key for item in copy.capabilities] == ["5-axis-milling"]
    assert [rate.price_cents for rate in copy.rates] == [8500]


def test_deleting_a_facility_keeps_its_equipment(world: World, actor: ActorOf) -> None:
    facility = get_facility(world.facilities["shop_public"])
    delete_facility(actor("ana"), facility)
    assert session.get(Facility, world.facilities["shop_public"]) is None
    session.expire_all()
    equipment = get_equipment(world.equipment["shop_public"])
    assert equipment.facility is None
    assert place_of_record(equipment).city == "Louisville"


def test_member_cannot_delete_even_what_he_wrote(world: World, actor: ActorOf) -> None:
    equipment = create_equipment(actor("ben"), organization(world, "shop"), name="Lathe")
    with pytest.raises(Forbidden):
        delete_equipment(actor("ben"), get_equipment(equipment.id))
    delete_equipment(actor("ana"), get_equipment(equipment.id))
    assert session.get(Equipment, equipment.id) is None


def test_the_number_of_a_deleted_machine_is_never_that_of_another(
    world: World, actor: ActorOf
) -> None:
    """Its label may still stick on something, its address stand in a mail."""
    shop = organization(world, "shop")
    first = create_equipment(actor("ben"), shop, name="Lathe").id
    delete_equipment(actor("ana"), get_equipment(first))
    assert create_equipment(actor("ben"), shop, name="Mill").id > first


def test_many_records_are_confirmed_at_once_but_not_those_of_others(
    world: World, actor: ActorOf
) -> None:
    ids = [world.equipment[name] for name in ("shop_public", "shop_draft", "aero_public")]
    count = confirm_records(
        actor("ben"),
        organization(world, "shop"),
        equipment_ids=ids,
        facility_ids=[world.facilities["shop_members"]],
    )
    assert count == 2


def test_import_adds_then_changes_then_leaves_alone(world: World, actor: ActorOf) -> None:
    college = organization(world, "college")
    values = {"name": "Bridge CMM", "capabilities": ["CMM"], "visibility": "public"}
    first = import_equipment(SYSTEM, college, external_id="E-1", **values)
    again = import_equipment(SYSTEM, college, external_id="E-1", **values)
    other = import_equipment(SYSTEM, college, external_id="E-1", **{**values, "make": "Hexagon"})
    assert [first.outcome, again.outcome, other.outcome] == ["created", "unchanged", "changed"]
    assert first.record.id == again.record.id == other.record.id
    assert other.record.make == "Hexagon"
    assert other.record.confirmed_at is None, "a program cannot confirm"
    lab = import_facility(
        SYSTEM,
        college,
        external_id="F-1",
        name="Lab",
        confirmed_at=dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
    )
    assert (lab.outcome, lab.record.confirmed_at.year) == ("created", 2026)
    same = import_facility(SYSTEM, college, external_id="F-1", name="Lab")
    assert same.outcome == "unchanged"


def test_importing_over_a_colleagues_record_needs_the_right_to_edit_it(
    world: World, actor: ActorOf
) -> None:
    shop = organization(world, "shop")
    import_equipment(actor("ana"), shop, external_id="E-1", name="Lathe", visibility="organization")
    with pytest.raises(Forbidden):
        import_equipment(actor("ben"), shop, external_id="E-1", name="Ben's", visibility="public")
    session.expire_all()
    assert session.scalar(select(Equipment.name).where(Equipment.external_id == "E-1")) == "Lathe"

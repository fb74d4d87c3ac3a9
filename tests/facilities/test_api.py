"""Facilities and equipment in the JSON API."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal.facilities.models import Equipment, EquipmentRate
from portal.facilities.queries.records import (
    list_equipment_to_export,
    list_facilities_to_export,
    place_of_record,
)
from portal.kernel.database import session, unit_of_work
from portal.regions.models import Capability
from tests.cast import World
from tests.support.statements import count_statements

ClientOf = Callable[[str], FlaskClient]


def body(world: World, **values: Any) -> dict[str, Any]:
    return {"organization_id": world.organizations["shop"], "name": "Bridge CMM", **values}


def test_equipment_comes_back_as_it_was_sent(world: World, client_of: ClientOf) -> None:
    sent = body(
        world,
        make="Hexagon",
        model="Global S",
        serial_number="HX-1",
        year=2019,
        condition="good",
        summary="Measures parts up to 1.2 m.",
        capabilities=["coordinate-measuring"],
        specifications=[{"name": "Travel X", "value": "1200", "unit": "mm"}],
        sharing_terms="bookable",
        operator_provided=True,
        rates=[{"customer_class": "member_sme", "unit": "hour", "price_cents": 8550}],
        zip_code="47130",
        visibility="public",
    )
    client = client_of("ana")
    answer = client.post("/api/v1/equipment", json=sent)
    assert answer.status_code == 201, answer.text
    assert answer.json is not None
    shown = client.get(answer.headers["Location"]).json
    assert shown == answer.json
    for name, value in sent.items():
        assert shown[name] == value, name
    assert (shown["city"], shown["county"]) == ("Jeffersonville", "Clark, IN")
    assert shown["confirmed_by"] == "Ana"


def test_facility_comes_back_as_it_was_sent(world: World, client_of: ClientOf) -> None:
    sent = body(
        world,
        name="Metrology lab",
        kind="lab",
        opening_hours=[{"weekday": 0, "opens": "08:00", "closes": "17:00"}],
        contact_email="lab@shop.example",
        facility_notes=None,
    )
    client = client_of("ana")
    refused = client.post("/api/v1/facilities", json=sent)
    assert refused.status_code == 422
    del sent["facility_notes"]
    answer = client.post("/api/v1/facilities", json=sent)
    assert answer.json is not None
    assert answer.status_code == 201
    assert answer.json["opening_hours"] == sent["opening_hours"]
    assert answer.json["visibility"] == "draft", "what a program adds is a draft until it says so"


def test_equipment_does_not_tell_the_address_of_a_facility_that_its_readers_do_not_see(
    world: World, client_of: ClientOf
) -> None:
    ana = client_of("ana")
    place = {"street": "1 Back Lane", "zip_code": "40202", "latitude": 38.26111, "longitude": -85.7}
    url = f"/api/v1/facilities/{world.facilities['shop_public']}"
    assert ana.patch(url, json=place).status_code == 200
    machine = f"/api/v1/equipment/{world.equipment['shop_public']}"
    home = {"facility_id": world.facilities["shop_public"]}
    assert ana.patch(machine, json=home).json["street"] == "1 Back Lane"
    assert ana.patch(url, json={"visibility": "organization"}).status_code == 200
    nobody = client_of("nobody")
    shown = nobody.get(machine).json
    assert (shown["street"], shown["latitude"], shown["city"]) == ("", 38.2529, "Louisville")
    linked = nobody.get(f"/equipment/{world.equipment['shop_public']}.jsonld").text
    assert "Back Lane" not in linked
    assert "38.26" not in linked


def test_contact_of_a_facility_is_for_people_signed_in(world: World, client_of: ClientOf) -> None:
    url = f"/api/v1/facilities/{world.facilities['shop_public']}"
    client_of("ana").patch(url, json={"contact_email": "lab@shop.example"})
    seen, hidden = client_of("dov").get(url).json, client_of("nobody").get(url).json
    assert seen is not None
    assert hidden is not None
    assert (seen["contact_email"], hidden["contact_email"]) == ("lab@shop.example", None)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"organization_id": 999_999}, "organization_id"),
        ({"organization_id": "1"}, "organization_id"),
        ({"organization_id": None}, "organization_id"),
        ({"facility_id": 999_999}, "facility_id"),
        ({"facility_id": 10**30}, "facility_id"),
        ({"year": 1200}, "year"),
        ({"year": 2099}, "year"),
        ({"condition": "shiny"}, "condition"),
        ({"sharing_terms": "free"}, "sharing_terms"),
        ({"visibility": "secret"}, "visibility"),
        ({"capabilities": ["no such thing"]}, "capabilities"),
        ({"capabilities": "welding"}, "capabilities"),
        ({"zip_code": "123"}, "zip_code"),
        ({"zip_code": "00000"}, "zip_code"),
        ({"county_fips": "99999"}, "county_fips"),
        ({"latitude": 38.0}, "longitude"),
        ({"latitude": 98.0, "longitude": 0}, "latitude"),
        ({"specifications": [{"name": "Travel"}]}, "specifications-0-value"),
        ({"rates": [{"customer_class": "other", "unit": "hour"}]}, "rates-0-price_cents"),
        (
            {"rates": [{"customer_class": "other", "unit": "hour", "price_cents": -1}]},
            "rates-0-price_cents",
        ),
        (
            {"rates": [{"customer_class": "other", "unit": "hour", "price_cents": 85.5}]},
            "rates",
        ),
        ({"specifications": [{"name": "a", "value": "b"}] * 61}, "specifications"),
        ({"specifications": [{"name": "a", "value": "b"}] * 101}, "specifications"),
        ({"description": "a\x00b"}, "description"),
        ({"specifications": [{"name": "a\ud800", "value": "b"}]}, "specifications-0-name"),
        (
            {
                "rates": [
                    {"customer_class": "other", "unit": "hour", "price_cents": 1},
                    {"customer_class": "other", "unit": "hour", "price_cents": 2},
                ]
            },
            "rates",
        ),
    ],
)
def test_wrong_value_is_named_by_its_field(
    world: World, client_of: ClientOf, values: dict[str, Any], field: str
) -> None:
    answer = client_of("ana").post("/api/v1/equipment", json=body(world, **values))
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert answer.json is not None
    assert field in answer.json["errors"], answer.json


def test_change_leaves_out_what_is_not_named(world: World, client_of: ClientOf) -> None:
    url = f"/api/v1/equipment/{world.equipment['shop_public']}"
    before = client_of("ana").get(url).json
    answer = client_of("ana").patch(url, json={"condition": "fair", "rates": []})
    assert before is not None
    assert answer.json is not None
    assert answer.status_code == 200
    moving = ("condition", "rates", "updated_at", "confirmed_at", "confirmed_by")
    for name, value in before.items():
        if name not in moving:
            assert answer.json[name] == value, name
    assert (answer.json["condition"], answer.json["rates"]) == ("fair", [])


@pytest.mark.parametrize(
    "field", ["organization_id", "created_by_id", "is_demo", "confirmed_at", "external_id", "id"]
)
def test_what_is_not_of_the_form_cannot_be_set(
    world: World, client_of: ClientOf, field: str
) -> None:
    url = f"/api/v1/equipment/{world.equipment['shop_public']}"
    answer = client_of("ana").patch(url, json={field: world.organizations["aero"]})
    assert answer.status_code == 422
    session.expire_all()
    equipment = session.get_one(Equipment, world.equipment["shop_public"])
    assert equipment.organization_id == world.organizations["shop"]


def test_reader_with_the_same_version_gets_304(world: World, client_of: ClientOf) -> None:
    for path in (
        f"/api/v1/equipment/{world.equipment['shop_public']}",
        f"/api/v1/facilities/{world.facilities['shop_public']}",
        "/api/v1/equipment",
        "/api/v1/facilities",
    ):
        client = client_of("nobody")
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (first.status_code, again.status_code) == (200, 304), path
        assert (again.data, again.headers["ETag"]) == (b"", first.headers["ETag"]), path
        stale = client.get(path, headers={"If-None-Match": '"another"'})
        assert (stale.status_code, stale.data) == (200, first.data), path


def test_deleted_equipment_is_gone(world: World, client_of: ClientOf) -> None:
    url = f"/api/v1/equipment/{world.equipment['shop_public']}"
    assert client_of("ben").delete(url).status_code == 403
    assert client_of("ben").get(url).json["name"] == "Shop public mill"
    answer = client_of("ana").delete(url)
    assert (answer.status_code, answer.data) == (204, b"")
    assert client_of("ana").get(url).json["detail"] == "There is nothing here that you can see."
    session.expire_all()
    assert session.get(Equipment, world.equipment["shop_public"]) is None


def names(answer: Any) -> list[str]:
    return [item["name"] for item in answer.json["items"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Aero public mill", "College public mill", "Shop public mill"]),
        ("?county=20173", ["Aero public mill"]),
        ("?capability=machining&limit=1", ["Aero public mill"]),
        ("?capability=welding", []),
        ("?sharing_terms=bookable", ["College public mill"]),
        ("?visibility=draft", []),
    ],
)
def test_lists_are_filtered(
    world: World, client_of: ClientOf, query: str, expected: list[str]
) -> None:
    assert names(client_of("nobody").get(f"/api/v1/equipment{query}")) == expected


def test_owner_lists_the_drafts_of_her_organization(world: World, client_of: ClientOf) -> None:
    number = world.organizations["shop"]
    query = f"?visibility=draft&organization_id={number}"
    for path, name in (("equipment", "Shop draft mill"), ("facilities", "Shop draft lab")):
        assert names(client_of("ana").get(f"/api/v1/{path}{query}")) == [name]
        assert names(client_of("eve").get(f"/api/v1/{path}{query}")) == []


def test_pages_follow_each_other_without_gaps(world: World, client_of: ClientOf) -> None:
    client, found, cursor = client_of("root"), [], ""
    while True:
        answer = client.get(f"/api/v1/equipment?limit=5{cursor}")
        found += names(answer)
        assert answer.json is not None
        if answer.json["next"] is None:
            break
        cursor = f"&cursor={answer.json['next']}"
    assert len(found) == 12
    assert found == sorted(found)


@pytest.mark.parametrize(
    "query",
    ["organization_id=x", "organization_id=99999999999", "visibility=all", "cursor=x", "limit=0"],
)
def test_broken_filters_are_refused(client_of: ClientOf, query: str) -> None:
    answer = client_of("nobody").get(f"/api/v1/equipment?{query}")
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    ["/equipment", "/facilities", "/api/v1/equipment?limit=100", "/api/v1/facilities?limit=100"],
)
def test_lists_take_as_many_statements_for_2_as_for_20(
    world: World, client_of: ClientOf, path: str
) -> None:
    client = client_of("eve")
    client.get(path)
    session.rollback()
    with count_statements() as few:
        client.get(path)
    session.rollback()
    with unit_of_work():
        for number in range(20):
            equipment = Equipment(
                organization_id=world.organizations["college" if number % 2 else "shop"],
                name=f"Lathe {number}",
                visibility="public",
            )
            equipment.capabilities = [session.get_one(Capability, "welding")]
            equipment.rates = [EquipmentRate(customer_class="other", unit="day", price_cents=1)]
            session.add(equipment)
    session.rollback()
    client.get(path)  # Who asks is read anew after a write, and then kept.
    session.rollback()
    with count_statements() as many:
        assert client.get(path).status_code == 200
    assert many.count == few.count


def test_export_reads_everything_in_a_fixed_number_of_statements(
    world: World, actor: Callable[[str], Any]
) -> None:
    who = actor("root")
    with count_statements() as seen:
        facilities = list_facilities_to_export(who)
        equipment = list_equipment_to_export(who)
        for record in (*facilities, *equipment):
            place_of_record(record)
            assert record.organization.name
            assert [photo.file.key for photo in record.photos] == []
    assert (len(facilities), len(equipment)) == (12, 12)
    assert seen.count <= 8

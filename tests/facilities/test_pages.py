"""What people see and do on the pages of facilities and equipment."""

import datetime as dt
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.facilities.models import Equipment, Facility
from portal.facilities.queries.records import get_equipment
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.organizations.models import Organization
from tests.cast import World

ClientOf = Callable[[str], FlaskClient]


def equipment_named(name: str) -> Equipment:
    session.expire_all()
    found = session.scalar(select(Equipment).where(Equipment.name == name))
    assert found is not None
    return get_equipment(found.id)


def test_owner_publishes_equipment_with_the_first_few_fields(
    world: World, client_of: ClientOf
) -> None:
    client = client_of("ana")
    form = client.get("/equipment/new").text
    assert "For Ana&#39;s Machine Shop" in form
    answer = client.post(
        "/equipment/new",
        data={
            "organization_id": world.organizations["shop"],
            "name": "Bridge CMM",
            "capabilities": "CMM\nwelding",
            "sharing_terms": "bookable",
            "visibility": "public",
        },
    )
    assert answer.status_code == 303
    equipment = equipment_named("Bridge CMM")
    assert (equipment.visibility, equipment.sharing_terms) == ("public", "bookable")
    seen = client_of("nobody").get(answer.location).text
    assert "Coordinate measuring" in seen
    assert "Louisville" in seen, "without a place of its own it is where the organization is"


@pytest.mark.parametrize("amount", ["1e999999", "NaN", "-Infinity", "85.555", "²"])
def test_amount_that_is_none_is_refused(world: World, client_of: ClientOf, amount: str) -> None:
    data = {
        "organization_id": world.organizations["shop"],
        "name": "Lathe",
        "rates-0-customer_class": "other",
        "rates-0-unit": "hour",
        "rates-0-price_cents": amount,
    }
    answer = client_of("ana").post("/equipment/new", data=data)
    assert answer.status_code == 422
    assert "Please give an amount such as 85 or 85.50." in answer.text


def test_enter_in_a_form_with_rows_does_not_add_a_row(client_of: ClientOf) -> None:
    form = client_of("ana").get("/equipment/new").text.split("<form class=")[1]
    first_button = form[form.index("<button") :].split(">")[0]
    assert 'name="' not in first_button, "a browser presses the first button on Enter"


def test_second_button_keeps_a_draft(world: World, client_of: ClientOf) -> None:
    data = {
        "organization_id": world.organizations["shop"],
        "name": "Lathe",
        "visibility": "public",
        "action": "draft",
    }
    answer = client_of("ben").post("/equipment/new", data=data)
    assert equipment_named("Lathe").visibility == "draft"
    assert client_of("cleo").get(answer.location).status_code == 404


def test_refused_form_keeps_what_was_typed_and_opens_its_part(
    world: World, client_of: ClientOf
) -> None:
    answer = client_of("ana").post(
        "/equipment/new",
        data={
            "organization_id": world.organizations["shop"],
            "name": "Lathe",
            "capabilities": "turnning",
            "rates-0-customer_class": "other",
            "rates-0-unit": "hour",
            "rates-0-price_cents": "much",
            "visibility": "public",
        },
    )
    assert answer.status_code == 422
    assert "turnning" in answer.text
    assert "such as 85 or 85.50" in answer.text
    assert re.search(r'<details class="form-section" open><summary>Rules and rates', answer.text)
    assert session.scalar(select(Equipment).where(Equipment.name == "Lathe")) is None


def test_row_can_be_added_without_a_script_and_empty_rows_are_dropped(
    world: World, client_of: ClientOf
) -> None:
    client = client_of("ana")
    common = {"organization_id": world.organizations["shop"], "name": "Lathe"}
    asked = client.post("/equipment/new", data={**common, "add-row": "specifications"})
    assert 'name="specifications-0-name"' in asked.text
    client.post(
        "/equipment/new",
        data={
            **common,
            "specifications-0-name": "",
            "specifications-1-name": "Swing",
            "specifications-1-value": "400",
            "specifications-1-unit": "mm",
            "visibility": "members",
        },
    )
    assert equipment_named("Lathe").specifications == [
        {"name": "Swing", "value": "400", "unit": "mm"}
    ]


@pytest.mark.parametrize("index", ["²", "٣", "9" * 5000, "-1", "x"])
def test_row_numbers_that_are_none_are_ignored(
    world: World, client_of: ClientOf, index: str
) -> None:
    answer = client_of("ana").post(
        "/equipment/new",
        data={
            "organization_id": world.organizations["shop"],
            "name": "Lathe",
            f"specifications-{index}-name": "Swing",
        },
    )
    assert answer.status_code == 303
    assert equipment_named("Lathe").specifications == []


@pytest.mark.database
@pytest.mark.parametrize("number", ["²", "9" * 20, "9" * 5000, "-1", "x", ""])
def test_numbers_that_no_record_has_are_no_defect(
    world: World, client_of: ClientOf, number: str
) -> None:
    confirm = {"organization_id": number, "equipment_ids": number}
    assert client_of("nobody").post("/equipment/mine/confirm", data=confirm).status_code == 404
    mine = {"organization_id": world.organizations["shop"], "equipment_ids": number}
    ana = client_of("ana")
    assert ana.post("/equipment/mine/confirm", data=mine).status_code == 303
    assert "nothing was confirmed" in ana.get("/equipment/mine").text
    root = client_of("root")
    for path in ("/equipment/mine", "/equipment/new", "/facilities/new"):
        assert root.get(path, query_string={"organization": number}).status_code == 200
    new = {"organization_id": number, "name": "Lathe"}
    assert root.post("/equipment/new", data=new).status_code == 422
    exported = root.get("/exports/equipment.csv", query_string={"organization": number})
    assert exported.status_code == (422 if number else 200)


def test_facility_takes_opening_hours_and_refuses_overlap(
    world: World, client_of: ClientOf
) -> None:
    client = client_of("cleo")
    data = {
        "organization_id": world.organizations["college"],
        "name": "Open lab",
        "kind": "lab",
        "visibility": "public",
        "opening_hours-0-weekday": "1",
        "opening_hours-0-opens": "13:00",
        "opening_hours-0-closes": "17:00",
        "opening_hours-1-weekday": "1",
        "opening_hours-1-opens": "8:00",
        "opening_hours-1-closes": "12:00",
        "contact_name": "Cleo Clark",
        "contact_phone": "(502) 555-0199",
    }
    overlapping = {**data, "opening_hours-1-closes": "14:00"}
    refused = client.post("/facilities/new", data=overlapping)
    assert "Row 2 overlaps another of its day." in refused.text
    answer = client.post("/facilities/new", data=data)
    page = client.get(answer.location).text
    assert "8:00\u202fAM–12:00\u202fPM, 1:00–5:00\u202fPM" in page
    assert "Cleo Clark" in page
    stranger = client_of("nobody").get(answer.location).text
    assert "555-0199" not in stranger
    assert "Cleo Clark" not in stranger.replace("Confirmed by Cleo", "")


@pytest.mark.parametrize(
    ("name", "sees"),
    [
        ("nobody", "public"),
        ("dov", "public"),
        ("eve", "members public"),
        ("ben", "organization members public"),
        ("ana", "draft organization members public"),
        ("root", "draft organization members public"),
    ],
)
def test_everybody_sees_the_records_meant_for_them(
    world: World, client_of: ClientOf, name: str, sees: str
) -> None:
    client = client_of(name)
    for visibility in ("draft", "organization", "members", "public"):
        expected = 200 if visibility in sees.split() else 404
        for path, ids in (("equipment", world.equipment), ("facilities", world.facilities)):
            number = ids[f"shop_{visibility}"]
            for suffix in ("", "/label", "/qr.svg", ".jsonld"):
                answer = client.get(f"/{path}/{number}{suffix}")
                assert answer.status_code == expected, (path, visibility, suffix)
    listed = client.get("/equipment").text
    assert ("Shop draft mill" in listed) == ("draft" in sees.split())
    assert "Shop public mill" in listed


@pytest.mark.parametrize(("name", "sees"), [("nobody", False), ("dov", False), ("eve", True)])
def test_serial_number_is_for_members(
    world: World, client_of: ClientOf, name: str, sees: bool
) -> None:
    number = world.equipment["shop_public"]
    client = client_of(name)
    for path in (
        f"/equipment/{number}",
        f"/api/v1/equipment/{number}",
        "/api/v1/equipment?limit=100",
    ):
        assert ("SN-shop_public" in client.get(path).text) == sees, path
    assert "SN-shop_public" not in client.get(f"/equipment/{number}.jsonld").text


def test_visibility_changes_with_one_click_and_back_with_undo(
    world: World, client_of: ClientOf
) -> None:
    client = client_of("ana")
    number = world.equipment["shop_public"]
    url = f"/equipment/{number}"
    client.post(f"{url}/visibility", data={"visibility": "draft"})
    page = client.get(url)
    assert "is a draft now" in page.text
    assert client_of("nobody").get(url).status_code == 404
    undo = re.search(r'action="([^"]+visibility\?visibility=public)"', page.text)
    assert undo is not None
    client.post(undo[1])
    assert client_of("nobody").get(url).status_code == 200
    assert client.post(f"{url}/visibility", data={"visibility": "all"}).status_code == 422


def test_stale_record_is_confirmed_with_one_click(world: World, client_of: ClientOf) -> None:
    number = world.equipment["shop_public"]
    with unit_of_work():
        row = session.get_one(Equipment, number)
        row.confirmed_at = now() - dt.timedelta(days=400)
    client = client_of("ben")
    assert "it may have changed" in client.get(f"/equipment/{number}").text
    client.post(f"/equipment/{number}/confirm")
    page = client.get(f"/equipment/{number}").text
    assert "Confirmed by Ben" in page


def test_delete_asks_first(world: World, client_of: ClientOf) -> None:
    client = client_of("ana")
    url = f"/facilities/{world.facilities['shop_public']}"
    asked = client.post(f"{url}/delete")
    assert "Delete “Shop public lab”?" in asked.text
    assert client.get(url).status_code == 200
    client.post(f"{url}/delete", data={"confirmed": "yes"})
    session.expire_all()
    assert session.get(Facility, world.facilities["shop_public"]) is None


def test_copy_opens_the_form_of_a_new_draft(world: World, client_of: ClientOf) -> None:
    answer = client_of("ben").post(f"/equipment/{world.equipment['shop_public']}/copy")
    assert answer.location.endswith("/edit")
    assert "Shop public mill (copy)" in client_of("ben").get(answer.location).text


def test_own_list_shows_state_and_confirms_what_was_chosen(
    world: World, client_of: ClientOf
) -> None:
    client = client_of("ana")
    page = client.get("/equipment/mine").text
    assert "Shop draft mill" in page
    assert "Aero public mill" not in page
    answer = client.post(
        "/equipment/mine/confirm",
        data={
            "organization_id": world.organizations["shop"],
            "equipment_ids": [world.equipment["shop_public"], world.equipment["aero_public"]],
        },
    )
    assert "1 record was confirmed." in client.get(answer.location).text
    assert (
        client_of("eve")
        .post("/equipment/mine/confirm", data={"organization_id": world.organizations["shop"]})
        .status_code
        == 403
    )


def test_person_without_an_organization_is_shown_the_way(client_of: ClientOf) -> None:
    page = client_of("dov").get("/equipment/new").text
    assert "Register your organization" in page


def test_record_page_links_equipment_beside_and_nearby(world: World, client_of: ClientOf) -> None:
    with unit_of_work():
        session.get_one(Equipment, world.equipment["shop_members"]).facility_id = world.facilities[
            "shop_public"
        ]
    page = client_of("eve").get(f"/equipment/{world.equipment['shop_public']}").text
    beside, nearby = page.split("The same capability nearby")
    assert "Shop members mill" in beside
    assert "College public mill" in nearby
    assert "Aero public mill" not in nearby, "it is too far away"
    assert "Shop draft mill" not in page


def away(page: str, name: str) -> float:
    """Return how many miles away a page says that a machine is."""
    found = re.search(name + r'</a>.*?<data value="([\d.]+)"', page, re.DOTALL)
    assert found is not None
    return float(found[1])


def test_distances_do_not_measure_out_a_street_that_is_kept(
    world: World, client_of: ClientOf
) -> None:
    """Whoever has several machines nearby could otherwise find the point by their distances."""
    with unit_of_work():
        shop = session.get_one(Organization, world.organizations["shop"])
        shop.latitude, shop.longitude = 38.30, -85.70
        mill = session.get_one(Equipment, world.equipment["shop_public"])
        mill.facility_id = None
        session.get_one(Facility, world.facilities["college_public"]).longitude = -85.6
    page = f"/equipment/{world.equipment['college_public']}"
    exact = away(client_of("nobody").get(page).text, "Shop public mill")
    with unit_of_work():
        session.get_one(Organization, shop.id).members_only_fields = ["street"]
    coarse = away(client_of("nobody").get(page).text, "Shop public mill")
    assert exact == pytest.approx(6.34, abs=0.05)
    assert coarse == pytest.approx(8.21, abs=0.05), "the middle of the ZIP code"
    assert away(client_of("ana").get(page).text, "Shop public mill") == coarse
    with unit_of_work():
        session.get_one(Organization, shop.id).zip_code = ""
    county = away(client_of("nobody").get(page).text, "Shop public mill")
    assert county == pytest.approx(5.52, abs=0.05), "the middle of the county"


def test_everybody_else_is_led_to_asking(world: World, client_of: ClientOf) -> None:
    number, lab = world.equipment["shop_public"], world.facilities["shop_public"]
    asking = f"/requests/new?equipment={number}"
    assert asking in client_of("nobody").get(f"/equipment/{number}").text
    assert asking not in client_of("ben").get(f"/equipment/{number}").text
    assert f"/requests/new?facility={lab}" in client_of("cleo").get(f"/facilities/{lab}").text
    with unit_of_work():
        session.get_one(Equipment, number).sharing_terms = "in_house"
    assert "Ask to use it" not in client_of("nobody").get(f"/equipment/{number}").text


def test_draft_is_published_from_its_page(world: World, client_of: ClientOf) -> None:
    url = f"/equipment/{world.equipment['shop_draft']}"
    assert ">Publish<" in client_of("ana").get(url).text
    client_of("ana").post(f"{url}/visibility", data={"visibility": "public"})
    assert client_of("nobody").get(url).status_code == 200


def test_visitor_gets_304_until_something_changes(world: World, client_of: ClientOf) -> None:
    client = client_of("nobody")
    url = f"/equipment/{world.equipment['shop_public']}"
    first = client.get(url)
    again = client.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    client_of("ana").post(f"{url}/confirm")
    changed = client.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.headers["ETag"] != first.headers["ETag"]
    assert "Confirmed by Ana" in changed.text
    assert "Confirmed by Ana" not in first.text


def test_linked_data_follows_a_facility_that_moves(world: World, client_of: ClientOf) -> None:
    home = f"/api/v1/facilities/{world.facilities['shop_public']}"
    machine = world.equipment["shop_public"]
    ana, nobody = client_of("ana"), client_of("nobody")
    ana.patch(f"/api/v1/equipment/{machine}", json={"facility_id": world.facilities["shop_public"]})
    before = nobody.get(f"/equipment/{machine}.jsonld")
    known = {"If-None-Match": before.headers["ETag"]}
    assert nobody.get(f"/equipment/{machine}.jsonld", headers=known).status_code == 304
    assert ana.patch(home, json={"zip_code": "47130"}).status_code == 200
    after = nobody.get(f"/equipment/{machine}.jsonld", headers=known)
    assert after.status_code == 200
    assert "Jeffersonville" in after.text


def test_code_on_the_label_opens_the_record(app: Flask, world: World, client_of: ClientOf) -> None:
    client = client_of("nobody")
    url = f"/equipment/{world.equipment['shop_public']}"
    label = client.get(f"{url}/label").text
    assert f"{app.config['PUBLIC_URL']}{url}" in label
    assert f'src="{url}/qr.svg"' in label
    code = client.get(f"{url}/qr.svg")
    assert code.mimetype == "image/svg+xml"
    assert b"<svg" in code.data
    assert b"style=" not in code.data


def test_address_of_search_documents_is_the_address_of_the_page(app: Flask) -> None:
    from portal.facilities.rules import ADDRESSES

    adapter = app.url_map.bind("example.org")
    assert adapter.match(ADDRESSES["equipment"] % 7)[0] == "facilities.show_equipment"
    assert adapter.match(ADDRESSES["facility"] % 7)[0] == "facilities.show_facility"

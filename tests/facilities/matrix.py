"""Who may reach which route of facilities and equipment.

Routes of single photos and documents answer 404 to everybody here, since the cast's world has no
files; test_files.py goes through them with real ones.
"""

import io
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

from tests.architecture.matrix import EVERYBODY, SIGNED_IN, Row
from tests.cast import World

Values = Callable[[World], Mapping[str, Any]]

MEMBERS = "ana ben cleo eve root"
EDITORS = "ana root"
PEOPLE = "ana ben root"


def equipment(world: World) -> Mapping[str, Any]:
    return {"equipment_id": world.equipment["shop_members"]}


def facility(world: World) -> Mapping[str, Any]:
    return {"facility_id": world.facilities["shop_members"]}


def in_shop(world: World) -> Mapping[str, Any]:
    return {"organization_id": world.organizations["shop"]}


def with_photo(values: Values) -> Values:
    return lambda world: {**values(world), "photo_id": 1}


def with_document(world: World) -> Mapping[str, Any]:
    return {**equipment(world), "document_id": 1}


def new_record(world: World) -> Mapping[str, Any]:
    return {**in_shop(world), "name": "Something new", "visibility": "public"}


def changed(_world: World) -> Mapping[str, Any]:
    return {"name": "Something else", "visibility": "public"}


def is_confirmed(_world: World) -> Mapping[str, Any]:
    return {"confirmed": "yes"}


def to_public(_world: World) -> Mapping[str, Any]:
    return {"visibility": "public"}


def photo(_world: World) -> Mapping[str, Any]:
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), "navy").save(stream, "PNG")
    stream.seek(0)
    return {"photos": [(stream, "machine.png")], "caption": "From the door"}


def document(_world: World) -> Mapping[str, Any]:
    return {"documents": [(io.BytesIO(b"Oil it daily."), "manual.txt")]}


def _pages(kind: str, path: str, values: Values) -> list[Row]:
    return [
        Row(f"facilities.list_{path}", "GET", EVERYBODY),
        Row(f"facilities.new_{kind}", "GET", SIGNED_IN),
        Row(f"facilities.new_{kind}", "POST", PEOPLE, data=new_record),
        Row(f"facilities.show_{kind}", "GET", MEMBERS, values),
        Row(f"facilities.show_{kind}_data", "GET", MEMBERS, values),
        Row(f"facilities.show_{kind}_label", "GET", MEMBERS, values),
        Row(f"facilities.show_{kind}_code", "GET", MEMBERS, values),
        Row(f"facilities.edit_{kind}", "GET", EDITORS, values),
        Row(f"facilities.edit_{kind}", "POST", EDITORS, values, changed),
        Row(f"facilities.confirm_{kind}", "POST", PEOPLE, values),
        Row(f"facilities.change_{kind}_visibility", "POST", EDITORS, values, to_public),
        Row(f"facilities.delete_{kind}", "POST", EDITORS, values, is_confirmed),
        Row(f"facilities.edit_{kind}_photos", "GET", EDITORS, values),
        Row(f"facilities.edit_{kind}_photos", "POST", EDITORS, values, photo),
        Row(f"facilities.show_{kind}_photo", "GET", "", with_photo(values)),
        Row(f"facilities.change_{kind}_photo", "POST", "", with_photo(values)),
        Row(f"facilities.remove_{kind}_photo", "POST", "", with_photo(values)),
    ]


def _api(kind: str, path: str, values: Values) -> list[Row]:
    return [
        Row(f"facilities_api.list_{path}", "GET", EVERYBODY),
        Row(f"facilities_api.create_{kind}", "POST", PEOPLE, data=new_record, is_json=True),
        Row(f"facilities_api.show_{kind}", "GET", MEMBERS, values),
        Row(f"facilities_api.update_{kind}", "PATCH", EDITORS, values, changed, is_json=True),
        Row(f"facilities_api.delete_{kind}", "DELETE", EDITORS, values),
    ]


ROUTES = [
    *_pages("facility", "facilities", facility),
    *_pages("equipment", "equipment", equipment),
    *_api("facility", "facilities", facility),
    *_api("equipment", "equipment", equipment),
    Row("facilities.list_own", "GET", SIGNED_IN),
    Row("facilities.confirm_own", "POST", PEOPLE, data=in_shop),
    Row("facilities.copy_equipment", "POST", PEOPLE, equipment),
    Row("facilities.edit_documents", "GET", EDITORS, equipment),
    Row("facilities.edit_documents", "POST", EDITORS, equipment, document),
    Row("facilities.show_document", "GET", "", with_document),
    Row("facilities.remove_document", "POST", "", with_document),
]

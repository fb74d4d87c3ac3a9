"""Who may reach which page of a host's calendar.

Routes of single closures, dates and limits answer 404 to everybody here, since the cast's world has
none; test_calendar_pages.py goes through them with real ones.
"""

from collections.abc import Mapping
from typing import Any

from tests.architecture.matrix import EVERYBODY, Row
from tests.cast import World

KEEPERS = "ana root"


def shop_mill(world: World) -> Mapping[str, Any]:
    return {"place": "equipment", "record_id": world.equipment["shop_public"]}


def shop(world: World) -> Mapping[str, Any]:
    return {"record_id": world.organizations["shop"]}


def _part(name: str) -> Any:
    return lambda world: {**shop_mill(world), name: 999}


def _data(**values: Any) -> Any:
    return lambda _world: values


def _lab(world: World) -> Mapping[str, Any]:
    return {"needs": f"facilities:{world.facilities['shop_members']}"}


_PAGES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("edit_rules", {"slot_minutes": "30"}),
    ("edit_hours", {"hours-0-weekday": "0", "hours-0-opens": "8:00", "hours-0-closes": "17:00"}),
    ("edit_special_hours", {"date": "2027-12-24"}),
    ("edit_quota", {"shared_by": "person", "period": "week", "most_bookings": "2"}),
    ("add_closure", {"kind": "closure", "first_date": "2027-12-24"}),
)

ROUTES = [
    Row("bookings.show_rules", "GET", KEEPERS, shop_mill),
    *(
        Row(f"bookings.{view}", method, KEEPERS, shop_mill, _data(**data))
        for view, data in _PAGES
        for method in ("GET", "POST")
    ),
    Row("bookings.add_dependency", "GET", KEEPERS, shop_mill),
    Row("bookings.add_dependency", "POST", KEEPERS, shop_mill, _lab),
    Row("bookings.apply_preset", "POST", KEEPERS, shop_mill, _data(preset="weekdays")),
    Row("bookings.change_bookable", "POST", KEEPERS, shop_mill, _data(bookable="yes")),
    Row("bookings.report_outage", "POST", KEEPERS, shop_mill),
    Row("bookings.add_operator", "GET", KEEPERS, shop),
    Row(
        "bookings.add_operator",
        "POST",
        KEEPERS,
        shop,
        lambda world: {"user_id": world.users["ben"]},
    ),
    Row("bookings.remove_dependency", "POST", "", _part("needs_id")),
    Row("bookings.remove_special_hours", "POST", "", _part("special_id")),
    Row("bookings.remove_quota", "POST", "", _part("quota_id")),
    *(
        Row(f"bookings.{view}", method, "", _part("closure_id"))
        for view in ("edit_closure", "show_hit_bookings")
        for method in ("GET", "POST")
    ),
    Row("bookings.end_outage", "POST", "", _part("closure_id")),
    Row("bookings.remove_closure", "POST", "", _part("closure_id")),
    Row(
        "bookings_api.show_booking_rules",
        "GET",
        EVERYBODY,
        lambda world: {"equipment_id": world.equipment["shop_public"]},
    ),
    Row(
        "bookings_api.change_booking_rules",
        "PUT",
        KEEPERS,
        lambda world: {"equipment_id": world.equipment["shop_public"]},
        _data(slot_minutes=30),
        is_json=True,
    ),
]

"""Who reaches the pages and the API of bookings."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.architecture.matrix import EVERYBODY, Row
from tests.cast import World

Values = Callable[[World], Mapping[str, Any]]


def booking(**more: Any) -> Values:
    return lambda world: {"booking_id": world.bookings["ben_on_college_mill"], **more}


def equipment(name: str) -> Values:
    return lambda world: {"equipment_id": world.equipment[name]}


def facility(name: str) -> Values:
    return lambda world: {"facility_id": world.facilities[name]}


def hour(_world: World) -> Mapping[str, Any]:
    return {
        "starts_at": "2030-01-07T10:00:00-05:00",
        "ends_at": "2030-01-07T11:00:00-05:00",
        "purpose": "First articles",
    }


def reason(_world: World) -> Mapping[str, Any]:
    return {"note": "It is being repaired."}


ROUTES = [
    Row(
        "bookings_api.show_availability_of_equipment",
        "GET",
        EVERYBODY,
        values=equipment("college_public"),
    ),
    Row(
        "bookings_api.show_availability_of_facility",
        "GET",
        EVERYBODY,
        values=facility("college_public"),
    ),
    # Whoever sees it and belongs to an organization may try; its terms and rules say the rest.
    Row(
        "bookings_api.book_equipment",
        "POST",
        "ana ben cleo eve",
        values=equipment("college_members"),
        data=hour,
        is_json=True,
    ),
    Row(
        "bookings_api.book_facility",
        "POST",
        "ana ben cleo eve",
        values=facility("college_members"),
        data=hour,
        is_json=True,
    ),
    Row("bookings_api.list_bookings", "GET", EVERYBODY),
    Row("bookings_api.show_booking", "GET", "ana ben cleo root", values=booking()),
    Row(
        "bookings_api.change_booking",
        "PATCH",
        "ana ben cleo",
        values=booking(),
        data=lambda _world: {"reason": "Later is better."},
        is_json=True,
    ),
    Row(
        "bookings_api.act_on_booking",
        "POST",
        "cleo",
        values=booking(action="decline"),
        data=reason,
        is_json=True,
    ),
]

"""Who reaches the pages and the API of bookings."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from portal.kernel.clock import today
from tests.architecture.matrix import EVERYBODY, SIGNED_IN, Row
from tests.bookings.calendar_matrix import ROUTES as CALENDAR
from tests.cast import World

Values = Callable[[World], Mapping[str, Any]]


def booking(**more: Any) -> Values:
    return lambda world: {"booking_id": world.bookings["ben_on_college_mill"], **more}


def equipment(name: str) -> Values:
    return lambda world: {"equipment_id": world.equipment[name]}


def facility(name: str) -> Values:
    return lambda world: {"facility_id": world.facilities[name]}


def monday() -> dt.date:
    """A day that can be booked, two weeks ahead."""
    ahead = today() + dt.timedelta(days=14)
    return ahead + dt.timedelta(days=-ahead.weekday() % 7)


def hour(_world: World) -> Mapping[str, Any]:
    return {
        "starts_at": f"{monday()}T10:00:00-05:00",
        "ends_at": f"{monday()}T11:00:00-05:00",
        "purpose": "First articles",
    }


def reason(_world: World) -> Mapping[str, Any]:
    return {"note": "It is being repaired."}


def shop(**more: Any) -> Values:
    return lambda world: {"organization_id": world.organizations["shop"], **more}


def qualification(**more: Any) -> Values:
    return lambda world: {"qualification_id": world.qualifications["cleo_at_shop"], **more}


def clearance(**more: Any) -> Values:
    return lambda world: {"clearance_id": world.clearances["college_at_shop"], **more}


def access_request(**more: Any) -> Values:
    return lambda world: {"access_request_id": world.access_requests["eve_at_shop"], **more}


def clock(_world: World) -> Mapping[str, Any]:
    return {
        "date": f"{monday()}",
        "starts": "10:00",
        "ends": "11:00",
        "purpose": "First articles",
    }


def times(_world: World) -> Mapping[str, Any]:
    return {"from": "2030-01-07T10:00:00-05:00", "to": "2030-01-07T11:00:00-05:00"}


def ben_again(world: World) -> Mapping[str, Any]:
    return {"for_user": world.users["ben"]}


def kind(_world: World) -> Mapping[str, Any]:
    return {"date": "2027-01-11", "starts": "10:00", "ends": "11:00", "capability": "welding"}


def prices(world: World) -> Mapping[str, Any]:
    return {"place": "equipment", "record_id": world.equipment["shop_public"]}


PAGES = [
    Row("bookings.show_times", "GET", EVERYBODY, values=equipment("college_public")),
    Row("bookings.book", "GET", "ana ben cleo eve", values=equipment("college_public")),
    Row(
        "bookings.book", "POST", "ana ben cleo eve", values=equipment("college_public"), data=clock
    ),
    # Nobody waits for what is free, so those who may try hear of a conflict.
    Row(
        "bookings.wait", "POST", "ana ben cleo eve", values=equipment("college_public"), data=clock
    ),
    Row("bookings.show_busy_feed", "GET", EVERYBODY, values=equipment("college_public")),
    Row("bookings.list_own", "GET", SIGNED_IN),
    Row(
        "bookings.list_hosted",
        "GET",
        "cleo root",
        values=lambda world: {"organization_id": world.organizations["college"]},
    ),
    Row("bookings.show", "GET", "ana ben cleo root", values=booking()),
    Row("bookings.act", "POST", "cleo", values=booking(action="decline"), data=reason),
    Row("bookings.move", "GET", "ana ben cleo", values=booking()),
    Row("bookings.move", "POST", "ana ben cleo", values=booking(), data=clock),
    Row("bookings.describe", "GET", "ana ben", values=booking()),
    Row(
        "bookings.describe",
        "POST",
        "ana ben",
        values=booking(),
        data=lambda _world: {"purpose": "Second articles"},
    ),
    Row("bookings.hand_over", "GET", "ana ben", values=booking()),
    Row("bookings.hand_over", "POST", "ana ben", values=booking(), data=ben_again),
    Row("bookings.show_check_in", "GET", SIGNED_IN, values=equipment("college_public")),
    Row("bookings.show_check_in_code", "GET", EVERYBODY, values=equipment("college_public")),
    Row("bookings.accept_offer", "POST", "", values=lambda _world: {"entry_id": 1}),
    Row("bookings.leave", "POST", "", values=lambda _world: {"entry_id": 1}),
    Row("bookings.list_free_at", "GET", EVERYBODY, data=kind),
    Row("bookings.book_of_kind", "POST", SIGNED_IN, data=kind),
]


BOOKINGS = [
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
    *(
        Row(f"bookings_api.{endpoint}", "GET", "ana ben cleo eve", values=values)
        for endpoint, values in (
            ("list_along_with_equipment", equipment("college_public")),
            ("list_along_with_facility", facility("college_public")),
        )
    ),
    Row(
        "bookings_api.show_estimate_of_equipment",
        "GET",
        "ana ben cleo eve",
        values=equipment("college_public"),
        data=times,
    ),
    # It is not shared, so that others than its own people hear of a conflict.
    Row(
        "bookings_api.show_estimate_of_facility",
        "GET",
        "ana ben cleo eve",
        values=facility("college_public"),
        data=times,
    ),
    Row(
        "bookings_api.book_together",
        "POST",
        SIGNED_IN,
        data=lambda world: {
            **hour(world),
            "equipment_ids": [world.equipment["college_public"]],
        },
        is_json=True,
    ),
    Row(
        "bookings_api.book_of_kind",
        "POST",
        SIGNED_IN,
        data=lambda world: {**hour(world), "capability": "welding"},
        is_json=True,
    ),
    # Nobody waits for what is free, so those who may try hear of a conflict.
    *(
        Row(
            f"bookings_api.{endpoint}",
            "POST",
            "ana ben cleo eve",
            values=values,
            data=hour,
            is_json=True,
        )
        for endpoint, values in (
            ("wait_for_equipment", equipment("college_public")),
            ("wait_for_facility", facility("college_public")),
        )
    ),
    Row("bookings_api.list_waiting", "GET", SIGNED_IN),
    # Of the cast nobody waits; test_booking_api.py tries it.
    Row("bookings_api.show_waiting", "GET", "", values=lambda _world: {"entry_id": 1}),
    *(
        Row(
            f"bookings_api.{endpoint}",
            "POST",
            "",
            values=lambda _world: {"entry_id": 1},
            is_json=True,
        )
        for endpoint in ("leave_waiting", "accept_waiting")
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

ACCESS = [
    Row("bookings.show_access", "GET", "ana", values=shop()),
    Row("bookings.show_clearances", "GET", "ana", values=shop()),
    Row("bookings.show_access_ledger", "GET", "ana", values=shop()),
    Row("bookings.grant_qualification", "GET", "ana", values=shop()),
    Row(
        "bookings.grant_qualification",
        "POST",
        "ana",
        values=shop(),
        data=lambda world: {
            "user_id": world.users["ben"],
            "equipment_id": world.equipment["shop_public"],
        },
    ),
    Row("bookings.file_clearance", "GET", "ana", values=shop()),
    Row(
        "bookings.file_clearance",
        "POST",
        "ana",
        values=shop(),
        data=lambda world: {"kind": "induction", "user_id": world.users["ben"]},
    ),
    Row("bookings.show_recognitions", "GET", "ana", values=shop()),
    Row(
        "bookings.show_recognitions",
        "POST",
        "ana",
        values=shop(),
        data=lambda _world: {"organization": "Falls City Community College"},
    ),
    Row("bookings_api.list_recognitions", "GET", "ana", data=shop()),
    Row(
        "bookings_api.add_recognition",
        "POST",
        "ana",
        data=shop(organization="Falls City Community College"),
        is_json=True,
    ),
    Row(
        "bookings_api.act_on_recognition",
        "POST",
        "ana",
        values=lambda world: {
            "recognition_id": world.recognitions["aero_by_shop"],
            "action": "revoke",
        },
        data=reason,
        is_json=True,
    ),
    Row(
        "bookings.act_on_recognition",
        "POST",
        "ana",
        values=lambda world: {
            "recognition_id": world.recognitions["aero_by_shop"],
            "action": "revoke",
        },
        data=reason,
    ),
    Row("bookings.list_own_qualifications", "GET", SIGNED_IN),
    Row("bookings_api.list_qualifications", "GET", SIGNED_IN),
    # Cleo's own; her host's people see it as well.
    Row("bookings.show_qualification", "GET", "ana ben cleo root", values=qualification()),
    # The cast has no documents; tests/bookings/access tries those of others.
    Row("bookings.show_qualification_document", "GET", "", values=qualification()),
    Row("bookings.renew_qualification", "GET", "ana", values=qualification()),
    Row("bookings.renew_qualification", "POST", "ana", values=qualification()),
    Row(
        "bookings.act_on_qualification",
        "POST",
        "ana",
        values=qualification(action="revoke"),
        data=reason,
    ),
    Row("bookings.show_clearance", "GET", "ana ben cleo root", values=clearance()),
    Row("bookings.show_clearance_document", "GET", "", values=clearance()),
    Row("bookings.renew_clearance", "GET", "ana", values=clearance()),
    Row("bookings.renew_clearance", "POST", "ana", values=clearance()),
    Row(
        "bookings.act_on_clearance",
        "POST",
        "ana",
        values=clearance(action="revoke"),
        data=reason,
    ),
    Row(
        "bookings.ask_for_access",
        "GET",
        "ana ben cleo eve",
        data=lambda world: {"equipment": world.equipment["college_public"]},
    ),
    Row(
        "bookings.ask_for_access",
        "POST",
        "ana ben cleo eve",
        values=lambda world: {"equipment": world.equipment["college_public"]},
        data=lambda world: {"kind": "qualification", "organization_id": 1},
    ),
    Row("bookings.show_access_request", "GET", "ana eve", values=access_request()),
    Row(
        "bookings.act_on_access_request",
        "POST",
        "ana",
        values=access_request(action="decline"),
        data=reason,
    ),
]

CHARGES = [
    Row("bookings.edit_prices", "GET", "ana root", values=prices),
    Row(
        "bookings.edit_prices",
        "POST",
        "ana root",
        values=prices,
        data=lambda _world: {"minimum_cents": "50"},
    ),
    Row("bookings.show_charge", "GET", "ana ben cleo root", values=booking()),
    Row(
        "bookings.adjust_charge",
        "POST",
        "cleo",
        values=booking(),
        data=lambda _world: {"kind": "add", "amount_cents": "12", "note": "A broken cutter"},
    ),
    Row(
        "bookings.raise_dispute",
        "POST",
        "ana",
        values=booking(),
        data=lambda _world: {"reason": "It stood still."},
    ),
    Row("bookings.report_usage", "GET", "ana ben cleo", values=booking()),
    Row(
        "bookings.report_usage",
        "POST",
        "ana ben cleo",
        values=booking(),
        data=lambda _world: {"notes": "Clean the table."},
    ),
    # The cast disputes nothing; test_charging_pages.py tries those of others.
    Row("bookings.decide_dispute", "POST", "", values=lambda _world: {"dispute_id": 1}),
    Row("bookings.report_incident", "GET", "ana ben cleo", values=booking()),
    Row(
        "bookings.report_incident",
        "POST",
        "ana ben cleo",
        values=booking(),
        data=lambda _world: {"text": "The spindle smokes."},
    ),
    Row("bookings.show_statement", "GET", "ana root", values=shop()),
    Row("bookings.export_statement", "GET", "ana root", values=shop(form="csv")),
]

NOTICES = [
    Row("bookings.choose_notices", "GET", SIGNED_IN),
    Row(
        "bookings.choose_notices",
        "POST",
        SIGNED_IN,
        data=lambda _world: {"remind_minutes": "60"},
    ),
    Row("bookings.make_feed", "POST", SIGNED_IN),
    # The cast has no calendars; test_notices.py tries those of others.
    Row("bookings.end_feed", "POST", "", values=lambda _world: {"feed_id": 1}),
    Row("bookings.read_feed", "GET", "", values=lambda _world: {"token": "nobody-has-this"}),
]

ROUTES = [*PAGES, *CALENDAR, *BOOKINGS, *ACCESS, *CHARGES, *NOTICES]

"""Who reaches the pages and the API of enrollments, rosters and certificates."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.architecture.matrix import EVERYBODY, SIGNED_IN, Row
from tests.cast import SEAT_TOKEN, World

Values = Callable[[World], Mapping[str, Any]]

PROVIDER = "cleo root"
ORGANIZED = "ana ben cleo eve"


def section(name: str = "open", **more: Any) -> Values:
    return lambda world: {"section_id": world.sections[name], **more}


def enrollment(name: str, **more: Any) -> Values:
    return lambda world: {"enrollment_id": world.enrollments[name], **more}


def number(**more: Any) -> Values:
    return lambda world: {"number": world.certificates["ben"], **more}


def shop(**more: Any) -> Values:
    return lambda world: {"organization_id": world.organizations["shop"], **more}


def link(_world: World) -> Mapping[str, Any]:
    return {"token": SEAT_TOKEN}


def turn_down(_world: World) -> Mapping[str, Any]:
    return {"action": "turn_down"}


def grade(world: World) -> Mapping[str, Any]:
    ben = world.enrollments["ben_passed"]
    return {f"result-{ben}": "pass", f"grade-{ben}": "With distinction"}


def somebody(_world: World) -> Mapping[str, Any]:
    return {"name": "Jo", "email": "jo@shop.example"}


def others(world: World) -> Mapping[str, Any]:
    return {
        "organization_id": world.organizations["shop"],
        "emails": "jo@shop.example",
        "confirmed": "yes",
    }


def move(world: World) -> Mapping[str, Any]:
    return {"section_id": world.sections["planned"], "reason": "The night shift"}


def because(_world: World) -> Mapping[str, Any]:
    return {"reason": "Issued by mistake", "note": "By mistake"}


PAGES = [
    Row("training.enroll", "GET", SIGNED_IN, values=section()),
    Row("training.enroll", "POST", SIGNED_IN, values=section()),
    Row("training.enroll_others", "GET", ORGANIZED, values=section()),
    Row("training.enroll_others", "POST", ORGANIZED, values=section(), data=others),
    Row("training.list_enrollments", "GET", SIGNED_IN),
    Row("training.list_of_firm", "GET", "ana", values=shop()),
    Row("training.show_enrollment", "GET", "ana ben cleo root", values=enrollment("ben_passed")),
    Row("training.show_seat_link", "GET", EVERYBODY, values=link),
    Row("training.answer_seat_link", "POST", SIGNED_IN, values=link, data=turn_down),
    # Others than Ben, who may read it, find that nothing is kept for them.
    Row(
        "training.answer_enrollment",
        "POST",
        "ben",
        values=enrollment("ben_invited"),
        data=turn_down,
    ),
    Row(
        "training.act_on_enrollment",
        "POST",
        "cleo",
        values=enrollment("eve_asks", action="refuse"),
        data=because,
    ),
    Row("training.move_enrollment", "GET", "cleo", values=enrollment("eve_asks")),
    Row("training.move_enrollment", "POST", "cleo", values=enrollment("eve_asks"), data=move),
    Row("training.show_roster", "GET", PROVIDER, values=section("completed")),
    Row("training.show_roster", "POST", "cleo", values=section("completed"), data=grade),
    Row("training.enroll_by_hand", "POST", "cleo", values=section(), data=somebody),
    Row("training.export_roster", "GET", PROVIDER, values=section("completed", form="csv")),
    Row("training.show_section_statement", "GET", PROVIDER, values=section("completed")),
    Row(
        "training.export_section_statement",
        "GET",
        PROVIDER,
        values=section("completed", form="xlsx"),
    ),
    Row("training.show_training_statement", "GET", "ana root", values=shop()),
    Row("training.export_training_statement", "GET", "ana root", values=shop(form="csv")),
    Row("training.find_certificate", "GET", EVERYBODY),
    Row("training.verify_certificate", "GET", EVERYBODY, values=number()),
    Row("training.show_certificate_code", "GET", "ben cleo root", values=number()),
    Row("training.print_certificate", "GET", "ben cleo root", values=number()),
    Row("training.revoke_certificate", "GET", "cleo", values=number()),
    Row("training.revoke_certificate", "POST", "cleo", values=number(), data=because),
    Row("training.show_transcript", "GET", SIGNED_IN),
    Row("training.export_transcript", "GET", SIGNED_IN),
]

API = [
    Row("training_api.list_enrollments", "GET", SIGNED_IN),
    Row(
        "training_api.create_enrollment",
        "POST",
        SIGNED_IN,
        data=section(),
        is_json=True,
    ),
    Row(
        "training_api.show_enrollment",
        "GET",
        "ana ben cleo root",
        values=enrollment("ben_passed"),
    ),
    Row(
        "training_api.act_on_enrollment",
        "POST",
        "cleo",
        values=enrollment("eve_asks", action="approve"),
        is_json=True,
    ),
    Row(
        "training_api.record_result",
        "POST",
        "cleo",
        values=enrollment("ben_passed"),
        data=lambda _world: {"passed": True, "grade": "A"},
        is_json=True,
    ),
    Row("training_api.show_certificate", "GET", EVERYBODY, values=number()),
]

ROUTES = [*PAGES, *API]

"""Who reaches the pages and the API of conversations."""

from collections.abc import Callable, Mapping
from typing import Any

from portal.conversations.rules import sign_stop
from tests.architecture.matrix import EVERYBODY, SIGNED_IN, Row
from tests.cast import World

Values = Callable[[World], Mapping[str, Any]]


def thread(name: str = "shop_college", **more: Any) -> Values:
    return lambda world: {"thread_id": world.threads[name], **more}


def message(name: str = "cleo_in_shop_college") -> Values:
    return lambda world: {"message_id": world.messages[name]}


def report(**more: Any) -> Values:
    return lambda world: {"report_id": world.message_reports["cleo_on_ben"], **more}


def about(world: World) -> Mapping[str, Any]:
    return {"kind": "booking", "subject_id": world.bookings["ben_on_college_mill"]}


def words(_world: World) -> Mapping[str, Any]:
    return {"text": "Could we see it on Friday?"}


def college(world: World) -> Mapping[str, Any]:
    return {"organization_id": world.organizations["college"]}


def stop(world: World) -> Mapping[str, Any]:
    # The key of the tests' app is always the same.
    return {"token": sign_stop("only-for-tests", world.users["ana"], None)}


def first_side(_world: World) -> Mapping[str, Any]:
    return {"side": 1}


def first_side_for_sure(_world: World) -> Mapping[str, Any]:
    return {"side": 1, "confirmed": "yes"}


def aero_block(world: World) -> Mapping[str, Any]:
    return {"block_id": world.blocks["aero_by_shop"]}


def reports(name: str) -> Values:
    return lambda world: {name: [world.message_reports["cleo_on_ben"]]}


TWO_SIDES = "ana ben cleo"

ROUTES = [
    Row("conversations.list_threads", "GET", SIGNED_IN),
    Row("conversations.show", "GET", TWO_SIDES, values=thread()),
    Row("conversations.open_answer", "GET", TWO_SIDES, values=thread()),
    Row("conversations.write", "POST", TWO_SIDES, values=thread(), data=words),
    Row("conversations.write_about", "GET", TWO_SIDES, values=about),
    Row("conversations.write_about", "POST", TWO_SIDES, values=about, data=words),
    Row("conversations.write_to_organization", "GET", "ana ben eve", values=college),
    Row("conversations.write_to_organization", "POST", "ana ben eve", values=college, data=words),
    # The cast sends no files; test_threads.py tries those of others.
    Row("conversations.show_attachment", "GET", "", values=thread(attachment_id=1)),
    Row("conversations.export_thread", "GET", TWO_SIDES, values=thread()),
    Row("conversations.mute", "POST", TWO_SIDES, values=thread()),
    Row("conversations.block", "POST", "ana cleo", values=thread(), data=first_side_for_sure),
    Row("conversations.unblock", "POST", "ana cleo", values=thread(), data=first_side),
    Row("conversations.choose_mail", "GET", SIGNED_IN),
    Row("conversations.choose_mail", "POST", SIGNED_IN, data=lambda _world: {"emails": "daily"}),
    Row(
        "conversations.lift_block",
        "POST",
        "ana",
        values=aero_block,
    ),
    Row("conversations.stop_by_link", "GET", EVERYBODY, values=stop),
    Row("conversations.stop_by_link", "POST", EVERYBODY, values=stop),
    Row("conversations.report", "GET", "ana ben", values=message()),
    Row(
        "conversations.report",
        "POST",
        "ana ben",
        values=message(),
        data=lambda _world: {"reason": "spam"},
    ),
    Row("conversations.list_reports", "GET", "dov root"),
    Row("conversations.show_report", "GET", "dov root", values=report()),
    Row("conversations.act_on_report", "POST", "dov root", values=report(action="uphold")),
    Row(
        "conversations.act_on_reports",
        "POST",
        "dov root",
        values=lambda _world: {"action": "dismiss"},
        data=reports("report_id"),
    ),
    Row("conversations_api.list_threads", "GET", SIGNED_IN),
    Row("conversations_api.show_attachment", "GET", "", values=thread(attachment_id=1)),
    Row("conversations_api.export_thread", "GET", TWO_SIDES, values=thread()),
    Row(
        "conversations_api.block",
        "POST",
        "ana cleo",
        values=thread(),
        data=first_side,
        is_json=True,
    ),
    Row("conversations_api.list_blocks", "GET", SIGNED_IN),
    Row("conversations_api.lift_block", "DELETE", "ana", values=aero_block),
    Row("conversations_api.show_mail", "GET", SIGNED_IN),
    Row(
        "conversations_api.choose_mail",
        "PUT",
        SIGNED_IN,
        data=lambda _world: {"emails": "daily"},
        is_json=True,
    ),
    Row("conversations_api.list_reports", "GET", "dov root"),
    Row("conversations_api.show_report", "GET", "dov root", values=report()),
    Row(
        "conversations_api.act_on_report",
        "POST",
        "dov root",
        values=report(action="dismiss"),
        is_json=True,
    ),
    Row(
        "conversations_api.act_on_reports",
        "POST",
        "dov root",
        values=lambda _world: {"action": "dismiss"},
        data=reports("report_ids"),
        is_json=True,
    ),
    Row(
        "conversations_api.write_about",
        "POST",
        TWO_SIDES,
        data=lambda world: {
            **words(world),
            "subject": "booking",
            "subject_id": world.bookings["ben_on_college_mill"],
        },
        is_json=True,
    ),
    Row("conversations_api.show_thread", "GET", TWO_SIDES, values=thread()),
    Row(
        "conversations_api.change_thread",
        "PATCH",
        TWO_SIDES,
        values=thread(),
        data=lambda _world: {"is_muted": True},
        is_json=True,
    ),
    Row("conversations_api.list_messages", "GET", TWO_SIDES, values=thread()),
    Row("conversations_api.write", "POST", TWO_SIDES, values=thread(), data=words, is_json=True),
    Row(
        "conversations_api.write_to_organization",
        "POST",
        "ana ben eve",
        values=college,
        data=words,
        is_json=True,
    ),
    Row(
        "conversations_api.report_message",
        "POST",
        "ana ben",
        values=message(),
        data=lambda _world: {"reason": "spam"},
        is_json=True,
    ),
]

"""Who reaches the pages and the API of requests and responses."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.architecture.matrix import EVERYBODY, SIGNED_IN, Row
from tests.cast import MANDATE_TOKEN, World

Values = Callable[[World], Mapping[str, Any]]


def of(name: str, **more: Any) -> Values:
    return lambda world: {"request_id": world.requests[name], **more}


def response(**more: Any) -> Values:
    return lambda world: {"response_id": world.responses["college_to_shop"], **more}


def words(_world: World) -> Mapping[str, Any]:
    return {
        "kind": "training",
        "direction": "need",
        "title": "Welding classes on Saturdays",
        "visibility": "public",
    }


def draft(world: World) -> Mapping[str, Any]:
    return {**words(world), "action": "draft"}


def of_shop(world: World) -> Mapping[str, Any]:
    return {**words(world), "organization_id": world.organizations["shop"]}


def yes(_world: World) -> Mapping[str, Any]:
    return {"confirmed": "yes"}


def message(_world: World) -> Mapping[str, Any]:
    return {"message": "We can do that."}


def invitation(world: World) -> Mapping[str, Any]:
    asked = world.organizations["college"]
    return {"organization": f"/organizations/{asked}", "text": "Join us."}


def note(_world: World) -> Mapping[str, Any]:
    return {"note": "So that it is known."}


def of_unclaimed(world: World) -> Mapping[str, Any]:
    return {"organization_id": world.organizations["unclaimed"]}


def asked(**more: Any) -> Values:
    return lambda world: {"request_id": world.proposals["unclaimed"], **more}


def address(_world: World) -> Mapping[str, Any]:
    return {"email": "office@valley.example", "language": "en"}


def result(_world: World) -> Mapping[str, Any]:
    return {"result": "nobody"}


ROUTES = [
    Row("partnerships.keep_new_draft", "POST", "ana ben cleo eve", data=words),
    Row("partnerships.keep_draft", "POST", "ana root", values=of("shop_draft"), data=words),
    Row("partnerships.close", "GET", "ana root", values=of("shop_public")),
    Row("partnerships.close", "POST", "ana root", values=of("shop_public"), data=result),
    Row("partnerships.invite", "GET", "ana", values=of("shop_members")),
    Row("partnerships.invite", "POST", "ana", values=of("shop_members"), data=invitation),
    # It is not anonymous, so that those who may are told that there is nothing to reveal.
    Row("partnerships.reveal", "POST", "ana root", values=of("shop_public"), data=yes),
    Row("partnerships.write_for", "GET", "dov", values=of_unclaimed),
    Row("partnerships.write_for", "POST", "dov", values=of_unclaimed, data=words),
    Row("partnerships.ask_firm", "GET", "dov", values=asked()),
    Row("partnerships.ask_firm", "POST", "dov", values=asked(), data=address),
    # The firm that a broker asks has nobody here yet; test_mandates.py lets somebody take over.
    Row("partnerships.take_over", "POST", "", values=asked()),
    Row(
        "partnerships.show_mandate",
        "GET",
        EVERYBODY,
        values=lambda _world: {"token": MANDATE_TOKEN},
    ),
    Row(
        "partnerships.show_mandate",
        "POST",
        EVERYBODY,
        values=lambda _world: {"token": MANDATE_TOKEN},
        data=lambda _world: {"name": "Val Ortiz", "answer": "yes"},
    ),
    Row("partnerships.list_urgent", "GET", SIGNED_IN),
    Row(
        "partnerships.choose_urgent_mail",
        "POST",
        SIGNED_IN,
        data=lambda _world: {"choice": "off"},
    ),
    Row("partnerships_api.show_quality", "GET", "ana ben root", values=of("shop_public")),
    Row(
        "partnerships_api.renew_request",
        "POST",
        "ana root",
        values=of("shop_public"),
        data=lambda _world: {"expires_on": "2030-01-01"},
        is_json=True,
    ),
    Row(
        "partnerships_api.close_request",
        "POST",
        "ana root",
        values=of("shop_public"),
        data=result,
        is_json=True,
    ),
    Row(
        "partnerships_api.reveal_request",
        "POST",
        "ana root",
        values=of("shop_public"),
        is_json=True,
    ),
    Row(
        "partnerships_api.write_request_for",
        "POST",
        "dov",
        values=of_unclaimed,
        data=words,
        is_json=True,
    ),
    Row(
        "partnerships_api.ask_firm",
        "POST",
        "dov",
        values=asked(),
        data=address,
        is_json=True,
    ),
    Row("partnerships.list_requests", "GET", EVERYBODY),
    Row("partnerships.list_mine", "GET", SIGNED_IN),
    Row("partnerships.list_responses", "GET", SIGNED_IN),
    Row("partnerships.show", "GET", EVERYBODY, values=of("shop_public")),
    # Who belongs to no organization reads how to get into one.
    Row("partnerships.create_request", "GET", SIGNED_IN),
    Row("partnerships.create_request", "POST", SIGNED_IN, data=draft),
    Row("partnerships.edit", "GET", "ana root", values=of("shop_draft")),
    Row("partnerships.edit", "POST", "ana root", values=of("shop_draft"), data=draft),
    # The cast has no attachments; test_attachments.py tries those of others.
    Row("partnerships.show_attachment", "GET", "", values=of("shop_public", attachment_id=1)),
    Row(
        "partnerships.remove_attachment",
        "POST",
        "",
        values=of("shop_public", attachment_id=1),
        data=yes,
    ),
    Row("partnerships.renew", "GET", "ana root", values=of("shop_public")),
    Row(
        "partnerships.renew",
        "POST",
        "ana root",
        values=of("shop_public"),
        data=lambda _world: {"expires_on": "2030-01-01"},
    ),
    Row("partnerships.delete", "POST", "ana root", values=of("shop_draft"), data=yes),
    Row("partnerships.act", "POST", "ana root", values=of("shop_public", action="pause")),
    Row("partnerships.respond", "GET", "ana ben cleo", values=of("aero_public")),
    Row("partnerships.respond", "POST", "ana ben cleo", values=of("aero_public"), data=message),
    Row("partnerships.show_response", "GET", "ana ben cleo root", values=response()),
    Row(
        "partnerships.act_on_response",
        "POST",
        "ana",
        values=response(action="decline"),
        data=note,
    ),
    Row("partnerships_api.list_requests", "GET", EVERYBODY),
    Row("partnerships_api.create_request", "POST", "ana ben root", data=of_shop, is_json=True),
    Row("partnerships_api.show_request", "GET", EVERYBODY, values=of("shop_public")),
    Row(
        "partnerships_api.change_request",
        "PATCH",
        "ana root",
        values=of("shop_draft"),
        data=lambda _world: {"title": "Another title"},
        is_json=True,
    ),
    Row("partnerships_api.delete_request", "DELETE", "ana root", values=of("shop_draft")),
    Row(
        "partnerships_api.act_on_request",
        "POST",
        "ana root",
        values=of("shop_public", action="withdraw"),
        data=note,
        is_json=True,
    ),
    Row("partnerships_api.list_responses", "GET", EVERYBODY, values=of("shop_public")),
    Row(
        "partnerships_api.send_response",
        "POST",
        "ana ben cleo",
        values=of("aero_public"),
        data=message,
        is_json=True,
    ),
    Row("partnerships_api.show_response", "GET", "ana ben cleo root", values=response()),
    Row(
        "partnerships_api.act_on_response",
        "POST",
        "ana",
        values=response(action="accept"),
        data=note,
        is_json=True,
    ),
]

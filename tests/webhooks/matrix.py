"""Who reaches the pages and the API of webhooks."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.architecture.matrix import Row
from tests.cast import World

Values = Callable[[World], Mapping[str, Any]]


def shop(world: World) -> Mapping[str, Any]:
    return {"organization_id": world.organizations["shop"]}


def webhook(world: World) -> Mapping[str, Any]:
    return {"webhook_id": world.webhooks["shop"]}


def notice(world: World) -> Mapping[str, Any]:
    # The webhook of the cast is paused: who may send again is told so first.
    return {**webhook(world), "key": "msg_1"}


def words(_world: World) -> Mapping[str, Any]:
    return {"url": "https://hooks.example/new", "kinds": ["agreement.signed"]}


def yes(_world: World) -> Mapping[str, Any]:
    return {"confirmed": "yes"}


ROUTES = [
    Row("webhooks.list_webhooks", "GET", "ana", values=shop),
    Row("webhooks.list_webhooks", "POST", "ana", values=shop, data=words),
    Row("webhooks.show", "GET", "ana", values=webhook),
    Row("webhooks.show", "POST", "ana", values=webhook, data=words),
    Row("webhooks.try_out", "POST", "ana", values=webhook),
    Row("webhooks.renew_secret", "POST", "ana", values=webhook, data=yes),
    Row("webhooks.send_again", "POST", "ana", values=notice),
    Row("webhooks.delete", "POST", "ana", values=webhook, data=yes),
    Row("webhooks_api.list_webhooks", "GET", "ana", values=shop),
    Row("webhooks_api.make_webhook", "POST", "ana", values=shop, data=words, is_json=True),
    Row("webhooks_api.show_webhook", "GET", "ana", values=webhook),
    Row("webhooks_api.change_webhook", "PATCH", "ana", values=webhook, data=words, is_json=True),
    Row("webhooks_api.delete_webhook", "DELETE", "ana", values=webhook),
    Row("webhooks_api.renew_secret", "POST", "ana", values=webhook),
    Row("webhooks_api.send_again", "POST", "ana", values=notice),
    Row("webhooks_api.list_notices", "GET", "ana", values=webhook),
]

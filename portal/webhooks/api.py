"""Webhooks in the JSON API, over the same forms and commands as the pages."""

from types import SimpleNamespace

from flask import url_for
from flask.typing import ResponseReturnValue

from portal.kernel.api import (
    api_blueprint,
    bind_json,
    operation,
    page_arguments,
    respond,
    respond_page,
)
from portal.kernel.paging import Page
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_visible_organization
from portal.webhooks import queries, services
from portal.webhooks.forms import NewWebhookForm, WebhookForm
from portal.webhooks.schemas import MadeWebhookSchema, NoticeSchema, WebhookSchema

blueprint = api_blueprint("webhooks", __name__)

_SCOPE = "webhooks:write"
_EXAMPLE = {"url": "https://hooks.example.org/commons", "kinds": ["response.accepted"]}


@blueprint.get("/organizations/<int:organization_id>/webhooks")
@operation(
    summary="List webhooks",
    tag="webhooks",
    schema=WebhookSchema,
    is_list=True,
    problems=(403,),
)
def list_webhooks(organization_id: int) -> ResponseReturnValue:
    """List the webhooks of an organization that you manage; ten at most."""
    actor = current_actor()
    page_arguments()
    organization = get_visible_organization(actor, organization_id)
    return respond_page(WebhookSchema(), Page(queries.list_webhooks(actor, organization), None))


@blueprint.post("/organizations/<int:organization_id>/webhooks")
@operation(
    summary="Make a webhook",
    tag="webhooks",
    schema=MadeWebhookSchema,
    form=NewWebhookForm,
    status=201,
    repeats="",
    scope=_SCOPE,
    problems=(409,),
    example=_EXAMPLE,
)
def make_webhook(organization_id: int) -> ResponseReturnValue:
    """Make a webhook; the answer has its secret, which is not shown again.

    Each notice is a POST of JSON, with the headers `webhook-id`, `webhook-timestamp` and
    `webhook-signature`: "v1," and the base64 of HMAC-SHA256 over "id.timestamp.body", by the
    secret's base64 after "whsec_". An answer of 200 to 299 within seconds ends it; anything else is
    tried again for some hours.
    """
    actor = current_actor()
    organization = get_visible_organization(actor, organization_id)
    made = services.make_webhook(actor, organization, **bind_json(NewWebhookForm).data)
    return respond(
        MadeWebhookSchema(),
        made,
        status=201,
        location=url_for("webhooks_api.show_webhook", webhook_id=made.id),
    )


@blueprint.get("/webhooks/<int:webhook_id>")
@operation(summary="Read a webhook", tag="webhooks", schema=WebhookSchema)
def show_webhook(webhook_id: int) -> ResponseReturnValue:
    """Return a webhook."""
    return respond(WebhookSchema(), queries.get_visible_webhook(current_actor(), webhook_id))


@blueprint.patch("/webhooks/<int:webhook_id>")
@operation(
    summary="Change a webhook",
    tag="webhooks",
    schema=WebhookSchema,
    form=WebhookForm,
    is_partial=True,
    scope=_SCOPE,
    example={"is_active": False},
)
def change_webhook(webhook_id: int) -> ResponseReturnValue:
    """Change where it leads and what it is told; pause it, or let it go on."""
    actor = current_actor()
    webhook = queries.get_visible_webhook(actor, webhook_id)
    kept = SimpleNamespace(url=webhook.url, kinds=webhook.kinds, is_active=webhook.is_active)
    services.change_webhook(actor, webhook, **bind_json(WebhookForm, obj=kept).data)
    return respond(WebhookSchema(), queries.get_visible_webhook(actor, webhook_id))


@blueprint.delete("/webhooks/<int:webhook_id>")
@operation(summary="Delete a webhook", tag="webhooks", status=204, scope=_SCOPE)
def delete_webhook(webhook_id: int) -> ResponseReturnValue:
    """Delete a webhook with what it was told."""
    actor = current_actor()
    services.delete_webhook(actor, queries.get_visible_webhook(actor, webhook_id))
    return "", 204


@blueprint.post("/webhooks/<int:webhook_id>/secret")
@operation(
    summary="Make a new secret for a webhook",
    tag="webhooks",
    schema=MadeWebhookSchema,
    scope=_SCOPE,
)
def renew_secret(webhook_id: int) -> ResponseReturnValue:
    """Sign with a new secret from now on; the answer has it, and nothing shows it again."""
    actor = current_actor()
    webhook = queries.get_visible_webhook(actor, webhook_id)
    return respond(MadeWebhookSchema(), services.renew_secret(actor, webhook))


@blueprint.get("/webhooks/<int:webhook_id>/notices")
@operation(
    summary="List what a webhook was told", tag="webhooks", schema=NoticeSchema, is_list=True
)
def list_notices(webhook_id: int) -> ResponseReturnValue:
    """List the notices of the last month, the newest first, and how each ended."""
    webhook = queries.get_visible_webhook(current_actor(), webhook_id)
    return respond_page(NoticeSchema(), queries.list_notices(webhook, **page_arguments()))


@blueprint.post("/webhooks/<int:webhook_id>/notices/<key>/send")
@operation(
    summary="Send a notice again",
    tag="webhooks",
    schema=NoticeSchema,
    scope=_SCOPE,
    problems=(409,),
)
def send_again(webhook_id: int, key: str) -> ResponseReturnValue:
    """Send a notice once more, under the same key."""
    actor = current_actor()
    webhook = queries.get_visible_webhook(actor, webhook_id)
    return respond(NoticeSchema(), services.send_again(actor, webhook, key=key))

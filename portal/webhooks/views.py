"""Pages of webhooks: an organization's list, one with what it was told, and its secret, once."""

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts.views.identity import ask_password_again
from portal.kernel.authorization import authorize
from portal.kernel.outgoing import PROBLEMS
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import confirmed
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_visible_organization
from portal.webhooks import queries, services
from portal.webhooks.forms import NewWebhookForm, WebhookForm
from portal.webhooks.policies import Permission
from portal.webhooks.rules import NOTICE_KINDS, NOTICE_STATUSES

blueprint = Blueprint("webhooks", __name__)


@blueprint.route("/organizations/<int:organization_id>/webhooks", methods=["GET", "POST"])
def list_webhooks(organization_id: int) -> ResponseReturnValue:
    """List an organization's webhooks and make new ones; a secret is shown this once."""
    actor = current_actor()
    organization = get_visible_organization(actor, organization_id)
    authorize(actor, Permission.WEBHOOK_VIEW_ALL, organization)
    if request.method == "POST" and (reply := ask_password_again()):
        return reply
    form = NewWebhookForm.bind(kinds=list(NOTICE_KINDS))
    if form.submitted():
        made = form.attempt(services.make_webhook, actor, organization, **form.data)
        if made is not None:
            return _secret_page(made)
    return page(
        "webhooks/list.html",
        form=form,
        organization=get_visible_organization(actor, organization_id),
        webhooks=queries.list_webhooks(actor, organization),
        kinds=NOTICE_KINDS,
    )


@blueprint.route("/webhooks/<int:webhook_id>", methods=["GET", "POST"])
def show(webhook_id: int) -> ResponseReturnValue:
    """Show a webhook with what it was told, and change it."""
    actor = current_actor()
    webhook = queries.get_visible_webhook(actor, webhook_id)
    form = WebhookForm.bind(webhook)
    if form.submitted() and (
        form.attempt(services.change_webhook, actor, webhook, **form.data) is not None
    ):
        flash(_("The webhook was saved."))
        return _to(webhook_id)
    webhook = queries.get_visible_webhook(actor, webhook_id)
    found = queries.list_notices(webhook, cursor=request.args.get("cursor"))
    return page(
        "webhooks/show.html",
        form=form,
        webhook=webhook,
        notices=found.items,
        kinds=NOTICE_KINDS,
        statuses=NOTICE_STATUSES,
        problems=PROBLEMS,
        next_url=url_for("webhooks.show", webhook_id=webhook_id, cursor=found.next)
        if found.next
        else None,
    )


@blueprint.post("/webhooks/<int:webhook_id>/try")
def try_out(webhook_id: int) -> ResponseReturnValue:
    """Send a notice that says nothing."""
    actor = current_actor()
    services.try_webhook(actor, queries.get_visible_webhook(actor, webhook_id))
    flash(_("A test is on its way. Load this page again to see how it ended."))
    return _to(webhook_id)


@blueprint.post("/webhooks/<int:webhook_id>/notices/<key>/send")
def send_again(webhook_id: int, key: str) -> ResponseReturnValue:
    """Send a notice once more."""
    actor = current_actor()
    services.send_again(actor, queries.get_visible_webhook(actor, webhook_id), key=key)
    flash(_("It is on its way again. Load this page again to see how it ended."))
    return _to(webhook_id)


@blueprint.post("/webhooks/<int:webhook_id>/secret")
def renew_secret(webhook_id: int) -> ResponseReturnValue:
    """Make a new secret and show it, once."""
    actor = current_actor()
    webhook = queries.get_visible_webhook(actor, webhook_id)
    back = url_for("webhooks.show", webhook_id=webhook_id)
    if reply := ask_password_again(back):
        return reply
    if not confirmed():
        return page(
            "components/confirm.html",
            title=_("Make a new secret?"),
            text=_("Notices that the old one signed are refused by your program once it knows it."),
            action=_("Make a new secret"),
            cancel_url=back,
        )
    return _secret_page(services.renew_secret(actor, webhook))


@blueprint.post("/webhooks/<int:webhook_id>/delete")
def delete(webhook_id: int) -> ResponseReturnValue:
    """Delete a webhook."""
    actor = current_actor()
    webhook = queries.get_visible_webhook(actor, webhook_id)
    organization_id = webhook.organization_id
    if not confirmed():
        return page(
            "components/confirm.html",
            title=_("Delete this webhook?"),
            text=_("Your program is told nothing more."),
            action=_("Delete"),
            cancel_url=url_for("webhooks.show", webhook_id=webhook_id),
        )
    services.delete_webhook(actor, webhook)
    flash(_("The webhook was deleted."))
    return see_other(url_for("webhooks.list_webhooks", organization_id=organization_id))


def _secret_page(webhook: Any) -> ResponseReturnValue:
    # Not a redirect: the secret must not rest in a cookie until the next page.
    return page("webhooks/secret.html", webhook=webhook)


def _to(webhook_id: int) -> Any:
    return see_other(url_for("webhooks.show", webhook_id=webhook_id))

"""Commands of webhooks: making and changing them, and what the portal tells them."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.outbox import record
from portal.kernel.outgoing import Refused, check_url
from portal.kernel.settings import setting
from portal.organizations.models import Organization
from portal.webhooks import queries
from portal.webhooks.events import NoticeQueued, WebhookStopped
from portal.webhooks.models import Notice, Webhook
from portal.webhooks.policies import Permission
from portal.webhooks.rules import MOST_FAILURES, MOST_WEBHOOKS, TEST_KIND, new_secret


@command(Permission.WEBHOOK_CREATE)
def make_webhook(
    actor: Actor, organization: Organization, *, url: str, kinds: Sequence[str]
) -> Webhook:
    """Make a webhook of an organization, with a new secret."""
    present = session.scalar(
        select(func.count()).select_from(Webhook).where(Webhook.organization_id == organization.id)
    )
    if (present or 0) >= MOST_WEBHOOKS:
        raise Conflict(_("An organization has %(most)d webhooks at most.", most=MOST_WEBHOOKS))
    _check(url, kinds)
    webhook = Webhook(
        organization_id=organization.id,
        organization=organization,
        url=url,
        kinds=list(kinds),
        secret=new_secret(),
        is_active=True,
        failures=0,
        created_by_id=actor.user_id,
    )
    session.add(webhook)
    session.flush()
    return webhook


@command(Permission.WEBHOOK_EDIT)
def change_webhook(
    actor: Actor, webhook: Webhook, *, url: str, kinds: Sequence[str], is_active: bool
) -> Webhook:
    """Change where a webhook leads and what it is told; pause it, or let it go on."""
    _check(url, kinds)
    webhook.url, webhook.kinds = url, list(kinds)
    webhook.is_active = is_active
    webhook.failures = 0
    return webhook


@command(Permission.WEBHOOK_EDIT)
def renew_secret(actor: Actor, webhook: Webhook) -> Webhook:
    """Sign with a new secret from now on."""
    webhook.secret = new_secret()
    return webhook


@command(Permission.WEBHOOK_EDIT)
def delete_webhook(actor: Actor, webhook: Webhook) -> Webhook:
    """Delete a webhook with what it was told."""
    session.delete(webhook)
    return webhook


@command(Permission.WEBHOOK_EDIT)
def try_webhook(actor: Actor, webhook: Webhook) -> Notice:
    """Send a notice that says nothing, to try the address."""
    if not webhook.is_active:
        raise Conflict(_("This webhook is paused. Let it go on first."))
    return _queue(webhook, TEST_KIND, {})


@command(Permission.WEBHOOK_EDIT)
def send_again(actor: Actor, webhook: Webhook, *, key: str) -> Notice:
    """Send a notice once more under its key, by which the receiver knows it; tried anew as often.

    Raises NotFound, and Conflict for one that is still on its way.
    """
    if not webhook.is_active:
        raise Conflict(_("This webhook is paused. Let it go on first."))
    notice = queries.get_notice_of(webhook, key)
    if notice.status == "open":
        raise Conflict(_("It is on its way already."))
    notice.status, notice.attempts = "open", 0
    record(NoticeQueued(notice.id))
    return notice


@command(Permission.WEBHOOK_TELL)
def tell_webhooks(
    actor: Actor, *, kind: str, organization_ids: Iterable[int], data: Mapping[str, Any]
) -> int:
    """Put a notice in line for the webhooks of some organizations; return for how many."""
    webhooks = queries.list_subscribed(kind, organization_ids)
    for webhook in webhooks:
        _queue(webhook, kind, data)
    return len(webhooks)


@command(Permission.WEBHOOK_TELL)
def note_attempt(
    actor: Actor, *, notice_id: int, answer: int | None = None, problem: str = ""
) -> str:
    """Note how an attempt to send a notice ended; return its state.

    answer: the status that came back; problem: why none came. The last attempt that may be made
    ends in "failed", and some of these in a row pause the webhook.
    """
    notice = queries.find_notice(notice_id)
    if notice is None:
        return "failed"
    notice.attempts += 1
    notice.tried_at = now()
    notice.answer, notice.problem = answer, problem
    webhook = notice.webhook
    if answer is not None and 200 <= answer < 300:
        notice.status, webhook.failures = "delivered", 0
    elif notice.attempts >= setting("WORKER_ATTEMPTS"):
        notice.status = "failed"
        webhook.failures += 1
        if webhook.failures >= MOST_FAILURES and webhook.is_active:
            webhook.is_active = False
            record(WebhookStopped(webhook.id))
    return notice.status


@command(Permission.WEBHOOK_TELL)
def drop_notice(actor: Actor, *, notice_id: int) -> None:
    """Give a notice up unsent, since its webhook was paused meanwhile."""
    notice = queries.find_notice(notice_id)
    if notice is not None and notice.status == "open":
        notice.status = "failed"


@command(Permission.WEBHOOK_TELL)
def forget_old_notices(actor: Actor) -> int:
    """Delete notices of a month ago; return how many."""
    old = queries.list_old_notices()
    for notice in old:
        session.delete(notice)
    return len(old)


def _check(url: str, kinds: Sequence[str]) -> None:
    if not kinds:
        raise Invalid("kinds", _("Please choose what it is told."))
    try:
        check_url(url)
    except Refused as error:
        raise Invalid(
            "url", _("Please give a public address that begins with https://.")
        ) from error


def _queue(webhook: Webhook, kind: str, data: Mapping[str, Any]) -> Notice:
    notice = Notice(
        webhook_id=webhook.id,
        key=f"msg_{uuid.uuid4().hex}",
        kind=kind,
        data=dict(data),
        status="open",
        attempts=0,
    )
    session.add(notice)
    session.flush()
    record(NoticeQueued(notice.id))
    return notice

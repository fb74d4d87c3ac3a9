"""Reads of webhooks and of what they were told."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from portal.agreements.models import Agreement
from portal.kernel.authorization import Actor, authorize, can, visible
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.paging import Page, keyset_page
from portal.organizations.models import Organization
from portal.partnerships.models import Request, Response
from portal.webhooks.models import Notice, Webhook
from portal.webhooks.policies import Permission
from portal.webhooks.rules import KEPT_DAYS, MOST_WEBHOOKS


@dataclass(frozen=True)
class Section:
    """The way to an organization's webhooks, on its page."""

    organization_id: int
    count: int


def get_webhook(webhook_id: int) -> Webhook:
    """Return a webhook with its organization, whoever asks. Raises NotFound."""
    webhook = session.scalar(
        select(Webhook)
        .options(joinedload(Webhook.organization))
        .where(Webhook.id == webhook_id)
        .execution_options(populate_existing=True)
    )
    if webhook is None:
        raise NotFound()
    return webhook


def find_webhook(webhook_id: int) -> Webhook | None:
    """Return a webhook with its organization, or None."""
    try:
        return get_webhook(webhook_id)
    except NotFound:
        return None


def get_visible_webhook(actor: Actor, webhook_id: int) -> Webhook:
    """Return a webhook that the actor may see. Raises NotFound."""
    webhook = get_webhook(webhook_id)
    authorize(actor, Permission.WEBHOOK_VIEW, webhook)
    return webhook


def list_webhooks(actor: Actor, organization: Organization) -> list[Webhook]:
    """Return the webhooks of an organization, to those who manage it."""
    authorize(actor, Permission.WEBHOOK_VIEW_ALL, organization)
    return list(
        session.scalars(
            select(Webhook)
            .where(
                Webhook.organization_id == organization.id,
                visible(actor, Permission.WEBHOOK_VIEW),
            )
            .order_by(Webhook.id)
            .limit(MOST_WEBHOOKS)
        )
    )


def section_of(actor: Actor, organization: Organization) -> Section | None:
    """Return how many webhooks an organization has, to those who manage it; None for others."""
    if not can(actor, Permission.WEBHOOK_VIEW_ALL, organization):
        return None
    return Section(organization.id, len(list_webhooks(actor, organization)))


def list_notices(webhook: Webhook, *, cursor: str | None = None, limit: int = 20) -> Page[Notice]:
    """Return a page of what a webhook was told, the newest first."""
    statement = select(Notice).where(Notice.webhook_id == webhook.id)
    return keyset_page(statement, (Notice.id,), cursor=cursor, limit=limit, descending=True)


def find_notice(notice_id: int) -> Notice | None:
    """Return a notice with its webhook, or None."""
    return session.scalar(
        select(Notice)
        .options(joinedload(Notice.webhook))
        .where(Notice.id == notice_id)
        .execution_options(populate_existing=True)
    )


def get_notice_of(webhook: Webhook, key: str) -> Notice:
    """Return a notice of a webhook by its key. Raises NotFound."""
    notice = session.scalar(
        select(Notice).where(Notice.webhook_id == webhook.id, Notice.key == key)
    )
    if notice is None:
        raise NotFound()
    return notice


def list_subscribed(kind: str, organization_ids: Iterable[int]) -> list[Webhook]:
    """Return the webhooks of some organizations that are told of such things."""
    found = session.scalars(
        select(Webhook)
        .join(Organization, Organization.id == Webhook.organization_id)
        .where(
            Organization.id.in_(sorted(organization_ids)),
            Organization.status == "active",
            Webhook.is_active,
        )
        .order_by(Webhook.id)
        .limit(1000)
    )
    return [webhook for webhook in found if kind in webhook.kinds]


def list_old_notices(limit: int = 1000) -> list[Notice]:
    """Return notices that nobody needs any more."""
    return list(
        session.scalars(
            select(Notice)
            .where(Notice.created_at < now() - dt.timedelta(days=KEPT_DAYS))
            .order_by(Notice.created_at, Notice.id)
            .limit(limit)
        )
    )


# What notices are about


def find_request(request_id: int) -> Request | None:
    """Return a request, or None."""
    return session.get(Request, request_id)


def find_response(response_id: int) -> Response | None:
    """Return a response with its request, or None."""
    return session.scalar(
        select(Response).options(joinedload(Response.request)).where(Response.id == response_id)
    )


def find_agreement(agreement_id: int) -> Agreement | None:
    """Return an agreement with its parties, or None."""
    return session.scalar(
        select(Agreement)
        .options(selectinload(Agreement.parties))
        .where(Agreement.id == agreement_id)
    )


def let_go() -> None:
    """Give back the connection that reading has taken."""
    session.rollback()

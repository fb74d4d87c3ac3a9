"""What waits on the desk, and what the clock has to do."""

import datetime as dt

from flask_babel import format_date
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, case, exists, func, select

from portal.kernel.authorization import Actor, visible
from portal.kernel.clock import now, today_here
from portal.kernel.database import session
from portal.kernel.manifest import DeskItem
from portal.organizations.models import Organization
from portal.partnerships.models import Mandate, Request, Response
from portal.partnerships.policies import Permission
from portal.partnerships.queries.requests import CARD_OPTIONS, card_of, of_actor
from portal.partnerships.rules.words import REMINDER_DAYS, URGENT_REMINDER_DAYS
from portal.partnerships.rules.workflows import LISTED_STATUSES, OPEN_STATUSES


def list_overdue_ids(limit: int = 500) -> list[int]:
    """Return the requests whose time is over but whose state does not say so yet.

    Locked until the transaction ends, so that nobody renews or withdraws one meanwhile.
    """
    return list(
        session.scalars(
            select(Request.id)
            .where(Request.status.in_(LISTED_STATUSES), Request.expires_on < today_here())
            .order_by(Request.expires_on, Request.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )


def list_ending_unreminded(limit: int = 500) -> list[Request]:
    """Return the requests that end within two weeks and whose people were not told yet."""
    return list(
        session.scalars(
            select(Request)
            .where(_ends_soon(), Request.reminded_at.is_(None))
            .order_by(Request.expires_on, Request.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )


def _ends_soon() -> ColumnElement[bool]:
    near = today_here() + dt.timedelta(days=REMINDER_DAYS)
    near_if_urgent = today_here() + dt.timedelta(days=URGENT_REMINDER_DAYS)
    return (
        Request.status.in_(LISTED_STATUSES)
        & (Request.expires_on >= today_here())
        & (Request.expires_on <= case((Request.is_urgent, near_if_urgent), else_=near))
    )


def list_to_decide(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the responses that wait for a decision, oldest first: the actor's own, or that of
    their managers where the actor wrote the request."""
    may_decide = visible(actor, Permission.RESPONSE_DECIDE)
    wrote = (Request.created_by_id == actor.user_id) & Request.organization_id.in_(
        sorted(actor.memberships)
    )
    rows = session.execute(
        select(
            Response.id,
            Response.created_at,
            Request.title,
            Organization.name,
            may_decide.label("may_decide"),
        )
        .join(Request, Request.id == Response.request_id)
        .join(Organization, Organization.id == Response.organization_id)
        .where(Response.status == "sent", may_decide | wrote)
        .order_by(Response.id)
        .limit(limit)
    )
    return [
        DeskItem(
            _("%(organization)s responded to “%(title)s”", organization=row.name, title=row.title),
            f"/responses/{row.id}",
            row.created_at,
            action=_("Read and decide") if row.may_decide else _("Read the answer"),
        )
        for row in rows
    ]


def list_asked(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the requests that ask the actor's organizations for something, oldest first.

    Whoever has responded has answered, whatever the answer was.
    """
    rows = session.scalars(
        select(Request)
        .options(*CARD_OPTIONS)
        .where(
            Request.status.in_(OPEN_STATUSES),
            Request.asked_organization_id.in_(sorted(actor.organizations_as("owner", "manager"))),
            visible(actor, Permission.REQUEST_VIEW),
            ~exists().where(
                Response.request_id == Request.id,
                Response.organization_id == Request.asked_organization_id,
            ),
        )
        .order_by(Request.published_at, Request.id)
        .limit(limit)
    )
    return [
        DeskItem(
            card.title,
            card.url,
            card.since,
            detail=card.organization or _("An organization that does not show its name"),
            action=_("Read and answer"),
        )
        for card in (card_of(actor, row) for row in rows)
    ]


def list_answers(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the answers of the last two weeks to responses of the actor's organizations."""
    rows = session.execute(
        select(Response.id, Response.status, Response.decided_at, Request.title)
        .join(Request, Request.id == Response.request_id)
        .where(
            Response.organization_id.in_(sorted(actor.organizations_as())),
            Response.status.in_(("accepted", "declined")),
            Response.decided_at >= now() - dt.timedelta(days=14),
        )
        .order_by(Response.decided_at, Response.id)
        .limit(limit)
    )
    return [
        DeskItem(
            _("Your response to “%(title)s” was accepted", title=row.title)
            if row.status == "accepted"
            else _("Your response to “%(title)s” was declined", title=row.title),
            f"/responses/{row.id}",
            row.decided_at,
            action=_("Read the answer"),
        )
        for row in rows
    ]


def list_drafts(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the drafts of the actor's organizations that the actor may finish, oldest first."""
    rows = session.execute(
        select(Request.id, Request.title, Request.created_at, Organization.name)
        .join(Organization, Organization.id == Request.organization_id)
        .where(Request.status == "draft", of_actor(actor), visible(actor, Permission.REQUEST_EDIT))
        .order_by(Request.created_at, Request.id)
        .limit(limit)
    )
    return [
        DeskItem(
            row.title,
            f"/requests/{row.id}/edit",
            row.created_at,
            detail=row.name,
            action=_("Finish and publish"),
        )
        for row in rows
    ]


def list_proposed(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the requests for which a broker's firms were asked, the one asked first at the top."""
    rows = session.execute(
        select(Request.id, Request.title, Mandate.asked_at, Organization.name)
        .join(Mandate, Mandate.request_id == Request.id)
        .join(Organization, Organization.id == Request.organization_id)
        .where(Request.status == "proposed", visible(actor, Permission.REQUEST_ASK_FIRM))
        .order_by(Mandate.asked_at, Request.id)
        .limit(limit)
    )
    return [
        DeskItem(
            row.title,
            f"/requests/{row.id}",
            row.asked_at,
            detail=row.name,
            action=_("See how it stands"),
        )
        for row in rows
    ]


def list_ending(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the actor's requests that end within two weeks, the first to end first."""
    since = func.coalesce(Request.published_at, Request.created_at).label("since")
    rows = session.execute(
        select(Request.id, Request.title, Request.expires_on, since)
        .where(_ends_soon(), of_actor(actor), visible(actor, Permission.REQUEST_MANAGE))
        .order_by(Request.expires_on, Request.id)
        .limit(limit)
    )
    return [
        DeskItem(
            row.title,
            f"/requests/{row.id}",
            row.since,
            detail=_("Open until %(day)s", day=format_date(row.expires_on)),
            action=_("Renew or close"),
        )
        for row in rows
    ]

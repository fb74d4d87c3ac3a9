"""What waits on the desks of people, managers and brokers, oldest first."""

from flask_babel import gettext as _
from sqlalchemy import exists, func, or_, select

from portal.accounts.models import User
from portal.kernel.authorization import Actor, visible
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.manifest import DeskItem
from portal.organizations.models import Claim, Invitation, JoinRequest, Membership, Organization
from portal.organizations.policies import Permission
from portal.organizations.rules import ORGANIZATION_KINDS, ROLES, STALE_AFTER


def list_invitations_for(actor: Actor, limit: int) -> list[DeskItem]:
    """Return what invites the actor, oldest first."""
    rows = session.execute(
        select(Invitation.id, Invitation.created_at, Invitation.role, Organization.name)
        .join(Organization, Organization.id == Invitation.organization_id)
        .join(User, User.email == Invitation.email)
        .where(
            User.id == actor.user_id,
            User.email_verified_at.is_not(None),
            Invitation.status == "sent",
            Invitation.expires_at > now(),
            Invitation.organization_id.not_in(sorted(actor.organizations_as())),
        )
        .order_by(Invitation.id)
        .limit(limit)
    )
    return [
        DeskItem(
            _("%(organization)s invites you to join", organization=row.name),
            f"/invitations/{row.id}",
            row.created_at,
            detail=ROLES[row.role],
            action=_("Join or decline"),
        )
        for row in rows
    ]


def list_asked_by(actor: Actor, limit: int) -> list[DeskItem]:
    """Return which organizations the actor asked to join and has no answer from, oldest first."""
    rows = session.execute(
        select(Organization.id, Organization.name, JoinRequest.created_at)
        .join(JoinRequest, JoinRequest.organization_id == Organization.id)
        .where(JoinRequest.user_id == actor.user_id, JoinRequest.status == "open")
        .order_by(JoinRequest.id)
        .limit(limit)
    )
    return [
        DeskItem(
            _("You asked to join %(organization)s", organization=row.name),
            f"/organizations/{row.id}/join",
            row.created_at,
            detail=_("Its owners and managers decide; the answer comes by e-mail."),
            action=_("Look at it"),
        )
        for row in rows
    ]


def list_decisions_for(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the requests to join and the claims that the actor may decide, oldest first."""
    requests = session.execute(
        select(
            JoinRequest.organization_id,
            JoinRequest.created_at,
            User.name,
            Organization.name.label("organization"),
        )
        .join(User, User.id == JoinRequest.user_id)
        .join(Organization, Organization.id == JoinRequest.organization_id)
        .where(JoinRequest.status == "open", visible(actor, Permission.JOIN_REQUEST_DECIDE))
        .order_by(JoinRequest.id)
        .limit(limit)
    )
    found = [
        DeskItem(
            _(
                "%(name)s asks to join %(organization)s",
                name=row.name,
                organization=row.organization,
            ),
            f"/organizations/{row.organization_id}/people#join-requests",
            row.created_at,
            action=_("Decide"),
        )
        for row in requests
    ]
    claims = session.execute(
        select(Claim.id, Claim.created_at, User.name, Organization.name.label("organization"))
        .join(User, User.id == Claim.user_id)
        .join(Organization, Organization.id == Claim.organization_id)
        .where(Claim.status == "pending", visible(actor, Permission.CLAIM_DECIDE))
        .order_by(Claim.id)
        .limit(limit)
    )
    found += [
        DeskItem(
            _("%(name)s claims %(organization)s", name=row.name, organization=row.organization),
            f"/claims/{row.id}",
            row.created_at,
            action=_("Decide"),
            number=row.id,
        )
        for row in claims
    ]
    return sorted(found, key=lambda item: item.since)[:limit]


def list_stale_for(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the actor's organizations that nobody confirmed for half a year, oldest first."""
    rows = session.execute(
        select(
            Organization.id, Organization.name, Organization.confirmed_at, Organization.created_at
        )
        .where(
            Organization.id.in_(sorted(actor.organizations_as())),
            Organization.status == "active",
            or_(
                Organization.confirmed_at.is_(None),
                Organization.confirmed_at < now() - STALE_AFTER,
            ),
        )
        .order_by(func.coalesce(Organization.confirmed_at, Organization.created_at))
        .limit(limit)
    )
    return [
        DeskItem(
            _("Is the profile of %(name)s still right?", name=row.name),
            f"/organizations/{row.id}",
            row.confirmed_at or row.created_at,
            action=_("Look and confirm"),
        )
        for row in rows
    ]


def list_unverified_for(actor: Actor, limit: int) -> list[DeskItem]:
    """Return organizations of the actor's regions whose people nobody vouched for, oldest first.

    What an import brought and nobody represents yet waits for a claim, not for a broker.
    """
    rows = session.execute(
        select(
            Organization.id,
            Organization.name,
            Organization.kind,
            Organization.city,
            Organization.created_at,
        )
        .where(
            Organization.status == "active",
            Organization.verified_at.is_(None),
            Organization.county_fips.in_(sorted(actor.brokered_counties)),
            exists().where(Membership.organization_id == Organization.id),
            visible(actor, Permission.ORGANIZATION_VERIFY),
        )
        .order_by(Organization.created_at, Organization.id)
        .limit(limit)
    )
    return [
        DeskItem(
            row.name,
            f"/organizations/{row.id}",
            row.created_at,
            detail=" · ".join(
                part for part in (str(ORGANIZATION_KINDS[row.kind]), row.city) if part
            ),
            action=_("Mark as verified"),
            action_url=f"/organizations/{row.id}/actions/verify",
            number=row.id,
        )
        for row in rows
    ]

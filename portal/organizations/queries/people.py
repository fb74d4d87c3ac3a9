"""Reads of who belongs to an organization, or wants to: memberships, invitations, claims."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, bindparam, case, exists, func, or_, select, union_all
from sqlalchemy.orm import aliased, joinedload

from portal.accounts.models import User
from portal.kernel.authorization import Actor, authorize, can
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.manifest import Hindrance
from portal.kernel.paging import Page, keyset_page
from portal.kernel.workflow import WorkflowStep
from portal.organizations.models import Claim, Invitation, JoinRequest, Membership, Organization
from portal.organizations.policies import Permission
from portal.organizations.rules import AGENCY_KINDS, INVITATIONS, ROLES
from portal.regions.models import RegionCounty
from portal.regions.queries.brokers import broker_ids_of_county
from portal.regions.queries.places import time_zone_at

# Every request asks these, so they are put together once.
_ACTOR_FACTS = (
    select(
        Membership.organization_id,
        Membership.role,
        (
            Organization.kind.in_(AGENCY_KINDS)
            & Organization.verified_at.is_not(None)
            & (Organization.status == "active")
        ).label("is_agency"),
    )
    .join(Organization, Organization.id == Membership.organization_id)
    .where(Membership.user_id == bindparam("user_id"))
)
_REGIONS_OF = (
    select(RegionCounty.region_id)
    .join(Organization, Organization.county_fips == RegionCounty.county_fips)
    .where(Organization.id.in_(bindparam("organization_ids", expanding=True)))
)


def actor_facts(user_id: int) -> Mapping[str, Any]:
    """Return a user's role by organization id, and the regions of agencies to which they belong."""
    rows = session.execute(_ACTOR_FACTS, {"user_id": user_id}).all()
    agencies = [row.organization_id for row in rows if row.is_agency]
    regions = session.scalars(_REGIONS_OF, {"organization_ids": agencies}) if agencies else ()
    return {
        "memberships": {row.organization_id: row.role for row in rows},
        "served_regions": frozenset(regions),
    }


def time_zone_of(organization_id: int) -> str:
    """Return the time zone in which an organization lives, or "" where nobody knows it."""
    zone = time_zone_at(Organization.zip_code, Organization.county_fips)
    return session.scalar(select(zone).where(Organization.id == organization_id)) or ""


def has_people(organization_id: int) -> bool:
    """Tell whether anybody represents the organization here."""
    return bool(session.scalar(select(exists().where(_is_of(Membership, organization_id)))))


_RANK = case({role: number for number, role in enumerate(ROLES)}, value=Membership.role)


def page_people(
    organization_id: int, *, cursor: str | None = None, limit: int = 50
) -> Page[Membership]:
    """Return a page of an organization's people with their names: owners first, then by arrival."""
    rank = _RANK.label("rank")
    statement = (
        select(Membership, rank, Membership.joined_at, Membership.id)
        .options(joinedload(Membership.user))
        .where(_is_of(Membership, organization_id))
    )
    keys = (rank, Membership.joined_at, Membership.id)
    found = keyset_page(statement, keys, cursor=cursor, limit=limit, scalars=False)
    return Page([row.Membership for row in found.items], found.next)


def list_people(organization_id: int, limit: int = 500) -> list[Membership]:
    """Return so many of an organization's people at most, in the order of their pages."""
    return list(
        session.scalars(
            select(Membership)
            .options(joinedload(Membership.user))
            .where(_is_of(Membership, organization_id))
            .order_by(_RANK, Membership.joined_at, Membership.id)
            .limit(limit)
        )
    )


def get_visible_membership(actor: Actor, membership_id: int) -> Membership:
    """Return a membership with its person and organization, if the actor may see it."""
    membership = session.scalar(
        select(Membership)
        .options(joinedload(Membership.user), joinedload(Membership.organization))
        .where(Membership.id == membership_id)
    )
    if membership is None:
        raise NotFound()
    authorize(actor, Permission.MEMBERSHIP_VIEW, membership)
    return membership


def find_membership(organization_id: int, user_id: int | None) -> Membership | None:
    """Return a user's membership in an organization, or None."""
    return session.scalar(
        select(Membership).where(_is_of(Membership, organization_id), Membership.user_id == user_id)
    )


def list_own(actor: Actor) -> list[tuple[Membership, bool]]:
    """Return the actor's memberships, each with whether nobody else belongs to it."""
    others = aliased(Membership)
    is_alone = ~exists().where(
        others.organization_id == Membership.organization_id, others.user_id != actor.user_id
    )
    rows = session.execute(
        select(Membership, is_alone)
        .options(joinedload(Membership.organization))
        .where(Membership.user_id == actor.user_id)
        .order_by(Membership.id)
    )
    return [(row, alone) for row, alone in rows]


def list_asked_by(actor: Actor) -> tuple[list[JoinRequest], list[Claim]]:
    """Return what the actor asked of organizations and nobody has decided yet."""
    requests = select(JoinRequest).where(
        JoinRequest.user_id == actor.user_id, JoinRequest.status == "open"
    )
    claims = select(Claim).where(Claim.user_id == actor.user_id, Claim.status == "pending")
    return (
        list(session.scalars(requests.order_by(JoinRequest.id))),
        list(session.scalars(claims.order_by(Claim.id))),
    )


def is_lost(membership: Membership, *, is_alone: bool) -> bool:
    """Tell whether an organization is archived when this one leaves it with the account."""
    is_active = membership.organization.status == "active"
    return is_alone and is_active and membership.role == "owner"


def list_hindrances(actor: Actor) -> list[Hindrance]:
    """Return the organizations that would lose their last owner while they have people."""
    return [
        Hindrance(
            _(
                "Make somebody else an owner of “%(name)s”: it has people, and you are its last "
                "owner.",
                name=row.organization.name,
            ),
            f"/organizations/{row.organization_id}/people",
        )
        for row, is_alone in list_own(actor)
        if not is_alone and row.role == "owner" and count_owners(row.organization_id) == 1
    ]


def list_losses(actor: Actor) -> list[str]:
    """Return, in sentences, the organizations that nobody represents without the actor."""
    return [
        _(
            "“%(name)s” is archived with all that it shares, since nobody else belongs to it.",
            name=row.organization.name,
        )
        for row, is_alone in list_own(actor)
        if is_lost(row, is_alone=is_alone)
    ]


def count_owners(organization_id: int) -> int:
    """Return how many owners an organization has."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Membership)
            .where(_is_of(Membership, organization_id), Membership.role == "owner")
        )
        or 0
    )


def managers_of(organization_id: int) -> list[User]:
    """Return the owners and managers of an organization, for messages to them."""
    return list(
        session.scalars(
            select(User)
            .join(Membership, Membership.user_id == User.id)
            .where(
                _is_of(Membership, organization_id),
                Membership.role.in_(("owner", "manager")),
                User.is_active,
            )
            .order_by(User.id)
        )
    )


def claim_deciders(claim: Claim) -> list[User]:
    """Return who decides a claim: the brokers of its county, or else the administrators."""
    brokers = broker_ids_of_county(claim.organization.county_fips)
    found = session.scalars(
        select(User)
        .where(User.id.in_(brokers), User.is_active, User.id != claim.user_id)
        .order_by(User.id)
    ).all()
    if not found:
        found = session.scalars(
            select(User)
            .where(User.is_administrator, User.is_active, User.id != claim.user_id)
            .order_by(User.id)
        ).all()
    return list(found)


def invitation_hash(token: str) -> str:
    """Return what is kept of the token of an invitation's link."""
    return hashlib.sha256(token.encode()).hexdigest()


def list_waiting(
    actor: Actor, organization: Organization
) -> tuple[list[Invitation], list[JoinRequest]]:
    """Return the open invitations and requests to join, to those who manage them."""
    if not can(actor, Permission.INVITATION_SEND, organization):
        return [], []
    return list_open_invitations(organization.id), list_open_join_requests(organization.id)


def list_open_invitations(organization_id: int, limit: int = 500) -> list[Invitation]:
    """Return the invitations that wait for an answer or expired lately, oldest first."""
    return list(
        session.scalars(
            select(Invitation)
            .options(joinedload(Invitation.invited_by))
            .where(
                _is_of(Invitation, organization_id),
                or_(
                    Invitation.status == "sent",
                    (Invitation.status == "expired")
                    & (Invitation.expires_at > now() - dt.timedelta(days=30)),
                ),
            )
            .order_by(Invitation.id)
            .limit(limit)
        )
    )


def list_invitation_mails(
    organization_id: int, email: str, *, since: dt.datetime
) -> list[dt.datetime]:
    """Return when an organization's invitations went to an address since then, oldest first."""
    to_address = (_is_of(Invitation, organization_id), Invitation.email == email)
    first = select(Invitation.created_at.label("sent_at")).where(
        *to_address, Invitation.created_at > since
    )
    again = (
        select(WorkflowStep.taken_at)
        .join(Invitation, Invitation.id == WorkflowStep.subject_id)
        .where(
            WorkflowStep.subject == INVITATIONS.subject,
            WorkflowStep.action == "resend",
            WorkflowStep.taken_at > since,
            *to_address,
        )
    )
    return list(session.scalars(union_all(first, again).order_by("sent_at")))


def get_visible_invitation(actor: Actor, invitation_id: int) -> Invitation:
    """Return an invitation to those who manage the organization, or to whom it was sent."""
    invitation = session.scalar(
        select(Invitation)
        .options(joinedload(Invitation.organization), joinedload(Invitation.invited_by))
        .where(Invitation.id == invitation_id)
    )
    if invitation is None:
        raise NotFound()
    if not is_addressee(actor, invitation):
        authorize(actor, Permission.INVITATION_VIEW, invitation)
    return invitation


def get_invitation_by_token(token: str) -> Invitation:
    """Return the invitation of a link. Raises NotFound."""
    invitation = session.scalar(
        select(Invitation)
        .options(joinedload(Invitation.organization), joinedload(Invitation.invited_by))
        .where(Invitation.token_hash == invitation_hash(token))
    )
    if invitation is None:
        raise NotFound(_("This link does not work any more. Please ask for a new invitation."))
    return invitation


def is_addressee(actor: Actor, invitation: Invitation) -> bool:
    """Tell whether an invitation went to the actor's own verified address."""
    if actor.user_id is None:
        return False
    found = session.scalar(
        select(User.email).where(User.id == actor.user_id, User.email_verified_at.is_not(None))
    )
    return found is not None and found == invitation.email


def list_open_join_requests(organization_id: int, limit: int = 200) -> list[JoinRequest]:
    """Return the requests to join that wait for a decision, oldest first.

    Anybody may ask; who comes later stands here once those before are decided.
    """
    return list(
        session.scalars(
            select(JoinRequest)
            .options(joinedload(JoinRequest.user))
            .where(_is_of(JoinRequest, organization_id), JoinRequest.status == "open")
            .order_by(JoinRequest.id)
            .limit(limit)
        )
    )


def get_visible_join_request(actor: Actor, join_request_id: int) -> JoinRequest:
    """Return a request to join with person and organization, if the actor may see it."""
    join_request = session.scalar(
        select(JoinRequest)
        .options(joinedload(JoinRequest.user), joinedload(JoinRequest.organization))
        .where(JoinRequest.id == join_request_id)
    )
    if join_request is None:
        raise NotFound()
    authorize(actor, Permission.JOIN_REQUEST_VIEW, join_request)
    return join_request


def find_open_join_request(organization_id: int, user_id: int | None) -> JoinRequest | None:
    """Return a user's open request to join an organization, or None."""
    return session.scalar(
        select(JoinRequest).where(
            _is_of(JoinRequest, organization_id),
            JoinRequest.user_id == user_id,
            JoinRequest.status == "open",
        )
    )


def get_visible_claim(actor: Actor, claim_id: int) -> Claim:
    """Return a claim with claimant and organization, if the actor may see it."""
    claim = session.scalar(
        select(Claim)
        .options(
            joinedload(Claim.user), joinedload(Claim.organization).joinedload(Organization.county)
        )
        .where(Claim.id == claim_id)
    )
    if claim is None:
        raise NotFound()
    authorize(actor, Permission.CLAIM_VIEW, claim)
    return claim


def find_pending_claim(organization_id: int, user_id: int | None) -> Claim | None:
    """Return a user's pending claim on an organization, or None."""
    return session.scalar(
        select(Claim).where(
            _is_of(Claim, organization_id), Claim.user_id == user_id, Claim.status == "pending"
        )
    )


def _is_of(model: Any, organization_id: int) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = model.organization_id == organization_id
    return condition

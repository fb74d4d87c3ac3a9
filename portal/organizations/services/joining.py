"""Commands on the ways into an organization: invitations, requests to join, claims."""

import datetime as dt
import secrets

from flask_babel import gettext as _
from sqlalchemy import select, update

from portal.accounts.models import User
from portal.accounts.policies import Permission as AccountPermission
from portal.accounts.rules import erased_address
from portal.kernel.authorization import Actor, authorize
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid, NotFound, TooMany
from portal.kernel.outbox import record
from portal.organizations.events import ClaimSent, InvitationSent, JoinRequestSent
from portal.organizations.models import Claim, Invitation, JoinRequest, Membership, Organization
from portal.organizations.policies import Permission
from portal.organizations.queries import people
from portal.organizations.rules import (
    CLAIMS,
    INVITATION_LIFE,
    INVITATIONS,
    JOIN_REQUESTS,
    MOST_INVITATION_MAILS,
    MOST_OPEN_INVITATIONS,
    higher_role,
)
from portal.organizations.services.roles import change_role, join, leave, lock_organization

_DAY = dt.timedelta(days=1)


@command(Permission.INVITATION_SEND)
def send_invitation(
    actor: Actor, organization: Organization, *, email: str, role: str = "member"
) -> Invitation:
    """Invite somebody by e-mail, whether with an account or without; owners by owners only."""
    if role == "owner":
        authorize(actor, Permission.INVITATION_SEND_TO_OWNER, organization)
    _check_active(organization)
    email = email.lower()
    is_member = session.scalar(
        select(Membership.id)
        .join(User, User.id == Membership.user_id)
        .where(Membership.organization_id == organization.id, User.email == email)
    )
    if is_member is not None:
        raise Invalid("email", _("This person belongs to the organization already."))
    open_ones = session.scalars(
        select(Invitation.email).where(
            Invitation.organization_id == organization.id, Invitation.status == "sent"
        )
    ).all()
    if email in open_ones:
        raise Invalid("email", _("This address was invited already; you can send it again below."))
    _spare_the_address(organization.id, email)
    if len(open_ones) >= MOST_OPEN_INVITATIONS:
        raise Invalid(None, _("Too many invitations are open. Please withdraw some of them first."))
    invitation = Invitation(
        organization_id=organization.id,
        email=email,
        role=role,
        token_hash=people.invitation_hash(secrets.token_urlsafe(32)),
        invited_by_id=actor.user_id,
        expires_at=now() + INVITATION_LIFE,
    )
    session.add(invitation)
    session.flush()
    record(InvitationSent(invitation.id))
    return invitation


def _check_active(organization: Organization) -> None:
    if organization.status != "active":
        raise Conflict(_("This organization is archived. Please restore it first."))


def _spare_the_address(organization_id: int, email: str) -> None:
    """Refuse to write to somebody again who has had enough mails of this organization today."""
    sent = people.list_invitation_mails(organization_id, email, since=now() - _DAY)
    if len(sent) >= MOST_INVITATION_MAILS:
        raise TooMany(
            _("Enough invitations went to this address today. You can send another tomorrow."),
            max(1, int((sent[0] + _DAY - now()).total_seconds())),
        )


@command(Permission.INVITATION_EXPIRE)
def renew_invitation_link(actor: Actor, invitation: Invitation) -> str:
    """Make the link's token anew and return it; the portal does so while it writes the mail.

    Only the hash is kept, so that nobody but the reader of the mail has the token.
    """
    token = secrets.token_urlsafe(32)
    invitation.token_hash = people.invitation_hash(token)
    return token


@command(INVITATIONS.permission)
def act_on_invitation(
    actor: Actor, invitation: Invitation, *, action: str, token: str = ""
) -> Invitation:
    """Take a step of the workflow of invitations.

    token: what the link of the e-mail brought; whoever answers needs it, or the address itself.
    """
    if action in ("accept", "decline"):
        has_link = secrets.compare_digest(people.invitation_hash(token), invitation.token_hash)
        if not has_link and not people.is_addressee(actor, invitation):
            raise NotFound()
        if invitation.expires_at <= now():
            raise Conflict(_("This invitation has expired. Please ask for a new one."))
    if action == "resend":
        _check_active(session.get_one(Organization, invitation.organization_id))
        _spare_the_address(invitation.organization_id, invitation.email)
    INVITATIONS.apply(actor, invitation, action)
    if action == "resend":
        invitation.expires_at = now() + INVITATION_LIFE
    elif action == "accept" and actor.user_id is not None:
        organization = lock_organization(invitation.organization_id)
        if organization.status != "active":
            raise Conflict(_("This organization is archived."))
        membership = people.find_membership(organization.id, actor.user_id)
        if membership is None:
            join(organization, actor.user_id, invitation.role)
        else:
            change_role(membership, higher_role(membership.role, invitation.role))
    return invitation


@command(Permission.INVITATION_EXPIRE)
def expire_invitations(actor: Actor) -> int:
    """Close the invitations whose time is over; return how many."""
    due = session.scalars(
        select(Invitation)
        .where(Invitation.status == "sent", Invitation.expires_at <= now())
        .order_by(Invitation.id)
        .limit(500)
        .with_for_update(skip_locked=True)
    ).all()
    for invitation in due:
        INVITATIONS.apply(actor, invitation, "expire")
    return len(due)


@command(AccountPermission.ACCOUNT_CLOSE)
def erase_invited(actor: Actor, user: User) -> None:
    """Erase the address of somebody who goes from the invitations that were answered."""
    session.execute(
        update(Invitation)
        .where(Invitation.email == user.email, Invitation.status != "sent")
        .values(email=erased_address(user.id))
    )


@command(Permission.JOIN_REQUEST_SEND)
def send_join_request(
    actor: Actor, organization: Organization, *, message: str = ""
) -> JoinRequest:
    """Ask the people of an organization to be let in."""
    if not people.has_people(organization.id):
        raise Invalid(
            None, _("Nobody represents this organization here yet. Please claim it instead.")
        )
    if people.find_open_join_request(organization.id, actor.user_id) is not None:
        raise Invalid(None, _("You have asked already; the answer comes by e-mail."))
    join_request = JoinRequest(
        organization_id=organization.id, user_id=actor.user_id, message=message
    )
    session.add(join_request)
    session.flush()
    record(JoinRequestSent(join_request.id))
    return join_request


@command(JOIN_REQUESTS.permission)
def act_on_join_request(
    actor: Actor, join_request: JoinRequest, *, action: str, note: str = ""
) -> JoinRequest:
    """Take a step of the workflow of requests to join."""
    JOIN_REQUESTS.apply(actor, join_request, action, note=note)
    if action == "accept":
        organization = lock_organization(join_request.organization_id)
        _check_active(organization)
        if people.find_membership(organization.id, join_request.user_id) is None:
            join(organization, join_request.user_id, "member")
    return join_request


@command(Permission.CLAIM_SEND)
def send_claim(actor: Actor, organization: Organization, *, evidence: str) -> Claim:
    """Say that an organization without people is the actor's own, and how one can tell."""
    if people.has_people(organization.id):
        raise Invalid(
            None, _("Somebody represents this organization already. Please ask to join it.")
        )
    if people.find_pending_claim(organization.id, actor.user_id) is not None:
        raise Invalid(None, _("You have claimed it already; the answer comes by e-mail."))
    claim = Claim(organization_id=organization.id, user_id=actor.user_id, evidence=evidence)
    session.add(claim)
    session.flush()
    record(ClaimSent(claim.id))
    return claim


@command(CLAIMS.permission)
def act_on_claims(
    actor: Actor, claims: tuple[Claim, ...], *, action: str, note: str = ""
) -> tuple[Claim, ...]:
    """Take the same step with several claims, all or none."""
    for claim in claims:
        act_on_claim(actor, claim, action=action, note=note)
    return claims


@command(CLAIMS.permission)
def act_on_claim(actor: Actor, claim: Claim, *, action: str, note: str = "") -> Claim:
    """Take a step of the workflow of claims.

    Approval makes the claimant owner. Revoking takes that back; if no owner is left then, those
    whom the claimant let in go as well, so that the true people can claim it.
    """
    CLAIMS.apply(actor, claim, action, note=note)
    if action == "approve":
        organization = lock_organization(claim.organization_id)
        if organization.status != "active":
            raise Conflict(_("This organization is archived. An administrator can restore it."))
        if people.has_people(organization.id):
            raise Conflict(_("Somebody represents this organization already."))
        join(organization, claim.user_id, "owner")
    elif action == "revoke":
        organization = lock_organization(claim.organization_id)
        membership = people.find_membership(organization.id, claim.user_id)
        if membership is not None:
            leave(membership, actor)
            session.flush()
        if people.count_owners(organization.id) == 0:
            _dissolve(actor, organization)
    return claim


def _dissolve(actor: Actor, organization: Organization) -> None:
    while some := people.list_people(organization.id):
        for membership in some:
            leave(membership, actor)
        session.flush()
    for invitation in people.list_open_invitations(organization.id):
        if invitation.status == "sent":
            INVITATIONS.apply(actor, invitation, "withdraw")

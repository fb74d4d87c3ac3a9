"""What follows in organizations: e-mails to those who decide and to those who asked."""

from typing import Any

from portal.accounts.models import User
from portal.accounts.queries import find_user, find_user_by_email
from portal.accounts.services import suggest_time_zone
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.errors import NotFound
from portal.kernel.mail import Reader, queue_mail, queue_mails
from portal.kernel.web.addresses import external_url
from portal.organizations import events
from portal.organizations.models import Claim, Invitation, JoinRequest
from portal.organizations.queries import people, profiles
from portal.organizations.rules import ROLES
from portal.organizations.services import joining, records, roles


def leave_organizations(actor: Actor) -> None:
    """Leave every organization with the account, and ask to be let into none any more.

    What nobody else belongs to is archived.
    """
    requests, claims = people.list_asked_by(actor)
    for join_request in requests:
        joining.act_on_join_request(actor, join_request, action="withdraw")
    for claim in claims:
        joining.act_on_claim(actor, claim, action="withdraw")
    if (person := find_user(actor.user_id)) is not None:
        joining.erase_invited(actor, person)
    for membership, is_alone in people.list_own(actor):
        if people.is_lost(membership, is_alone=is_alone):
            records.archive_organization(actor, membership.organization)
        roles.end_membership(actor, membership)


def suggest_zone_on_membership_started(event: events.MembershipStarted) -> None:
    """Show times as they are where somebody works, unless they have chosen otherwise."""
    person = find_user(event.user_id)
    if person is not None and (zone := people.time_zone_of(event.organization_id)):
        suggest_time_zone(SYSTEM, person, time_zone=zone)


def email_invitee_on_invitation_sent(event: events.InvitationSent) -> None:
    """Send the link with which an invited person joins."""
    invitation = _invitation(event.invitation_id)
    if invitation is None or invitation.status != "sent":
        return
    known = find_user_by_email(invitation.email)
    token = joining.renew_invitation_link(SYSTEM, invitation)
    queue_mail(
        invitation.email,
        "invitation_sent",
        reader=known or Reader(),
        organization=invitation.organization.name,
        inviter=invitation.invited_by.name if invitation.invited_by else "",
        role=ROLES[invitation.role],
        url=external_url("organizations.show_invitation_link", token=token),
        expires_at=invitation.expires_at,
    )


def email_inviter_on_invitation_accepted(event: events.InvitationAccepted) -> None:
    """Tell who invited that the person has joined."""
    invitation = _invitation(event.invitation_id)
    person = find_user(event.user_id)
    if invitation is not None and invitation.invited_by is not None and person is not None:
        _tell(
            invitation.invited_by,
            "invitation_accepted",
            name=person.name,
            email=invitation.email,
            organization=invitation.organization.name,
            url=_people_url(invitation.organization_id),
        )


def email_inviter_on_invitation_declined(event: events.InvitationDeclined) -> None:
    """Tell who invited that the person does not want to join."""
    invitation = _invitation(event.invitation_id)
    if invitation is not None and invitation.invited_by is not None:
        _tell(
            invitation.invited_by,
            "invitation_declined",
            email=invitation.email,
            organization=invitation.organization.name,
            url=_people_url(invitation.organization_id),
        )


def email_managers_on_join_request_sent(event: events.JoinRequestSent) -> None:
    """Ask owners and managers to decide a request to join."""
    join_request = _join_request(event.join_request_id)
    if join_request is None or join_request.status != "open":
        return
    for manager in people.managers_of(join_request.organization_id):
        _tell(
            manager,
            "join_request_sent",
            name=join_request.user.name,
            email=join_request.user.email,
            organization=join_request.organization.name,
            message=join_request.message,
            url=_people_url(join_request.organization_id),
        )


def email_person_on_join_request_decided(event: events.JoinRequestDecided) -> None:
    """Tell a person the answer to the request to join."""
    join_request = _join_request(event.join_request_id)
    if join_request is not None:
        _tell(
            join_request.user,
            "join_request_decided",
            is_accepted=event.is_accepted,
            organization=join_request.organization.name,
            note=event.note,
            url=external_url("organizations.show", organization_id=join_request.organization_id),
        )


def email_deciders_on_claim_sent(event: events.ClaimSent) -> None:
    """Ask the brokers of the region, or else the administrators, to decide a claim."""
    claim = _claim(event.claim_id)
    if claim is None or claim.status != "pending":
        return
    for decider in people.claim_deciders(claim):
        _tell(
            decider,
            "claim_sent",
            name=claim.user.name,
            email=claim.user.email,
            organization=claim.organization.name,
            evidence=claim.evidence,
            url=external_url("organizations.show_claim", claim_id=claim.id),
        )


def email_claimant_on_claim_decided(event: events.ClaimDecided) -> None:
    """Tell a person what became of the claim."""
    claim = _claim(event.claim_id)
    if claim is not None:
        _tell(
            claim.user,
            "claim_decided",
            status=event.status,
            organization=claim.organization.name,
            note=event.note,
            url=external_url("organizations.show_claim", claim_id=claim.id),
        )


def email_person_on_membership_changed(event: events.MembershipChanged) -> None:
    """Tell a person about another role."""
    person = find_user(event.user_id)
    if person is not None:
        _tell(
            person,
            "membership_changed",
            organization=profiles.get_organization(event.organization_id).name,
            role=ROLES[event.role],
            url=external_url("organizations.show", organization_id=event.organization_id),
        )


def email_person_on_membership_ended(event: events.MembershipEnded) -> None:
    """Tell a person who was taken out of an organization; who left by themselves knows."""
    person = find_user(event.user_id)
    if person is not None and event.by_user_id != event.user_id:
        _tell(
            person,
            "membership_ended",
            organization=profiles.get_organization(event.organization_id).name,
            url=external_url("organizations.show", organization_id=event.organization_id),
        )


def _tell(person: User, template: str, **context: Any) -> None:
    if person.is_active:
        queue_mails([person], template, **context)


def _people_url(organization_id: int) -> str:
    return external_url("organizations.show_people", organization_id=organization_id)


# What an event names may be gone by the time that it is delivered.


def _invitation(invitation_id: int) -> Invitation | None:
    try:
        return people.get_visible_invitation(SYSTEM, invitation_id)
    except NotFound:
        return None


def _join_request(join_request_id: int) -> JoinRequest | None:
    try:
        return people.get_visible_join_request(SYSTEM, join_request_id)
    except NotFound:
        return None


def _claim(claim_id: int) -> Claim | None:
    try:
        return people.get_visible_claim(SYSTEM, claim_id)
    except NotFound:
        return None

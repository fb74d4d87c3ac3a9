"""Commands on organizations, their people, invitations, join requests and claims.

An organization that has people never loses its last owner by their own doing.
"""

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from portal.accounts.models import User
from portal.kernel import files
from portal.kernel.authorization import Actor, authorize, can
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import lock, session
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from portal.kernel.files import StoredFile
from portal.kernel.outbox import record
from portal.organizations.events import (
    ClaimSent,
    InvitationSent,
    JoinRequestSent,
    MembershipChanged,
    MembershipEnded,
    MembershipStarted,
    OrganizationArchived,
    OrganizationChanged,
    OrganizationConfirmed,
    OrganizationRegistered,
    OrganizationRestored,
    OrganizationVerified,
)
from portal.organizations.models import Claim, Invitation, JoinRequest, Membership, Organization
from portal.organizations.policies import Permission
from portal.organizations.queries import people, profiles, resolving
from portal.organizations.rules import (
    CLAIMS,
    IDENTIFIERS,
    INVITATION_LIFE,
    INVITATIONS,
    JOIN_REQUESTS,
    MOST_INVITATION_MAILS,
    MOST_OPEN_INVITATIONS,
    higher_role,
    match_key,
)
from portal.regions.models import NaicsCode
from portal.regions.queries import counties_by_fips

_DAY = dt.timedelta(days=1)
_PLACE = ("city", "state", "zip_code", "county_fips", "latitude", "longitude")
_PLAIN = (
    "name",
    "other_names",
    "kind",
    "summary",
    "description",
    "website",
    "phone",
    "email",
    "street",
    "employee_band",
    "ownership",
    "members_only_fields",
)


# The profile


@command(Permission.ORGANIZATION_REGISTER)
def register_organization(
    actor: Actor, *, is_another: bool = False, **profile: Any
) -> Organization:
    """Put an organization into the directory; whoever does so becomes its owner.

    profile: the fields of `OrganizationForm`. Raises Conflict where the directory probably has it
    already, unless `is_another` says that it is not the same.
    """
    if not is_another:
        found = profiles.find_duplicates(profile["name"], zip_code=profile.get("zip_code") or "")
        if found:
            raise Conflict(
                _(
                    "This may be here already: %(names)s. Claim it or ask to join it, "
                    "or say that yours is another one.",
                    names=", ".join(f"{item.name} (/organizations/{item.id})" for item in found),
                )
            )
    organization = Organization(
        source="own",
        created_by_id=actor.user_id,
        confirmed_at=now(),
        confirmed_by_id=actor.user_id,
    )
    _write_profile(organization, profile)
    session.add(organization)
    session.flush()
    if actor.user_id is not None:
        _join(organization, actor.user_id, "owner")
    record(OrganizationRegistered(organization.id))
    return organization


@command(Permission.ORGANIZATION_EDIT)
def change_organization(actor: Actor, organization: Organization, **profile: Any) -> Organization:
    """Write those fields of the profile that are given. A change also confirms the rest."""
    _load_lists(organization)
    _write_profile(organization, profile)
    _mark_confirmed(actor, organization)
    record(OrganizationChanged(organization.id))
    return organization


@command(Permission.ORGANIZATION_EDIT)
def change_logo(
    actor: Actor, organization: Organization, *, upload: "files.FileStorage | None"
) -> Organization:
    """Put another logo in place of the present one, or with None take it away."""
    old = session.get(StoredFile, organization.logo_id) if organization.logo_id else None
    new = files.store_image(upload, field="logo", user_id=actor.user_id) if upload else None
    session.flush()
    organization.logo_id = new.id if new else None
    organization.updated_at = now()
    session.flush()
    if old is not None:
        files.remove_file(old)
    session.expire(organization, ["logo"])
    record(OrganizationChanged(organization.id))
    return organization


@command(Permission.ORGANIZATION_CONFIRM)
def confirm_organization(actor: Actor, organization: Organization) -> Organization:
    """Say that the profile is still right."""
    _mark_confirmed(actor, organization)
    record(OrganizationConfirmed(organization.id))
    return organization


@command(Permission.ORGANIZATION_VERIFY)
def verify_organization(actor: Actor, organization: Organization) -> Organization:
    """Vouch for the organization as a broker of its region."""
    organization.verified_at = now()
    organization.verified_by_id = actor.user_id
    record(OrganizationVerified(organization.id, is_verified=True))
    return organization


@command(Permission.ORGANIZATION_VERIFY)
def verify_organizations(
    actor: Actor, organizations: tuple[Organization, ...]
) -> tuple[Organization, ...]:
    """Vouch for several organizations at once, all or none."""
    for organization in organizations:
        verify_organization(actor, organization)
    return organizations


@command(Permission.ORGANIZATION_VERIFY)
def withdraw_verification(actor: Actor, organization: Organization) -> Organization:
    """Take the mark of verification back."""
    organization.verified_at = None
    organization.verified_by_id = None
    record(OrganizationVerified(organization.id, is_verified=False))
    return organization


@command(Permission.ORGANIZATION_ARCHIVE)
def archive_organization(actor: Actor, organization: Organization) -> Organization:
    """Close an organization: outsiders see neither it nor its records any more."""
    if organization.status == "archived":
        raise Conflict(_("This organization is archived already."))
    organization.status = "archived"
    record(OrganizationArchived(organization.id))
    return organization


@command(Permission.ORGANIZATION_ARCHIVE)
def restore_organization(actor: Actor, organization: Organization) -> Organization:
    """Open an archived organization again."""
    if organization.status == "active":
        raise Conflict(_("This organization is not archived."))
    organization.status = "active"
    record(OrganizationRestored(organization.id))
    return organization


@command(Permission.ORGANIZATION_IMPORT)
def import_organization(
    actor: Actor,
    *,
    source: str,
    country: str = "US",
    is_demo: bool = False,
    confirmed_at: dt.datetime | None = None,
    **profile: Any,
) -> tuple[Organization, str]:
    """Write an organization of another directory; return it, and what that did.

    That is "created", "changed" or "unchanged". Known again by an identifier, or else as the
    same name at the same address from the same source. What its own people have confirmed is
    theirs: no import writes over it. Call it within one outer `unit_of_work` per batch.

    Raises Forbidden for a broker who reaches beyond the own regions.
    """
    found = profiles.find_imported(source, country, profile)
    values = {"country": country, "is_demo": is_demo, "confirmed_at": confirmed_at}
    organization, outcome = _import(actor, found, source, values, profile)
    _record_import([(organization, outcome)])
    return organization, outcome


@command(Permission.ORGANIZATION_IMPORT)
def import_known_organizations(
    actor: Actor, *, source: str, rows: Sequence[tuple[str, Mapping[str, Any]]]
) -> list[str]:
    """Write many (country, profile) as `import_organization` does, in few statements for all.

    All have an identifier. A refusal of one refuses them all.
    """
    # Held until the end, so that each row finds its county without asking the database.
    counties = counties_by_fips({str(profile.get("county_fips")) for _country, profile in rows})
    known = profiles.find_identified([profile for _country, profile in rows])
    done = [
        _import(actor, found, source, {"country": country}, profile)
        for (country, profile), found in zip(rows, known, strict=True)
    ]
    _record_import(done)
    del counties
    return [outcome for _organization, outcome in done]


def _import(
    actor: Actor,
    organization: Organization | None,
    source: str,
    values: Mapping[str, Any],
    profile: Mapping[str, Any],
) -> tuple[Organization, str]:
    if organization is None:
        organization = Organization(source=source, **values)
        _write_profile(organization, profile)
        _check_reach(actor, organization)
        session.add(organization)
        return organization, "created"
    if organization.confirmed_by_id is not None:
        return organization, "unchanged"
    _check_reach(actor, organization)
    if "capabilities" in profile or "naics_codes" in profile:
        _load_lists(organization)
    _write_profile(organization, profile)
    if not session.is_modified(organization):
        return organization, "unchanged"
    _check_reach(actor, organization)
    # Other lists of capabilities or industries alone would leave the row's own version as it was.
    organization.updated_at = now()
    return organization, "changed"


def _record_import(done: Sequence[tuple[Organization, str]]) -> None:
    session.flush()
    for organization, outcome in done:
        if outcome == "created":
            record(OrganizationRegistered(organization.id))
        elif outcome == "changed":
            record(OrganizationChanged(organization.id))


def _check_reach(actor: Actor, organization: Organization) -> None:
    if not can(actor, Permission.ORGANIZATION_IMPORT_HERE, organization):
        raise Forbidden(_("This is outside the region that you broker."))


def _load_lists(organization: Organization) -> None:
    """Load what a changed list is compared with and replaces."""
    session.scalar(
        select(Organization)
        .options(selectinload(Organization.capabilities), selectinload(Organization.naics))
        .where(Organization.id == organization.id)
    )


def _write_profile(organization: Organization, profile: Mapping[str, Any]) -> None:
    values = dict(profile)
    with session.no_autoflush:
        for name in _PLAIN:
            if name in values:
                _set(organization, name, values.pop(name))
        if "name" in profile:
            _set(organization, "match_key", match_key(organization.name))
        if any(name in values for name in _PLACE):
            before = organization if organization in session else None
            country = organization.country or "US"
            place = resolving.complete_place(values, before, country=country)
            for name, value in place.items():
                _set(organization, name, value)
                values.pop(name, None)
        for name in IDENTIFIERS:
            if name in values:
                _write_identifier(organization, name, values.pop(name) or None)
        if "certifications" in values:
            _set(organization, "certifications", _certifications(values.pop("certifications")))
        if "contacts" in values:
            rows = [dict(row) for row in values.pop("contacts") if any(row.values())]
            _set(organization, "contacts", rows)
        if "capabilities" in values:
            capabilities = resolving.get_capabilities(values.pop("capabilities"))
            _set(organization, "capabilities", capabilities)
        if "naics_codes" in values:
            codes = resolving.get_naics(values.pop("naics_codes"))
            _set(organization, "naics", [session.get_one(NaicsCode, code) for code in codes])
    if values:
        raise TypeError(f"an organization has no {', '.join(sorted(values))}")


def _set(organization: Organization, name: str, value: Any) -> None:
    # Equal values are left alone, so that an import can tell what it has changed.
    if organization in session:
        present = getattr(organization, name)
        if name in ("capabilities", "naics"):
            is_same = set(present) == set(value)
        else:
            is_same = present == value
        if is_same:
            return
    setattr(organization, name, value)


def _write_identifier(organization: Organization, name: str, value: str | None) -> None:
    is_new_value = value is not None and value != getattr(organization, name)
    # An import has looked for its identifiers already.
    if is_new_value and (organization in session or organization.source == "own"):
        column = getattr(Organization, name)
        taken = session.execute(
            select(Organization.id, Organization.name).where(column == value)
        ).one_or_none()
        if taken is not None and taken.id != organization.id:
            raise Invalid(name, _("%(name)s is registered with this one already.", name=taken.name))
    _set(organization, name, value)


def _certifications(rows: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "name": row["name"],
            "expires_on": (
                expires_on.isoformat()
                if isinstance(expires_on := row.get("expires_on"), dt.date)
                else expires_on or None
            ),
        }
        for row in rows
        if row["name"]
    ]


def _mark_confirmed(actor: Actor, organization: Organization) -> None:
    organization.confirmed_at = organization.updated_at = now()
    organization.confirmed_by_id = actor.user_id


# People


@command(Permission.ORGANIZATION_APPOINT)
def appoint_member(
    actor: Actor, organization: Organization, *, user_id: int, role: str
) -> Membership:
    """Make a user one of an organization's people, or change the role (by administrators)."""
    membership = people.find_membership(organization.id, user_id)
    if membership is None:
        return _join(organization, user_id, role)
    _change_role(membership, role)
    return membership


@command(Permission.MEMBERSHIP_CHANGE)
def change_membership_role(actor: Actor, membership: Membership, *, role: str) -> Membership:
    """Give one of an organization's people another role."""
    _lock_organization(membership.organization_id)
    _change_role(membership, role)
    return membership


@command(Permission.MEMBERSHIP_END)
def end_membership(actor: Actor, membership: Membership) -> None:
    """Let a person leave an organization, or take the person out of it."""
    _lock_organization(membership.organization_id)
    _keep_an_owner(membership)
    _end(membership, actor)


def _lock_organization(organization_id: int) -> Organization:
    organization = session.get_one(Organization, organization_id)
    lock(organization)
    return organization


def _join(organization: Organization, user_id: int, role: str) -> Membership:
    membership = Membership(organization_id=organization.id, user_id=user_id, role=role)
    session.add(membership)
    session.flush()
    record(MembershipStarted(organization.id, user_id, role))
    return membership


def _change_role(membership: Membership, role: str) -> None:
    if membership.role == role:
        return
    _keep_an_owner(membership)
    membership.role = role
    record(MembershipChanged(membership.organization_id, membership.user_id, role))


def _keep_an_owner(membership: Membership) -> None:
    if membership.role == "owner" and people.count_owners(membership.organization_id) == 1:
        raise Invalid(
            None,
            _(
                "An organization needs an owner, and this is its last one. "
                "Please make somebody else owner first, or archive the organization."
            ),
        )


def _end(membership: Membership, actor: Actor) -> None:
    session.delete(membership)
    record(MembershipEnded(membership.organization_id, membership.user_id, actor.user_id))


# Invitations


@command(Permission.INVITATION_SEND)
def send_invitation(
    actor: Actor, organization: Organization, *, email: str, role: str = "member"
) -> Invitation:
    """Invite somebody by e-mail, whether with an account or without; owners by owners only."""
    if role == "owner":
        authorize(actor, Permission.INVITATION_SEND_TO_OWNER, organization)
    if organization.status != "active":
        raise Conflict(_("This organization is archived. Please restore it first."))
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
        _spare_the_address(invitation.organization_id, invitation.email)
    INVITATIONS.apply(actor, invitation, action)
    if action == "resend":
        invitation.expires_at = now() + INVITATION_LIFE
    elif action == "accept" and actor.user_id is not None:
        organization = _lock_organization(invitation.organization_id)
        if organization.status != "active":
            raise Conflict(_("This organization is archived."))
        membership = people.find_membership(organization.id, actor.user_id)
        if membership is None:
            _join(organization, actor.user_id, invitation.role)
        else:
            _change_role(membership, higher_role(membership.role, invitation.role))
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


# Requests to join


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
        organization = _lock_organization(join_request.organization_id)
        if people.find_membership(organization.id, join_request.user_id) is None:
            _join(organization, join_request.user_id, "member")
    return join_request


# Claims


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
        organization = _lock_organization(claim.organization_id)
        if people.has_people(organization.id):
            raise Conflict(_("Somebody represents this organization already."))
        _join(organization, claim.user_id, "owner")
    elif action == "revoke":
        organization = _lock_organization(claim.organization_id)
        membership = people.find_membership(organization.id, claim.user_id)
        if membership is not None:
            _end(membership, actor)
            session.flush()
        if people.count_owners(organization.id) == 0:
            _dissolve(actor, organization)
    return claim


def _dissolve(actor: Actor, organization: Organization) -> None:
    for membership in people.list_people(organization.id):
        _end(membership, actor)
    for invitation in people.list_open_invitations(organization.id):
        if invitation.status == "sent":
            INVITATIONS.apply(actor, invitation, "withdraw")

"""Who may do what with organizations and the memberships in them."""

from enum import StrEnum

from portal.kernel.authorization import (
    Policy,
    administrator,
    brokers_anywhere,
    clock,
    county_brokered,
    has_membership,
    is_self,
    related,
    role_in,
    signed_in,
    value_in,
)
from portal.organizations.models import Claim, Invitation, JoinRequest, Membership, Organization


class Permission(StrEnum):
    ORGANIZATION_VIEW = "organization.view"
    ORGANIZATION_VIEW_MEMBERS_FIELDS = "organization.view_members_fields"
    ORGANIZATION_VIEW_UNVERIFIED = "organization.view_unverified"
    ORGANIZATION_REGISTER = "organization.register"
    ORGANIZATION_EDIT = "organization.edit"
    ORGANIZATION_CONFIRM = "organization.confirm"
    ORGANIZATION_ARCHIVE = "organization.archive"
    ORGANIZATION_VERIFY = "organization.verify"
    ORGANIZATION_IMPORT = "organization.import"
    ORGANIZATION_IMPORT_HERE = "organization.import_here"
    ORGANIZATION_APPOINT = "organization.appoint"
    MEMBERSHIP_VIEW = "membership.view"
    MEMBERSHIP_CHANGE = "membership.change"
    MEMBERSHIP_END = "membership.end"
    INVITATION_VIEW = "invitation.view"
    INVITATION_SEND = "invitation.send"
    INVITATION_SEND_TO_OWNER = "invitation.send_to_owner"
    INVITATION_RESEND = "invitation.resend"
    INVITATION_WITHDRAW = "invitation.withdraw"
    INVITATION_ANSWER = "invitation.answer"
    INVITATION_EXPIRE = "invitation.expire"
    JOIN_REQUEST_VIEW = "join_request.view"
    JOIN_REQUEST_SEND = "join_request.send"
    JOIN_REQUEST_DECIDE = "join_request.decide"
    JOIN_REQUEST_WITHDRAW = "join_request.withdraw"
    CLAIM_VIEW = "claim.view"
    CLAIM_SEND = "claim.send"
    CLAIM_DECIDE = "claim.decide"
    CLAIM_WITHDRAW = "claim.withdraw"


_own = role_in(Organization.id)
_managers = role_in(Organization.id, "owner", "manager")
_owners = role_in(Organization.id, "owner")
_outsiders = (signed_in & value_in(Organization.status, "active") & ~_own).described(
    "anyone signed in who does not belong to it"
)
_broker = county_brokered(Organization.county_fips)

policy = Policy(
    write_scope="organizations:write",
    views={
        Organization: Permission.ORGANIZATION_VIEW,
        Membership: Permission.MEMBERSHIP_VIEW,
        Invitation: Permission.INVITATION_VIEW,
        JoinRequest: Permission.JOIN_REQUEST_VIEW,
        Claim: Permission.CLAIM_VIEW,
    },
    table={
        Permission.ORGANIZATION_VIEW: (
            value_in(Organization.status, "active") | _own | administrator
        ).described("anyone; archived ones: its people and administrators"),
        Permission.ORGANIZATION_VIEW_MEMBERS_FIELDS: has_membership | administrator,
        Permission.ORGANIZATION_VIEW_UNVERIFIED: brokers_anywhere,
        Permission.ORGANIZATION_REGISTER: signed_in,
        Permission.ORGANIZATION_EDIT: _managers | administrator,
        Permission.ORGANIZATION_CONFIRM: _own | administrator,
        Permission.ORGANIZATION_ARCHIVE: _owners | administrator,
        Permission.ORGANIZATION_VERIFY: (_broker & ~_own).described(
            "brokers of the region who do not belong to it"
        )
        | administrator,
        Permission.ORGANIZATION_IMPORT: brokers_anywhere | administrator,
        Permission.ORGANIZATION_IMPORT_HERE: _broker | administrator,
        Permission.ORGANIZATION_APPOINT: administrator,
        Permission.MEMBERSHIP_VIEW: role_in(Membership.organization_id) | administrator,
        Permission.MEMBERSHIP_CHANGE: role_in(Membership.organization_id, "owner") | administrator,
        Permission.MEMBERSHIP_END: (
            role_in(Membership.organization_id, "owner")
            | is_self(Membership.user_id)
            | administrator
        ),
        Permission.INVITATION_VIEW: (
            role_in(Invitation.organization_id, "owner", "manager") | administrator
        ),
        Permission.INVITATION_SEND: _managers,
        Permission.INVITATION_SEND_TO_OWNER: _owners,
        # Long after an owner sent it, a manager would make an owner by it.
        Permission.INVITATION_RESEND: (
            role_in(Invitation.organization_id, "owner")
            | (
                role_in(Invitation.organization_id, "manager")
                & value_in(Invitation.role, "manager", "member")
            )
        ).described("owners of the organization; its managers, unless it makes an owner"),
        Permission.INVITATION_WITHDRAW: role_in(Invitation.organization_id, "owner", "manager"),
        Permission.INVITATION_ANSWER: (signed_in & ~role_in(Invitation.organization_id)).described(
            "whoever is signed in, has the link that the e-mail brought or the address that it "
            "went to, and does not belong to the organization yet"
        ),
        Permission.INVITATION_EXPIRE: clock,
        Permission.JOIN_REQUEST_VIEW: (
            is_self(JoinRequest.user_id)
            | role_in(JoinRequest.organization_id, "owner", "manager")
            | administrator
        ),
        Permission.JOIN_REQUEST_SEND: _outsiders,
        Permission.JOIN_REQUEST_DECIDE: role_in(JoinRequest.organization_id, "owner", "manager"),
        Permission.JOIN_REQUEST_WITHDRAW: is_self(JoinRequest.user_id),
        Permission.CLAIM_VIEW: (
            is_self(Claim.user_id)
            | related(Claim.organization, county_brokered(Organization.county_fips))
            | administrator
        ),
        Permission.CLAIM_SEND: _outsiders,
        Permission.CLAIM_DECIDE: (
            (related(Claim.organization, county_brokered(Organization.county_fips)) | administrator)
            & ~is_self(Claim.user_id)
        ).described("brokers of the region and administrators, but not the claimant"),
        Permission.CLAIM_WITHDRAW: is_self(Claim.user_id),
    },
)

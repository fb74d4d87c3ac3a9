"""What happens to organizations and their people, as ids and plain values."""

from dataclasses import dataclass

from portal.kernel.outbox import Event


@dataclass(frozen=True)
class OrganizationRegistered(Event):
    """An organization came into the directory, by a person or an import."""

    organization_id: int


@dataclass(frozen=True)
class OrganizationChanged(Event):
    """The profile or the logo of an organization changed."""

    organization_id: int


@dataclass(frozen=True)
class OrganizationConfirmed(Event):
    """One of its people said that the profile is still right."""

    organization_id: int


@dataclass(frozen=True)
class OrganizationVerified(Event):
    """A broker has checked the organization, or (is_verified false) took that back."""

    organization_id: int
    is_verified: bool


@dataclass(frozen=True)
class OrganizationArchived(Event):
    """An organization was closed: outsiders see neither it nor its records any more."""

    organization_id: int


@dataclass(frozen=True)
class OrganizationRestored(Event):
    """An archived organization is open again, and its records with it."""

    organization_id: int


@dataclass(frozen=True)
class MembershipStarted(Event):
    """A user became one of an organization's people."""

    organization_id: int
    user_id: int
    role: str


@dataclass(frozen=True)
class MembershipChanged(Event):
    """A user got another role in an organization."""

    organization_id: int
    user_id: int
    role: str


@dataclass(frozen=True)
class MembershipEnded(Event):
    """A user is no longer one of an organization's people; by_user_id ended it."""

    organization_id: int
    user_id: int
    by_user_id: int | None


@dataclass(frozen=True)
class InvitationSent(Event):
    """Somebody was invited, or is to get the link once more."""

    invitation_id: int


@dataclass(frozen=True)
class InvitationAccepted(Event):
    """An invited person joined."""

    invitation_id: int
    user_id: int | None


@dataclass(frozen=True)
class InvitationDeclined(Event):
    """An invited person does not want to join."""

    invitation_id: int


@dataclass(frozen=True)
class JoinRequestSent(Event):
    """A person asks to join an organization."""

    join_request_id: int


@dataclass(frozen=True)
class JoinRequestDecided(Event):
    """A manager accepted or declined a request to join."""

    join_request_id: int
    is_accepted: bool
    note: str


@dataclass(frozen=True)
class ClaimSent(Event):
    """A person claims to own an organization that nobody represents yet."""

    claim_id: int


@dataclass(frozen=True)
class ClaimDecided(Event):
    """A claim was approved, denied, or revoked later; `status` says which."""

    claim_id: int
    status: str
    note: str

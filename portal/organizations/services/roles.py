"""Commands on who belongs to an organization, and as what.

An organization that has people never loses its last owner by their own doing.
"""

from flask_babel import gettext as _
from sqlalchemy import select

from portal.accounts.models import User
from portal.kernel.authorization import Actor
from portal.kernel.commands import command
from portal.kernel.database import lock, session
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.outbox import record
from portal.organizations.events import MembershipChanged, MembershipEnded, MembershipStarted
from portal.organizations.models import Membership, Organization
from portal.organizations.policies import Permission
from portal.organizations.queries import people


@command(Permission.ORGANIZATION_APPOINT)
def appoint_member(
    actor: Actor, organization: Organization, *, user_id: int, role: str
) -> Membership:
    """Make a user one of an organization's people, or change the role (by administrators)."""
    membership = people.find_membership(organization.id, user_id)
    if membership is None:
        return join(organization, user_id, role)
    change_role(membership, role)
    return membership


@command(Permission.MEMBERSHIP_CHANGE)
def change_membership_role(actor: Actor, membership: Membership, *, role: str) -> Membership:
    """Give one of an organization's people another role."""
    lock_organization(membership.organization_id)
    change_role(membership, role)
    return membership


@command(Permission.MEMBERSHIP_END)
def end_membership(actor: Actor, membership: Membership) -> None:
    """Let a person leave an organization, or take the person out of it."""
    organization = lock_organization(membership.organization_id)
    # Whoever is alone in what is archived leaves nobody behind who would need an owner.
    if organization.status == "active" or len(people.list_people(organization.id, 2)) > 1:
        _keep_an_owner(membership)
    leave(membership, actor)


def lock_organization(organization_id: int) -> Organization:
    """Return an organization that nobody else changes before this command has ended."""
    organization = session.get_one(Organization, organization_id)
    lock(organization)
    return organization


def join(organization: Organization, user_id: int, role: str) -> Membership:
    """Make a user one of an organization's people. Raises Conflict where the account is closed."""
    membership = Membership(organization_id=organization.id, user_id=user_id, role=role)
    session.add(membership)
    session.flush()
    # Asked after the row was written, which waits for whoever closes the account at this moment.
    if not session.scalar(select(User.is_active).where(User.id == user_id)):
        raise Conflict(_("This account is closed."))
    record(MembershipStarted(organization.id, user_id, role))
    return membership


def change_role(membership: Membership, role: str) -> None:
    """Give somebody another role. Raises Invalid for the last owner."""
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


def leave(membership: Membership, actor: Actor) -> None:
    """End a membership."""
    session.delete(membership)
    record(MembershipEnded(membership.organization_id, membership.user_id, actor.user_id))

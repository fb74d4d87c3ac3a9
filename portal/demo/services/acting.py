"""Who acts in the demo, and that nobody outside hears of it.

Demo records pass through the commands of their domains, as acts of the people who own them.
"""

from contextlib import AbstractContextManager

from sqlalchemy import select

from portal.accounts.models import User
from portal.accounts.queries import find_user_by_email
from portal.demo.rules.organizations import DemoOrganization
from portal.kernel.authorization import Actor
from portal.kernel.database import session
from portal.kernel.outbox import heard_only_by
from portal.kernel.search import INDEX_HANDLER
from portal.organizations.models import Membership, Organization
from portal.organizations.rules import match_key


def person_of(email: str) -> Actor:
    """Return the person of an address, who has an account."""
    user = find_user_by_email(email)
    assert user is not None  # noqa: S101 (for the type checker)
    return Actor(user_id=user.id, name=user.name)


def member_of(user: User) -> Actor:
    """Return a person as one of the organization that they joined first."""
    membership = session.scalars(
        select(Membership).where(Membership.user_id == user.id).order_by(Membership.id).limit(1)
    ).one()
    return Actor(
        user_id=user.id,
        name=user.name,
        memberships={membership.organization_id: membership.role},
    )


def find_organization(organization: DemoOrganization) -> Organization | None:
    """Return an organization of the demo, if it is here already."""
    return session.scalar(
        select(Organization).where(
            Organization.match_key == match_key(organization.values["name"]),
            Organization.source == "demo",
            Organization.zip_code == organization.values["zip_code"],
        )
    )


def owner_of(row: Organization) -> Actor:
    """Return who owns an organization of the demo."""
    user = session.scalars(
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organization_id == row.id, Membership.role == "owner")
        .order_by(Membership.id)
        .limit(1)
    ).one()
    return Actor(user_id=user.id, name=user.name, memberships={row.id: "owner"})


def without_mail() -> AbstractContextManager[None]:
    """Keep what happens in the block from everybody but the search index.

    The demo's past must send no e-mail to people who do not exist.
    """
    return heard_only_by(INDEX_HANDLER)

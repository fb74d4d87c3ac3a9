"""Reads of organizations and memberships."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from portal.kernel.database import session
from portal.organizations.models import Membership


def actor_facts(user_id: int) -> Mapping[str, Any]:
    """Return a user's role by organization id."""
    rows = session.execute(
        select(Membership.organization_id, Membership.role).where(Membership.user_id == user_id)
    )
    return {"memberships": {row.organization_id: row.role for row in rows}}

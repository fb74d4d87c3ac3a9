"""Reads of accounts."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from portal.accounts.models import User
from portal.kernel.database import session


def actor_facts(user_id: int) -> Mapping[str, Any]:
    """Return what an actor needs to know of a user: name and whether an administrator."""
    row = session.execute(
        select(User.name, User.is_administrator).where(User.id == user_id, User.is_active)
    ).one_or_none()
    return {"name": row.name, "is_administrator": row.is_administrator} if row else {}

"""What facilities, equipment and requests share: visibility, freshness, and their rule.

A record also has `organization_id` and an `organization` relationship whose target has `status`.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from portal.kernel.authorization import (
    Rule,
    administrator,
    anyone,
    has_membership,
    is_self,
    related,
    role_in,
    value_in,
)
from portal.kernel.clock import now
from portal.kernel.database import known_values

VISIBILITIES: Mapping[str, Any] = {
    "draft": _l("Draft: you and the managers of your organization"),
    "organization": _l("Your organization"),
    "members": _l("Members: people of any organization here"),
    "public": _l("Everyone"),
}


#: What a person reads after saving such a record.
SEEN_BY: Mapping[str, Any] = {
    "draft": _l("Only you and the managers of your organization see it."),
    "organization": _l("Your organization sees it."),
    "members": _l("People of every organization here see it."),
    "public": _l("Everyone can find it."),
}

#: With these, people of other organizations see a record, too.
SHOWN_TO_OTHERS = ("members", "public")

#: From the fewest readers to the most.
_AUDIENCES = tuple(VISIBILITIES)


def is_narrower(visibility: str, other: str) -> bool:
    """Tell whether a visibility names fewer readers than another."""
    return _AUDIENCES.index(visibility) < _AUDIENCES.index(other)


def visibility_check() -> CheckConstraint:
    """The database's own constraint on the column `visibility`."""
    return known_values("visibility", VISIBILITIES)


class Confirmed:
    """Freshness: when and by whom a record was last confirmed to be right."""

    confirmed_at: Mapped[dt.datetime | None] = mapped_column(default=now)

    @declared_attr
    def confirmed_by_id(cls) -> Mapped[int | None]:
        return mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)


class Listed(Confirmed):
    """A record with an audience, a person who made it, and a mark for demo data."""

    visibility: Mapped[str] = mapped_column(String(12), default="draft")
    is_demo: Mapped[bool] = mapped_column(default=False)

    @declared_attr
    def created_by_id(cls) -> Mapped[int | None]:
        return mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)


def visible_record(model: Any, organization: Any) -> Rule:
    """Who sees a record: by its visibility, its organization's people, administrators.

    organization: the model at the end of `model.organization`; hidden organizations hide
    their records from outsiders.
    """
    own = role_in(model.organization_id)
    managers = role_in(model.organization_id, "owner", "manager")
    is_open = related(model.organization, value_in(organization.status, "active"))
    shown = (
        (value_in(model.visibility, "public") & anyone)
        | (value_in(model.visibility, "members") & has_membership)
    ) & is_open
    inside = value_in(model.visibility, "organization", "members", "public") & own
    draft = (is_self(model.created_by_id) & own) | managers
    return (shown | inside | draft | administrator).described(
        "everyone the record's visibility names; drafts: managers and the person who wrote it"
    )


def audience_of(visibility: str, organization_id: int, is_open: bool) -> frozenset[str]:
    """Return the audience tokens of a record's search document; drafts are not in search."""
    tokens = {"admin", f"org:{organization_id}"}
    if is_open and visibility == "public":
        tokens |= {"public"}
    elif is_open and visibility == "members":
        tokens |= {"member"}
    return frozenset(tokens)

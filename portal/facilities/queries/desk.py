"""What waits on the desk: drafts to publish, records to confirm."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import and_, false, func, or_, select

from portal.facilities.models import Equipment, Facility
from portal.facilities.policies import Permission
from portal.facilities.rules import ADDRESSES
from portal.kernel.authorization import Actor, visible
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.manifest import DeskItem
from portal.organizations.models import Organization
from portal.organizations.rules import STALE_AFTER


def list_drafts(actor: Actor, limit: int) -> list[DeskItem]:
    """Return drafts that the actor can publish, oldest first."""
    return _desk_items(
        actor,
        limit,
        lambda model: model.visibility == "draft",
        {"facility": Permission.FACILITY_EDIT, "equipment": Permission.EQUIPMENT_EDIT},
        since="created_at",
        action=_("Finish and publish"),
    )


def list_stale(actor: Actor, limit: int) -> list[DeskItem]:
    """Return records of the actor's organizations to be confirmed again, oldest first."""
    before = now() - STALE_AFTER
    return _desk_items(
        actor,
        limit,
        lambda model: and_(
            model.visibility != "draft",
            or_(model.confirmed_at.is_(None), model.confirmed_at < before),
        ),
        {"facility": Permission.FACILITY_CONFIRM, "equipment": Permission.EQUIPMENT_CONFIRM},
        since="confirmed_at",
        action=_("Look and confirm"),
    )


def _desk_items(
    actor: Actor,
    limit: int,
    condition: Any,
    permissions: Mapping[str, Permission],
    *,
    since: str,
    action: str,
) -> list[DeskItem]:
    found: list[DeskItem] = []
    models: tuple[tuple[str, Any], ...] = (("facility", Facility), ("equipment", Equipment))
    for kind, model in models:
        own = model.organization_id.in_(sorted(actor.memberships)) if actor.memberships else false()
        waiting = func.coalesce(getattr(model, since), model.created_at).label("since")
        rows = session.execute(
            select(model.id, model.name, Organization.name.label("organization"), waiting)
            .join(Organization, Organization.id == model.organization_id)
            .where(own, condition(model), visible(actor, permissions[kind]))
            .order_by(waiting, model.id)
            .limit(limit)
        )
        found.extend(
            DeskItem(
                title=row.name,
                url=ADDRESSES[kind] % row.id,
                since=row.since,
                detail=row.organization,
                action=action,
            )
            for row in rows
        )
    return sorted(found, key=lambda item: item.since)[:limit]

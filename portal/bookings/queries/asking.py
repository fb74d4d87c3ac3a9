"""Who asks a host to open a gate, and which of it is answered by what is granted."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import joinedload

from portal.bookings.models.access import AccessRequest, Clearance, Qualification
from portal.bookings.models.calendar import Resource
from portal.bookings.policies import Permission
from portal.bookings.queries.grants import thing_of
from portal.bookings.rules.words import ACCESS_KINDS
from portal.facilities.models import Equipment, equipment_capability
from portal.kernel.authorization import Actor, authorize, visible
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.manifest import DeskItem

_REQUEST_OPTIONS = (
    joinedload(AccessRequest.host),
    joinedload(AccessRequest.organization),
    joinedload(AccessRequest.user),
    joinedload(AccessRequest.equipment).joinedload(Equipment.capabilities),
    joinedload(AccessRequest.facility),
    joinedload(AccessRequest.capability),
)


def get_visible_access_request(actor: Actor, access_request_id: int) -> AccessRequest:
    """Return what somebody asked for, with all that is shown of it. Raises NotFound."""
    row = find_shown_access_request(access_request_id)
    if row is None:
        raise NotFound()
    authorize(actor, Permission.ACCESS_VIEW, row)
    return row


def find_shown_access_request(access_request_id: int) -> AccessRequest | None:
    """Return a request with all that a message says of it, or None where it is gone."""
    return session.scalar(
        select(AccessRequest)
        .options(*_REQUEST_OPTIONS)
        .where(AccessRequest.id == access_request_id)
    )


def find_open_request(wanted: Mapping[str, Any]) -> AccessRequest | None:
    """Return the open request of the same person for the same thing, or None."""
    columns: Any = AccessRequest.__table__.c
    return session.scalar(
        select(AccessRequest).where(
            AccessRequest.status == "open",
            *(
                columns[name].is_(None) if value is None else columns[name] == value
                for name, value in wanted.items()
            ),
        )
    )


def list_asked_of(actor: Actor, resource: Resource, organization_id: int) -> dict[str, int]:
    """Return what somebody asked the host of a resource for, to book it for an organization.

    Each by its kind. Qualifications and inductions are the person's, whomever it is for.
    """
    carried = select(equipment_capability.c.capability_key).where(
        equipment_capability.c.equipment_id == resource.equipment_id
    )
    rows = session.scalars(
        select(AccessRequest).where(
            AccessRequest.status == "open",
            AccessRequest.user_id == actor.user_id,
            AccessRequest.host_organization_id == resource.organization_id,
            or_(
                AccessRequest.kind.in_(("qualification", "induction")),
                AccessRequest.organization_id == organization_id,
            ),
            # A qualification is for what one operates; the rest opens every machine of a host.
            or_(
                AccessRequest.kind != "qualification",
                AccessRequest.equipment_id == resource.equipment_id,
                AccessRequest.capability_key.in_(carried),
            ),
        )
    )
    return {row.kind: row.id for row in rows}


def list_access_requests(
    actor: Actor,
    *,
    host_id: int | None = None,
    user_id: int | None = None,
    is_open: bool = True,
    limit: int = 50,
) -> list[AccessRequest]:
    """Return what waits at a host, oldest first, or what a person asked for, newest first."""
    conditions = [visible(actor, Permission.ACCESS_VIEW)]
    if host_id is not None:
        conditions.append(AccessRequest.host_organization_id == host_id)
    if user_id is not None:
        conditions.append(AccessRequest.user_id == user_id)
    if is_open:
        conditions.append(AccessRequest.status == "open")
    order = AccessRequest.id if host_id is not None else AccessRequest.id.desc()
    return list(
        session.scalars(
            select(AccessRequest)
            .options(*_REQUEST_OPTIONS)
            .where(*conditions)
            .order_by(order)
            .limit(limit)
        ).unique()
    )


def list_answered_by(row: Qualification | Clearance) -> list[AccessRequest]:
    """Return the open requests that what was just granted answers."""
    conditions = [
        AccessRequest.host_organization_id == row.host_organization_id,
        AccessRequest.status == "open",
    ]
    if isinstance(row, Qualification):
        carried = select(equipment_capability.c.equipment_id).where(
            equipment_capability.c.capability_key == row.capability_key
        )
        conditions += [
            AccessRequest.kind == "qualification",
            AccessRequest.user_id == row.user_id,
        ]
        if row.equipment_id is not None:
            conditions.append(AccessRequest.equipment_id == row.equipment_id)
        elif row.capability_key is not None:
            conditions.append(
                or_(
                    AccessRequest.capability_key == row.capability_key,
                    AccessRequest.equipment_id.in_(carried),
                )
            )
    else:
        conditions += [
            AccessRequest.kind == row.kind,
            AccessRequest.user_id == row.user_id
            if row.user_id is not None
            else AccessRequest.organization_id == row.organization_id,
        ]
        if row.facility_id is not None:
            # An induction for one facility opens no other.
            inside = select(Equipment.id).where(Equipment.facility_id == row.facility_id)
            conditions.append(
                or_(
                    AccessRequest.facility_id == row.facility_id,
                    AccessRequest.equipment_id.in_(inside),
                    and_(AccessRequest.facility_id.is_(None), AccessRequest.equipment_id.is_(None)),
                )
            )
    return list(
        session.scalars(
            select(AccessRequest).where(*conditions).order_by(AccessRequest.id).limit(100)
        )
    )


def list_asked(actor: Actor, limit: int) -> list[DeskItem]:
    """Return what people ask the actor's organizations for, oldest first."""
    rows = session.scalars(
        select(AccessRequest)
        .options(*_REQUEST_OPTIONS)
        .where(AccessRequest.status == "open", visible(actor, Permission.ACCESS_DECIDE))
        .order_by(AccessRequest.id)
        .limit(limit)
    ).unique()
    return [
        DeskItem(
            _(
                "%(name)s of %(organization)s asks",
                name=row.user.name,
                organization=row.organization.name,
            ),
            f"/access-requests/{row.id}",
            row.created_at,
            detail=" · ".join(
                part for part in (str(ACCESS_KINDS[row.kind]), thing_of(row)) if part
            ),
            action=_("Read and answer"),
        )
        for row in rows
    ]

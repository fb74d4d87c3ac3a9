"""Other equipment that does the same, when one's own choice is taken or is to be changed."""

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import bindparam, exists, or_, select
from sqlalchemy.orm import aliased, joinedload

from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Resource
from portal.bookings.policies import Permission
from portal.bookings.queries.calendar import load_hours
from portal.bookings.queries.resources import is_written, resources_of
from portal.bookings.queries.situations import problems_at
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.refusal import Elsewhere
from portal.facilities.models import (
    Equipment,
    Facility,
    equipment_capability,
    facility_capability,
)
from portal.facilities.policies import Permission as FacilityPermission
from portal.facilities.queries.listings import equipment_nearby
from portal.facilities.queries.records import get_equipment
from portal.kernel.authorization import Actor, can, visible
from portal.kernel.database import read_rows, session
from portal.kernel.settled import settled
from portal.organizations.models import Organization

#: So many are looked at, the nearest first, and so many of them are named.
_MOST_TRIED = 6
_MOST_NAMED = 2
#: So many are offered to move a booking to.
_MOST_TARGETS = 50

_own, _others = aliased(equipment_capability), aliased(equipment_capability)
# Most equipment is the only one of its kind here, which is quickly seen.
_HAS_LIKE = select(
    exists().where(
        _own.c.equipment_id == bindparam("equipment_id"),
        _others.c.capability_key == _own.c.capability_key,
        _others.c.equipment_id == Equipment.id,
        Equipment.id != bindparam("equipment_id"),
        Equipment.is_bookable,
    )
)


def list_targets(actor: Actor, booking: Booking) -> list[tuple[str, str]]:
    """Return ("equipment:5", name) of all that a booking can be moved to, its host's own first.

    What other hosts have of the same sort is for the side that booked: only they can go there. An
    operator is not exchanged for another here.
    """
    resource, host_id = booking.resource, booking.host_organization_id
    model: Any
    is_shared: Any
    if resource.equipment_id is not None:
        model, number = Equipment, resource.equipment_id
        permission = FacilityPermission.EQUIPMENT_VIEW
        is_shared = Equipment.is_bookable
    elif resource.facility_id is not None:
        model, number = Facility, resource.facility_id
        permission = FacilityPermission.FACILITY_VIEW
        is_shared = Facility.id.in_(select(Resource.facility_id).where(Resource.is_open))
    else:
        return []
    statement = (
        select(model.id, model.name)
        .where(model.organization_id == host_id, model.id != number, visible(actor, permission))
        .order_by(model.name, model.id)
        .limit(_MOST_TARGETS)
    )
    if booking.organization_id != host_id:
        statement = statement.where(is_shared)
    found = [(f"{resource.kind}:{row.id}", row.name) for row in session.execute(statement)]
    if not can(actor, Permission.BOOKING_HAND_OVER, booking):
        return found
    others: list[tuple[int, str, str]]
    if model is Equipment:
        others = [
            (one.id, one.title, one.organization)
            for one in equipment_nearby(actor, get_equipment(number), limit=_MOST_TARGETS)
            if one.detail == "bookable" and one.organization_id != host_id
        ]
    else:
        others = _facilities_elsewhere(actor, number, host_id)
    return found + [
        (
            f"{resource.kind}:{there}",
            _("%(name)s at %(organization)s", name=name, organization=organization),
        )
        for there, name, organization in others
    ]


def _facilities_elsewhere(actor: Actor, number: int, host_id: int) -> list[tuple[int, str, str]]:
    """Return (id, name, host) of facilities of other hosts that are of its kind or share a
    capability, and can be booked."""
    kind = select(Facility.kind).where(Facility.id == number).scalar_subquery()
    keys = select(facility_capability.c.capability_key).where(
        facility_capability.c.facility_id == number
    )
    alike = select(facility_capability.c.facility_id).where(
        facility_capability.c.capability_key.in_(keys)
    )
    rows = session.execute(
        select(Facility.id, Facility.name, Organization.name)
        .join(Organization, Organization.id == Facility.organization_id)
        .where(
            Facility.organization_id != host_id,
            Facility.id.in_(select(Resource.facility_id).where(Resource.is_open)),
            or_(Facility.kind == kind, Facility.id.in_(alike)),
            visible(actor, FacilityPermission.FACILITY_VIEW),
        )
        .order_by(Organization.name, Facility.name, Facility.id)
        .limit(_MOST_TARGETS)
    )
    return [(there, name, organization) for there, name, organization in rows]


def _has_like(equipment_id: int) -> bool:
    ((has_like,),) = read_rows(_HAS_LIKE, {"equipment_id": equipment_id})
    return bool(has_like)


def list_elsewhere(
    actor: Actor, resource: Resource, span: Span, *, organization: Organization
) -> list[Elsewhere]:
    """Return equipment nearby that shares a capability and has no problem with the same time."""
    number = resource.equipment_id
    if number is None:
        return []
    if not settled(("has like", number), lambda: _has_like(number)):
        return []
    nearby = [
        listing
        for listing in equipment_nearby(actor, get_equipment(number), limit=4 * _MOST_TRIED)
        if listing.detail == "bookable"
    ][:_MOST_TRIED]
    records = session.scalars(
        select(Equipment)
        .options(joinedload(Equipment.organization))
        .where(Equipment.id.in_([listing.id for listing in nearby]))
    )
    resources = {one.equipment_id: one for one in resources_of(list(records))}
    found = []
    for listing in nearby:
        other = resources[listing.id]
        if not is_written(other):
            continue
        if not problems_at(other, span, organization=organization, user_id=actor.user_id):
            found.append(
                Elsewhere(
                    listing.id,
                    listing.title,
                    listing.organization,
                    listing.distance_miles or 0.0,
                    span,
                    load_hours(other, span).zone,
                )
            )
        if len(found) == _MOST_NAMED:
            break
    return found

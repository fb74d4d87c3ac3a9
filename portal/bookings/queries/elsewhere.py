"""Other equipment that does the same and can be booked when one's own choice is taken."""

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import aliased, joinedload

from portal.bookings.models.calendar import Resource
from portal.bookings.queries.calendar import is_written, resources_of
from portal.bookings.queries.situations import load_situation
from portal.bookings.rules.attempt import Attempt, Span
from portal.bookings.rules.customers import customer_class_of
from portal.bookings.rules.problems import find_problems
from portal.bookings.rules.refusal import Elsewhere
from portal.facilities.models import Equipment, equipment_capability
from portal.facilities.queries import equipment_nearby, get_equipment
from portal.kernel.authorization import Actor
from portal.kernel.database import session
from portal.organizations.models import Organization

#: So many are looked at, the nearest first, and so many of them are named.
_MOST_TRIED = 6
_MOST_NAMED = 2

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


def list_elsewhere(
    actor: Actor, resource: Resource, span: Span, *, organization: Organization
) -> list[Elsewhere]:
    """Return equipment nearby that shares a capability and has no problem with the same time."""
    number = resource.equipment_id
    if number is None or not session.scalar(_HAS_LIKE, {"equipment_id": number}):
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
        attempt = Attempt(
            span,
            actor.user_id,
            organization.id,
            customer_class_of(other.organization_id, organization.id, organization.kind),
        )
        situation = load_situation(
            other, organization=organization, user_id=actor.user_id, window=span
        )
        if not find_problems(attempt, situation):
            found.append(
                Elsewhere(
                    listing.id,
                    listing.title,
                    listing.organization,
                    listing.distance_miles or 0.0,
                    span,
                )
            )
        if len(found) == _MOST_NAMED:
            break
    return found

"""What bookings hang on: the resource of a piece of equipment, a facility or an organization."""

from collections.abc import Sequence

from sqlalchemy import and_, select
from sqlalchemy.orm.attributes import instance_state, set_committed_value

from portal.bookings.models.calendar import Resource
from portal.facilities.models import Equipment, Facility
from portal.kernel.database import session
from portal.organizations.models import Organization


def new_resource(record: Facility | Equipment | Organization) -> Resource:
    """Return a resource for a record that has none, not written yet."""
    if isinstance(record, Organization):
        return Resource(
            kind="organization",
            organization_id=record.id,
            organization=record,
            name=record.name,
            is_bookable=False,
            time_zone="",
        )
    kind = "facility" if isinstance(record, Facility) else "equipment"
    return Resource(
        kind=kind,
        organization_id=record.organization_id,
        organization=record.organization,
        name=record.name,
        is_bookable=False,
        time_zone="",
        **{f"{kind}_id": record.id, kind: record},
    )


def is_written(resource: Resource) -> bool:
    """Tell whether anything can hang on a resource yet."""
    return instance_state(resource).has_identity


def resource_of(record: Facility | Equipment | Organization) -> Resource:
    """Return a record's resource; one that is not written where nothing hangs on it yet.

    The organization of a facility or of equipment is loaded beforehand.
    """
    if isinstance(record, Organization):
        condition = and_(Resource.kind == "organization", Resource.organization_id == record.id)
    elif isinstance(record, Facility):
        condition = Resource.facility_id == record.id
    else:
        condition = Resource.equipment_id == record.id
    resource = session.scalar(select(Resource).where(condition))
    if resource is None:
        return new_resource(record)
    if isinstance(record, Organization):
        set_committed_value(resource, "organization", record)
    else:
        set_committed_value(resource, resource.kind, record)
        set_committed_value(resource, "organization", record.organization)
    return resource


def resources_of(records: Sequence[Equipment] | Sequence[Facility]) -> list[Resource]:
    """Return the resources of many records of one kind, in their order; see `resource_of`."""
    kind = "facility" if records and isinstance(records[0], Facility) else "equipment"
    number = f"{kind}_id"
    written = {
        getattr(resource, number): resource
        for resource in session.scalars(
            select(Resource).where(getattr(Resource, number).in_([record.id for record in records]))
        )
    }
    found = []
    for record in records:
        resource = written.get(record.id)
        if resource is None:
            resource = new_resource(record)
        else:
            set_committed_value(resource, kind, record)
            set_committed_value(resource, "organization", record.organization)
        found.append(resource)
    return found

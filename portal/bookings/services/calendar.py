"""Commands on calendars: what hosts say about when and how their things can be booked."""

from portal.bookings.models.calendar import Resource
from portal.bookings.policies import Permission
from portal.bookings.queries.calendar import is_written, resource_of
from portal.facilities.models import Equipment, Facility
from portal.facilities.policies import Permission as FacilityPermission
from portal.kernel.authorization import Actor, authorize
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.organizations.models import Organization


@command(Permission.CALENDAR_OPEN)
def open_resource(actor: Actor, record: Facility | Equipment | Organization) -> Resource:
    """Return the resource of a record that the actor sees; it is written if there is none yet.

    The organization of a facility or of equipment is loaded beforehand.
    """
    if isinstance(record, Equipment):
        authorize(actor, FacilityPermission.EQUIPMENT_VIEW, record)
    elif isinstance(record, Facility):
        authorize(actor, FacilityPermission.FACILITY_VIEW, record)
    resource = resource_of(record)
    if not is_written(resource):
        session.add(resource)
        session.flush()
    return resource

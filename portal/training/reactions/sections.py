"""What follows for sections when the facility changes in which they are held."""

from portal.facilities.events import FacilitySaved
from portal.kernel.authorization import SYSTEM
from portal.training.queries.sections import list_ids_at_facility
from portal.training.services import sections as services


def follow_facility_on_facility_saved(event: FacilitySaved) -> None:
    """Let sections tell the place of their facility as it is now."""
    if list_ids_at_facility(event.facility_id):
        services.follow_facility(SYSTEM, facility_id=event.facility_id)

"""What follows when a machine or a facility is deleted: nobody comes to where it was."""

from flask_babel import gettext as _

from portal.bookings.services import closures
from portal.facilities.events import EquipmentDeleted, FacilityDeleted
from portal.kernel.authorization import SYSTEM


def cancel_bookings_on_record_deleted(event: EquipmentDeleted | FacilityDeleted) -> None:
    """Cancel what was booked of it, so that those who would come are told."""
    closures.cancel_of_removed(
        SYSTEM, organization_id=event.organization_id, reason=_("This is no longer here.")
    )

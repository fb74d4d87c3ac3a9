"""What follows when a machine, a facility or an account is gone: nobody comes, or waits."""

from flask_babel import gettext as _

from portal.bookings.queries import asking
from portal.bookings.queries import notices as notice_queries
from portal.bookings.queries import waiting as waiting_queries
from portal.bookings.services import access, closures, notices, waiting
from portal.facilities.events import EquipmentDeleted, FacilityDeleted
from portal.kernel.authorization import SYSTEM, Actor


def cancel_bookings_on_record_deleted(event: EquipmentDeleted | FacilityDeleted) -> None:
    """Cancel what was booked of it, so that those who would come are told."""
    closures.cancel_of_removed(
        SYSTEM, organization_id=event.organization_id, reason=_("This is no longer here.")
    )


def leave_lines(actor: Actor) -> None:
    """End with the account what somebody asks hosts for, waits for, and reads in a calendar."""
    for asked in asking.list_access_requests(actor, user_id=actor.user_id, limit=1000):
        access.act_on_access_request(actor, asked, "withdraw")
    for entry in waiting_queries.list_waits_of(actor):
        waiting.leave_waiting_list(actor, entry)
    for feed in notice_queries.list_feeds(actor):
        notices.end_feed(actor, feed_id=feed.id)

"""What follows when time is free again: it is offered to who waits for it."""

from portal.bookings import events
from portal.bookings.queries.bookings import get_resource
from portal.bookings.queries.waiting import list_waited_for
from portal.bookings.services import waiting
from portal.kernel.authorization import SYSTEM
from portal.kernel.errors import NotFound


def offer_time_on_span_freed(event: events.SpanFreed) -> None:
    """Offer what is free again to the next in line."""
    _offer(event.resource_id)


def offer_time_on_waiting_goes_on(event: events.WaitingGoesOn) -> None:
    """Offer what is left to those who came later."""
    _offer(event.resource_id, event.after_entry_id)


def offer_time_on_calendar_changed(event: events.CalendarChanged) -> None:
    """Offer what a host opened, and what opened along with it, to those next in line."""
    for resource_id in list_waited_for(event.resource_id):
        _offer(resource_id)


def _offer(resource_id: int, after_entry_id: int = 0) -> None:
    try:
        resource = get_resource(resource_id)
    except NotFound:
        return
    waiting.offer_freed_time(SYSTEM, resource, after_entry_id=after_entry_id)

"""What follows when a booking is cancelled by somebody else: its people are told."""

from portal.accounts.models import User
from portal.bookings import events
from portal.bookings.models.booking import Booking
from portal.bookings.queries.bookings import get_booking
from portal.bookings.queries.hosts import find_person
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.telling import write_span
from portal.kernel.errors import NotFound
from portal.kernel.mail import queue_mail
from portal.kernel.settings import setting
from portal.kernel.web import external_url


def email_people_on_booking_cancelled(event: events.BookingStepped) -> None:
    """Tell who was to come, and who booked, that somebody else cancelled the booking, and why."""
    if event.action != "cancel":
        return
    try:
        booking = get_booking(event.booking_id)
    except NotFound:
        return
    canceller = find_person(event.by_user_id)
    for person in {row.id: row for row in (booking.user, booking.booked_by) if row}.values():
        if booking.status == "cancelled" and person.id != event.by_user_id:
            _tell(person, booking, canceller.name if canceller else booking.host.name, event.note)


def _tell(person: User, booking: Booking, canceller: str, note: str) -> None:
    zone = person.time_zone or setting("DEFAULT_TIME_ZONE")
    span = Span(booking.starts_at, booking.ends_at)
    queue_mail(
        person.email,
        "booking_cancelled",
        locale=person.language or "en",
        name=booking.resource.name,
        person=canceller,
        when=lambda: write_span(span, zone),
        zone=zone,
        note=note,
        url=external_url("bookings.show", booking_id=booking.id),
    )

"""What people are told of bookings: e-mails, with invitations that go into their calendars."""

from portal.accounts.models import User
from portal.accounts.queries import find_user
from portal.bookings import events
from portal.bookings.models.booking import Booking
from portal.bookings.queries import notices as queries
from portal.bookings.queries.bookings import get_booking
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.invitations import Party, takes_place, write_schedule
from portal.bookings.rules.notices import Wishes, told_of_change, told_of_making
from portal.bookings.rules.telling import write_span, write_zone
from portal.bookings.rules.words import OPEN_STATUSES
from portal.kernel.clock import now
from portal.kernel.errors import NotFound
from portal.kernel.mail import queue_mails, sender_address
from portal.kernel.web.addresses import external_url

#: Of more than so many that change together, a message counts the rest; its calendar has them all.
_MOST_LISTED = 60

# What an event names may be gone, or have changed again, by the time that it is delivered.


def email_on_booking_made(event: events.BookingMade) -> None:
    """Invite who will be there, and ask the host to decide where it approves."""
    booking = _find(event.booking_id)
    if booking is None or booking.status not in ("requested", "approved"):
        return
    if not queries.is_first_of_many(booking, ""):
        return
    concerned, people, wishes = queries.load_concerned(booking)
    for user_id, side in told_of_making(concerned, wishes, event.by_user_id).items():
        _tell(people[user_id], booking, side, "ask" if booking.status == "requested" else "make")


def email_on_booking_stepped(event: events.BookingStepped) -> None:
    """Tell the others what became of a booking."""
    booking = _find(event.booking_id)
    # Approved and cancelled within a second: only the last is worth a message.
    if booking is None or booking.status != event.status:
        return
    if not queries.is_first_of_many(booking, event.action):
        return
    _tell_change(booking, event.action, event.by_user_id, event.note)


def email_on_booking_moved(event: events.BookingMoved) -> None:
    """Tell the others that a booking has another time, person or resource."""
    booking = _find(event.booking_id)
    if booking is None or not booking.moves or booking.moves[-1].id != event.move_id:
        return
    if booking.status not in OPEN_STATUSES:
        return
    if queries.is_first_of_many(booking, "move"):
        _tell_change(booking, "move", event.by_user_id, booking.moves[-1].reason)


def email_on_span_offered(event: events.SpanOffered) -> None:
    """Offer a freed time to who waits for it."""
    entry = queries.find_offer(event.waiting_entry_id)
    if entry is None or entry.offered_until is None:
        return
    person = entry.user
    wishes = queries.load_wishes([person.id]).get(person.id, Wishes())
    if not wishes.tells_offers or not person.is_active:
        return
    zone = queries.zone_of(entry.resource)
    span = Span(entry.starts_at, entry.ends_at)
    queue_mails(
        [person],
        "booking_offered",
        name=entry.resource.name,
        when=lambda: write_span(span, zone),
        until=entry.offered_until,
        zone=write_zone(zone, span.starts_at),
        url=external_url("bookings.list_own"),
        choose_url=external_url("accounts.show_mail", _anchor="bookings"),
    )


def email_on_booking_starts_soon(event: events.BookingStartsSoon) -> None:
    """Remind somebody of a booking."""
    booking = _find(event.booking_id)
    if booking is None or booking.status != "approved" or booking.user_id != event.user_id:
        return
    if booking.user is not None and booking.user.is_active:
        _tell(booking.user, booking, "person", "remind")


def _find(booking_id: int) -> Booking | None:
    try:
        return get_booking(booking_id)
    except NotFound:
        return None


def _tell_change(booking: Booking, action: str, by_user_id: int | None, note: str) -> None:
    concerned, people, wishes = queries.load_concerned(booking, _former(booking, action))
    told = told_of_change(
        concerned,
        wishes,
        by_user_id,
        action=action,
        by_host=queries.is_of_host(booking, by_user_id),
    )
    by = find_user(by_user_id)
    who = by.name if by else booking.host.name
    for user_id, side in told.items():
        _tell(people[user_id], booking, side, action, note, who)


def _former(booking: Booking, action: str) -> User | None:
    """Return who would have been there before a booking was handed over."""
    if action != "move" or booking.moves[-1].was_user_id == booking.user_id:
        return None
    return booking.moves[-1].was_user


def _was(booking: Booking, action: str) -> str:
    """Return what was booked before a move to something else, or ""."""
    if action != "move" or booking.moves[-1].was_resource_id == booking.resource_id:
        return ""
    return booking.moves[-1].was_resource.name


def _span_before(booking: Booking, action: str) -> Span | None:
    """Return when a booking was before a move to another time."""
    if action != "move":
        return None
    before = Span(booking.moves[-1].was_from, booking.moves[-1].was_until)
    return before if before != Span(booking.starts_at, booking.ends_at) else None


def _tell(
    person: User, booking: Booking, side: str, action: str, note: str = "", by: str = ""
) -> None:
    """Tell somebody what happened to a booking, and to those that it speaks for."""
    zone = queries.zone_of(booking.resource)
    span = Span(booking.starts_at, booking.ends_at)
    before = _span_before(booking, action)
    along = [booking] if action == "remind" else queries.list_changed_along(booking, _act(action))
    others = [one for one in along if one is not booking]
    is_there = person.id == booking.user_id
    place = queries.list_places([booking])[booking.resource_id] if is_there else ""
    goes_in_calendar = side == "former" or (is_there and action != "remind")
    queue_mails(
        [person],
        "booking_notice",
        invitation=_invitation(person, along, side) if goes_in_calendar else "",
        goes_in_calendar=goes_in_calendar,
        action=action,
        side=side,
        name=booking.resource.name,
        person=booking.user.name if booking.user else "",
        organization=booking.organization.name,
        host=booking.host.name,
        place=place,
        when=lambda: write_span(span, zone),
        zone=write_zone(zone, span.starts_at),
        others=lambda: _lines(booking, others[:_MOST_LISTED]),
        other_count=len(others),
        is_one_of_many=booking.series_id is not None or booking.party is not None,
        purpose=booking.purpose,
        note=note,
        by=by,
        was=_was(booking, action),
        was_when=(lambda: write_span(before, zone)) if before else None,
        url=external_url("bookings.show", booking_id=booking.id),
        choose_url=external_url("accounts.show_mail", _anchor="bookings"),
    )


def _act(action: str) -> str:
    """Return what `list_changed_along` calls what happened."""
    return "" if action in ("ask", "make") else action


def _lines(booking: Booking, others: list[Booking]) -> list[str]:
    """Return when others are that a message is about too; what they are of, where that differs."""
    zones = {one.resource_id: queries.zone_of(one.resource) for one in others}
    return [
        write_span(Span(one.starts_at, one.ends_at), zones[one.resource_id])
        + (f" · {one.resource.name}" if one.resource_id != booking.resource_id else "")
        for one in others
    ]


def _invitation(person: User, bookings: list[Booking], side: str) -> str:
    """Return what brings a person's calendar up to date."""
    places = queries.list_places(bookings)
    entries = [
        queries.entry_of(
            one,
            place=places[one.resource_id],
            url=external_url("bookings.show", booking_id=one.id),
        )
        for one in bookings
    ]
    is_former = side == "former"
    return write_schedule(
        [entry for entry in entries if takes_place(entry) and not is_former],
        [entry for entry in entries if is_former or not takes_place(entry)],
        Party(sender_address(), bookings[0].host.name, person.email, person.name),
        host=queries.calendar_host(),
        at=now(),
    )

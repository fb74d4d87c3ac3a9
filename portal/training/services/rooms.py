"""The rooms of a section's meetings: what is booked for them, moved along and freed.

Bookings are made and moved in the transaction of the section, so that it never meets where it has
no room. A section is locked first, then what its bookings lock.
"""

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Resource
from portal.bookings.queries import bookings as booking_queries
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.refusal import Refused
from portal.bookings.rules.telling import write_day
from portal.bookings.rules.words import OPEN_STATUSES
from portal.bookings.services import making, moving, steps
from portal.bookings.services.calendar import open_resource
from portal.facilities.queries.records import get_facility
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.training.models.sections import Section, SectionMeeting
from portal.training.queries import sections as queries


def settle_rooms(actor: Actor, section: Section, override_reason: str) -> None:
    """Book, move or cancel what is booked for the meetings to come, until all of it fits.

    One meeting may take the time that another one leaves, so what is refused is tried again as
    long as others find their room. Raises Refused with what stands against the rest, by day.
    """
    resource = _resource_of(actor, section)
    waiting = [one for one in section.meetings if one.starts_at > now()]
    while waiting:
        refusals: list[tuple[SectionMeeting, Refused]] = []
        for meeting in waiting:
            try:
                _settle_room(actor, section, meeting, resource, override_reason)
            except Refused as refusal:
                refusals.append((meeting, refusal))
        if len(refusals) == len(waiting):
            raise _refused(section, refusals)
        waiting = [meeting for meeting, _refusal in refusals]
    session.flush()


def _resource_of(actor: Actor, section: Section) -> Resource | None:
    if section.facility_id is None:
        return None
    resource = open_resource(actor, get_facility(section.facility_id))
    return booking_queries.get_resource(resource.id)


def _settle_room(
    actor: Actor,
    section: Section,
    meeting: SectionMeeting,
    resource: Resource | None,
    override_reason: str,
) -> None:
    booking = _open_booking(meeting)
    span = Span(meeting.starts_at, meeting.ends_at)
    if resource is None:
        free_room(actor, meeting, _("It is held elsewhere now."))
        if booking is None:
            # What its host cancelled is nothing that it waits for any more.
            meeting.booking_id = None
    elif booking is None:
        made = making.create_booking(
            actor,
            resource,
            organization=section.organization,
            span=span,
            purpose=queries.title_of(section),
            override_reason=override_reason,
        )
        meeting.booking_id = made[0].id
    elif booking.resource_id != resource.id:
        meeting.booking_id = moving.move_to_resource(
            actor,
            (booking.resource, resource),
            booking=booking,
            span=span,
            override_reason=override_reason,
        ).id
    elif (booking.starts_at, booking.ends_at) != (span.starts_at, span.ends_at):
        moving.move_booking(actor, booking, span=span, override_reason=override_reason)


def _open_booking(meeting: SectionMeeting) -> Booking | None:
    """Return the booking of a meeting if it can still change; its host may have declined it."""
    if meeting.booking_id is None:
        return None
    booking = booking_queries.get_booking(meeting.booking_id)
    is_open = booking.status in OPEN_STATUSES and booking.ends_at > now()
    return booking if is_open else None


def free_rooms(actor: Actor, section: Section, reason: str) -> None:
    for meeting in section.meetings:
        free_room(actor, meeting, reason)


def free_room(actor: Actor, meeting: SectionMeeting, reason: str) -> None:
    """Cancel the booking of a meeting that is to come; one that is used, or was, stays."""
    booking = _open_booking(meeting)
    if booking is not None and booking.status != "in_use":
        steps.act_on_booking(actor, booking, "cancel", note=reason)
        meeting.booking_id = None


def _refused(section: Section, refusals: Sequence[tuple[SectionMeeting, Refused]]) -> Refused:
    if len(section.meetings) == 1:
        return refusals[0][1]
    zone = ZoneInfo(section.timezone)
    return Refused(
        [
            replace(problem, message=f"{write_day(day)}: {problem.message}")
            for meeting, refusal in refusals
            for day in [meeting.starts_at.astimezone(zone).date()]
            for problem in refusal.problems
        ]
    )

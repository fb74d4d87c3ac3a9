"""What whoever stands before a machine or a door can do there now: check in, check out, or book."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from portal.bookings.models.calendar import Resource
from portal.bookings.policies import Permission
from portal.bookings.queries.availability import availability
from portal.bookings.queries.bookings import list_bookers
from portal.bookings.queries.listings import Listed, find_at_hand
from portal.bookings.queries.resources import resource_of
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.telling import write_instant, write_times
from portal.bookings.rules.timetable import usual_end
from portal.bookings.rules.words import BOOKINGS, EARLIEST_CHECK_IN_MINUTES, may_check_in
from portal.facilities.models import Equipment, Facility
from portal.kernel.authorization import Actor, can
from portal.kernel.clock import now
from portal.kernel.workflow import Transition

#: So far ahead the next free time is looked for.
LOOK_AHEAD = dt.timedelta(days=14)


@dataclass(frozen=True)
class AtHand:
    """A reader before a thing.

    numbers: what its addresses are made with. listed: the reader's booking that is on or comes
    next, if one does within a day; step: what to do with it now; from_when: from when on one can
    check in. next_free: a time to book, where there is no booking; when: in words.
    """

    numbers: dict[str, int]
    is_known: bool
    listed: Listed | None = None
    step: Transition | None = None
    from_when: str = ""
    next_free: Span | None = None
    when: str = ""


def at_hand_section(actor: Actor, record: Equipment | Facility) -> AtHand | None:
    """Return what the page of a record leads to, which its code on the machine opens."""
    if isinstance(record, Equipment) and not record.is_bookable:
        return None
    resource = resource_of(record)
    return load_at_hand(actor, record, resource) if resource.is_open else None


def load_at_hand(actor: Actor, record: Equipment | Facility, resource: Resource) -> AtHand:
    """Return what a reader can do with a thing now."""
    numbers = {f"{resource.kind}_id": record.id}
    if actor.user_id is None:
        return AtHand(numbers, is_known=False)
    listed = find_at_hand(actor, resource) if resource.id else None
    if listed is None:
        return AtHand(numbers, is_known=True, **_next_free(actor, resource))
    booking, moment = listed.booking, now()
    step = next(
        (
            step
            for step in BOOKINGS.available(actor, booking)
            if step.action == "check_out"
            or (step.action == "check_in" and may_check_in(booking, moment))
        ),
        None,
    )
    begins = booking.starts_at - dt.timedelta(minutes=EARLIEST_CHECK_IN_MINUTES)
    return AtHand(
        numbers,
        is_known=True,
        listed=listed,
        step=step,
        from_when=write_instant(begins, listed.zone) if step is None and begins > moment else "",
    )


def _next_free(actor: Actor, resource: Resource) -> dict[str, Any]:
    """Return the first time that the actor could book, in a value and in words."""
    booker = next(iter(list_bookers(actor, resource.organization_id)), None)
    if booker is None or not can(actor, Permission.BOOKING_CREATE, resource):
        return {}
    moment = now()
    (found,) = availability(
        actor, [resource], Span(moment, moment + LOOK_AHEAD), organization=booker
    )
    shortest = dt.timedelta(minutes=found.rules.min_length_minutes)
    free = next((one for one in found.free if one.starts_at + shortest <= one.ends_at), None)
    if free is None:
        return {}
    span = Span(free.starts_at, usual_end(free.starts_at, free, found.rules))
    return {"next_free": span, "when": write_times(span, found.time_zone)}

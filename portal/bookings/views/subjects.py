"""What a page of bookings is about: a piece of equipment or a facility, and for whom one books."""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask import request, url_for
from flask.typing import ResponseReturnValue

from portal.bookings.queries import bookings as queries
from portal.bookings.queries.resources import resource_of
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.hours import local_date
from portal.bookings.rules.telling import write_day, write_instant, write_times, write_zone
from portal.facilities.queries.records import get_visible_equipment, get_visible_facility
from portal.kernel.authorization import Actor
from portal.kernel.fields import read_instant
from portal.kernel.web.answers import page
from portal.kernel.web.arguments import record_number
from portal.kernel.web.viewer import current_actor, viewer_zone


@dataclass(frozen=True)
class Subject:
    """A record that may be booked, its resource, and its addresses."""

    record: Any
    resource: Any
    kind: str

    @property
    def numbers(self) -> dict[str, Any]:
        """What its addresses are made with."""
        return {f"{self.kind}_id": self.record.id}

    def url(self, endpoint: str, **values: Any) -> str:
        """Return the address of one of its pages among those of bookings."""
        return url_for(f"bookings.{endpoint}", **self.numbers, **values)

    @property
    def record_url(self) -> str:
        """Where the record is shown."""
        return url_for(f"facilities.show_{self.kind}", **self.numbers)

    @property
    def is_open(self) -> bool:
        """Tell whether organizations other than its own can book it."""
        return bool(self.resource.is_open)


def find_subject(equipment_id: int | None = None, facility_id: int | None = None) -> Subject:
    """Return the record of an address, which the actor must see, with its resource."""
    if equipment_id is not None:
        record: Any = get_visible_equipment(current_actor(), equipment_id)
        return Subject(record, resource_of(record), "equipment")
    record = get_visible_facility(current_actor(), facility_id or 0)
    return Subject(record, resource_of(record), "facility")


def list_bookers(actor: Actor, subject: Subject) -> list[Any]:
    """Return the organizations for which the actor can book it; the first unless they choose."""
    host_id = subject.resource.organization_id
    bookers = queries.list_bookers(actor, host_id)
    if not subject.is_open:
        return [organization for organization in bookers if organization.id == host_id]
    return bookers


def choose_booker(organizations: list[Any]) -> Any:
    """Return the organization that the address names, or the first one."""
    wanted = request.values.get("organization_id", type=record_number)
    return next(
        (one for one in organizations if one.id == wanted),
        organizations[0] if organizations else None,
    )


def read_span() -> Span | None:
    """Return the time that the address names, if it does."""
    try:
        span = Span(
            read_instant(request.args.get("starts_at", "")),
            read_instant(request.args.get("ends_at", "")),
        )
    except ValueError:
        return None
    return span if span.ends_at > span.starts_at else None


def span_arguments(span: Span) -> dict[str, Any]:
    """Return how an address names a time."""
    return {
        "starts_at": span.starts_at.strftime("%Y-%m-%dT%H:%MZ"),
        "ends_at": span.ends_at.strftime("%Y-%m-%dT%H:%MZ"),
    }


def zone_words(zone: str, *moments: dt.datetime) -> dict[str, str]:
    """Return how the zone of a resource is called at some moments, and the reader's if it differs.

    name: a city by which people know the zone, with its short names then: "Chicago, CST".
    """
    own = viewer_zone()
    offsets = [
        {moment.astimezone(ZoneInfo(one)).utcoffset() for moment in moments} for one in (zone, own)
    ]
    return {
        "name": write_zone(zone, *moments),
        "own": write_zone(own, *moments) if offsets[0] != offsets[1] else "",
    }


def show_page(template: str, *, status: int | None = None, **context: Any) -> ResponseReturnValue:
    """Render a page of bookings, with the words for days and times that all of them use.

    status: of a page that says why something was refused.
    """
    answer = page(
        template,
        day_words=write_day,
        tell=write_times,
        tell_moment=write_instant,
        tell_day=lambda moment, zone: write_day(local_date(zone, moment)),
        **context,
    )
    return (answer[0], status) if status is not None and isinstance(answer, tuple) else answer

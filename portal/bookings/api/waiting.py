"""The waiting list in the JSON API."""

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from portal.bookings.api.blueprint import blueprint
from portal.bookings.api.bookings import respond_made
from portal.bookings.api.reading import choose_organization, read_span
from portal.bookings.forms.bookings import WaitForm
from portal.bookings.policies import Permission
from portal.bookings.queries import bookings as queries
from portal.bookings.queries import waiting as lists
from portal.bookings.queries.resources import resource_of
from portal.bookings.rules.attempt import Span
from portal.bookings.schemas.bookings import BookingSchema, WaitingSchema
from portal.bookings.services import making, waiting
from portal.bookings.services.calendar import open_resource
from portal.facilities.queries.records import get_visible_equipment, get_visible_facility
from portal.kernel.api import bind_json, operation, page_arguments, respond, respond_page
from portal.kernel.authorization import authorize
from portal.kernel.idempotency import idempotency_key
from portal.kernel.web.viewer import current_actor

_EXAMPLE = {
    "starts_at": "2027-03-01T09:00:00-05:00",
    "ends_at": "2027-03-01T11:00:00-05:00",
    "purpose": "First articles of the new housing.",
}
_JOINED = {
    "tag": "bookings",
    "schema": WaitingSchema,
    "form": WaitForm,
    "status": 201,
    "scope": "bookings:write",
    "problems": (409,),
    "example": _EXAMPLE,
}


@blueprint.post("/equipment/<int:equipment_id>/waiting")
@operation(summary="Wait for equipment", **_JOINED)
def wait_for_equipment(equipment_id: int) -> ResponseReturnValue:
    """Wait for a time that others have booked; who waits for it already gets a conflict.

    When it gets free, it is kept for the first in line for a while.
    """
    return _join(get_visible_equipment(current_actor(), equipment_id))


@blueprint.post("/facilities/<int:facility_id>/waiting")
@operation(summary="Wait for a facility", **_JOINED)
def wait_for_facility(facility_id: int) -> ResponseReturnValue:
    """Wait for it as for equipment."""
    return _join(get_visible_facility(current_actor(), facility_id))


def _join(record: Any) -> ResponseReturnValue:
    actor = current_actor()
    authorize(actor, Permission.WAITING_JOIN, resource_of(record))
    form = bind_json(WaitForm)
    entry = waiting.join_waiting_list(
        actor,
        queries.get_resource(open_resource(actor, record).id),
        organization=choose_organization(actor, form.organization_id.data),
        span=read_span(form.starts_at.data, form.ends_at.data),
        purpose=form.purpose.data,
    )
    return respond(
        WaitingSchema(),
        entry,
        status=201,
        location=url_for("bookings_api.show_waiting", entry_id=entry.id),
    )


@blueprint.get("/waiting")
@operation(summary="List what you wait for", tag="bookings", schema=WaitingSchema, is_list=True)
def list_waiting() -> ResponseReturnValue:
    """List the times that you wait for or that are kept for you, the earliest first."""
    actor = current_actor()
    authorize(actor, Permission.BOOKING_VIEW_OWN)
    return respond_page(WaitingSchema(), lists.list_own_entries(actor, **page_arguments()))


@blueprint.get("/waiting/<int:entry_id>")
@operation(summary="Read what you wait for", tag="bookings", schema=WaitingSchema, problems=(404,))
def show_waiting(entry_id: int) -> ResponseReturnValue:
    """Return one of the times that you wait for."""
    return respond(WaitingSchema(), lists.get_visible_entry(current_actor(), entry_id))


@blueprint.post("/waiting/<int:entry_id>/leave")
@operation(
    summary="Wait no longer",
    tag="bookings",
    schema=WaitingSchema,
    scope="bookings:write",
    problems=(404, 409),
)
def leave_waiting(entry_id: int) -> ResponseReturnValue:
    """Wait no longer; what is kept for you goes to the next in line."""
    actor = current_actor()
    entry = lists.get_visible_entry(actor, entry_id)
    waiting.leave_waiting_list(actor, entry)
    return respond(WaitingSchema(), lists.get_visible_entry(actor, entry_id))


@blueprint.post("/waiting/<int:entry_id>/accept")
@operation(
    summary="Book what is kept for you",
    tag="bookings",
    schema=BookingSchema,
    status=201,
    repeats="row",
    scope="bookings:write",
    problems=(404, 409, 422),
)
def accept_waiting(entry_id: int) -> ResponseReturnValue:
    """Book a freed time that is kept for you."""
    actor = current_actor()
    entry = lists.get_visible_entry(actor, entry_id)
    return respond_made(
        making.create_booking(
            actor,
            queries.get_resource(entry.resource_id),
            organization=entry.organization,
            span=Span(entry.starts_at, entry.ends_at),
            purpose=entry.purpose,
            idempotency_key=idempotency_key(),
        )
    )

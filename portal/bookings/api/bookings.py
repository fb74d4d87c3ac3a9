"""Bookings and availability in the JSON API, over the same forms and commands as the pages."""

import datetime as dt
from dataclasses import replace
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.bookings.api.blueprint import blueprint
from portal.bookings.api.reading import (
    choose_organization,
    instant_argument,
    look_up_organization,
    override_reason,
    read_repeating,
    read_span,
)
from portal.bookings.forms.bookings import BookingChangeForm, BookingForm, BookingStepForm
from portal.bookings.policies import Permission
from portal.bookings.queries import bookings as queries
from portal.bookings.queries.availability import availability
from portal.bookings.queries.charging import price_lines
from portal.bookings.queries.elsewhere import list_elsewhere
from portal.bookings.queries.needs import ways_finder
from portal.bookings.queries.refusals import refuse_what_is_taken
from portal.bookings.queries.resources import is_written, resource_of
from portal.bookings.rules.pricing import total_cents
from portal.bookings.rules.refusal import Refused
from portal.bookings.rules.words import BOOKING_STATUSES
from portal.bookings.schemas.bookings import AvailabilitySchema, BookingSchema, EstimateSchema
from portal.bookings.services import making, moving, steps
from portal.bookings.services.calendar import open_resource
from portal.bookings.services.judging import check_bookable
from portal.facilities.queries.records import get_visible_equipment, get_visible_facility
from portal.kernel.api import (
    bind_json,
    operation,
    page_arguments,
    respond,
    respond_page,
)
from portal.kernel.authorization import authorize
from portal.kernel.errors import Invalid
from portal.kernel.idempotency import idempotency_key
from portal.kernel.settled import own_row
from portal.kernel.web.arguments import choice_argument, number_argument
from portal.kernel.web.viewer import current_actor

MOST_DAYS = 62

#: To make it takes longer than to use it.
_BOOKING = BookingSchema()
_BOOKING_EXAMPLE = {
    "starts_at": "2027-03-01T09:00:00-05:00",
    "ends_at": "2027-03-01T11:00:00-05:00",
    "purpose": "First articles of the new housing.",
    "runs": 2,
    "with_operator": True,
    "recurrence": {"frequency": "weekly", "weekdays": [0], "count": 4},
    "on_conflict": "skip",
}
_WINDOW = {
    "from": "From when on, ISO 8601 with an offset; now, if it is not given.",
    "to": "Until when; a week later, if it is not given, and 62 days later at most.",
    "organization_id": (
        "For which of your organizations it would be booked; the host itself, else a member firm,"
        " an academic one or another, if it is not given."
    ),
}
_USE = {
    "from": "When it would begin, ISO 8601 with an offset.",
    "to": "When it would end.",
    "organization_id": "For which of your organizations, if you have several.",
    "runs": "How many runs it would be, where they have a price.",
    "samples": "How many samples.",
    "with_operator": "“true” if one of the host’s people comes along.",
}


@blueprint.get("/equipment/<int:equipment_id>/availability")
@operation(
    summary="When equipment is free",
    tag="bookings",
    schema=AvailabilitySchema,
    filters=_WINDOW,
    problems=(404,),
)
def show_availability_of_equipment(equipment_id: int) -> ResponseReturnValue:
    """Return when it is free, taken and closed; outsiders see no more than that it is taken.

    Of what its host does not let others book they see nothing.
    """
    return _show_availability(resource_of(get_visible_equipment(current_actor(), equipment_id)))


@blueprint.get("/facilities/<int:facility_id>/availability")
@operation(
    summary="When a facility is free",
    tag="bookings",
    schema=AvailabilitySchema,
    filters=_WINDOW,
    problems=(404,),
)
def show_availability_of_facility(facility_id: int) -> ResponseReturnValue:
    """Return when it is free, taken and closed; outsiders see no more than that it is taken.

    Of what its host does not let others book they see nothing.
    """
    return _show_availability(resource_of(get_visible_facility(current_actor(), facility_id)))


@blueprint.get("/equipment/<int:equipment_id>/estimate")
@operation(
    summary="What booking equipment would cost",
    tag="bookings",
    schema=EstimateSchema,
    filters=_USE,
    problems=(403, 404, 409),
)
def show_estimate_of_equipment(equipment_id: int) -> ResponseReturnValue:
    """Return what a booking would cost, line by line, as it is charged unless its use differs.

    `estimate_cents` is null where the host gives no price.
    """
    return _show_estimate(resource_of(get_visible_equipment(current_actor(), equipment_id)))


@blueprint.get("/facilities/<int:facility_id>/estimate")
@operation(
    summary="What booking a facility would cost",
    tag="bookings",
    schema=EstimateSchema,
    filters=_USE,
    problems=(403, 404, 409),
)
def show_estimate_of_facility(facility_id: int) -> ResponseReturnValue:
    """Return what a booking would cost, as of equipment."""
    return _show_estimate(resource_of(get_visible_facility(current_actor(), facility_id)))


@blueprint.post("/equipment/<int:equipment_id>/bookings")
@operation(
    summary="Book equipment",
    tag="bookings",
    schema=BookingSchema,
    form=BookingForm,
    status=201,
    repeats="row",
    scope="bookings:write",
    problems=(409,),
    example=_BOOKING_EXAMPLE,
)
def book_equipment(equipment_id: int) -> ResponseReturnValue:
    """Book it, or ask for it where its host approves; of a recurrence, every occurrence.

    A refusal has `problems`, with 409 where the time is taken, and `suggestions` of what would
    work. The problem of a missing qualification has `ways`: where it is to be had next.
    """
    resource = queries.find_resource(equipment_id=equipment_id)
    return _book(resource or resource_of(get_visible_equipment(current_actor(), equipment_id)))


@blueprint.post("/facilities/<int:facility_id>/bookings")
@operation(
    summary="Book a facility",
    tag="bookings",
    schema=BookingSchema,
    form=BookingForm,
    status=201,
    repeats="row",
    scope="bookings:write",
    problems=(409,),
    example=_BOOKING_EXAMPLE,
)
def book_facility(facility_id: int) -> ResponseReturnValue:
    """Book it as equipment is booked."""
    resource = queries.find_resource(facility_id=facility_id)
    return _book(resource or resource_of(get_visible_facility(current_actor(), facility_id)))


@blueprint.get("/bookings")
@operation(
    summary="List bookings",
    tag="bookings",
    schema=BookingSchema,
    is_list=True,
    filters={
        "status": "requested, approved, declined, cancelled, in_use, completed or no_show.",
        "organization_id": "Bookings by one organization, or of what is its own.",
        "from": "Bookings that begin at this time or later, ISO 8601 with an offset.",
    },
)
def list_bookings() -> ResponseReturnValue:
    """List your bookings and those of your organizations, the earliest first."""
    found = queries.list_bookings(
        current_actor(),
        **page_arguments(),
        status=choice_argument("status", BOOKING_STATUSES),
        organization_id=number_argument("organization_id"),
        starts_from=instant_argument("from"),
    )
    return respond_page(_BOOKING, found)


@blueprint.get("/bookings/<int:booking_id>")
@operation(summary="Read a booking", tag="bookings", schema=BookingSchema, problems=(404,))
def show_booking(booking_id: int) -> ResponseReturnValue:
    """Return a booking to its two sides."""
    return respond(_BOOKING, queries.get_visible_booking(current_actor(), booking_id))


@blueprint.patch("/bookings/<int:booking_id>")
@operation(
    summary="Move a booking, hand it over, or say what it is for and how it is used",
    tag="bookings",
    schema=BookingSchema,
    form=BookingChangeForm,
    is_partial=True,
    scope="bookings:write",
    example={"ends_at": "2027-03-01T12:00:00-05:00", "reason": "The set-up takes longer."},
)
def change_booking(booking_id: int) -> ResponseReturnValue:
    """Move it to another time, give it to a colleague, or plan its use anew, as the rules are now.

    With `scope` "following" or "all", the others of its series go along, all or none.

    With `equipment_id` or `facility_id` it moves to something else. At another host that makes a
    new booking, which is returned, and cancels this one.
    """
    actor = current_actor()
    booking = queries.get_visible_booking(actor, booking_id)
    form = bind_json(
        BookingChangeForm,
        obj=_Present(booking),
    )
    said: dict[str, Any] = {
        "span": read_span(form.starts_at.data, form.ends_at.data),
        "reason": form.reason.data,
        "override_reason": override_reason(form),
        "scope": form.scope.data or "one",
    }
    target = _target(form.equipment_id.data, form.facility_id.data)
    if target is None or target.id == booking.resource_id:
        changed = moving.change_booking(
            actor,
            booking,
            user_id=form.for_user.data,
            purpose=form.purpose.data,
            use=form.use,
            **said,
        )
    elif (form.for_user.data, form.purpose.data, form.use) != (
        booking.user_id,
        booking.purpose,
        booking.use,
    ):
        raise Invalid(None, _("Please say who comes, what for and how in a call of its own."))
    else:
        changed = moving.move_to_resource(
            actor, (booking.resource, target), booking=booking, **said
        )
    return respond(_BOOKING, queries.get_booking(changed.id))


@blueprint.post("/bookings/<int:booking_id>/actions/<action>")
@operation(
    summary="Approve, decline, check in, check out, cancel, or note a no-show",
    tag="bookings",
    schema=BookingSchema,
    form=BookingStepForm,
    scope="bookings:write",
    example={"note": "The spindle is being repaired that day."},
)
def act_on_booking(booking_id: int, action: str) -> ResponseReturnValue:
    """Take a step of the workflow; declining needs a `note`.

    Checking out early gives the rest of the time back; booked time is paid all the same.
    """
    actor = current_actor()
    booking = queries.get_visible_booking(actor, booking_id)
    form = bind_json(BookingStepForm)
    steps.act_on_booking(
        actor,
        booking,
        action,
        note=form.note.data,
        override_reason=override_reason(form),
        scope=form.scope.data or "one",
    )
    return respond(_BOOKING, queries.get_booking(booking_id))


class _Present:
    """What a booking has in the fields of its change."""

    def __init__(self, booking: Any) -> None:
        self.starts_at = booking.starts_at
        self.ends_at = booking.ends_at
        self.for_user = booking.user_id
        self.purpose = booking.purpose
        self.__dict__ |= booking.use


def _target(equipment_id: int | None, facility_id: int | None) -> Any:
    """Return the resource of a record that the actor sees, written if it is not yet, or None."""
    actor = current_actor()
    record: Any = None
    if equipment_id is not None:
        record = get_visible_equipment(actor, equipment_id)
    elif facility_id is not None:
        record = get_visible_facility(actor, facility_id)
    return queries.get_resource(open_resource(actor, record).id) if record is not None else None


def _book(resource: Any) -> ResponseReturnValue:
    actor = current_actor()
    authorize(actor, Permission.BOOKING_CREATE, resource)
    form = bind_json(BookingForm)
    if not is_written(resource):
        resource = open_resource(actor, resource.equipment or resource.facility)
    organization = look_up_organization(actor, form.organization_id.data)
    span = read_span(form.starts_at.data, form.ends_at.data)
    recurrence, key = read_repeating(form), idempotency_key()
    # What stands against somebody else is told only once they are known to be of the organization.
    is_own = form.for_user.data in (None, actor.user_id)
    try:
        if is_own and recurrence is None:
            refuse_what_is_taken(actor, resource, organization=organization, span=span, key=key)
        made = making.create_booking(
            actor,
            own_row(resource),
            organization=own_row(organization),
            span=span,
            user_id=form.for_user.data,
            purpose=form.purpose.data,
            override_reason=override_reason(form),
            recurrence=recurrence,
            on_conflict=form.on_conflict.data or "refuse",
            idempotency_key=key,
            plan=form.plan,
        )
    except Refused as refusal:
        refusal.find_elsewhere = lambda: list_elsewhere(
            actor, resource, span, organization=organization
        )
        refusal.find_ways = ways_finder(actor, resource)
        raise
    return respond_made(made)


def respond_made(made: list[Any]) -> ResponseReturnValue:
    """Answer with the first of what was booked, and the numbers of all where there are several."""
    together = [booking.id for booking in made] if len(made) > 1 else []
    return respond(
        BookingSchema(together=together) if together else _BOOKING,
        made[0],
        status=201,
        location=url_for("bookings_api.show_booking", booking_id=made[0].id),
    )


def _show_estimate(resource: Any) -> ResponseReturnValue:
    actor = current_actor()
    authorize(actor, Permission.BOOKING_CREATE, resource)
    organization = choose_organization(actor, number_argument("organization_id"))
    check_bookable(resource, organization)
    starts_at, ends_at = instant_argument("from"), instant_argument("to")
    if starts_at is None or ends_at is None:
        raise Invalid("from", _("Please say from when until when."))
    lines = price_lines(
        resource,
        read_span(starts_at, ends_at, field="to"),
        organization,
        runs=number_argument("runs") or 0,
        samples=number_argument("samples") or 0,
        with_operator=choice_argument("with_operator", ("true", "false")) == "true",
    )
    total = None if lines is None else total_cents(lines)
    return respond(EstimateSchema(), {"estimate_cents": total, "lines": lines or []})


def _show_availability(resource: Any) -> ResponseReturnValue:
    actor = current_actor()
    starts_at = instant_argument("from") or dt.datetime.now(dt.UTC)
    ends_at = instant_argument("to") or starts_at + dt.timedelta(days=7)
    window = read_span(starts_at, ends_at, field="to")
    if window.ends_at - window.starts_at > dt.timedelta(days=MOST_DAYS):
        raise Invalid("to", _("Please ask for %(most)d days at most.", most=MOST_DAYS))
    number = number_argument("organization_id")
    organization: Any = next(iter(queries.list_bookers(actor, resource.organization_id)), None)
    if number is not None:
        organization = choose_organization(actor, number)
    (found,) = availability(actor, [resource], window, organization=organization)
    is_inside = resource.organization_id in actor.memberships or actor.is_administrator
    if not (resource.is_open or is_inside):
        # When a host uses what it does not share is as little told as on the page of times.
        found = replace(found, free=[], busy=[], closed=())
    return respond(AvailabilitySchema(), found)

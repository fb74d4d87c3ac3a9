"""Several things at once, and whichever of a kind, in the JSON API."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.bookings.api.blueprint import blueprint
from portal.bookings.api.bookings import respond_made
from portal.bookings.api.reading import (
    choose_organization,
    override_reason,
    read_repeating,
    read_span,
)
from portal.bookings.forms.bookings import KindForm, PartyForm
from portal.bookings.policies import Permission
from portal.bookings.queries import bookings as queries
from portal.bookings.queries.free import Moment, list_free
from portal.bookings.queries.needs import ways_finder
from portal.bookings.queries.resources import resource_of
from portal.bookings.queries.timetables import list_along
from portal.bookings.rules.refusal import Refused
from portal.bookings.schemas.bookings import AlongSchema, BookingSchema
from portal.bookings.services import making
from portal.bookings.services.calendar import open_resource
from portal.facilities.queries.records import get_visible_equipment, get_visible_facility
from portal.kernel.api import bind_json, operation, respond
from portal.kernel.authorization import Actor, authorize
from portal.kernel.errors import Invalid
from portal.kernel.idempotency import idempotency_key
from portal.kernel.web.viewer import current_actor
from portal.regions.queries.capabilities import match_capability

#: So many units are tried, one after the other, when one of a kind is booked.
MOST_TRIED = 10
MOST_TOGETHER = 20

_PARTY_EXAMPLE = {
    "equipment_ids": [12],
    "facility_ids": [3],
    "operator_ids": [40],
    "starts_at": "2027-03-01T09:00:00-05:00",
    "ends_at": "2027-03-01T11:00:00-05:00",
    "purpose": "First articles of the new housing.",
    "recurrence": {"frequency": "weekly", "weekdays": [0], "count": 4},
    "on_conflict": "skip",
}
_KIND_EXAMPLE = {
    "capability": "5-axis milling",
    "starts_at": "2027-03-01T09:00:00-05:00",
    "ends_at": "2027-03-01T11:00:00-05:00",
    "purpose": "First articles of the new housing.",
}


@blueprint.get("/equipment/<int:equipment_id>/along")
@operation(
    summary="What can be booked along with equipment",
    tag="bookings",
    schema=AlongSchema,
    problems=(404,),
)
def list_along_with_equipment(equipment_id: int) -> ResponseReturnValue:
    """List the facility with the equipment in it, and the operators of its host."""
    return _list_along(get_visible_equipment(current_actor(), equipment_id))


@blueprint.get("/facilities/<int:facility_id>/along")
@operation(
    summary="What can be booked along with a facility",
    tag="bookings",
    schema=AlongSchema,
    problems=(404,),
)
def list_along_with_facility(facility_id: int) -> ResponseReturnValue:
    """List the equipment in it, and the operators of its host."""
    return _list_along(get_visible_facility(current_actor(), facility_id))


def _list_along(record: Any) -> ResponseReturnValue:
    actor = current_actor()
    authorize(actor, Permission.BOOKING_CREATE, resource := resource_of(record))
    return respond(AlongSchema(), {"items": list_along(actor, resource)})


@blueprint.post("/bookings")
@operation(
    summary="Book several things at once",
    tag="bookings",
    schema=BookingSchema,
    form=PartyForm,
    status=201,
    repeats="row",
    scope="bookings:write",
    problems=(404, 409),
    example=_PARTY_EXAMPLE,
)
def book_together() -> ResponseReturnValue:
    """Book equipment, facilities and operators for one time, all or none.

    Of a recurrence, each occurrence is booked whole, or with `on_conflict` "skip" left out as a
    whole. Runs, samples and an operator are planned for the first of them. `together` has the
    numbers of all that was booked. The problem of a missing
    qualification has `ways`: where it is to be had next.
    """
    actor = current_actor()
    authorize(actor, Permission.BOOKING_VIEW_OWN)
    form = bind_json(PartyForm)
    organization = choose_organization(actor, form.organization_id.data)
    records: list[Any] = [
        *(get_visible_equipment(actor, number) for number in form.numbers("equipment_ids")),
        *(get_visible_facility(actor, number) for number in form.numbers("facility_ids")),
    ]
    numbers = [open_resource(actor, record).id for record in records]
    numbers += form.numbers("operator_ids")
    if not 0 < len(numbers) <= MOST_TOGETHER:
        raise Invalid(
            "equipment_ids", _("Please name 1 to %(most)d things to book.", most=MOST_TOGETHER)
        )
    with _telling_ways(actor):
        made = making.create_party(
            actor,
            tuple(queries.get_resource(number) for number in numbers),
            organization=organization,
            span=read_span(form.starts_at.data, form.ends_at.data),
            user_id=form.for_user.data,
            purpose=form.purpose.data,
            override_reason=override_reason(form),
            recurrence=read_repeating(form),
            on_conflict=form.on_conflict.data or "refuse",
            idempotency_key=idempotency_key(),
            plan=form.plan,
        )
    return respond_made(made)


@blueprint.post("/bookings/of-kind")
@operation(
    summary="Book whichever of a kind is free",
    tag="bookings",
    schema=BookingSchema,
    form=KindForm,
    status=201,
    repeats="row",
    scope="bookings:write",
    problems=(409,),
    example=_KIND_EXAMPLE,
)
def book_of_kind() -> ResponseReturnValue:
    """Book the nearest equipment with a capability that is free and whose rules are kept.

    `capability` is one of the thesaurus, by its key or by a name; narrower ones count as well.
    """
    actor = current_actor()
    authorize(actor, Permission.BOOKING_VIEW_OWN)
    form = bind_json(KindForm)
    organization = choose_organization(actor, form.organization_id.data)
    span = read_span(form.starts_at.data, form.ends_at.data)
    capability = match_capability(form.capability.data)
    if capability is None:
        raise Invalid("capability", _("No capability has this name. Please choose another word."))
    found = list_free(
        actor,
        Moment(span),
        capability=capability,
        organization=organization,
        kinds=["equipment"],
    )
    resources = [open_resource(actor, one.record).id for one in found[:MOST_TRIED]]
    with _telling_ways(actor):
        made = making.create_booking_of_kind(
            actor,
            tuple(queries.get_resource(number) for number in resources),
            kind=capability,
            organization=organization,
            span=span,
            user_id=form.for_user.data,
            purpose=form.purpose.data,
            idempotency_key=idempotency_key(),
        )
    return respond_made(made)


@contextmanager
def _telling_ways(actor: Actor) -> Iterator[None]:
    """Let a refusal say where one learns what a resource wants."""
    try:
        yield
    except Refused as refusal:
        refusal.find_ways = ways_finder(actor)
        raise

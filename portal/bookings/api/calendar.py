"""Booking rules in the JSON API, over the same forms and commands as the pages."""

from collections.abc import Mapping
from typing import Any

from flask.typing import ResponseReturnValue

from portal.bookings.api.blueprint import blueprint
from portal.bookings.forms.calendar import RulesBodyForm
from portal.bookings.policies import Permission
from portal.bookings.queries import hosts
from portal.bookings.queries.resources import resource_of
from portal.bookings.schemas.calendar import BookingRulesSchema
from portal.bookings.services import calendar as services
from portal.facilities.queries.records import get_visible_equipment
from portal.facilities.rules import CUSTOMER_CLASSES
from portal.kernel.api import InvalidForm, operation, read_json, respond
from portal.kernel.authorization import authorize
from portal.kernel.web.arguments import choice_argument
from portal.kernel.web.viewer import current_actor

_EXAMPLE: Mapping[str, Any] = {
    "slot_minutes": 30,
    "min_length_minutes": 60,
    "max_length_minutes": 480,
    "lead_time_minutes": 1440,
    "horizon_days": 90,
    "cancel_notice_minutes": 1440,
    "turnaround_minutes": 15,
    "approval": "host",
    "needs_qualification": True,
    "needs_insurance": None,
    "is_bookable": True,
    "hours": [
        {"weekday": "0", "opens": "08:00", "closes": "12:00"},
        {"weekday": "0", "opens": "13:00", "closes": "17:00"},
    ],
    "quotas": [{"shared_by": "person", "period": "week", "most_minutes": 480}],
}


@blueprint.get("/equipment/<int:equipment_id>/booking-rules")
@operation(
    summary="Read the booking rules of equipment",
    tag="bookings",
    schema=BookingRulesSchema,
    filters={
        "customer_class": (
            "Whose rules: own_organization, member_sme, academic or other;"
            " those for everybody, if it is not given."
        )
    },
    problems=(404,),
)
def show_booking_rules(equipment_id: int) -> ResponseReturnValue:
    """Return what holds, everything inherited, and in `own` and `layers` who says what."""
    equipment = get_visible_equipment(current_actor(), equipment_id)
    return _respond(equipment, choice_argument("customer_class", CUSTOMER_CLASSES))


@blueprint.put("/equipment/<int:equipment_id>/booking-rules")
@operation(
    summary="Change the booking rules of equipment",
    tag="bookings",
    schema=BookingRulesSchema,
    form=RulesBodyForm,
    scope="bookings:write",
    example=_EXAMPLE,
)
def change_booking_rules(equipment_id: int) -> ResponseReturnValue:
    """Write what the equipment itself says to one customer class, or without one to everybody.

    null: nothing is said here any more, so that it is inherited. What is not given stays as it is;
    `hours` and `quotas` are given as a whole.
    """
    equipment = get_visible_equipment(current_actor(), equipment_id)
    authorize(current_actor(), Permission.CALENDAR_EDIT, resource_of(equipment))
    body = read_json()
    form = RulesBodyForm.from_json(body)
    if not form.validate():
        raise InvalidForm(form.errors_by_name)
    said = form.said()
    given = {name: said[name] for name in body}
    customer_class = given.pop("customer_class", None) or ""
    if given.get("eligible_regions"):
        given["is_regional"] = said["is_regional"]
    parts = {name: given.pop(name) for name in _PARTS if name in given}
    services.write_calendar(
        current_actor(),
        services.open_resource(current_actor(), equipment),
        customer_class=customer_class,
        rules=given,
        **parts,
    )
    return _respond(get_visible_equipment(current_actor(), equipment_id), customer_class)


#: What the body has beside the rules themselves.
_PARTS = ("hours", "time_zone", "quotas", "is_bookable")


def _respond(equipment: Any, customer_class: str) -> ResponseReturnValue:
    return respond(BookingRulesSchema(), hosts.booking_rules(equipment, customer_class))

"""The shape in which bookings and availability leave: JSON of the API."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from marshmallow import Schema, fields

from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Resource


class SpanSchema(Schema):
    """A time, half-open: it ends just before `ends_at`."""

    starts_at = fields.AwareDateTime(format="iso")
    ends_at = fields.AwareDateTime(format="iso")


class OverrideSchema(Schema):
    """A rule that a host set aside, and why."""

    code = fields.String()
    message = fields.String()
    reason = fields.String()
    overridden_by_id = fields.Integer(allow_none=True)


class MoveSchema(Schema):
    """When, of what and for whom a booking was before it changed.

    What it was of stays null where it was at another host.
    """

    was_equipment_id = fields.Integer(allow_none=True)
    was_facility_id = fields.Integer(allow_none=True)
    was_from = fields.AwareDateTime(format="iso")
    was_until = fields.AwareDateTime(format="iso")
    was_user_id = fields.Integer(allow_none=True)
    moved_by_id = fields.Integer(allow_none=True)
    moved_at = fields.AwareDateTime(format="iso")
    reason = fields.String()


def _moves_of(row: Booking) -> list[dict[str, Any]]:
    names = ("was_from", "was_until", "was_user_id", "moved_by_id", "moved_at", "reason")
    found = []
    for move in row.moves:
        values = {name: getattr(move, name) for name in names}
        was = move.was_resource
        if was.organization_id == row.host_organization_id:
            values |= {"was_equipment_id": was.equipment_id, "was_facility_id": was.facility_id}
        else:
            values |= {"was_equipment_id": None, "was_facility_id": None}
        found.append(values)
    return found


_COMPUTED: Mapping[str, Callable[[Booking], Any]] = {
    "url": lambda row: f"/bookings/{row.id}",
    "kind": lambda row: row.resource.kind,
    "name": lambda row: row.resource.name,
    "equipment_id": lambda row: row.resource.equipment_id,
    "facility_id": lambda row: row.resource.facility_id,
    "organization": lambda row: row.organization.name,
}


class BookingSchema(Schema):
    """A booking, as the people of its two sides see it.

    together: the ids of what one call made, where it made several.
    """

    id = fields.Integer()
    url = fields.String()
    kind = fields.String()
    name = fields.String()
    equipment_id = fields.Integer(allow_none=True)
    facility_id = fields.Integer(allow_none=True)
    host_organization_id = fields.Integer()
    organization_id = fields.Integer()
    organization = fields.String()
    user_id = fields.Integer(allow_none=True)
    booked_by_id = fields.Integer(allow_none=True)
    starts_at = fields.AwareDateTime(format="iso")
    ends_at = fields.AwareDateTime(format="iso")
    status = fields.String()
    purpose = fields.String()
    customer_class = fields.String()
    runs = fields.Integer()
    samples = fields.Integer()
    with_operator = fields.Boolean()
    estimate_cents = fields.Integer(allow_none=True)
    sequence = fields.Integer()
    series_id = fields.Integer(allow_none=True)
    party = fields.String(allow_none=True)
    together = fields.List(fields.Integer())
    is_cancelled_late = fields.Boolean()
    used_from = fields.AwareDateTime(format="iso", allow_none=True)
    used_until = fields.AwareDateTime(format="iso", allow_none=True)
    overrides = fields.List(fields.Nested(OverrideSchema))
    moves = fields.List(fields.Nested(MoveSchema))
    is_demo = fields.Boolean()
    created_at = fields.AwareDateTime(format="iso")
    updated_at = fields.AwareDateTime(format="iso")

    def __init__(self, *, together: list[int] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._together = together or []

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """Write bookings out; to ask each field how it is written takes four times as long."""
        return [self._written(row) for row in obj] if many else self._written(obj)

    def _written(self, row: Booking) -> dict[str, Any]:
        known = row.__dict__
        written = {
            name: known[name] if name in known else getattr(row, name) for name in _columns()
        }
        for name in _INSTANTS:
            if written[name] is not None:
                written[name] = written[name].isoformat()
        for name, compute in _COMPUTED.items():
            written[name] = compute(row)
        written["together"] = self._together
        written["overrides"] = row.overrides and _OVERRIDE.dump(row.overrides, many=True)
        written["moves"] = row.moves and _MOVE.dump(_moves_of(row), many=True)
        return written


_OVERRIDE, _MOVE = OverrideSchema(), MoveSchema()
_INSTANTS = ("starts_at", "ends_at", "used_from", "used_until", "created_at", "updated_at")


@cache
def _columns() -> list[str]:
    """Return what is written as the row has it, or as an instant."""
    others = {*_COMPUTED, "together", "overrides", "moves"}
    return [name for name in BookingSchema().dump_fields if name not in others]


class WaitingSchema(SpanSchema):
    """A time that somebody waits for; offered_until: until when it is kept, once it is free."""

    id = fields.Integer()
    kind = fields.String(attribute="resource.kind")
    name = fields.String(attribute="resource.name")
    equipment_id = fields.Integer(attribute="resource.equipment_id", allow_none=True)
    facility_id = fields.Integer(attribute="resource.facility_id", allow_none=True)
    organization_id = fields.Integer()
    purpose = fields.String()
    status = fields.String()
    offered_until = fields.AwareDateTime(format="iso", allow_none=True)
    created_at = fields.AwareDateTime(format="iso")


class AlongItemSchema(Schema):
    """Something that can be booked along; of an operator, operator_id is what books it."""

    kind = fields.String()
    name = fields.String()
    equipment_id = fields.Integer(allow_none=True)
    facility_id = fields.Integer(allow_none=True)
    operator_id = fields.Method("_operator_id", allow_none=True)

    def _operator_id(self, row: Resource) -> int | None:
        return row.id if row.kind == "operator" else None


class AlongSchema(Schema):
    """All that can be booked along with something."""

    items = fields.List(fields.Nested(AlongItemSchema))


class BusySchema(SpanSchema):
    """A time that is taken; what takes it is null for those who may not see it."""

    booking_id = fields.Integer(allow_none=True)
    status = fields.String(allow_none=True)
    organization = fields.String(allow_none=True)
    purpose = fields.String(allow_none=True)


class ClosedSchema(Schema):
    """A time that is closed: closure, blocking or outage; because_of: what it depends on."""

    starts_at = fields.AwareDateTime(format="iso", attribute="span.starts_at")
    ends_at = fields.AwareDateTime(format="iso", attribute="span.ends_at")
    kind = fields.String()
    reason = fields.String()
    because_of = fields.String()


class EstimateLineSchema(Schema):
    """A part of what a booking would cost; quantity_thousandths is in thousandths of the unit."""

    kind = fields.String()
    unit = fields.String()
    quantity_thousandths = fields.Integer()
    unit_cents = fields.Integer()
    amount_cents = fields.Integer()


class EstimateSchema(Schema):
    """What a booking would cost, in cents of the U.S. dollar."""

    estimate_cents = fields.Integer(allow_none=True)
    lines = fields.List(fields.Nested(EstimateLineSchema))


class AvailabilitySchema(Schema):
    """When a resource is free, taken and closed within a window."""

    time_zone = fields.String()
    free = fields.List(fields.Nested(SpanSchema))
    busy = fields.List(fields.Nested(BusySchema))
    closed = fields.List(fields.Nested(ClosedSchema))

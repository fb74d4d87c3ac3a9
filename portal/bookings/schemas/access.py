"""The shape in which qualifications leave: JSON of the API."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, fields

from portal.bookings.models.access import Qualification

_COMPUTED: Mapping[str, Callable[[Qualification], Any]] = {
    "url": lambda row: f"/qualifications/{row.id}",
    "host": lambda row: row.host.name,
    "person": lambda row: row.user.name,
    "equipment": lambda row: row.equipment.name if row.equipment else None,
    "capability": lambda row: row.capability_key,
}


class QualificationSchema(Schema):
    """A person's right to operate one piece of equipment, or all that carries a capability.

    ends_on: the last day on which it is good, by expiry or by disuse, null for ever.
    """

    id = fields.Integer()
    url = fields.String()
    host_organization_id = fields.Integer()
    host = fields.String()
    user_id = fields.Integer()
    person = fields.String()
    equipment_id = fields.Integer(allow_none=True)
    equipment = fields.String(allow_none=True)
    capability = fields.String(allow_none=True)
    status = fields.String()
    granted_on = fields.Date()
    expires_on = fields.Date(allow_none=True)
    lapses_after_days = fields.Integer(allow_none=True)
    last_used_at = fields.AwareDateTime(format="iso", allow_none=True)
    ends_on = fields.Date(allow_none=True)
    evidence = fields.String()

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Fill in what is no column."""
        if attr in _COMPUTED:
            return _COMPUTED[attr](obj)
        return super().get_attribute(obj, attr, default)

"""The shape in which qualifications leave: JSON of the API."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, fields

from portal.bookings.models.access import Qualification, Recognition

_COMPUTED: Mapping[str, Callable[[Qualification], Any]] = {
    "url": lambda row: f"/qualifications/{row.id}",
    "host": lambda row: row.host.name,
    "person": lambda row: row.user.name,
    "equipment": lambda row: row.equipment.name if row.equipment else None,
    "capability": lambda row: row.capability_key,
}


def _name_of(relation: str) -> Callable[[Recognition], str | None]:
    return lambda row: getattr(getattr(row, relation), "name", None)


class QualificationSchema(Schema):
    """A person's right to operate one piece of equipment, or all that carries a capability.

    Without either it is for all that the host has. ends_on: the last day on which it is good, by
    expiry or by disuse, null for ever. certificate: the page of the certificate that granted it.
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
    certificate = fields.String(attribute="certificate_path")

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Fill in what is no column."""
        if attr in _COMPUTED:
            return _COMPUTED[attr](obj)
        return super().get_attribute(obj, attr, default)


class RecognitionSchema(Schema):
    """Whose word a host takes: that of another host, or a credential; for a capability, or all.

    provider_ids: whose certificates of the credential count alone; null: those of every provider
    that a broker has verified.
    """

    id = fields.Integer()
    host_organization_id = fields.Integer()
    organization_id = fields.Integer(attribute="recognized_organization_id", allow_none=True)
    organization = fields.Function(_name_of("recognized_organization"))
    credential_id = fields.Integer(allow_none=True)
    credential = fields.Function(_name_of("credential"))
    provider_ids = fields.Function(
        lambda row: (
            [provider.id for provider in row.providers] if row.is_by_named_providers else None
        )
    )
    capability = fields.String(attribute="capability_key", allow_none=True)
    status = fields.String()
    created_at = fields.AwareDateTime(format="iso")

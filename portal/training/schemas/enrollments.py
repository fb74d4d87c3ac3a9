"""The shape in which enrollments and certificates leave: JSON of the API."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, fields

from portal.kernel.authorization import Actor
from portal.training.models.enrollments import Enrollment
from portal.training.queries.enrollments import sees_grade
from portal.training.rules.enrollments import ENROLLMENT_ADDRESS

_COMPUTED: Mapping[str, Callable[[Enrollment], Any]] = {
    "url": lambda row: ENROLLMENT_ADDRESS % row.id,
    "program": lambda row: row.section.program.title,
    "program_id": lambda row: row.section.program_id,
    "starts_on": lambda row: row.section.starts_on.isoformat(),
    "ends_on": lambda row: row.section.ends_on.isoformat(),
    "provider": lambda row: row.provider.name,
    "organization": lambda row: row.organization.name if row.organization else None,
}


class EnrollmentSchema(Schema):
    """An enrollment as the actor may see it: the grade is for the person and the provider.

    together: the ids of what one call made, where it made several.
    """

    id = fields.Integer()
    url = fields.String()
    section_id = fields.Integer()
    program_id = fields.Integer()
    program = fields.String()
    provider_organization_id = fields.Integer()
    provider = fields.String()
    starts_on = fields.String()
    ends_on = fields.String()
    organization_id = fields.Integer(allow_none=True)
    organization = fields.String(allow_none=True)
    user_id = fields.Integer(allow_none=True)
    name = fields.String()
    email = fields.String()
    status = fields.String()
    seat = fields.Integer(allow_none=True)
    customer_class = fields.String()
    price_cents = fields.Integer(allow_none=True)
    answer_by = fields.AwareDateTime(format="iso", allow_none=True)
    free_until = fields.Date()
    grade = fields.String(allow_none=True)
    finished_on = fields.Date(allow_none=True)
    is_withdrawn_late = fields.Boolean()
    together = fields.List(fields.Integer())
    created_at = fields.AwareDateTime(format="iso")
    updated_at = fields.AwareDateTime(format="iso")

    def __init__(
        self, *, actor: Actor | None = None, together: list[int] | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self._actor = actor
        self._together = together or []

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Fill in what is no column, and leave out what is not for the actor."""
        if attr == "together":
            return self._together
        if attr == "grade" and (self._actor is None or not sees_grade(self._actor, obj)):
            return None
        if attr in _COMPUTED:
            return _COMPUTED[attr](obj)
        return super().get_attribute(obj, attr, default)


class CertificateSchema(Schema):
    """What anybody who has the number of a certificate is told."""

    number = fields.String()
    state = fields.String()
    holder_name = fields.String()
    title = fields.String()
    issuer_name = fields.String()
    is_issuer_verified = fields.Boolean()
    issued_on = fields.Date()
    expires_on = fields.Date(allow_none=True)

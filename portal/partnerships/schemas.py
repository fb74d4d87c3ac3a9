"""The shape in which requests and responses leave: JSON of the API, linked data of schema.org.

Of an anonymous request, outsiders get what `rules.SHOWN_ANONYMOUSLY` names; the rest is null.
"""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, fields

from portal.kernel.authorization import Actor, can
from portal.partnerships.models import Request, Response
from portal.partnerships.policies import Permission
from portal.partnerships.queries.quality import Quality
from portal.partnerships.queries.requests import card_of, point_of, sees_identity, shown_subject
from portal.partnerships.queries.responses import find_contacts
from portal.partnerships.rules.publishing import SHOWN_ANONYMOUSLY


class AttachmentSchema(Schema):
    """A file that belongs to a request."""

    id = fields.Integer()
    url = fields.String()
    title = fields.String()


def _attachments(row: Request) -> list[dict[str, Any]]:
    return [
        {
            "id": attachment.id,
            "url": f"/requests/{row.id}/attachments/{attachment.id}",
            "title": attachment.title or attachment.file.original_name,
        }
        for attachment in row.attachments
    ]


_COMPUTED: Mapping[str, Callable[[Request], Any]] = {
    "url": lambda row: f"/requests/{row.id}",
    "organization": lambda row: row.organization.name,
    "county": lambda row: row.county.label if row.county else None,
    "capabilities": lambda row: [item.key for item in row.capabilities],
    "attachments": _attachments,
    "confirmed_by": lambda row: row.confirmed_by.name if row.confirmed_by else None,
}


class RequestSchema(Schema):
    """A request. What an anonymous one keeps from outsiders is null for them, and so is equipment
    or a facility that they may not see."""

    id = fields.Integer()
    url = fields.String()
    organization_id = fields.Integer(allow_none=True)
    organization = fields.String(allow_none=True)
    kind = fields.String()
    direction = fields.String()
    status = fields.String()
    title = fields.String()
    summary = fields.String(allow_none=True)
    description = fields.String(allow_none=True)
    capabilities = fields.List(fields.String())
    equipment_id = fields.Integer(allow_none=True)
    facility_id = fields.Integer(allow_none=True)
    zip_code = fields.String(allow_none=True)
    county_fips = fields.String(allow_none=True)
    county = fields.String(allow_none=True)
    latitude = fields.Float(allow_none=True)
    longitude = fields.Float(allow_none=True)
    radius_miles = fields.Integer(allow_none=True)
    wanted_by = fields.Date(allow_none=True)
    expires_on = fields.Date()
    published_at = fields.AwareDateTime(format="iso", allow_none=True)
    renewals = fields.Integer()
    visibility = fields.String()
    is_urgent = fields.Boolean()
    is_on_behalf = fields.Boolean(allow_none=True)
    is_anonymous = fields.Boolean()
    anonymous_summary = fields.String()
    expertise_sought = fields.String(allow_none=True)
    advantages = fields.String(allow_none=True)
    innovations = fields.String(allow_none=True)
    trl = fields.Integer(allow_none=True)
    ip_status = fields.String()
    partner_kinds = fields.List(fields.String())
    partner_sizes = fields.List(fields.String())
    agreement_kind = fields.String()
    budget_cents = fields.Integer(allow_none=True)
    call_name = fields.String(allow_none=True)
    call_deadline = fields.Date(allow_none=True)
    coordinator_wanted = fields.Boolean()
    duration_months = fields.Integer(allow_none=True)
    attachments = fields.List(fields.Nested(AttachmentSchema), allow_none=True)
    is_demo = fields.Boolean()
    confirmed_at = fields.AwareDateTime(format="iso", allow_none=True)
    confirmed_by = fields.String(allow_none=True)
    created_at = fields.AwareDateTime(format="iso")
    updated_at = fields.AwareDateTime(format="iso")

    def __init__(self, *, actor: Actor | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._actor = actor or Actor()

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Leave out what the reader does not get, and fill in what is no column."""
        if attr in ("latitude", "longitude"):
            point = point_of(self._actor, obj)
            return point[0 if attr == "latitude" else 1] if point else None
        if attr in ("equipment_id", "facility_id"):
            return getattr(obj, attr) if shown_subject(self._actor, obj) else None
        if attr not in SHOWN_ANONYMOUSLY and not sees_identity(self._actor, obj):
            return None
        if attr in _COMPUTED:
            return _COMPUTED[attr](obj)
        return super().get_attribute(obj, attr, default)


def request_linked_data(actor: Actor, row: Request, *, root: str) -> dict[str, Any]:
    """Return a request as the actor may see it: a schema.org Demand, or an Offer.

    root: the portal's public address. Whose it is stands there unless it is anonymous.
    """
    card = card_of(actor, row)
    sought = "seeks" if row.direction == "need" else "makesOffer"
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Demand" if row.direction == "need" else "Offer",
        "@id": root + card.url,
        "url": root + card.url,
        "name": card.title,
        "description": card.summary,
        "validFrom": row.published_at.date().isoformat() if row.published_at else None,
        "validThrough": row.expires_on.isoformat(),
        "areaServed": card.place and {"@type": "AdministrativeArea", "name": card.place},
        "itemOffered": {
            "@type": "Service",
            "name": card.title,
            "serviceType": [item.label for item in row.capabilities],
        },
        "@reverse": card.organization
        and {
            sought: {
                "@type": "Organization",
                "@id": f"{root}/organizations/{row.organization_id}",
                "name": card.organization,
            }
        },
    }
    return {name: value for name, value in data.items() if value}


class RemarkSchema(Schema):
    """Something that a request lacks, or could say better."""

    field = fields.String()
    message = fields.String()


class ExampleSchema(Schema):
    """A similar request that found a partner."""

    title = fields.String()
    url = fields.String()
    summary = fields.String()


class QualitySchema(Schema):
    """How ready a request is for its readers, of 100. Nothing here keeps it from being published
    but what is missing."""

    score = fields.Integer()
    missing = fields.List(fields.Nested(RemarkSchema))
    vague = fields.List(fields.Nested(RemarkSchema))
    unsaid = fields.List(fields.Nested(RemarkSchema))
    examples = fields.List(fields.Nested(ExampleSchema))

    def get_attribute(self, obj: Quality, attr: str, default: Any) -> Any:
        """Give each remark as an object."""
        if attr == "examples":
            return obj.examples
        found = getattr(obj.assessment, attr)
        if attr == "score":
            return found
        return [{"field": field, "message": message} for field, message in found]


class ClosingSchema(Schema):
    """What came of a request."""

    request_id = fields.Integer()
    result = fields.String()
    response_id = fields.Integer(allow_none=True)
    note = fields.String()
    told_at = fields.AwareDateTime(format="iso")


class MandateSchema(Schema):
    """The question to a firm whether a request may be posted for it."""

    id = fields.Integer()
    request_id = fields.Integer()
    email = fields.String()
    language = fields.String()
    status = fields.String()
    expires_at = fields.AwareDateTime(format="iso")


class PersonSchema(Schema):
    """A person or desk to turn to."""

    name = fields.String()
    role = fields.String()
    email = fields.String()
    phone = fields.String()


class SideSchema(Schema):
    """How to reach one of the two sides."""

    organization_id = fields.Integer()
    name = fields.String()
    phone = fields.String()
    email = fields.String()
    people = fields.List(fields.Nested(PersonSchema))


class ResponseSchema(Schema):
    """A response, as one of its two sides sees it.

    request_organization is null for the responder to an anonymous request, and contacts is null
    for everybody, until the response is accepted.
    """

    id = fields.Integer()
    url = fields.String()
    request_id = fields.Integer()
    request_title = fields.String()
    request_organization = fields.String(allow_none=True)
    organization_id = fields.Integer()
    organization = fields.String()
    message = fields.String()
    status = fields.String()
    decision_note = fields.String()
    decided_at = fields.AwareDateTime(format="iso", allow_none=True)
    created_at = fields.AwareDateTime(format="iso")
    contacts = fields.List(fields.Nested(SideSchema), allow_none=True)

    def __init__(self, *, actor: Actor | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._actor = actor or Actor()

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Leave out what the reader does not get, and fill in what is no column."""
        computed: Mapping[str, Callable[[Response], Any]] = {
            "url": lambda row: f"/responses/{row.id}",
            "request_title": lambda row: row.request.title,
            "request_organization": self._request_organization,
            "organization": lambda row: row.organization.name,
            "contacts": lambda row: find_contacts(self._actor, row),
        }
        if attr in computed:
            return computed[attr](obj)
        return super().get_attribute(obj, attr, default)

    def _request_organization(self, row: Response) -> str | None:
        is_shown = can(self._actor, Permission.RESPONSE_VIEW_IDENTITY, row)
        return row.request.organization.name if is_shown else None

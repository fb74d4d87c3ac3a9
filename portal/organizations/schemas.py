"""The shape in which organizations leave: JSON of the API, and linked data of schema.org."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, fields

from portal.organizations.models import Organization
from portal.organizations.rules import hidden_fields


class CertificationSchema(Schema):
    """A certificate, and the day until which it holds."""

    name = fields.String()
    expires_on = fields.String(allow_none=True)


class ContactSchema(Schema):
    """A person or desk to turn to."""

    name = fields.String()
    role = fields.String()
    email = fields.String()
    phone = fields.String()


_COMPUTED: Mapping[str, Callable[[Organization], Any]] = {
    "url": lambda row: f"/organizations/{row.id}",
    "logo_url": lambda row: f"/organizations/{row.id}/logo" if row.logo_id else None,
    "county": lambda row: row.county.label if row.county else None,
    "capabilities": lambda row: [item.key for item in row.capabilities],
    "confirmed_by": lambda row: row.confirmed_by.name if row.confirmed_by else None,
    "verified_by": lambda row: row.verified_by.name if row.verified_by else None,
}


class OrganizationSchema(Schema):
    """An organization's profile. What it shows to members only is null for everybody else."""

    id = fields.Integer()
    url = fields.String()
    name = fields.String()
    other_names = fields.List(fields.String())
    kind = fields.String()
    summary = fields.String()
    description = fields.String()
    website = fields.String()
    phone = fields.String(allow_none=True)
    email = fields.String(allow_none=True)
    street = fields.String(allow_none=True)
    city = fields.String()
    state = fields.String()
    zip_code = fields.String()
    country = fields.String()
    county_fips = fields.String(allow_none=True)
    county = fields.String(allow_none=True)
    latitude = fields.Float(allow_none=True)
    longitude = fields.Float(allow_none=True)
    employee_band = fields.String(allow_none=True)
    naics_codes = fields.List(fields.String())
    capabilities = fields.List(fields.String())
    certifications = fields.List(fields.Nested(CertificationSchema))
    ownership = fields.List(fields.String())
    uei = fields.String(allow_none=True)
    ror = fields.String(allow_none=True)
    cage = fields.String(allow_none=True)
    ipeds_id = fields.String(allow_none=True)
    members_only_fields = fields.List(fields.String())
    contacts = fields.List(fields.Nested(ContactSchema), allow_none=True)
    logo_url = fields.String(allow_none=True)
    source = fields.String()
    is_demo = fields.Boolean()
    status = fields.String()
    confirmed_at = fields.AwareDateTime(format="iso", allow_none=True)
    confirmed_by = fields.String(allow_none=True)
    verified_at = fields.AwareDateTime(format="iso", allow_none=True)
    verified_by = fields.String(allow_none=True)
    created_at = fields.AwareDateTime(format="iso")
    updated_at = fields.AwareDateTime(format="iso")

    def __init__(self, *, sees_members_fields: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._sees_members_fields = sees_members_fields

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Leave out what the reader does not get, and fill in what is no column."""
        if attr in hidden_fields(
            obj.members_only_fields, sees_members_fields=self._sees_members_fields
        ):
            return None
        if attr in ("latitude", "longitude") and not self._sees_members_fields:
            return obj.shown_point[0 if attr == "latitude" else 1] if obj.shown_point else None
        if attr in _COMPUTED:
            return _COMPUTED[attr](obj)
        return super().get_attribute(obj, attr, default)


_SCHEMA_ORG_TYPES = {
    "university": "CollegeOrUniversity",
    "community_college": "CollegeOrUniversity",
    "research_lab": "ResearchOrganization",
    "government_agency": "GovernmentOrganization",
    "sme": "Corporation",
    "large_firm": "Corporation",
    "labor_union": "WorkersUnion",
}


def linked_data(
    organization: Organization, *, url: str, logo_url: str | None, sees_members_fields: bool
) -> dict[str, Any]:
    """Return an organization as JSON-LD in the words of schema.org; empty values are left out."""
    profile = OrganizationSchema(sees_members_fields=sees_members_fields).dump(organization)
    address = {
        "streetAddress": profile["street"],
        "addressLocality": profile["city"],
        "addressRegion": profile["state"],
        "postalCode": profile["zip_code"],
        "addressCountry": profile["country"],
    }
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": _SCHEMA_ORG_TYPES.get(organization.kind, "Organization"),
        "@id": url,
        "url": profile["website"] or url,
        "name": profile["name"],
        "alternateName": profile["other_names"],
        "description": profile["summary"],
        "telephone": profile["phone"],
        "email": profile["email"],
        "logo": logo_url,
        "address": {
            "@type": "PostalAddress",
            **{name: value for name, value in address.items() if value},
        },
        "naics": " ".join(profile["naics_codes"]),
        "knowsAbout": [capability.label for capability in organization.capabilities],
        "hasCredential": [
            {"@type": "EducationalOccupationalCredential", "name": item["name"]}
            for item in profile["certifications"]
        ],
        "sameAs": f"https://ror.org/{profile['ror']}" if profile["ror"] else None,
    }
    if profile["latitude"] is not None:
        data["location"] = {
            "@type": "Place",
            "geo": {
                "@type": "GeoCoordinates",
                "latitude": profile["latitude"],
                "longitude": profile["longitude"],
            },
        }
    return {name: value for name, value in data.items() if value}

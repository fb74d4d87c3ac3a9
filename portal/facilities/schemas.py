"""The shape in which facilities and equipment leave: JSON of the API, linked data of schema.org."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, fields

from portal.facilities.models import Equipment, Facility
from portal.facilities.queries.records import county_label_of, kind_of, place_of_record
from portal.facilities.rules import ADDRESSES, Place


class HoursSchema(Schema):
    """A span of opening hours; weekday 0 is Monday, times are local."""

    weekday = fields.Integer()
    opens = fields.String()
    closes = fields.String()


class SpecificationSchema(Schema):
    """A figure of a machine."""

    name = fields.String()
    value = fields.String()
    unit = fields.String()


class RateSchema(Schema):
    """A price in cents for a class of customers and a unit of use."""

    customer_class = fields.String()
    unit = fields.String()
    price_cents = fields.Integer()


class PhotoSchema(Schema):
    """A photo and what it shows."""

    id = fields.Integer()
    url = fields.String()
    caption = fields.String()


class DocumentSchema(Schema):
    """A document to download."""

    id = fields.Integer()
    url = fields.String()
    title = fields.String()


def _address(row: Facility | Equipment) -> str:
    return ADDRESSES[kind_of(row)] % row.id


def _photos(row: Facility | Equipment) -> list[dict[str, Any]]:
    return [
        {"id": photo.id, "url": f"{_address(row)}/photos/{photo.id}", "caption": photo.caption}
        for photo in row.photos
    ]


def _documents(row: Equipment) -> list[dict[str, Any]]:
    return [
        {
            "id": document.id,
            "url": f"{_address(row)}/documents/{document.id}",
            "title": document.title or document.file.original_name,
        }
        for document in row.documents
    ]


_COMPUTED: Mapping[str, Callable[[Any], Any]] = {
    "url": _address,
    "organization": lambda row: row.organization.name,
    "county": county_label_of,
    "capabilities": lambda row: [item.key for item in row.capabilities],
    "photos": _photos,
    "documents": _documents,
    "confirmed_by": lambda row: row.confirmed_by.name if row.confirmed_by else None,
}
_PLACE = ("street", "city", "state", "zip_code", "county_fips", "latitude", "longitude")


class _RecordSchema(Schema):
    """What both have. The place is the one that counts: own, facility's or organization's."""

    id = fields.Integer()
    url = fields.String()
    organization_id = fields.Integer()
    organization = fields.String()
    name = fields.String()
    summary = fields.String()
    description = fields.String()
    capabilities = fields.List(fields.String())
    street = fields.String()
    city = fields.String()
    state = fields.String()
    zip_code = fields.String()
    county_fips = fields.String(allow_none=True)
    county = fields.String()
    latitude = fields.Float(allow_none=True)
    longitude = fields.Float(allow_none=True)
    photos = fields.List(fields.Nested(PhotoSchema))
    visibility = fields.String()
    is_demo = fields.Boolean()
    confirmed_at = fields.AwareDateTime(format="iso", allow_none=True)
    confirmed_by = fields.String(allow_none=True)
    created_at = fields.AwareDateTime(format="iso")
    updated_at = fields.AwareDateTime(format="iso")

    def __init__(self, *, sees_more: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._sees_more = sees_more

    #: Null for readers who do not see more.
    reserved: tuple[str, ...] = ()

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Leave out what the reader does not get, and fill in what is no column."""
        if attr in self.reserved and not self._sees_more:
            return None
        if attr in _PLACE:
            return getattr(place_of_record(obj), attr)
        if attr in _COMPUTED:
            return _COMPUTED[attr](obj)
        return super().get_attribute(obj, attr, default)


class FacilitySchema(_RecordSchema):
    """A facility. Its contact is null for readers who are not signed in."""

    kind = fields.String()
    opening_hours = fields.List(fields.Nested(HoursSchema))
    access_policy = fields.String()
    services = fields.String()
    safety_notes = fields.String()
    contact_name = fields.String(allow_none=True)
    contact_email = fields.String(allow_none=True)
    contact_phone = fields.String(allow_none=True)
    reserved = ("contact_name", "contact_email", "contact_phone")


class EquipmentSchema(_RecordSchema):
    """A piece of equipment. The serial number is null for readers who are not members."""

    facility_id = fields.Integer(allow_none=True)
    make = fields.String()
    model = fields.String()
    serial_number = fields.String(allow_none=True)
    year = fields.Integer(allow_none=True)
    condition = fields.String()
    specifications = fields.List(fields.Nested(SpecificationSchema))
    technique = fields.String()
    sharing_terms = fields.String()
    eligibility = fields.String()
    operator_provided = fields.Boolean()
    training_needed = fields.String()
    rates = fields.List(fields.Nested(RateSchema))
    service_level = fields.String()
    documents = fields.List(fields.Nested(DocumentSchema))
    reserved = ("serial_number",)


def _place_data(place: Place) -> dict[str, Any]:
    parts = {
        "streetAddress": place.street,
        "addressLocality": place.city,
        "addressRegion": place.state,
        "postalCode": place.zip_code,
    }
    data: dict[str, Any] = {
        "address": {"@type": "PostalAddress", **{key: text for key, text in parts.items() if text}}
    }
    if place.latitude is not None:
        data["geo"] = {
            "@type": "GeoCoordinates",
            "latitude": place.latitude,
            "longitude": place.longitude,
        }
    return data


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
#: UN/CEFACT codes of the units of rates; a run and a sample are pieces.
_UNIT_CODES = {"hour": "HUR", "day": "DAY", "run": "C62", "sample": "C62"}


def facility_linked_data(
    facility: Facility, *, url: str, organization_url: str, photo_urls: list[str]
) -> dict[str, Any]:
    """Return a facility as JSON-LD (schema.org Place); empty values are left out."""
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Place",
        "@id": url,
        "url": url,
        "name": facility.name,
        "description": facility.summary,
        "photo": photo_urls,
        "keywords": [item.label for item in facility.capabilities],
        "openingHoursSpecification": [
            {
                "@type": "OpeningHoursSpecification",
                "dayOfWeek": f"https://schema.org/{_DAYS[row['weekday']]}",
                "opens": row["opens"],
                "closes": row["closes"],
            }
            for row in facility.opening_hours
        ],
        "parentOrganization": {"@id": organization_url, "name": facility.organization.name},
        **_place_data(place_of_record(facility)),
    }
    return {name: value for name, value in data.items() if value}


def equipment_linked_data(
    equipment: Equipment, *, url: str, organization_url: str, photo_urls: list[str]
) -> dict[str, Any]:
    """Return equipment as JSON-LD (schema.org Product with lease offers)."""
    seller = {
        "@type": "Organization",
        "@id": organization_url,
        "name": equipment.organization.name,
    }
    where = {"@type": "Place", **_place_data(place_of_record(equipment))}
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "@id": url,
        "url": url,
        "name": equipment.name,
        "description": equipment.summary,
        "brand": {"@type": "Brand", "name": equipment.make} if equipment.make else None,
        "model": equipment.model,
        "productionDate": str(equipment.year) if equipment.year else None,
        "image": photo_urls,
        "keywords": [item.label for item in equipment.capabilities],
        "additionalProperty": [
            {
                "@type": "PropertyValue",
                "name": row["name"],
                "value": row["value"],
                **({"unitText": row["unit"]} if row["unit"] else {}),
            }
            for row in equipment.specifications
        ],
        "offers": [
            {
                "@type": "Offer",
                "businessFunction": "http://purl.org/goodrelations/v1#LeaseOut",
                "seller": seller,
                "availableAtOrFrom": where,
                "priceSpecification": {
                    "@type": "UnitPriceSpecification",
                    "price": f"{rate.price_cents / 100:.2f}",
                    "priceCurrency": "USD",
                    "unitCode": _UNIT_CODES[rate.unit],
                    "unitText": rate.unit,
                },
                "eligibleCustomerType": rate.customer_class,
            }
            for rate in equipment.rates
        ]
        or [
            {
                "@type": "Offer",
                "businessFunction": "http://purl.org/goodrelations/v1#LeaseOut",
                "seller": seller,
                "availableAtOrFrom": where,
            }
        ],
    }
    return {name: value for name, value in data.items() if value}

"""The shape in which programs and sections leave: JSON of the API."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from marshmallow import Schema, fields

from portal.training.models.programs import Program
from portal.training.models.sections import Section
from portal.training.queries.enrollments import Seats
from portal.training.queries.sections import title_of
from portal.training.rules.programs import PROGRAM_ADDRESS
from portal.training.rules.sections import SECTION_ADDRESS, last_day_to_enroll


class WageStepSchema(Schema):
    """A step of an apprentice's wages, in cents per hour."""

    period = fields.String()
    wage_cents = fields.Integer()


_COMPUTED: Mapping[str, Callable[[Program], Any]] = {
    "url": lambda row: PROGRAM_ADDRESS % row.id,
    "organization": lambda row: row.organization.name,
    "skills": lambda row: [skill.key for skill in row.skills],
    "credential": lambda row: row.credential.name if row.credential else None,
    "occupation": lambda row: row.occupation.title if row.occupation else None,
    "confirmed_by": lambda row: row.confirmed_by.name if row.confirmed_by else None,
}
_CONTACT = ("contact_name", "contact_email", "contact_phone")


class ProgramSchema(Schema):
    """A program. Its contact is null for readers who are not signed in."""

    id = fields.Integer()
    url = fields.String()
    organization_id = fields.Integer()
    organization = fields.String()
    title = fields.String()
    kind = fields.String()
    summary = fields.String()
    description = fields.String()
    skills = fields.List(fields.String())
    credential_id = fields.Integer(allow_none=True)
    credential = fields.String(allow_none=True)
    delivery = fields.String()
    language = fields.String()
    duration_hours = fields.Integer(allow_none=True)
    duration_weeks = fields.Integer(allow_none=True)
    cost_cents = fields.Integer(allow_none=True)
    cost_note = fields.String()
    funding = fields.List(fields.String())
    prerequisites = fields.String()
    eligibility = fields.String()
    outcomes = fields.String()
    accessibility = fields.String()
    sponsor = fields.String()
    occupation_code = fields.String(allow_none=True)
    occupation = fields.String(allow_none=True)
    wage_schedule = fields.List(fields.Nested(WageStepSchema))
    related_instruction = fields.String()
    contact_name = fields.String(allow_none=True)
    contact_email = fields.String(allow_none=True)
    contact_phone = fields.String(allow_none=True)
    website = fields.String()
    visibility = fields.String()
    is_archived = fields.Boolean()
    is_demo = fields.Boolean()
    confirmed_at = fields.AwareDateTime(format="iso", allow_none=True)
    confirmed_by = fields.String(allow_none=True)
    created_at = fields.AwareDateTime(format="iso")
    updated_at = fields.AwareDateTime(format="iso")

    def __init__(self, *, sees_contact: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._sees_contact = sees_contact

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Leave out what the reader does not get, and fill in what is no column."""
        if attr in _CONTACT and not self._sees_contact:
            return None
        if attr in _COMPUTED:
            return _COMPUTED[attr](obj)
        return super().get_attribute(obj, attr, default)


class MeetingSchema(Schema):
    """A meeting of a section. booking_id: for the provider's people."""

    id = fields.Integer()
    starts_at = fields.AwareDateTime(format="iso")
    ends_at = fields.AwareDateTime(format="iso")
    booking_id = fields.Integer(allow_none=True)


class PriceSchema(Schema):
    """What a seat costs a class of customers, in cents."""

    customer_class = fields.String()
    price_cents = fields.Integer()


class SectionSchema(Schema):
    """A section. online_url: null for who may not know it. Dates and times are of its time zone.

    online: the ids of those whose online room the reader may know.
    """

    id = fields.Integer()
    url = fields.String()
    program_id = fields.Integer()
    title = fields.String()
    organization_id = fields.Integer()
    organization = fields.String()
    name = fields.String()
    status = fields.String()
    starts_on = fields.Date()
    ends_on = fields.Date()
    timezone = fields.String()
    meetings = fields.List(fields.Nested(MeetingSchema))
    facility_id = fields.Integer(allow_none=True)
    place = fields.String()
    street = fields.String()
    city = fields.String()
    state = fields.String()
    zip_code = fields.String()
    county_fips = fields.String(allow_none=True)
    county = fields.String()
    latitude = fields.Float(allow_none=True)
    longitude = fields.Float(allow_none=True)
    online_url = fields.String(allow_none=True)
    instructor = fields.String()
    seats = fields.Integer()
    seats_free = fields.Integer()
    min_seats = fields.Integer()
    enroll_until = fields.Date()
    needs_approval = fields.Boolean()
    notice_days = fields.Integer()
    prices = fields.List(fields.Nested(PriceSchema))
    notes = fields.String()
    is_demo = fields.Boolean()
    created_at = fields.AwareDateTime(format="iso")
    updated_at = fields.AwareDateTime(format="iso")

    def __init__(
        self,
        *,
        seats: Mapping[int, Seats] | None = None,
        online: Collection[int] = (),
        is_inside: Callable[[Section], bool] = lambda _section: False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._seats = seats or {}
        self._online = online
        self._is_inside = is_inside

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Leave out what the reader does not get, and fill in what is no column."""
        if attr == "online_url" and obj.id not in self._online:
            return None
        if attr == "meetings":
            return [
                {
                    "id": meeting.id,
                    "starts_at": meeting.starts_at,
                    "ends_at": meeting.ends_at,
                    "booking_id": meeting.booking_id if self._is_inside(obj) else None,
                }
                for meeting in obj.meetings
            ]
        if attr in _OF_SECTION:
            return _OF_SECTION[attr](obj)
        if attr == "seats_free":
            return self._seats[obj.id].free
        return super().get_attribute(obj, attr, default)


_OF_SECTION: Mapping[str, Callable[[Section], Any]] = {
    "url": lambda row: SECTION_ADDRESS % row.id,
    "title": title_of,
    "organization": lambda row: row.organization.name,
    "county": lambda row: row.county.label if row.county else "",
    "enroll_until": lambda row: last_day_to_enroll(row.enroll_until, row.starts_on),
}

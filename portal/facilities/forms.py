"""The shape of facilities and equipment as people, programs and spreadsheets give them.

The plain forms are what JSON and spreadsheets fill in; the page forms add files and the owner.
"""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import wtforms
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import FormField, ValidationError

from portal.facilities.models import Equipment, Facility
from portal.facilities.rules import (
    CONDITIONS,
    CUSTOMER_CLASSES,
    FACILITY_KINDS,
    MOST_DOCUMENTS,
    MOST_HOURS,
    MOST_PHOTOS,
    MOST_RATES,
    MOST_SPECIFICATIONS,
    OLDEST_YEAR,
    RATE_UNITS,
    SHARING_TERMS,
    WEEKDAYS,
    find_hours_problem,
    find_repeated_rate,
    sort_hours,
)
from portal.kernel.clock import today
from portal.kernel.fields import (
    ChoiceField,
    CoordinateField,
    EmailField,
    ListField,
    LongTextField,
    MarkdownField,
    MoneyField,
    PhoneField,
    RecordField,
    RowsField,
    TextField,
    TimeField,
    UploadsField,
    WholeNumberField,
    YesNoField,
)
from portal.kernel.files import DOCUMENT_ACCEPT, IMAGE_ACCEPT
from portal.kernel.forms import Form, RowForm
from portal.kernel.listing import VISIBILITIES


class SpanRow(RowForm):
    """One span of a day."""

    opens = TimeField(_l("Opens"), render_kw={"placeholder": _l("8:00 AM")})
    closes = TimeField(_l("Closes"), render_kw={"placeholder": _l("5:00 PM")})

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        for field in () if self.is_blank else (self.opens, self.closes):
            if not field.data:
                field.errors = [_("Please give a time such as 8:00 AM or 17:30.")]
                is_valid = False
        return is_valid

    def cleaned(self) -> dict[str, Any]:
        return {"opens": self.opens.data, "closes": self.closes.data}


class HoursRow(SpanRow):
    """One span of opening hours."""

    weekday = ChoiceField(_l("Day"), choices=WEEKDAYS)
    # Again, so that they come after the day.
    opens = TimeField(_l("Opens"), render_kw={"placeholder": _l("8:00 AM")})
    closes = TimeField(_l("Closes"), render_kw={"placeholder": _l("5:00 PM")})

    def validate_weekday(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Please choose a day."))

    def cleaned(self) -> dict[str, Any]:
        return {
            "weekday": int(self.weekday.data) if self.weekday.data in WEEKDAYS else -1,
            **super().cleaned(),
        }


class SpecificationRow(RowForm):
    """One figure of a machine: name, value, unit."""

    name = TextField(_l("Figure"), longest=80)
    value = TextField(_l("Value"), longest=120)
    unit = TextField(_l("Unit"), longest=30)

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        if self.is_blank:
            return True
        for field in (self.name, self.value):
            if not field.data:
                field.errors = [*field.errors, _("Please fill this in.")]
                is_valid = False
        return is_valid


class RateRow(RowForm):
    """One price: for whom, for how much use."""

    customer_class = ChoiceField(_l("Customer"), choices=CUSTOMER_CLASSES)
    price_cents = MoneyField(_l("Price"))
    unit = ChoiceField(_l("Per"), choices=RATE_UNITS)

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        if self.is_blank:
            return True
        for field in (self.customer_class, self.price_cents, self.unit):
            if field.data in ("", None) and not field.errors:
                field.errors = [_("Please fill this in.")]
                is_valid = False
        return is_valid


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


class PlaceForm(Form):
    """Where a record is. A ZIP code is enough: county and map point follow from it."""

    street = TextField(_l("Street and number"), longest=200)
    city = TextField(_l("City"), longest=100)
    state = TextField(
        _l("State"),
        [wtforms.validators.Regexp(r"^[A-Z]{2}$", message=_l("Please use two letters, as in KY."))],
        longest=2,
        filters=(_upper,),
        description=_l("Two letters."),
    )
    zip_code = TextField(
        _l("ZIP code"),
        [wtforms.validators.Regexp(r"^\d{5}(-\d{4})?$", message=_l("Please give five digits."))],
        longest=10,
        description=_l("Fills in city, county and map point."),
    )
    county_fips = TextField(
        _l("County"),
        longest=100,
        description=_l(
            "Only if the ZIP code leads to the wrong one. Write it like Jefferson County, KY."
        ),
    )
    latitude = CoordinateField(_l("Latitude"), most=90)
    longitude = CoordinateField(_l("Longitude"), most=180)

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        for field, other in ((self.latitude, self.longitude), (self.longitude, self.latitude)):
            if field.data is None and other.data is not None and not field.errors:
                field.errors = [_("Please give latitude and longitude, or neither.")]
                is_valid = False
        return is_valid


def _visibility_field() -> Any:
    return ChoiceField(
        _l("Who may see it"), choices=VISIBILITIES, is_required=True, default="draft"
    )


def _capabilities_field(help_text: Any) -> Any:
    return ListField(_l("Capabilities"), most=30, longest=120, description=help_text)


class FacilityForm(PlaceForm):
    """A facility. `capabilities` are keys or names of the thesaurus."""

    name = TextField(_l("Name"), is_required=True)
    kind = ChoiceField(_l("Kind"), choices=FACILITY_KINDS, is_required=True, default="lab")
    summary = TextField(
        _l("In one sentence"),
        longest=280,
        description=_l("What people find here and who may come. It stands in search results."),
    )
    capabilities = _capabilities_field(
        _l("What is done here, such as “5-axis milling”, “CMM”, “welding”.")
    )
    description = MarkdownField(_l("Description"))
    opening_hours = RowsField(
        FormField(HoursRow),
        _l("Opening hours"),
        max_entries=MOST_HOURS,
        description=_l("Several spans a day are possible."),
    )
    access_policy = MarkdownField(
        _l("Who may use it, and how"),
        description=_l("Induction, insurance, approval, notice."),
    )
    services = MarkdownField(_l("Services"), description=_l("What the staff does for users."))
    safety_notes = MarkdownField(_l("Safety notes"))
    contact_name = TextField(_l("Contact person"), longest=120)
    contact_email = EmailField(_l("E-mail"))
    contact_phone = PhoneField(_l("Phone"))
    visibility = _visibility_field()

    def validate_opening_hours(self, field: Any) -> None:
        if field.errors:
            return
        problem = find_hours_problem(field.data)
        if problem is None:
            return
        row = {"number": problem.number + 1}
        if problem.kind == "order":
            raise ValidationError(_("Row %(number)d closes before it opens.", **row))
        raise ValidationError(_("Row %(number)d overlaps another of its day.", **row))


class EquipmentForm(PlaceForm):
    """A piece of equipment. Its own place counts only without a facility."""

    name = TextField(_l("Name"), is_required=True)
    capabilities = _capabilities_field(
        _l("What it does, such as “5-axis milling”, “CMM”, “welding”.")
    )
    summary = TextField(
        _l("In one sentence"),
        longest=280,
        description=_l("What somebody else could do with it. It stands in search results."),
    )
    sharing_terms = ChoiceField(
        _l("Sharing"), choices=SHARING_TERMS, is_required=True, default="by_request"
    )
    facility_id = RecordField(_l("Facility"))
    make = TextField(_l("Make"), longest=120)
    model = TextField(_l("Model"), longest=120)
    serial_number = TextField(
        _l("Serial number"), longest=120, description=_l("Shown to members only.")
    )
    year = WholeNumberField(_l("Year"), least=OLDEST_YEAR, most=2100)
    condition = ChoiceField(_l("Condition"), choices=CONDITIONS)
    description = MarkdownField(_l("Description"))
    technique = TextField(_l("Technique"))
    specifications = RowsField(
        FormField(SpecificationRow),
        _l("Specifications"),
        max_entries=MOST_SPECIFICATIONS,
        description=_l("Travel, capacity, accuracy and the like."),
    )
    eligibility = LongTextField(_l("Who may use it"))
    operator_provided = YesNoField(_l("An operator comes with it"))
    training_needed = LongTextField(_l("Training needed before use"))
    rates = RowsField(FormField(RateRow), _l("Rates"), max_entries=MOST_RATES)
    service_level = TextField(
        _l("Service level"), description=_l("For example: answers within two working days.")
    )
    visibility = _visibility_field()

    def validate_year(self, field: Any) -> None:
        if field.data and field.data > today().year + 1:
            raise ValidationError(_("Please give a year that is not in the future."))

    def validate_rates(self, field: Any) -> None:
        if field.errors:
            return
        number = find_repeated_rate(field.data)
        if number is not None:
            raise ValidationError(
                _("Row %(number)d repeats a customer and unit.", number=number + 1)
            )


class NewFacilityForm(FacilityForm):
    """A facility together with the organization that gets it."""

    organization_id = RecordField(_l("Organization"), is_required=True)


class NewEquipmentForm(EquipmentForm):
    """A piece of equipment together with the organization that gets it."""

    organization_id = RecordField(_l("Organization"), is_required=True)


class PhotosForm(Form):
    """Photos to add to a record."""

    photos = UploadsField(
        _l("Photos"),
        accept=IMAGE_ACCEPT,
        description=_l(
            "JPEG, PNG or WebP; 15 MB together. Location data in the picture is removed."
        ),
    )
    caption = TextField(
        _l("What the photo shows"),
        longest=200,
        description=_l("Read aloud to people who cannot see it."),
    )

    def validate_photos(self, field: Any) -> None:
        if len(field.data) > MOST_PHOTOS:
            raise ValidationError(_("Please choose %(most)d at most.", most=MOST_PHOTOS))


class AddPhotosForm(PhotosForm):
    """The same where a photo must be chosen."""

    def validate_photos(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Please choose a photo."))
        super().validate_photos(field)


class PhotoForm(Form):
    """A change of one photo."""

    caption = TextField(_l("What the photo shows"), longest=200)
    move = ChoiceField(
        _l("Position"),
        choices={"up": _l("Earlier"), "down": _l("Later"), "first": _l("First")},
    )


class AddDocumentsForm(Form):
    """Documents to add to a piece of equipment."""

    documents = UploadsField(
        _l("Documents"),
        accept=DOCUMENT_ACCEPT,
        description=_l(
            "Data sheets, manuals, certificates: PDF, CSV, text, XLSX or DOCX; 10 MB each."
        ),
    )
    title = TextField(_l("Title"), longest=200)

    def validate_documents(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Please choose a document."))
        if len(field.data) > MOST_DOCUMENTS:
            raise ValidationError(_("Please choose %(most)d at most.", most=MOST_DOCUMENTS))


class FacilityPageForm(NewFacilityForm, PhotosForm):
    """What the page for a new facility asks."""


class EquipmentPageForm(NewEquipmentForm, PhotosForm):
    """What the page for new equipment asks."""


class VisibilityForm(Form):
    """A change of who may see a record."""

    visibility = _visibility_field()


_PLACE = ("street", "city", "state", "zip_code", "county_fips", "latitude", "longitude")
_FACILITY = (
    "name",
    "kind",
    "summary",
    "description",
    "access_policy",
    "services",
    "safety_notes",
    "contact_name",
    "contact_email",
    "contact_phone",
    "visibility",
    *_PLACE,
)
_EQUIPMENT = (
    "facility_id",
    "name",
    "make",
    "model",
    "serial_number",
    "year",
    "condition",
    "summary",
    "description",
    "technique",
    "sharing_terms",
    "eligibility",
    "operator_provided",
    "training_needed",
    "service_level",
    "visibility",
    *_PLACE,
)


def facility_values(facility: Facility, *, is_page: bool = False) -> SimpleNamespace:
    """Return a facility as its form takes it; capabilities by name for a page, else by key."""
    return SimpleNamespace(
        **{name: getattr(facility, name) for name in _FACILITY},
        capabilities=_capabilities(facility, is_page),
        opening_hours=sort_hours(facility.opening_hours),
    )


def equipment_values(equipment: Equipment, *, is_page: bool = False) -> SimpleNamespace:
    """Return equipment as its form takes it; capabilities by name for a page, else by key."""
    rates: list[Mapping[str, Any]] = [
        {
            "customer_class": rate.customer_class,
            "unit": rate.unit,
            "price_cents": rate.price_cents,
        }
        for rate in equipment.rates
    ]
    return SimpleNamespace(
        **{name: getattr(equipment, name) for name in _EQUIPMENT},
        capabilities=_capabilities(equipment, is_page),
        specifications=[dict(row) for row in equipment.specifications],
        rates=rates,
    )


def _capabilities(record: Facility | Equipment, is_page: bool) -> list[str]:
    return [item.name if is_page else item.key for item in record.capabilities]

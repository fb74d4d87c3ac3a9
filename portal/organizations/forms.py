"""The shape of what people and programs say of organizations and their people.

`OrganizationForm` serves the page, the JSON body and the spreadsheet row alike.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Self

import wtforms
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import FieldList, FormField, ValidationError
from wtforms.validators import Regexp

from portal.kernel.fields import (
    ChoiceField,
    ChoicesField,
    CoordinateField,
    DateField,
    EmailField,
    ListField,
    LongTextField,
    MarkdownField,
    PhoneField,
    RecordField,
    RowsField,
    TextField,
    UploadField,
    UrlField,
)
from portal.kernel.files import IMAGE_ACCEPT
from portal.kernel.forms import Form, RowForm
from portal.organizations.models import Organization
from portal.organizations.rules import (
    CERTIFICATIONS,
    EMPLOYEE_BANDS,
    MEMBERS_ONLY_FIELDS,
    ORGANIZATION_KINDS,
    OWNERSHIP,
    ROLES,
    match_key,
)

_MOST_CERTIFICATIONS = 30
_MOST_CONTACTS = 10


def _upper(value: str | None) -> str | None:
    return value.upper() if value else value


def _bare_ror(value: str | None) -> str | None:
    return value.lower().rstrip("/").rpartition("/")[2] if value else value


def _at_most(most: int) -> Callable[[wtforms.Form, wtforms.Field], None]:
    def check(_form: wtforms.Form, field: wtforms.Field) -> None:
        if len(field.data) > most:
            raise ValidationError(_("Please name %(most)d at most.", most=most))

    return check


class CapabilitiesField(ListField):
    """Capabilities by key or by any name; a page shows the names of those that stand already."""

    def process_data(self, value: Any) -> None:
        items = list(value or [])
        self.data = [getattr(item, "key", item) for item in items]
        self._names = [getattr(item, "name", item) for item in items]

    def _value(self) -> str:
        return "\n".join(self.data if self.raw_data else self._names)


class _KeptDateField(DateField):
    """A date that is kept as text within a list of rows."""

    def process_data(self, value: Any) -> None:
        self.data = dt.date.fromisoformat(value) if isinstance(value, str) and value else value


class CertificationRow(RowForm):
    """A certificate or registration, and the day until which it holds."""

    name = ChoiceField(_l("Certification"), choices=CERTIFICATIONS)
    expires_on = _KeptDateField(_l("Valid until"))

    def validate_name(self, field: wtforms.Field) -> None:
        if not field.data and not self.is_blank:
            raise ValidationError(_("Please choose the certification."))


class ContactRow(RowForm):
    """A person or a desk that outsiders may turn to."""

    name = TextField(_l("Name"), longest=120)
    role = TextField(_l("What for"), longest=120)
    email = EmailField(_l("E-mail"))
    phone = PhoneField(_l("Phone"))

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        if not self.is_blank and not self.name.data:
            self.name.errors = [_("Please give a name.")]
            return False
        return is_valid


class OrganizationForm(Form):
    """The profile of an organization."""

    name = TextField(_l("Name"), is_required=True)
    other_names = ListField(
        _l("Other names"), most=10, description=_l("Former names, trade names, abbreviations.")
    )
    kind = ChoiceField(_l("Kind"), choices=ORGANIZATION_KINDS, is_required=True)
    summary = TextField(
        _l("Summary"),
        longest=280,
        description=_l("What you do, in one or two sentences. It stands in every list."),
    )
    description = MarkdownField(
        _l("Description"),
        description=_l("You can write **bold**, lists with - and headings with ##."),
    )
    website = UrlField(_l("Website"))
    phone = PhoneField(_l("Phone"))
    email = EmailField(_l("E-mail"))
    street = TextField(_l("Street"))
    city = TextField(_l("City"), longest=100)
    state = TextField(
        _l("State"),
        [Regexp(r"^[A-Z]{2}$", message=_l("Please use the two letters of the state, like KY."))],
        longest=2,
        filters=(_upper,),
    )
    zip_code = TextField(
        _l("ZIP code"),
        [Regexp(r"^[A-Za-z0-9 -]{3,10}$", message=_l("Please give a ZIP code such as 40202."))],
        longest=10,
        description=_l("City, county and the point on the map follow from it."),
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
    employee_band = ChoiceField(_l("Number of employees"), choices=EMPLOYEE_BANDS)
    naics_codes = ListField(
        _l("Industries (NAICS 2022 codes)"),
        most=20,
        longest=200,
        description=_l("A code or its name, such as 332710 or machine shops."),
    )
    capabilities = CapabilitiesField(
        _l("Capabilities"),
        most=60,
        longest=120,
        description=_l("What you can do for others, in the words of your trade: 5-axis milling."),
    )
    certifications = RowsField(
        FormField(CertificationRow),
        _l("Certifications"),
        [_at_most(_MOST_CERTIFICATIONS)],
        min_entries=1,
    )
    ownership = ChoicesField(_l("Ownership"), choices=OWNERSHIP)
    uei = TextField(
        _l("UEI"),
        [Regexp(r"^[A-Z0-9]{12}$", message=_l("A UEI has 12 letters and digits."))],
        longest=12,
        filters=(_upper,),
        description=_l("Unique Entity Identifier of SAM.gov."),
    )
    ror = TextField(
        _l("ROR id"),
        [Regexp(r"^0[a-z0-9]{6}[0-9]{2}$", message=_l("A ROR id looks like 05xpvk416."))],
        longest=40,
        filters=(_bare_ror,),
        description=_l("Of the Research Organization Registry."),
    )
    cage = TextField(
        _l("CAGE code"),
        [Regexp(r"^[A-Z0-9]{5}$", message=_l("A CAGE code has 5 letters and digits."))],
        longest=5,
        filters=(_upper,),
    )
    ipeds_id = TextField(
        _l("IPEDS id"),
        [Regexp(r"^[0-9]{6}$", message=_l("An IPEDS id has 6 digits."))],
        longest=6,
        description=_l("Of colleges and universities."),
    )
    members_only_fields = ChoicesField(
        _l("Only for people of organizations here"),
        choices=MEMBERS_ONLY_FIELDS,
        description=_l("Everything else is public."),
    )
    contacts = RowsField(
        FormField(ContactRow), _l("Contacts"), [_at_most(_MOST_CONTACTS)], min_entries=1
    )

    def validate_name(self, field: wtforms.Field) -> None:
        if field.data and not match_key(field.data):
            raise ValidationError(_("A name needs letters or digits."))

    @classmethod
    def from_row(cls, row: Mapping[str, str]) -> Self:
        """Make the form from a spreadsheet row.

        certifications: "ISO 9001 2027-03-31; UL"; contacts: "name | what for | e-mail | phone; …".
        """
        flat = {
            name: value for name, value in row.items() if name not in ("certifications", "contacts")
        }
        for number, piece in enumerate(_pieces(row.get("certifications", ""))):
            name, _space, day = piece.rpartition(" ")
            has_day = len(day) == 10 and day[4:5] == "-"
            flat[f"certifications-{number}-name"] = name.strip() if has_day else piece
            flat[f"certifications-{number}-expires_on"] = day if has_day else ""
        for number, piece in enumerate(_pieces(row.get("contacts", ""))):
            values = [value.strip() for value in piece.split("|")]
            for field, value in zip(("name", "role", "email", "phone"), values, strict=False):
                flat[f"contacts-{number}-{field}"] = value
        return super().from_row(flat)


def _pieces(text: str) -> Sequence[str]:
    return [piece.strip() for piece in text.split(";") if piece.strip()]


class OrganizationPageForm(OrganizationForm):
    """The profile with a picture to recognize the organization by."""

    new_logo = UploadField(
        _l("Another logo"), accept=IMAGE_ACCEPT, description=_l("A JPEG, PNG or WebP picture.")
    )


def organization_values(organization: Organization) -> SimpleNamespace:
    """Return a profile as its page's form takes it, with the county by name."""
    values = {name: getattr(organization, name) for name in OrganizationForm()._fields}
    if organization.county is not None:
        values["county_fips"] = organization.county.label
    return SimpleNamespace(**values)


class InvitationForm(Form):
    """Whom to invite, and as what."""

    email = EmailField(
        _l("E-mail"),
        is_required=True,
        description=_l("Nobody needs an account yet to be invited."),
    )
    role = ChoiceField(_l("Role"), choices=ROLES, is_required=True, default="member")


class RoleForm(Form):
    """Another role for one of an organization's people."""

    role = ChoiceField(_l("Role"), choices=ROLES, is_required=True)


class JoinForm(Form):
    """A request to join."""

    message = LongTextField(
        _l("Message"),
        description=_l("Who you are and what you do there, so that they recognize you."),
    )


class ClaimForm(Form):
    """The evidence of a claim."""

    evidence = LongTextField(
        _l("How can we tell that you speak for it?"),
        is_required=True,
        description=_l(
            "Your position, your address of work, a page that names you, or whom to call."
        ),
    )


class ChosenOrganizationsForm(Form):
    """The organizations with which something is done at once."""

    organization_ids = FieldList(RecordField(_l("Organization")))


class ChosenClaimsForm(Form):
    """The claims that are decided at once."""

    claim_ids = FieldList(RecordField(_l("Claim")))
    note = LongTextField(_l("Reason"), longest=2000)

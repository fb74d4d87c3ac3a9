"""What a broker writes down in one sitting with a firm: who it is, what it has, what it needs."""

from typing import Any

from flask_babel import lazy_gettext as _l

from portal.facilities.rules import SHARING_TERMS
from portal.kernel.fields import (
    ChoiceField,
    DateField,
    EmailField,
    ListField,
    LongTextField,
    PhoneField,
    RecordField,
    TextField,
    UrlField,
    YesNoField,
)
from portal.kernel.forms import Form
from portal.organizations.rules import EMPLOYEE_BANDS, ORGANIZATION_KINDS
from portal.partnerships.rules.words import DIRECTIONS, REQUEST_KINDS


class InterviewForm(Form):
    """A firm, and if there are any, one machine that it shares and one thing that it seeks.

    The parts of the machine begin with `equipment_`, those of the request with `request_`.
    """

    region_id = RecordField(_l("Region"), is_required=True)
    organization_id = RecordField(_l("Organization"))
    name = TextField(_l("Name of the firm"), longest=200)
    kind = ChoiceField(_l("Kind"), choices=ORGANIZATION_KINDS, is_required=True, default="sme")
    zip_code = TextField(_l("ZIP code"), longest=10)
    employee_band = ChoiceField(_l("Employees"), choices=EMPLOYEE_BANDS)
    website = UrlField(_l("Website"))
    phone = PhoneField(_l("Phone"))
    email = EmailField(
        _l("E-mail"),
        description=_l("Where somebody of the firm reads what you write for it, and confirms it."),
    )
    capabilities = ListField(
        _l("What it does"),
        most=20,
        longest=120,
        description=_l("One per line, such as 5-axis milling or CMM."),
    )
    equipment_name = TextField(
        _l("Machine"), longest=200, description=_l("Left empty, no machine is listed.")
    )
    equipment_make = TextField(_l("Make"), longest=120)
    equipment_model = TextField(_l("Model"), longest=120)
    equipment_capabilities = ListField(_l("What the machine does"), most=12, longest=120)
    equipment_sharing_terms = ChoiceField(
        _l("Sharing"), choices=SHARING_TERMS, is_required=True, default="by_request"
    )
    request_title = TextField(
        _l("What it seeks or offers"),
        longest=200,
        description=_l("One line that a stranger understands. Left empty, nothing is posted."),
    )
    request_kind = ChoiceField(
        _l("Kind of request"), choices=REQUEST_KINDS, is_required=True, default="equipment_sharing"
    )
    request_direction = ChoiceField(
        _l("Need or offer"), choices=DIRECTIONS, is_required=True, default="need"
    )
    request_summary = LongTextField(
        _l("Summary"),
        longest=500,
        description=_l("Two or three sentences: what, for what, how much, by when."),
    )
    request_capabilities = ListField(_l("Capabilities"), most=12, longest=120)
    request_expertise_sought = LongTextField(_l("Expertise sought"), longest=2000)
    request_advantages = LongTextField(_l("Advantages for a partner"), longest=2000)
    request_wanted_by = DateField(_l("Wanted by"))
    note = LongTextField(
        _l("Note"), longest=5000, description=_l("Only the brokers of the region read it.")
    )
    is_another = YesNoField(_l("It is none of these"))

    def part(self, prefix: str) -> dict[str, Any]:
        """Return the values whose names begin so, without that."""
        return {
            name.removeprefix(prefix): value
            for name, value in self.data.items()
            if name.startswith(prefix)
        }

    def profile(self) -> dict[str, Any]:
        """Return what is said of the organization itself."""
        names = ("name", "kind", "zip_code", "employee_band", "website", "phone", "email")
        return {name: self.data[name] for name in names} | {
            "capabilities": self.data["capabilities"]
        }

"""The shape of programs as people, programs and spreadsheets give them."""

from types import SimpleNamespace
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import FormField, ValidationError

from portal.kernel.fields import (
    ChoiceField,
    ChoicesField,
    EmailField,
    LongTextField,
    MarkdownField,
    MoneyField,
    PhoneField,
    RecordField,
    RowsField,
    TextField,
    UrlField,
    WholeNumberField,
)
from portal.kernel.forms import Form, RowForm
from portal.kernel.listing import VISIBILITIES
from portal.skills.forms import CredentialField, OccupationField, SkillsField
from portal.training.models.programs import Program
from portal.training.rules.programs import (
    DELIVERIES,
    FUNDING_SOURCES,
    LANGUAGES,
    MOST_HOURS,
    MOST_SKILLS,
    MOST_WAGE_STEPS,
    MOST_WEEKS,
    PROGRAM_FIELDS,
    PROGRAM_KINDS,
)


class WageRow(RowForm):
    """A step of an apprentice's wages."""

    period = TextField(_l("Period"), longest=80, render_kw={"placeholder": _l("First 1,000 hours")})
    wage_cents = MoneyField(_l("Wage per hour"))

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        if self.is_blank:
            return True
        for field in (self.period, self.wage_cents):
            if field.data in ("", None) and not field.errors:
                field.errors = [_("Please fill this in.")]
                is_valid = False
        return is_valid


class ProgramForm(Form):
    """A program. `skills` are keys or names; `credential` and `occupation` texts that name one."""

    title = TextField(_l("Title"), is_required=True)
    kind = ChoiceField(
        _l("Kind"),
        choices=PROGRAM_KINDS,
        is_required=True,
        default="course",
        description=_l("For an apprenticeship, others also need the part of that name below."),
    )
    summary = TextField(
        _l("In one sentence"),
        longest=280,
        description=_l("What people can do afterwards. It stands in search results."),
    )
    skills = SkillsField(
        _l("Skills that it teaches"),
        most=MOST_SKILLS,
        description=_l("One per line, such as MIG welding or G-code."),
    )
    credential = CredentialField(
        _l("Credential that it leads to"),
        description=_l("A recognized one, such as NIMS or MSSC, or one that you issue yourself."),
    )
    delivery = ChoiceField(
        _l("How it is held"), choices=DELIVERIES, is_required=True, default="in_person"
    )
    language = ChoiceField(_l("Language"), choices=LANGUAGES, is_required=True, default="en")
    duration_hours = WholeNumberField(
        _l("Hours of instruction"), least=1, most=MOST_HOURS, unit=_l("hours")
    )
    duration_weeks = WholeNumberField(
        _l("From beginning to end"), least=1, most=MOST_WEEKS, unit=_l("weeks")
    )
    cost_cents = MoneyField(
        _l("What a seat costs"),
        description=_l("Where a section says nothing else; 0 if it is free."),
    )
    cost_note = TextField(
        _l("What the price includes"),
        longest=500,
        description=_l("For example: books and the first exam."),
    )
    funding = ChoicesField(_l("Who may pay for it"), choices=FUNDING_SOURCES)
    description = MarkdownField(_l("Description"))
    prerequisites = LongTextField(_l("What one needs to know before"))
    eligibility = LongTextField(_l("Who may take part"))
    outcomes = MarkdownField(
        _l("What people can do afterwards"),
        description=_l("Work that it leads to, and how many found it, if you know."),
    )
    accessibility = LongTextField(
        _l("Accessibility"),
        description=_l("Step-free rooms, interpreters, child care, and whom to ask."),
    )
    sponsor = TextField(
        _l("Sponsor"), description=_l("The employer, union or association that runs it.")
    )
    occupation = OccupationField(
        _l("Occupation"), description=_l("By its title or SOC code, such as 51-4041.")
    )
    wage_schedule = RowsField(
        FormField(WageRow), _l("Wages as they rise"), max_entries=MOST_WAGE_STEPS
    )
    related_instruction = LongTextField(
        _l("Related instruction"), description=_l("What is taught besides the work, and where.")
    )
    contact_name = TextField(_l("Contact person"), longest=120)
    contact_email = EmailField(_l("E-mail"))
    contact_phone = PhoneField(_l("Phone"))
    website = UrlField(_l("Web page"))
    visibility = ChoiceField(
        _l("Who may see it"), choices=VISIBILITIES, is_required=True, default="draft"
    )

    def validate_funding(self, field: Any) -> None:
        if "free" in field.data and len(field.data) > 1:
            raise ValidationError(_("What is free needs nobody to pay for it."))


class NewProgramForm(ProgramForm):
    """A program together with its provider."""

    organization_id = RecordField(_l("Provider"), is_required=True)


def program_values(program: Program, *, is_page: bool = False) -> SimpleNamespace:
    """Return a program as its form takes it; for a page skills by name, else by key."""
    credential, occupation = program.credential, program.occupation
    named_occupation = f"{occupation.code} {occupation.name}" if occupation else ""
    return SimpleNamespace(
        **{name: getattr(program, name) for name in PROGRAM_FIELDS},
        skills=[skill.name if is_page else skill.key for skill in program.skills],
        credential=f"{credential.name} ({credential.issuer})" if credential else "",
        occupation=named_occupation if is_page else program.occupation_code or "",
    )

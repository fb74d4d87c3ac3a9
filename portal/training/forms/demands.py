"""The shape of demands for skills, and of offers of a cohort and the answers to them."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.kernel.clock import today_here
from portal.kernel.fields import (
    DateField,
    LongTextField,
    MoneyField,
    RecordField,
    TextField,
    UploadField,
    WholeNumberField,
    YesNoField,
    in_the_future,
)
from portal.kernel.forms import Form
from portal.kernel.spreadsheets import ACCEPT
from portal.skills.forms import OccupationField, SkillField
from portal.training.models.demands import SkillDemand
from portal.training.rules.demands import MOST_PEOPLE
from portal.training.rules.sections import MOST_SEATS


class DemandForm(Form):
    """A need for people with a skill, for a page, a JSON body and a spreadsheet row alike."""

    skill = SkillField(
        _l("Skill"),
        is_required=True,
        description=_l("Such as MIG welding, G-code or forklift."),
    )
    people = WholeNumberField(
        _l("How many people"), least=1, most=MOST_PEOPLE, is_required=True, default=1
    )
    needed_by = DateField(_l("Needed by"), [in_the_future(today_here)], is_required=True)
    county = TextField(
        _l("County"),
        longest=120,
        description=_l("Such as Jefferson County, KY. Empty: where your organization is."),
    )
    occupation = OccupationField(
        _l("Occupation"), description=_l("What they would work as, such as Machinists.")
    )
    wage_min_cents = MoneyField(_l("Wage from"), description=_l("Per hour."))
    wage_max_cents = MoneyField(_l("Wage to"), description=_l("Per hour."))
    is_cofunding = YesNoField(_l("We would pay a part of the training"))
    hosts_apprentices = YesNoField(_l("We would host apprentices"))
    is_shared = YesNoField(
        _l("Let other firms join"),
        description=_l("They read skill, county and quarter, but not who you are."),
    )
    note = LongTextField(
        _l("Note"), description=_l("For your own people and the brokers of your region.")
    )

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        least, most = self.wage_min_cents.data, self.wage_max_cents.data
        if is_valid and most is not None and (least is None or most < least):
            self.wage_max_cents.errors = [_("Please give a wage from, and none below it.")]
            is_valid = False
        return is_valid


class NewDemandForm(DemandForm):
    """A new need, and whose it is."""

    organization_id = RecordField(_l("Organization"), is_required=True)
    joined_id = RecordField(_l("Joins the need"))


class DemandSheetForm(Form):
    """A spreadsheet of needs, and whose they are."""

    organization_id = RecordField(_l("Organization"), is_required=True)
    file = UploadField(
        _l("File"), accept=ACCEPT, description=_l("CSV or XLSX with the columns of the download.")
    )


class CohortForm(Form):
    """A section that a provider offers to the firms that asked for a skill."""

    program_id = RecordField(_l("Program"), is_required=True)
    starts_on = DateField(_l("Begins on"), [in_the_future(today_here)], is_required=True)
    ends_on = DateField(_l("Ends on"), is_required=True)
    seats = WholeNumberField(_l("Seats"), least=1, most=MOST_SEATS, is_required=True)
    min_seats = WholeNumberField(
        _l("Minimum to run"), least=0, most=MOST_SEATS, description=_l("Empty: any number.")
    )
    message = LongTextField(_l("Message to the firms"))

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        starts, ends = self.starts_on.data, self.ends_on.data
        if isinstance(starts, dt.date) and isinstance(ends, dt.date) and ends < starts:
            self.ends_on.errors = [_("Please let it end after it begins.")]
            is_valid = False
        return is_valid


class AnswerForm(Form):
    """How many people a firm sends."""

    people = WholeNumberField(
        _l("How many people you send"), least=1, most=MOST_PEOPLE, is_required=True
    )


def demand_values(demand: SkillDemand, *, is_page: bool = False) -> SimpleNamespace:
    """Return a loaded demand as its form has it; a page names things by their names."""
    occupation = demand.occupation
    return SimpleNamespace(
        skill=demand.skill.name if is_page else demand.skill_key,
        people=demand.people,
        needed_by=demand.needed_by,
        county=demand.county.label if is_page else demand.county_fips,
        occupation=f"{occupation.code} {occupation.name}" if occupation else "",
        wage_min_cents=demand.wage_min_cents,
        wage_max_cents=demand.wage_max_cents,
        is_cofunding=demand.is_cofunding,
        hosts_apprentices=demand.hosts_apprentices,
        is_shared=demand.is_shared,
        note=demand.note,
    )

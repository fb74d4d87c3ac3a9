"""The shape of cases as brokers and programs give them."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import FieldList

from portal.brokerage.rules.stages import CASES, STAGES
from portal.kernel.fields import (
    ChoiceField,
    DateField,
    LongTextField,
    RecordField,
    TextField,
    YesNoField,
)
from portal.kernel.forms import Form

#: What can be done to several cases at once: every step that needs no reason of its own.
BULK_STEPS: Mapping[str, Any] = {
    name: step.label for name, step in CASES.transitions.items() if step.note != "required"
}


class CaseForm(Form):
    """What a case is about, and what is next."""

    title = TextField(
        _l("Title"),
        is_required=True,
        longest=200,
        description=_l("What is to come about, such as: measuring time for Bluegrass Castings."),
    )
    organization_id = RecordField(_l("Organization"))
    next_action = TextField(
        _l("What is next"), longest=200, description=_l("Such as: call the lab manager.")
    )
    next_on = DateField(_l("By"))


class NewCaseForm(CaseForm):
    """A case to open: in which region, for which request, and who looks after it."""

    region_id = RecordField(_l("Region"), is_required=True)
    title = TextField(
        _l("Title"),
        longest=200,
        description=_l("Left empty, the case is called like its request."),
    )
    request_id = RecordField(_l("Request"))
    keeper_id = RecordField(_l("Who looks after it"))
    note = LongTextField(_l("First note"), longest=5000)


class AskBrokersForm(Form):
    """A question to the brokers of a region, perhaps for an organization."""

    title = TextField(
        _l("What it is about"),
        is_required=True,
        longest=200,
        description=_l("Such as: somebody who can measure large castings."),
    )
    text = LongTextField(
        _l("What you need"),
        is_required=True,
        longest=4000,
        description=_l("Also what you have tried, and by when you need an answer."),
    )
    organization_id = RecordField(_l("Your organization"), empty=_l("None"))


class CaseNoteForm(Form):
    """Something to remember about a case."""

    text = LongTextField(
        _l("Note"),
        is_required=True,
        longest=5000,
        description=_l("Only the brokers of the region read it."),
    )


class CaseTaskForm(Form):
    """Something to do for a case."""

    title = TextField(_l("Task"), is_required=True, longest=200)
    due_on = DateField(_l("By"))
    keeper_id = RecordField(_l("For"))


class CaseStepForm(Form):
    """Why a case comes to another stage."""

    note = LongTextField(_l("Note"), longest=2000)


class TaskMarkForm(Form):
    """Whether a task is done."""

    is_done = YesNoField(_l("Done"))


class HandOverForm(Form):
    """Who looks after a case from now on."""

    # Stands on a page with the forms of notes and tasks.
    keeper_id = RecordField(_l("Who looks after it"), id="hand_over_keeper_id")
    note = LongTextField(_l("What they should know"), longest=5000, id="hand_over_note")


class BulkForm(Form):
    """What is to be done with several cases."""

    action = ChoiceField(_l("Stage"), choices=BULK_STEPS, empty=_l("As it is"))
    keeper_id = RecordField(_l("Hand over to"), empty=_l("Nobody else"))
    next_action = TextField(_l("What is next"), longest=200)
    next_on = DateField(_l("By"))
    note = LongTextField(_l("Note"), longest=2000)


class CasesForm(BulkForm):
    """The cases with which something is done at once, as a program names them."""

    case_ids = FieldList(RecordField(_l("Case")))


class NeedsForm(Form):
    """The requests for which cases are opened at once."""

    request_ids = FieldList(RecordField(_l("Request")))


class AskedForm(Form):
    """The organizations that are asked to confirm what they list."""

    organization_ids = FieldList(RecordField(_l("Organization")))


class ChoiceForm(Form):
    """Which cases one looks at, under the name by which a program keeps it."""

    name = TextField(_l("Name"), is_required=True, longest=80)
    region_id = RecordField(_l("Region"))
    keeper = ChoiceField(_l("Who looks after it"), choices={"me": _l("Me"), "nobody": _l("Nobody")})
    stage = ChoiceField(_l("Stage"), choices={**STAGES, "closed": _l("Closed")})
    due = ChoiceField(_l("Due"), choices={"overdue": _l("Late"), "week": _l("Within a week")})
    q = TextField(_l("Words"), longest=100)


class FilterForm(Form):
    """The name under which a choice of cases is kept."""

    name = TextField(_l("Name"), is_required=True, longest=80)

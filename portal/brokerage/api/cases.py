"""Cases in the JSON API, over the same forms and commands as the pages."""

from types import SimpleNamespace

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.brokerage.api.blueprint import blueprint
from portal.brokerage.forms.cases import (
    CaseForm,
    CaseNoteForm,
    CaseStepForm,
    CaseTaskForm,
    HandOverForm,
    NewCaseForm,
    TaskMarkForm,
)
from portal.brokerage.policies import Permission
from portal.brokerage.queries import cases as queries
from portal.brokerage.queries.cases import Choice
from portal.brokerage.rules.stages import STAGES
from portal.brokerage.schemas.cases import CaseNoteSchema, CaseSchema, CaseTaskSchema
from portal.brokerage.services import cases as services
from portal.kernel.api import bind_json, operation, page_arguments, respond, respond_page
from portal.kernel.authorization import authorize
from portal.kernel.errors import Invalid
from portal.kernel.paging import Page
from portal.kernel.web.arguments import choice_argument, number_argument, text_argument
from portal.kernel.web.viewer import current_actor
from portal.regions.queries.regions import get_region


@blueprint.get("/cases")
@operation(
    summary="List cases",
    tag="brokerage",
    schema=CaseSchema,
    is_list=True,
    filters={
        "stage": f"{', '.join(STAGES)}, or closed; open ones, if it is not given.",
        "region_id": "Those of one of your regions.",
        "keeper": "me or nobody.",
        "due": "overdue or week: what has a next step by then.",
        "q": "Words of the title or the organization's name.",
    },
    problems=(403,),
)
def list_cases() -> ResponseReturnValue:
    """List the cases of the regions that you broker, the newest first."""
    actor = current_actor()
    authorize(actor, Permission.CASE_VIEW_OWN)
    choice = Choice(
        region_id=number_argument("region_id"),
        keeper=choice_argument("keeper", ("me", "nobody")),
        stage=choice_argument("stage", (*STAGES, "closed")),
        due=choice_argument("due", queries.DUES),
        words=text_argument("q", 100),
    )
    return respond_page(CaseSchema(), queries.list_cases(actor, choice, **page_arguments()))


@blueprint.post("/cases")
@operation(
    summary="Open a case",
    tag="brokerage",
    schema=CaseSchema,
    form=NewCaseForm,
    status=201,
    scope="brokerage:write",
    example={"region_id": 1, "title": "Measuring time for a foundry", "next_action": "Call"},
    problems=(403,),
)
def open_case() -> ResponseReturnValue:
    """Open a case of a region that you broker, for a request or without one."""
    actor = current_actor()
    authorize(actor, Permission.CASE_VIEW_OWN)
    values = bind_json(NewCaseForm).data
    region_id = values.pop("region_id")
    if region_id not in actor.brokered_regions:
        raise Invalid("region_id", _("Please choose one of your regions."))
    opened = services.open_case(actor, get_region(region_id), **values)
    return respond(
        CaseSchema(),
        queries.get_visible_case(actor, opened.id),
        status=201,
        location=url_for("brokerage_api.show_case", case_id=opened.id),
    )


@blueprint.get("/cases/<int:case_id>")
@operation(summary="Read a case", tag="brokerage", schema=CaseSchema, problems=(404,))
def show_case(case_id: int) -> ResponseReturnValue:
    """Return a case to the brokers of its region."""
    return respond(CaseSchema(), queries.get_visible_case(current_actor(), case_id))


@blueprint.patch("/cases/<int:case_id>")
@operation(
    summary="Change a case",
    tag="brokerage",
    schema=CaseSchema,
    form=CaseForm,
    is_partial=True,
    scope="brokerage:write",
    example={"next_action": "Visit", "next_on": "2027-03-01"},
)
def change_case(case_id: int) -> ResponseReturnValue:
    """Change the fields that are given."""
    actor = current_actor()
    case = queries.get_visible_case(actor, case_id)
    services.change_case(actor, case, **bind_json(CaseForm, obj=case).data)
    return respond(CaseSchema(), queries.get_visible_case(actor, case_id))


@blueprint.post("/cases/<int:case_id>/actions/<action>")
@operation(
    summary="Bring a case to another stage",
    tag="brokerage",
    schema=CaseSchema,
    form=CaseStepForm,
    scope="brokerage:write",
    example={"note": "They have a budget."},
)
def act_on_case(case_id: int, action: str) -> ResponseReturnValue:
    """Take a step: qualify, introduce, talk, agree, deliver, win, lose (with a note) or reopen."""
    actor = current_actor()
    case = queries.get_visible_case(actor, case_id)
    services.act_on_case(actor, case, action, **bind_json(CaseStepForm).data)
    return respond(CaseSchema(), queries.get_visible_case(actor, case_id))


@blueprint.post("/cases/<int:case_id>/keeper")
@operation(
    summary="Hand a case over",
    tag="brokerage",
    schema=CaseSchema,
    form=HandOverForm,
    scope="brokerage:write",
    example={"keeper_id": None, "note": "I am away in May."},
)
def hand_over_case(case_id: int) -> ResponseReturnValue:
    """Give a case to another broker of its region, or to nobody."""
    actor = current_actor()
    case = queries.get_visible_case(actor, case_id)
    services.hand_over_case(actor, case, **bind_json(HandOverForm).data)
    return respond(CaseSchema(), queries.get_visible_case(actor, case_id))


@blueprint.get("/cases/<int:case_id>/notes")
@operation(
    summary="List the notes of a case",
    tag="brokerage",
    schema=CaseNoteSchema,
    is_list=True,
    problems=(404,),
)
def list_notes(case_id: int) -> ResponseReturnValue:
    """List what was written down, the newest first."""
    case = queries.get_visible_case(current_actor(), case_id)
    return respond_page(CaseNoteSchema(), queries.list_notes(case, **page_arguments()))


@blueprint.post("/cases/<int:case_id>/notes")
@operation(
    summary="Write a note about a case",
    tag="brokerage",
    schema=CaseNoteSchema,
    form=CaseNoteForm,
    status=201,
    scope="brokerage:write",
    example={"text": "They are open to Saturdays."},
)
def add_note(case_id: int) -> ResponseReturnValue:
    """Write something down; only the brokers of the region read it."""
    actor = current_actor()
    case = queries.get_visible_case(actor, case_id)
    note = services.add_note(actor, case, **bind_json(CaseNoteForm).data)
    return respond(CaseNoteSchema(), note, status=201)


@blueprint.get("/cases/<int:case_id>/tasks")
@operation(
    summary="List the tasks of a case",
    tag="brokerage",
    schema=CaseTaskSchema,
    is_list=True,
    problems=(404,),
)
def list_tasks(case_id: int) -> ResponseReturnValue:
    """List what there is to do, the open ones first; a case has a hundred at most."""
    case = queries.get_visible_case(current_actor(), case_id)
    return respond_page(CaseTaskSchema(), Page(queries.list_tasks(case), None))


@blueprint.post("/cases/<int:case_id>/tasks")
@operation(
    summary="Add a task to a case",
    tag="brokerage",
    schema=CaseTaskSchema,
    form=CaseTaskForm,
    status=201,
    scope="brokerage:write",
    example={"title": "Ask for the rates", "due_on": "2027-03-01"},
)
def add_task(case_id: int) -> ResponseReturnValue:
    """Add something to do, for yourself or another broker of the region."""
    actor = current_actor()
    case = queries.get_visible_case(actor, case_id)
    task = services.add_task(actor, case, **bind_json(CaseTaskForm).data)
    return respond(CaseTaskSchema(), task, status=201)


@blueprint.patch("/cases/<int:case_id>/tasks/<int:task_id>")
@operation(
    summary="Mark a task as done or as open",
    tag="brokerage",
    schema=CaseTaskSchema,
    form=TaskMarkForm,
    scope="brokerage:write",
    example={"is_done": True},
)
def mark_task(case_id: int, task_id: int) -> ResponseReturnValue:
    """Say whether a task is done; without `is_done` it stays as it is."""
    actor = current_actor()
    case = queries.get_visible_case(actor, case_id)
    kept = SimpleNamespace(is_done=queries.get_task(case, task_id).done_at is not None)
    said = bind_json(TaskMarkForm, obj=kept).data
    task = services.mark_task(actor, case, task_id=task_id, **said)
    return respond(CaseTaskSchema(), task)

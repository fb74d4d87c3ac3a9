"""Pages of cases: the board by stages, one case, and what is done with one or with several."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.brokerage.forms.cases import (
    BulkForm,
    CaseForm,
    CaseNoteForm,
    CaseTaskForm,
    FilterForm,
    HandOverForm,
    NewCaseForm,
)
from portal.brokerage.policies import Permission
from portal.brokerage.queries import cases as queries
from portal.brokerage.queries.cases import Choice
from portal.brokerage.rules.stages import CASES, STAGES
from portal.brokerage.services import cases as services
from portal.brokerage.views.blueprint import blueprint
from portal.kernel.authorization import authorize
from portal.kernel.clock import today_here
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import form_numbers, form_text, number_argument, text_argument
from portal.kernel.web.viewer import current_actor
from portal.regions.queries.regions import get_region

# The board


@blueprint.get("/broker/cases")
def list_cases() -> ResponseReturnValue:
    """Show the cases by stage, as far as the filters let them through."""
    actor = current_actor()
    authorize(actor, Permission.CASE_VIEW_OWN)
    return _board(BulkForm(), FilterForm())


def _board(bulk: BulkForm, naming: FilterForm) -> ResponseReturnValue:
    actor = current_actor()
    choice = _choice()
    regions = queries.region_choices(actor)
    keepers = queries.keeper_choices(actor.brokered_regions)
    bulk.keeper_id.choices = keepers

    def links(name: str, options: list[tuple[Any, Any]]) -> list[dict[str, Any]]:
        present = choice.values()
        return [
            {
                "label": label,
                "url": url_for("brokerage.list_cases", **{**present, name: value}),
                "is_selected": (present.get(name) or None) == value,
            }
            for value, label in options
        ]

    return page(
        "brokerage/cases.html",
        stages=queries.list_board(actor, choice),
        choice=choice,
        chosen=choice.values(),
        chosen_without_words={k: v for k, v in choice.values().items() if k != "q"},
        bulk=bulk,
        naming=naming,
        filters=queries.list_filters(actor),
        stage_links=links("stage", [(None, _("Open")), *STAGES.items(), ("closed", _("Closed"))]),
        region_links=links("region", [(None, _("All")), *regions]) if len(regions) > 1 else [],
        keeper_links=links(
            "keeper",
            [
                (None, _("Everybody")),
                ("me", _("Mine")),
                ("nobody", _("Nobody’s")),
                *((str(key), name) for key, name in keepers if key != actor.user_id),
            ],
        ),
        due_links=links(
            "due", [(None, _("Any time")), ("overdue", _("Late")), ("week", _("Within a week"))]
        ),
    )


@blueprint.post("/broker/cases/bulk")
def change_cases() -> ResponseReturnValue:
    """Move several cases, hand them over, or say what is next in all of them."""
    actor = current_actor()
    authorize(actor, Permission.CASE_VIEW_OWN)
    form = BulkForm.bind()
    if form.submitted():
        ids = form_numbers("case_id")[: services.MOST_AT_ONCE + 1]
        cases = queries.list_visible_cases(actor, ids)
        if form.attempt(services.change_cases, actor, cases, **form.data) is not None:
            flash(ngettext("%(num)s case was changed.", "%(num)s cases were changed.", len(cases)))
            return see_other(url_for("brokerage.list_cases", **_choice().values()))
    return _board(form, FilterForm())


@blueprint.post("/broker/cases/filters")
def keep_filter() -> ResponseReturnValue:
    """Keep what is chosen under a name."""
    actor = current_actor()
    authorize(actor, Permission.CASE_VIEW_OWN)
    form = FilterForm.bind()
    if form.submitted():
        values = _choice().values()
        if form.attempt(services.keep_filter, actor, values=values, **form.data) is not None:
            flash(_("The filter is kept."))
            return see_other(url_for("brokerage.list_cases", **values))
    return _board(BulkForm(), form)


@blueprint.post("/broker/cases/filters/<int:filter_id>/delete")
def drop_filter(filter_id: int) -> ResponseReturnValue:
    """Forget a kept filter."""
    actor = current_actor()
    services.drop_filter(actor, queries.get_own_filter(actor, filter_id))
    flash(_("The filter is gone."))
    return see_other(url_for("brokerage.list_cases"))


def _choice() -> Choice:
    """Read which cases are looked at; what makes no sense counts as not chosen."""
    actor = current_actor()
    region_id, keeper = number_argument("region"), text_argument("keeper", 10)
    stage, due = text_argument("stage", 20), text_argument("due", 10)
    is_keeper = keeper in ("me", "nobody") or (keeper.isascii() and keeper.isdigit())
    return Choice(
        region_id=region_id if region_id in actor.brokered_regions else None,
        keeper=keeper if is_keeper and len(keeper) < 10 else "",
        stage=stage if stage in STAGES or stage == "closed" else "",
        due=due if due in queries.DUES else "",
        words=text_argument("q", 100).strip(),
    )


# One case


@blueprint.route("/broker/cases/new", methods=["GET", "POST"])
def open_case() -> ResponseReturnValue:
    """Open a case, for a request or an organization that one comes from, or for neither."""
    actor = current_actor()
    authorize(actor, Permission.CASE_VIEW_OWN)
    form = NewCaseForm.bind()
    regions = queries.region_choices(actor)
    if request.method == "GET":
        form.organization_id.data = number_argument("organization")
        form.request_id.data = number_argument("request")
        form.region_id.data = regions[0][0] if regions else None
        form.keeper_id.data = actor.user_id
    form.region_id.choices = regions
    form.keeper_id.choices = queries.keeper_choices(actor.brokered_regions)
    form.organization_id.choices, form.request_id.choices = queries.record_choices(
        actor, organization_id=form.organization_id.data, request_id=form.request_id.data
    )
    if form.submitted():
        values = form.data
        region_id = values.pop("region_id")
        if region_id not in dict(regions):
            form.add_error("region_id", _("Please choose one of your regions."))
        else:
            opened = form.attempt(services.open_case, actor, get_region(region_id), **values)
            if opened is not None:
                flash(_("The case is open."))
                return _to_case(opened.id)
    return page("brokerage/open_case.html", form=form, has_choice=len(regions) > 1)


@blueprint.get("/broker/cases/<int:case_id>")
def show_case(case_id: int) -> ResponseReturnValue:
    """Show a case: what is next, its tasks, and all that happened."""
    return _case_page(case_id, CaseNoteForm(), CaseTaskForm(), HandOverForm())


def _case_page(
    case_id: int, note_form: CaseNoteForm, task_form: CaseTaskForm, hand_over: HandOverForm
) -> ResponseReturnValue:
    actor = current_actor()
    case = queries.get_visible_case(actor, case_id)
    keepers = queries.keeper_choices([case.region_id])
    task_form.keeper_id.choices = keepers
    hand_over.keeper_id.choices = keepers
    if hand_over.keeper_id.data is None:
        hand_over.keeper_id.data = case.keeper_id
    tasks = queries.list_tasks(case)
    return page(
        "brokerage/case.html",
        case=case,
        asker=queries.find_asker(case),
        stages=STAGES,
        steps=CASES.available(actor, case),
        tasks=tasks,
        entries=queries.timeline(actor, case, tasks),
        note_form=note_form,
        task_form=task_form,
        hand_over=hand_over,
        today=today_here(),
    )


@blueprint.route("/broker/cases/<int:case_id>/edit", methods=["GET", "POST"])
def edit_case(case_id: int) -> ResponseReturnValue:
    """Change what a case is about, and what is next."""
    actor = current_actor()
    case = queries.get_visible_case(actor, case_id)
    authorize(actor, Permission.CASE_EDIT, case)
    form = CaseForm.bind(case)
    form.organization_id.choices, _none = queries.record_choices(
        actor,
        organization_id=case.organization_id or number_argument("organization"),
        known_id=case.organization_id,
    )
    if (
        form.submitted()
        and form.attempt(services.change_case, actor, case, **form.data) is not None
    ):
        flash(_("The case was saved."))
        return _to_case(case_id)
    return page(
        "brokerage/edit_case.html", form=form, case=queries.get_visible_case(actor, case_id)
    )


@blueprint.post("/broker/cases/<int:case_id>/actions/<action>")
def act_on_case(case_id: int, action: str) -> ResponseReturnValue:
    """Bring a case to another stage."""
    actor = current_actor()
    case = queries.get_visible_case(actor, case_id)
    authorize(actor, CASES.permission(action), case)
    services.act_on_case(actor, case, action, note=form_text("note"))
    flash(str(CASES.transitions[action].done))
    return _to_case(case_id)


@blueprint.post("/broker/cases/<int:case_id>/notes")
def add_note(case_id: int) -> ResponseReturnValue:
    """Write something down."""
    actor = current_actor()
    case = queries.get_visible_case(actor, case_id)
    authorize(actor, Permission.CASE_EDIT, case)
    form = CaseNoteForm.bind()
    if form.submitted() and form.attempt(services.add_note, actor, case, **form.data) is not None:
        flash(_("The note is kept."))
        return _to_case(case_id)
    return _case_page(case_id, form, CaseTaskForm(), HandOverForm())


@blueprint.post("/broker/cases/<int:case_id>/tasks")
def add_task(case_id: int) -> ResponseReturnValue:
    """Add something to do."""
    actor = current_actor()
    case = queries.get_visible_case(actor, case_id)
    authorize(actor, Permission.CASE_EDIT, case)
    form = CaseTaskForm.bind()
    if form.submitted() and form.attempt(services.add_task, actor, case, **form.data) is not None:
        flash(_("The task was added."))
        return _to_case(case_id)
    return _case_page(case_id, CaseNoteForm(), form, HandOverForm())


@blueprint.post("/broker/cases/<int:case_id>/tasks/<int:task_id>/<any(done, undo):mark>")
def mark_task(case_id: int, task_id: int, mark: str) -> ResponseReturnValue:
    """Mark a task as done ("done") or as open again ("undo")."""
    actor = current_actor()
    case = queries.get_visible_case(actor, case_id)
    authorize(actor, Permission.CASE_EDIT, case)
    services.mark_task(actor, case, task_id=task_id, is_done=mark == "done")
    flash(_("The task is done.") if mark == "done" else _("The task is open again."))
    return _to_case(case_id)


@blueprint.post("/broker/cases/<int:case_id>/hand-over")
def hand_over_case(case_id: int) -> ResponseReturnValue:
    """Give a case to a colleague."""
    actor = current_actor()
    case = queries.get_visible_case(actor, case_id)
    authorize(actor, Permission.CASE_EDIT, case)
    form = HandOverForm.bind()
    if (
        form.submitted()
        and form.attempt(services.hand_over_case, actor, case, **form.data) is not None
    ):
        flash(_("The case is handed over."))
        return _to_case(case_id)
    return _case_page(case_id, CaseNoteForm(), CaseTaskForm(), form)


def _to_case(case_id: int) -> ResponseReturnValue:
    return see_other(url_for("brokerage.show_case", case_id=case_id))

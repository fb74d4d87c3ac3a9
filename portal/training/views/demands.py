"""Pages of demands for skills: what one's organization needs, and the offers that it got."""

from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.kernel.authorization import authorize, can
from portal.kernel.clock import today_here
from portal.kernel.errors import Invalid, Unauthenticated
from portal.kernel.spreadsheets import read_sheet
from portal.kernel.web.answers import csv_answer, flash, page, see_other
from portal.kernel.web.arguments import (
    choice_argument,
    confirmed,
    number_argument,
    record_number,
    text_argument,
)
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_organization, organization_choices
from portal.training.forms.demands import (
    AnswerForm,
    DemandForm,
    DemandSheetForm,
    NewDemandForm,
    demand_values,
)
from portal.training.policies import Permission
from portal.training.queries import demands as queries
from portal.training.queries.gaps import provider_of
from portal.training.queries.sections import list_next_sections
from portal.training.rules.demands import (
    DEMAND_STATUSES,
    DEMANDS,
    INVITATION_STATUSES,
    INVITATIONS,
    MOST_IMPORTED,
    quarter_label,
)
from portal.training.schemas.demands import DEMAND_COLUMNS, FIELDS_OF_COLUMNS, demand_cells
from portal.training.services import demands as services
from portal.training.views.blueprint import blueprint


@blueprint.get("/training/demands")
def list_demands() -> ResponseReturnValue:
    """Show what the reader's organizations need, what they were offered, and what they can join."""
    actor = current_actor()
    _need_account()
    status = choice_argument("status", DEMAND_STATUSES)
    found = queries.list_demands(actor, status=status, cursor=request.args.get("cursor"), limit=50)
    return page(
        "training/demands.html",
        found=found,
        statuses=DEMAND_STATUSES,
        is_stale=queries.is_stale,
        choices=[
            {
                "label": label,
                "url": url_for("training.list_demands", status=key or None),
                "is_selected": key == status,
            }
            for key, label in {"": _("All"), **DEMAND_STATUSES}.items()
        ],
        shared=queries.list_shared(actor) if actor.memberships else [],
        invitations=queries.list_invitations(actor) if actor.memberships else [],
        invitation_statuses=INVITATION_STATUSES,
        has_organization=bool(actor.memberships),
        sees_gaps=can(actor, Permission.GAP_VIEW, provider_of(actor)),
        next_url=url_for("training.list_demands", status=status or None, cursor=found.next)
        if found.next
        else None,
    )


@blueprint.route("/training/demands/new", methods=["GET", "POST"])
def new_demand() -> ResponseReturnValue:
    """State a need, one's own or joining that of another."""
    actor = current_actor()
    _need_account()
    choices = organization_choices(actor)
    joins = number_argument("joins")
    shared = queries.get_shared(actor, joins) if joins is not None and choices else None
    offered = [key for key, _name in choices]
    wanted = request.args.get("organization", type=record_number)
    form = NewDemandForm.bind(
        organization_id=wanted if wanted in offered else next(iter(offered), 0),
        skill=shared.skill if shared else text_argument("skill", 120),
        joined_id=shared.id if shared else None,
    )
    form.organization_id.choices = choices
    form.joined_id.choices = [(shared.id, shared.skill)] if shared else []
    if form.submitted():
        values = dict(form.data)
        organization = get_organization(values.pop("organization_id"))
        made = form.attempt(services.state_demand, actor, organization, **values)
        if made is not None:
            flash(
                _("The need was stated. It counts as soon as enough firms ask for the same."),
                link=(url_for("training.new_demand"), _("State another one")),
            )
            return _to(made.id)
    return page("training/demand_form.html", form=form, demand=None, choices=choices, shared=shared)


@blueprint.get("/training/demands/<int:demand_id>")
def show_demand(demand_id: int) -> ResponseReturnValue:
    """Show a need to its own people and the region's brokers."""
    actor = current_actor()
    demand = queries.get_visible_demand(actor, demand_id)
    return page(
        "training/demand.html",
        demand=demand,
        quarter=quarter_label(demand.quarter),
        statuses=DEMAND_STATUSES,
        steps=DEMANDS.available(actor, demand),
        is_stale=queries.is_stale(demand),
        is_over=demand.needed_by < today_here(),
        next_sections=list_next_sections(actor, skill_keys=[demand.skill_key], limit=3),
    )


@blueprint.route("/training/demands/<int:demand_id>/edit", methods=["GET", "POST"])
def edit_demand(demand_id: int) -> ResponseReturnValue:
    """Change a need."""
    actor = current_actor()
    demand = queries.get_visible_demand(actor, demand_id)
    authorize(actor, Permission.DEMAND_EDIT, demand)
    form = DemandForm.bind(demand_values(demand, is_page=True))
    if (
        form.submitted()
        and form.attempt(services.change_demand, actor, demand, **form.data) is not None
    ):
        flash(_("The need was saved."))
        return _to(demand_id)
    return page("training/demand_form.html", form=form, demand=demand, choices=[], shared=None)


@blueprint.post("/training/demands/<int:demand_id>/confirm")
def confirm_demand(demand_id: int) -> Response:
    """Say that a need still stands."""
    actor = current_actor()
    services.confirm_demand(actor, queries.get_visible_demand(actor, demand_id))
    flash(_("The need was confirmed."))
    return _to(demand_id)


@blueprint.post("/training/demands/<int:demand_id>/actions/<action>")
def act_on_demand(demand_id: int, action: str) -> ResponseReturnValue:
    """Mark a need as met, withdraw it or open it again."""
    actor = current_actor()
    demand = queries.get_visible_demand(actor, demand_id)
    authorize(actor, DEMANDS.permission(action), demand)
    step = DEMANDS.transitions[action]
    if step.confirm and not confirmed():
        return page(
            "components/confirm.html",
            title=step.confirm,
            action=step.label,
            cancel_url=url_for("training.show_demand", demand_id=demand_id),
        )
    services.act_on_demand(actor, demand, action)
    flash(str(step.done))
    return _to(demand_id)


@blueprint.get("/training/demands.csv")
def export_demands() -> ResponseReturnValue:
    """Answer with the needs of the reader's own organizations as a table."""
    actor = current_actor()
    _need_account()
    rows = map(demand_cells, queries.read_own_demands(actor))
    return csv_answer("skill-needs.csv", DEMAND_COLUMNS, rows)


@blueprint.route("/training/demands/import", methods=["GET", "POST"])
def import_demands() -> ResponseReturnValue:
    """State or change many needs from a spreadsheet: all of them, or none."""
    actor = current_actor()
    _need_account()
    choices = organization_choices(actor)
    form = DemandSheetForm.bind(organization_id=next((key for key, _name in choices), 0))
    form.organization_id.choices = choices
    if form.submitted():
        organization = get_organization(form.organization_id.data)
        authorize(actor, Permission.DEMAND_CREATE, organization)
        count = form.attempt(_import, organization, form.file.data)
        if count is not None:
            flash(ngettext("%(num)s need was saved.", "%(num)s needs were saved.", count))
            return see_other(url_for("training.list_demands"))
    return page(
        "training/import_demands.html",
        form=form,
        choices=choices,
        columns=DEMAND_COLUMNS,
        most=MOST_IMPORTED,
    )


def _import(organization: Any, upload: Any) -> int:
    if upload is None:
        raise Invalid("file", _("Please choose a file."))
    sheet = read_sheet(upload.read())
    if len(sheet.rows) > MOST_IMPORTED:
        raise Invalid("file", _("Please keep to %(most)d at most.", most=MOST_IMPORTED))
    rows = []
    for row in sheet.rows:
        texts = {
            FIELDS_OF_COLUMNS.get(name, name): text
            for name, text in row.cells.items()
            if name in DEMAND_COLUMNS
        }
        form = DemandForm.from_row(texts)
        problems = [(problem.column, problem.message) for problem in row.problems]
        number = texts.get("id", "").strip()
        if number and not (number.isdecimal() and number.isascii() and len(number) < 10):
            problems.append(("id", _("This is no number.")))
        if not form.validate():
            problems += [(name, found[0]) for name, found in form.errors_by_name.items()]
        if problems:
            field, message = problems[0]
            column = next((key for key, name in FIELDS_OF_COLUMNS.items() if name == field), field)
            raise Invalid(
                "file",
                _(
                    "Line %(line)s, column %(column)s: %(message)s",
                    line=row.line,
                    column=column,
                    message=message,
                ),
            )
        rows.append({**form.data, "line": row.line, "id": int(number) if number else None})
    return services.import_demands(current_actor(), organization, rows=rows)


# What firms were offered


@blueprint.route("/training/invitations/<int:invitation_id>", methods=["GET", "POST"])
def show_invitation(invitation_id: int) -> ResponseReturnValue:
    """Show the section that a provider offers to one's firm, and take seats of it."""
    actor = current_actor()
    invitation = queries.get_visible_invitation(actor, invitation_id)
    form = AnswerForm.bind(people=invitation.people or invitation.wanted)
    if form.submitted():
        authorize(actor, Permission.COHORT_INVITATION_ANSWER, invitation)
        form.attempt(services.accept_invitation, actor, invitation, **form.data)
        if not form.problems:
            flash(str(INVITATIONS.transitions["accept"].done))
            return see_other(url_for("training.show_invitation", invitation_id=invitation_id))
    return page(
        "training/invitation.html",
        form=form,
        invitation=queries.get_visible_invitation(actor, invitation_id),
        statuses=INVITATION_STATUSES,
        steps=INVITATIONS.available(actor, invitation),
    )


@blueprint.post("/training/invitations/<int:invitation_id>/actions/<action>")
def act_on_invitation(invitation_id: int, action: str) -> ResponseReturnValue:
    """Decline an offer."""
    actor = current_actor()
    invitation = queries.get_visible_invitation(actor, invitation_id)
    authorize(actor, INVITATIONS.permission(action), invitation)
    services.act_on_invitation(actor, invitation, action)
    flash(str(INVITATIONS.transitions[action].done))
    return see_other(url_for("training.show_invitation", invitation_id=invitation_id))


def _to(demand_id: int) -> Response:
    return see_other(url_for("training.show_demand", demand_id=demand_id))


def _need_account() -> None:
    if current_actor().user_id is None:
        raise Unauthenticated(_("Please sign in first."))

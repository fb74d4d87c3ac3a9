"""Pages of programs: lists, records, forms, what a provider offers."""

from collections.abc import Mapping
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.facilities.views.offers import (
    change_visibility,
    create,
    delete,
    offer_audiences,
    offer_organizations,
    own_organization,
    tell_saved,
    values_of,
)
from portal.kernel.authorization import authorize, can
from portal.kernel.clock import now, today_here
from portal.kernel.errors import check_all
from portal.kernel.kept import keep_answer
from portal.kernel.listing import VISIBILITIES
from portal.kernel.web.additions import sections_of
from portal.kernel.web.addresses import external_url
from portal.kernel.web.answers import flash, linked_data_answer, not_modified, page, see_other
from portal.kernel.web.arguments import (
    choice_argument,
    number_argument,
    record_number,
    text_argument,
)
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_organization
from portal.organizations.rules import is_stale
from portal.skills import queries as skills
from portal.training.forms.programs import NewProgramForm, ProgramForm, program_values
from portal.training.policies import Permission
from portal.training.queries import listings
from portal.training.queries import programs as queries
from portal.training.queries import sections as section_queries
from portal.training.queries.enrollments import load_seats
from portal.training.queries.gaps import name_reference, provider_of
from portal.training.rules.programs import (
    DELIVERIES,
    FUNDING_SOURCES,
    LANGUAGES,
    PROGRAM_KINDS,
    PROGRAM_STEPS,
    check_apprenticeship,
)
from portal.training.rules.sections import SECTION_STATUSES, is_open_on, price_range
from portal.training.schemas.linked_data import program_linked_data
from portal.training.services import programs as services
from portal.training.views.blueprint import blueprint

# Lists


# A phone shows three of them on a screen.
_PROGRAMS_ON_PAGE = 12
_NEXT_SECTIONS = 3


@blueprint.get("/training")
def list_programs() -> ResponseReturnValue:
    """Show the programs that the visitor may see by title, and what begins next."""
    actor = current_actor()
    given: dict[str, Any] = {
        name: value
        for name, value in {
            "kind": choice_argument("kind", PROGRAM_KINDS),
            "delivery": choice_argument("delivery", DELIVERIES),
            "skill": text_argument("skill", 80),
            "credential_id": number_argument("credential_id"),
        }.items()
        if value
    }
    found = listings.list_programs(
        actor, cursor=request.args.get("cursor"), limit=_PROGRAMS_ON_PAGE, **given
    )
    is_first = not given and not request.args.get("cursor")
    return page(
        "training/programs/list.html",
        found=found,
        next_sections=section_queries.list_next_sections(actor, limit=_NEXT_SECTIONS)
        if is_first
        else [],
        sees_gaps=can(actor, Permission.GAP_VIEW, provider_of(actor)),
        kinds=PROGRAM_KINDS,
        kind_links=_choice_links("kind", PROGRAM_KINDS, _("All kinds"), given),
        named=_named(given),
        all_url=url_for("training.list_programs"),
        next_url=(
            url_for("training.list_programs", cursor=found.next, **given) if found.next else None
        ),
    )


def _choice_links(
    name: str, labels: Any, everything: str, given: dict[str, Any]
) -> list[dict[str, Any]]:
    others: dict[str, Any] = {key: value for key, value in given.items() if key != name}
    return [
        {
            "label": label,
            "url": url_for("training.list_programs", **others, **({name: value} if value else {})),
            "is_selected": given.get(name, "") == value,
        }
        for value, label in [("", everything), *labels.items()]
    ]


def _named(given: dict[str, Any]) -> list[str]:
    """Return in words what a list is narrowed to, but for the kind, which is a choice."""
    found: list[str] = []
    if "skill" in given:
        found += skills.skill_labels([given["skill"]]).values()
    if "credential_id" in given:
        found += skills.credential_names([given["credential_id"]]).values()
    if "delivery" in given:
        found.append(str(DELIVERIES[given["delivery"]]))
    return found


@blueprint.get("/training/mine")
def list_own() -> ResponseReturnValue:
    """Show what an organization of the actor teaches, with state and freshness."""
    actor = current_actor()
    organization, choices = own_organization("training.list_own")
    if organization is None:
        return page("training/programs/own.html", organization=None, choices=[])
    is_archived = request.args.get("archived") == "yes"
    sections = [] if is_archived else listings.list_live_sections(actor, organization.id)
    past = [] if is_archived else listings.list_past_sections(actor, organization.id)
    programs = listings.list_programs(
        actor,
        organization_id=organization.id,
        is_archived=is_archived,
        cursor=request.args.get("cursor"),
        limit=50,
    )
    return page(
        "training/programs/own.html",
        organization=organization,
        choices=choices,
        programs=programs.items,
        sees_gaps=can(actor, Permission.GAP_VIEW, provider_of(actor)),
        is_archived=is_archived,
        kinds=PROGRAM_KINDS,
        sections=sections,
        past=past,
        seats=load_seats([section.id for section in (*sections, *past)]),
        statuses=SECTION_STATUSES,
        is_stale=lambda item: is_stale(item.confirmed_at, now()),
        next_url=(
            url_for("training.list_own", organization=organization.id, cursor=programs.next)
            if programs.next
            else None
        ),
    )


@blueprint.post("/training/mine/confirm")
def confirm_own() -> ResponseReturnValue:
    """Confirm the chosen programs of an organization."""
    organization = get_organization(request.form.get("organization_id", type=record_number))
    ids = request.form.getlist("program_ids", type=record_number)[:200]
    count = services.confirm_programs(current_actor(), organization, ids=ids)
    flash(
        ngettext("%(num)d program was confirmed.", "%(num)d programs were confirmed.", count)
        if count
        else _("Nothing was chosen, so nothing was confirmed.")
    )
    return see_other(url_for("training.list_own", organization=organization.id))


# One program


@blueprint.get("/training/programs/<int:program_id>")
def show_program(program_id: int) -> ResponseReturnValue:
    """Show a program: its next sections first, then what it teaches and whom it is for."""
    actor = current_actor()
    program = queries.get_visible_program(actor, program_id)
    sections = listings.list_sections_of(actor, program)
    seats = load_seats([section.id for section in sections])
    parts = sections_of("program", program)
    keep_answer()
    if actor.user_id is None and (
        reply := not_modified(
            *queries.version_of(program),
            now().date(),
            [(section.id, section.updated_at, seats[section.id].free) for section in sections],
            parts,
            is_public=_is_public(program),
        )
    ):
        return reply
    coming = [one for one in sections if one.status not in ("completed", "cancelled")]
    return page(
        "training/programs/show.html",
        program=program,
        organization=program.organization,
        coming=coming,
        past=[one for one in sections if one not in coming],
        next_section=next((one for one in coming if is_open_here(one)), None),
        is_open=is_open_here,
        seats=seats,
        prices=lambda section: price_range(section.price_by_class, program.cost_cents),
        place_line=section_queries.place_line,
        statuses=SECTION_STATUSES,
        kinds=PROGRAM_KINDS,
        deliveries=DELIVERIES,
        language_names=LANGUAGES,
        funding=FUNDING_SOURCES,
        audiences=VISIBILITIES,
        sections=parts,
        history=_history(program) if can(actor, Permission.PROGRAM_EDIT, program) else [],
        is_stale=is_stale(program.confirmed_at, now()),
        today=today_here().isoformat(),
        linked_data=linked_program(program, sections),
    )


def _history(program: Any) -> list[tuple[Any, str]]:
    """Return the steps of a program's history, each in words."""
    labels = {name: str(field.label.text) for name, field in ProgramForm()._fields.items()}
    found = []
    for step in queries.list_history(program):
        words = str(PROGRAM_STEPS[step.action])
        changed = [labels[name] for name in step.note.split() if name in labels]
        found.append((step, f"{words}: {', '.join(changed)}" if changed else words))
    return found


def is_open_here(section: Any) -> bool:
    """Tell whether one can enroll in a section today."""
    return is_open_on(section.status, today_here(), section.enroll_until, section.starts_on)


@blueprint.route("/training/programs/new", methods=["GET", "POST"])
def new_program() -> ResponseReturnValue:
    """Add a program, such as one for what firms ask for in a row of the gap view."""
    skill = text_argument("skill", 80)
    asked = skills.skills_by_key([skill]) if skill else []
    occupations = asked[0].occupations if asked else []
    form = NewProgramForm.bind(
        visibility="public",
        skills=[one.name for one in asked],
        occupation=f"{occupations[0].code} {occupations[0].name}" if occupations else "",
    )
    choices = offer_organizations(form)
    cell: dict[str, Any] = {name: text_argument(name, 80) for name in ("skill", "area", "quarter")}
    if form.submitted(_check):
        program = form.attempt(create, form, services.create_program)
        if program is not None:
            return _after_saving(program, cell if asked and cell["area"] else None)
    return page(
        "training/programs/form.html",
        form=form,
        program=None,
        choices=choices,
        asked=asked[0].name if asked else "",
        place=name_reference(cell) if asked else "",
    )


def _check(values: Mapping[str, Any]) -> None:
    """Raise Invalid with all that a program's form names and nobody knows, and what it lacks."""
    visibility = "draft" if request.form.get("action") == "draft" else values.get("visibility")
    check_all(
        lambda: skills.get_skills(values.get("skills") or ()),
        lambda: values.get("credential") and skills.get_named_credential(values["credential"]),
        lambda: values.get("occupation") and skills.get_occupation(values["occupation"]),
        lambda: check_apprenticeship({**values, "visibility": visibility}),
    )


@blueprint.route("/training/programs/<int:program_id>/edit", methods=["GET", "POST"])
def edit_program(program_id: int) -> ResponseReturnValue:
    """Change a program."""
    actor = current_actor()
    program = queries.get_visible_program(actor, program_id)
    authorize(actor, Permission.PROGRAM_EDIT, program)
    form = ProgramForm.bind(program_values(program, is_page=True))
    offer_audiences(form, program)
    if form.submitted(_check):
        saved = form.attempt(services.update_program, actor, program, **values_of(form))
        if saved is not None:
            return _after_saving(program)
    return page(
        "training/programs/form.html", form=form, program=program, choices=[], asked="", place=""
    )


@blueprint.post("/training/programs/<int:program_id>/copy")
def copy_program(program_id: int) -> ResponseReturnValue:
    """Make a draft of another program like this one, and open its form."""
    program = queries.get_visible_program(current_actor(), program_id)
    copy = services.copy_program(current_actor(), program)
    flash(_("A draft with the same facts was made. Change what differs."))
    return see_other(url_for("training.edit_program", program_id=copy.id))


@blueprint.post("/training/programs/<int:program_id>/confirm")
def confirm_program(program_id: int) -> ResponseReturnValue:
    """Say that a program's record is right."""
    program = queries.get_visible_program(current_actor(), program_id)
    services.confirm_program(current_actor(), program)
    flash(_("You confirmed “%(name)s”.", name=program.title))
    return see_other(_url(program))


@blueprint.post("/training/programs/<int:program_id>/visibility")
def change_program_visibility(program_id: int) -> ResponseReturnValue:
    """Change who sees a program."""
    program = queries.get_visible_program(current_actor(), program_id)
    return change_visibility(
        program,
        program.title,
        services.change_program_visibility,
        url=_url(program),
        undo_url=lambda before: url_for(
            "training.change_program_visibility", program_id=program_id, visibility=before
        ),
    )


@blueprint.post("/training/programs/<int:program_id>/archive")
def archive_program(program_id: int) -> ResponseReturnValue:
    """Take a program out of lists and search."""
    program = queries.get_visible_program(current_actor(), program_id)
    services.archive_program(current_actor(), program)
    flash(
        _("“%(name)s” is in the archive now.", name=program.title),
        undo_url=url_for("training.restore_program", program_id=program_id),
    )
    return see_other(_url(program))


@blueprint.post("/training/programs/<int:program_id>/restore")
def restore_program(program_id: int) -> ResponseReturnValue:
    """Take a program out of the archive."""
    program = queries.get_visible_program(current_actor(), program_id)
    services.restore_program(current_actor(), program)
    flash(_("“%(name)s” is offered again.", name=program.title))
    return see_other(_url(program))


@blueprint.post("/training/programs/<int:program_id>/delete")
def delete_program(program_id: int) -> ResponseReturnValue:
    """Delete a program that was never held."""
    program = queries.get_visible_program(current_actor(), program_id)
    authorize(current_actor(), Permission.PROGRAM_DELETE, program)
    return delete(
        program,
        program.title,
        services.delete_program,
        text=_("Nobody can get it back."),
        url=_url(program),
        list_endpoint="training.list_own",
    )


@blueprint.get("/training/programs/<int:program_id>.jsonld")
def show_program_data(program_id: int) -> ResponseReturnValue:
    """Answer with a program and its sections to come as linked data."""
    actor = current_actor()
    program = queries.get_visible_program(actor, program_id)
    sections = listings.list_sections_of(actor, program)
    return linked_data_answer(linked_program(program, sections))


def linked_program(program: Any, sections: list[Any]) -> dict[str, Any]:
    """Return a program as linked data, under the portal's public address."""
    root = external_url("training.list_programs").removesuffix("/training")
    shown = [one for one in sections if one.status in ("open", "running")]
    return program_linked_data(program, shown, root=root)


def _url(program: Any) -> str:
    return url_for("training.show_program", program_id=program.id)


def _is_public(program: Any) -> bool:
    return program.visibility == "public" and program.organization.status == "active"


def _after_saving(program: Any, cell: dict[str, Any] | None = None) -> ResponseReturnValue:
    """Go to a program that was saved; cell: the row of the gap view for which it was written."""
    offer = ""
    if cell and program.visibility != "draft":
        offer = url_for("training.offer_cohort", program=program.id, **cell)
    tell_saved(program, program.title, link=(offer, _("Offer a cohort")) if offer else None)
    return see_other(_url(program))

"""Pages of imports: upload, preview, progress, report; and the downloads of exports."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.intake import queries, services
from portal.intake.forms import (
    UploadEquipmentForm,
    UploadOrganizationsForm,
    UploadProgramsForm,
    UploadSectionsForm,
)
from portal.intake.policies import Permission
from portal.intake.rules.machines import MACHINE_COLUMNS
from portal.intake.rules.rows import OUTCOMES
from portal.intake.rules.runs import FORMATS, IMPORTS, SHOWN_FINDINGS
from portal.intake.rules.uniquip import UNIQUIP
from portal.kernel.authorization import NOBODY, Actor, authorize, can
from portal.kernel.errors import Invalid
from portal.kernel.web.addresses import external_url
from portal.kernel.web.answers import csv_answer, flash, linked_graph_answer, page, see_other
from portal.kernel.web.arguments import number_argument, record_number, text_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_organization, organization_choices
from portal.organizations.rules import ORGANIZATION_KINDS
from portal.training.rules.catalogs import COLUMNS as PROGRAM_COLUMNS
from portal.training.rules.catalogs import SECTION_COLUMNS
from portal.training.schemas.linked_data import CONTEXT, program_linked_data

blueprint = Blueprint("intake", __name__)


@blueprint.get("/imports")
def list_imports() -> ResponseReturnValue:
    """Show my imports, and what can be exported."""
    found = queries.list_runs(current_actor(), cursor=request.args.get("cursor"))
    return page(
        "intake/list.html",
        runs=found.items,
        statuses=IMPORTS.statuses,
        next_url=url_for("intake.list_imports", cursor=found.next) if found.next else None,
    )


@blueprint.route("/imports/new", methods=["GET", "POST"])
def create_import() -> ResponseReturnValue:
    """Take a file; what it brings is chosen by `what`."""
    actor = current_actor()
    authorize(actor, Permission.IMPORT_BEGIN)
    own = organization_choices(actor, "owner", "manager")
    # An administrator comes to equipment from an organization's page.
    wanted = request.values.get("organization_id", type=record_number)
    offered = ["equipment", "programs", "sections"] if own or wanted else []
    if can(actor, Permission.IMPORT_ORGANIZATIONS):
        offered.append("organizations")
    what = request.values.get("what", "")
    if what not in offered:
        # Whoever manages only what is archived has nothing to import into yet.
        what = next(iter(offered), "equipment")
    choices = [
        {
            "label": {
                "equipment": _("Equipment"),
                "programs": _("Training"),
                "sections": _("Sections"),
                "organizations": _("Organizations"),
            }[name],
            "url": url_for("intake.create_import", what=name),
            "is_selected": name == what,
        }
        for name in offered
    ]
    if what == "organizations":
        return _upload_organizations(choices)
    return _upload(choices, own, what)


def _upload_organizations(choices: Sequence[object]) -> ResponseReturnValue:
    form = UploadOrganizationsForm.bind()
    if form.submitted():
        run = form.attempt(services.upload_organizations, current_actor(), **form.data)
        if run is not None:
            return see_other(url_for("intake.show_import", run_id=run.id))
    return page("intake/new.html", form=form, what="organizations", choices=choices)


_UPLOADS: dict[str, tuple[Any, Callable[..., Any]]] = {
    "equipment": (UploadEquipmentForm, services.upload_equipment),
    "programs": (UploadProgramsForm, services.upload_programs),
    "sections": (UploadSectionsForm, services.upload_sections),
}


def _upload(
    choices: Sequence[object], own: Sequence[tuple[int, str]], what: str
) -> ResponseReturnValue:
    form_class, upload = _UPLOADS[what]
    form = form_class.bind(
        organization_id=request.args.get("organization_id", type=record_number)
        or (own[0][0] if len(own) == 1 else None)
    )
    wanted = form.organization_id.data
    offered = list(own)
    if wanted is not None and wanted not in dict(own):
        organization = get_organization(wanted)
        authorize(current_actor(), Permission.IMPORT_EQUIPMENT, organization)
        offered.append((organization.id, organization.name))
    form.organization_id.choices = [("", _("Please choose")), *offered]
    if form.submitted():
        values = dict(form.data)
        organization = get_organization(values.pop("organization_id"))
        run = form.attempt(upload, current_actor(), organization, **values)
        if run is not None:
            return see_other(url_for("intake.show_import", run_id=run.id))
    return page("intake/new.html", form=form, what=what, choices=choices)


#: The columns of an empty table of each sort: those that its import reads.
_COLUMNS: dict[str, Sequence[str]] = {
    "equipment": MACHINE_COLUMNS,
    "programs": PROGRAM_COLUMNS,
    "sections": SECTION_COLUMNS,
    "organizations": queries.ORGANIZATION_COLUMNS,
}


@blueprint.get("/imports/<any(equipment, programs, sections, organizations):what>.csv")
def download_columns(what: str) -> ResponseReturnValue:
    """Send an empty table to be filled in, with all columns that an import knows."""
    authorize(current_actor(), Permission.IMPORT_BEGIN)
    return csv_answer(f"{what}.csv", _COLUMNS[what], [])


@blueprint.get("/imports/<int:run_id>")
def show_import(run_id: int) -> ResponseReturnValue:
    """Show an import as it stands: its progress, the preview, or the report."""
    return page("intake/show.html", **_context(run_id))


@blueprint.get("/imports/<int:run_id>/progress")
def show_progress(run_id: int) -> ResponseReturnValue:
    """Answer with the part of the page that changes while the import runs."""
    return page("intake/progress.html", **_context(run_id))


def _context(run_id: int) -> dict[str, object]:
    actor = current_actor()
    run = queries.get_visible_run(actor, run_id)
    is_running = run.status in ("checking", "importing")
    return {
        "run": run,
        "is_running": is_running,
        "actions": IMPORTS.available(actor, run),
        "statuses": IMPORTS.statuses,
        "outcomes": [
            (label, run.counts[name])
            for name, label in OUTCOMES.items()
            if run.counts.get(name) or name in ("created", "changed", "unchanged")
            if name in run.counts
        ],
        "findings": [] if is_running else queries.list_findings(run),
        "most": SHOWN_FINDINGS,
        "formats": FORMATS,
        "kinds": ORGANIZATION_KINDS,
        "made_url": _made_url(run),
    }


#: Where the records of a format stand.
_LISTS = {
    "uniquip": "facilities.list_own",
    "programs": "training.list_own",
    "sections": "training.list_own",
}


def _made_url(run: Any) -> str | None:
    """Return where what an import brought in is listed, if it brought in anything."""
    if not any(run.counts.get(name) for name in ("created", "changed", "unchanged")):
        return None
    endpoint = _LISTS.get(run.source_format, "organizations.list_organizations")
    return url_for(endpoint, organization=run.organization_id)


@blueprint.post("/imports/<int:run_id>/actions/<action>")
def act_on_import(run_id: int, action: str) -> ResponseReturnValue:
    """Start, cancel or close an import."""
    run = queries.get_visible_run(current_actor(), run_id)
    services.act_on_import(current_actor(), run, action)
    flash(str(IMPORTS.transitions[action].done))
    if action == "close":
        return see_other(url_for("intake.list_imports"))
    return see_other(url_for("intake.show_import", run_id=run.id))


@blueprint.get("/imports/<int:run_id>/problems.csv")
def download_findings(run_id: int) -> ResponseReturnValue:
    """Send everything there is to tell about an import's rows."""
    run = queries.get_visible_run(current_actor(), run_id)
    rows = (
        [str(item.line), item.column, item.kind, item.message]
        for item in queries.list_findings(run, limit=run.finding_count or 1)
    )
    columns = (_("Line"), _("Column"), _("Kind"), _("Message"))
    return csv_answer(f"import-{run.id}-problems.csv", columns, rows)


@blueprint.get("/exports/equipment.csv")
def export_equipment() -> ResponseReturnValue:
    """Send facilities and equipment in the columns of UNIQUIP: public ones, or all I may see."""
    if text_argument("format") not in ("", "uniquip"):
        raise Invalid("format", _("Equipment is exported as UNIQUIP."))
    rows = queries.uniquip_rows(_reader(), organization_id=number_argument("organization"))
    return csv_answer("equipment.csv", UNIQUIP, rows)


@blueprint.get("/exports/organizations.csv")
def export_organizations() -> ResponseReturnValue:
    """Send organizations with what is public of them, or with all I may see."""
    rows = queries.organization_rows(_reader())
    return csv_answer("organizations.csv", queries.ORGANIZATION_COLUMNS, rows)


@blueprint.get("/exports/programs.csv")
def export_programs() -> ResponseReturnValue:
    """Send programs in columns that an import takes: public ones, or all I may see."""
    rows = queries.program_rows(_reader(), organization_id=number_argument("organization"))
    return csv_answer("programs.csv", PROGRAM_COLUMNS, rows)


@blueprint.get("/exports/sections.csv")
def export_sections() -> ResponseReturnValue:
    """Send sections in columns that an import takes: public ones, or all I may see."""
    rows = queries.section_rows(_reader(), organization_id=number_argument("organization"))
    return csv_answer("sections.csv", SECTION_COLUMNS, rows)


@blueprint.get("/exports/programs.jsonld")
def export_linked_programs() -> ResponseReturnValue:
    """Send programs with their sections to come as linked data of schema.org and CTDL."""
    root = external_url("training.list_programs").removesuffix("/training")
    found = queries.list_programs(_reader(), organization_id=number_argument("organization"))
    graph = (
        {name: value for name, value in data.items() if name != "@context"}
        for data in (program_linked_data(*one, root=root) for one in found)
    )
    return linked_graph_answer("programs.jsonld", CONTEXT, graph)


def _reader() -> Actor:
    """Return for whom to export; what only members see must be asked for."""
    return current_actor() if text_argument("all") else NOBODY

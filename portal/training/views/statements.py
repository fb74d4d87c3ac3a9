"""Statements of what is owed for training: of a section, of a month of an organization."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.bookings.rules.telling import write_month
from portal.bookings.views.statements import month_links
from portal.kernel.authorization import authorize
from portal.kernel.clock import today_here
from portal.kernel.web.answers import page, table_answer
from portal.kernel.web.arguments import month_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_visible_organization
from portal.training.policies import Permission
from portal.training.queries import rosters as queries
from portal.training.queries.sections import get_visible_section
from portal.training.rules.enrollments import ENROLLMENT_STATUSES
from portal.training.views.blueprint import blueprint

#: So far ahead a section may begin for which something is owed already.
_YEARS_AHEAD = 2


@blueprint.get("/training/sections/<int:section_id>/statement")
def show_section_statement(section_id: int) -> ResponseReturnValue:
    """Show what is owed for a section, by who pays."""
    actor = current_actor()
    section = get_visible_section(actor, section_id)
    authorize(actor, Permission.ROSTER_VIEW, section)
    statements = queries.load_section_statement(section)
    return _statement_page(
        statements,
        sum(one.total_cents for one in statements),
        heading=_("Statement of “%(title)s”", title=section.program.title),
        section=section,
        organization=section.organization,
        csv_url=url_for("training.export_section_statement", section_id=section_id, form="csv"),
        xlsx_url=url_for("training.export_section_statement", section_id=section_id, form="xlsx"),
    )


@blueprint.get("/training/sections/<int:section_id>/statement.<any(csv, xlsx):form>")
def export_section_statement(section_id: int, form: str) -> ResponseReturnValue:
    """Send what is owed for a section as a table."""
    actor = current_actor()
    section = get_visible_section(actor, section_id)
    authorize(actor, Permission.ROSTER_VIEW, section)
    rows = queries.statement_cells(queries.load_section_statement(section))
    return table_answer(f"statement-section-{section_id}", form, queries.STATEMENT_COLUMNS, rows)


@blueprint.get("/organizations/<int:organization_id>/training-statement")
def show_training_statement(organization_id: int) -> ResponseReturnValue:
    """Show what others owe an organization for a month's sections, or what it owes them."""
    actor = current_actor()
    organization = get_visible_organization(actor, organization_id)
    authorize(actor, Permission.TRAINING_STATEMENT_VIEW, organization)
    side, month = _asked()
    owed = queries.load_month(organization, side=side, month=month)

    return _statement_page(
        owed.statements,
        owed.total_cents,
        heading=_("Training: statement for %(month)s", month=write_month(month)),
        section=None,
        organization=organization,
        is_cut=owed.is_cut,
        **month_links(
            organization_id,
            ("training.show_training_statement", "training.export_training_statement"),
            {"provider": _("You are paid"), "payer": _("You pay")},
            side=side,
            month=month,
            latest=dt.date(today_here().year + _YEARS_AHEAD, 12, 1),
        ),
    )


@blueprint.get("/organizations/<int:organization_id>/training-statement.<any(csv, xlsx):form>")
def export_training_statement(organization_id: int, form: str) -> ResponseReturnValue:
    """Send a month's statement as a table, whole."""
    actor = current_actor()
    organization = get_visible_organization(actor, organization_id)
    authorize(actor, Permission.TRAINING_STATEMENT_VIEW, organization)
    side, month = _asked()
    rows = queries.month_cells(organization, side=side, month=month)
    name = f"training-{organization_id}-{side}-{month:%Y-%m}"
    return table_answer(name, form, queries.STATEMENT_COLUMNS, rows)


def _statement_page(
    statements: Sequence[Any], total_cents: int, **context: Any
) -> ResponseReturnValue:
    return page(
        "training/statement.html",
        statements=statements,
        total_cents=total_cents,
        statuses=ENROLLMENT_STATUSES,
        **context,
    )


def _asked() -> tuple[str, dt.date]:
    side = "payer" if request.args.get("side") == "payer" else "provider"
    return side, month_argument(years_ahead=_YEARS_AHEAD)

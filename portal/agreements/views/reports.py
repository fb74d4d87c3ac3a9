"""Pages of what came of what: the chain of an agreement, and a region's report."""

from flask import Response, url_for
from flask.typing import ResponseReturnValue

from portal.agreements.queries.agreements import get_visible_agreement
from portal.agreements.queries.reports import (
    Period,
    list_reported_regions,
    load_chain,
    load_report,
    period_of,
    read_chain_rows,
    rows_of_chain,
    year_of,
)
from portal.agreements.rules.counting import CATEGORIES, SECTIONS
from portal.agreements.rules.words import (
    AGREEMENT_KINDS,
    AGREEMENTS,
    OUTCOME_KINDS,
    OUTCOME_STATUSES,
)
from portal.agreements.schemas import (
    CHAIN_COLUMNS,
    REPORT_COLUMNS,
    chain_rows,
    report_headings,
    report_in_words,
    report_rows,
)
from portal.agreements.views.blueprint import blueprint
from portal.kernel.clock import today_here
from portal.kernel.web.answers import csv_answer, page, see_other, table_answer
from portal.kernel.web.arguments import date_argument
from portal.kernel.web.viewer import current_actor


@blueprint.get("/agreements/<int:agreement_id>/chain")
def show_chain(agreement_id: int) -> ResponseReturnValue:
    """Show what led to an agreement and what came of it."""
    actor = current_actor()
    agreement = get_visible_agreement(actor, agreement_id)
    return page(
        "agreements/chain.html",
        agreement=agreement,
        chain=load_chain(actor, agreement),
        kinds=AGREEMENT_KINDS,
        statuses=AGREEMENTS.statuses,
        outcome_kinds=OUTCOME_KINDS,
        outcome_statuses=OUTCOME_STATUSES,
        categories=CATEGORIES,
    )


@blueprint.get("/agreements/<int:agreement_id>/chain.csv")
def export_chain(agreement_id: int) -> Response:
    """Answer with the chain of an agreement as a table."""
    actor = current_actor()
    chain = load_chain(actor, get_visible_agreement(actor, agreement_id))
    rows = chain_rows(rows_of_chain(chain))
    return csv_answer(f"agreement-{agreement_id}-chain.csv", CHAIN_COLUMNS, rows)


@blueprint.get("/administration/outcomes")
def list_reports() -> ResponseReturnValue:
    """Show the regions whose outcomes the reader reports."""
    regions = list_reported_regions(current_actor())
    if len(regions) == 1:
        return see_other(url_for("agreements.show_report", key=regions[0].key))
    return page("agreements/reports.html", regions=regions)


@blueprint.get("/regions/<key>/outcomes")
def show_report(key: str) -> ResponseReturnValue:
    """Show what a region has to show for a period, in the categories of funders."""
    report = load_report(current_actor(), key, _asked_period())
    period = report.period
    since, until = period.since.isoformat(), period.until.isoformat()
    return page(
        "agreements/report.html",
        report=report,
        region=report.region,
        period=period,
        years=[
            {
                "label": str(year),
                "url": url_for(
                    "agreements.show_report", key=key, since=f"{year}-01-01", until=f"{year}-12-31"
                ),
                "is_selected": period == year_of(year),
            }
            for year in range(today_here().year - 2, today_here().year + 1)
        ],
        report_url=url_for(
            "agreements.export_report", key=key, form="csv", since=since, until=until
        ),
        workbook_url=url_for(
            "agreements.export_report", key=key, form="xlsx", since=since, until=until
        ),
        chains_url=url_for("agreements.export_chains", key=key, since=since, until=until),
        sections=SECTIONS,
        categories=CATEGORIES,
    )


@blueprint.get("/regions/<key>/outcomes.<any(csv, xlsx):form>")
def export_report(key: str, form: str) -> Response:
    """Answer with a region's report: as a table for programs, or as a workbook in words."""
    report = load_report(current_actor(), key, _asked_period())
    if form == "csv":
        return csv_answer(f"{key}-outcomes.csv", REPORT_COLUMNS, report_rows(report))
    return table_answer(f"{key}-outcomes", form, report_headings(), report_in_words(report))


@blueprint.get("/regions/<key>/chains.csv")
def export_chains(key: str) -> Response:
    """Answer with every chain that stands behind a region's report."""
    rows = read_chain_rows(current_actor(), key, _asked_period())
    return csv_answer(f"{key}-chains.csv", CHAIN_COLUMNS, chain_rows(rows))


def _asked_period() -> Period:
    return period_of(date_argument("since"), date_argument("until"))

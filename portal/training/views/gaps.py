"""Pages of the gap view: where demand and supply of skills part; cohorts that close gaps."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.kernel.authorization import authorize, can
from portal.kernel.clock import today_here
from portal.kernel.errors import Conflict, Forbidden
from portal.kernel.web.answers import csv_answer, flash, page, see_other
from portal.kernel.web.arguments import choice_argument, number_argument, text_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import organization_choices
from portal.regions.queries.counties import county_labels
from portal.regions.queries.regions import list_regions
from portal.skills.queries import skill_labels
from portal.skills.rules import SKILL_KINDS
from portal.training.forms.demands import CohortForm
from portal.training.policies import Permission
from portal.training.queries import demands as demand_queries
from portal.training.queries import gaps as queries
from portal.training.queries.programs import get_visible_program
from portal.training.rules.demands import INVITATION_STATUSES, quarter_begins
from portal.training.rules.gaps import FEWEST_FIRMS
from portal.training.rules.sections import SECTION_STATUSES
from portal.training.schemas.demands import GAP_COLUMNS, gap_cells
from portal.training.services import demands as services
from portal.training.views.blueprint import blueprint

#: How long a cohort lasts where nobody has said yet.
_USUAL_WEEKS = 8


@blueprint.get("/training/gaps")
def show_gaps() -> ResponseReturnValue:
    """Show demand against free seats per skill, county and quarter, and what could help."""
    actor = current_actor()
    _authorize()
    own = queries.own_regions(actor)
    region, filters = read_filters(own)
    start = min(number_argument("start") or 0, 100_000)
    found = queries.show_gaps(actor, filters, start=start)
    chosen = _chosen(region, filters)
    regions = list_regions().items
    return page(
        "training/gaps.html",
        found=found,
        start=start,
        filters=filters,
        chosen=chosen,
        region=region,
        has_regions=len(own) > 1,
        kinds=SKILL_KINDS,
        regions=regions,
        counties=_county_groups(regions, filters, found.rows),
        quarters=queries.quarters_shown(),
        skill=skill_labels([filters.skill]).get(filters.skill, "") if filters.skill else "",
        chart=[(row.skill, row.gap.missing) for row in found.rows[:8] if row.gap.missing > 0],
        can_offer=bool(organization_choices(actor)),
        next_url=url_for("training.show_gaps", start=found.next, **chosen) if found.next else None,
    )


@blueprint.get("/training/gaps.csv")
def export_gaps() -> ResponseReturnValue:
    """Answer with all rows that the filters choose, as a table."""
    _authorize()
    actor = current_actor()
    _region, filters = read_filters(queries.own_regions(actor))
    rows = map(gap_cells, queries.read_gaps(actor, filters))
    return csv_answer("skill-gaps.csv", GAP_COLUMNS, rows)


@blueprint.route("/training/gaps/offer", methods=["GET", "POST"])
def offer_cohort() -> ResponseReturnValue:
    """Plan a section and offer it to the firms that asked for a skill."""
    actor = current_actor()
    _authorize()
    reference = {name: text_argument(name, 80) for name in ("skill", "area", "quarter")}
    cell = queries.get_cell(reference)
    own = queries.own_programs(actor, cell.skill)
    begins = max(
        today_here() + dt.timedelta(days=28),
        quarter_begins(cell.quarter) if cell.quarter is not None else today_here(),
    )
    wanted = number_argument("program")
    offered = [number for number, _title in own]
    form = CohortForm.bind(
        program_id=wanted if wanted in offered else next(iter(offered), 0),
        starts_on=begins,
        ends_on=begins + dt.timedelta(weeks=_USUAL_WEEKS),
        seats=min(cell.people, 24),
        min_seats=min(cell.people, 6),
    )
    form.program_id.choices = own
    providers = {get_visible_program(actor, number).organization_id for number in offered}
    reached = max(
        (len(demand_queries.firms_to_tell(number, cell)) for number in providers), default=0
    )
    if form.submitted():
        values = dict(form.data)
        program = get_visible_program(actor, values.pop("program_id"))
        try:
            made = form.attempt(services.offer_cohort, actor, program, cell=cell, **values)
        except Conflict as error:
            form.add_error(None, error.message)
            made = None
        if made is not None:
            told = demand_queries.get_visible_offer(actor, made.id).invitations
            flash(
                ngettext(
                    "The section is planned, and %(num)s firm was told.",
                    "The section is planned, and %(num)s firms were told.",
                    len(told),
                )
            )
            return see_other(url_for("training.show_offer", offer_id=made.id))
    return page(
        "training/offer_form.html",
        form=form,
        own=own,
        cell=cell,
        reference=reference,
        is_offered=bool(own) and reached < FEWEST_FIRMS,
        skill=skill_labels([cell.skill])[cell.skill],
        place=queries.name_cell(cell),
        back=url_for("training.show_gaps", skill=cell.skill),
    )


@blueprint.get("/training/offers")
def list_offers() -> ResponseReturnValue:
    """Show the cohorts that the reader's organizations have offered."""
    _authorize()
    found = demand_queries.list_offers(current_actor(), cursor=request.args.get("cursor"))
    return page(
        "training/offers.html",
        found=found,
        statuses=SECTION_STATUSES,
        next_url=url_for("training.list_offers", cursor=found.next) if found.next else None,
    )


@blueprint.get("/training/offers/<int:offer_id>")
def show_offer(offer_id: int) -> ResponseReturnValue:
    """Show an offer: who accepts by its name, of the others only how many there are."""
    offer = demand_queries.get_visible_offer(current_actor(), offer_id)
    accepted = [row for row in offer.invitations if row.status == "accepted"]
    return page(
        "training/offer.html",
        offer=offer,
        accepted=accepted,
        counts={
            label: sum(row.status == status for row in offer.invitations)
            for status, label in INVITATION_STATUSES.items()
        },
        promised=sum(row.people or 0 for row in accepted),
        statuses=SECTION_STATUSES,
    )


def read_filters(own: list[int]) -> tuple[str, queries.GapFilters]:
    """Return what the address says that the reader looks at, and which region is chosen.

    own: the reader's regions, with which it begins. "all" and "own" are regions as well.
    """
    county = text_argument("county", 5)
    region = text_argument("region", 9) or ("all" if county else "own")
    if region == "own":
        region_ids = own
        region = str(own[0]) if len(own) == 1 else "own" if own else "all"
    else:
        region_ids = [] if region == "all" else [number_argument("region") or 0]
    return region, queries.GapFilters(
        kind=choice_argument("kind", SKILL_KINDS),
        skill=text_argument("skill", 80),
        region_ids=region_ids,
        county=county,
        quarter=text_argument("quarter", 7),
        only_asked=text_argument("idle", 3) != "yes",
        only_missing=text_argument("missing", 3) == "yes",
    )


def _county_groups(
    regions: Sequence[Any], filters: queries.GapFilters, rows: Sequence[queries.GapRow]
) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the counties to choose from: of the chosen region, or of each one under its name.

    Last those of rows that belong to none.
    """
    groups = [
        (region.name, [(county.fips, county.label) for county in region.counties])
        for region in regions
        if not filters.region_ids or region.id in filters.region_ids
    ]
    known = {fips for _name, group in groups for fips, _label in group}
    others = {row.gap.area[1] for row in rows if row.gap.area[0] == "county"} | {filters.county}
    groups.append((_("Elsewhere"), sorted(county_labels(others - known).items())))
    return [(name, group) for name, group in groups if group]


def _chosen(region: str, filters: queries.GapFilters) -> dict[str, Any]:
    values = {
        "kind": filters.kind,
        "skill": filters.skill,
        "region": region,
        "county": filters.county,
        "quarter": filters.quarter,
        "missing": "yes" if filters.only_missing else "",
        "idle": "" if filters.only_asked else "yes",
    }
    return {name: value for name, value in values.items() if value}


def _authorize() -> None:
    actor = current_actor()
    provider = queries.provider_of(actor)
    if actor.user_id is not None and not can(actor, Permission.GAP_VIEW, provider):
        raise Forbidden(
            _(
                "Colleges, universities, laboratories, unions, associations and agencies see this "
                "once a broker of their region has verified them, and brokers do."
            )
        )
    authorize(actor, Permission.GAP_VIEW, provider)

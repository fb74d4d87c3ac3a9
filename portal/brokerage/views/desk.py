"""The broker's desk: what waits in the regions that somebody brokers, and what is done at once."""

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.brokerage.policies import Permission
from portal.brokerage.queries import desk as queries
from portal.brokerage.services.cases import open_cases_of_requests
from portal.brokerage.services.desk import ask_to_confirm as ask_people_to_confirm
from portal.brokerage.views.blueprint import blueprint
from portal.kernel.authorization import authorize
from portal.kernel.errors import Invalid
from portal.kernel.manifest import waiting_on_desk
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import chosen_numbers, number_argument
from portal.kernel.web.viewer import current_actor
from portal.regions.queries.regions import get_region, regions_by_id

#: So many things of one sort the desk shows, and so many to whoever wants to see all.
MOST_OF_A_SORT = 8
MOST_OF_ALL = 200


@blueprint.get("/broker")
def desk() -> ResponseReturnValue:
    """Show what waits in the actor's regions, or in one of them."""
    authorize(current_actor(), Permission.CASE_VIEW_OWN)
    return _desk()


def _desk(problem: str = "") -> ResponseReturnValue:
    actor = current_actor()
    chosen = number_argument("region")
    regions = regions_by_id(actor.brokered_regions)
    is_narrowed = chosen in actor.brokered_regions
    looking = queries.in_region(actor, chosen)
    shows_all = request.args.get("all") == "yes"
    most = MOST_OF_ALL if shows_all else MOST_OF_A_SORT
    # One more than is shown tells that there are more.
    waiting = waiting_on_desk(looking, "broker", most + 1)
    region_id = chosen if is_narrowed else None
    return page(
        "brokerage/desk.html",
        problem=problem,
        waiting=[section for section in waiting if section.items],
        empty=[section for section in waiting if not section.items],
        needs=queries.list_needs_without_case(looking, most + 1),
        stale=queries.list_stale(looking, most + 1),
        most=most,
        all_url=None if shows_all else url_for("brokerage.desk", region=region_id, all="yes"),
        region_links=[
            {"label": name, "url": url_for("brokerage.desk", region=key), "is_selected": is_chosen}
            for name, key, is_chosen in [
                (_("All my regions"), None, not is_narrowed),
                *((region.name, region.id, region.id == chosen) for region in regions),
            ]
        ],
    )


@blueprint.post("/broker/open-cases")
def open_cases() -> ResponseReturnValue:
    """Open a case for each need that was chosen."""
    actor = current_actor()
    authorize(actor, Permission.CASE_VIEW_OWN)
    opened = []
    try:
        for region_id, ids in queries.by_region(actor, chosen_numbers("request_id")).items():
            opened += open_cases_of_requests(actor, get_region(region_id), request_ids=ids)
    except Invalid as error:
        return _desk(error.message)
    flash(ngettext("%(num)s case was opened.", "%(num)s cases were opened.", len(opened)))
    return see_other(url_for("brokerage.list_cases", keeper="me"))


@blueprint.post("/broker/ask-to-confirm")
def ask_to_confirm() -> ResponseReturnValue:
    """Ask the people of organizations to look at what they have not confirmed for long."""
    actor = current_actor()
    authorize(actor, Permission.CASE_VIEW_OWN)
    try:
        chosen = queries.get_organizations(actor, chosen_numbers("organization_id"))
        asked = ask_people_to_confirm(actor, chosen)
    except Invalid as error:
        return _desk(error.message)
    flash(
        ngettext(
            "%(num)s organization was asked to look at its records.",
            "%(num)s organizations were asked to look at their records.",
            asked,
        )
    )
    return see_other(url_for("brokerage.desk"))

"""What was searched for and not found, for those who broker partnerships."""

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.directory.queries import demand
from portal.directory.rules import DEMAND_PERIODS_DAYS, FEWEST_SEARCHES, USUAL_DEMAND_DAYS
from portal.directory.views.blueprint import blueprint
from portal.kernel.web.answers import page
from portal.kernel.web.arguments import text_argument
from portal.kernel.web.viewer import current_actor
from portal.regions.queries.regions import counties_of_region, find_region, list_regions


@blueprint.get("/administration/unmet-demand")
def list_unmet_demand() -> ResponseReturnValue:
    """Show what was searched for and not found, the most wanted first."""
    days = text_argument("days", 5)
    period = int(days) if days in map(str, DEMAND_PERIODS_DAYS) else USUAL_DEMAND_DAYS
    region = find_region(text_argument("region", 80))

    def own_url(days: int, key: str | None) -> str:
        return url_for("directory.list_unmet_demand", days=days, region=key)

    key = region.key if region else None
    return page(
        "directory/unmet_demand.html",
        rows=demand.list_unmet_demand(
            current_actor(),
            days=period,
            county_fips=[county.fips for county in counties_of_region(region.id)]
            if region
            else None,
        ),
        fewest=FEWEST_SEARCHES,
        periods=[
            {
                "label": _("%(days)d days", days=number),
                "url": own_url(number, key),
                "is_selected": number == period,
            }
            for number in DEMAND_PERIODS_DAYS
        ],
        regions=[
            {
                "label": name,
                "url": own_url(period, choice),
                "is_selected": choice == key,
            }
            for choice, name in [
                (None, _("Everywhere")),
                *((row.key, row.name) for row in list_regions(limit=20).items),
            ]
        ],
    )

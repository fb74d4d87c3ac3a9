"""The first page, the desk, the page of a region, help, and the entry to administration."""

from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.home import queries
from portal.home.policies import Permission
from portal.home.queries import Shared
from portal.kernel.authorization import authorize
from portal.kernel.kept import keep_answer
from portal.kernel.manifest import waiting_on_desk
from portal.kernel.web.additions import navigation_items
from portal.kernel.web.answers import page, see_other
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import list_organizations_of
from portal.regions.queries.brokers import has_brokers
from portal.regions.queries.counties import county_labels, outlines_of
from portal.regions.queries.regions import (
    counties_of_region,
    get_region_by_key,
    list_regions,
    regions_by_id,
)
from portal.regions.rules import draw_counties

blueprint = Blueprint("home", __name__)

MOST_COUNTIES_DRAWN = 120
MOST_REGIONS_DRAWN = 6


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Show what is shared here; whoever is signed in starts at the desk."""
    if current_actor().user_id is not None:
        return see_other(url_for("home.desk"))
    return show_front()


@blueprint.get("/welcome")
def welcome() -> ResponseReturnValue:
    """Show the first page to those who are signed in as well."""
    return show_front()


def show_front() -> ResponseReturnValue:
    shared = queries.find_shared(current_actor())
    regions = list_regions(limit=MOST_REGIONS_DRAWN).items
    # Regions far apart would be specks on one map, so each has its own.
    if shared is not None:
        keep_answer()
    groups = [[county.fips for county in row.counties] for row in regions]
    if not groups:
        groups = [list(shared.counties if shared else {})[:MOST_COUNTIES_DRAWN]]
    maps = _maps(shared, groups)
    return page(
        "home/front.html",
        shared=shared,
        map=None if regions else maps[0],
        regions=list(zip(regions, maps, strict=False)) if regions else [],
    )


@blueprint.get("/desk")
def desk() -> ResponseReturnValue:
    """Show what waits for me, what I offer, and ways to begin."""
    actor = current_actor()
    authorize(actor, Permission.DESK_VIEW)
    waiting = waiting_on_desk(actor)
    return page(
        "home/desk.html",
        waiting=[section for section in waiting if section.items],
        empty=[section for section in waiting if not section.items],
        organizations=list_organizations_of(actor),
        regions=regions_by_id(actor.brokered_regions | actor.served_regions),
    )


@blueprint.get("/offer")
def offer() -> ResponseReturnValue:
    """Lead to what somebody can list; those without an organization begin with that."""
    authorize(current_actor(), Permission.DESK_VIEW)
    if not current_actor().memberships:
        return see_other(url_for("organizations.register", next=url_for("home.offer")))
    return page("home/offer.html")


@blueprint.get("/regions/<key>")
def region(key: str) -> ResponseReturnValue:
    """Show a region: what it shares, where, what is new and what is wanted."""
    found = get_region_by_key(key)
    counties = counties_of_region(found.id)
    codes = [county.fips for county in counties]
    shared = queries.find_shared(current_actor(), codes)
    if shared is not None:
        keep_answer()
    return page(
        "home/region.html",
        region=found,
        counties=counties,
        codes=codes,
        shared=shared,
        has_brokers=has_brokers(found.id),
        bars=[(label, number) for _key, label, number in shared.capabilities] if shared else [],
        map=_maps(shared, [codes])[0],
    )


@blueprint.get("/help")
def help_page() -> ResponseReturnValue:
    """Explain in plain words how the portal is used."""
    keep_answer()
    return page("home/help.html")


@blueprint.get("/administration")
def administration() -> ResponseReturnValue:
    """Show the ways into administration that the actor has."""
    authorize(current_actor(), Permission.ADMINISTRATION_VIEW)
    return page(
        "home/administration.html",
        items=navigation_items("administration"),
        mail_trouble=queries.tell_mail_state(current_actor()),
        kept_days=queries.MAIL_KEPT.days,
    )


def _maps(shared: Shared | None, groups: list[list[str]]) -> list[dict[str, Any]]:
    """Return a map of each group of counties; what they are is read for all at once."""
    codes = [code for group in groups for code in group]
    labels, outlines = county_labels(codes), outlines_of(codes)
    counts = shared.counties if shared else {}
    return [
        {
            "drawing": draw_counties({code: outlines[code] for code in group if code in outlines}),
            "inside": [code for code in group if counts.get(code)],
            "names": {
                code: _(
                    "%(county)s: %(number)d records",
                    county=labels[code],
                    number=counts.get(code, 0),
                )
                for code in group
                if code in labels
            },
        }
        for group in groups
    ]

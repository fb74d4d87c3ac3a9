"""Pages: regions, the capability thesaurus, clusters, and the administration of regions."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from portal.kernel.authorization import authorize
from portal.kernel.errors import NotFound
from portal.kernel.kept import keep_answer
from portal.kernel.web.answers import flash, not_modified, page, see_other
from portal.kernel.web.arguments import confirmed, text_argument
from portal.kernel.web.viewer import current_actor
from portal.regions import services
from portal.regions.forms import BrokerForm, RegionForm
from portal.regions.policies import Permission
from portal.regions.queries import brokers, capabilities, counties, industries, regions
from portal.regions.rules import draw_map

blueprint = Blueprint("regions", __name__)


@blueprint.get("/regions")
def list_regions() -> ResponseReturnValue:
    """Show all regions with their maps."""
    found = regions.list_regions(cursor=request.args.get("cursor"), limit=20)
    outlines = counties.outlines_of(
        county.fips for region in found.items for county in region.counties
    )
    drawings = {
        region.id: draw_map(
            {c.fips: outlines[c.fips] for c in region.counties if c.fips in outlines},
            width=320,
            tallest=240,
        )
        for region in found.items
    }
    keep_answer()
    return page("regions/regions.html", regions=found, drawings=drawings)


@blueprint.get("/capabilities")
def list_capabilities() -> ResponseReturnValue:
    """Show the whole thesaurus as a tree, or what fits the words typed."""
    language = _language()
    typed = text_argument("q", 100)
    keep_answer()
    if typed:
        matches = capabilities.suggest_capabilities(typed, 50, language=language)
        return page("regions/capabilities.html", typed=typed, matches=matches, tree=[])
    tree = capabilities.capability_tree(language)
    return page("regions/capabilities.html", typed="", matches=[], tree=tree)


@blueprint.get("/capabilities/<key>")
def show_capability(key: str) -> ResponseReturnValue:
    """Show a concept: what it is, what else it is called, what is broader and narrower."""
    language = _language()
    capability = capabilities.get_capability(key)
    names = capabilities.preferred_labels(
        [key, *(other.key for other in (*capability.broader, *capability.narrower))],
        language=language,
    )
    other_names = [
        label.text
        for label in capability.labels
        if label.kind != "hidden" and label.text.casefold() != names[key].casefold()
    ]
    keep_answer()
    reply = not_modified("capability", key, names, other_names, capability.definition)
    return reply or page(
        "regions/capability.html",
        capability=capability,
        names=names,
        other_names=other_names,
    )


@blueprint.get("/capabilities/suggestions")
def suggest_capabilities() -> ResponseReturnValue:
    """Answer with capabilities for what is being typed, as a fragment."""
    matches = capabilities.suggest_capabilities(text_argument("q", 100), 8, language=_language())
    suggestions = [
        {
            "kind": "capability",
            "title": match.label,
            "url": url_for("regions.show_capability", key=match.key),
        }
        for match in matches
    ]
    return page("components/suggestions.html", suggestions=suggestions)


@blueprint.get("/clusters")
def list_clusters() -> ResponseReturnValue:
    """Show the clusters with their industries."""
    clusters = industries.list_clusters()
    keep_answer()
    return page(
        "regions/clusters.html",
        traded=[cluster for cluster in clusters if cluster.kind == "traded"],
        local=[cluster for cluster in clusters if cluster.kind == "local"],
    )


@blueprint.get("/administration/regions")
def administer_regions() -> ResponseReturnValue:
    """Show the regions to those who draw them."""
    authorize(current_actor(), Permission.REGION_MANAGE)
    found = regions.list_regions(cursor=request.args.get("cursor"), limit=50)
    return page("regions/administer.html", regions=found)


@blueprint.route("/administration/regions/new", methods=["GET", "POST"])
def create_region() -> ResponseReturnValue:
    """Draw a region."""
    authorize(current_actor(), Permission.REGION_MANAGE)
    form = RegionForm.bind()
    if form.submitted():
        region = form.attempt(services.create_region, current_actor(), **form.data)
        if region is not None:
            flash(
                _("%(name)s was created.", name=region.name),
                link=(url_for("home.region", key=region.key), _("See its page")),
            )
            return see_other(url_for("regions.edit_region", region_id=region.id))
    return page("regions/create_region.html", form=form)


@blueprint.route("/administration/regions/<int:region_id>", methods=["GET", "POST"])
def edit_region(region_id: int) -> ResponseReturnValue:
    """Change a region, and see who its brokers are."""
    authorize(current_actor(), Permission.REGION_MANAGE)
    region = regions.get_region(region_id)
    form = RegionForm.bind(
        region, county_fips=[f"{county.fips} {county.label}" for county in region.counties]
    )
    if form.submitted():
        saved = form.attempt(services.change_region, current_actor(), region, **form.data)
        if saved is not None:
            flash(
                _("%(name)s was saved.", name=region.name),
                link=(url_for("home.region", key=region.key), _("See its page")),
            )
            return see_other(url_for("regions.edit_region", region_id=region.id))
    return page(
        "regions/edit_region.html",
        form=form,
        region=region,
        brokers=brokers.list_brokers(region_id),
    )


@blueprint.route("/administration/regions/<int:region_id>/brokers", methods=["GET", "POST"])
def appoint_broker(region_id: int) -> ResponseReturnValue:
    """Make somebody a broker of a region."""
    authorize(current_actor(), Permission.BROKER_APPOINT)
    region = regions.get_region(region_id)
    form = BrokerForm.bind()
    if form.submitted():
        user = form.attempt(services.appoint_broker, current_actor(), region, **form.data)
        if user is not None:
            flash(
                _(
                    "%(person)s is now a broker of %(region)s.",
                    person=user.name,
                    region=region.name,
                )
            )
            return see_other(url_for("regions.edit_region", region_id=region.id))
    return page("regions/appoint_broker.html", form=form, region=region)


@blueprint.post("/administration/regions/<int:region_id>/brokers/<int:user_id>/dismiss")
def dismiss_broker(region_id: int, user_id: int) -> ResponseReturnValue:
    """End somebody's appointment as a broker."""
    authorize(current_actor(), Permission.BROKER_APPOINT)
    region = regions.get_region(region_id)
    broker = brokers.find_broker(region_id, user_id)
    if broker is None:
        raise NotFound(_("This person is not a broker of this region."))
    back = url_for("regions.edit_region", region_id=region.id)
    if not confirmed():
        return page(
            "components/confirm.html",
            title=_("Dismiss %(name)s as broker?", name=broker.name),
            text=_("They will no longer see what waits for the brokers of this region."),
            action=_("Dismiss"),
            cancel_url=back,
        )
    services.dismiss_broker(current_actor(), region, user_id=user_id)
    flash(
        _(
            "%(person)s is no longer a broker of %(region)s.",
            person=broker.name,
            region=region.name,
        )
    )
    return see_other(back)


def _language() -> str:
    return str(get_locale() or "en")[:2]

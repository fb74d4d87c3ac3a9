"""Searching the directory, and saved searches, in the JSON API."""

from types import SimpleNamespace
from typing import Any

from flask import jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.directory import services
from portal.directory.forms import (
    NewSavedSearchForm,
    SavedSearchChangesForm,
    saved_search_values,
)
from portal.directory.policies import Permission
from portal.directory.queries import saved_searches, searching
from portal.directory.rules import UPDATED_DAYS, read_search
from portal.directory.schemas import ResultsSchema, SavedSearchSchema
from portal.kernel.api import (
    api_blueprint,
    bind_json,
    operation,
    page_arguments,
    respond,
    respond_page,
    whole_number,
)
from portal.kernel.authorization import authorize
from portal.kernel.errors import Invalid
from portal.kernel.fulltext.port import MAX_LIMIT, MAX_OFFSET, SORTS, Hit
from portal.kernel.web.answers import not_modified
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import find_organization

blueprint = api_blueprint("directory", __name__)

_SAVED_EXAMPLE = {
    "name": "Measuring machines near Louisville",
    "search": "q=CMM&kind=equipment&near=40202",
    "channel": "email",
    "frequency": "daily",
}


@blueprint.get("/search")
@operation(
    summary="Search everything",
    tag="search",
    schema=ResultsSchema,
    filters={
        "q": "Words, “phrases”, +must and -not.",
        "kind": (
            "organization, facility, equipment, request or program; may be repeated, as all facets."
        ),
        "near": "A ZIP code or a town, such as “67202” or “Wichita, KS”.",
        "radius_miles": "How far around it, 1 to 5,000 (50 if not given), or “any”.",
        "capability": "The key of a capability; narrower ones are found as well.",
        "organization_kind": "A kind of organization.",
        "county": "A county's five-digit FIPS code.",
        "cluster": "The key of a cluster.",
        "sharing": "in_house, by_request or bookable.",
        "certification": "The name of a certification.",
        "program_kind": "A kind of training, such as course or apprenticeship.",
        "delivery": "How training is held: in_person, online, self_paced, hybrid or at_work.",
        "skill": "The key of a skill that training teaches.",
        "credential": "The number of a credential that training leads to.",
        "begins_from": "Training with a section to enroll in that begins on this day or later.",
        "begins_until": "Training with a section to enroll in that begins on this day or earlier.",
        "updated_days": "30, 90 or 365: updated in the last so many days.",
        "sort": "relevance, newest, distance or title.",
        "limit": "How many hits, 1 to 50.",
        "cursor": "Where the page starts: `next` of the page before.",
    },
)
def search() -> ResponseReturnValue:
    """Search all kinds of records, with counts for each facet."""
    arguments = dict(request.args.lists())
    _check(arguments)
    searching.refuse_too_many(arguments)
    wanted = read_search(arguments, searching.facet_names(), searching.search_filters())
    limit = _number(arguments, "limit", 20, MAX_LIMIT)
    offset = _number(arguments, "cursor", 0, MAX_OFFSET)
    found = searching.search(current_actor(), wanted, offset=offset, limit=limit)
    if found.is_place_unknown:
        raise Invalid("near", _("We do not know this ZIP code or town."))
    following = offset + limit
    return jsonify(
        ResultsSchema().dump(
            {
                "total": found.total,
                "hits": [_hit(hit) for hit in found.hits],
                "partial_hits": [_hit(hit) for hit in found.partial],
                "facets": {facet.name: facet.values for facet in found.facets},
                "suggestion": found.suggestion,
                "next": str(following) if found.has_next and following <= MAX_OFFSET else None,
            }
        )
    )


@blueprint.get("/saved-searches")
@operation(
    summary="List saved searches",
    tag="search",
    schema=SavedSearchSchema,
    is_list=True,
    problems=(401, 403),
)
def list_saved_searches() -> ResponseReturnValue:
    """List your saved searches and those of your organizations."""
    actor = current_actor()
    authorize(actor, Permission.SAVED_SEARCH_VIEW_OWN)
    return respond_page(
        SavedSearchSchema(), saved_searches.page_of_saved_searches(actor, **page_arguments())
    )


@blueprint.post("/saved-searches")
@operation(
    summary="Save a search",
    tag="search",
    schema=SavedSearchSchema,
    form=NewSavedSearchForm,
    status=201,
    scope="searches:write",
    problems=(409, 503),
    example=_SAVED_EXAMPLE,
)
def save_search() -> ResponseReturnValue:
    """Save a search; what it finds now is not reported, what comes from now on is, once."""
    actor = current_actor()
    authorize(actor, Permission.SAVED_SEARCH_SAVE)
    values = bind_json(NewSavedSearchForm).data
    organization_id = values.pop("organization_id")
    organization = find_organization(organization_id)
    if organization_id is not None and organization is None:
        raise Invalid("organization_id", _("There is no such organization."))
    saved = services.save_search(actor, organization, **values)
    return respond(
        SavedSearchSchema(),
        saved,
        status=201,
        location=url_for("directory_api.show_saved_search", saved_search_id=saved.id),
    )


@blueprint.get("/saved-searches/<int:saved_search_id>")
@operation(
    summary="Read a saved search",
    tag="search",
    schema=SavedSearchSchema,
    problems=(401, 403, 404),
)
def show_saved_search(saved_search_id: int) -> ResponseReturnValue:
    """Return a saved search of yours or of your organizations."""
    row = saved_searches.get_visible_saved_search(current_actor(), saved_search_id)
    reply = not_modified("saved search", row.id, row.updated_at, is_public=False)
    return reply or respond(SavedSearchSchema(), row)


@blueprint.patch("/saved-searches/<int:saved_search_id>")
@operation(
    summary="Change a saved search, pause it or let it go on",
    tag="search",
    schema=SavedSearchSchema,
    form=SavedSearchChangesForm,
    is_partial=True,
    scope="searches:write",
    problems=(503,),
    example={"frequency": "weekly", "is_paused": False},
)
def change_saved_search(saved_search_id: int) -> ResponseReturnValue:
    """Change the fields that are given."""
    actor = current_actor()
    row = saved_searches.get_visible_saved_search(actor, saved_search_id)
    authorize(actor, Permission.SAVED_SEARCH_CHANGE, row)
    form = bind_json(SavedSearchChangesForm, obj=SimpleNamespace(**saved_search_values(row)))
    return respond(SavedSearchSchema(), services.change_search(actor, row, **form.data))


@blueprint.delete("/saved-searches/<int:saved_search_id>")
@operation(summary="Delete a saved search", tag="search", status=204, scope="searches:write")
def delete_saved_search(saved_search_id: int) -> ResponseReturnValue:
    """Delete a saved search with what it has found."""
    actor = current_actor()
    services.delete_search(actor, saved_searches.get_visible_saved_search(actor, saved_search_id))
    return "", 204


def _check(arguments: dict[str, list[str]]) -> None:
    """A program learns of its mistakes; a person's address is read as well as it can be."""
    sort = arguments.get("sort", ["relevance"])[0]
    if sort not in SORTS:
        raise Invalid("sort", _("Sort by %(sorts)s.", sorts=", ".join(SORTS)))
    if sort == "distance" and not arguments.get("near", [""])[0]:
        raise Invalid("sort", _("Sorting by distance needs a ZIP code or a town in “near”."))
    days = arguments.get("updated_days", [""])[0]
    if days and days not in map(str, UPDATED_DAYS):
        raise Invalid(
            "updated_days", _("Use one of %(days)s.", days=", ".join(map(str, UPDATED_DAYS)))
        )
    radius = arguments.get("radius_miles", ["any"])[0]
    if radius != "any" and whole_number(radius, 1, 5000) is None:
        raise Invalid("radius_miles", _("The radius is a number of miles from 1 to 5,000."))


def _number(arguments: dict[str, list[str]], name: str, usual: int, most: int) -> int:
    text = arguments.get(name, [str(usual)])[0]
    least = 0 if name == "cursor" else 1
    if whole_number(text, least, most) is None:
        raise Invalid(
            name,
            _(
                "%(name)s is a number from %(least)d to %(most)d.",
                name=name,
                least=least,
                most=most,
            ),
        )
    return int(text)


def _hit(hit: Hit) -> dict[str, Any]:
    return {
        "kind": hit.kind,
        "id": hit.id,
        "url": url_for("directory.search", _external=True).rsplit("/search", 1)[0] + hit.url,
        "title": hit.title,
        "summary": hit.summary,
        "highlights": [fragment.__html__() for fragment in hit.highlights],
        "organization": hit.organization,
        "county": hit.extra.get("county", ""),
        "score": round(hit.score, 4),
        "distance_miles": None if hit.distance_miles is None else round(hit.distance_miles, 2),
    }

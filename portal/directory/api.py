"""Searching the directory in the JSON API."""

from typing import Any

from flask import jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.directory import queries
from portal.directory.rules import read_search
from portal.directory.schemas import ResultsSchema
from portal.kernel.api import api_blueprint, operation, whole_number
from portal.kernel.errors import Invalid
from portal.kernel.fulltext.port import MAX_LIMIT, MAX_OFFSET, SORTS, Hit
from portal.kernel.web import current_actor

blueprint = api_blueprint("directory", __name__)


@blueprint.get("/search")
@operation(
    summary="Search everything",
    tag="search",
    schema=ResultsSchema,
    filters={
        "q": "Words, “phrases”, +must and -not.",
        "kind": "organization, facility, equipment or request; may be repeated, as every facet.",
        "near": "A ZIP code.",
        "radius_miles": "How far around the ZIP code, 1 to 5,000 (50 if not given), or “any”.",
        "capability": "The key of a capability; narrower ones are found as well.",
        "organization_kind": "A kind of organization.",
        "county": "A county's five-digit FIPS code.",
        "cluster": "The key of a cluster.",
        "sharing": "in_house, by_request or bookable.",
        "certification": "The name of a certification.",
        "sort": "relevance, newest, distance or title.",
        "limit": "How many hits, 1 to 50.",
        "cursor": "Where the page starts: `next` of the page before.",
    },
)
def search() -> ResponseReturnValue:
    """Search all kinds of records, with counts for each facet."""
    arguments = dict(request.args.lists())
    _check(arguments)
    wanted = read_search(arguments, queries.facet_names())
    limit = _number(arguments, "limit", 20, MAX_LIMIT)
    offset = _number(arguments, "cursor", 0, MAX_OFFSET)
    found = queries.search(current_actor(), wanted, offset=offset, limit=limit)
    if found.is_place_unknown:
        raise Invalid("near", _("We do not know this ZIP code."))
    following = offset + limit
    return jsonify(
        ResultsSchema().dump(
            {
                "total": found.total,
                "hits": [_hit(hit) for hit in found.hits],
                "facets": {facet.name: facet.values for facet in found.facets},
                "suggestion": found.suggestion,
                "next": str(following) if found.has_next and following <= MAX_OFFSET else None,
            }
        )
    )


def _check(arguments: dict[str, list[str]]) -> None:
    """A program learns of its mistakes; a person's address is read as well as it can be."""
    sort = arguments.get("sort", ["relevance"])[0]
    if sort not in SORTS:
        raise Invalid("sort", _("Sort by %(sorts)s.", sorts=", ".join(SORTS)))
    if sort == "distance" and not arguments.get("near", [""])[0]:
        raise Invalid("sort", _("Sorting by distance needs a ZIP code in “near”."))
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

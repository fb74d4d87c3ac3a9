"""Regions and capabilities in the JSON API."""

from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.api import (
    api_blueprint,
    bind_json,
    operation,
    page_arguments,
    respond,
    respond_page,
)
from portal.kernel.errors import Invalid
from portal.kernel.paging import Page
from portal.kernel.web.answers import not_modified
from portal.kernel.web.viewer import current_actor
from portal.regions import services
from portal.regions.forms import RegionForm
from portal.regions.queries import capabilities, regions
from portal.regions.schemas import CapabilityRecordSchema, CapabilitySchema, RegionSchema

blueprint = api_blueprint("regions", __name__)

_REGION_EXAMPLE = {
    "name": "Greater Louisville",
    "summary": "Fifteen counties on both banks of the Ohio River.",
    "county_fips": ["21111", "18019"],
}


@blueprint.get("/regions")
@operation(summary="List regions", tag="regions", schema=RegionSchema, is_list=True)
def list_regions() -> ResponseReturnValue:
    """List the regions by name."""
    found = regions.list_regions(**page_arguments())
    items = [_region(region) for region in found.items]
    return not_modified("regions", items, found.next) or respond_page(
        RegionSchema(), Page(items, found.next)
    )


@blueprint.post("/regions")
@operation(
    summary="Draw a region",
    tag="regions",
    schema=RegionSchema,
    form=RegionForm,
    status=201,
    scope="regions:write",
    example=_REGION_EXAMPLE,
)
def create_region() -> Response:
    """Make a region out of counties; for administrators."""
    form = bind_json(RegionForm)
    region = services.create_region(current_actor(), **form.data)
    return respond(
        RegionSchema(),
        _region(regions.get_region(region.id)),
        status=201,
        location=url_for("regions_api.show_region", region_id=region.id),
    )


@blueprint.get("/regions/<int:region_id>")
@operation(summary="Read a region", tag="regions", schema=RegionSchema, problems=(404,))
def show_region(region_id: int) -> ResponseReturnValue:
    """Return a region with its counties."""
    region = _region(regions.get_region(region_id))
    return not_modified("region", region) or respond(RegionSchema(), region)


@blueprint.patch("/regions/<int:region_id>")
@operation(
    summary="Change a region",
    tag="regions",
    schema=RegionSchema,
    form=RegionForm,
    is_partial=True,
    scope="regions:write",
    problems=(404,),
    example={"summary": "Fifteen counties in two states."},
)
def change_region(region_id: int) -> Response:
    """Change what is given of a region; for administrators."""
    region = regions.get_region(region_id)
    form = bind_json(RegionForm, obj=_Editable(region))
    services.change_region(current_actor(), region, **form.data)
    return respond(RegionSchema(), _region(regions.get_region(region_id)))


@blueprint.get("/capabilities")
@operation(
    summary="List capabilities",
    tag="capabilities",
    schema=CapabilitySchema,
    is_list=True,
    filters={
        "q": "Only those with a name, or a word in a name, that begins so (at most 100, no pages).",
        "broader": "Only those directly below the capability of this key.",
    },
)
def list_capabilities() -> ResponseReturnValue:
    """List the concepts of the capability thesaurus by label."""
    arguments = page_arguments()
    typed = request.args.get("q", "").strip()
    broader = request.args.get("broader", "").strip()
    if typed and (broader or arguments["cursor"]):
        raise Invalid("q", _("Use q alone, without broader and cursor."))
    if typed:
        matches = capabilities.suggest_capabilities(typed, arguments["limit"])
        found = Page(capabilities.capabilities_by_key([match.key for match in matches]), None)
    else:
        found = capabilities.list_capabilities(broader=broader or None, **arguments)
    items = [_capability(item) for item in found.items]
    return not_modified("capabilities", items, found.next) or respond_page(
        CapabilitySchema(), Page(items, found.next)
    )


@blueprint.get("/capabilities/<key>")
@operation(
    summary="Read a capability",
    tag="capabilities",
    schema=CapabilityRecordSchema,
    problems=(404,),
)
def show_capability(key: str) -> ResponseReturnValue:
    """Return a concept with its names and what is directly above and below it."""
    row = capabilities.get_capability(key)
    narrower = [{"key": below.key, "label": below.label} for below in row.narrower]
    capability = {**_capability(row), "narrower": narrower}
    return not_modified("capability", capability) or respond(CapabilityRecordSchema(), capability)


class _Editable:
    """A region as its form has it."""

    def __init__(self, region: Any) -> None:
        self.name = region.name
        self.summary = region.summary
        self.county_fips = [county.fips for county in region.counties]


def _region(region: Any) -> dict[str, Any]:
    return {
        "id": region.id,
        "key": region.key,
        "name": region.name,
        "summary": region.summary,
        "is_demo": region.is_demo,
        "counties": [
            {"fips": county.fips, "name": county.name, "state": county.state}
            for county in region.counties
        ],
        "url": url_for("home.region", key=region.key),
    }


def _capability(capability: Any) -> dict[str, Any]:
    return {
        "key": capability.key,
        "label": capability.label,
        "label_es": capability.label_es,
        "definition": capability.definition,
        "other_names": [name.text for name in capability.labels if name.kind == "alternate"],
        "broader": [{"key": above.key, "label": above.label} for above in capability.broader],
        "url": url_for("regions.show_capability", key=capability.key),
    }

"""Facilities and equipment in the JSON API, over the same forms and commands as the pages."""

from collections.abc import Callable
from typing import Any

from flask import Response, url_for
from flask.typing import ResponseReturnValue

from portal.facilities.forms import (
    EquipmentForm,
    FacilityForm,
    NewEquipmentForm,
    NewFacilityForm,
    equipment_values,
    facility_values,
)
from portal.facilities.policies import Permission
from portal.facilities.queries.listings import list_equipment_records, list_facility_records
from portal.facilities.queries.records import (
    Record,
    get_equipment,
    get_facility,
    get_visible_equipment,
    get_visible_facility,
    version_of,
)
from portal.facilities.rules import FACILITY_KINDS, SHARING_TERMS
from portal.facilities.schemas import EquipmentSchema, FacilitySchema
from portal.facilities.services import equipment as equipment_services
from portal.facilities.services import facilities as facility_services
from portal.kernel.api import (
    api_blueprint,
    bind_json,
    operation,
    page_arguments,
    respond,
    respond_page,
)
from portal.kernel.authorization import can
from portal.kernel.listing import VISIBILITIES
from portal.kernel.web.answers import not_modified
from portal.kernel.web.arguments import choice_argument, number_argument, text_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_chosen_organization

blueprint = api_blueprint("facilities", __name__)

_COMMON_FILTERS = {
    "organization_id": "Records of one organization.",
    "capability": "A capability's key; narrower ones count.",
    "county": "A county's FIPS code.",
    "visibility": "draft, organization, members or public, among those you may see.",
}
_FACILITY_EXAMPLE = {
    "organization_id": 1,
    "name": "Metrology lab",
    "kind": "lab",
    "summary": "Measuring by appointment, two technicians.",
    "zip_code": "40202",
    "capabilities": ["coordinate-measuring"],
    "opening_hours": [{"weekday": 0, "opens": "08:00", "closes": "17:00"}],
    "visibility": "public",
}
_EQUIPMENT_EXAMPLE = {
    "organization_id": 1,
    "name": "Bridge CMM",
    "make": "Hexagon",
    "model": "Global S",
    "capabilities": ["coordinate-measuring"],
    "specifications": [{"name": "Travel X", "value": "1200", "unit": "mm"}],
    "sharing_terms": "by_request",
    "rates": [{"customer_class": "member_sme", "unit": "hour", "price_cents": 8500}],
    "visibility": "public",
}


@blueprint.get("/facilities")
@operation(
    summary="List facilities",
    tag="facilities",
    schema=FacilitySchema,
    is_list=True,
    filters={**_COMMON_FILTERS, "kind": "lab, pilot_line, makerspace, test_bed or shop_floor."},
)
def list_facilities() -> ResponseReturnValue:
    """List the facilities that you may see, by name."""
    filters = {**_common_filters(), "kind": choice_argument("kind", FACILITY_KINDS)}
    found = list_facility_records(current_actor(), **page_arguments(), **filters)
    reply = not_modified("facilities", *map(_version, found.items), found.next)
    return reply or respond_page(_facility_schema(), found)


@blueprint.post("/facilities")
@operation(
    summary="Add a facility",
    tag="facilities",
    schema=FacilitySchema,
    form=NewFacilityForm,
    status=201,
    scope="facilities:write",
    example=_FACILITY_EXAMPLE,
)
def create_facility() -> Response:
    """Add a facility to one of your organizations."""
    values = bind_json(NewFacilityForm).data
    facility = _create(values, facility_services.create_facility)
    return respond(
        _facility_schema(),
        get_facility(facility.id),
        status=201,
        location=url_for("facilities_api.show_facility", facility_id=facility.id),
    )


@blueprint.get("/facilities/<int:facility_id>")
@operation(summary="Read a facility", tag="facilities", schema=FacilitySchema, problems=(404,))
def show_facility(facility_id: int) -> ResponseReturnValue:
    """Return a facility."""
    facility = get_visible_facility(current_actor(), facility_id)
    return not_modified(_version(facility)) or respond(_facility_schema(), facility)


@blueprint.patch("/facilities/<int:facility_id>")
@operation(
    summary="Change a facility",
    tag="facilities",
    schema=FacilitySchema,
    form=FacilityForm,
    is_partial=True,
    scope="facilities:write",
    example={"summary": "Measuring by appointment."},
)
def update_facility(facility_id: int) -> Response:
    """Change the fields that are given."""
    facility = get_visible_facility(current_actor(), facility_id)
    form = bind_json(FacilityForm, obj=facility_values(facility))
    facility_services.update_facility(current_actor(), facility, **form.data)
    return respond(_facility_schema(), get_facility(facility_id))


@blueprint.delete("/facilities/<int:facility_id>")
@operation(summary="Delete a facility", tag="facilities", status=204, scope="facilities:write")
def delete_facility(facility_id: int) -> ResponseReturnValue:
    """Delete a facility; its equipment stays with the organization."""
    facility = get_visible_facility(current_actor(), facility_id)
    facility_services.delete_facility(current_actor(), facility)
    return "", 204


@blueprint.get("/equipment")
@operation(
    summary="List equipment",
    tag="equipment",
    schema=EquipmentSchema,
    is_list=True,
    filters={
        **_COMMON_FILTERS,
        "facility_id": "Equipment of one facility.",
        "sharing_terms": "in_house, by_request or bookable.",
    },
)
def list_equipment() -> ResponseReturnValue:
    """List the equipment that you may see, by name."""
    filters = {
        **_common_filters(),
        "facility_id": number_argument("facility_id"),
        "sharing_terms": choice_argument("sharing_terms", SHARING_TERMS),
    }
    found = list_equipment_records(current_actor(), **page_arguments(), **filters)
    reply = not_modified("equipment", *map(_version, found.items), found.next)
    return reply or respond_page(_equipment_schema(), found)


@blueprint.post("/equipment")
@operation(
    summary="Add equipment",
    tag="equipment",
    schema=EquipmentSchema,
    form=NewEquipmentForm,
    status=201,
    scope="facilities:write",
    example=_EQUIPMENT_EXAMPLE,
)
def create_equipment() -> Response:
    """Add equipment to one of your organizations."""
    values = bind_json(NewEquipmentForm).data
    equipment = _create(values, equipment_services.create_equipment)
    return respond(
        _equipment_schema(),
        get_equipment(equipment.id),
        status=201,
        location=url_for("facilities_api.show_equipment", equipment_id=equipment.id),
    )


@blueprint.get("/equipment/<int:equipment_id>")
@operation(summary="Read equipment", tag="equipment", schema=EquipmentSchema, problems=(404,))
def show_equipment(equipment_id: int) -> ResponseReturnValue:
    """Return a piece of equipment."""
    equipment = get_visible_equipment(current_actor(), equipment_id)
    return not_modified(_version(equipment)) or respond(_equipment_schema(), equipment)


@blueprint.patch("/equipment/<int:equipment_id>")
@operation(
    summary="Change equipment",
    tag="equipment",
    schema=EquipmentSchema,
    form=EquipmentForm,
    is_partial=True,
    scope="facilities:write",
    example={"condition": "fair"},
)
def update_equipment(equipment_id: int) -> Response:
    """Change the fields that are given."""
    equipment = get_visible_equipment(current_actor(), equipment_id)
    form = bind_json(EquipmentForm, obj=equipment_values(equipment))
    equipment_services.update_equipment(current_actor(), equipment, **form.data)
    return respond(_equipment_schema(), get_equipment(equipment_id))


@blueprint.delete("/equipment/<int:equipment_id>")
@operation(summary="Delete equipment", tag="equipment", status=204, scope="facilities:write")
def delete_equipment(equipment_id: int) -> ResponseReturnValue:
    """Delete a piece of equipment with its rates, photos and documents."""
    equipment = get_visible_equipment(current_actor(), equipment_id)
    equipment_services.delete_equipment(current_actor(), equipment)
    return "", 204


def _facility_schema() -> FacilitySchema:
    return FacilitySchema(sees_more=can(current_actor(), Permission.FACILITY_VIEW_CONTACT))


def _equipment_schema() -> EquipmentSchema:
    return EquipmentSchema(sees_more=can(current_actor(), Permission.EQUIPMENT_VIEW_SERIAL))


def _version(row: Record) -> tuple[Any, ...]:
    """What a reply about a row depends on."""
    return *version_of(row), can(current_actor(), Permission.EQUIPMENT_VIEW_SERIAL)


def _create(values: dict[str, Any], command: Callable[..., Any]) -> Any:
    organization = get_chosen_organization(values.pop("organization_id"))
    return command(current_actor(), organization, **values)


def _common_filters() -> dict[str, Any]:
    return {
        "organization_id": number_argument("organization_id"),
        "capability": text_argument("capability", 80),
        "county": text_argument("county", 5),
        "visibility": choice_argument("visibility", VISIBILITIES),
    }

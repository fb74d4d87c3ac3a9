"""Who may do what with facilities and equipment."""

from enum import StrEnum

from portal.facilities.models import Equipment, Facility
from portal.kernel.authorization import (
    Policy,
    Rule,
    administrator,
    county_brokered,
    has_membership,
    is_self,
    role_in,
    signed_in,
)
from portal.kernel.listing import visible_record
from portal.organizations.models import Organization


class Permission(StrEnum):
    FACILITY_VIEW = "facility.view"
    FACILITY_VIEW_CONTACT = "facility.view_contact"
    FACILITY_CREATE = "facility.create"
    FACILITY_EDIT = "facility.edit"
    FACILITY_CONFIRM = "facility.confirm"
    FACILITY_DELETE = "facility.delete"
    EQUIPMENT_VIEW = "equipment.view"
    EQUIPMENT_VIEW_SERIAL = "equipment.view_serial"
    EQUIPMENT_CREATE = "equipment.create"
    EQUIPMENT_CREATE_ON_BEHALF = "equipment.create_on_behalf"
    EQUIPMENT_COPY = "equipment.copy"
    EQUIPMENT_EDIT = "equipment.edit"
    EQUIPMENT_CONFIRM = "equipment.confirm"
    EQUIPMENT_DELETE = "equipment.delete"


_facility_view = visible_record(Facility, Organization)
_equipment_view = visible_record(Equipment, Organization)


def _people(model: type[Facility] | type[Equipment], view: Rule) -> Rule:
    return ((role_in(model.organization_id) | administrator) & view).described(
        "people of the organization who see it, administrators"
    )


def _editors(model: type[Facility] | type[Equipment]) -> Rule:
    managers = role_in(model.organization_id, "owner", "manager")
    author = is_self(model.created_by_id) & role_in(model.organization_id)
    return (managers | author | administrator).described(
        "owners and managers of the organization, its member who wrote it, administrators"
    )


policy = Policy(
    write_scope="facilities:write",
    views={Facility: Permission.FACILITY_VIEW, Equipment: Permission.EQUIPMENT_VIEW},
    table={
        Permission.FACILITY_VIEW: _facility_view,
        Permission.FACILITY_VIEW_CONTACT: signed_in,
        Permission.FACILITY_CREATE: role_in(Organization.id) | administrator,
        Permission.FACILITY_EDIT: _editors(Facility),
        Permission.FACILITY_CONFIRM: _people(Facility, _facility_view),
        Permission.FACILITY_DELETE: (
            role_in(Facility.organization_id, "owner", "manager") | administrator
        ),
        Permission.EQUIPMENT_VIEW: _equipment_view,
        Permission.EQUIPMENT_VIEW_SERIAL: has_membership | administrator,
        Permission.EQUIPMENT_CREATE: role_in(Organization.id) | administrator,
        Permission.EQUIPMENT_CREATE_ON_BEHALF: county_brokered(Organization.county_fips),
        Permission.EQUIPMENT_EDIT: _editors(Equipment),
        Permission.EQUIPMENT_COPY: _people(Equipment, _equipment_view),
        Permission.EQUIPMENT_CONFIRM: _people(Equipment, _equipment_view),
        Permission.EQUIPMENT_DELETE: (
            role_in(Equipment.organization_id, "owner", "manager") | administrator
        ),
    },
)

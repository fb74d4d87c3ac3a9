"""Who may do what with facilities and equipment."""

from enum import StrEnum

from portal.facilities.models import Equipment, Facility
from portal.kernel.authorization import (
    Policy,
    Rule,
    administrator,
    has_membership,
    is_self,
    role_in,
)
from portal.kernel.listing import visible_record
from portal.organizations.models import Organization


class Permission(StrEnum):
    FACILITY_VIEW = "facility.view"
    FACILITY_CREATE = "facility.create"
    FACILITY_EDIT = "facility.edit"
    FACILITY_CONFIRM = "facility.confirm"
    FACILITY_DELETE = "facility.delete"
    EQUIPMENT_VIEW = "equipment.view"
    EQUIPMENT_VIEW_SERIAL = "equipment.view_serial"
    EQUIPMENT_CREATE = "equipment.create"
    EQUIPMENT_EDIT = "equipment.edit"
    EQUIPMENT_CONFIRM = "equipment.confirm"
    EQUIPMENT_DELETE = "equipment.delete"


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
        Permission.FACILITY_VIEW: visible_record(Facility, Organization),
        Permission.FACILITY_CREATE: role_in(Organization.id) | administrator,
        Permission.FACILITY_EDIT: _editors(Facility),
        Permission.FACILITY_CONFIRM: role_in(Facility.organization_id) | administrator,
        Permission.FACILITY_DELETE: (
            role_in(Facility.organization_id, "owner", "manager") | administrator
        ),
        Permission.EQUIPMENT_VIEW: visible_record(Equipment, Organization),
        Permission.EQUIPMENT_VIEW_SERIAL: has_membership | administrator,
        Permission.EQUIPMENT_CREATE: role_in(Organization.id) | administrator,
        Permission.EQUIPMENT_EDIT: _editors(Equipment),
        Permission.EQUIPMENT_CONFIRM: role_in(Equipment.organization_id) | administrator,
        Permission.EQUIPMENT_DELETE: (
            role_in(Equipment.organization_id, "owner", "manager") | administrator
        ),
    },
)

"""What is done to equipment. Values have passed the forms."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, select
from werkzeug.datastructures import FileStorage

from portal.facilities.events import EquipmentDeleted, EquipmentSaved
from portal.facilities.models import Equipment, EquipmentDocument, EquipmentPhoto, Facility
from portal.facilities.policies import Permission
from portal.facilities.queries.records import load_for_change
from portal.facilities.services.facilities import confirm_facility
from portal.facilities.services.files import add_photos, remove_files
from portal.facilities.services.values import (
    EQUIPMENT_FIELDS,
    PLACE,
    Imported,
    check_active,
    confirm,
    rate_values,
    set_equipment,
    touch,
)
from portal.kernel.authorization import Actor, authorize, visible
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict
from portal.kernel.outbox import record
from portal.organizations.models import Organization
from portal.organizations.queries.people import has_people


@command(Permission.EQUIPMENT_CREATE)
def create_equipment(
    actor: Actor,
    organization: Organization,
    *,
    photos: Sequence[FileStorage] = (),
    caption: str = "",
    external_id: str | None = None,
    is_demo: bool = False,
    confirmed_at: dt.datetime | None = None,
    **values: Any,
) -> Equipment:
    """Add equipment to an organization. values: fields of `EquipmentForm`; only `name` is needed.

    Raises Invalid for an unknown capability, ZIP code or county, or another's facility.
    """
    equipment = _new_equipment(actor, organization, values, external_id, is_demo=is_demo)
    confirm(actor, equipment, confirmed_at)
    add_photos(actor, equipment, photos, caption)
    return equipment


@command(Permission.EQUIPMENT_CREATE_ON_BEHALF)
def list_equipment_on_behalf(actor: Actor, organization: Organization, **values: Any) -> Equipment:
    """Add equipment for an organization that has nobody here; nobody has confirmed it yet.

    values: fields of `EquipmentForm`. Raises Conflict where the organization has people of its own.
    """
    if has_people(organization.id):
        raise Conflict(
            _("This organization has people here. They list their equipment themselves.")
        )
    equipment = _new_equipment(actor, organization, values)
    equipment.confirmed_at = None
    return equipment


def _new_equipment(
    actor: Actor,
    organization: Organization,
    values: Mapping[str, Any],
    external_id: str | None = None,
    *,
    is_demo: bool = False,
) -> Equipment:
    check_active(organization)
    equipment = Equipment(
        organization_id=organization.id,
        organization=organization,
        created_by_id=actor.user_id,
        external_id=external_id,
        is_demo=is_demo,
        sharing_terms="by_request",
        visibility="draft",
        specifications=[],
        capabilities=[],
        rates=[],
        photos=[],
        documents=[],
        **dict.fromkeys(("street", "city", "state", "zip_code"), ""),
    )
    set_equipment(equipment, values)
    session.add(equipment)
    session.flush()
    record(EquipmentSaved(equipment.id, organization.id))
    return equipment


@command(Permission.EQUIPMENT_EDIT)
def update_equipment(actor: Actor, equipment: Equipment, **values: Any) -> Equipment:
    """Change the fields that are given. Whoever saves a record confirms it."""
    load_for_change(equipment)
    set_equipment(equipment, values)
    touch(actor, equipment)
    return equipment


@command(Permission.EQUIPMENT_COPY)
def copy_equipment(actor: Actor, equipment: Equipment) -> Equipment:
    """Make a draft of another machine of the same kind: all but serial number and files."""
    load_for_change(equipment)
    return create_equipment(
        actor,
        session.get_one(Organization, equipment.organization_id),
        **{name: getattr(equipment, name) for name in (*EQUIPMENT_FIELDS, *PLACE, "facility_id")}
        | {
            "name": _("%(name)s (copy)", name=equipment.name)[:200],
            "serial_number": "",
            "external_values": {},
            "visibility": "draft",
            "capabilities": [capability.key for capability in equipment.capabilities],
            "specifications": [dict(row) for row in equipment.specifications],
            "rates": [rate_values(rate) for rate in equipment.rates],
        },
    )


@command(Permission.EQUIPMENT_CONFIRM)
def confirm_equipment(actor: Actor, equipment: Equipment) -> Equipment:
    """Say that a machine's record is right as it stands."""
    touch(actor, equipment)
    return equipment


@command(Permission.EQUIPMENT_CREATE)
def confirm_records(
    actor: Actor,
    organization: Organization,
    *,
    equipment_ids: Sequence[int] = (),
    facility_ids: Sequence[int] = (),
) -> int:
    """Confirm many records of an organization at once; return how many there were."""
    count = 0
    for facility in session.scalars(
        select(Facility).where(
            Facility.organization_id == organization.id,
            Facility.id.in_(facility_ids),
            visible(actor, Permission.FACILITY_CONFIRM),
        )
    ).all():
        confirm_facility(actor, facility)
        count += 1
    for equipment in session.scalars(
        select(Equipment).where(
            Equipment.organization_id == organization.id,
            Equipment.id.in_(equipment_ids),
            visible(actor, Permission.EQUIPMENT_CONFIRM),
        )
    ).all():
        confirm_equipment(actor, equipment)
        count += 1
    return count


@command(Permission.EQUIPMENT_EDIT)
def change_equipment_visibility(
    actor: Actor, equipment: Equipment, *, visibility: str
) -> Equipment:
    """Open equipment to an audience, or take it back to a draft."""
    equipment.visibility = visibility
    touch(actor, equipment)
    return equipment


@command(Permission.EQUIPMENT_DELETE)
def delete_equipment(actor: Actor, equipment: Equipment) -> Equipment:
    """Delete equipment with its rates, photos and documents."""
    remove_files(EquipmentPhoto, EquipmentPhoto.equipment_id == equipment.id)
    remove_files(EquipmentDocument, EquipmentDocument.equipment_id == equipment.id)
    record(EquipmentDeleted(equipment.id, equipment.organization_id))
    session.execute(delete(Equipment).where(Equipment.id == equipment.id))
    return equipment


@command(Permission.EQUIPMENT_CREATE)
def import_equipment(
    actor: Actor,
    organization: Organization,
    *,
    external_id: str,
    visibility: str = "draft",
    is_demo: bool = False,
    **values: Any,
) -> Imported[Equipment]:
    """Add or update an organization's equipment by its id in another catalog (idempotent).

    visibility: of a new record; one that is there keeps its own.
    """
    equipment = session.scalar(
        select(Equipment).where(
            Equipment.organization_id == organization.id, Equipment.external_id == external_id
        )
    )
    if equipment is None:
        created = create_equipment(
            actor,
            organization,
            external_id=external_id,
            visibility=visibility,
            is_demo=is_demo,
            **values,
        )
        return Imported(created, "created")
    load_for_change(equipment)
    authorize(actor, Permission.EQUIPMENT_EDIT, equipment)
    if not set_equipment(equipment, values):
        return Imported(equipment, "unchanged")
    touch(actor, equipment)
    return Imported(equipment, "changed")

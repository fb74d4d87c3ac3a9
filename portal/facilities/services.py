"""Commands of facilities and equipment: the only writers of their rows, photos and documents.

Values have passed the forms; what needs other rows (places, capabilities, limits) is checked here.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import InstrumentedAttribute
from werkzeug.datastructures import FileStorage

from portal.facilities import queries
from portal.facilities.events import (
    EquipmentDeleted,
    EquipmentSaved,
    FacilityDeleted,
    FacilitySaved,
)
from portal.facilities.models import (
    Equipment,
    EquipmentDocument,
    EquipmentPhoto,
    EquipmentRate,
    Facility,
    FacilityPhoto,
)
from portal.facilities.policies import Permission
from portal.facilities.rules import MOST_DOCUMENTS, MOST_PHOTOS, moved, sort_hours
from portal.kernel.authorization import Actor, authorize, visible
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid, NotFound
from portal.kernel.files import StoredFile, remove_file, store_document, store_image
from portal.kernel.outbox import record
from portal.organizations.models import Organization
from portal.organizations.queries.people import has_people
from portal.organizations.queries.resolving import complete_place, get_capabilities

R = TypeVar("R", Facility, Equipment)

_PLACE = ("street", "city", "state", "zip_code", "county_fips", "latitude", "longitude")
_LISTED = ("name", "summary", "description", "visibility", "external_values")
_FACILITY = (
    *_LISTED,
    "kind",
    "access_policy",
    "services",
    "safety_notes",
    "contact_name",
    "contact_email",
    "contact_phone",
)
_EQUIPMENT = (
    *_LISTED,
    "make",
    "model",
    "serial_number",
    "year",
    "condition",
    "technique",
    "sharing_terms",
    "eligibility",
    "operator_provided",
    "training_needed",
    "service_level",
)


@dataclass(frozen=True)
class Imported(Generic[R]):
    """A row that an import met; outcome: "created", "changed" or "unchanged"."""

    record: R
    outcome: str


# Facilities


@command(Permission.FACILITY_CREATE)
def create_facility(
    actor: Actor,
    organization: Organization,
    *,
    photos: Sequence[FileStorage] = (),
    caption: str = "",
    external_id: str | None = None,
    is_demo: bool = False,
    confirmed_at: dt.datetime | None = None,
    **values: Any,
) -> Facility:
    """Add a facility to an organization. values: fields of `FacilityForm`; only `name` is needed.

    Raises Invalid for an unknown capability, ZIP code or county.
    """
    _check_active(organization)
    facility = Facility(
        organization_id=organization.id,
        organization=organization,
        created_by_id=actor.user_id,
        external_id=external_id,
        is_demo=is_demo,
        kind="lab",
        visibility="draft",
        opening_hours=[],
        capabilities=[],
        photos=[],
        **dict.fromkeys(("street", "city", "state", "zip_code"), ""),
    )
    _set_facility(facility, values)
    session.add(facility)
    session.flush()
    _confirm(actor, facility, confirmed_at)
    _add_photos(actor, facility, photos, caption)
    record(FacilitySaved(facility.id, organization.id))
    return facility


@command(Permission.FACILITY_EDIT)
def update_facility(actor: Actor, facility: Facility, **values: Any) -> Facility:
    """Change the fields that are given. Whoever saves a record confirms it."""
    queries.load_for_change(facility)
    _set_facility(facility, values)
    _touch(actor, facility)
    return facility


@command(Permission.FACILITY_CONFIRM)
def confirm_facility(actor: Actor, facility: Facility) -> Facility:
    """Say that a facility's record is right as it stands."""
    _touch(actor, facility)
    return facility


@command(Permission.FACILITY_EDIT)
def change_facility_visibility(actor: Actor, facility: Facility, *, visibility: str) -> Facility:
    """Open a facility to an audience, or take it back to a draft."""
    facility.visibility = visibility
    _touch(actor, facility)
    return facility


@command(Permission.FACILITY_DELETE)
def delete_facility(actor: Actor, facility: Facility) -> Facility:
    """Delete a facility with its photos; its equipment stays with the organization."""
    equipment_ids = list(
        session.scalars(
            select(Equipment.id).where(Equipment.facility_id == facility.id).order_by(Equipment.id)
        )
    )
    session.execute(
        update(Equipment).where(Equipment.facility_id == facility.id).values(facility_id=None)
    )
    _remove_files(FacilityPhoto, FacilityPhoto.facility_id == facility.id)
    record(FacilityDeleted(facility.id, facility.organization_id, equipment_ids))
    session.execute(delete(Facility).where(Facility.id == facility.id))
    return facility


@command(Permission.FACILITY_EDIT)
def add_facility_photos(
    actor: Actor, facility: Facility, *, photos: Sequence[FileStorage], caption: str = ""
) -> Facility:
    """Add photos after those that are there."""
    _add_photos(actor, facility, photos, caption)
    _touch(actor, facility)
    return facility


@command(Permission.FACILITY_EDIT)
def change_facility_photo(
    actor: Actor, facility: Facility, *, photo_id: int, caption: str, move: str = ""
) -> Facility:
    """Change what a photo's caption says and where it stands ("up", "down", "first")."""
    _change_photo(facility, photo_id, caption, move)
    _touch(actor, facility)
    return facility


@command(Permission.FACILITY_EDIT)
def remove_facility_photo(actor: Actor, facility: Facility, *, photo_id: int) -> Facility:
    """Take a photo away, with its file."""
    photo = _photo(facility, photo_id)
    _remove_files(type(photo), type(photo).id == photo.id)
    _touch(actor, facility)
    return facility


@command(Permission.FACILITY_CREATE)
def import_facility(
    actor: Actor,
    organization: Organization,
    *,
    external_id: str,
    visibility: str = "draft",
    is_demo: bool = False,
    **values: Any,
) -> Imported[Facility]:
    """Add or update an organization's facility by its id in another catalog (idempotent).

    visibility: of a new record; one that is there keeps its own.
    """
    facility = session.scalar(
        select(Facility).where(
            Facility.organization_id == organization.id, Facility.external_id == external_id
        )
    )
    if facility is None:
        created = create_facility(
            actor,
            organization,
            external_id=external_id,
            visibility=visibility,
            is_demo=is_demo,
            **values,
        )
        return Imported(created, "created")
    queries.load_for_change(facility)
    authorize(actor, Permission.FACILITY_EDIT, facility)
    if not _set_facility(facility, values):
        return Imported(facility, "unchanged")
    _touch(actor, facility)
    return Imported(facility, "changed")


# Equipment


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
    _confirm(actor, equipment, confirmed_at)
    _add_photos(actor, equipment, photos, caption)
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
    _check_active(organization)
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
    _set_equipment(equipment, values)
    session.add(equipment)
    session.flush()
    record(EquipmentSaved(equipment.id, organization.id))
    return equipment


@command(Permission.EQUIPMENT_EDIT)
def update_equipment(actor: Actor, equipment: Equipment, **values: Any) -> Equipment:
    """Change the fields that are given. Whoever saves a record confirms it."""
    queries.load_for_change(equipment)
    _set_equipment(equipment, values)
    _touch(actor, equipment)
    return equipment


@command(Permission.EQUIPMENT_COPY)
def copy_equipment(actor: Actor, equipment: Equipment) -> Equipment:
    """Make a draft of another machine of the same kind: all but serial number and files."""
    queries.load_for_change(equipment)
    return create_equipment(
        actor,
        session.get_one(Organization, equipment.organization_id),
        **{name: getattr(equipment, name) for name in (*_EQUIPMENT, *_PLACE, "facility_id")}
        | {
            "name": _("%(name)s (copy)", name=equipment.name)[:200],
            "serial_number": "",
            "external_values": {},
            "visibility": "draft",
            "capabilities": [capability.key for capability in equipment.capabilities],
            "specifications": [dict(row) for row in equipment.specifications],
            "rates": [_rate_values(rate) for rate in equipment.rates],
        },
    )


@command(Permission.EQUIPMENT_CONFIRM)
def confirm_equipment(actor: Actor, equipment: Equipment) -> Equipment:
    """Say that a machine's record is right as it stands."""
    _touch(actor, equipment)
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
    _touch(actor, equipment)
    return equipment


@command(Permission.EQUIPMENT_DELETE)
def delete_equipment(actor: Actor, equipment: Equipment) -> Equipment:
    """Delete equipment with its rates, photos and documents."""
    _remove_files(EquipmentPhoto, EquipmentPhoto.equipment_id == equipment.id)
    _remove_files(EquipmentDocument, EquipmentDocument.equipment_id == equipment.id)
    record(EquipmentDeleted(equipment.id, equipment.organization_id))
    session.execute(delete(Equipment).where(Equipment.id == equipment.id))
    return equipment


@command(Permission.EQUIPMENT_EDIT)
def add_equipment_photos(
    actor: Actor, equipment: Equipment, *, photos: Sequence[FileStorage], caption: str = ""
) -> Equipment:
    """Add photos after those that are there."""
    _add_photos(actor, equipment, photos, caption)
    _touch(actor, equipment)
    return equipment


@command(Permission.EQUIPMENT_EDIT)
def change_equipment_photo(
    actor: Actor, equipment: Equipment, *, photo_id: int, caption: str, move: str = ""
) -> Equipment:
    """Change what a photo's caption says and where it stands ("up", "down", "first")."""
    _change_photo(equipment, photo_id, caption, move)
    _touch(actor, equipment)
    return equipment


@command(Permission.EQUIPMENT_EDIT)
def remove_equipment_photo(actor: Actor, equipment: Equipment, *, photo_id: int) -> Equipment:
    """Take a photo away, with its file."""
    photo = _photo(equipment, photo_id)
    _remove_files(type(photo), type(photo).id == photo.id)
    _touch(actor, equipment)
    return equipment


@command(Permission.EQUIPMENT_EDIT)
def add_equipment_documents(
    actor: Actor, equipment: Equipment, *, documents: Sequence[FileStorage], title: str = ""
) -> Equipment:
    """Add data sheets, manuals or certificates."""
    present = session.scalar(
        select(func.count()).where(EquipmentDocument.equipment_id == equipment.id)
    )
    if (present or 0) + len(documents) > MOST_DOCUMENTS:
        raise Invalid("documents", _("Please keep to %(most)d at most.", most=MOST_DOCUMENTS))
    for upload in documents:
        file = store_document(upload, field="documents", user_id=actor.user_id)
        session.flush()
        session.add(EquipmentDocument(equipment_id=equipment.id, file_id=file.id, title=title))
    _touch(actor, equipment)
    return equipment


@command(Permission.EQUIPMENT_EDIT)
def remove_equipment_document(actor: Actor, equipment: Equipment, *, document_id: int) -> Equipment:
    """Take a document away, with its file."""
    queries.get_document(equipment, document_id)
    _remove_files(EquipmentDocument, EquipmentDocument.id == document_id)
    _touch(actor, equipment)
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
    queries.load_for_change(equipment)
    authorize(actor, Permission.EQUIPMENT_EDIT, equipment)
    if not _set_equipment(equipment, values):
        return Imported(equipment, "unchanged")
    _touch(actor, equipment)
    return Imported(equipment, "changed")


# What both share


def _check_active(organization: Organization) -> None:
    if organization.status != "active":
        raise Conflict(_("This organization is archived."))


def _set_facility(facility: Facility, values: Mapping[str, Any]) -> bool:
    """Write the given fields; return whether any of them changed."""
    _check_names(values, (*_FACILITY, *_PLACE, "capabilities", "opening_hours"))
    changed = _set(facility, {name: values[name] for name in _FACILITY if name in values})
    changed |= _set(facility, _place_values(facility, values))
    if "opening_hours" in values:
        changed |= _set(facility, {"opening_hours": sort_hours(values["opening_hours"])})
    if "capabilities" in values:
        changed |= _set_capabilities(facility, values["capabilities"])
    return changed


def _set_equipment(equipment: Equipment, values: Mapping[str, Any]) -> bool:
    """Write the given fields; return whether any of them changed."""
    known = (*_EQUIPMENT, *_PLACE, "facility_id", "capabilities", "specifications", "rates")
    _check_names(values, known)
    changed = _set(equipment, {name: values[name] for name in _EQUIPMENT if name in values})
    if "specifications" in values:
        rows = [
            {"name": row["name"], "value": row["value"], "unit": row.get("unit", "")}
            for row in values["specifications"]
        ]
        changed |= _set(equipment, {"specifications": rows})
    if "capabilities" in values:
        changed |= _set_capabilities(equipment, values["capabilities"])
    if "rates" in values:
        changed |= _set_rates(equipment, values["rates"])
    # Last, since a query would flush the facility's list of equipment before there is a new row.
    if "facility_id" in values:
        changed |= _set_home(equipment, values["facility_id"])
    if equipment.facility_id is None:
        changed |= _set(equipment, _place_values(equipment, values))
    else:
        nowhere = dict.fromkeys(("street", "city", "state", "zip_code"), "")
        changed |= _set(
            equipment, {**nowhere, "county_fips": None, "latitude": None, "longitude": None}
        )
    return changed


def _check_names(values: Mapping[str, Any], known: Sequence[str]) -> None:
    unknown = set(values) - set(known)
    if unknown:
        raise TypeError(f"no such fields: {', '.join(sorted(unknown))}")


def _set(row: Facility | Equipment, values: Mapping[str, Any]) -> bool:
    changed = False
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
            changed = True
    return changed


def _set_home(equipment: Equipment, facility_id: int | None) -> bool:
    if facility_id == equipment.facility_id:
        return False
    facility = session.get(Facility, facility_id) if facility_id is not None else None
    if facility_id is not None and (
        facility is None or facility.organization_id != equipment.organization_id
    ):
        raise Invalid("facility_id", _("Please choose a facility of the same organization."))
    equipment.facility_id = facility_id
    equipment.facility = facility
    return True


def _set_capabilities(row: Facility | Equipment, names: Sequence[str]) -> bool:
    wanted = get_capabilities(names)
    if {item.key for item in wanted} == {item.key for item in row.capabilities}:
        return False
    row.capabilities = wanted
    return True


def _set_rates(equipment: Equipment, rates: Sequence[Mapping[str, Any]]) -> bool:
    wanted = {(rate["customer_class"], rate["unit"]): rate["price_cents"] for rate in rates}
    present = {(rate.customer_class, rate.unit): rate for rate in equipment.rates}
    if wanted == {key: rate.price_cents for key, rate in present.items()}:
        return False
    for key, rate in present.items():
        if key in wanted:
            rate.price_cents = wanted[key]
    equipment.rates = [rate for key, rate in present.items() if key in wanted] + [
        EquipmentRate(customer_class=key[0], unit=key[1], price_cents=cents)
        for key, cents in wanted.items()
        if key not in present
    ]
    return True


def _rate_values(rate: EquipmentRate) -> dict[str, Any]:
    return {
        "customer_class": rate.customer_class,
        "unit": rate.unit,
        "price_cents": rate.price_cents,
    }


def _place_values(row: Facility | Equipment, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the place as given, completed from the ZIP code."""
    if not any(name in values for name in _PLACE):
        return {}
    street = {"street": values["street"]} if "street" in values else {}
    return {**street, **complete_place(values, row)}


def _confirm(actor: Actor, row: Facility | Equipment, moment: dt.datetime | None = None) -> None:
    """Whoever writes a record confirms it; a program that imports it cannot."""
    row.confirmed_at = moment if actor.is_system or moment else now()
    row.confirmed_by_id = actor.user_id


def _touch(actor: Actor, row: Facility | Equipment) -> None:
    """Confirm a record, give it a new version, and say that it changed."""
    if not actor.is_system:
        _confirm(actor, row)
    row.updated_at = now()
    if isinstance(row, Facility):
        record(FacilitySaved(row.id, row.organization_id))
    else:
        record(EquipmentSaved(row.id, row.organization_id))


def _photos_of(row: Facility | Equipment) -> tuple[Any, InstrumentedAttribute[int]]:
    """Return the model of a record's photos and its column that names the record."""
    if isinstance(row, Facility):
        return FacilityPhoto, FacilityPhoto.facility_id
    return EquipmentPhoto, EquipmentPhoto.equipment_id


def _photo(row: Facility | Equipment, photo_id: int) -> FacilityPhoto | EquipmentPhoto:
    model, owner = _photos_of(row)
    photo: FacilityPhoto | EquipmentPhoto | None = session.scalar(
        select(model).where(model.id == photo_id, owner == row.id)
    )
    if photo is None:
        raise NotFound(_("This photo is no longer here."))
    return photo


def _add_photos(
    actor: Actor, row: Facility | Equipment, uploads: Sequence[FileStorage], caption: str
) -> None:
    model, owner = _photos_of(row)
    if not uploads:
        return
    count, last = session.execute(
        select(func.count(), func.max(model.position)).where(owner == row.id)
    ).one()
    if count + len(uploads) > MOST_PHOTOS:
        raise Invalid("photos", _("Please keep to %(most)d at most.", most=MOST_PHOTOS))
    for number, upload in enumerate(uploads, 1 if last is None else last + 1):
        file = store_image(upload, field="photos", user_id=actor.user_id)
        session.flush()
        photo = model(file_id=file.id, caption=caption, position=number)
        setattr(photo, owner.key, row.id)
        session.add(photo)


def _change_photo(row: Facility | Equipment, photo_id: int, caption: str, move: str) -> None:
    photo = _photo(row, photo_id)
    photo.caption = caption
    if move:
        model, owner = _photos_of(row)
        photos = {
            item.id: item
            for item in session.scalars(
                select(model).where(owner == row.id).order_by(model.position, model.id)
            )
        }
        for number, item_id in enumerate(moved(list(photos), photo_id, move), 1):
            photos[item_id].position = number


def _remove_files(
    model: type[FacilityPhoto] | type[EquipmentPhoto] | type[EquipmentDocument],
    condition: ColumnElement[bool],
) -> None:
    """Delete the rows of photos or documents together with their files."""
    files = session.scalars(
        select(StoredFile).join(model, model.file_id == StoredFile.id).where(condition)
    ).all()
    session.execute(delete(model).where(condition))
    for file in files:
        remove_file(file)

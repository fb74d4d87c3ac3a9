"""One facility or piece of equipment, whole: for its page, the API, exports and the index."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from portal.facilities.models import (
    Equipment,
    EquipmentDocument,
    EquipmentPhoto,
    Facility,
    FacilityPhoto,
)
from portal.facilities.policies import Permission
from portal.facilities.rules import Place, has_place, place_of
from portal.kernel.authorization import Actor, authorize, can, visible
from portal.kernel.database import reload, session
from portal.kernel.errors import NotFound
from portal.kernel.files import StoredFile
from portal.kernel.listing import is_narrower
from portal.organizations.models import Organization

Record = Facility | Equipment


FACILITY_OPTIONS = (
    joinedload(Facility.organization).options(
        joinedload(Organization.county), joinedload(Organization.zip_place)
    ),
    joinedload(Facility.county),
    joinedload(Facility.zip_place),
    joinedload(Facility.confirmed_by),
    selectinload(Facility.capabilities),
    selectinload(Facility.photos).joinedload(FacilityPhoto.file),
)


EQUIPMENT_OPTIONS = (
    joinedload(Equipment.organization).options(
        joinedload(Organization.county), joinedload(Organization.zip_place)
    ),
    joinedload(Equipment.county),
    joinedload(Equipment.confirmed_by),
    joinedload(Equipment.facility).options(
        joinedload(Facility.county), joinedload(Facility.zip_place)
    ),
    selectinload(Equipment.capabilities),
    selectinload(Equipment.rates),
    selectinload(Equipment.photos).joinedload(EquipmentPhoto.file),
    selectinload(Equipment.documents).joinedload(EquipmentDocument.file),
)


def get_facility(facility_id: int) -> Facility:
    """Return a facility with all that belongs to it, whoever asks. Raises NotFound."""
    facility = session.scalar(
        select(Facility).options(*FACILITY_OPTIONS).where(Facility.id == facility_id)
    )
    if facility is None:
        raise NotFound()
    return facility


def get_visible_facility(actor: Actor, facility_id: int) -> Facility:
    """Return a facility that the actor may see. Raises NotFound."""
    facility = get_facility(facility_id)
    _show(actor, Permission.FACILITY_VIEW, facility)
    return facility


def get_equipment(equipment_id: int) -> Equipment:
    """Return equipment with all that belongs to it, whoever asks. Raises NotFound."""
    equipment = session.scalar(
        select(Equipment).options(*EQUIPMENT_OPTIONS).where(Equipment.id == equipment_id)
    )
    if equipment is None:
        raise NotFound()
    return equipment


def get_visible_equipment(actor: Actor, equipment_id: int) -> Equipment:
    """Return equipment that the actor may see. Raises NotFound."""
    equipment = get_equipment(equipment_id)
    _show(actor, Permission.EQUIPMENT_VIEW, equipment)
    return equipment


def _show(actor: Actor, permission: Permission, row: Record) -> None:
    if not can(actor, permission, row):
        authorize(actor, permission, row)


def load_for_change(row: Record) -> None:
    """Read what commands change of a record again, under its lock."""
    reload(row, *(FACILITY_OPTIONS if isinstance(row, Facility) else EQUIPMENT_OPTIONS))


def get_photo(row: Record, photo_id: int) -> StoredFile:
    """Return the file of a record's photo. Raises NotFound."""
    for photo in row.photos:
        if photo.id == photo_id:
            return photo.file
    raise NotFound(_("This photo is no longer here."))


def get_document(equipment: Equipment, document_id: int) -> StoredFile:
    """Return the file of a document. Raises NotFound."""
    file = session.scalar(
        select(StoredFile)
        .join(EquipmentDocument, EquipmentDocument.file_id == StoredFile.id)
        .where(EquipmentDocument.id == document_id, EquipmentDocument.equipment_id == equipment.id)
    )
    if file is None:
        raise NotFound(_("This document is no longer here."))
    return file


def place_of_record(row: Record) -> Place:
    """Return where a loaded record is: of its facility, its own, or its organization's.

    Of a facility that fewer people may see than its equipment, and of an organization that keeps
    its street to members, it is the middle of the ZIP code or county.
    """
    place, source, is_exact = _find_place(row)
    if is_exact:
        return place
    point = (source or row.organization).coarse_point or (None, None)
    return replace(place, street="", latitude=point[0], longitude=point[1])


def address_of(row: Record) -> str:
    """Return the address of a loaded record in one line, the street where its page shows it."""
    place, _source, is_exact = _find_place(row)
    town = " ".join(part for part in (place.town, place.zip_code) if part)
    return ", ".join(part for part in (place.street if is_exact else "", town) if part)


def list_addresses(
    model: type[Facility] | type[Equipment], numbers: Iterable[int | None]
) -> dict[int | None, str]:
    """Return the addresses of some equipment, or of some facilities, by their ids."""
    wanted = set(numbers) - {None}
    if not wanted:
        return {}
    statement: Select[Any] = (
        select(model).options(joinedload(model.organization)).where(model.id.in_(wanted))
    )
    if model is Equipment:
        statement = statement.options(joinedload(Equipment.facility))
    return {row.id: address_of(row) for row in session.scalars(statement)}


def _find_place(row: Record) -> tuple[Place, Record | None, bool]:
    """Return where a record is, whether itself or its facility says so, and whether its street
    and point may be told to all who see it."""
    organization = row.organization
    own = (row.facility, row) if isinstance(row, Equipment) else (row,)
    place = place_of(*own, organization)
    source = next((item for item in own if item is not None and has_place(item)), None)
    if source is None:
        return place, None, not organization.keeps_street
    return place, source, source is row or not is_narrower(source.visibility, row.visibility)


def kind_of(row: Record) -> str:
    """Return "facility" or "equipment"."""
    return "facility" if isinstance(row, Facility) else "equipment"


def version_of(row: Record) -> tuple[Any, ...]:
    """Return what changes whenever the page or the JSON of a loaded record does."""
    home = row.facility.updated_at if isinstance(row, Equipment) and row.facility else None
    return kind_of(row), row.id, row.updated_at, home, row.organization.updated_at


def is_shared(row: Record) -> bool:
    """Tell whether others may ask to use a record; some equipment is only shown."""
    return isinstance(row, Facility) or row.sharing_terms != "in_house"


def county_label_of(row: Record) -> str:
    """Return the label of the county in which a loaded record is, or nothing."""
    counties = [row.county, row.organization.county]
    if isinstance(row, Equipment) and row.facility is not None:
        counties.append(row.facility.county)
    fips = place_of_record(row).county_fips
    return next((county.label for county in counties if county and county.fips == fips), "")


def list_facilities_to_export(
    actor: Actor, *, organization_id: int | None = None, after: int = 0, limit: int = 500
) -> list[Facility]:
    """Return the next facilities by id that the actor may see, whole, for exports."""
    statement = select(Facility).options(*FACILITY_OPTIONS)
    statement = statement.where(Facility.id > after, visible(actor, Permission.FACILITY_VIEW))
    if organization_id is not None:
        statement = statement.where(Facility.organization_id == organization_id)
    return list(session.scalars(statement.order_by(Facility.id).limit(limit)))


def list_equipment_to_export(
    actor: Actor, *, organization_id: int | None = None, after: int = 0, limit: int = 500
) -> list[Equipment]:
    """Return the next equipment by id that the actor may see, whole, for exports.

    Contacts come with `record.organization.contacts`, places with `place_of_record(record)`.
    """
    statement = select(Equipment).options(*EQUIPMENT_OPTIONS)
    statement = statement.where(Equipment.id > after, visible(actor, Permission.EQUIPMENT_VIEW))
    if organization_id is not None:
        statement = statement.where(Equipment.organization_id == organization_id)
    return list(session.scalars(statement.order_by(Equipment.id).limit(limit)))

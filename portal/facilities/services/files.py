"""The photos of facilities and equipment, and the documents of equipment."""

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import InstrumentedAttribute
from werkzeug.datastructures import FileStorage

from portal.facilities.models import (
    Equipment,
    EquipmentDocument,
    EquipmentPhoto,
    Facility,
    FacilityPhoto,
)
from portal.facilities.policies import Permission
from portal.facilities.queries.records import get_document
from portal.facilities.rules import MOST_DOCUMENTS, MOST_PHOTOS, moved
from portal.facilities.services.values import touch
from portal.kernel.authorization import Actor
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Invalid, NotFound
from portal.kernel.files import StoredFile, remove_file, store_document, store_image


@command(Permission.FACILITY_EDIT)
def add_facility_photos(
    actor: Actor, facility: Facility, *, photos: Sequence[FileStorage], caption: str = ""
) -> Facility:
    """Add photos after those that are there."""
    add_photos(actor, facility, photos, caption)
    touch(actor, facility)
    return facility


@command(Permission.FACILITY_EDIT)
def change_facility_photo(
    actor: Actor, facility: Facility, *, photo_id: int, caption: str, move: str = ""
) -> Facility:
    """Change what a photo's caption says and where it stands ("up", "down", "first")."""
    _change_photo(facility, photo_id, caption, move)
    touch(actor, facility)
    return facility


@command(Permission.FACILITY_EDIT)
def remove_facility_photo(actor: Actor, facility: Facility, *, photo_id: int) -> Facility:
    """Take a photo away, with its file."""
    photo = _photo(facility, photo_id)
    remove_files(type(photo), type(photo).id == photo.id)
    touch(actor, facility)
    return facility


@command(Permission.EQUIPMENT_EDIT)
def add_equipment_photos(
    actor: Actor, equipment: Equipment, *, photos: Sequence[FileStorage], caption: str = ""
) -> Equipment:
    """Add photos after those that are there."""
    add_photos(actor, equipment, photos, caption)
    touch(actor, equipment)
    return equipment


@command(Permission.EQUIPMENT_EDIT)
def change_equipment_photo(
    actor: Actor, equipment: Equipment, *, photo_id: int, caption: str, move: str = ""
) -> Equipment:
    """Change what a photo's caption says and where it stands ("up", "down", "first")."""
    _change_photo(equipment, photo_id, caption, move)
    touch(actor, equipment)
    return equipment


@command(Permission.EQUIPMENT_EDIT)
def remove_equipment_photo(actor: Actor, equipment: Equipment, *, photo_id: int) -> Equipment:
    """Take a photo away, with its file."""
    photo = _photo(equipment, photo_id)
    remove_files(type(photo), type(photo).id == photo.id)
    touch(actor, equipment)
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
    touch(actor, equipment)
    return equipment


@command(Permission.EQUIPMENT_EDIT)
def remove_equipment_document(actor: Actor, equipment: Equipment, *, document_id: int) -> Equipment:
    """Take a document away, with its file."""
    get_document(equipment, document_id)
    remove_files(EquipmentDocument, EquipmentDocument.id == document_id)
    touch(actor, equipment)
    return equipment


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


def add_photos(
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


def remove_files(
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

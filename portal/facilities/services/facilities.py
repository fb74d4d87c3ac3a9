"""What is done to facilities. Values have passed the forms."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select, update
from werkzeug.datastructures import FileStorage

from portal.facilities.events import FacilityDeleted, FacilitySaved
from portal.facilities.models import Equipment, Facility, FacilityPhoto
from portal.facilities.policies import Permission
from portal.facilities.queries.records import load_for_change
from portal.facilities.services.files import add_photos, remove_files
from portal.facilities.services.values import Imported, check_active, confirm, set_facility, touch
from portal.kernel.authorization import Actor, authorize
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.outbox import record
from portal.organizations.models import Organization


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
    check_active(organization)
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
    set_facility(facility, values)
    session.add(facility)
    session.flush()
    confirm(actor, facility, confirmed_at)
    add_photos(actor, facility, photos, caption)
    record(FacilitySaved(facility.id, organization.id))
    return facility


@command(Permission.FACILITY_EDIT)
def update_facility(actor: Actor, facility: Facility, **values: Any) -> Facility:
    """Change the fields that are given. Whoever saves a record confirms it."""
    load_for_change(facility)
    set_facility(facility, values)
    touch(actor, facility)
    return facility


@command(Permission.FACILITY_CONFIRM)
def confirm_facility(actor: Actor, facility: Facility) -> Facility:
    """Say that a facility's record is right as it stands."""
    touch(actor, facility)
    return facility


@command(Permission.FACILITY_EDIT)
def change_facility_visibility(actor: Actor, facility: Facility, *, visibility: str) -> Facility:
    """Open a facility to an audience, or take it back to a draft."""
    facility.visibility = visibility
    touch(actor, facility)
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
    remove_files(FacilityPhoto, FacilityPhoto.facility_id == facility.id)
    record(FacilityDeleted(facility.id, facility.organization_id, equipment_ids))
    session.execute(delete(Facility).where(Facility.id == facility.id))
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
    load_for_change(facility)
    authorize(actor, Permission.FACILITY_EDIT, facility)
    if not set_facility(facility, values):
        return Imported(facility, "unchanged")
    touch(actor, facility)
    return Imported(facility, "changed")

"""Reads of facilities and equipment for pages, the API, the desk, exports and the search index."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import (
    ColumnElement,
    Float,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    false,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased, joinedload, selectinload

from portal.facilities.models import (
    Equipment,
    EquipmentDocument,
    EquipmentPhoto,
    Facility,
    FacilityPhoto,
    equipment_capability,
    facility_capability,
)
from portal.facilities.policies import Permission
from portal.facilities.rules import ADDRESSES, NEARBY_MILES, Place, has_place, place_of
from portal.kernel.authorization import Actor, authorize, can, visible
from portal.kernel.clock import now
from portal.kernel.database import read_committed, reload, session
from portal.kernel.errors import NotFound
from portal.kernel.files import StoredFile
from portal.kernel.listing import VISIBILITIES, is_narrower
from portal.kernel.manifest import DeskItem
from portal.kernel.paging import Page, keyset_page
from portal.organizations.models import Organization
from portal.organizations.rules import STALE_AFTER
from portal.regions.models import County, ZipCode
from portal.regions.queries import narrower_closure, preferred_labels

Record = Facility | Equipment

_MILES_PER_DEGREE = 69.0

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


@dataclass(frozen=True)
class Listing:
    """A record as lists show it. place: town and county in one line."""

    kind: str
    id: int
    title: str
    summary: str
    organization: str
    organization_id: int
    place: str
    visibility: str
    confirmed_at: Any
    url: str
    detail: str
    distance_miles: float | None = None


# One record


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


# Lists

_home = aliased(Facility)
_county = aliased(County)
_zip = aliased(ZipCode)
_area = aliased(County)


def _placed(name: str, *owners: Any) -> Any:
    """Return a column of the first owner that says where it is: `place_of` in SQL."""
    *first, last = owners
    return case(
        *((_has_place(owner), getattr(owner, name)) for owner in first), else_=getattr(last, name)
    )


def _has_place(owner: Any) -> ColumnElement[bool]:
    return or_(
        owner.county_fips.is_not(None),
        owner.zip_code != "",
        owner.city != "",
        owner.latitude.is_not(None),
    )


def _breadth(visibility: Any) -> Any:
    """Return how many readers a visibility names, in SQL: `is_narrower` compares it."""
    return case({name: number for number, name in enumerate(VISIBILITIES)}, value=visibility)


_equipment_county = _placed("county_fips", _home, Equipment, Organization)
_equipment_zip = _placed("zip_code", _home, Equipment, Organization)
_equipment_city = _placed("city", _home, Equipment, Organization)
_facility_county = _placed("county_fips", Facility, Organization)
_facility_city = _placed("city", Facility, Organization)


def _shown(name: str) -> Any:
    """Return a coordinate of equipment as `place_of_record` gives it, in SQL."""
    exact = _placed(name, _home, Equipment, Organization)
    is_exact = case(
        (_has_place(_home), _breadth(_home.visibility) >= _breadth(Equipment.visibility)),
        (_has_place(Equipment), true()),
        else_=~Organization.keeps_street,
    )
    # Most are exact: only for others it is looked for where town and county are.
    of_zip = select(getattr(_zip, name)).where(_zip.zip_code == func.substr(_equipment_zip, 1, 5))
    of_county = select(getattr(_area, name)).where(_area.fips == _equipment_county)
    coarse = func.coalesce(of_zip.scalar_subquery(), of_county.scalar_subquery())
    return case((is_exact, exact), (exact.is_not(None), coarse))


def _equipment_rows() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Equipment.id,
            Equipment.name,
            Equipment.summary,
            Equipment.visibility,
            Equipment.confirmed_at,
            Equipment.organization_id,
            Equipment.sharing_terms.label("detail"),
            Organization.name.label("organization"),
            _equipment_city.label("city"),
            _county.name.label("county"),
            _county.state.label("state"),
        )
        .join(Organization, Organization.id == Equipment.organization_id)
        .outerjoin(_home, _home.id == Equipment.facility_id)
        .outerjoin(_county, _county.fips == _equipment_county)
    )


_EQUIPMENT_AMONG = _equipment_rows().where(Equipment.id.in_(bindparam("ids", expanding=True)))


def _facility_rows() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Facility.id,
            Facility.name,
            Facility.summary,
            Facility.visibility,
            Facility.confirmed_at,
            Facility.organization_id,
            Facility.kind.label("detail"),
            Organization.name.label("organization"),
            _facility_city.label("city"),
            _county.name.label("county"),
            _county.state.label("state"),
        )
        .join(Organization, Organization.id == Facility.organization_id)
        .outerjoin(_county, _county.fips == _facility_county)
    )


def _listings(kind: str, rows: Iterable[Any]) -> list[Listing]:
    return [
        Listing(
            kind=kind,
            id=row.id,
            title=row.name,
            summary=row.summary,
            organization=row.organization,
            organization_id=row.organization_id,
            place=_place_line(row.city, row.county, row.state),
            visibility=row.visibility,
            confirmed_at=row.confirmed_at,
            url=ADDRESSES[kind] % row.id,
            detail=row.detail,
        )
        for row in rows
    ]


def _place_line(city: str | None, county: str | None, state: str | None) -> str:
    label = f"{county}, {state}" if county else ""
    return " · ".join(part for part in (city, label) if part)


def _equipment_filters(
    actor: Actor,
    *,
    organization_id: int | None = None,
    facility_id: int | None = None,
    capability: str = "",
    county: str = "",
    sharing_terms: str = "",
    visibility: str = "",
) -> list[ColumnElement[bool]]:
    found = [visible(actor, Permission.EQUIPMENT_VIEW)]
    if organization_id is not None:
        found.append(Equipment.organization_id == organization_id)
    if facility_id is not None:
        found.append(Equipment.facility_id == facility_id)
    if capability:
        found.append(
            Equipment.id.in_(
                select(equipment_capability.c.equipment_id).where(
                    equipment_capability.c.capability_key.in_(narrower_closure([capability]))
                )
            )
        )
    if county:
        found.append(_equipment_county == county)
    if sharing_terms:
        found.append(Equipment.sharing_terms == sharing_terms)
    if visibility:
        found.append(Equipment.visibility == visibility)
    return found


def _facility_filters(
    actor: Actor,
    *,
    organization_id: int | None = None,
    capability: str = "",
    county: str = "",
    kind: str = "",
    visibility: str = "",
) -> list[ColumnElement[bool]]:
    found = [visible(actor, Permission.FACILITY_VIEW)]
    if organization_id is not None:
        found.append(Facility.organization_id == organization_id)
    if capability:
        found.append(
            Facility.id.in_(
                select(facility_capability.c.facility_id).where(
                    facility_capability.c.capability_key.in_(narrower_closure([capability]))
                )
            )
        )
    if county:
        found.append(_facility_county == county)
    if kind:
        found.append(Facility.kind == kind)
    if visibility:
        found.append(Facility.visibility == visibility)
    return found


def list_equipment(
    actor: Actor, *, cursor: str | None = None, limit: int = 20, **filters: Any
) -> Page[Listing]:
    """Return a page of the equipment that the actor may see, by name.

    filters: organization_id, facility_id, capability (with all narrower ones), county,
    sharing_terms, visibility.
    """
    statement = _equipment_rows().where(*_equipment_filters(actor, **filters))
    found = keyset_page(
        statement, (Equipment.name, Equipment.id), cursor=cursor, limit=limit, scalars=False
    )
    return Page(_listings("equipment", found.items), found.next)


def list_facilities(
    actor: Actor, *, cursor: str | None = None, limit: int = 20, **filters: Any
) -> Page[Listing]:
    """Return a page of the facilities that the actor may see, by name.

    filters: organization_id, capability (with all narrower ones), county, kind, visibility.
    """
    statement = _facility_rows().where(*_facility_filters(actor, **filters))
    found = keyset_page(
        statement, (Facility.name, Facility.id), cursor=cursor, limit=limit, scalars=False
    )
    return Page(_listings("facility", found.items), found.next)


def list_equipment_records(
    actor: Actor, *, cursor: str | None = None, limit: int = 20, **filters: Any
) -> Page[Equipment]:
    """Return a page of whole records, for the API; filters as in `list_equipment`."""
    statement = (
        select(Equipment)
        .join(Organization, Organization.id == Equipment.organization_id)
        .outerjoin(_home, _home.id == Equipment.facility_id)
        .options(*EQUIPMENT_OPTIONS)
        .where(*_equipment_filters(actor, **filters))
    )
    return keyset_page(statement, (Equipment.name, Equipment.id), cursor=cursor, limit=limit)


def list_facility_records(
    actor: Actor, *, cursor: str | None = None, limit: int = 20, **filters: Any
) -> Page[Facility]:
    """Return a page of whole records, for the API; filters as in `list_facilities`."""
    statement = (
        select(Facility)
        .join(Organization, Organization.id == Facility.organization_id)
        .options(*FACILITY_OPTIONS)
        .where(*_facility_filters(actor, **filters))
    )
    return keyset_page(statement, (Facility.name, Facility.id), cursor=cursor, limit=limit)


def equipment_of_facility(actor: Actor, facility: Facility, limit: int = 100) -> list[Listing]:
    """Return the equipment of a facility that the actor may see, by name."""
    return list_equipment(actor, facility_id=facility.id, limit=limit).items


def equipment_beside(actor: Actor, equipment: Equipment, limit: int = 8) -> list[Listing]:
    """Return other equipment of the same facility that the actor may see, by name."""
    if equipment.facility_id is None:
        return []
    statement = (
        _equipment_rows()
        .where(
            visible(actor, Permission.EQUIPMENT_VIEW),
            Equipment.facility_id == equipment.facility_id,
            Equipment.id != equipment.id,
        )
        .order_by(Equipment.name, Equipment.id)
        .limit(limit)
    )
    return _listings("equipment", session.execute(statement))


def equipment_nearby(actor: Actor, equipment: Equipment, limit: int = 6) -> list[Listing]:
    """Return equipment elsewhere that shares a capability, nearest first, within 100 miles."""
    place = place_of_record(equipment)
    keys = [capability.key for capability in equipment.capabilities]
    if not keys or place.latitude is None or place.longitude is None:
        return []
    key = "equipment nearby"
    statement = actor.kept.get(key)
    if statement is None:
        statement = actor.kept[key] = _nearest(actor)
    per_degree_east = _MILES_PER_DEGREE * math.cos(math.radians(place.latitude))
    found = read_committed(
        statement,
        {
            "keys": keys,
            "latitude": place.latitude,
            "longitude": place.longitude,
            "per_degree_east": per_degree_east,
            "own": equipment.id,
            "facility": equipment.facility_id or 0,  # which none has
            "most": limit,
        },
    )
    if not found:
        return []
    rows = session.execute(_EQUIPMENT_AMONG, {"ids": [number for number, _ in found]})
    listings = {listing.id: listing for listing in _listings("equipment", rows)}
    return [replace(listings[number], distance_miles=math.sqrt(its)) for number, its in found]


def _nearest(actor: Actor) -> Select[*tuple[Any, ...]]:
    """Return the statement for what the actor may see near a place, and how far away it is.

    To put it together takes as long as to answer it, so that it is kept.
    """
    same = select(equipment_capability.c.equipment_id).where(
        equipment_capability.c.capability_key.in_(bindparam("keys", expanding=True))
    )
    facility = bindparam("facility", type_=Integer)
    # Distances are measured to what everybody may know, or several of them would tell the rest.
    # Where that is takes long to work out: once for each, however often it is compared.
    places = (
        _equipment_rows()
        .with_only_columns(
            Equipment.id,
            Equipment.name,
            _shown("latitude").label("latitude"),
            _shown("longitude").label("longitude"),
        )
        .where(
            visible(actor, Permission.EQUIPMENT_VIEW),
            Equipment.visibility != "draft",
            Equipment.id.in_(same),
            Equipment.id != bindparam("own", type_=Integer),
            or_(Equipment.facility_id.is_(None), Equipment.facility_id != facility),
        )
        .cte("places")
        .prefix_with("MATERIALIZED")
    )
    north = (places.c.latitude - bindparam("latitude", type_=Float)) * _MILES_PER_DEGREE
    per_degree_east = bindparam("per_degree_east", type_=Float)
    east = (places.c.longitude - bindparam("longitude", type_=Float)) * per_degree_east
    squared = north * north + east * east
    return (
        select(places.c.id, squared)
        .where(squared <= NEARBY_MILES**2)
        .order_by(squared, places.c.name, places.c.id)
        .limit(bindparam("most", type_=Integer))
    )


def facility_section(actor: Actor, organization: Organization) -> dict[str, Any] | None:
    """Return what an organization's page shows of its facilities; None where that is nothing."""
    found = list_facilities(actor, organization_id=organization.id, limit=50)
    return _section(actor, organization, "facility", Permission.FACILITY_CREATE, found)


def equipment_section(actor: Actor, organization: Organization) -> dict[str, Any] | None:
    """Return what an organization's page shows of its equipment; None where that is nothing."""
    found = list_equipment(actor, organization_id=organization.id, limit=50)
    return _section(actor, organization, "equipment", Permission.EQUIPMENT_CREATE, found)


def _section(
    actor: Actor,
    organization: Organization,
    kind: str,
    permission: Permission,
    found: Page[Listing],
) -> dict[str, Any] | None:
    may_add = can(actor, permission, organization)
    if not found.items and not may_add:
        return None
    return {
        "kind": kind,
        "listings": found.items,
        "has_more": found.next is not None,
        "may_add": may_add,
        "organization_id": organization.id,
    }


# Choices for forms


def find_capability_label(key: str) -> str:
    """Return the name of a capability in the reader's language, or nothing."""
    language = str(get_locale() or "en")
    return preferred_labels([key], language=language).get(key, "") if key else ""


def facility_choices(actor: Actor, organization_ids: Collection[int]) -> list[tuple[int, str]]:
    """Return (id, name) of the facilities of organizations that the actor may see."""
    rows = session.execute(
        select(Facility.id, Facility.name)
        .where(
            Facility.organization_id.in_(sorted(organization_ids)),
            visible(actor, Permission.FACILITY_VIEW),
        )
        .order_by(Facility.name, Facility.id)
    )
    return [(row.id, row.name) for row in rows]


# The desk


def list_drafts(actor: Actor, limit: int) -> list[DeskItem]:
    """Return drafts that the actor can publish, oldest first."""
    return _desk_items(
        actor,
        limit,
        lambda model: model.visibility == "draft",
        {"facility": Permission.FACILITY_EDIT, "equipment": Permission.EQUIPMENT_EDIT},
        since="created_at",
        action=_("Finish and publish"),
    )


def list_stale(actor: Actor, limit: int) -> list[DeskItem]:
    """Return records of the actor's organizations to be confirmed again, oldest first."""
    before = now() - STALE_AFTER
    return _desk_items(
        actor,
        limit,
        lambda model: and_(
            model.visibility != "draft",
            or_(model.confirmed_at.is_(None), model.confirmed_at < before),
        ),
        {"facility": Permission.FACILITY_CONFIRM, "equipment": Permission.EQUIPMENT_CONFIRM},
        since="confirmed_at",
        action=_("Look and confirm"),
    )


def _desk_items(
    actor: Actor,
    limit: int,
    condition: Any,
    permissions: Mapping[str, Permission],
    *,
    since: str,
    action: str,
) -> list[DeskItem]:
    found: list[DeskItem] = []
    models: tuple[tuple[str, Any], ...] = (("facility", Facility), ("equipment", Equipment))
    for kind, model in models:
        own = model.organization_id.in_(sorted(actor.memberships)) if actor.memberships else false()
        waiting = func.coalesce(getattr(model, since), model.created_at).label("since")
        rows = session.execute(
            select(model.id, model.name, Organization.name.label("organization"), waiting)
            .join(Organization, Organization.id == model.organization_id)
            .where(own, condition(model), visible(actor, permissions[kind]))
            .order_by(waiting, model.id)
            .limit(limit)
        )
        found.extend(
            DeskItem(
                title=row.name,
                url=ADDRESSES[kind] % row.id,
                since=row.since,
                detail=row.organization,
                action=action,
            )
            for row in rows
        )
    return sorted(found, key=lambda item: item.since)[:limit]


# Exports


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

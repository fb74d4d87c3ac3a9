"""Facilities and equipment in lists: filtered, beside each other, nearby, of an organization."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import get_locale
from sqlalchemy import (
    ColumnElement,
    Float,
    Integer,
    Select,
    bindparam,
    case,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased

from portal.facilities.models import Equipment, Facility, equipment_capability, facility_capability
from portal.facilities.policies import Permission
from portal.facilities.queries.records import EQUIPMENT_OPTIONS, FACILITY_OPTIONS, place_of_record
from portal.facilities.rules import ADDRESSES, NEARBY_MILES
from portal.kernel.authorization import Actor, can, visible
from portal.kernel.database import read_committed, session
from portal.kernel.listing import VISIBILITIES
from portal.kernel.paging import Page, keyset_page
from portal.organizations.models import Organization
from portal.regions.models import County, ZipCode
from portal.regions.queries.capabilities import narrower_closure, preferred_labels

_MILES_PER_DEGREE = 69.0


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


def find_capability_label(key: str) -> str:
    """Return the name of a capability in the reader's language, or nothing."""
    language = str(get_locale() or "en")
    return preferred_labels([key], language=language).get(key, "") if key else ""


def facility_choices(
    actor: Actor, organization_ids: Collection[int], *, also: int | None = None, limit: int = 500
) -> list[tuple[int, str]]:
    """Return (id, name) of the facilities of organizations that the actor may see, by name.

    also: one that is chosen already, which comes first, so that no limit leaves it out.
    """
    rows = session.execute(
        select(Facility.id, Facility.name)
        .where(
            Facility.organization_id.in_(sorted(organization_ids)),
            visible(actor, Permission.FACILITY_VIEW),
        )
        .order_by(Facility.id != also, Facility.name, Facility.id)
        .limit(limit)
    )
    return [(row.id, row.name) for row in rows]

"""The search documents of facilities and equipment: what the index knows, and who may find it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select

from portal.facilities.models import Equipment, Facility
from portal.facilities.policies import Permission
from portal.facilities.queries.records import (
    EQUIPMENT_OPTIONS,
    FACILITY_OPTIONS,
    Record,
    place_of_record,
)
from portal.facilities.rules import ADDRESSES
from portal.kernel.authorization import Viewing
from portal.kernel.database import session
from portal.kernel.fulltext.port import Document
from portal.kernel.listing import audience_of
from portal.kernel.richtext import plain
from portal.organizations.queries.profiles import clusters_of_organizations
from portal.regions.queries.capabilities import broader_by_key, labels_of
from portal.regions.queries.counties import county_labels

VIEWING_FACILITIES = Viewing(Facility.id, Permission.FACILITY_VIEW)
VIEWING_EQUIPMENT = Viewing(Equipment.id, Permission.EQUIPMENT_VIEW)


def list_equipment_documents(ids: Sequence[int]) -> list[Document]:
    """Return the search documents of equipment; drafts have none. Serial numbers stay out."""
    rows = session.scalars(
        select(Equipment)
        .options(*EQUIPMENT_OPTIONS)
        .where(Equipment.id.in_(ids), Equipment.visibility != "draft")
        .order_by(Equipment.id)
    ).all()
    shared = _shared_facts(rows)
    return [
        _document(
            "equipment",
            row,
            shared,
            body=[
                row.description,
                row.technique,
                row.eligibility,
                row.training_needed,
                *(f"{item['name']} {item['value']} {item['unit']}" for item in row.specifications),
            ],
            keywords=[row.make, row.model],
            facets={"sharing": (row.sharing_terms,)},
        )
        for row in rows
    ]


def list_facility_documents(ids: Sequence[int]) -> list[Document]:
    """Return the search documents of facilities; drafts have none."""
    rows = session.scalars(
        select(Facility)
        .options(*FACILITY_OPTIONS)
        .where(Facility.id.in_(ids), Facility.visibility != "draft")
        .order_by(Facility.id)
    ).all()
    shared = _shared_facts(rows)
    return [
        _document(
            "facility",
            row,
            shared,
            body=[row.description, row.access_policy, row.services, row.safety_notes],
            keywords=[],
            facets={},
        )
        for row in rows
    ]


@dataclass(frozen=True)
class _SharedFacts:
    """What the documents of one batch need beside their rows, read once for all of them."""

    broader: Mapping[str, list[str]]
    labels: Mapping[str, list[str]]
    counties: Mapping[str, str]
    clusters: Mapping[int, tuple[str, ...]]


def _shared_facts(rows: Sequence[Record]) -> _SharedFacts:
    keys = {capability.key for row in rows for capability in row.capabilities}
    return _SharedFacts(
        broader_by_key(keys),
        labels_of(keys),
        county_labels({fips for row in rows if (fips := place_of_record(row).county_fips)}),
        clusters_of_organizations({row.organization_id for row in rows}),
    )


def _document(
    kind: str,
    row: Record,
    shared: _SharedFacts,
    *,
    body: Sequence[str],
    keywords: Sequence[str],
    facets: Mapping[str, tuple[str, ...]],
) -> Document:
    organization = row.organization
    place = place_of_record(row)
    county = shared.counties.get(place.county_fips or "", "")
    capabilities = [capability.key for capability in row.capabilities]
    wider = sorted({key for own in capabilities for key in shared.broader[own]})
    address = ADDRESSES[kind] % row.id
    return Document(
        kind=kind,
        id=row.id,
        title=row.name,
        url=address,
        audience=audience_of(row.visibility, row.organization_id, organization.status == "active"),
        updated_at=row.updated_at,
        summary=row.summary,
        body="\n".join(text for piece in body if (text := plain(piece))),
        organization=organization.name,
        facets={
            "organization_kind": (organization.kind,),
            "capability": tuple(wider),
            "county": (place.county_fips,) if place.county_fips else (),
            "cluster": shared.clusters.get(row.organization_id, ()),
            "certification": tuple(
                sorted({str(item["name"]) for item in organization.certifications})
            ),
            **facets,
        },
        keywords=tuple(
            dict.fromkeys(
                word
                for word in (
                    *keywords,
                    *(label for key in capabilities for label in shared.labels.get(key, ())),
                    place.city,
                    county,
                )
                if word
            )
        ),
        latitude=place.latitude,
        longitude=place.longitude,
        extra={
            "county": county,
            "image": f"{address}/photos/{row.photos[0].id}?size=small" if row.photos else "",
            "confirmed": row.confirmed_at.isoformat() if row.confirmed_at else "",
            "verified": "yes" if organization.verified_at else "",
        },
    )


def list_equipment_ids(after: int, limit: int) -> list[int]:
    """Return ids of equipment in ascending order, for a rebuild of the index."""
    return _ids(select(Equipment.id).where(Equipment.id > after).order_by(Equipment.id), limit)


def list_facility_ids(after: int, limit: int) -> list[int]:
    """Return ids of facilities in ascending order, for a rebuild of the index."""
    return _ids(select(Facility.id).where(Facility.id > after).order_by(Facility.id), limit)


def equipment_ids_of_organization(organization_id: int) -> list[int]:
    """Return the ids of all equipment of an organization."""
    return _ids(select(Equipment.id).where(Equipment.organization_id == organization_id))


def facility_ids_of_organization(organization_id: int) -> list[int]:
    """Return the ids of all facilities of an organization."""
    return _ids(select(Facility.id).where(Facility.organization_id == organization_id))


def equipment_ids_of_facility(facility_id: int) -> list[int]:
    """Return the ids of all equipment in a facility."""
    return _ids(select(Equipment.id).where(Equipment.facility_id == facility_id))


def _ids(statement: Select[int], limit: int | None = None) -> list[int]:
    return list(session.scalars(statement.limit(limit)))

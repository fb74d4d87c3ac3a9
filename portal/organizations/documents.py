"""The search documents of organizations: what the index knows of them, and who may find it."""

from collections.abc import Mapping, Sequence

from flask_babel import get_locale
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from portal.kernel import richtext
from portal.kernel.authorization import Viewing
from portal.kernel.database import session
from portal.kernel.fulltext.port import Document
from portal.kernel.listing import audience_of
from portal.organizations.models import Organization
from portal.organizations.policies import Permission
from portal.organizations.queries.profiles import clusters_of_organizations
from portal.regions.queries.capabilities import broader_by_key, labels_of, preferred_labels

VIEWING = Viewing(Organization.id, Permission.ORGANIZATION_VIEW)


def list_organization_ids(after: int, limit: int) -> list[int]:
    """Return ids in ascending order, for a rebuild of the index."""
    return list(
        session.scalars(
            select(Organization.id)
            .where(Organization.id > after)
            .order_by(Organization.id)
            .limit(limit)
        )
    )


def list_organization_documents(ids: Sequence[int]) -> list[Document]:
    """Return the search documents of organizations; nothing in them is for members only."""
    rows = session.scalars(
        select(Organization)
        .options(
            joinedload(Organization.county),
            joinedload(Organization.zip_place),
            joinedload(Organization.logo),
            selectinload(Organization.capabilities),
            selectinload(Organization.naics),
        )
        .where(Organization.id.in_(ids))
        .order_by(Organization.id)
    ).all()
    above = broader_by_key({item.key for row in rows for item in row.capabilities})
    names = labels_of(sorted({key for keys in above.values() for key in keys}))
    clusters = clusters_of_organizations([row.id for row in rows])
    return [_document(row, above, names, clusters) for row in rows]


def _document(
    row: Organization,
    above: Mapping[str, Sequence[str]],
    names: Mapping[str, Sequence[str]],
    clusters: Mapping[int, tuple[str, ...]],
) -> Document:
    capabilities = sorted({key for item in row.capabilities for key in above[item.key]})
    keywords = [
        *row.other_names,
        *(name for key in capabilities for name in names.get(key, ())),
        *(industry.title for industry in row.naics),
        *(str(item["name"]) for item in row.certifications),
        row.city,
        row.county.label if row.county else "",
    ]
    point = row.shown_point
    return Document(
        kind="organization",
        id=row.id,
        title=row.name,
        url=f"/organizations/{row.id}",
        audience=audience_of("public", row.id, row.status == "active"),
        updated_at=row.updated_at,
        summary=row.summary,
        body=richtext.plain(row.description),
        organization=row.name,
        facets={
            "organization_kind": (row.kind,),
            "capability": tuple(capabilities),
            "county": (row.county_fips,) if row.county_fips else (),
            "cluster": clusters.get(row.id, ()),
            "certification": tuple(sorted({str(item["name"]) for item in row.certifications})),
        },
        keywords=tuple(dict.fromkeys(word for word in keywords if word)),
        latitude=point[0] if point else None,
        longitude=point[1] if point else None,
        extra={
            "county": row.county.label if row.county else "",
            "image": f"/organizations/{row.id}/logo" if row.logo_id else "",
            "confirmed": row.confirmed_at.isoformat() if row.confirmed_at else "",
            "verified": "yes" if row.verified_at else "",
        },
    )


def capability_labels(keys: Sequence[str]) -> Mapping[str, str]:
    """Return the names of concepts in the reader's language, for the facet."""
    return preferred_labels(keys, language=str(get_locale() or "en"))

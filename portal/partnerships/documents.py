"""The search documents of requests; those of anonymous ones say nothing of whose they are."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from portal.kernel.authorization import Viewing
from portal.kernel.database import session
from portal.kernel.fulltext.port import Document
from portal.kernel.listing import audience_of
from portal.kernel.richtext import plain
from portal.organizations.queries.profiles import clusters_of_organizations
from portal.partnerships.models import Request
from portal.partnerships.policies import Permission
from portal.partnerships.queries.requests import REQUEST_OPTIONS, shown_point_of
from portal.partnerships.rules.workflows import LISTED_STATUSES
from portal.regions.queries.capabilities import broader_by_key, labels_of

VIEWING = Viewing(Request.id, Permission.REQUEST_VIEW)


def list_request_documents(ids: Sequence[int]) -> list[Document]:
    """Return the search documents of open requests; an anonymous one says nothing of whose it is.

    Its own people find it by the same few words, since a document is one for all its readers.
    """
    rows = session.scalars(
        select(Request)
        .options(*REQUEST_OPTIONS)
        .where(
            Request.id.in_(ids),
            Request.status.in_(LISTED_STATUSES),
            Request.visibility != "draft",
        )
        .order_by(Request.id)
    ).all()
    keys = {capability.key for row in rows for capability in row.capabilities}
    broader = broader_by_key(keys)
    names = labels_of(keys)
    clusters = clusters_of_organizations({row.organization_id for row in rows})
    return [_document(row, broader, names, clusters) for row in rows]


def _document(
    row: Request,
    broader: Mapping[str, Sequence[str]],
    names: Mapping[str, Sequence[str]],
    clusters: Mapping[int, tuple[str, ...]],
) -> Document:
    is_identified = not row.is_anonymous
    organization = row.organization
    keys = [capability.key for capability in row.capabilities]
    facets: dict[str, tuple[str, ...]] = {
        "request_kind": (row.kind,),
        "direction": (row.direction,),
        "capability": tuple(sorted({above for key in keys for above in broader[key]})),
        "county": (row.county_fips,) if row.county_fips else (),
    }
    body: list[str] = []
    if is_identified:
        facets["organization_kind"] = (organization.kind,)
        facets["cluster"] = clusters.get(row.organization_id, ())
        facets["certification"] = tuple(
            sorted({str(item["name"]) for item in organization.certifications})
        )
        body = [
            row.description,
            row.expertise_sought,
            row.advantages,
            row.innovations,
            row.call_name,
        ]
    words = [name for key in keys for name in names.get(key, ())]
    places = [row.county.label] if row.county else []
    if is_identified and organization.city and row.county_fips == organization.county_fips:
        places.append(organization.city)
    point = shown_point_of(row, is_identified)
    return Document(
        kind="request",
        id=row.id,
        title=row.title,
        url=f"/requests/{row.id}",
        audience=_audience(row),
        updated_at=row.updated_at,
        summary=row.summary if is_identified else row.anonymous_summary,
        body="\n".join(text for piece in body if (text := plain(piece))),
        organization=organization.name if is_identified else "",
        facets=facets,
        keywords=tuple(dict.fromkeys((*words, *places))),
        latitude=point[0] if point else None,
        longitude=point[1] if point else None,
        extra={
            "county": row.county.label if row.county else "",
            "image": "",
            "confirmed": row.confirmed_at.isoformat() if row.confirmed_at else "",
            "verified": "yes" if is_identified and organization.verified_at else "",
            "direction": row.direction,
        },
    )


def _audience(row: Request) -> frozenset[str]:
    is_open = row.organization.status == "active"
    tokens = audience_of(row.visibility, row.organization_id, is_open)
    if is_open and row.asked_organization_id is not None:
        tokens |= {f"org:{row.asked_organization_id}"}
    return tokens


def list_request_ids(after: int, limit: int) -> list[int]:
    """Return ids in ascending order, for a rebuild of the index."""
    statement = select(Request.id).where(Request.id > after).order_by(Request.id).limit(limit)
    return list(session.scalars(statement))


def request_ids_of_organization(organization_id: int) -> list[int]:
    """Return the ids of all requests of an organization."""
    return list(
        session.scalars(select(Request.id).where(Request.organization_id == organization_id))
    )

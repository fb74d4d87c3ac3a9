"""What the quality of a request is judged against: similar requests that found a partner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import selectinload

from portal.kernel.authorization import Actor, visible
from portal.kernel.database import session
from portal.organizations.models import Organization
from portal.partnerships.models import Request, RequestClosing, Response, request_capability
from portal.partnerships.policies import Permission
from portal.partnerships.queries.requests import values_of
from portal.partnerships.rules.quality import Assessment, assess
from portal.partnerships.rules.workflows import SHOWN_STATUSES
from portal.regions.queries.capabilities import resolve_capabilities

#: So many similar requests are looked at, and so many are shown.
_MOST_SIMILAR = 12
_MOST_SHOWN = 3


@dataclass(frozen=True)
class Example:
    """A similar request that found a partner, as the reader may see it."""

    title: str
    url: str
    summary: str


@dataclass(frozen=True)
class Quality:
    """How good a request is, and requests to learn from."""

    assessment: Assessment
    examples: Sequence[Example]


def assess_request(actor: Actor, request: Request) -> Quality:
    """Judge a request as it stands; its organization is loaded."""
    return assess_values(
        actor,
        values_of(request),
        organization=request.organization,
        besides=request.id,
    )


def assess_values(
    actor: Actor,
    values: Mapping[str, Any],
    *,
    organization: Organization | None,
    besides: int | None = None,
) -> Quality:
    """Judge a request by the values of its form; besides: the one that they would change.

    Capabilities may be given as rows, or by key or name as forms have them.
    """
    names = [getattr(item, "key", item) for item in values["capabilities"]]
    keys, _unknown = resolve_capabilities(names) if names else ([], {})
    similar = _list_similar(actor, values["kind"], values["direction"], keys, besides=besides)
    own = [organization.name, *organization.other_names] if organization is not None else []
    assessment = assess(values, names=own, similar=[values_of(row) for row in similar])
    examples = [Example(row.title, f"/requests/{row.id}", row.summary) for row in similar]
    return Quality(assessment, examples[:_MOST_SHOWN])


def _list_similar(
    actor: Actor, kind: str, direction: str, keys: Sequence[str], *, besides: int | None
) -> list[Request]:
    """Return requests of the kind that found a partner and whose identity the actor sees, those
    that share most capabilities first."""
    shared = (
        select(func.count())
        .select_from(request_capability)
        .where(
            request_capability.c.request_id == Request.id,
            request_capability.c.capability_key.in_(list(keys)),
        )
        .scalar_subquery()
    )
    found_partner = or_(
        Request.status == "fulfilled",
        exists().where(and_(Response.request_id == Request.id, Response.status == "accepted")),
        exists().where(
            and_(
                RequestClosing.request_id == Request.id,
                RequestClosing.result.in_(("found_here", "found_elsewhere")),
            )
        ),
    )
    statement = (
        select(Request)
        .options(selectinload(Request.capabilities))
        .where(
            Request.kind == kind,
            Request.direction == direction,
            Request.status.in_(SHOWN_STATUSES),
            visible(actor, Permission.REQUEST_VIEW),
            visible(actor, Permission.REQUEST_VIEW_IDENTITY),
            found_partner,
        )
        .order_by(shared.desc(), Request.published_at.desc(), Request.id.desc())
        .limit(_MOST_SIMILAR)
    )
    if besides is not None:
        statement = statement.where(Request.id != besides)
    return list(session.scalars(statement))

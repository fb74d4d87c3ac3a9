"""Who learned whose an anonymous request is."""

from sqlalchemy import exists, select
from sqlalchemy.orm import joinedload

from portal.kernel.authorization import Actor, can
from portal.kernel.database import session
from portal.partnerships.models import Request, RequestReveal, Response
from portal.partnerships.policies import Permission


def has_responded(request: Request, organization_id: int) -> bool:
    """Tell whether an organization has responded to a request and has not taken it back."""
    condition = exists().where(
        Response.request_id == request.id,
        Response.organization_id == organization_id,
        Response.status != "withdrawn",
    )
    return bool(session.scalar(select(condition)))


def is_revealed(request: Request, organization_id: int) -> bool:
    """Tell whether an organization was let know whose an anonymous request is."""
    condition = exists().where(
        RequestReveal.request_id == request.id, RequestReveal.organization_id == organization_id
    )
    return bool(session.scalar(select(condition)))


def list_reveals(actor: Actor, request: Request, limit: int = 100) -> list[RequestReveal]:
    """Return who learned whose a request is, oldest first, for those who see its inside."""
    if not can(actor, Permission.REQUEST_VIEW_INSIDE, request):
        return []
    return list(
        session.scalars(
            select(RequestReveal)
            .options(joinedload(RequestReveal.organization), joinedload(RequestReveal.revealed_by))
            .where(RequestReveal.request_id == request.id)
            .order_by(RequestReveal.id)
            .limit(limit)
        )
    )

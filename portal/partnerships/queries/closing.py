"""What came of requests, for those who see their inside."""

import datetime as dt

from flask_babel import gettext as _
from sqlalchemy import exists, func, select
from sqlalchemy.orm import joinedload

from portal.kernel.authorization import Actor, can, visible
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.manifest import DeskItem
from portal.partnerships.models import Request, RequestClosing, Response
from portal.partnerships.policies import Permission
from portal.partnerships.queries.requests import of_actor

#: So long a request that is over asks on the desk what came of it.
_ASKED_FOR = dt.timedelta(days=60)


def find_closing(actor: Actor, request: Request) -> RequestClosing | None:
    """Return what came of a request, if that was told and the actor sees its inside."""
    if not can(actor, Permission.REQUEST_VIEW_INSIDE, request):
        return None
    return session.scalar(
        select(RequestClosing)
        .options(joinedload(RequestClosing.response).joinedload(Response.organization))
        .where(RequestClosing.request_id == request.id)
    )


def list_accepted(request: Request) -> list[Response]:
    """Return the accepted responses to a request, oldest first, whoever asks."""
    return list(
        session.scalars(
            select(Response)
            .options(joinedload(Response.organization))
            .where(Response.request_id == request.id, Response.status == "accepted")
            .order_by(Response.id)
        )
    )


def list_untold(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the actor's requests that are over and of which nobody said what came of them."""
    since = func.coalesce(Request.published_at, Request.created_at).label("since")
    rows = session.execute(
        select(Request.id, Request.title, since)
        .where(
            Request.status.in_(("fulfilled", "withdrawn", "expired")),
            Request.published_at.is_not(None),
            Request.updated_at >= now() - _ASKED_FOR,
            of_actor(actor),
            visible(actor, Permission.REQUEST_MANAGE),
            ~exists().where(RequestClosing.request_id == Request.id),
        )
        .order_by(since, Request.id)
        .limit(limit)
    )
    return [
        DeskItem(row.title, f"/requests/{row.id}/close", row.since, action=_("Say what came of it"))
        for row in rows
    ]

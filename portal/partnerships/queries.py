"""Reads of requests and responses for pages, the API, the desk and the search index."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import joinedload, selectinload

from portal.kernel.authorization import Actor, authorize, can, visible
from portal.kernel.clock import today
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.files import StoredFile
from portal.kernel.paging import Page, keyset_page
from portal.organizations.models import Organization
from portal.partnerships.models import Request, RequestAttachment, Response
from portal.partnerships.policies import Permission

_OPTIONS = (
    joinedload(Request.organization).joinedload(Organization.county),
    joinedload(Request.county),
    joinedload(Request.confirmed_by),
    selectinload(Request.capabilities),
    selectinload(Request.attachments).joinedload(RequestAttachment.file),
)
_RESPONSE_OPTIONS = (
    joinedload(Response.request).options(
        joinedload(Request.organization), joinedload(Request.county)
    ),
    joinedload(Response.organization),
    joinedload(Response.created_by),
)


def get_request(request_id: int) -> Request:
    """Return a request with all that its page shows, whoever asks. Raises NotFound."""
    request = session.scalar(select(Request).options(*_OPTIONS).where(Request.id == request_id))
    if request is None:
        raise NotFound(_("There is no such request."))
    return request


def get_visible_request(actor: Actor, request_id: int) -> Request:
    """Return a request that the actor may see. Raises NotFound."""
    request = get_request(request_id)
    if not can(actor, Permission.REQUEST_VIEW, request):
        authorize(actor, Permission.REQUEST_VIEW, request)
    return request


def load_for_change(request: Request) -> None:
    """Load what a change of a request touches."""
    session.execute(
        select(Request)
        .options(*_OPTIONS)
        .where(Request.id == request.id)
        .execution_options(populate_existing=not session.is_modified(request))
    ).unique().all()


def get_attachment(request: Request, attachment_id: int) -> StoredFile:
    """Return the file of a request's attachment. Raises NotFound."""
    for attachment in request.attachments:
        if attachment.id == attachment_id:
            return attachment.file
    raise NotFound(_("This attachment is no longer here."))


def list_requests(
    actor: Actor,
    *,
    conditions: Sequence[ColumnElement[bool]] = (),
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Request]:
    """Return the requests that the actor may see, the newest first."""
    statement: Select[*tuple[Any, ...]] = (
        select(Request).options(*_OPTIONS).where(visible(actor, Permission.REQUEST_VIEW))
    )
    for condition in conditions:
        statement = statement.where(condition)
    return keyset_page(
        statement, (Request.created_at, Request.id), cursor=cursor, limit=limit, descending=True
    )


def get_visible_response(actor: Actor, response_id: int) -> Response:
    """Return a response that the actor may see. Raises NotFound."""
    response = session.scalar(
        select(Response).options(*_RESPONSE_OPTIONS).where(Response.id == response_id)
    )
    if response is None:
        raise NotFound(_("There is no such response."))
    if not can(actor, Permission.RESPONSE_VIEW, response):
        authorize(actor, Permission.RESPONSE_VIEW, response)
    return response


def list_responses(actor: Actor, request: Request, limit: int = 100) -> list[Response]:
    """Return the responses to a request that the actor may see, oldest first."""
    return list(
        session.scalars(
            select(Response)
            .options(*_RESPONSE_OPTIONS)
            .where(Response.request_id == request.id, visible(actor, Permission.RESPONSE_VIEW))
            .order_by(Response.id)
            .limit(limit)
        ).unique()
    )


def list_overdue_ids(day: dt.date | None = None, limit: int = 500) -> list[int]:
    """Return the requests whose time is over but whose state does not say so yet."""
    return list(
        session.scalars(
            select(Request.id)
            .where(
                Request.status.in_(("published", "paused")), Request.expires_on < (day or today())
            )
            .order_by(Request.expires_on, Request.id)
            .limit(limit)
        )
    )

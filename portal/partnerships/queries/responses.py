"""Reads of responses, for their two sides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload

from portal.accounts.models import User
from portal.kernel.authorization import Actor, authorize, can, visible
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.manifest import Party
from portal.kernel.paging import Page, keyset_page
from portal.organizations.models import Membership, Organization
from portal.organizations.queries.profiles import hidden_fields_for
from portal.partnerships.models import Request, Response
from portal.partnerships.policies import Permission
from portal.partnerships.queries.requests import CARD_OPTIONS, of_actor

_RESPONSE_OPTIONS = (
    joinedload(Response.request).options(*CARD_OPTIONS),
    joinedload(Response.organization),
    joinedload(Response.created_by),
)


@dataclass(frozen=True)
class Contact:
    """How to reach an organization, as far as it tells members."""

    organization_id: int
    name: str
    phone: str
    email: str
    people: Sequence[Mapping[str, Any]]


def get_response(response_id: int) -> Response:
    """Return a response with its two sides, whoever asks. Raises NotFound."""
    response = session.scalar(
        select(Response)
        .options(*_RESPONSE_OPTIONS)
        .where(Response.id == response_id)
        .execution_options(populate_existing=True)
    )
    if response is None:
        raise NotFound()
    return response


def load_responses(ids: Sequence[int]) -> Mapping[int, Response]:
    """Return those responses that exist, with their two sides, by number."""
    rows = session.scalars(select(Response).options(*_RESPONSE_OPTIONS).where(Response.id.in_(ids)))
    return {row.id: row for row in rows}


def parties_of(response: Response) -> tuple[Party, Party]:
    """Return the two sides that talk about a response, as each may know the other now."""
    responder = Actor(memberships={response.organization_id: "member"})
    return _parties(response, can(responder, Permission.RESPONSE_VIEW_IDENTITY, response))


def parties_for_others(response: Response) -> tuple[Party, Party]:
    """Return the two sides of a response as somebody may know them who takes no part."""
    return _parties(response, not response.request.is_anonymous)


def _parties(response: Response, is_named: bool) -> tuple[Party, Party]:
    request = response.request
    return (
        Party(
            request.organization_id,
            request.organization.name
            if is_named
            else _("The organization that posted the request"),
            is_named,
        ),
        Party(response.organization_id, response.organization.name),
    )


def get_visible_response(actor: Actor, response_id: int) -> Response:
    """Return a response that the actor may see. Raises NotFound."""
    response = get_response(response_id)
    authorize(actor, Permission.RESPONSE_VIEW, response)
    return response


def find_response(request_id: int, organization_id: int) -> Response | None:
    """Return an organization's response to a request, whoever asks."""
    return session.scalar(
        select(Response)
        .options(*_RESPONSE_OPTIONS)
        .where(Response.request_id == request_id, Response.organization_id == organization_id)
    )


def list_responses(
    actor: Actor, request: Request, *, cursor: str | None = None, limit: int = 20
) -> Page[Response]:
    """Return a page of the responses to a request that the actor may see, oldest first."""
    statement = (
        select(Response)
        .options(*_RESPONSE_OPTIONS)
        .where(Response.request_id == request.id, visible(actor, Permission.RESPONSE_VIEW))
    )
    return keyset_page(statement, (Response.id,), cursor=cursor, limit=limit)


def list_undecided(request: Request) -> list[Response]:
    """Return all responses to a request that wait for a decision, oldest first."""
    return list(
        session.scalars(
            select(Response)
            .where(Response.request_id == request.id, Response.status == "sent")
            .order_by(Response.id)
        )
    )


def list_received(actor: Actor, *, cursor: str | None = None, limit: int = 20) -> Page[Response]:
    """Return a page of the responses to requests of the actor's organizations, newest first."""
    return _responses_page(Response.request.has(of_actor(actor)), cursor, limit)


def list_sent(actor: Actor, *, cursor: str | None = None, limit: int = 20) -> Page[Response]:
    """Return a page of the responses of the actor's organizations, newest first."""
    own = Response.organization_id.in_(sorted(actor.organizations_as()))
    return _responses_page(own, cursor, limit)


def _responses_page(
    condition: ColumnElement[bool], cursor: str | None, limit: int
) -> Page[Response]:
    statement = select(Response).options(*_RESPONSE_OPTIONS).where(condition)
    return keyset_page(statement, (Response.id,), cursor=cursor, limit=limit, descending=True)


def find_own_response(actor: Actor, request: Request) -> Response | None:
    """Return the newest response of the actor's organizations to a request, or None."""
    return session.scalar(
        select(Response)
        .where(
            Response.request_id == request.id,
            Response.organization_id.in_(sorted(actor.organizations_as())),
        )
        .order_by(Response.id.desc())
        .limit(1)
    )


def find_contacts(actor: Actor, response: Response) -> tuple[Contact, Contact] | None:
    """Return how the two sides of an accepted response reach each other: posted, responded."""
    if not can(actor, Permission.RESPONSE_VIEW_CONTACTS, response):
        return None
    return (
        _contact(actor, response.request.organization),
        _contact(actor, response.organization),
    )


def _contact(actor: Actor, organization: Organization) -> Contact:
    hidden = hidden_fields_for(actor, organization)
    return Contact(
        organization.id,
        organization.name,
        "" if "phone" in hidden else organization.phone,
        "" if "email" in hidden else organization.email,
        [] if "contacts" in hidden else organization.contacts,
    )


def responders_of(response: Response) -> list[User]:
    """Return whom to tell about an answer: who wrote the response, or else the managers."""
    people = session.execute(
        select(User, Membership.role)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organization_id == response.organization_id, User.is_active)
        .order_by(User.id)
    ).all()
    writer = [user for user, _role in people if user.id == response.created_by_id]
    return writer or [user for user, role in people if role in ("owner", "manager")]

"""Reads of requests: one of them, pages of them, and what their forms look up."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload, selectinload

from portal.accounts.models import User
from portal.facilities.models import Equipment, Facility
from portal.facilities.policies import Permission as FacilityPermission
from portal.facilities.queries.records import get_visible_equipment, get_visible_facility
from portal.kernel.authorization import Actor, authorize, can, visible
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.files import StoredFile
from portal.kernel.paging import Page, keyset_page
from portal.organizations.models import Membership, Organization
from portal.organizations.queries.people import managers_of
from portal.partnerships.models import Request, RequestAttachment, request_capability
from portal.partnerships.policies import Permission
from portal.partnerships.rules.publishing import PLAIN_FIELDS
from portal.partnerships.rules.workflows import LISTED_STATUSES
from portal.regions.queries.brokers import broker_ids_of_county
from portal.regions.queries.capabilities import narrower_closure

REQUEST_OPTIONS = (
    joinedload(Request.organization).options(
        joinedload(Organization.county), joinedload(Organization.zip_place)
    ),
    joinedload(Request.county),
    joinedload(Request.confirmed_by),
    joinedload(Request.created_by),
    joinedload(Request.asked_organization),
    joinedload(Request.equipment).joinedload(Equipment.organization),
    joinedload(Request.facility).joinedload(Facility.organization),
    selectinload(Request.capabilities),
    selectinload(Request.attachments).joinedload(RequestAttachment.file),
    selectinload(Request.reveals),
)
CARD_OPTIONS = (
    joinedload(Request.organization),
    joinedload(Request.county),
    selectinload(Request.reveals),
)


@dataclass(frozen=True)
class Card:
    """A request as lists show it to one reader; of an anonymous one only what is for everybody."""

    id: int
    url: str
    title: str
    summary: str
    request_kind: str
    direction: str
    status: str
    visibility: str
    organization: str
    place: str
    expires_on: dt.date
    since: dt.datetime
    is_demo: bool
    is_urgent: bool = False
    kind: str = "request"


def get_request(request_id: int) -> Request:
    """Return a request with all that its page shows, whoever asks. Raises NotFound."""
    request = session.scalar(
        select(Request)
        .options(*REQUEST_OPTIONS)
        .where(Request.id == request_id)
        .execution_options(populate_existing=True)
    )
    if request is None:
        raise NotFound()
    return request


def get_visible_request(actor: Actor, request_id: int) -> Request:
    """Return a request that the actor may see. Raises NotFound."""
    request = get_request(request_id)
    authorize(actor, Permission.REQUEST_VIEW, request)
    return request


def get_editable_request(actor: Actor, request_id: int) -> Request:
    """Return a request to those who may change it."""
    request = get_request(request_id)
    authorize(actor, Permission.REQUEST_EDIT, request)
    return request


def get_inner_request(actor: Actor, request_id: int) -> Request:
    """Return a request to those who see its inside. Raises NotFound, Forbidden."""
    request = get_request(request_id)
    authorize(actor, Permission.REQUEST_VIEW_INSIDE, request)
    return request


def sees_identity(actor: Actor, request: Request) -> bool:
    """Tell whether the actor gets more of the request than what stands for an anonymous one."""
    return can(actor, Permission.REQUEST_VIEW_IDENTITY, request)


def shown_subject(actor: Actor, request: Request) -> Equipment | Facility | None:
    """Return what a request asks to use, to those who may see that as well."""
    for permission, record in (
        (FacilityPermission.EQUIPMENT_VIEW, request.equipment),
        (FacilityPermission.FACILITY_VIEW, request.facility),
    ):
        if record is not None and can(actor, permission, record):
            return record
    return None


def shown_visibility(request: Request) -> str:
    """Return who sees a request, told apart from "organization" where another one was asked."""
    is_asked = request.visibility == "organization" and request.asked_organization_id is not None
    return "asked" if is_asked else request.visibility


def load_for_change(request: Request) -> None:
    """Read what commands change of a request again, under its lock."""
    get_request(request.id)


def values_of(request: Request) -> dict[str, Any]:
    """Return what publication and quality are judged by."""
    names = (*PLAIN_FIELDS, "capabilities", "asked_organization_id")
    return {name: getattr(request, name) for name in names}


def count_urgent_besides(request: Request) -> int:
    """Return how many other urgent requests its organization has open."""
    found = session.scalar(
        select(func.count())
        .select_from(Request)
        .where(
            Request.organization_id == request.organization_id,
            Request.is_urgent,
            Request.status.in_(LISTED_STATUSES),
            Request.id != request.id,
        )
    )
    return found or 0


def get_attachment(actor: Actor, request: Request, attachment_id: int) -> StoredFile:
    """Return the file of an attachment, to those who see whose request it is. Raises NotFound."""
    if sees_identity(actor, request):
        for attachment in request.attachments:
            if attachment.id == attachment_id:
                return attachment.file
    raise NotFound(_("This attachment is no longer here."))


def point_of(actor: Actor, request: Request) -> tuple[float, float] | None:
    """Return where a request stands on a map, no more exact than the actor may know."""
    return shown_point_of(request, sees_identity(actor, request))


def shown_point_of(request: Request, is_identified: bool) -> tuple[float, float] | None:
    if not is_identified:
        county = request.county
        return (county.latitude, county.longitude) if county else None
    if not request.zip_code and request.organization.keeps_street:
        return request.organization.coarse_point
    if request.latitude is None or request.longitude is None:
        return None
    return request.latitude, request.longitude


def keepers_of(request: Request) -> list[User]:
    """Return who looks after a request: the managers, and its writer while a member.

    Of one that is posted for a firm also the broker who wrote it.
    """
    keepers = _among(
        request, Membership.role.in_(("owner", "manager")) | (User.id == request.created_by_id)
    )
    return keepers + _broker_of(request, keepers)


def deciders_of(request: Request) -> list[User]:
    """Return who is to answer the responses to a request."""
    managers = managers_of(request.organization_id)
    return managers + _broker_of(request, managers)


def _among(request: Request, condition: ColumnElement[bool]) -> list[User]:
    return list(
        session.scalars(
            select(User)
            .join(Membership, Membership.user_id == User.id)
            .where(Membership.organization_id == request.organization_id, condition, User.is_active)
            .order_by(User.id)
        )
    )


def _broker_of(request: Request, others: Sequence[User]) -> list[User]:
    if not request.is_on_behalf:
        return []
    broker = find_present_broker(request, request.created_by_id)
    return [broker] if broker is not None and broker not in others else []


def find_present_broker(request: Request, user_id: int | None) -> User | None:
    """Return a person who acts for a firm, as long as that is a broker of the firm's region."""
    if user_id not in broker_ids_of_county(request.organization.county_fips):
        return None
    return session.scalar(select(User).where(User.id == user_id, User.is_active))


def card_of(actor: Actor, request: Request) -> Card:
    """Return a request as a list shows it to the actor."""
    is_identified = sees_identity(actor, request)
    return Card(
        id=request.id,
        url=f"/requests/{request.id}",
        title=request.title,
        summary=request.summary if is_identified else request.anonymous_summary,
        request_kind=request.kind,
        direction=request.direction,
        status=request.status,
        visibility=shown_visibility(request),
        organization=request.organization.name if is_identified else "",
        place=request.county.label if request.county else "",
        expires_on=request.expires_on,
        since=request.published_at or request.created_at,
        is_demo=request.is_demo,
        is_urgent=request.is_urgent,
    )


def list_board(
    actor: Actor,
    *,
    kind: str = "",
    direction: str = "",
    is_mine: bool = False,
    is_urgent: bool = False,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Card]:
    """Return a page of the open requests that the actor may see, the newest first."""
    statement = (
        select(Request)
        .options(*CARD_OPTIONS)
        .where(
            visible(actor, Permission.REQUEST_VIEW),
            Request.status.in_(LISTED_STATUSES),
            Request.published_at.is_not(None),
            *_filters(kind=kind, direction=direction),
        )
    )
    if is_mine:
        statement = statement.where(of_actor(actor))
    if is_urgent:
        statement = statement.where(Request.is_urgent)
    found = keyset_page(
        statement, (Request.published_at, Request.id), cursor=cursor, limit=limit, descending=True
    )
    return Page([card_of(actor, request) for request in found.items], found.next)


def list_own(actor: Actor, *, cursor: str | None = None, limit: int = 20) -> Page[Card]:
    """Return a page of the requests of the actor's organizations, the newest first.

    What the actor posts for a firm is among them.
    """
    statement = (
        select(Request)
        .options(*CARD_OPTIONS)
        .where(visible(actor, Permission.REQUEST_VIEW), of_actor(actor))
    )
    found = keyset_page(
        statement, (Request.created_at, Request.id), cursor=cursor, limit=limit, descending=True
    )
    return Page([card_of(actor, request) for request in found.items], found.next)


def list_requests(
    actor: Actor,
    *,
    kind: str = "",
    direction: str = "",
    status: str = "",
    capability: str = "",
    county: str = "",
    organization_id: int | None = None,
    is_urgent: bool = False,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Request]:
    """Return a page of whole requests that the actor may see, the newest first.

    capability: with all narrower ones. organization_id: never finds anonymous ones of others.
    """
    statement = (
        select(Request)
        .options(*REQUEST_OPTIONS)
        .where(
            visible(actor, Permission.REQUEST_VIEW),
            *_filters(
                kind=kind,
                direction=direction,
                status=status,
                capability=capability,
                county=county,
            ),
        )
    )
    if is_urgent:
        statement = statement.where(Request.is_urgent)
    if organization_id is not None:
        statement = statement.where(
            Request.organization_id == organization_id,
            visible(actor, Permission.REQUEST_VIEW_IDENTITY),
        )
    return keyset_page(
        statement, (Request.created_at, Request.id), cursor=cursor, limit=limit, descending=True
    )


def list_of_organization(actor: Actor, organization: Organization) -> list[Card] | None:
    """Return an organization's open requests for its page; None where there are none to show."""
    found = session.scalars(
        select(Request)
        .options(*CARD_OPTIONS)
        .where(
            Request.organization_id == organization.id,
            Request.status.in_(LISTED_STATUSES),
            visible(actor, Permission.REQUEST_VIEW),
            visible(actor, Permission.REQUEST_VIEW_IDENTITY),
        )
        .order_by(Request.created_at.desc(), Request.id.desc())
        .limit(50)
    )
    return [card_of(actor, request) for request in found] or None


def link_to_write_for(actor: Actor, organization: Organization) -> str | None:
    """Return where a broker writes a request for an organization; None for everybody else."""
    if not can(actor, Permission.REQUEST_WRITE_FOR, organization):
        return None
    return f"/organizations/{organization.id}/requests/new"


def list_for_equipment(actor: Actor, equipment: Equipment) -> list[Card] | None:
    """Return the open requests to use a machine that the actor may see; None for none."""
    return _list_for(actor, Request.equipment_id == equipment.id)


def list_for_facility(actor: Actor, facility: Facility) -> list[Card] | None:
    """Return the open requests to use a facility that the actor may see; None for none."""
    return _list_for(actor, Request.facility_id == facility.id)


def _list_for(actor: Actor, condition: ColumnElement[bool]) -> list[Card] | None:
    found = session.scalars(
        select(Request)
        .options(*CARD_OPTIONS)
        .where(
            condition,
            Request.status.in_(LISTED_STATUSES),
            visible(actor, Permission.REQUEST_VIEW),
        )
        .order_by(Request.published_at.desc(), Request.id.desc())
        .limit(20)
    )
    return [card_of(actor, request) for request in found] or None


def _filters(
    *,
    kind: str = "",
    direction: str = "",
    status: str = "",
    capability: str = "",
    county: str = "",
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for column, value in (
        (Request.kind, kind),
        (Request.direction, direction),
        (Request.status, status),
        (Request.county_fips, county),
    ):
        if value:
            found.append(column == value)
    if capability:
        keys = list(narrower_closure([capability]))
        found.append(
            Request.id.in_(
                select(request_capability.c.request_id).where(
                    request_capability.c.capability_key.in_(keys)
                )
            )
        )
    return found


def of_actor(actor: Actor) -> ColumnElement[bool]:
    """The requests of the actor's organizations, and those that the actor posts for a firm."""
    own = Request.organization_id.in_(sorted(actor.organizations_as()))
    if not actor.brokered_regions:
        return own
    return own | (Request.is_on_behalf & (Request.created_by_id == actor.user_id))


def find_unreachable(choices: Sequence[tuple[int, str]]) -> Organization | None:
    """Return the first of some organizations that says no way to reach it, or None.

    Whoever makes a deal through the portal would get neither a telephone number nor an address.
    """
    rows = session.scalars(
        select(Organization)
        .where(
            Organization.id.in_([number for number, _name in choices]),
            Organization.phone == "",
            Organization.email == "",
        )
        .order_by(Organization.name, Organization.id)
        .limit(len(choices))
    )
    return next((organization for organization in rows if not organization.contacts), None)


def find_subject(
    actor: Actor, *, equipment_id: int | None, facility_id: int | None
) -> Equipment | Facility | None:
    """Return the equipment or facility that a request may ask to use, if the actor may see it."""
    try:
        if equipment_id is not None:
            return get_visible_equipment(actor, equipment_id)
        return get_visible_facility(actor, facility_id) if facility_id is not None else None
    except NotFound:
        return None


def is_represented(organization_id: int) -> bool:
    """Tell whether anybody of an organization would hear of a request."""
    return bool(managers_of(organization_id))

"""Mutual aid: who is near an urgent request and offers what it asks for."""

import math
from collections.abc import Iterator
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, exists, func, select

from portal.accounts.models import User
from portal.facilities.models import Equipment, Facility, equipment_capability, facility_capability
from portal.kernel.authorization import Actor, visible
from portal.kernel.database import session
from portal.kernel.fulltext.ranking import miles_between
from portal.kernel.listing import SHOWN_TO_OTHERS
from portal.kernel.manifest import DeskItem
from portal.organizations.models import Membership, Organization, organization_capability
from portal.organizations.queries.people import managers_of
from portal.partnerships.models import (
    Request,
    Response,
    UrgentCall,
    UrgentSilence,
    request_capability,
)
from portal.partnerships.policies import Permission
from portal.partnerships.queries.requests import CARD_OPTIONS, card_of, shown_point_of
from portal.partnerships.rules.workflows import OPEN_STATUSES
from portal.regions.queries.capabilities import narrower_closure

#: No urgent request is told to more organizations than these, the nearest.
MOST_CALLED = 200
#: So many places are looked at of each kind of offer: of profiles, facilities, equipment, requests.
MOST_PLACES = 5000
#: Degrees of latitude are nowhere shorter.
_MILES_PER_DEGREE = 68.7


def list_helpers(request: Request) -> list[tuple[int, float]]:
    """Return (organization id, miles) of everyone who can be told of an urgent request, the
    nearest first: its profile, or something that others may see of it, offers the capability
    within the radius, and it has people here.

    Measured from where the request stands for everybody, so that who is told of an anonymous one
    learns no more of its place than its page says.
    """
    point = shown_point_of(request, not request.is_anonymous) or shown_point_of(request, False)
    keys = list(narrower_closure([capability.key for capability in request.capabilities]))
    if point is None or request.radius_miles is None or not keys:
        return []
    nearest: dict[int, float] = {}
    for statement in _offers(keys):
        wanted = statement.where(
            Organization.id != request.organization_id,
            Organization.status == "active",
            exists().where(Membership.organization_id == Organization.id),
        )
        for organization_id, latitude, longitude in session.execute(
            _places_around(point, request.radius_miles, wanted)
        ):
            miles = miles_between(*point, latitude, longitude)
            if miles <= min(request.radius_miles, nearest.get(organization_id, math.inf)):
                nearest[organization_id] = miles
    return sorted(nearest.items(), key=lambda item: (item[1], item[0]))[:MOST_CALLED]


def _places_around(
    point: tuple[float, float], miles: int, statement: Select[*tuple[Any, ...]]
) -> Select[*tuple[Any, ...]]:
    """Ask for each place of each organization once, the nearest first.

    Several machines stand in one place. Distances on a plane are good enough to leave out the
    farthest where there are too many places.
    """
    place = statement.distinct().subquery()
    organization_id, latitude, longitude = place.columns
    north = miles / _MILES_PER_DEGREE
    shrinking = math.cos(math.radians(point[0]))
    east = north / max(0.01, math.cos(math.radians(min(89, abs(point[0]) + north))))
    up, right = latitude - point[0], (longitude - point[1]) * shrinking
    return (
        select(place)
        .where(
            latitude.between(point[0] - north, point[0] + north),
            longitude.between(point[1] - east, point[1] + east),
        )
        .order_by(up * up + right * right, organization_id)
        .limit(MOST_PLACES)
    )


def _offers(keys: list[str]) -> Iterator[Select[*tuple[Any, ...]]]:
    """Yield statements of (organization id, latitude, longitude) of what has a capability."""
    yield select(Organization.id, *_first(Organization)).where(
        Organization.id.in_(_having(organization_capability.c.organization_id, keys))
    )
    yield (
        select(Organization.id, *_first(Facility, Organization))
        .join(Facility, Facility.organization_id == Organization.id)
        .where(
            Facility.visibility.in_(SHOWN_TO_OTHERS),
            Facility.id.in_(_having(facility_capability.c.facility_id, keys)),
        )
    )
    yield (
        select(Organization.id, *_first(Equipment, Facility, Organization))
        .join(Equipment, Equipment.organization_id == Organization.id)
        .outerjoin(Facility, Facility.id == Equipment.facility_id)
        .where(
            Equipment.visibility.in_(SHOWN_TO_OTHERS),
            Equipment.sharing_terms != "in_house",
            Equipment.id.in_(_having(equipment_capability.c.equipment_id, keys)),
        )
    )
    yield (
        select(Organization.id, *_first(Request, Organization))
        .join(Request, Request.organization_id == Organization.id)
        .where(
            Request.direction == "offer",
            Request.status.in_(OPEN_STATUSES),
            Request.visibility.in_(SHOWN_TO_OTHERS),
            Request.id.in_(_having(request_capability.c.request_id, keys)),
        )
    )


def _first(*models: Any) -> tuple[Any, Any]:
    """The place of the first that has one."""
    if len(models) == 1:
        return models[0].latitude, models[0].longitude
    return (
        func.coalesce(*(model.latitude for model in models)),
        func.coalesce(*(model.longitude for model in models)),
    )


def _having(column: Any, keys: list[str]) -> Any:
    return select(column).where(column.table.c.capability_key.in_(keys))


def called_ids(request: Request) -> set[int]:
    """Return the organizations that were told of an urgent request."""
    return set(
        session.scalars(
            select(UrgentCall.organization_id).where(UrgentCall.request_id == request.id)
        )
    )


def count_calls(request: Request) -> int:
    """Return how many organizations were told of an urgent request."""
    return len(called_ids(request))


def hearers_of(organization_id: int) -> list[User]:
    """Return whom an urgent request is mailed to: the managers who want to be told."""
    managers = managers_of(organization_id)
    silent = set(
        session.scalars(
            select(UrgentSilence.user_id).where(
                UrgentSilence.user_id.in_([user.id for user in managers])
            )
        )
    )
    return [user for user in managers if user.id not in silent]


def is_silent(actor: Actor) -> bool:
    """Tell whether a person wants no e-mail about urgent requests."""
    return session.get(UrgentSilence, actor.user_id) is not None


def list_calls(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the open urgent requests of which the actor's organizations were told and which they
    have not answered, oldest first."""
    own = sorted(actor.organizations_as())
    rows = session.scalars(
        select(Request)
        .options(*CARD_OPTIONS)
        .where(
            Request.is_urgent,
            Request.status.in_(OPEN_STATUSES),
            visible(actor, Permission.REQUEST_VIEW),
            exists().where(
                UrgentCall.request_id == Request.id,
                UrgentCall.organization_id.in_(own),
                ~exists().where(
                    Response.request_id == UrgentCall.request_id,
                    Response.organization_id == UrgentCall.organization_id,
                ),
            ),
        )
        .order_by(Request.published_at, Request.id)
        .limit(limit)
    )
    return [
        DeskItem(
            card.title,
            card.url,
            card.since,
            detail=card.organization or _("An organization that does not show its name"),
            action=_("Read and answer"),
        )
        for card in (card_of(actor, row) for row in rows)
    ]

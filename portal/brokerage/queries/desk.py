"""Reads of the broker's desk that need more than one domain below: needs, and what went stale."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from portal.brokerage.models.cases import Case
from portal.brokerage.models.desk import ConfirmationAsk
from portal.brokerage.policies import Permission
from portal.brokerage.rules.stages import STAGES
from portal.facilities.models import Equipment, Facility
from portal.kernel.authorization import Actor, can, visible
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.matching.models import Match
from portal.organizations.models import Membership, Organization
from portal.organizations.rules import STALE_AFTER
from portal.partnerships.models import Request
from portal.partnerships.policies import Permission as RequestPermission
from portal.partnerships.rules.words import REQUEST_KINDS
from portal.partnerships.rules.workflows import OPEN_STATUSES
from portal.regions.models import County, Region, RegionCounty
from portal.regions.queries.regions import counties_of_region

#: An organization is asked to look at its records so often at most.
ASKED_AGAIN_AFTER = dt.timedelta(days=30)


@dataclass(frozen=True)
class Need:
    """An open need that no case follows."""

    id: int
    title: str
    kind: Any
    county: str
    since: dt.datetime
    expires_on: dt.date
    is_matched: bool


@dataclass(frozen=True)
class Stale:
    """An organization whose records nobody confirmed for long; `records` is how many.

    asked_at: when its people were asked last.
    """

    id: int
    name: str
    records: int
    since: dt.datetime
    asked_at: dt.datetime | None

    @property
    def is_askable(self) -> bool:
        """Whether its people may be asked now."""
        return self.asked_at is None or self.asked_at < now() - ASKED_AGAIN_AFTER


def in_region(actor: Actor, region_id: int | None) -> Actor:
    """Return the actor as broker of one region alone, or as they are for none of theirs."""
    if region_id is None or region_id not in actor.brokered_regions:
        return actor
    return dataclasses.replace(
        actor,
        brokered_regions=frozenset({region_id}),
        brokered_counties=frozenset(county.fips for county in counties_of_region(region_id)),
    )


def list_needs_without_case(actor: Actor, limit: int) -> list[Need]:
    """Return open needs of the actor's regions that no case of these follows, oldest first."""
    rows = session.execute(
        select(
            Request.id,
            Request.title,
            Request.kind,
            County.name.label("county"),
            func.coalesce(Request.published_at, Request.created_at).label("since"),
            Request.expires_on,
            exists()
            .where(Match.request_id == Request.id, Match.status == "open")
            .label("is_matched"),
        )
        .join(County, County.fips == Request.county_fips)
        .where(*_open_need(actor), _without_case(actor))
        .order_by(func.coalesce(Request.published_at, Request.created_at), Request.id)
        .limit(limit)
    )
    return [
        Need(
            row.id,
            row.title,
            REQUEST_KINDS[row.kind],
            row.county,
            row.since,
            row.expires_on,
            row.is_matched,
        )
        for row in rows
    ]


def by_region(actor: Actor, request_ids: Sequence[int]) -> dict[int, list[int]]:
    """Sort some requests by the region of the actor that their county lies in."""
    rows = session.execute(
        select(Request.id, func.min(RegionCounty.region_id))
        .join(RegionCounty, RegionCounty.county_fips == Request.county_fips)
        .where(
            Request.id.in_(request_ids),
            RegionCounty.region_id.in_(sorted(actor.brokered_regions)),
            visible(actor, RequestPermission.REQUEST_VIEW),
        )
        .group_by(Request.id)
        .order_by(Request.id)
    )
    found: dict[int, list[int]] = {}
    for request_id, region_id in rows:
        found.setdefault(region_id, []).append(request_id)
    return found


def _open_need(actor: Actor) -> list[ColumnElement[bool]]:
    return [
        Request.status.in_(OPEN_STATUSES),
        Request.direction == "need",
        Request.county_fips.in_(sorted(actor.brokered_counties)),
        visible(actor, RequestPermission.REQUEST_VIEW),
    ]


def _without_case(actor: Actor) -> ColumnElement[bool]:
    return ~exists().where(
        Case.request_id == Request.id, Case.region_id.in_(sorted(actor.brokered_regions))
    )


def list_stale(actor: Actor, limit: int) -> list[Stale]:
    """Return organizations of the actor's counties with records that went stale, oldest first.

    Only those that have people here, since others have nobody to ask.
    """
    before = now() - STALE_AFTER
    counts = [
        select(func.count())
        .where(
            model.organization_id == Organization.id,
            model.visibility.in_(("members", "public")),
            _is_stale(model, before),
        )
        .scalar_subquery()
        for model in (Equipment, Facility)
    ]
    records = (counts[0] + counts[1]).label("records")
    asked_at = (
        select(func.max(ConfirmationAsk.asked_at))
        .where(ConfirmationAsk.organization_id == Organization.id)
        .scalar_subquery()
        .label("asked_at")
    )
    since = func.coalesce(Organization.confirmed_at, Organization.created_at).label("since")
    rows = session.execute(
        select(Organization.id, Organization.name, records, since, asked_at)
        .where(
            Organization.status == "active",
            Organization.county_fips.in_(sorted(actor.brokered_counties)),
            exists().where(Membership.organization_id == Organization.id),
            or_(_is_stale(Organization, before), records > 0),
        )
        .order_by(since, Organization.id)
        .limit(limit)
    )
    return [Stale(*row) for row in rows]


def _is_stale(model: Any, before: dt.datetime) -> ColumnElement[bool]:
    return or_(
        model.confirmed_at < before,
        and_(model.confirmed_at.is_(None), model.created_at < before),
    )


def get_organizations(actor: Actor, organization_ids: Sequence[int]) -> tuple[Organization, ...]:
    """Return those of some organizations that the actor may ask to confirm, by their ids."""
    return tuple(
        session.scalars(
            select(Organization)
            .where(
                Organization.id.in_(organization_ids), visible(actor, Permission.CONFIRMATION_ASK)
            )
            .order_by(Organization.id)
        )
    )


def last_asked(organization_id: int) -> dt.datetime | None:
    """Return when an organization was asked last to confirm what it lists."""
    return session.scalar(
        select(func.max(ConfirmationAsk.asked_at)).where(
            ConfirmationAsk.organization_id == organization_id
        )
    )


def cases_of_organization(actor: Actor, organization: Organization) -> dict[str, Any] | None:
    """Return an organization's cases to brokers, with the way to open one."""
    return _cases(
        actor, Case.organization_id == organization.id, f"?organization={organization.id}"
    )


def cases_of_request(actor: Actor, request: Request) -> dict[str, Any] | None:
    """Return a request's cases to brokers, with the way to open one."""
    if request.status == "draft":
        return None
    return _cases(actor, Case.request_id == request.id, f"?request={request.id}")


def _cases(actor: Actor, condition: ColumnElement[bool], arguments: str) -> dict[str, Any] | None:
    if not can(actor, Permission.CASE_VIEW_OWN):
        return None
    rows = session.execute(
        select(Case.id, Case.title, Case.status, Case.staged_at, Region.name)
        .join(Region, Region.id == Case.region_id)
        .where(visible(actor, Permission.CASE_VIEW), condition)
        .order_by(Case.id.desc())
        .limit(10)
    )
    return {
        "cases": [
            {
                "url": f"/broker/cases/{row.id}",
                "title": row.title,
                "stage": STAGES[row.status],
                "region": row.name,
                "since": row.staged_at,
            }
            for row in rows
        ],
        "new_url": f"/broker/cases/new{arguments}",
    }

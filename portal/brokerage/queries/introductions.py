"""Reads of introductions: one, lists, what proposing looks up, whom to tell, and the clock's."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import exists, func, select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from portal.accounts.models import User
from portal.brokerage.models.introductions import Introduction, IntroductionParty
from portal.brokerage.policies import Permission
from portal.brokerage.queries.disclosure import shown_request, shown_status, sides_of
from portal.brokerage.rules.introductions import (
    INTRODUCTION_STATUSES,
    SHOWN_STATUSES,
    WAITING_STATUSES,
)
from portal.conversations.queries.moderation import is_any_blocked
from portal.conversations.queries.sections import Section, section_about
from portal.kernel.authorization import Actor, authorize, can, visible
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.paging import Page, keyset_page
from portal.matching.models import Match
from portal.organizations.models import Membership, Organization
from portal.partnerships.models import Request
from portal.partnerships.policies import Permission as RequestPermission
from portal.partnerships.queries.requests import CARD_OPTIONS
from portal.partnerships.rules.workflows import OPEN_STATUSES
from portal.regions.models import BrokerAppointment, Region, RegionCounty
from portal.regions.queries.regions import regions_by_id

OPTIONS = (
    joinedload(Introduction.region),
    joinedload(Introduction.created_by),
    joinedload(Introduction.request).options(*CARD_OPTIONS),
    selectinload(Introduction.parties).joinedload(IntroductionParty.organization),
    selectinload(Introduction.reveals),
)


@dataclass(frozen=True)
class Card:
    """An introduction as lists show it to one reader."""

    id: int
    title: str
    status: str
    others: Sequence[str]
    since: dt.datetime
    answer_by: dt.datetime | None
    is_waiting_for_me: bool


@dataclass(frozen=True)
class Questions:
    """What the page of an introduction shows of sides that ask the broker: a thread for each."""

    threads: Sequence[Section]
    is_broker: bool


@dataclass(frozen=True)
class RequestSection:
    """What the page of a request shows of introductions."""

    cards: Sequence[Card]
    may_propose: bool
    request_id: int
    statuses: Mapping[str, Any]


# One introduction


def get_introduction(introduction_id: int) -> Introduction:
    """Return an introduction with its sides, whoever asks. Raises NotFound."""
    found = session.scalar(
        select(Introduction)
        .options(*OPTIONS)
        .where(Introduction.id == introduction_id)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound()
    return found


def get_visible_introduction(actor: Actor, introduction_id: int) -> Introduction:
    """Return an introduction to the people of its sides and to the brokers of its region."""
    found = get_introduction(introduction_id)
    authorize(actor, Permission.INTRODUCTION_VIEW, found)
    return found


def get_party(introduction_id: int, party_id: int) -> IntroductionParty:
    """Return one side of an introduction, with the others, whoever asks. Raises NotFound."""
    introduction = get_introduction(introduction_id)
    for party in introduction.parties:
        if party.id == party_id:
            set_committed_value(party, "introduction", introduction)
            return party
    raise NotFound()


def get_visible_party(actor: Actor, introduction_id: int, party_id: int) -> IntroductionParty:
    """Return one side of an introduction that the actor may see. Raises NotFound."""
    found = get_party(introduction_id, party_id)
    authorize(actor, Permission.INTRODUCTION_VIEW_PARTY, found)
    return found


def introductions_by_id(ids: Sequence[int]) -> Mapping[int, Introduction]:
    """Return those of some introductions that exist, with their sides, whoever asks."""
    found = session.scalars(select(Introduction).options(*OPTIONS).where(Introduction.id.in_(ids)))
    return {introduction.id: introduction for introduction in found}


def parties_by_id(ids: Sequence[int]) -> Mapping[int, IntroductionParty]:
    """Return those of some sides that exist, with what a question to the broker tells of them."""
    found = session.scalars(
        select(IntroductionParty)
        .options(
            joinedload(IntroductionParty.organization),
            joinedload(IntroductionParty.introduction).options(
                *OPTIONS, selectinload(Introduction.broker_organizations)
            ),
        )
        .where(IntroductionParty.id.in_(ids))
        .order_by(IntroductionParty.position)
    )
    return {party.id: party for party in found}


def questions_section(actor: Actor, introduction: Introduction) -> Questions | None:
    """Return what sides asked the broker, and where to ask: to a side what it asked itself."""
    parties = parties_by_id([party.id for party in introduction.parties])
    is_waiting = introduction.status in WAITING_STATUSES
    load = section_about("introduction_party")
    loaded = [load(actor, party) for party in parties.values()]
    asked = [part for part in loaded if part is not None and (is_waiting or part.messages)]
    is_broker = can(actor, Permission.INTRODUCTION_VIEW_WHOLE, introduction)
    return Questions(asked, is_broker) if asked else None


def awaited_parties(introduction: Introduction) -> list[IntroductionParty]:
    """Return the sides whose present answer is missing."""
    awaited = {"proposed": "waiting", "identified": "consented"}.get(introduction.status)
    return [party for party in introduction.parties if party.status == awaited]


def are_kept_apart(parties: Sequence[IntroductionParty]) -> bool:
    """Tell whether some sides must not meet: one has blocked another, or two are the same.

    The broker learns neither: the one would tell who blocked whom, the other who is anonymous.
    """
    ids = [party.organization_id for party in parties]
    return len(set(ids)) < len(ids) or is_any_blocked(ids)


# Lists


def list_introductions(
    actor: Actor, *, status: str = "", cursor: str | None = None, limit: int = 20
) -> Page[Introduction]:
    """Return a page of the introductions that the actor may see, the newest first.

    status: "waiting", "open" or "ended"; all, without one.
    """
    statement = select(Introduction).options(*OPTIONS)
    statement = statement.where(visible(actor, Permission.INTRODUCTION_VIEW))
    if status:
        statement = statement.where(Introduction.status.in_(LISTS[status]))
    return keyset_page(statement, (Introduction.id,), cursor=cursor, limit=limit, descending=True)


#: The states that lists of introductions are parted by.
LISTS: Mapping[str, Sequence[str]] = {
    "waiting": WAITING_STATUSES,
    "open": ("open",),
    "ended": tuple(
        status for status in INTRODUCTION_STATUSES if status not in (*WAITING_STATUSES, "open")
    ),
}


def card_of(actor: Actor, introduction: Introduction) -> Card:
    """Return an introduction as a list shows it to the actor."""
    answering = actor.organizations_as("owner", "manager")
    return Card(
        id=introduction.id,
        title=introduction.title,
        status=shown_status(actor, introduction),
        others=[side.label for side in sides_of(actor, introduction) if not side.is_own],
        since=introduction.created_at,
        answer_by=introduction.answer_by if introduction.status in WAITING_STATUSES else None,
        is_waiting_for_me=any(
            party.organization_id in answering for party in awaited_parties(introduction)
        ),
    )


def request_section(actor: Actor, request: Request) -> RequestSection | None:
    """Return the introductions of a request for its page, and whether the actor may propose one.

    Only those are listed of which the page tells nothing that they still keep.
    """
    found = session.scalars(
        select(Introduction)
        .options(*OPTIONS)
        .where(Introduction.request_id == request.id, visible(actor, Permission.INTRODUCTION_VIEW))
        .order_by(Introduction.id.desc())
        .limit(20)
    )
    cards = [
        card_of(actor, introduction)
        for introduction in found
        if shown_request(actor, introduction) is not None
    ]
    may_propose = (
        can(actor, Permission.INTRODUCTION_DRAFT)
        and request.status in OPEN_STATUSES
        and request.organization_id not in actor.memberships
    )
    return (
        RequestSection(cards, may_propose, request.id, SHOWN_STATUSES)
        if cards or may_propose
        else None
    )


def match_section(actor: Actor, match: Match) -> Mapping[str, int] | None:
    """Return what the address of a proposal says of a match, to brokers who may propose one."""
    own = {match.request.organization_id, match.organization_id} & set(actor.memberships)
    is_open = match.status == "open" and match.request.status in OPEN_STATUSES
    may_propose = can(actor, Permission.INTRODUCTION_DRAFT) and is_open and not own
    return {"match": match.id} if may_propose else None


def organization_section(actor: Actor, organization: Organization) -> Mapping[str, int] | None:
    """Return what the address of a proposal says of an organization, to brokers but its own."""
    is_open = organization.status == "active" and organization.id not in actor.memberships
    may_propose = can(actor, Permission.INTRODUCTION_DRAFT) and is_open
    return {"organization": organization.id} if may_propose else None


# What proposing looks up


def get_brokered_region(actor: Actor, region_id: int | None) -> Region:
    """Return a region that the actor brokers: the only one, without a number. Raises NotFound."""
    regions = regions_by_id(actor.brokered_regions)
    for region in regions:
        if region.id == region_id or (region_id is None and len(regions) == 1):
            return region
    raise NotFound(_("There is no such region among those that you broker."))


def is_in_region(region: Region, county_fips: Sequence[str]) -> bool:
    """Tell whether one of the counties belongs to a region."""
    return bool(
        session.scalar(
            select(
                exists().where(
                    RegionCounty.region_id == region.id, RegionCounty.county_fips.in_(county_fips)
                )
            )
        )
    )


def hidden_ids(actor: Actor, request: Request | None, match: Match | None) -> set[int]:
    """Return the organizations whose anonymous request the actor sees without knowing whose it is.

    Either can be a request: what the introduction is about, and the candidate of its match.
    """
    return {
        row.organization_id
        for row in requests_of(request, match)
        if not can(actor, RequestPermission.REQUEST_VIEW_IDENTITY, row)
    }


def anonymous_ids(request: Request | None, match: Match | None) -> set[int]:
    """Return the organizations whose request is anonymous, whoever among the brokers knows them.

    All brokers of the region read the introduction, not only who proposes it.
    """
    return {row.organization_id for row in requests_of(request, match) if row.is_anonymous}


def requests_of(request: Request | None, match: Match | None) -> list[Request]:
    """Return the requests that an introduction is about: its own, and its match's candidate."""
    found = [request]
    if match is not None and match.candidate_kind == "request":
        found.append(session.get(Request, match.candidate_id, options=CARD_OPTIONS))
    return [row for row in found if row is not None]


def find_waiting(organization_ids: Sequence[int], request_id: int | None) -> int | None:
    """Return an introduction that waits between two of the organizations about the same, if any."""
    together = (
        select(IntroductionParty.introduction_id)
        .where(IntroductionParty.organization_id.in_(organization_ids))
        .group_by(IntroductionParty.introduction_id)
        .having(func.count() > 1)
    )
    same = (
        Introduction.request_id == request_id
        if request_id is not None
        else Introduction.request_id.is_(None)
    )
    return session.scalar(
        select(Introduction.id)
        .where(same, Introduction.status.in_(WAITING_STATUSES), Introduction.id.in_(together))
        .order_by(Introduction.id)
        .limit(1)
    )


# Whom to tell


def brokers_of(introduction: Introduction) -> list[User]:
    """Return which brokers hear of an introduction: who proposed it, or else all of the region.

    Not those who belong to one of the sides.
    """
    sides = [party.organization_id for party in introduction.parties]
    brokers = session.scalars(
        select(User)
        .join(BrokerAppointment, BrokerAppointment.user_id == User.id)
        .where(
            BrokerAppointment.region_id == introduction.region_id,
            User.is_active,
            ~exists().where(Membership.user_id == User.id, Membership.organization_id.in_(sides)),
        )
        .order_by(User.id)
    ).all()
    return [user for user in brokers if user.id == introduction.created_by_id] or list(brokers)


# The clock


def list_overdue(limit: int = 100) -> list[int]:
    """Return the introductions of which an answer did not come in time, locked on PostgreSQL."""
    return list(
        session.scalars(
            select(Introduction.id)
            .where(Introduction.status.in_(WAITING_STATUSES), Introduction.answer_by <= now())
            .order_by(Introduction.answer_by, Introduction.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )


def list_to_remind(limit: int = 100) -> list[Introduction]:
    """Return the introductions of which somebody is to be reminded now, locked on PostgreSQL."""
    return list(
        session.scalars(
            select(Introduction)
            .where(
                Introduction.status.in_(WAITING_STATUSES),
                Introduction.remind_at <= now(),
                Introduction.answer_by > now(),
            )
            .order_by(Introduction.remind_at, Introduction.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )

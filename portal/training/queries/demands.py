"""Reads of demands for skills: one's own, those one can join, and what firms were offered."""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask_babel import format_date
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from portal.kernel.authorization import Actor, authorize, visible
from portal.kernel.clock import now, today_here
from portal.kernel.database import reload, session
from portal.kernel.errors import Invalid, NotFound
from portal.kernel.manifest import DeskItem
from portal.kernel.paging import Page, keyset_page
from portal.organizations.models import Organization
from portal.regions.queries.counties import counties_by_fips, county_names
from portal.skills.queries import skill_labels
from portal.training.models.demands import CohortInvitation, CohortOffer, SkillDemand
from portal.training.models.enrollments import Enrollment
from portal.training.models.programs import Program
from portal.training.models.sections import Section
from portal.training.policies import Permission
from portal.training.queries.sections import can_enroll
from portal.training.rules.demands import (
    DEMAND_STALE_DAYS,
    MOST_OFFERS,
    OFFERS_SPARED_DAYS,
    quarter_label,
)
from portal.training.rules.gaps import FEWEST_FIRMS, Cell
from portal.training.rules.sections import COMING_STATUSES

DEMAND_OPTIONS = (
    joinedload(SkillDemand.organization),
    joinedload(SkillDemand.skill),
    joinedload(SkillDemand.occupation),
    joinedload(SkillDemand.county),
    joinedload(SkillDemand.confirmed_by),
)
OFFER_OPTIONS = (
    joinedload(CohortOffer.organization),
    joinedload(CohortOffer.skill),
    joinedload(CohortOffer.section).options(
        joinedload(Section.program), joinedload(Section.county), selectinload(Section.prices)
    ),
)


@dataclass(frozen=True)
class SharedDemand:
    """A need that others can join, without whose it is.

    firms: how many have joined, where that tells too little of each of them; else 0.
    """

    id: int
    skill: str
    skill_key: str
    county: str
    quarter: str
    firms: int


# Demands


def get_demand(demand_id: int) -> SkillDemand:
    """Return a demand with all that its page shows, whoever asks. Raises NotFound."""
    demand = session.scalar(
        select(SkillDemand).options(*DEMAND_OPTIONS).where(SkillDemand.id == demand_id)
    )
    if demand is None:
        raise NotFound()
    return demand


def get_visible_demand(actor: Actor, demand_id: int) -> SkillDemand:
    """Return a demand that the actor may see. Raises NotFound."""
    demand = get_demand(demand_id)
    authorize(actor, Permission.DEMAND_VIEW, demand)
    return demand


def load_for_change(demand: SkillDemand) -> None:
    """Read what commands change of a demand again, under its lock."""
    reload(demand, *DEMAND_OPTIONS)


def list_demands(
    actor: Actor,
    *,
    organization_id: int | None = None,
    status: str = "",
    skill: str = "",
    cursor: str | None = None,
    limit: int = 20,
) -> Page[SkillDemand]:
    """Return a page of the demands that the actor may see, the first to be met first."""
    statement = (
        select(SkillDemand).options(*DEMAND_OPTIONS).where(visible(actor, Permission.DEMAND_VIEW))
    )
    if organization_id is not None:
        statement = statement.where(SkillDemand.organization_id == organization_id)
    if status:
        statement = statement.where(SkillDemand.status == status)
    if skill:
        statement = statement.where(SkillDemand.skill_key == skill)
    return keyset_page(
        statement, (SkillDemand.needed_by, SkillDemand.id), cursor=cursor, limit=limit
    )


def read_own_demands(actor: Actor) -> Iterator[SkillDemand]:
    """Return the needs of the actor's organizations, read page by page as they are asked for."""
    for organization_id in sorted(actor.memberships):
        cursor: str | None = ""
        while cursor is not None:
            found = list_demands(
                actor, organization_id=organization_id, cursor=cursor or None, limit=100
            )
            yield from found.items
            cursor = found.next


def list_shared(actor: Actor, limit: int = 20) -> list[SharedDemand]:
    """Return the needs of others that the actor's organizations can join, the first due first."""
    authorize(actor, Permission.DEMAND_VIEW_SHARED)
    rows = session.scalars(
        select(SkillDemand)
        .join(Organization, Organization.id == SkillDemand.organization_id)
        .options(joinedload(SkillDemand.county))
        .where(
            *_is_joinable(),
            Organization.status == "active",
            SkillDemand.organization_id.not_in(sorted(actor.memberships)),
        )
        .order_by(SkillDemand.needed_by, SkillDemand.id)
        .limit(limit)
    ).all()
    return _shared(rows)


def get_shared(actor: Actor, demand_id: int) -> SharedDemand:
    """Return a need that the actor's organizations can join. Raises NotFound."""
    authorize(actor, Permission.DEMAND_VIEW_SHARED)
    demand = session.scalar(
        select(SkillDemand)
        .options(*DEMAND_OPTIONS)
        .where(SkillDemand.id == demand_id, *_is_joinable())
    )
    if demand is None:
        raise NotFound()
    return _shared([demand])[0]


def _is_joinable() -> tuple[ColumnElement[bool], ...]:
    return (
        SkillDemand.is_shared.is_(True),
        SkillDemand.joined_id.is_(None),
        SkillDemand.status == "open",
        SkillDemand.needed_by >= today_here(),
    )


def _shared(rows: Sequence[SkillDemand]) -> list[SharedDemand]:
    shared = aliased(SkillDemand)
    joined = session.execute(
        select(SkillDemand.joined_id, SkillDemand.organization_id)
        # The need that was joined may be for another skill now.
        .join(
            shared,
            and_(shared.id == SkillDemand.joined_id, shared.skill_key == SkillDemand.skill_key),
        )
        .join(Organization, Organization.id == SkillDemand.organization_id)
        .where(
            SkillDemand.joined_id.in_([row.id for row in rows]),
            SkillDemand.status == "open",
            Organization.status == "active",
            Organization.verified_at.is_not(None),
        )
        .distinct()
    )
    firms = {row.id: {row.organization_id} for row in rows}
    for number, organization_id in joined:
        if number is not None:
            firms[number].add(organization_id)
    names = skill_labels({row.skill_key for row in rows})
    return [
        SharedDemand(
            row.id,
            names[row.skill_key],
            row.skill_key,
            row.county.label,
            quarter_label(row.quarter),
            len(firms[row.id]) if len(firms[row.id]) >= FEWEST_FIRMS else 0,
        )
        for row in rows
    ]


def get_county(text: str, *, fallback: str | None) -> str:
    """Return the FIPS code of "21111" or "Jefferson County, KY"; of nothing, the fallback.

    Raises Invalid("county").
    """
    if not text:
        if fallback is None:
            raise Invalid("county", _("Please name a county, such as Jefferson County, KY."))
        return fallback
    digits = re.match(r"\d{5}(?!\d)", text.strip(), re.ASCII)
    if digits:
        code: str | None = digits[0]
    else:
        name, _comma, state = text.rpartition(",")
        code = county_names().find(name, state)
    if code is None or code not in counties_by_fips([code]):
        raise Invalid("county", _("We do not know this county. Try “Jefferson County, KY”."))
    return code


def is_stale(demand: SkillDemand) -> bool:
    """Tell whether an open demand should be confirmed again, or its day is over."""
    before = now() - dt.timedelta(days=DEMAND_STALE_DAYS)
    return demand.status == "open" and (
        demand.confirmed_at is None
        or demand.confirmed_at < before
        or demand.needed_by < today_here()
    )


def list_to_confirm(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the actor's demands that have aged, or whose day is over, oldest first."""
    before = now() - dt.timedelta(days=DEMAND_STALE_DAYS)
    rows = session.scalars(
        select(SkillDemand)
        .options(joinedload(SkillDemand.skill))
        .where(
            SkillDemand.organization_id.in_(sorted(actor.memberships)),
            visible(actor, Permission.DEMAND_EDIT),
            SkillDemand.status == "open",
            or_(
                SkillDemand.confirmed_at.is_(None),
                SkillDemand.confirmed_at < before,
                SkillDemand.needed_by < today_here(),
            ),
        )
        .order_by(SkillDemand.confirmed_at, SkillDemand.id)
        .limit(limit)
    )
    return [
        DeskItem(
            row.skill.name,
            f"/training/demands/{row.id}",
            row.confirmed_at or row.created_at,
            detail=_("needed by %(day)s", day=format_date(row.needed_by)),
            action=_("Look and confirm"),
        )
        for row in rows
    ]


# Cohorts


def get_visible_offer(actor: Actor, offer_id: int) -> CohortOffer:
    """Return an offer of a cohort with its invitations. Raises NotFound.

    Of a firm that has not accepted, nothing but its invitation's state may be shown.
    """
    offer = session.scalar(
        select(CohortOffer)
        .options(
            *OFFER_OPTIONS,
            selectinload(CohortOffer.invitations).joinedload(CohortInvitation.organization),
        )
        .where(CohortOffer.id == offer_id)
    )
    if offer is None:
        raise NotFound()
    authorize(actor, Permission.COHORT_VIEW, offer)
    return offer


def find_offer(offer_id: int) -> CohortOffer | None:
    """Return an offer with its invitations, for what follows on events."""
    return session.scalar(
        select(CohortOffer)
        .options(*OFFER_OPTIONS, selectinload(CohortOffer.invitations))
        .where(CohortOffer.id == offer_id)
    )


def list_offers(actor: Actor, *, cursor: str | None = None, limit: int = 20) -> Page[CohortOffer]:
    """Return a page of the offers of the actor's organizations, the newest first."""
    statement = (
        select(CohortOffer)
        .options(*OFFER_OPTIONS, selectinload(CohortOffer.invitations))
        .where(
            CohortOffer.organization_id.in_(sorted(actor.memberships)),
            visible(actor, Permission.COHORT_VIEW),
        )
    )
    return keyset_page(statement, (CohortOffer.id,), cursor=cursor, limit=limit, descending=True)


def get_visible_invitation(actor: Actor, invitation_id: int) -> CohortInvitation:
    """Return what the actor's organization was offered. Raises NotFound."""
    invitation = find_invitation(invitation_id)
    if invitation is None:
        raise NotFound()
    authorize(actor, Permission.COHORT_INVITATION_VIEW, invitation)
    return invitation


def find_invitation(invitation_id: int) -> CohortInvitation | None:
    """Return an invitation with its offer, for what follows on events."""
    return session.scalar(
        select(CohortInvitation)
        .options(
            joinedload(CohortInvitation.offer).options(*OFFER_OPTIONS),
            joinedload(CohortInvitation.organization),
        )
        .where(CohortInvitation.id == invitation_id)
    )


def list_invitations(actor: Actor, limit: int = 20) -> list[CohortInvitation]:
    """Return what the actor's organizations were offered, the newest first."""
    return list(
        session.scalars(
            select(CohortInvitation)
            .options(
                joinedload(CohortInvitation.offer).options(*OFFER_OPTIONS),
                joinedload(CohortInvitation.organization),
            )
            .where(
                CohortInvitation.organization_id.in_(sorted(actor.memberships)),
                visible(actor, Permission.COHORT_INVITATION_VIEW),
            )
            .order_by(CohortInvitation.id.desc())
            .limit(limit)
        )
    )


def list_waiting_invitations(actor: Actor, limit: int) -> list[DeskItem]:
    """Return offers of cohorts that wait for the actor's answer, and those accepted in which the
    firm can enroll its people now and has not, oldest first."""
    has_enrolled = exists().where(
        Enrollment.section_id == Section.id,
        Enrollment.organization_id == CohortInvitation.organization_id,
    )
    rows = session.execute(
        select(
            CohortInvitation.id,
            CohortInvitation.created_at,
            CohortInvitation.status,
            Program.title,
            Organization.name,
        )
        .join(CohortOffer, CohortOffer.id == CohortInvitation.offer_id)
        .join(Section, Section.id == CohortOffer.section_id)
        .join(Program, Program.id == Section.program_id)
        .join(Organization, Organization.id == CohortOffer.organization_id)
        .where(
            CohortInvitation.organization_id.in_(sorted(actor.memberships)),
            visible(actor, Permission.COHORT_INVITATION_ANSWER),
            or_(
                and_(CohortInvitation.status == "waiting", Section.status.in_(COMING_STATUSES)),
                and_(
                    CohortInvitation.status == "accepted",
                    can_enroll(today_here()),
                    ~has_enrolled,
                ),
            ),
        )
        .order_by(CohortInvitation.id)
        .limit(limit)
    )
    return [
        DeskItem(
            row.title,
            f"/training/invitations/{row.id}",
            row.created_at,
            detail=row.name,
            action=_("Read and answer") if row.status == "waiting" else _("Enroll your people"),
        )
        for row in rows
    ]


def firms_to_tell(organization_id: int, cell: Cell) -> dict[int, int]:
    """Return the firms of a cell to whom a provider may offer a cohort now, and how many people
    each asks for."""
    asked = firms_with_offer(organization_id, cell.skill)
    return {
        number: people
        for number, people in cell.firms.items()
        if number not in asked and number != organization_id
    }


def firms_with_offer(organization_id: int, skill_key: str) -> set[int]:
    """Return the firms that have an offer of a provider for a skill that they did not decline, and
    those that had enough of them lately."""
    offered = (
        select(CohortInvitation.organization_id)
        .join(CohortOffer, CohortOffer.id == CohortInvitation.offer_id)
        .where(CohortOffer.organization_id == organization_id, CohortOffer.skill_key == skill_key)
    )
    waiting = offered.join(Section, Section.id == CohortOffer.section_id).where(
        CohortInvitation.status != "declined", Section.status.in_(COMING_STATUSES)
    )
    lately = CohortOffer.created_at > now() - dt.timedelta(days=OFFERS_SPARED_DAYS)
    weary = (
        offered.where(lately)
        .group_by(CohortInvitation.organization_id)
        .having(func.count() >= MOST_OFFERS)
    )
    return {*session.scalars(waiting), *session.scalars(weary)}

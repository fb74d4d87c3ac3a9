"""What waits on the desks of the sides of introductions and of brokers."""

import datetime as dt

from flask_babel import format_date
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, exists, select

from portal.brokerage.models.introductions import Introduction, IntroductionParty
from portal.brokerage.policies import Permission
from portal.brokerage.queries.introductions import OPTIONS, card_of
from portal.brokerage.rules.introductions import INTRODUCTION_STATUSES, WAITING_STATUSES
from portal.kernel.authorization import Actor, visible
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.manifest import DeskItem
from portal.matching.models import Match, MatchFeedback
from portal.matching.policies import Permission as MatchPermission
from portal.matching.queries.matches import MATCH_OPTIONS, shown
from portal.matching.rules.scoring import TELLING_SCORE
from portal.organizations.models import Membership
from portal.partnerships.models import Request, Response
from portal.partnerships.rules.workflows import OPEN_STATUSES

_NEW_FOR = dt.timedelta(days=14)


def list_to_answer(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the introductions that wait for the actor's answer, the first to lapse first."""
    own = exists().where(
        IntroductionParty.introduction_id == Introduction.id,
        IntroductionParty.organization_id.in_(sorted(actor.organizations_as("owner", "manager"))),
        ((Introduction.status == "proposed") & (IntroductionParty.status == "waiting"))
        | ((Introduction.status == "identified") & (IntroductionParty.status == "consented")),
    )
    return [
        DeskItem(
            introduction.title,
            f"/introductions/{introduction.id}",
            introduction.asked_at,
            detail=_("Answer by %(day)s", day=format_date(introduction.answer_by)),
            action=_("Read and answer"),
        )
        for introduction in _list(own, limit, by_end=True)
    ]


def list_new(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the introductions in which the actor's organizations met somebody lately."""
    own = exists().where(
        IntroductionParty.introduction_id == Introduction.id,
        IntroductionParty.organization_id.in_(sorted(actor.organizations_as())),
    )
    is_new = (Introduction.status == "open") & (Introduction.opened_at >= now() - _NEW_FOR)
    return [
        DeskItem(
            _("You were introduced to %(names)s", names=", ".join(card_of(actor, row).others)),
            f"/introductions/{row.id}",
            row.opened_at or row.created_at,
            detail=row.title,
            action=_("See how to reach them"),
        )
        for row in _list(own & is_new, limit)
    ]


def list_under_way(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the introductions of the actor's regions that wait for answers, oldest first."""
    return [
        DeskItem(
            row.title,
            f"/introductions/{row.id}",
            row.asked_at,
            detail=_(
                "%(status)s, until %(day)s",
                status=str(INTRODUCTION_STATUSES[row.status]),
                day=format_date(row.answer_by),
            ),
            action=_("Decide") if row.status == "halted" else _("Look at it"),
        )
        for row in _list(
            visible(actor, Permission.INTRODUCTION_MANAGE)
            & Introduction.status.in_(WAITING_STATUSES),
            limit,
        )
    ]


def list_failed(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the introductions that were declined or lapsed lately, with the reason given."""
    is_new = Introduction.status.in_(("declined", "lapsed")) & (
        Introduction.updated_at >= now() - _NEW_FOR
    )
    items = []
    for row in _list(visible(actor, Permission.INTRODUCTION_MANAGE) & is_new, limit):
        reasons = [party.decline_reason for party in row.parties if party.decline_reason]
        items.append(
            DeskItem(
                row.title,
                f"/introductions/{row.id}",
                row.updated_at,
                detail=reasons[0] if reasons else str(INTRODUCTION_STATUSES[row.status]),
                action=_("Look at it"),
            )
        )
    return items


def list_suggested(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the likeliest matches of the actor's regions that nobody has acted on, best first.

    Left out: where the organization has responded, or an introduction of the two was proposed
    about this request, or a broker found the match of no use, or nobody could answer.
    """
    statement = (
        select(Match)
        .join(Request, Request.id == Match.request_id)
        .options(*MATCH_OPTIONS)
        .where(
            Match.status == "open",
            Match.score >= TELLING_SCORE,
            Match.organization_id != Request.organization_id,
            Request.status.in_(OPEN_STATUSES),
            Request.county_fips.in_(sorted(actor.brokered_counties)),
            visible(actor, MatchPermission.MATCH_VIEW),
            Match.organization_id.not_in(sorted(actor.memberships)),
            Request.organization_id.not_in(sorted(actor.memberships)),
            exists().where(
                Membership.organization_id == Match.organization_id,
                Membership.role.in_(("owner", "manager")),
            ),
            ~exists().where(
                Response.request_id == Request.id,
                Response.organization_id == Match.organization_id,
            ),
            ~exists().where(
                MatchFeedback.match_id == Match.id,
                MatchFeedback.side == "broker",
                MatchFeedback.is_useful.is_(False),
            ),
            ~select(Introduction.id)
            .join(IntroductionParty, IntroductionParty.introduction_id == Introduction.id)
            .where(
                Introduction.request_id == Request.id,
                IntroductionParty.organization_id == Match.organization_id,
            )
            .exists(),
        )
        .order_by(Match.score.desc(), Match.id)
        .limit(limit)
    )
    return [
        DeskItem(
            _(
                "“%(title)s” may help with “%(request)s”",
                title=one.candidate.title,
                request=one.request.title,
            ),
            one.url,
            one.match.computed_at,
            detail=one.candidate.organization,
            action=_("Look and propose"),
        )
        for one in shown(actor, session.scalars(statement).all())
    ]


def _list(
    condition: ColumnElement[bool], limit: int, *, by_end: bool = False
) -> list[Introduction]:
    order = Introduction.answer_by if by_end else Introduction.updated_at
    return list(
        session.scalars(
            select(Introduction)
            .options(*OPTIONS)
            .where(condition)
            .order_by(order, Introduction.id)
            .limit(limit)
        )
    )

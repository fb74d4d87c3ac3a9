"""Reads of matches for pages, the API, the desk and the commands."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import joinedload

from portal.accounts.models import User
from portal.kernel.authorization import Actor, authorize, can, visible
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.manifest import DeskItem
from portal.kernel.paging import Page, keyset_page
from portal.matching.models import Match, MatchAnswer, MatchChoice, MatchFeedback, MatchRound
from portal.matching.policies import Permission
from portal.matching.queries.cards import Card, card_of_request, cards_of
from portal.matching.queries.feedback import feedback_of
from portal.matching.rules.scoring import TELLING_SCORE
from portal.matching.rules.wording import names_needed, question, sentence
from portal.matching.rules.words import CRITERIA
from portal.partnerships.models import Request
from portal.partnerships.queries.requests import REQUEST_OPTIONS
from portal.partnerships.rules.workflows import LISTED_STATUSES
from portal.regions.queries.capabilities import preferred_labels
from portal.regions.queries.industries import cluster_labels

#: A request's page, and a person's, show so many.
MOST_SHOWN = 10
#: So many a desk shows.
MOST_ON_DESK = 5
MATCH_OPTIONS = (
    joinedload(Match.request).options(*REQUEST_OPTIONS),
    joinedload(Match.organization),
)


@dataclass(frozen=True)
class Reason:
    """How one criterion came out, in a sentence; question: what the owner is asked, or ""."""

    name: str
    label: Any
    verdict: str
    sentence: str
    question: str


@dataclass(frozen=True)
class Shown:
    """A match as one reader sees it, from the side of the request or of the candidate's owner."""

    id: int
    url: str
    side: str
    status: str
    percent: int
    request: Card
    candidate: Card
    reasons: tuple[Reason, ...]
    feedback: MatchFeedback | None
    match: Match

    @property
    def other(self) -> Card:
        """What the reader did not bring along: the request, for the candidate's owner."""
        return self.request if self.side == "owner" else self.candidate

    def with_verdict(self, verdict: str) -> list[Reason]:
        """Return the reasons that came out so."""
        return [reason for reason in self.reasons if reason.verdict == verdict]

    @property
    def questions(self) -> list[Reason]:
        """Return what the owner is asked."""
        return [reason for reason in self.reasons if reason.question]


# One match


def get_match(match_id: int) -> Match:
    """Return a match with its request and the candidate's organization, whoever asks."""
    match = session.scalar(select(Match).options(*MATCH_OPTIONS).where(Match.id == match_id))
    if match is None:
        raise NotFound()
    return match


def get_visible_match(actor: Actor, match_id: int) -> Shown:
    """Return a match that the actor may see, with a candidate that the actor may see as well."""
    match = get_match(match_id)
    authorize(actor, Permission.MATCH_VIEW, match)
    found = shown(actor, [match])
    if not found:
        raise NotFound()
    return found[0]


def side_of(actor: Actor, match: Match) -> str:
    """Return on which side somebody stands who sees a match."""
    if match.request.organization_id in actor.memberships:
        return "request"
    return "owner" if match.organization_id in actor.memberships else "broker"


# Lists


def list_matches(actor: Actor, request: Request, limit: int = MOST_SHOWN) -> list[Shown]:
    """Return the open matches of a request, the best first, and then what was ruled out."""
    authorize(actor, Permission.MATCH_VIEW_CANDIDATES, request)
    found: list[Shown] = []
    for status in ("open", "ruled_out"):
        statement = (
            select(Match)
            .options(*MATCH_OPTIONS)
            .where(Match.request_id == request.id, Match.status == status)
            .order_by(Match.score.desc(), Match.id)
            .limit(limit)
        )
        found += shown(actor, session.scalars(statement).all())
    return found


def page_of_matches(
    actor: Actor, request: Request, *, cursor: str | None = None, limit: int = 20
) -> Page[Shown]:
    """Return a page of a request's matches, open and ruled out, by their numbers."""
    authorize(actor, Permission.MATCH_VIEW_CANDIDATES, request)
    statement = _with_options().where(
        Match.request_id == request.id, Match.status.in_(("open", "ruled_out"))
    )
    return _page(actor, statement, cursor, limit)


def page_for(actor: Actor, *, cursor: str | None = None, limit: int = 20) -> Page[Shown]:
    """Return a page of the open matches of the actor's organizations, the newest first."""
    statement = _with_options().where(
        Match.status == "open", or_(_for_requests(actor), _for_owners(actor))
    )
    return _page(actor, statement, cursor, limit, descending=True)


def list_for_requests(actor: Actor, limit: int) -> list[Shown]:
    """Return what was found for the requests of the actor's organizations, the best first."""
    statement = (
        _with_options()
        .where(Match.status == "open", _for_requests(actor), _unjudged(actor))
        .order_by(Match.score.desc(), Match.id)
        .limit(limit)
    )
    return shown(actor, session.scalars(statement).all())


def list_for_owners(actor: Actor, limit: int) -> list[Shown]:
    """Return the requests for which the actor's organizations have something, the best first."""
    statement = (
        _with_options()
        .where(Match.status == "open", _for_owners(actor), _unjudged(actor))
        .order_by(Match.score.desc(), Match.id)
        .limit(limit)
    )
    return shown(actor, session.scalars(statement).all())


def list_for_desk(actor: Actor, limit: int) -> list[DeskItem]:
    """Return matches that the actor was told of and said nothing about, the most suitable ones.

    A few of them, since one request alone may have twenty; `page_for` has them all.
    """
    statement = (
        _with_options()
        .where(
            Match.status == "open",
            or_(
                _for_requests(actor) & Match.request_told_at.is_not(None),
                _for_owners(actor) & Match.owner_told_at.is_not(None),
            ),
            _unjudged(actor),
        )
        .order_by(Match.score.desc(), Match.id)
        .limit(min(limit, MOST_ON_DESK))
    )
    return [
        DeskItem(
            _(
                "“%(title)s” may help with “%(request)s”",
                title=one.candidate.title,
                request=one.request.title,
            ),
            one.url,
            (one.match.owner_told_at if one.side == "owner" else one.match.request_told_at)
            or one.match.computed_at,
            detail=one.other.organization,
            action=_("See why"),
        )
        for one in shown(actor, session.scalars(statement).all())
    ]


@dataclass(frozen=True)
class Candidates:
    """The candidates of a request; is_computed: whether they were looked for at all yet."""

    shown: list[Shown]
    is_computed: bool


def candidates_section(actor: Actor, request: Request) -> Candidates | None:
    """Return the candidates for a request's page, for its people and for brokers, or None."""
    if request.status not in LISTED_STATUSES or not can(
        actor, Permission.MATCH_VIEW_CANDIDATES, request
    ):
        return None
    computed = select(MatchRound.request_id).where(
        MatchRound.request_id == request.id, MatchRound.computed_at.is_not(None)
    )
    found = list_matches(actor, request)
    return Candidates(found, bool(found) or session.scalar(computed) is not None)


# What a reader sees


def shown(actor: Actor, matches: Sequence[Match]) -> list[Shown]:
    """Return matches as the actor may see them; those whose candidate is hidden are left out."""
    cards = cards_of(actor, {(row.candidate_kind, row.candidate_id) for row in matches})
    names = _names(matches)
    said = feedback_of(actor, [row.id for row in matches])
    found = []
    for row in matches:
        candidate = cards.get((row.candidate_kind, row.candidate_id))
        if candidate is None:
            continue
        found.append(
            Shown(
                id=row.id,
                url=f"/matches/{row.id}",
                side=side_of(actor, row),
                status=row.status,
                percent=round(100 * row.score),
                request=card_of_request(actor, row.request),
                candidate=candidate,
                reasons=tuple(
                    Reason(
                        item["name"],
                        CRITERIA[item["name"]],
                        item["verdict"],
                        sentence(item, names),
                        question(item, names),
                    )
                    for item in row.criteria
                ),
                feedback=said.get(row.id),
                match=row,
            )
        )
    return found


def _names(matches: Sequence[Match]) -> dict[str, str]:
    capabilities, clusters = names_needed([item for row in matches for item in row.criteria])
    language = str(get_locale() or "en")
    names = preferred_labels(capabilities, language=language) if capabilities else {}
    return names | (cluster_labels(clusters) if clusters else {})


def _with_options() -> Select[Match]:
    return select(Match).options(*MATCH_OPTIONS)


def _page(
    actor: Actor,
    statement: Select[Match],
    cursor: str | None,
    limit: int,
    *,
    descending: bool = False,
) -> Page[Shown]:
    found = keyset_page(statement, (Match.id,), cursor=cursor, limit=limit, descending=descending)
    return Page(shown(actor, found.items), found.next)


def _for_requests(actor: Actor) -> ColumnElement[bool]:
    own = Request.organization_id.in_(sorted(actor.organizations_as()))
    return Match.request.has(own & Request.status.in_(LISTED_STATUSES))


def _for_owners(actor: Actor) -> ColumnElement[bool]:
    return and_(
        visible(actor, Permission.MATCH_VIEW),
        Match.organization_id.in_(sorted(actor.organizations_as())),
        Match.score >= TELLING_SCORE,
    )


def _unjudged(actor: Actor) -> ColumnElement[bool]:
    return ~exists().where(
        MatchFeedback.match_id == Match.id, MatchFeedback.user_id == actor.user_id
    )


# For the commands and the reactions


#: Sees what every member of the portal sees, and is nobody in particular.
_ANY_MEMBER = Actor(memberships={0: "member"})


def shown_to_members(matches: Sequence[Match]) -> list[Shown]:
    """Return matches as any member of the portal may see them, for messages."""
    return shown(_ANY_MEMBER, matches)


def list_open(match_ids: Sequence[int]) -> list[Match]:
    """Return those of the matches that are open."""
    statement = _with_options().where(Match.id.in_(match_ids), Match.status == "open")
    return list(session.scalars(statement.order_by(Match.score.desc(), Match.id)))


def list_kept(request: Request) -> list[Match]:
    """Return all matches that are kept of a request."""
    return list(
        session.scalars(select(Match).where(Match.request_id == request.id).order_by(Match.id))
    )


def answers_of(request: Request) -> dict[int, list[MatchAnswer]]:
    """Return what owners answered about a request's candidates, by match."""
    found: dict[int, list[MatchAnswer]] = defaultdict(list)
    for row in session.scalars(
        select(MatchAnswer)
        .join(Match, Match.id == MatchAnswer.match_id)
        .where(Match.request_id == request.id)
        .order_by(MatchAnswer.id)
    ):
        found[row.match_id].append(row)
    return found


def find_answer(match: Match, criterion: str) -> MatchAnswer | None:
    """Return the answer about a criterion of a match, or None."""
    return session.scalar(
        select(MatchAnswer).where(
            MatchAnswer.match_id == match.id, MatchAnswer.criterion == criterion
        )
    )


def ids_with_words(match_ids: Sequence[int]) -> set[int]:
    """Return those of the matches of which somebody said or answered something."""
    return {
        number
        for model in (MatchFeedback, MatchAnswer)
        for number in session.scalars(select(model.match_id).where(model.match_id.in_(match_ids)))
    }


def organizations_told(request: Request) -> set[int]:
    """Return the organizations that were told of a request as owners of a candidate."""
    return set(
        session.scalars(
            select(Match.organization_id).where(
                Match.request_id == request.id, Match.owner_told_at.is_not(None)
            )
        )
    )


def wants_mail(actor: Actor) -> bool:
    """Tell whether the actor is told of matches by e-mail as well."""
    choice = session.get(MatchChoice, actor.user_id) if actor.user_id is not None else None
    return choice is None or choice.wants_mail


def who_want_mail(people: Sequence[User]) -> list[User]:
    """Return those of some people who are told of matches by e-mail."""
    silent = set(
        session.scalars(
            select(MatchChoice.user_id).where(
                MatchChoice.user_id.in_([person.id for person in people]),
                MatchChoice.wants_mail.is_(False),
            )
        )
    )
    return [person for person in people if person.id not in silent]

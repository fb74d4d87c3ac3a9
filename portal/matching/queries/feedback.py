"""What people said of matches: one's own word, and what all of it says of each criterion."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from portal.kernel.authorization import Actor, authorize
from portal.kernel.database import session
from portal.matching.models import Match, MatchFeedback
from portal.matching.policies import Permission
from portal.matching.rules.words import CRITERIA


@dataclass(frozen=True)
class CriterionReport:
    """How often a criterion stood met, unmet or unknown in useful and in useless matches.

    blamed, praised: how often it was named as the reason of what was not useful, and of what was.
    """

    name: str
    label: Any
    useful: Mapping[str, int]
    useless: Mapping[str, int]
    praised: int
    blamed: int


def find_feedback(actor: Actor, match: Match) -> MatchFeedback | None:
    """Return what the actor said of a match, or None."""
    return feedback_of(actor, [match.id]).get(match.id)


def report_feedback(actor: Actor) -> list[CriterionReport]:
    """Return what people's feedback says of each criterion, over all matches."""
    authorize(actor, Permission.MATCH_VIEW_FEEDBACK)
    counts: dict[tuple[str, bool, str], int] = defaultdict(int)
    reasons: dict[tuple[str, bool], int] = defaultdict(int)
    for is_useful, criterion, verdicts in session.execute(
        select(MatchFeedback.is_useful, MatchFeedback.criterion, MatchFeedback.verdicts)
    ):
        reasons[criterion, is_useful] += 1
        for name, verdict in verdicts.items():
            counts[name, is_useful, verdict] += 1

    def by_verdict(name: str, is_useful: bool) -> dict[str, int]:
        return {
            verdict: counts[name, is_useful, verdict] for verdict in ("met", "unmet", "unknown")
        }

    return [
        CriterionReport(
            name,
            label,
            by_verdict(name, True),
            by_verdict(name, False),
            reasons[name, True],
            reasons[name, False],
        )
        for name, label in CRITERIA.items()
    ]


def feedback_of(actor: Actor, match_ids: Sequence[int]) -> dict[int, MatchFeedback]:
    """Return what the actor said of some matches, by match."""
    if actor.user_id is None:
        return {}
    return {
        row.match_id: row
        for row in session.scalars(
            select(MatchFeedback).where(
                MatchFeedback.match_id.in_(match_ids), MatchFeedback.user_id == actor.user_id
            )
        )
    }

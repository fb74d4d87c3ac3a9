"""What people said of matches: one's own word, and what all of it says of each criterion."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, select

from portal.kernel.authorization import Actor, authorize
from portal.kernel.database import session
from portal.matching.models import Match, MatchFeedback
from portal.matching.policies import Permission
from portal.matching.rules.words import CRITERIA, VERDICTS


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
    useful, useless = _count_verdicts(True), _count_verdicts(False)
    reasons = Counter(
        {
            (criterion, is_useful): count
            for criterion, is_useful, count in session.execute(
                select(MatchFeedback.criterion, MatchFeedback.is_useful, func.count()).group_by(
                    MatchFeedback.criterion, MatchFeedback.is_useful
                )
            )
        }
    )
    return [
        CriterionReport(
            name,
            label,
            useful[name],
            useless[name],
            reasons[name, True],
            reasons[name, False],
        )
        for name, label in CRITERIA.items()
    ]


def _count_verdicts(is_useful: bool) -> dict[str, dict[str, int]]:
    """Count how criteria stood in matches that were useful, or were not, by criterion."""
    counts = {
        f"{name} {verdict}": func.count(
            case((MatchFeedback.verdicts[name].as_string() == verdict, 1))
        ).label(f"{name} {verdict}")
        for name in CRITERIA
        for verdict in VERDICTS
    }
    row = session.execute(
        select(*counts.values()).where(MatchFeedback.is_useful.is_(is_useful))
    ).one()
    found = dict(zip(counts, row, strict=True))
    return {
        name: {verdict: found[f"{name} {verdict}"] for verdict in VERDICTS} for name in CRITERIA
    }


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

"""Commands of matching: keep what was computed, tell once, judge, answer, choose."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask_babel import gettext as _

from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.listing import SHOWN_TO_OTHERS
from portal.kernel.outbox import record
from portal.matching.events import MatchAnswered, MatchesFound
from portal.matching.models import Match, MatchAnswer, MatchChoice, MatchFeedback, MatchRound
from portal.matching.policies import Permission
from portal.matching.queries import matches as queries
from portal.matching.queries.candidates import Candidate
from portal.matching.queries.feedback import find_feedback
from portal.matching.rules.scoring import TELLING_SCORE, score
from portal.matching.rules.wording import is_question
from portal.partnerships.models import Request

#: Matches are looked at again by then, since days pass and calendars fill.
AGAIN_HOURS = 24
PUT_OFF_HOURS = 1
#: So many of a request's matches are told, to its people and to the owners.
MOST_TOLD = 10


@command(Permission.MATCH_COMPUTE)
def schedule_requests(
    actor: Actor, *, request_ids: Sequence[int], after: dt.timedelta = dt.timedelta()
) -> int:
    """Let the matches of requests be computed anew soon, or after a while; return how many."""
    due_at = now() + after
    for request_id in sorted(set(request_ids)):
        row = session.get(MatchRound, request_id, with_for_update=True)
        if row is None:
            session.add(MatchRound(request_id=request_id, due_at=due_at))
        else:
            row.due_at = min(row.due_at, due_at)
    return len(set(request_ids))


@command(Permission.MATCH_COMPUTE)
def put_off_request(actor: Actor, *, request_id: int) -> None:
    """Let the matches of a request wait that could not be computed now."""
    row = session.get(MatchRound, request_id, with_for_update=True)
    if row is None:
        row = MatchRound(request_id=request_id)
        session.add(row)
    row.due_at = now() + dt.timedelta(hours=PUT_OFF_HOURS)


@command(Permission.MATCH_COMPUTE)
def keep_matches(actor: Actor, request: Request, *, candidates: Sequence[Candidate]) -> list[Match]:
    """Write what was found for a request, and tell each side of what is new, once.

    What is no candidate any more is forgotten, unless somebody was told of it or said something of
    it. A request that takes no responses has no candidates. Returns the open matches.
    """
    is_open = request.status == "published"
    known = {(row.candidate_kind, row.candidate_id): row for row in queries.list_kept(request)}
    answers = queries.answers_of(request)
    kept: list[Match] = []
    for candidate in candidates if is_open else ():
        match = known.pop(candidate.offered.key, None)
        answered = answers.get(match.id, ()) if match is not None else ()
        values = _values(candidate, answered)
        if match is None:
            match = Match(
                request_id=request.id,
                candidate_kind=candidate.offered.kind,
                candidate_id=candidate.offered.id,
                **values,
            )
            session.add(match)
        elif any(getattr(match, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(match, name, value)
            match.computed_at = now()
        kept.append(match)
    said = queries.ids_with_words([row.id for row in known.values()])
    for match in known.values():
        if match.request_told_at or match.owner_told_at or match.id in said:
            match.status = "gone"
        else:
            session.delete(match)
    session.flush()
    _set_round(request, is_open=is_open)
    found = [match for match in kept if match.status == "open"]
    _tell(request, found)
    return found


@command(Permission.MATCH_JUDGE)
def judge_match(
    actor: Actor, match: Match, *, is_useful: bool, criterion: str = "", note: str = ""
) -> MatchFeedback:
    """Say whether a match is useful, and which criterion says why; a later word replaces it."""
    given = find_feedback(actor, match)
    if given is None:
        given = MatchFeedback(match_id=match.id, user_id=actor.user_id)
        session.add(given)
    given.side = queries.side_of(actor, match)
    given.is_useful = is_useful
    given.criterion = criterion
    given.note = note
    given.verdicts = {row["name"]: row["verdict"] for row in match.criteria}
    given.given_at = now()
    return given


@command(Permission.MATCH_ANSWER)
def answer_question(
    actor: Actor, match: Match, *, criterion: str, is_met: bool, note: str = ""
) -> MatchAnswer:
    """Answer, as the candidate's owner, what nobody could tell. Raises Conflict for what is known.

    The score follows when the request's matches are computed anew, which is now due.
    """
    rows = [row for row in match.criteria if row["name"] == criterion]
    if not rows:
        raise Invalid("criterion", _("There is no such question."))
    if not is_question(rows[0]) and rows[0]["variant"] != "answered":
        raise Conflict(_("This is not asked."))
    answer = queries.find_answer(match, criterion)
    if answer is None:
        answer = MatchAnswer(match_id=match.id, criterion=criterion)
        session.add(answer)
    answer.is_met, answer.note = is_met, note
    answer.answered_by_id, answer.answered_at = actor.user_id, now()
    match.criteria = [
        _answered(row, answer) if row["name"] == criterion else row for row in match.criteria
    ]
    session.flush()
    record(MatchAnswered(match.id, criterion))
    return answer


@command(Permission.MATCH_CHOOSE_MAIL)
def choose_mail(actor: Actor, *, wants_mail: bool) -> MatchChoice:
    """Choose whether matches are told by e-mail as well."""
    choice = session.get(MatchChoice, actor.user_id)
    if choice is None:
        choice = MatchChoice(user_id=actor.user_id)
        session.add(choice)
    choice.wants_mail = wants_mail
    return choice


def _values(candidate: Candidate, answers: Sequence[MatchAnswer]) -> dict[str, Any]:
    """The columns of a match, after what the candidate's owner answered."""
    by_name = {answer.criterion: answer for answer in answers}
    findings = [
        replace(one, verdict="met" if answer.is_met else "unmet", worth=float(answer.is_met))
        if one.verdict == "unknown" and (answer := by_name.get(one.name)) is not None
        else one
        for one in candidate.findings
    ]
    rows = [one.as_row() for one in findings]
    for row, before in zip(rows, candidate.findings, strict=True):
        if before.verdict == "unknown" and row["name"] in by_name:
            row |= _answered(row, by_name[row["name"]])
    return {
        "organization_id": candidate.offered.organization_id,
        "score": round(score(findings, candidate.suits), 4),
        "criteria": rows,
        "status": "ruled_out" if candidate.obstacle else "open",
    }


def _answered(row: Mapping[str, Any], answer: MatchAnswer) -> dict[str, Any]:
    return {
        **row,
        "verdict": "met" if answer.is_met else "unmet",
        "variant": "answered",
        "values": {"note": answer.note},
    }


def _set_round(request: Request, *, is_open: bool) -> None:
    row = session.get(MatchRound, request.id)
    if not is_open:
        if row is not None:
            session.delete(row)
        return
    if row is None:
        row = MatchRound(request_id=request.id)
        session.add(row)
    row.computed_at = now()
    row.due_at = now() + dt.timedelta(hours=AGAIN_HOURS)


def _tell(request: Request, found: Sequence[Match]) -> None:
    """Note that each side is told of what is new, and say so to who sends the e-mail."""
    best = sorted(found, key=lambda match: (-match.score, match.id))[:MOST_TOLD]
    new = [match for match in best if match.score >= TELLING_SCORE and not match.request_told_at]
    owners: list[Match] = []
    if request.visibility in SHOWN_TO_OTHERS:
        told = queries.organizations_told(request)
        for match in new:
            if match.organization_id not in told:
                told.add(match.organization_id)
                owners.append(match)
    for match in new:
        match.request_told_at = now()
        if request.visibility in SHOWN_TO_OTHERS:
            match.owner_told_at = now()
    # Nobody waits for word of the demo's own requests.
    if new and not request.is_demo:
        record(MatchesFound(request.id, [row.id for row in new], [row.id for row in owners]))

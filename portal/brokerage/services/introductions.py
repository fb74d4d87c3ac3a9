"""Commands: a broker proposes an introduction, its sides answer, the clock lets it lapse."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from flask_babel import gettext as _

from portal.brokerage.events import IntroductionWaits
from portal.brokerage.models.introductions import (
    Introduction,
    IntroductionParty,
    IntroductionReveal,
)
from portal.brokerage.policies import Permission
from portal.brokerage.queries import introductions as queries
from portal.brokerage.rules.blind import gives_address
from portal.brokerage.rules.introductions import (
    FEWEST_PARTIES,
    INTRODUCTIONS,
    MOST_PARTIES,
    PARTIES,
    USUAL_DAYS,
    USUAL_TERMS,
    due_at,
    next_reminder,
)
from portal.conversations.queries.moderation import is_any_blocked
from portal.kernel.authorization import Actor, authorize
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid, NotFound
from portal.kernel.outbox import record
from portal.matching.models import Match
from portal.matching.policies import Permission as MatchPermission
from portal.organizations.models import Organization
from portal.organizations.queries.people import managers_of
from portal.organizations.queries.profiles import get_named_organization
from portal.organizations.rules import gives_name
from portal.partnerships.models import Request
from portal.partnerships.policies import Permission as RequestPermission
from portal.partnerships.rules.workflows import OPEN_STATUSES
from portal.regions.models import Region


@command(Permission.INTRODUCTION_PROPOSE)
def propose_introduction(
    actor: Actor,
    region: Region,
    *,
    title: str,
    parties: Sequence[Mapping[str, Any]],
    terms: str = "",
    answer_days: int | None = None,
    request: Request | None = None,
    match: Match | None = None,
    is_demo: bool = False,
) -> Introduction:
    """Propose that two or three organizations meet; each side is written to.

    parties: of each side the `summary` that the others read, the `reason` that it reads itself,
    and who it is: `organization_id`, `organization` (a name, or the address of its page), or
    `stands_for`, the "poster" of the request (of the match) or the "candidate" of the match.
    Raises Invalid where a text gives away who a side is, and for sides that cannot answer.
    """
    request = _check_ground(actor, request, match)
    hidden = queries.hidden_ids(actor, request, match)
    sides = _sides_of(parties, request, match, hidden)
    _check_poster(request, sides, hidden)
    _check_sides(actor, region, sides, queries.requests_of(request, match))
    _check_blind([title, terms], sides)
    _check_free(request, sides)
    anonymous = queries.anonymous_ids(request, match)
    introduction = Introduction(
        region_id=region.id,
        request_id=request.id if request is not None else None,
        match_id=match.id if match is not None else None,
        title=title,
        terms=terms or str(USUAL_TERMS),
        status="proposed",
        answer_days=answer_days or USUAL_DAYS,
        created_by_id=actor.user_id,
        is_demo=is_demo,
        parties=[
            IntroductionParty(
                organization_id=side.organization.id,
                position=number,
                is_hidden=side.organization.id in anonymous
                and (side.is_kept or side.organization.id not in hidden),
                summary=side.summary,
                reason=side.reason,
            )
            for number, side in enumerate(sides, start=1)
        ],
    )
    moment = now()
    _ask(introduction, moment)
    session.add(introduction)
    session.flush()
    _reveal(introduction, "summary", moment)
    INTRODUCTIONS.apply(actor, introduction, "propose")
    return introduction


@command(INTRODUCTIONS.permission)
def act_on_introduction(
    actor: Actor, introduction: Introduction, action: str, *, note: str = ""
) -> Introduction:
    """Take an introduction back, give more time, or let two go on without a third (its broker)."""
    introduction = queries.get_introduction(introduction.id)
    if action == "go_on":
        return _go_on(actor, introduction)
    INTRODUCTIONS.apply(actor, introduction, action, note=note)
    if action == "extend":
        _ask(introduction, now())
    return introduction


@command(Permission.INTRODUCTION_ANSWER)
def answer_introduction(
    actor: Actor, party: IntroductionParty, action: str, **values: Any
) -> IntroductionParty:
    """Give a side's answer: "consent", "share" or "decline", with the values that go with it."""
    answers: Mapping[str, tuple[Callable[..., IntroductionParty], Sequence[str]]] = {
        "consent": (consent_to_meet, ("accepts_terms",)),
        "share": (share_contact, ("contact_name", "contact_email", "contact_phone")),
        "decline": (decline_introduction, ("note",)),
    }
    if action not in answers:
        raise NotFound(_("There is no such action."))
    answer, names = answers[action]
    return answer(actor, party, **{name: values[name] for name in names})


@command(Permission.INTRODUCTION_ANSWER)
def consent_to_meet(
    actor: Actor, party: IntroductionParty, *, accepts_terms: bool
) -> IntroductionParty:
    """Agree to meet and accept the terms; the last side to do so lets all know who they are."""
    introduction = _introduction_awaiting("proposed", party)
    if not accepts_terms:
        raise Invalid("accepts_terms", _("Please accept the terms, or decline."))
    moment = now()
    party.terms_accepted_at, party.terms_accepted_by_id = moment, actor.user_id
    PARTIES.apply(actor, party, "consent")
    _hold_or_advance(actor, introduction, party, moment)
    return party


@command(Permission.INTRODUCTION_ANSWER)
def share_contact(
    actor: Actor,
    party: IntroductionParty,
    *,
    contact_name: str,
    contact_email: str = "",
    contact_phone: str = "",
) -> IntroductionParty:
    """Give a contact for the others; the last side to do so lets all know how to reach each other.

    Raises Invalid without an address or a telephone number.
    """
    introduction = _introduction_awaiting("identified", party)
    if not contact_name:
        raise Invalid("contact_name", _("Please fill this in."))
    if not contact_email and not contact_phone:
        raise Invalid("contact_email", _("Please give an e-mail address or a telephone number."))
    moment = now()
    party.shared_at = moment
    party.contact_name = contact_name
    party.contact_email, party.contact_phone = contact_email, contact_phone
    PARTIES.apply(actor, party, "share")
    _hold_or_advance(actor, introduction, party, moment)
    return party


@command(Permission.INTRODUCTION_ANSWER)
def decline_introduction(actor: Actor, party: IntroductionParty, *, note: str) -> IntroductionParty:
    """Decline, at any time before the contacts are open; the broker alone reads the reason.

    Of three, the other two may go on: the broker decides, and each of them may decline as well.
    """
    introduction = queries.get_introduction(party.introduction_id)
    party.decline_reason = note.strip()
    PARTIES.apply(actor, party, "decline", note=note)
    if len(introduction.staying) < FEWEST_PARTIES:
        INTRODUCTIONS.apply(actor, introduction, "decline")
    else:
        INTRODUCTIONS.apply(actor, introduction, "halt")
        _ask(introduction, now())
    return party


@command(Permission.INTRODUCTION_LAPSE)
def lapse_overdue(actor: Actor) -> int:
    """Let the introductions lapse of which an answer did not come in time; return how many."""
    due = queries.list_overdue()
    for introduction_id in due:
        INTRODUCTIONS.apply(actor, queries.get_introduction(introduction_id), "lapse")
    return len(due)


@command(Permission.INTRODUCTION_LAPSE)
def remind_awaited(actor: Actor) -> int:
    """Note for each introduction that it is time to remind its silent sides; return how many."""
    due = queries.list_to_remind()
    for introduction in due:
        introduction.remind_at = next_reminder(
            introduction.asked_at, introduction.answer_by, after=now()
        )
        record(IntroductionWaits(introduction.id))
    return len(due)


@dataclass(frozen=True)
class _Side:
    """A side of an introduction to be; is_kept: the broker does not know who it is."""

    organization: Organization
    stands_for: str
    is_kept: bool
    summary: str
    reason: str


def _check_ground(actor: Actor, request: Request | None, match: Match | None) -> Request | None:
    """Return the request that an introduction is about, if any, while it is open."""
    if match is not None:
        authorize(actor, MatchPermission.MATCH_VIEW, match)
        if match.status != "open":
            raise Conflict(_("This match does not hold any more."))
        request = match.request
    if request is not None:
        authorize(actor, RequestPermission.REQUEST_VIEW, request)
        if request.status not in OPEN_STATUSES:
            raise Conflict(_("This request is not open now."))
    return request


def _sides_of(
    parties: Sequence[Mapping[str, Any]],
    request: Request | None,
    match: Match | None,
    hidden: Collection[int],
) -> list[_Side]:
    """Return who meets.

    No answer may tell the broker who an anonymous side is, nor whether a guess is right: whom the
    broker named is looked at as if nothing else were known of it. A right guess becomes an
    introduction like any other, of which nothing comes (`queries.are_kept_apart`).
    """
    known = {
        "poster": request.organization if request is not None else None,
        "candidate": match.organization if match is not None else None,
    }
    sides = []
    for party in parties:
        organization = _organization_of(party, known)
        stands_for = party.get("stands_for") or ""
        is_kept = organization.id in hidden and known.get(stands_for) is not None
        sides.append(_Side(organization, stands_for, is_kept, party["summary"], party["reason"]))
    return sides


def _organization_of(
    party: Mapping[str, Any], known: Mapping[str, Organization | None]
) -> Organization:
    organization = known.get(party.get("stands_for") or "")
    if organization is not None:
        return organization
    if party.get("organization_id") is not None:
        found = session.get(Organization, party["organization_id"])
        if found is None or found.status != "active":
            raise Invalid("parties", _("There is no such organization."))
        return found
    if party.get("organization"):
        try:
            return get_named_organization(party["organization"])
        except Invalid as error:
            raise Invalid("parties", f"“{party['organization']}”: {error.message}") from error
    raise Invalid("parties", _("Please say who each of them is."))


def _check_poster(request: Request | None, sides: Sequence[_Side], hidden: Collection[int]) -> None:
    if request is None:
        return
    if request.organization_id in hidden:
        is_there = any(side.stands_for == "poster" for side in sides)
    else:
        is_there = any(side.organization.id == request.organization_id for side in sides)
    if not is_there:
        raise Invalid("parties", _("The organization that posted the request must be one of them."))


def _check_sides(
    actor: Actor, region: Region, sides: Sequence[_Side], requests: Sequence[Request]
) -> None:
    if not FEWEST_PARTIES <= len(sides) <= MOST_PARTIES:
        raise Invalid("parties", _("Two or three organizations meet."))
    if {side.organization.id for side in sides} & set(actor.memberships):
        raise Invalid("parties", _("Another broker has to introduce an organization of yours."))
    named = [side.organization for side in sides if not side.is_kept]
    counties = [row.county_fips for row in named] + [row.county_fips for row in requests]
    if not queries.is_in_region(region, [fips for fips in counties if fips]):
        raise Invalid("parties", _("One of them must be in the region that you broker."))
    for side in sides:
        if not managers_of(side.organization.id):
            name = _("An organization") if side.is_kept else side.organization.name
            raise Invalid(
                "parties",
                _("%(name)s has nobody here yet who could answer. Invite it first.", name=name),
            )
    if len({row.id for row in named}) < len(named):
        raise Invalid("parties", _("Please name each organization once."))


def _check_blind(texts: Sequence[str], sides: Sequence[_Side]) -> None:
    """Refuse texts that tell another side who a side is, or how to reach anybody.

    A side's own reason may name it, since nobody else reads it.
    """
    for_all = [*texts, *(side.summary for side in sides)]
    if any(gives_address(text) for text in (*for_all, *(side.reason for side in sides))):
        raise Invalid(
            None,
            _("Please leave out addresses and telephone numbers: contacts come at the end."),
        )
    for side in sides:
        if side.is_kept:
            continue
        names = [side.organization.name, *side.organization.other_names]
        others = [other.reason for other in sides if other is not side]
        if any(gives_name(text, names) for text in (*for_all, *others)):
            raise Invalid(
                None,
                _(
                    "“%(name)s” stands in a text that the others read before they agree to meet.",
                    name=names[0],
                ),
            )


def _check_free(request: Request | None, sides: Sequence[_Side]) -> None:
    """Refuse who blocked each other, as far as they are named, and who were asked already."""
    if is_any_blocked([side.organization.id for side in sides if not side.is_kept]):
        raise Invalid(
            "parties", _("Two of these organizations cannot be introduced to each other now.")
        )
    if queries.find_waiting(
        [side.organization.id for side in sides], request.id if request is not None else None
    ):
        raise Conflict(_("An introduction of these organizations waits for an answer already."))


def _go_on(actor: Actor, introduction: Introduction) -> Introduction:
    """Let the two who are left go on; what they have answered stays."""
    is_known = introduction.identified_at is not None
    INTRODUCTIONS.apply(actor, introduction, "go_on_known" if is_known else "go_on")
    moment = now()
    _ask(introduction, moment)
    if not queries.are_kept_apart(introduction.staying):
        for party in introduction.staying:
            party.is_held = False
    _hold_or_advance(actor, introduction, introduction.staying[-1], moment)
    return introduction


def _hold_or_advance(
    actor: Actor, introduction: Introduction, last: IntroductionParty, moment: dt.datetime
) -> None:
    """Let all who stay know who they are, or how to reach each other, once all have agreed to it.

    Where two of those who have agreed must not meet, the last answer is held back: all others see
    it as missing, and the introduction lapses as if it were.
    """
    awaited = "consented" if introduction.identified_at is None else "sharing"
    agreed = [party for party in introduction.staying if party.status == awaited]
    if last in agreed and queries.are_kept_apart(agreed):
        last.is_held = True
    if len(agreed) < len(introduction.staying) or any(party.is_held for party in agreed):
        return
    if introduction.identified_at is None:
        introduction.identified_at = moment
        _ask(introduction, moment)
        _reveal(introduction, "identity", moment)
        INTRODUCTIONS.apply(actor, introduction, "identify")
    else:
        introduction.opened_at = moment
        _reveal(introduction, "contact", moment)
        INTRODUCTIONS.apply(actor, introduction, "open")


def _introduction_awaiting(status: str, party: IntroductionParty) -> Introduction:
    """Return a side's introduction with all its sides, read again under its lock.

    Raises Conflict when it awaits no such answer now.
    """
    introduction = queries.get_introduction(party.introduction_id)
    if introduction.status != status:
        raise Conflict(_("This answer is not awaited now. Please look at the page again."))
    return introduction


def _ask(introduction: Introduction, moment: dt.datetime) -> None:
    """Give the sides their time for the answer that is awaited from now on."""
    introduction.asked_at = moment
    introduction.answer_by = due_at(moment, introduction.answer_days)
    introduction.remind_at = next_reminder(moment, introduction.answer_by, after=moment)


def _reveal(introduction: Introduction, stage: str, moment: dt.datetime) -> None:
    for of, to in permutations(introduction.staying, 2):
        session.add(
            IntroductionReveal(
                introduction_id=introduction.id,
                party_id=of.id,
                to_party_id=to.id,
                stage=stage,
                revealed_at=moment,
            )
        )

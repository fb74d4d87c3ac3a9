"""What each reader may know of the sides of an introduction now: the one place that says it.

Pages, API, e-mails and conversations all print what this returns for their reader.
"""

import datetime as dt
from dataclasses import dataclass

from flask_babel import gettext as _

from portal.brokerage.models.introductions import Introduction, IntroductionParty
from portal.brokerage.policies import Permission
from portal.brokerage.rules.introductions import INTRODUCTIONS, letter_of
from portal.kernel.authorization import Actor, can
from portal.kernel.manifest import Party
from portal.kernel.workflow import WorkflowStep
from portal.partnerships.models import Request
from portal.partnerships.policies import Permission as RequestPermission


@dataclass(frozen=True)
class Contact:
    """How to reach a side, as its people gave it for the others."""

    name: str
    email: str
    phone: str


@dataclass(frozen=True)
class Side:
    """One side of an introduction, as one reader may know it now; what they may not is empty.

    label: its name, or the letter that stands for it.
    has_left: of three it declined, and the other two go on.
    """

    id: int
    label: str
    organization_id: int | None
    summary: str
    is_own: bool
    reason: str
    status: str
    terms_accepted_at: dt.datetime | None
    contact: Contact | None
    decline_reason: str
    has_left: bool


@dataclass(frozen=True)
class Reveal:
    """That something of one side became known to another, as one of the two may read it."""

    of: str
    to: str
    stage: str
    revealed_at: dt.datetime


#: While it is one of these, a side that declined was the third, and the others know who is left.
_GOING_ON = ("proposed", "identified", "open")


def sides_of(actor: Actor, introduction: Introduction) -> list[Side]:
    """Return the sides of an introduction as the actor may know them now: the one place that says.

    A side reads of the others what all agreed to, and of their answers nothing; the broker reads
    the answers and their reasons, but no contact.
    """
    is_broker = can(actor, Permission.INTRODUCTION_VIEW_WHOLE, introduction)
    has_contacts = can(actor, Permission.INTRODUCTION_VIEW_CONTACTS, introduction)
    met = _known_to(actor, introduction, "identity")
    reached = _known_to(actor, introduction, "contact") if has_contacts else set()
    sides = []
    for party in introduction.parties:
        is_own = party.organization_id in actor.memberships
        is_named = is_own or _knows(actor, introduction, party, met)
        is_inside = is_own or is_broker
        is_held = party.is_held and not is_own
        contact = Contact(party.contact_name, party.contact_email, party.contact_phone)
        sides.append(
            Side(
                id=party.id,
                label=party.organization.name if is_named else _lettered(party),
                organization_id=party.organization_id if is_named else None,
                summary=party.summary,
                is_own=is_own,
                reason=party.reason if is_inside else "",
                status=_status_to(introduction, party, is_held) if is_inside else "",
                terms_accepted_at=(
                    party.terms_accepted_at
                    if is_own or party.id in (_identified(introduction) if is_broker else met)
                    else None
                ),
                contact=contact if party.shared_at and (is_own or party.id in reached) else None,
                decline_reason=party.decline_reason if is_inside else "",
                has_left=party.status == "declined" and introduction.status in _GOING_ON,
            )
        )
    return sides


def _status_to(introduction: Introduction, party: IntroductionParty, is_held: bool) -> str:
    """Return a side's answer; while it is held back, the one before."""
    if not is_held or party.status == "declined":
        return party.status
    return "waiting" if introduction.identified_at is None else "consented"


def _knows(
    actor: Actor, introduction: Introduction, party: IntroductionParty, met: set[int]
) -> bool:
    """Tell whether the actor may know who another side is; `met` are those their own sides know.

    Who posted an anonymous request is kept from the broker as well, until all agreed to meet.
    """
    if not can(actor, Permission.INTRODUCTION_VIEW_IDENTITIES, introduction):
        return False
    if can(actor, Permission.INTRODUCTION_VIEW_WHOLE, introduction):
        return not party.is_hidden or party.id in _identified(introduction)
    return party.id in met


def _known_to(actor: Actor, introduction: Introduction, stage: str) -> set[int]:
    """Return the sides of which something of a kind became known to sides of the actor's."""
    own = {row.id for row in introduction.parties if row.organization_id in actor.memberships}
    return {
        row.party_id
        for row in introduction.reveals
        if row.stage == stage and row.to_party_id in own
    }


def _identified(introduction: Introduction) -> set[int]:
    """Return the sides that became known to another one; not one that had declined by then."""
    return {row.party_id for row in introduction.reveals if row.stage == "identity"}


def _lettered(party: IntroductionParty) -> str:
    return _("Organization %(letter)s", letter=letter_of(party.position))


def list_reveals(actor: Actor, introduction: Introduction) -> list[Reveal]:
    """Return what became known of whom to whom, oldest first: to a side what concerns it."""
    is_broker = can(actor, Permission.INTRODUCTION_VIEW_WHOLE, introduction)
    sides = {side.id: side for side in sides_of(actor, introduction)}
    return [
        Reveal(sides[row.party_id].label, sides[row.to_party_id].label, row.stage, row.revealed_at)
        for row in introduction.reveals
        if is_broker or sides[row.party_id].is_own or sides[row.to_party_id].is_own
    ]


def shown_status(actor: Actor, introduction: Introduction) -> str:
    """Return the state as the actor may know it.

    That somebody declined, or was silent, is for the broker and for who declined.
    """
    if can(actor, Permission.INTRODUCTION_VIEW_WHOLE, introduction):
        return introduction.status
    own = [party for party in introduction.parties if party.organization_id in actor.memberships]
    if own and all(party.status == "declined" for party in own):
        return "declined"
    has_ended = introduction.status in ("declined", "lapsed", "withdrawn")
    return "ended" if has_ended else introduction.status


def history_of(introduction: Introduction) -> list[tuple[WorkflowStep, str]]:
    """Return the steps of an introduction with who took each, as its broker may know it.

    Nobody is named for a side that is kept from the broker.
    """
    known = _identified(introduction)
    is_kept = any(party.is_hidden and party.id not in known for party in introduction.parties)
    return [
        (step, "" if is_kept and step.action in ("decline", "halt") else step.who)
        for step in INTRODUCTIONS.history(introduction)
    ]


def shown_request(actor: Actor, introduction: Introduction) -> Request | None:
    """Return the request of an introduction, to those whom it tells nothing that they may not know.

    Whose a request is stands on its page, unless it is anonymous.
    """
    request = introduction.request
    if request is None or not can(actor, RequestPermission.REQUEST_VIEW, request):
        return None
    is_telling = not request.is_anonymous and request.organization_id not in actor.memberships
    if is_telling and not can(actor, Permission.INTRODUCTION_VIEW_IDENTITIES, introduction):
        return None
    return request


def parties_in_thread(introduction: Introduction) -> tuple[Party, ...]:
    """Return who talks in the conversation of an introduction, by what the others may know.

    Of three, one that declined takes no part any more.
    """
    return _parties(introduction, introduction.identified_at is not None)


def parties_in_question(party: IntroductionParty) -> tuple[Party, ...]:
    """Return who talks where a side asks the broker, and not the other sides.

    Who is kept from the broker stays so; nobody is asked where brokers have no organization here.
    """
    is_named = not party.is_hidden or party.id in _identified(party.introduction)
    return _parties_in_question(party, is_named)


def parties_in_question_for_others(party: IntroductionParty) -> tuple[Party, ...]:
    """Return the same as others may know it: nobody is told who takes part."""
    return _parties_in_question(party, False)


def _parties_in_question(party: IntroductionParty, is_named: bool) -> tuple[Party, ...]:
    sides = {side.organization_id for side in party.introduction.parties}
    asked = [row for row in party.introduction.broker_organizations if row.id not in sides]
    if not asked:
        return ()
    name = party.organization.name if is_named else _lettered(party)
    return (
        Party(party.organization_id, name, is_named),
        *(Party(row.id, row.name) for row in asked),
    )


def parties_for_others(introduction: Introduction) -> tuple[Party, ...]:
    """Return who talks as others may know it: the sides pass on to nobody who takes part."""
    return _parties(introduction, False)


def _parties(introduction: Introduction, is_named: bool) -> tuple[Party, ...]:
    return tuple(
        Party(
            party.organization_id,
            party.organization.name if is_named else _lettered(party),
            is_named,
        )
        for party in (
            introduction.staying if len(introduction.parties) > 2 else introduction.parties
        )
    )

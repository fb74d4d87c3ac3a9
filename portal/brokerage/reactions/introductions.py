"""E-mails of introductions: to each side what its page would say, to the broker how it stands."""

from flask_babel import force_locale

from portal.accounts.models import User
from portal.brokerage import events
from portal.brokerage.models.introductions import Introduction, IntroductionParty
from portal.brokerage.queries import disclosure
from portal.brokerage.queries import introductions as queries
from portal.kernel.authorization import Actor
from portal.kernel.errors import NotFound
from portal.kernel.mail import queue_mails
from portal.kernel.web.addresses import external_url
from portal.organizations.queries.people import managers_of


def email_sides_on_introduction_proposed(event: events.IntroductionProposed) -> None:
    """Ask each side whether it wants to meet the others, of whom it reads no name."""
    _tell_sides(_find(event.introduction_id, "proposed"), "introduction_proposed")


def email_all_on_introduction_consented(event: events.IntroductionConsented) -> None:
    """Tell each side who the others are, and the broker that all agreed."""
    introduction = _find(event.introduction_id, "identified", "open")
    _tell_sides(introduction, "introduction_identified")
    _tell_broker(introduction)


def email_all_on_introduction_opened(event: events.IntroductionOpened) -> None:
    """Tell each side, and the broker, that they see now how to reach each other."""
    introduction = _find(event.introduction_id, "open")
    _tell_sides(introduction, "introduction_opened")
    _tell_broker(introduction)


def email_all_on_introduction_declined(event: events.IntroductionDeclined) -> None:
    """Tell the broker who declined and why, and the others that it came to nothing, or may not.

    Of three, the other two may go on: the broker is asked, and each of them may decline.
    """
    introduction = _find(event.introduction_id, "declined", "halted")
    if introduction is None:
        return
    is_over = introduction.status == "declined"
    template = "introduction_ended" if is_over else "introduction_halted"
    _tell_sides(introduction, template, but_party_id=event.party_id)
    _tell_broker(introduction, declined_id=event.party_id)


def email_sides_on_introduction_resumed(event: events.IntroductionResumed) -> None:
    """Tell the two who are left that it goes on, where it waits for an answer of theirs."""
    _tell_sides(_find(event.introduction_id, "proposed", "identified"), "introduction_resumed")


def email_all_on_introduction_lapsed(event: events.IntroductionLapsed) -> None:
    """Tell the sides and the broker that an answer did not come in time."""
    introduction = _find(event.introduction_id, "lapsed")
    _tell_sides(introduction, "introduction_ended")
    _tell_broker(introduction)


def email_sides_on_introduction_withdrawn(event: events.IntroductionWithdrawn) -> None:
    """Tell each side that it need not answer any more."""
    _tell_sides(_find(event.introduction_id, "withdrawn"), "introduction_ended")


def email_awaited_on_introduction_waits(event: events.IntroductionWaits) -> None:
    """Remind those of whom an answer is missing; of two that may go on, the broker."""
    introduction = _find(event.introduction_id, "proposed", "halted", "identified")
    if introduction is None:
        return
    if introduction.status == "halted":
        _tell_broker(introduction)
    for party in queries.awaited_parties(introduction):
        _tell_side(introduction, party, "introduction_waits")


def _tell_sides(
    introduction: Introduction | None, template: str, *, but_party_id: int | None = None
) -> None:
    """Write to every side but one; to nobody where the event is no longer true.

    A side that declined before hears no more of it.
    """
    if introduction is None:
        return
    for party in introduction.staying:
        if party.id != but_party_id:
            _tell_side(introduction, party, template)


def _tell_side(introduction: Introduction, party: IntroductionParty, template: str) -> None:
    """Write to the managers of a side what its people may read of the others."""
    reader = Actor(memberships={party.organization_id: "member"})
    staying = {row.id for row in introduction.staying}
    asking = queries.parties_by_id([party.id])[party.id]
    for person in managers_of(party.organization_id):
        sides = _sides_for(person, reader, introduction)
        queue_mails(
            [person],
            template,
            title=introduction.title,
            region=introduction.region.name,
            status=introduction.status,
            reason=party.reason,
            others=[side for side in sides if side.id != party.id and side.id in staying],
            is_answered=party not in queries.awaited_parties(introduction),
            can_ask=bool(disclosure.parties_in_question(asking)),
            answer_by=introduction.answer_by,
            url=_url(introduction),
        )


def _tell_broker(introduction: Introduction | None, *, declined_id: int | None = None) -> None:
    """Write to the broker how it stands, and with whom as far as the broker knows.

    declined_id: the side that has just declined.
    """
    if introduction is None:
        return
    reader = Actor(brokered_regions=frozenset({introduction.region_id}))
    for person in queries.brokers_of(introduction):
        sides = _sides_for(person, reader, introduction)
        queue_mails(
            [person],
            "introduction_moved",
            title=introduction.title,
            status=introduction.status,
            sides=[side for side in sides if side.id == declined_id or side.status != "declined"],
            declined=next((side for side in sides if side.id == declined_id), None),
            answer_by=introduction.answer_by,
            url=_url(introduction),
        )


def _sides_for(person: User, reader: Actor, introduction: Introduction) -> list[disclosure.Side]:
    """Return the sides as a reader may know them, in words of the person's language."""
    with force_locale(person.language or "en"):
        return disclosure.sides_of(reader, introduction)


def _url(introduction: Introduction) -> str:
    return external_url("brokerage.show_introduction", introduction_id=introduction.id)


def _find(introduction_id: int, *statuses: str) -> Introduction | None:
    """Return an introduction if it still stands as the event said."""
    try:
        found = queries.get_introduction(introduction_id)
    except NotFound:
        return None
    return found if found.status in statuses else None

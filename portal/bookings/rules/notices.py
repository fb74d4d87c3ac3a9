"""Who is told what about bookings: pure functions over who did it and who is concerned."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

REMINDERS: Mapping[str, Any] = {
    "1440": _l("A day before"),
    "60": _l("An hour before"),
    "none": _l("Not at all"),
}

#: What cannot be silenced: others decided about a person's booking.
URGENT_STEPS = frozenset({"decline", "cancel", "lapse", "release", "mark_no_show"})
#: Steps that nobody need be told of: whoever takes them is there, or hears of the move.
QUIET_STEPS = frozenset({"check_in", "check_out", "complete", "ask_again"})


@dataclass(frozen=True)
class Wishes:
    """What a person wants to get by e-mail."""

    tells_person: bool = True
    tells_host: bool = True
    tells_offers: bool = True


@dataclass(frozen=True)
class Concerned:
    """Whom a booking concerns, as numbers of people; former_id: who would have been there."""

    person_id: int | None
    booked_by_id: int | None
    manager_ids: Collection[int]
    former_id: int | None = None

    @property
    def customers(self) -> list[int]:
        """Who will be there, then who booked, each once."""
        found = [one for one in (self.person_id, self.booked_by_id) if one is not None]
        return list(dict.fromkeys(found))


def told_of_making(
    concerned: Concerned, wishes: Mapping[int, Wishes], by_user_id: int | None
) -> dict[int, str]:
    """Return who is told of a new booking, as "person" (with an invitation) or "host".

    Who will be there gets the invitation even for a booking of one's own: that is what brings it
    into the calendar. Whoever is on both sides is told once, as the person.
    """
    told: dict[int, str] = {}
    if concerned.person_id is not None and _wish(wishes, concerned.person_id).tells_person:
        told[concerned.person_id] = "person"
    for manager_id in concerned.manager_ids:
        if manager_id != by_user_id and _wish(wishes, manager_id).tells_host:
            told.setdefault(manager_id, "host")
    return told


def told_of_change(
    concerned: Concerned,
    wishes: Mapping[int, Wishes],
    by_user_id: int | None,
    *,
    action: str,
    by_host: bool,
) -> dict[int, str]:
    """Return who is told of a step or a move, as "person", "former" or "host"; "own": who did it.

    Who did it is told for the calendar's sake alone: whoever will be there (or would have been)
    was sent an invitation, which nothing but another message changes or withdraws.
    by_host: whether the host's side did it, or the clock; then the host need not be told.
    """
    if action in QUIET_STEPS:
        return {}
    told = {
        customer_id: "person"
        for customer_id in concerned.customers
        if customer_id != by_user_id
        and (action in URGENT_STEPS or _wish(wishes, customer_id).tells_person)
    }
    if not by_host:
        for manager_id in concerned.manager_ids:
            if manager_id != by_user_id and _wish(wishes, manager_id).tells_host:
                told.setdefault(manager_id, "host")
    for user_id, side in ((concerned.person_id, "own"), (concerned.former_id, "former")):
        is_new = side == "former" or user_id == by_user_id
        if user_id is not None and is_new and _wish(wishes, user_id).tells_person:
            told[user_id] = side
    return told


def _wish(wishes: Mapping[int, Wishes], user_id: int) -> Wishes:
    return wishes.get(user_id, Wishes())

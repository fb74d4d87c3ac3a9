"""Who is told what of enrollments: pure tables over what happened."""

from collections.abc import Mapping

#: Which sides are told of a step, or of the making of an enrollment ("made_" and its status): the
#: person, the firm that pays, the provider. Who did it is told only what the calendar needs.
TOLD: Mapping[str, tuple[str, ...]] = {
    "made_enrolled": ("person", "provider"),
    "made_requested": ("person", "provider"),
    "made_waiting": ("person",),
    "made_by_hand": ("firm",),
    "approve": ("person", "firm"),
    "refuse": ("person", "firm"),
    "accept": ("person", "firm", "provider"),
    "ask": ("provider",),
    "turn_down": ("firm",),
    "withdraw": ("person", "firm", "provider"),
    "object": ("person", "firm", "provider"),
    "remove": ("person", "firm"),
    "offer": ("person",),
    "lapse": ("person", "firm"),
    "cancel": ("person", "firm"),
    "move": ("person", "firm"),
    "reschedule": ("person",),
    "fail": ("person",),
}

#: What others decide about somebody cannot be switched off, nor can what a firm is to pay unasked.
URGENT = frozenset({"refuse", "remove", "lapse", "cancel", "move", "reschedule"})
#: What brings the meetings into the person's calendar, and what takes them out.
INTO_CALENDAR = frozenset({"made_enrolled", "approve", "accept", "move", "reschedule"})
OUT_OF_CALENDAR = frozenset({"withdraw", "object", "remove", "cancel"})
#: What a person is told who did it alone: it goes into the calendar, or is a receipt.
RECEIPTS = INTO_CALENDAR | {"made_requested", "made_waiting", "withdraw"}


def is_told(side: str, what: str, *, tells_person: bool, tells_host: bool, offers: bool) -> bool:
    """Tell whether somebody who wants to be told so much is told this."""
    if what == "made_by_hand" or (what in URGENT and side == "person"):
        return True
    if what == "offer":
        return offers
    return tells_host if side == "provider" else tells_person

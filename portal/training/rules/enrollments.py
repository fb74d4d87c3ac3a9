"""What holds for enrollments: their workflow, seats, deadlines, notice, and what is owed.

Pure functions and tables; nothing here reads the database.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l

from portal.kernel.workflow import Transition, Workflow
from portal.training.events import EnrollmentStepped

ENROLLMENT_STATUSES: Mapping[str, Any] = {
    "invited": _l("Invited"),
    "requested": _l("Waits for approval"),
    "waiting": _l("On the waiting list"),
    "offered": _l("Seat kept for you"),
    "enrolled": _l("Enrolled"),
    "completed": _l("Passed"),
    "failed": _l("Not passed"),
    "declined": _l("Declined"),
    "withdrawn": _l("Withdrawn"),
    "lapsed": _l("Lapsed"),
    "cancelled": _l("Cancelled"),
}

#: Those that have one of the section's seats.
SEATED_STATUSES = ("invited", "requested", "offered", "enrolled", "completed", "failed")
#: Those for which somebody has to say yes in time.
KEPT_STATUSES = ("invited", "offered")
#: Those that still may come to something: one of them at most for a person and a section.
LIVE_STATUSES = ("waiting", *SEATED_STATUSES)
#: What somebody asked for without a firm gives way to a firm's seat, as long as it has no result.
OWN_TO_GIVE_UP = ("requested", "waiting", "offered", "enrolled")
#: Those whose people take part: they get rosters, attendance and results.
TAKING_PART = ("enrolled", "completed", "failed")
#: Where an enrollment's page is.
ENROLLMENT_ADDRESS = "/training/enrollments/%d"
#: What a badge of each looks like.
ENROLLMENT_TONES: Mapping[str, str] = {
    "invited": "info",
    "requested": "info",
    "waiting": "info",
    "offered": "warn",
    "enrolled": "good",
    "completed": "good",
    "failed": "warn",
    "declined": "bad",
    "lapsed": "bad",
    "cancelled": "bad",
}

MOST_INVITED_AT_ONCE = 50
#: So many invitations to one section go to one address in a day.
MOST_INVITATION_MAILS = 3
#: So many invitations are sent in a day in the name of one organization.
MOST_INVITED_IN_A_DAY = 200
LONGEST_GRADE = 20
#: Whoever did not ask to be in it, or whose section has moved, has so long to withdraw for free.
FRESH_CHANCE = dt.timedelta(days=7)
#: However soon a section begins, whoever is asked has so long to answer.
LEAST_TIME_TO_ANSWER = dt.timedelta(hours=1)


def _stepped(action: str) -> Any:
    return lambda row, actor, note: EnrollmentStepped(
        row.id, row.section_id, action, row.status, actor.user_id, note
    )


def _step(
    action: str,
    sources: tuple[str, ...],
    target: str | None,
    permission: str,
    label: Any,
    done: Any,
    **more: Any,
) -> Transition:
    return Transition(
        action, sources, target, permission, label, done, **{"event": _stepped(action), **more}
    )


ENROLLMENTS = Workflow(
    "enrollment",
    ENROLLMENT_STATUSES,
    (
        _step(
            "approve",
            ("requested",),
            "enrolled",
            "enrollment.decide",
            _l("Approve"),
            _l("The enrollment was approved."),
            is_main=True,
        ),
        _step(
            "refuse",
            ("requested",),
            "declined",
            "enrollment.decide",
            _l("Decline"),
            _l("The request was declined."),
            note="required",
        ),
        # Accepting brings a person along, or asks the provider first: commands of their own.
        _step(
            "accept",
            KEPT_STATUSES,
            "enrolled",
            "enrollment.answer",
            _l("Take the seat"),
            _l("You are enrolled."),
            is_own=True,
        ),
        _step(
            "ask",
            KEPT_STATUSES,
            "requested",
            "enrollment.answer",
            _l("Take the seat"),
            _l("The provider decides now whether you can take part."),
            is_own=True,
        ),
        _step(
            "turn_down",
            KEPT_STATUSES,
            "declined",
            "enrollment.answer",
            _l("Decline"),
            _l("The seat goes to somebody else."),
            is_own=True,
        ),
        # Somebody whom the provider wrote down says which account is theirs.
        _step(
            "join",
            TAKING_PART,
            None,
            "enrollment.answer",
            _l("Keep it in your account"),
            _l("It stands in your account now."),
            is_own=True,
        ),
        _step(
            "withdraw",
            ("invited", "requested", "waiting", "offered", "enrolled"),
            "withdrawn",
            "enrollment.withdraw",
            _l("Withdraw"),
            _l("The enrollment was withdrawn."),
            note="optional",
            confirm=_l("Withdraw this enrollment? The seat goes to somebody else."),
        ),
        # Somebody whom the provider wrote down, and who has not kept it in an account, says no.
        _step(
            "object",
            ("enrolled",),
            "withdrawn",
            "enrollment.answer",
            _l("I do not take part"),
            _l("The enrollment was withdrawn."),
            confirm=_l("Withdraw this enrollment? The seat goes to somebody else."),
            is_own=True,
        ),
        _step(
            "remove",
            ("invited", "requested", "waiting", "offered", "enrolled"),
            "cancelled",
            "enrollment.decide",
            _l("Take off the roster"),
            _l("The enrollment was cancelled. Nothing is owed for it."),
            note="required",
        ),
        # A seat is free: it is kept for the next in line.
        _step(
            "offer",
            ("waiting",),
            "offered",
            "enrollment.close",
            _l("Offer the seat"),
            _l("The seat was offered."),
            is_own=True,
        ),
        _step(
            "invite",
            ("waiting",),
            "invited",
            "enrollment.close",
            _l("Invite"),
            _l("The invitation was sent."),
            is_own=True,
        ),
        _step(
            "lapse",
            ("invited", "offered", "waiting", "requested"),
            "lapsed",
            "enrollment.close",
            _l("Lapse"),
            _l("Nobody answered in time."),
            is_own=True,
        ),
        _step(
            "cancel",
            ("invited", "requested", "waiting", "offered", "enrolled"),
            "cancelled",
            "enrollment.close",
            _l("Cancel"),
            _l("The section was cancelled."),
            note="optional",
            is_own=True,
        ),
        _step(
            "move",
            ("requested", "enrolled"),
            None,
            "enrollment.decide",
            _l("Move to another section"),
            _l("The enrollment was moved."),
            note="required",
            is_own=True,
            # The command says as well from where.
            event=None,
        ),
        _step(
            "pass",
            ("enrolled", "failed"),
            "completed",
            "enrollment.record",
            _l("Passed"),
            _l("The result was recorded."),
            is_own=True,
        ),
        _step(
            "fail",
            ("enrolled", "completed"),
            "failed",
            "enrollment.record",
            _l("Not passed"),
            _l("The result was recorded."),
            is_own=True,
        ),
    ),
)

#: What a person reads in the history of an enrollment, by action.
HISTORY_WORDS: Mapping[str, Any] = {
    "approve": _l("Approved"),
    "refuse": _l("Declined by the provider"),
    "accept": _l("Accepted"),
    "ask": _l("Accepted, waits for approval"),
    "turn_down": _l("Turned down"),
    "join": _l("Kept in an account"),
    "withdraw": _l("Withdrawn"),
    "object": _l("Withdrawn"),
    "remove": _l("Taken off the roster"),
    "offer": _l("Seat offered"),
    "invite": _l("Invited"),
    "lapse": _l("Lapsed"),
    "cancel": _l("Section cancelled"),
    "move": _l("Moved to another section"),
    "pass": _l("Passed"),
    "fail": _l("Not passed"),
}

# Seats


def lowest_free(taken: Collection[int], seats: int) -> int | None:
    """Return the lowest number of a seat that nobody has, or None where all are taken."""
    return next((number for number in range(1, seats + 1) if number not in taken), None)


def renumbered(taken: Collection[int], seats: int) -> dict[int, int]:
    """Return which seats change their numbers, and to what, so that all are within `seats`.

    Raises ValueError where more are taken than that.
    """
    kept = {number for number in taken if number <= seats}
    beyond = sorted(number for number in taken if number > seats)
    changes: dict[int, int] = {}
    for number in beyond:
        free = lowest_free(kept, seats)
        if free is None:
            raise ValueError(seats)
        changes[number] = free
        kept.add(free)
    return changes


# Time


def begins_at(starts_on: dt.date, timezone: str) -> dt.datetime:
    """Return the instant at which a section's first day begins, on the clocks of its place."""
    return dt.datetime.combine(starts_on, dt.time(), ZoneInfo(timezone)).astimezone(dt.UTC)


def answer_by(
    moment: dt.datetime, kept_for: dt.timedelta, starts_on: dt.date, timezone: str
) -> dt.datetime:
    """Return until when a seat is kept that was offered at a moment: not beyond the beginning."""
    last = max(begins_at(starts_on, timezone), moment + LEAST_TIME_TO_ANSWER)
    return min(moment + kept_for, last)


def last_free_day(
    starts_on: dt.date, notice_days: int, *, told_on: dt.date | None = None
) -> dt.date:
    """Return the last day on which one can withdraw and owe nothing.

    notice_days: so many days before it begins; 0 is the day before. told_on: when somebody was
    told what they had not asked for.
    """
    usual = starts_on - dt.timedelta(days=max(notice_days, 1))
    return usual if told_on is None else max(usual, told_on + FRESH_CHANCE)


def is_late_withdrawal(status: str, today: dt.date, free_until: dt.date) -> bool:
    """Tell whether who withdraws today owes the price: enrolled, and the notice is over."""
    return status == "enrolled" and today > free_until


def result_waits_until(
    status: str, price_cents: int | None, free_until: dt.date, today: dt.date
) -> dt.date | None:
    """Return the day after which a result can be written down, or None where it need not wait.

    With a result there is no way back: it would end the days in which withdrawing is free.
    """
    is_waiting = status == "enrolled" and price_cents != 0 and today <= free_until
    return free_until if is_waiting else None


# Money


def is_owed(status: str, *, is_withdrawn_late: bool) -> bool:
    """Tell whether the price fixed at enrollment is owed."""
    return status in TAKING_PART or (status == "withdrawn" and is_withdrawn_late)


def owed_cents(status: str, price_cents: int | None, *, is_withdrawn_late: bool) -> int | None:
    """Return what is owed for an enrollment, in cents; None where no price was said."""
    if not is_owed(status, is_withdrawn_late=is_withdrawn_late):
        return 0
    return price_cents


def total_cents(amounts: Iterable[int | None]) -> int:
    """Return the sum of what is owed; what has no price counts for nothing."""
    return sum(amount or 0 for amount in amounts)


# Attendance


def attended_of(marks: Iterable[bool]) -> tuple[int, int]:
    """Return how many of the meetings that were looked at a person came to, and how many."""
    seen = list(marks)
    return sum(seen), len(seen)

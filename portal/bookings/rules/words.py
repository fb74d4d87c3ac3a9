"""The fixed words of bookings, the codes of their problems, and their workflows as tables."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.bookings.events import (
    AccessAnswered,
    BookingStepped,
    ClearanceStepped,
    QualificationStepped,
    RecognitionStepped,
)
from portal.kernel.workflow import Transition, Workflow

RESOURCE_KINDS: Mapping[str, Any] = {
    "equipment": _l("Equipment"),
    "facility": _l("Facility"),
    "operator": _l("Operator"),
    "organization": _l("Organization"),
}

APPROVALS: Mapping[str, Any] = {
    "instant": _l("At once, when all rules are kept"),
    "host": _l("After you approve it"),
}

CLOSURE_KINDS: Mapping[str, Any] = {
    "closure": _l("Closed"),
    "blocking": _l("Kept free for some"),
    "outage": _l("Out of order"),
}

QUOTA_SHARERS: Mapping[str, Any] = {
    "person": _l("each person"),
    "organization": _l("each organization"),
    "equipment": _l("everybody together"),
}

#: Over what a limit counts that a machine inherits, by whose word it is.
QUOTA_POOLS: Mapping[str, Any] = {
    "facility": _l("counted over all equipment of the facility together"),
    "organization": _l("counted over all of its kind at the organization together"),
}

QUOTA_PERIODS: Mapping[str, Any] = {
    "day": _l("a day"),
    "week": _l("a week"),
    "month": _l("a month"),
}

BOOKING_STATUSES: Mapping[str, Any] = {
    "requested": _l("Waits for approval"),
    "approved": _l("Booked"),
    "declined": _l("Declined"),
    "cancelled": _l("Cancelled"),
    "in_use": _l("In use"),
    "completed": _l("Completed"),
    "no_show": _l("Nobody came"),
}

#: While a booking is one of these, its time is taken. A requested one only asks for it.
HOLDING_STATUSES = ("approved", "in_use", "completed")
#: What still lies ahead or goes on.
OPEN_STATUSES = ("requested", "approved", "in_use")

WAITING_STATUSES: Mapping[str, Any] = {
    "waiting": _l("Waits"),
    "offered": _l("Offered"),
    "taken": _l("Booked"),
    "lapsed": _l("Over"),
    "left": _l("Left"),
}

GRANT_STATUSES: Mapping[str, Any] = {"valid": _l("Valid"), "revoked": _l("Revoked")}

CHARGE_KINDS: Mapping[str, Any] = {
    "use": _l("Use"),
    "operator": _l("Operator"),
    "minimum": _l("Up to the minimum charge"),
    "cancellation": _l("Late cancellation"),
    "no_show": _l("Nobody came"),
    "adjustment": _l("Adjustment"),
    "voucher": _l("Voucher"),
    "in_kind": _l("In kind"),
}

#: What a host adds by hand, with a reason.
MANUAL_CHARGE_KINDS = ("adjustment", "voucher", "in_kind")

DISPUTE_STATUSES: Mapping[str, Any] = {
    "open": _l("Open"),
    "settled": _l("Settled"),
    "rejected": _l("Rejected"),
}

CLEARANCE_KINDS: Mapping[str, Any] = {
    "agreement": _l("Signed agreement"),
    "insurance": _l("Insurance certificate"),
    "induction": _l("Safety induction"),
}

#: What somebody who misses it can ask a host for.
ACCESS_KINDS: Mapping[str, Any] = {"qualification": _l("Qualification"), **CLEARANCE_KINDS}
#: What only whoever will be there can ask for; the others are the organization's.
PERSONAL_GATES = ("qualification", "induction")

ACCESS_REQUEST_STATUSES: Mapping[str, Any] = {
    "open": _l("Waits for an answer"),
    "granted": _l("Granted"),
    "declined": _l("Declined"),
    "withdrawn": _l("Withdrawn"),
}

#: Every problem that an attempt to book can have; True where a host may set the rule aside.
#: The codes are part of the API and never change.
PROBLEMS: Mapping[str, bool] = {
    "in_the_past": False,
    "outside_hours": True,
    "closed": True,
    "outage": True,
    "too_short": True,
    "too_long": True,
    "not_on_slot": True,
    "too_soon": True,
    "too_far_ahead": True,
    "buffer": True,
    "quota_exceeded": True,
    "not_eligible": True,
    "not_qualified": False,
    "agreement_missing": True,
    "insurance_missing": False,
    "induction_missing": False,
    "conflict": False,
}


#: What concerns the person and not the time: what is looked at when a booking is handed over.
PERSONAL_PROBLEMS = (
    "buffer",
    "quota_exceeded",
    "not_eligible",
    "not_qualified",
    "agreement_missing",
    "insurance_missing",
    "induction_missing",
)

EARLIEST_CHECK_IN_MINUTES = 30


def may_check_in(booking: Any, at: dt.datetime) -> bool:
    """Tell whether it is time to check in for a booking."""
    earliest = booking.starts_at - dt.timedelta(minutes=EARLIEST_CHECK_IN_MINUTES)
    return bool(earliest <= at < booking.ends_at)


def _stepped(action: str, status: str) -> Any:
    return lambda booking, actor, note: BookingStepped(
        booking.id, action, status, actor.user_id, note
    )


def _step(
    action: str,
    sources: tuple[str, ...],
    target: str,
    permission: str,
    label: Any,
    done: Any,
    **more: Any,
) -> Transition:
    return Transition(
        action, sources, target, permission, label, done, event=_stepped(action, target), **more
    )


BOOKINGS = Workflow(
    "booking",
    BOOKING_STATUSES,
    (
        _step(
            "approve",
            ("requested",),
            "approved",
            "booking.decide",
            _l("Approve"),
            _l("The booking was approved."),
            is_main=True,
        ),
        _step(
            "decline",
            ("requested",),
            "declined",
            "booking.decide",
            _l("Decline"),
            _l("The booking was declined."),
            note="required",
        ),
        _step(
            "check_in",
            ("approved",),
            "in_use",
            "booking.use",
            _l("Check in"),
            _l("You are checked in."),
            is_main=True,
        ),
        _step(
            "check_out",
            ("in_use",),
            "completed",
            "booking.use",
            _l("Check out"),
            _l("Thank you. The booking is completed."),
            note="optional",
            is_main=True,
        ),
        _step(
            "cancel",
            ("requested", "approved"),
            "cancelled",
            "booking.cancel",
            _l("Cancel the booking"),
            _l("The booking was cancelled."),
            note="optional",
            confirm=_l("Cancel this booking? Its time is then free for others."),
        ),
        _step(
            "mark_no_show",
            ("approved",),
            "no_show",
            "booking.decide",
            _l("Nobody came"),
            _l("It was noted that nobody came."),
        ),
        # What its own side moved is asked for again where the host approves.
        _step(
            "ask_again",
            ("approved",),
            "requested",
            "booking.move",
            _l("Ask again"),
            _l("The host is asked again."),
            is_own=True,
        ),
        # What it is for, or how it is used, was said anew: the note is what was said before.
        *(
            Transition(
                action, OPEN_STATUSES, None, permission, label, done, note="optional", is_own=True
            )
            for action, permission, label, done in (
                (
                    "describe",
                    "booking.describe",
                    _l("Say what it is for"),
                    _l("What it is for was saved."),
                ),
                ("plan_use", "booking.use", _l("How it is used"), _l("The use was noted.")),
            )
        ),
        # Only the clock: what nobody checked in for, or forgot to check out of.
        _step(
            "release",
            ("approved",),
            "no_show",
            "booking.close",
            _l("Release"),
            _l("The time was released."),
            is_own=True,
        ),
        _step(
            "complete",
            ("in_use", "approved"),
            "completed",
            "booking.close",
            _l("Complete"),
            _l("The booking is completed."),
            is_own=True,
        ),
        # Only the clock: what was asked for and not decided before it began.
        _step(
            "lapse",
            ("requested",),
            "declined",
            "booking.close",
            _l("Lapse"),
            _l("Its time began before it was approved."),
            is_own=True,
        ),
    ),
)


def _grants(subject: str, permission: str, done: Mapping[str, Any], event: Any) -> Workflow:
    """Make the workflow of what a host grants, renews and revokes: its steps are the ledger."""

    def step(
        action: str, label: Any, sources: tuple[str, ...], target: str | None, **more: Any
    ) -> Transition:
        return Transition(
            action,
            sources,
            target,
            permission,
            label,
            done[action],
            event=lambda row, _actor, note: event(row.id, action, note),
            **more,
        )

    # Granted again after it was revoked, or with other dates, it is the same row.
    steps = [
        step("grant", _l("Grant"), ("valid", "revoked"), "valid", note="optional", is_own=True),
        step("revoke", _l("Revoke"), ("valid",), "revoked", note="required"),
    ]
    if "renew" in done:
        steps.append(step("renew", _l("Renew"), ("valid",), None, note="optional", is_own=True))
    return Workflow(subject, GRANT_STATUSES, tuple(steps))


QUALIFICATIONS = _grants(
    "qualification",
    "qualification.edit",
    {
        "grant": _l("The qualification was granted."),
        "renew": _l("The qualification was renewed."),
        "revoke": _l("The qualification was revoked."),
    },
    QualificationStepped,
)

CLEARANCES = _grants(
    "clearance",
    "clearance.edit",
    {
        "grant": _l("The clearance was filed."),
        "renew": _l("The clearance was renewed."),
        "revoke": _l("The clearance was revoked."),
    },
    ClearanceStepped,
)

RECOGNITIONS = _grants(
    "recognition",
    "recognition.edit",
    {
        "grant": _l("The recognition was added."),
        "revoke": _l("The recognition was revoked."),
    },
    RecognitionStepped,
)

#: What a ledger says of a step, by the action.
LEDGER_WORDS: Mapping[str, Any] = {
    "grant": _l("Granted"),
    "renew": _l("Renewed"),
    "revoke": _l("Revoked"),
}

ACCESS_REQUESTS = Workflow(
    "access_request",
    ACCESS_REQUEST_STATUSES,
    (
        # Follows from the grant of what was asked for.
        Transition(
            "grant",
            ("open",),
            "granted",
            "access.decide",
            _l("Grant"),
            _l("The request was granted."),
            is_own=True,
        ),
        Transition(
            "decline",
            ("open",),
            "declined",
            "access.decide",
            _l("Decline"),
            _l("The request was declined."),
            event=lambda row, _actor, note: AccessAnswered(row.id, note),
            note="required",
        ),
        Transition(
            "withdraw",
            ("open",),
            "withdrawn",
            "access.withdraw",
            _l("Withdraw"),
            _l("The request was withdrawn."),
        ),
    ),
)

"""Introductions: their states, the steps of a broker and of each side, and how long they wait."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.brokerage.events import (
    IntroductionConsented,
    IntroductionDeclined,
    IntroductionLapsed,
    IntroductionOpened,
    IntroductionProposed,
    IntroductionResumed,
    IntroductionWaits,
    IntroductionWithdrawn,
)
from portal.kernel.workflow import Transition, Workflow

FEWEST_PARTIES, MOST_PARTIES = 2, 3
#: So long the sides have for each of their two answers, unless the broker says otherwise.
USUAL_DAYS = 14
LONGEST_DAYS = 60

INTRODUCTION_STATUSES: Mapping[str, Any] = {
    "proposed": _l("Waiting for consent"),
    "halted": _l("One of three declined"),
    "identified": _l("Names are known"),
    "open": _l("Introduced"),
    "declined": _l("Declined"),
    "lapsed": _l("No answer in time"),
    "withdrawn": _l("Taken back"),
}
#: What a side reads: not why it came to nothing, unless it declined itself.
SHOWN_STATUSES: Mapping[str, Any] = {**INTRODUCTION_STATUSES, "ended": _l("Did not come about")}
#: States in which somebody's answer is awaited.
WAITING_STATUSES = ("proposed", "halted", "identified")

#: Who need not be named in a proposal.
STANDS_FOR: Mapping[str, Any] = {
    "poster": _l("Who posted the request"),
    "candidate": _l("Whose the match's candidate is"),
}

PARTY_STATUSES: Mapping[str, Any] = {
    "waiting": _l("No answer yet"),
    "consented": _l("Wants to meet"),
    "sharing": _l("Gave its contact"),
    "declined": _l("Declined"),
}

#: What becomes known of one side to another, in this order and no other.
REVEAL_STAGES: Mapping[str, Any] = {
    "summary": _l("What it is about, without a name"),
    "identity": _l("Who it is"),
    "contact": _l("How to reach it"),
}

INTRODUCTIONS = Workflow(
    "introduction",
    INTRODUCTION_STATUSES,
    (
        Transition(
            "propose",
            ("proposed",),
            None,
            "introduction.propose",
            _l("Propose"),
            _l("The introduction is proposed. Each side was written to."),
            event=lambda row, actor, note: IntroductionProposed(row.id),
            is_own=True,
        ),
        Transition(
            "identify",
            ("proposed",),
            "identified",
            "introduction.answer",
            _l("Show who they are"),
            _l("All sides agreed to meet."),
            event=lambda row, actor, note: IntroductionConsented(row.id),
            is_own=True,
        ),
        Transition(
            "open",
            ("identified",),
            "open",
            "introduction.answer",
            _l("Show how to reach them"),
            _l("All sides gave their contact."),
            event=lambda row, actor, note: IntroductionOpened(row.id),
            is_own=True,
        ),
        Transition(
            "decline",
            WAITING_STATUSES,
            "declined",
            "introduction.answer",
            _l("Decline"),
            _l("One side declined."),
            is_own=True,
        ),
        # While two are left, they may meet without the one that declined.
        Transition(
            "halt",
            ("proposed", "identified"),
            "halted",
            "introduction.answer",
            _l("Decline"),
            _l("One of three sides declined."),
            is_own=True,
        ),
        Transition(
            "go_on",
            ("halted",),
            "proposed",
            "introduction.manage",
            _l("Go on with the other two"),
            _l("The introduction goes on with the other two. They were written to."),
            event=lambda row, actor, note: IntroductionResumed(row.id),
            is_main=True,
        ),
        Transition(
            "go_on_known",
            ("halted",),
            "identified",
            "introduction.manage",
            _l("Go on with the other two"),
            _l("The introduction goes on with the other two. They were written to."),
            event=lambda row, actor, note: IntroductionResumed(row.id),
            is_own=True,
        ),
        # Whoever asks for time gets as much again as at first, and so do the others.
        Transition(
            "extend",
            ("proposed", "identified"),
            None,
            "introduction.manage",
            _l("Give more time"),
            _l("The sides have their whole time again. Those who have not answered were told."),
            event=lambda row, actor, note: IntroductionWaits(row.id),
        ),
        Transition(
            "withdraw",
            WAITING_STATUSES,
            "withdrawn",
            "introduction.manage",
            _l("Take back"),
            _l("The introduction is taken back. Each side was written to."),
            event=lambda row, actor, note: IntroductionWithdrawn(row.id),
            note="optional",
            confirm=_l("Take this introduction back? The organizations will not meet through it."),
        ),
        Transition(
            "lapse",
            WAITING_STATUSES,
            "lapsed",
            "introduction.lapse",
            _l("Lapse"),
            _l("Nobody waits for an answer any more."),
            event=lambda row, actor, note: IntroductionLapsed(row.id),
            is_own=True,
        ),
    ),
)

PARTIES = Workflow(
    "introduction_party",
    PARTY_STATUSES,
    (
        Transition(
            "consent",
            ("waiting",),
            "consented",
            "introduction.answer",
            _l("Agree to meet"),
            _l("You agreed to meet. When the others agree too, each learns who the others are."),
            is_main=True,
        ),
        Transition(
            "share",
            ("consented",),
            "sharing",
            "introduction.answer",
            _l("Give our contact"),
            _l("Your contact is kept until the others give theirs."),
            is_main=True,
        ),
        Transition(
            "decline",
            ("waiting", "consented", "sharing"),
            "declined",
            "introduction.answer",
            _l("Decline"),
            _l("You declined. Only the broker reads your reason."),
            event=lambda row, actor, note: IntroductionDeclined(row.introduction_id, row.id),
            note="required",
        ),
    ),
)

#: Brokers may work for a firm besides; what a side asks them is none of its business.
FIRM_KINDS = ("sme", "large_firm")

#: What the sides accept before they learn who the others are; the broker may word it otherwise.
USUAL_TERMS = _l(
    "What we learn of each other through this introduction, including who takes part in it, we use "
    "only to find out whether we want to work together. We do not pass it on, unless the other "
    "side agrees, it is public anyway, or the law demands it. This does not oblige anybody to make "
    "a deal, and it holds for two years, also if nothing comes of it."
)


def due_at(moment: dt.datetime, days: int) -> dt.datetime:
    """Return when an answer that is awaited from a moment on is due."""
    return moment + dt.timedelta(days=days)


def next_reminder(
    asked_at: dt.datetime, answer_by: dt.datetime, after: dt.datetime
) -> dt.datetime | None:
    """Return when the next reminder is due: at half time, then near the end, then never again.

    Near the end is the last tenth of the time, or two days before its end where that is later.
    """
    span = answer_by - asked_at
    near_end = answer_by - min(span / 10, dt.timedelta(days=2))
    return next((moment for moment in (asked_at + span / 2, near_end) if moment > after), None)


def letter_of(position: int) -> str:
    """Return by which letter a side is called as long as its name is not known: A, B or C."""
    return "ABC"[position - 1]

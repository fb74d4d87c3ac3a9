"""The fixed words of agreements and outcomes, and their two workflows."""

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import pgettext
from flask_babel.speaklater import LazyString

from portal.agreements.events import AgreementMoved, OutcomeMoved
from portal.kernel.authorization import Actor
from portal.kernel.workflow import Transition, Workflow

AGREEMENT_KINDS: Mapping[str, Any] = {
    "equipment_use": _l("Use of equipment"),
    "training_contract": _l("Training contract"),
    "rd_cooperation": _l("R&D cooperation"),
    "supply": _l("Supply"),
    "mutual_aid": _l("Mutual aid"),
    "consortium": _l("Consortium"),
    "other": _l("Something else"),
}

#: What a party does in an agreement.
PARTY_ROLES: Mapping[str, Any] = {
    "provider": _l("Provides"),
    "receiver": _l("Receives"),
    "partner": _l("Takes part"),
}

#: Kinds in which somebody gives something to somebody: one provider, and at least one receiver.
GIVEN_KINDS = frozenset({"equipment_use", "training_contract", "supply", "mutual_aid"})

MOST_PARTIES = 20
MOST_DOCUMENTS = 50
MOST_MILESTONES = 100

#: So many days before its day, people are told of a milestone, and of the end of an agreement.
MILESTONE_REMINDER_DAYS = 7
END_REMINDER_DAYS = 30


def _moved(action: str) -> Callable[[Any, Actor, str], AgreementMoved]:
    return lambda row, actor, note: AgreementMoved(row.id, action, row.status, note, actor.user_id)


AGREEMENT_STATUSES: Mapping[str, Any] = {
    "draft": _l("Draft"),
    "proposed": _l("Proposed"),
    "active": _l("Active"),
    # Of a booking the same word has another gender elsewhere.
    "completed": LazyString(lambda: pgettext("agreement", "Completed")),
    "terminated": _l("Terminated"),
}

#: States in which there is something to show for it.
MADE_STATUSES = ("active", "completed", "terminated")

AGREEMENTS = Workflow(
    "agreement",
    AGREEMENT_STATUSES,
    (
        Transition(
            "propose",
            ("draft",),
            "proposed",
            "agreement.edit",
            _l("Propose"),
            _l("The agreement was proposed to the other parties. Who proposes it agrees with it."),
            event=_moved("propose"),
            is_main=True,
        ),
        Transition(
            "revise",
            ("proposed",),
            "draft",
            "agreement.edit",
            _l("Take back to revise"),
            _l("The agreement is a draft again. Propose it anew when it is revised."),
            event=_moved("revise"),
            note="optional",
        ),
        Transition(
            "return",
            ("proposed",),
            "draft",
            "agreement.answer",
            _l("Ask for changes"),
            _l("The agreement was returned for changes."),
            event=_moved("return"),
            note="required",
        ),
        Transition(
            "decline",
            ("proposed",),
            "terminated",
            "agreement.answer",
            _l("Decline"),
            _l("The agreement was declined."),
            event=_moved("decline"),
            note="required",
            confirm=_l("Decline this agreement for good? To have it changed, ask for changes."),
        ),
        Transition(
            "acknowledge",
            ("proposed", "active"),
            None,
            "agreement.acknowledge",
            _l("Agree"),
            _l("One of the parties agrees."),
            event=_moved("acknowledge"),
            is_main=True,
            is_own=True,
        ),
        # Follows from the last party's word.
        Transition(
            "activate",
            ("proposed",),
            "active",
            "agreement.acknowledge",
            _l("Activate"),
            _l("All parties have agreed. The agreement is active."),
            event=_moved("activate"),
            is_own=True,
        ),
        # All that changes is its last day: what else is agreed on anew is a new agreement.
        Transition(
            "renew",
            ("active",),
            None,
            "agreement.close",
            _l("Ask to renew"),
            _l("The other parties were asked to renew the agreement. Who asks agrees."),
            event=_moved("renew"),
            is_own=True,
        ),
        Transition(
            "extend",
            ("active",),
            None,
            "agreement.acknowledge",
            _l("Renew"),
            _l("All parties have agreed. The agreement is renewed."),
            event=_moved("extend"),
            is_own=True,
        ),
        Transition(
            "keep",
            ("active",),
            None,
            "agreement.close",
            _l("Do not renew"),
            _l("The agreement is not renewed. Its last day stays."),
            event=_moved("keep"),
            note="optional",
        ),
        Transition(
            "complete",
            ("active",),
            "completed",
            "agreement.close",
            _l("Complete"),
            _l("The agreement is completed. Now say what came of it."),
            event=_moved("complete"),
            note="optional",
            confirm=_l("Is this agreement completed? What it allowed ends with it."),
        ),
        Transition(
            "terminate",
            ("active",),
            "terminated",
            "agreement.close",
            _l("Terminate"),
            _l("The agreement was terminated."),
            event=_moved("terminate"),
            note="required",
            confirm=_l("Terminate this agreement? What it allowed ends with it."),
        ),
    ),
)


#: What came of an agreement. Money is in cents, everything else in hundredths of its unit.
OUTCOME_KINDS: Mapping[str, Any] = {
    "private_investment": _l("Private investment"),
    "public_funds": _l("Public funds"),
    "revenue": _l("Revenue"),
    "savings": _l("Savings"),
    "jobs_created": _l("Jobs created"),
    "jobs_retained": _l("Jobs retained"),
    "wages": _l("Wages"),
    "people_trained": _l("People trained"),
    "credentials": _l("Credentials"),
    "patents_licenses": _l("Patents or licenses"),
    "products_processes": _l("Products or processes introduced"),
    "equipment_hours": _l("Hours of equipment used"),
    "firms_founded": _l("Firms founded"),
}

UNIT_OF: Mapping[str, str] = {
    "private_investment": "usd",
    "public_funds": "usd",
    "revenue": "usd",
    "savings": "usd",
    "jobs_created": "jobs",
    "jobs_retained": "jobs",
    "wages": "usd_a_year",
    "people_trained": "people",
    "credentials": "credentials",
    "patents_licenses": "rights",
    "products_processes": "products",
    "equipment_hours": "hours",
    "firms_founded": "firms",
}

#: What there are no fractions of.
WHOLE_UNITS = ("people", "credentials", "rights", "products", "firms")

OUTCOME_STATUSES: Mapping[str, Any] = {
    "asserted": _l("Waits to be confirmed"),
    "confirmed": _l("Confirmed"),
    "disputed": _l("Disputed"),
    "withdrawn": _l("Withdrawn"),
    "merged": _l("Same as another one"),
}

#: States in which an outcome may be the same as one that is claimed anew.
STANDING_STATUSES = ("asserted", "confirmed", "disputed")


def _told(action: str) -> Callable[[Any, Actor, str], OutcomeMoved]:
    return lambda row, actor, note: OutcomeMoved(row.id, action, note, actor.user_id)


OUTCOMES = Workflow(
    "outcome",
    OUTCOME_STATUSES,
    (
        Transition(
            "confirm",
            ("asserted",),
            "confirmed",
            "outcome.confirm",
            _l("Confirm"),
            _l("The outcome is confirmed."),
            event=_told("confirm"),
            is_main=True,
        ),
        Transition(
            "dispute",
            ("asserted", "confirmed"),
            "disputed",
            "outcome.confirm",
            _l("Dispute"),
            _l("The outcome is disputed, and not counted."),
            event=_told("dispute"),
            note="required",
        ),
        Transition(
            "withdraw",
            STANDING_STATUSES,
            "withdrawn",
            "outcome.edit",
            _l("Withdraw"),
            _l("The outcome was withdrawn."),
            event=_told("withdraw"),
            note="optional",
            confirm=_l("Withdraw this outcome? It is not counted any more."),
        ),
        Transition(
            "correct",
            STANDING_STATUSES,
            "asserted",
            "outcome.edit",
            _l("Correct"),
            _l("The outcome was corrected. It waits to be confirmed."),
            event=_told("correct"),
            is_own=True,
        ),
        Transition(
            "share",
            STANDING_STATUSES,
            None,
            "outcome.assert",
            _l("Share"),
            _l("The outcome is shared with another agreement. It is counted once."),
            event=_told("share"),
            note="optional",
            is_own=True,
        ),
        Transition(
            "merge",
            STANDING_STATUSES,
            "merged",
            "outcome.tell_apart",
            _l("It is the same"),
            _l("The two are one outcome, which is counted once."),
            event=_told("merge"),
            note="optional",
            is_own=True,
        ),
        Transition(
            "tell_apart",
            STANDING_STATUSES,
            None,
            "outcome.tell_apart",
            _l("It is another one"),
            _l("The two are different outcomes. Each is counted."),
            event=_told("tell_apart"),
            note="required",
            is_own=True,
        ),
    ),
)

"""The words of skill demands and offers of a cohort, and what steps they take.

Pure functions and tables; nothing here reads the database.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.kernel.workflow import Transition, Workflow
from portal.training.events import CohortAnswered, DemandSaved

DEMAND_STATUSES: Mapping[str, Any] = {
    "open": _l("open"),
    "met": _l("met"),
    "withdrawn": _l("withdrawn"),
}

DEMANDS = Workflow(
    "skill_demand",
    DEMAND_STATUSES,
    (
        Transition(
            "meet",
            ("open",),
            "met",
            "skill_demand.edit",
            _l("It is met"),
            _l("Good to hear. The need is marked as met."),
            lambda row, _actor, _note: DemandSaved(row.id, row.organization_id),
        ),
        Transition(
            "withdraw",
            ("open",),
            "withdrawn",
            "skill_demand.edit",
            _l("Withdraw"),
            _l("The need was withdrawn."),
            lambda row, _actor, _note: DemandSaved(row.id, row.organization_id),
            confirm=_l("Withdraw this need? It no longer counts in what colleges see."),
        ),
        Transition(
            "reopen",
            ("met", "withdrawn"),
            "open",
            "skill_demand.edit",
            _l("Open it again"),
            _l("The need is open again."),
            lambda row, _actor, _note: DemandSaved(row.id, row.organization_id),
        ),
    ),
)

INVITATION_STATUSES: Mapping[str, Any] = {
    "waiting": _l("waiting for an answer"),
    "accepted": _l("accepted"),
    "declined": _l("declined"),
}

INVITATIONS = Workflow(
    "cohort_invitation",
    INVITATION_STATUSES,
    (
        Transition(
            "accept",
            ("waiting", "declined"),
            "accepted",
            "cohort_invitation.answer",
            _l("Take seats"),
            _l("You take seats. The provider knows now who you are."),
            lambda row, _actor, _note: CohortAnswered(row.id, row.offer_id),
            is_main=True,
            is_own=True,
        ),
        Transition(
            "decline",
            ("waiting", "accepted"),
            "declined",
            "cohort_invitation.answer",
            _l("Decline"),
            _l("You declined."),
            lambda row, _actor, _note: CohortAnswered(row.id, row.offer_id),
        ),
    ),
)

#: The kinds of organizations whose people see where demand and supply part; firms do not.
GAP_READERS = (
    "university",
    "community_college",
    "research_lab",
    "government_agency",
    "economic_development_organization",
    "labor_union",
    "trade_association",
    "other_intermediary",
)

MOST_PEOPLE = 5_000
#: How long before a need is asked to be confirmed again.
DEMAND_STALE_DAYS = 90
MOST_IMPORTED = 500
#: So many offers for one skill a firm gets from one provider within so many days.
MOST_OFFERS = 3
OFFERS_SPARED_DAYS = 30


def quarter_of(day: dt.date) -> int:
    """Return the number of a day's quarter; the next quarter's is one more."""
    return day.year * 4 + (day.month - 1) // 3


def quarter_label(quarter: int) -> str:
    """Return a quarter in words: "Q1 2027"."""
    return _("Q%(number)s %(year)s", number=quarter % 4 + 1, year=quarter // 4)


def quarter_begins(quarter: int) -> dt.date:
    """Return the first day of a quarter."""
    return dt.date(quarter // 4, quarter % 4 * 3 + 1, 1)


def quarter_code(quarter: int) -> str:
    """Return a quarter as addresses and tables have it: "2027-Q1"."""
    return f"{quarter // 4}-Q{quarter % 4 + 1}"


def read_quarter(text: str) -> int | None:
    """Return the quarter of "2027-Q1", or None."""
    year, _dash, number = text.partition("-Q")
    if len(year) == 4 and year.isdecimal() and year.isascii() and number in ("1", "2", "3", "4"):
        return int(year) * 4 + int(number) - 1
    return None

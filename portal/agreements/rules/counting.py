"""When two outcomes are one, and the lines under which funders count what a region has to show.

The categories are those of the U.S. Economic Development Administration's forms: outputs (what was
done) and outcomes (what came of it). Pure values and functions.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.agreements.rules.words import OUTCOME_KINDS, UNIT_OF

#: Two people who tell of one thing seldom give the same day, and often round.
ALIKE_DAYS = 45
ALIKE_PERCENT = 10


@dataclass(frozen=True)
class Result:
    """What of an outcome says whether it is the same as another one."""

    organization_id: int
    kind: str
    amount_hundredths: int
    happened_on: dt.date


def are_alike(one: Result, other: Result) -> bool:
    """Tell whether two outcomes may be one: of one kind, about the same day and amount.

    Those of one organization may differ a little in their amounts; two organizations that each
    claim one thing for themselves claim exactly the same.
    """
    if one.kind != other.kind or abs((one.happened_on - other.happened_on).days) > ALIKE_DAYS:
        return False
    difference = abs(one.amount_hundredths - other.amount_hundredths)
    if one.organization_id != other.organization_id:
        return difference == 0
    return difference * 100 <= ALIKE_PERCENT * max(one.amount_hundredths, other.amount_hundredths)


#: What funders ask for, in the order of their forms.
CATEGORIES: Mapping[str, Any] = {
    "facilities_equipment": _l("Facilities and equipment"),
    "networking_referrals": _l("Events, networking, referrals"),
    "rd_commercialization": _l("R&D and commercialization"),
    "financing": _l("Financing"),
    "training": _l("Training"),
    "planning": _l("Planning"),
    "private_investment": _l("Private investment"),
    "wages": _l("Wages"),
    "revenue": _l("Revenue"),
    "new_firms": _l("New firms"),
    "jobs": _l("Jobs created and retained"),
    "capacity": _l("Regional capacity"),
}
OUTPUTS = (
    "facilities_equipment",
    "networking_referrals",
    "rd_commercialization",
    "financing",
    "training",
    "planning",
)
SECTIONS: Mapping[str, Any] = {"output": _l("Output"), "outcome": _l("Outcome")}


@dataclass(frozen=True)
class Line:
    """One line of a report: its category and what is counted in it.

    source: "outcomes" (of a kind), "agreements" (of a kind), "introductions", or "value" (what
    agreements put into it: private, public or in kind).
    """

    category: str
    source: str
    key: str
    label: Any
    unit: str

    @property
    def section(self) -> str:
        """Whether it says what was done, or what came of it."""
        return "output" if self.category in OUTPUTS else "outcome"


def _outcome(category: str, kind: str) -> Line:
    return Line(category, "outcomes", kind, OUTCOME_KINDS[kind], UNIT_OF[kind])


def _agreements(category: str, kind: str, label: Any) -> Line:
    return Line(category, "agreements", kind, label, "agreements")


LINES: tuple[Line, ...] = (
    _agreements("facilities_equipment", "equipment_use", _l("Agreements on the use of equipment")),
    _agreements("facilities_equipment", "mutual_aid", _l("Agreements on mutual aid")),
    _outcome("facilities_equipment", "equipment_hours"),
    Line(
        "networking_referrals",
        "introductions",
        "opened",
        _l("Introductions to which both sides agreed"),
        "introductions",
    ),
    _agreements("networking_referrals", "supply", _l("Agreements on supply")),
    _agreements("networking_referrals", "other", _l("Other agreements")),
    _agreements("rd_commercialization", "rd_cooperation", _l("Agreements on R&D cooperation")),
    _outcome("rd_commercialization", "patents_licenses"),
    _outcome("rd_commercialization", "products_processes"),
    Line("financing", "value", "private_cents", _l("Private money put into agreements"), "usd"),
    Line("financing", "value", "public_cents", _l("Public money put into agreements"), "usd"),
    Line("financing", "value", "in_kind_cents", _l("In-kind value put into agreements"), "usd"),
    _outcome("financing", "public_funds"),
    _agreements("training", "training_contract", _l("Training contracts")),
    _outcome("training", "people_trained"),
    _outcome("training", "credentials"),
    _agreements("planning", "consortium", _l("Consortia")),
    _outcome("private_investment", "private_investment"),
    _outcome("wages", "wages"),
    _outcome("revenue", "revenue"),
    _outcome("new_firms", "firms_founded"),
    _outcome("jobs", "jobs_created"),
    _outcome("jobs", "jobs_retained"),
    _outcome("capacity", "savings"),
)

CATEGORY_OF_OUTCOME: Mapping[str, str] = {
    line.key: line.category for line in LINES if line.source == "outcomes"
}
CATEGORY_OF_AGREEMENT: Mapping[str, str] = {
    line.key: line.category for line in LINES if line.source == "agreements"
}

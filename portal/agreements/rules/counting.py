"""When two outcomes are one, the lines under which funders count what a region has to show, and
what of training on the portal counts besides what outcomes tell of it already.

The categories are those of the U.S. Economic Development Administration's forms: outputs (what was
done) and outcomes (what came of it). Pure values and functions.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

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

    source: "outcomes" (of a kind), "agreements" (of a kind), "introductions", "value" (what
    agreements put into it: private, public or in kind), or "training" (certificates of the portal).
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
    Line(
        "training",
        "training",
        "people_passed",
        _l("More people who passed training on the portal"),
        "people",
    ),
    Line(
        "training",
        "training",
        "credentials_awarded",
        _l("More credentials that training on the portal led to"),
        "credentials",
    ),
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

#: So many people of a provider passed, or nobody is told how many.
FEWEST_PEOPLE = 4

#: Of so many organizations, or nobody but brokers is told a sum.
FEWEST_ORGANIZATIONS = 4


class Passed(NamedTuple):
    """A certificate that is good or expired: of whose training, who paid (None: the person)."""

    provider_id: int
    payer_id: int | None
    holder: str
    issued_on: dt.date
    is_credential: bool


class Claimed(NamedTuple):
    """A confirmed outcome of training: how many, where, and the parties of its agreements."""

    kind: str
    organization_id: int
    party_ids: frozenset[int]
    amount: int


def count_passed(
    passed: Iterable[Passed], claimed: Iterable[Claimed], since: dt.date, until: dt.date
) -> dict[str, int]:
    """Return how many people passed and how many credentials they got, besides what outcomes claim.

    Counted are whole quarters of a provider in which four people or more passed, and whole years of
    what is left of it; so no two periods differ by fewer people. Credentials are counted so as
    well, by the people who got one. Both ends are in the period.
    What an outcome claims is taken off the results between the parties of its agreements: those
    that a party or the person paid, or all of the provider where it came about there.
    """
    rows = list(passed)
    counted = _told(rows, since, until)
    people = {(row.provider_id, row.holder, _quarter(row.issued_on)): row for row in counted}
    # One credential among four who passed would tell whose it is.
    credentials = _told([row for row in rows if row.is_credential], since, until)
    claims = list(claimed)
    return {
        "people_passed": _left(list(people.values()), claims, "people_trained"),
        "credentials_awarded": _left(credentials, claims, "credentials"),
    }


def _told(passed: Iterable[Passed], since: dt.date, until: dt.date) -> list[Passed]:
    return [row for cell in _cells(passed, since, until) for row in cell]


def _quarter(day: dt.date) -> tuple[int, int]:
    return day.year, (day.month - 1) // 3


def _cells(passed: Iterable[Passed], since: dt.date, until: dt.date) -> list[list[Passed]]:
    """Return what may be told of a period: quarters of a provider, then years of what is left."""
    quarters: dict[tuple[int, tuple[int, int]], list[Passed]] = defaultdict(list)
    for row in sorted(passed, key=lambda one: (one.issued_on, one.holder, one.payer_id or 0)):
        quarters[row.provider_id, _quarter(row.issued_on)].append(row)
    found: list[list[Passed]] = []
    years: dict[tuple[int, int], list[Passed]] = defaultdict(list)
    for (provider_id, (year, number)), rows in quarters.items():
        begin = dt.date(year, number * 3 + 1, 1)
        end = dt.date(year + number // 3, (number * 3 + 3) % 12 + 1, 1) - dt.timedelta(days=1)
        if not _are_enough(rows):
            years[provider_id, year] += rows
        elif since <= begin and end <= until:
            found.append(rows)
    for (_provider_id, year), rows in years.items():
        is_whole = since <= dt.date(year, 1, 1) and dt.date(year, 12, 31) <= until
        if is_whole and _are_enough(rows):
            found.append(rows)
    return found


def _are_enough(rows: Iterable[Passed]) -> bool:
    return len({row.holder for row in rows}) >= FEWEST_PEOPLE


def _left(rows: list[Passed], claims: Iterable[Claimed], kind: str) -> int:
    """Return how many of the rows no outcome of a kind claims."""
    left = list(rows)
    for claim in claims:
        if claim.kind == kind:
            told = [place for place, row in enumerate(left) if _is_told(row, claim)]
            taken = set(told[: claim.amount])
            left = [row for place, row in enumerate(left) if place not in taken]
    return len(left)


def _is_told(row: Passed, claim: Claimed) -> bool:
    return row.provider_id in claim.party_ids and (
        claim.organization_id == row.provider_id
        or row.payer_id is None
        or row.payer_id in claim.party_ids
    )

"""The weights of the criteria, in one table, and the score of a candidate."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from portal.matching.rules.facts import Finding, Offered, Wanted

#: How much each criterion counts beside the others: for what happens in one place, and for what
#: people who seldom meet can do together.
WEIGHTS: Mapping[str, tuple[float, float]] = {
    "capability": (6.0, 6.0),
    "text": (6.0, 6.0),
    "distance": (7.0, 1.0),
    "availability": (1.0, 1.0),
    "certification": (1.0, 1.0),
    "eligibility": (0.5, 0.5),
    "capacity": (1.0, 1.0),
    "rate": (0.5, 0.5),
    "credential": (1.0, 1.0),
    "language": (1.0, 1.0),
    "trl": (0.5, 1.0),
    "partner_kind": (0.5, 0.5),
    "partner_size": (0.5, 0.5),
    "cluster": (0.3, 0.3),
    "freshness": (0.3, 0.3),
}
#: What is done in one place.
LOCAL_KINDS = frozenset({"equipment_sharing", "training", "supply_chain"})

#: How well a kind of candidate suits a kind of request, apart from all criteria: whoever looks for
#: a course is helped by a school rather than by a machine. Requests by their own kind.
SUITS: Mapping[str, Mapping[str, float]] = {
    "equipment_sharing": {
        "equipment": 1.0,
        "facility": 0.95,
        "organization": 0.9,
        "program": 0.4,
        "request:equipment_sharing": 1.0,
        "request:supply_chain": 0.8,
        "request:rd_cooperation": 0.6,
        "request:technology": 0.5,
        "request:consortium": 0.3,
        "request:training": 0.3,
    },
    "training": {
        "equipment": 0.6,
        "facility": 0.9,
        "organization": 1.0,
        "program": 1.0,
        "request:equipment_sharing": 0.4,
        "request:supply_chain": 0.4,
        "request:rd_cooperation": 0.4,
        "request:technology": 0.3,
        "request:consortium": 0.6,
        "request:training": 1.0,
    },
    "supply_chain": {
        "equipment": 0.75,
        "facility": 0.8,
        "organization": 1.0,
        "program": 0.3,
        "request:equipment_sharing": 0.7,
        "request:supply_chain": 1.0,
        "request:rd_cooperation": 0.5,
        "request:technology": 0.5,
        "request:consortium": 0.3,
        "request:training": 0.3,
    },
    "rd_cooperation": {
        "equipment": 0.9,
        "facility": 0.95,
        "organization": 1.0,
        "program": 0.3,
        "request:equipment_sharing": 0.9,
        "request:supply_chain": 0.5,
        "request:rd_cooperation": 1.0,
        "request:technology": 0.9,
        "request:consortium": 0.5,
        "request:training": 0.3,
    },
    "technology": {
        "equipment": 0.9,
        "facility": 0.9,
        "organization": 1.0,
        "program": 0.3,
        "request:equipment_sharing": 0.7,
        "request:supply_chain": 0.6,
        "request:rd_cooperation": 1.0,
        "request:technology": 1.0,
        "request:consortium": 0.4,
        "request:training": 0.3,
    },
    "consortium": {
        "equipment": 0.5,
        "facility": 0.7,
        "organization": 1.0,
        "program": 0.4,
        "request:equipment_sharing": 0.6,
        "request:supply_chain": 0.8,
        "request:rd_cooperation": 0.9,
        "request:technology": 0.8,
        "request:consortium": 0.9,
        "request:training": 0.4,
    },
}
#: From so well on, people are told.
TELLING_SCORE = 0.5
#: What nobody knows counts as half.
UNKNOWN_WORTH = 0.5
#: Below it, a candidate is none.
LOWEST_SCORE = 0.3
#: It can do it as well as this, or has something to do with it and its words answer as well.
LOWEST_CAPABILITY = 0.45
LOWEST_KINSHIP = 0.2
LOWEST_TEXT = 0.47


class Suits(NamedTuple):
    """Which column of the weights counts, and how much of the score stays."""

    column: int
    share: float


def score(findings: Sequence[Finding], suits: Suits) -> float:
    """Return how well a candidate suits, from 0 to 1: the criteria by their weights."""
    total = sum(WEIGHTS[finding.name][suits.column] for finding in findings)
    worth = sum(
        WEIGHTS[finding.name][suits.column]
        * (UNKNOWN_WORTH if finding.verdict == "unknown" else finding.worth)
        for finding in findings
    )
    return suits.share * worth / total if total else 0.0


def suits(wanted: Wanted, offered: Offered) -> Suits:
    """Return how well what the candidate is suits what the request is about."""
    column = 0 if wanted.kind in LOCAL_KINDS else 1
    if offered.kind != "request":
        return Suits(column, SUITS[wanted.kind][offered.kind])
    # The table speaks of who needs, then of who offers.
    needs, offers = wanted.kind, offered.request_kind
    if wanted.direction == "offer":
        needs, offers = offers, needs
    return Suits(column, SUITS[needs][f"request:{offers}"])


def is_candidate(findings: Sequence[Finding]) -> bool:
    """Tell whether something is worth to be looked at at all, apart from hard criteria."""
    worth = {finding.name: finding.worth for finding in findings}
    able, said = worth.get("capability", 1.0), worth.get("text", 0.0)
    return able >= LOWEST_CAPABILITY or (able >= LOWEST_KINSHIP and said >= LOWEST_TEXT)


def find_obstacle(findings: Sequence[Finding]) -> Finding | None:
    """Return the first hard criterion that is not met, or None."""
    return next((one for one in findings if one.is_hard and one.verdict == "unmet"), None)

"""The words of matching: kinds of candidates, criteria, verdicts, states."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

#: What can be a candidate for a request.
CANDIDATE_KINDS: Mapping[str, Any] = {
    "equipment": _l("Equipment"),
    "facility": _l("Facility"),
    "organization": _l("Organization"),
    "request": _l("Request"),
    "program": _l("Program"),
}

#: What is compared, in the order in which it is read.
CRITERIA: Mapping[str, Any] = {
    "capability": _l("Capability"),
    "text": _l("Words"),
    "distance": _l("Distance"),
    "availability": _l("Availability"),
    "certification": _l("Certification"),
    "eligibility": _l("Eligibility"),
    "capacity": _l("Capacity"),
    "rate": _l("Rate"),
    "credential": _l("Credential"),
    "language": _l("Language"),
    "trl": _l("Readiness"),
    "partner_kind": _l("Kind of partner"),
    "partner_size": _l("Size of partner"),
    "cluster": _l("Industry cluster"),
    "freshness": _l("Freshness"),
}

MATCH_STATUSES: Mapping[str, Any] = {
    "open": _l("Open"),
    "ruled_out": _l("Ruled out"),
    "gone": _l("No longer a candidate"),
}

#: Who says something of a match.
SIDES: Mapping[str, Any] = {
    "request": _l("Who posted the request"),
    "owner": _l("Who offers the candidate"),
    "broker": _l("Brokers"),
}

VERDICTS: Mapping[str, Any] = {
    "met": _l("Met"),
    "unmet": _l("Not met"),
    "unknown": _l("Not known"),
}

OPINIONS: Mapping[str, Any] = {"useful": _l("Useful"), "not_useful": _l("Not useful")}

ANSWERS: Mapping[str, Any] = {"yes": _l("Yes"), "no": _l("No")}

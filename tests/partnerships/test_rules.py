"""What each kind of request demands, and the rules of its dates."""

import datetime as dt
from typing import Any

import pytest

from portal.partnerships.rules.publishing import is_renewable, latest_end, missing_fields
from portal.partnerships.rules.words import AGREEMENT_KINDS, DIRECTIONS, REQUEST_KINDS
from portal.partnerships.rules.workflows import REQUESTS, RESPONSES

EMPTY: dict[str, Any] = {
    "summary": "",
    "capabilities": [],
    "visibility": "public",
    "expertise_sought": "",
    "advantages": "",
    "innovations": "",
    "ip_status": "",
    "trl": None,
    "partner_kinds": [],
    "duration_months": None,
    "call_name": "",
    "call_deadline": None,
    "is_anonymous": False,
    "anonymous_summary": "",
}
BY_KIND = {
    "equipment_sharing": {"summary", "capabilities"},
    "supply_chain": {"summary", "capabilities"},
    "training": {"summary", "capabilities"},
    "technology": {"summary", "capabilities", "trl"},
    "rd_cooperation": {"summary", "capabilities", "trl", "partner_kinds", "duration_months"},
    "consortium": {"summary", "partner_kinds", "duration_months", "call_name", "call_deadline"},
}
OFFERED_KNOWLEDGE = {"innovations", "ip_status"}


@pytest.mark.parametrize("kind", REQUEST_KINDS)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_an_empty_request_is_told_all_that_its_kind_and_direction_demand(
    app: Any, kind: str, direction: str
) -> None:
    wanted = BY_KIND[kind] | ({"advantages"} if direction == "offer" else set())
    # Who needs parts has said in title, summary and capabilities what is sought.
    if direction == "need" and kind != "supply_chain":
        wanted |= {"expertise_sought"}
    if direction == "offer" and kind in ("technology", "rd_cooperation"):
        wanted |= OFFERED_KNOWLEDGE
    missing = [name for name, _ in missing_fields({**EMPTY, "kind": kind, "direction": direction})]
    assert sorted(missing) == sorted(wanted)


def test_a_complete_request_misses_nothing(app: Any) -> None:
    full = {
        **EMPTY,
        "kind": "rd_cooperation",
        "direction": "offer",
        "summary": "x",
        "capabilities": ["x"],
        "advantages": "x",
        "innovations": "x",
        "ip_status": "none",
        "trl": 4,
        "partner_kinds": ["sme"],
        "duration_months": 12,
    }
    assert list(missing_fields(full)) == []


def test_an_anonymous_request_needs_words_for_outsiders(app: Any) -> None:
    full = {
        **EMPTY,
        "kind": "training",
        "direction": "need",
        "summary": "x",
        "capabilities": ["x"],
        "expertise_sought": "x",
        "is_anonymous": True,
    }
    assert [name for name, _ in missing_fields(full)] == ["anonymous_summary"]
    assert list(missing_fields({**full, "anonymous_summary": "x"})) == []


def test_a_request_is_not_published_for_the_audience_of_drafts(app: Any) -> None:
    values = {**EMPTY, "kind": "training", "direction": "need", "visibility": "draft"}
    assert "visibility" in dict(missing_fields(values))


def test_a_request_runs_for_365_days_at_most() -> None:
    assert latest_end(dt.date(2026, 1, 1)) == dt.date(2027, 1, 1)
    assert latest_end(dt.date(2024, 1, 1)) == dt.date(2024, 12, 31)


@pytest.mark.parametrize(
    ("status", "renewals", "days_left", "expected"),
    [
        ("published", 0, 30, True),
        ("published", 0, 31, False),
        ("published", 0, 0, True),
        ("paused", 0, 5, True),
        ("expired", 0, -30, True),
        ("expired", 0, -31, False),
        ("published", 1, 5, False),
        ("expired", 1, -1, False),
        ("draft", 0, 5, False),
        ("fulfilled", 0, 5, False),
        ("withdrawn", 0, 5, False),
    ],
)
def test_a_request_can_be_renewed_once_near_its_end(
    status: str, renewals: int, days_left: int, expected: bool
) -> None:
    day = dt.date(2026, 6, 1)
    assert is_renewable(status, renewals, day + dt.timedelta(days=days_left), day) is expected


def test_only_the_clock_may_let_a_request_expire_and_only_receivers_decide() -> None:
    by_permission = {
        action: transition.permission for action, transition in REQUESTS.transitions.items()
    }
    by_the_clock = {name for name, needed in by_permission.items() if needed == "request.expire"}
    assert by_the_clock == {"expire", "lapse"}
    assert by_permission["confirm"] == by_permission["refuse"] == "mandate.answer"
    assert RESPONSES.transitions["accept"].permission == "response.decide"
    assert RESPONSES.transitions["decline"].permission == "response.decide"
    assert RESPONSES.transitions["decline"].note == "required"


def test_vocabularies_fit_their_columns() -> None:
    assert max(map(len, (*REQUEST_KINDS, *AGREEMENT_KINDS))) <= 20

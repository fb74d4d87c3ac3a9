"""What would work instead: the kinds of suggestions, and that each of them has no problem."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.bookings.rules.attempt import Attempt, Gates, QuotaUse, Situation, Span
from portal.bookings.rules.problems import find_problems
from portal.bookings.rules.suggestions import Suggestion, suggest
from tests.bookings.rules.situations import ANA, FIRM, quotas, situations
from tests.bookings.rules.test_problems import DAYTIME, attempt, booked, closed, situation
from tests.bookings.rules.times import span, spans, walls

MORNING = "2026-03-03 09:00 / 11:00"


def told(found: list[Suggestion]) -> list[str]:
    return [f"{one.kind} {walls([one.span])[0]}" for one in found]


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        pytest.param(
            situation(hours=DAYTIME, taken=booked("2026-03-03 10:30 / 10:45")),
            MORNING,
            ["shift 03-03 08:30 2h", "shorten 03-03 09:00 1.5h", "next_free 03-03 13:00 2h"],
            id="sooner, shorter, or in the afternoon",
        ),
        pytest.param(
            situation(hours=DAYTIME, taken=booked("2026-03-03 09:00 / 09:30")),
            MORNING,
            ["shift 03-03 09:30 2h", "shorten 03-03 09:30 1.5h", "next_free 03-03 13:00 2h"],
            id="later, or shorter from later on",
        ),
        pytest.param(
            situation(hours=DAYTIME, taken=booked("2026-03-03 08:00 / 16:00")),
            MORNING,
            ["next_free 03-04 08:00 2h"],
            id="the next morning",
        ),
        pytest.param(
            situation(hours=DAYTIME, slot_minutes=60),
            "2026-03-03 09:15 / 10:15",
            ["shift 03-03 09:00 1h", "shift 03-03 10:00 1h", "next_free 03-03 13:00 1h"],
            id="on the slots around",
        ),
        pytest.param(
            situation(hours=DAYTIME, max_length_minutes=60),
            "2026-03-03 09:00 / 10:15",
            ["shorten 03-03 09:00 1h", "next_free 03-03 13:00 1h"],
            id="as long as allowed",
        ),
        pytest.param(
            situation(hours=DAYTIME, min_length_minutes=60),
            "2026-03-03 09:00 / 09:15",
            ["next_free 03-03 09:00 1h"],
            id="as long as needed",
        ),
        pytest.param(
            situation(
                hours=DAYTIME, closed=closed("closure", "2026-03-02 00:00 / 2026-03-10 00:00")
            ),
            MORNING,
            ["next_free 03-10 08:00 2h"],
            id="after a week of holidays",
        ),
        pytest.param(
            situation(
                hours=DAYTIME,
                taken=booked("2026-03-03 08:00 / 17:00"),
                quotas=(
                    QuotaUse("person", "day", 240, None, tuple(spans("2026-03-04 08:00 / 11:00"))),
                ),
            ),
            MORNING,
            ["next_free 03-05 08:00 2h"],
            id="on a day with some quota left",
        ),
        pytest.param(
            situation(
                hours=DAYTIME,
                taken=booked("2026-03-03 08:00 / 17:00"),
                window=span("2026-03-03 00:00 / 2026-03-04 09:00"),
            ),
            MORNING,
            [],
            id="nothing beyond what was looked up",
        ),
        pytest.param(
            situation(
                taken=booked(MORNING), needs_insurance=True, gates=Gates(has_insurance=False)
            ),
            MORNING,
            [],
            id="nothing while a gate is closed",
        ),
    ],
)
def test_suggestions_are_what_would_work(
    found: Situation, wanted: str, expected: list[str]
) -> None:
    assert told(suggest(attempt(wanted), found)) == expected


def test_a_moved_booking_may_keep_some_of_its_own_time() -> None:
    found = situation(
        hours=DAYTIME, taken=booked("2026-03-03 09:00 / 10:00", "2026-03-03 10:30 / 12:00")
    )
    moved = attempt("2026-03-03 09:45 / 10:45", booking_id=1, was=span("2026-03-03 09:00 / 10:00"))
    assert told(suggest(moved, found, most=1)) == ["shift 03-03 09:30 1h"]


def test_the_api_tells_kind_and_span() -> None:
    found = situation(taken=booked(MORNING))
    assert suggest(attempt(MORNING), found)[-1].as_json() == {
        "kind": "next_free",
        "starts_at": "2026-03-03T16:00:00+00:00",
        "ends_at": "2026-03-03T18:00:00+00:00",
    }


@settings(max_examples=60, deadline=None)
@given(
    found=situations(),
    begins=st.integers(-4, 190),
    length=st.integers(1, 20),
    quota=st.none() | quotas,
)
def test_whatever_is_suggested_has_no_problem(
    found: Situation, begins: int, length: int, quota: QuotaUse | None
) -> None:
    assert found.window is not None
    if quota is not None:
        found = replace(found, quotas=(quota,))
    whole = [found.window.starts_at.timestamp() + 900 * (begins + part) for part in (0, length)]
    zone = found.window.starts_at.tzinfo
    wanted = Attempt(
        Span(*(found.now.fromtimestamp(seconds, zone) for seconds in whole)), ANA, FIRM, "other"
    )
    suggestions = suggest(wanted, found)
    assert len(suggestions) <= 4
    assert len({one.span for one in suggestions}) == len(suggestions)
    for one in suggestions:
        assert find_problems(replace(wanted, span=one.span), found) == []
        if one.kind == "shorten":
            assert wanted.span.starts_at <= one.span.starts_at
            assert one.span.ends_at <= wanted.span.ends_at
            assert one.span.minutes >= 0.75 * wanted.span.minutes
        if one.kind == "shift":
            shift = abs(one.span.starts_at - wanted.span.starts_at).total_seconds() / 60
            assert shift <= 4 * found.rules.slot_minutes

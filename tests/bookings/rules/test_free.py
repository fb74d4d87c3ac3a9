"""Free spans: what is left of open hours, and that they agree with the problems of attempts."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given, settings

from portal.bookings.rules.attempt import Attempt, Hours, Situation, Span
from portal.bookings.rules.free import free_spans
from portal.bookings.rules.hours import slot_marks
from portal.bookings.rules.problems import find_problems
from tests.bookings.rules.situations import ANA, FIRM, situations
from tests.bookings.rules.test_problems import DAYTIME, booked, closed, situation
from tests.bookings.rules.times import NEW_YORK, span, walls

TUESDAY = "2026-03-03 00:00 / 2026-03-04 00:00"


@pytest.mark.parametrize(
    ("found", "window", "expected"),
    [
        pytest.param(
            situation(hours=DAYTIME), TUESDAY, ["03-03 08:00 4h", "03-03 13:00 4h"], id="all of it"
        ),
        pytest.param(
            situation(hours=DAYTIME, taken=booked("2026-03-03 09:00 / 10:00")),
            TUESDAY,
            ["03-03 08:00 1h", "03-03 10:00 2h", "03-03 13:00 4h"],
            id="without what is taken",
        ),
        pytest.param(
            situation(
                hours=DAYTIME, buffer_after_minutes=30, taken=booked("2026-03-03 09:00 / 10:00")
            ),
            TUESDAY,
            ["03-03 08:00 0.5h", "03-03 10:30 1.5h", "03-03 13:00 4h"],
            id="without the buffers around it",
        ),
        pytest.param(
            situation(
                hours=DAYTIME, min_length_minutes=90, taken=booked("2026-03-03 09:00 / 10:00")
            ),
            TUESDAY,
            ["03-03 10:00 2h", "03-03 13:00 4h"],
            id="without what is too short",
        ),
        pytest.param(
            situation(hours=DAYTIME, closed=closed("closure", "2026-03-03 11:00 / 16:00")),
            TUESDAY,
            ["03-03 08:00 3h", "03-03 16:00 1h"],
            id="without closures",
        ),
        pytest.param(
            situation(capacity=2, hours=DAYTIME, taken=booked("2026-03-03 09:00 / 10:00")),
            TUESDAY,
            ["03-03 08:00 4h", "03-03 13:00 4h"],
            id="with a second place",
        ),
        pytest.param(
            situation(
                capacity=2,
                hours=DAYTIME,
                taken=booked("2026-03-03 09:00 / 10:00", "2026-03-03 09:30 / 11:00"),
            ),
            TUESDAY,
            ["03-03 08:00 1.5h", "03-03 10:00 2h", "03-03 13:00 4h"],
            id="without what is taken twice",
        ),
        pytest.param(
            situation(hours=DAYTIME, lead_time_minutes=26 * 60 + 5),
            TUESDAY,
            ["03-03 09:15 2.75h", "03-03 13:00 4h"],
            id="from the first slot after the lead time",
        ),
        pytest.param(
            situation(hours=DAYTIME, horizon_days=1),
            "2026-03-03 12:00 / 2026-03-05 00:00",
            ["03-03 13:00 4h"],
            id="until the horizon",
        ),
        pytest.param(
            situation(slot_minutes=45, taken=booked("2026-03-03 02:00 / 23:00")),
            TUESDAY,
            ["03-03 00:00 1.5h", "03-03 23:15 0.75h"],
            id="in whole slots",
        ),
        pytest.param(
            situation(window=span("2026-03-03 10:00 / 11:00")),
            TUESDAY,
            ["03-03 10:00 1h"],
            id="not beyond what was looked up",
        ),
        pytest.param(situation(), "2026-02-01 00:00 / 2026-02-02 00:00", [], id="not in the past"),
        pytest.param(
            situation(),
            "2026-03-08 00:00 / 2026-03-09 00:00",
            ["03-08 00:00 23h"],
            id="on the day of 23 hours",
        ),
        pytest.param(
            replace(situation(horizon_days=300), hours=Hours(NEW_YORK)),
            "2026-11-01 00:00 / 2026-11-02 00:00",
            ["11-01 00:00 25h"],
            id="on the day of 25 hours",
        ),
    ],
)
def test_free_is_what_can_still_be_booked(
    found: Situation, window: str, expected: list[str]
) -> None:
    assert walls(free_spans(found, span(window))) == expected


def test_free_depends_on_who_asks() -> None:
    """One's own booking needs no buffer, and a blocking lets in whom it is for."""
    found = situation(
        hours=DAYTIME,
        buffer_before_minutes=60,
        taken=booked("2026-03-03 09:00 / 10:00", by=ANA),
        closed=closed("blocking", "2026-03-03 13:00 / 17:00"),
    )
    assert walls(free_spans(found, span(TUESDAY))) == ["03-03 11:00 1h"]
    assert walls(free_spans(found, span(TUESDAY), user_id=ANA)) == [
        "03-03 08:00 1h",
        "03-03 10:00 2h",
    ]
    assert walls(free_spans(found, span(TUESDAY), organization_id=20)) == [
        "03-03 11:00 1h",
        "03-03 13:00 4h",
    ]


@settings(max_examples=60, deadline=None)
@given(found=situations())
def test_free_spans_agree_with_the_problems_of_attempts(found: Situation) -> None:
    """The shortest booking at a slot has a problem exactly where it lies in no free span."""
    assert found.window is not None
    free = free_spans(found, found.window, user_id=ANA, organization_id=FIRM)
    slot, least = found.rules.slot_minutes, found.rules.min_length_minutes
    ends = slot_marks(found.hours, slot, found.window, are_ends=True)
    for starts_at in slot_marks(found.hours, slot, found.window):
        ends_at = next((one for one in ends if Span(starts_at, one).minutes >= least), None)
        if ends_at is None:
            return
        wanted = Span(starts_at, ends_at)
        is_free = any(
            one.starts_at <= wanted.starts_at and wanted.ends_at <= one.ends_at for one in free
        )
        problems = find_problems(Attempt(wanted, ANA, FIRM, "other"), found)
        assert (problems == []) is is_free, (wanted, problems)


@settings(max_examples=40, deadline=None)
@given(found=situations())
def test_all_of_a_free_span_can_be_booked_at_once(found: Situation) -> None:
    assert found.window is not None
    free = free_spans(found, found.window, user_id=ANA, organization_id=FIRM)
    assert free == sorted(free)
    for one in free:
        assert find_problems(Attempt(one, ANA, FIRM, "other"), found) == []
        shorter = Span(one.starts_at, one.starts_at + dt.timedelta(minutes=1))
        assert find_problems(Attempt(shorter, ANA, FIRM, "other"), found)

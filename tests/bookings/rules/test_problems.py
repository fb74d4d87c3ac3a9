"""Problems of attempts: each rule by itself, all of them at once, and what people are told."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from portal.bookings.models.booking import BookingOverride
from portal.bookings.rules.attempt import (
    NO_END,
    Attempt,
    BookingRules,
    ClosedSpan,
    Gates,
    Hours,
    QuotaUse,
    Situation,
    Span,
    Taken,
)
from portal.bookings.rules.problems import find_problems
from portal.bookings.rules.words import PROBLEMS
from portal.organizations.rules import ORGANIZATION_KINDS
from tests.bookings.rules.test_spans import RELATIONS, hours
from tests.bookings.rules.times import NEW_YORK, at, span, spans

ANA, BEN, CLEO = 1, 2, 3
FIRM, COLLEGE = 10, 20
#: What the database keeps of the message of a rule that was set aside.
LONGEST_MESSAGE = BookingOverride.__table__.c.message.type.length
TRANSLATIONS = Path(__file__).resolve().parents[3] / "portal" / "translations"
DAYTIME = Hours(NEW_YORK, dict.fromkeys(range(5), (("08:00", "12:00"), ("13:00", "17:00"))))


def situation(**changes: Any) -> Situation:
    """Monday at seven; open day and night."""
    base = Situation(at("2026-03-02 07:00"), BookingRules(), Hours(NEW_YORK))
    rules = {
        name: changes.pop(name) for name in list(changes) if name in BookingRules.__annotations__
    }
    return replace(base, rules=replace(base.rules, **rules), **changes)


def attempt(wanted: str | Span, **changes: Any) -> Attempt:
    wanted = span(wanted) if isinstance(wanted, str) else wanted
    return replace(Attempt(wanted, ANA, FIRM, "member_sme"), **changes)


def codes(wanted: Attempt, found: Situation) -> list[str]:
    return [problem.code for problem in find_problems(wanted, found)]


def booked(*found: str | Span, by: int = BEN) -> tuple[Taken, ...]:
    return tuple(
        Taken(number, span(one) if isinstance(one, str) else one, by, COLLEGE)
        for number, one in enumerate(found, 1)
    )


def closed(kind: str, text: str, reason: str = "", because_of: str = "") -> tuple[ClosedSpan, ...]:
    return (ClosedSpan(kind, span(text), reason, because_of, frozenset({COLLEGE})),)


MORNING = "2026-03-03 09:00 / 10:00"

#: (situation, attempt, code, message): one problem each, and nothing else.
CASES: dict[str, tuple[Situation, Attempt, str, str]] = {
    "begun an hour ago": (
        situation(),
        attempt("2026-03-02 06:00 / 08:00"),
        "in_the_past",
        "Please choose a later beginning: it is 7:00 AM now.",
    ),
    "yesterday": (
        situation(),
        attempt("2026-03-01 06:00 / 08:00"),
        "in_the_past",
        "Please choose a later beginning: it is Mon, Mar 2, 7:00 AM now.",
    ),
    "before it opens": (
        situation(hours=DAYTIME),
        attempt("2026-03-03 07:45 / 09:00"),
        "outside_hours",
        "On Tue, Mar 3 it is open 8:00 AM–12:00 PM and 1:00–5:00 PM.",
    ),
    "over the pause": (
        situation(hours=DAYTIME),
        attempt("2026-03-03 11:00 / 14:00"),
        "outside_hours",
        "On Tue, Mar 3 it is open 8:00 AM–12:00 PM and 1:00–5:00 PM.",
    ),
    "on a Saturday": (
        situation(hours=DAYTIME),
        attempt("2026-03-07 09:00 / 10:00"),
        "outside_hours",
        "On Sat, Mar 7 it is not open.",
    ),
    "over night": (
        situation(hours=DAYTIME),
        attempt("2026-03-03 16:00 / 2026-03-04 09:00"),
        "outside_hours",
        "On Tue, Mar 3 it is open 8:00 AM–12:00 PM and 1:00–5:00 PM. "
        "On Wed, Mar 4 it is open 8:00 AM–12:00 PM and 1:00–5:00 PM.",
    ),
    "on a day with hours of its own": (
        situation(hours=replace(DAYTIME, special={dt.date(2026, 3, 3): (("10:00", "24:00"),)})),
        attempt(MORNING),
        "outside_hours",
        "On Tue, Mar 3 it is open 10:00 AM–midnight.",
    ),
    "during a closure": (
        situation(closed=closed("closure", "2026-03-03 08:00 / 12:00", "Stocktaking")),
        attempt(MORNING),
        "closed",
        "It is closed on Tue, Mar 3 from 8:00 AM to 12:00 PM (Stocktaking).",
    ),
    "during holidays": (
        situation(closed=closed("closure", "2026-03-02 12:00 / 2026-03-09 00:00")),
        attempt(MORNING),
        "closed",
        "It is closed from Mon, Mar 2, 12:00 PM to Mon, Mar 9, 12:00 AM.",
    ),
    "while kept free for others": (
        situation(closed=closed("blocking", "2026-03-03 08:00 / 12:00", "Course")),
        attempt(MORNING),
        "closed",
        "It is kept free for others on Tue, Mar 3 from 8:00 AM to 12:00 PM (Course).",
    ),
    "out of order": (
        situation(closed=closed("outage", "2026-03-03 08:00 / 12:00")),
        attempt(MORNING),
        "outage",
        "It is out of order on Tue, Mar 3 from 8:00 AM to 12:00 PM.",
    ),
    "without the compressor, nobody knows until when": (
        situation(
            closed=(
                ClosedSpan("outage", Span(at("2026-03-03 08:00"), NO_END), "Leak", "Compressor"),
            )
        ),
        attempt(MORNING),
        "outage",
        "“Compressor”, which it needs, is out of order from Tue, Mar 3, 8:00 AM until further "
        "notice (Leak).",
    ),
    "shorter than the shortest": (
        situation(min_length_minutes=90),
        attempt(MORNING),
        "too_short",
        "Please book at least 1 hour 30 minutes.",
    ),
    "shorter in real time on the spring night": (
        situation(min_length_minutes=120),
        attempt("2026-03-08 01:00 / 03:00"),
        "too_short",
        "Please book at least 2 hours.",
    ),
    "longer than the longest": (
        situation(max_length_minutes=30),
        attempt(MORNING),
        "too_long",
        "Please book at most 30 minutes.",
    ),
    "longer in real time on the autumn night": (
        situation(max_length_minutes=120, now=at("2026-10-30 07:00")),
        attempt("2026-11-01 00:00 / 02:00"),
        "too_long",
        "Please book at most 2 hours.",
    ),
    "longer than the portal allows": (
        situation(horizon_days=5000),
        attempt("2026-03-03 00:00 / 2027-03-05 00:00"),
        "too_long",
        "Please book at most 366 days.",
    ),
    "between slots": (
        situation(slot_minutes=30),
        attempt("2026-03-03 09:15 / 10:00"),
        "not_on_slot",
        "Bookings begin and end in steps of 30 minutes, counted from 12:00 AM.",
    ),
    "not in steps from the opening": (
        situation(slot_minutes=90, hours=DAYTIME),
        attempt("2026-03-03 13:00 / 14:00"),
        "not_on_slot",
        "Bookings begin and end in steps of 1 hour 30 minutes, counted from 1:00 PM.",
    ),
    "sooner than the lead time": (
        situation(lead_time_minutes=48 * 60),
        attempt(MORNING),
        "too_soon",
        "Please book at least 2 days ahead: from Wed, Mar 4, 7:00 AM on.",
    ),
    "sooner than the lead time, the same day": (
        situation(lead_time_minutes=180),
        attempt("2026-03-02 09:00 / 12:00"),
        "too_soon",
        "Please book at least 3 hours ahead: from 10:00 AM on.",
    ),
    "beyond the horizon": (
        situation(horizon_days=7),
        attempt("2026-03-10 00:00 / 01:00"),
        "too_far_ahead",
        "Please book at most 7 days ahead: until Mon, Mar 9, 2026.",
    ),
    "into the day after the horizon": (
        situation(horizon_days=1),
        attempt("2026-03-03 23:00 / 2026-03-04 01:00"),
        "too_far_ahead",
        "Please book at most 1 day ahead: until Tue, Mar 3, 2026.",
    ),
    "too near after somebody else": (
        situation(buffer_before_minutes=30, taken=booked("2026-03-03 08:00 / 08:45")),
        attempt(MORNING),
        "buffer",
        "Please leave 30 minutes free after the booking that ends at 8:45 AM.",
    ),
    "too near before somebody else": (
        situation(buffer_after_minutes=30, taken=booked("2026-03-03 10:15 / 11:00")),
        attempt(MORNING),
        "buffer",
        "Please leave 30 minutes free before the booking that begins at 10:15 AM.",
    ),
    "too near to both": (
        situation(
            turnaround_minutes=60,
            taken=booked("2026-03-03 10:15 / 11:00", "2026-03-03 08:00 / 08:30"),
        ),
        attempt(MORNING),
        "buffer",
        "Please leave 1 hour free after the booking that ends at 8:30 AM. "
        "Please leave 1 hour free before the booking that begins at 10:15 AM.",
    ),
    "too near after midnight": (
        situation(turnaround_minutes=60, taken=booked("2026-03-03 22:00 / 23:30")),
        attempt("2026-03-04 00:00 / 01:00"),
        "buffer",
        "Please leave 1 hour free after the booking that ends at Tue, Mar 3, 11:30 PM.",
    ),
    "more time than a day's quota": (
        situation(
            quotas=(QuotaUse("person", "day", 240, None, tuple(spans("2026-03-03 12:00 / 15:30"))),)
        ),
        attempt(MORNING),
        "quota_exceeded",
        "At most 4 hours a day for each person: with this booking it would be 4 hours 30 minutes "
        "on Tue, Mar 3.",
    ),
    "more bookings than a week's quota": (
        situation(
            quotas=(
                QuotaUse("organization", "week", None, 1, tuple(spans("2026-03-05 12:00 / 15:30"))),
            )
        ),
        attempt(MORNING),
        "quota_exceeded",
        "At most 1 booking a week for each organization: with this booking it would be 2 bookings "
        "from Mon, Mar 2 to Sun, Mar 8.",
    ),
    "more time than a month's quota": (
        situation(quotas=(QuotaUse("equipment", "month", 30, None),)),
        attempt(MORNING),
        "quota_exceeded",
        "At most 30 minutes a month for everybody together: with this booking it would be 1 hour "
        "from Sun, Mar 1 to Tue, Mar 31.",
    ),
    "of another kind": (
        situation(
            eligible_kinds=frozenset({"university", "sme"}), gates=Gates(is_eligible_kind=False)
        ),
        attempt(MORNING),
        "not_eligible",
        "Only these kinds of organizations may book it: Small or medium-sized firm, University.",
    ),
    "of no kind at all": (
        situation(eligible_kinds=frozenset(), gates=Gates(is_eligible_kind=False)),
        attempt(MORNING),
        "not_eligible",
        "No other organization may book it.",
    ),
    "of another region": (
        situation(
            eligible_region_ids=frozenset({1}),
            gates=Gates(is_eligible_region=False, region_names=("Kentuckiana",)),
        ),
        attempt(MORNING),
        "not_eligible",
        "Only organizations of these regions may book it: Kentuckiana.",
    ),
    "not qualified": (
        situation(needs_qualification=True, gates=Gates(is_qualified=False)),
        attempt(MORNING),
        "not_qualified",
        "Whoever uses it needs a qualification that is valid until the end of the booking.",
    ),
    "no agreement": (
        situation(needs_agreement=True, gates=Gates(has_agreement=False)),
        attempt(MORNING),
        "agreement_missing",
        "There is no signed agreement yet between your organization and the host.",
    ),
    "no insurance": (
        situation(needs_insurance=True, gates=Gates(has_insurance=False)),
        attempt(MORNING),
        "insurance_missing",
        "The host has no insurance certificate of yours that is valid at that time.",
    ),
    "no induction": (
        situation(needs_induction=True, gates=Gates(has_induction=False)),
        attempt(MORNING),
        "induction_missing",
        "Whoever uses it needs a safety induction by the host first.",
    ),
    "somebody is there": (
        situation(taken=booked("2026-03-03 09:30 / 11:00")),
        attempt(MORNING),
        "conflict",
        "It is already booked on Tue, Mar 3 from 9:30 AM to 11:00 AM.",
    ),
    "somebody is there over night": (
        situation(taken=booked("2026-03-02 22:00 / 2026-03-03 09:15")),
        attempt(MORNING),
        "conflict",
        "It is already booked from Mon, Mar 2, 10:00 PM to Tue, Mar 3, 9:15 AM.",
    ),
    "all places are taken": (
        situation(capacity=2, taken=booked("2026-03-03 08:00 / 09:45", "2026-03-03 09:30 / 11:00")),
        attempt(MORNING),
        "conflict",
        "All 2 places are already booked on Tue, Mar 3 from 9:30 AM to 9:45 AM.",
    ),
    "all places are taken or turned around": (
        situation(
            capacity=2,
            turnaround_minutes=30,
            taken=booked("2026-03-03 08:00 / 08:45", "2026-03-03 09:00 / 11:00"),
        ),
        attempt(MORNING),
        "buffer",
        "All 2 places are booked or kept free between bookings on Tue, Mar 3 from 9:00 AM to "
        "9:15 AM.",
    ),
}


def plain(text: str) -> str:
    """The text with usual spaces where times must not be parted."""
    return text.replace("\u202f", " ")


def figures(text: str) -> list[str]:
    """The figures of a message, times of either language in the same way."""

    def on_a_day_of_24_hours(found: re.Match[str]) -> str:
        return " ".join(
            f"{int(time.split(':')[0]) % 12 + 12 * (found[2] == 'PM')}:{time.split(':')[1]}"
            for time in found[1].split("–")
        )

    text = plain(text).replace("midnight", "24:00")
    text = re.sub(r"(\d+:\d+(?:–\d+:\d+)?) ([AP]M)", on_a_day_of_24_hours, text)
    return sorted(re.findall(r"\d+", text))


@pytest.mark.parametrize("case", CASES)
def test_each_rule_finds_its_problem_and_says_so(case: str) -> None:
    found, wanted, code, message = CASES[case]
    (problem,) = find_problems(wanted, found)
    assert (problem.code, plain(problem.message)) == (code, message)
    assert problem.overridable is PROBLEMS[code]


def test_every_code_has_its_case() -> None:
    assert {code for _situation, _attempt, code, _message in CASES.values()} == set(PROBLEMS)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        pytest.param(situation(), "2026-03-02 07:00 / 07:15", id="now, for a quarter of an hour"),
        pytest.param(situation(hours=DAYTIME), "2026-03-03 08:00 / 12:00", id="all the morning"),
        pytest.param(
            situation(closed=closed("closure", "2026-03-03 08:00 / 09:00")),
            MORNING,
            id="as soon as a closure is over",
        ),
        pytest.param(
            situation(closed=closed("outage", "2026-03-03 10:00 / 11:00")),
            MORNING,
            id="until an outage begins",
        ),
        pytest.param(
            situation(min_length_minutes=60, max_length_minutes=60), MORNING, id="exactly as long"
        ),
        pytest.param(
            situation(lead_time_minutes=26 * 60), MORNING, id="exactly the lead time ahead"
        ),
        pytest.param(
            situation(horizon_days=1), "2026-03-03 23:00 / 2026-03-04 00:00", id="last day's end"
        ),
        pytest.param(
            situation(turnaround_minutes=30, taken=booked("2026-03-03 08:00 / 08:30")),
            MORNING,
            id="exactly the turnaround later",
        ),
        pytest.param(
            situation(
                needs_agreement=False,
                needs_qualification=False,
                gates=Gates(False, False, False, False, False, False),
            ),
            MORNING,
            id="what is not asked for need not be there",
        ),
        pytest.param(
            situation(capacity=2, taken=booked(MORNING)), MORNING, id="the second of two places"
        ),
        pytest.param(
            situation(
                capacity=2, taken=booked("2026-03-03 09:00 / 09:30", "2026-03-03 09:30 / 10:00")
            ),
            MORNING,
            id="peak concurrency, not a sum",
        ),
    ],
)
def test_what_keeps_the_rules_has_no_problem(found: Situation, wanted: str) -> None:
    assert find_problems(attempt(wanted), found) == []


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("kind", ["booking", "closure", "blocking", "outage"])
def test_bookings_and_closures_are_in_the_way_where_they_overlap(kind: str, relation: str) -> None:
    one, is_shared = RELATIONS[relation]
    if kind == "booking":
        found, code = situation(now=hours(0, 1).starts_at, taken=booked(one)), "conflict"
    else:
        found = situation(now=hours(0, 1).starts_at, closed=(ClosedSpan(kind, one),))
        code = "outage" if kind == "outage" else "closed"
    assert codes(attempt(hours(10, 12)), found) == ([code] if is_shared else [])


@pytest.mark.parametrize(
    ("rules", "whose", "gap", "is_kept"),
    [
        pytest.param({"buffer_before_minutes": 30}, "other", 15, False, id="before, of others"),
        pytest.param({"buffer_before_minutes": 30}, "same", 0, True, id="before, of the same"),
        pytest.param({"buffer_after_minutes": 30}, "other", 15, False, id="after, of others"),
        pytest.param({"buffer_after_minutes": 30}, "other", 30, True, id="after, long enough"),
        pytest.param({"buffer_after_minutes": 30}, "same", 0, True, id="after, of the same"),
        pytest.param({"turnaround_minutes": 30}, "other", 15, False, id="turnaround for others"),
        pytest.param({"turnaround_minutes": 30}, "same", 15, False, id="turnaround for the same"),
        pytest.param({"turnaround_minutes": 30}, "same", 30, True, id="turnaround, long enough"),
        pytest.param(
            {"turnaround_minutes": 15, "buffer_after_minutes": 45},
            "other",
            30,
            False,
            id="the longer of both for others",
        ),
        pytest.param(
            {"turnaround_minutes": 15, "buffer_after_minutes": 45},
            "same",
            15,
            True,
            id="turnaround alone for the same",
        ),
        pytest.param(
            {"buffer_before_minutes": 30, "buffer_after_minutes": 45},
            "other",
            45,
            True,
            id="one time between two serves both",
        ),
        pytest.param({"buffer_after_minutes": 30}, "nobody", 15, False, id="of a deleted person"),
    ],
)
@pytest.mark.parametrize("is_before", [True, False])
def test_time_between_bookings_depends_on_whose_they_are(
    rules: dict[str, int], whose: str, gap: int, is_kept: bool, is_before: bool
) -> None:
    wanted = span("2026-03-03 12:00 / 13:00")
    edge = dt.timedelta(minutes=gap)
    other = (
        Span(wanted.starts_at - edge - dt.timedelta(hours=1), wanted.starts_at - edge)
        if is_before
        else Span(wanted.ends_at + edge, wanted.ends_at + edge + dt.timedelta(hours=1))
    )
    by: Any = {"other": BEN, "same": ANA, "nobody": None}[whose]
    found = situation(taken=booked(other, by=by), **rules)
    who = None if whose == "nobody" else ANA
    assert codes(attempt(wanted, user_id=who), found) == ([] if is_kept else ["buffer"])


@pytest.mark.parametrize("horizon_days", [30, 10_000])
def test_nobody_books_more_than_five_years_ahead(horizon_days: int) -> None:
    now = situation().now
    near, far = (
        Span(starts_at := now + dt.timedelta(days=days), starts_at + dt.timedelta(hours=1))
        for days in (1800, 1830)
    )
    found = replace(situation(horizon_days=horizon_days), hours=Hours("UTC"))
    told = {
        wanted: {one.code: one.overridable for one in find_problems(attempt(wanted), found)}
        for wanted in (near, far)
    }
    assert told[near].get("too_far_ahead") is (True if horizon_days == 30 else None)
    assert told[far]["too_far_ahead"] is False


@pytest.mark.parametrize("capacity", [1, 2])
@pytest.mark.parametrize("is_before", [True, False])
def test_other_bookings_keep_the_time_of_their_own_class(capacity: int, is_before: bool) -> None:
    wanted = span("2026-03-03 12:00 / 13:00")
    near = "2026-03-03 10:45 / 11:45" if is_before else "2026-03-03 13:15 / 14:15"
    busy = tuple(
        one._replace(booking_id=number, apart_minutes=30, turnaround_minutes=10)
        for number in range(1, capacity + 1)
        for one in booked(near, by=BEN)
    )
    theirs = situation(capacity=capacity, taken=busy)
    assert codes(attempt(wanted, user_id=ANA), theirs) == ["buffer"]
    longer = situation(capacity=capacity, buffer_after_minutes=15, taken=busy)
    assert codes(attempt(wanted, user_id=ANA), longer) == ["buffer"]
    if capacity == 1:
        assert codes(attempt(wanted, user_id=BEN), theirs) == []


def test_of_several_places_one_is_kept_free_long_enough() -> None:
    """An idle place makes up for a busy one; without it the time between is not kept."""
    wanted = attempt("2026-03-03 09:00 / 09:30")
    busy = booked("2026-03-03 08:00 / 09:00", "2026-03-03 09:30 / 10:30")
    assert codes(wanted, situation(turnaround_minutes=30, capacity=2, taken=busy)) == []
    assert codes(wanted, situation(turnaround_minutes=30, capacity=1, taken=busy)) == ["buffer"]
    longer = attempt("2026-03-03 08:45 / 10:00")
    near = booked("2026-03-03 09:00 / 09:15", "2026-03-03 09:30 / 09:45")
    assert codes(longer, situation(turnaround_minutes=15, capacity=2, taken=near)) == []
    assert codes(longer, situation(turnaround_minutes=30, capacity=2, taken=near)) == ["buffer"]
    full = booked(*[one.span for one in busy], "2026-03-03 08:00 / 08:45")
    assert codes(wanted, situation(turnaround_minutes=30, capacity=2, taken=full)) == ["buffer"]


def test_a_blocking_lets_in_whom_it_is_for() -> None:
    found = situation(closed=closed("blocking", "2026-03-03 08:00 / 12:00"))
    assert codes(attempt(MORNING, organization_id=COLLEGE), found) == []


def test_a_booking_is_not_in_its_own_way_when_it_is_moved() -> None:
    found = situation(turnaround_minutes=60, taken=booked(MORNING, "2026-03-03 12:00 / 13:00"))
    moved = attempt("2026-03-03 09:30 / 10:30", booking_id=1, was=span(MORNING))
    assert codes(moved, found) == []
    assert codes(replace(moved, booking_id=2), found) == ["conflict"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param("2026-03-02 06:00 / 09:00", [], id="made longer"),
        pytest.param("2026-03-02 06:00 / 07:15", [], id="made shorter"),
        pytest.param("2026-03-02 06:00 / 07:00", ["in_the_past"], id="ended before now"),
        pytest.param("2026-03-02 06:15 / 08:00", ["in_the_past"], id="begun at another time"),
    ],
)
def test_what_has_begun_may_still_end_at_another_time(wanted: str, expected: list[str]) -> None:
    moved = attempt(wanted, booking_id=1, was=span("2026-03-02 06:00 / 08:00"))
    assert codes(moved, situation(lead_time_minutes=600)) == expected


EVERYTHING = situation(
    now=at("2026-03-04 07:00"),
    hours=DAYTIME,
    min_length_minutes=240,
    slot_minutes=30,
    turnaround_minutes=30,
    closed=(
        *closed("closure", "2026-03-03 08:00 / 18:00"),
        *closed("outage", "2026-03-03 08:00 / 18:00"),
    ),
    taken=booked("2026-03-03 17:00 / 17:10", "2026-03-03 18:00 / 19:00"),
    quotas=(QuotaUse("person", "day", 30, None),),
    eligible_kinds=frozenset({"university"}),
    needs_qualification=True,
    needs_agreement=True,
    needs_insurance=True,
    needs_induction=True,
    gates=Gates(False, False, False, False, False, False),
)


def test_all_problems_come_at_once_and_in_the_order_of_the_codes() -> None:
    found = find_problems(attempt("2026-03-03 16:40 / 17:50"), EVERYTHING)
    expected = set(PROBLEMS) - {"too_long", "too_soon", "too_far_ahead"}
    assert [problem.code for problem in found] == [code for code in PROBLEMS if code in expected]


def test_problems_of_the_other_end_come_at_once_too() -> None:
    found = replace(
        EVERYTHING,
        rules=replace(
            EVERYTHING.rules, max_length_minutes=30, lead_time_minutes=5 * 1440, horizon_days=3
        ),
    )
    wanted = attempt("2026-03-07 16:40 / 2026-03-08 17:50")
    assert [code for code in codes(wanted, found) if code.startswith("too_")] == [
        "too_long",
        "too_soon",
        "too_far_ahead",
    ]


def test_a_missing_gate_says_where_it_can_be_opened() -> None:
    found = find_problems(attempt("2026-03-03 16:40 / 17:50"), EVERYTHING)
    assert {problem.code: problem.hint for problem in found if problem.hint} == {
        "not_qualified": "qualification",
        "agreement_missing": "agreement",
        "insurance_missing": "insurance",
        "induction_missing": "induction",
    }


def test_what_hosts_wrote_is_told_in_short_enough_to_be_kept_with_an_override(
    speak_spanish: Callable[[], Any],
) -> None:
    long = ClosedSpan("outage", span("2026-03-02 22:00 / 2026-03-04 08:00"), "w " * 300, "M " * 90)
    found = situation(
        closed=(long,) * 9,
        eligible_kinds=frozenset(ORGANIZATION_KINDS),
        gates=Gates(is_eligible_kind=False),
    )
    with speak_spanish():
        told = find_problems(attempt(MORNING), found)
    for problem in (*told, *find_problems(attempt(MORNING), found)):
        assert 40 < len(problem.message) <= LONGEST_MESSAGE


def test_what_the_api_says_of_a_problem_has_no_more_than_three_fields() -> None:
    (problem,) = find_problems(attempt(MORNING), situation(taken=booked(MORNING)))
    assert problem.as_json() == {
        "code": "conflict",
        "message": "It is already booked on Tue, Mar 3 from 9:00\u202fAM to 10:00\u202fAM.",
        "overridable": False,
    }


def test_a_thousand_years_are_judged_as_quickly_as_one() -> None:
    found = situation(hours=DAYTIME, quotas=(QuotaUse("person", "day", 30, None),))
    assert "too_long" in codes(attempt("2026-03-03 09:00 / 3026-03-03 10:00"), found)


# In Spanish.


@pytest.fixture(scope="module")
def speak_spanish() -> Iterator[Callable[[], Any]]:
    """Needs the compiled catalogs, which script/setup makes."""
    app = Flask("spoken")
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(TRANSLATIONS)
    Babel(app)
    with app.test_request_context():
        yield lambda: force_locale("es")


@pytest.mark.parametrize("case", CASES)
def test_problems_are_told_in_spanish_with_the_same_figures(
    case: str, speak_spanish: Callable[[], Any]
) -> None:
    found, wanted, code, message = CASES[case]
    with speak_spanish():
        (problem,) = find_problems(wanted, found)
    assert problem.code == code
    assert problem.message != message
    assert figures(problem.message) == figures(message)
    english = {"the", "it", "is", "please", "booking", "from", "until", "with", "at", "open"}
    assert not english & set(re.findall(r"\w+", problem.message.lower()))


def test_days_and_lengths_are_written_as_spanish_has_them(
    speak_spanish: Callable[[], Any],
) -> None:
    found, wanted, _code, _message = CASES["more time than a day's quota"]
    with speak_spanish():
        (problem,) = find_problems(wanted, found)
    assert problem.message == (
        "Como máximo 4 horas al día para cada persona: con esta reserva serían 4 horas 30 minutos "
        "el mar, 3 mar."
    )

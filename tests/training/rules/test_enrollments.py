"""The rules of enrollments: seats, answers in time, notice, what is owed, certificates."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.training.rules import certificates, telling
from portal.training.rules.enrollments import (
    ENROLLMENTS,
    HISTORY_WORDS,
    LIVE_STATUSES,
    SEATED_STATUSES,
    answer_by,
    attended_of,
    is_late_withdrawal,
    last_free_day,
    lowest_free,
    owed_cents,
    renumbered,
    total_cents,
)

DAY = dt.date(2027, 3, 1)
NOON = dt.datetime(2027, 2, 20, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("taken", "seats", "found"),
    [((), 2, 1), ((1,), 2, 2), ((2,), 2, 1), ((1, 2), 2, None), ((1, 3), 3, 2)],
)
def test_newcomers_get_the_lowest_free_seat(
    taken: tuple[int, ...], seats: int, found: int | None
) -> None:
    assert lowest_free(taken, seats) == found


@settings(deadline=None)
@given(
    taken=st.sets(st.integers(min_value=1, max_value=30)),
    seats=st.integers(min_value=1, max_value=30),
)
def test_seats_are_renumbered_so_that_all_fit_or_not_at_all(taken: set[int], seats: int) -> None:
    if len(taken) > seats:
        with pytest.raises(ValueError, match=str(seats)):
            renumbered(taken, seats)
        return
    changes = renumbered(taken, seats)
    after = [changes.get(number, number) for number in taken]
    assert len(set(after)) == len(taken)
    assert all(1 <= number <= seats for number in after)
    assert all(number > seats for number in changes), "who sits well stays"


def test_seat_is_kept_so_long_but_not_beyond_the_beginning() -> None:
    zone = "America/Kentucky/Louisville"
    assert answer_by(NOON, dt.timedelta(hours=72), DAY, zone) == NOON + dt.timedelta(hours=72)
    begins = dt.datetime(2027, 3, 1, 5, tzinfo=dt.UTC)
    assert answer_by(NOON, dt.timedelta(days=30), DAY, zone) == begins
    late = begins - dt.timedelta(minutes=5)
    assert answer_by(late, dt.timedelta(days=1), DAY, zone) == late + dt.timedelta(hours=1)


@pytest.mark.parametrize(
    ("status", "today", "notice_days", "is_late"),
    [
        ("enrolled", DAY - dt.timedelta(days=7), 7, False),
        ("enrolled", DAY - dt.timedelta(days=6), 7, True),
        ("enrolled", DAY - dt.timedelta(days=1), 0, False),
        ("enrolled", DAY, 0, True),
        ("requested", DAY, 7, False),
        ("waiting", DAY, 7, False),
    ],
)
def test_withdrawing_is_free_until_the_notice_is_over(
    status: str, today: dt.date, notice_days: int, is_late: bool
) -> None:
    assert is_late_withdrawal(status, today, last_free_day(DAY, notice_days)) == is_late


def test_without_notice_the_day_before_is_the_last_free_one() -> None:
    assert last_free_day(DAY, 0) == last_free_day(DAY, 1) == DAY - dt.timedelta(days=1)


def test_a_firm_that_did_not_ask_has_a_week_at_least() -> None:
    week = dt.timedelta(days=7)
    assert last_free_day(DAY, 3, told_on=DAY) == DAY + week
    assert last_free_day(DAY, 3, told_on=DAY - 5 * week) == DAY - dt.timedelta(days=3)


@pytest.mark.parametrize(
    ("status", "is_late", "owed"),
    [
        ("enrolled", False, 100),
        ("completed", False, 100),
        ("failed", False, 100),
        ("withdrawn", True, 100),
        ("withdrawn", False, 0),
        ("requested", False, 0),
        ("invited", False, 0),
        ("cancelled", False, 0),
    ],
)
def test_price_is_owed_by_who_takes_part_or_withdraws_late(
    status: str, is_late: bool, owed: int
) -> None:
    assert owed_cents(status, 100, is_withdrawn_late=is_late) == owed


def test_what_has_no_price_counts_for_nothing_in_a_sum() -> None:
    assert owed_cents("enrolled", None, is_withdrawn_late=False) is None
    assert total_cents([100, None, 50]) == 150


def test_only_meetings_that_were_looked_at_count_for_attendance() -> None:
    assert attended_of([True, False, True]) == (2, 3)
    assert attended_of([]) == (0, 0)


def test_whoever_has_a_seat_is_alive_in_the_section() -> None:
    assert set(SEATED_STATUSES) < set(LIVE_STATUSES)
    assert set(HISTORY_WORDS) == set(ENROLLMENTS.transitions)


@pytest.mark.parametrize(
    ("issued", "months", "last"),
    [
        (dt.date(2027, 1, 31), 1, dt.date(2027, 2, 28)),
        (dt.date(2028, 2, 29), 12, dt.date(2029, 2, 28)),
        (dt.date(2027, 3, 15), 36, dt.date(2030, 3, 15)),
        (dt.date(2027, 12, 1), 1, dt.date(2028, 1, 1)),
        (dt.date(2027, 3, 15), None, None),
    ],
)
def test_certificate_is_valid_for_months_of_the_calendar(
    issued: dt.date, months: int | None, last: dt.date | None
) -> None:
    assert certificates.last_valid_day(issued, months) == last


@pytest.mark.parametrize(
    ("today", "expires_on", "is_revoked", "state"),
    [
        (DAY, None, False, "valid"),
        (DAY, DAY, False, "valid"),
        (DAY, DAY - dt.timedelta(days=1), False, "expired"),
        (DAY, DAY - dt.timedelta(days=1), True, "revoked"),
        (DAY, None, True, "revoked"),
    ],
)
def test_certificate_says_what_it_is_today(
    today: dt.date, expires_on: dt.date | None, is_revoked: bool, state: str
) -> None:
    assert certificates.state_of(today, expires_on, NOON if is_revoked else None) == state


def test_no_two_numbers_are_alike_and_each_is_read_back_as_typed() -> None:
    numbers = {certificates.make_number() for _time in range(200)}
    assert len(numbers) == 200
    for number in numbers:
        typed = number.lower().replace("-", " ").replace("0", "o").replace("1", "l")
        assert certificates.read_number(typed) == number


@pytest.mark.parametrize("text", ["", "1234", "U" * 16, "7K2M-X9QA-0000-0000-0", "é" * 16])
def test_what_is_no_number_is_not_read_as_one(text: str) -> None:
    assert certificates.read_number(text) is None


def test_what_others_decide_about_a_person_cannot_be_switched_off() -> None:
    silent = {"tells_person": False, "tells_host": False, "offers": False}
    assert telling.is_told("person", "cancel", **silent)
    assert not telling.is_told("person", "accept", **silent)
    assert not telling.is_told("firm", "cancel", **silent)
    assert not telling.is_told("person", "offer", **silent)
    assert set(telling.URGENT) <= set(telling.TOLD)

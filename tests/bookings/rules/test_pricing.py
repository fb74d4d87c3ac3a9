"""What a booking costs: by time, runs and samples, with minimum, operator and fees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.bookings.rules.pricing import (
    Line,
    Rates,
    Use,
    inherit_rates,
    price_cancellation,
    price_no_show,
    price_use,
    total_cents,
)

HOUR = Rates(hour_cents=8500)
DAY = Rates(day_cents=40000)
BOTH = Rates(hour_cents=8500, day_cents=40000)
WITH_OPERATOR = Rates(hour_cents=1000, operator_cents=6000)
MINIMUM = Rates(hour_cents=1000, minimum_cents=5000)


@pytest.mark.parametrize(
    ("rates", "use", "cents"),
    [
        pytest.param(HOUR, Use(60), 8500, id="one hour"),
        pytest.param(HOUR, Use(90), 12750, id="an hour and a half"),
        pytest.param(Rates(hour_cents=1000), Use(1), 17, id="a minute is rounded to a cent"),
        pytest.param(Rates(hour_cents=30), Use(1), 1, id="half a cent is rounded up"),
        pytest.param(DAY, Use(60), 40000, id="a started day"),
        pytest.param(DAY, Use(24 * 60 + 1), 80000, id="a second started day"),
        pytest.param(BOTH, Use(4 * 60), 34000, id="few hours are cheaper than the day"),
        pytest.param(BOTH, Use(8 * 60), 40000, id="the day is cheaper than eight hours"),
        pytest.param(BOTH, Use(26 * 60), 57000, id="a day and two hours"),
        pytest.param(Rates(run_cents=500), Use(120, runs=3), 1500, id="runs, whatever they take"),
        pytest.param(Rates(sample_cents=700), Use(60, samples=2), 1400, id="samples"),
        pytest.param(
            Rates(hour_cents=1000, sample_cents=700),
            Use(60, samples=2),
            2400,
            id="time and samples",
        ),
        pytest.param(WITH_OPERATOR, Use(30, with_operator=True), 3500, id="operator by the hour"),
        pytest.param(WITH_OPERATOR, Use(60), 1000, id="nobody comes along"),
        pytest.param(MINIMUM, Use(60), 5000, id="the minimum charge"),
        pytest.param(MINIMUM, Use(360), 6000, id="more than the minimum"),
        pytest.param(Rates(hour_cents=0), Use(600), 0, id="free of charge"),
    ],
)
def test_use_costs(rates: Rates, use: Use, cents: int) -> None:
    lines = price_use(rates, use)
    assert lines is not None
    assert total_cents(lines) == cents


def test_without_a_price_of_use_nothing_is_estimated() -> None:
    assert price_use(Rates(minimum_cents=5000, operator_cents=6000), Use(60)) is None


def test_the_minimum_is_a_line_of_its_own() -> None:
    lines = price_use(MINIMUM, Use(90))
    assert lines == [Line("use", 1500, "hour", 1500, 1000), Line("minimum", 3500)]


@pytest.mark.parametrize(
    ("rates", "is_late", "cents"),
    [
        (Rates(cancellation_cents=2500), True, 2500),
        (Rates(cancellation_cents=2500), False, 0),
        (Rates(), True, 0),
    ],
    ids=["late", "in time", "no fee"],
)
def test_cancelling_costs_only_late_and_where_the_host_says_so(
    rates: Rates, is_late: bool, cents: int
) -> None:
    assert total_cents(price_cancellation(rates, is_late=is_late)) == cents


def test_nobody_came() -> None:
    assert price_no_show(Rates(no_show_cents=4000)) == [Line("no_show", 4000)]
    assert price_no_show(Rates()) == []


def test_prices_of_use_come_from_one_layer_and_terms_from_the_narrowest_that_has_them() -> None:
    layers = [
        {"minimum_cents": 2000},
        {"hour_cents": 5000, "operator_cents": 100},
        {"hour_cents": 9000, "day_cents": 30000, "minimum_cents": 9999, "no_show_cents": 700},
    ]
    assert inherit_rates(layers) == Rates(
        hour_cents=5000, minimum_cents=2000, operator_cents=100, no_show_cents=700
    )


@given(minutes=st.integers(1, 20_000), more=st.integers(0, 5_000))
def test_longer_is_never_cheaper(minutes: int, more: int) -> None:
    shorter, longer = (price_use(BOTH, Use(length)) for length in (minutes, minutes + more))
    assert shorter is not None
    assert longer is not None
    assert total_cents(shorter) <= total_cents(longer)

"""What a booking costs, in whole cents: the estimate before it and the charge after it alike.

One function makes both, so that they are equal unless the use differs from what was booked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

_HOUR = 60
_DAY = 24 * _HOUR


@dataclass(frozen=True)
class Rates:
    """What a customer class pays: cents per hour, day, run or sample, and the terms around it.

    None: not said. minimum_cents: the least that a booking costs. operator_cents: per hour, where
    an operator comes along. cancellation_cents: for cancelling later than the notice allows.
    no_show_cents: when nobody came.
    """

    hour_cents: int | None = None
    day_cents: int | None = None
    run_cents: int | None = None
    sample_cents: int | None = None
    minimum_cents: int | None = None
    operator_cents: int | None = None
    cancellation_cents: int | None = None
    no_show_cents: int | None = None

    @property
    def is_priced(self) -> bool:
        """Whether anything is said about the price of use."""
        return any(
            cents is not None
            for cents in (self.hour_cents, self.day_cents, self.run_cents, self.sample_cents)
        )

    def counts(self, runs: int, samples: int) -> bool:
        """Tell whether as many runs or samples are given as the price asks for."""
        return (self.run_cents is None or runs > 0) and (self.sample_cents is None or samples > 0)


@dataclass(frozen=True)
class Use:
    """What is paid for: minutes of time, or a number of runs or samples of them.

    clock_minutes: so long it is by the clocks of the place, by which days are counted: one of 25
    hours is no two. None: as long as it lasts.
    """

    minutes: int
    runs: int = 0
    samples: int = 0
    with_operator: bool = False
    clock_minutes: int | None = None


@dataclass(frozen=True)
class Line:
    """A line of a charge. quantity is in thousandths of the unit, so that it stays whole."""

    kind: str
    amount_cents: int
    unit: str = ""
    quantity_thousandths: int = 0
    unit_cents: int = 0


def price_use(rates: Rates, use: Use) -> list[Line] | None:
    """Return the lines for a use, or None where the host says no price for it.

    Time is paid by the minute at the hourly rate, or by started days, whichever is cheaper; a
    machine that is paid by runs or samples asks for their number, and time then costs nothing of
    its own unless it has a rate too.
    """
    if not rates.is_priced:
        return None
    lines = list(_time_lines(rates, use))
    for unit, cents, count in (
        ("run", rates.run_cents, use.runs),
        ("sample", rates.sample_cents, use.samples),
    ):
        if cents is not None and count:
            lines.append(Line("use", cents * count, unit, count * 1000, cents))
    if use.with_operator and rates.operator_cents is not None:
        lines.append(_by_the_hour("operator", rates.operator_cents, use.minutes))
    missing = (rates.minimum_cents or 0) - total_cents(lines)
    if missing > 0:
        lines.append(Line("minimum", missing))
    return lines


def price_cancellation(rates: Rates, *, is_late: bool) -> list[Line]:
    """Return what cancelling costs: nothing in time, else the host's fee for late ones."""
    fee = rates.cancellation_cents or 0
    return [Line("cancellation", fee)] if is_late and fee else []


def price_no_show(rates: Rates) -> list[Line]:
    """Return what it costs when nobody came."""
    fee = rates.no_show_cents or 0
    return [Line("no_show", fee)] if fee else []


def total_cents(lines: Sequence[Line]) -> int:
    """Return the sum of the lines."""
    return sum(line.amount_cents for line in lines)


def inherit_rates(layers: Sequence[Mapping[str, int | None]]) -> Rates:
    """Return the rates from layers, narrowest first; None or absent means not said there.

    Prices of use belong together: the first layer that has any of them gives them all, so that an
    hourly rate of one class is never mixed with the daily rate of another.
    """
    values: dict[str, int | None] = {}
    uses = ("hour_cents", "day_cents", "run_cents", "sample_cents")
    for layer in layers:
        if any(layer.get(name) is not None for name in uses):
            values.update({name: layer.get(name) for name in uses})
            break
    for name in ("minimum_cents", "operator_cents", "cancellation_cents", "no_show_cents"):
        values[name] = next((layer[name] for layer in layers if layer.get(name) is not None), None)
    return Rates(**values)


def _time_lines(rates: Rates, use: Use) -> list[Line]:
    choices = []
    if rates.hour_cents is not None:
        choices.append([_by_the_hour("use", rates.hour_cents, use.minutes)])
    if rates.day_cents is not None:
        shown = use.minutes if use.clock_minutes is None else use.clock_minutes
        started_days = -(-shown // _DAY)
        choices.append([_by_the_day(rates.day_cents, started_days)])
        whole_days, rest = divmod(shown, _DAY)
        if rates.hour_cents is not None and whole_days and rest:
            choices.append(
                [
                    _by_the_day(rates.day_cents, whole_days),
                    _by_the_hour("use", rates.hour_cents, rest),
                ]
            )
    return min(choices, key=total_cents, default=[])


def _by_the_day(cents: int, days: int) -> Line:
    return Line("use", cents * days, "day", days * 1000, cents)


def _by_the_hour(kind: str, cents: int, minutes: int) -> Line:
    return Line(
        kind,
        _rounded(Decimal(cents) * minutes / _HOUR),
        "hour",
        _rounded(Decimal(minutes) * 1000 / _HOUR),
        cents,
    )


def _rounded(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))

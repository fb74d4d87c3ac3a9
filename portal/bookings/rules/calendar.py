"""What hosts say of when and how one thing can be booked, and what holds of it for whom.

Everything is inherited from equipment to facility to organization; the narrower word wins.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from portal.bookings.rules.attempt import BookingRules, ClosedSpan, Hours, QuotaUse
from portal.bookings.rules.free import apart_minutes
from portal.bookings.rules.inheritance import inherit

_SOURCES = ("own", "facility", "organization")


@dataclass(frozen=True)
class Layer:
    """What one resource says of its rules for one customer class, or ("") for all.

    source: "own", "facility" or "organization", as seen from the resource that inherits.
    values: what is said, by name of `BookingRules`, and `is_regional`.
    """

    source: str
    customer_class: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class QuotaRule:
    """A quota as a host wrote it; source and customer_class as of a `Layer`."""

    source: str
    customer_class: str
    shared_by: str
    period: str
    most_minutes: int | None
    most_bookings: int | None


@dataclass(frozen=True)
class Calendar:
    """All that hosts say about one resource; layers and quotas of the narrowest first."""

    hours: Hours
    hours_from: str
    closed: tuple[ClosedSpan, ...]
    layers: tuple[Layer, ...]
    quota_rules: tuple[QuotaRule, ...]
    # By customer class, as it was worked out before.
    _rules: dict[str, BookingRules] = field(default_factory=dict, init=False, compare=False)
    _quotas: dict[str, tuple[QuotaUse, ...]] = field(
        default_factory=dict, init=False, compare=False
    )

    def within(self, hours: Hours, closed: tuple[ClosedSpan, ...]) -> "Calendar":
        """Return it with the dates and closures of a window; rules are worked out only once."""
        found = object.__new__(Calendar)
        found.__dict__.update(self.__dict__, hours=hours, closed=closed)
        return found

    def layers_for(self, customer_class: str) -> list[Layer]:
        """Return what is said to a customer class, what counts most first."""
        found = [layer for layer in self.layers if layer.customer_class in (customer_class, "")]
        return sorted(
            found, key=lambda layer: (_SOURCES.index(layer.source), layer.customer_class == "")
        )

    def origin_of(self, name: str, customer_class: str) -> Layer | None:
        """Return the layer whose word holds for a rule, or None where nobody says anything."""
        name = "is_regional" if name == "eligible_region_ids" else name
        layers = self.layers_for(customer_class)
        return next((layer for layer in layers if name in layer.values), None)

    def own_layer(self, customer_class: str) -> Mapping[str, Any]:
        """Return what the resource itself says to a customer class."""
        said = (
            layer.values
            for layer in self.layers
            if (layer.source, layer.customer_class) == ("own", customer_class)
        )
        return next(said, {})

    def without_own(self, customer_class: str) -> "Calendar":
        """Return the calendar as it would be if the resource said nothing to a customer class."""
        left = tuple(
            layer
            for layer in self.layers
            if (layer.source, layer.customer_class) != ("own", customer_class)
        )
        return replace(self, layers=left)

    def rules_for(self, customer_class: str) -> BookingRules:
        """Return the rules that hold for a customer class."""
        found = self._rules.get(customer_class)
        if found is None:
            layers = self.layers_for(customer_class)
            found = self._rules[customer_class] = inherit([layer.values for layer in layers])
        return found

    @cached_property
    def _apart(self) -> dict[str, tuple[int, int]]:
        classes = {"", *(layer.customer_class for layer in self.layers)}
        rules = {one: self.rules_for(one) for one in classes}
        return {one: (apart_minutes(said), said.turnaround_minutes) for one, said in rules.items()}

    def apart_for(self, customer_class: str) -> tuple[int, int]:
        """Return the minutes kept free around bookings of a class: from others, and from all."""
        return self._apart.get(customer_class, self._apart[""])

    @cached_property
    def longest_apart(self) -> int:
        """The longest time that is kept free around a booking of whatever class."""
        return max(minutes for minutes, _turnaround in self._apart.values())

    def quotas_for(self, customer_class: str) -> tuple[QuotaUse, ...]:
        """Return the quotas that hold for a customer class, without what is used of them.

        The narrowest of those with the same sharer and period holds; what everybody shares is
        counted for the class alone and for all, where both are limited.
        """
        known = self._quotas.get(customer_class)
        if known is not None:
            return known
        found: dict[tuple[str, str, str], QuotaUse] = {}
        asked = [rule for rule in self.quota_rules if rule.customer_class in (customer_class, "")]
        asked.sort(key=lambda rule: (_SOURCES.index(rule.source), rule.customer_class == ""))
        for rule in asked:
            counted = rule.customer_class if rule.shared_by == "equipment" else ""
            found.setdefault(
                (rule.shared_by, rule.period, counted),
                QuotaUse(
                    shared_by=rule.shared_by,
                    period=rule.period,
                    most_minutes=rule.most_minutes,
                    most_bookings=rule.most_bookings,
                    customer_class=counted,
                    source=rule.source,
                ),
            )
        known = self._quotas[customer_class] = tuple(found.values())
        return known

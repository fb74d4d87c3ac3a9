"""What rules hold for a resource: each value from the narrowest layer that says it."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from portal.bookings.rules.attempt import BookingRules

_FIELDS = tuple(field.name for field in fields(BookingRules))


def inherit(layers: Sequence[Mapping[str, Any]]) -> BookingRules:
    """Return the rules that follow from layers, the narrowest one first.

    layers: the fields of `BookingRules` by name; None or absent: not said there. The regions of a
    layer (`eligible_region_ids`) count where its `is_regional` is true, and lift what wider layers
    say where it is false. What no layer says is as `BookingRules` has it.
    """
    said = [dict(layer, eligible_region_ids=None) for layer in layers]
    chosen: dict[str, Any] = {}
    source: dict[str, int] = {}
    for number, layer in enumerate(said):
        for name in _FIELDS:
            if name not in chosen and layer.get(name) is not None:
                chosen[name], source[name] = layer[name], number
    if "eligible_kinds" in chosen:
        chosen["eligible_kinds"] = frozenset(chosen["eligible_kinds"])
    bound = next((layer for layer in layers if layer.get("is_regional") is not None), None)
    if bound is not None and bound["is_regional"]:
        chosen["eligible_region_ids"] = frozenset(bound.get("eligible_region_ids") or ())
    _put_lengths_in_order(chosen, source)
    return BookingRules(**chosen)


def _put_lengths_in_order(chosen: dict[str, Any], source: Mapping[str, int]) -> None:
    # Each layer is in order by itself, two of them need not be: the wider one gives way, or
    # nothing could be booked at all.
    shortest = chosen.get("min_length_minutes", BookingRules.min_length_minutes)
    longest = chosen.get("max_length_minutes")
    if longest is None or shortest <= longest:
        return
    if source.get("min_length_minutes", len(source)) < source["max_length_minutes"]:
        chosen["max_length_minutes"] = shortest
    else:
        chosen["min_length_minutes"] = longest

"""Whole sets of booking rules that a host chooses with one click."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l


@dataclass(frozen=True)
class Preset:
    """What a choice is called, what it means, and what it writes.

    hours: rows of {weekday, opens, closes}; None leaves the hours as they are.
    """

    label: Any
    text: Any
    rules: Mapping[str, Any]
    hours: Sequence[Mapping[str, Any]] | None = None


_WEEKDAYS = tuple({"weekday": day, "opens": "08:00", "closes": "17:00"} for day in range(5))

PRESETS: Mapping[str, Preset] = {
    "weekdays": Preset(
        _l("Weekdays, I approve each time"),
        _l("Monday to Friday from 8 to 5, for one hour up to one day, asked for a day ahead."),
        {
            "approval": "host",
            "slot_minutes": 30,
            "min_length_minutes": 60,
            "max_length_minutes": 540,
            "lead_time_minutes": 1440,
            "horizon_days": 90,
            "cancel_notice_minutes": 1440,
        },
        _WEEKDAYS,
    ),
    "qualified": Preset(
        _l("At once, for qualified people"),
        _l("No approval: whoever you have qualified books at once, up to 60 days ahead."),
        {
            "approval": "instant",
            "needs_qualification": True,
            "slot_minutes": 30,
            "min_length_minutes": 30,
            "max_length_minutes": 480,
            "lead_time_minutes": 0,
            "horizon_days": 60,
            "cancel_notice_minutes": 120,
        },
    ),
}

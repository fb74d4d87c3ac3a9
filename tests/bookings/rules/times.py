"""Spans as people write them, on the wall of New York unless another place is named.

In 2026 its clocks skip from 2 to 3 on Sunday, March 8, and go from 2 back to 1 on Sunday,
November 1.
"""

import datetime as dt
from zoneinfo import ZoneInfo

from portal.bookings.rules.attempt import Span

NEW_YORK = "America/New_York"
#: Clocks change at midnight here, both times.
HAVANA = "America/Havana"


def at(text: str, zone: str = NEW_YORK) -> dt.datetime:
    """Read "2026-03-02 09:00"; of a time that comes twice, "… again" is the second one."""
    shown = dt.datetime.fromisoformat(text.removesuffix(" again")).replace(tzinfo=ZoneInfo(zone))
    return shown.replace(fold=int(text.endswith(" again"))).astimezone(dt.UTC)


def span(text: str, zone: str = NEW_YORK) -> Span:
    """Read "2026-03-02 09:00 / 10:00" or "2026-03-02 22:00 / 2026-03-03 06:00"."""
    first, _, last = text.partition(" / ")
    if last[4:5] != "-":
        last = f"{first[:10]} {last}"
    return Span(at(first, zone), at(last, zone))


def spans(*texts: str, zone: str = NEW_YORK) -> list[Span]:
    return [span(text, zone) for text in texts]


def walls(found: list[Span], zone: str = NEW_YORK) -> list[str]:
    """Write spans as `span` reads them, with the hours that they really last."""
    place = ZoneInfo(zone)
    return [f"{one.starts_at.astimezone(place):%m-%d %H:%M} {one.minutes / 60:g}h" for one in found]

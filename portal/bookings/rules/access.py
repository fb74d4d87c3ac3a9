"""When what opens a gate ends. Pure.

What a qualification opens: the equipment it names, or every piece of equipment and every facility
that carries the very concept it names. Neither a broader nor a narrower concept counts: who may
mill on three axes may not thereby mill on five, and who was shown one five-axis mill was not shown
all of machining. A host that means more grants more.
"""

import datetime as dt

#: Days before its end at which people are warned.
WARNING_DAYS = 30


def last_day(
    granted_on: dt.date,
    expires_on: dt.date | None,
    lapses_after_days: int | None,
    last_used_on: dt.date | None,
) -> dt.date | None:
    """Return the last day on which a qualification is good, or None where it never ends.

    Disuse counts from the last use, or from the grant where that came later.
    """
    ends = [expires_on] if expires_on else []
    if lapses_after_days:
        fresh_on = max(granted_on, last_used_on) if last_used_on else granted_on
        ends.append(fresh_on + dt.timedelta(days=lapses_after_days))
    return min(ends, default=None)


def lapses_first(expires_on: dt.date | None, ends_on: dt.date | None) -> bool:
    """Tell whether it is disuse, not its expiry, that ends a qualification."""
    return ends_on is not None and ends_on != expires_on

"""Situations of every sort for properties: both nights, buffers, closures, several places."""

import datetime as dt

from hypothesis import strategies as st

from portal.bookings.rules.attempt import (
    BookingRules,
    ClosedSpan,
    Gates,
    Hours,
    QuotaUse,
    Situation,
    Span,
    Taken,
)
from tests.bookings.rules.times import HAVANA, NEW_YORK

ANA, BEN = 1, 2
FIRM, COLLEGE = 10, 20

#: The days around a usual Tuesday, the spring night and the autumn night.
_DAYS = [dt.date(2026, 3, 3), dt.date(2026, 3, 7), dt.date(2026, 10, 31)]
_ROWS = [
    (),
    (("00:00", "24:00"),),
    (("08:00", "12:00"), ("13:00", "17:00")),
    (("00:00", "02:30"), ("02:30", "06:10"), ("21:00", "24:00")),
    (("01:30", "03:15"),),
]


@st.composite
def situations(draw: st.DrawFn, *, most_taken: int = 8) -> Situation:
    """A situation that is complete for two days."""
    zone = draw(st.sampled_from([NEW_YORK, HAVANA]))
    day = draw(st.sampled_from(_DAYS))
    begins = dt.datetime.combine(day, dt.time(4), dt.UTC)

    def spans(longest: int) -> st.SearchStrategy[Span]:
        return st.tuples(st.integers(-20, 190), st.integers(1, longest)).map(
            lambda one: Span(
                begins + dt.timedelta(minutes=15 * one[0]),
                begins + dt.timedelta(minutes=15 * (one[0] + one[1])),
            )
        )

    rows = st.sampled_from(_ROWS)
    hours = Hours(
        zone,
        draw(st.none() | st.fixed_dictionaries(dict.fromkeys(range(7), rows))),
        draw(st.dictionaries(st.sampled_from([day, day + dt.timedelta(days=1)]), rows)),
    )
    minutes = st.sampled_from([0, 0, 15, 40])
    rules = BookingRules(
        slot_minutes=draw(st.sampled_from([15, 30, 45, 60, 120])),
        min_length_minutes=draw(st.sampled_from([15, 20, 60, 130])),
        lead_time_minutes=draw(st.sampled_from([0, 0, 70, 600])),
        horizon_days=draw(st.sampled_from([1, 2, 180])),
        buffer_before_minutes=draw(minutes),
        buffer_after_minutes=draw(minutes),
        turnaround_minutes=draw(minutes),
        capacity=draw(st.sampled_from([1, 1, 2, 3])),
    )
    people = st.sampled_from([ANA, BEN, None])
    taken = draw(st.lists(st.tuples(spans(20), people), max_size=most_taken))
    closed = draw(
        st.lists(
            st.builds(
                ClosedSpan,
                st.sampled_from(["closure", "blocking", "outage"]),
                spans(60),
                allowed_organization_ids=st.sampled_from([frozenset(), frozenset({FIRM})]),
            ),
            max_size=2,
        )
    )
    return Situation(
        now=begins + dt.timedelta(minutes=draw(st.sampled_from([-3000, -90, 7, 600]))),
        rules=rules,
        hours=hours,
        closed=tuple(closed),
        taken=tuple(
            Taken(number, span, user_id, COLLEGE) for number, (span, user_id) in enumerate(taken, 1)
        ),
        gates=Gates(),
        window=Span(begins, begins + dt.timedelta(days=2)),
    )


quotas = st.builds(
    QuotaUse,
    st.just("person"),
    st.sampled_from(["day", "week"]),
    st.sampled_from([None, 60, 240]),
    st.just(3),
)

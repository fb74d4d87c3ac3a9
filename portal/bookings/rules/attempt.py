"""An attempt to book as plain values: what is wanted, by whom, and all that decides about it.

`queries/situations.py` fills a `Situation` from the database; `problems.py` judges the attempt by
it and `suggestions.py` looks for what would work. Instants are aware UTC; spans are half-open.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

#: The end of an outage whose end nobody knows yet.
NO_END = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


# Of spans and what is taken there are thousands at once: tuples are made five times as quickly.
class Span(NamedTuple):
    """Time from `starts_at` until just before `ends_at`."""

    starts_at: dt.datetime
    ends_at: dt.datetime

    @property
    def minutes(self) -> float:
        """How long it is, in minutes of real time (an hour more or less when clocks change)."""
        return (self.ends_at - self.starts_at).total_seconds() / 60

    def overlaps(self, other: "Span") -> bool:
        """Tell whether the two share an instant; one may begin when the other ends."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    def widened(self, before_minutes: int, after_minutes: int) -> "Span":
        """Return the span with time put before and after it."""
        if not before_minutes and not after_minutes:
            return self
        return Span(
            self.starts_at - dt.timedelta(minutes=before_minutes),
            self.ends_at + dt.timedelta(minutes=after_minutes),
        )


@dataclass(frozen=True)
class BookingRules:
    """What holds for one resource and one customer class, everything inherited: minutes, days.

    The values given here are the defaults of the portal, where no layer says anything.
    buffer_before/after_minutes: kept free towards bookings of other people.
    turnaround_minutes: kept free after every booking, whoever comes next.
    no_show_minutes: after this without a check-in the time is released (None: never).
    max_length_minutes, eligible_kinds, eligible_region_ids: None where there is no bound.
    """

    slot_minutes: int = 15
    min_length_minutes: int = 15
    max_length_minutes: int | None = None
    lead_time_minutes: int = 0
    horizon_days: int = 180
    cancel_notice_minutes: int = 0
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    turnaround_minutes: int = 0
    capacity: int = 1
    no_show_minutes: int | None = None
    approval: str = "host"
    needs_qualification: bool = False
    needs_agreement: bool = False
    needs_insurance: bool = False
    needs_induction: bool = False
    eligible_kinds: frozenset[str] | None = None
    eligible_region_ids: frozenset[int] | None = None


@dataclass(frozen=True)
class Hours:
    """When a resource is open, in the time of its place.

    zone: IANA name. week: weekday 0–6 to its (opens, closes) as "08:00" (midnight: "24:00"); None:
    always open. special: dates with hours of their own, none of them where it is closed.
    """

    zone: str
    week: Mapping[int, tuple[tuple[str, str], ...]] | None = None
    special: Mapping[dt.date, tuple[tuple[str, str], ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class ClosedSpan:
    """A closure, blocking or outage at one time, of the resource or of what it depends on.

    span: ends at `NO_END` where nobody knows its end yet.
    kind: as in `words.CLOSURE_KINDS`; because_of: the name of the resource it depends on, or "".
    allowed_organization_ids: who may book all the same (blockings).
    place_id: the resource whose closure it is, where not everybody who sees the other one sees it.
    """

    kind: str
    span: Span
    reason: str = ""
    because_of: str = ""
    allowed_organization_ids: frozenset[int] = frozenset()
    place_id: int | None = None


class Taken(NamedTuple):
    """A booking that holds one of the resource's places.

    is_fixed: it is in use or was, so its place does not change any more.
    apart_minutes, turnaround_minutes: what the rules of its own customer class keep free around it
    towards other people, and towards anybody.
    """

    booking_id: int
    span: Span
    user_id: int | None
    organization_id: int
    place: int = 1
    is_fixed: bool = False
    apart_minutes: int = 0
    turnaround_minutes: int = 0


@dataclass(frozen=True)
class QuotaUse:
    """A quota that applies to the attempt, with the spans that already count towards it.

    customer_class: whose bookings count to what everybody shares; ("") those of all.
    source: whose word it is, "own", "facility" or "organization": what all of its kind there use of
    it counts together.
    """

    shared_by: str
    period: str
    most_minutes: int | None
    most_bookings: int | None
    used: tuple[Span, ...] = ()
    customer_class: str = ""
    source: str = "own"


@dataclass(frozen=True)
class Gates:
    """Which gates are open for the person and organization; False where something is missing.

    A gate's end counts: what expires before the span is over is not open.
    region_names: of the regions that may book, where the organization is of none of them.
    """

    is_eligible_kind: bool = True
    is_eligible_region: bool = True
    is_qualified: bool = True
    has_agreement: bool = True
    has_insurance: bool = True
    has_induction: bool = True
    region_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """What is wanted.

    booking_id, was: the booking that is moved, whose own time does not count, and its span so far;
    what has begun may still be made longer or shorter.
    """

    span: Span
    user_id: int | None
    organization_id: int
    customer_class: str
    booking_id: int | None = None
    was: Span | None = None


@dataclass(frozen=True)
class Situation:
    """All that decides about attempts on one resource around one span, for one customer.

    window: the time for which closed, taken and used quotas are complete, so that suggestions stay
    within it; None: for all time.
    """

    now: dt.datetime
    rules: BookingRules
    hours: Hours
    closed: tuple[ClosedSpan, ...] = ()
    taken: tuple[Taken, ...] = ()
    quotas: tuple[QuotaUse, ...] = ()
    gates: Gates = Gates()
    window: Span | None = None


@dataclass(frozen=True)
class Problem:
    """Why an attempt fails. code: of `words.PROBLEMS`; message: for the person, in their language.

    hint: where a missing gate can be opened ("qualification", "agreement", …), or "".
    resource_id: what it stands against, where several are booked at once.
    """

    code: str
    message: str
    overridable: bool
    hint: str = ""
    resource_id: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what the API says of it."""
        return {"code": self.code, "message": self.message, "overridable": self.overridable}

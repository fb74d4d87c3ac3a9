"""What is known of the two sides of a match, as plain values, and what comparing them gives."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a request asks for, or offers.

    Of an anonymous request this is no more than everybody reads of it, so that no match can tell
    what it hides. capabilities: how much each counts, by key; those that were chosen, and those
    that only its words name. sizes: the largest figure of each dimension in its words
    (`rules.sizes`). people, languages, credentials: of training, as its words name them
    (`rules.learning`), credentials with their names by id.
    """

    request_id: int
    organization_id: int
    kind: str
    direction: str
    text: str
    organization_kind: str = ""
    capabilities: Mapping[str, float] = field(default_factory=dict)
    point: Point | None = None
    radius_miles: int | None = None
    wanted_by: dt.date | None = None
    certifications: tuple[str, ...] = ()
    sizes: Mapping[str, float] = field(default_factory=dict)
    budget_cents: int | None = None
    trl: int | None = None
    partner_kinds: tuple[str, ...] = ()
    partner_sizes: tuple[str, ...] = ()
    clusters: frozenset[str] = frozenset()
    people: int | None = None
    languages: frozenset[str] = frozenset()
    credentials: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Offered:
    """What a candidate has, as any member of the portal may read it.

    relevance: how well its words answer the request's, 0 to 1 among all that was found.
    held: what a place or an organization can do by what stands in it, apart from `capabilities`.
    sharing, eligibility: of equipment. rates: (unit, cents) for the request's customer class.
    is_free: whether it can be booked in the wanted span (None: nobody knows), free_on: first when.
    takes_kinds: the kinds of partner that a candidate request looks for.
    Of a program: starts_on, free_seats: of the next section in which one can enroll (None: there is
    none); cost_cents: of a seat, for the request's customer class (None: not said); is_online,
    languages, credential_id, credential: how it is taught, and what it awards.
    """

    kind: str
    id: int
    organization_id: int
    relevance: float = 0.0
    organization_kind: str = ""
    employee_band: str = ""
    capabilities: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    point: Point | None = None
    certifications: tuple[str, ...] = ()
    sharing: str = ""
    eligibility: str = ""
    rates: tuple[tuple[str, int], ...] = ()
    sizes: Mapping[str, float] = field(default_factory=dict)
    is_free: bool | None = None
    free_on: dt.date | None = None
    request_kind: str = ""
    trl: int | None = None
    takes_kinds: tuple[str, ...] = ()
    clusters: frozenset[str] = frozenset()
    starts_on: dt.date | None = None
    free_seats: int | None = None
    cost_cents: int | None = None
    is_online: bool = False
    languages: frozenset[str] = frozenset()
    credential_id: int | None = None
    credential: str = ""
    confirmed_on: dt.date | None = None

    @property
    def key(self) -> tuple[str, int]:
        return (self.kind, self.id)


@dataclass(frozen=True)
class Finding:
    """How one criterion came out: "met", "unmet" or "unknown", and how far, from 0 to 1.

    variant, values: which sentence says it, with what. is_hard: unmet, it removes the candidate.
    """

    name: str
    verdict: str
    worth: float
    variant: str
    values: Mapping[str, Any] = field(default_factory=dict)
    is_hard: bool = False

    def as_row(self) -> dict[str, Any]:
        """Return it as a match keeps it."""
        return {
            "name": self.name,
            "verdict": self.verdict,
            "worth": round(self.worth, 3),
            "variant": self.variant,
            "values": dict(self.values),
            "is_hard": self.is_hard,
        }

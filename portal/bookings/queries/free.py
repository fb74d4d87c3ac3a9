"""What is free at a time that somebody chose first: for a page, and as a filter of searches."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Table, select
from sqlalchemy.orm import joinedload

from portal.bookings.models.calendar import Resource
from portal.bookings.queries.availability import availability
from portal.bookings.queries.resources import resources_of
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.timetable import moments_at
from portal.facilities.models import (
    Equipment,
    Facility,
    equipment_capability,
    facility_capability,
)
from portal.facilities.policies import Permission as FacilityPermission
from portal.kernel.authorization import NOBODY, Actor, visible
from portal.kernel.database import session
from portal.kernel.fulltext.port import Key
from portal.kernel.fulltext.ranking import miles_between
from portal.kernel.times import minutes_of, read_time
from portal.organizations.models import Organization
from portal.regions.queries.capabilities import narrower_closure

#: So many machines are looked at for one page, and at once for the directory.
MOST_LOOKED_AT = 300
_BATCH = 500
_DAY = dt.timedelta(days=1)
#: What is looked for, with who sees it and where its capabilities stand.
_SOUGHT: Mapping[str, tuple[Any, str, Table]] = {
    "equipment": (Equipment, FacilityPermission.EQUIPMENT_VIEW, equipment_capability),
    "facility": (Facility, FacilityPermission.FACILITY_VIEW, facility_capability),
}
KINDS = tuple(_SOUGHT)


@dataclass(frozen=True)
class Wish:
    """A time by the clocks of wherever a machine is; minutes after midnight."""

    date: dt.date
    starts: int
    ends: int

    def span(self, zone: str) -> Span:
        """Return the time in a zone."""
        return Span(
            moments_at(zone, self.date, self.starts)[0],
            moments_at(zone, self.date, self.ends)[-1],
        )

    @property
    def window(self) -> Span:
        """The time in all zones together."""
        midnight = dt.datetime.combine(self.date, dt.time(), dt.UTC)
        return Span(midnight - _DAY, midnight + 2 * _DAY)


@dataclass(frozen=True)
class Moment:
    """A time that is the same everywhere, as programs say it."""

    window: Span

    def span(self, _zone: str) -> Span:
        """Return the time, in whichever zone."""
        return self.window


@dataclass(frozen=True)
class Free:
    """What is free at the wished time, there; how far from who asks, if that is known.

    record: a piece of equipment or a facility, as its resource says.
    """

    record: Any
    resource: Resource
    span: Span
    zone: str
    miles: float | None


def read_wish(date: str, starts: str, ends: str) -> Wish | None:
    """Return the time that three texts say, or None where they do not say one."""
    begins, finishes = read_time(starts), read_time(ends)
    try:
        day = dt.date.fromisoformat(date)
    except ValueError:
        return None
    if begins is None or finishes is None or not 2000 <= day.year <= 2100:
        return None
    wish = Wish(day, minutes_of(begins), minutes_of(finishes) or 24 * 60)
    return wish if wish.starts < wish.ends else None


def list_free(
    actor: Actor,
    wish: Wish | Moment,
    *,
    capability: str = "",
    organization: Organization | None = None,
    kinds: Sequence[str] = KINDS,
) -> list[Free]:
    """Return what the actor sees and can be booked at a time.

    The nearest to the organization for which the actor books comes first.
    capability: the key of one; what has a narrower one counts as well. Whether its gates are open
    is told when it is booked.
    """
    found: list[Free] = []
    for kind in kinds:
        model, permission, table = _SOUGHT[kind]
        statement = _bookable(model).where(visible(actor, permission)).limit(MOST_LOOKED_AT)
        if capability:
            statement = statement.where(
                model.id.in_(
                    select(table.c[f"{kind}_id"]).where(
                        table.c.capability_key.in_(narrower_closure([capability]))
                    )
                )
            )
        statement = statement.order_by(model.name, model.id)
        found += _free(actor, session.scalars(statement).all(), wish, organization)
    return sorted(found, key=lambda one: (one.miles is None, one.miles or 0, one.record.name))


def _bookable(model: Any) -> Select[Any]:
    """Select what others can book of one kind, with what its page names."""
    if model is Equipment:
        return (
            select(Equipment)
            .options(joinedload(Equipment.organization), joinedload(Equipment.facility))
            .where(Equipment.is_bookable)
        )
    return (
        select(Facility)
        .options(joinedload(Facility.organization))
        .where(Facility.id.in_(select(Resource.facility_id).where(Resource.is_open)))
    )


def _free(
    actor: Actor,
    records: Sequence[Any],
    wish: Wish | Moment,
    organization: Organization | None,
) -> Iterator[Free]:
    resources = resources_of(records)
    found = availability(actor, resources, wish.window, organization=organization)
    for record, one in zip(records, found, strict=True):
        span = wish.span(one.time_zone)
        if any(
            free.starts_at <= span.starts_at and span.ends_at <= free.ends_at for free in one.free
        ):
            yield Free(record, one.resource, span, one.time_zone, _miles(record, organization))


def _miles(record: Any, organization: Organization | None) -> float | None:
    home = record.facility if isinstance(record, Equipment) else record
    places = (home, record, record.organization)
    here = next((one for one in map(_point, places) if one is not None), None)
    there = _point(organization)
    return None if here is None or there is None else miles_between(*here, *there)


def _point(place: Any) -> tuple[float, float] | None:
    if place is None or place.latitude is None:
        return None
    return place.latitude, place.longitude


def read_filter(values: Mapping[str, str]) -> Mapping[str, str]:
    """Return the values of the directory's filter, or nothing where they say no time."""
    names = ("free_on", "free_starts", "free_ends")
    given = {name: values.get(name, "").strip() for name in names}
    return given if read_wish(*given.values()) is not None else {}


def free_keys(values: Mapping[str, str]) -> frozenset[Key]:
    """Return the keys of all that any customer could book at the time of the filter."""
    wish = read_wish(*(values.get(name, "") for name in ("free_on", "free_starts", "free_ends")))
    if wish is None:
        return frozenset()
    keys: set[Key] = set()
    for kind in KINDS:
        model, last = _SOUGHT[kind][0], 0
        while True:
            records = session.scalars(
                _bookable(model).where(model.id > last).order_by(model.id).limit(_BATCH)
            ).all()
            keys |= {(kind, one.record.id) for one in _free(NOBODY, records, wish, None)}
            if len(records) < _BATCH:
                break
            last = records[-1].id
    return frozenset(keys)

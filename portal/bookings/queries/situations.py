"""Fills from the database what decides about an attempt to book."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, literal, or_, select, union_all
from sqlalchemy.orm import aliased

from portal.bookings.models.booking import Booking, WaitingEntry
from portal.bookings.models.calendar import Resource
from portal.bookings.queries.access import load_gates
from portal.bookings.queries.calendar import load_calendar, load_calendars
from portal.bookings.queries.closures import veil
from portal.bookings.rules.attempt import (
    Attempt,
    BookingRules,
    Gates,
    Problem,
    QuotaUse,
    Situation,
    Span,
    Taken,
)
from portal.bookings.rules.calendar import Calendar
from portal.bookings.rules.customers import customer_class_of
from portal.bookings.rules.hours import local_date
from portal.bookings.rules.problems import find_problems
from portal.bookings.rules.quotas import whole_periods
from portal.bookings.rules.words import HOLDING_STATUSES
from portal.facilities.models import Equipment
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.clock import now
from portal.kernel.database import read_committed, session
from portal.organizations.models import Organization

_INSTANT = dt.timedelta(microseconds=1)


class Counted(NamedTuple):
    """A booking, or (with a negative id) an offer, as far as it decides about others."""

    id: int
    resource_id: int
    span: Span
    user_id: int | None
    organization_id: int
    place: int
    status: str
    customer_class: str
    purpose: str

    def as_taken(self, calendar: Calendar) -> Taken:
        """Return it as the rules see it, with what its own class has kept free around it."""
        return Taken(
            self.id,
            self.span,
            self.user_id,
            self.organization_id,
            self.place,
            self.status not in ("approved", "offered"),
            *calendar.apart_for(self.customer_class),
        )


def load_situation(
    resource: Resource,
    *,
    organization: Organization,
    user_id: int | None,
    window: Span,
    leaving_out: Collection[int] = (),
    reader: Actor = SYSTEM,
    is_binding: bool = False,
) -> Situation:
    """Return what decides about attempts of a person for an organization within the window.

    leaving_out: bookings that do not count, since they are what is changed.
    reader: who is told of problems, and reads of closures only what they may.
    is_binding: it decides about a booking, so that quotas which resources share are locked.
    What is kept for somebody else who waited counts as taken, with a negative id.
    """
    scene = load_scene(
        resource,
        customer_class_of(resource.organization_id, organization.id, organization.kind),
        window,
        leaving_out=leaving_out,
        is_binding=is_binding,
        asker=(user_id, organization.id),
    )
    return scene.situation(resource, organization=organization, user_id=user_id, reader=reader)


@dataclass(frozen=True)
class Scene:
    """What decides about attempts on a resource within a window, whoever of a class makes them.

    near: the window with all that may have to be kept free around it; rows: what is booked then.
    pools: by source of quotas the resources whose bookings count to them together.
    find_counted: what counts to the quotas of a person and an organization, and perhaps more.
    """

    now: dt.datetime
    calendar: Calendar
    rules: BookingRules
    quotas: tuple[QuotaUse, ...]
    window: Span
    near: Span
    pools: Mapping[str, set[int]]
    rows: Sequence[Counted]
    find_counted: Callable[[int | None, int], Sequence[Counted]]

    def situation(
        self,
        resource: Resource,
        *,
        organization: Organization,
        user_id: int | None,
        reader: Actor = SYSTEM,
    ) -> Situation:
        """Return what decides about attempts of a person for an organization."""
        zone = self.calendar.hours.zone
        return Situation(
            now=self.now,
            rules=self.rules,
            hours=self.calendar.hours,
            closed=veil(reader, self.calendar.closed),
            taken=self._taken_for(user_id, organization.id),
            quotas=self._used_by(user_id, organization.id),
            gates=gates_for(resource, organization, user_id, self.window, self.rules, zone),
            window=self.window,
        )

    def _taken_for(self, user_id: int | None, organization_id: int) -> tuple[Taken, ...]:
        """Return what is taken; what is kept for those who ask is not."""
        held, offered = self._taken
        theirs = (user_id, organization_id)
        others = [one for one in offered if (one.user_id, one.organization_id) != theirs]
        return (*held, *others) if others else held

    @cached_property
    def _taken(self) -> tuple[tuple[Taken, ...], tuple[Taken, ...]]:
        """What is booked of the resource itself, and what is kept for those who wait."""
        near = [
            row
            for row in self.rows
            if row.resource_id in self.pools["own"]
            and row.status != "requested"
            and row.span.overlaps(self.near)
        ]
        held, offered = (
            tuple(row.as_taken(self.calendar) for row in near if (row.status == "offered") is kept)
            for kept in (False, True)
        )
        return held, offered

    def _used_by(self, user_id: int | None, organization_id: int) -> tuple[QuotaUse, ...]:
        """Return the quotas with what counts to them."""
        if not self.quotas:
            return ()
        rows = self.find_counted(user_id, organization_id)
        return tuple(
            QuotaUse(
                quota.shared_by,
                quota.period,
                quota.most_minutes,
                quota.most_bookings,
                tuple(
                    row.span
                    for row in rows
                    if row.resource_id in self.pools[quota.source]
                    and row.status != "offered"
                    and _counts(row, quota, user_id, organization_id)
                ),
                quota.customer_class,
                quota.source,
            )
            for quota in self.quotas
        )


def load_scene(
    resource: Resource,
    customer_class: str,
    window: Span,
    *,
    leaving_out: Collection[int] = (),
    is_binding: bool = False,
    asker: tuple[int | None, int] | None = None,
) -> Scene:
    """Return what decides about attempts of a class of customers.

    asker: a person and an organization whose situation alone is asked for. Without them it serves
    for everybody of the class. The rest is as in `load_situation`.
    """
    moment = now()
    calendar = load_calendar(resource, window)
    quotas = calendar.quotas_for(customer_class)
    zone = calendar.hours.zone
    near = window.widened(calendar.longest_apart, calendar.longest_apart)
    pools = _pools(resource, {quota.source for quota in quotas}, is_binding=is_binding)
    counted = _hull([near, *(whole_periods(quota.period, window, zone) for quota in quotas)])
    numbers = sorted(set().union(*pools.values()))
    statuses = [*HOLDING_STATUSES, "requested"] if quotas else HOLDING_STATUSES
    find_counted: Callable[[int | None, int], Sequence[Counted]]
    # Where no quota is everybody's, what others have at other times decides nothing.
    is_everybodys = any(quota.shared_by == "equipment" for quota in quotas)
    if asker is None and not is_everybodys:
        rows = load_counted([resource.id], near, HOLDING_STATUSES, moment)
        # Whoever asks again, as long as the scene holds, is known.
        find_counted = cache(partial(_load_own, numbers, counted, statuses))
    else:
        rows = load_counted(
            numbers,
            counted,
            statuses,
            moment,
            leaving_out,
            apart_from=None if asker is None or is_everybodys else (near, *asker),
        )
        find_counted = lambda _user_id, _organization_id: rows  # noqa: E731
    return Scene(
        now=moment,
        calendar=calendar,
        rules=calendar.rules_for(customer_class),
        quotas=quotas,
        window=window,
        near=near,
        pools=pools,
        rows=rows,
        find_counted=find_counted,
    )


def _pools(
    resource: Resource, sources: Collection[str], *, is_binding: bool
) -> dict[str, set[int]]:
    """Return by source of quotas the resources whose bookings count to them together."""
    pools = {"own": {resource.id}}
    if not sources - pools.keys():
        return pools
    if is_binding:
        session.execute(_SHARED_BY.with_for_update(), {"number": resource.id}).all()
    rows = session.execute(
        select(Resource.id, Equipment.facility_id)
        .outerjoin(Equipment, Equipment.id == Resource.equipment_id)
        .where(Resource.organization_id == resource.organization_id, Resource.kind == resource.kind)
    ).all()
    homes = {row.id: row.facility_id for row in rows}
    home = homes.get(resource.id)
    pools["organization"] = set(homes)
    pools["facility"] = {number for number, one in homes.items() if one == home}
    return pools


_own = aliased(Resource)
_machine = aliased(Equipment)
#: The facility and the organization whose quotas a resource shares with others.
_SHARED_BY = (
    select(Resource.id)
    .where(
        Resource.id.in_(
            select(Resource.id)
            .join(_own, _own.organization_id == Resource.organization_id)
            .outerjoin(_machine, _machine.id == _own.equipment_id)
            .where(
                _own.id == bindparam("number"),
                or_(Resource.kind == "organization", Resource.facility_id == _machine.facility_id),
            )
        )
    )
    .order_by(Resource.id)
)


def gates_for(
    resource: Resource,
    organization: Organization,
    user_id: int | None,
    span: Span,
    rules: BookingRules,
    zone: str,
) -> Gates:
    """Return which gates are open from the first to the last instant of a span."""
    return load_gates(
        resource,
        user_id=user_id,
        organization=organization,
        since=local_date(zone, span.starts_at),
        until=local_date(zone, span.ends_at - _INSTANT),
        rules=rules,
    )


def problems_at(
    resource: Resource, span: Span, *, organization: Organization, user_id: int | None
) -> list[Problem]:
    """Return what stands against booking a resource at a time, as it is now."""
    attempt = Attempt(
        span,
        user_id,
        organization.id,
        customer_class_of(resource.organization_id, organization.id, organization.kind),
    )
    situation = load_situation(resource, organization=organization, user_id=user_id, window=span)
    return find_problems(attempt, situation)


def list_holding(resource: Resource, leaving_out: Collection[int] = ()) -> list[Taken]:
    """Return what holds a place of a resource and is not over, for dealing out places anew."""
    moment = now()
    (calendar,) = load_calendars([resource])
    rows = load_counted(
        [resource.id],
        Span(moment, dt.datetime.max.replace(tzinfo=dt.UTC)),
        HOLDING_STATUSES,
        moment,
        leaving_out,
    )
    return [row.as_taken(calendar) for row in rows if row.status != "offered"]


def load_counted(
    resource_ids: Sequence[int],
    window: Span,
    statuses: Sequence[str],
    moment: dt.datetime,
    leaving_out: Collection[int] = (),
    *,
    apart_from: tuple[Span, int | None, int] | None = None,
) -> list[Counted]:
    """Return the bookings in some statuses, and the offers, that overlap a window.

    apart_from: a time, a person and an organization; bookings at other times that are of neither
    are left out.
    """
    values: dict[str, Any] = {
        "resource_ids": list(resource_ids),
        "since": window.starts_at,
        "until": window.ends_at,
        "statuses": list(statuses),
        "moment": moment,
    }
    if apart_from is not None:
        near, user_id, organization_id = apart_from
        values["near_since"], values["near_until"] = near.starts_at, near.ends_at
        values["user_id"], values["organization_id"] = user_id, organization_id
    rows = read_committed(_COUNTED if apart_from is None else _COUNTED_OF, values)
    return [_counted(row) for row in rows if row[0] not in leaving_out]


def _load_own(
    resource_ids: Sequence[int],
    window: Span,
    statuses: Sequence[str],
    user_id: int | None,
    organization_id: int,
) -> list[Counted]:
    """Return the bookings of a person or an organization that overlap a window."""
    values = {
        "resource_ids": list(resource_ids),
        "since": window.starts_at,
        "until": window.ends_at,
        "statuses": list(statuses),
        "user_id": user_id,
        "organization_id": organization_id,
    }
    return [_counted(row) for row in read_committed(_OWN, values)]


def _counted(row: Sequence[Any]) -> Counted:
    return Counted(row[0], row[1], Span(row[2], row[3]), *row[4:])


_IDS: Any = bindparam("resource_ids", expanding=True)
#: Put together once: that takes longer than to answer it.
_BOOKED = select(
    Booking.id,
    Booking.resource_id,
    Booking.starts_at,
    Booking.ends_at,
    Booking.user_id,
    Booking.organization_id,
    Booking.place,
    Booking.status,
    Booking.customer_class,
    Booking.purpose,
).where(
    Booking.resource_id.in_(_IDS),
    Booking.status.in_(bindparam("statuses", expanding=True)),
    Booking.ends_at > bindparam("since"),
    Booking.starts_at < bindparam("until"),
)
_OFFERED = select(
    -WaitingEntry.id,
    WaitingEntry.resource_id,
    WaitingEntry.starts_at,
    WaitingEntry.ends_at,
    WaitingEntry.user_id,
    WaitingEntry.organization_id,
    literal(0),
    WaitingEntry.status,
    literal(""),
    literal(""),
).where(
    WaitingEntry.resource_id.in_(_IDS),
    WaitingEntry.status == "offered",
    WaitingEntry.offered_until > bindparam("moment"),
    WaitingEntry.ends_at > bindparam("since"),
    WaitingEntry.starts_at < bindparam("until"),
)
_COUNTED: Any = union_all(_BOOKED, _OFFERED)
_IS_THEIRS = or_(
    Booking.user_id == bindparam("user_id"),
    Booking.organization_id == bindparam("organization_id"),
)
_OWN = _BOOKED.where(_IS_THEIRS)
_COUNTED_OF: Any = union_all(
    _BOOKED.where(
        or_(
            and_(
                Booking.ends_at > bindparam("near_since"),
                Booking.starts_at < bindparam("near_until"),
            ),
            _IS_THEIRS,
        )
    ),
    _OFFERED,
)


def _counts(row: Counted, quota: QuotaUse, user_id: int | None, organization_id: int) -> bool:
    if quota.shared_by == "person":
        return row.user_id == user_id
    if quota.shared_by == "organization":
        return row.organization_id == organization_id
    return quota.customer_class in ("", row.customer_class)


def _hull(spans: Iterable[Span]) -> Span:
    given = list(spans)
    return Span(min(one.starts_at for one in given), max(one.ends_at for one in given))

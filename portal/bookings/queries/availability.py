"""When things are free: for one or many resources, in a constant number of statements."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import select

from portal.bookings.models.calendar import Resource
from portal.bookings.queries.calendar import load_calendars
from portal.bookings.queries.closures import veil
from portal.bookings.queries.situations import Counted, load_counted
from portal.bookings.rules.attempt import BookingRules, ClosedSpan, Hours, Situation, Span
from portal.bookings.rules.calendar import Calendar
from portal.bookings.rules.customers import customer_class_of
from portal.bookings.rules.free import free_spans
from portal.bookings.rules.words import HOLDING_STATUSES
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.organizations.models import Organization


@dataclass(frozen=True)
class Busy:
    """Time that is taken; by what, only for those who may see that."""

    starts_at: dt.datetime
    ends_at: dt.datetime
    booking_id: int | None = None
    status: str | None = None
    organization: str | None = None
    purpose: str | None = None

    @property
    def span(self) -> Span:
        return Span(self.starts_at, self.ends_at)


@dataclass(frozen=True)
class Availability:
    """When one resource is free, taken and closed within a window, for one actor."""

    resource: Resource
    rules: BookingRules
    hours: Hours
    free: list[Span]
    busy: list[Busy]
    closed: tuple[ClosedSpan, ...]

    @property
    def time_zone(self) -> str:
        return self.hours.zone


def availability(
    actor: Actor,
    resources: Sequence[Resource],
    window: Span,
    *,
    organization: Organization | None = None,
) -> list[Availability]:
    """Return when resources are free for an organization, in their order.

    organization: for whom the actor would book; one of nobody known counts as any customer. The
    rights to the resources are looked at beforehand.
    """
    moment = now()
    calendars = load_calendars(resources, window)
    written = [resource.id for resource in resources if resource.id is not None]
    rules = [
        calendar.rules_for(_class_of(resource, organization))
        for resource, calendar in zip(resources, calendars, strict=True)
    ]
    apart = max((calendar.longest_apart for calendar in calendars), default=0)
    counted: dict[int, list[Counted]] = defaultdict(list)
    for row in load_counted(written, window.widened(apart, apart), HOLDING_STATUSES, moment):
        counted[row.resource_id].append(row)
    names = _names_of(
        {row.organization_id for rows in counted.values() for row in rows if _sees(actor, row)}
        | {
            row.organization_id
            for resource in resources
            if resource.organization_id in actor.memberships or actor.is_administrator
            for row in counted.get(resource.id, ())
        }
    )
    told = _veiled(actor, calendars)
    found = []
    for number, (resource, calendar, own_rules) in enumerate(
        zip(resources, calendars, rules, strict=True)
    ):
        rows = sorted(counted.get(resource.id, ()), key=lambda row: row.span)
        situation = Situation(
            now=moment,
            rules=own_rules,
            hours=calendar.hours,
            closed=calendar.closed,
            taken=tuple(
                row.as_taken(calendar)
                for row in rows
                if not (row.status == "offered" and row.user_id == actor.user_id)
            ),
            window=window,
        )
        sees_all = resource.organization_id in actor.memberships or actor.is_administrator
        found.append(
            Availability(
                resource=resource,
                rules=own_rules,
                hours=calendar.hours,
                free=free_spans(
                    situation,
                    window,
                    user_id=actor.user_id,
                    organization_id=organization.id if organization else None,
                ),
                busy=[
                    Busy(
                        row.span.starts_at,
                        row.span.ends_at,
                        row.id,
                        row.status,
                        names.get(row.organization_id),
                        row.purpose,
                    )
                    if row.id > 0 and (sees_all or _sees(actor, row))
                    else Busy(row.span.starts_at, row.span.ends_at)
                    for row in rows
                    if row.span.overlaps(window)
                ],
                closed=told[number],
            )
        )
    return found


def _veiled(actor: Actor, calendars: Sequence[Calendar]) -> list[tuple[ClosedSpan, ...]]:
    """Return what closes each of the resources, as the actor may read it."""
    closed = iter(veil(actor, [one for calendar in calendars for one in calendar.closed]))
    return [tuple(islice(closed, len(calendar.closed))) for calendar in calendars]


def _class_of(resource: Resource, organization: Organization | None) -> str:
    if organization is None:
        return "other"
    return customer_class_of(resource.organization_id, organization.id, organization.kind)


def _sees(actor: Actor, row: Counted) -> bool:
    """Tell whether a booking is one of the actor's side."""
    is_own = actor.user_id is not None and row.user_id == actor.user_id
    return is_own or row.organization_id in actor.memberships


def _names_of(organization_ids: set[int]) -> dict[int, str]:
    if not organization_ids:
        return {}
    rows = session.execute(
        select(Organization.id, Organization.name).where(Organization.id.in_(organization_ids))
    )
    return {row.id: row.name for row in rows}

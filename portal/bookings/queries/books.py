"""All that organizations say of when and how their resources can be booked, as it is written.

It is kept in memory until something of it changes. However many organizations are asked for, the
number of statements is the same.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from sqlalchemy import bindparam, false, func, literal, null, select
from sqlalchemy.orm import join

from portal.bookings.models.calendar import (
    Closure,
    Dependency,
    Quota,
    Resource,
    RuleLayer,
    SpecialHours,
    closure_organization,
    rule_layer_region,
)
from portal.bookings.rules.attempt import NO_END, BookingRules, ClosedSpan, Span
from portal.bookings.rules.calendar import Calendar
from portal.bookings.rules.recurrence import (
    MOST_OCCURRENCES,
    Recurrence,
    occurrences,
    read_recurrence,
)
from portal.facilities.models import Equipment, Facility
from portal.kernel.database import session
from portal.kernel.settings import setting
from portal.kernel.settled import settled_each
from portal.organizations.models import Organization
from portal.regions.queries.places import time_zone_at

#: The rules that a layer has a column for; which regions may book stands in a table of its own.
RULE_COLUMNS = tuple(one.name for one in fields(BookingRules) if one.name != "eligible_region_ids")

Spans: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Closing:
    """A closure as it is written: its first span, and how it repeats."""

    kind: str
    first: Span
    recurrence: Recurrence | None
    reason: str
    allowed_organization_ids: frozenset[int]

    def within(self, window: Span, zone: str) -> list[ClosedSpan]:
        """Return what it closes of a window."""
        if self.recurrence is None:
            spans = [self.first] if self.first.overlaps(window) else []
        elif self.first.starts_at < window.ends_at:
            found = occurrences(
                self.recurrence, self.first, zone, most=MOST_OCCURRENCES, window=window
            )
            spans = [span for span in found if span.overlaps(window)]
        else:
            spans = []
        return [
            ClosedSpan(
                self.kind,
                span,
                reason=self.reason,
                allowed_organization_ids=self.allowed_organization_ids,
            )
            for span in spans
        ]


@dataclass(frozen=True)
class Place:
    """A resource and where it is; `id` is None where it is not written yet.

    home_id, home_hours: the facility that it is, or in which it is, and its opening hours.
    zone: its own word; place_zone, organization_zone: those of the ZIP code or county.
    """

    id: int | None
    kind: str
    record_id: int | None
    organization_id: int
    home_id: int | None
    name: str
    hours: list[dict[str, Any]] | None
    home_hours: list[dict[str, Any]] | None
    zone: str
    place_zone: str | None
    organization_zone: str | None


class Book:
    """All that one organization says of when and how its resources can be booked.

    By the number of the resource that says it; special dates and closures in their order. readings:
    what was worked out of it so far.
    """

    def __init__(self) -> None:
        self.places: dict[int, Place] = {}
        self.facilities: dict[int, Place] = {}
        self.organization: Place | None = None
        self.needs: dict[int, list[int]] = defaultdict(list)
        self.layers: dict[int, list[tuple[str, Mapping[str, Any]]]] = defaultdict(list)
        self.quotas: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        self.special: dict[int, list[tuple[dt.date, Spans]]] = defaultdict(list)
        self.closures: dict[int, list[Closing]] = defaultdict(list)
        self.readings: dict[int, Reading] = {}

    def add_place(self, place: Place) -> None:
        """Add a resource that is written."""
        if place.id is not None:
            self.places[place.id] = place
        if place.kind == "facility" and place.home_id is not None:
            self.facilities[place.home_id] = place
        elif place.kind == "organization":
            self.organization = place

    def line_of(self, place: Place) -> dict[str, Place]:
        """Return the places whose word counts for one, by source, the narrowest first."""
        line = {"own": place}
        if place.kind == "equipment" and place.home_id in self.facilities:
            line["facility"] = self.facilities[place.home_id]
        if place.kind != "organization" and self.organization is not None:
            line["organization"] = self.organization
        return line

    def zone_of(self, place: Place) -> str:
        """Return the time zone by which a place lives."""
        line = self.line_of(place)
        widest = line.get("organization")
        return (
            place.zone
            or (line["facility"].zone if "facility" in line else "")
            or place.place_zone
            or (widest.zone if widest else "")
            or place.organization_zone
            or setting("DEFAULT_TIME_ZONE")
        )

    def reach(self, place: Place) -> list[Place]:
        """Return the written places that close a place: itself and all that it depends on."""
        found: dict[int, Place] = {}
        waiting = list(self.line_of(place).values())
        while waiting:
            one = waiting.pop()
            home = self.facilities.get(one.home_id or 0)
            if one.kind == "equipment" and home is not None:
                waiting.append(home)
            if one.id is None or one.id in found:
                continue
            found[one.id] = one
            waiting.extend(self.places[number] for number in self.needs.get(one.id, ()))
        return list(found.values())


@dataclass(frozen=True)
class Reading:
    """What is the same for all windows of a place; the widest word of special hours first."""

    calendar: Calendar
    special: Sequence[tuple[dt.date, Spans]]
    closings: Sequence[tuple[Place, Closing, str]]


def books_of(organization_ids: Iterable[int]) -> Mapping[int, Book]:
    """Return what organizations say, by their number."""
    return settled_each("book", set(organization_ids), _read_books)


def load_needs(organization_id: int) -> Mapping[int, Sequence[int]]:
    """Return what depends on what; both are always of one organization."""
    return books_of([organization_id])[organization_id].needs


def key_of(resource: Resource) -> Any:
    return resource.id or (
        resource.kind,
        {
            "equipment": resource.equipment_id,
            "facility": resource.facility_id,
            "organization": resource.organization_id,
        }[resource.kind],
    )


_PLACE_ZONE = func.coalesce(
    time_zone_at(Facility.zip_code, Facility.county_fips),
    time_zone_at(Equipment.zip_code, Equipment.county_fips),
)
_ORGANIZATION_ZONE = time_zone_at(Organization.zip_code, Organization.county_fips)

#: What a resource that is not written yet is read from: its record, with facility and organization.
_RECORDS: Mapping[str, tuple[Any, Any]] = {
    "equipment": (
        Equipment,
        join(
            join(Equipment, Organization, Organization.id == Equipment.organization_id),
            Facility,
            Facility.id == Equipment.facility_id,
            isouter=True,
        ),
    ),
    "facility": (
        Facility,
        join(
            join(Facility, Organization, Organization.id == Facility.organization_id),
            Equipment,
            false(),
            isouter=True,
        ),
    ),
    "organization": (Organization, Organization),
}


_OF_ORGANIZATIONS = Resource.organization_id.in_(bindparam("organization_ids", expanding=True))
# All that organizations say; it is kept in memory until something of it changes.
_WRITTEN_PLACES = (
    select(
        Resource.id,
        Resource.kind,
        func.coalesce(Resource.equipment_id, Resource.facility_id),
        Resource.organization_id,
        Facility.id,
        func.coalesce(Equipment.name, Facility.name, Resource.name),
        Resource.hours,
        Facility.opening_hours,
        Resource.time_zone,
        _PLACE_ZONE,
        _ORGANIZATION_ZONE,
    )
    .join(Organization, Organization.id == Resource.organization_id)
    .outerjoin(Equipment, Equipment.id == Resource.equipment_id)
    .outerjoin(Facility, Facility.id == func.coalesce(Resource.facility_id, Equipment.facility_id))
    .where(_OF_ORGANIZATIONS)
    .order_by(Resource.id)
)
_NEEDS = (
    select(Resource.organization_id, Dependency.resource_id, Dependency.needs_id)
    .join(Resource, Resource.id == Dependency.resource_id)
    .where(_OF_ORGANIZATIONS)
    .order_by(Dependency.resource_id, Dependency.needs_id)
)
_LAYERS = (
    select(
        Resource.organization_id,
        RuleLayer.id,
        RuleLayer.resource_id,
        RuleLayer.customer_class,
        RuleLayer.is_regional,
        *(getattr(RuleLayer, name) for name in RULE_COLUMNS),
    )
    .join(Resource, Resource.id == RuleLayer.resource_id)
    .where(_OF_ORGANIZATIONS)
    .order_by(RuleLayer.id)
)
_LAYER_REGIONS = (
    select(rule_layer_region.c.rule_layer_id, rule_layer_region.c.region_id)
    .join(RuleLayer, RuleLayer.id == rule_layer_region.c.rule_layer_id)
    .join(Resource, Resource.id == RuleLayer.resource_id)
    .where(_OF_ORGANIZATIONS)
)
_QUOTAS = (
    select(
        Resource.organization_id,
        Quota.resource_id,
        Quota.customer_class,
        Quota.shared_by,
        Quota.period,
        Quota.most_minutes,
        Quota.most_bookings,
    )
    .join(Resource, Resource.id == Quota.resource_id)
    .where(_OF_ORGANIZATIONS)
    .order_by(Quota.id)
)
_SPECIAL_HOURS = (
    select(
        Resource.organization_id, SpecialHours.resource_id, SpecialHours.date, SpecialHours.hours
    )
    .join(Resource, Resource.id == SpecialHours.resource_id)
    .where(_OF_ORGANIZATIONS)
    .order_by(SpecialHours.date)
)
_CLOSURES = (
    select(
        Resource.organization_id,
        Closure.id,
        Closure.resource_id,
        Closure.kind,
        Closure.starts_at,
        Closure.ends_at,
        Closure.recurrence,
        Closure.reason,
    )
    .join(Resource, Resource.id == Closure.resource_id)
    .where(_OF_ORGANIZATIONS)
    .order_by(Closure.starts_at, Closure.id)
)
_ALLOWED = (
    select(closure_organization.c.closure_id, closure_organization.c.organization_id)
    .join(Closure, Closure.id == closure_organization.c.closure_id)
    .join(Resource, Resource.id == Closure.resource_id)
    .where(_OF_ORGANIZATIONS)
)


def read_unwritten(resources: Sequence[Resource]) -> dict[Any, Place]:
    """Return the places of resources that are not written yet, by kind and number of the record."""
    wanted: dict[str, list[int]] = defaultdict(list)
    for resource in resources:
        wanted[resource.kind].append(key_of(resource)[1])
    found: dict[Any, Place] = {}
    for kind, ids in wanted.items():
        model, joined = _RECORDS[kind]
        rows = session.execute(
            select(
                null(),
                literal(kind),
                model.id,
                Organization.id,
                null() if kind == "organization" else Facility.id,
                model.name,
                null(),
                null() if kind == "organization" else Facility.opening_hours,
                literal(""),
                null() if kind == "organization" else _PLACE_ZONE,
                _ORGANIZATION_ZONE,
            )
            .select_from(joined)
            .where(model.id.in_(ids))
        )
        found.update({(kind, row[2]): Place(*row) for row in rows})
    return found


def _read_books(organization_ids: Sequence[int]) -> dict[int, Book]:
    asked = {"organization_ids": list(organization_ids)}
    books: dict[int, Book] = {number: Book() for number in organization_ids}
    for row in session.execute(_WRITTEN_PLACES, asked):
        place = Place(*row)
        books[place.organization_id].add_place(place)
    for organization_id, resource_id, needs_id in session.execute(_NEEDS, asked):
        books[organization_id].needs[resource_id].append(needs_id)
    regions = _collect(_LAYER_REGIONS, asked)
    for row in session.execute(_LAYERS, asked):
        layer = (row.customer_class, _said(row, regions.get(row.id, frozenset())))
        books[row.organization_id].layers[row.resource_id].append(layer)
    for organization_id, resource_id, *values in session.execute(_QUOTAS, asked):
        books[organization_id].quotas[resource_id].append(tuple(values))
    for organization_id, resource_id, date, hours in session.execute(_SPECIAL_HOURS, asked):
        spans = tuple(sorted((str(row["opens"]), str(row["closes"])) for row in hours))
        books[organization_id].special[resource_id].append((date, spans))
    allowed = _collect(_ALLOWED, asked)
    for row in session.execute(_CLOSURES, asked):
        closing = Closing(
            row.kind,
            Span(row.starts_at, row.ends_at or NO_END),
            None if row.recurrence is None else read_recurrence(row.recurrence),
            row.reason,
            allowed.get(row.id, frozenset()),
        )
        books[row.organization_id].closures[row.resource_id].append(closing)
    return books


def _collect(statement: Any, values: Mapping[str, Any]) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for number, other in session.execute(statement, values):
        found[number].add(other)
    return {number: frozenset(others) for number, others in found.items()}


def _said(row: Any, regions: frozenset[int]) -> dict[str, Any]:
    """Return what a layer says, by name."""
    values = {name: getattr(row, name) for name in RULE_COLUMNS if getattr(row, name) is not None}
    if "eligible_kinds" in values:
        values["eligible_kinds"] = frozenset(values["eligible_kinds"])
    if row.is_regional is not None:
        values["is_regional"] = row.is_regional
        values["eligible_region_ids"] = regions
    return values

"""When and how things can be booked, as their hosts say it: rules, hours, closures, quotas.

Everything is inherited from equipment to facility to organization; the narrower word wins. However
many resources are asked for, the number of statements is the same.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import and_, bindparam, false, func, inspect, literal, null, or_, select
from sqlalchemy.orm import aliased, join, joinedload, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from portal.bookings.models.booking import Booking
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
from portal.bookings.rules.attempt import NO_END, BookingRules, ClosedSpan, Hours, QuotaUse, Span
from portal.bookings.rules.dependencies import reached
from portal.bookings.rules.inheritance import inherit
from portal.bookings.rules.recurrence import occurrences, read_recurrence
from portal.bookings.rules.words import OPEN_STATUSES
from portal.facilities.models import Equipment, Facility
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.settings import setting
from portal.organizations.models import Organization
from portal.regions.models import ZipCode

#: The rules that a layer has a column for; which regions may book stands in a table of its own.
RULE_COLUMNS = tuple(
    field.name for field in fields(BookingRules) if field.name != "eligible_region_ids"
)

#: What a recurring closure may bring into one window.
MOST_OCCURRENCES = 400
#: How many bookings that a closure hits are shown at once, and looked through for one that repeats.
MOST_HIT = 100
MOST_LOOKED_THROUGH = 2000


@dataclass(frozen=True)
class Layer:
    """What one resource says of its rules for one customer class, or ("") for all.

    source: "own", "facility" or "organization", as seen from the resource that inherits.
    values: what is said, by name of `BookingRules`, and `is_regional`.
    """

    source: str
    customer_class: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class QuotaRule:
    """A quota as a host wrote it; source and customer_class as of a `Layer`."""

    source: str
    customer_class: str
    shared_by: str
    period: str
    most_minutes: int | None
    most_bookings: int | None


@dataclass(frozen=True)
class Calendar:
    """All that hosts say about one resource; layers and quotas of the narrowest first."""

    hours: Hours
    hours_from: str
    closed: tuple[ClosedSpan, ...]
    layers: tuple[Layer, ...]
    quota_rules: tuple[QuotaRule, ...]

    def layers_for(self, customer_class: str) -> list[Layer]:
        """Return what is said to a customer class, what counts most first."""
        found = [layer for layer in self.layers if layer.customer_class in (customer_class, "")]
        return sorted(
            found, key=lambda layer: (_SOURCES.index(layer.source), layer.customer_class == "")
        )

    def origin_of(self, name: str, customer_class: str) -> Layer | None:
        """Return the layer whose word holds for a rule, or None where nobody says anything."""
        name = "is_regional" if name == "eligible_region_ids" else name
        layers = self.layers_for(customer_class)
        return next((layer for layer in layers if name in layer.values), None)

    def own_layer(self, customer_class: str) -> Mapping[str, Any]:
        """Return what the resource itself says to a customer class."""
        said = (
            layer.values
            for layer in self.layers
            if (layer.source, layer.customer_class) == ("own", customer_class)
        )
        return next(said, {})

    def without_own(self, customer_class: str) -> "Calendar":
        """Return the calendar as it would be if the resource said nothing to a customer class."""
        left = tuple(
            layer
            for layer in self.layers
            if (layer.source, layer.customer_class) != ("own", customer_class)
        )
        return replace(self, layers=left)

    def rules_for(self, customer_class: str) -> BookingRules:
        """Return the rules that hold for a customer class."""
        return inherit([layer.values for layer in self.layers_for(customer_class)])

    def quotas_for(self, customer_class: str) -> tuple[QuotaUse, ...]:
        """Return the quotas that hold for a customer class, without what is used of them.

        The narrowest of those with the same sharer and period holds; what everybody shares is
        counted for the class alone and for all, where both are limited.
        """
        found: dict[tuple[str, str, str], QuotaUse] = {}
        asked = [rule for rule in self.quota_rules if rule.customer_class in (customer_class, "")]
        asked.sort(key=lambda rule: (_SOURCES.index(rule.source), rule.customer_class == ""))
        for rule in asked:
            counted = rule.customer_class if rule.shared_by == "equipment" else ""
            found.setdefault(
                (rule.shared_by, rule.period, counted),
                QuotaUse(
                    shared_by=rule.shared_by,
                    period=rule.period,
                    most_minutes=rule.most_minutes,
                    most_bookings=rule.most_bookings,
                    customer_class=counted,
                ),
            )
        return tuple(found.values())


_SOURCES = ("own", "facility", "organization")


# Resources


def new_resource(record: Facility | Equipment | Organization) -> Resource:
    """Return a resource for a record that has none, not written yet."""
    if isinstance(record, Organization):
        return Resource(
            kind="organization",
            organization_id=record.id,
            organization=record,
            name=record.name,
            is_bookable=False,
            time_zone="",
        )
    kind = "facility" if isinstance(record, Facility) else "equipment"
    return Resource(
        kind=kind,
        organization_id=record.organization_id,
        organization=record.organization,
        name=record.name,
        is_bookable=False,
        time_zone="",
        **{f"{kind}_id": record.id, kind: record},
    )


def is_written(resource: Resource) -> bool:
    """Tell whether anything can hang on a resource yet."""
    return inspect(resource).persistent


def resource_of(record: Facility | Equipment | Organization) -> Resource:
    """Return a record's resource; one that is not written where nothing hangs on it yet.

    The organization of a facility or of equipment is loaded beforehand.
    """
    if isinstance(record, Organization):
        condition = and_(Resource.kind == "organization", Resource.organization_id == record.id)
    elif isinstance(record, Facility):
        condition = Resource.facility_id == record.id
    else:
        condition = Resource.equipment_id == record.id
    resource = session.scalar(select(Resource).where(condition))
    if resource is None:
        return new_resource(record)
    if isinstance(record, Organization):
        set_committed_value(resource, "organization", record)
    else:
        set_committed_value(resource, resource.kind, record)
        set_committed_value(resource, "organization", record.organization)
    return resource


def resources_of(records: Sequence[Equipment]) -> list[Resource]:
    """Return the resources of many pieces of equipment, in their order; see `resource_of`."""
    written = {
        resource.equipment_id: resource
        for resource in session.scalars(
            select(Resource).where(Resource.equipment_id.in_([record.id for record in records]))
        )
    }
    found = []
    for record in records:
        resource = written.get(record.id)
        if resource is None:
            resource = new_resource(record)
        else:
            set_committed_value(resource, "equipment", record)
            set_committed_value(resource, "organization", record.organization)
        found.append(resource)
    return found


# Closures


def get_closure(resource: Resource, closure_id: int) -> Closure:
    """Return a closure of a resource with whom it is kept free for. Raises NotFound."""
    closure = session.scalar(
        select(Closure)
        .options(selectinload(Closure.allowed))
        .where(Closure.id == closure_id, Closure.resource_id == resource.id)
    )
    if closure is None:
        raise NotFound(_("This is no longer here."))
    return closure


def list_hit_bookings(resource: Resource, closure: Closure, limit: int = MOST_HIT) -> list[Booking]:
    """Return the bookings still to come that a closure of the resource hits, the first ones first.

    Those of everything that depends on the resource are among them.
    """
    first = Span(closure.starts_at, closure.ends_at or NO_END)
    ahead = Span(
        max(now(), first.starts_at), first.ends_at if closure.recurrence is None else NO_END
    )
    if ahead.starts_at >= ahead.ends_at:
        return []
    statement = (
        select(Booking)
        .options(
            joinedload(Booking.resource),
            joinedload(Booking.organization),
            joinedload(Booking.user),
        )
        .where(
            Booking.resource_id.in_(list_depending(resource)),
            Booking.status.in_(OPEN_STATUSES),
            Booking.starts_at < ahead.ends_at,
            Booking.ends_at > ahead.starts_at,
            Booking.organization_id.not_in([one.id for one in closure.allowed]),
        )
        .order_by(Booking.starts_at, Booking.id)
    )
    if closure.recurrence is None:
        return list(session.scalars(statement.limit(limit)))
    booked = session.scalars(statement.limit(MOST_LOOKED_THROUGH)).all()
    if not booked:
        return []
    times = occurrences(
        read_recurrence(closure.recurrence),
        first,
        load_calendars([resource])[0].hours.zone,
        most=MOST_OCCURRENCES,
        window=Span(ahead.starts_at, max(booking.ends_at for booking in booked)),
    )
    return [
        booking
        for booking in booked
        if any(time.overlaps(Span(booking.starts_at, booking.ends_at)) for time in times)
    ][:limit]


def list_depending(resource: Resource) -> list[int]:
    """Return the resources that are closed along with one, itself included."""
    home = aliased(Resource)
    rows = session.execute(
        select(Resource.id, home.id)
        .outerjoin(Equipment, Equipment.id == Resource.equipment_id)
        .outerjoin(home, home.facility_id == Equipment.facility_id)
        .where(Resource.organization_id == resource.organization_id)
    ).all()
    if resource.kind == "organization":
        return sorted(resource_id for resource_id, _home_id in rows)
    closes: dict[int, list[int]] = defaultdict(list)
    for resource_id, home_id in rows:
        if home_id is not None:
            closes[home_id].append(resource_id)
    for resource_id, needed in load_needs([resource.organization_id]).items():
        for needs_id in needed:
            closes[needs_id].append(resource_id)
    return sorted(reached(closes, resource.id))


# Calendars


def load_rules(resource: Resource, customer_class: str) -> BookingRules:
    """Return the rules that hold for a customer class, everything inherited."""
    return load_calendars([resource])[0].rules_for(customer_class)


def load_hours(resource: Resource, window: Span) -> Hours:
    """Return when a resource is open, with the special dates of the window."""
    return load_calendar(resource, window).hours


def load_closed(resource: Resource, window: Span) -> tuple[ClosedSpan, ...]:
    """Return what closes a resource in the window: by itself, by what it is in or depends on."""
    return load_calendar(resource, window).closed


def load_quotas(resource: Resource, customer_class: str) -> tuple[QuotaUse, ...]:
    """Return the quotas that hold for a customer class, without what is used of them."""
    return load_calendars([resource])[0].quotas_for(customer_class)


def load_calendar(resource: Resource, window: Span) -> Calendar:
    """Return all that hosts say about one resource, with dates and closures of the window."""
    return load_calendars([resource], window)[0]


def load_calendars(resources: Sequence[Resource], window: Span | None = None) -> list[Calendar]:
    """Return the calendars of many resources, in their order, in a constant number of statements.

    A resource's `id`, or else its `equipment_id` or `facility_id`, is all that is looked at.
    Without a window there are no special dates and closures in them.
    """
    if not resources:
        return []
    organization_ids = {resource.organization_id for resource in resources}
    places = _Places(_load_places(resources, organization_ids))
    needs = load_needs(organization_ids) if window else {}
    lines = [places.line_of(places.by_key[_key(resource)]) for resource in resources]
    said = {place.id for line in lines for place in line.values() if place.id is not None}
    layers = _load_layers(said)
    quotas = _load_quotas(said)
    closing = [places.reach(line["own"], needs) for line in lines]
    special: dict[int | None, dict[dt.date, tuple[tuple[str, str], ...]]] = {}
    closed: dict[int | None, list[ClosedSpan]] = {}
    if window is not None:
        special = _load_special(said, window)
        reached = {place.id: place for found in closing for place in found if place.id is not None}
        closed = _load_closed(reached, window, places.zone_of)
    calendars = []
    for line, found in zip(lines, closing, strict=True):
        own = line["own"]
        week, hours_from = _week(line)
        dates: dict[dt.date, tuple[tuple[str, str], ...]] = {}
        for place in reversed(line.values()):
            dates.update(special.get(place.id, {}))
        spans = [
            item if place is own else replace(item, because_of=place.name)
            for place in found
            for item in closed.get(place.id, ())
        ]
        calendars.append(
            Calendar(
                hours=Hours(places.zone_of(own), week, dates),
                hours_from=hours_from,
                closed=tuple(sorted(spans, key=lambda item: (item.span, item.kind))),
                layers=tuple(
                    Layer(source, *layer)
                    for source, place in line.items()
                    for layer in layers.get(place.id, ())
                ),
                quota_rules=tuple(
                    QuotaRule(source, *quota)
                    for source, place in line.items()
                    for quota in quotas.get(place.id, ())
                ),
            )
        )
    return calendars


@dataclass(frozen=True)
class _Place:
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


class _Places:
    """The places of some organizations, and what is inherited and depended on among them."""

    def __init__(self, places: Iterable[_Place]) -> None:
        self.by_id: dict[int, _Place] = {}
        self.by_key: dict[Any, _Place] = {}
        self.facilities: dict[int, _Place] = {}
        self.organizations: dict[int, _Place] = {}
        for place in places:
            if place.id is None:
                self.by_key[place.kind, place.record_id] = place
                continue
            self.by_id[place.id] = self.by_key[place.id] = place
            if place.kind == "facility" and place.home_id is not None:
                self.facilities[place.home_id] = place
            elif place.kind == "organization":
                self.organizations[place.organization_id] = place

    def line_of(self, place: _Place) -> dict[str, _Place]:
        """Return the places whose word counts for one, by source, the narrowest first."""
        line = {"own": place}
        if place.kind == "equipment" and place.home_id in self.facilities:
            line["facility"] = self.facilities[place.home_id]
        if place.kind != "organization" and place.organization_id in self.organizations:
            line["organization"] = self.organizations[place.organization_id]
        return line

    def zone_of(self, place: _Place) -> str:
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

    def reach(self, place: _Place, needs: Mapping[int, Sequence[int]]) -> list[_Place]:
        """Return the written places that close a place: itself and all that it depends on."""
        found: dict[int, _Place] = {}
        waiting = list(self.line_of(place).values())
        while waiting:
            one = waiting.pop()
            home = self.facilities.get(one.home_id or 0)
            if one.kind == "equipment" and home is not None:
                waiting.append(home)
            if one.id is None or one.id in found:
                continue
            found[one.id] = one
            waiting.extend(self.by_id[number] for number in needs.get(one.id, ()))
        return list(found.values())


def _key(resource: Resource) -> Any:
    return resource.id or (
        resource.kind,
        {
            "equipment": resource.equipment_id,
            "facility": resource.facility_id,
            "organization": resource.organization_id,
        }[resource.kind],
    )


def _zone(zip_code: Any, county_fips: Any) -> Any:
    """Return the time zone of a ZIP code, or else of the county's first, in SQL."""
    by_zip = (
        select(ZipCode.time_zone)
        .where(ZipCode.zip_code == func.substr(zip_code, 1, 5))
        .scalar_subquery()
    )
    by_county = (
        select(ZipCode.time_zone)
        .where(ZipCode.county_fips == county_fips, ZipCode.time_zone != "")
        .order_by(ZipCode.zip_code)
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(func.nullif(by_zip, ""), by_county)


_PLACE_ZONE = func.coalesce(
    _zone(Facility.zip_code, Facility.county_fips),
    _zone(Equipment.zip_code, Equipment.county_fips),
)
_ORGANIZATION_ZONE = _zone(Organization.zip_code, Organization.county_fips)

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


# Statements that every booking needs are put together once: that takes longer than to answer them.
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
    .where(
        Resource.organization_id.in_(bindparam("organization_ids", expanding=True)),
        or_(
            Resource.id.in_(bindparam("written", expanding=True)),
            Resource.kind.in_(("organization", "facility")),
            Resource.id.in_(select(Dependency.needs_id)),
        ),
    )
)
_NEEDS = (
    select(Dependency.resource_id, Dependency.needs_id)
    .join(Resource, Resource.id == Dependency.resource_id)
    .where(Resource.organization_id.in_(bindparam("organization_ids", expanding=True)))
    .order_by(Dependency.resource_id, Dependency.needs_id)
)
_LAYERS = (
    select(
        RuleLayer.id,
        RuleLayer.resource_id,
        RuleLayer.customer_class,
        RuleLayer.is_regional,
        *(getattr(RuleLayer, name) for name in RULE_COLUMNS),
    )
    .where(RuleLayer.resource_id.in_(bindparam("numbers", expanding=True)))
    .order_by(RuleLayer.id)
)
_QUOTAS = (
    select(
        Quota.resource_id,
        Quota.customer_class,
        Quota.shared_by,
        Quota.period,
        Quota.most_minutes,
        Quota.most_bookings,
    )
    .where(Quota.resource_id.in_(bindparam("numbers", expanding=True)))
    .order_by(Quota.id)
)
_SPECIAL_HOURS = (
    select(SpecialHours.resource_id, SpecialHours.date, SpecialHours.hours)
    .where(
        SpecialHours.resource_id.in_(bindparam("numbers", expanding=True)),
        SpecialHours.date.between(bindparam("first"), bindparam("last")),
    )
    .order_by(SpecialHours.date)
)
_CLOSURES = (
    select(
        Closure.id,
        Closure.resource_id,
        Closure.kind,
        Closure.starts_at,
        Closure.ends_at,
        Closure.recurrence,
        Closure.reason,
    )
    .where(
        Closure.resource_id.in_(bindparam("numbers", expanding=True)),
        Closure.starts_at < bindparam("until"),
        or_(
            Closure.ends_at > bindparam("since"),
            Closure.ends_at.is_(None),
            Closure.recurrence.is_not(None),
        ),
    )
    .order_by(Closure.starts_at, Closure.id)
)


def _load_places(resources: Sequence[Resource], organization_ids: Collection[int]) -> list[_Place]:
    """Read the resources, and those of their organizations that others inherit or depend on."""
    written = [resource.id for resource in resources if is_written(resource)]
    found = [
        _Place(*row)
        for row in session.execute(
            _WRITTEN_PLACES, {"organization_ids": list(organization_ids), "written": written}
        )
    ]
    unwritten: dict[str, list[int]] = defaultdict(list)
    for resource in resources:
        if not is_written(resource):
            unwritten[resource.kind].append(_key(resource)[1])
    for kind, ids in unwritten.items():
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
        found.extend(_Place(*row) for row in rows)
    return found


def load_needs(organization_ids: Collection[int]) -> dict[int, list[int]]:
    """Read what depends on what; both are always of one organization."""
    needs: dict[int, list[int]] = defaultdict(list)
    for resource_id, needs_id in session.execute(
        _NEEDS, {"organization_ids": list(organization_ids)}
    ):
        needs[resource_id].append(needs_id)
    return needs


def _load_layers(numbers: Collection[int]) -> dict[int | None, list[tuple[str, dict[str, Any]]]]:
    rows = session.execute(_LAYERS, {"numbers": list(numbers)}).all()
    regions: dict[int, set[int]] = defaultdict(set)
    regional = [row.id for row in rows if row.is_regional]
    if regional:
        for layer_id, region_id in session.execute(
            select(rule_layer_region).where(rule_layer_region.c.rule_layer_id.in_(regional))
        ):
            regions[layer_id].add(region_id)
    found: dict[int | None, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for row in rows:
        values = {
            name: getattr(row, name) for name in RULE_COLUMNS if getattr(row, name) is not None
        }
        if "eligible_kinds" in values:
            values["eligible_kinds"] = frozenset(values["eligible_kinds"])
        if row.is_regional is not None:
            values["is_regional"] = row.is_regional
            values["eligible_region_ids"] = frozenset(regions[row.id])
        found[row.resource_id].append((row.customer_class, values))
    return found


def _load_quotas(numbers: Collection[int]) -> dict[int | None, list[tuple[Any, ...]]]:
    found: dict[int | None, list[tuple[Any, ...]]] = defaultdict(list)
    for resource_id, *values in session.execute(_QUOTAS, {"numbers": list(numbers)}):
        found[resource_id].append(tuple(values))
    return found


def _load_special(
    numbers: Collection[int], window: Span
) -> dict[int | None, dict[dt.date, tuple[tuple[str, str], ...]]]:
    found: dict[int | None, dict[dt.date, tuple[tuple[str, str], ...]]] = defaultdict(dict)
    # A day more on either side covers every time zone.
    first = window.starts_at.date() - dt.timedelta(days=1)
    last = window.ends_at.date() + dt.timedelta(days=1)
    for resource_id, date, hours in session.execute(
        _SPECIAL_HOURS, {"numbers": list(numbers), "first": first, "last": last}
    ):
        found[resource_id][date] = tuple(
            sorted((str(row["opens"]), str(row["closes"])) for row in hours)
        )
    return found


def _load_closed(
    places: Mapping[int, _Place], window: Span, zone_of: Callable[[_Place], str]
) -> dict[int | None, list[ClosedSpan]]:
    rows = session.execute(
        _CLOSURES,
        {"numbers": list(places), "since": window.starts_at, "until": window.ends_at},
    ).all()
    allowed: dict[int, set[int]] = defaultdict(set)
    blockings = [row.id for row in rows if row.kind == "blocking"]
    if blockings:
        for closure_id, organization_id in session.execute(
            select(closure_organization).where(closure_organization.c.closure_id.in_(blockings))
        ):
            allowed[closure_id].add(organization_id)
    found: dict[int | None, list[ClosedSpan]] = defaultdict(list)
    for row in rows:
        first = Span(row.starts_at, row.ends_at or NO_END)
        spans = [first]
        if row.recurrence is not None:
            spans = occurrences(
                read_recurrence(row.recurrence),
                first,
                zone_of(places[row.resource_id]),
                most=MOST_OCCURRENCES,
                window=window,
            )
        found[row.resource_id].extend(
            ClosedSpan(
                row.kind,
                span,
                reason=row.reason,
                allowed_organization_ids=frozenset(allowed[row.id]),
            )
            for span in spans
            if span.overlaps(window)
        )
    return found


def _week(
    line: Mapping[str, _Place],
) -> tuple[dict[int, tuple[tuple[str, str], ...]] | None, str]:
    """Return the hours of the week and whose word they are; None and "" where always open."""
    for source, place in line.items():
        hours = place.home_hours if place.kind == "facility" else place.hours
        if not hours and source == "own" and place.kind == "equipment" and place.home_hours:
            source, hours = "facility", place.home_hours
        if hours:
            week: dict[int, list[tuple[str, str]]] = defaultdict(list)
            for row in hours:
                week[int(row["weekday"])].append((str(row["opens"]), str(row["closes"])))
            return {day: tuple(sorted(spans)) for day, spans in week.items()}, source
    return None, ""

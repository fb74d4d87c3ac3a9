"""When and how things can be booked, as their hosts say it: rules, hours, closures, quotas.

Everything is inherited from equipment to facility to organization; the narrower word wins. However
many resources are asked for, the number of statements is the same.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, TypeAlias

from flask_babel import gettext as _
from sqlalchemy import and_, bindparam, false, func, literal, null, select
from sqlalchemy.orm import aliased, join, joinedload, selectinload
from sqlalchemy.orm.attributes import instance_state, set_committed_value

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
from portal.bookings.policies import Permission
from portal.bookings.rules.attempt import NO_END, BookingRules, ClosedSpan, Hours, QuotaUse, Span
from portal.bookings.rules.dependencies import reached
from portal.bookings.rules.free import apart_minutes
from portal.bookings.rules.inheritance import inherit
from portal.bookings.rules.recurrence import Recurrence, occurrences, read_recurrence
from portal.bookings.rules.words import OPEN_STATUSES
from portal.facilities.models import Equipment, Facility
from portal.kernel.authorization import Actor, visible
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.settings import setting
from portal.kernel.settled import settled_each
from portal.organizations.models import Organization
from portal.regions.models import ZipCode

#: The rules that a layer has a column for; which regions may book stands in a table of its own.
RULE_COLUMNS = tuple(one.name for one in fields(BookingRules) if one.name != "eligible_region_ids")

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
    # By customer class, as it was worked out before.
    _rules: dict[str, BookingRules] = field(default_factory=dict, init=False, compare=False)
    _quotas: dict[str, tuple[QuotaUse, ...]] = field(
        default_factory=dict, init=False, compare=False
    )

    def within(self, hours: Hours, closed: tuple[ClosedSpan, ...]) -> "Calendar":
        """Return it with the dates and closures of a window; rules are worked out only once."""
        found = object.__new__(Calendar)
        found.__dict__.update(self.__dict__, hours=hours, closed=closed)
        return found

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
        found = self._rules.get(customer_class)
        if found is None:
            layers = self.layers_for(customer_class)
            found = self._rules[customer_class] = inherit([layer.values for layer in layers])
        return found

    @cached_property
    def _apart(self) -> dict[str, tuple[int, int]]:
        classes = {"", *(layer.customer_class for layer in self.layers)}
        rules = {one: self.rules_for(one) for one in classes}
        return {one: (apart_minutes(said), said.turnaround_minutes) for one, said in rules.items()}

    def apart_for(self, customer_class: str) -> tuple[int, int]:
        """Return the minutes kept free around bookings of a class: from others, and from all."""
        return self._apart.get(customer_class, self._apart[""])

    @cached_property
    def longest_apart(self) -> int:
        """The longest time that is kept free around a booking of whatever class."""
        return max(minutes for minutes, _turnaround in self._apart.values())

    def quotas_for(self, customer_class: str) -> tuple[QuotaUse, ...]:
        """Return the quotas that hold for a customer class, without what is used of them.

        The narrowest of those with the same sharer and period holds; what everybody shares is
        counted for the class alone and for all, where both are limited.
        """
        known = self._quotas.get(customer_class)
        if known is not None:
            return known
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
                    source=rule.source,
                ),
            )
        known = self._quotas[customer_class] = tuple(found.values())
        return known


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
    return instance_state(resource).persistent


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


def resources_of(records: Sequence[Equipment] | Sequence[Facility]) -> list[Resource]:
    """Return the resources of many records of one kind, in their order; see `resource_of`."""
    kind = "facility" if records and isinstance(records[0], Facility) else "equipment"
    number = f"{kind}_id"
    written = {
        getattr(resource, number): resource
        for resource in session.scalars(
            select(Resource).where(getattr(Resource, number).in_([record.id for record in records]))
        )
    }
    found = []
    for record in records:
        resource = written.get(record.id)
        if resource is None:
            resource = new_resource(record)
        else:
            set_committed_value(resource, kind, record)
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
    for resource_id, needed in load_needs(resource.organization_id).items():
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


def load_calendar(resource: Resource, window: Span) -> Calendar:
    """Return all that hosts say about one resource, with dates and closures of the window."""
    return load_calendars([resource], window)[0]


def load_calendars(resources: Sequence[Resource], window: Span | None = None) -> list[Calendar]:
    """Return the calendars of many resources, in their order, in a constant number of statements.

    A resource's `id`, or else its `equipment_id` or `facility_id`, is all that is looked at.
    Without a window there are no special dates and closures in them.
    """
    books = settled_each("book", {one.organization_id for one in resources}, _read_books)
    unwritten = _read_unwritten([one for one in resources if not is_written(one)])
    calendars = []
    for resource in resources:
        book = books[resource.organization_id]
        own = book.places[resource.id] if is_written(resource) else unwritten[_key(resource)]
        calendars.append(_calendar_of(book, own, window))
    return calendars


_Spans: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Closing:
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


def veil(actor: Actor, closed: Iterable[ClosedSpan]) -> tuple[ClosedSpan, ...]:
    """Return closures as the actor may read them: of what they do not see, neither name nor why."""
    given = tuple(closed)
    numbers = {one.place_id for one in given if one.place_id is not None}
    if not numbers:
        return given
    seen = set(
        session.scalars(
            select(Resource.id).where(
                Resource.id.in_(numbers), visible(actor, Permission.CALENDAR_VIEW)
            )
        )
    )
    return tuple(
        one
        if one.place_id is None or one.place_id in seen
        else replace(one, because_of="", reason="")
        for one in given
    )


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


class _Book:
    """All that one organization says of when and how its resources can be booked.

    By the number of the resource that says it; special dates and closures in their order. readings:
    what was worked out of it so far.
    """

    def __init__(self) -> None:
        self.places: dict[int, _Place] = {}
        self.facilities: dict[int, _Place] = {}
        self.organization: _Place | None = None
        self.needs: dict[int, list[int]] = defaultdict(list)
        self.layers: dict[int, list[tuple[str, Mapping[str, Any]]]] = defaultdict(list)
        self.quotas: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        self.special: dict[int, list[tuple[dt.date, _Spans]]] = defaultdict(list)
        self.closures: dict[int, list[_Closing]] = defaultdict(list)
        self.readings: dict[int, _Reading] = {}

    def add_place(self, place: _Place) -> None:
        """Add a resource that is written."""
        if place.id is not None:
            self.places[place.id] = place
        if place.kind == "facility" and place.home_id is not None:
            self.facilities[place.home_id] = place
        elif place.kind == "organization":
            self.organization = place

    def line_of(self, place: _Place) -> dict[str, _Place]:
        """Return the places whose word counts for one, by source, the narrowest first."""
        line = {"own": place}
        if place.kind == "equipment" and place.home_id in self.facilities:
            line["facility"] = self.facilities[place.home_id]
        if place.kind != "organization" and self.organization is not None:
            line["organization"] = self.organization
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

    def reach(self, place: _Place) -> list[_Place]:
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
            waiting.extend(self.places[number] for number in self.needs.get(one.id, ()))
        return list(found.values())


@dataclass(frozen=True)
class _Reading:
    """What is the same for all windows of a place; the widest word of special hours first."""

    calendar: Calendar
    special: Sequence[tuple[dt.date, _Spans]]
    closings: Sequence[tuple[_Place, _Closing, str]]


def _read_place(book: _Book, own: _Place) -> _Reading:
    line = book.line_of(own)
    week, hours_from = _week(line)
    written = [(source, place.id) for source, place in line.items() if place.id is not None]
    calendar = Calendar(
        hours=Hours(book.zone_of(own), week),
        hours_from=hours_from,
        closed=(),
        layers=tuple(
            Layer(source, *layer)
            for source, number in written
            for layer in book.layers.get(number, ())
        ),
        quota_rules=tuple(
            QuotaRule(source, *quota)
            for source, number in written
            for quota in book.quotas.get(number, ())
        ),
    )
    return _Reading(
        calendar,
        [day for _source, number in reversed(written) for day in book.special.get(number, ())],
        [
            (place, closing, book.zone_of(place))
            for place in book.reach(own)
            for closing in book.closures.get(place.id or 0, ())
        ],
    )


def _calendar_of(book: _Book, own: _Place, window: Span | None) -> Calendar:
    reading = book.readings.get(own.id or 0)
    if reading is None:
        reading = _read_place(book, own)
        if own.id is not None:
            book.readings[own.id] = reading
    if window is None:
        return reading.calendar
    # A day more on either side covers every time zone.
    first = window.starts_at.date() - dt.timedelta(days=1)
    last = window.ends_at.date() + dt.timedelta(days=1)
    dates = {date: hours for date, hours in reading.special if first <= date <= last}
    spans = [
        item
        if place is own
        else replace(
            item,
            because_of=place.name,
            # An organization is known to whoever sees what it has.
            place_id=None if place.kind == "organization" else place.id,
        )
        for place, closing, zone in reading.closings
        for item in closing.within(window, zone)
    ]
    hours = reading.calendar.hours
    return reading.calendar.within(
        replace(hours, special=dates) if dates else hours,
        tuple(sorted(spans, key=lambda item: (item.span, item.kind))),
    )


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


def load_needs(organization_id: int) -> Mapping[int, Sequence[int]]:
    """Return what depends on what; both are always of one organization."""
    return settled_each("book", [organization_id], _read_books)[organization_id].needs


def _read_unwritten(resources: Sequence[Resource]) -> dict[Any, _Place]:
    """Return the places of resources that are not written yet, by kind and number of the record."""
    wanted: dict[str, list[int]] = defaultdict(list)
    for resource in resources:
        wanted[resource.kind].append(_key(resource)[1])
    found: dict[Any, _Place] = {}
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
        found.update({(kind, row[2]): _Place(*row) for row in rows})
    return found


def _read_books(organization_ids: Sequence[int]) -> dict[int, _Book]:
    asked = {"organization_ids": list(organization_ids)}
    books: dict[int, _Book] = {number: _Book() for number in organization_ids}
    for row in session.execute(_WRITTEN_PLACES, asked):
        place = _Place(*row)
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
        closing = _Closing(
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

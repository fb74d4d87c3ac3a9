"""When and how things can be booked: what hosts say of it, everything inherited, in a window."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from portal.bookings.models.calendar import Resource
from portal.bookings.queries.books import (
    Book,
    Place,
    Reading,
    Spans,
    books_of,
    key_of,
    read_unwritten,
)
from portal.bookings.queries.resources import is_written
from portal.bookings.rules.attempt import BookingRules, Hours, Span
from portal.bookings.rules.calendar import Calendar, Layer, QuotaRule


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
    books = books_of(one.organization_id for one in resources)
    unwritten = read_unwritten([one for one in resources if not is_written(one)])
    calendars = []
    for resource in resources:
        book = books[resource.organization_id]
        own = book.places[resource.id] if is_written(resource) else unwritten[key_of(resource)]
        calendars.append(_calendar_of(book, own, window))
    return calendars


def _read_place(book: Book, own: Place) -> Reading:
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
    return Reading(
        calendar,
        [day for _source, number in reversed(written) for day in book.special.get(number, ())],
        [
            (place, closing, book.zone_of(place))
            for place in book.reach(own)
            for closing in book.closures.get(place.id or 0, ())
        ],
    )


def _calendar_of(book: Book, own: Place, window: Span | None) -> Calendar:
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


def _week(
    line: Mapping[str, Place],
) -> tuple[dict[int, Spans] | None, str]:
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

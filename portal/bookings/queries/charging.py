"""What is read of prices and charges: rates, the lines of a booking, statements, disputes."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import and_, bindparam, func, or_, select
from sqlalchemy.orm import aliased, joinedload

from portal.bookings.models.booking import Booking, BookingMove
from portal.bookings.models.calendar import Resource
from portal.bookings.models.charging import ChargeLine, Dispute, Incident, RateCard
from portal.bookings.policies import Permission
from portal.bookings.queries.calendar import load_calendars
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.customers import customer_class_of
from portal.bookings.rules.hours import clock_minutes
from portal.bookings.rules.pricing import Line, Rates, Use, inherit_rates, price_use, total_cents
from portal.facilities.models import Equipment, EquipmentRate
from portal.kernel.authorization import Actor, authorize
from portal.kernel.clock import month_after, now
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.manifest import DeskItem
from portal.kernel.settings import setting
from portal.kernel.settled import settled
from portal.organizations.models import Organization
from portal.organizations.queries.people import managers_of

#: The columns of a rate card: cents by name.
RATE_COLUMNS = tuple(field.name for field in fields(Rates))

#: More bookings than this in one month of one organization are not shown on a page; an export has
#: them all.
MOST_STATEMENT_ROWS = 500
MOST_LINES = 100

STATEMENT_COLUMNS = (
    "Booking",
    "Organization",
    "What",
    "Starts at",
    "Ends at",
    "Hours",
    "Minutes",
    "Person",
    "Purpose",
    "State",
    "Amount (USD)",
    "Disputed",
)
MOST_DISPUTES = 100


# Prices


def load_rates(resource: Resource, customer_class: str) -> Rates:
    """Return what a customer class pays for a resource, everything inherited.

    A class without a price of its own pays what others pay; a host's own people pay only where a
    price for them is written down.
    """
    record = (resource.equipment_id, resource.facility_id)
    key = ("rates", resource.id, *record, resource.organization_id, customer_class)
    return settled(key, lambda: _read_rates(resource, customer_class))


def _read_rates(resource: Resource, customer_class: str) -> Rates:
    cards = list_rate_cards(resource)
    said: dict[tuple[int, str], dict[str, int | None]] = {
        (depth, card.customer_class): {name: getattr(card, name) for name in RATE_COLUMNS}
        for depth, card in cards
    }
    if resource.equipment_id is not None:
        for rate in session.execute(_EQUIPMENT_RATES, {"equipment_id": resource.equipment_id}):
            values = said.setdefault((0, rate.customer_class), {})
            values[f"{rate.unit}_cents"] = rate.price_cents
    classes = [customer_class, ""]
    if customer_class not in ("own_organization", "other"):
        classes.insert(1, "other")
    layers = [said.get((depth, name), {}) for depth in range(3) for name in classes]
    return inherit_rates(layers)


def list_rate_cards(resource: Resource) -> list[tuple[int, RateCard]]:
    """Return the rate cards that a resource has and inherits, each with how far away it stands.

    0: its own, 1: its facility's, 2: its organization's.
    """
    rows = session.execute(
        _RATE_CARDS,
        {
            "resource_id": resource.id,
            "equipment_id": resource.equipment_id,
            "organization_id": resource.organization_id,
        },
    )
    return [
        (0 if number == resource.id else 1 if kind == "facility" else 2, card)
        for card, number, kind in rows
    ]


# Every booking asks these, so they are put together once.
_EQUIPMENT_RATES = select(
    EquipmentRate.customer_class, EquipmentRate.unit, EquipmentRate.price_cents
).where(EquipmentRate.equipment_id == bindparam("equipment_id"))
_home = aliased(Resource)
_RATE_CARDS = (
    select(RateCard, _home.id, _home.kind)
    .join(_home, _home.id == RateCard.resource_id)
    .where(
        or_(
            _home.id == bindparam("resource_id"),
            _home.facility_id
            == select(Equipment.facility_id)
            .where(Equipment.id == bindparam("equipment_id"))
            .scalar_subquery(),
            and_(
                _home.kind == "organization",
                _home.organization_id == bindparam("organization_id"),
            ),
        )
    )
    .order_by(RateCard.id)
    .limit(MOST_LINES)
)


def estimate_cents(
    resource: Resource,
    span: Span,
    customer_class: str,
    *,
    runs: int = 0,
    samples: int = 0,
    with_operator: bool = False,
) -> int | None:
    """Return what a booking would cost, or None where the host says no price."""
    rates = load_rates(resource, customer_class)
    use = use_of(resource, rates, span, runs=runs, samples=samples, with_operator=with_operator)
    lines = price_use(rates, use)
    return None if lines is None else total_cents(lines)


def use_of(resource: Resource, rates: Rates, span: Span, **use: Any) -> Use:
    """Return what is paid for a span of a resource; use: `runs`, `samples`, `with_operator`."""
    shown = None
    if rates.day_cents is not None:
        shown = clock_minutes(load_calendars([resource])[0].hours.zone, span)
    return Use(round(span.minutes), **use, clock_minutes=shown)


def price_lines(
    resource: Resource, span: Span, organization: Organization, **use: Any
) -> list[Line] | None:
    """Return what an organization would pay, line by line, or None where there is no price.

    use: `runs`, `samples` and `with_operator` of a `Use`.
    """
    rates = load_rates(resource, _class_of(resource, organization))
    return price_use(rates, use_of(resource, rates, span, **use))


def estimate_all_cents(
    resources: Sequence[Resource],
    spans: Sequence[Span],
    organization: Organization,
    plan: Mapping[str, Any],
) -> tuple[int, int]:
    """Return what an organization would pay for resources at some times, in cents.

    And how many of these bookings have no price, so that they are not in it.

    plan: `runs`, `samples` and `with_operator` of the first of them.
    """
    found = [
        estimate_cents(
            resource,
            span,
            _class_of(resource, organization),
            **(plan if resource is resources[0] else {}),
        )
        for resource in resources
        for span in spans
    ]
    priced = [cents for cents in found if cents is not None]
    return sum(priced), len(found) - len(priced)


def reestimate_cents(
    booking: Booking, resource: Resource, span: Span, *, by_host: bool
) -> int | None:
    """Return what a booking would cost with all that is planned for it, at a time of a resource.

    by_host: whether it is moved by those who decide about the resource.
    """
    until = [span.ends_at, *_given_back(booking)]
    if not by_host and booking.starts_at <= now():
        until.append(booking.ends_at)
    customer_class = _class_of(resource, booking.organization)
    return estimate_cents(resource, Span(span.starts_at, max(until)), customer_class, **booking.use)


def paid_span(booking: Booking) -> Span:
    """Return which time of a booking is paid: what is booked, and what was used beyond it.

    What its own side gives back once it has begun was kept for it, and is paid as well.
    """
    until = [booking.ends_at, *_given_back(booking)]
    if booking.used_until is not None:
        until.append(booking.used_until)
    return Span(booking.starts_at, max(until))


def _given_back(booking: Booking) -> list[dt.datetime]:
    """Return the ends that a booking had until its own side shortened it, once it had begun."""
    if booking.starts_at > now():
        return []
    moves = session.execute(
        select(BookingMove.was_until, BookingMove.moved_by_id)
        .where(
            BookingMove.booking_id == booking.id,
            BookingMove.was_from <= BookingMove.moved_at,
        )
        .order_by(BookingMove.id)
    ).all()
    ends = [*(move.was_until for move in moves[1:]), booking.ends_at]
    found = [move for move, end in zip(moves, ends, strict=False) if end < move.was_until]
    # Of checking out it is not kept who did it.
    deciders = {person.id for person in managers_of(booking.host_organization_id)} if found else ()
    return [move.was_until for move in found if move.moved_by_id not in deciders]


def _class_of(resource: Resource, organization: Organization) -> str:
    return customer_class_of(resource.organization_id, organization.id, organization.kind)


# One booking's charge


@dataclass(frozen=True)
class Charge:
    """A booking's lines, oldest first, and what they come to in cents."""

    lines: Sequence[ChargeLine]
    total_cents: int
    disputes: Sequence[Dispute]
    incidents: Sequence[Incident]


def load_charge(booking: Booking) -> Charge:
    """Return what was charged for a booking so far, with its disputes and incidents."""
    lines = session.scalars(
        select(ChargeLine)
        .options(joinedload(ChargeLine.created_by))
        .where(ChargeLine.booking_id == booking.id)
        .order_by(ChargeLine.id)
        .limit(MOST_LINES)
    ).all()
    disputes = session.scalars(
        select(Dispute)
        .where(Dispute.booking_id == booking.id)
        .order_by(Dispute.id)
        .limit(MOST_DISPUTES)
    ).all()
    incidents = session.scalars(
        select(Incident)
        .options(joinedload(Incident.reported_by), joinedload(Incident.closure))
        .where(Incident.booking_id == booking.id)
        .order_by(Incident.id)
        .limit(MOST_LINES)
    ).all()
    return Charge(lines, sum(line.amount_cents for line in lines), disputes, incidents)


def count_cents(booking: Booking) -> int:
    """Return what all lines of a booking come to, in cents."""
    # PostgreSQL adds large integers up to a decimal number.
    return int(
        session.scalar(
            select(func.coalesce(func.sum(ChargeLine.amount_cents), 0)).where(
                ChargeLine.booking_id == booking.id
            )
        )
        or 0
    )


def has_computed_lines(booking: Booking) -> bool:
    """Tell whether the charge that follows from use was written already."""
    return (
        session.scalar(
            select(ChargeLine.id)
            .where(ChargeLine.booking_id == booking.id, ChargeLine.created_by_id.is_(None))
            .limit(1)
        )
        is not None
    )


# Disputes


def get_dispute(actor: Actor, dispute_id: int) -> Dispute:
    """Return a dispute that the actor may see, with its booking. Raises NotFound."""
    dispute = session.scalar(
        select(Dispute)
        .options(joinedload(Dispute.booking).joinedload(Booking.resource))
        .where(Dispute.id == dispute_id)
    )
    if dispute is None:
        raise NotFound()
    authorize(actor, Permission.DISPUTE_VIEW, dispute)
    return dispute


# Statements


@dataclass(frozen=True)
class StatementRow:
    """A booking in a month's statement and what it came to, in cents (None: it has no price)."""

    booking: Booking
    amount_cents: int | None
    is_disputed: bool


@dataclass(frozen=True)
class Statement:
    """A month of an organization with one other: what was used and what it comes to.

    other: the organization that pays (of a host's statement) or is paid.
    """

    other: Organization
    rows: Sequence[StatementRow]
    total_cents: int


def load_statements(
    organization: Organization, *, side: str, month: dt.date, limit: int | None = None
) -> list[Statement]:
    """Return the statements of a month, by the other organization's name.

    side: "host" for what others owe the organization, "customer" for what it owes. A booking
    belongs to the month in which it ended, in the portal's own time zone; what an organization
    used of its own stands in its statement as a host.

    limit: of the rows alone; sums are of the whole month, also of those of whom no row is shown.
    """
    mine = Booking.host_organization_id if side == "host" else Booking.organization_id
    other = Booking.organization if side == "host" else Booking.host
    span = month_span(month)
    amounts = (
        select(ChargeLine.booking_id, func.sum(ChargeLine.amount_cents).label("cents"))
        .group_by(ChargeLine.booking_id)
        .subquery()
    )
    disputed = (
        select(Dispute.id)
        .where(Dispute.booking_id == Booking.id, Dispute.status == "open")
        .exists()
    )
    owed = [
        mine == organization.id,
        or_(Booking.status == "completed", amounts.c.cents.is_not(None)),
        Booking.ends_at >= span.starts_at,
        Booking.ends_at < span.ends_at,
    ]
    if side == "customer":
        owed.append(Booking.host_organization_id != organization.id)
    rows = session.execute(
        select(Booking, amounts.c.cents, disputed)
        .outerjoin(amounts, amounts.c.booking_id == Booking.id)
        .options(joinedload(Booking.resource), joinedload(Booking.user), joinedload(other))
        .where(*owed)
        .order_by(Booking.ends_at, Booking.id)
        .limit(limit)
    ).all()
    found: dict[Organization, list[StatementRow]] = defaultdict(list)
    for booking, cents, is_disputed in rows:
        whose = booking.organization if side == "host" else booking.host
        amount = None if cents is None else int(cents)
        found[whose].append(StatementRow(booking, amount, bool(is_disputed)))
    sums = {whose: sum(row.amount_cents or 0 for row in its) for whose, its in found.items()}
    if len(rows) == limit:
        number = Booking.organization_id if side == "host" else Booking.host_organization_id
        totals = (
            select(number.label("id"), func.sum(amounts.c.cents).label("cents"))
            .outerjoin(amounts, amounts.c.booking_id == Booking.id)
            .where(*owed)
            .group_by(number)
            .subquery()
        )
        whole = select(Organization, totals.c.cents).join(totals, totals.c.id == Organization.id)
        sums = {whose: int(cents or 0) for whose, cents in session.execute(whole)}
    return [
        Statement(whose, found[whose], cents)
        for whose, cents in sorted(sums.items(), key=lambda item: (item[0].name, item[0].id))
    ]


def month_span(month: dt.date) -> Span:
    """Return a month's time in the portal's own zone."""
    zone = ZoneInfo(setting("DEFAULT_TIME_ZONE"))
    first = dt.datetime.combine(month.replace(day=1), dt.time(), zone)
    return Span(
        first.astimezone(dt.UTC),
        dt.datetime.combine(month_after(month), dt.time(), zone).astimezone(dt.UTC),
    )


def load_own_cards(resource: Resource) -> Mapping[str, RateCard]:
    """Return a resource's own rate cards by customer class."""
    return {card.customer_class: card for depth, card in list_rate_cards(resource) if depth == 0}


# For the desk


def list_disputed(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the disputes that wait for the actor's answer, the oldest first."""
    hosts = sorted(actor.organizations_as("owner", "manager"))
    disputes = session.scalars(
        select(Dispute)
        .options(
            joinedload(Dispute.booking).joinedload(Booking.resource),
            joinedload(Dispute.organization),
        )
        .where(Dispute.status == "open", Dispute.host_organization_id.in_(hosts))
        .order_by(Dispute.id)
        .limit(limit)
    )
    return [
        DeskItem(
            title=_(
                "%(organization)s disputes the charge for “%(name)s”",
                organization=dispute.organization.name,
                name=dispute.booking.resource.name,
            ),
            url=f"/bookings/{dispute.booking_id}/charge",
            since=dispute.raised_at,
            detail=dispute.reason[:200],
            action=_("Answer"),
        )
        for dispute in disputes
    ]


# For what follows an event; what it names may be gone by then


def find_charged(booking_id: int) -> Booking | None:
    """Return a booking with its resource, host and who booked it, or None."""
    return session.scalar(
        select(Booking)
        .options(
            joinedload(Booking.resource), joinedload(Booking.host), joinedload(Booking.booked_by)
        )
        .where(Booking.id == booking_id)
    )


def find_dispute(dispute_id: int) -> Dispute | None:
    """Return a dispute with its booking and who raised it, or None."""
    return session.scalar(
        select(Dispute)
        .options(
            joinedload(Dispute.booking).joinedload(Booking.resource),
            joinedload(Dispute.organization),
        )
        .where(Dispute.id == dispute_id)
    )


def find_incident(incident_id: int) -> Incident | None:
    """Return an incident with its booking, or None."""
    return session.scalar(
        select(Incident)
        .options(
            joinedload(Incident.booking).joinedload(Booking.resource),
            joinedload(Incident.booking).joinedload(Booking.organization),
        )
        .where(Incident.id == incident_id)
    )

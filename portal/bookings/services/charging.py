"""Commands on prices, charges, disputes and incidents. Lines are added and never changed."""

import datetime as dt

from flask_babel import gettext as _

from portal.bookings.events import ChargeSettled, DisputeStepped, IncidentReported
from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Resource
from portal.bookings.models.charging import ChargeLine, Dispute, Incident, RateCard
from portal.bookings.policies import Permission
from portal.bookings.queries import charging as queries
from portal.bookings.rules.pricing import (
    Line,
    price_cancellation,
    price_no_show,
    price_use,
)
from portal.bookings.rules.words import BOOKINGS, MANUAL_CHARGE_KINDS, OPEN_STATUSES
from portal.bookings.services.closures import add_closure
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.outbox import record

#: What one line may come to, so that sums stay far from the bounds of the column.
MOST_LINE_CENTS = 100_000_000
MOST_MANUAL_LINES = 50


@command(Permission.CALENDAR_EDIT)
def change_rate_card(
    actor: Actor, resource: Resource, *, customer_class: str = "", **cents: int | None
) -> Resource:
    """Say what a resource's prices and fees are for one customer class, or ("") for all.

    cents: those of `RATE_COLUMNS` that change; None where nothing shall be said here any more.
    Bookings made before keep their estimate, and are charged by the prices of their end.
    """
    card = queries.load_own_cards(resource).get(customer_class)
    if card is None:
        card = RateCard(resource_id=resource.id, customer_class=customer_class)
        session.add(card)
    for name, value in cents.items():
        setattr(card, name, value)
    if all(getattr(card, name) is None for name in queries.RATE_COLUMNS):
        if card in session.new:
            session.expunge(card)
        else:
            session.delete(card)
    return resource


@command(Permission.BOOKING_USE)
def report_usage(
    actor: Actor,
    booking: Booking,
    *,
    runs: int = 0,
    samples: int = 0,
    with_operator: bool = False,
    notes: str = "",
) -> Booking:
    """Say how a booking is used, beyond its time: what is planned, and what it was in the end.

    The estimate follows. Once a booking is over, its charge stands, and the host puts it right.
    """
    if booking.status not in OPEN_STATUSES:
        raise Conflict(_("This booking is over. Its host can put the charge right."))
    notes = notes.strip()
    was = (booking.runs, booking.samples, booking.with_operator, booking.usage_notes)
    if was == (runs, samples, with_operator, notes):
        return booking
    # A step keeps so much of what was said before.
    BOOKINGS.apply(actor, booking, "plan_use", note=booking.usage_notes[:2000])
    booking.runs, booking.samples, booking.with_operator = runs, samples, with_operator
    booking.usage_notes = notes
    booking.estimate_cents = queries.estimate_cents(
        booking.resource,
        queries.paid_span(booking),
        booking.customer_class,
        runs=runs,
        samples=samples,
        with_operator=with_operator,
    )
    return booking


@command(Permission.CHARGE_SETTLE)
def settle_charge(actor: Actor, booking: Booking) -> None:
    """Write what a booking costs once it is over: for its use, for a late end, or for nobody.

    Booked time is paid, also by who leaves early, and what was used beyond it. Written once,
    whatever is asked again.
    """
    if queries.has_computed_lines(booking):
        return
    rates = queries.load_rates(booking.resource, booking.customer_class)
    lines: list[Line] = []
    if booking.status == "completed":
        use = queries.use_of(booking.resource, rates, queries.paid_span(booking), **booking.use)
        lines = price_use(rates, use) or []
    elif booking.status == "no_show":
        lines = price_no_show(rates)
    elif booking.is_cancelled_late:
        lines = price_cancellation(rates, is_late=True)
    for line in lines:
        session.add(
            ChargeLine(
                booking_id=booking.id,
                kind=line.kind,
                amount_cents=line.amount_cents,
                unit=line.unit,
                quantity_thousandths=line.quantity_thousandths,
                unit_cents=line.unit_cents,
            )
        )
    if lines:
        record(ChargeSettled(booking.id))


@command(Permission.CHARGE_ADJUST)
def adjust_charge(
    actor: Actor, booking: Booking, *, kind: str, amount_cents: int, note: str
) -> ChargeLine:
    """Add to a booking's charge, or take off it, by hand and with a reason.

    A voucher or payment in kind is given as what it is worth, and taken off. The sum never falls
    below nothing. Raises Invalid with the field that is wrong.
    """
    if kind not in MANUAL_CHARGE_KINDS:
        raise Invalid("kind", _("Please choose what it is."))
    if not note.strip():
        raise Invalid("note", _("Please give a reason."))
    if not amount_cents or abs(amount_cents) > MOST_LINE_CENTS:
        raise Invalid("amount_cents", _("Please give an amount."))
    if len(queries.load_charge(booking).lines) >= MOST_MANUAL_LINES:
        raise Conflict(_("This charge has too many lines already."))
    amount = amount_cents if kind == "adjustment" else -abs(amount_cents)
    if queries.count_cents(booking) + amount < 0:
        raise Invalid("amount_cents", _("This is more than the whole charge."))
    line = ChargeLine(
        booking_id=booking.id,
        kind=kind,
        amount_cents=amount,
        note=note.strip()[:500],
        created_by_id=actor.user_id,
    )
    session.add(line)
    return line


@command(Permission.DISPUTE_RAISE)
def raise_dispute(actor: Actor, booking: Booking, *, reason: str) -> Dispute:
    """Say that a charge is not right; the host decides."""
    if not reason.strip():
        raise Invalid("reason", _("Please say what is not right."))
    charge = queries.load_charge(booking)
    if not charge.lines:
        raise Conflict(_("Nothing was charged for this booking yet."))
    if any(dispute.status == "open" for dispute in charge.disputes):
        raise Conflict(_("The host has not answered the last question about this charge yet."))
    dispute = Dispute(
        booking_id=booking.id,
        host_organization_id=booking.host_organization_id,
        organization_id=booking.organization_id,
        reason=reason.strip(),
        raised_by_id=actor.user_id,
    )
    session.add(dispute)
    session.flush()
    record(DisputeStepped(dispute.id, "raise"))
    return dispute


@command(Permission.DISPUTE_DECIDE)
def decide_dispute(
    actor: Actor, dispute: Dispute, *, is_settled: bool, answer: str, taken_off_cents: int = 0
) -> Dispute:
    """Answer a dispute: settled, with what is taken off the charge, or rejected."""
    if dispute.status != "open":
        raise Conflict(_("This was answered already."))
    if not answer.strip():
        raise Invalid("answer", _("Please give a reason."))
    if taken_off_cents and not is_settled:
        raise Invalid("taken_off_cents", _("Nothing is taken off a charge that stands."))
    if taken_off_cents:
        booking = session.get_one(Booking, dispute.booking_id)
        try:
            adjust_charge(
                actor, booking, kind="adjustment", amount_cents=-taken_off_cents, note=answer
            )
        except Invalid as error:
            field = "taken_off_cents" if error.field == "amount_cents" else error.field
            raise Invalid(field, error.message) from error
    dispute.status = "settled" if is_settled else "rejected"
    dispute.answer = answer.strip()
    dispute.decided_by_id = actor.user_id
    dispute.decided_at = now()
    record(DisputeStepped(dispute.id, "settle" if is_settled else "reject"))
    return dispute


@command(Permission.INCIDENT_REPORT)
def report_incident(
    actor: Actor, booking: Booking, *, text: str, opens_outage: bool = False
) -> Incident:
    """Tell the host what went wrong; where it cannot be used on, nobody can book it until it works.

    Whoever stands at the machine may stop it for others; only the host lets it run again.
    """
    if not text.strip():
        raise Invalid("text", _("Please say what happened."))
    if booking.status not in ("in_use", "completed"):
        raise Conflict(_("Only what was used can have had an incident."))
    incident = Incident(booking_id=booking.id, text=text.strip(), reported_by_id=actor.user_id)
    if opens_outage:
        if now() - booking.ends_at > dt.timedelta(days=1):
            raise Conflict(_("This booking is long over. Please write to the host instead."))
        if any(known.closure_id for known in queries.load_charge(booking).incidents):
            raise Conflict(_("It was put out of order for this booking already."))
        closure = add_closure(
            SYSTEM,
            booking.resource,
            kind="outage",
            starts_at=now(),
            ends_at=None,
            # What happened is for the two sides; why it is closed, everybody reads.
            reason="",
            is_planned=False,
        )
        incident.closure = closure
    session.add(incident)
    session.flush()
    record(IncidentReported(incident.id))
    return incident

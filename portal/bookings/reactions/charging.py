"""What follows on charges and incidents: the charge itself, and e-mails to host and customer."""

from portal.bookings import events
from portal.bookings.queries import charging as queries
from portal.bookings.queries.notices import load_wishes
from portal.bookings.rules.notices import Wishes
from portal.bookings.rules.telling import write_quantity
from portal.bookings.rules.words import CHARGE_KINDS
from portal.bookings.services import charging as services
from portal.kernel.authorization import SYSTEM
from portal.kernel.mail import queue_mails
from portal.kernel.web.addresses import external_url
from portal.organizations.queries.people import find_membership, managers_of


def settle_on_booking_over(event: events.BookingStepped) -> None:
    """Write what a booking costs as soon as it is over."""
    if event.status not in ("completed", "no_show", "cancelled"):
        return
    booking = queries.find_charged(event.booking_id)
    if booking is not None:
        services.settle_charge(SYSTEM, booking)


def email_payer_on_charge_settled(event: events.ChargeSettled) -> None:
    """Tell those who may read it what a booking cost: who booked, and who manages what pays."""
    booking = queries.find_charged(event.booking_id)
    cents = queries.count_cents(booking) if booking is not None else 0
    if booking is None or not cents:
        return
    charge = queries.load_charge(booking)
    units = {line.unit for line in charge.lines}
    people = {person.id: person for person in managers_of(booking.organization_id)}
    booker = booking.booked_by
    is_member = booker and find_membership(booking.organization_id, booker.id)
    if booker is not None and is_member and booker.is_active:
        people[booker.id] = booker
    wishes = load_wishes(people)
    for person in people.values():
        if wishes.get(person.id, Wishes()).tells_person:
            queue_mails(
                [person],
                "charge_settled",
                name=booking.resource.name,
                host=booking.host.name,
                cents=cents,
                status=booking.status,
                lines=charge.lines,
                kinds=CHARGE_KINDS,
                write_quantity=write_quantity,
                is_timed=not units.isdisjoint(("hour", "day")),
                url=external_url("bookings.show_charge", booking_id=booking.id),
                choose_url=external_url("accounts.show_mail", _anchor="bookings"),
            )


def email_other_side_on_dispute_stepped(event: events.DisputeStepped) -> None:
    """Tell the host of a dispute, and the other side of the answer."""
    dispute = queries.find_dispute(event.dispute_id)
    if dispute is None or (event.action == "raise") != (dispute.status == "open"):
        return
    is_raised = event.action == "raise"
    told = dispute.host_organization_id if is_raised else dispute.organization_id
    queue_mails(
        managers_of(told),
        "dispute_stepped",
        is_raised=is_raised,
        is_settled=dispute.status == "settled",
        organization=dispute.organization.name,
        name=dispute.booking.resource.name,
        text=dispute.reason if is_raised else dispute.answer,
        url=external_url("bookings.show_charge", booking_id=dispute.booking_id),
    )


def email_host_on_incident_reported(event: events.IncidentReported) -> None:
    """Tell the host what went wrong, and whether its machine stands still now."""
    incident = queries.find_incident(event.incident_id)
    if incident is None:
        return
    booking = incident.booking
    queue_mails(
        managers_of(booking.host_organization_id),
        "incident_reported",
        name=booking.resource.name,
        organization=booking.organization.name,
        text=incident.text,
        is_stopped=incident.closure_id is not None,
        url=external_url("bookings.show_charge", booking_id=booking.id),
    )

"""Prices and fees, a booking's charge with its disputes, and incidents."""

from typing import Any

from flask import Response, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.bookings.forms.charging import (
    AdjustmentForm,
    DecisionForm,
    DisputeForm,
    FeesForm,
    IncidentForm,
    PricesForm,
    UsageForm,
)
from portal.bookings.policies import Permission
from portal.bookings.queries import charging as queries
from portal.bookings.queries import hosts
from portal.bookings.queries.bookings import get_visible_booking
from portal.bookings.queries.notices import zone_of
from portal.bookings.queries.resources import is_written
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.telling import write_quantity, write_times
from portal.bookings.rules.words import BOOKING_STATUSES, CHARGE_KINDS, DISPUTE_STATUSES
from portal.bookings.services import charging as services
from portal.bookings.services.calendar import open_resource
from portal.bookings.views.blueprint import blueprint
from portal.facilities.rules import CUSTOMER_CLASSES
from portal.kernel.authorization import authorize, can
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import text_argument
from portal.kernel.web.viewer import current_actor


@blueprint.route(
    "/<any(equipment, facilities, organizations, operators):place>/<int:record_id>/prices",
    methods=["GET", "POST"],
)
def edit_prices(place: str, record_id: int) -> ResponseReturnValue:
    """Say what the use of something costs, for each customer class; what is empty is inherited."""
    actor = current_actor()
    subject = hosts.get_subject(actor, place, record_id)
    asked = text_argument("class")
    customer_class = asked if asked in CUSTOMER_CLASSES else ""
    form_class = FeesForm if place == "equipment" else PricesForm
    form = form_class.bind(queries.load_own_cards(subject.resource).get(customer_class))

    def address(chosen: str) -> str:
        values: dict[str, Any] = {"class": chosen or None}
        return url_for("bookings.edit_prices", place=place, record_id=record_id, **values)

    if form.submitted():
        resource = subject.resource
        if not is_written(resource):
            resource = open_resource(actor, subject.record)
        saved = form.attempt(
            services.change_rate_card, actor, resource, customer_class=customer_class, **form.data
        )
        if saved is not None:
            flash(_("The prices were saved."))
            return see_other(address(customer_class))
    return page(
        "bookings/prices.html",
        form=form,
        subject=subject,
        rules_url=url_for("bookings.show_rules", place=place, record_id=record_id),
        rates_url=(
            url_for("facilities.edit_equipment", equipment_id=record_id)
            if place == "equipment"
            else None
        ),
        choices=[
            {"label": label, "url": address(name), "is_selected": name == customer_class}
            for name, label in [("", _("Everybody")), *CUSTOMER_CLASSES.items()]
        ],
        effective=[
            (label, queries.load_rates(subject.resource, name))
            for name, label in CUSTOMER_CLASSES.items()
        ],
    )


# A booking's charge


@blueprint.get("/bookings/<int:booking_id>/charge")
def show_charge(booking_id: int) -> ResponseReturnValue:
    """Show what a booking cost, line by line, with what was disputed and what went wrong."""
    actor = current_actor()
    return _charge_page(get_visible_booking(actor, booking_id))


@blueprint.post("/bookings/<int:booking_id>/charge/lines")
def adjust_charge(booking_id: int) -> ResponseReturnValue:
    """Add a line to a charge by hand."""
    actor = current_actor()
    booking = get_visible_booking(actor, booking_id)
    form = AdjustmentForm.bind()
    if form.submitted():
        amount = form.amount_cents.data or 0
        kind = form.kind.data
        line = form.attempt(
            services.adjust_charge,
            actor,
            booking,
            kind="adjustment" if kind in ("add", "take_off") else kind,
            amount_cents=amount if kind == "add" else -amount,
            note=form.note.data,
        )
        if line is not None:
            flash(_("The charge was changed."))
            return _to_charge(booking_id)
    return _charge_page(get_visible_booking(actor, booking_id), adjustment=form)


@blueprint.post("/bookings/<int:booking_id>/charge/disputes")
def raise_dispute(booking_id: int) -> ResponseReturnValue:
    """Say that a charge is not right."""
    actor = current_actor()
    booking = get_visible_booking(actor, booking_id)
    form = DisputeForm.bind()
    if (
        form.submitted()
        and form.attempt(services.raise_dispute, actor, booking, reason=form.reason.data)
        is not None
    ):
        flash(_("The host was told. Its answer comes by e-mail."))
        return _to_charge(booking_id)
    return _charge_page(get_visible_booking(actor, booking_id), dispute=form)


@blueprint.post("/disputes/<int:dispute_id>/answer")
def decide_dispute(dispute_id: int) -> ResponseReturnValue:
    """Answer a dispute as the host."""
    actor = current_actor()
    dispute = queries.get_dispute(actor, dispute_id)
    booking_id = dispute.booking_id
    form = DecisionForm.bind()
    if form.submitted():
        decided = form.attempt(
            services.decide_dispute,
            actor,
            dispute,
            is_settled=form.decision.data == "settle",
            answer=form.answer.data,
            taken_off_cents=form.taken_off_cents.data or 0,
        )
        if decided is not None:
            flash(_("Your answer was sent."))
            return _to_charge(booking_id)
    return _charge_page(get_visible_booking(actor, booking_id), decision=form)


def _to_charge(booking_id: int) -> Response:
    return see_other(url_for(".show_charge", booking_id=booking_id))


def _charge_page(booking: Any, **forms: Any) -> ResponseReturnValue:
    actor = current_actor()
    # Not all who see a booking see what it costs, and a form that is not valid leads here as well.
    authorize(actor, Permission.CHARGE_VIEW, booking)
    charge = queries.load_charge(booking)
    asked = [one for one in charge.disputes if one.status == "open"]
    refused = next(iter(forms.values()), None)
    return page(
        "bookings/charge.html",
        when=write_times(Span(booking.starts_at, booking.ends_at), zone_of(booking.resource)),
        form=refused,
        booking=booking,
        charge=charge,
        kinds=CHARGE_KINDS,
        write_quantity=write_quantity,
        dispute_statuses=DISPUTE_STATUSES,
        status=BOOKING_STATUSES[booking.status],
        open_dispute=asked[0] if asked else None,
        adjustment=(
            forms.get("adjustment") or AdjustmentForm.bind()
            if can(actor, Permission.CHARGE_ADJUST, booking)
            else None
        ),
        dispute=(
            forms.get("dispute") or DisputeForm.bind()
            if charge.lines and not asked and can(actor, Permission.DISPUTE_RAISE, booking)
            else None
        ),
        decision=(
            forms.get("decision") or DecisionForm.bind()
            if asked and can(actor, Permission.DISPUTE_DECIDE, asked[0])
            else None
        ),
    )


@blueprint.route("/bookings/<int:booking_id>/usage", methods=["GET", "POST"])
def report_usage(booking_id: int) -> ResponseReturnValue:
    """Say how a booking is used, as far as its price depends on it."""
    actor = current_actor()
    booking = get_visible_booking(actor, booking_id)
    authorize(actor, Permission.BOOKING_USE, booking)
    form = UsageForm.bind(
        runs=booking.runs,
        samples=booking.samples,
        with_operator=booking.with_operator,
        notes=booking.usage_notes,
    )
    if form.submitted():
        saved = form.attempt(
            services.report_usage,
            actor,
            booking,
            **form.use,
            notes=form.notes.data,
        )
        if saved is not None:
            flash(_("The use was noted."))
            return see_other(url_for("bookings.show", booking_id=booking_id))
        booking = get_visible_booking(actor, booking_id)
    return page(
        "bookings/usage.html",
        form=form,
        booking=booking,
        rates=queries.load_rates(booking.resource, booking.customer_class),
        back=url_for("bookings.show", booking_id=booking_id),
    )


# Incidents


@blueprint.route("/bookings/<int:booking_id>/incident", methods=["GET", "POST"])
def report_incident(booking_id: int) -> ResponseReturnValue:
    """Tell the host what went wrong, and stop the machine for others where that is needed."""
    actor = current_actor()
    booking = get_visible_booking(actor, booking_id)
    authorize(actor, Permission.INCIDENT_REPORT, booking)
    form = IncidentForm.bind()
    back = url_for(".show", booking_id=booking_id)
    if form.submitted():
        reported = form.attempt(services.report_incident, actor, booking, **form.data)
        if reported is not None:
            flash(_("Thank you. The host was told."))
            return see_other(back)
        booking = get_visible_booking(actor, booking_id)
    return page("bookings/incident.html", form=form, booking=booking, back=back)

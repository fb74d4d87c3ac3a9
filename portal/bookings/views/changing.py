"""A booking given another time, another purpose or another person."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from portal.bookings.forms.pages import HandOverForm, MoveForm, PurposeForm, span_values
from portal.bookings.policies import Permission
from portal.bookings.queries import bookings as queries
from portal.bookings.queries.charging import reestimate_cents
from portal.bookings.queries.elsewhere import list_targets
from portal.bookings.queries.timetables import list_colleagues
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.refusal import Refused
from portal.bookings.rules.telling import write_times
from portal.bookings.services import moving
from portal.bookings.services.calendar import open_resource
from portal.bookings.views.blueprint import blueprint
from portal.bookings.views.bookings import calendar_of, subject_of, times_url
from portal.bookings.views.refusals import Attempted, other_person, show_problems, show_refusal
from portal.bookings.views.subjects import Subject, find_subject, show_page, zone_words
from portal.kernel.authorization import authorize, can
from portal.kernel.errors import Conflict
from portal.kernel.web.answers import flash, see_other
from portal.kernel.web.formats import format_money
from portal.kernel.web.viewer import current_actor


@blueprint.route("/bookings/<int:booking_id>/move", methods=["GET", "POST"])
def move(booking_id: int) -> ResponseReturnValue:
    """Give a booking another time, another length, or another thing of the same kind."""
    actor = current_actor()
    booking = queries.get_visible_booking(actor, booking_id)
    authorize(actor, Permission.BOOKING_MOVE, booking)
    calendar = calendar_of(booking)
    zone = calendar.hours.zone
    form = MoveForm.bind(**span_values(Span(booking.starts_at, booking.ends_at), zone))
    targets = list_targets(actor, booking)
    form.target.choices = [
        SelectChoice("", booking.resource.name),
        *(SelectChoice(value, name) for value, name in targets),
    ]
    subject = subject_of(booking)
    attempted: Attempted | None = None
    estimate = ""
    wanted = form.read_span(zone) if form.submitted() else None
    if wanted is not None and request.form.get("action") == "estimate":
        # Who only asks for the price moves nothing.
        estimate = _estimate(booking, form.target.data, wanted, zone)
    elif wanted is not None:
        try:
            moved = form.attempt(
                _move,
                booking,
                form.target.data,
                span=wanted,
                reason=form.reason.data,
                override_reason=form.override_reason.data,
                scope=form.scope.data,
            )
        except Refused as refusal:
            if form.target.data:
                subject = _target(form.target.data)
            attempted = Attempted(
                refusal,
                wanted,
                zone,
                can_override=can(actor, Permission.BOOKING_DECIDE, booking),
                held=Span(booking.starts_at, booking.ends_at) if not form.target.data else None,
            )
        except Conflict as error:
            form.add_error(None, error.message)
        else:
            if moved is not None:
                when = write_times(wanted, zone)
                flash(
                    _("The booking was moved: %(when)s.", when=when)
                    if form.scope.data == "one"
                    else _("The bookings were moved, this one to %(when)s.", when=when)
                )
                return see_other(url_for("bookings.show", booking_id=moved.id))
        booking = queries.get_visible_booking(actor, booking_id)
    return show_page(
        "bookings/move.html",
        status=attempted.refusal.status if attempted else None,
        form=form,
        estimate=estimate,
        booking=booking,
        when=write_times(Span(booking.starts_at, booking.ends_at), zone),
        zone_name=zone_words(zone, booking.starts_at)["name"],
        second_times=form.second_times(zone),
        step=calendar.rules_for(booking.customer_class).slot_minutes * 60,
        refusal=show_refusal(attempted, subject, form) if attempted else None,
        times_url=times_url(booking, zone),
    )


def _move(booking: Any, target: str, **said: Any) -> Any:
    """Move a booking to another time, and to another thing where one is chosen."""
    if not target:
        return moving.move_booking(current_actor(), booking, **said)
    record = _target(target).record
    resource = queries.get_resource(open_resource(current_actor(), record).id)
    return moving.move_to_resource(
        current_actor(), (booking.resource, resource), booking=booking, **said
    )


def _estimate(booking: Any, target: str, span: Span, zone: str) -> str:
    """Return what a booking would cost at another time, or of another thing, in words."""
    resource = _target(target).resource if target else booking.resource
    by_host = can(current_actor(), Permission.BOOKING_DECIDE, booking)
    cents = reestimate_cents(booking, resource, span, by_host=by_host)
    when = write_times(span, zone)
    if cents is None:
        return _("%(when)s: the host gives no price.", when=when)
    return _("%(when)s: about %(price)s.", when=when, price=format_money(cents))


def _target(target: str) -> Subject:
    kind, _colon, number = target.partition(":")
    return find_subject(**{f"{kind}_id": int(number)})


@blueprint.route("/bookings/<int:booking_id>/purpose", methods=["GET", "POST"])
def describe(booking_id: int) -> ResponseReturnValue:
    """Say anew what a booking is for."""
    actor = current_actor()
    booking = queries.get_visible_booking(actor, booking_id)
    authorize(actor, Permission.BOOKING_DESCRIBE, booking)
    form = PurposeForm.bind(booking)
    if form.submitted():
        try:
            done = form.attempt(moving.describe_booking, actor, booking, **form.data)
        except Conflict as error:
            form.add_error(None, error.message)
        else:
            if done is not None:
                flash(_("What it is for was saved."))
                return see_other(url_for("bookings.show", booking_id=booking_id))
        booking = queries.get_visible_booking(actor, booking_id)
    return show_page("bookings/purpose.html", form=form, booking=booking)


@blueprint.route("/bookings/<int:booking_id>/hand-over", methods=["GET", "POST"])
def hand_over(booking_id: int) -> ResponseReturnValue:
    """Give a booking to a colleague."""
    actor = current_actor()
    booking = queries.get_visible_booking(actor, booking_id)
    authorize(actor, Permission.BOOKING_HAND_OVER, booking)
    form = HandOverForm.bind()
    form.for_user.choices = [
        (number, name)
        for number, name in list_colleagues([booking.organization_id])
        if number != booking.user_id
    ]
    refusal: Refused | None = None
    if form.submitted():
        try:
            done = form.attempt(
                moving.hand_over_booking,
                actor,
                booking,
                user_id=form.for_user.data,
                reason=form.reason.data,
                override_reason=form.override_reason.data,
                scope=form.scope.data,
            )
        except Refused as error:
            refusal = error
        except Conflict as error:
            form.add_error(None, error.message)
        else:
            if done is not None:
                name = dict(form.for_user.choices).get(form.for_user.data, "")
                flash(_("The booking is %(name)s’s now.", name=name))
                return see_other(url_for("bookings.show", booking_id=booking_id))
        booking = queries.get_visible_booking(actor, booking_id)
    return show_page(
        "bookings/hand_over.html",
        status=refusal.status if refusal else None,
        form=form,
        booking=booking,
        problems=(
            show_problems(
                refusal, subject_of(booking), booking.organization_id, other_person(form.for_user)
            )
            if refusal
            else ()
        ),
        may_override=refusal is not None
        and can(actor, Permission.BOOKING_DECIDE, booking)
        and all(problem.overridable for problem in refusal.problems),
        when=write_times(Span(booking.starts_at, booking.ends_at), calendar_of(booking).hours.zone),
    )

"""Pages on which hosts close their things, keep them free for some, or report them out of order."""

from types import SimpleNamespace
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.bookings.forms.calendar import CancelHitForm, ClosureForm, closure_values
from portal.bookings.queries import hosts
from portal.bookings.queries.closures import get_closure, list_hit_bookings
from portal.bookings.rules.attempt import NO_END, Span
from portal.bookings.rules.recurrence import read_recurrence
from portal.bookings.rules.telling import write_span
from portal.bookings.rules.wording import write_recurrence
from portal.bookings.rules.words import BOOKING_STATUSES, CLOSURE_KINDS
from portal.bookings.services import closures as services
from portal.bookings.views.blueprint import blueprint
from portal.bookings.views.hosting import (
    RULES,
    address_of,
    back_to_rules,
    frame,
    open_subject,
    written_subject,
    zone_of_subject,
)
from portal.kernel.clock import now
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import choice_argument, confirmed, form_text, record_number
from portal.kernel.web.viewer import current_actor


@blueprint.route(f"{RULES}/closures", methods=["GET", "POST"])
def add_closure(place: str, record_id: int) -> ResponseReturnValue:
    """Close something for a time, keep it free for some, or report that it is out of order."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    kind = choice_argument("kind", CLOSURE_KINDS) or "closure"
    form = ClosureForm.bind(kind=kind)
    zone = zone_of_subject(subject)
    if form.submitted():
        closure = form.attempt(_save_closure, subject, form, zone)
        if closure is not None:
            return _after_closing(subject, closure)
    return page(
        "bookings/closure_form.html",
        **frame(subject),
        form=form,
        zone=zone,
        title=_("A closure or outage"),
    )


@blueprint.post(f"{RULES}/out-of-order")
def report_outage(place: str, record_id: int) -> ResponseReturnValue:
    """Say with one click that something is out of order from now on."""
    subject = open_subject(place, record_id)
    closure = services.add_closure(
        current_actor(),
        subject.resource,
        kind="outage",
        starts_at=now(),
        ends_at=None,
        reason=form_text("reason").strip()[:500],
        is_planned=False,
    )
    return _after_closing(subject, closure)


@blueprint.route(f"{RULES}/closures/<int:closure_id>", methods=["GET", "POST"])
def edit_closure(place: str, record_id: int, closure_id: int) -> ResponseReturnValue:
    """Change a closure."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    closure = get_closure(subject.resource, closure_id)
    zone = zone_of_subject(subject)
    form = ClosureForm.bind(SimpleNamespace(**closure_values(closure, zone)))
    if form.submitted():
        saved = form.attempt(_save_closure, subject, form, zone, closure_id=closure_id)
        if saved is not None:
            return _after_closing(subject, saved)
    return page(
        "bookings/closure_form.html",
        **frame(subject),
        form=form,
        zone=zone,
        title=_("Change a closure or outage"),
    )


@blueprint.post(f"{RULES}/closures/<int:closure_id>/end")
def end_outage(place: str, record_id: int, closure_id: int) -> ResponseReturnValue:
    """Say that something works again."""
    subject = written_subject(place, record_id)
    services.end_outage(current_actor(), subject.resource, closure_id=closure_id)
    flash(_("“%(name)s” works again.", name=subject.name))
    return back_to_rules(subject)


@blueprint.post(f"{RULES}/closures/<int:closure_id>/delete")
def remove_closure(place: str, record_id: int, closure_id: int) -> ResponseReturnValue:
    """Delete a closure."""
    subject = written_subject(place, record_id)
    closure = get_closure(subject.resource, closure_id)
    if not confirmed():
        return page(
            "components/confirm.html",
            title=_("Delete this closure?"),
            text=write_span(
                Span(closure.starts_at, closure.ends_at or NO_END), zone_of_subject(subject)
            ),
            action=_("Delete"),
            cancel_url=address_of(subject),
        )
    services.remove_closure(current_actor(), subject.resource, closure_id=closure_id)
    flash(_("The closure was deleted."))
    return back_to_rules(subject)


@blueprint.route(f"{RULES}/closures/<int:closure_id>/bookings", methods=["GET", "POST"])
def show_hit_bookings(place: str, record_id: int, closure_id: int) -> ResponseReturnValue:
    """Show the bookings that a closure hits, and cancel those that are chosen."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    closure = get_closure(subject.resource, closure_id)
    zone = zone_of_subject(subject)
    form = CancelHitForm.bind(reason=closure.reason)
    if form.submitted():
        count = form.attempt(
            services.cancel_hit_bookings,
            current_actor(),
            subject.resource,
            closure_id=closure_id,
            booking_ids=request.form.getlist("booking_ids", type=record_number)[:200],
            reason=form.reason.data,
        )
        if count is not None:
            flash(
                ngettext(
                    "%(num)d booking was cancelled, and its people are told.",
                    "%(num)d bookings were cancelled, and their people are told.",
                    count,
                )
                if count
                else _("Nothing was chosen, so nothing was cancelled.")
            )
            return see_other(address_of(subject, "show_hit_bookings", closure_id=closure_id))
    hits = list_hit_bookings(subject.resource, closure)
    return page(
        "bookings/hit_bookings.html",
        **frame(subject),
        form=form,
        closure=closure_row(closure, zone),
        hits=[
            {
                "id": booking.id,
                "what": booking.resource.name,
                "when": write_span(Span(booking.starts_at, booking.ends_at), zone),
                "organization": booking.organization.name,
                "person": booking.user.name if booking.user else "",
                "status": BOOKING_STATUSES[booking.status],
                "is_cancellable": booking.status in ("requested", "approved"),
            }
            for booking in hits
        ],
    )


def _save_closure(
    subject: hosts.Subject, form: ClosureForm, zone: str, *, closure_id: int | None = None
) -> Any:
    begins, ends = form.span(zone)
    values: dict[str, Any] = {
        "kind": form.kind.data,
        "starts_at": begins,
        "ends_at": ends,
        "reason": form.reason.data,
        "recurrence": form.recurrence(),
        "allowed_ids": hosts.organization_ids_named(form.allowed.data),
    }
    resource = open_subject(subject.place, subject.id).resource
    if closure_id is None:
        return services.add_closure(current_actor(), resource, **values)
    return services.change_closure(current_actor(), resource, closure_id=closure_id, **values)


def _after_closing(subject: hosts.Subject, closure: Any) -> ResponseReturnValue:
    """Lead on to the bookings that a closure hits, or back where it hits none."""
    hits = list_hit_bookings(open_subject(subject.place, subject.id).resource, closure)
    if not hits:
        flash(_("The calendar of “%(name)s” was changed.", name=subject.name))
        return back_to_rules(subject)
    flash(
        ngettext(
            "The calendar was changed. It hits %(num)d booking, which stays until you cancel it.",
            "The calendar was changed. It hits %(num)d bookings, which stay until you cancel them.",
            len(hits),
        )
    )
    return see_other(address_of(subject, "show_hit_bookings", closure_id=closure.id))


def closure_row(closure: Any, zone: str) -> dict[str, Any]:
    """Return what a list shows of a closure."""
    has_begun = closure.starts_at <= now()
    return {
        "id": closure.id,
        "kind": CLOSURE_KINDS[closure.kind],
        "when": write_span(Span(closure.starts_at, closure.ends_at or NO_END), zone),
        "repeats": (
            write_recurrence(read_recurrence(closure.recurrence)) if closure.recurrence else ""
        ),
        "reason": closure.reason,
        "is_outage": closure.kind == "outage",
        "can_end": closure.kind == "outage" and has_begun and not closure.recurrence,
    }

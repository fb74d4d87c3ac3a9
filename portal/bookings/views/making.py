"""Booking: the form, what stands against an attempt with ways on, and the waiting list."""

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from wtforms.fields.choices import SelectChoice

from portal.bookings.forms.pages import BookingPageForm, span_values
from portal.bookings.policies import Permission
from portal.bookings.queries import bookings as queries
from portal.bookings.queries import hosts
from portal.bookings.queries.calendar import load_calendar
from portal.bookings.queries.charging import estimate_all_cents, load_rates
from portal.bookings.queries.elsewhere import list_elsewhere
from portal.bookings.queries.needs import find_missing
from portal.bookings.queries.timetables import list_along, list_colleagues
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.customers import customer_class_of
from portal.bookings.rules.hours import local_date
from portal.bookings.rules.recurrence import Recurrence, occurrences, replace_some
from portal.bookings.rules.refusal import Refused
from portal.bookings.rules.telling import write_day, write_list, write_times
from portal.bookings.rules.wording import tell_visitors
from portal.bookings.services import making, waiting
from portal.bookings.services.calendar import open_resource
from portal.bookings.views.blueprint import blueprint
from portal.bookings.views.refusals import Attempted, show_refusal
from portal.bookings.views.subjects import (
    Subject,
    choose_booker,
    find_subject,
    list_bookers,
    read_span,
    show_page,
    zone_words,
)
from portal.kernel.authorization import authorize, can
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.web.answers import flash, see_other
from portal.kernel.web.arguments import record_number, text_argument
from portal.kernel.web.formats import format_money
from portal.kernel.web.viewer import current_actor

#: So many days that were left out of what repeats are named.
MOST_TOLD = 8


@blueprint.route("/equipment/<int:equipment_id>/book", methods=["GET", "POST"])
@blueprint.route("/facilities/<int:facility_id>/book", methods=["GET", "POST"])
def book(equipment_id: int | None = None, facility_id: int | None = None) -> ResponseReturnValue:
    """Book a piece of equipment or a facility, or ask for it where its host approves."""
    actor = current_actor()
    subject = find_subject(equipment_id, facility_id)
    authorize(actor, Permission.BOOKING_CREATE, subject.resource)
    bookers, booker = _bookers(subject)
    calendar = load_calendar(subject.resource, Span(now(), now()))
    zone = calendar.hours.zone
    span = read_span()
    form = BookingPageForm.bind(
        organization_id=booker.id,
        for_user=_named_person(bookers) or actor.user_id,
        purpose=text_argument("purpose", 500),
        interval=None,
        **(span_values(span, zone) if span is not None else {}),
    )
    along = list_along(actor, subject.resource)
    _offer(form, bookers, along, zone)
    attempted: Attempted | None = None
    if form.submitted() and (wanted := form.read_span(zone)) is not None:
        span = wanted
        # Who only asks for the price books nothing.
        is_asked = request.form.get("action") == "estimate"
        answer = None if is_asked else _attempt(form, subject, booker, along, wanted)
        if isinstance(answer, list):
            return _to_made(answer, subject, zone, _left_out(answer, form, wanted, zone))
        if isinstance(answer, Refused):
            answer.find_elsewhere = lambda: list_elsewhere(
                actor, subject.resource, wanted, organization=booker
            )
            attempted = Attempted(
                answer,
                wanted,
                zone,
                can_override=can(actor, Permission.BOOKING_OVERRIDE, subject.resource),
            )
    rules = calendar.rules_for(_class(subject, booker))
    return show_page(
        "bookings/book.html",
        status=attempted.refusal.status if attempted else None,
        subject=subject,
        form=form,
        asks=rules.approval != "instant"
        and not can(actor, Permission.BOOKING_OVERRIDE, subject.resource),
        zone_name=zone_words(zone, span.starts_at if span else now())["name"],
        is_single=len(bookers) == 1,
        second_times=form.second_times(zone),
        step=rules.slot_minutes * 60,
        rates=load_rates(subject.resource, _class(subject, booker)),
        estimate=_estimate(form, subject, booker, along, span, zone) if span else "",
        told=tell_visitors(rules, hosts.region_names(rules.eligible_region_ids or ())),
        # Before one fills in a form that is refused; afterwards the refusal says it.
        missing=(
            find_missing(actor, subject.record, subject.resource, booker)
            if attempted is None
            else None
        ),
        attempted=attempted,
        refusal=show_refusal(attempted, subject, form) if attempted else None,
        form_key=request.form.get("form_key", "")[:40] or secrets.token_urlsafe(9),
        times_url=subject.url(
            "show_times", date=form.date.data.isoformat() if form.date.data else None
        ),
    )


@blueprint.post("/equipment/<int:equipment_id>/wait")
@blueprint.post("/facilities/<int:facility_id>/wait")
def wait(equipment_id: int | None = None, facility_id: int | None = None) -> ResponseReturnValue:
    """Wait for a time that others have booked."""
    actor = current_actor()
    subject = find_subject(equipment_id, facility_id)
    authorize(actor, Permission.WAITING_JOIN, subject.resource)
    bookers, booker = _bookers(subject)
    zone = load_calendar(subject.resource, Span(now(), now())).hours.zone
    form = BookingPageForm.bind()
    _offer(form, bookers, [], zone)
    span = form.read_span(zone) if form.submitted() else None
    if span is None:
        raise Invalid(None, " ".join(text for _id, _label, text in form.problems))
    waiting.join_waiting_list(
        actor,
        _written(subject),
        organization=booker,
        span=span,
        purpose=form.purpose.data,
    )
    flash(
        _(
            "You wait for “%(name)s” (%(when)s). You get an e-mail when it gets free.",
            name=subject.record.name,
            when=write_times(span, zone),
        )
    )
    return see_other(url_for("bookings.list_own"))


def _bookers(subject: Subject) -> tuple[list[Any], Any]:
    """Return the organizations for which the actor can book, and the chosen one."""
    bookers = list_bookers(current_actor(), subject)
    booker = choose_booker(bookers)
    if booker is None:
        raise Conflict(_("This cannot be booked here. Ask its organization to use it."))
    return bookers, booker


def _named_person(bookers: Sequence[Any]) -> int | None:
    """Return the colleague whom the address names, if it names one."""
    wanted = request.args.get("for_user", type=record_number)
    if wanted is None:
        return None
    colleagues = list_colleagues([one.id for one in bookers])
    return wanted if any(wanted == number for number, _name in colleagues) else None


def _offer(form: BookingPageForm, bookers: Sequence[Any], along: Sequence[Any], zone: str) -> None:
    form.organization_id.choices = [(one.id, one.name) for one in bookers]
    form.for_user.choices = list_colleagues([one.id for one in bookers])
    form.frequency.choices = [SelectChoice("", _("Once")), *form.frequency.choices[1:]]
    form.also.choices = [SelectChoice(str(one.id), one.name) for one in along]
    form.offer_instead(zone)


def _estimate(
    form: BookingPageForm,
    subject: Subject,
    booker: Any,
    along: Sequence[Any],
    span: Span,
    zone: str,
) -> str:
    """Return what all that the form says would cost, in words, or "" where it says too little."""
    try:
        recurrence = form.read_recurrence()
    except ValueError as error:
        if not form.errors:
            form.add_error("frequency", str(error))
        return ""
    spans = [span]
    if recurrence is not None:
        spans = _spans(form, recurrence, span, zone)
    resources = [subject.resource, *(one for one in along if str(one.id) in (form.also.data or []))]
    cents, priceless = estimate_all_cents(resources, spans, booker, form.plan)
    count = len(spans) * len(resources)
    if count == priceless:
        return ""
    if not cents:
        return _say_free(form, subject, booker)
    price = format_money(cents)
    if count == 1:
        return _("%(when)s: about %(price)s.", when=write_times(span, zone), price=price)
    told = ngettext(
        "%(num)d booking: about %(price)s.",
        "%(num)d bookings: about %(price)s together.",
        count - priceless,
        price=price,
    )
    if not priceless:
        return told
    return " ".join(
        (told, ngettext("%(num)d more has no price.", "%(num)d more have no price.", priceless))
    )


def _say_free(form: BookingPageForm, subject: Subject, booker: Any) -> str:
    """Say that something costs nothing, or that nobody has said of how many it is paid."""
    rates = load_rates(subject.resource, _class(subject, booker))
    if rates.counts(form.plan.get("runs", 0), form.plan.get("samples", 0)):
        return _("No charge.")
    return _("The price depends on how many you need: say it below.")


def _attempt(
    form: BookingPageForm,
    subject: Subject,
    booker: Any,
    along: Sequence[Any],
    span: Span,
) -> list[Any] | Refused | None:
    """Book what the form says: what was made, what stands against it, or None with errors."""
    try:
        recurrence = form.read_recurrence()
    except ValueError as error:
        form.add_error("frequency", str(error))
        return None
    chosen = [one for one in along if str(one.id) in form.also.data]
    try:
        return form.attempt(_make, form, subject, booker, chosen, span, recurrence)
    except Refused as refusal:
        return refusal
    except Conflict as error:
        form.add_error(None, error.message)
        return None


def _make(
    form: BookingPageForm,
    subject: Subject,
    booker: Any,
    along: Sequence[Any],
    span: Span,
    recurrence: Recurrence | None,
) -> list[Any]:
    actor, resource = current_actor(), _written(subject)
    said: dict[str, Any] = {
        "organization": booker,
        "span": span,
        "user_id": form.for_user.data,
        "purpose": form.purpose.data,
        "override_reason": form.override_reason.data,
        "recurrence": recurrence,
        "instead": form.read_instead(),
        "on_conflict": form.on_conflict.data or "refuse",
        "idempotency_key": _key(),
        "plan": form.plan,
    }
    if along:
        others = [queries.get_resource(one.id) for one in along]
        return making.create_party(actor, (resource, *others), **said)
    return making.create_booking(actor, resource, **said)


def _key() -> str | None:
    """Return a key by which the same form sent twice books once.

    What was changed in between makes another key, so that going back and booking again works.
    """
    form_key = request.form.get("form_key", "")
    if not form_key:
        return None
    said = sorted((name, *request.form.getlist(name)) for name in request.form)
    return hashlib.blake2s(repr(said).encode(), digest_size=16).hexdigest()


def _written(subject: Subject) -> Any:
    """Return the resource of a record with what commands look at, written if it is not yet."""
    return queries.get_resource(open_resource(current_actor(), subject.record).id)


def _class(subject: Subject, booker: Any) -> str:
    return customer_class_of(subject.resource.organization_id, booker.id, booker.kind)


def _spans(form: BookingPageForm, recurrence: Recurrence, span: Span, zone: str) -> list[Span]:
    """Return when what repeats is to be."""
    spans = occurrences(recurrence, span, zone, most=making.MOST_OCCURRENCES)
    return replace_some(spans, form.read_instead())


def _left_out(
    made: Sequence[Any], form: BookingPageForm, span: Span, zone: str
) -> Sequence[dt.date]:
    """Return the days of what repeats on which nothing was booked."""
    recurrence = form.read_recurrence()
    if recurrence is None:
        return ()
    wanted = _spans(form, recurrence, span, zone)
    begun = {booking.starts_at for booking in made}
    return [local_date(zone, one.starts_at) for one in wanted if one.starts_at not in begun]


def _to_made(
    made: list[Any], subject: Subject, zone: str, left_out: Sequence[dt.date]
) -> ResponseReturnValue:
    """Say what was booked, or asked for, and what was left out, and lead to it."""
    first = made[0]
    name = subject.record.name
    when = write_times(Span(first.starts_at, first.ends_at), zone)
    is_sure = first.status == "approved"
    told: Callable[..., str] = flash_one if len(made) == 1 else flash_several
    words = told(name, when, len(made), is_sure)
    if left_out:
        days = write_list(write_day(day) for day in left_out[:MOST_TOLD])
        words += " " + (
            _("Left out: %(days)s.", days=days)
            if len(left_out) <= MOST_TOLD
            else _("Left out: %(days)s and others.", days=days)
        )
    flash(words)
    return see_other(url_for("bookings.show", booking_id=first.id))


def flash_one(name: str, when: str, _count: int, is_sure: bool) -> str:
    """Say that one booking was made or asked for."""
    if is_sure:
        return _("“%(name)s” is booked: %(when)s.", name=name, when=when)
    return _("You asked for “%(name)s” (%(when)s). Its host decides.", name=name, when=when)


def flash_several(name: str, when: str, count: int, is_sure: bool) -> str:
    """Say that several bookings were made or asked for, and when the first one is."""
    if is_sure:
        return ngettext(
            "%(num)d booking was made, from %(when)s on.",
            "%(num)d bookings were made, from %(when)s on.",
            count,
            when=when,
        )
    return ngettext(
        "You asked for %(num)d booking, from %(when)s on. The host decides.",
        "You asked for %(num)d bookings, from %(when)s on. The host decides.",
        count,
        when=when,
    )

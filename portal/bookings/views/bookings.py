"""One booking with its steps, one's own bookings, and those that a host looks after."""

import datetime as dt
import io
from dataclasses import dataclass
from typing import Any

import segno
from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext, pgettext

from portal.bookings.forms.bookings import SCOPES
from portal.bookings.forms.pages import StepForm, span_values
from portal.bookings.policies import Permission
from portal.bookings.queries import bookings as queries
from portal.bookings.queries import listings
from portal.bookings.queries.at_hand import load_at_hand
from portal.bookings.queries.calendar import load_calendar
from portal.bookings.queries.charging import Charge, load_charge, load_rates
from portal.bookings.queries.notices import list_places
from portal.bookings.queries.waiting import get_visible_entry, list_own_entries
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.calendar import Calendar
from portal.bookings.rules.refusal import Refused
from portal.bookings.rules.telling import write_instant, write_length, write_times
from portal.bookings.rules.words import (
    BOOKING_STATUSES,
    BOOKINGS,
    EARLIEST_CHECK_IN_MINUTES,
    OPEN_STATUSES,
    may_check_in,
)
from portal.bookings.services import making, steps, waiting
from portal.bookings.views.blueprint import blueprint
from portal.bookings.views.refusals import Attempted
from portal.bookings.views.subjects import Subject, find_subject, show_page, zone_words
from portal.kernel.authorization import Actor, authorize, can
from portal.kernel.clock import now
from portal.kernel.errors import Conflict
from portal.kernel.web.addresses import external_url, local_target
from portal.kernel.web.answers import flash, see_other
from portal.kernel.web.arguments import confirmed
from portal.kernel.web.formats import format_money
from portal.kernel.web.viewer import current_actor
from portal.kernel.workflow import Transition
from portal.organizations.queries.profiles import get_visible_organization, list_organizations_of

#: How a list shows the state of a booking.
TONES = {
    "requested": "warn",
    "approved": "good",
    "in_use": "info",
    "declined": "bad",
    "no_show": "bad",
}

#: Steps that change no state, as the history names them.
_RESAID = {
    "describe": _l("What it is for was changed"),
    "plan_use": _l("How it is used was changed"),
}


@dataclass(frozen=True)
class Past:
    """Something that happened to a booking: when, what, by whom, and why."""

    at: dt.datetime
    what: Any
    who: str = ""
    why: str = ""


# Lists


@blueprint.get("/bookings")
def list_own() -> ResponseReturnValue:
    """Show the reader's bookings: those to come, or with `over=yes` those that are over.

    With `of=colleagues`, those to come that others booked for the reader's organizations.
    """
    actor = current_actor()
    authorize(actor, Permission.BOOKING_VIEW_OWN)
    is_over = request.args.get("over") == "yes"
    of_colleagues = request.args.get("of") == "colleagues" and not is_over
    found = listings.list_own_bookings(
        actor,
        is_over=is_over,
        of_colleagues=of_colleagues,
        cursor=request.args.get("cursor"),
    )
    entries = [] if is_over or of_colleagues else list_own_entries(actor, limit=50).items
    zones = listings.zones_of(entry.resource for entry in entries)
    shown: dict[str, Any] = {"over": "yes"} if is_over else {}
    if of_colleagues:
        shown = {"of": "colleagues"}
    return show_page(
        "bookings/own.html",
        rows=found.items,
        is_over=is_over,
        of_colleagues=of_colleagues,
        organizations=list_organizations_of(actor),
        entries=[
            (
                entry,
                write_times(Span(entry.starts_at, entry.ends_at), zones[entry.resource_id]),
            )
            for entry in entries
        ],
        choices=[
            {
                "label": _("To come"),
                "url": url_for("bookings.list_own"),
                "is_selected": not shown,
            },
            {
                "label": _("Your colleagues’"),
                "url": url_for("bookings.list_own", of="colleagues"),
                "is_selected": of_colleagues,
            },
            {
                "label": pgettext("bookings", "Over"),
                "url": url_for("bookings.list_own", over="yes"),
                "is_selected": is_over,
            },
        ],
        next_url=(url_for("bookings.list_own", cursor=found.next, **shown) if found.next else None),
        **_words(),
    )


@blueprint.get("/organizations/<int:organization_id>/bookings")
def list_hosted(organization_id: int) -> ResponseReturnValue:
    """Show the people of a host what waits for approval, who comes today, and who is late."""
    actor = current_actor()
    organization = get_visible_organization(actor, organization_id)
    authorize(actor, Permission.BOOKING_VIEW_HOSTED, organization)
    day = listings.list_hosted(organization)
    coming = listings.list_coming(organization, cursor=request.args.get("cursor"))
    return show_page(
        "bookings/hosted.html",
        organization=organization,
        day=day,
        coming=coming.items,
        next_url=(
            url_for("bookings.list_hosted", organization_id=organization_id, cursor=coming.next)
            if coming.next
            else None
        ),
        **_words(),
    )


# One booking


@blueprint.get("/bookings/<int:booking_id>")
def show(booking_id: int) -> ResponseReturnValue:
    """Show a booking to its two sides, with its history and what the reader can do."""
    actor = current_actor()
    booking = queries.get_visible_booking(actor, booking_id)
    calendar = calendar_of(booking)
    zone = calendar.hours.zone
    span = Span(booking.starts_at, booking.ends_at)
    notice = calendar.rules_for(booking.customer_class).cancel_notice_minutes
    is_open = booking.status in OPEN_STATUSES and booking.ends_at > now()
    has_begun = booking.status not in ("requested", "approved")
    is_told = has_begun and can(actor, Permission.CHARGE_VIEW, booking)
    charge = load_charge(booking) if is_told else None
    return show_page(
        "bookings/show.html",
        booking=booking,
        when=write_times(span, zone),
        length=write_length(int(span.minutes)),
        zone=zone_words(zone, booking.starts_at),
        place_zone=zone,
        check_in_from=_check_in_time(actor, booking, zone),
        price=_price_words(booking, charge),
        incidents=charge.incidents if charge else (),
        where=list_places([booking])[booking.resource_id],
        record_url=_record_url(booking),
        times_url=times_url(booking, zone),
        steps=sorted(
            (step for step in BOOKINGS.available(actor, booking) if _is_timely(booking, step)),
            key=lambda step: step.action == "cancel",
        ),
        scopes=SCOPES if booking.series_id is not None else {},
        series_question=_series_question,
        is_open=is_open,
        can_move=is_open and can(actor, Permission.BOOKING_MOVE, booking),
        can_describe=is_open and can(actor, Permission.BOOKING_DESCRIBE, booking),
        can_hand_over=is_open and can(actor, Permission.BOOKING_HAND_OVER, booking),
        can_decide=can(actor, Permission.BOOKING_DECIDE, booking),
        late_notice=(
            write_length(notice)
            if booking.status == "approved"
            and not can(actor, Permission.BOOKING_DECIDE, booking)
            and now() > booking.starts_at - dt.timedelta(minutes=notice)
            else ""
        ),
        past=_history(booking, zone),
        together=listings.list_series(booking),
        **_words(),
    )


def _check_in_time(actor: Actor, booking: Any, zone: str) -> str:
    """Return from when on whoever comes can check in, or "" where that is no question."""
    begins = booking.starts_at - dt.timedelta(minutes=EARLIEST_CHECK_IN_MINUTES)
    if booking.status != "approved" or booking.user_id != actor.user_id or now() >= begins:
        return ""
    return write_instant(begins, zone)


def _price_words(booking: Any, charge: Charge | None) -> tuple[Any, str | None]:
    """Return what a booking costs, or will cost about, with the word for it."""
    if charge is not None and charge.lines:
        return _("Price"), format_money(charge.total_cents)
    if booking.estimate_cents is None:
        return _("Estimate"), None
    if booking.estimate_cents:
        return _("Estimate"), format_money(booking.estimate_cents)
    rates = load_rates(booking.resource, booking.customer_class)
    is_counted = rates.counts(booking.runs or 0, booking.samples or 0)
    return _("Estimate"), _("No charge") if is_counted else _("Depends on how many")


def _series_question(action: str, step: Any) -> Any:
    """Return what is asked before a step that may be taken with others of a series."""
    if action != "cancel":
        return step.confirm
    return _("Cancel what you chose of the series? Those times are then free for others.")


@blueprint.post("/bookings/<int:booking_id>/actions/<action>")
def act(booking_id: int, action: str) -> ResponseReturnValue:
    """Approve, decline, cancel, check in or out, or note that nobody came."""
    actor = current_actor()
    booking = queries.get_visible_booking(actor, booking_id)
    authorize(actor, BOOKINGS.permission(action), booking)
    step = BOOKINGS.transitions[action]
    here = url_for("bookings.show", booking_id=booking_id)
    back = local_target(request.form.get("next"), here)
    form = StepForm.bind()
    if step.confirm and not confirmed():
        return show_page(
            "components/confirm.html",
            title=step.confirm if form.scope.data == "one" else _series_question(action, step),
            action=step.label,
            cancel_url=back,
        )
    attempted: Attempted | None = None
    zone = calendar_of(booking).hours.zone
    span = Span(booking.starts_at, booking.ends_at)
    if form.submitted():
        # What is of the series and can take the step goes along.
        count = sum(
            one.status in step.sources for one in queries.list_siblings(booking, form.scope.data)
        )
        try:
            done = form.attempt(steps.act_on_booking, actor, booking, action, **form.data)
        except Refused as refusal:
            attempted = Attempted(refusal, span, zone, can_override=True)
        else:
            if done is not None:
                words = str(step.done)
                if count > 1:
                    words += " " + ngettext(
                        "The same goes for one more of its series.",
                        "The same goes for %(num)d others of its series.",
                        count - 1,
                    )
                flash(words, link=(here, _("Open the booking")) if back != here else None)
                return see_other(back)
    booking = queries.get_visible_booking(actor, booking_id)
    return show_page(
        "bookings/step.html",
        status=attempted.refusal.status if attempted else None,
        form=form,
        step=step,
        booking=booking,
        when=write_times(span, zone),
        attempted=attempted,
        problems=attempted.refusal.problems if attempted else (),
        may_override=attempted is not None
        and all(problem.overridable for problem in attempted.refusal.problems),
        back=back,
    )


# At the machine


@blueprint.get("/equipment/<int:equipment_id>/check-in")
@blueprint.get("/facilities/<int:facility_id>/check-in")
def show_check_in(
    equipment_id: int | None = None, facility_id: int | None = None
) -> ResponseReturnValue:
    """Show whoever stands before it their booking of now, with one button."""
    actor = current_actor()
    subject = find_subject(equipment_id, facility_id)
    authorize(actor, Permission.BOOKING_VIEW_OWN)
    return show_page(
        "bookings/check_in.html",
        subject=subject,
        at_hand=load_at_hand(actor, subject.record, subject.resource),
        **_words(),
    )


@blueprint.get("/equipment/<int:equipment_id>/check-in.svg")
@blueprint.get("/facilities/<int:facility_id>/check-in.svg")
def show_check_in_code(
    equipment_id: int | None = None, facility_id: int | None = None
) -> ResponseReturnValue:
    """Answer with the QR code that opens the page for checking in."""
    subject = find_subject(equipment_id, facility_id)
    out = io.BytesIO()
    segno.make(
        external_url("bookings.show_check_in", **subject.numbers), error="m", micro=False
    ).save(out, kind="svg", scale=8, border=4, dark="#000", light="#fff", xmldecl=False, nl=False)
    return Response(out.getvalue(), mimetype="image/svg+xml")


# The waiting list


@blueprint.post("/waiting/<int:entry_id>/accept")
def accept_offer(entry_id: int) -> ResponseReturnValue:
    """Book a freed time that is kept for the reader."""
    actor = current_actor()
    entry = get_visible_entry(actor, entry_id)
    resource = queries.get_resource(entry.resource_id)
    name = resource.name
    try:
        (booking,) = making.create_booking(
            actor,
            resource,
            organization=entry.organization,
            span=Span(entry.starts_at, entry.ends_at),
            purpose=entry.purpose,
        )
    except Refused as refusal:
        raise Conflict(refusal.message) from refusal
    flash(
        _("“%(name)s” is booked for you.", name=name)
        if booking.status == "approved"
        else _("You asked for “%(name)s”. Its host decides.", name=name)
    )
    return see_other(url_for("bookings.show", booking_id=booking.id))


@blueprint.post("/waiting/<int:entry_id>/leave")
def leave(entry_id: int) -> ResponseReturnValue:
    """Wait no longer."""
    actor = current_actor()
    entry = get_visible_entry(actor, entry_id)
    name = entry.resource.name
    waiting.leave_waiting_list(actor, entry)
    flash(_("You no longer wait for “%(name)s”.", name=name))
    return see_other(url_for("bookings.list_own"))


def _words() -> dict[str, Any]:
    return {"statuses": BOOKING_STATUSES, "tones": TONES, "is_timely": _is_timely}


def calendar_of(booking: Any) -> Calendar:
    return load_calendar(booking.resource, Span(booking.starts_at, booking.ends_at))


def subject_of(booking: Any) -> Subject:
    resource = booking.resource
    return Subject(resource.equipment or resource.facility or resource, resource, resource.kind)


def _record_url(booking: Any) -> str | None:
    resource = booking.resource
    if resource.equipment_id is not None:
        return url_for("facilities.show_equipment", equipment_id=resource.equipment_id)
    if resource.facility_id is not None:
        return url_for("facilities.show_facility", facility_id=resource.facility_id)
    return None


def times_url(booking: Any, zone: str) -> str | None:
    """Return where the week of a booking is shown; an operator has no page of times."""
    resource = booking.resource
    numbers: dict[str, Any]
    if resource.equipment_id is not None:
        numbers = {"equipment_id": resource.equipment_id}
    elif resource.facility_id is not None:
        numbers = {"facility_id": resource.facility_id}
    else:
        return None
    date = span_values(Span(booking.starts_at, booking.ends_at), zone)["date"]
    return url_for("bookings.show_times", date=date.isoformat(), **numbers)


def _is_timely(booking: Any, step: Transition) -> bool:
    """Tell whether a step that the state allows makes sense at this time."""
    moment = now()
    if step.action == "check_in":
        return may_check_in(booking, moment)
    if step.action == "mark_no_show":
        return booking.starts_at <= moment
    if step.action == "cancel":
        is_host = can(current_actor(), Permission.BOOKING_DECIDE, booking)
        return (booking.ends_at if is_host else booking.starts_at) > moment
    return step.action != "approve" or booking.starts_at > moment


def _history(booking: Any, zone: str) -> list[Past]:
    """Return all that happened to a booking, the first first."""
    found = [
        Past(booking.created_at, _("Made"), booking.booked_by.name if booking.booked_by else "")
    ]
    for step in BOOKINGS.history(booking):
        what = _RESAID.get(step.action, BOOKING_STATUSES[step.target])
        why = step.note
        if step.action in _RESAID and why:
            why = _("It was: “%(text)s”", text=why)
        found.append(Past(step.taken_at, what, step.who, why))
    for move in booking.moves:
        was = write_times(Span(move.was_from, move.was_until), zone)
        who = move.moved_by.name if move.moved_by else ""
        if move.was_resource_id != booking.resource_id and _may_name(move.was_resource, booking):
            was = _("“%(name)s”, %(when)s", name=move.was_resource.name, when=was)
        if move.was_user_id != booking.user_id and move.was_user is not None:
            what = _("Changed; it was %(when)s, for %(name)s", when=was, name=move.was_user.name)
        else:
            what = _("Changed; it was %(when)s", when=was)
        found.append(Past(move.moved_at, what, who, move.reason))
    found += [
        Past(
            override.overridden_at,
            _("A rule was set aside: %(rule)s", rule=override.message),
            override.overridden_by.name if override.overridden_by else "",
            override.reason,
        )
        for override in booking.overrides
    ]
    return sorted(found, key=lambda one: one.at)


def _may_name(was: Any, booking: Any) -> bool:
    """Tell whether the reader may know what was booked before: not where another host had it."""
    actor = current_actor()
    is_own = booking.user_id == actor.user_id or booking.organization_id in actor.memberships
    return is_own or was.organization_id == booking.host_organization_id

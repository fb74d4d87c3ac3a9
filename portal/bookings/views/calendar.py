"""Pages on which hosts say when and how their things can be booked."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms.fields.choices import SelectChoice

from portal.bookings.forms.calendar import (
    CancelHitForm,
    ClosureForm,
    DependencyForm,
    HoursForm,
    OperatorForm,
    QuotaForm,
    RulesPageForm,
    SpecialHoursForm,
    closure_values,
)
from portal.bookings.queries import hosts
from portal.bookings.queries.calendar import load_calendar, load_calendars
from portal.bookings.queries.closures import get_closure, list_hit_bookings
from portal.bookings.queries.resources import is_written
from portal.bookings.rules.attempt import NO_END, Span
from portal.bookings.rules.calendar import Calendar, Layer
from portal.bookings.rules.presets import PRESETS
from portal.bookings.rules.recurrence import read_recurrence
from portal.bookings.rules.telling import write_span
from portal.bookings.rules.wording import (
    RULES,
    SOURCES,
    write_quota,
    write_recurrence,
    write_rule,
    write_week,
)
from portal.bookings.rules.words import BOOKING_STATUSES, CLOSURE_KINDS
from portal.bookings.services import calendar as services
from portal.bookings.views.blueprint import blueprint
from portal.facilities.rules import CUSTOMER_CLASSES
from portal.kernel.clock import now
from portal.kernel.errors import NotFound
from portal.kernel.times import minutes_of, write_hours
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import choice_argument, confirmed, form_text, record_number
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.people import list_people

_RULES = (
    "/<any(equipment, facilities, organizations, operators):place>/<int:record_id>/booking-rules"
)
_RECORDS: Mapping[str, tuple[str, str]] = {
    "equipment": ("facilities.show_equipment", "equipment_id"),
    "facilities": ("facilities.show_facility", "facility_id"),
    "organizations": ("organizations.show", "organization_id"),
}


@blueprint.get(_RULES)
def show_rules(place: str, record_id: int) -> ResponseReturnValue:
    """Show a host what holds for bookings, whose word it is, and what can be changed."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    resource = subject.resource
    customer_class = choice_argument("class", CUSTOMER_CLASSES)
    moment = now()
    calendar = load_calendar(resource, Span(moment, moment + hosts.TOLD_AHEAD))
    rules = calendar.rules_for(customer_class)
    regions = hosts.region_names(rules.eligible_region_ids or ())
    zone = calendar.hours.zone
    own_closures = hosts.list_closures(resource)
    return page(
        "bookings/rules.html",
        **_frame(subject),
        is_bookable=subject.resource.is_open,
        presets=PRESETS,
        classes=_class_links(subject, customer_class),
        customer_class=customer_class,
        rules=[
            (
                label,
                write_rule(name, getattr(rules, name), regions),
                _origin(calendar.origin_of(name, customer_class)),
            )
            for name, label in RULES.items()
        ],
        week=write_week(calendar.hours),
        hours_from=SOURCES[calendar.hours_from],
        zone=zone,
        special=[
            {
                "id": special.id,
                "date": special.date,
                "hours": ", ".join(
                    write_hours(minutes_of(row["opens"]), minutes_of(row["closes"]))
                    for row in special.hours
                )
                or _("Closed"),
                "reason": special.reason,
            }
            for special in hosts.list_special_hours(resource)
        ],
        quotas=[_quota_row(quota, id=quota.id) for quota in hosts.list_quotas(resource)],
        inherited_quotas=[
            _quota_row(quota, source=SOURCES[quota.source])
            for quota in calendar.quota_rules
            if quota.source != "own"
        ],
        closures=[_closure_row(closure, zone) for closure in own_closures],
        closed_by_others=[
            {
                "kind": CLOSURE_KINDS[closed.kind],
                "when": write_span(closed.span, zone),
                "because_of": closed.because_of,
                "reason": closed.reason,
            }
            for closed in calendar.closed
            if closed.because_of
        ],
        needs=hosts.list_needs(resource),
        operators=(
            hosts.list_operators(resource.organization_id) if place == "organizations" else ()
        ),
    )


@blueprint.post(f"{_RULES}/preset")
def apply_preset(place: str, record_id: int) -> ResponseReturnValue:
    """Choose a whole set of rules with one click."""
    subject = _open(place, record_id)
    name = request.form.get("preset", "")
    services.apply_preset(current_actor(), subject.resource, preset=name)
    flash(_("“%(name)s” is set up: %(preset)s.", name=subject.name, preset=PRESETS[name].label))
    return _back(subject)


@blueprint.post(f"{_RULES}/bookable")
def change_bookable(place: str, record_id: int) -> ResponseReturnValue:
    """Let others book it, or stop that."""
    subject = _open(place, record_id)
    is_bookable = request.form.get("bookable") == "yes"
    services.change_bookable(current_actor(), subject.resource, is_bookable=is_bookable)
    flash(
        _("“%(name)s” can be booked now.", name=subject.name)
        if is_bookable
        else _("“%(name)s” cannot be booked any more. What is booked stays.", name=subject.name)
    )
    return _back(subject)


@blueprint.route(f"{_RULES}/edit", methods=["GET", "POST"])
def edit_rules(place: str, record_id: int) -> ResponseReturnValue:
    """Change what is said here, for everybody or for one class of customers."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    customer_class = choice_argument("class", CUSTOMER_CLASSES)
    (calendar,) = load_calendars([subject.resource])
    said = dict(calendar.own_layer(customer_class))
    said["eligible_regions"] = hosts.region_keys(said.pop("eligible_region_ids", ()))
    form = RulesPageForm.bind(**said)
    _offer_inherited(form, calendar.without_own(customer_class), customer_class)
    if customer_class:
        del form.capacity
    if form.submitted():
        saved = form.attempt(
            services.change_rules,
            current_actor(),
            _open(place, record_id).resource,
            customer_class=customer_class,
            **form.said(),
        )
        if saved is not None:
            flash(_("The rules of “%(name)s” were saved.", name=subject.name))
            return _back(subject, customer_class)
    return page(
        "bookings/edit_rules.html",
        **_frame(subject),
        form=form,
        customer_class=CUSTOMER_CLASSES.get(customer_class),
        classes=_class_links(subject, customer_class, "edit_rules"),
    )


@blueprint.route(f"{_RULES}/hours", methods=["GET", "POST"])
def edit_hours(place: str, record_id: int) -> ResponseReturnValue:
    """Change the hours of the week and the time zone."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    (calendar,) = load_calendars([subject.resource])
    is_own = calendar.hours_from == "own"
    begins_with_these = request.args.get("begin") == "these"
    form = HoursForm.bind(
        hours=[
            {"weekday": str(day), "opens": opens, "closes": closes}
            for day, spans in (calendar.hours.week or {}).items()
            for opens, closes in spans
        ]
        if is_own or begins_with_these
        else [],
        time_zone=subject.resource.time_zone,
    )
    form.time_zone.choices = [
        SelectChoice("", _("Where it is: %(zone)s", zone=calendar.hours.zone)),
        *(choice for choice in form.time_zone.choices if choice.value),
    ]
    if form.submitted():
        resource = _open(place, record_id).resource
        if form.attempt(services.change_hours, current_actor(), resource, **form.data) is not None:
            flash(_("The hours of “%(name)s” were saved.", name=subject.name))
            return _back(subject)
    return page(
        "bookings/edit_hours.html",
        **_frame(subject),
        form=form,
        inherited=None if is_own or begins_with_these else write_week(calendar.hours),
        can_begin=bool(calendar.hours.week),
        hours_from=SOURCES[calendar.hours_from],
    )


@blueprint.route(f"{_RULES}/dates", methods=["GET", "POST"])
@blueprint.route(f"{_RULES}/dates/<int:special_id>", methods=["GET", "POST"])
def edit_special_hours(
    place: str, record_id: int, special_id: int | None = None
) -> ResponseReturnValue:
    """Give one date hours of its own, or change them."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    special = hosts.get_special_hours(subject.resource, special_id) if special_id else None
    form = SpecialHoursForm.bind(special)
    if form.submitted():
        resource = _open(place, record_id).resource
        saved = form.attempt(
            services.set_special_hours,
            current_actor(),
            resource,
            special_id=special_id,
            **form.data,
        )
        if saved is not None:
            flash(_("The date was saved."))
            return _back(subject)
    return page(
        "bookings/part_form.html",
        **_frame(subject),
        form=form,
        title=_("A date with hours of its own"),
    )


@blueprint.post(f"{_RULES}/dates/<int:special_id>/remove")
def remove_special_hours(place: str, record_id: int, special_id: int) -> ResponseReturnValue:
    """Let a date have its weekday's hours again."""
    subject = _find(place, record_id)
    services.remove_special_hours(current_actor(), subject.resource, special_id=special_id)
    flash(_("The date has its weekday’s hours again."))
    return _back(subject)


#: What a limit of a place is about.
_POOLED: Mapping[str, Any] = {
    "facilities": _l(
        "It counts over all equipment in it together."
        " What has such a limit of its own goes by that."
    ),
    "organizations": _l(
        "It counts over all machines together, and likewise over all facilities and all operators."
        " What has such a limit of its own goes by that."
    ),
}


@blueprint.route(f"{_RULES}/limits", methods=["GET", "POST"])
@blueprint.route(f"{_RULES}/limits/<int:quota_id>", methods=["GET", "POST"])
def edit_quota(place: str, record_id: int, quota_id: int | None = None) -> ResponseReturnValue:
    """Limit what is booked in a period, or change a limit."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    quota = hosts.get_quota(subject.resource, quota_id) if quota_id else None
    form = QuotaForm.bind(quota)
    form.shared_by.description = _POOLED.get(place, "")
    form.customer_class.choices = [
        SelectChoice("", _("Everybody")),
        *(choice for choice in form.customer_class.choices if choice.value),
    ]
    if form.submitted():
        resource = _open(place, record_id).resource
        saved = form.attempt(
            services.set_quota, current_actor(), resource, quota_id=quota_id, **form.data
        )
        if saved is not None:
            flash(_("The limit was saved."))
            return _back(subject)
    return page("bookings/part_form.html", **_frame(subject), form=form, title=_("A limit"))


@blueprint.post(f"{_RULES}/limits/<int:quota_id>/remove")
def remove_quota(place: str, record_id: int, quota_id: int) -> ResponseReturnValue:
    """Let go of a limit."""
    subject = _find(place, record_id)
    services.remove_quota(current_actor(), subject.resource, quota_id=quota_id)
    flash(_("The limit was removed."))
    return _back(subject)


# Closures and outages


@blueprint.route(f"{_RULES}/closures", methods=["GET", "POST"])
def add_closure(place: str, record_id: int) -> ResponseReturnValue:
    """Close something for a time, keep it free for some, or report that it is out of order."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    kind = choice_argument("kind", CLOSURE_KINDS) or "closure"
    form = ClosureForm.bind(kind=kind)
    zone = _zone(subject)
    if form.submitted():
        closure = form.attempt(_save_closure, subject, form, zone)
        if closure is not None:
            return _after_closing(subject, closure)
    return page(
        "bookings/closure_form.html",
        **_frame(subject),
        form=form,
        zone=zone,
        title=_("A closure or outage"),
    )


@blueprint.post(f"{_RULES}/out-of-order")
def report_outage(place: str, record_id: int) -> ResponseReturnValue:
    """Say with one click that something is out of order from now on."""
    subject = _open(place, record_id)
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


@blueprint.route(f"{_RULES}/closures/<int:closure_id>", methods=["GET", "POST"])
def edit_closure(place: str, record_id: int, closure_id: int) -> ResponseReturnValue:
    """Change a closure."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    closure = get_closure(subject.resource, closure_id)
    zone = _zone(subject)
    form = ClosureForm.bind(**closure_values(closure, zone))
    if form.submitted():
        saved = form.attempt(_save_closure, subject, form, zone, closure_id=closure_id)
        if saved is not None:
            return _after_closing(subject, saved)
    return page(
        "bookings/closure_form.html",
        **_frame(subject),
        form=form,
        zone=zone,
        title=_("Change a closure or outage"),
    )


@blueprint.post(f"{_RULES}/closures/<int:closure_id>/end")
def end_outage(place: str, record_id: int, closure_id: int) -> ResponseReturnValue:
    """Say that something works again."""
    subject = _find(place, record_id)
    services.end_outage(current_actor(), subject.resource, closure_id=closure_id)
    flash(_("“%(name)s” works again.", name=subject.name))
    return _back(subject)


@blueprint.post(f"{_RULES}/closures/<int:closure_id>/delete")
def remove_closure(place: str, record_id: int, closure_id: int) -> ResponseReturnValue:
    """Delete a closure."""
    subject = _find(place, record_id)
    closure = get_closure(subject.resource, closure_id)
    if not confirmed():
        return page(
            "components/confirm.html",
            title=_("Delete this closure?"),
            text=write_span(Span(closure.starts_at, closure.ends_at or NO_END), _zone(subject)),
            action=_("Delete"),
            cancel_url=_url(subject),
        )
    services.remove_closure(current_actor(), subject.resource, closure_id=closure_id)
    flash(_("The closure was deleted."))
    return _back(subject)


@blueprint.route(f"{_RULES}/closures/<int:closure_id>/bookings", methods=["GET", "POST"])
def show_hit_bookings(place: str, record_id: int, closure_id: int) -> ResponseReturnValue:
    """Show the bookings that a closure hits, and cancel those that are chosen."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    closure = get_closure(subject.resource, closure_id)
    zone = _zone(subject)
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
            return see_other(_url(subject, "show_hit_bookings", closure_id=closure_id))
    hits = list_hit_bookings(subject.resource, closure)
    return page(
        "bookings/hit_bookings.html",
        **_frame(subject),
        form=form,
        closure=_closure_row(closure, zone),
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


# Dependencies and operators


@blueprint.route(f"{_RULES}/dependencies", methods=["GET", "POST"])
def add_dependency(place: str, record_id: int) -> ResponseReturnValue:
    """Say without what something does not work."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    form = DependencyForm.bind()
    form.needs.choices = [
        SelectChoice(value, label) for value, label in hosts.need_choices(subject.resource)
    ]
    if form.submitted():
        needed_place, _colon, number = form.needs.data.partition(":")
        needed = _open(needed_place, int(number))
        saved = form.attempt(
            services.add_dependency,
            current_actor(),
            _open(place, record_id).resource,
            needs_id=needed.resource.id,
        )
        if saved is not None:
            flash(
                _(
                    "“%(name)s” is closed whenever “%(needed)s” is.",
                    name=subject.name,
                    needed=needed.name,
                )
            )
            return _back(subject)
    return page(
        "bookings/part_form.html",
        **_frame(subject),
        form=form,
        title=_("What it does not work without"),
    )


@blueprint.post(f"{_RULES}/dependencies/<int:needs_id>/remove")
def remove_dependency(place: str, record_id: int, needs_id: int) -> ResponseReturnValue:
    """Say that something works without another thing after all."""
    subject = _find(place, record_id)
    services.remove_dependency(current_actor(), subject.resource, needs_id=needs_id)
    flash(_("The dependency was removed."))
    return _back(subject)


@blueprint.route("/organizations/<int:record_id>/operators", methods=["GET", "POST"])
def add_operator(record_id: int) -> ResponseReturnValue:
    """Let the time of a person of the organization be booked along."""
    subject = hosts.get_subject(current_actor(), "organizations", record_id)
    form = OperatorForm.bind()
    form.user_id.choices = [
        (membership.user_id, membership.user.name) for membership in list_people(record_id)
    ]
    if form.submitted():
        operator = form.attempt(
            services.add_operator,
            current_actor(),
            _open("organizations", record_id).resource,
            user_id=form.user_id.data,
        )
        if operator is not None:
            flash(
                _("The time of %(name)s can be booked along.", name=operator.name),
                link=(
                    url_for("bookings.show_rules", place="operators", record_id=operator.id),
                    _("Hours and closures"),
                ),
            )
            return _back(subject)
    return page(
        "bookings/part_form.html",
        **_frame(subject),
        form=form,
        title=_("A person whose time is booked along"),
    )


# What they share


def _open(place: str, record_id: int) -> hosts.Subject:
    """Return what is changed, with its resource written."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    if is_written(subject.resource):
        return subject
    return replace(subject, resource=services.open_resource(current_actor(), subject.record))


def _find(place: str, record_id: int) -> hosts.Subject:
    """Return that of which a part is changed. Raises NotFound where it can have none."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    if not is_written(subject.resource):
        raise NotFound(_("This is no longer here."))
    return subject


def _url(subject: hosts.Subject, view: str = "show_rules", **values: Any) -> str:
    return url_for(f"bookings.{view}", place=subject.place, record_id=subject.id, **values)


def _back(subject: hosts.Subject, customer_class: str = "") -> ResponseReturnValue:
    chosen = {"class": customer_class} if customer_class else {}
    return see_other(_url(subject, **chosen))


def _frame(subject: hosts.Subject) -> dict[str, Any]:
    """Return what every page here needs: what it is about, and how to get around it."""
    if subject.place in _RECORDS:
        endpoint, argument = _RECORDS[subject.place]
        numbers: dict[str, Any] = {argument: subject.id}
        record_url = url_for(endpoint, **numbers)
    else:
        record_url = url_for(
            "bookings.show_rules",
            place="organizations",
            record_id=subject.resource.organization_id,
        )
    return {
        "subject": subject,
        "record_url": record_url,
        "url": lambda view, **values: _url(subject, view, **values),
    }


def _class_links(
    subject: hosts.Subject, chosen: str, view: str = "show_rules"
) -> list[dict[str, Any]]:
    classes: dict[str, Any] = {"": _("Everybody"), **CUSTOMER_CLASSES}
    return [
        {
            "label": label,
            "url": _url(subject, view, **({"class": value} if value else {})),
            "is_selected": value == chosen,
        }
        for value, label in classes.items()
    ]


def _origin(layer: Layer | None) -> str:
    """Return whose word holds, in words."""
    if layer is None:
        return str(SOURCES[""])
    if layer.customer_class:
        return _(
            "%(source)s, for %(customers)s",
            source=SOURCES[layer.source],
            customers=CUSTOMER_CLASSES[layer.customer_class],
        )
    return str(SOURCES[layer.source])


def _offer_inherited(form: RulesPageForm, calendar: Calendar, customer_class: str) -> None:
    """Say at each field what holds if it is left empty, and whose word that is."""
    rules = calendar.rules_for(customer_class)
    regions = hosts.region_names(rules.eligible_region_ids or ())
    form.eligible_regions.choices = [
        SelectChoice(key, name) for key, name in hosts.region_choices()
    ]
    for name in RULES:
        words = _(
            "Left empty: %(value)s (%(source)s).",
            value=write_rule(name, getattr(rules, name), regions),
            source=_origin(calendar.origin_of(name, customer_class)),
        )
        field = form["is_regional" if name == "eligible_region_ids" else name]
        field.description = words
    form.approval.choices = [
        SelectChoice("", _("As inherited")),
        *(choice for choice in form.approval.choices if choice.value),
    ]


def _zone(subject: hosts.Subject) -> str:
    (calendar,) = load_calendars([subject.resource])
    return calendar.hours.zone


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
    resource = _open(subject.place, subject.id).resource
    if closure_id is None:
        return services.add_closure(current_actor(), resource, **values)
    return services.change_closure(current_actor(), resource, closure_id=closure_id, **values)


def _after_closing(subject: hosts.Subject, closure: Any) -> ResponseReturnValue:
    """Lead on to the bookings that a closure hits, or back where it hits none."""
    hits = list_hit_bookings(_open(subject.place, subject.id).resource, closure)
    if not hits:
        flash(_("The calendar of “%(name)s” was changed.", name=subject.name))
        return _back(subject)
    flash(
        ngettext(
            "The calendar was changed. It hits %(num)d booking, which stays until you cancel it.",
            "The calendar was changed. It hits %(num)d bookings, which stay until you cancel them.",
            len(hits),
        )
    )
    return see_other(_url(subject, "show_hit_bookings", closure_id=closure.id))


def _quota_row(quota: Any, **more: Any) -> dict[str, Any]:
    return {
        "words": write_quota(
            quota.shared_by, quota.period, quota.most_minutes, quota.most_bookings
        ),
        "class": CUSTOMER_CLASSES.get(quota.customer_class, ""),
        **more,
    }


def _closure_row(closure: Any, zone: str) -> dict[str, Any]:
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

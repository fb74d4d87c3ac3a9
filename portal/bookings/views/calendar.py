"""Pages on which hosts say when and how their things can be booked."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.fields.choices import SelectChoice

from portal.bookings.forms.calendar import (
    DependencyForm,
    HoursForm,
    OperatorForm,
    QuotaForm,
    RulesPageForm,
    SpecialHoursForm,
)
from portal.bookings.queries import hosts
from portal.bookings.queries.calendar import load_calendar, load_calendars
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.calendar import Calendar, Layer
from portal.bookings.rules.presets import PRESETS
from portal.bookings.rules.telling import write_span
from portal.bookings.rules.wording import RULES as RULE_WORDS
from portal.bookings.rules.wording import (
    SOURCES,
    write_quota,
    write_rule,
    write_week,
)
from portal.bookings.rules.words import CLOSURE_KINDS
from portal.bookings.services import calendar as services
from portal.bookings.views.blueprint import blueprint
from portal.bookings.views.closures import closure_row
from portal.bookings.views.hosting import (
    RULES,
    address_of,
    back_to_rules,
    frame,
    open_subject,
    written_subject,
)
from portal.facilities.rules import CUSTOMER_CLASSES
from portal.kernel.clock import now
from portal.kernel.times import minutes_of, write_hours
from portal.kernel.web.answers import flash, page
from portal.kernel.web.arguments import choice_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.people import list_people


@blueprint.get(RULES)
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
        **frame(subject),
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
            for name, label in RULE_WORDS.items()
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
        closures=[closure_row(closure, zone) for closure in own_closures],
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


@blueprint.post(f"{RULES}/preset")
def apply_preset(place: str, record_id: int) -> ResponseReturnValue:
    """Choose a whole set of rules with one click."""
    subject = open_subject(place, record_id)
    name = request.form.get("preset", "")
    services.apply_preset(current_actor(), subject.resource, preset=name)
    flash(_("“%(name)s” is set up: %(preset)s.", name=subject.name, preset=PRESETS[name].label))
    return back_to_rules(subject)


@blueprint.post(f"{RULES}/bookable")
def change_bookable(place: str, record_id: int) -> ResponseReturnValue:
    """Let others book it, or stop that."""
    subject = open_subject(place, record_id)
    is_bookable = request.form.get("bookable") == "yes"
    services.change_bookable(current_actor(), subject.resource, is_bookable=is_bookable)
    flash(
        _("“%(name)s” can be booked now.", name=subject.name)
        if is_bookable
        else _("“%(name)s” cannot be booked any more. What is booked stays.", name=subject.name)
    )
    return back_to_rules(subject)


@blueprint.route(f"{RULES}/edit", methods=["GET", "POST"])
def edit_rules(place: str, record_id: int) -> ResponseReturnValue:
    """Change what is said here, for everybody or for one class of customers."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    customer_class = choice_argument("class", CUSTOMER_CLASSES)
    (calendar,) = load_calendars([subject.resource])
    said = dict(calendar.own_layer(customer_class))
    said["eligible_regions"] = hosts.region_keys(said.pop("eligible_region_ids", ()))
    form = RulesPageForm.bind(SimpleNamespace(**said))
    _offer_inherited(form, calendar.without_own(customer_class), customer_class)
    if customer_class:
        del form.capacity
    if form.submitted():
        saved = form.attempt(
            services.change_rules,
            current_actor(),
            open_subject(place, record_id).resource,
            customer_class=customer_class,
            **form.said(),
        )
        if saved is not None:
            flash(_("The rules of “%(name)s” were saved.", name=subject.name))
            return back_to_rules(subject, customer_class)
    return page(
        "bookings/edit_rules.html",
        **frame(subject),
        form=form,
        customer_class=CUSTOMER_CLASSES.get(customer_class),
        classes=_class_links(subject, customer_class, "edit_rules"),
    )


@blueprint.route(f"{RULES}/hours", methods=["GET", "POST"])
def edit_hours(place: str, record_id: int) -> ResponseReturnValue:
    """Change the hours of the week and the time zone."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    (calendar,) = load_calendars([subject.resource])
    is_own = calendar.hours_from == "own"
    begins_with_these = request.args.get("begin") == "these"
    said = SimpleNamespace(
        hours=[
            {"weekday": str(day), "opens": opens, "closes": closes}
            for day, spans in (calendar.hours.week or {}).items()
            for opens, closes in spans
        ]
        if is_own or begins_with_these
        else [],
        time_zone=subject.resource.time_zone,
    )
    form = HoursForm.bind(said)
    form.time_zone.choices = [
        SelectChoice("", _("Where it is: %(zone)s", zone=calendar.hours.zone)),
        *(choice for choice in form.time_zone.choices if choice.value),
    ]
    if form.submitted():
        resource = open_subject(place, record_id).resource
        if form.attempt(services.change_hours, current_actor(), resource, **form.data) is not None:
            flash(_("The hours of “%(name)s” were saved.", name=subject.name))
            return back_to_rules(subject)
    return page(
        "bookings/edit_hours.html",
        **frame(subject),
        form=form,
        inherited=None if is_own or begins_with_these else write_week(calendar.hours),
        can_begin=bool(calendar.hours.week),
        hours_from=SOURCES[calendar.hours_from],
    )


@blueprint.route(f"{RULES}/dates", methods=["GET", "POST"])
@blueprint.route(f"{RULES}/dates/<int:special_id>", methods=["GET", "POST"])
def edit_special_hours(
    place: str, record_id: int, special_id: int | None = None
) -> ResponseReturnValue:
    """Give one date hours of its own, or change them."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    special = hosts.get_special_hours(subject.resource, special_id) if special_id else None
    form = SpecialHoursForm.bind(special)
    if form.submitted():
        resource = open_subject(place, record_id).resource
        saved = form.attempt(
            services.set_special_hours,
            current_actor(),
            resource,
            special_id=special_id,
            **form.data,
        )
        if saved is not None:
            flash(_("The date was saved."))
            return back_to_rules(subject)
    return page(
        "bookings/part_form.html",
        **frame(subject),
        form=form,
        title=_("A date with hours of its own"),
    )


@blueprint.post(f"{RULES}/dates/<int:special_id>/remove")
def remove_special_hours(place: str, record_id: int, special_id: int) -> ResponseReturnValue:
    """Let a date have its weekday's hours again."""
    subject = written_subject(place, record_id)
    services.remove_special_hours(current_actor(), subject.resource, special_id=special_id)
    flash(_("The date has its weekday’s hours again."))
    return back_to_rules(subject)


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


@blueprint.route(f"{RULES}/limits", methods=["GET", "POST"])
@blueprint.route(f"{RULES}/limits/<int:quota_id>", methods=["GET", "POST"])
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
        resource = open_subject(place, record_id).resource
        saved = form.attempt(
            services.set_quota, current_actor(), resource, quota_id=quota_id, **form.data
        )
        if saved is not None:
            flash(_("The limit was saved."))
            return back_to_rules(subject)
    return page("bookings/part_form.html", **frame(subject), form=form, title=_("A limit"))


@blueprint.post(f"{RULES}/limits/<int:quota_id>/remove")
def remove_quota(place: str, record_id: int, quota_id: int) -> ResponseReturnValue:
    """Let go of a limit."""
    subject = written_subject(place, record_id)
    services.remove_quota(current_actor(), subject.resource, quota_id=quota_id)
    flash(_("The limit was removed."))
    return back_to_rules(subject)


# Dependencies and operators


@blueprint.route(f"{RULES}/dependencies", methods=["GET", "POST"])
def add_dependency(place: str, record_id: int) -> ResponseReturnValue:
    """Say without what something does not work."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    form = DependencyForm.bind()
    form.needs.choices = [
        SelectChoice(value, label) for value, label in hosts.need_choices(subject.resource)
    ]
    if form.submitted():
        needed_place, _colon, number = form.needs.data.partition(":")
        needed = open_subject(needed_place, int(number))
        saved = form.attempt(
            services.add_dependency,
            current_actor(),
            open_subject(place, record_id).resource,
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
            return back_to_rules(subject)
    return page(
        "bookings/part_form.html",
        **frame(subject),
        form=form,
        title=_("What it does not work without"),
    )


@blueprint.post(f"{RULES}/dependencies/<int:needs_id>/remove")
def remove_dependency(place: str, record_id: int, needs_id: int) -> ResponseReturnValue:
    """Say that something works without another thing after all."""
    subject = written_subject(place, record_id)
    services.remove_dependency(current_actor(), subject.resource, needs_id=needs_id)
    flash(_("The dependency was removed."))
    return back_to_rules(subject)


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
            open_subject("organizations", record_id).resource,
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
            return back_to_rules(subject)
    return page(
        "bookings/part_form.html",
        **frame(subject),
        form=form,
        title=_("A person whose time is booked along"),
    )


# What they share


def _class_links(
    subject: hosts.Subject, chosen: str, view: str = "show_rules"
) -> list[dict[str, Any]]:
    classes: dict[str, Any] = {"": _("Everybody"), **CUSTOMER_CLASSES}
    return [
        {
            "label": label,
            "url": address_of(subject, view, **({"class": value} if value else {})),
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
    for name in RULE_WORDS:
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


def _quota_row(quota: Any, **more: Any) -> dict[str, Any]:
    return {
        "words": write_quota(
            quota.shared_by, quota.period, quota.most_minutes, quota.most_bookings
        ),
        "class": CUSTOMER_CLASSES.get(quota.customer_class, ""),
        **more,
    }

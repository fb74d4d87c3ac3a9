"""What a page says of an attempt that breaks rules: all that stands against it, and ways on."""

from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from portal.bookings.forms.pages import (
    BookingPageForm,
    SpanForm,
    span_values,
    tell_instead,
    write_instead,
)
from portal.bookings.queries.bookings import get_resource
from portal.bookings.queries.needs import ways_finder
from portal.bookings.rules import attempt as rules
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.refusal import Refused
from portal.bookings.rules.telling import write_times
from portal.bookings.rules.words import ACCESS_KINDS, PERSONAL_GATES
from portal.bookings.views.subjects import Subject
from portal.kernel.fields import RecordField
from portal.kernel.manifest import WayToQualify
from portal.kernel.web.addresses import external_url
from portal.kernel.web.viewer import current_actor

#: What goes away when others cancel, so that one can wait for it.
_TAKEN_BY_OTHERS = {"conflict", "buffer"}


@dataclass(frozen=True)
class Attempted:
    """An attempt that was refused.

    can_override: the reader decides about the resource. held: the time of a booking that is moved,
    which is no way on.
    """

    refusal: Refused
    span: Span
    zone: str
    can_override: bool
    held: Span | None = None


@dataclass(frozen=True)
class Problem:
    """One thing that stands against it, with where it can be put right, if anywhere.

    url: where one asks the host for what is missing. asker: who has to do so, if that is not the
    reader. ways: where one learns it.
    """

    message: str
    url: str | None
    link: Any
    ways: list[WayToQualify]
    asker: str = ""


@dataclass(frozen=True)
class Way:
    """What would work. values: what a form sends for it; none, if it is not one click away.

    url: where it is sent, if it is something else.
    """

    words: str
    values: dict[str, Any]
    url: str = ""


@dataclass(frozen=True)
class Refusal:
    """What a page shows: problems, times that would work, and whether more can be done.

    instead: times for single ones of what repeats, with which all of it is tried again.
    may_override: all that stands against it may be set aside by its reader; may_wait: it is
    only taken. values: what a form sends to wait for the time. elsewhere_url: what else can do
    the same at that time; elsewhere: a few machines nearby that can be booked, with what was said.
    """

    problems: list[Problem]
    ways: list[Way]
    instead: list[Way]
    may_override: bool
    may_wait: bool
    values: dict[str, Any]
    elsewhere_url: str | None
    elsewhere: list[Way]


def show_refusal(attempted: Attempted, subject: Subject, form: SpanForm) -> Refusal:
    """Return what a page shows of a refused attempt to book or to move."""
    problems = attempted.refusal.problems
    codes = {problem.code for problem in problems}
    kept = _kept(form)
    values = {**kept, **sent_values(span_values(attempted.span, attempted.zone))}
    return Refusal(
        problems=show_problems(attempted.refusal, subject, *_for_whom(form)),
        ways=[
            Way(
                _("%(when)s is free", when=write_times(one.span, attempted.zone)),
                {**kept, **sent_values(span_values(one.span, attempted.zone))},
            )
            for one in attempted.refusal.suggestions
            if one.instead_of is None and one.span != attempted.held
        ]
        + _without_these(attempted, form, values),
        instead=[
            _instead(one.instead_of, one.span, attempted.zone, form, values)
            for one in attempted.refusal.suggestions
            if one.instead_of is not None
        ],
        may_override=attempted.can_override and all(one.overridable for one in problems),
        may_wait="conflict" in codes and codes <= _TAKEN_BY_OTHERS,
        values=values,
        # Who moves a booking wants this machine.
        elsewhere_url=(
            _elsewhere_url(subject, attempted, form) if isinstance(form, BookingPageForm) else None
        ),
        elsewhere=[
            Way(
                _("%(name)s at %(organization)s", name=one.name, organization=one.organization),
                # It is shown before it is booked: another host has other prices and rules.
                {
                    **{name: value for name, value in kept.items() if name != "also"},
                    **sent_values(span_values(one.span, one.zone)),
                    "action": "estimate",
                },
                url_for("bookings.book", equipment_id=one.equipment_id),
            )
            for one in attempted.refusal.find_elsewhere()
        ],
    )


def _instead(was: Span, other: Span, zone: str, form: SpanForm, values: dict[str, Any]) -> Way:
    """Return the way to try all of what repeats again with one of it at another time."""
    if not isinstance(form, BookingPageForm):
        # Who moves several moves that one by itself, from its own page.
        return Way(tell_instead(was, other, zone), {})
    chosen = form.read_instead()
    # What was at another time already goes to the next one.
    first = next((one for one, its in chosen.items() if its == was), was)
    chosen[first] = other
    said = [write_instead(one, its) for one, its in chosen.items()]
    return Way(tell_instead(was, other, zone), {**values, "instead": said})


def _without_these(attempted: Attempted, form: SpanForm, values: dict[str, Any]) -> list[Way]:
    """Return the way to book of what repeats all that can be booked, if that was not tried."""
    if not isinstance(form, BookingPageForm) or form.on_conflict.data == "skip":
        return []
    if not attempted.refusal.leaves_some:
        return []
    return [Way(_("Leave these out and book the others"), {**values, "on_conflict": "skip"})]


def _elsewhere_url(subject: Subject, attempted: Attempted, form: BookingPageForm) -> str | None:
    """Return where the same capability is looked for at the time of the attempt.

    What fits any machine comes along: for whom and what for.
    """
    times = span_values(attempted.span, attempted.zone)
    capabilities = subject.record.capabilities
    if subject.kind != "equipment" or not capabilities or times["ends_on"] is not None:
        return None
    named: dict[str, Any] = {name: times[name] for name in ("starts", "ends")}
    if form.organization_id.data is not None and len(form.organization_id.choices) > 1:
        named["organization_id"] = form.organization_id.data
    if form.for_user.data != current_actor().user_id:
        named["for_user"] = form.for_user.data
    return url_for(
        "bookings.list_free_at",
        date=times["date"].isoformat(),
        capability=capabilities[0].name,
        purpose=form.purpose.data or None,
        **named,
    )


def show_problems(
    refusal: Refused, subject: Subject, organization_id: int | None, person: tuple[int, str] | None
) -> list[Problem]:
    """Return what a page shows of all that stands against an attempt.

    person: who would be there, by number and name, if it is somebody else than the reader.
    """
    refusal.find_ways = ways_finder(current_actor(), subject.resource)
    return [
        Problem(
            problem.message,
            url=_gate_url(problem, subject, organization_id, is_for_other=person is not None),
            link=ACCESS_KINDS.get(problem.hint),
            ways=refusal.ways_past(problem),
            asker=person[1] if person is not None and problem.hint in PERSONAL_GATES else "",
        )
        for problem in refusal.problems
    ]


def _for_whom(form: SpanForm) -> tuple[int | None, tuple[int, str] | None]:
    """Return the organization that a form books for, and who comes if it is not the reader."""
    if not isinstance(form, BookingPageForm):
        return None, None
    return form.organization_id.data, other_person(form.for_user)


def other_person(field: RecordField) -> tuple[int, str] | None:
    """Return the number and name of whom a field names, if it is not the reader."""
    if field.data is None or field.data == current_actor().user_id:
        return None
    return field.data, str(dict(field.choices).get(field.data, ""))


def _gate_url(
    problem: rules.Problem, subject: Subject, organization_id: int | None, *, is_for_other: bool
) -> str | None:
    """Return where one asks the host of what a problem is about to open a gate, if it is one.

    An operator has no page to ask from. What somebody else has to ask for is a whole address, to be
    handed on.
    """
    if not problem.hint:
        return None
    of_another = problem.resource_id not in (None, subject.resource.id)
    resource = get_resource(problem.resource_id or 0) if of_another else subject.resource
    named: dict[str, Any] = {
        "equipment": resource.equipment_id,
        "facility": resource.facility_id,
        "kind": problem.hint,
        "organization": organization_id,
    }
    if resource.equipment_id is None and resource.facility_id is None:
        return None
    is_handed_on = is_for_other and problem.hint in PERSONAL_GATES
    return (external_url if is_handed_on else url_for)("bookings.ask_for_access", **named)


def _kept(form: SpanForm) -> dict[str, Any]:
    """Return what a form says besides the time, as it is sent again."""
    times = SpanForm()._fields
    return sent_values(
        {
            name: field.data
            for name, field in form._fields.items()
            if name not in times and name != "override_reason"
        }
    )


def sent_values(values: dict[str, Any]) -> dict[str, Any]:
    """Return values as a browser sends them; what is empty or off is not sent."""
    return {
        name: "y" if value is True else value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in values.items()
        if value not in (None, "", False, [])
    }

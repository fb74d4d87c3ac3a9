"""The week of a piece of equipment or a facility: what is free, taken and closed when."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.bookings.forms.pages import span_values
from portal.bookings.policies import Permission
from portal.bookings.queries.needs import find_missing
from portal.bookings.queries.notices import calendar_host
from portal.bookings.queries.timetables import Week, list_busy, load_week
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.invitations import write_busy
from portal.bookings.rules.telling import write_clock
from portal.bookings.rules.timetable import Block, usual_end
from portal.bookings.rules.words import BOOKING_STATUSES
from portal.bookings.views.blueprint import blueprint
from portal.bookings.views.refusals import sent_values
from portal.bookings.views.subjects import (
    Subject,
    choose_booker,
    find_subject,
    list_bookers,
    show_page,
    span_arguments,
    zone_words,
)
from portal.kernel.authorization import can
from portal.kernel.clock import now
from portal.kernel.errors import NotFound
from portal.kernel.kept import keep_answer
from portal.kernel.web.viewer import current_actor

_TONES = {
    "free": "good",
    "requested": "info",
    "outage": "bad",
    "closure": "warn",
    "blocking": "warn",
}
#: How far ahead the calendar for everybody tells.
BUSY_AHEAD = dt.timedelta(days=90)
_FIRST_YEAR, _LAST_YEAR = 2000, 2100


@blueprint.get("/equipment/<int:equipment_id>/times")
@blueprint.get("/facilities/<int:facility_id>/times")
def show_times(
    equipment_id: int | None = None, facility_id: int | None = None
) -> ResponseReturnValue:
    """Show a week of a piece of equipment or a facility, and on a phone a day of it."""
    actor = current_actor()
    subject = find_subject(equipment_id, facility_id)
    bookers = list_bookers(actor, subject)
    booker = choose_booker(bookers)
    keep_answer()
    week = load_week(actor, subject.resource, _read_date(), organization=booker)
    is_inside = subject.resource.organization_id in actor.memberships or actor.is_administrator

    def times_url(**values: Any) -> str:
        if booker is not None and len(bookers) > 1:
            values.setdefault("organization_id", booker.id)
        return subject.url("show_times", **values)

    return show_page(
        "bookings/times.html",
        subject=subject,
        week=week,
        zone=zone_words(
            week.found.time_zone,
            week.days[0].blocks[0].span.starts_at,
            week.days[6].blocks[-1].span.starts_at,
        ),
        clock=lambda moment: _clock(week, moment),
        clock_until=lambda moment: _clock(week, moment, is_end=True),
        toned=_TONES,
        book_url=lambda block: _book_url(subject, week, block, booker),
        wait_values=lambda block: _wait_values(week, block, booker),
        date_url=lambda date: times_url(date=date.isoformat()),
        earlier=times_url(date=(week.date - dt.timedelta(days=7)).isoformat()),
        later=times_url(date=(week.date + dt.timedelta(days=7)).isoformat()),
        today_url=times_url(),
        next_url=_next_url(subject, week, booker),
        booker=booker,
        missing=find_missing(actor, subject.record, subject.resource, booker) if booker else None,
        booker_links=[
            {
                "label": one.name,
                "url": times_url(date=week.date.isoformat(), organization_id=one.id),
                "is_selected": one is booker,
            }
            for one in bookers
        ],
        is_shown=subject.is_open or is_inside,
        is_inside=is_inside,
        busy_url=subject.url("show_busy_feed") if has_busy_calendar(subject) else None,
        can_edit=can(actor, Permission.CALENDAR_EDIT, subject.resource),
        statuses=BOOKING_STATUSES,
    )


@blueprint.get("/equipment/<int:equipment_id>/busy.ics")
@blueprint.get("/facilities/<int:facility_id>/busy.ics")
def show_busy_feed(
    equipment_id: int | None = None, facility_id: int | None = None
) -> ResponseReturnValue:
    """Give calendar programs when something public that can be booked is busy, and no more."""
    subject = find_subject(equipment_id, facility_id)
    if not has_busy_calendar(subject):
        raise NotFound()
    keep_answer()
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    return Response(
        write_busy(
            _("%(name)s: when it is busy", name=subject.record.name),
            list_busy(subject.resource, Span(today, today + BUSY_AHEAD)),
            said=_("Busy"),
            key=f"{subject.kind}-{subject.record.id}",
            host=calendar_host(),
            at=today,
        ),
        mimetype="text/calendar",
    )


def has_busy_calendar(subject: Subject) -> bool:
    """Tell whether a calendar says to everybody when something is busy."""
    return subject.is_open and subject.record.visibility == "public"


def _read_date() -> dt.date | None:
    try:
        date = dt.date.fromisoformat(request.args.get("date", ""))
    except ValueError:
        return None
    return date if _FIRST_YEAR <= date.year <= _LAST_YEAR else None


def _clock(week: Week, moment: dt.datetime, *, is_end: bool = False) -> str:
    """Write a time as the clock shows it where the resource is."""
    return write_clock(moment.astimezone(ZoneInfo(week.found.time_zone)), is_end=is_end)


def _book_url(subject: Subject, week: Week, block: Block, booker: Any) -> str | None:
    """Return where a free block is booked from its begin on, if that is possible."""
    rules, free = week.found.rules, block.about
    begins = block.span.starts_at
    if begins + dt.timedelta(minutes=rules.min_length_minutes) > free.ends_at:
        return None
    arguments: dict[str, Any] = span_arguments(Span(begins, usual_end(begins, free, rules)))
    if booker is not None:
        arguments["organization_id"] = booker.id
    return subject.url("book", **arguments)


def _wait_values(week: Week, block: Block, booker: Any) -> dict[str, Any] | None:
    """Return what a form sends to wait for a time that others have booked, if one can."""
    is_of_others = block.kind == "busy" and not getattr(block.about, "booking_id", None)
    if booker is None or not is_of_others or block.span.starts_at <= now():
        return None
    times = sent_values(span_values(block.span, week.found.time_zone))
    return {"organization_id": booker.id, **times}


def _next_url(subject: Subject, week: Week, booker: Any) -> str | None:
    """Return where the next free time is booked: from the chosen day on, else of the whole week."""
    for day in week.days:
        for block in day.blocks:
            if day.date >= week.date and block.kind == "free":
                url = _book_url(subject, week, block, booker)
                if url is not None:
                    return url
    if week.next_free is None:
        return None
    return _book_url(subject, week, Block("free", week.next_free, week.next_free), booker)

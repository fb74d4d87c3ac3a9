"""Commands of sections: made, changed, opened, moved, held, cancelled; `rooms` has their rooms."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import format_date
from flask_babel import gettext as _
from sqlalchemy import delete

from portal.bookings.rules.attempt import Span
from portal.facilities.policies import Permission as FacilityPermission
from portal.facilities.queries.records import get_facility
from portal.facilities.rules import CUSTOMER_CLASSES, has_place
from portal.kernel.authorization import Actor, can
from portal.kernel.clock import now, today_here
from portal.kernel.commands import command
from portal.kernel.database import lock, session
from portal.kernel.errors import Conflict, Invalid, NotFound
from portal.kernel.outbox import record
from portal.organizations.queries.resolving import complete_place
from portal.training.events import SectionDeleted, SectionMoved, SectionSaved
from portal.training.models.programs import Program
from portal.training.models.sections import Section, SectionMeeting, SectionPrice
from portal.training.policies import Permission
from portal.training.queries import enrollments as enrollment_queries
from portal.training.queries import programs as program_queries
from portal.training.queries import sections as queries
from portal.training.queries.holding import list_promised
from portal.training.rules.sections import (
    LIVE_STATUSES,
    MOST_MEETINGS,
    SECTIONS,
    Schedule,
    check_schedule,
    last_day_to_enroll,
    price_for,
)
from portal.training.services.enrollments import lengthen_free_days
from portal.training.services.holding import hold_promised_seats
from portal.training.services.rooms import free_room, free_rooms, settle_rooms
from portal.training.services.seats import fit_seats

_PLACE = ("street", "city", "state", "zip_code", "county_fips", "latitude", "longitude")
#: What is said of when and where by `move_section`, beside the address.
_MOVES = ("facility_id", "place", "online_url")
_FIELDS = (
    "name",
    "place",
    "online_url",
    "instructor",
    "seats",
    "min_seats",
    "enroll_until",
    "needs_approval",
    "notice_days",
    "notes",
)


@dataclass(frozen=True)
class _WhenAndWhere:
    """What those enrolled are told of when it changes.

    has_begun: some of it was held. terms: what people said yes to; another room of the same
    building, or another link to the same online room, is no other. numbers: of its meetings to
    come, with their times.
    """

    has_begun: bool
    terms: tuple[object, ...]
    room: tuple[str, str]
    numbers: Mapping[int, tuple[dt.datetime, dt.datetime]]


# Making and changing


@command(Permission.SECTION_CREATE)
def create_section(
    actor: Actor,
    program: Program,
    *,
    seats: int,
    schedule: Schedule | None = None,
    starts_on: dt.date | None = None,
    ends_on: dt.date | None = None,
    facility_id: int | None = None,
    prices: Sequence[Mapping[str, Any]] = (),
    override_reason: str = "",
    external_id: str | None = None,
    is_demo: bool = False,
    **values: Any,
) -> Section:
    """Plan a section of a program; its rooms are booked at once. `open_section` lets people enroll.

    schedule: when it meets; without one, `starts_on` and `ends_on` say when it is held.
    facility_id: where; its bookings are made for the provider. override_reason: why a host sets
    broken rules of its own facility aside. prices: rows of customer_class and price_cents.
    values: name, place, online_url, instructor, min_seats, enroll_until, needs_approval,
    notice_days, notes, and the address of a section without a facility.
    Raises Refused, with the days, when a room cannot be booked.
    """
    if program.is_archived:
        raise Conflict(_("This program is archived."))
    program_queries.load_for_change(program)
    section = Section(
        program_id=program.id,
        program=program,
        organization_id=program.organization_id,
        organization=program.organization,
        created_by_id=actor.user_id,
        external_id=external_id,
        is_demo=is_demo,
        status="planned",
        timezone="UTC",
        seats=seats,
        min_seats=0,
        sequence=0,
        facility=None,
        meetings=[],
        prices=[],
        **dict.fromkeys(("street", "city", "state", "zip_code", "place"), ""),
    )
    _set_fields(section, values)
    _set_prices(section, prices)
    _set_place(actor, section, {**values, "facility_id": facility_id})
    if schedule is not None:
        _set_schedule(actor, section, schedule)
    _set_dates(section, starts_on, ends_on)
    _check_numbers(section)
    session.add(section)
    session.flush()
    settle_rooms(actor, section, override_reason)
    record(SectionSaved(section.id, program.id))
    return section


@command(Permission.SECTION_EDIT)
def update_section(actor: Actor, section: Section, **values: Any) -> Section:
    """Change what a section says of itself, but not when and where it is held.

    values: as for `create_section`. Fewer seats than are taken are refused.
    """
    _load_live(section)
    prices = values.pop("prices", None)
    if values.get("seats") is not None:
        fit_seats(actor, section, seats=values["seats"])
    _set_fields(section, values)
    if prices is not None:
        _set_prices(section, prices)
    _check_numbers(section)
    lengthen_free_days(actor, section, is_moved=False)
    _touch(section)
    record(SectionSaved(section.id, section.program_id))
    return section


@command(Permission.SECTION_EDIT)
def move_section(
    actor: Actor,
    section: Section,
    *,
    schedule: Schedule | None = None,
    starts_on: dt.date | None = None,
    ends_on: dt.date | None = None,
    override_reason: str = "",
    **place: Any,
) -> Section:
    """Change when or where a section is held; its bookings move along, and everybody is told.

    schedule: a new one replaces all meetings to come; what was already held stays.
    place: facility_id, place, online_url, and the address of a section without a facility.
    Raises Refused, with the days, when a room cannot be booked.
    """
    _load_live(section)
    was = _when_and_where(section)
    _set_fields(section, {name: place[name] for name in ("place", "online_url") if name in place})
    _set_place(actor, section, place)
    if schedule is not None and schedule.as_json() != section.schedule:
        _set_schedule(actor, section, schedule)
    _set_dates(section, starts_on, ends_on)
    _check_numbers(section)
    session.flush()
    settle_rooms(actor, section, override_reason)
    _tell_of_move(actor, section, was)
    return section


@command(Permission.SECTION_EDIT)
def change_section(
    actor: Actor, section: Section, *, facts: Mapping[str, Any], move: Mapping[str, Any]
) -> Section:
    """Change what a section says of itself and when and where it is held, both or neither."""
    if move:
        move_section(actor, section, **move)
    if facts:
        update_section(actor, section, **facts)
    return section


@command(Permission.SECTION_EDIT)
def import_values(
    actor: Actor,
    section: Section,
    *,
    schedule: Schedule | None,
    starts_on: dt.date,
    ends_on: dt.date | None,
    **values: Any,
) -> bool:
    """Write what a table says of a section; tell whether that changed anything.

    values: as for `create_section`; what the table does not say is left as it is.
    """
    queries.load_for_change(section)
    at_facility = values.get("facility_id", section.facility_id) is not None
    facts = {
        name: value
        for name, value in values.items()
        if name in _FIELDS and name not in _MOVES and getattr(section, name) != value
    }
    rows = {row["customer_class"]: row["price_cents"] for row in values.get("prices", ())}
    if "prices" in values and rows != dict(section.price_by_class):
        facts["prices"] = values["prices"]
    move = {
        name: value
        for name, value in values.items()
        if (name in _MOVES or (name in _PLACE and not at_facility))
        and getattr(section, name) != value
        # A table without an address leaves it to the provider's.
        and (value or name not in _PLACE)
    }
    if schedule is not None and schedule.as_json() != section.schedule:
        move["schedule"] = schedule
    days = (section.starts_on, section.ends_on)
    if schedule is None and not section.meetings and (starts_on, ends_on or days[1]) != days:
        move |= {"starts_on": starts_on, "ends_on": ends_on}
    if facts or move:
        change_section(actor, section, facts=facts, move=move)
    return bool(facts or move)


@command(Permission.SECTION_EDIT)
def move_meeting(
    actor: Actor, section: Section, *, meeting_id: int, span: Span, override_reason: str = ""
) -> Section:
    """Move one meeting of a section, with its booking."""
    _load_live(section)
    was = _when_and_where(section)
    meeting = _meeting_to_come(section, meeting_id)
    meeting.starts_at, meeting.ends_at = span.starts_at, span.ends_at
    return _after_meetings(actor, section, was, override_reason)


@command(Permission.SECTION_EDIT)
def add_meeting(
    actor: Actor, section: Section, *, span: Span, override_reason: str = ""
) -> Section:
    """Add a meeting to a section, and book its room."""
    _load_live(section)
    was = _when_and_where(section)
    if len(section.meetings) >= MOST_MEETINGS:
        raise Conflict(_("A section meets %(most)d times at most.", most=MOST_MEETINGS))
    section.meetings.append(SectionMeeting(starts_at=span.starts_at, ends_at=span.ends_at))
    return _after_meetings(actor, section, was, override_reason)


@command(Permission.SECTION_EDIT)
def drop_meeting(actor: Actor, section: Section, *, meeting_id: int) -> Section:
    """Leave out one meeting of a section that is to come, and free its room."""
    _load_live(section)
    was = _when_and_where(section)
    meeting = _meeting_to_come(section, meeting_id)
    if len(section.meetings) == 1:
        raise Conflict(_("It is the only meeting. Move it, or cancel the section."))
    free_room(actor, meeting, _("This meeting was left out."))
    section.meetings.remove(meeting)
    return _after_meetings(actor, section, was, "")


@command(Permission.SECTION_DELETE)
def delete_section(actor: Actor, section: Section) -> Section:
    """Delete a section that was never opened, and free its rooms."""
    queries.load_for_change(section)
    if section.status != "planned":
        raise Conflict(_("It was open for enrollment. Cancel it instead."))
    if enrollment_queries.has_people(section.id):
        raise Conflict(_("People are on its roster. Cancel it instead."))
    if list_promised(section.id):
        raise Conflict(_("Firms have taken seats of it. Cancel it instead."))
    free_rooms(actor, section, _("The section was deleted."))
    record(SectionDeleted(section.id, section.program_id))
    session.execute(delete(Section).where(Section.id == section.id))
    return section


# Steps


@command(Permission.SECTION_EDIT)
def open_section(actor: Actor, section: Section) -> Section:
    """Let people enroll in a planned section."""
    return act_on_section(actor, section, "open")


@command(SECTIONS.permission)
def act_on_section(actor: Actor, section: Section, action: str, *, note: str = "") -> Section:
    """Open a section, begin it, complete it or cancel it.

    Raises Conflict in a wrong state or at a wrong time, Invalid where something is missing.
    """
    queries.load_for_change(section)
    if section.status in SECTIONS.transitions[action].sources:
        if action == "open":
            _check_openable(section)
        elif action == "start":
            if section.status == "planned":
                _check_published(section)
            if section.starts_on > today_here():
                raise Conflict(_("It begins on %(day)s.", day=format_date(section.starts_on)))
        elif action == "complete" and section.ends_on > today_here():
            raise Conflict(_("It ends on %(day)s.", day=format_date(section.ends_on)))
        elif action == "cancel":
            free_rooms(actor, section, _("The section was cancelled."))
    _touch(section)
    SECTIONS.apply(actor, section, action, note=note)
    if action == "open":
        hold_promised_seats(actor, section)
    return section


def _check_published(section: Section) -> None:
    if section.program.visibility == "draft" or section.program.is_archived:
        raise Conflict(_("Publish its program first."))


def _check_openable(section: Section) -> None:
    program = section.program
    _check_published(section)
    if last_day_to_enroll(section.enroll_until, section.starts_on) < today_here():
        raise Conflict(_("Its last day to enroll is over. Move it, or give a later day."))
    if price_for(section.price_by_class, "other", program.cost_cents) is None:
        raise Conflict(_("Say first what a seat costs; 0 where it is free."))


# The clock


@command(Permission.SECTION_KEEP)
def advance_sections(actor: Actor) -> int:
    """Begin, complete or cancel the sections whose day has come; return how many there were."""
    done = 0
    for section, action in queries.list_due():
        # What changed meanwhile is looked at again in the next round.
        lock(section)
        if section.status not in SECTIONS.transitions[action].sources:
            continue
        note = _("Too few people enrolled.") if action == "cancel" else ""
        act_on_section(actor, section, action, note=note)
        done += 1
    return done


@command(Permission.SECTION_KEEP)
def follow_facility(actor: Actor, *, facility_id: int) -> int:
    """Write the place of a facility anew into the sections that are held there."""
    facility = get_facility(facility_id)
    moved = 0
    for number in queries.list_ids_at_facility(facility_id):
        section = queries.get_section(number)
        lock(section)
        place = queries.shown_place(facility, section.program.visibility)
        if all(getattr(section, name) == place[name] for name in _PLACE):
            continue
        _write_place(section, place)
        section.timezone = queries.find_zone(section)
        _touch(section)
        record(SectionSaved(section.id, section.program_id))
        moved += 1
    return moved


# What a section says of itself


def _load_live(section: Section) -> None:
    queries.load_for_change(section)
    if section.status not in LIVE_STATUSES:
        raise Conflict(
            _(
                "This is not possible now: its state is “%(state)s”.",
                state=SECTIONS.statuses[section.status],
            )
        )


def _set_fields(section: Section, values: Mapping[str, Any]) -> None:
    unknown = set(values) - {*_FIELDS, *_PLACE}
    if unknown:
        raise TypeError(f"no such fields: {', '.join(sorted(unknown))}")
    for name in _FIELDS:
        if name in values:
            setattr(section, name, values[name])


def _set_prices(section: Section, rows: Sequence[Mapping[str, Any]]) -> None:
    wanted = {row["customer_class"]: row["price_cents"] for row in rows}
    present = {price.customer_class: price for price in section.prices}
    for name, cents in wanted.items():
        if name not in CUSTOMER_CLASSES:
            raise Invalid("prices", _("Please choose one of the customers of the list."))
        if name in present:
            present[name].price_cents = cents
        else:
            section.prices.append(SectionPrice(customer_class=name, price_cents=cents))
    for name, price in present.items():
        if name not in wanted:
            section.prices.remove(price)


def _check_numbers(section: Section) -> None:
    if section.min_seats > section.seats:
        raise Invalid("min_seats", _("Please give no more than there are seats."))
    if section.enroll_until is not None and section.enroll_until > section.ends_on:
        raise Invalid("enroll_until", _("Please give a day before it ends."))


def _set_dates(section: Section, starts_on: dt.date | None, ends_on: dt.date | None) -> None:
    """Take the dates from the meetings; where there are none, as they are given."""
    if section.meetings:
        zone = ZoneInfo(section.timezone)
        section.starts_on = min(m.starts_at for m in section.meetings).astimezone(zone).date()
        section.ends_on = max(m.ends_at for m in section.meetings).astimezone(zone).date()
        return
    section.starts_on = starts_on or section.starts_on
    section.ends_on = ends_on or section.ends_on or section.starts_on
    if section.starts_on is None:
        raise Invalid("date", _("Please say when it begins."))
    if section.ends_on < section.starts_on:
        raise Invalid("ends_on", _("Please let it end after it begins."))


def _set_schedule(actor: Actor, section: Section, schedule: Schedule) -> None:
    """Replace the meetings to come; those that go on keep their numbers and bookings."""
    try:
        check_schedule(schedule)
    except ValueError as error:
        raise Invalid("ends", str(error)) from error
    spans = schedule.spans(section.timezone)
    if not spans:
        raise Invalid("frequency", _("It never repeats this way. Please look again."))
    if len(spans) > MOST_MEETINGS:
        message = _("A section meets %(most)d times at most.", most=MOST_MEETINGS)
        raise Invalid("frequency", message)
    section.schedule = schedule.as_json()
    coming = list(section.meetings)
    if section.status == "running":
        spans = [span for span in spans if span.starts_at > now()]
        coming = [meeting for meeting in coming if meeting.starts_at > now()]
    for meeting, span in zip(coming, spans, strict=False):
        meeting.starts_at, meeting.ends_at = span.starts_at, span.ends_at
    for span in spans[len(coming) :]:
        section.meetings.append(SectionMeeting(starts_at=span.starts_at, ends_at=span.ends_at))
    for meeting in coming[len(spans) :]:
        free_room(actor, meeting, _("This meeting was left out."))
        section.meetings.remove(meeting)


def _meeting_to_come(section: Section, meeting_id: int) -> SectionMeeting:
    meeting = next((one for one in section.meetings if one.id == meeting_id), None)
    if meeting is None:
        raise NotFound(_("This meeting is no longer here."))
    if meeting.starts_at <= now():
        raise Conflict(_("This meeting has begun already."))
    return meeting


def _after_meetings(
    actor: Actor, section: Section, was: _WhenAndWhere, override_reason: str
) -> Section:
    _set_dates(section, None, None)
    _check_numbers(section)
    session.flush()
    settle_rooms(actor, section, override_reason)
    _tell_of_move(actor, section, was)
    return section


# Where it is held


def _set_place(actor: Actor, section: Section, values: Mapping[str, Any]) -> None:
    """Write the place that counts: the facility's, else the one given, else the provider's."""
    number = values.get("facility_id", section.facility_id)
    if number != section.facility_id or section.id is None:
        facility = get_facility(number) if number is not None else None
        if facility is not None and not can(actor, FacilityPermission.FACILITY_VIEW, facility):
            raise Invalid("facility_id", _("Please choose a facility of the list."))
        section.facility_id, section.facility = number, facility
        if facility is not None:
            _write_place(section, queries.shown_place(facility, section.program.visibility))
    if section.facility_id is None and any(name in values for name in (*_PLACE, "facility_id")):
        given = {"street": values.get("street", section.street), **complete_place(values, section)}
        _write_place(section, given)
        if not has_place(section):
            _write_place(section, queries.place_of_provider(section.organization))
    section.timezone = queries.find_zone(section)


def _write_place(section: Section, place: Mapping[str, Any]) -> None:
    for name in _PLACE:
        setattr(section, name, place[name])


def _when_and_where(section: Section) -> _WhenAndWhere:
    meetings = sorted((one.starts_at, one.ends_at) for one in section.meetings)
    has_begun = meetings[0][0] <= now() if meetings else section.starts_on <= today_here()
    address = tuple(getattr(section, name) for name in ("street", "city", "state", "zip_code"))
    is_online = bool(section.online_url)
    terms = (meetings, section.starts_on, section.ends_on, section.facility_id, address, is_online)
    coming = [one for one in section.meetings if one.starts_at > now()]
    numbers = {one.id: (one.starts_at, one.ends_at) for one in coming}
    return _WhenAndWhere(has_begun, terms, (section.place, section.online_url), numbers)


def _tell_of_move(actor: Actor, section: Section, was: _WhenAndWhere) -> None:
    becomes = _when_and_where(section)
    if (becomes.terms, becomes.room) == (was.terms, was.room):
        return
    is_moved = becomes.terms != was.terms and not was.has_begun
    lengthen_free_days(actor, section, is_moved=is_moved)
    _touch(section)
    if section.status == "planned":
        record(SectionSaved(section.id, section.program_id))
    else:
        present = {one.id for one in section.meetings}
        dropped = [
            [number, *(moment.isoformat() for moment in times)]
            for number, times in was.numbers.items()
            if number not in present
        ]
        record(SectionMoved(section.id, section.program_id, actor.user_id, dropped))


def _touch(section: Section) -> None:
    section.updated_at = now()
    section.sequence += 1

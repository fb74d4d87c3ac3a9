"""Reads of sections: when and where programs are held, for pages, search and other domains."""

import datetime as dt
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal.bookings.models.booking import Booking
from portal.bookings.queries.calendar import load_hours
from portal.bookings.queries.resources import resource_of
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.invitations import Entry
from portal.facilities.models import Facility
from portal.facilities.queries.records import place_of_record
from portal.facilities.rules import place_of
from portal.kernel.authorization import Actor, authorize, can, visible
from portal.kernel.clock import now, today_here
from portal.kernel.database import reload, session
from portal.kernel.errors import NotFound
from portal.kernel.fulltext.ranking import miles_between
from portal.kernel.listing import is_narrower
from portal.organizations.models import Organization
from portal.regions.models import ZipCode
from portal.skills.models import skill_capability
from portal.training.models.enrollments import Enrollment
from portal.training.models.programs import Program, ProgramSkill
from portal.training.models.sections import Section, SectionMeeting
from portal.training.policies import Permission
from portal.training.queries.programs import PROGRAM_OPTIONS
from portal.training.rules.enrollments import TAKING_PART
from portal.training.rules.sections import (
    LIVE_STATUSES,
    SECTION_ADDRESS,
    last_day_to_enroll,
    price_range,
)

MOST_SIBLINGS = 100

SECTION_OPTIONS = (
    joinedload(Section.program).options(*PROGRAM_OPTIONS),
    joinedload(Section.organization).options(
        joinedload(Organization.county), joinedload(Organization.zip_place)
    ),
    joinedload(Section.county),
    joinedload(Section.facility).options(
        joinedload(Facility.county),
        joinedload(Facility.zip_place),
        joinedload(Facility.organization),
    ),
    selectinload(Section.meetings),
    selectinload(Section.prices),
)


@dataclass(frozen=True)
class NextSection:
    """A section in which one can still enroll, as lists and links to it show it.

    place: town and county in one line, or "" where it is online. lowest_cents, highest_cents: what
    people of other organizations pay; None: not said.
    """

    id: int
    program_id: int
    title: str
    name: str
    organization_id: int
    organization: str
    starts_on: dt.date
    ends_on: dt.date
    enroll_until: dt.date
    delivery: str
    place: str
    seats: int
    lowest_cents: int | None
    highest_cents: int | None
    distance_miles: float | None = None

    @property
    def url(self) -> str:
        """Where it is shown, and where one enrolls."""
        return SECTION_ADDRESS % self.id


def get_section(section_id: int) -> Section:
    """Return a section with its program, meetings and prices, whoever asks. Raises NotFound."""
    section = session.scalar(
        select(Section).options(*SECTION_OPTIONS).where(Section.id == section_id)
    )
    if section is None:
        raise NotFound()
    return section


def get_visible_section(actor: Actor, section_id: int) -> Section:
    """Return a section that the actor may see. Raises NotFound."""
    section = get_section(section_id)
    authorize(actor, Permission.SECTION_VIEW, section)
    return section


def load_for_change(section: Section) -> None:
    """Read what commands change of a section again, under its lock."""
    reload(section, *SECTION_OPTIONS)


def can_enroll(day: dt.date) -> ColumnElement[bool]:
    """Return the condition for sections in which one can enroll on a day: `is_open_on` in SQL."""
    return and_(
        Section.status == "open",
        or_(
            Section.enroll_until >= day,
            and_(Section.enroll_until.is_(None), Section.starts_on > day),
        ),
    )


def is_below_minimum() -> ColumnElement[bool]:
    """Return the condition for sections with fewer people enrolled than they need to be held.

    A seat that is kept for somebody's answer is nobody yet.
    """
    enrolled = (
        select(func.count())
        .select_from(Enrollment)
        .where(Enrollment.section_id == Section.id, Enrollment.status.in_(TAKING_PART))
        .correlate(Section)
        .scalar_subquery()
    )
    return enrolled < Section.min_seats


def list_next_sections(
    actor: Actor,
    *,
    program_ids: Collection[int] | None = None,
    organization_ids: Collection[int] | None = None,
    credential_ids: Collection[int] | None = None,
    skill_keys: Collection[str] | None = None,
    capability_keys: Collection[str] | None = None,
    near: tuple[float, float] | None = None,
    limit: int = 5,
) -> list[NextSection]:
    """Return sections that the actor sees and in which one can still enroll, the next one first.

    Each filter that is given must hold: of these programs, of these providers, awarding one of the
    credentials, teaching one of the skills, teaching a skill that serves one of the capabilities.
    near: latitude and longitude from which distances are told.
    """
    found: list[ColumnElement[bool]] = [
        can_enroll(today_here()),
        visible(actor, Permission.SECTION_VIEW),
        Program.is_archived.is_(False),
    ]
    if program_ids is not None:
        found.append(Section.program_id.in_(sorted(program_ids)))
    if organization_ids is not None:
        found.append(Section.organization_id.in_(sorted(organization_ids)))
    if credential_ids is not None:
        found.append(Program.credential_id.in_(sorted(credential_ids)))
    if skill_keys is not None:
        found.append(_teaches(ProgramSkill.skill_key.in_(sorted(skill_keys))))
    if capability_keys is not None:
        serving = select(skill_capability.c.skill_key).where(
            skill_capability.c.capability_key.in_(sorted(capability_keys))
        )
        found.append(_teaches(ProgramSkill.skill_key.in_(serving)))
    return _next_sections(found, near, limit)


def _teaches(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return Program.id.in_(select(ProgramSkill.program_id).where(condition))


def _next_sections(
    conditions: list[ColumnElement[bool]], near: tuple[float, float] | None, limit: int
) -> list[NextSection]:
    sections = session.scalars(
        select(Section)
        .join(Program, Program.id == Section.program_id)
        .options(
            joinedload(Section.program).load_only(
                Program.title, Program.cost_cents, Program.delivery
            ),
            joinedload(Section.organization).load_only(Organization.name),
            joinedload(Section.county),
            selectinload(Section.prices),
        )
        .where(*conditions)
        .order_by(Section.starts_on, Section.id)
        .limit(limit)
    )
    return [_next_section(section, near) for section in sections]


def _next_section(section: Section, near: tuple[float, float] | None) -> NextSection:
    program = section.program
    lowest, highest = price_range(section.price_by_class, program.cost_cents)
    return NextSection(
        id=section.id,
        program_id=program.id,
        title=program.title,
        name=section.name,
        organization_id=section.organization_id,
        organization=section.organization.name,
        starts_on=section.starts_on,
        ends_on=section.ends_on,
        enroll_until=last_day_to_enroll(section.enroll_until, section.starts_on),
        delivery=program.delivery,
        place=place_line(section),
        seats=section.seats,
        lowest_cents=lowest,
        highest_cents=highest,
        distance_miles=_miles(section, near),
    )


def place_line(section: Section) -> str:
    """Return town and county of a section in one line."""
    county = section.county.label if section.county else ""
    return " · ".join(part for part in (section.city, county) if part)


@dataclass(frozen=True)
class Meeting:
    """A meeting as pages show it.

    room: of a meeting to come in a facility, "booked", "asked" (its host decides), or "missing".
    """

    id: int
    span: Span
    is_over: bool
    room: str


def list_meetings(section: Section) -> list[Meeting]:
    """Return the meetings of a section in order, with what became of their rooms."""
    numbers = [one.booking_id for one in section.meetings if one.booking_id is not None]
    states: dict[int, str] = dict(
        session.execute(select(Booking.id, Booking.status).where(Booking.id.in_(numbers))).all()
    )
    moment = now()
    found = []
    for one in section.meetings:
        room = ""
        # One that was booked in a facility that was deleted since has no room, either.
        has_facility = section.facility_id is not None or one.booking_id is not None
        if has_facility and one.starts_at > moment:
            room = _ROOMS.get(states.get(one.booking_id or 0, ""), "missing")
        span = Span(one.starts_at, one.ends_at)
        found.append(Meeting(one.id, span, one.ends_at <= moment, room))
    return found


_ROOMS = {"approved": "booked", "in_use": "booked", "requested": "asked"}


def get_meeting(section: Section, meeting_id: int) -> SectionMeeting:
    """Return a meeting of a loaded section. Raises NotFound."""
    for meeting in section.meetings:
        if meeting.id == meeting_id:
            return meeting
    raise NotFound(_("This meeting is no longer here."))


def find_section_of(program: Program, section_id: int) -> Section | None:
    """Return a section of a program, if it is one."""
    return session.scalar(
        select(Section)
        .options(*SECTION_OPTIONS)
        .where(Section.id == section_id, Section.program_id == program.id)
    )


def online_to(actor: Actor, sections: Collection[Section]) -> set[int]:
    """Return the ids of those sections whose online room the actor may know the link to."""
    found = {one.id for one in sections if can(actor, Permission.SECTION_VIEW_INSIDE, one)}
    others = [one.id for one in sections if one.id not in found]
    if actor.user_id is None or not others:
        return found
    return found | set(
        session.scalars(
            select(Enrollment.section_id).where(
                Enrollment.section_id.in_(others),
                Enrollment.user_id == actor.user_id,
                Enrollment.status.in_(TAKING_PART),
            )
        )
    )


def entry_of(section: Section, meeting: SectionMeeting, *, url: str) -> Entry:
    """Return a meeting as calendars have it. The link to its online room stays out."""
    where = [section.place, section.street, ", ".join(filter(None, (section.city, section.state)))]
    return Entry(
        kind="meeting",
        number=meeting.id,
        sequence=section.sequence,
        status="cancelled" if section.status == "cancelled" else "approved",
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        updated_at=section.updated_at,
        summary=title_of(section),
        description=section.notes,
        location=" · ".join(part for part in where if part),
        url=url,
    )


def title_of(section: Section) -> str:
    """Return the program's title, with the section's own name where it has one."""
    title = section.program.title
    return f"{title} · {section.name}" if section.name else title


def shown_place(facility: Facility, visibility: str) -> dict[str, Any]:
    """Return where a facility is, as readers of a program with a visibility may know it."""
    place = asdict(place_of_record(facility))
    if is_narrower(facility.visibility, visibility):
        point = facility.coarse_point or (None, None)
        place |= {"street": "", "latitude": point[0], "longitude": point[1]}
    return place


def place_of_provider(organization: Organization) -> dict[str, Any]:
    """Return where an organization is; its street, and what tells it, may be for members only."""
    place = asdict(place_of(None, organization)) | {"street": ""}
    if organization.keeps_street:
        point = organization.coarse_point or (None, None)
        place |= {"latitude": point[0], "longitude": point[1]}
    return place


def find_zone(section: Section) -> str:
    """Return the time zone by which a section meets: its place's, else its provider's."""
    moment = now()
    if section.facility is not None:
        return load_hours(resource_of(section.facility), Span(moment, moment)).zone
    own = select(ZipCode.time_zone).where(ZipCode.time_zone != "").limit(1)
    by_zip = own.where(ZipCode.zip_code == section.zip_code[:5])
    by_county = own.where(ZipCode.county_fips == section.county_fips).order_by(ZipCode.zip_code)
    found = session.scalar(by_zip) or session.scalar(by_county)
    if found:
        return found
    return load_hours(resource_of(section.organization), Span(moment, moment)).zone


def _miles(section: Section, near: tuple[float, float] | None) -> float | None:
    if near is None or section.latitude is None or section.longitude is None:
        return None
    return miles_between(*near, section.latitude, section.longitude)


def list_siblings(section: Section) -> list[Section]:
    """Return the other sections of a program that are still to come or under way, by date."""
    return list(
        session.scalars(
            select(Section)
            .options(*SECTION_OPTIONS)
            .where(
                Section.program_id == section.program_id,
                Section.id != section.id,
                Section.status.in_(LIVE_STATUSES),
            )
            .order_by(Section.starts_on, Section.id)
            .limit(MOST_SIBLINGS)
        )
    )


# What the clock does


def list_due(limit: int = 200) -> list[tuple[Section, str]]:
    """Return sections whose day has come, each with its step, the oldest first.

    An open one with fewer people enrolled than its minimum is cancelled once its last day to
    enroll is over; the others begin and are completed on their dates.
    """
    today = today_here()
    last_day_over = or_(
        Section.enroll_until < today,
        and_(Section.enroll_until.is_(None), Section.starts_on <= today),
    )
    is_open, is_running = Section.status == "open", Section.status == "running"
    is_below = and_(is_open, last_day_over, is_below_minimum())
    step = case(
        (is_below, "cancel"),
        (and_(is_open, Section.starts_on <= today), "start"),
        (and_(is_running, Section.ends_on < today), "complete"),
    )
    rows = session.execute(
        select(Section.id, step)
        .where(step.is_not(None))
        .order_by(Section.starts_on, Section.id)
        .limit(limit)
    ).all()
    steps: dict[int, str] = dict(rows)
    sections = session.scalars(
        select(Section).options(*SECTION_OPTIONS).where(Section.id.in_(steps)).order_by(Section.id)
    )
    return [(section, steps[section.id]) for section in sections]


def list_ids_at_facility(facility_id: int) -> list[int]:
    """Return the ids of the sections to come and under way in a facility, in order."""
    return list(
        session.scalars(
            select(Section.id)
            .where(Section.facility_id == facility_id, Section.status.in_(LIVE_STATUSES))
            .order_by(Section.id)
        )
    )

"""Lists of programs and sections: for pages, the API, the desk and exports."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from flask_babel import format_date, format_decimal
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.orm import joinedload

from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Resource
from portal.bookings.policies import Permission as BookingPermission
from portal.bookings.queries.bookings import find_resource
from portal.bookings.rules.words import OPEN_STATUSES
from portal.facilities.models import Facility
from portal.facilities.policies import Permission as FacilityPermission
from portal.kernel.authorization import Actor, can, visible
from portal.kernel.clock import now, today_here
from portal.kernel.database import session
from portal.kernel.manifest import DeskItem
from portal.kernel.paging import Page, keyset_page
from portal.organizations.models import Organization
from portal.organizations.rules import STALE_AFTER
from portal.regions.models import County
from portal.skills.models import Credential, Skill
from portal.training.models.programs import Program, ProgramSkill
from portal.training.models.sections import Section, SectionMeeting
from portal.training.policies import Permission
from portal.training.queries.enrollments import Seats, load_seats
from portal.training.queries.programs import PROGRAM_OPTIONS
from portal.training.queries.sections import (
    SECTION_OPTIONS,
    NextSection,
    can_enroll,
    is_below_minimum,
    list_next_sections,
    title_of,
)
from portal.training.rules.programs import PROGRAM_ADDRESS, PROGRAM_KINDS
from portal.training.rules.sections import (
    LIVE_STATUSES,
    OPEN_DAYS,
    SECTION_ADDRESS,
    WARN_DAYS,
    last_day_to_enroll,
)


@dataclass(frozen=True)
class ProgramListing:
    """A program as lists show it. place: the provider's; next_on: when the next section begins."""

    id: int
    title: str
    summary: str
    kind: str
    organization: str
    organization_id: int
    place: str
    visibility: str
    confirmed_at: dt.datetime | None
    is_archived: bool
    next_on: dt.date | None

    @property
    def url(self) -> str:
        """Where it is shown."""
        return PROGRAM_ADDRESS % self.id


# Programs


def list_programs(
    actor: Actor, *, cursor: str | None = None, limit: int = 20, **filters: Any
) -> Page[ProgramListing]:
    """Return a page of the programs that the actor may see, by title.

    filters: organization_id, kind, delivery, skill (a key), credential_id, visibility,
    is_archived (those in the archive; else the others).
    """
    next_on = (
        select(func.min(Section.starts_on))
        .where(Section.program_id == Program.id, can_enroll(today_here()))
        .correlate(Program)
        .scalar_subquery()
    )
    statement = (
        select(
            Program.id,
            Program.title,
            Program.summary,
            Program.kind,
            Program.visibility,
            Program.confirmed_at,
            Program.organization_id,
            Program.is_archived,
            Organization.name.label("organization"),
            Organization.city,
            County.name.label("county"),
            County.state,
            next_on.label("next_on"),
        )
        .join(Organization, Organization.id == Program.organization_id)
        .outerjoin(County, County.fips == Organization.county_fips)
        .where(*_filters(actor, **filters))
    )
    found = keyset_page(
        statement, (Program.title, Program.id), cursor=cursor, limit=limit, scalars=False
    )
    return Page([_listing(row) for row in found.items], found.next)


def _listing(row: Any) -> ProgramListing:
    county = f"{row.county}, {row.state}" if row.county else ""
    return ProgramListing(
        id=row.id,
        title=row.title,
        summary=row.summary,
        kind=row.kind,
        organization=row.organization,
        organization_id=row.organization_id,
        place=" · ".join(part for part in (row.city, county) if part),
        visibility=row.visibility,
        confirmed_at=row.confirmed_at,
        is_archived=row.is_archived,
        next_on=row.next_on,
    )


def _filters(
    actor: Actor,
    *,
    organization_id: int | None = None,
    kind: str = "",
    delivery: str = "",
    skill: str = "",
    credential_id: int | None = None,
    visibility: str = "",
    is_archived: bool = False,
) -> list[ColumnElement[bool]]:
    found = [visible(actor, Permission.PROGRAM_VIEW), Program.is_archived.is_(is_archived)]
    if organization_id is not None:
        found.append(Program.organization_id == organization_id)
    if kind:
        found.append(Program.kind == kind)
    if delivery:
        found.append(Program.delivery == delivery)
    if skill:
        teaching = select(ProgramSkill.program_id).where(ProgramSkill.skill_key == skill)
        found.append(Program.id.in_(teaching))
    if credential_id is not None:
        found.append(Program.credential_id == credential_id)
    if visibility:
        found.append(Program.visibility == visibility)
    return found


def list_program_records(
    actor: Actor, *, cursor: str | None = None, limit: int = 20, **filters: Any
) -> Page[Program]:
    """Return a page of whole programs, for the API; filters as in `list_programs`."""
    statement = select(Program).options(*PROGRAM_OPTIONS).where(*_filters(actor, **filters))
    return keyset_page(statement, (Program.title, Program.id), cursor=cursor, limit=limit)


def list_programs_to_export(
    actor: Actor, *, organization_id: int | None = None, after: int = 0, limit: int = 200
) -> list[tuple[Program, list[Section]]]:
    """Return the next programs by id that the actor may see, each with its sections to come."""
    statement = (
        select(Program)
        .options(*PROGRAM_OPTIONS)
        .where(Program.id > after, visible(actor, Permission.PROGRAM_VIEW))
    )
    if organization_id is not None:
        statement = statement.where(Program.organization_id == organization_id)
    programs = list(session.scalars(statement.order_by(Program.id).limit(limit)))
    by_program: dict[int, list[Section]] = {program.id: [] for program in programs}
    sections = session.scalars(
        select(Section)
        .options(*SECTION_OPTIONS)
        .where(
            Section.program_id.in_(by_program),
            visible(actor, Permission.SECTION_VIEW),
            Section.status.in_(("open", "running")),
        )
        .order_by(Section.starts_on, Section.id)
    )
    for section in sections:
        by_program[section.program_id].append(section)
    return [(program, by_program[program.id]) for program in programs]


def list_sections_to_export(
    actor: Actor, *, organization_id: int | None = None, after: int = 0, limit: int = 200
) -> list[Section]:
    """Return the next sections by id that the actor may see."""
    statement = (
        select(Section)
        .options(*SECTION_OPTIONS)
        .where(Section.id > after, visible(actor, Permission.SECTION_VIEW))
    )
    if organization_id is not None:
        statement = statement.where(Section.organization_id == organization_id)
    return list(session.scalars(statement.order_by(Section.id).limit(limit)))


def program_section(actor: Actor, organization: Organization) -> dict[str, Any] | None:
    """Return what an organization's page shows of its programs; None where that is nothing."""
    found = list_programs(actor, organization_id=organization.id, limit=50)
    may_add = can(actor, Permission.PROGRAM_CREATE, organization)
    if not found.items and not may_add:
        return None
    return {
        "listings": found.items,
        "kinds": PROGRAM_KINDS,
        "has_more": found.next is not None,
        "next_sections": list_next_sections(actor, organization_ids=[organization.id]),
        "may_add": may_add,
        "organization_id": organization.id,
    }


def skill_section(actor: Actor, skill: Skill) -> dict[str, Any] | None:
    """Return what a skill's page shows of the programs that teach it."""
    return _teaching(
        list_programs(actor, skill=skill.key), list_next_sections(actor, skill_keys=[skill.key])
    )


def credential_section(actor: Actor, credential: Credential) -> dict[str, Any] | None:
    """Return what a credential's page shows of the programs that lead to it."""
    return _teaching(
        list_programs(actor, credential_id=credential.id),
        list_next_sections(actor, credential_ids=[credential.id]),
    )


def _teaching(
    found: Page[ProgramListing], next_sections: list[NextSection]
) -> dict[str, Any] | None:
    if not found.items:
        return None
    return {
        "listings": found.items,
        "kinds": PROGRAM_KINDS,
        "has_more": found.next is not None,
        "next_sections": next_sections,
        "may_add": False,
    }


# Sections


def list_sections_of(actor: Actor, program: Program, limit: int = 100) -> list[Section]:
    """Return the sections of a program that the actor sees: to come and under way, then past."""
    is_over = Section.status.in_(("completed", "cancelled"))
    order = (is_over, Section.starts_on, Section.id)
    return _list_sections(actor, Section.program_id == program.id, *order, limit=limit)


def list_live_sections(actor: Actor, organization_id: int, limit: int = 100) -> list[Section]:
    """Return an organization's sections to come and under way, the earliest first."""
    is_wanted = and_(Section.organization_id == organization_id, Section.status.in_(LIVE_STATUSES))
    return _list_sections(actor, is_wanted, Section.starts_on, Section.id, limit=limit)


def list_past_sections(actor: Actor, organization_id: int, limit: int = 50) -> list[Section]:
    """Return an organization's sections that are over or cancelled, the latest first."""
    is_wanted = and_(
        Section.organization_id == organization_id, Section.status.not_in(LIVE_STATUSES)
    )
    order = (Section.starts_on.desc(), Section.id.desc())
    return _list_sections(actor, is_wanted, *order, limit=limit)


def _list_sections(
    actor: Actor, is_wanted: ColumnElement[bool], *order: Any, limit: int
) -> list[Section]:
    """Return those of the sections wanted that the actor sees, with what pages say of them."""
    return list(
        session.scalars(
            select(Section)
            .options(*SECTION_OPTIONS)
            .where(is_wanted, visible(actor, Permission.SECTION_VIEW))
            .order_by(*order)
            .limit(limit)
        )
    )


def list_section_records(
    actor: Actor,
    *,
    cursor: str | None = None,
    limit: int = 20,
    program_id: int | None = None,
    organization_id: int | None = None,
    status: str = "",
    starts_from: dt.date | None = None,
    starts_until: dt.date | None = None,
) -> Page[Section]:
    """Return a page of the sections that the actor may see, the earliest first."""
    statement = (
        select(Section).options(*SECTION_OPTIONS).where(visible(actor, Permission.SECTION_VIEW))
    )
    if program_id is not None:
        statement = statement.where(Section.program_id == program_id)
    if organization_id is not None:
        statement = statement.where(Section.organization_id == organization_id)
    if status:
        statement = statement.where(Section.status == status)
    if starts_from is not None:
        statement = statement.where(Section.starts_on >= starts_from)
    if starts_until is not None:
        statement = statement.where(Section.starts_on <= starts_until)
    return keyset_page(statement, (Section.starts_on, Section.id), cursor=cursor, limit=limit)


def facility_choices(
    actor: Actor, organization_id: int, *, also: int | None = None, limit: int = 200
) -> list[tuple[int, str]]:
    """Return (id, name) of facilities in which a provider's sections can be held.

    Its own come first, then those of others that it may book. also: one that is chosen already.
    """
    is_other = Facility.organization_id != organization_id
    rows = session.execute(
        select(Facility.id, Facility.name, Organization.name.label("organization"), is_other)
        .join(Organization, Organization.id == Facility.organization_id)
        .outerjoin(Resource, Resource.facility_id == Facility.id)
        .where(
            visible(actor, FacilityPermission.FACILITY_VIEW),
            or_(~is_other, Resource.is_bookable, Facility.id == also),
        )
        .order_by(is_other, Facility.name, Facility.id)
        .limit(limit)
    )
    return [(row.id, f"{row.name} ({row.organization})" if row[3] else row.name) for row in rows]


def may_override(actor: Actor, facility_id: int | None) -> bool:
    """Tell whether the actor may set the rules of a facility's bookings aside."""
    resource = find_resource(facility_id=facility_id) if facility_id is not None else None
    return resource is not None and can(actor, BookingPermission.BOOKING_OVERRIDE, resource)


# The desk


def list_drafts(actor: Actor, limit: int) -> list[DeskItem]:
    """Return drafts of programs that the actor can publish, oldest first."""
    return _program_items(
        actor,
        limit,
        Program.visibility == "draft",
        Permission.PROGRAM_EDIT,
        since=Program.created_at,
        action=_("Finish and publish"),
    )


def list_stale(actor: Actor, limit: int) -> list[DeskItem]:
    """Return programs of the actor's organizations to be confirmed again, oldest first."""
    return _program_items(
        actor,
        limit,
        and_(
            Program.visibility != "draft",
            or_(Program.confirmed_at.is_(None), Program.confirmed_at < now() - STALE_AFTER),
        ),
        Permission.PROGRAM_CONFIRM,
        since=func.coalesce(Program.confirmed_at, Program.created_at),
        action=_("Look and confirm"),
    )


def _program_items(
    actor: Actor,
    limit: int,
    condition: ColumnElement[bool],
    permission: Permission,
    *,
    since: Any,
    action: str,
) -> list[DeskItem]:
    own = Program.organization_id.in_(sorted(actor.memberships)) if actor.memberships else false()
    rows = session.execute(
        select(
            Program.id,
            Program.title,
            Organization.name.label("organization"),
            since.label("since"),
        )
        .join(Organization, Organization.id == Program.organization_id)
        .where(own, condition, Program.is_archived.is_(False), visible(actor, permission))
        .order_by(since, Program.id)
        .limit(limit)
    )
    return [
        DeskItem(
            title=row.title,
            url=PROGRAM_ADDRESS % row.id,
            since=row.since,
            detail=row.organization,
            action=action,
        )
        for row in rows
    ]


def list_sections_to_open(actor: Actor, limit: int) -> list[DeskItem]:
    """Return planned sections that begin within two weeks, or should have: open or move them."""
    soon = today_here() + dt.timedelta(days=OPEN_DAYS)
    to_open = and_(Section.status == "planned", Section.starts_on <= soon)
    return [
        _section_item(
            section,
            _("planned, begins on %(day)s", day=format_date(section.starts_on)),
            _("Open or move it"),
        )
        for section in _own_sections(actor, limit, to_open)
    ]


def list_sections_without_room(actor: Actor, limit: int) -> list[DeskItem]:
    """Return sections with a meeting to come whose facility is not booked, the next one first.

    Its host declined or cancelled the booking, or deleted the facility; nobody else would notice.
    """
    has_facility = Section.facility_id.is_not(None)
    roomless = (
        select(SectionMeeting.id)
        .outerjoin(Booking, Booking.id == SectionMeeting.booking_id)
        .where(
            SectionMeeting.section_id == Section.id,
            SectionMeeting.starts_at > now(),
            or_(and_(has_facility, Booking.id.is_(None)), Booking.status.not_in(OPEN_STATUSES)),
        )
        .exists()
    )
    return [
        _section_item(
            section,
            section.facility.name if section.facility else _("Its facility is no longer here."),
            _("Find a room"),
        )
        for section in _own_sections(
            actor, limit, and_(Section.status.in_(LIVE_STATUSES), roomless)
        )
    ]


def list_sections_below(actor: Actor, limit: int) -> list[DeskItem]:
    """Return sections with too few people enrolled and a week at most to do so, the next first.

    Seats that are kept for an answer are counted beside them: somebody may be reminded of it.
    """
    today = today_here()
    soon = today + dt.timedelta(days=WARN_DAYS)
    last_day_near = or_(
        Section.enroll_until <= soon,
        and_(Section.enroll_until.is_(None), Section.starts_on <= soon + dt.timedelta(days=1)),
    )
    below = and_(Section.status == "open", last_day_near, is_below_minimum())
    sections = _own_sections(actor, limit, below)
    seats = load_seats([section.id for section in sections])
    action = _("Invite people, or hold it anyway")
    return [
        _section_item(section, _below(section, seats[section.id]), action) for section in sections
    ]


def _below(section: Section, seats: Seats) -> str:
    told = {
        "enrolled": format_decimal(seats.enrolled),
        "least": format_decimal(section.min_seats),
        "kept": format_decimal(seats.taken - seats.enrolled),
        "day": format_date(last_day_to_enroll(section.enroll_until, section.starts_on)),
    }
    if seats.taken == seats.enrolled:
        return _("%(enrolled)s of at least %(least)s enrolled; cancelled after %(day)s", **told)
    return _(
        "%(enrolled)s of at least %(least)s enrolled, %(kept)s not answered yet; cancelled after "
        "%(day)s",
        **told,
    )


def _own_sections(actor: Actor, limit: int, condition: ColumnElement[bool]) -> list[Section]:
    own = Section.organization_id.in_(sorted(actor.memberships)) if actor.memberships else false()
    rows = session.scalars(
        select(Section)
        .options(
            joinedload(Section.program).load_only(Program.title),
            joinedload(Section.facility).load_only(Facility.name),
        )
        .where(own, condition, visible(actor, Permission.SECTION_EDIT))
        .order_by(Section.starts_on, Section.id)
        .limit(limit)
    )
    return list(rows)


def _section_item(section: Section, detail: str, action: str) -> DeskItem:
    return DeskItem(
        title=title_of(section),
        url=SECTION_ADDRESS % section.id,
        since=section.updated_at,
        detail=detail,
        action=action,
    )

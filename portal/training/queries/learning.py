"""What of training waits for people on their desks, and stands in their calendars."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from flask_babel import format_date
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload

from portal.bookings.rules.telling import write_instant
from portal.kernel.authorization import Actor
from portal.kernel.clock import now, today_here
from portal.kernel.database import session
from portal.kernel.manifest import CalendarEntry, DeskItem, Hindrance
from portal.training.models.enrollments import Enrollment
from portal.training.models.programs import Program
from portal.training.models.sections import Section, SectionMeeting
from portal.training.queries.enrollments import list_kept, list_written_down
from portal.training.rules.enrollments import ENROLLMENT_ADDRESS, TAKING_PART

#: The desk shows one's own meetings of the next days.
DESK_DAYS = 3
MOST_IN_CALENDAR = 1000
ROSTER_ADDRESS = "/training/sections/%d/roster"


def list_seats_kept(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the seats that are kept for the actor, the first to end first, then what providers
    wrote down for the actor."""
    if actor.user_id is None:
        return []
    return [
        DeskItem(
            title=row.section.program.title,
            url=ENROLLMENT_ADDRESS % row.id,
            since=row.updated_at,
            detail=(
                _("%(firm)s pays for it", firm=row.organization.name)
                if row.organization
                else row.provider.name
            ),
            action=_("Take it or decline"),
        )
        for row in list_kept(actor, limit)
    ] + [
        DeskItem(
            title=row.section.program.title,
            url=ENROLLMENT_ADDRESS % row.id,
            since=row.created_at,
            detail=_("%(provider)s has written you on the roster", provider=row.provider.name),
            action=_("Keep it in your account"),
        )
        for row in list_written_down(actor, limit)
    ]


def list_to_decide(actor: Actor, limit: int) -> list[DeskItem]:
    """Return who asks for a seat of a provider that the actor manages, the oldest first."""
    rows = session.scalars(
        select(Enrollment)
        .options(joinedload(Enrollment.section).joinedload(Section.program))
        .where(
            Enrollment.status == "requested",
            Enrollment.provider_organization_id.in_(
                sorted(actor.organizations_as("owner", "manager"))
            ),
        )
        .order_by(Enrollment.id)
        .limit(limit)
    )
    return [
        DeskItem(
            title=_(
                "%(person)s asks for a seat in “%(title)s”",
                person=row.name or row.email,
                title=row.section.program.title,
            ),
            url=ENROLLMENT_ADDRESS % row.id,
            since=row.created_at,
            detail=_("begins on %(day)s", day=format_date(row.section.starts_on)),
            action=_("Decide"),
        )
        for row in rows
    ]


def list_to_record(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the sections of the actor's organizations that are over and lack results."""
    sections = session.scalars(
        select(Section)
        .options(joinedload(Section.program))
        .where(
            Section.organization_id.in_(sorted(actor.organizations_as())),
            Section.ends_on < today_here(),
            Section.status.in_(("running", "completed")),
            Section.id.in_(select(Enrollment.section_id).where(Enrollment.status == "enrolled")),
        )
        .order_by(Section.ends_on, Section.id)
        .limit(limit)
    )
    return [
        DeskItem(
            title=section.program.title,
            url=ROSTER_ADDRESS % section.id,
            since=dt.datetime.combine(section.ends_on, dt.time(), dt.UTC),
            detail=_("ended on %(day)s", day=format_date(section.ends_on)),
            action=_("Record results"),
        )
        for section in sections
    ]


def list_next_meetings(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the actor's meetings of the next days, the earliest first."""
    until = now() + dt.timedelta(days=DESK_DAYS)
    return [
        DeskItem(
            title=row.section.program.title,
            url=ENROLLMENT_ADDRESS % row.id,
            since=row.created_at,
            detail=" · ".join(
                part
                for part in (
                    write_instant(meeting.starts_at, row.section.timezone),
                    row.section.place,
                )
                if part
            ),
        )
        for row, meeting in _meetings_of(actor.user_id, now(), until, limit)
    ]


def _meetings_of(
    user_id: int | None, after: dt.datetime, until: dt.datetime, limit: int
) -> Sequence[Any]:
    return session.execute(
        select(Enrollment, SectionMeeting)
        .join(Section, Section.id == Enrollment.section_id)
        .join(Program, Program.id == Section.program_id)
        .join(SectionMeeting, SectionMeeting.section_id == Section.id)
        .options(
            contains_eager(Enrollment.section).contains_eager(Section.program),
            joinedload(Enrollment.provider),
        )
        .where(
            Enrollment.user_id == user_id,
            Enrollment.status.in_(TAKING_PART),
            Section.status != "cancelled",
            SectionMeeting.ends_at > after,
            SectionMeeting.starts_at < until,
        )
        .order_by(SectionMeeting.starts_at, SectionMeeting.id)
        .limit(limit)
    ).all()


def list_hindrances(actor: Actor) -> list[Hindrance]:
    """Return the seats that somebody has in what is not over."""
    if actor.user_id is None:
        return []
    rows = session.execute(
        select(Enrollment.id, Program.title)
        .join(Section, Section.id == Enrollment.section_id)
        .join(Program, Program.id == Section.program_id)
        .where(
            Enrollment.user_id == actor.user_id,
            Enrollment.status == "enrolled",
            Section.ends_on >= today_here(),
        )
        .order_by(Enrollment.id)
    )
    return [
        Hindrance(
            _("Give back your seat in “%(title)s”.", title=row.title),
            ENROLLMENT_ADDRESS % row.id,
        )
        for row in rows
    ]


def list_calendar(user_id: int, after: dt.datetime, until: dt.datetime) -> list[CalendarEntry]:
    """Return the meetings of what a person takes part in, for the person's calendar."""
    return [
        CalendarEntry(
            kind="meeting",
            number=meeting.id,
            sequence=row.section.sequence,
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            updated_at=row.section.updated_at,
            summary=row.section.program.title,
            location=row.section.place or row.provider.name,
            url=ENROLLMENT_ADDRESS % row.id,
        )
        for row, meeting in _meetings_of(user_id, after, until, MOST_IN_CALENDAR)
    ]

"""Rosters of sections, and statements of what is owed: per section, per firm and month."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import aliased, joinedload

from portal.kernel.clock import month_after, today_here
from portal.kernel.database import session
from portal.kernel.paging import Page, keyset_page
from portal.kernel.spreadsheets import Cell, amount_number
from portal.organizations.models import Organization
from portal.training.models.certificates import Certificate
from portal.training.models.enrollments import Attendance, Enrollment
from portal.training.models.programs import Program
from portal.training.models.sections import Section, SectionMeeting
from portal.training.queries.enrollments import MOST_ON_ROSTER, attendance_of
from portal.training.rules.enrollments import (
    TAKING_PART,
    attended_of,
    owed_cents,
    result_waits_until,
    total_cents,
)

_OPTIONS = (
    joinedload(Enrollment.section).joinedload(Section.program).joinedload(Program.credential),
    joinedload(Enrollment.provider),
    joinedload(Enrollment.organization),
    joinedload(Enrollment.user),
)


@dataclass(frozen=True)
class RosterRow:
    """Somebody on a roster, with who came when and what is owed."""

    enrollment: Enrollment
    present: Mapping[int, bool]
    came_to: int
    of_meetings: int
    certificate_number: str
    owed_cents: int | None
    waits_until: dt.date | None


#: So many people stand on a page of a roster; a form has four parts for each of them.
ROSTER_PAGE = 100


def list_taking_part(section: Section, ids: Collection[int] | None = None) -> list[Enrollment]:
    """Return who takes part in a section, or did to its end, by name; of these ids, where given."""
    statement = _of_section(section, TAKING_PART).order_by(Enrollment.id)
    if ids is not None:
        statement = statement.where(Enrollment.id.in_(sorted(ids)))
    return sorted(session.scalars(statement.limit(MOST_ON_ROSTER)), key=_by_name)


def _by_name(row: Any) -> tuple[str, str, int]:
    return row.name.casefold(), row.email, row.id


def _of_section(section: Section, statuses: Sequence[str]) -> Select[Enrollment]:
    return (
        select(Enrollment)
        .options(*_OPTIONS)
        .where(Enrollment.section_id == section.id, Enrollment.status.in_(statuses))
    )


def list_attendance(meeting_id: int) -> dict[int, Attendance]:
    """Return what was noted of a meeting, by enrollment."""
    rows = session.scalars(
        select(Attendance)
        .where(Attendance.meeting_id == meeting_id)
        .order_by(Attendance.enrollment_id)
    )
    return {row.enrollment_id: row for row in rows}


def load_roster(section: Section) -> list[RosterRow]:
    """Return who takes part in a section, with attendance and certificates, by name."""
    return _roster_rows(list_taking_part(section))


def load_roster_page(section: Section, *, cursor: str | None = None) -> Page[RosterRow]:
    """Return a page of who takes part in a section, as `load_roster` does."""
    found = keyset_page(
        _of_section(section, TAKING_PART),
        (Enrollment.name, Enrollment.id),
        cursor=cursor,
        limit=ROSTER_PAGE,
    )
    return Page(_roster_rows(found.items), found.next)


def _roster_rows(rows: Sequence[Enrollment]) -> list[RosterRow]:
    numbers = [row.id for row in rows]
    marks = attendance_of(numbers)
    printed = _numbers_of(numbers)
    found = []
    for row in rows:
        came, seen = attended_of(marks[row.id].values())
        found.append(
            RosterRow(
                row,
                marks[row.id],
                came,
                seen,
                printed.get(row.id, ""),
                _owed(row),
                result_waits_until(row.status, row.price_cents, row.free_until, today_here()),
            )
        )
    return found


def _numbers_of(enrollment_ids: Sequence[int]) -> dict[int, str]:
    rows = session.execute(
        select(Certificate.enrollment_id, Certificate.number)
        .where(
            Certificate.enrollment_id.in_(list(enrollment_ids)), Certificate.revoked_at.is_(None)
        )
        .order_by(Certificate.id)
    )
    return {number: certificate for number, certificate in rows if number is not None}


def list_pending(section: Section) -> list[Enrollment]:
    """Return who is asked, asks, or waits: with a seat first, then those in line."""
    order = {"requested": 0, "invited": 1, "offered": 2, "waiting": 3}
    return list(
        session.scalars(
            _of_section(section, list(order))
            .order_by(case(order, value=Enrollment.status), Enrollment.id)
            .limit(MOST_ON_ROSTER)
        )
    )


def _owed(row: Enrollment) -> int | None:
    """Return what is owed for an enrollment; for a section that was cancelled, nothing is."""
    if row.section.status == "cancelled":
        return 0
    return owed_cents(row.status, row.price_cents, is_withdrawn_late=row.is_withdrawn_late)


def roster_columns(meetings: Sequence[SectionMeeting]) -> list[str]:
    """Return the columns of a roster as a table: a column for each meeting."""
    days = [f"{meeting.starts_at:%Y-%m-%d %H:%M}Z" for meeting in meetings]
    return [
        "seat",
        "name",
        "email",
        "organization",
        "status",
        "grade",
        "finished",
        "certificate",
        "price",
        "owed",
        *days,
    ]


def roster_cells(
    row: RosterRow, meetings: Sequence[SectionMeeting], *, shows_grade: bool = True
) -> list[Cell]:
    """Return somebody on a roster as a table has it; the grade is for those who teach."""
    enrollment = row.enrollment
    return [
        str(enrollment.seat or ""),
        enrollment.name,
        enrollment.email,
        enrollment.organization.name if enrollment.organization else "",
        enrollment.status,
        enrollment.grade if shows_grade else "",
        enrollment.finished_on.isoformat() if enrollment.finished_on else "",
        row.certificate_number,
        amount_number(enrollment.price_cents),
        amount_number(row.owed_cents),
        *({True: "yes", False: "no", None: ""}[row.present.get(one.id)] for one in meetings),
    ]


# Statements


@dataclass(frozen=True)
class StatementRow:
    """An enrollment with what is owed for it, in cents; None where no price was said."""

    enrollment: Enrollment
    amount_cents: int | None


@dataclass(frozen=True)
class Statement:
    """What one firm owes one provider: rows and their sum. payer: None are single people."""

    other: Organization | None
    rows: list[StatementRow]

    @property
    def total_cents(self) -> int:
        """What it comes to."""
        return total_cents(row.amount_cents for row in self.rows)


STATEMENT_COLUMNS = (
    "enrollment",
    "section",
    "program",
    "provider",
    "payer",
    "person",
    "email",
    "begins",
    "ends",
    "status",
    "customer_class",
    "amount",
)

#: More than this in one month are not shown on a page; the table has them all.
MOST_STATEMENT_ROWS = 2_000
_AT_ONCE = 500


def _owed_rows(*conditions: ColumnElement[bool]) -> Select[Enrollment]:
    return (
        select(Enrollment)
        .join(Section, Section.id == Enrollment.section_id)
        .where(
            or_(Enrollment.status.in_(TAKING_PART), Enrollment.is_withdrawn_late.is_(True)),
            Section.status != "cancelled",
            *conditions,
        )
    )


_BY_DATE = (Section.starts_on, Section.id, Enrollment.id)


def load_section_statement(section: Section) -> list[Statement]:
    """Return what is owed for a section, by who pays."""
    rows = session.scalars(
        _owed_rows(Enrollment.section_id == section.id)
        .options(*_OPTIONS)
        .order_by(*_BY_DATE)
        .limit(MOST_ON_ROSTER)
    )
    return _by_other(rows, side="provider")


@dataclass(frozen=True)
class MonthOwed:
    """What others owe an organization for a month, or what it owes, as far as a page shows it.

    total_cents: of the whole month. is_cut: there is more than the statements say.
    """

    statements: list[Statement]
    total_cents: int
    is_cut: bool


def load_month(organization: Organization, *, side: str, month: dt.date) -> MonthOwed:
    """Return what others owe an organization ("provider") for a month, or what it owes ("payer").

    An enrollment belongs to the month in which its section begins.
    """
    owed = _owed_in(organization, side, month)
    rows = session.scalars(owed.options(*_OPTIONS).limit(MOST_STATEMENT_ROWS + 1)).all()
    total = session.scalar(owed.with_only_columns(func.sum(Enrollment.price_cents)).order_by(None))
    return MonthOwed(
        _by_other(rows[:MOST_STATEMENT_ROWS], side=side),
        total or 0,
        len(rows) > MOST_STATEMENT_ROWS,
    )


def month_cells(organization: Organization, *, side: str, month: dt.date) -> Iterator[list[Cell]]:
    """Return a month's enrollments one after the other, as a table has them: all of them."""
    # Written while it is sent: what is there is settled first, and read in parts.
    numbers = session.scalars(
        _owed_in(organization, side, month).with_only_columns(Enrollment.id)
    ).all()
    for start in range(0, len(numbers), _AT_ONCE):
        part = numbers[start : start + _AT_ONCE]
        rows = session.scalars(select(Enrollment).options(*_OPTIONS).where(Enrollment.id.in_(part)))
        by_id = {row.id: row for row in rows}
        yield from (_cells(by_id[number]) for number in part if number in by_id)


def _owed_in(organization: Organization, side: str, month: dt.date) -> Select[Enrollment]:
    """Return the statement for a month: by the name of the other side, single people last."""
    other = aliased(Organization)
    columns: list[Any] = [Enrollment.provider_organization_id, Enrollment.organization_id]
    mine, whose = columns if side == "provider" else reversed(columns)
    return (
        _owed_rows(
            mine == organization.id,
            Section.starts_on >= month.replace(day=1),
            Section.starts_on < month_after(month),
        )
        .outerjoin(other, other.id == whose)
        .order_by(other.id.is_(None), other.name, other.id, *_BY_DATE)
    )


def _by_other(rows: Iterable[Enrollment], *, side: str) -> list[Statement]:
    found: dict[Organization | None, list[StatementRow]] = defaultdict(list)
    for row in rows:
        other = row.organization if side == "provider" else row.provider
        found[other].append(StatementRow(row, _owed(row)))
    # Single people come last.
    order = sorted(
        found.items(), key=lambda item: (item[0] is None, item[0].name if item[0] else "")
    )
    return [Statement(other, rows) for other, rows in order]


def statement_cells(statements: Sequence[Statement]) -> Iterator[list[Cell]]:
    """Return the rows of statements as a table has them."""
    return (_cells(row.enrollment) for statement in statements for row in statement.rows)


def _cells(enrollment: Enrollment) -> list[Cell]:
    section = enrollment.section
    return [
        str(enrollment.id),
        str(section.id),
        section.program.title,
        enrollment.provider.name,
        enrollment.organization.name if enrollment.organization else "",
        enrollment.name,
        enrollment.email,
        section.starts_on.isoformat(),
        section.ends_on.isoformat(),
        # What a firm reads of a result is whether somebody passed.
        enrollment.status,
        enrollment.customer_class,
        amount_number(_owed(enrollment)),
    ]

"""What no command can do: that something happened some days ago."""

import datetime as dt

from sqlalchemy import update

from portal.demo.rules.chance import days_before
from portal.facilities.models import Equipment, Facility
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.workflow import WorkflowStep
from portal.organizations.models import Organization
from portal.partnerships.models import Request


def evening_of(day: dt.date) -> dt.datetime:
    """Return a moment in the evening of a day."""
    return dt.datetime.combine(day, dt.time(18), dt.UTC)


def ago(days: int) -> dt.datetime:
    """Return a moment some days ago."""
    return now() - dt.timedelta(days=days, hours=3)


def date_back(
    row: Organization | Facility | Equipment | Request, days: int, user_id: int | None
) -> None:
    """Write that a record was last confirmed some days ago, and made and changed before that."""
    words = row.title if isinstance(row, Request) else row.name
    changed, made = days_before(words)
    row.confirmed_at = ago(days)
    row.updated_at = ago(days + changed)
    row.created_at = ago(days + changed + made)
    row.confirmed_by_id = user_id


def date_step(subject: str, number: int, action: str, moment: dt.datetime) -> None:
    """Write that a step of a workflow was taken at a past moment."""
    session.flush()
    session.execute(
        update(WorkflowStep)
        .where(
            WorkflowStep.subject == subject,
            WorkflowStep.subject_id == number,
            WorkflowStep.action == action,
        )
        .values(taken_at=moment)
    )


def date_steps(subject: str, number: int, moment: dt.datetime) -> None:
    """Write that all steps of a row were taken at a past moment."""
    session.flush()
    session.execute(
        update(WorkflowStep)
        .where(WorkflowStep.subject == subject, WorkflowStep.subject_id == number)
        .values(taken_at=moment)
    )

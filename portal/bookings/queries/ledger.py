"""The ledger of a host: who granted, recognized or revoked what, and why."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import or_, select

from portal.bookings.models.access import Clearance, Qualification, Recognition
from portal.bookings.queries.grants import (
    CLEARANCE_OPTIONS,
    QUALIFICATION_OPTIONS,
    holder_of,
    thing_of,
)
from portal.bookings.queries.recognitions import RECOGNITION_OPTIONS, source_of
from portal.bookings.rules.words import CLEARANCE_KINDS
from portal.kernel.database import session
from portal.kernel.paging import Page, keyset_page
from portal.kernel.workflow import WorkflowStep
from portal.organizations.models import Organization


@dataclass(frozen=True)
class LedgerEntry:
    """Who granted, renewed, recognized or revoked what, for whom, when and why."""

    taken_at: dt.datetime
    action: str
    kind: str
    what: str
    whom: str
    by: str
    note: str


def list_ledger(
    host: Organization, *, cursor: str | None = None, limit: int = 30
) -> Page[LedgerEntry]:
    """Return a page of what a host granted, recognized and revoked, the newest first."""
    subjects: tuple[tuple[str, Any], ...] = (
        ("qualification", Qualification),
        ("recognition", Recognition),
        ("clearance", Clearance),
    )
    steps = keyset_page(
        select(WorkflowStep).where(
            or_(
                *(
                    (WorkflowStep.subject == subject)
                    & WorkflowStep.subject_id.in_(
                        select(model.id).where(model.host_organization_id == host.id)
                    )
                    for subject, model in subjects
                )
            )
        ),
        (WorkflowStep.id,),
        cursor=cursor,
        limit=limit,
        descending=True,
    )
    options: Mapping[str, Any] = {
        "qualification": QUALIFICATION_OPTIONS,
        "recognition": RECOGNITION_OPTIONS,
        "clearance": CLEARANCE_OPTIONS,
    }
    rows: dict[tuple[str, int], Any] = {}
    for subject, model in subjects:
        ids = {step.subject_id for step in steps.items if step.subject == subject}
        if ids:
            found = session.scalars(
                select(model).options(*options[subject]).where(model.id.in_(ids))
            ).unique()
            rows |= {(subject, row.id): row for row in found}
    # Who deletes an account at this very moment takes the rows along.
    entries = [
        _entry(step, rows[step.subject, step.subject_id])
        for step in steps.items
        if (step.subject, step.subject_id) in rows
    ]
    return Page(entries, steps.next)


def _entry(step: WorkflowStep, row: Any) -> LedgerEntry:
    if isinstance(row, Qualification):
        what, whom = thing_of(row), row.user.name
    elif isinstance(row, Clearance):
        what, whom = str(CLEARANCE_KINDS[row.kind]), holder_of(row)
    else:
        what = source_of(row)
        whom = row.capability.name if row.capability else _("Every capability")
    return LedgerEntry(step.taken_at, step.action, step.subject, what, whom, step.who, step.note)

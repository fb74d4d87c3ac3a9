"""Workflows as data: a table of transitions, one function that fires them, and their history."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ForeignKey, Index, String, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.authorization import SYSTEM, Actor, can
from portal.kernel.clock import now
from portal.kernel.database import Identified, Model, session
from portal.kernel.errors import Conflict, Invalid, NotFound
from portal.kernel.outbox import Event, record

Text = Any  # a str or a lazy translation of one


@dataclass(frozen=True)
class Transition:
    """One row of a workflow table.

    event: called with (row, actor, note) and returns the event to record, or None for none.
    target: the new state, or None for a step that leaves the state as it is.
    note: "none", "optional" or "required": whether the actor gives a reason.
    confirm: the question asked before a step that cannot be undone.
    is_own: only a command of its own takes the step (it needs more than a reason, or follows from
    something else), so no page offers it and the action route does not know it.
    """

    action: str
    sources: tuple[str, ...]
    target: str | None
    permission: str
    label: Text
    done: Text
    event: Callable[[Any, Actor, str], Event] | None = None
    note: str = "none"
    confirm: Text | None = None
    is_main: bool = False
    is_own: bool = False


class WorkflowStep(Identified, Model):
    """One step that was taken: who did what to which row, when and why."""

    __table_args__ = (Index("ix_workflow_step_subject", "subject", "subject_id", "id"),)

    is_settled = False

    subject: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int]
    action: Mapped[str] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(String(40))
    target: Mapped[str] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(String(2000), default="")
    actor_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    actor_name: Mapped[str] = mapped_column(String(200), default="")
    taken_at: Mapped[dt.datetime] = mapped_column(default=now)

    @property
    def who(self) -> str:
        """Who took it, as people read it: what nobody took, the portal did."""
        is_by_portal = self.actor_id is None and self.actor_name == SYSTEM.name
        return _("the portal") if is_by_portal else self.actor_name


def write_step(
    actor: Actor,
    row: Any,
    action: str,
    *,
    subject: str,
    source: str = "",
    target: str = "",
    note: str = "",
    at: dt.datetime | None = None,
) -> None:
    """Write who did what to a row into its history."""
    session.flush()
    session.add(
        WorkflowStep(
            subject=subject,
            subject_id=row.id,
            action=action,
            source=source,
            target=target,
            note=note,
            actor_id=actor.user_id,
            actor_name=actor.name,
            taken_at=at or now(),
        )
    )


def list_steps(subject: str, row: Any, limit: int = 100) -> list[WorkflowStep]:
    """Return the newest steps of a row's history, the last one first."""
    return list(
        session.scalars(
            select(WorkflowStep)
            .where(WorkflowStep.subject == subject, WorkflowStep.subject_id == row.id)
            .order_by(WorkflowStep.id.desc())
            .limit(limit)
        )
    )


def forget_steps(subject: str, row: Any) -> None:
    """Delete the history of a row that is deleted: what was said of it goes with it."""
    session.execute(
        delete(WorkflowStep)
        .where(WorkflowStep.subject == subject, WorkflowStep.subject_id == row.id)
        .execution_options(synchronize_session=False)
    )


class Workflow:
    """The table of one kind of row that has a `status`."""

    def __init__(
        self, subject: str, statuses: Mapping[str, Text], transitions: tuple[Transition, ...]
    ) -> None:
        self.subject = subject
        self.statuses = statuses
        self.transitions = {transition.action: transition for transition in transitions}
        for transition in transitions:
            unknown = {*transition.sources, transition.target} - {*statuses, None}
            if unknown:
                raise ValueError(f"{subject}.{transition.action}: unknown states {unknown}")

    def permission(self, action: str, **_arguments: object) -> str:
        """Return the permission that an action needs (for `@command`)."""
        transition = self.transitions.get(action)
        if transition is None or transition.is_own:
            raise NotFound(_("There is no such action."))
        return transition.permission

    def available(self, actor: Actor, row: Any) -> list[Transition]:
        """Return the actions that this actor has on this row now, in table order."""
        return [
            transition
            for transition in self.transitions.values()
            if row.status in transition.sources
            and not transition.is_own
            and can(actor, transition.permission, row)
        ]

    def apply(
        self,
        actor: Actor,
        row: Any,
        action: str,
        *,
        note: str = "",
        at: dt.datetime | None = None,
    ) -> None:
        """Take a step inside a command: check the state, write it, its history, its event.

        at: when, for steps of several rows that are told as one.
        Raises Conflict when the state does not allow it, Invalid when a reason is missing.
        """
        transition = self.transitions[action]
        if row.status not in transition.sources:
            raise Conflict(
                _(
                    "This is not possible now: its state is “%(state)s”.",
                    state=self.statuses[row.status],
                )
            )
        note = note.strip()
        if transition.note == "required" and not note:
            raise Invalid("note", _("Please give a reason."))
        if len(note) > 2000:
            raise Invalid("note", _("Please use 2,000 characters at most."))
        source, row.status = row.status, transition.target or row.status
        write_step(
            actor,
            row,
            action,
            subject=self.subject,
            source=source,
            target=row.status,
            note=note if transition.note != "none" else "",
            at=at,
        )
        if transition.event is not None:
            record(transition.event(row, actor, note))

    def history(self, row: Any, limit: int = 100) -> list[WorkflowStep]:
        """Return the newest steps of a row, oldest first."""
        return list_steps(self.subject, row, limit)[::-1]

"""Reads of programs for pages, the API, the desk, exports and the search index."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from portal.kernel.authorization import Actor, authorize
from portal.kernel.database import reload, session
from portal.kernel.errors import NotFound
from portal.kernel.workflow import WorkflowStep, list_steps
from portal.organizations.models import Organization
from portal.training.models.programs import Program
from portal.training.models.sections import Section
from portal.training.policies import Permission
from portal.training.rules.sections import LIVE_STATUSES

PROGRAM_OPTIONS = (
    joinedload(Program.organization).options(
        joinedload(Organization.county), joinedload(Organization.zip_place)
    ),
    joinedload(Program.credential),
    joinedload(Program.occupation),
    joinedload(Program.confirmed_by),
    selectinload(Program.skills),
)


def get_program(program_id: int) -> Program:
    """Return a program with all that belongs to it but its sections. Raises NotFound."""
    program = session.scalar(
        select(Program).options(*PROGRAM_OPTIONS).where(Program.id == program_id)
    )
    if program is None:
        raise NotFound()
    return program


def get_visible_program(actor: Actor, program_id: int) -> Program:
    """Return a program that the actor may see. Raises NotFound."""
    program = get_program(program_id)
    authorize(actor, Permission.PROGRAM_VIEW, program)
    return program


def load_for_change(program: Program) -> None:
    """Read what commands change of a program again, under its lock."""
    reload(program, *PROGRAM_OPTIONS)


def has_live_sections(program_id: int) -> bool:
    """Tell whether a section of a program is planned, open or running."""
    live = select(Section.id).where(
        Section.program_id == program_id, Section.status.in_(LIVE_STATUSES)
    )
    return session.scalar(live.limit(1)) is not None


def list_history(program: Program, limit: int = 50) -> list[WorkflowStep]:
    """Return the newest steps of a program's history, the last one first.

    The note of a change names the fields that were changed, with blanks between them.
    """
    return list_steps("program", program, limit)


def version_of(program: Program) -> tuple[Any, ...]:
    """Return what changes whenever the page or the JSON of a loaded program does."""
    return "program", program.id, program.updated_at, program.organization.updated_at

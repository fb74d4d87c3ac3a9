"""Commands of programs. Values have passed the forms; what needs other rows is checked here."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, select

from portal.kernel.authorization import Actor, visible
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.outbox import record
from portal.kernel.workflow import forget_steps, write_step
from portal.organizations.models import Organization
from portal.skills import queries as skills
from portal.training.events import ProgramDeleted, ProgramSaved
from portal.training.models.programs import Program
from portal.training.models.sections import Section
from portal.training.policies import Permission
from portal.training.queries import programs as queries
from portal.training.rules.programs import (
    PROGRAM_FIELDS,
    check_apprenticeship,
    unsaid_of_apprenticeship,
)

_COLUMNS = (*PROGRAM_FIELDS, "external_values")


@dataclass(frozen=True)
class Imported:
    """A program that an import met; outcome: "created", "changed" or "unchanged"."""

    record: Program
    outcome: str


@command(Permission.PROGRAM_CREATE)
def create_program(
    actor: Actor,
    organization: Organization,
    *,
    external_id: str | None = None,
    is_demo: bool = False,
    confirmed_at: dt.datetime | None = None,
    **values: Any,
) -> Program:
    """Add a program to an organization. values: fields of `ProgramForm`; only `title` is needed.

    Raises Invalid for an unknown skill, credential or occupation.
    """
    if organization.status != "active":
        raise Conflict(_("This organization is archived."))
    program = Program(
        organization_id=organization.id,
        organization=organization,
        created_by_id=actor.user_id,
        external_id=external_id,
        is_demo=is_demo,
        visibility="draft",
        skills=[],
    )
    _set_program(program, values)
    _check_apprenticeship(program)
    session.add(program)
    session.flush()
    _confirm(actor, program, confirmed_at)
    _keep(actor, program, "create")
    record(ProgramSaved(program.id, organization.id))
    return program


@command(Permission.PROGRAM_EDIT)
def update_program(actor: Actor, program: Program, **values: Any) -> Program:
    """Change the fields that are given. Whoever saves a program confirms it."""
    queries.load_for_change(program)
    changed = _set_program(program, values)
    _check_apprenticeship(program)
    _touch(actor, program, "change" if changed else "confirm", changed)
    return program


@command(Permission.PROGRAM_EDIT)
def copy_program(actor: Actor, program: Program) -> Program:
    """Make a draft of another program like this one, without its sections."""
    queries.load_for_change(program)
    return create_program(
        actor,
        session.get_one(Organization, program.organization_id),
        **{name: getattr(program, name) for name in PROGRAM_FIELDS}
        | {
            "title": _("%(name)s (copy)", name=program.title)[:200],
            "skills": [skill.key for skill in program.skills],
            "credential": str(program.credential_id or ""),
            "occupation": program.occupation_code or "",
            "visibility": "draft",
        },
    )


@command(Permission.PROGRAM_CONFIRM)
def confirm_program(actor: Actor, program: Program) -> Program:
    """Say that a program's record is right as it stands."""
    _touch(actor, program, "confirm")
    return program


@command(Permission.PROGRAM_CREATE)
def confirm_programs(actor: Actor, organization: Organization, *, ids: Sequence[int]) -> int:
    """Confirm many programs of an organization at once; return how many there were."""
    programs = session.scalars(
        select(Program).where(
            Program.organization_id == organization.id,
            Program.id.in_(ids),
            visible(actor, Permission.PROGRAM_CONFIRM),
        )
    ).all()
    for program in programs:
        confirm_program(actor, program)
    return len(programs)


@command(Permission.PROGRAM_EDIT)
def change_program_visibility(actor: Actor, program: Program, *, visibility: str) -> Program:
    """Open a program to an audience, or take it back to a draft."""
    queries.load_for_change(program)
    changed = _set_program(program, {"visibility": visibility})
    _check_apprenticeship(program)
    _touch(actor, program, "change", changed)
    return program


@command(Permission.PROGRAM_EDIT)
def archive_program(actor: Actor, program: Program) -> Program:
    """Take a program out of lists and search; what was held stays for those who took part.

    Raises Conflict while a section of it is to come or under way.
    """
    if queries.has_live_sections(program.id):
        raise Conflict(_("It has sections to come or under way. Complete or cancel them first."))
    program.is_archived = True
    _touch(actor, program, "archive")
    return program


@command(Permission.PROGRAM_EDIT)
def restore_program(actor: Actor, program: Program) -> Program:
    """Take a program out of the archive."""
    program.is_archived = False
    _touch(actor, program, "restore")
    return program


@command(Permission.PROGRAM_DELETE)
def delete_program(actor: Actor, program: Program) -> Program:
    """Delete a program in whose sections nobody could ever enroll.

    Raises Conflict when one was opened: certificates and transcripts lead to it.
    """
    opened = select(Section.id).where(Section.program_id == program.id, Section.status != "planned")
    if session.scalar(opened.limit(1)) is not None:
        raise Conflict(_("Sections of it were open for enrollment. Archive it instead."))
    if queries.has_live_sections(program.id):
        raise Conflict(_("It has planned sections. Delete them first."))
    record(ProgramDeleted(program.id, program.organization_id))
    forget_steps("program", program)
    session.execute(delete(Program).where(Program.id == program.id))
    return program


@command(Permission.PROGRAM_CREATE)
def import_program(
    actor: Actor,
    organization: Organization,
    *,
    external_id: str,
    visibility: str = "draft",
    is_demo: bool = False,
    **values: Any,
) -> Imported:
    """Add or update an organization's program by its id in another catalog (idempotent).

    visibility: of a new record; one that is there keeps its own, and an apprenticeship that does
    not say all that it has to is a draft.
    """
    program = session.scalar(
        select(Program).where(
            Program.organization_id == organization.id, Program.external_id == external_id
        )
    )
    if program is None:
        created = create_program(
            actor,
            organization,
            external_id=external_id,
            visibility="draft" if unsaid_of_apprenticeship(values) else visibility,
            is_demo=is_demo,
            **values,
        )
        return Imported(created, "created")
    return import_values(actor, program, **values)


@command(Permission.PROGRAM_EDIT)
def import_values(actor: Actor, program: Program, **values: Any) -> Imported:
    """Write what a file says of a program, which is confirmed only if something changed."""
    queries.load_for_change(program)
    changed = _set_program(program, values)
    if not changed:
        return Imported(program, "unchanged")
    _touch(actor, program, "change", changed)
    return Imported(program, "changed")


def _set_program(program: Program, values: Mapping[str, Any]) -> list[str]:
    """Write the given fields; return the names of those that changed."""
    unknown = set(values) - {*_COLUMNS, "skills", "credential", "occupation"}
    if unknown:
        raise TypeError(f"no such fields: {', '.join(sorted(unknown))}")
    changed = []
    for name in _COLUMNS:
        if name in values and getattr(program, name) != values[name]:
            setattr(program, name, values[name])
            changed.append(name)
    if "skills" in values and _set_skills(program, values["skills"]):
        changed.append("skills")
    if "credential" in values and _set_credential(program, values["credential"] or ""):
        changed.append("credential")
    if "occupation" in values and _set_occupation(program, values["occupation"] or ""):
        changed.append("occupation")
    return changed


def _check_apprenticeship(program: Program) -> None:
    said = {name: getattr(program, name) for name in PROGRAM_FIELDS}
    check_apprenticeship({**said, "occupation": program.occupation_code})


def _set_skills(program: Program, names: Sequence[str]) -> bool:
    wanted = skills.get_skills(names)
    if {skill.key for skill in wanted} == {skill.key for skill in program.skills}:
        return False
    program.skills = wanted
    return True


def _set_credential(program: Program, text: str) -> bool:
    credential = skills.get_named_credential(text) if text else None
    number = credential.id if credential is not None else None
    if number == program.credential_id:
        return False
    if credential is not None and credential.issuer_organization_id not in (
        None,
        program.organization_id,
    ):
        raise Invalid("credential", _("Only its issuer can award this credential."))
    program.credential_id, program.credential = number, credential
    return True


def _set_occupation(program: Program, text: str) -> bool:
    occupation = skills.get_occupation(text) if text else None
    code = occupation.code if occupation is not None else None
    if code == program.occupation_code:
        return False
    program.occupation_code, program.occupation = code, occupation
    return True


def _confirm(actor: Actor, program: Program, moment: dt.datetime | None = None) -> None:
    """Whoever writes a record confirms it; a program that imports it cannot."""
    program.confirmed_at = moment if actor.is_system or moment else now()
    program.confirmed_by_id = actor.user_id


def _touch(actor: Actor, program: Program, step: str, changed: Sequence[str] = ()) -> None:
    """Confirm a program, give it a new version, and say that it changed."""
    if not actor.is_system:
        _confirm(actor, program)
    program.updated_at = now()
    _keep(actor, program, step, changed)
    record(ProgramSaved(program.id, program.organization_id))


def _keep(actor: Actor, program: Program, step: str, changed: Sequence[str] = ()) -> None:
    """Write down who did what, for the program's history."""
    write_step(
        actor,
        program,
        step,
        subject="program",
        target=program.visibility,
        note=" ".join(changed),
    )

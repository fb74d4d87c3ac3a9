"""Who may do what with programs, their sections, and who takes part in them."""

from enum import StrEnum

from portal.kernel.authorization import (
    Policy,
    Rule,
    administrator,
    clock,
    is_self,
    related,
    role_in,
    signed_in,
    value_in,
)
from portal.kernel.listing import visible_record
from portal.organizations.models import Organization
from portal.training.models.programs import Program
from portal.training.models.sections import Section
from portal.training.rules.sections import SHOWN_STATUSES


class Permission(StrEnum):
    PROGRAM_VIEW = "program.view"
    PROGRAM_VIEW_CONTACT = "program.view_contact"
    PROGRAM_CREATE = "program.create"
    PROGRAM_EDIT = "program.edit"
    PROGRAM_CONFIRM = "program.confirm"
    PROGRAM_DELETE = "program.delete"
    SECTION_VIEW = "section.view"
    SECTION_VIEW_INSIDE = "section.view_inside"
    SECTION_CREATE = "section.create"
    SECTION_EDIT = "section.edit"
    SECTION_ADVANCE = "section.advance"
    SECTION_CANCEL = "section.cancel"
    SECTION_DELETE = "section.delete"
    SECTION_KEEP = "section.keep"


_program_view = visible_record(Program, Organization)
_program_managers = role_in(Program.organization_id, "owner", "manager")
_program_author = is_self(Program.created_by_id) & role_in(Program.organization_id)
_program_editors = _program_managers | _program_author | administrator
_EDITORS = "owners and managers of the provider, its member who wrote it, administrators"
_section_people = role_in(Section.organization_id)
_section_managers = role_in(Section.organization_id, "owner", "manager")
_section_editors = (
    _section_managers | (is_self(Section.created_by_id) & _section_people) | administrator
)


def seen_section(program: Rule) -> Rule:
    """Who sees a section: whoever sees its program, once it was opened; its provider's people."""
    return (
        (value_in(Section.status, *SHOWN_STATUSES) & related(Section.program, program))
        | _section_people
        | administrator
    )


policy = Policy(
    write_scope="training:write",
    views={Program: Permission.PROGRAM_VIEW, Section: Permission.SECTION_VIEW},
    table={
        Permission.PROGRAM_VIEW: _program_view,
        Permission.PROGRAM_VIEW_CONTACT: signed_in,
        Permission.PROGRAM_CREATE: role_in(Organization.id) | administrator,
        Permission.PROGRAM_EDIT: _program_editors.described(_EDITORS),
        Permission.PROGRAM_CONFIRM: (
            (role_in(Program.organization_id) | administrator) & _program_view
        ).described("people of the provider who see it, administrators"),
        Permission.PROGRAM_DELETE: (_program_managers | administrator).described(
            "owners and managers of the provider, administrators"
        ),
        Permission.SECTION_VIEW: seen_section(_program_view).described(
            "whoever sees its program, once it was opened; before, people of the provider and "
            "administrators"
        ),
        Permission.SECTION_VIEW_INSIDE: (_section_people | administrator).described(
            "people of the provider, administrators"
        ),
        Permission.SECTION_CREATE: _program_editors.described(_EDITORS),
        Permission.SECTION_EDIT: _section_editors.described(_EDITORS),
        Permission.SECTION_ADVANCE: (_section_editors | clock).described(
            f"{_EDITORS}, the portal itself"
        ),
        Permission.SECTION_CANCEL: (_section_managers | administrator | clock).described(
            "owners and managers of the provider, administrators, the portal itself"
        ),
        Permission.SECTION_DELETE: (_section_managers | administrator).described(
            "owners and managers of the provider, administrators"
        ),
        Permission.SECTION_KEEP: clock,
    },
)

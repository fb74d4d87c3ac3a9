"""Who may import what, and who sees an import."""

from enum import StrEnum

from portal.intake.models import ImportRun
from portal.kernel.authorization import (
    Policy,
    actor_rule,
    administrator,
    brokers_anywhere,
    clock,
    is_self,
    role_in,
)
from portal.organizations.models import Organization


class Permission(StrEnum):
    IMPORT_BEGIN = "import.begin"
    IMPORT_ORGANIZATIONS = "import.organizations"
    IMPORT_EQUIPMENT = "import.equipment"
    IMPORT_PROGRAMS = "import.programs"
    IMPORT_VIEW = "import.view"
    IMPORT_DECIDE = "import.decide"
    IMPORT_ADVANCE = "import.advance"


_manage_something = actor_rule(
    lambda actor: bool(actor.organizations_as("owner", "manager")),
    "owners and managers of any organization",
)

policy = Policy(
    write_scope="imports:write",
    views={ImportRun: Permission.IMPORT_VIEW},
    table={
        Permission.IMPORT_BEGIN: _manage_something | brokers_anywhere | administrator,
        Permission.IMPORT_ORGANIZATIONS: (brokers_anywhere | administrator).described(
            "brokers, for rows in their regions; administrators"
        ),
        Permission.IMPORT_EQUIPMENT: role_in(Organization.id, "owner", "manager") | administrator,
        Permission.IMPORT_PROGRAMS: role_in(Organization.id, "owner", "manager") | administrator,
        Permission.IMPORT_VIEW: is_self(ImportRun.user_id) | administrator,
        Permission.IMPORT_DECIDE: is_self(ImportRun.user_id),
        Permission.IMPORT_ADVANCE: clock,
    },
)

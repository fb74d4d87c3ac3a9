"""Who may load skills, and who writes down the credentials that an organization issues."""

from enum import StrEnum

from portal.kernel.authorization import Policy, administrator, anyone, clock, role_in
from portal.organizations.models import Organization
from portal.skills.models import Credential


class Permission(StrEnum):
    """What can be done here."""

    SKILL_LOAD = "skill.load"
    CREDENTIAL_VIEW = "credential.view"
    CREDENTIAL_CREATE = "credential.create"
    CREDENTIAL_EDIT = "credential.edit"


policy = Policy(
    write_scope="skills:write",
    views={Credential: Permission.CREDENTIAL_VIEW},
    table={
        Permission.SKILL_LOAD: clock,
        Permission.CREDENTIAL_VIEW: anyone,
        Permission.CREDENTIAL_CREATE: role_in(Organization.id, "owner", "manager"),
        Permission.CREDENTIAL_EDIT: (
            role_in(Credential.issuer_organization_id, "owner", "manager") | administrator
        ).described("owners and managers of the organization that issues it, or administrators"),
    },
)

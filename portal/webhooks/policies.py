"""Who may do what with webhooks."""

from enum import StrEnum

from portal.kernel.authorization import Policy, clock, role_in
from portal.organizations.models import Organization
from portal.webhooks.models import Webhook


class Permission(StrEnum):
    WEBHOOK_VIEW = "webhook.view"
    WEBHOOK_VIEW_ALL = "webhook.view_all"
    WEBHOOK_CREATE = "webhook.create"
    WEBHOOK_EDIT = "webhook.edit"
    WEBHOOK_TELL = "webhook.tell"


_managers = role_in(Webhook.organization_id, "owner", "manager")
_of_organization = role_in(Organization.id, "owner", "manager")

policy = Policy(
    write_scope="webhooks:write",
    views={Webhook: Permission.WEBHOOK_VIEW},
    table={
        Permission.WEBHOOK_VIEW: _managers,
        Permission.WEBHOOK_VIEW_ALL: _of_organization,
        Permission.WEBHOOK_CREATE: _of_organization,
        Permission.WEBHOOK_EDIT: _managers,
        Permission.WEBHOOK_TELL: clock,
    },
)

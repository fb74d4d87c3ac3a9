"""The command of the interview: a firm, its machine, its request and a case, all or nothing."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from portal.brokerage.models.cases import Case
from portal.brokerage.policies import Permission
from portal.brokerage.services.cases import open_case
from portal.facilities.models import Equipment
from portal.facilities.services.equipment import list_equipment_on_behalf
from portal.kernel.authorization import Actor, authorize
from portal.kernel.commands import command
from portal.kernel.errors import Conflict, Invalid
from portal.organizations.models import Organization
from portal.organizations.policies import Permission as OrganizationPermission
from portal.organizations.queries.people import has_people
from portal.organizations.services.records import import_organization
from portal.partnerships.models import Request
from portal.partnerships.services.requests import write_request_for
from portal.regions.models import Region


@dataclass(frozen=True)
class Interview:
    """What one sitting brought: the firm, its case, and what else there was to write down."""

    organization: Organization
    case: Case
    equipment: Equipment | None
    request: Request | None


@command(Permission.CASE_OPEN)
def record_interview(
    actor: Actor,
    region: Region,
    *,
    organization: Organization | None = None,
    profile: Mapping[str, Any],
    equipment: Mapping[str, Any],
    request: Mapping[str, Any],
    note: str = "",
) -> Interview:
    """Write down what a firm of the region said of itself; nothing of it, if any part is refused.

    organization: the firm, where the directory has it already; then `profile` is left aside.
    equipment, request: fields of their forms; left out where they have no `name` or `title`.
    The request is a draft that needs the firm's word; equipment waits for its confirmation.
    Raises Invalid with the interview's own names of fields, Conflict for a firm with people here.
    """
    if organization is None:
        # Where it is says whose region it is in.
        for name, words in (
            ("name", _("Please give its name.")),
            ("zip_code", _("Please give its ZIP code.")),
        ):
            if not profile[name]:
                raise Invalid(name, words)
        organization, _outcome = import_organization(actor, source="broker", **profile)
    authorize(actor, OrganizationPermission.ORGANIZATION_IMPORT_HERE, organization)
    if has_people(organization.id):
        raise Conflict(
            _("“%(name)s” has people here, who write for it themselves.", name=organization.name)
        )
    listed = written = None
    if equipment["name"]:
        with _named("equipment_"):
            listed = list_equipment_on_behalf(actor, organization, visibility="public", **equipment)
    if request["title"]:
        with _named("request_"):
            written = write_request_for(actor, organization, **request)
    case = open_case(
        actor,
        region,
        title=request["title"] or organization.name,
        organization_id=organization.id,
        request_id=written.id if written else None,
        note=note,
    )
    return Interview(organization, case, listed, written)


@contextmanager
def _named(prefix: str) -> Iterator[None]:
    """Let what is refused inside stand at the interview's own fields."""
    try:
        yield
    except Invalid as error:
        raise Invalid(f"{prefix}{error.field}" if error.field else None, error.message) from error

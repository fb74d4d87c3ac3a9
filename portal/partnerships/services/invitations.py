"""Asking an organization to respond to a request, by a message in the thread that the two have."""

from flask_babel import gettext as _

from portal.conversations.models import Message
from portal.conversations.services import write_to_organization
from portal.kernel.authorization import Actor
from portal.kernel.commands import command
from portal.kernel.errors import Conflict, Invalid
from portal.organizations.queries.profiles import get_named_organization
from portal.partnerships.models import Request
from portal.partnerships.policies import Permission
from portal.partnerships.queries.reveals import has_responded


@command(Permission.REQUEST_INVITE)
def invite_to_request(
    actor: Actor, request: Request, *, organization: str, text: str, url: str
) -> Message:
    """Ask an organization, by its name or the address of its page, to respond to a request.

    url: of the request. Raises Invalid for who cannot be asked, TooMany as letters do.
    """
    asked = get_named_organization(organization)
    if asked.id in actor.memberships:
        raise Invalid("organization", _("This is your own organization."))
    if has_responded(request, asked.id):
        raise Invalid("organization", _("%(name)s has responded already.", name=asked.name))
    try:
        return write_to_organization(
            actor,
            asked,
            organization_id=request.organization_id,
            text=f"{text}\n\n[{_escaped(request.title)}]({url})",
        )
    except Conflict as error:
        raise Invalid("organization", error.message) from error


def _escaped(title: str) -> str:
    return title.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")

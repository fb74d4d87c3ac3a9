"""Commands of responses: sending one, answering it, taking it back."""

from flask_babel import gettext as _
from sqlalchemy import select

from portal.kernel.authorization import Actor, authorize
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.outbox import record
from portal.organizations.models import Organization
from portal.organizations.queries.profiles import list_organizations_of
from portal.partnerships.events import RequestRevealed, ResponseSent
from portal.partnerships.models import Request, RequestReveal, Response
from portal.partnerships.policies import Permission
from portal.partnerships.queries.reveals import is_revealed
from portal.partnerships.rules.workflows import OPEN_STATUSES, RESPONSES


@command(Permission.RESPONSE_SEND)
def send_response(
    actor: Actor, request: Request, *, message: str, organization_id: int | None = None
) -> Response:
    """Express an organization's interest in a request; each organization may do so once.

    organization_id: one of the actor's; None where there is only one.
    Raises Conflict when the request takes no responses or the organization has responded.
    """
    authorize(actor, Permission.REQUEST_VIEW, request)
    if request.status not in OPEN_STATUSES:
        raise Conflict(_("This request takes no responses now."))
    if organization_id is None:
        organization_id = _only_organization(actor)
    if organization_id not in actor.memberships:
        raise Invalid("organization_id", _("Please choose one of your organizations."))
    organization = session.get_one(Organization, organization_id)
    if organization.status != "active":
        raise Invalid("organization_id", _("This organization is archived."))
    is_known = session.scalar(
        select(Response.id).where(
            Response.request_id == request.id, Response.organization_id == organization_id
        )
    )
    if is_known is not None:
        raise Conflict(_("Your organization has responded to this request already."))
    response = Response(
        request_id=request.id,
        request=request,
        organization_id=organization_id,
        organization=organization,
        message=message,
        status="sent",
        created_by_id=actor.user_id,
    )
    session.add(response)
    session.flush()
    record(ResponseSent(response.id))
    return response


@command(RESPONSES.permission)
def act_on_response(actor: Actor, response: Response, action: str, *, note: str = "") -> Response:
    """Accept or decline a response (its receiver), or withdraw it (its sender)."""
    if action == "accept" and response.request.status == "withdrawn":
        raise Conflict(_("The request was withdrawn, so its responses can only be declined."))
    RESPONSES.apply(actor, response, action, note=note)
    if action == "accept" and response.request.is_anonymous:
        _log_reveal(actor, response)
    if action != "withdraw":
        response.decision_note = note.strip()
        response.decided_at = now()
    return response


def _log_reveal(actor: Actor, response: Response) -> None:
    """Both sides learn each other's name by acceptance; that of an anonymous request is logged."""
    if is_revealed(response.request, response.organization_id):
        return
    session.add(
        RequestReveal(
            request_id=response.request_id,
            organization_id=response.organization_id,
            cause="accept",
            revealed_by_id=actor.user_id,
        )
    )
    record(RequestRevealed(response.request_id, response.organization_id))


def _only_organization(actor: Actor) -> int | None:
    active = list_organizations_of(actor)
    return active[0].id if len(active) == 1 else None

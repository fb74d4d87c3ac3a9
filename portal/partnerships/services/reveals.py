"""Letting others know whose an anonymous request is: never by chance, always on record."""

from flask_babel import gettext as _

from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, NotFound
from portal.kernel.outbox import record
from portal.partnerships import events
from portal.partnerships.models import Request, RequestReveal
from portal.partnerships.policies import Permission
from portal.partnerships.queries import reveals as queries
from portal.partnerships.rules.workflows import SHOWN_STATUSES


@command(Permission.REQUEST_REVEAL)
def reveal_request(
    actor: Actor, request: Request, *, organization_id: int | None = None
) -> Request:
    """Let an organization that responded know whose a request is; without one, everybody.

    Raises Conflict where there is nothing to reveal, NotFound for who has not responded.
    """
    if not request.is_anonymous or request.status not in SHOWN_STATUSES:
        raise Conflict(_("This request hides no name from others."))
    if organization_id is not None:
        if not queries.has_responded(request, organization_id):
            raise NotFound(_("This organization has not responded."))
        if queries.is_revealed(request, organization_id):
            raise Conflict(_("This organization knows your name already."))
    else:
        request.is_anonymous = False
    session.add(
        RequestReveal(
            request_id=request.id,
            organization_id=organization_id,
            cause="owner",
            revealed_by_id=actor.user_id,
        )
    )
    request.updated_at = now()
    record(events.RequestRevealed(request.id, organization_id))
    return request

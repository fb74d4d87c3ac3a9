"""Closing a request with an answer to: what came of it?"""

from flask_babel import gettext as _

from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.outbox import record
from portal.partnerships.events import RequestClosed
from portal.partnerships.models import Request, RequestClosing
from portal.partnerships.policies import Permission
from portal.partnerships.queries import closing as queries
from portal.partnerships.rules.words import RESULTS
from portal.partnerships.services.requests import act_on_request


@command(Permission.REQUEST_MANAGE)
def close_request(
    actor: Actor, request: Request, *, result: str, response_id: int | None = None, note: str = ""
) -> RequestClosing:
    """Say what came of a request; one that is still open is fulfilled or withdrawn by it.

    result: a key of `words.RESULTS`; response_id: the accepted response that led to "found_here".
    What was said before of a closed one is replaced.
    """
    if request.status in ("draft", "proposed"):
        raise Conflict(_("This request was never published."))
    if result not in RESULTS:
        raise Invalid("result", _("Please say what came of it."))
    accepted = {response.id for response in queries.list_accepted(request)}
    if result != "found_here":
        response_id = None
    elif response_id not in accepted:
        raise Invalid(
            "response_id",
            _("Please say with whom.")
            if accepted
            else _("No response is accepted yet. Please accept it first, so that both can meet."),
        )
    if result in ("found_here", "found_elsewhere"):
        if request.status in ("published", "paused", "expired"):
            act_on_request(actor, request, "fulfil", note=note)
    elif request.status in ("published", "paused"):
        act_on_request(actor, request, "withdraw", note=note)
    closing = session.get(RequestClosing, request.id)
    if closing is None:
        closing = RequestClosing(request_id=request.id)
        session.add(closing)
    closing.result, closing.response_id, closing.note = result, response_id, note.strip()
    closing.told_by_id, closing.told_at = actor.user_id, now()
    request.updated_at = now()
    session.flush()
    record(RequestClosed(request.id, result))
    return closing

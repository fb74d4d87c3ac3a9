"""Mutual aid: telling everyone near who can help, and leaving those alone who want no e-mail."""

from portal.kernel.authorization import Actor
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.partnerships.models import Request, UrgentCall, UrgentSilence
from portal.partnerships.policies import Permission
from portal.partnerships.queries import requests as request_queries
from portal.partnerships.queries import urgent as queries


@command(Permission.REQUEST_CALL)
def call_helpers(actor: Actor, request: Request) -> list[int]:
    """Note everyone who is to be told of an urgent request and was not yet; return their ids.

    Asked again after a change, it tells those whom the change concerns.
    """
    request_queries.load_for_change(request)
    if not request.is_urgent or request.status != "published":
        return []
    told = queries.called_ids(request)
    calls = [
        UrgentCall(request_id=request.id, organization_id=organization_id, miles=miles)
        for organization_id, miles in queries.list_helpers(request)
        if organization_id not in told
    ]
    session.add_all(calls)
    return [call.organization_id for call in calls]


@command(Permission.URGENT_SILENCE)
def change_urgent_mail(actor: Actor, *, wants_mail: bool) -> None:
    """Choose whether the urgent requests of others come by e-mail; the desk shows them anyway."""
    present = session.get(UrgentSilence, actor.user_id)
    if wants_mail and present is not None:
        session.delete(present)
    elif not wants_mail and present is None:
        session.add(UrgentSilence(user_id=actor.user_id))

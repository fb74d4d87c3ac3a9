"""Asking the brokers of a region for help: the question is a case, so that it waits for an answer.

Brokers need no organization on the portal for that, as they would for a conversation.
"""

from flask_babel import gettext as _

from portal.brokerage.events import BrokersAsked
from portal.brokerage.models.cases import Case, CaseNote
from portal.brokerage.policies import Permission
from portal.brokerage.queries import cases as queries
from portal.kernel.authorization import Actor
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid, TooMany
from portal.kernel.outbox import record
from portal.regions.models import Region

#: So many questions a person asks in a day.
MOST_ASKED = 5


@command(Permission.BROKER_ASK)
def ask_brokers(
    actor: Actor, region: Region, *, title: str, text: str, organization_id: int | None = None
) -> Case:
    """Ask the brokers of a region. They read who asks, for which organization, and how to answer.

    Raises Conflict where the region has no broker, TooMany beyond `MOST_ASKED` a day.
    """
    if organization_id is not None and not actor.is_in(organization_id):
        raise Invalid("organization_id", _("Please choose one of your organizations."))
    brokers = queries.brokers_of(region.id)
    if not brokers:
        raise Conflict(_("This region has no broker yet."))
    if queries.count_asked(actor) >= MOST_ASKED:
        raise TooMany(_("You have asked several things today. Please go on tomorrow."), 86_400)
    case = Case(
        region_id=region.id,
        title=title,
        organization_id=organization_id,
        status="new",
        # Where there is one broker alone, nobody has to take it.
        keeper_id=brokers[0].id if len(brokers) == 1 else None,
        created_by_id=actor.user_id,
    )
    session.add(case)
    session.flush()
    session.add(CaseNote(case_id=case.id, text=text, author_id=actor.user_id))
    record(BrokersAsked(case.id))
    return case

"""Commands of the broker's desk."""

from flask_babel import gettext as _

from portal.brokerage.events import ConfirmationAsked
from portal.brokerage.models.desk import ConfirmationAsk
from portal.brokerage.policies import Permission
from portal.brokerage.queries import desk as queries
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Invalid
from portal.kernel.outbox import record
from portal.organizations.models import Organization


@command(Permission.CONFIRMATION_ASK)
def ask_to_confirm(actor: Actor, organizations: tuple[Organization, ...]) -> int:
    """Ask the people of organizations to look at their records; say how many were asked.

    Who was asked in the last month is spared.
    """
    if not organizations:
        raise Invalid(None, _("Please choose at least one."))
    asked = 0
    for organization in organizations:
        last = queries.last_asked(organization.id)
        if last is not None and last >= now() - queries.ASKED_AGAIN_AFTER:
            continue
        session.add(ConfirmationAsk(organization_id=organization.id, asked_by_id=actor.user_id))
        record(ConfirmationAsked(organization.id))
        asked += 1
    return asked

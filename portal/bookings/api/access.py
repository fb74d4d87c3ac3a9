"""Qualifications in the JSON API, as their pages list them."""

from flask.typing import ResponseReturnValue

from portal.bookings.api.blueprint import blueprint
from portal.bookings.policies import Permission
from portal.bookings.queries import grants
from portal.bookings.schemas.access import QualificationSchema
from portal.kernel.api import operation, page_arguments, respond_page
from portal.kernel.authorization import authorize
from portal.kernel.web import choice_argument, current_actor, number_argument
from portal.organizations.queries.profiles import get_visible_organization


@blueprint.get("/qualifications")
@operation(
    summary="List qualifications",
    tag="bookings",
    schema=QualificationSchema,
    is_list=True,
    filters={
        "organization_id": "Those that one of your organizations granted, instead of your own.",
        "state": "valid (today), ending (within 30 days) or all; all, if it is not given.",
    },
    problems=(403, 404),
)
def list_qualifications() -> ResponseReturnValue:
    """List your own qualifications, or those that an organization which you manage granted."""
    actor = current_actor()
    authorize(actor, Permission.QUALIFICATION_VIEW_OWN)
    organization_id = number_argument("organization_id")
    if organization_id is not None:
        host = get_visible_organization(actor, organization_id)
        authorize(actor, Permission.QUALIFICATION_VIEW_LEDGER, host)
    found = grants.list_qualifications(
        actor,
        **page_arguments(),
        host_id=organization_id,
        user_id=actor.user_id if organization_id is None else None,
        state=choice_argument("state", grants.STATES) or "all",
    )
    return respond_page(QualificationSchema(), found)

"""Qualifications and recognitions in the JSON API, as their pages have them."""

from typing import Any

from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.bookings.api.blueprint import blueprint
from portal.bookings.forms.access import NewRecognitionForm, RecognitionStepForm
from portal.bookings.policies import Permission
from portal.bookings.queries import grants, recognitions
from portal.bookings.schemas.access import QualificationSchema, RecognitionSchema
from portal.bookings.services import access as services
from portal.kernel.api import bind_json, operation, page_arguments, respond, respond_page
from portal.kernel.authorization import authorize
from portal.kernel.errors import Invalid
from portal.kernel.web.arguments import choice_argument, number_argument
from portal.kernel.web.viewer import current_actor
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


@blueprint.get("/recognitions")
@operation(
    summary="List whose word a host takes",
    tag="bookings",
    schema=RecognitionSchema,
    is_list=True,
    filters={"organization_id": "The host: an organization that you manage. Needed."},
    problems=(403, 404),
)
def list_recognitions() -> ResponseReturnValue:
    """List the hosts and the credentials by which people are qualified at one of yours."""
    host = _host(number_argument("organization_id"))
    authorize(current_actor(), Permission.QUALIFICATION_VIEW_LEDGER, host)
    return respond_page(
        RecognitionSchema(), recognitions.page_of_recognitions(host.id, **page_arguments())
    )


@blueprint.post("/recognitions")
@operation(
    summary="Recognize another host, or a credential",
    tag="bookings",
    schema=RecognitionSchema,
    form=NewRecognitionForm,
    status=201,
    scope="bookings:write",
    problems=(404,),
    example={"organization_id": 1, "credential": "AWS Certified Welder", "capability": "welding"},
)
def add_recognition() -> ResponseReturnValue:
    """Take the word of another host or of a credential, by name, for a capability or for all."""
    values = bind_json(NewRecognitionForm).data
    host = _host(values.pop("organization_id"))
    row = services.add_recognition(current_actor(), host, **values)
    return respond(RecognitionSchema(), recognitions.get_recognition(row.id), status=201)


@blueprint.post("/recognitions/<int:recognition_id>/actions/<action>")
@operation(
    summary="Recognize something no longer",
    tag="bookings",
    schema=RecognitionSchema,
    form=RecognitionStepForm,
    scope="bookings:write",
    example={"note": "Their test is another one now."},
)
def act_on_recognition(recognition_id: int, action: str) -> ResponseReturnValue:
    """Revoke a recognition, with a `note`; what was granted for it stays as it is."""
    actor = current_actor()
    row = recognitions.get_visible_recognition(actor, recognition_id)
    services.act_on_recognition(actor, row, action, note=bind_json(RecognitionStepForm).note.data)
    return respond(RecognitionSchema(), recognitions.get_recognition(recognition_id))


def _host(organization_id: int | None) -> Any:
    if organization_id is None:
        raise Invalid("organization_id", _("Please give a number."))
    return get_visible_organization(current_actor(), organization_id)

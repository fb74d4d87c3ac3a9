"""Requests and responses in the JSON API, over the same forms and commands as the pages."""

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from portal.kernel.api import api_blueprint, bind_json, operation, page_arguments
from portal.kernel.api import respond as answer
from portal.kernel.api import respond_page as answer_page
from portal.kernel.web.answers import not_modified
from portal.kernel.web.arguments import choice_argument, number_argument, text_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_chosen_organization, get_visible_organization
from portal.partnerships.forms import (
    AskFirmForm,
    CloseForm,
    NewRequestForm,
    NoteForm,
    RenewForm,
    RequestForm,
    ResponseForm,
    RevealForm,
    request_values,
)
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries import responses as response_queries
from portal.partnerships.queries.quality import assess_request
from portal.partnerships.rules.words import DIRECTIONS, REQUEST_KINDS
from portal.partnerships.rules.workflows import REQUESTS
from portal.partnerships.schemas import (
    ClosingSchema,
    MandateSchema,
    QualitySchema,
    RequestSchema,
    ResponseSchema,
)
from portal.partnerships.services import closing, mandates, reveals
from portal.partnerships.services import requests as services
from portal.partnerships.services import responses as response_services

blueprint = api_blueprint("partnerships", __name__)

_EXAMPLE = {
    "organization_id": 1,
    "kind": "equipment_sharing",
    "direction": "need",
    "title": "A bridge CMM for two days a month",
    "summary": "First-article inspection of aluminum housings up to 600 mm.",
    "expertise_sought": "Somebody who programs the measuring runs with us.",
    "capabilities": ["coordinate-measuring"],
    "zip_code": "40202",
    "radius_miles": 50,
    "visibility": "public",
    "publish": True,
}


@blueprint.get("/requests")
@operation(
    summary="List requests",
    tag="requests",
    schema=RequestSchema,
    is_list=True,
    filters={
        "kind": "equipment_sharing, rd_cooperation, technology, supply_chain, training"
        " or consortium.",
        "direction": "need or offer.",
        "status": "draft, published, paused, fulfilled, withdrawn or expired,"
        " among those you may see.",
        "capability": "A capability's key; narrower ones count.",
        "county": "A county's FIPS code.",
        "organization_id": "Requests of one organization, but for anonymous ones.",
        "urgent": "yes: urgent requests only.",
    },
)
def list_requests() -> ResponseReturnValue:
    """List the requests that you may see, the newest first."""
    found = queries.list_requests(
        current_actor(),
        **page_arguments(),
        kind=choice_argument("kind", REQUEST_KINDS),
        direction=choice_argument("direction", DIRECTIONS),
        status=choice_argument("status", REQUESTS.statuses),
        capability=text_argument("capability", 80),
        county=text_argument("county", 5),
        organization_id=number_argument("organization_id"),
        is_urgent=choice_argument("urgent", ("yes",)) == "yes",
    )
    reply = not_modified("requests", *map(_version, found.items), found.next)
    return reply or answer_page(_request_schema(), found)


@blueprint.post("/requests")
@operation(
    summary="Write a request",
    tag="requests",
    schema=RequestSchema,
    form=NewRequestForm,
    status=201,
    scope="requests:write",
    example=_EXAMPLE,
)
def create_request() -> ResponseReturnValue:
    """Write a request of one of your organizations: a draft, or published at once."""
    values = bind_json(NewRequestForm).data
    organization = get_chosen_organization(values.pop("organization_id"))
    created = services.create_request(current_actor(), organization, **values)
    return answer(
        _request_schema(),
        queries.get_request(created.id),
        status=201,
        location=url_for("partnerships_api.show_request", request_id=created.id),
    )


@blueprint.get("/requests/<int:request_id>")
@operation(summary="Read a request", tag="requests", schema=RequestSchema, problems=(404,))
def show_request(request_id: int) -> ResponseReturnValue:
    """Return a request."""
    record = queries.get_visible_request(current_actor(), request_id)
    return not_modified("request", _version(record)) or answer(_request_schema(), record)


@blueprint.patch("/requests/<int:request_id>")
@operation(
    summary="Change a request",
    tag="requests",
    schema=RequestSchema,
    form=RequestForm,
    is_partial=True,
    scope="requests:write",
    example={"summary": "First-article inspection of housings up to 800 mm."},
)
def change_request(request_id: int) -> ResponseReturnValue:
    """Change the fields that are given."""
    actor = current_actor()
    record = queries.get_editable_request(actor, request_id)
    form = bind_json(RequestForm, obj=request_values(record))
    services.change_request(actor, record, **form.data)
    return answer(_request_schema(), queries.get_request(request_id))


@blueprint.delete("/requests/<int:request_id>")
@operation(summary="Delete a draft", tag="requests", status=204, scope="requests:write")
def delete_request(request_id: int) -> ResponseReturnValue:
    """Delete a draft; what was published is withdrawn instead."""
    actor = current_actor()
    services.delete_request(actor, queries.get_visible_request(actor, request_id))
    return "", 204


@blueprint.post("/requests/<int:request_id>/actions/<action>")
@operation(
    summary="Publish, recall, pause, resume, fulfil or withdraw a request",
    tag="requests",
    schema=RequestSchema,
    form=NoteForm,
    scope="requests:write",
    example={"note": "We found a partner next door."},
)
def act_on_request(request_id: int, action: str) -> ResponseReturnValue:
    """Take a step of the workflow; `note` is kept with steps that ask for a reason."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    services.act_on_request(actor, record, action, **bind_json(NoteForm).data)
    return answer(_request_schema(), queries.get_request(request_id))


@blueprint.get("/requests/<int:request_id>/quality")
@operation(summary="Judge a request", tag="requests", schema=QualitySchema, problems=(403, 404))
def show_quality(request_id: int) -> ResponseReturnValue:
    """Say what one of your requests lacks, what is vague, and what similar ones say."""
    actor = current_actor()
    record = queries.get_inner_request(actor, request_id)
    return answer(QualitySchema(), assess_request(actor, record))


@blueprint.post("/requests/<int:request_id>/renew")
@operation(
    summary="Renew a request",
    tag="requests",
    schema=RequestSchema,
    form=RenewForm,
    scope="requests:write",
    example={"expires_on": "2027-06-30"},
)
def renew_request(request_id: int) -> ResponseReturnValue:
    """Put off the end of a request, once: up to 365 days from its first end."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    services.renew_request(actor, record, **bind_json(RenewForm).data)
    return answer(_request_schema(), queries.get_request(request_id))


@blueprint.post("/requests/<int:request_id>/close")
@operation(
    summary="Say what came of a request",
    tag="requests",
    schema=ClosingSchema,
    form=CloseForm,
    scope="requests:write",
    example={"result": "found_here", "response_id": 1, "note": "Two days a month from May on."},
)
def close_request(request_id: int) -> ResponseReturnValue:
    """Say what came of a request; an open one is closed by it."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    closed = closing.close_request(actor, record, **bind_json(CloseForm).data)
    return answer(ClosingSchema(), closed)


@blueprint.post("/requests/<int:request_id>/reveal")
@operation(
    summary="Show whose an anonymous request is",
    tag="requests",
    schema=RequestSchema,
    form=RevealForm,
    scope="requests:write",
    example={"organization_id": 2},
)
def reveal_request(request_id: int) -> ResponseReturnValue:
    """Let an organization that responded know your name; without one, everybody."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    reveals.reveal_request(actor, record, **bind_json(RevealForm).data)
    return answer(_request_schema(), queries.get_request(request_id))


@blueprint.post("/organizations/<int:organization_id>/requests")
@operation(
    summary="Write a request for a firm",
    tag="requests",
    schema=RequestSchema,
    form=RequestForm,
    status=201,
    scope="requests:write",
    example={name: value for name, value in _EXAMPLE.items() if name in RequestForm()._fields},
)
def write_request_for(organization_id: int) -> ResponseReturnValue:
    """Write, as a broker of its region, the draft of a request that a firm then confirms."""
    actor = current_actor()
    organization = get_visible_organization(actor, organization_id)
    written = services.write_request_for(actor, organization, **bind_json(RequestForm).data)
    return answer(
        _request_schema(),
        queries.get_request(written.id),
        status=201,
        location=url_for("partnerships_api.show_request", request_id=written.id),
    )


@blueprint.post("/requests/<int:request_id>/ask")
@operation(
    summary="Ask a firm to confirm a request",
    tag="requests",
    schema=MandateSchema,
    form=AskFirmForm,
    scope="requests:write",
    example={"email": "owner@firm.example", "language": "en", "message": "As we agreed today."},
)
def ask_firm(request_id: int) -> ResponseReturnValue:
    """Send a firm the link by which it confirms or refuses, without an account."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    asked = mandates.ask_firm(actor, record, **bind_json(AskFirmForm).data)
    return answer(MandateSchema(), asked)


@blueprint.get("/requests/<int:request_id>/responses")
@operation(
    summary="List responses to a request", tag="requests", schema=ResponseSchema, is_list=True
)
def list_responses(request_id: int) -> ResponseReturnValue:
    """List the responses that you may see: all to your own request, else your own."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    found = response_queries.list_responses(actor, record, **page_arguments())
    return answer_page(ResponseSchema(actor=actor), found)


@blueprint.post("/requests/<int:request_id>/responses")
@operation(
    summary="Respond to a request",
    tag="requests",
    schema=ResponseSchema,
    form=ResponseForm,
    status=201,
    scope="requests:write",
    example={"organization_id": 1, "message": "Our machine is free on Fridays."},
)
def send_response(request_id: int) -> ResponseReturnValue:
    """Express the interest of one of your organizations."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    sent = response_services.send_response(actor, record, **bind_json(ResponseForm).data)
    return answer(
        ResponseSchema(actor=actor),
        response_queries.get_visible_response(actor, sent.id),
        status=201,
        location=url_for("partnerships_api.show_response", response_id=sent.id),
    )


@blueprint.get("/responses/<int:response_id>")
@operation(summary="Read a response", tag="requests", schema=ResponseSchema, problems=(404,))
def show_response(response_id: int) -> ResponseReturnValue:
    """Return a response to its two sides."""
    actor = current_actor()
    return answer(
        ResponseSchema(actor=actor), response_queries.get_visible_response(actor, response_id)
    )


@blueprint.post("/responses/<int:response_id>/actions/<action>")
@operation(
    summary="Accept, decline or withdraw a response",
    tag="requests",
    schema=ResponseSchema,
    form=NoteForm,
    scope="requests:write",
    example={"note": "We need somebody within 20 miles."},
)
def act_on_response(response_id: int, action: str) -> ResponseReturnValue:
    """Take a step of the workflow; declining needs a `note`."""
    actor = current_actor()
    response = response_queries.get_visible_response(actor, response_id)
    response_services.act_on_response(actor, response, action, **bind_json(NoteForm).data)
    return answer(
        ResponseSchema(actor=actor), response_queries.get_visible_response(actor, response_id)
    )


def _request_schema() -> RequestSchema:
    return RequestSchema(actor=current_actor())


def _version(row: Any) -> tuple[Any, ...]:
    """What a reply depends on. What hides whose request it is must not move with its owner."""
    sees_subject = queries.shown_subject(current_actor(), row) is not None
    if not queries.sees_identity(current_actor(), row):
        return row.id, row.updated_at, sees_subject, "anonymous"
    return row.id, row.updated_at, sees_subject, row.organization.updated_at

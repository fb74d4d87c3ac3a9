"""Pages of responses: the worklists, one of them, the form, the answer."""

from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.authorization import authorize, can
from portal.kernel.errors import Conflict
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import confirmed
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import organization_choices
from portal.partnerships.forms import NoteForm, RequestPageForm, ResponseForm
from portal.partnerships.policies import Permission
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries import responses as response_queries
from portal.partnerships.rules.workflows import OPEN_STATUSES, RESPONSES
from portal.partnerships.services import responses as response_services
from portal.partnerships.views.blueprint import blueprint


@blueprint.get("/responses")
def list_responses() -> ResponseReturnValue:
    """Show the responses that the reader's organizations received and sent."""
    actor = current_actor()
    authorize(actor, Permission.REQUEST_VIEW_OWN)
    cursors = {name: request.args.get(name) for name in ("received", "sent")}
    received = response_queries.list_received(actor, cursor=cursors["received"])
    sent = response_queries.list_sent(actor, cursor=cursors["sent"])

    def next_url(name: str, cursor: str | None) -> str | None:
        if cursor is None:
            return None
        arguments: dict[str, Any] = {**cursors, name: cursor}
        return url_for("partnerships.list_responses", **arguments)

    return page(
        "partnerships/responses.html",
        received=received.items,
        received_url=next_url("received", received.next),
        sent=sent.items,
        sent_url=next_url("sent", sent.next),
        statuses=RESPONSES.statuses,
    )


@blueprint.route("/requests/<int:request_id>/respond", methods=["GET", "POST"])
def respond(request_id: int) -> ResponseReturnValue:
    """Express interest in a request."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    authorize(actor, Permission.RESPONSE_SEND, record)
    if record.status not in OPEN_STATUSES:
        raise Conflict(_("This request takes no responses now."))
    choices = organization_choices(actor)
    form = ResponseForm.bind()
    offer_organizations(form, choices)
    if form.submitted():
        response = form.attempt(response_services.send_response, actor, record, **form.data)
        if response is not None:
            flash(_("Your response was sent. The answer comes by e-mail."))
            return _to_response(response.id)
    return page(
        "partnerships/respond.html",
        form=form,
        card=queries.card_of(actor, queries.get_visible_request(actor, request_id)),
        is_asked=record.asked_organization_id in actor.memberships,
        has_choice=len(choices) > 1,
        unreachable=queries.find_unreachable(choices),
    )


@blueprint.get("/responses/<int:response_id>")
def show_response(response_id: int) -> ResponseReturnValue:
    """Show a response to its two sides; once it is accepted, with how to reach each other."""
    actor = current_actor()
    response = response_queries.get_visible_response(actor, response_id)
    return page(
        "partnerships/response.html",
        response=response,
        record=response.request,
        sees_identity=can(actor, Permission.RESPONSE_VIEW_IDENTITY, response),
        sees_request=can(actor, Permission.REQUEST_VIEW, response.request),
        contacts=response_queries.find_contacts(actor, response),
        own=actor.memberships,
        steps=RESPONSES.available(actor, response),
        status=RESPONSES.statuses[response.status],
    )


@blueprint.post("/responses/<int:response_id>/actions/<action>")
def act_on_response(response_id: int, action: str) -> ResponseReturnValue:
    """Accept, decline or withdraw a response."""
    actor = current_actor()
    response = response_queries.get_visible_response(actor, response_id)
    authorize(actor, RESPONSES.permission(action), response)
    step = RESPONSES.transitions[action]
    back = url_for("partnerships.show_response", response_id=response_id)
    if step.confirm and not confirmed():
        return page(
            "components/confirm.html", title=step.confirm, action=step.label, cancel_url=back
        )
    form = NoteForm.bind()
    if form.submitted():
        done = form.attempt(response_services.act_on_response, actor, response, action, **form.data)
        if done is not None:
            flash(str(step.done))
            return see_other(back)
    return page("partnerships/note.html", form=form, step=step, back=back)


def offer_organizations(
    form: RequestPageForm | ResponseForm, choices: list[tuple[int, str]]
) -> None:
    form.organization_id.choices = choices
    if form.organization_id.data is None and choices:
        form.organization_id.data = choices[0][0]


def _to_response(response_id: int) -> Response:
    return see_other(url_for("partnerships.show_response", response_id=response_id))

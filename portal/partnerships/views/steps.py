"""The steps in the life of a request: its workflow, renewing it, deleting a draft."""

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.authorization import authorize
from portal.kernel.clock import today_here
from portal.kernel.errors import NotFound, TooMany
from portal.kernel.web.addresses import external_url
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import confirmed, form_text, number_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import find_organization
from portal.partnerships.forms import (
    CloseForm,
    InviteForm,
    RenewForm,
    RequestPageForm,
    RevealForm,
    request_values,
)
from portal.partnerships.policies import Permission
from portal.partnerships.queries import closing
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries.reveals import has_responded
from portal.partnerships.rules.publishing import Incomplete, latest_end, usual_end
from portal.partnerships.rules.workflows import LISTED_STATUSES, REQUESTS
from portal.partnerships.services import requests as services
from portal.partnerships.services.closing import close_request
from portal.partnerships.services.invitations import invite_to_request
from portal.partnerships.services.mandates import take_over_request
from portal.partnerships.services.reveals import reveal_request
from portal.partnerships.views.blueprint import blueprint
from portal.partnerships.views.writing import edit_page, to_record


@blueprint.route("/requests/<int:request_id>/renew", methods=["GET", "POST"])
def renew(request_id: int) -> ResponseReturnValue:
    """Put off the end of a request, once."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    authorize(actor, Permission.REQUEST_MANAGE, record)
    first_end = record.expires_on
    usual = usual_end(first_end, is_urgent=record.is_urgent)
    form = RenewForm.bind(expires_on=max(usual, today_here()))
    if form.submitted():
        renewed = form.attempt(services.renew_request, actor, record, **form.data)
        if renewed is not None:
            flash(_("“%(title)s” was renewed.", title=renewed.title))
            return to_record(request_id)
    return page(
        "partnerships/renew.html",
        form=form,
        record=record,
        latest=latest_end(first_end, is_urgent=record.is_urgent),
    )


@blueprint.route("/requests/<int:request_id>/close", methods=["GET", "POST"])
def close(request_id: int) -> ResponseReturnValue:
    """Say what came of a request, and close it if it is open."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    authorize(actor, Permission.REQUEST_MANAGE, record)
    told = closing.find_closing(actor, record)
    accepted = closing.list_accepted(record)
    likely: dict[str, Any] = {}
    if len(accepted) == 1:
        likely["response_id"] = accepted[0].id
    elif not accepted:
        # What comes first in the list needs a response that was accepted.
        likely["result"] = "found_elsewhere"
    form = CloseForm.bind(told) if told else CloseForm.bind(**likely)
    form.response_id.choices = [(response.id, response.organization.name) for response in accepted]
    if form.submitted():
        closed = form.attempt(close_request, actor, record, **form.data)
        if closed is not None:
            flash(_("Thank you. What came of “%(title)s” is on record.", title=record.title))
            return to_record(request_id)
    return page(
        "partnerships/close.html",
        form=form,
        record=queries.get_visible_request(actor, request_id),
        is_open=record.status in LISTED_STATUSES,
    )


@blueprint.route("/requests/<int:request_id>/invite", methods=["GET", "POST"])
def invite(request_id: int) -> ResponseReturnValue:
    """Ask an organization to respond, in a message to it."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    authorize(actor, Permission.REQUEST_INVITE, record)
    organization = find_organization(number_argument("organization"))
    is_shown = organization is not None and organization.status == "active"
    form = InviteForm.bind(
        organization=organization.name if organization and is_shown else "",
        text=_("We put together a consortium for this call and would like you to take part.")
        if record.kind == "consortium"
        else _("We think that this may be for you. Would you respond to it?"),
    )
    if form.submitted():
        url = external_url("partnerships.show", request_id=request_id)
        try:
            sent = form.attempt(invite_to_request, actor, record, url=url, **form.data)
        except TooMany as error:
            form.add_error(None, error.message)
        else:
            if sent is not None:
                flash(_("The invitation was sent. What they answer stands here."))
                return see_other(url_for("conversations.show", thread_id=sent.thread_id))
    return page(
        "partnerships/invite.html",
        form=form,
        record=queries.get_visible_request(actor, request_id),
    )


@blueprint.post("/requests/<int:request_id>/reveal")
def reveal(request_id: int) -> ResponseReturnValue:
    """Let one organization that responded, or everybody, know whose a request is."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    authorize(actor, Permission.REQUEST_REVEAL, record)
    form = RevealForm.bind()
    # What is no organization must not be taken for everybody.
    is_sound, number = form.submitted(), form.organization_id.data
    organization = find_organization(number)
    if not is_sound or (number is not None and not has_responded(record, number)):
        raise NotFound(_("This organization has not responded."))
    if not confirmed():
        return page(
            "components/confirm.html",
            title=_("Show your name to %(name)s?", name=organization.name)
            if organization
            else _("Show your name to everybody?"),
            text=_("What is known once cannot be hidden again."),
            action=_("Show our name"),
            cancel_url=url_for("partnerships.show", request_id=request_id),
        )
    reveal_request(actor, record, organization_id=organization.id if organization else None)
    if organization is not None:
        flash(_("%(name)s now knows whose request this is.", name=organization.name))
    else:
        flash(_("The request now shows your name to everybody."))
    return to_record(request_id)


@blueprint.post("/requests/<int:request_id>/take-over")
def take_over(request_id: int) -> ResponseReturnValue:
    """Let the firm's own people look after what a broker posted for it."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    take_over_request(actor, record)
    flash(_("Your organization looks after this request alone from now on."))
    return to_record(request_id)


@blueprint.post("/requests/<int:request_id>/delete")
def delete(request_id: int) -> ResponseReturnValue:
    """Delete a draft."""
    actor = current_actor()
    record = queries.get_editable_request(actor, request_id)
    title = record.title
    if not confirmed():
        return page(
            "components/confirm.html",
            title=_("Delete the draft “%(title)s”?", title=title),
            text=_("Its attachments go with it."),
            action=_("Delete"),
            cancel_url=url_for("partnerships.show", request_id=request_id),
        )
    services.delete_request(actor, record)
    flash(_("“%(title)s” was deleted.", title=title))
    return see_other(url_for("partnerships.list_mine"))


@blueprint.post("/requests/<int:request_id>/actions/<action>")
def act(request_id: int, action: str) -> ResponseReturnValue:
    """Take a step of the workflow of requests."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    authorize(actor, REQUESTS.permission(action), record)
    step = REQUESTS.transitions[action]
    if step.confirm and not confirmed():
        return page(
            "components/confirm.html",
            title=step.confirm,
            action=step.label,
            cancel_url=url_for("partnerships.show", request_id=request_id),
        )
    try:
        services.act_on_request(actor, record, action, note=form_text("note"))
    except Incomplete as error:
        record = queries.get_visible_request(actor, request_id)
        form = RequestPageForm(obj=request_values(record, is_page=True))
        form.add_errors(error)
        return edit_page(form, request_id)
    flash(str(step.done))
    return to_record(request_id)

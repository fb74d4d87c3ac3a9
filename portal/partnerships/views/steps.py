"""The steps in the life of a request: its workflow, renewing it, deleting a draft."""

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.authorization import authorize
from portal.kernel.web import (
    confirmed,
    current_actor,
    flash,
    form_text,
    page,
    see_other,
)
from portal.partnerships.forms import (
    RenewForm,
    RequestPageForm,
    request_values,
)
from portal.partnerships.policies import Permission
from portal.partnerships.queries import requests as queries
from portal.partnerships.rules.publishing import Incomplete
from portal.partnerships.rules.workflows import REQUESTS
from portal.partnerships.services import requests as services
from portal.partnerships.views.blueprint import blueprint
from portal.partnerships.views.writing import edit_page, show_missing, to_record


@blueprint.route("/requests/<int:request_id>/renew", methods=["GET", "POST"])
def renew(request_id: int) -> ResponseReturnValue:
    """Put off the end of a request, once."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    authorize(actor, Permission.REQUEST_MANAGE, record)
    form = RenewForm.bind()
    if form.submitted():
        renewed = form.attempt(services.renew_request, actor, record, **form.data)
        if renewed is not None:
            flash(_("“%(title)s” was renewed.", title=renewed.title))
            return to_record(request_id)
    return page("partnerships/renew.html", form=form, record=record)


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
        show_missing(form, error)
        return edit_page(form, request_id)
    flash(str(step.done))
    return to_record(request_id)

"""Keeping a draft while it is typed: answers to a script that sends the form now and then."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.authorization import authorize
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Invalid, NotFound
from portal.kernel.meanwhile import MADE_FROM, digests_of, write_digests
from portal.kernel.web.formats import format_instant
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import organization_choices
from portal.partnerships.forms import RequestPageForm, request_values
from portal.partnerships.policies import Permission
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries.quality import assess_request
from portal.partnerships.services import requests as services
from portal.partnerships.views.blueprint import blueprint
from portal.partnerships.views.responses import offer_organizations
from portal.partnerships.views.writing import chosen, field_labels

R = TypeVar("R")


@blueprint.post("/requests/draft")
def keep_new_draft() -> ResponseReturnValue:
    """Keep what is typed into an empty form as a draft, as soon as it has a title."""
    actor = current_actor()
    authorize(actor, Permission.REQUEST_VIEW_OWN)
    choices = organization_choices(actor)
    form = RequestPageForm.bind()
    offer_organizations(form, choices)
    organization = chosen(choices, form.organization_id.data)
    if organization is None:
        raise NotFound(_("Please choose one of your organizations."))
    values = _sound_values(form)
    if any(name not in values for name in ("title", "kind", "direction", "visibility")):
        return {"message": _("Kept in this tab until it has a title.")}, 422
    return _kept(_keep(services.create_request, actor, organization, values))


@blueprint.post("/requests/<int:request_id>/draft")
def keep_draft(request_id: int) -> ResponseReturnValue:
    """Keep what is typed into a draft's form; what is not right yet is left as it was."""
    actor = current_actor()
    record = queries.get_editable_request(actor, request_id)
    if record.status != "draft":
        raise Conflict(_("This request is no draft any more."))
    form = RequestPageForm.bind(
        request_values(record, is_page=True), organization_id=record.organization_id
    )
    if form.is_outdated:
        # This page cannot show what others wrote; the one that follows saving does.
        return {"message": _("This has changed meanwhile. Save it to see what differs.")}, 409
    with form.comparing():
        return _kept(_keep(services.change_request, actor, record, _sound_values(form)))


def _sound_values(form: RequestPageForm) -> dict[str, Any]:
    """Return what of a form can be kept: all fields without an error."""
    form.validate()
    return {
        name: field.data
        for name, field in form._fields.items()
        if not field.errors and name not in ("organization_id", "attachments")
    }


def _keep(function: Callable[..., R], actor: Any, subject: Any, values: dict[str, Any]) -> R:
    """Write the values; those that the command refuses are left out."""
    while True:
        try:
            return function(actor, subject, **values)
        except Invalid as error:
            refused = {name for name, _message in error.problems}
            if not refused & values.keys():
                raise
            values = {name: value for name, value in values.items() if name not in refused}


def _kept(saved: Any) -> ResponseReturnValue:
    actor = current_actor()
    record = queries.get_request(saved.id)
    now_kept = RequestPageForm(
        obj=request_values(record, is_page=True), data={"organization_id": record.organization_id}
    )
    return {
        "url": url_for("partnerships.edit", request_id=saved.id),
        "keep": url_for("partnerships.keep_draft", request_id=saved.id),
        "message": _("Kept as a draft, %(time)s.", time=format_instant(now())),
        MADE_FROM: write_digests(digests_of(now_kept)),
        "quality": render_template(
            "partnerships/quality.html",
            quality=assess_request(actor, record),
            labels=field_labels(),
            edit_url="",
        ),
    }

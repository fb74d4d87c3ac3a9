"""Posting for a firm: the broker's form, the question to the firm, and its answer by a link."""

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.authorization import authorize
from portal.kernel.clock import now
from portal.kernel.errors import Invalid
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import form_text
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_visible_organization
from portal.organizations.rules import EMPLOYEE_BANDS, ORGANIZATION_KINDS
from portal.partnerships.forms import AskFirmForm, MandateForm, RequestPageForm, request_values
from portal.partnerships.policies import Permission
from portal.partnerships.queries import mandates
from portal.partnerships.queries import requests as queries
from portal.partnerships.rules.publishing import Incomplete
from portal.partnerships.rules.words import (
    AGREEMENT_KINDS,
    DIRECTIONS,
    IP_STATUSES,
    REQUEST_KINDS,
    TRL_WORDS,
)
from portal.partnerships.services import mandates as services
from portal.partnerships.services.requests import write_request_for
from portal.partnerships.views.blueprint import blueprint
from portal.partnerships.views.writing import edit_page, form_page, only_looks, to_record, to_saved


@blueprint.route("/organizations/<int:organization_id>/requests/new", methods=["GET", "POST"])
def write_for(organization_id: int) -> ResponseReturnValue:
    """Write the draft of a request for a firm."""
    actor = current_actor()
    organization = get_visible_organization(actor, organization_id)
    authorize(actor, Permission.REQUEST_WRITE_FOR, organization)
    form = RequestPageForm.bind()
    if not only_looks() and form.submitted():
        values = form.data
        for name in ("organization_id", "equipment_id", "facility_id"):
            values.pop(name)
        saved = form.attempt(write_request_for, actor, organization, **values)
        if saved is not None:
            return to_saved(saved)
    return form_page(
        "partnerships/write_for.html",
        form,
        organization=get_visible_organization(actor, organization_id),
    )


@blueprint.route("/requests/<int:request_id>/ask", methods=["GET", "POST"])
def ask_firm(request_id: int) -> ResponseReturnValue:
    """Ask the firm for its word on what was written for it."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    authorize(actor, Permission.REQUEST_ASK_FIRM, record)
    asked = mandates.find_mandate(actor, record)
    form = AskFirmForm.bind(
        email=asked.email if asked else record.organization.email,
        language=asked.language if asked else "en",
    )
    if form.submitted():
        try:
            mandate = services.ask_firm(actor, record, **form.data)
        except Incomplete as error:
            record = queries.get_visible_request(actor, request_id)
            written = RequestPageForm(obj=request_values(record, is_page=True))
            written.add_errors(error)
            return edit_page(written, request_id)
        except Invalid as error:
            form.add_errors(error)
        else:
            flash(_("The question is on its way to %(email)s.", email=mandate.email))
            return to_record(request_id)
    return page(
        "partnerships/ask_firm.html",
        form=form,
        record=queries.get_visible_request(actor, request_id),
    )


@blueprint.route("/requests/mandates/<token>", methods=["GET", "POST"])
def show_mandate(token: str) -> ResponseReturnValue:
    """Show a firm what would be posted for it, to whoever has the link, and take the answer."""
    mandate = mandates.get_mandate_by_token(token)
    form = MandateForm.bind()
    if form.submitted():
        is_given = form_text("answer") == "yes"
        answered = form.attempt(
            services.answer_mandate,
            current_actor(),
            mandate,
            token=token,
            is_given=is_given,
            **form.data,
        )
        if answered is not None:
            flash(
                _("Thank you. The request is published.")
                if is_given
                else _("Thank you. The request is not published.")
            )
            return see_other(url_for("partnerships.show_mandate", token=token))
    mandate = mandates.get_mandate_by_token(token)
    if mandate.status != "asked" or mandate.expires_at <= now():
        return page("partnerships/mandate_closed.html")
    return page(
        "partnerships/mandate.html",
        form=form,
        mandate=mandate,
        record=mandate.request,
        kinds=REQUEST_KINDS,
        directions=DIRECTIONS,
        readiness=TRL_WORDS,
        ip_statuses=IP_STATUSES,
        agreements=AGREEMENT_KINDS,
        organization_kinds=ORGANIZATION_KINDS,
        bands=EMPLOYEE_BANDS,
    )

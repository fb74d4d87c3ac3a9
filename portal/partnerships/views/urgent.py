"""Urgent requests near you, and whether they come by e-mail."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.authorization import Actor, authorize
from portal.kernel.web.addresses import local_target
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import form_text
from portal.kernel.web.viewer import current_actor
from portal.partnerships.policies import Permission
from portal.partnerships.queries import urgent as queries
from portal.partnerships.services.urgent import change_urgent_mail
from portal.partnerships.views.blueprint import blueprint


@blueprint.get("/requests/urgent")
def list_urgent() -> ResponseReturnValue:
    """Show the urgent requests of which the reader's organizations were told."""
    actor = current_actor()
    authorize(actor, Permission.URGENT_VIEW)
    return page(
        "partnerships/urgent.html",
        items=queries.list_calls(actor, 50),
        is_silent=queries.is_silent(actor),
    )


@blueprint.post("/requests/urgent/mail")
def choose_urgent_mail() -> ResponseReturnValue:
    """Get urgent requests by e-mail, or not."""
    wants_mail = form_text("choice") == "on"
    change_urgent_mail(current_actor(), wants_mail=wants_mail)
    if wants_mail:
        flash(_("Urgent requests near you come by e-mail again."))
    else:
        flash(_("You get no more e-mail about urgent requests. Your desk shows them."))
    return see_other(local_target(request.form.get("next"), url_for("partnerships.list_urgent")))


def mail_section(actor: Actor, _user: Any) -> dict[str, Any]:
    """Return the part of the page of all e-mail that is about urgent requests."""
    return {"anchor": "urgent", "is_silent": queries.is_silent(actor)}

"""Asking the brokers of a region for help."""

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.brokerage.forms.cases import AskBrokersForm
from portal.brokerage.policies import Permission
from portal.brokerage.services.asking import ask_brokers
from portal.brokerage.views.blueprint import blueprint
from portal.kernel.authorization import authorize
from portal.kernel.errors import Conflict, TooMany
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import text_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import organization_choices
from portal.regions.queries.regions import get_region_by_key


@blueprint.route("/regions/<key>/ask", methods=["GET", "POST"])
def ask(key: str) -> ResponseReturnValue:
    """Ask the brokers of a region for help."""
    actor = current_actor()
    region = get_region_by_key(key)
    authorize(actor, Permission.BROKER_ASK, region)
    own = organization_choices(actor)
    form = AskBrokersForm.bind(
        title=text_argument("title"), organization_id=own[0][0] if own else None
    )
    form.organization_id.choices = own
    if form.submitted():
        try:
            asked = form.attempt(ask_brokers, actor, region, **form.data)
        except (Conflict, TooMany) as error:
            form.add_error(None, error.message)
        else:
            if asked is not None:
                flash(_("Your question was sent. A broker answers to the address of your account."))
                return see_other(url_for("home.region", key=key))
    return page("brokerage/ask.html", form=form, region=get_region_by_key(key))

"""The administration of users."""

from flask import abort, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts import queries, services
from portal.accounts.policies import Permission
from portal.accounts.views.blueprint import blueprint
from portal.accounts.views.identity import ask_password_again
from portal.kernel.authorization import authorize
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import confirmed, text_argument
from portal.kernel.web.viewer import current_actor


@blueprint.get("/administration/users")
def users() -> ResponseReturnValue:
    """List and search all users."""
    q = text_argument("q")
    found = queries.list_users(current_actor(), q=q, cursor=request.args.get("cursor"))
    return page("accounts/users.html", users=found.items, next=found.next, q=q)


@blueprint.post("/administration/users/<int:user_id>/actions/<action>")
def act_on_user(user_id: int, action: str) -> ResponseReturnValue:
    """Close an account or open it again."""
    user = queries.get_visible_user(current_actor(), user_id)
    authorize(current_actor(), Permission.ACCOUNT_ADMINISTER, user)
    if reply := ask_password_again(url_for("accounts.users")):
        return reply
    if action == "deactivate":
        if not confirmed():
            return page(
                "components/confirm.html",
                title=_("Close the account of %(name)s?", name=user.name),
                text=_("Their sessions end and they cannot sign in. What they wrote stays."),
                action=_("Close account"),
                cancel_url=url_for("accounts.users"),
            )
        services.deactivate_user(current_actor(), user)
        flash(_("The account of %(name)s was closed.", name=user.name))
    elif action == "activate":
        services.activate_user(current_actor(), user)
        flash(_("The account of %(name)s is open again.", name=user.name))
    else:
        abort(404)
    return see_other(url_for("accounts.users"))

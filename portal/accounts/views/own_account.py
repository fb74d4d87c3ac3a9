"""Pages of one's own account: profile, address, password, sessions, tokens."""

from typing import Any

from flask import abort, make_response, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, get_locale
from flask_babel import gettext as _
from flask_login import current_user

from portal.accounts import queries, rules, services
from portal.accounts.forms import (
    LANGUAGE_NAMES,
    AddressForm,
    ChangePasswordForm,
    ProfileForm,
    TokenForm,
)
from portal.accounts.views.blueprint import blueprint
from portal.accounts.views.identity import (
    ask_password_again,
    check_password,
    hashed,
    keep_cookie,
    require_person,
)
from portal.kernel.authorization import known_scopes
from portal.kernel.manifest import hindrances_of_leaving, leavings
from portal.kernel.web.addresses import local_target
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import confirmed
from portal.kernel.web.viewer import current_actor


def _own_user() -> Any:
    require_person()
    return queries.get_visible_user(current_actor(), current_user.user_id)


@blueprint.route("/account", methods=["GET", "POST"])
def profile() -> ResponseReturnValue:
    """Show and change name, time zone and language."""
    user = _own_user()
    form = ProfileForm.bind(user)
    if (
        form.submitted()
        and form.attempt(services.change_profile, current_actor(), user, **form.data) is not None
    ):
        # In the language that was chosen just now.
        with force_locale(user.language or str(get_locale())):
            flash(_("Your profile was saved."))
        return see_other(url_for("accounts.profile"))
    return page("accounts/profile.html", form=form, user=user)


@blueprint.get("/account/mail")
def show_mail() -> ResponseReturnValue:
    """Show all that one hears by e-mail, each with the choice that its domain gives."""
    return page("accounts/mail.html", user=_own_user())


@blueprint.post("/account/language")
def switch_language() -> ResponseReturnValue:
    """Speak to me in another language from now on, and go back to where I was."""
    user = _own_user()
    language = request.form.get("language", "")
    if language not in LANGUAGE_NAMES:
        abort(404)
    services.change_profile(
        current_actor(), user, name=user.name, time_zone=user.time_zone, language=language
    )
    return see_other(local_target(request.form.get("next"), "/"))


@blueprint.route("/account/email", methods=["GET", "POST"])
def request_email_change() -> ResponseReturnValue:
    """Ask to move the account to another address."""
    if reply := ask_password_again():
        return reply
    user = _own_user()
    form = AddressForm.bind()
    if form.submitted():
        actor = current_actor()
        services.count_form(actor, address=request.remote_addr)
        new_email = form.email.data
        if form.attempt(services.request_email_change, actor, user, email=new_email) is not None:
            return page("accounts/mail_sent.html", email=new_email, kind="change_email")
    return page("accounts/request_email_change.html", form=form, user=user)


@blueprint.route("/account/email/<token>", methods=["GET", "POST"])
def change_email(token: str) -> ResponseReturnValue:
    """Move the account to the address that the link was sent to."""
    link = queries.find_link(token, "change_email")
    if link is None:
        url = url_for("accounts.request_email_change")
        reply = make_response(page("accounts/dead_link.html", new_link_url=url))
        reply.status_code = 410
        return reply
    if request.method == "POST":
        user = services.change_email(current_actor(), link)
        flash(_("Your account now uses %(email)s.", email=user.email))
        return see_other(url_for("accounts.profile"))
    return page("accounts/change_email.html", email=link.email, old_email=link.user.email)


@blueprint.route("/account/password", methods=["GET", "POST"])
def change_password() -> ResponseReturnValue:
    """Choose a new password; all other sessions end, and this one gets a new cookie."""
    user = _own_user()
    form = ChangePasswordForm.bind()
    form.context_words = (user.name, user.email)
    if form.submitted():
        if check_password(user.email, form.current_password.data) is None:
            form.add_error("current_password", _("This is not your password. Please try again."))
        else:
            actor = current_actor()
            services.change_password(
                actor,
                user,
                password_hash=hashed(form.password.data),
                kept_id=current_user.session_id,
            )
            token = services.renew_session(
                actor,
                queries.get_visible_session(actor, current_user.session_id),
                email=user.email,
                address=request.remote_addr,
            )
            keep_cookie(token)
            flash(_("Your password was changed. All other sessions have ended."))
            return see_other(url_for("accounts.profile"))
    return page("accounts/change_password.html", form=form, email=user.email)


@blueprint.route("/account/close", methods=["GET", "POST"])
def close_account() -> ResponseReturnValue:
    """Close one's own account for good; the page says what goes and what has to be settled."""
    if reply := ask_password_again():
        return reply
    user, actor = _own_user(), current_actor()
    if request.method == "POST":
        services.close_account(actor, user)
        cookie.clear()
        flash(_("Your account is closed, and your name and address are erased."))
        return see_other("/")
    return page(
        "accounts/close.html",
        hindrances=hindrances_of_leaving(actor),
        losses=[loss for one in leavings() if one.losses for loss in one.losses(actor)],
    )


@blueprint.get("/account/sessions")
def sessions() -> ResponseReturnValue:
    """List where one is signed in."""
    require_person()
    found = queries.list_sessions(current_actor(), cursor=request.args.get("cursor"))
    return page(
        "accounts/sessions.html",
        sessions=[(row, *rules.describe_browser(row.browser)) for row in found.items],
        current_id=current_user.session_id,
        next=found.next,
    )


@blueprint.post("/account/sessions/<int:session_id>/end")
def end_session(session_id: int) -> ResponseReturnValue:
    """End one of one's own sessions."""
    require_person()
    actor = current_actor()
    services.end_session(actor, queries.get_visible_session(actor, session_id))
    if session_id == current_user.session_id:
        cookie.clear()
        flash(_("You are signed out."))
        return see_other("/")
    flash(_("That session has ended."))
    return see_other(url_for("accounts.sessions"))


@blueprint.post("/account/sessions/end-all")
def end_all_sessions() -> ResponseReturnValue:
    """End every session, this one included."""
    user = _own_user()
    services.end_other_sessions(current_actor(), user, kept_id=None)
    cookie.clear()
    flash(_("You are signed out everywhere."))
    return see_other("/")


@blueprint.route("/account/tokens", methods=["GET", "POST"])
def tokens() -> ResponseReturnValue:
    """List one's tokens and make new ones; the secret of a new one is shown this once."""
    if reply := ask_password_again():
        return reply
    user = _own_user()
    offered = [(scope, scope) for scope in known_scopes()]
    form = TokenForm.bind(scopes=["read"])
    form.scopes.choices = offered
    secret = None
    if form.submitted():
        made = form.attempt(
            services.make_token,
            current_actor(),
            user,
            name=form.name.data,
            scopes=form.scopes.data,
            days=int(form.expires_in.data),
        )
        if made is not None:
            secret = made[1]
            form = TokenForm(data={"scopes": ["read"]})
            form.scopes.choices = offered
    found = queries.list_tokens(current_actor(), cursor=request.args.get("cursor"))
    # Not a redirect: the secret must not rest in a cookie until the next page.
    return page(
        "accounts/tokens.html", form=form, tokens=found.items, next=found.next, secret=secret
    )


@blueprint.post("/account/tokens/<int:token_id>/revoke")
def revoke_token(token_id: int) -> ResponseReturnValue:
    """End a token for good."""
    require_person()
    token = queries.get_visible_token(current_actor(), token_id)
    if not confirmed():
        return page(
            "components/confirm.html",
            title=_("Revoke “%(name)s”?", name=token.name),
            text=_("Programs that use it stop working at once."),
            action=_("Revoke"),
            cancel_url=url_for("accounts.tokens"),
        )
    services.revoke_token(current_actor(), token)
    flash(_("“%(name)s” was revoked.", name=token.name))
    return see_other(url_for("accounts.tokens"))

"""Pages for people who are not signed in yet: in, up, out, and the links that e-mails bring."""

from flask import Response, make_response, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user

from portal.accounts import queries, services
from portal.accounts.forms import AddressForm, NewPasswordForm, PasswordForm, SignInForm, SignUpForm
from portal.accounts.views.blueprint import blueprint
from portal.accounts.views.identity import (
    begin_session,
    check_password,
    hashed,
    keep_cookie,
    require_person,
)
from portal.kernel.web.addresses import local_target
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.viewer import current_actor


def _target(fallback: str = "/") -> str:
    return local_target(request.args.get("next"), fallback)


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Sign in, and go on to where one was going."""
    if request.method == "GET" and current_user.is_authenticated:
        return see_other(_target())
    form = SignInForm.bind(email=request.args.get("email", "")[:254])
    if form.submitted():
        user = check_password(form.email.data, form.password.data)
        if user is None:
            form.add_error(None, _("The address or the password is not right. Please try again."))
        elif not user.is_active:
            form.add_error(None, _("This account is closed. An administrator can open it again."))
        elif user.email_verified_at is None:
            return page("accounts/unverified.html", email=user.email, target=_target(""))
        else:
            begin_session(user, form.password.data)
            return see_other(_target())
    return page("accounts/sign_in.html", form=form, target=_target())


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End this session; a copy of its cookie is worthless from now on."""
    if current_user.is_authenticated:
        actor = current_actor()
        services.end_session(actor, queries.get_visible_session(actor, current_user.session_id))
    cookie.clear()
    flash(_("You are signed out."))
    return see_other("/")


@blueprint.route("/sign-up", methods=["GET", "POST"])
def sign_up() -> ResponseReturnValue:
    """Open an account; the answer is the same whether the address was known or not."""
    if request.method == "GET" and current_user.is_authenticated:
        return see_other(_target())
    form = SignUpForm.bind(email=request.args.get("email", "")[:254])
    if form.submitted():
        services.count_form(current_actor(), address=request.remote_addr)
        services.sign_up(
            current_actor(),
            name=form.name.data,
            email=form.email.data,
            password_hash=hashed(form.password.data),
            language=str(get_locale() or "en"),
            target=_target(""),
        )
        return page(
            "accounts/mail_sent.html", email=form.email.data, kind="verify", target=_target("")
        )
    return page("accounts/sign_up.html", form=form, target=_target())


@blueprint.route("/verification", methods=["GET", "POST"])
def request_verification() -> ResponseReturnValue:
    """Ask for a new link that confirms an address."""
    form = AddressForm.bind(email=request.args.get("email", "")[:254])
    if form.submitted():
        services.count_form(current_actor(), address=request.remote_addr)
        services.request_verification(current_actor(), email=form.email.data, target=_target(""))
        return page(
            "accounts/mail_sent.html", email=form.email.data, kind="verify", target=_target("")
        )
    return page("accounts/request_verification.html", form=form)


@blueprint.route("/verification/<token>", methods=["GET", "POST"])
def verify_email(token: str) -> ResponseReturnValue:
    """Confirm an address and sign in: by the link, and the password chosen at sign-up."""
    link = queries.find_link(token, "verify")
    if link is None:
        return _dead_link(url_for("accounts.request_verification"))
    form = PasswordForm.bind()
    if form.submitted():
        user = check_password(link.user.email, form.password.data)
        if user is None:
            form.add_error("password", _("This is not the password of this account."))
        else:
            services.verify_email(current_actor(), link, checked_hash=user.password_hash)
            begin_session(user, form.password.data)
            flash(_("Your address is confirmed. Welcome."))
            return see_other(_target())
    return page("accounts/verify_email.html", form=form, email=link.email)


@blueprint.route("/password", methods=["GET", "POST"])
def request_reset() -> ResponseReturnValue:
    """Ask for a link to choose a new password."""
    form = AddressForm.bind(email=request.args.get("email", "")[:254])
    if form.submitted():
        services.count_form(current_actor(), address=request.remote_addr)
        services.request_password_reset(current_actor(), email=form.email.data)
        return page("accounts/mail_sent.html", email=form.email.data, kind="reset")
    return page("accounts/request_reset.html", form=form)


@blueprint.route("/password/<token>", methods=["GET", "POST"])
def reset_password(token: str) -> ResponseReturnValue:
    """Choose a new password through the link that an e-mail brought."""
    link = queries.find_link(token, "reset")
    if link is None:
        return _dead_link(url_for("accounts.request_reset"))
    form = NewPasswordForm.bind()
    form.context_words = (link.user.name, link.user.email)
    if form.submitted():
        user = services.reset_password(
            current_actor(), link, password_hash=hashed(form.password.data)
        )
        cookie.clear()
        flash(_("Your new password is set. Sign in with it."))
        return see_other(url_for("accounts.sign_in", email=user.email))
    return page("accounts/reset_password.html", form=form, email=link.user.email)


@blueprint.route("/confirm-password", methods=["GET", "POST"])
def confirm_password() -> ResponseReturnValue:
    """Ask for the password once more before something that matters, then go on there."""
    require_person()
    form = PasswordForm.bind()
    if form.submitted():
        if check_password(current_user.email, form.password.data) is None:
            form.add_error("password", _("This is not your password. Please try again."))
        else:
            actor = current_actor()
            token = services.renew_session(
                actor,
                queries.get_visible_session(actor, current_user.session_id),
                email=current_user.email,
                address=request.remote_addr,
            )
            keep_cookie(token)
            return see_other(_target())
    return page("accounts/confirm_password.html", form=form, target=_target())


def _dead_link(new_link_url: str) -> Response:
    reply = make_response(page("accounts/dead_link.html", new_link_url=new_link_url))
    reply.status_code = 410
    return reply

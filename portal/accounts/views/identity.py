"""Who makes a request: Flask-Login over our session table, bearer tokens, the password again."""

import dataclasses
import datetime as dt
from typing import Any

from flask import Flask, Response, current_app, g, request, url_for
from flask import session as cookie
from flask_babel import gettext as _
from flask_login import LoginManager, UserMixin, current_user, login_user

from portal.accounts import queries, rules, services
from portal.accounts.queries import SignedIn, UsableToken
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.clock import now
from portal.kernel.errors import Unauthenticated
from portal.kernel.settled import settled
from portal.kernel.web.addresses import local_target, present_address
from portal.kernel.web.answers import see_other
from portal.kernel.web.viewer import current_actor, set_actor

#: After so many minutes without the password, sensitive actions ask for it.
PASSWORD_MINUTES = 30


class Person(UserMixin):
    """Who is signed in, as Flask-Login wants it; `get_id()` is the secret of the cookie."""

    def __init__(self, token: str, known: SignedIn) -> None:
        self.token = token
        self.session_id = known.session_id
        self.user_id = known.user_id
        self.email = known.email
        self.name = known.name
        self.language = known.language
        self.time_zone = known.time_zone
        self.authenticated_at = known.authenticated_at
        self.last_seen_at = known.last_seen_at

    def get_id(self) -> str:
        return self.token


def init_identity(app: Flask) -> None:
    """Let the app know people by their session cookie, and programs by their token."""
    manager = LoginManager()
    manager.session_protection = None
    manager.user_loader(_load_person)
    manager.init_app(app, add_context_processor=False)
    app.config["PERMANENT_SESSION_LIFETIME"] = dt.timedelta(
        days=app.config["SESSION_LIFETIME_DAYS"]
    )
    # A cookie on every answer would only make answers larger.
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    app.before_request(_know_program)
    app.after_request(_note_use)


def _load_person(token: str) -> Person | None:
    known = queries.find_signed_in(token) if isinstance(token, str) else None
    return Person(token, known) if known else None


def _know_program() -> None:
    """Take a token for the whole word of who this is: a cookie beside it does not count."""
    # Among headers, to find that one is missing takes an exception.
    header = request.environ.get("HTTP_AUTHORIZATION")
    if header is None or not request.path.startswith("/api/"):
        return
    scheme, _space, secret = header.partition(" ")
    token = queries.find_usable_token(secret.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        raise Unauthenticated(_("This token is unknown, revoked or expired."))
    set_actor(settled(("actor of token", token.id), lambda: _actor_of(token)))
    g.api_token = token


def _actor_of(token: UsableToken) -> Actor:
    actor: Actor = current_app.extensions["portal-actor-loader"](token.user_id)
    return dataclasses.replace(actor, scopes=token.scopes)


def _note_use(response: Response) -> Response:
    """Write down that a session or token is in use, every few minutes."""
    if response.status_code >= 500:
        return response
    horizon = now() - dt.timedelta(minutes=services.NOTE_MINUTES)
    token = g.get("api_token")
    if token is not None:
        if token.last_used_at is None or token.last_used_at < horizon:
            services.note_token_use(SYSTEM, token_id=token.id)
            token.last_used_at = now()
        return response
    person = g.get("_login_user")
    if isinstance(person, Person) and person.last_seen_at < horizon:
        services.note_session_use(SYSTEM, session_id=person.session_id)
    return response


def check_password(email: str, password: str) -> Any:
    """Return the user of an address if the password is theirs, else None, after the same work.

    The try is counted first. Raises TooMany.
    """
    services.count_attempt(current_actor(), email=email, address=request.remote_addr)
    user = queries.find_user_by_email(email)
    known = user.password_hash if user is not None else None
    is_right = rules.is_password_right(known, password, queries.password_cost())
    return user if is_right else None


def begin_session(user: Any, password: str) -> None:
    """Sign in somebody whose password was right, with an empty cookie and a new token.

    A session that this browser had before ends.
    """
    if current_user.is_authenticated:
        actor = current_actor()
        services.end_session(actor, queries.get_visible_session(actor, current_user.session_id))
    cost = queries.password_cost()
    is_stale = rules.needs_new_hash(user.password_hash, cost)
    token = services.start_session(
        SYSTEM,
        user,
        checked_hash=user.password_hash,
        new_hash=rules.hash_password(password, cost) if is_stale else None,
        address=request.remote_addr,
        browser=request.headers.get("User-Agent", ""),
    )
    keep_cookie(token)


def keep_cookie(token: str) -> None:
    """Give the browser a cookie with this token and nothing of what it held before."""
    known = queries.find_signed_in(token)
    if known is None:
        raise Unauthenticated(_("Please sign in first."))
    cookie.clear()
    cookie.permanent = True
    login_user(Person(token, known))
    g.pop("actor", None)


def hashed(password: str) -> str:
    """Return the hash of a new password with the parameters of today."""
    return rules.hash_password(password, queries.password_cost())


def require_person() -> None:
    """Raise Unauthenticated unless a person is signed in."""
    if not current_user.is_authenticated:
        raise Unauthenticated(_("Please sign in first."))


def ask_password_again(back_to: str | None = None) -> Response | None:
    """Return a redirect to the page that asks for the password, unless it was given lately.

    back_to: where that page returns to; by default this page, or what a form came from. Used as
    `if (reply := ask_password_again()): return reply` before anything sensitive.
    """
    require_person()
    if current_user.authenticated_at > now() - dt.timedelta(minutes=PASSWORD_MINUTES):
        return None
    if back_to is None:
        back_to = present_address()
    return see_other(url_for("accounts.confirm_password", next=local_target(back_to, "/")))

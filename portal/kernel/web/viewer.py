"""Who asks, and in which language and time zone they read."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import cast

from babel import Locale
from flask import Response, current_app, g, has_request_context, request
from flask import session as cookie
from flask_babel import force_locale, get_locale
from flask_login import current_user
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from portal.kernel.authorization import NOBODY, Actor

_LANGUAGE_COOKIE = "language"


def current_actor() -> Actor:
    """Return who makes this request (nobody, a person, or a token of a person's)."""
    # Each name of a proxy is looked up anew, as elsewhere here.
    own = g._get_current_object()
    actor: Actor | None = own.get("actor")
    if actor is None:
        actor = NOBODY
        if _is_signed_in():
            actor = current_app.extensions["portal-actor-loader"](current_user.user_id)
        own.actor = actor
    return cast(Actor, actor)


def set_actor(actor: Actor) -> None:
    """Say who makes this request (for tokens)."""
    g.actor = actor


def _is_signed_in() -> bool:
    """Tell whether a person is signed in; while the database is down, nobody is."""
    own = g._get_current_object()
    actor: Actor | None = own.get("actor")
    # A token is the whole word of who this is, whatever cookie comes along.
    if own.get("is_plain_answer") or (actor is not None and actor.scopes is not None):
        return False
    # Nearly all pages are nobody's: to ask whose session it is takes longer than to see that it is
    # no one's.
    if "_user_id" not in cookie:
        return False
    return bool(current_user.is_authenticated)


def wants_json() -> bool:
    """Tell whether this request is one of a program, not of a person's browser."""
    return request.path.startswith("/api/")


def choose_locale() -> Locale:
    """Return the language of this request, as formats are chosen by it."""
    return _locale_of(choose_language())


#: To read its name takes longer than to choose it.
_locale_of = lru_cache(maxsize=64)(Locale.parse)


def choose_language() -> str:
    """Return the language of this request: the person's, the cookie's, the browser's."""
    offered = current_app.config["LANGUAGES"].split(",")
    if not has_request_context():
        return cast(str, offered[0])
    own = current_user.language if _is_signed_in() else None
    asked = request._get_current_object()  # type: ignore[attr-defined]
    # To find that one is missing takes an exception, and most have none at all.
    chosen = asked.cookies and asked.cookies.get(_LANGUAGE_COOKIE)
    for language in (own, chosen):
        if language in offered:
            return cast(str, language)
    return _best_language(asked.environ.get("HTTP_ACCEPT_LANGUAGE", ""), tuple(offered))


@lru_cache(maxsize=1024)
def _best_language(accepted: str, offered: tuple[str, ...]) -> str:
    """Return what a browser likes best; there are few whose lists differ."""
    return parse_accept_header(accepted, LanguageAccept).best_match(offered) or offered[0]


def remember_language(response: Response, language: str) -> Response:
    """Keep a visitor's choice of language for a year."""
    response.set_cookie(
        _LANGUAGE_COOKIE,
        language,
        max_age=365 * 86400,
        secure=current_app.config["SECURE_COOKIES"],
        httponly=True,
        samesite="Lax",
    )
    return response


def language() -> str:
    """Return the code of the present language, which takes long to spell out."""
    context = g._get_current_object().get("_flask_babel")
    locale = getattr(context, "babel_locale", None) or get_locale()
    return locale.language if locale else "en"


def viewer_zone() -> str:
    """Return the IANA name of the viewer's time zone, which is looked up once for a request."""
    own = g._get_current_object()
    zone: str | None = own.get("zone")
    if zone is None:
        is_own = has_request_context() and _is_signed_in() and current_user.time_zone
        zone = own.zone = current_user.time_zone if is_own else _usual_zone()
    return zone


def _usual_zone() -> str:
    return cast(str, current_app.config["DEFAULT_TIME_ZONE"])


@contextmanager
def reading_as(language: str, zone: str) -> Iterator[None]:
    """Write texts and times in this block for a reader who is not the viewer; empty: as usual."""
    own = g._get_current_object()
    before, own.zone = own.get("zone"), zone or _usual_zone()
    try:
        with force_locale(language or "en"):
            yield
    finally:
        own.zone = before

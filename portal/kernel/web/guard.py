"""What every request is asked, and what every answer says, so that nobody is harmed by it."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, request
from flask_babel import gettext as _
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect
from limits import RateLimitItemPerMinute
from werkzeug.exceptions import BadRequest, TooManyRequests

from portal.kernel.errors import TooMany
from portal.kernel.limits import Minutes
from portal.kernel.web.addresses import asset_version
from portal.kernel.web.arguments import UNWANTED
from portal.kernel.web.viewer import wants_json

View = TypeVar("View", bound=Callable[..., Any])
csrf = CSRFProtect()
limiter = Limiter(get_remote_address, storage_uri=f"{Minutes.SCHEME}://")
# Every request is counted by the guard; nothing is left that it would have to look for.
limiter.request_filter(lambda: True)
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
_SAFE = list(_HEADERS.items())
_NAMES = frozenset(name.lower() for name in _HEADERS)


def init_guard(app: Flask) -> Callable[[str, str], bool]:
    """Guard every request to the app; return what counts one of an address to an endpoint."""
    limit = RateLimitItemPerMinute(app.config["REQUESTS_PER_MINUTE"])
    # To put a key together takes longer than to count for it.
    key_of = lru_cache(maxsize=10_000)(limit.key_for)

    def allows(address: str, endpoint: str) -> bool:
        key = key_of(address, endpoint)
        return limiter.storage.incr(key, limit.get_expiry()) <= limit.amount

    csrf.init_app(app)
    # As one that is known already it adds nothing to requests: it would look for limits of their
    # views, and there are none. `_refuse_too_many` asks it about every request.
    app.extensions["limiter"] = {limiter}
    limiter.init_app(app)
    app.before_request(lambda: _refuse_too_many(allows))
    app.before_request(_refuse_unwanted_characters)
    app.before_request(_protect)
    app.after_request(_add_headers)
    return allows


def _refuse_too_many(allows: Callable[[str, str], bool]) -> None:
    # Each name of a proxy is looked up anew.
    asked = request._get_current_object()  # type: ignore[attr-defined]
    if asked.endpoint and not allows(get_remote_address(), asked.endpoint):
        raise TooManyRequests


def refuse_many_tries(name: str, most: int) -> None:
    """Count one of an address's tries to guess something. Raises TooMany beyond `most` a minute."""
    limit = RateLimitItemPerMinute(most)
    if not limiter.limiter.hit(limit, get_remote_address(), name):
        raise TooMany(_("Too many tries. Please wait a minute."), 60)


def _refuse_unwanted_characters() -> None:
    asked = request._get_current_object()  # type: ignore[attr-defined]
    values = [asked.path]
    for name, its in asked.args.lists():
        values += (name, *its)
    if UNWANTED.search(" ".join(values)) or len(asked.query_string) > 64_000:
        raise BadRequest


def one_click(view: View) -> View:
    """Let mail programs press the button of a page by themselves (RFC 8058).

    For views whose address alone says what may be done, and that take no cookie's word for it.
    """
    view.is_one_click = True  # type: ignore[attr-defined]
    return view


def _protect() -> None:
    if request.method in ("GET", "HEAD", "OPTIONS", "TRACE"):
        return
    if not current_app.config["WTF_CSRF_ENABLED"]:
        return
    view = current_app.view_functions.get(request.endpoint or "")
    if hasattr(view, "is_one_click") and request.form.get("List-Unsubscribe") == "One-Click":
        return
    if "Authorization" in request.headers and wants_json():
        return
    csrf.protect()


def _add_headers(response: Response) -> Response:
    # To ask for each of them by name would go over all headers twice.
    headers = response.headers
    said = {name.lower() for name, _value in headers}
    # They have no line breaks, for which each that is added is looked through.
    headers._list += (
        _SAFE
        if said.isdisjoint(_NAMES)
        else [(name, value) for name, value in _SAFE if name.lower() not in said]
    )
    if current_app.config["SECURE_COOKIES"] and "strict-transport-security" not in said:
        headers.add("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    etag = g.get("etag")
    if etag and response.status_code in (200, 304):
        response.set_etag(etag[0])
        response.headers["Cache-Control"] = (
            "public, max-age=0, must-revalidate" if etag[1] else "private, no-cache"
        )
        response.vary.update(["Cookie", "Accept-Language"])
    elif request.endpoint == "static":
        if request.args.get("v") == asset_version():
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    elif "cache-control" not in said:
        headers.add("Cache-Control", "private, no-store")
    return response

"""The only place that turns a refusal into a page or a problem document."""

from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, current_app, g, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError

from portal.kernel.api import InvalidForm
from portal.kernel.authorization import NOBODY
from portal.kernel.database import session
from portal.kernel.errors import Invalid, PortalError, TooMany, Unauthenticated
from portal.kernel.fulltext.port import IndexUnavailable, QueryTooCostly
from portal.kernel.web.addresses import local_target
from portal.kernel.web.answers import see_other
from portal.kernel.web.viewer import current_actor, wants_json


def init_refusals(app: Flask) -> None:
    """Have the app answer every refusal and every failure."""
    app.register_error_handler(PortalError, _answer_portal_error)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(OperationalError, _answer_database_error)
    app.register_error_handler(PoolTimeout, _answer_database_error)
    app.register_error_handler(IndexUnavailable, _answer_index_error)
    app.register_error_handler(QueryTooCostly, _answer_costly_query)
    app.register_error_handler(Exception, _answer_unexpected)


def problem(
    status: int,
    title: str,
    detail: str = "",
    fields: Mapping[str, list[str]] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Response:
    """Answer a program with an RFC 9457 problem document.

    fields: messages by field; details: further members of the document.
    """
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status}
    body.update(details or {})
    if detail:
        body["detail"] = detail
    if fields:
        body["errors"] = fields
    text = current_app.json.dumps(body, separators=(",", ":"))
    return Response(f"{text}\n", status, mimetype="application/problem+json")


#: When a program may ask a database again that does not answer.
_RETRY_AFTER_SECONDS = "60"
_TITLES: Mapping[int, str] = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Unsupported media type",
    422: "Not valid",
    429: "Too many requests",
    500: "Unexpected error",
    503: "Not available now",
}


def _answer(
    status: int,
    message: str,
    fields: Mapping[str, list[str]] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Response:
    if wants_json():
        return problem(status, _TITLES.get(status, "Error"), message, fields, details)
    words = {"status": status, "message": message, **_form_before(status)}
    return make_response(render_template("errors/error.html", **words), status)


def _form_before(status: int) -> dict[str, Any]:
    """Return what an error page says of the form that was sent: `back` to it, and what it said."""
    back = _page_before()
    return {"back": back, "typed": _texts_of_form() if back and status != 413 else []}


def _page_before() -> str:
    """Return the page of ours from which a refused step was taken; "" where none is known."""
    origin = request.host_url.rstrip("/") + request.script_root
    sent_from = request.referrer or ""
    if request.method != "POST" or not sent_from.startswith(f"{origin}/"):
        return ""
    path = local_target(sent_from.removeprefix(origin), "")
    return request.script_root + path if _is_shown(path.partition("?")[0]) else ""


def _page_above() -> str:
    """Return the nearest page above an address at which there is none, as only forms go there.

    Who loads it again, or comes back to it, meant what the form was about.
    """
    path = request.path
    while path and not _is_shown(path):
        path = path.rpartition("/")[0]
    return request.script_root + (path or "/")


def _is_shown(path: str) -> bool:
    adapter = current_app.create_url_adapter(request)
    return adapter is not None and "GET" in adapter.allowed_methods(path)


def _texts_of_form() -> list[str]:
    """Return the texts of a form that was refused, for whoever has no script that keeps them."""
    return [
        value
        for name, value in request.form.items(multi=True)
        if " " in value.strip() and "password" not in name
    ]


def _answer_portal_error(error: PortalError) -> Response:
    if isinstance(error, Unauthenticated) and not wants_json():
        if request.method == "GET":
            return see_other(url_for("accounts.sign_in", next=request.full_path.rstrip("?")))
        return _answer_nobody(error.message)
    details = error.details() if wants_json() else None
    response = _answer(error.status, error.message, _fields_of(error), details)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="api"'
    return response


def _answer_nobody(message: str) -> Response:
    """Answer a form that nobody is signed in to send, though it came from a page of ours."""
    if _page_before():
        message = _("You are not signed in any more. Sign in, and you are back where you were.")
    return _answer(401, message)


def _fields_of(error: PortalError) -> Mapping[str, list[str]] | None:
    if isinstance(error, InvalidForm):
        return error.fields
    if not isinstance(error, Invalid):
        return None
    fields: dict[str, list[str]] = {}
    for name, message in error.problems:
        if name:
            fields.setdefault(name, []).append(message)
    return fields


def _answer_http_error(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or error.code is None or error.code < 400:
        return error
    if isinstance(error, InternalServerError):
        # The page of another error could not be made.
        if isinstance(error.original_exception, OperationalError | PoolTimeout):
            return _answer_database_error(error.original_exception)
        return _answer_plainly(500)
    if error.code == 405 and request.method in ("GET", "HEAD") and not wants_json():
        return see_other(_page_above())
    message = ""
    if isinstance(error, CSRFError):
        # Mail programs and strangers send forms from no page; those of accounts need no session.
        is_nobody = current_actor().user_id is None and request.blueprint != "accounts"
        if is_nobody and _page_before() and not wants_json():
            return _answer_nobody("")
        message = _("This form is too old to be sent. Please go back, load it again and send it.")
    response = _answer(error.code, message)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _answer_database_error(error: OperationalError | PoolTimeout) -> Response:
    reason = error.orig if isinstance(error, OperationalError) else error
    current_app.logger.error("the database does not answer: %s", reason)
    session.remove()
    response = _answer_plainly(503)
    response.headers["Retry-After"] = _RETRY_AFTER_SECONDS
    return response


def _answer_index_error(error: IndexUnavailable) -> Response:
    current_app.logger.error("the search index cannot be read: %s", error)
    return _answer(
        503, _("Search is being rebuilt. Lists and record pages work meanwhile; try again soon.")
    )


def _answer_costly_query(error: QueryTooCostly) -> Response:
    current_app.logger.warning("a search was given up: %s", error)
    return _answer(503, _("This search takes too long. Use fewer words, or rarer ones."))


def _answer_unexpected(error: Exception) -> ResponseReturnValue:
    current_app.logger.error("unexpected error on %s", request.path, exc_info=error)
    if current_app.testing:
        raise error
    session.remove()
    return _answer_plainly(500)


def _answer_plainly(status: int) -> Response:
    """Answer without anything that could need the database."""
    g.actor = NOBODY
    g.is_plain_answer = True
    g.pop("etag", None)
    if wants_json():
        return problem(status, _TITLES[status])
    return make_response(
        render_template("errors/plain.html", status=status, **_form_before(status)), status
    )

"""Web glue: the actor of a request, pages, security headers, CSRF, errors, languages, formats.

The only place that turns a refusal into a page or a problem document.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import floor
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel import Locale, dates
from babel.numbers import format_decimal as babel_format_decimal
from flask import (
    Flask,
    Request,
    Response,
    current_app,
    g,
    has_request_context,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask import flash as flask_flash
from flask import session as cookie
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_babel import Babel, Domain, get_locale, get_translations, ngettext
from flask_babel import format_date as babel_format_date
from flask_babel import gettext as _
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import current_user
from flask_wtf.csrf import CSRFError, CSRFProtect
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from limits import RateLimitItemPerMinute
from markupsafe import Markup, escape
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.datastructures import LanguageAccept
from werkzeug.exceptions import BadRequest, HTTPException, InternalServerError, TooManyRequests
from werkzeug.http import parse_accept_header
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter

from portal.kernel import richtext
from portal.kernel.api import InvalidForm, whole_number
from portal.kernel.authorization import NOBODY, Actor, can
from portal.kernel.clock import now, today_here
from portal.kernel.database import session
from portal.kernel.errors import Invalid, PortalError, TooMany, Unauthenticated
from portal.kernel.forms import Form
from portal.kernel.fulltext.port import IndexUnavailable, QueryTooCostly
from portal.kernel.kept import KeptAnswers
from portal.kernel.limits import Minutes
from portal.kernel.manifest import NavigationItem, RecordSection
from portal.kernel.spreadsheets import csv_pieces, xlsx_bytes
from portal.kernel.templating import init_templates, written

View = TypeVar("View", bound=Callable[..., Any])
csrf = CSRFProtect()
limiter = Limiter(get_remote_address, storage_uri=f"{Minutes.SCHEME}://")
# Every request is counted by the guard; nothing is left that it would have to look for.
limiter.request_filter(lambda: True)

LARGEST_ID = 2**31 - 1
#: No month that a page is about is before it.
_FIRST_YEAR = 2000
_LANGUAGE_COOKIE = "language"
_TOLD_IN_HOURS = 7200
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_UNWANTED = re.compile("[\x00\ud800-\udfff]")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = [
    (name, name.lower(), value)
    for name, value in {
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }.items()
]


class Sessions(SecureCookieSessionInterface):
    """Flask's sessions; who comes without a cookie gets one at once."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)


class RecordNumber(IntegerConverter):
    """`<int:…>` in an address: plain digits, no larger than a database id can be."""

    regex = "[0-9]+"

    def to_python(self, value: str) -> int:
        # No record has the number 0. To refuse a larger number here would answer 405 instead of
        # 404 at every address that takes several methods.
        number = int(value) if len(value) <= len(str(LARGEST_ID)) else 0
        return number if number <= LARGEST_ID else 0


def init_web(
    app: Flask,
    navigation: Iterable[NavigationItem],
    sections: Iterable[RecordSection],
    load_actor: Callable[[int], Actor],
) -> None:
    """Give the app its manners; `load_actor` makes the actor of a user id."""
    app.extensions["portal-actor-loader"] = load_actor
    app.extensions["portal-paths"] = {}
    app.extensions["portal-menus"] = {}
    app.extensions["portal-sections"] = sorted(sections, key=lambda item: item.order)
    app.extensions["portal-navigation"] = sorted(navigation, key=lambda item: item.order)
    guard = RateLimitItemPerMinute(app.config["REQUESTS_PER_MINUTE"])

    def allows(address: str, endpoint: str) -> bool:
        return limiter.limiter.hit(guard, address, endpoint)

    # The guard counts these with all others; whoever asks too often hears of it from the app.
    app.wsgi_app = KeptAnswers(app, allows)  # type: ignore[method-assign]
    if app.config["TRUSTED_PROXIES"]:
        count = app.config["TRUSTED_PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    is_secure = app.config["SECURE_COOKIES"]
    app.config.update(
        SESSION_COOKIE_NAME="__Host-session" if is_secure else "session",
        SESSION_COOKIE_SECURE=is_secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # Requests with a token carry no cookie and need no CSRF token: `_protect` decides.
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        BABEL_DEFAULT_LOCALE=app.config["LANGUAGES"].split(",")[0],
    )
    app.session_interface = Sessions()
    app.url_map.converters["int"] = RecordNumber
    csrf.init_app(app)
    # As one that is known already it adds nothing to requests: it would look for limits of their
    # views, and there are none. `_refuse_too_many` asks it about every request.
    app.extensions["limiter"] = {limiter}
    limiter.init_app(app)
    babel = Babel(
        app,
        default_translation_directories="translations",
        locale_selector=choose_language,
        timezone_selector=viewer_zone,
    )
    babel.domain_instance = _Texts(domain="messages")
    app.before_request(lambda: _refuse_too_many(allows))
    app.before_request(_refuse_unwanted_characters)
    app.before_request(_protect)
    app.after_request(_add_headers)
    app.register_error_handler(PortalError, _answer_portal_error)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(OperationalError, _answer_database_error)
    app.register_error_handler(PoolTimeout, _answer_database_error)
    app.register_error_handler(IndexUnavailable, _answer_index_error)
    app.register_error_handler(QueryTooCostly, _answer_costly_query)
    app.register_error_handler(Exception, _answer_unexpected)
    init_templates(app.jinja_env, _say_in_page)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: _catalog().ugettext(text),
        ngettext=lambda text, many, count: _catalog().ungettext(text, many, count),
        newstyle=True,
        pgettext=lambda context, text: _catalog().upgettext(context, text),
        npgettext=lambda context, text, many, count: _catalog().unpgettext(
            context, text, many, count
        ),
    )
    app.jinja_env.globals["_"] = _say
    app.jinja_env.globals["url_for"] = _address
    # A lazy translation is iterable, but it is one value.
    app.jinja_env.tests["several"] = lambda value: isinstance(value, list | tuple)
    app.jinja_env.filters.update(
        datetime=format_instant,
        date=format_date,
        number=format_number,
        money=format_money,
        distance=format_distance,
        ago=format_ago,
        time_ago=time_ago,
        markdown=richtext.render,
    )
    app.jinja_env.globals.update(
        can=lambda permission, row=None: can(current_actor(), permission, row),
        current_actor=current_actor,
        current_locale=_language,
        languages=lambda: app.config["LANGUAGES"].split(","),
        navigation=navigation_items,
        path_of=path_of,
        viewer_zone=viewer_zone,
        sections_of=sections_of,
        site_name=app.config["SITE_NAME"],
        asset=_asset_url,
        now=now,
        ngettext=ngettext,
    )


def current_actor() -> Actor:
    """Return who makes this request (nobody, a person, or a token of a person's)."""
    actor: Actor | None = g.get("actor")
    if actor is None:
        actor = NOBODY
        if _is_signed_in():
            actor = current_app.extensions["portal-actor-loader"](current_user.user_id)
        g.actor = actor
    return cast(Actor, actor)


def set_actor(actor: Actor) -> None:
    """Say who makes this request (for tokens)."""
    g.actor = actor


def wants_json() -> bool:
    """Tell whether this request is one of a program, not of a person's browser."""
    return request.path.startswith("/api/")


def page(template: str, **context: Any) -> ResponseReturnValue:
    """Render a page; a page with a refused form answers 422."""
    form = context.get("form")
    is_refused = isinstance(form, Form) and bool(form.problems)
    return render_template(template, **context), 422 if is_refused else 200


def text_answer(name: str, kind: str, text: str) -> Response:
    """Answer with a text as a file to keep."""
    response = make_response(text)
    response.mimetype = kind
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    return response


def linked_data_answer(data: Mapping[str, Any]) -> Response:
    """Answer with JSON-LD. A page carries the same as `linked_data` of `components/record.html`."""
    response = jsonify(data)
    response.mimetype = "application/ld+json"
    return response


def csv_answer(name: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Response:
    """Answer with a table to be saved as a file, written while it is sent."""
    response = Response(
        stream_with_context(csv_pieces(columns, rows)), mimetype="text/csv; charset=utf-8"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def table_answer(
    name: str, form: str, columns: Sequence[str], rows: Iterable[Sequence[str]]
) -> Response:
    """Answer with a table to be saved as a file. form: "csv" or "xlsx"."""
    if form == "csv":
        return csv_answer(f"{name}.csv", columns, rows)
    response = Response(xlsx_bytes(columns, rows, title=name), mimetype=_XLSX)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return response


def see_other(url: str) -> Response:
    """Redirect after a change."""
    return cast(Response, redirect(url, code=303))


def flash(
    message: str, *, undo_url: str | None = None, link: tuple[str, str] | None = None
) -> None:
    """Say what happened, in the past tense; with a way to undo it, or (url, label) of the result.

    The next page shows it.
    """
    flask_flash(cast(str, {"text": str(message), "undo_url": undo_url, "link": link}), "done")


def confirmed() -> bool:
    """Tell whether the person has confirmed a step that cannot be undone."""
    return request.form.get("confirmed") == "yes"


def form_text(name: str) -> str:
    """Return a text that was sent without a form of its own, less what no database keeps."""
    return _UNWANTED.sub("", request.form.get(name, ""))


def text_argument(name: str, longest: int = 200) -> str:
    """Return a query argument, stripped and cut to its bound."""
    return request.args.get(name, "").strip()[:longest]


def record_number(text: str) -> int:
    """Read the number of a record: plain digits, no larger than a database id can be.

    Raises ValueError, as what serves for the `type` of a request's value must.
    """
    number = whole_number(text.strip(), 0, LARGEST_ID)
    if number is None:
        raise ValueError(text)
    return number


#: So many things one bulk action takes.
MOST_AT_ONCE = 50


def chosen_numbers(name: str) -> list[int]:
    """Return the numbers of the boxes that were ticked, once each. Raises Invalid for none."""
    return check_chosen(form_numbers(name))


def check_chosen(numbers: Iterable[int | None]) -> list[int]:
    """Return numbers that a bulk action is to take, once each. Raises Invalid for none, or many."""
    chosen = list(dict.fromkeys(number for number in numbers if number is not None))
    if not chosen:
        raise Invalid(None, _("Please choose at least one."))
    if len(chosen) > MOST_AT_ONCE:
        raise Invalid(None, _("Please choose %(most)d at most.", most=MOST_AT_ONCE))
    return chosen


def form_numbers(name: str) -> list[int]:
    """Return the record numbers of the boxes of a form that were ticked. Raises Invalid."""
    try:
        return [record_number(text) for text in request.form.getlist(name)]
    except ValueError as error:
        raise Invalid(None, _("Please give a number.")) from error


def month_argument(name: str = "month", *, years_ahead: int = 1) -> dt.date:
    """Return the first day of the month that a query argument names ("2027-03"), else of this one.

    years_ahead: how far off it may lie.
    """
    this_month = today_here().replace(day=1)
    try:
        month = dt.datetime.strptime(text_argument(name), "%Y-%m").date()  # noqa: DTZ007
    except ValueError:
        return this_month
    return month if _FIRST_YEAR <= month.year <= this_month.year + years_ahead else this_month


def number_argument(name: str) -> int | None:
    """Return the record number of a query argument, or None without one. Raises Invalid."""
    text = text_argument(name)
    try:
        return record_number(text) if text else None
    except ValueError as error:
        raise Invalid(name, _("Please give a number.")) from error


def choice_argument(name: str, known: Iterable[str]) -> str:
    """Return a query argument that is one of the known words, or nothing. Raises Invalid."""
    text = text_argument(name)
    if text and text not in known:
        raise Invalid(name, _("This is one of: %(values)s.", values=", ".join(known)))
    return text


def date_argument(name: str) -> dt.date | None:
    """Return the calendar date of a query argument, or None without one. Raises Invalid."""
    text = text_argument(name, 20)
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid(name, _("Please give a date such as 2027-03-01.")) from error


def local_target(target: str | None, fallback: str) -> str:
    """Return `target` if it is a path of this site, else `fallback`."""
    if not target or not target.startswith("/") or len(target) > 2000:
        return fallback
    if target.startswith(("//", "/\\")) or any(ord(c) < 33 or c == "\\" for c in target):
        return fallback
    parts = urlsplit(target)
    return fallback if parts.scheme or parts.netloc else target


def external_url(endpoint: str, *, _anchor: str = "", **values: Any) -> str:
    """Return an absolute address for e-mails and documents, from PUBLIC_URL.

    _anchor: the part of the page.
    """
    base = urlsplit(current_app.config["PUBLIC_URL"])
    routes = current_app.url_map.bind(
        base.netloc, script_name=base.path or "/", url_scheme=base.scheme
    )
    address = routes.build(endpoint, values, force_external=True)
    return f"{address}#{_anchor}" if _anchor else address


def not_modified(*parts: object, is_public: bool = True) -> Response | None:
    """Answer 304 if the client has this version already; else None, and the reply gets the ETag.

    parts: whatever the reply depends on; language, zone and what the actor may are added here.
    """
    if "_flashes" in cookie:
        return None  # this reply says something that no other should repeat
    actor = current_actor()
    material = "\0".join(
        [
            str(part)
            for part in (*parts, get_locale(), viewer_zone(), _facts(actor), asset_version())
        ]
    )
    tag = hashlib.blake2s(material.encode(), digest_size=12).hexdigest()
    g.etag = (tag, is_public and actor.user_id is None)
    # Weak comparison: proxies that compress make the tag weak.
    if request.if_none_match.contains_weak(tag):
        return make_response("", 304)
    return None


def _facts(actor: Actor) -> list[object]:
    """Return what an actor is, in an order that does not change from process to process."""
    return [
        actor.user_id,
        actor.name,
        sorted(actor.memberships.items()),
        sorted(actor.brokered_regions),
        sorted(actor.brokered_counties),
        actor.is_administrator,
        None if actor.scopes is None else sorted(actor.scopes),
    ]


def navigation_items(section: str = "main") -> list[dict[str, Any]]:
    """Return the entries of a menu that this actor may use."""
    actor = current_actor()
    if actor is not NOBODY:
        return _navigation_items(section, actor)
    # Most pages are asked for by nobody, of whom nothing can change.
    known: dict[tuple[object, ...], list[dict[str, Any]]] = current_app.extensions["portal-menus"]
    key = (section, request.endpoint, _language(), request.script_root)
    if key not in known:
        known[key] = _navigation_items(section, actor)
    return known[key]


def _navigation_items(section: str, actor: Actor) -> list[dict[str, Any]]:
    return [
        {
            "label": escape(item.label),
            "url": path_of(item.endpoint),
            "is_current": request.endpoint == item.endpoint,
        }
        for item in current_app.extensions["portal-navigation"]
        if item.section == section and (item.permission is None or can(actor, item.permission))
    ]


@dataclass(frozen=True)
class LoadedSection:
    """A part of a record page, ready to be included: `section.content` in `section.template`."""

    title: Any
    template: str
    content: Any


def sections_of(kind: str, record: object) -> list[LoadedSection]:
    """Return the parts that the domains add to a record's page, for this actor."""
    sections: list[RecordSection] = current_app.extensions["portal-sections"]
    loaded = [
        LoadedSection(section.title, section.template, section.load(current_actor(), record))
        for section in sections
        if section.kind == kind
    ]
    return [section for section in loaded if section.content is not None]


def choose_language() -> str:
    """Return the language of this request: the person's, the cookie's, the browser's."""
    offered = current_app.config["LANGUAGES"].split(",")
    if not has_request_context():
        return cast(str, offered[0])
    own = current_user.language if _is_signed_in() else None
    for language in (own, request.cookies.get(_LANGUAGE_COOKIE)):
        if language in offered:
            return cast(str, language)
    return _best_language(request.headers.get("Accept-Language", ""), tuple(offered))


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


def _language() -> str:
    """Return the code of the present language, which takes long to spell out."""
    context = g._get_current_object().get("_flask_babel")
    locale = getattr(context, "babel_locale", None) or get_locale()
    return locale.language if locale else "en"


class _Texts(Domain):
    """The portal's texts, whose catalog is looked up once for a request, not for each text."""

    def get_translations(self) -> Any:
        """Return the translations of the present language.

        They lie where `force_locale` looks for them, so it changes them too.
        """
        context = g.get("_flask_babel") if g else None
        found = getattr(context, "babel_translations", None)
        if found is None:
            found = super().get_translations()
            if g:
                g._flask_babel.babel_translations = found
        return found


def _catalog() -> Any:
    # A page asks for a hundred texts, and each name of a proxy is looked up anew.
    context = g._get_current_object().get("_flask_babel")
    return getattr(context, "babel_translations", None) or get_translations()


def _address(endpoint: str, **values: Any) -> str:
    """Return an address for a template; what is the same on every page is put together once."""
    return url_for(endpoint, **values) if values else path_of(endpoint)


@pass_eval_context
def _say(context: EvalContext, text: str, /, **values: Any) -> str:
    """Translate a template's text and put its values in, as the `gettext` of templates does."""
    if context.autoescape:
        return _say_in_page(text, **values)
    return _pattern(_catalog(), text) % values


def _say_in_page(text: str, /, **values: Any) -> Markup:
    """Do so where values are escaped. What is the same on each page is put together once."""
    if not values:
        return _said(_catalog(), text)
    escaped = {
        name: value if isinstance(value, int | float) else written(value)
        for name, value in values.items()
    }
    return Markup(_pattern(_catalog(), text) % escaped)  # noqa: S704 (catalogs are our own)


@lru_cache(maxsize=4096)
def _said(catalog: Any, text: str) -> Markup:
    return Markup(_pattern(catalog, text) % {})  # noqa: S704 (catalogs are our own)


@lru_cache(maxsize=4096)
def _pattern(catalog: Any, text: str) -> str:
    return cast(str, catalog.ugettext(text))


def _is_signed_in() -> bool:
    """Tell whether a person is signed in; while the database is down, nobody is."""
    actor: Actor | None = g.get("actor")
    # A token is the whole word of who this is, whatever cookie comes along.
    if g.get("is_plain_answer") or (actor is not None and actor.scopes is not None):
        return False
    return bool(current_user.is_authenticated)


def viewer_zone() -> str:
    """Return the IANA name of the viewer's time zone."""
    if has_request_context() and _is_signed_in() and current_user.time_zone:
        return cast(str, current_user.time_zone)
    return cast(str, current_app.config["DEFAULT_TIME_ZONE"])


def format_instant(moment: dt.datetime | None, style: str = "medium") -> str:
    """Write an instant to the minute in the viewer's zone, with the zone's short name."""
    if moment is None:
        return ""
    if "zone" not in g:
        g.zone = viewer_zone()
    return _write_instant(moment, style, _language(), g.zone)


@lru_cache(maxsize=4096)
def _write_instant(moment: dt.datetime, style: str, language: str, zone_name: str) -> str:
    here = moment.astimezone(ZoneInfo(zone_name))
    time = _write_time(here.time().replace(second=0, microsecond=0), language)
    return f"{_write_day(here.date(), style, language)}, {time} {here.tzname() or ''}"


# Records are many, their days and minutes are few.
@lru_cache(maxsize=4096)
def _write_day(day: dt.date, style: str, language: str) -> str:
    return dates.format_date(day, style, locale=language)


@lru_cache(maxsize=4096)
def _write_time(time: dt.time, language: str) -> str:
    return dates.format_time(time, "short", locale=language)


def format_date(day: dt.date | dt.datetime | None, style: str = "medium") -> str:
    """Write a date; of an instant, the date in the viewer's zone."""
    if day is None:
        return ""
    if isinstance(day, dt.datetime):
        return babel_format_date(day, style)
    return babel_format_date(dt.datetime.combine(day, dt.time()), style, rebase=False)


def format_number(value: float | None) -> str:
    """Write a number as the language does."""
    return "" if value is None else _write_number(value)


def _write_number(value: float, pattern: str | None = None) -> str:
    """Write a number with a US reader's comma and point, in Spanish too: "$4.800" is no price."""
    if pattern is None and isinstance(value, int):
        return f"{value:,}"
    current = get_locale()
    locale = Locale(current.language if current else "en", "US")
    return babel_format_decimal(value, pattern, locale=locale)


def format_money(cents: int | None, unit: str | None = None) -> str:
    """Write an amount of cents, with its unit ("$85 per hour")."""
    if cents is None:
        return ""
    pattern = "¤#,##0" if cents % 100 == 0 else "¤#,##0.00"
    from_babel = _write_number(cents / 100, pattern.replace("¤", "$"))
    return _("%(price)s per %(unit)s", price=from_babel, unit=unit) if unit else from_babel


def format_distance(miles: float | None) -> Markup:
    """Write a distance in miles, with kilometers in the title."""
    if miles is None:
        return Markup()
    number = _write_number(round(miles, 1 if miles < 10 else 0))
    kilometers = _write_number(round(miles * 1.609344, 1 if miles < 10 else 0))
    return Markup('<span class="distance" title="{}">{}</span>').format(
        _("%(count)s km", count=kilometers), _("%(count)s miles", count=number)
    )


def format_ago(moment: dt.datetime | None) -> str:
    """Write how long ago an instant was."""
    if moment is None:
        return ""
    seconds = floor((moment - now()).total_seconds())
    if abs(seconds) >= _TOLD_IN_HOURS:
        seconds = round(seconds / 3600) * 3600  # so few are different that each is written once
    return _write_span(seconds, _language())


def time_ago(moment: dt.datetime) -> Markup:
    """Write how long ago an instant was; machines, and who points at it, are told the instant."""
    told, ago = written(format_instant(moment)), written(format_ago(moment))
    return Markup(  # noqa: S704 (what could need it is escaped)
        f'<time datetime="{moment.isoformat()}" title="{told}">{ago}</time>'
    )


@lru_cache(maxsize=4096)
def _write_span(seconds: int, language: str) -> str:
    # From two of the larger unit on: "12 days ago" says more than "2 weeks ago".
    return dates.format_timedelta(
        dt.timedelta(seconds=seconds),
        granularity="minute",
        add_direction=True,
        threshold=2,
        locale=language,
    )


def asset_version() -> str:
    """Return a mark that changes with every change of the static files."""
    found: str | None = current_app.extensions.get("portal-assets")
    if found is None:
        digest = hashlib.blake2s(digest_size=6)
        folder = current_app.static_folder or ""
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                digest.update(path.name.encode() + path.read_bytes())
        found = current_app.extensions["portal-assets"] = digest.hexdigest()
    return found


def _asset_url(name: str) -> str:
    return path_of("static", filename=name, v=asset_version())


def path_of(endpoint: str, **values: Any) -> str:
    """Return an address that is the same on every page; it is put together once."""
    known: dict[tuple[object, ...], str] = current_app.extensions["portal-paths"]
    key = (request.script_root, endpoint, *values.items())
    if key not in known:
        known[key] = url_for(endpoint, **values)
    return known[key]


def _refuse_too_many(allows: Callable[[str, str], bool]) -> None:
    if request.endpoint and not allows(get_remote_address(), request.endpoint):
        raise TooManyRequests


def refuse_many_tries(name: str, most: int) -> None:
    """Count one of an address's tries to guess something. Raises TooMany beyond `most` a minute."""
    limit = RateLimitItemPerMinute(most)
    if not limiter.limiter.hit(limit, get_remote_address(), name):
        raise TooMany(_("Too many tries. Please wait a minute."), 60)


def _refuse_unwanted_characters() -> None:
    """NUL and lone surrogates are in no honest request, and databases choke on them."""
    values = [request.path]
    for name, its in request.args.lists():
        values += (name, *its)
    if _UNWANTED.search(" ".join(values)) or len(request.query_string) > 64_000:
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
    for name, lower, value in _HEADERS:
        if lower not in said:
            headers.add(name, value)
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
    response = make_response(body, status)
    response.mimetype = "application/problem+json"
    return response


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
    return make_response(
        render_template("errors/error.html", status=status, message=message), status
    )


def _answer_portal_error(error: PortalError) -> Response:
    if isinstance(error, Unauthenticated) and not wants_json():
        if request.method == "GET":
            return see_other(url_for("accounts.sign_in", next=request.full_path.rstrip("?")))
        return _answer(401, error.message)
    details = error.details() if wants_json() else None
    response = _answer(error.status, error.message, _fields_of(error), details)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="api"'
    return response


def _fields_of(error: PortalError) -> Mapping[str, list[str]] | None:
    if isinstance(error, InvalidForm):
        return error.fields
    if isinstance(error, Invalid) and error.field:
        return {error.field: [error.message]}
    return None


def _answer_http_error(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or error.code is None or error.code < 400:
        return error
    if isinstance(error, InternalServerError):
        # The page of another error could not be made.
        if isinstance(error.original_exception, OperationalError | PoolTimeout):
            return _answer_database_error(error.original_exception)
        return _answer_plainly(500)
    message = ""
    if isinstance(error, CSRFError):
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
    return _answer_plainly(503)


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
    return make_response(render_template("errors/plain.html", status=status), status)

"""What Flask and its extensions are told, so that every page has the portal's manners."""

from collections.abc import Callable, Iterable

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_babel import Babel, ngettext
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter

from portal.kernel import richtext
from portal.kernel.authorization import Actor, can
from portal.kernel.clock import now
from portal.kernel.files import MEGABYTE, MOST_DOCUMENT_BYTES
from portal.kernel.kept import KeptAnswers
from portal.kernel.manifest import NavigationItem, RecordSection
from portal.kernel.templating import init_templates
from portal.kernel.web.additions import navigation_items, same_for_nobody, sections_of
from portal.kernel.web.addresses import address, asset_url, path_of, present_address
from portal.kernel.web.arguments import LARGEST_ID
from portal.kernel.web.formats import (
    format_ago,
    format_date,
    format_distance,
    format_instant,
    format_money,
    format_number,
    time_ago,
    zone_city,
)
from portal.kernel.web.guard import init_guard
from portal.kernel.web.refusals import init_refusals
from portal.kernel.web.texts import Texts, catalog, say, say_in_page
from portal.kernel.web.viewer import choose_locale, current_actor, language, viewer_zone


class Sessions(SecureCookieSessionInterface):
    """Flask's sessions; who comes without a cookie gets one at once."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if session or session.modified:
            super().save_session(app, session, response)
        elif session.accessed and response.headers.getlist("Vary"):
            response.vary.add("Cookie")
        elif session.accessed:
            response.headers.add("Vary", "Cookie")


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
    app.extensions["portal-frame"] = {}
    app.extensions["portal-patterns"] = {}
    app.extensions["portal-sections"] = sorted(sections, key=lambda item: item.order)
    app.extensions["portal-navigation"] = sorted(navigation, key=lambda item: item.order)
    is_secure = app.config["SECURE_COOKIES"]
    app.config.update(
        SESSION_COOKIE_NAME="__Host-session" if is_secure else "session",
        SESSION_COOKIE_SECURE=is_secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # Requests with a token carry no cookie and need no CSRF token: the guard decides.
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        BABEL_DEFAULT_LOCALE=app.config["LANGUAGES"].split(",")[0],
    )
    app.session_interface = Sessions()
    app.url_map.converters["int"] = RecordNumber
    allows = init_guard(app)
    # The guard counts these with all others; whoever asks too often hears of it from the app.
    app.wsgi_app = KeptAnswers(app, allows)  # type: ignore[method-assign]
    if app.config["TRUSTED_PROXIES"]:
        count = app.config["TRUSTED_PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    babel = Babel(
        app,
        default_translation_directories="translations",
        locale_selector=choose_locale,
        timezone_selector=viewer_zone,
    )
    babel.domain_instance = Texts(domain="messages")
    init_refusals(app)
    _fit_templates(app)


def _fit_templates(app: Flask) -> None:
    """Give templates the texts, formats and questions that every page may need."""
    environment = app.jinja_env
    init_templates(environment, say_in_page)
    environment.trim_blocks = True
    environment.lstrip_blocks = True
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: catalog().ugettext(text),
        ngettext=lambda text, many, count: catalog().ungettext(text, many, count),
        newstyle=True,
        pgettext=lambda context, text: catalog().upgettext(context, text),
        npgettext=lambda context, text, many, count: catalog().unpgettext(
            context, text, many, count
        ),
    )
    environment.globals["_"] = say
    environment.globals["url_for"] = address
    # A lazy translation is iterable, but it is one value.
    environment.tests["several"] = lambda value: isinstance(value, list | tuple)
    environment.filters.update(
        datetime=format_instant,
        date=format_date,
        number=format_number,
        money=format_money,
        distance=format_distance,
        ago=format_ago,
        time_ago=time_ago,
        markdown=richtext.render,
        zone_city=zone_city,
    )
    environment.globals.update(
        can=lambda permission, row=None: can(current_actor(), permission, row),
        current_actor=current_actor,
        current_locale=language,
        languages=lambda: app.config["LANGUAGES"].split(","),
        document_megabytes=MOST_DOCUMENT_BYTES // MEGABYTE,
        # A form has texts as well.
        upload_megabytes=app.config["MAX_CONTENT_LENGTH"] // MEGABYTE - 1,
        navigation=navigation_items,
        same_for_nobody=same_for_nobody,
        path_of=path_of,
        present_address=present_address,
        viewer_zone=viewer_zone,
        sections_of=sections_of,
        site_name=app.config["SITE_NAME"],
        asset=asset_url,
        now=now,
        ngettext=ngettext,
    )

"""What every answer keeps to: where it may lead, its headers, errors, version and words."""

import contextvars
import datetime as dt
import logging
import re
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask, g, request, url_for
from flask import session as cookie
from flask.testing import FlaskClient
from flask_babel import force_locale
from werkzeug.datastructures import Authorization

from portal.app import create_app, warm_up
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from portal.kernel.fulltext.port import IndexUnavailable
from portal.kernel.web.addresses import asset_version, local_target
from portal.kernel.web.answers import flash, not_modified
from portal.kernel.web.formats import (
    format_ago,
    format_date,
    format_distance,
    format_instant,
    format_money,
)
from portal.kernel.web.viewer import set_actor
from portal.organizations.models import Membership
from tests.cast import PEOPLE, World

ClientOf = Callable[[str], FlaskClient]

HOSTILE_TARGETS = [
    "https://evil.example",
    "http://evil.example/",
    "HTTPS://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    " https://evil.example",
    "\x00//evil.example",
    "/\x0b/evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "evil.example",
    "evil.example/desk",
    "@evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:\\\\evil.example",
    "?next=//evil.example",
    "#//evil.example",
    "/desk\r\nSet-Cookie: a=b",
    "/desk\\..\\evil.example",
    "/" + "a" * 3000,
    "",
]


@pytest.mark.parametrize("target", HOSTILE_TARGETS)
def test_next_never_leaves_the_site(target: str) -> None:
    assert local_target(target, "/fallback") == "/fallback"


@pytest.mark.parametrize(
    "target", ["/", "/desk", "/search?q=a%20b&kind=equipment#top", "/a//b", "/é", "/x?next=//y"]
)
def test_next_may_be_any_path_of_the_site(target: str) -> None:
    assert local_target(target, "/fallback") == target


def test_addresses_are_of_the_host_that_was_asked(app: Flask) -> None:
    for host in ("https://one.example", "http://two.example:8080", "https://one.example"):
        with app.test_request_context("/search?q=a%20b", base_url=host):
            assert url_for("directory.search", _external=True) == f"{host}/search"
            assert (request.host, request.args["q"]) == (host.partition("://")[2], "a b")
    with app.test_request_context("/search", base_url="https://one.example/portal"):
        assert url_for("directory.search") == "/portal/search"


@pytest.mark.parametrize("target", HOSTILE_TARGETS)
def test_language_switch_never_leaves_the_site(client_of: ClientOf, target: str) -> None:
    response = client_of("nobody").get("/language/es", query_string={"next": target})

    if "\x00" in target:
        assert (response.status_code, "Location" in response.headers) == (400, False)
        return
    assert (response.status_code, response.headers["Location"]) == (303, "/")
    assert "evil.example" not in response.text
    assert response.headers["Set-Cookie"].startswith("language=es;")


# Languages


def test_language_switch_is_remembered_and_goes_back(client_of: ClientOf) -> None:
    client = client_of("nobody")
    response = client.get("/language/es?next=/organizations")

    assert (response.status_code, response.headers["Location"]) == (303, "/organizations")
    assert "HttpOnly" in response.headers["Set-Cookie"]
    assert "SameSite=Lax" in response.headers["Set-Cookie"]
    assert '<html lang="es"' in client.get("/organizations").text


def test_a_person_switches_the_language_of_the_account_from_any_page(client_of: ClientOf) -> None:
    ana = client_of("ana")
    footer = ana.get("/organizations?q=shop").text.split("<footer")[1]
    assert '<button lang="es">Español</button>' in footer
    assert 'name="next" value="/organizations?q=shop"' in footer
    data = {"language": "es", "next": "/organizations?q=shop"}
    assert ana.post("/account/language", data=data).headers["Location"] == data["next"]
    assert '<html lang="es"' in ana.get("/organizations").text
    assert ana.post("/account/language", data={"language": "xx"}).status_code == 404


def test_unknown_language_is_not_there(client_of: ClientOf) -> None:
    client = client_of("nobody")
    response = client.get("/language/xx")

    assert response.status_code == 404
    assert "Set-Cookie" not in response.headers
    assert '<html lang="en"' in client.get("/help").text


@pytest.mark.parametrize(
    ("name", "cookie_value", "accepted", "expected"),
    [
        ("nobody", None, "es-MX,es;q=0.9,en;q=0.5", "es"),
        ("nobody", None, "fr", "en"),
        ("nobody", "es", "en", "es"),
        ("nobody", "<script>", "en", "en"),
        ("ana", "es", "es", "en"),
    ],
)
def test_language_is_the_persons_then_the_cookies_then_the_browsers(
    client_of: ClientOf, name: str, cookie_value: str | None, accepted: str, expected: str
) -> None:
    client = client_of(name)
    if cookie_value:
        client.set_cookie("language", cookie_value)

    response = client.get("/help", headers={"Accept-Language": accepted})

    assert f'<html lang="{expected}"' in response.text


# Headers

ADDRESSES = {
    "a page": ("/organizations", 200, "Falls City Community College"),
    "a redirect": ("/language/es", 303, "Redirecting"),
    "a page for nobody": ("/desk", 303, "/sign-in?next="),
    "nothing": ("/nothing-here", 404, "There is nothing here"),
    "a list of the API": ("/api/v1/regions", 200, '"items":'),
    "an error of the API": ("/api/v1/nothing", 404, '"status":404'),
    "where only forms are sent": ("/sign-out", 303, "Redirecting"),
    "a static file": ("/static/css/portal.css", 200, "@layer"),
    "a static file that is not there": ("/static/css/nothing.css", 404, "There is nothing here"),
    "health": ("/healthz", 200, '"status":"ok"'),
}


def assert_guarded(headers: object) -> None:
    policy = headers["Content-Security-Policy"]  # type: ignore[index]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "*" not in policy
    for name, value in {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }.items():
        assert headers[name] == value  # type: ignore[index]
    assert headers["Permissions-Policy"]  # type: ignore[index]


@pytest.mark.parametrize("kind", ADDRESSES)
def test_security_headers_are_on(client_of: ClientOf, kind: str) -> None:
    address, status, said = ADDRESSES[kind]
    response = client_of("nobody").get(address)

    assert response.status_code == status
    assert said in response.text
    assert_guarded(response.headers)


def test_security_headers_are_on_an_unchanged_answer(client_of: ClientOf) -> None:
    client = client_of("nobody")
    tag = client.get("/api/v1/regions").headers["ETag"]

    response = client.get("/api/v1/regions", headers={"If-None-Match": tag})

    assert (response.status_code, response.data) == (304, b"")
    assert_guarded(response.headers)


def test_what_is_not_versioned_is_never_stored(client_of: ClientOf) -> None:
    for name in ("nobody", "ana"):
        assert client_of(name).get("/search").headers["Cache-Control"] == "private, no-store"


def test_static_files_are_kept_only_under_their_version(app: Flask, client_of: ClientOf) -> None:
    client = client_of("nobody")
    with app.app_context():
        version = asset_version()

    assert "immutable" in client.get(f"/static/css/portal.css?v={version}").headers["Cache-Control"]
    for wrong in ("", "?v=", "?v=old"):
        headers = client.get(f"/static/css/portal.css{wrong}").headers
        assert "immutable" not in headers["Cache-Control"]


def test_production_asks_for_https_and_ties_the_cookie_to_the_host(tmp_path: object) -> None:
    app = create_app("production", INSTANCE_PATH=str(tmp_path), SECRET_KEY="x" * 32)
    response = app.test_client().get("/healthz")

    assert "max-age=31536000" in response.headers["Strict-Transport-Security"]
    assert app.config["SESSION_COOKIE_NAME"] == "__Host-session"
    assert app.config["SESSION_COOKIE_SECURE"]


# Proxies


@pytest.mark.parametrize(
    ("proxies", "expected"),
    [(0, ("127.0.0.1", "localhost", False)), (1, ("203.0.113.9", "portal.example", True))],
)
def test_forwarding_headers_are_believed_only_of_known_proxies(
    tmp_path: object, proxies: int, expected: tuple[str, str, bool]
) -> None:
    app = create_app("testing", INSTANCE_PATH=str(tmp_path), TRUSTED_PROXIES=proxies)
    seen: list[tuple[str | None, str, bool]] = []
    app.before_request(lambda: seen.append((request.remote_addr, request.host, request.is_secure)))
    app.test_client().get(
        "/healthz",
        headers={
            # The left part is what a client may have made up.
            "X-Forwarded-For": "198.51.100.1, 203.0.113.9",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "portal.example",
        },
    )

    assert seen == [expected]


# Versions


@pytest.fixture
def tag_of(app: Flask) -> Callable[..., tuple[str, bool]]:
    """The ETag that a reply about "record, version 1" gets in a request of somebody."""

    def tag(*parts: object, actor: object = None, **request: object) -> tuple[str, bool]:
        with app.test_request_context(**request):  # type: ignore[arg-type]
            if actor is not None:
                set_actor(actor)  # type: ignore[arg-type]
            assert not_modified(*(parts or ("record", 1))) is None
            return g.etag

    # In a context of its own, or all requests would share the test's `g`.
    return lambda *parts, **request: contextvars.Context().run(tag, *parts, **request)


def test_version_differs_by_part_language_and_person(
    tag_of: Callable[..., tuple[str, bool]], actor: Callable[..., object]
) -> None:
    tags = [
        tag_of(),
        tag_of("record", 2),
        tag_of("recor", "d1"),
        tag_of(headers={"Accept-Language": "es"}),
        *(tag_of(actor=actor(name)) for name in PEOPLE),
    ]

    assert len({tag for tag, _ in tags}) == len(tags)
    assert tag_of() == tags[0]


def test_version_differs_once_a_person_may_do_more(
    world: World, tag_of: Callable[..., tuple[str, bool]], actor: Callable[..., object]
) -> None:
    before = tag_of(actor=actor("ben"))
    with unit_of_work():
        session.get_one(Membership, world.memberships["ben_shop"]).role = "manager"

    assert tag_of(actor=actor("ben")) != before


def test_only_what_nobody_in_particular_sees_may_be_shared(
    tag_of: Callable[..., tuple[str, bool]], actor: Callable[..., object]
) -> None:
    assert tag_of()[1] is True
    assert tag_of(actor=actor("ana"))[1] is False


def test_reply_with_a_message_has_no_version(app: Flask) -> None:
    with app.test_request_context():
        flash("Saved.")
        assert "_flashes" in cookie

        assert not_modified("record", 1) is None
        assert g.get("etag") is None


def test_unchanged_record_is_not_sent_again(client_of: ClientOf, world: World) -> None:
    address = f"/api/v1/equipment/{world.equipment['shop_public']}"
    client = client_of("nobody")
    first = client.get(address)
    tag = first.headers["ETag"]

    assert first.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
    assert {"Cookie", "Accept-Language"} <= {name.strip() for name in first.vary}
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = client.get(address, headers={"If-None-Match": known})
        assert (answer.status_code, answer.data) == (304, b"")
        assert answer.headers["ETag"] == tag
    for known in ('"other"', tag.strip('"') + "x", "garbage"):
        assert client.get(address, headers={"If-None-Match": known}).status_code == 200
    spanish = {"If-None-Match": tag, "Accept-Language": "es"}
    assert client.get(address, headers=spanish).status_code == 200
    own = client_of("ana").get(address, headers={"If-None-Match": tag})
    assert own.status_code == 200
    assert own.headers["Cache-Control"] == "private, no-cache"


# Errors

REFUSALS: dict[str, tuple[Exception, int]] = {
    "invalid": (Invalid("name", "Not this <name>."), 422),
    "forbidden": (Forbidden("Not you."), 403),
    "not found": (NotFound("Gone."), 404),
    "conflict": (Conflict("Too late."), 409),
    "too many": (TooMany("Slowly.", 30), 429),
    "no index": (IndexUnavailable("missing"), 503),
}


@pytest.fixture
def failing(app: Flask) -> "FailingApp":
    return FailingApp(app)


class FailingApp:
    """Lets the next request fail in the view, as the app would answer it in production."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def answer(self, error: Exception, *, path: str = "/healthz", name: str = "") -> object:
        def fail(**_values: object) -> None:
            raise error

        endpoint = "kernel.healthz" if not path.startswith("/api") else "regions_api.list_regions"
        original = self.app.view_functions[endpoint]
        self.app.view_functions[endpoint] = fail  # type: ignore[assignment]
        self.app.testing = False
        try:
            return self.app.test_client().get(path)
        finally:
            self.app.testing = True
            self.app.view_functions[endpoint] = original


@pytest.mark.parametrize("kind", REFUSALS)
def test_refusal_is_a_page_for_people(failing: FailingApp, kind: str) -> None:
    error, status = REFUSALS[kind]
    response = failing.answer(error)

    assert response.status_code == status
    assert response.mimetype == "text/html"
    assert f"Error {status}" in response.text
    assert_guarded(response.headers)
    if kind == "invalid":
        assert "Not this &lt;name&gt;." in response.text
    if kind == "too many":
        assert response.headers["Retry-After"] == "30"


@pytest.mark.parametrize("kind", REFUSALS)
def test_refusal_is_a_problem_document_for_programs(failing: FailingApp, kind: str) -> None:
    error, status = REFUSALS[kind]
    response = failing.answer(error, path="/api/v1/regions")

    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    assert response.json["status"] == status
    assert response.json["title"]
    assert_guarded(response.headers)
    if kind == "invalid":
        assert response.json["errors"] == {"name": ["Not this <name>."]}


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/regions"])
def test_unexpected_error_is_logged_and_shows_nothing_of_itself(
    failing: FailingApp, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    with caplog.at_level(logging.ERROR):
        response = failing.answer(ZeroDivisionError("the secret reason"), path=path)

    assert response.status_code == 500
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    assert_guarded(response.headers)
    record = next(entry for entry in caplog.records if entry.exc_info)
    assert record.exc_info[0] is ZeroDivisionError  # type: ignore[index]
    assert path in record.getMessage()


def test_unknown_addresses_of_the_api_answer_programs(client_of: ClientOf) -> None:
    client = client_of("nobody")

    assert client.get("/api/nothing").mimetype == "application/problem+json"
    refused = client.delete("/api/v1/search")
    assert (refused.status_code, refused.mimetype) == (405, "application/problem+json")
    assert "GET" in refused.headers["Allow"]


def test_whoever_opens_the_address_of_a_form_gets_the_nearest_page_above(
    app: Flask, client_of: ClientOf
) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    only_sent = [rule for rule in rules if "GET" not in (rule.methods or ())]
    pages = [rule.rule for rule in only_sent if not rule.rule.startswith("/api/")]
    assert len(pages) > 50
    client = client_of("nobody")
    for rule in pages:
        found = client.get(re.sub(r"<[^>]+>", "7", rule))
        assert found.status_code != 405, rule

    led = {
        "/agreements/7/actions/propose": "/agreements/7",
        "/organizations/verify": "/organizations",
        "/milestones/7/tick": "/",
    }
    for address, page in led.items():
        assert client.get(f"{address}?step=2").headers["Location"] == page
        assert client.head(address).status_code == 303


def test_wrong_token_is_told_how_to_sign_in(client_of: ClientOf) -> None:
    response = client_of("nobody").get("/api/v1/me", auth=Authorization("bearer", token="wrong"))

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


# The database does not answer


@pytest.fixture(
    scope="module",
    params=["sqlite:////nonexistent/folder/portal.db", "postgresql://nobody@127.0.0.1:9/none"],
    ids=["sqlite", "postgresql"],
)
def lost_app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """An app that cannot reach its database: it learns nothing, so one serves all tests."""
    folder = str(tmp_path_factory.mktemp("lost"))
    return create_app("testing", INSTANCE_PATH=folder, DATABASE_URL=request.param, TESTING=False)


@pytest.fixture
def lost(lost_app: Flask) -> FlaskClient:
    return lost_app.test_client()


def test_without_database_a_process_starts_all_the_same(lost: FlaskClient) -> None:
    warm_up(lost.application)
    assert lost.get("/healthz").json == {"status": "ok"}


@pytest.mark.parametrize("is_signed_in", [False, True], ids=["visitor", "person"])
@pytest.mark.parametrize("path", ["/organizations", "/readyz", "/api/v1/regions", "/search?q=mill"])
def test_without_database_the_answer_is_a_plain_503(
    lost: FlaskClient, caplog: pytest.LogCaptureFixture, path: str, is_signed_in: bool
) -> None:
    if is_signed_in:
        with lost.session_transaction() as data:
            data["_user_id"] = "some-token"
    response = lost.get(path)

    assert response.status_code == 503
    assert "Traceback" not in response.text
    assert "nonexistent" not in response.text
    assert "OperationalError" not in response.text
    assert_guarded(response.headers)
    if path.startswith("/api/"):
        assert response.mimetype == "application/problem+json"


@pytest.mark.parametrize("path", ["/nothing-here", "/desk", "/static/nothing.css"])
def test_without_database_even_error_pages_of_people_are_plain(
    lost: FlaskClient, path: str
) -> None:
    with lost.session_transaction() as data:
        data["_user_id"] = "some-token"
    response = lost.get(path)

    assert response.status_code == 503
    assert "Error 503" in response.text
    assert_guarded(response.headers)


def test_without_database_the_process_still_says_that_it_lives(lost: FlaskClient) -> None:
    assert lost.get("/healthz").json == {"status": "ok"}


def test_plain_answer_speaks_the_visitors_language(lost: FlaskClient) -> None:
    assert '<html lang="es"' in lost.get("/readyz", headers={"Accept-Language": "es"}).text


# What no honest request holds

# What people and programs read where a request is damaged, or leads nowhere.
UNDERSTOOD = ("could not be understood", "There is nothing here", '"status":4')
UNWANTED = ["%00", "a%00b", "%ED%A0%80", "%EF%BF%BF", "%FF%FE", "%C0%80", "%F4%90%80%80"]


@pytest.mark.parametrize("text", UNWANTED)
@pytest.mark.parametrize("is_signed_in", [False, True], ids=["visitor", "person"])
def test_broken_characters_in_addresses_are_refused_or_harmless(
    client_of: ClientOf, indexed: None, text: str, is_signed_in: bool
) -> None:
    client = client_of("ana" if is_signed_in else "nobody")
    for address in (
        f"/{text}",
        f"/regions/{text}",
        f"/capabilities/{text}",
        f"/search?q={text}",
        f"/search?{text}=1",
        f"/search?capability={text}",
        f"/search/suggestions?q={text}",
        f"/organizations?cursor={text}",
        f"/organizations?county={text}",
        f"/equipment?facility={text}",
        f"/requests?kind={text}",
        f"/sign-in?next=/{text}",
        f"/language/{text}",
        f"/api/v1/capabilities/{text}",
        f"/api/v1/search?q={text}",
        f"/api/v1/organizations?cursor={text}&limit={text}",
        f"/static/{text}",
    ):
        response = client.get(address)
        assert response.status_code < 500, address
        assert "Traceback" not in response.text, address
        if "%00" in text:
            assert 400 <= response.status_code < 500, address
            assert any(said in response.text for said in UNDERSTOOD), address


@pytest.mark.parametrize("number", ["0", "-1", "2147483648", "9" * 19, "9" * 400, "1e3", "٣", "+1"])
def test_numbers_that_no_record_has_are_not_there(client_of: ClientOf, number: str) -> None:
    client = client_of("ana")
    for address in ("organizations", "facilities", "equipment", "requests", "responses"):
        shown = client.get(f"/{address}/{number}")
        assert shown.status_code == 404, address
        assert "There is nothing here" in shown.text, address
        if address != "responses":
            for send in (client.get, client.delete):
                answer = send(f"/api/v1/{address}/{number}")
                assert (answer.status_code, answer.json["title"]) == (404, "Not found"), address


# Words and figures


@pytest.mark.parametrize(
    ("cents", "unit", "english", "spanish"),
    [
        (None, None, "", ""),
        (0, None, "$0", "$0"),
        (8500, None, "$85", "$85"),
        (8550, None, "$85.50", "$85.50"),
        (480000, None, "$4,800", "$4,800"),
        (123456789, None, "$1,234,567.89", "$1,234,567.89"),
        (8500, "hour", "$85 per hour", None),
    ],
)
def test_money_is_written_as_readers_in_the_united_states_do(
    app: Flask, cents: int | None, unit: str | None, english: str, spanish: str | None
) -> None:
    with app.test_request_context():
        with force_locale("en"):
            assert format_money(cents, unit) == english
        if spanish is not None:
            with force_locale("es"):
                assert format_money(cents, unit) == spanish


def test_instants_are_in_the_viewers_zone_and_name_it(app: Flask) -> None:
    summer = dt.datetime(2026, 7, 1, 16, 30, tzinfo=dt.UTC)
    winter = dt.datetime(2026, 1, 15, 3, 5, tzinfo=dt.UTC)
    with app.test_request_context(), force_locale("en"):
        assert format_instant(None) == ""
        assert tidy(format_instant(summer)) == "Jul 1, 2026, 12:30 PM EDT"
        assert tidy(format_instant(winter)) == "Jan 14, 2026, 10:05 PM EST"
        assert format_date(winter) == "Jan 14, 2026"
        assert format_date(dt.date(2026, 1, 15)) == "Jan 15, 2026"
    with app.test_request_context(), force_locale("es"):
        assert tidy(format_instant(summer)) == "1 jul 2026, 12:30 EDT"


def tidy(text: str) -> str:
    return re.sub(r"\s", " ", text)


@pytest.mark.parametrize(
    ("ago", "english", "spanish"),
    [
        (dt.timedelta(seconds=20), "1 minute ago", "hace 1 minuto"),
        (dt.timedelta(minutes=5), "5 minutes ago", "hace 5 minutos"),
        (dt.timedelta(hours=30), "30 hours ago", "hace 30 horas"),
        (dt.timedelta(days=12), "12 days ago", "hace 12 días"),
        (dt.timedelta(days=90), "3 months ago", "hace 3 meses"),
        (dt.timedelta(days=-3), "in 3 days", "dentro de 3 días"),
    ],
)
def test_ages_are_written_in_the_language(
    app: Flask, ago: dt.timedelta, english: str, spanish: str
) -> None:
    with time_machine.travel("2026-05-04T12:00:00Z", tick=False), app.test_request_context():
        with force_locale("en"):
            assert format_ago(now() - ago) == english
            assert format_ago(None) == ""
        with force_locale("es"):
            assert format_ago(now() - ago) == spanish


def test_distances_are_miles_with_kilometers_at_hand(app: Flask) -> None:
    with app.test_request_context(), force_locale("en"):
        assert format_distance(None) == ""
        assert ">3.2 miles<" in format_distance(3.2)
        assert 'title="5.1 km"' in format_distance(3.2)
        assert ">1,234 miles<" in format_distance(1234.4)


# Navigation


def test_menu_shows_what_the_actor_may_open(client_of: ClientOf) -> None:
    for name in ("nobody", "ana", "root"):
        text = client_of(name).get("/help").text
        assert ('href="/administration/users"' in text) is (name == "root")
        assert ('href="/account"' in text) is (name != "nobody")
        assert ("Signed in as" in text) is (name != "nobody")


def test_menu_marks_the_present_page(client_of: ClientOf, indexed: None) -> None:
    text = client_of("nobody").get("/search").text

    assert re.findall(r'href="([^"]+)" aria-current="page"', text) == ["/search"]


@pytest.mark.pages
@pytest.mark.parametrize("name", ["nobody", "ana", "dov", "root"])
def test_every_entry_of_a_menu_opens(client_of: ClientOf, indexed: None, name: str) -> None:
    text = client_of(name).get("/help").text
    for menu in re.findall(r'<ul class="menu-list">.*?</ul>', text, re.DOTALL):
        for address in re.findall(r'href="([^"]+)"', menu):
            opened = client_of(name).get(address)
            if opened.status_code == 303:  # where there is but one, it opens itself
                opened = client_of(name).get(opened.location)
            assert opened.status_code == 200, address


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("/bookings/7?from=2027-03-01#x", "/bookings/7?from=2027-03-01#x"),
        ("/api/v1/bookings/7", "/api/v1/bookings/7"),
        ('/a place/"7"', "/a%20place/%227%22"),
        ("/plätze", "/pl%C3%A4tze"),
    ],
)
def test_an_address_to_go_on_to_is_quoted_where_it_has_to_be(
    app: Flask, given: str, sent: str
) -> None:
    with app.test_request_context(method="POST") as context:
        answer = app.response_class("Made.", 201, {"Location": given})
        body, status, headers = answer.get_wsgi_response(context.request.environ)
    assert (b"".join(body), status) == (b"Made.", "201 CREATED")
    assert dict(headers)["Location"] == sent
    assert dict(headers)["Content-Length"] == "5"

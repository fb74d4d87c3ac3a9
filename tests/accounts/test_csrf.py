"""Forms of other sites change nothing here."""

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts import queries, services
from portal.accounts.models import User
from portal.kernel.authorization import SYSTEM
from tests.cast import PASSWORD


@pytest.fixture(autouse=True)
def checked(app: Flask) -> Iterator[None]:
    """As in production; other tests do without the token."""
    app.config["WTF_CSRF_ENABLED"] = True
    yield
    app.config["WTF_CSRF_ENABLED"] = False


def writing_routes(app: Flask) -> list[tuple[str, str]]:
    return [
        (re.sub(r"<[^>]*>", "1", rule.rule), method)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"GET", "HEAD", "OPTIONS"})
    ]


def test_every_route_that_writes_refuses_a_form_without_the_token(
    app: Flask, client_of: Callable[[str], FlaskClient]
) -> None:
    client = client_of("root")
    routes = writing_routes(app)
    assert len(routes) > 20
    answers = {
        f"{method} {path}": client.open(path, method=method, data={"name": "x"}).status_code
        for path, method in routes
    }
    assert {key: status for key, status in answers.items() if status != 400} == {}


def test_the_token_of_a_page_lets_its_form_through(
    give_password: Callable[..., User], client_of: Callable[[str], FlaskClient]
) -> None:
    give_password("ana")
    client = client_of("nobody")
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/sign-in").text)
    assert found is not None
    data = {"email": "ana@cast.example", "password": PASSWORD, "csrf_token": found[1]}
    assert client.post("/sign-in", data=data).status_code == 303
    assert client.post("/sign-in", data=data).status_code == 400


def test_whose_session_ended_in_the_middle_of_a_form_signs_in_and_comes_back_to_it(
    client_of: Callable[[str], FlaskClient],
) -> None:
    words = {"title": "<b>Six</b> plates a month", "starts_on": "2026-12-01"}
    client, here = client_of("nobody"), {"Referer": "http://localhost/agreements/new?response=19"}
    answer = client.post("/agreements/new?response=19", data=words, headers=here)
    assert answer.status_code == 401
    assert "You are not signed in any more." in answer.text
    assert "/sign-in?next=/agreements/new?response%3D19" in answer.text
    # Without a script nothing else has what was typed.
    typed = answer.text.partition("<noscript>")[2].partition("</noscript>")[0]
    assert "&lt;b&gt;Six&lt;/b&gt; plates a month" in typed
    assert "2026-12-01" not in typed
    # What another site sends is not shown as if it had been typed here.
    there = client.post("/agreements/new", data=words, headers={"Referer": "http://evil.example/"})
    assert "plates a month" not in there.text


def test_a_form_that_is_too_old_leads_back_to_its_page(
    client_of: Callable[[str], FlaskClient],
) -> None:
    here = {"Referer": "http://localhost/sign-in?next=/desk"}
    answer = client_of("nobody").post("/sign-in", data={"password": "a b c"}, headers=here)
    assert (answer.status_code, "a b c" in answer.text) == (400, False)
    assert re.search(r'href="/sign-in\?next=/desk"[^>]*>Back to where you were', answer.text)
    assert "not signed in any more" not in answer.text


def test_programs_with_a_bearer_token_need_none(
    client_of: Callable[[str], FlaskClient],
) -> None:
    user = queries.find_user_by_email("ana@cast.example")
    assert user is not None
    _token, secret = services.make_token(
        SYSTEM, user, name="x", scopes=["read", "account:write"], days=1
    )
    answer = client_of("nobody").patch(
        "/api/v1/me", json={"name": "A."}, headers={"Authorization": f"Bearer {secret}"}
    )
    assert answer.json["name"] == "A."


def test_an_authorization_header_does_not_open_the_pages_to_other_sites(
    client_of: Callable[[str], FlaskClient],
) -> None:
    answer = client_of("ana").post(
        "/account", data={"name": "x"}, headers={"Authorization": "Bearer ic_x"}
    )
    assert answer.status_code == 400
    user = queries.find_user_by_email("ana@cast.example")
    assert user is not None
    assert user.name == "Ana"

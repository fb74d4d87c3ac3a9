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

"""API tokens: shown once, hashed, scoped, revocable; and what the API says of oneself."""

import datetime as dt
import re
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.accounts import queries, rules, services
from portal.accounts.models import ApiToken, User
from portal.kernel.authorization import SYSTEM, Actor, known_scopes
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Forbidden, Invalid
from portal.kernel.mail import OutgoingMail
from tests.cast import PASSWORD, World

Clients = Callable[[str], FlaskClient]
MakeToken = Callable[..., str]
DATA = {"name": "Web site", "scopes": ["read", "account:write"], "expires_in": "30"}


@pytest.fixture
def make_token(app: Flask) -> MakeToken:
    """Make a token of somebody of the cast; return its secret."""

    def make(name: str, *scopes: str, days: int | None = 30) -> str:
        user = queries.find_user_by_email(f"{name}@cast.example")
        assert user is not None
        _token, secret = services.make_token(
            SYSTEM, user, name="Test", scopes=scopes or ["read"], days=days
        )
        return secret

    return make


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_a_token_is_shown_once_and_only_its_hash_is_kept(
    client_of: Clients, letters: Callable[[str], list[OutgoingMail]]
) -> None:
    client = client_of("ana")
    made = client.post("/account/tokens", data=DATA)
    found = re.search(r"ic_[\w-]{43}", made.text)
    assert found is not None
    again = client.get("/account/tokens").text
    assert "Web site" in again
    assert found[0] not in again

    token = session.scalars(select(ApiToken)).one()
    assert token.scopes == ["account:write", "read"]
    assert found[0] not in token.token_hash
    me = client_of("nobody").get("/api/v1/me", headers=bearer(found[0]))
    assert me.json["email"] == "ana@cast.example"
    assert me.json["scopes"] == ["account:write", "read"]
    assert letters("ana@cast.example")[-1].subject == "A new API token"


def test_the_scopes_offered_are_those_of_the_policies(client_of: Clients) -> None:
    offered = client_of("ana").get("/account/tokens").text
    assert known_scopes()[0] == "read"
    assert {"account:write", "organizations:write"} <= set(known_scopes())
    assert "demo:write" not in known_scopes()
    assert all(f'value="{scope}"' in offered for scope in known_scopes())


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"expires_in": "9999"},
        {"expires_in": ""},
    ],
    ids=str,
)
def test_a_token_with_a_bad_field_is_not_made(client_of: Clients, wrong: dict[str, object]) -> None:
    answer = client_of("ana").post("/account/tokens", data={**DATA, **wrong})
    assert answer.status_code == 422
    assert session.scalars(select(ApiToken)).all() == []


def test_a_command_refuses_scopes_that_do_not_exist(
    app: Flask, actor: Callable[[str], Actor]
) -> None:
    user = queries.find_user_by_email("ana@cast.example")
    assert user is not None
    with pytest.raises(Invalid):
        services.make_token(actor("ana"), user, name="x", scopes=["all"], days=1)


@pytest.mark.parametrize(
    "header",
    [
        "Bearer ",
        "Bearer ic_unknown",
        "Bearer",
        "Basic YW5hOnB3",
        "ic_unknown",
        "Bearer \udcff",
        "",
    ],
    ids=repr,
)
def test_a_wrong_token_is_401_even_beside_a_good_cookie(client_of: Clients, header: str) -> None:
    answer = client_of("ana").get("/api/v1/me", environ_overrides={"HTTP_AUTHORIZATION": header})
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_counts_for_nothing_in_the_pages(client_of: Clients, make_token: MakeToken) -> None:
    answer = client_of("nobody").get("/account", headers=bearer(make_token("ana")))
    assert answer.headers["Location"].startswith("/sign-in")


def test_a_token_wins_over_a_cookie(client_of: Clients, make_token: MakeToken) -> None:
    me = client_of("ana").get("/api/v1/me", headers=bearer(make_token("ben")))
    assert me.json["name"] == "Ben"


def test_a_token_without_the_scope_changes_nothing(
    client_of: Clients, make_token: MakeToken, world: World
) -> None:
    client = client_of("nobody")
    change = {"json": {"name": "Renamed"}}
    refused = client.patch("/api/v1/me", headers=bearer(make_token("ana")), **change)
    assert refused.status_code == 403
    assert "account:write" in refused.json["detail"]
    assert session.get_one(User, world.users["ana"]).name == "Ana"

    secret = make_token("ana", "read", "account:write")
    assert client.patch("/api/v1/me", headers=bearer(secret), **change).status_code == 200
    session.rollback()
    assert session.get_one(User, world.users["ana"]).name == "Renamed"


def test_a_token_without_read_reads_nothing(client_of: Clients, make_token: MakeToken) -> None:
    secret = make_token("ana", "facilities:write")
    answer = client_of("nobody").get("/api/v1/me", headers=bearer(secret))
    assert answer.status_code in (403, 404)
    assert "ana@cast.example" not in answer.text


def test_a_revoked_token_is_worthless(
    client_of: Clients, make_token: MakeToken, world: World
) -> None:
    secret = make_token("ana")
    token = session.scalars(select(ApiToken)).one()
    path = f"/account/tokens/{token.id}/revoke"
    for name in ("ben", "eve"):
        assert client_of(name).post(path, data={"confirmed": "yes"}).status_code == 404
    assert client_of("nobody").post(path).status_code == 401
    client = client_of("ana")
    assert "Revoke “Test”?" in client.post(path).text
    assert client.get("/api/v1/me", headers=bearer(secret)).status_code == 200
    assert client.post(path, data={"confirmed": "yes"}).status_code == 303
    assert client.get("/api/v1/me", headers=bearer(secret)).status_code == 401


def assert_worthless(client: FlaskClient, secret: str) -> None:
    """Expect an answer that neither tells whose token it was nor notes that it was used."""
    answer = client.get("/api/v1/me", headers=bearer(secret))
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.json["detail"] == "This token is unknown, revoked or expired."
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'
    token = session.scalars(
        select(ApiToken).where(ApiToken.token_hash == rules.hash_secret(secret))
    ).one()
    assert token.last_used_at is None


def test_an_expired_token_is_worthless(client_of: Clients, make_token: MakeToken) -> None:
    short, endless = make_token("ana", days=30), make_token("ana", days=None)
    client = client_of("nobody")
    with time_machine.travel(now() + dt.timedelta(days=31), tick=False):
        assert_worthless(client, short)
        assert client.get("/api/v1/me", headers=bearer(endless)).json["name"] == "Ana"


def test_the_token_of_a_closed_account_is_worthless(
    client_of: Clients, make_token: MakeToken, world: World
) -> None:
    secret = make_token("ana")
    with unit_of_work():
        session.get_one(User, world.users["ana"]).is_active = False
    assert_worthless(client_of("nobody"), secret)
    # Not even for what anybody may read without one.
    answer = client_of("nobody").get("/api/v1/organizations", headers=bearer(secret))
    assert (answer.status_code, "items" in answer.json) == (401, False)


def test_the_last_use_is_noted(client_of: Clients, make_token: MakeToken) -> None:
    secret = make_token("ana")
    token = session.scalars(select(ApiToken)).one()
    assert token.last_used_at is None
    client_of("nobody").get("/api/v1/me", headers=bearer(secret))
    session.refresh(token)
    assert token.last_used_at is not None


def test_nobody_makes_a_token_for_somebody_else(
    app: Flask, actor: Callable[[str], Actor], world: World
) -> None:
    other = session.get_one(User, world.users["ben"])
    with pytest.raises(Forbidden):
        services.make_token(actor("root"), other, name="x", scopes=["read"], days=1)


def test_me_tells_where_one_belongs(client_of: Clients, world: World) -> None:
    me = client_of("ana").get("/api/v1/me")
    assert me.json == {
        "id": world.users["ana"],
        "email": "ana@cast.example",
        "name": "Ana",
        "language": "en",
        "time_zone": "America/Kentucky/Louisville",
        "is_administrator": False,
        "memberships": [{"organization_id": world.organizations["shop"], "role": "owner"}],
        "brokered_region_ids": [],
        "scopes": None,
    }


def test_me_that_has_not_changed_is_not_sent_again(client_of: Clients) -> None:
    client = client_of("ana")
    first = client.get("/api/v1/me")
    again = client.get("/api/v1/me", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    client.patch("/api/v1/me", json={"name": "Ana M."})
    changed = client.get("/api/v1/me", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.json["name"] == "Ana M."


def test_me_changes_what_is_sent_and_keeps_the_rest(client_of: Clients) -> None:
    answer = client_of("ana").patch("/api/v1/me", json={"time_zone": "America/Chicago"})
    assert answer.status_code == 200
    assert (answer.json["name"], answer.json["time_zone"]) == ("Ana", "America/Chicago")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"is_administrator": True}, ""),
        ({"email": "new@cast.example"}, ""),
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"language": "tlh"}, "language"),
    ],
    ids=str,
)
def test_me_refuses_what_is_not_its_to_change(
    client_of: Clients, world: World, body: dict[str, object], field: str
) -> None:
    answer = client_of("ana").patch("/api/v1/me", json=body)
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert field in answer.json["errors"]
    user = session.get_one(User, world.users["ana"])
    assert (user.name, user.email, user.is_administrator) == ("Ana", "ana@cast.example", False)


def test_a_reset_of_the_password_ends_all_tokens_and_says_so(
    client_of: Clients,
    make_token: MakeToken,
    link_for: Callable[[str], str],
    letters: Callable[[str], list[OutgoingMail]],
) -> None:
    secrets = [make_token("ana", "read"), make_token("ana", "account:write")]
    of_ben = make_token("ben", "read")
    client_of("nobody").post("/password", data={"email": "ana@cast.example"})
    reset = link_for("ana@cast.example")
    assert "its API tokens stop working" in client_of("nobody").get(reset).text
    chosen = {"password": "violet tractor moon"}
    assert client_of("nobody").post(reset, data=chosen).status_code == 303
    for secret in secrets:
        assert client_of("nobody").get("/api/v1/me", headers=bearer(secret)).status_code == 401
    assert client_of("nobody").get("/api/v1/me", headers=bearer(of_ben)).status_code == 200
    assert "Its 2 API tokens were revoked as well" in letters("ana@cast.example")[-1].body_text


def test_a_change_of_the_password_keeps_tokens_and_says_so(
    give_password: Callable[..., User],
    sign_in: Callable[..., FlaskClient],
    client_of: Clients,
    make_token: MakeToken,
    letters: Callable[[str], list[OutgoingMail]],
) -> None:
    give_password("ana")
    secret = make_token("ana", "read")
    client = sign_in("ana@cast.example")
    assert "keep working until you revoke them" in client.get("/account/password").text
    data = {"current_password": PASSWORD, "password": "violet tractor moon"}
    assert client.post("/account/password", data=data).status_code == 303
    assert client_of("nobody").get("/api/v1/me", headers=bearer(secret)).status_code == 200
    assert "API token" not in letters("ana@cast.example")[-1].body_text

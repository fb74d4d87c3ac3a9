"""Signing in and out, and what a session is worth."""

import datetime as dt
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.accounts import rules
from portal.accounts.models import User, UserSession
from portal.accounts.rules import PasswordCost
from portal.kernel.clock import now
from portal.kernel.database import db, session, unit_of_work
from tests.cast import PASSWORD, World, token_of
from tests.support.statements import count_statements

Clients = Callable[[str], FlaskClient]
HOUR = dt.timedelta(hours=1)

OUTSIDE = [
    "https://evil.example/",
    "http://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example/x",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil.example",
    "\t//evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "evil.example/desk",
    "https:evil.example",
    "https:/evil.example",
    "/\u2028/evil.example\r\nX: y",
    "http:///evil.example",
    "//user@evil.example",
    "/" + "x" * 3000,
    "",
]


def session_cookie(client: FlaskClient) -> str:
    found = client.get_cookie("session")
    assert found is not None
    return found.value


def test_right_password_signs_in_with_a_new_session(
    give_password: Callable[..., User], client_of: Clients
) -> None:
    give_password("ana")
    client = client_of("nobody")
    answer = client.post("/sign-in", data={"email": "ANA@cast.example", "password": PASSWORD})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/"
    assert client.get("/api/v1/me").json["email"] == "ana@cast.example"


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ana@cast.example", "violet tractor moon"),
        ("ben@cast.example", PASSWORD),
        ("stranger@cast.example", PASSWORD),
    ],
    ids=["wrong password", "account without password", "unknown address"],
)
def test_every_refused_sign_in_reads_the_same(
    give_password: Callable[..., User], client_of: Clients, email: str, password: str
) -> None:
    give_password("ana")
    client = client_of("nobody")
    answer = client.post("/sign-in", data={"email": email, "password": password})
    assert answer.status_code == 422
    assert "The address or the password is not right." in answer.text
    assert client.get("/api/v1/me").status_code == 401


def test_closed_account_is_told_so_only_after_the_right_password(
    give_password: Callable[..., User], client_of: Clients
) -> None:
    user = give_password("ana")
    with unit_of_work():
        user.is_active = False
    client = client_of("nobody")
    wrong = client.post("/sign-in", data={"email": user.email, "password": "violet tractor"})
    right = client.post("/sign-in", data={"email": user.email, "password": PASSWORD})
    assert "is not right" in wrong.text
    assert "This account is closed." in right.text
    assert client.get("/account").status_code == 303


def test_unconfirmed_address_is_told_so_only_after_the_right_password(
    give_password: Callable[..., User], client_of: Clients
) -> None:
    user = give_password("ana")
    with unit_of_work():
        user.email_verified_at = None
    client = client_of("nobody")
    wrong = client.post("/sign-in", data={"email": user.email, "password": "violet tractor"})
    right = client.post("/sign-in", data={"email": user.email, "password": PASSWORD})
    assert "is not right" in wrong.text
    assert "Send me a new link" in right.text
    assert client.get("/account").status_code == 303


def test_the_way_back_is_taken_after_signing_in(
    give_password: Callable[..., User], client_of: Clients
) -> None:
    give_password("ana")
    client = client_of("nobody")
    asked = client.get("/account/sessions?cursor=x")
    assert asked.headers["Location"] == "/sign-in?next=/account/sessions?cursor%3Dx"
    answer = client.post(
        asked.headers["Location"], data={"email": "ana@cast.example", "password": PASSWORD}
    )
    assert answer.headers["Location"] == "/account/sessions?cursor=x"


@pytest.mark.parametrize("target", OUTSIDE)
def test_the_way_back_never_leaves_the_site(client_of: Clients, target: str) -> None:
    answer = client_of("ana").get("/sign-in", query_string={"next": target})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/"


def test_a_cookie_copied_before_sign_out_is_worthless(
    app: Flask, give_password: Callable[..., User], sign_in: Callable[..., FlaskClient]
) -> None:
    give_password("ana")
    client = sign_in("ana@cast.example")
    copied = session_cookie(client)
    assert client.post("/sign-out").status_code == 303

    thief = app.test_client()
    thief.set_cookie("session", copied)
    assert thief.get("/api/v1/me").status_code == 401
    assert thief.get("/account").headers["Location"].startswith("/sign-in")


def test_signing_in_empties_the_cookie_and_ends_the_session_before(
    app: Flask, give_password: Callable[..., User], client_of: Clients, world: World
) -> None:
    give_password("ana")
    client = client_of("ana")
    with client.session_transaction() as cookie:
        cookie["planted"] = "by somebody else"
    client.post("/sign-in", data={"email": "ana@cast.example", "password": PASSWORD})

    with client.session_transaction() as cookie:
        assert "planted" not in cookie
        assert cookie["_user_id"] != token_of("ana")
    of_ana = select(func.count()).where(UserSession.user_id == world.users["ana"])
    assert session.scalar(of_ana.select_from(UserSession)) == 1


def test_the_database_keeps_only_the_hash_of_the_cookie(
    give_password: Callable[..., User], sign_in: Callable[..., FlaskClient]
) -> None:
    give_password("ana")
    client = sign_in("ana@cast.example")
    with client.session_transaction() as cookie:
        token = cookie["_user_id"]
    newest = session.scalars(select(UserSession).order_by(UserSession.id.desc())).first()
    assert newest is not None
    assert newest.token_hash == rules.hash_secret(token)
    assert token not in newest.token_hash


def assert_signed_out(client: FlaskClient) -> None:
    """Expect that pages lead to signing in and that the API says so, and neither tells of Ana."""
    page = client.get("/desk")
    assert (page.status_code, page.headers["Location"]) == (303, "/sign-in?next=/desk")
    answer = client.get("/api/v1/me")
    assert (answer.status_code, answer.json["title"]) == (401, "Not signed in")
    assert "Ana" not in answer.text


def test_a_session_ends_without_use(client_of: Clients, app: Flask) -> None:
    client = client_of("ana")
    idle = dt.timedelta(hours=app.config["SESSION_IDLE_HOURS"])
    for hours in (idle - HOUR, 2 * idle - 2 * HOUR):
        with time_machine.travel(now() + hours, tick=False):
            assert client.get("/api/v1/me").json["name"] == "Ana"
    with time_machine.travel(now() + 3 * idle, tick=False):
        assert_signed_out(client)


def test_a_session_ends_for_good_whatever_its_use(
    app: Flask, give_password: Callable[..., User], sign_in: Callable[..., FlaskClient]
) -> None:
    give_password("ana")
    client = sign_in("ana@cast.example")
    days = app.config["SESSION_LIFETIME_DAYS"]
    start = now()
    for day in range(2, days, 2):
        with time_machine.travel(start + dt.timedelta(days=day), tick=False):
            assert client.get("/api/v1/me").json["name"] == "Ana"
    with time_machine.travel(start + dt.timedelta(days=days, minutes=1), tick=False):
        assert_signed_out(client)


def test_use_is_written_down_only_every_few_minutes(client_of: Clients, world: World) -> None:
    client = client_of("ana")
    mine = select(UserSession.last_seen_at).where(UserSession.user_id == world.users["ana"])
    first = session.scalar(mine)
    client.get("/api/v1/me")
    assert session.scalar(mine) == first
    assert first is not None
    later = first + dt.timedelta(minutes=6)
    with time_machine.travel(later, tick=False):
        client.get("/api/v1/me")
        session.rollback()
        assert session.scalar(mine) == later


@pytest.mark.sqlite
def test_noting_that_a_session_is_in_use_waits_for_nobody_who_writes(
    app: Flask, client_of: Clients, world: World
) -> None:
    client = client_of("ana")
    mine = select(UserSession.last_seen_at).where(UserSession.user_id == world.users["ana"])
    first = session.scalar(mine)
    session.rollback()
    with (
        time_machine.travel(first + dt.timedelta(minutes=6), tick=False),
        db.engine.connect() as other,
    ):
        other.exec_driver_sql("COMMIT")
        other.exec_driver_sql("BEGIN IMMEDIATE")
        answer = client.get("/account")
        other.exec_driver_sql("ROLLBACK")
    assert answer.status_code == 200
    assert session.scalar(mine) == first


def test_who_is_signed_in_is_known_from_one_statement(client_of: Clients) -> None:
    client = client_of("ana")
    with count_statements() as seen:
        client.get("/sign-in")
    assert sum("user_session" in text for text in seen.texts) == 1


def test_closing_an_account_ends_its_sessions_at_once(client_of: Clients, world: World) -> None:
    client = client_of("ben")
    with unit_of_work():
        session.get_one(User, world.users["ben"]).is_active = False
    assert client.get("/api/v1/me").status_code == 401
    assert client.get("/account").headers["Location"].startswith("/sign-in")


def test_a_hash_with_old_parameters_is_renewed_at_sign_in(
    give_password: Callable[..., User], sign_in: Callable[..., FlaskClient]
) -> None:
    user = give_password("ana")
    with unit_of_work():
        user.password_hash = rules.hash_password(PASSWORD, PasswordCost(16, 1, 1))
    sign_in(user.email)
    session.refresh(user)
    assert user.password_hash is not None
    assert "m=8,t=1,p=1" in user.password_hash


def test_visitors_get_no_cookie(client_of: Clients) -> None:
    answer = client_of("nobody").get("/mailbox")
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_the_cookie_is_kept_from_scripts_and_other_sites(
    give_password: Callable[..., User], client_of: Clients
) -> None:
    give_password("ana")
    answer = client_of("nobody").post(
        "/sign-in", data={"email": "ana@cast.example", "password": PASSWORD}
    )
    flags = answer.headers["Set-Cookie"]
    assert "HttpOnly" in flags
    assert "SameSite=Lax" in flags
    assert "Path=/" in flags
    assert "Domain" not in flags

"""One's own account: profile, address, password, sessions, and the password asked again."""

import datetime as dt
from collections.abc import Callable

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.accounts.models import User, UserSession
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.mail import OutgoingMail
from tests.accounts.conftest import same_but_for_the_address
from tests.cast import PASSWORD, World, token_of

Clients = Callable[[str], FlaskClient]
Letters = Callable[[str], list[OutgoingMail]]

LATER = dt.timedelta(minutes=31)


def sessions_of(world: World, name: str) -> list[int]:
    mine = select(UserSession.id).where(UserSession.user_id == world.users[name])
    return list(session.scalars(mine))


def test_the_profile_changes_how_the_portal_speaks(client_of: Clients, world: World) -> None:
    client = client_of("ana")
    data = {"name": "Ana María", "language": "es", "time_zone": "America/Chicago"}
    assert client.post("/account", data=data).status_code == 303
    answer = client.get("/account")
    assert '<html lang="es">' in answer.text
    assert "America/Chicago" in answer.text
    assert session.get_one(User, world.users["ana"]).name == "Ana María"


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"language": "xx"}, {"time_zone": "Mars/Olympus"}, {"time_zone": "../etc"}],
    ids=str,
)
def test_what_the_portal_does_not_know_is_refused(
    client_of: Clients, world: World, wrong: dict[str, str]
) -> None:
    data = {"name": "Ana", "language": "en", "time_zone": "America/Chicago", **wrong}
    assert client_of("ana").post("/account", data=data).status_code == 422
    assert session.get_one(User, world.users["ana"]).time_zone == "America/Kentucky/Louisville"


def test_nobody_promotes_themselves_through_the_profile(client_of: Clients, world: World) -> None:
    data = {"name": "Ana", "language": "en", "time_zone": "", "is_administrator": "y"}
    data |= {"email": "root@cast.example", "is_active": ""}
    client_of("ana").post("/account", data=data)
    user = session.get_one(User, world.users["ana"])
    assert (user.is_administrator, user.email, user.is_active) == (False, "ana@cast.example", True)


def test_the_address_changes_when_the_new_one_is_confirmed_and_the_old_one_is_told(
    client_of: Clients, world: World, link_for: Callable[[str], str], letters: Letters
) -> None:
    client = client_of("ana")
    client.post("/account/email", data={"email": "Ana@New.example"})
    link = link_for("ana@new.example")
    user = session.get_one(User, world.users["ana"])
    assert user.email == "ana@cast.example"

    assert "Use this address?" in client.get(link).text
    assert client.post(link).status_code == 303
    session.refresh(user)
    assert user.email == "ana@new.example"
    subjects = [letter.subject for letter in letters("ana@cast.example")]
    assert subjects == ["Your account moved to another address"]
    assert client.post(link).status_code == 410


def test_moving_to_somebody_elses_address_tells_only_them(
    client_of: Clients, letters: Letters, world: World
) -> None:
    client = client_of("ana")
    pages = []
    for email in ("ben@cast.example", "ana@new.example"):
        answer = client.post("/account/email", data={"email": email})
        pages.append((answer.status_code, same_but_for_the_address(answer.text, email)))
    assert pages[0] == pages[1]
    assert pages[0][0] == 200
    assert [row.subject for row in letters("ben@cast.example")] == ["You have an account already"]
    assert session.get_one(User, world.users["ana"]).email == "ana@cast.example"


def test_an_address_taken_meanwhile_is_refused(
    client_of: Clients, world: World, link_for: Callable[[str], str]
) -> None:
    client_of("ana").post("/account/email", data={"email": "x@new.example"})
    of_ana = link_for("x@new.example")
    client_of("ben").post("/account/email", data={"email": "x@new.example"})
    of_ben = link_for("x@new.example")
    assert client_of("ben").post(of_ben).status_code == 303
    assert client_of("ana").post(of_ana).status_code == 409
    assert session.get_one(User, world.users["ana"]).email == "ana@cast.example"


def test_a_new_password_ends_a_move_to_another_address(
    client_of: Clients, world: World, link_for: Callable[[str], str]
) -> None:
    client_of("ana").post("/account/email", data={"email": "thief@new.example"})
    move = link_for("thief@new.example")
    client_of("nobody").post("/password", data={"email": "ana@cast.example"})
    reset = link_for("ana@cast.example")
    chosen = {"password": "violet tractor moon"}
    assert client_of("nobody").post(reset, data=chosen).status_code == 303
    assert client_of("nobody").post(move).status_code == 410
    assert session.get_one(User, world.users["ana"]).email == "ana@cast.example"


def test_a_new_password_ends_all_other_sessions_and_renews_this_one(
    give_password: Callable[..., User],
    sign_in: Callable[..., FlaskClient],
    client_of: Clients,
    letters: Letters,
) -> None:
    give_password("ana")
    client, elsewhere = sign_in("ana@cast.example"), client_of("ana")
    before = client.get_cookie("session")
    data = {"current_password": PASSWORD, "password": "violet tractor moon"}
    assert client.post("/account/password", data=data).status_code == 303

    assert client.get("/api/v1/me").status_code == 200
    assert elsewhere.get("/api/v1/me").status_code == 401
    assert before is not None
    copied = client_of("nobody")
    copied.set_cookie("session", before.value)
    assert copied.get("/api/v1/me").status_code == 401
    assert letters("ana@cast.example")[-1].subject == "Your password was changed"
    sign_in("ana@cast.example", "violet tractor moon")


@pytest.mark.parametrize(
    ("current", "new"),
    [
        ("a wrong one", "violet tractor moon"),
        (PASSWORD, "password123"),
        (PASSWORD, "cast cleo cleo@cast"),
    ],
)
def test_a_password_changes_only_with_the_current_one_and_to_a_good_one(
    give_password: Callable[..., User],
    client_of: Clients,
    current: str,
    new: str,
) -> None:
    user = give_password("cleo")
    kept = user.password_hash
    data = {"current_password": current, "password": new}
    assert client_of("cleo").post("/account/password", data=data).status_code == 422
    session.refresh(user)
    assert user.password_hash == kept


def test_sessions_are_listed_with_their_browser(
    give_password: Callable[..., User], client_of: Clients
) -> None:
    give_password("ana")
    client = client_of("nobody")
    client.post(
        "/sign-in",
        data={"email": "ana@cast.example", "password": PASSWORD},
        headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"},
    )
    listed = client.get("/account/sessions").text
    assert "Firefox on Linux" in listed
    assert "This session" in listed
    assert "Unknown browser" in listed


def test_one_session_can_be_ended(
    give_password: Callable[..., User],
    sign_in: Callable[..., FlaskClient],
    client_of: Clients,
    world: World,
) -> None:
    give_password("ana")
    (other,) = sessions_of(world, "ana")
    client, elsewhere = sign_in("ana@cast.example"), client_of("ana")
    assert elsewhere.get("/api/v1/me").status_code == 200
    client.post(f"/account/sessions/{other}/end")
    assert elsewhere.get("/api/v1/me").status_code == 401
    assert client.get("/api/v1/me").status_code == 200
    assert other not in sessions_of(world, "ana")


def test_all_sessions_can_be_ended_at_once(
    give_password: Callable[..., User],
    sign_in: Callable[..., FlaskClient],
    client_of: Clients,
    world: World,
) -> None:
    give_password("ana")
    client, elsewhere = sign_in("ana@cast.example"), client_of("ana")
    client.post("/account/sessions/end-all")
    assert client.get("/api/v1/me").status_code == 401
    assert elsewhere.get("/api/v1/me").status_code == 401
    assert sessions_of(world, "ana") == []
    assert client_of("ben").get("/api/v1/me").status_code == 200


def test_nobody_ends_somebody_elses_session(client_of: Clients, world: World) -> None:
    (of_ana,) = sessions_of(world, "ana")
    for name in ("ben", "root"):
        assert client_of(name).post(f"/account/sessions/{of_ana}/end").status_code == 404
    assert sessions_of(world, "ana") == [of_ana]


SENSITIVE = [
    ("GET", "/account/email", "/account/email"),
    ("POST", "/account/email", "/account/email"),
    ("GET", "/account/tokens", "/account/tokens"),
    ("POST", "/account/tokens", "/account/tokens"),
]


@pytest.mark.parametrize(("method", "path", "back"), SENSITIVE)
def test_what_matters_asks_for_the_password_after_half_an_hour(
    client_of: Clients, method: str, path: str, back: str
) -> None:
    client = client_of("ana")
    with time_machine.travel(now() + LATER, tick=False):
        answer = client.open(path, method=method)
        assert answer.status_code == 303
        assert answer.headers["Location"] == f"/confirm-password?next={back}"


def test_closing_an_account_asks_for_the_password_after_half_an_hour(
    client_of: Clients, world: World
) -> None:
    client, path = (
        client_of("root"),
        f"/administration/users/{world.users['ben']}/actions/deactivate",
    )
    with time_machine.travel(now() + LATER, tick=False):
        answer = client.post(path, data={"confirmed": "yes"})
        assert answer.headers["Location"] == "/confirm-password?next=/administration/users"
    assert session.get_one(User, world.users["ben"]).is_active


def test_the_password_given_again_leads_back_with_a_new_cookie(
    give_password: Callable[..., User], client_of: Clients
) -> None:
    give_password("ana")
    client = client_of("ana")
    with time_machine.travel(now() + LATER, tick=False):
        page = "/confirm-password?next=/account/tokens"
        assert client.post(page, data={"password": "not mine"}).status_code == 422
        assert client.get("/account/tokens").status_code == 303

        answer = client.post(page, data={"password": PASSWORD})
        assert answer.headers["Location"] == "/account/tokens"
        assert client.get("/account/tokens").status_code == 200
        with client.session_transaction() as cookie:
            assert cookie["_user_id"] != token_of("ana")
        assert client_of("ana").get("/api/v1/me").status_code == 401


def test_what_does_not_matter_asks_no_password(client_of: Clients) -> None:
    client = client_of("ana")
    with time_machine.travel(now() + LATER, tick=False):
        assert 'value="Ana"' in client.get("/account").text
        assert "This session" in client.get("/account/sessions").text


def test_all_that_one_hears_by_mail_is_chosen_on_one_page(client_of):
    ana = client_of("ana")
    page = ana.get("/account/mail").text
    for part in ("messages", "bookings", "matches", "urgent", "searches"):
        assert f'id="{part}"' in page
    back = {"next": "/account/mail#messages"}
    saved = ana.post("/conversations/settings", data={"emails": "daily", **back})
    assert saved.location == "/account/mail#messages"
    assert '<option selected value="daily">' in ana.get("/account/mail").text
    ana.post("/matches/mail", data={"next": "/account/mail#matches"})
    away = ana.post("/requests/urgent/mail", data={"choice": "off", "next": "//elsewhere.example"})
    assert away.location == "/requests/urgent"
    page = ana.get("/account/mail").text
    assert "You get no e-mail about matches." in page
    assert "You get no e-mail about urgent requests." in page

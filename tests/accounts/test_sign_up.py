"""From sign-up to the first session, and the ways back in; nobody learns who has an account."""

import datetime as dt
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.accounts import queries, services
from portal.accounts.models import EmailLink, User
from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.mail import OutgoingMail
from portal.kernel.outbox import OutboxEvent
from tests.accounts.conftest import same_but_for_the_address
from tests.cast import PASSWORD
from tests.support.statements import count_statements

Clients = Callable[[str], FlaskClient]
Letters = Callable[[str], list[OutgoingMail]]

NEW = "fay@new.example"


def sign_up(client: FlaskClient, email: str = NEW, password: str = PASSWORD) -> str:
    answer = client.post("/sign-up", data={"name": "Fay", "email": email, "password": password})
    assert answer.status_code == 200
    return answer.text


def test_from_sign_up_to_the_first_session(
    client_of: Clients, link_for: Callable[[str], str]
) -> None:
    client = client_of("nobody")
    assert "Look into your e-mail" in sign_up(client, "Fay@New.example")
    assert client.get("/account").status_code == 303

    link = link_for(NEW)
    assert "Confirm your address" in client.get(link).text
    answer = client.post(link, data={"password": PASSWORD})
    assert answer.status_code == 303
    me = client.get("/api/v1/me").json
    assert (me["email"], me["name"], me["is_administrator"]) == (NEW, "Fay", False)
    assert client.get(link).status_code == 410


@pytest.mark.parametrize(
    ("target", "led_to"),
    [("/equipment/7/book?day=2", "/equipment/7/book?day=2"), ("//evil.example", "/")],
    ids=["a page of the portal", "somewhere else"],
)
def test_the_link_leads_on_to_where_one_was_going(
    client_of: Clients, link_for: Callable[[str], str], target: str, led_to: str
) -> None:
    client = client_of("nobody")
    client.post(
        "/sign-up",
        query_string={"next": target},
        data={"name": "Fay", "email": NEW, "password": PASSWORD},
    )
    answer = client.post(link_for(NEW), data={"password": PASSWORD})
    assert answer.location == led_to


def test_confirming_takes_the_password_too(
    client_of: Clients, link_for: Callable[[str], str]
) -> None:
    sign_up(client_of("nobody"), password="the password of an impostor")
    reader = client_of("nobody")
    answer = reader.post(link_for(NEW), data={"password": "what the reader never chose"})
    assert answer.status_code == 422
    user = queries.find_user_by_email(NEW)
    assert user is not None
    assert user.email_verified_at is None


def test_who_signs_up_twice_confirms_with_the_newest_link_and_password(
    client_of: Clients, link_for: Callable[[str], str]
) -> None:
    client = client_of("nobody")
    sign_up(client, password="first thoughts are mist")
    first = link_for(NEW)
    sign_up(client)
    second = link_for(NEW)
    assert client.get(first).status_code == 410
    old = client.post(second, data={"password": "first thoughts are mist"})
    assert "This is not the password of this account" in old.text
    client.post(second, data={"password": PASSWORD})
    user = queries.find_user_by_email(NEW)
    assert user is not None
    assert user.email_verified_at is not None


def test_signing_up_with_a_known_address_changes_nothing_and_tells_its_owner(
    give_password: Callable[..., User], client_of: Clients, letters: Letters
) -> None:
    user = give_password("ana")
    kept = user.password_hash
    sign_up(client_of("nobody"), user.email, "violet tractor moon")
    assert [letter.subject for letter in letters(user.email)] == ["You have an account already"]
    session.refresh(user)
    assert (user.name, user.password_hash) == ("Ana", kept)


@pytest.mark.parametrize("path", ["/sign-up", "/password", "/verification"])
def test_the_answer_is_the_same_for_known_and_unknown_addresses(
    give_password: Callable[..., User], client_of: Clients, path: str
) -> None:
    give_password("ana")
    pages = []
    for email in ("ana@cast.example", "who@new.example"):
        data = {"name": "Fay", "email": email, "password": "violet tractor moon"}
        answer = client_of("nobody").post(path, data=data)
        pages.append((answer.status_code, same_but_for_the_address(answer.text, email)))
    assert pages[0] == pages[1]


def test_the_refusal_is_the_same_for_known_and_unknown_addresses(
    give_password: Callable[..., User], client_of: Clients
) -> None:
    give_password("ana")
    pages = []
    for email in ("ana@cast.example", "who@new.example"):
        data = {"email": email, "password": "violet tractor moon"}
        answer = client_of("nobody").post("/sign-in", data=data)
        pages.append((answer.status_code, same_but_for_the_address(answer.text, email)))
    assert pages[0] == pages[1]


@pytest.mark.parametrize("path", ["/sign-in", "/password", "/verification"])
def test_the_database_is_asked_the_same_for_known_and_unknown_addresses(
    give_password: Callable[..., User], client_of: Clients, path: str
) -> None:
    give_password("ana")
    counts = []
    for email in ("ana@cast.example", "who@new.example"):
        client = client_of("nobody")
        with count_statements() as seen:
            client.post(path, data={"email": email, "password": "violet tractor moon"})
        counts.append(seen.count)
    assert counts[0] == counts[1]


def test_a_forgotten_password_is_replaced_through_the_mail(
    give_password: Callable[..., User],
    client_of: Clients,
    link_for: Callable[[str], str],
    letters: Letters,
) -> None:
    user = give_password("ana")
    elsewhere, client = client_of("ana"), client_of("nobody")
    client.post("/password", data={"email": "ANA@cast.example"})
    link = link_for(user.email)
    assert "Choose a new password" in client.get(link).text
    answer = client.post(link, data={"password": "violet tractor moon"})
    assert answer.status_code == 303

    old = client.post("/sign-in", data={"email": user.email, "password": PASSWORD})
    new = client.post("/sign-in", data={"email": user.email, "password": "violet tractor moon"})
    assert (old.status_code, new.status_code) == (422, 303)
    assert elsewhere.get("/api/v1/me").status_code == 401
    assert letters(user.email)[-1].subject == "Your password was changed"
    assert client.post(link, data={"password": "green tractor moon"}).status_code == 410


def test_a_weak_new_password_is_refused_and_the_link_stays_good(
    client_of: Clients, letters: Letters, link_for: Callable[[str], str]
) -> None:
    client = client_of("nobody")
    client.post("/password", data={"email": "ana@cast.example"})
    link = link_for("ana@cast.example")
    refused = client.post(link, data={"password": "password123"})
    assert "guessed first" in refused.text
    assert letters("ana@cast.example")[-1].subject != "Your password was changed"
    client.post(link, data={"password": "ana@cast.example9"})
    assert letters("ana@cast.example")[-1].subject == "Your password was changed"


def test_choosing_a_password_through_the_mail_confirms_the_address(
    client_of: Clients, link_for: Callable[[str], str]
) -> None:
    client = client_of("nobody")
    sign_up(client, password="the password of an impostor")
    client.post("/password", data={"email": NEW})
    client.post(link_for(NEW), data={"password": "violet tractor moon"})
    client.post("/sign-in", data={"email": NEW, "password": "violet tractor moon"})
    assert client.get("/api/v1/me").json["email"] == NEW


def test_a_new_link_is_sent_to_who_lost_the_first(
    client_of: Clients, letters: Letters, link_for: Callable[[str], str]
) -> None:
    client = client_of("nobody")
    sign_up(client)
    client.post("/verification", data={"email": NEW})
    assert len(letters(NEW)) == 2
    assert client.post(link_for(NEW), data={"password": PASSWORD}).status_code == 303


def test_no_link_is_sent_to_confirm_what_is_confirmed(client_of: Clients, letters: Letters) -> None:
    client_of("nobody").post("/verification", data={"email": "ana@cast.example"})
    assert letters("ana@cast.example") == []


@pytest.mark.parametrize("purpose", ["verify", "reset", "change_email"])
def test_links_end(app: Flask, client_of: Clients, purpose: str) -> None:
    user = queries.find_user_by_email("ana@cast.example")
    assert user is not None
    secret = services.make_link(SYSTEM, user, purpose=purpose, email=user.email)
    hours = services.LINK_HOURS[purpose]
    with time_machine.travel(now() + dt.timedelta(hours=hours, seconds=-5), tick=False):
        assert queries.find_link(secret, purpose) is not None
    with time_machine.travel(now() + dt.timedelta(hours=hours, seconds=5), tick=False):
        assert queries.find_link(secret, purpose) is None


def test_a_link_serves_only_its_purpose(app: Flask, client_of: Clients) -> None:
    user = queries.find_user_by_email("ana@cast.example")
    assert user is not None
    secret = services.make_link(SYSTEM, user, purpose="verify", email=user.email)
    client = client_of("nobody")
    assert client.post(f"/password/{secret}", data={"password": PASSWORD}).status_code == 410
    assert client.post(f"/account/email/{secret}").status_code == 410


def test_links_and_outbox_keep_no_secret(
    client_of: Clients, link_for: Callable[[str], str]
) -> None:
    sign_up(client_of("nobody"))
    secret = link_for(NEW).rpartition("/")[2]
    hashes = session.scalars(select(EmailLink.token_hash)).all()
    payloads = session.scalars(select(OutboxEvent.payload)).all()
    assert len(hashes) == 1
    assert secret not in str(hashes) + str(payloads)


def test_a_closed_account_gets_no_links(client_of: Clients, letters: Letters) -> None:
    with unit_of_work():
        user = queries.find_user_by_email("ana@cast.example")
        assert user is not None
        user.is_active = False
    client_of("nobody").post("/password", data={"email": "ana@cast.example"})
    assert letters("ana@cast.example") == []


def test_what_a_stranger_types_does_not_stand_in_the_mail(
    client_of: Clients, letters: Letters
) -> None:
    name = "[Win money](https://evil.example)"
    client_of("nobody").post("/sign-up", data={"name": name, "email": NEW, "password": PASSWORD})
    (letter,) = letters(NEW)
    assert "evil" not in letter.subject + letter.body_text + letter.body_html


def test_letters_come_in_the_language_of_the_account(client_of: Clients, letters: Letters) -> None:
    client = client_of("nobody")
    client.get("/language/es")
    sign_up(client)
    user = queries.find_user_by_email(NEW)
    assert user is not None
    assert user.language == "es"
    assert 'lang="es"' in letters(NEW)[0].body_html


@pytest.mark.parametrize(
    "data",
    [
        {"name": "", "email": NEW, "password": PASSWORD},
        {"name": "Fay", "email": "no address", "password": PASSWORD},
        {"name": "Fay\x00", "email": NEW, "password": PASSWORD},
        {"name": "Fay", "email": NEW, "password": "short"},
        {"name": "Fay", "email": NEW},
        {"name": "F" * 121, "email": NEW, "password": PASSWORD},
    ],
)
def test_sign_up_with_a_bad_field_opens_no_account(
    client_of: Clients, data: dict[str, str]
) -> None:
    assert client_of("nobody").post("/sign-up", data=data).status_code == 422
    assert queries.find_user_by_email(NEW) is None


def test_nobody_makes_themselves_administrator_by_signing_up(client_of: Clients) -> None:
    data = {
        "name": "Fay",
        "email": NEW,
        "password": PASSWORD,
        "is_administrator": "y",
        "is_verified": "y",
        "email_verified_at": "2020-01-01",
    }
    client_of("nobody").post("/sign-up", data=data)
    user = queries.find_user_by_email(NEW)
    assert user is not None
    assert not user.is_administrator
    assert user.email_verified_at is None

"""What the tests of accounts share: passwords of the cast, and what the mail brought."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.accounts import queries, rules
from portal.accounts.models import User
from portal.kernel.database import session, unit_of_work
from portal.kernel.mail import OutgoingMail
from tests.cast import PASSWORD


def same_but_for_the_address(text: str, email: str) -> str:
    """Return a page without the address, and without the token, which tells the second it is."""
    plain = text.replace(email, "…").replace(email.replace("@", "%40"), "…")
    return re.sub(r'name="csrf_token" value="[^"]*"', "", plain)


@pytest.fixture
def give_password(app: Flask) -> Callable[..., User]:
    """Give a member of the cast the password of the cast (or another)."""

    def give(name: str, password: str = PASSWORD) -> User:
        with unit_of_work():
            user = queries.find_user_by_email(f"{name}@cast.example")
            assert user is not None
            user.password_hash = rules.hash_password(password, queries.password_cost())
        return user

    return give


@pytest.fixture
def sign_in(client_of: Callable[[str], FlaskClient]) -> Callable[..., FlaskClient]:
    """Sign somebody in through the page; return their client."""

    def do(email: str, password: str = PASSWORD) -> FlaskClient:
        client = client_of("nobody")
        answer = client.post("/sign-in", data={"email": email, "password": password})
        assert answer.status_code == 303, answer.text
        return client

    return do


@pytest.fixture
def letters(drain: Callable[[], None]) -> Callable[[str], list[OutgoingMail]]:
    """Return the mail to an address, oldest first, once the worker is done."""

    def read(address: str) -> list[OutgoingMail]:
        drain()
        session.rollback()
        return list(
            session.scalars(
                select(OutgoingMail)
                .where(OutgoingMail.recipient == address)
                .order_by(OutgoingMail.id)
            )
        )

    return read


@pytest.fixture
def link_for(letters: Callable[[str], list[OutgoingMail]]) -> Callable[[str], str]:
    """Return the path of the first link in the newest letter to an address."""

    def read(address: str) -> str:
        found = re.search(r"<https?://[^/]+(/[^>]+)>", letters(address)[-1].body_text)
        assert found is not None
        return found[1]

    return read

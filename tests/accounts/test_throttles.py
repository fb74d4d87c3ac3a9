"""Guessing is slowed down, exactly, and never at the cost of the person guessed at."""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.accounts import services
from portal.accounts.models import ThrottleCount, User
from portal.kernel.authorization import NOBODY, SYSTEM
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.errors import TooMany
from portal.kernel.mail import OutgoingMail
from tests.cast import PASSWORD
from tests.support.processes import Begin, Say

ATTACKER, VICTIM = "198.51.100.9", "203.0.113.4"


@pytest.fixture
def few_attempts(app: Flask) -> Iterator[int]:
    """Three tries instead of ten, so that the tests are short."""
    before = app.config["SIGN_IN_ATTEMPTS"]
    app.config["SIGN_IN_ATTEMPTS"] = 3
    yield 3
    app.config["SIGN_IN_ATTEMPTS"] = before


def attempt(client: FlaskClient, password: str, address: str) -> TestResponse:
    return client.post(
        "/sign-in",
        data={"email": "ana@cast.example", "password": password},
        environ_overrides={"REMOTE_ADDR": address},
    )


def test_after_some_wrong_passwords_even_the_right_one_has_to_wait(
    give_password: Callable[..., User],
    client_of: Callable[[str], FlaskClient],
    few_attempts: int,
    app: Flask,
) -> None:
    give_password("ana")
    client = client_of("nobody")
    answers = [attempt(client, "wrong guess", ATTACKER).status_code for _ in range(few_attempts)]
    assert answers == [422] * few_attempts

    refused = attempt(client, PASSWORD, ATTACKER)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60 * app.config["SIGN_IN_PAUSE_MINUTES"]
    assert "You can try again in" in refused.text

    pause = dt.timedelta(minutes=app.config["SIGN_IN_PAUSE_MINUTES"], seconds=1)
    with time_machine.travel(now() + pause, tick=False):
        assert attempt(client, PASSWORD, ATTACKER).status_code == 303


def test_somebody_elses_guesses_do_not_lock_the_owner_out(
    give_password: Callable[..., User],
    client_of: Callable[[str], FlaskClient],
    few_attempts: int,
) -> None:
    give_password("ana")
    for _ in range(few_attempts + 2):
        attempt(client_of("nobody"), "wrong guess", ATTACKER)
    client = client_of("nobody")
    attempt(client, PASSWORD, VICTIM)
    assert client.get("/api/v1/me").json["email"] == "ana@cast.example"


def test_a_network_that_guesses_at_many_addresses_has_to_wait_too(
    app: Flask, few_attempts: int
) -> None:
    most = few_attempts * services.NETWORK_FACTOR
    for number in range(most):
        services.count_attempt(NOBODY, email=f"person{number}@x.example", address=ATTACKER)
    with pytest.raises(TooMany):
        services.count_attempt(NOBODY, email="one-more@x.example", address=ATTACKER)
    services.count_attempt(NOBODY, email="one-more@x.example", address=VICTIM)


def test_the_right_password_takes_the_wrong_ones_back(
    give_password: Callable[..., User],
    client_of: Callable[[str], FlaskClient],
    few_attempts: int,
) -> None:
    give_password("ana")
    client = client_of("nobody")
    for _round in range(3):
        attempt(client, "wrong guess", VICTIM)
        assert attempt(client, PASSWORD, VICTIM).status_code == 303
        assert len(session.scalars(select(ThrottleCount)).all()) <= 1, "the pair's is gone"


def test_ones_own_password_takes_no_guesses_at_others_back(
    give_password: Callable[..., User],
    client_of: Callable[[str], FlaskClient],
    few_attempts: int,
) -> None:
    give_password("ana")
    most = few_attempts * services.NETWORK_FACTOR
    for number in range(most - 1):
        services.count_attempt(NOBODY, email=f"person{number}@x.example", address=ATTACKER)
    assert attempt(client_of("nobody"), PASSWORD, ATTACKER).status_code == 303
    services.count_attempt(NOBODY, email="last@x.example", address=ATTACKER)
    with pytest.raises(TooMany):
        services.count_attempt(NOBODY, email="one-more@x.example", address=ATTACKER)


@pytest.mark.parametrize("page", ["/sign-up", "/verification", "/password"])
def test_a_network_that_sends_many_forms_has_to_wait(
    client_of: Callable[[str], FlaskClient], few_attempts: int, page: str
) -> None:
    for _number in range(few_attempts * services.NETWORK_FACTOR):
        services.count_form(NOBODY, address=ATTACKER)
    data = {"email": "hal@many.example", "name": "Hal", "password": "a long enough secret"}
    statuses = [
        client_of("nobody")
        .post(page, data=data, environ_overrides={"REMOTE_ADDR": address})
        .status_code
        for address in (ATTACKER, VICTIM)
    ]
    assert statuses == [429, 200]


def test_an_unknown_address_has_to_wait_just_the_same(
    client_of: Callable[[str], FlaskClient], few_attempts: int
) -> None:
    client = client_of("nobody")
    data = {"email": "stranger@cast.example", "password": "wrong guess"}
    answers = [client.post("/sign-in", data=data).status_code for _ in range(few_attempts + 1)]
    assert answers == [422] * few_attempts + [429]


def test_the_counters_are_exact_across_processes(app: Flask, another_process: Begin) -> None:
    def guess(say: Say) -> None:
        say("ready")
        heard = 0
        for _attempt in range(10):
            with contextlib.suppress(TooMany):
                services.count_attempt(NOBODY, email="ana@cast.example", address=ATTACKER)
                heard += 1
        say(str(heard))

    with ExitStack() as stack:
        processes = [stack.enter_context(another_process(guess)) for _number in range(3)]
        assert [process.heard() for process in processes] == ["ready"] * 3
        for process in processes:
            process.go_on()
        heard = [int(process.heard()) for process in processes]
    assert sum(heard) == app.config["SIGN_IN_ATTEMPTS"]
    with pytest.raises(TooMany):
        services.count_attempt(NOBODY, email="ana@cast.example", address=ATTACKER)


def test_no_address_is_kept_in_the_counters(app: Flask) -> None:
    services.count_attempt(NOBODY, email="ana@cast.example", address=ATTACKER)
    keys = session.scalars(select(ThrottleCount.key)).all()
    assert len(keys) == 2
    assert all(len(key) == 64 and "ana" not in key for key in keys)


def test_strangers_cannot_fill_a_mailbox(
    client_of: Callable[[str], FlaskClient], letters: Callable[[str], list[OutgoingMail]]
) -> None:
    client = client_of("nobody")
    for _number in range(services.MAILS_PER_HOUR + 3):
        answer = client.post("/password", data={"email": "ana@cast.example"})
        assert answer.status_code == 200
    assert len(letters("ana@cast.example")) == services.MAILS_PER_HOUR


def test_what_is_over_is_forgotten(app: Flask) -> None:
    services.count_attempt(NOBODY, email="ana@cast.example", address=ATTACKER)
    with time_machine.travel(now() + dt.timedelta(days=2), tick=False):
        services.forget_expired(SYSTEM)
        assert session.scalars(select(ThrottleCount)).all() == []

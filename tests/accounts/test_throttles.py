"""Guessing is slowed down, exactly, and never at the cost of the person guessed at."""

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

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

ROOT = Path(__file__).resolve().parents[2]
ATTACKER, VICTIM = "198.51.100.9", "203.0.113.4"

COUNTER = """
import sys
from portal.accounts import services
from portal.app import create_app
from portal.kernel.authorization import NOBODY
from portal.kernel.errors import TooMany

app = create_app("testing", INSTANCE_PATH=sys.argv[1], DATABASE_URL=sys.argv[2])
heard = 0
with app.app_context():
    print("ready", flush=True)
    sys.stdin.readline()
    for _attempt in range(10):
        try:
            services.count_attempt(NOBODY, email="ana@cast.example", address="198.51.100.9")
            heard += 1
        except TooMany:
            pass
print(heard)
"""


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


def test_an_unknown_address_has_to_wait_just_the_same(
    client_of: Callable[[str], FlaskClient], few_attempts: int
) -> None:
    client = client_of("nobody")
    data = {"email": "stranger@cast.example", "password": "wrong guess"}
    answers = [client.post("/sign-in", data=data).status_code for _ in range(few_attempts + 1)]
    assert answers == [422] * few_attempts + [429]


@pytest.mark.long
def test_the_counters_are_exact_across_processes(app: Flask) -> None:
    session.rollback()
    script = [sys.executable, "-c", COUNTER, app.instance_path, app.config["DATABASE_URL"]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with ExitStack() as stack:
        processes = []
        for _number in range(3):
            process = stack.enter_context(
                subprocess.Popen(
                    script,
                    cwd=ROOT,
                    env=environment,
                    text=True,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
            stack.callback(process.kill)
            processes.append(process)
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        heard = [process.communicate("go\n")[0] for process in processes]
    assert sum(int(text) for text in heard) == app.config["SIGN_IN_ATTEMPTS"]
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

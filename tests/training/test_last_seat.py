"""Fifty programs want the last seat at once: one gets it, the others stand in line in order."""

import json
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select

from portal.accounts.models import User, UserSession
from portal.accounts.rules import hash_secret
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.training.models.enrollments import Enrollment
from tests.support.serving import WEB_PROCESSES, WebProcess, post_json
from tests.training.conftest import OpenSection

CLIENTS = 50


def sign_in_many(count: int) -> list[str]:
    """Write people who are signed in; return the names of their sessions."""
    names = [f"client-{number}" for number in range(count)]
    with unit_of_work():
        for name in names:
            person = User(email=f"{name}@many.example", name=name, email_verified_at=now())
            session.add(person)
            session.flush()
            session.add(
                UserSession(
                    user_id=person.id,
                    token_hash=hash_secret(f"session-token-of-{name}"),
                    expires_at=now().replace(year=now().year + 1),
                )
            )
    session.remove()
    return names


@pytest.mark.long
def test_last_seat_is_given_once_to_one_of_fifty_who_ask_at_once(
    open_section: OpenSection,
    cookie_of: Callable[[str], str],
    web_processes: list[WebProcess],
) -> None:
    section_id = open_section(seats=1, min_seats=0).id
    cookies = [cookie_of(name) for name in sign_in_many(CLIENTS)]
    body = json.dumps({"section_id": section_id})
    start, answers = threading.Barrier(CLIENTS), []

    def ask(number: int) -> None:
        headers = {"Cookie": cookies[number], "Content-Type": "application/json"}
        start.wait()
        port = web_processes[number % WEB_PROCESSES].port
        answers.append(post_json(port, "/api/v1/enrollments", body, headers))

    clients = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()

    assert {(status, answer.get("detail")) for status, answer in answers} == {(201, None)}
    told = sorted(answer["status"] for _status, answer in answers)
    assert told == ["enrolled", *["waiting"] * (CLIENTS - 1)]
    rows = session.execute(
        select(Enrollment.status, Enrollment.seat, Enrollment.user_id).where(
            Enrollment.section_id == section_id
        )
    ).all()
    assert sorted((status, seat) for status, seat, _user in rows if seat) == [("enrolled", 1)]
    assert len({user for _status, _seat, user in rows}) == CLIENTS

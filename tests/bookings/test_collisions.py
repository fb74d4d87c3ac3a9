"""A hundred clients want one time at once, and a web process dies: one gets it, nothing breaks."""

import contextlib
import http.client
import json
import os
import signal
import threading
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Quota, Resource, RuleLayer
from portal.bookings.queries.bookings import get_resource
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.refusal import Refused
from portal.bookings.services.making import create_booking
from portal.facilities.models import Equipment
from portal.kernel.database import session, unit_of_work
from portal.organizations.models import Organization
from tests.bookings.conftest import Hour, OpenMill
from tests.cast import World, actor_named
from tests.support.serving import WEB_PROCESSES, WebProcess, post_json

CLIENTS = 100
PEOPLE = ("ana", "ben", "cleo", "eve")


@pytest.mark.long
def test_one_of_a_hundred_gets_the_time_though_a_process_is_killed(
    world: World,
    mill: OpenMill,
    hour: Hour,
    cookie_of: Callable[[str], str],
    web_processes: list[WebProcess],
) -> None:
    mill()
    session.remove()
    cookies = {name: cookie_of(name) for name in PEOPLE}
    path = f"/api/v1/equipment/{world.equipment['college_public']}/bookings"
    body = json.dumps(
        {"starts_at": hour().starts_at.isoformat(), "ends_at": hour().ends_at.isoformat()}
    )
    start, answers = threading.Barrier(CLIENTS), []
    some_answered = threading.Event()

    def ask(number: int) -> None:
        headers = {
            "Cookie": cookies[PEOPLE[number % len(PEOPLE)]],
            "Content-Type": "application/json",
            "Idempotency-Key": f"client {number}",
        }
        start.wait()
        # Whoever loses the server asks another one, with the same key.
        for attempt in range(WEB_PROCESSES):
            process = web_processes[(number + attempt) % WEB_PROCESSES]
            # Half an answer is none.
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                answers.append(post_json(process.port, path, body, headers))
                break
        if len(answers) >= CLIENTS // 10:
            some_answered.set()

    clients = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    some_answered.wait(timeout=300)
    os.kill(web_processes[0].pid, signal.SIGKILL)
    for client in clients:
        client.join()

    statuses = sorted(status for status, _answer in answers)
    assert statuses == [201, *[409] * (CLIENTS - 1)]
    losers = [answer for status, answer in answers if status == 409]
    assert all(answer["code"] == "conflict" and answer["suggestions"] for answer in losers)
    (won,) = (answer for status, answer in answers if status == 201)
    held = session.scalars(select(Booking.id).where(Booking.status == "approved")).all()
    assert held == [won["id"]]
    # What the world began with, and the one that won.
    assert session.scalar(select(func.count()).select_from(Booking)) == 2


def test_a_quota_that_machines_share_is_not_used_up_twice_at_once(
    app: Flask, world: World, hour: Hour
) -> None:
    college, shop = world.organizations["college"], world.organizations["shop"]
    with unit_of_work():
        numbers = [write_machine(college, f"Saw {number}") for number in range(4)]
        whole = Resource(kind="organization", organization_id=college, name="College")
        session.add(whole)
        session.flush()
        session.add(Quota(resource_id=whole.id, shared_by="person", period="day", most_bookings=1))
    ana, days = actor_named("ana"), (7, 8, 9)

    def book(number: int, span: Span, together: threading.Barrier) -> None:
        with app.app_context(), contextlib.suppress(Refused):
            resource = get_resource(number)
            customer = session.get_one(Organization, shop)
            together.wait()
            create_booking(ana, resource, organization=customer, span=span)

    for day in days:
        together = threading.Barrier(len(numbers))
        threads = [
            threading.Thread(target=book, args=(number, hour(days=day), together))
            for number in numbers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    session.rollback()
    made = session.scalars(select(Booking.starts_at).where(Booking.resource_id.in_(numbers)))
    assert sorted(made) == [hour(days=day).starts_at for day in days]


def write_machine(organization_id: int, name: str) -> int:
    """Write a machine that everybody books at once; return the id of its resource."""
    equipment = Equipment(
        organization_id=organization_id,
        name=name,
        visibility="public",
        sharing_terms="bookable",
    )
    session.add(equipment)
    session.flush()
    resource = Resource(
        kind="equipment",
        organization_id=organization_id,
        equipment_id=equipment.id,
        name=name,
    )
    session.add(resource)
    session.flush()
    session.add(RuleLayer(resource_id=resource.id, approval="instant"))
    return resource.id

"""What a process keeps in memory of rules and people ends with the change, whoever makes it."""

import datetime as dt
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, update

from portal.accounts.models import ApiToken, User
from portal.accounts.queries import hash_secret
from portal.app import create_app
from portal.bookings.models.access import Clearance, Qualification
from portal.bookings.models.calendar import Closure, Dependency, Quota, Resource, RuleLayer
from portal.bookings.models.charging import RateCard
from portal.facilities.models import Equipment, EquipmentRate
from portal.kernel.database import db, session, unit_of_work
from portal.organizations.models import Membership
from tests.bookings.conftest import Hour, OpenMill
from tests.cast import World
from tests.support.statements import count_statements

Book = Callable[..., Any]


@pytest.fixture
def book(app: Flask, world: World, mill: OpenMill, hour: Hour) -> Iterator[Book]:
    """Book the mill for Ana by a token, an hour after the other, at another process's app."""
    mill()
    with unit_of_work():
        session.add(
            ApiToken(
                user_id=world.users["ana"],
                name="Cell 3",
                token_hash=hash_secret("ic_cell"),
                scopes=["read", "bookings:write"],
            )
        )
    settings = {name: app.config[name] for name in ("INSTANCE_PATH", "DATABASE_URL")}
    other = create_app("testing", **{**settings, "INSTANCE_PATH": app.instance_path})
    other.test_client_class = app.test_client_class
    hours = count()

    def send() -> Any:
        span = hour(days=7 + next(hours) // 4, after=next(hours) % 4)
        return other.test_client().post(
            f"/api/v1/equipment/{world.equipment['college_public']}/bookings",
            json={"starts_at": span.starts_at.isoformat(), "ends_at": span.ends_at.isoformat()},
            headers={"Authorization": "Bearer ic_cell"},
        )

    yield send
    with other.app_context():
        db.engine.dispose()


def test_the_very_next_booking_of_another_process_keeps_to_every_change(
    world: World, book: Book, hour: Hour
) -> None:
    number, host = world.resources["college_public"], world.organizations["college"]
    machine = world.equipment["college_public"]
    shop, ana = world.organizations["shop"], world.users["ana"]
    long_ago = dt.date(2020, 1, 1)
    week = {"starts_at": hour(days=1).starts_at, "ends_at": hour(days=60).ends_at}

    def write(*things: Any) -> None:
        with unit_of_work():
            for thing in things:
                session.execute(thing) if hasattr(thing, "compile") else session.add(thing)
        session.expunge_all()

    def codes() -> list[Any]:
        answer = book().json
        return [problem["code"] for problem in answer.get("problems", [])] or [answer["status"]]

    def resource(**values: Any) -> Any:
        return update(Resource).where(Resource.id == number).values(**values)

    def rules(**values: Any) -> Any:
        return update(RuleLayer).where(RuleLayer.resource_id == number).values(**values)

    assert codes() == ["approved"]
    write(
        resource(hours=[{"weekday": day, "opens": "01:00", "closes": "02:00"} for day in range(7)])
    )
    assert codes() == ["outside_hours"]
    write(resource(hours=None), rules(max_length_minutes=30))
    assert "too_long" in codes()
    write(rules(max_length_minutes=None))
    assert codes() == ["approved"]
    write(Closure(resource_id=number, kind="closure", **week))
    assert codes() == ["closed"]
    write(delete(Closure))
    quota = {"resource_id": number, "shared_by": "person", "period": "month", "most_minutes": 1}
    write(Quota(**quota))
    assert codes() == ["quota_exceeded"]
    write(delete(Quota))
    compressor = Resource(kind="facility", organization_id=host, name="Air")
    write(compressor)
    with unit_of_work():
        session.add(Closure(resource_id=compressor.id, kind="outage", **week))
    assert codes() == ["approved"]
    write(Dependency(resource_id=number, needs_id=compressor.id))
    assert codes() == ["outage"]
    write(delete(Dependency), rules(needs_qualification=True, needs_agreement=True))
    write(delete(Qualification), delete(Clearance))
    assert codes() == ["not_qualified", "agreement_missing"]
    granted = {"host_organization_id": host, "user_id": ana, "granted_on": long_ago}
    write(Qualification(equipment_id=machine, **granted))
    assert codes() == ["agreement_missing"]
    signed = {"host_organization_id": host, "organization_id": shop, "valid_from": long_ago}
    write(Clearance(kind="agreement", **signed))
    assert codes() == ["approved"]
    write(update(EquipmentRate).values(price_cents=4200))
    assert book().json["estimate_cents"] == 4200
    write(RateCard(resource_id=number, customer_class="member_sme", hour_cents=5000))
    assert book().json["estimate_cents"] == 5000
    write(rules(approval="host"))
    assert codes() == ["requested"]
    write(update(Equipment).where(Equipment.id == machine).values(sharing_terms="in_house"))
    assert codes() == [409]
    write(update(Equipment).where(Equipment.id == machine).values(sharing_terms="bookable"))
    write(delete(Membership).where(Membership.user_id == ana))
    assert book().status_code != 201
    write(update(User).where(User.id == ana).values(is_active=False))
    assert book().status_code == 401
    write(update(User).where(User.id == ana).values(is_active=True))
    assert book().status_code != 401
    write(update(ApiToken).values(revoked_at=hour().starts_at))
    assert book().status_code == 401


def test_a_program_that_loses_a_time_is_refused_without_a_transaction(
    app: Flask, world: World, book: Book
) -> None:
    made = book().json
    session.rollback()

    def lose() -> int:
        return (
            app.test_client()
            .post(
                f"/api/v1/equipment/{world.equipment['college_public']}/bookings",
                json={name: made[name] for name in ("starts_at", "ends_at")},
                headers={"Authorization": "Bearer ic_cell"},
            )
            .status_code
        )

    # The first one of a process has to make what the others find.
    assert lose() == 409
    session.rollback()
    with count_statements() as sent:
        assert lose() == 409
    assert {text.split()[0] for text in sent.texts} == {"SELECT"}

"""Both faces of every rule about calendars agree, for everybody and every kind of resource."""

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.bookings.models.calendar import Resource
from portal.bookings.policies import Permission
from portal.facilities.models import Equipment, Facility
from portal.kernel.authorization import Actor, can, visible
from portal.kernel.database import session
from tests.bookings.calendars import say
from tests.cast import CAST, World

ON_RESOURCE = (
    Permission.CALENDAR_VIEW,
    Permission.CALENDAR_EDIT,
    Permission.BOOKING_CREATE,
    Permission.BOOKING_OVERRIDE,
    Permission.WAITING_JOIN,
)


@pytest.fixture
def resources(world: World) -> None:
    """Resources of everything in the cast's world, two operators, and what is left of a machine."""
    present = set(session.scalars(select(Resource.equipment_id)))
    rows = [
        Resource(kind="organization", organization_id=number, name="All of it")
        for number in world.organizations.values()
    ]
    for kind, model in (("equipment", Equipment), ("facility", Facility)):
        rows.extend(
            Resource(
                kind=kind,
                organization_id=record.organization_id,
                name=record.name,
                **{f"{kind}_id": record.id},
            )
            for record in session.scalars(select(model))
            if kind == "facility" or record.id not in present
        )
    for owner, person in (("shop", "ben"), ("college", "cleo")):
        rows.append(
            Resource(
                kind="operator",
                organization_id=world.organizations[owner],
                operator_id=world.users[person],
                name=person,
            )
        )
    # Of what was removed only its name is left.
    rows.append(Resource(kind="equipment", organization_id=world.organizations["aero"], name="X"))
    say(*rows)
    session.expunge_all()


@pytest.mark.usefixtures("resources")
@pytest.mark.parametrize("name", CAST)
def test_row_and_list_agree(actor: Callable[[str], Actor], name: str) -> None:
    who = actor(name)
    rows = session.scalars(
        select(Resource).options(
            joinedload(Resource.equipment).joinedload(Equipment.organization),
            joinedload(Resource.facility).joinedload(Facility.organization),
        )
    ).all()
    for permission in ON_RESOURCE:
        listed = set(session.scalars(select(Resource.id).where(visible(who, permission))))
        assert {row.id for row in rows if can(who, permission, row)} == listed, permission


@pytest.mark.usefixtures("resources")
def test_an_outsider_sees_what_is_public_and_nobodys_operators(
    actor: Callable[[str], Actor],
) -> None:
    seen = session.scalars(
        select(Resource.name)
        .where(visible(actor("nobody"), Permission.CALENDAR_VIEW))
        .order_by(Resource.name)
    ).all()
    assert list(seen) == [
        f"{owner} public {thing}"
        for owner in ("Aero", "College", "Shop")
        for thing in ("lab", "mill")
    ]

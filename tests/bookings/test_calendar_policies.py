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
from tests.bookings.calendars import resource_named, say
from tests.cast import CAST, World

ON_RESOURCE = (
    Permission.CALENDAR_VIEW,
    Permission.CALENDAR_EDIT,
    Permission.BOOKING_CREATE,
    Permission.BOOKING_OVERRIDE,
    Permission.WAITING_JOIN,
)


@pytest.fixture
def resources(world: World) -> list[int]:
    """Resources of everything in the cast's world, and an operator of each firm."""
    for kind, names in (
        ("equipment", world.equipment),
        ("facility", world.facilities),
        ("organization", world.organizations),
    ):
        for name in names:
            resource_named(world, kind, name)
    for owner, person in (("shop", "ben"), ("college", "cleo")):
        say(
            Resource(
                kind="operator",
                organization_id=world.organizations[owner],
                operator_id=world.users[person],
                name=person,
            )
        )
    # Of what was removed only its name is left.
    say(Resource(kind="equipment", organization_id=world.organizations["aero"], name="Gone"))
    session.expunge_all()
    return list(session.scalars(select(Resource.id)))


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

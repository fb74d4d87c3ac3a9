"""Both faces of every rule of facilities and equipment agree, for everybody and every row."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from portal.facilities.models import Equipment, Facility
from portal.facilities.policies import Permission
from portal.facilities.queries.records import get_equipment, get_facility
from portal.kernel.authorization import Actor, can, visible
from portal.kernel.database import session, unit_of_work
from portal.organizations.models import Organization
from tests.cast import CAST, World

ON_ORGANIZATION = (
    Permission.FACILITY_CREATE,
    Permission.EQUIPMENT_CREATE,
    Permission.EQUIPMENT_CREATE_ON_BEHALF,
)


@pytest.mark.parametrize("name", CAST)
def test_row_and_list_agree(world: World, actor: Callable[[str], Actor], name: str) -> None:
    with unit_of_work():
        session.get_one(Organization, world.organizations["aero"]).status = "archived"
        session.get_one(Equipment, world.equipment["shop_draft"]).created_by_id = world.users["ben"]
    who = actor(name)
    for permission in Permission:
        if permission in ON_ORGANIZATION:
            rows = list(session.scalars(select(Organization)))
            model: type[Organization] | type[Facility] | type[Equipment] = Organization
        elif permission.startswith("facility."):
            rows = [get_facility(number) for number in world.facilities.values()]
            model = Facility
        else:
            rows = [get_equipment(number) for number in world.equipment.values()]
            model = Equipment
        listed = set(session.scalars(select(model.id).where(visible(who, permission))))
        assert {row.id for row in rows if can(who, permission, row)} == listed, permission

"""Both faces of every rule of access say the same: for everybody in the cast and every row."""

import datetime as dt
from typing import Any

from sqlalchemy import select

from portal.bookings.models.access import AccessRequest, Clearance, Qualification, Recognition
from portal.bookings.policies import Permission
from portal.kernel.authorization import can, visible
from portal.kernel.database import session, unit_of_work
from portal.organizations.models import Organization
from tests.bookings.access.conftest import ActorOf
from tests.cast import CAST, World

OF_ORGANIZATIONS = (
    Permission.QUALIFICATION_VIEW_LEDGER,
    Permission.QUALIFICATION_GRANT,
    Permission.RECOGNITION_ADD,
    Permission.CLEARANCE_FILE,
    Permission.ACCESS_ASK,
)
MODELS = {
    "qualification": Qualification,
    "recognition": Recognition,
    "clearance": Clearance,
    "access": AccessRequest,
}


def test_row_and_list_agree(world: World, actor: ActorOf) -> None:
    with unit_of_work():
        for person, host in (("ben", "college"), ("eve", "aero"), ("ana", "college")):
            session.add(
                Qualification(
                    host_organization_id=world.organizations[host],
                    user_id=world.users[person],
                    capability_key="welding",
                    granted_on=dt.date(2026, 1, 15),
                )
            )
            session.add(
                Clearance(
                    host_organization_id=world.organizations[host],
                    kind="induction",
                    user_id=world.users[person],
                    valid_from=dt.date(2026, 1, 15),
                )
            )
    for permission in Permission:
        if permission in OF_ORGANIZATIONS:
            model: Any = Organization
        elif permission.partition(".")[0] in MODELS:
            model = MODELS[permission.partition(".")[0]]
        else:
            continue
        rows = session.scalars(select(model)).all()
        assert rows
        for name in CAST:
            person = actor(name)
            listed = set(session.scalars(select(model.id).where(visible(person, permission))))
            assert {row.id for row in rows if can(person, permission, row)} == listed, (
                name,
                permission,
            )

"""What facilities put on the desk and on an organization's page."""

import datetime as dt
from collections.abc import Callable

from portal.facilities.models import Equipment
from portal.facilities.queries.desk import list_drafts, list_stale
from portal.facilities.queries.listings import equipment_section, facility_section
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.organizations.models import Organization
from tests.cast import World

ActorOf = Callable[[str], Actor]


def test_drafts_wait_for_those_who_can_publish_them(
    app: object, world: World, actor: ActorOf
) -> None:
    assert {item.title for item in list_drafts(actor("ana"), 10)} == {
        "Shop draft lab",
        "Shop draft mill",
    }
    assert list_drafts(actor("ben"), 10) == []
    assert list_drafts(actor("dov"), 10) == []
    assert list_drafts(actor("root"), 10) == [], "an administrator's desk is not flooded"


def test_old_confirmations_wait_oldest_first(world: World, actor: ActorOf) -> None:
    assert list_stale(actor("ben"), 10) == []
    with unit_of_work():
        for name, days in (("shop_public", 200), ("shop_members", 300), ("aero_public", 900)):
            row = session.get_one(Equipment, world.equipment[name])
            row.confirmed_at = now() - dt.timedelta(days=days)
        session.get_one(Equipment, world.equipment["shop_organization"]).confirmed_at = None
    found = list_stale(actor("ben"), 10)
    assert [item.title for item in found] == [
        "Shop members mill",
        "Shop public mill",
        "Shop organization mill",
    ]
    assert found[0].url == f"/equipment/{world.equipment['shop_members']}"
    assert len(list_stale(actor("ben"), 1)) == 1


def test_organization_page_lists_what_the_reader_may_see(world: World, actor: ActorOf) -> None:
    shop = session.get_one(Organization, world.organizations["shop"])
    unclaimed = session.get_one(Organization, world.organizations["unclaimed"])
    seen = equipment_section(actor("nobody"), shop)
    assert seen is not None
    assert [item.title for item in seen["listings"]] == ["Shop public mill"]
    assert not seen["may_add"]
    own = facility_section(actor("ana"), shop)
    assert own is not None
    assert len(own["listings"]) == 4
    assert own["may_add"]
    assert equipment_section(actor("nobody"), unclaimed) is None

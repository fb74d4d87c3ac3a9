"""What the search index knows of facilities and equipment, and how it follows changes."""

from collections.abc import Callable
from typing import Any

from portal.directory.queries.searching import visible_keys
from portal.facilities import documents
from portal.facilities.queries.records import get_equipment, get_facility
from portal.facilities.services.equipment import (
    change_equipment_visibility,
    delete_equipment,
    update_equipment,
)
from portal.facilities.services.facilities import delete_facility, update_facility
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.database import session, unit_of_work
from portal.kernel.fulltext.port import Query
from portal.kernel.outbox import record
from portal.kernel.search import search_index
from portal.organizations.events import OrganizationArchived, OrganizationChanged
from portal.organizations.models import Organization
from portal.regions.models import Capability
from tests.cast import World
from tests.support.statements import count_statements

ActorOf = Callable[[str], Actor]
PUBLIC = frozenset({"public"})
MEMBER = frozenset({"public", "member"})


def titles(text: str, audience: frozenset[str] = PUBLIC, **facets: str) -> set[str]:
    results = search_index().index.search(
        Query(
            audience=audience,
            text=text,
            kinds=frozenset({"equipment", "facility"}),
            facets={name: frozenset({value}) for name, value in facets.items()},
        )
    )
    return {hit.title for hit in results.hits}


def test_document_says_all_that_searchers_need_and_no_secret(world: World) -> None:
    (document,) = documents.list_equipment_documents([world.equipment["shop_public"]])
    assert document.title == "Shop public mill"
    assert document.organization == "Ana's Machine Shop"
    assert document.audience == {"public", "admin", f"org:{world.organizations['shop']}"}
    assert document.facets["capability"] == ("5-axis-milling", "cnc-milling", "machining")
    assert document.facets["county"] == ("21111",)
    assert document.facets["cluster"] == ("metalworking-technology",)
    assert document.facets["certification"] == ("ISO 9001",)
    assert document.facets["sharing"] == ("by_request",)
    assert {"Haas", "UMC-750", "five-axis"} <= set(document.keywords)
    assert document.extra["county"] == "Jefferson, KY"
    assert "SN-" not in repr(document)


def test_contacts_of_facilities_are_in_no_document(world: World, actor: ActorOf) -> None:
    facility = get_facility(world.facilities["shop_public"])
    update_facility(actor("ana"), facility, contact_name="Zacharias Quist")
    (document,) = documents.list_facility_documents([facility.id])
    assert "Quist" not in repr(document)


def test_drafts_have_no_document(world: World) -> None:
    ids = [world.equipment["shop_draft"], world.equipment["shop_organization"]]
    assert [item.id for item in documents.list_equipment_documents(ids)] == ids[1:]


def test_documents_take_a_fixed_number_of_statements(world: World) -> None:
    with unit_of_work():
        get_equipment(world.equipment["shop_public"]).capabilities = [
            session.get_one(Capability, key) for key in ("welding", "coordinate-measuring")
        ]
    ids = sorted(world.equipment.values())
    session.rollback()
    with count_statements() as few:
        documents.list_equipment_documents([world.equipment["shop_public"]])
    session.rollback()
    session.expunge_all()
    with count_statements() as many:
        documents.list_equipment_documents(ids)
    assert many.count == few.count


def test_change_is_found_and_narrowing_hides(
    world: World, actor: ActorOf, indexed: None, drain: Callable[[], None]
) -> None:
    equipment = get_equipment(world.equipment["shop_public"])
    update_equipment(actor("ana"), equipment, name="Zirconia grinder")
    drain()
    assert titles("zirconia") == {"Zirconia grinder"}
    equipment = get_equipment(equipment.id)
    change_equipment_visibility(actor("ana"), equipment, visibility="members")
    drain()
    assert titles("zirconia") == set()
    assert titles("zirconia", MEMBER) == {"Zirconia grinder"}
    delete_equipment(actor("ana"), get_equipment(equipment.id))
    drain()
    assert titles("zirconia", MEMBER) == set()


def test_equipment_moves_with_its_facility(
    world: World, actor: ActorOf, indexed: None, drain: Callable[[], None]
) -> None:
    facility = get_facility(world.facilities["shop_public"])
    update_facility(actor("ana"), facility, zip_code="47130")
    drain()
    assert "Shop public mill" in titles("mill", county="18019")
    delete_facility(actor("ana"), get_facility(facility.id))
    drain()
    assert "Shop public mill" in titles("mill", county="21111")
    assert "Shop public lab" not in titles("lab")


def test_records_follow_their_organization(
    world: World, indexed: None, drain: Callable[[], None]
) -> None:
    def change(event: Any, **values: Any) -> None:
        with unit_of_work():
            organization = session.get_one(Organization, world.organizations["shop"])
            for name, value in values.items():
                setattr(organization, name, value)
            record(event(organization.id))
        drain()

    change(OrganizationChanged, name="Quartzite Works")
    assert {"Shop public mill", "Shop public lab"} <= titles("quartzite")
    change(OrganizationArchived, status="archived")
    assert titles("quartzite") == set()


def test_results_are_checked_against_what_may_be_seen_now(world: World, actor: ActorOf) -> None:
    machines = {("equipment", number) for number in world.equipment.values()}
    seen = visible_keys(actor("eve"), machines)
    assert ("equipment", world.equipment["shop_members"]) in seen
    assert ("equipment", world.equipment["shop_organization"]) not in seen
    assert visible_keys(SYSTEM, machines) == machines
    labs = {("facility", number) for number in world.facilities.values()}
    public = [world.facilities[f"{name}_public"] for name in ("shop", "college", "aero")]
    assert visible_keys(actor("nobody"), labs) == {("facility", number) for number in public}

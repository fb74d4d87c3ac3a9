"""What the directory finds of organizations."""

import pytest

from portal.directory.queries.searching import visible_keys
from portal.kernel.database import unit_of_work
from portal.kernel.fulltext.port import Query
from portal.kernel.search import search_index
from portal.organizations import documents
from portal.organizations.queries import profiles
from portal.organizations.services import records


@pytest.fixture
def shop(world):
    return profiles.get_organization(world.organizations["shop"])


def document(organization):
    (found,) = documents.list_organization_documents([organization.id])
    return found


def test_a_document_has_capabilities_with_all_that_is_broader(shop):
    found = document(shop)
    assert found.facets["capability"] == ("5-axis-milling", "cnc-milling", "machining")
    for name in ("five-axis", "Fresado CNC", "metal cutting", "Machine Shops"):
        assert name in found.keywords
    assert found.facets["cluster"] == ("metalworking-technology",)
    assert found.facets["certification"] == ("ISO 9001",)
    assert found.body == "Family shop with five-axis mills."
    assert found.extra["county"] == "Jefferson, KY"


def test_a_document_is_for_everybody_until_the_organization_is_archived(actor, shop):
    assert "public" in document(shop).audience
    records.archive_organization(actor("ana"), shop)
    assert document(shop).audience == {"admin", f"org:{shop.id}"}


def test_a_change_is_found_after_the_worker_ran(actor, indexed, shop, drain):
    records.change_organization(actor("ana"), shop, other_names=["Quixotic Milling"])
    drain()
    query = Query(audience=frozenset({"public"}), text="quixotic")
    assert [hit.id for hit in search_index().index.search(query).hits] == [shop.id]
    records.archive_organization(actor("ana"), profiles.get_organization(shop.id))
    drain()
    assert search_index().index.search(query).hits == ()


def test_what_the_index_finds_is_checked_against_the_database(actor, shop, world):
    ids = list(world.organizations.values())
    with unit_of_work():
        shop.status = "archived"
    keys = {("organization", number) for number in ids}
    assert visible_keys(actor("nobody"), keys) == keys - {("organization", shop.id)}
    assert visible_keys(actor("ben"), keys) == keys


def test_a_rebuild_reads_ids_in_portions(world):
    ids = sorted(world.organizations.values())
    assert documents.list_organization_ids(0, 3) == ids[:3]
    assert documents.list_organization_ids(ids[2], 3) == ids[3:]


def test_facets_have_names_for_people(app, world):
    facets = search_index().facets
    labels = {
        "organization_kind": ("sme", "Small or medium-sized firm"),
        "capability": ("welding", "Welding"),
        "county": ("21111", "Jefferson, KY"),
        "cluster": ("metalworking-technology", "Metalworking Technology"),
        "certification": ("UL", "UL"),
    }
    for name, (value, label) in labels.items():
        assert str(facets[name].labels([value])[value]) == label

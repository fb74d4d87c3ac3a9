"""Registering, changing, confirming, verifying, archiving and importing organizations."""

import datetime as dt

import pytest
from sqlalchemy import select

from portal.kernel.authorization import SYSTEM
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from portal.organizations.models import Membership, Organization
from portal.organizations.queries import desk, profiles
from portal.organizations.services import records

pytestmark = pytest.mark.usefixtures("app")

FIRM = {"name": "Salt River Springs", "kind": "sme", "zip_code": "40202"}


@pytest.fixture
def shop(world):
    return profiles.get_organization(world.organizations["shop"])


@pytest.fixture
def unclaimed(world):
    return profiles.get_organization(world.organizations["unclaimed"])


def test_whoever_registers_becomes_owner(actor, world):
    organization = records.register_organization(actor("dov"), **FIRM)

    role = session.scalar(
        select(Membership.role).where(
            Membership.organization_id == organization.id,
            Membership.user_id == world.users["dov"],
        )
    )
    assert role == "owner"
    assert organization.confirmed_by_id == world.users["dov"]
    assert organization.match_key == "salt river springs"


def test_nobody_registers_without_an_account(actor):
    with pytest.raises(Unauthenticated):
        records.register_organization(actor("nobody"), **FIRM)


def test_place_follows_from_the_zip_code(actor):
    organization = records.register_organization(actor("dov"), **FIRM)
    assert organization.city == "Louisville"
    assert organization.state == "KY"
    assert organization.county_fips == "21111"
    assert organization.latitude == pytest.approx(38.2529)


def test_what_was_given_wins_over_the_zip_code(actor):
    organization = records.register_organization(
        actor("dov"),
        **FIRM,
        city="Shively",
        county_fips="Clark County, IN",
        latitude=38.4,
        longitude=-85.7,
    )
    assert organization.city == "Shively"
    assert organization.county_fips == "18019"
    assert organization.latitude == 38.4


def test_a_new_zip_code_moves_county_and_point_along(actor, shop):
    records.change_organization(
        actor("ana"),
        shop,
        zip_code="47130",
        county_fips="Jefferson, KY",
        latitude=shop.latitude,
        longitude=shop.longitude,
    )
    assert shop.county_fips == "18019"
    assert shop.latitude == pytest.approx(38.3006)
    assert shop.city == "Jeffersonville"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"zip_code": "99999"}, "zip_code"),
        ({"county_fips": "Atlantis, KY"}, "county_fips"),
        ({"county_fips": "99999"}, "county_fips"),
        ({"latitude": 38.0, "longitude": None}, "longitude"),
        ({"naics_codes": ["000000"]}, "naics_codes"),
        ({"naics_codes": ["basket weaving"]}, "naics_codes"),
        ({"capabilities": ["basket weaving"]}, "capabilities"),
        ({"ipeds_id": "999001"}, "ipeds_id"),
    ],
)
def test_what_the_tables_do_not_know_is_refused_at_its_field(actor, shop, values, field):
    with pytest.raises(Invalid) as refusal:
        records.change_organization(actor("ana"), shop, **values)
    assert refusal.value.field == field


def test_an_unknown_capability_is_answered_with_what_may_be_meant(actor, shop):
    with pytest.raises(
        Invalid, match=r"We do not know “coordinate mesuring”.*Coordinate measuring"
    ):
        records.change_organization(actor("ana"), shop, capabilities=["coordinate mesuring"])


def test_capabilities_come_by_key_or_any_name(actor, shop):
    records.change_organization(actor("ana"), shop, capabilities=["five-axis", "CMM", "Soldadura"])
    assert {item.key for item in shop.capabilities} == {
        "5-axis-milling",
        "coordinate-measuring",
        "welding",
    }


@pytest.mark.parametrize(
    ("name", "zip_code", "found"),
    [
        ("Anas Machine Shop, LLC", "", True),
        ("ANA'S MACHINE-SHOP", "67202", True),
        ("Ana Machine Shop", "40202", True),
        ("Ana Machine Shop", "67202", False),
        ("Salt River Springs", "40202", False),
    ],
)
def test_probable_duplicates_are_named_before_saving(actor, name, zip_code, found):
    profile = {"name": name, "kind": "sme", "zip_code": zip_code}
    if found:
        with pytest.raises(Conflict, match="Ana's Machine Shop"):
            records.register_organization(actor("dov"), **profile)
    else:
        assert records.register_organization(actor("dov"), **profile).id
    assert records.register_organization(actor("dov"), is_another=True, **profile).id


def test_archived_organizations_are_no_duplicates(actor, shop):
    records.archive_organization(actor("ana"), shop)
    assert profiles.find_duplicates("Ana's Machine Shop") == []


def test_a_change_confirms_the_profile(actor, shop, world):
    assert shop.confirmed_at is None
    records.change_organization(actor("ana"), shop, summary="Short runs.")
    assert shop.confirmed_at is not None
    assert shop.confirmed_by_id == world.users["ana"]


def test_members_confirm_but_do_not_edit(actor, shop, world):
    records.confirm_organization(actor("ben"), shop)
    assert shop.confirmed_by_id == world.users["ben"]
    with pytest.raises(Forbidden):
        records.change_organization(actor("ben"), shop, summary="Mine.")


def test_fields_that_do_not_belong_to_a_profile_are_refused(actor, shop):
    with pytest.raises(TypeError):
        records.change_organization(actor("ana"), shop, status="archived")


def test_a_broker_of_the_region_verifies_and_takes_it_back(actor, shop, world):
    records.verify_organization(actor("dov"), shop)
    assert shop.verified_by_id == world.users["dov"]
    records.withdraw_verification(actor("dov"), shop)
    assert shop.verified_at is None


def test_no_broker_verifies_outside_the_region(actor, world):
    aero = profiles.get_organization(world.organizations["aero"])
    with pytest.raises(Forbidden):
        records.verify_organization(actor("dov"), aero)


def test_archived_organizations_are_hidden_from_outsiders_until_restored(actor, shop):
    records.archive_organization(actor("ana"), shop)
    with pytest.raises(NotFound):
        profiles.get_visible_organization(actor("dov"), shop.id)
    assert profiles.get_visible_organization(actor("ben"), shop.id)
    assert shop.name not in [row.name for row in profiles.list_organizations(actor("eve")).items]
    with pytest.raises(Conflict):
        records.archive_organization(actor("ana"), shop)
    records.restore_organization(actor("ana"), shop)
    assert profiles.get_visible_organization(actor("dov"), shop.id)
    with pytest.raises(Conflict):
        records.restore_organization(actor("ana"), shop)


COLLEGE = {
    "name": "Knobs Technical College",
    "kind": "community_college",
    "zip_code": "47130",
    "ipeds_id": "999777",
    "capabilities": ["welding"],
    "naics_codes": ["611210"],
}


def imported(**changes):
    return records.import_organization(SYSTEM, source="ipeds", **{**COLLEGE, **changes})


def test_an_import_that_changes_only_a_list_makes_a_new_version():
    first, _outcome = imported()
    before = first.updated_at
    same, outcome = imported(capabilities=["CMM"])
    assert (same.id, outcome) == (first.id, "changed")
    assert same.updated_at > before


def test_an_import_run_again_changes_nothing_and_says_so():
    first, outcome = imported()
    assert outcome == "created"
    assert first.confirmed_at is None
    again, outcome = imported()
    assert (again.id, outcome) == (first.id, "unchanged")
    again, outcome = imported(name="Knobs College", capabilities=["CMM"])
    assert (again.id, outcome) == (first.id, "changed")
    assert again.match_key == "knobs college"


def test_an_import_in_one_unit_of_work_commits_once():
    with unit_of_work():
        outcomes = [imported(ipeds_id=str(999000 + number))[1] for number in range(700, 705)]
    assert outcomes == ["created"] * 5
    assert session.scalar(select(Organization.id).where(Organization.ipeds_id == "999704"))


def test_no_import_writes_over_what_people_confirmed(actor, unclaimed):
    records.confirm_organization(actor("root"), unclaimed)
    same, outcome = records.import_organization(
        SYSTEM, source="ipeds", name="Another Name", kind="university", ipeds_id="999001"
    )
    assert (same.name, outcome) == ("Ohio Valley Institute", "unchanged")


def test_rows_without_an_identifier_are_known_again_by_name_and_city():
    row = {"name": "Knobs Tool", "kind": "sme", "city": "Corydon"}
    first, _outcome = records.import_organization(SYSTEM, source="csv", **row)
    again, outcome = records.import_organization(SYSTEM, source="csv", **row)
    assert (again.id, outcome) == (first.id, "unchanged")
    other, outcome = records.import_organization(SYSTEM, source="csv", **{**row, "city": "Salem"})
    assert outcome == "created"
    assert other.id != first.id


def test_brokers_import_within_their_region_and_others_not_at_all(actor):
    row = {"source": "csv", "name": "Knobs Tool", "kind": "sme", "city": "Corydon"}
    there = {**row, "county_fips": "18019"}
    with pytest.raises(Forbidden):
        records.import_organization(actor("ana"), **there)
    with pytest.raises(Forbidden):
        records.import_organization(actor("dov"), **row)
    with pytest.raises(Forbidden):
        records.import_organization(actor("dov"), **{**row, "county_fips": "20173"})
    organization, outcome = records.import_organization(actor("dov"), **there)
    assert outcome == "created"
    with pytest.raises(Forbidden):
        records.import_organization(actor("dov"), **{**there, "county_fips": "20173"})
    session.expire_all()
    assert organization.county_fips == "18019"


def test_the_same_name_elsewhere_is_another_organization():
    row = {"name": "Knobs Tool", "kind": "sme", "country": "CN"}
    first, _outcome = records.import_organization(SYSTEM, source="csv", **row, street="1 Road")
    other, outcome = records.import_organization(SYSTEM, source="csv", **row, street="2 Road")
    assert outcome == "created"
    assert other.id != first.id


def test_an_address_that_a_zip_code_completed_is_known_again():
    row = {"name": "Knobs Tool", "kind": "sme", "zip_code": "47130"}
    records.import_organization(SYSTEM, source="csv", **row)
    assert records.import_organization(SYSTEM, source="csv", **row)[1] == "unchanged"


def test_abroad_needs_no_zip_code_of_ours():
    organization, _outcome = records.import_organization(
        SYSTEM, source="csv", country="DE", name="Werk", kind="sme", city="Ulm", zip_code="89073"
    )
    assert organization.zip_code == "89073"
    assert organization.county_fips is None


def test_stale_profiles_wait_on_the_desk(actor, shop):
    ana = actor("ana")
    assert [item.url for item in desk.list_stale_for(ana, 5)] == [f"/organizations/{shop.id}"]
    records.confirm_organization(ana, shop)
    assert desk.list_stale_for(ana, 5) == []
    with unit_of_work():
        shop.confirmed_at = shop.confirmed_at - dt.timedelta(days=181)
    assert len(desk.list_stale_for(ana, 5)) == 1


def test_own_organizations_are_chosen_by_role(actor, world):
    assert [row.id for row in profiles.list_organizations_of(actor("ben"))] == [
        world.organizations["shop"]
    ]
    assert profiles.list_organizations_of(actor("ben"), "owner", "manager") == []


@pytest.mark.parametrize("name", ["332710", "332710 Machine Shops", "machine shops"])
def test_an_industry_is_named_by_its_code_or_in_words(actor, shop, name):
    records.change_organization(actor("ana"), shop, naics_codes=[name])
    assert shop.naics_codes == ["332710"]


def test_an_industry_named_only_nearly_is_answered_with_what_is_known(actor, shop):
    with pytest.raises(Invalid) as refusal:
        records.change_organization(actor("ana"), shop, naics_codes=["machine shop"])
    assert "Did you mean 332710 (Machine Shops)?" in str(refusal.value)


@pytest.mark.parametrize("county", ["Clark", "clark county", "Clark County, IN", "18019"])
def test_a_county_needs_no_state_beside_a_zip_code(actor, county):
    made = records.register_organization(
        actor("cleo"), name="Bridge Works", kind="sme", zip_code="47130", county_fips=county
    )
    assert made.county_fips == "18019"

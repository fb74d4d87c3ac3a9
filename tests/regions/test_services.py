"""Drawing regions and appointing brokers."""

import pytest
from sqlalchemy import select

from portal.accounts.models import User
from portal.kernel.authorization import SYSTEM
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Forbidden, Invalid, NotFound, Unauthenticated
from portal.regions import services
from portal.regions.models import Region
from portal.regions.queries.brokers import list_brokers
from portal.regions.queries.regions import counties_of_region, find_region, get_region

OUTSIDERS = [
    ("nobody", Unauthenticated),
    ("ana", Forbidden),
    ("ben", Forbidden),
    ("cleo", Forbidden),
    ("dov", Forbidden),
    ("eve", Forbidden),
]


def fips_of(region):
    return [county.fips for county in counties_of_region(region.id)]


def test_administrator_draws_a_region_out_of_codes_and_names(actor):
    region = services.create_region(
        actor("root"),
        name="Two States",
        county_fips=["21111", "Clark County, Indiana", "20173 Sedgwick, KS", "21111"],
        summary="Across the river.",
    )
    assert (region.key, region.summary, region.is_demo) == (
        "two-states",
        "Across the river.",
        False,
    )
    assert fips_of(region) == ["18019", "20173", "21111"]


def test_the_portal_draws_demo_regions_with_keys_of_their_own(app):
    region = services.create_region(
        SYSTEM, name="Falls Cities", key="falls", county_fips=["21111"], is_demo=True
    )
    assert (region.key, region.is_demo) == ("falls", True)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"county_fips": []}, "county_fips"),
        ({"county_fips": ["99999"]}, "county_fips"),
        ({"county_fips": ["Nowhere, KY"]}, "county_fips"),
        ({"county_fips": ["Jefferson"]}, "county_fips"),
        ({"name": "Wichita"}, "name"),
        ({"name": "Another", "key": "wichita"}, "name"),
        ({"name": "***"}, "name"),
    ],
)
def test_a_region_that_makes_no_sense_is_refused(actor, values, field):
    with pytest.raises(Invalid) as refusal:
        services.create_region(
            actor("root"), **{"name": "New Region", "county_fips": ["21111"], **values}
        )
    assert refusal.value.field == field
    assert find_region("new-region") is None


def test_changing_a_region_keeps_its_key(actor, world):
    region = get_region(world.regions["wichita"])
    services.change_region(
        actor("root"), region, name="Air Capital", county_fips=["20173", "18019"], summary="Planes."
    )
    changed = get_region(world.regions["wichita"])
    assert (changed.key, changed.name, changed.summary) == ("wichita", "Air Capital", "Planes.")
    assert [county.fips for county in changed.counties] == ["18019", "20173"]


def test_counties_can_leave_a_region(actor, world):
    region = get_region(world.regions["greater-louisville"])
    services.change_region(actor("root"), region, name=region.name, county_fips=["21111"])
    assert fips_of(region) == ["21111"]
    assert actor("dov").brokered_counties == {"21111"}


def test_a_region_cannot_take_the_name_of_another(actor, world):
    region = get_region(world.regions["wichita"])
    with pytest.raises(Invalid):
        services.change_region(
            actor("root"), region, name="Greater Louisville", county_fips=["20173"]
        )


def test_an_appointed_broker_brokers_the_region_until_dismissed(actor, world):
    region = get_region(world.regions["wichita"])
    user = services.appoint_broker(actor("root"), region, email=" Eve@cast.example ")
    assert user.id == world.users["eve"]
    assert actor("eve").brokered_regions == {region.id}
    assert [broker.name for broker in list_brokers(region.id)] == ["Eve"]
    services.dismiss_broker(actor("root"), region, user_id=user.id)
    assert actor("eve").brokered_regions == frozenset()


@pytest.mark.parametrize("email", ["nobody@cast.example", "dov@cast.example", ""])
def test_only_somebody_new_with_an_account_can_be_appointed(actor, world, email):
    region = get_region(world.regions["greater-louisville"])
    with pytest.raises(Invalid) as refusal:
        services.appoint_broker(actor("root"), region, email=email)
    assert refusal.value.field == "email"


def test_a_closed_account_is_not_appointed(actor, world):
    with unit_of_work():
        session.get_one(User, world.users["eve"]).is_active = False
    with pytest.raises(Invalid):
        services.appoint_broker(
            actor("root"), get_region(world.regions["wichita"]), email="eve@cast.example"
        )


def test_who_is_no_broker_cannot_be_dismissed(actor, world):
    region = get_region(world.regions["wichita"])
    with pytest.raises(NotFound):
        services.dismiss_broker(actor("root"), region, user_id=world.users["dov"])


@pytest.mark.parametrize(("name", "refusal"), OUTSIDERS)
def test_only_administrators_draw_regions_and_appoint_brokers(actor, world, name, refusal):
    region = get_region(world.regions["greater-louisville"])
    attempts = [
        lambda: services.create_region(actor(name), name="Mine", county_fips=["21111"]),
        lambda: services.change_region(actor(name), region, name="Mine", county_fips=["21111"]),
        lambda: services.appoint_broker(actor(name), region, email="eve@cast.example"),
        lambda: services.dismiss_broker(actor(name), region, user_id=world.users["dov"]),
    ]
    for attempt in attempts:
        with pytest.raises(refusal):
            attempt()
    session.expire_all()
    assert session.scalars(select(Region.name).order_by(Region.name)).all() == [
        "Greater Louisville",
        "Wichita",
    ]
    assert actor("dov").brokered_counties == {"21111", "18019"}
    assert actor("eve").brokered_regions == frozenset()

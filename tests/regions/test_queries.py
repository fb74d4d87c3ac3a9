"""Looking up places, industries and capabilities."""

import pytest

from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import NotFound
from portal.regions.models import State, ZipCode
from portal.regions.queries.brokers import actor_facts, broker_ids_of_county
from portal.regions.queries.capabilities import preferred_labels
from portal.regions.queries.counties import county_labels, find_county, list_counties
from portal.regions.queries.places import find_place, find_zip, find_zips
from portal.regions.queries.regions import (
    counties_of_region,
    find_region,
    get_region,
    get_region_by_key,
    list_regions,
)


@pytest.mark.parametrize("text", ["40202", " 40202 ", "40202-1234", "402021234"])
def test_a_zip_code_gives_place_county_and_point(app, text):
    place = find_zip(text)
    assert (place.place, place.state, place.county_fips) == ("Louisville", "KY", "21111")
    assert place.county == "Jefferson, KY"
    assert (place.latitude, place.longitude) == (38.2529, -85.7514)


@pytest.mark.parametrize("text", ["", "4020", "00000", "Louisville", "４０２０２", "40202-12"])
def test_what_is_no_zip_code_finds_nothing(app, text):
    assert find_zip(text) is None


@pytest.mark.parametrize(
    ("text", "zip_code"),
    [
        ("67202", "67202"),
        ("Wichita", "67202"),
        (" wichita,KS ", "67202"),
        ("Wichita Kansas", "67202"),
        ("Saint Matthews", "40207"),
        ("St. Matthews, Ky.", "40207"),
        ("Lake St. Louis", "63367"),
        ("Sault Ste. Marie, MO", "49783"),
        ("O'Fallon", "63366"),
        ("Lee’s Summit, MO", "64063"),
        ("Wilkes-Barre", "18701"),
        ("Wichita, KY", None),
        ("Wichita Heights", None),
        ("net shape", None),
        ("", None),
        (",", None),
        ("a " * 60, None),
    ],
)
def test_a_town_is_known_by_its_name_with_or_without_its_state(app, text, zip_code):
    with unit_of_work():
        add_zip("40207", "Saint Matthews", "KY", "21111", 38.25, -85.65)
        # As the Postal Service writes them.
        session.add(State(code="MO", fips="29", name="Missouri"))
        for code, name in (
            ("63367", "Lake Saint Louis"),
            ("49783", "Sault Sainte Marie"),
            ("63366", "O Fallon"),
            ("64063", "Lees Summit"),
            ("18701", "Wilkes Barre"),
        ):
            add_zip(code, name, "MO", None, 38.8, -90.7)
    place = find_place(text)
    assert (place and place.zip_code) == zip_code


def test_of_several_towns_one_in_a_region_comes_first_and_then_the_largest(app):
    with unit_of_work():
        session.add(State(code="CO", fips="08", name="Colorado"))
        for number in range(3):
            add_zip(f"8002{number}", "Louisville", "CO", None, 39.9 + number, -105.1)
            add_zip(f"8003{number}", "Springfield", "CO", None, 37.4, -102.6 + number)
        add_zip("40069", "Springfield", "KY", None, 37.68, -85.22)
    assert find_place("Louisville").state == "KY"
    assert find_place("Louisville, Colorado").zip_code == "80021"
    assert find_place("Springfield").zip_code == "80031"
    assert find_place("springfield ky").zip_code == "40069"


def add_zip(code, place, state, county, latitude, longitude):
    session.add(
        ZipCode(
            zip_code=code,
            place=place,
            state=state,
            county_fips=county,
            latitude=latitude,
            longitude=longitude,
        )
    )


def test_many_zip_codes_are_found_at_once(app):
    assert set(find_zips(["40202", "47130", "99999"])) == {"40202", "47130"}


def test_counties_are_listed_by_state_and_name(app):
    assert [county.fips for county in list_counties()] == ["18019", "20173", "21111"]
    assert [county.label for county in list_counties(state="KY")] == ["Jefferson, KY"]


def test_a_county_is_found_by_name_and_state(app):
    assert find_county("JEFFERSON CO.", "Kentucky").fips == "21111"
    assert find_county("Jefferson", "IN") is None


def test_labels_are_given_for_the_counties_that_exist(app):
    assert county_labels(["21111", "99999"]) == {"21111": "Jefferson, KY"}


def test_a_region_knows_its_counties(world):
    region_id = world.regions["greater-louisville"]
    assert [county.fips for county in counties_of_region(region_id)] == ["18019", "21111"]


def test_regions_are_found_by_number_and_key(world):
    region_id = world.regions["wichita"]
    assert get_region(region_id).name == "Wichita"
    assert get_region_by_key("wichita").id == region_id
    assert find_region("nowhere") is None
    with pytest.raises(NotFound):
        get_region_by_key("nowhere")


def test_regions_are_paged_by_name(app):
    first = list_regions(limit=1)
    second = list_regions(limit=1, cursor=first.next)
    assert [region.key for region in first.items + second.items] == [
        "greater-louisville",
        "wichita",
    ]
    assert second.next is None


def test_the_broker_of_a_region_brokers_its_counties(world):
    facts = actor_facts(world.users["dov"])
    assert facts == {
        "brokered_regions": {world.regions["greater-louisville"]},
        "brokered_counties": {"21111", "18019"},
    }
    assert broker_ids_of_county("21111") == [world.users["dov"]]
    assert broker_ids_of_county("20173") == []
    assert broker_ids_of_county(None) == []


def test_everybody_else_brokers_nothing(world):
    assert actor_facts(world.users["ana"]) == {
        "brokered_regions": frozenset(),
        "brokered_counties": frozenset(),
    }


@pytest.mark.parametrize(
    ("language", "label"), [("en", "Welding"), ("es", "Soldadura"), ("fr", "Welding")]
)
def test_labels_come_in_the_language_asked_for(app, language, label):
    assert preferred_labels(["welding"], language=language) == {"welding": label}

"""The reference tables' files: complete, and equal to what the official sources say."""

import csv
import tomllib
from collections import Counter
from pathlib import Path

import pytest
import zipcodes

from portal.regions.rules import CountyNames

ROOT = Path(__file__).parents[2]
DATA = ROOT / "portal" / "regions" / "data"
OFFICIAL = ROOT.parent / "shared" / "data"
MANUFACTURING = ("31", "32", "33")


def rows(path, encoding="utf-8"):
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def official(name):
    """The official file beside the checkout, or where there is none the project's own copy."""
    return OFFICIAL / name if (OFFICIAL / name).exists() else None


@pytest.fixture(scope="module")
def counties():
    return rows(DATA / "counties.csv")


@pytest.fixture(scope="module")
def names(counties):
    return CountyNames(
        [(county["fips"], county["name"], county["state"]) for county in counties],
        {state["code"]: state["name"] for state in rows(DATA / "states.csv")},
    )


def test_every_county_lies_in_its_state(counties):
    states = {state["fips"]: state["code"] for state in rows(DATA / "states.csv")}
    assert len(states) == 56
    assert len(counties) == 3231
    assert len({county["fips"] for county in counties}) == len(counties)
    assert len({(county["state"], county["name"]) for county in counties}) == len(counties)
    for county in counties:
        assert states[county["fips"][:2]] == county["state"]
        assert -15 < float(county["latitude"]) < 72
        assert -180 <= float(county["longitude"]) <= 180


def test_naics_is_the_official_list():
    ours = {row["code"]: row["title"] for row in rows(DATA / "naics_2022.csv")}
    source = official("naics_2022.csv") or DATA / "naics_2022.csv"
    assert ours == {row["code"]: row["title"] for row in rows(source, "utf-8-sig")}
    levels = Counter(len(code) for code in ours if code[:2] in MANUFACTURING and "-" not in code)
    assert levels == {3: 21, 4: 86, 5: 176, 6: 346}


def test_clusters_are_the_benchmark_definitions():
    ours = rows(DATA / "clusters.csv")
    source = official("naics_clusters.csv") or DATA / "clusters.csv"
    unassigned = {"NA": "Local Private Households"}
    assert {(row["naics"], row["kind"], row["cluster"]) for row in ours} == {
        (row["naics"], row["kind"], unassigned.get(row["cluster"], row["cluster"]))
        for row in rows(source, "utf-8-sig")
    }
    clusters = {(row["kind"], row["cluster"]) for row in ours}
    assert Counter(kind for kind, _ in clusters) == {"traded": 51, "local": 17}


def test_every_manufacturing_industry_of_2022_finds_its_cluster():
    known = {row["naics"] for row in rows(DATA / "clusters.csv")}
    changed = {row["code"] for row in rows(DATA / "naics_successors.csv")}
    industries = {
        row["code"]
        for row in rows(DATA / "naics_2022.csv")
        if len(row["code"]) == 6 and row["code"][:2] in MANUFACTURING
    }
    assert industries - known - changed == set()


def test_changed_industries_are_new_and_take_a_known_cluster():
    known = {row["naics"] for row in rows(DATA / "clusters.csv")}
    codes = {row["code"] for row in rows(DATA / "naics_2022.csv")}
    changes = rows(DATA / "naics_successors.csv")
    assert len({row["code"] for row in changes}) == len(changes)
    for row in changes:
        assert row["code"] in codes
        assert row["code"] not in known
        assert row["takes_cluster_of"] in known
        assert row["relation"] in {"renamed", "merged", "split", "sibling"}


def test_demo_regions_are_sets_of_known_counties(counties):
    by_fips = {county["fips"]: county for county in counties}
    regions = tomllib.loads((DATA / "regions.toml").read_text("utf-8"))
    assert [region["name"] for region in regions.values()] == [
        "Greater Louisville",
        "Wichita",
        "San Jose",
    ]
    for region in regions.values():
        assert set(region["county_fips"]) <= set(by_fips)
        assert len(region["summary"]) <= 280
    states = {by_fips[fips]["state"] for fips in regions["greater-louisville"]["county_fips"]}
    assert states == {"KY", "IN"}


@pytest.mark.parametrize(
    ("name", "state", "fips"),
    [
        ("Jefferson County", "KY", "21111"),
        ("JEFFERSON", "Kentucky", "21111"),
        ("jefferson co.", "ky", "21111"),
        ("St Louis County", "MO", "29189"),
        ("Saint Louis", "mo", "29189"),
        ("St. Louis city", "MO", "29510"),
        ("Baltimore", "MD", "24005"),
        ("Baltimore City", "MD", "24510"),
        ("Richmond City", "VA", "51760"),
        ("Alexandria", "VA", "51510"),
        ("James City", "VA", "51095"),
        ("La Porte County", "IN", "18091"),
        ("De Witt", "TX", "48123"),
        ("Dona Ana County", "NM", "35013"),
        ("Municipality of Anchorage", "AK", "02020"),
        ("City and Borough of Juneau", "AK", "02110"),
        ("Orleans Parish", "LA", "22071"),
        ("Bayamon", "PR", "72021"),
        ("St Mary's County", "MD", "24037"),
        ("Carson City", "NV", "32510"),
        ("Dade", "FL", "12086"),
    ],
)
def test_a_county_is_found_however_it_is_spelled(names, name, state, fips):
    assert names.find(name, state) == fips


@pytest.mark.parametrize(("name", "state"), [("Nowhere", "KY"), ("", "KY"), ("Jefferson", "XX")])
def test_an_unknown_county_is_not_guessed(names, name, state):
    assert names.find(name, state) is None


def test_nearly_every_zip_code_of_the_states_finds_its_county(names):
    territories = {"AS", "GU", "MP", "PR", "VI", "FM", "MH", "PW", "AA", "AE", "AP"}
    codes = [row for row in zipcodes.list_all() if row["state"] not in territories]
    found = [row for row in codes if names.find(row["county"], row["state"])]
    assert len(codes) > 40_000
    assert len(found) / len(codes) >= 0.99


def test_every_county_of_the_federal_college_directory_is_known(counties):
    path = official("ipeds_hd2020.csv")
    if path is None:  # without the official file there is nothing to compare
        return
    known = {county["fips"] for county in counties}
    used = {row["COUNTYCD"].zfill(5) for row in rows(path, "latin-1") if row["COUNTYCD"] > "0"}
    assert used - known == set()

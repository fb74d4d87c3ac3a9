"""The skills, occupations and credentials that the portal ships with: whole and unambiguous."""

import re
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from portal.regions.rules import name_key
from portal.skills.rules import CREDENTIAL_KINDS, SKILL_KINDS, is_soc_code
from portal.skills.services import listed, read_table

CAPABILITIES = Path(__file__).parents[2] / "portal" / "regions" / "data" / "capabilities.toml"
KEY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@pytest.fixture(scope="module")
def skills():
    return list(read_table("skills.tsv"))


@pytest.fixture(scope="module")
def occupations():
    return list(read_table("occupations.tsv"))


@pytest.fixture(scope="module")
def credentials():
    return list(read_table("credentials.tsv"))


def test_there_is_enough_to_speak_of_manufacturing(skills, occupations, credentials):
    assert len(skills) >= 350
    assert len(occupations) >= 110
    assert len(credentials) >= 80
    assert sum(len(listed(row["also"])) for row in skills) >= 900
    assert set(Counter(row["kind"] for row in skills)) == set(SKILL_KINDS)
    assert min(Counter(row["kind"] for row in skills).values()) >= 8


def test_every_skill_has_all_its_parts(skills, occupations):
    codes = {row["code"] for row in occupations}
    capabilities = tomllib.loads(CAPABILITIES.read_text("utf-8"))
    for row in skills:
        assert KEY.fullmatch(row["key"]), row
        assert row["name"].strip() == row["name"] != ""
        assert row["name_es"].strip() == row["name_es"] != ""
        assert listed(row["also"])
        assert listed(row["also_es"])
        assert set(listed(row["occupations"])) <= codes
        assert listed(row["occupations"])
        assert set(listed(row["capabilities"])) <= set(capabilities), row["key"]
        assert listed(row["capabilities"])
        for column in ("also", "also_es", "occupations", "capabilities"):
            assert len(set(listed(row[column]))) == len(listed(row[column])), row["key"]
    assert len({row["key"] for row in skills}) == len(skills)


def test_no_name_stands_for_two_skills(skills):
    owners = defaultdict(set)
    for row in skills:
        names = [row["name"], row["name_es"], *listed(row["also"]), *listed(row["also_es"])]
        for name in names:
            owners[name_key(name)].add(row["key"])
    assert {name: keys for name, keys in owners.items() if len(keys) > 1} == {}


def test_occupations_have_a_code_and_two_titles_and_serve_a_skill(skills, occupations):
    for row in occupations:
        assert is_soc_code(row["code"]), row
        assert row["title"]
        assert row["title_es"]
        assert row["title_es"] != row["title"]
    codes = [row["code"] for row in occupations]
    assert codes == sorted(set(codes))
    assert {code for row in skills for code in listed(row["occupations"])} == set(codes)
    assert {row["code"]: row["title"] for row in occupations}["51-4041"] == "Machinists"
    assert not is_soc_code("514041")


def test_every_credential_names_its_issuer_and_what_it_proves(skills, credentials):
    keys = {row["key"] for row in skills}
    for row in credentials:
        assert KEY.fullmatch(row["key"]), row
        assert row["kind"] in CREDENTIAL_KINDS
        assert row["issuer"]
        assert re.fullmatch(r"https://[a-z0-9.-]+\.[a-z]+/\S*", row["url"]), row["key"]
        assert not row["valid_months"] or 1 <= int(row["valid_months"]) <= 600
        assert set(listed(row["skills"])) <= keys, row["key"]
        assert listed(row["skills"]) or row["kind"] == "apprenticeship"
    assert len({row["key"] for row in credentials}) == len(credentials)
    named = {(name_key(row["name"]), row["issuer"]) for row in credentials}
    assert len(named) == len(credentials)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("GMAW", "mig-welding"),
        ("ladder logic", "plc-programming-skills"),
        ("soldadura TIG", "tig-welding"),
        ("GD and T", "geometric-dimensioning-and-tolerancing-skills"),
        ("montacargas", None),
        ("carretilla elevadora", "forklift-operation"),
    ],
)
def test_what_people_type_names_a_skill(skills, typed, key):
    found = [
        row["key"]
        for row in skills
        for name in (row["name"], row["name_es"], *listed(row["also"]), *listed(row["also_es"]))
        if name_key(name) == name_key(typed)
    ]
    assert found == ([key] if key else [])

"""The capability thesaurus, as a data file: whole, unambiguous, readable."""

import re
import tomllib
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from portal.regions.rules import closure, name_key

FILE = Path(__file__).parents[2] / "portal" / "regions" / "data" / "capabilities.toml"
TOPS = {
    "forming",
    "casting-and-molding",
    "machining",
    "cutting",
    "joining",
    "additive-manufacturing",
    "heat-treatment",
    "surface-treatment",
    "metrology",
    "testing",
    "electronics-manufacturing",
    "composites-manufacturing",
    "chemistry-and-biotech",
    "automation-and-robotics",
    "software-and-digital",
    "design-and-engineering",
    "assembly-and-logistics",
    "workforce-development",
}


def names_of(concept):
    """All names of a concept but the preferred Spanish one."""
    return [concept["label"], *concept["also"], *concept.get("hidden", ())]


@pytest.fixture(scope="module")
def concepts():
    return tomllib.loads(FILE.read_text("utf-8"))


def test_it_is_large_enough_to_speak_of_a_region(concepts):
    assert len(concepts) >= 320
    assert sum(len(concept["also"]) for concept in concepts.values()) >= 950


def test_every_concept_has_all_its_parts(concepts):
    for key, concept in concepts.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", key), key
        assert set(concept) - {"hidden", "hidden_es"} == {
            "label",
            "label_es",
            "definition",
            "broader",
            "also",
        }, key
        assert concept["label"].strip() == concept["label"] != "", key
        assert concept["label_es"].strip() == concept["label_es"] != "", key
        assert re.fullmatch(r"[A-Z0-9].{20,160}\.", concept["definition"]), key
        assert all(name.strip() == name != "" for name in names_of(concept)), key


def test_only_the_top_concepts_have_nothing_above_them(concepts):
    assert {key for key, concept in concepts.items() if not concept["broader"]} == TOPS


def test_what_is_named_as_broader_exists_once(concepts):
    for key, concept in concepts.items():
        assert set(concept["broader"]) <= set(concepts), key
        assert len(set(concept["broader"])) == len(concept["broader"]), key


def test_no_concept_is_broader_than_itself(concepts):
    broader = TopologicalSorter({key: concept["broader"] for key, concept in concepts.items()})
    broader.prepare()  # which a cycle does not let it


def test_every_concept_hangs_under_a_top_concept(concepts):
    narrower = defaultdict(list)
    for key, concept in concepts.items():
        for other in concept["broader"]:
            narrower[other].append(key)
    assert set(closure(TOPS, narrower)) == set(concepts)


def test_no_name_stands_for_two_concepts(concepts):
    owners = defaultdict(list)
    for key, concept in concepts.items():
        for name in [*names_of(concept), *concept.get("hidden_es", ())]:
            owners[name_key(name)].append(key)
    assert {name: keys for name, keys in owners.items() if len(keys) > 1} == {}


def test_no_spanish_name_stands_for_two_concepts(concepts):
    owners = defaultdict(set)
    for key, concept in concepts.items():
        for name in [*names_of(concept), *concept.get("hidden_es", ())]:
            owners[name_key(name)].add(key)
    spanish = [name_key(concept["label_es"]) for concept in concepts.values()]
    assert len(set(spanish)) == len(spanish)
    for key, concept in concepts.items():
        assert owners[name_key(concept["label_es"])] <= {key}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("CMM", "coordinate-measuring-machine-inspection"),
        ("wire EDM", "wire-edm"),
        ("SLM", "laser-powder-bed-fusion"),
        ("5-axis", "5-axis-milling"),
        ("five-axis machining", "5-axis-milling"),
        ("GD&T", "geometric-dimensioning-and-tolerancing"),
        ("TIG", "gas-tungsten-arc-welding"),
        ("3D printing", "additive-manufacturing"),
        ("GTAW", "gas-tungsten-arc-welding"),
        ("LOTO", "lockout-tagout-training"),
        ("PMI", "chemical-analysis-of-materials"),
        ("ITAR", "export-control-compliance"),
        ("learn to weld", "welding-training"),
        ("máquina de medición por coordenadas", "coordinate-measuring-machine-inspection"),
    ],
)
def test_what_people_type_names_a_concept(concepts, name, key):
    names = [*names_of(concepts[key]), *concepts[key].get("hidden_es", ())]
    assert name_key(name) in map(name_key, names)


def test_the_file_is_readable():
    lines = FILE.read_text("utf-8").splitlines()
    assert max(map(len, lines)) <= 130
    assert sum(line.startswith("# ---") for line in lines) == 2 * len(TOPS)

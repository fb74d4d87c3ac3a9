"""Looking up places, industries and capabilities in the full reference data (read only)."""

import pytest
from flask_babel import force_locale
from sqlalchemy import func, select

from portal.kernel.authorization import SYSTEM
from portal.kernel.database import db, session
from portal.regions import services
from portal.regions.models import (
    Capability,
    CapabilityLabel,
    Cluster,
    ClusterIndustry,
    County,
    NaicsCode,
    State,
    ZipCode,
)
from portal.regions.queries.capabilities import (
    broader_closure,
    capability_tree,
    labels_of,
    list_capabilities,
    match_capability,
    match_phrases,
    narrower_closure,
    preferred_labels,
    resolve_capabilities,
    suggest_capabilities,
)
from portal.regions.queries.industries import (
    cluster_keys_of,
    cluster_labels,
    list_clusters,
    naics_titles,
)
from tests.support.statements import count_statements

pytestmark = pytest.mark.database


@pytest.fixture(scope="module", autouse=True)
def reference(_databases):
    """Load the reference data once for all tests here, which change nothing."""
    with _databases.app.app_context():
        services.load_reference(SYSTEM)
        yield
        db.session.remove()
        _databases.reset()


@pytest.mark.parametrize(
    ("codes", "clusters"),
    [
        (["336413", "336411"], {"aerospace-vehicles-and-defense"}),
        (["336110"], {"automotive"}),
        (["336110", "325412"], {"automotive", "biopharmaceuticals"}),
        (["3361"], {"automotive"}),
        (["33"], set()),
        (["3339"], set()),
        (["000000"], set()),
        ([], set()),
    ],
)
def test_industries_belong_to_clusters(codes, clusters):
    assert set(cluster_keys_of(codes).values()) == clusters


def test_clusters_have_names_in_both_languages():
    with force_locale("en"):
        assert cluster_labels(["plastics"]) == {"plastics": "Plastics"}
        english = {cluster.name for cluster in list_clusters()}
    with force_locale("es"):
        assert cluster_labels(["plastics"]) == {"plastics": "Plásticos"}
        spanish = {cluster.name for cluster in list_clusters()}
    assert len(spanish) == 68
    assert english.isdisjoint(spanish), "every one is translated"


def test_the_industry_codes_that_exist_have_titles():
    assert naics_titles(["332710", "000000"]) == {"332710": "Machine Shops"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("CMM", "coordinate-measuring-machine-inspection"),
        ("cmm", "coordinate-measuring-machine-inspection"),
        ("Wire-EDM", "wire-edm"),
        ("wire-edm", "wire-edm"),
        ("5 axis", "5-axis-milling"),
        ("fresado cnc", "cnc-milling"),
        ("metrologia", "metrology"),
        ("basket weaving", None),
        ("", None),
    ],
)
def test_a_capability_is_matched_by_any_of_its_names(text, key):
    assert match_capability(text) == key


def test_names_typed_into_a_form_become_keys_or_a_question_back():
    keys, unknown = resolve_capabilities(["CMM", "wire-edm", "cmm", "Weldng", "precision weld"])
    assert keys == ["coordinate-measuring-machine-inspection", "wire-edm"]
    assert unknown["Weldng"] == []
    assert len(unknown["precision weld"]) == 3


def test_names_of_capabilities_are_found_within_a_text():
    assert match_phrases("CNC milling and cmm in Louisville") == [
        ("cnc milling", "cnc-milling"),
        ("cmm", "coordinate-measuring-machine-inspection"),
    ]
    assert match_phrases("") == []


def test_a_record_is_found_under_everything_broader():
    found = broader_closure(["5-axis-milling"])
    assert {"5-axis-milling", "cnc-milling", "milling", "machining"} <= found
    assert "3-axis-milling" not in found
    assert broader_closure([]) == frozenset()


def test_narrower_concepts_are_told_with_their_distance():
    found = narrower_closure(["milling"])
    assert (found["milling"], found["cnc-milling"], found["5-axis-milling"]) == (0, 1, 2)
    assert "turning" not in found


def test_all_names_of_a_concept_are_given_preferred_first():
    names = labels_of(["wire-edm"])["wire-edm"]
    assert names[:2] == ["Wire EDM", "Electroerosión por hilo"]
    assert "WEDM" in names


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("cmm", "coordinate-measuring-machine-inspection"),
        ("weld", "welding"),
        ("5 ax", "5-axis-milling"),
        ("3d printing", "additive-manufacturing"),
    ],
)
def test_capabilities_are_suggested_while_typing(typed, first):
    assert suggest_capabilities(typed)[0].key == first


def test_suggestions_are_few_and_each_concept_once():
    found = suggest_capabilities("m", 5)
    assert len(found) == 5
    assert len({match.key for match in found}) == 5
    assert suggest_capabilities("soldad", language="es")[0].label == "Soldadura"


@pytest.mark.parametrize("typed", ["", "  ", "%", "_", "\\", "zzzz"])
def test_nothing_is_suggested_for_what_names_nothing(typed):
    assert suggest_capabilities(typed) == []


def test_the_tree_has_every_concept_below_the_top_ones():
    tree = capability_tree()
    found = set()
    pending = list(tree)
    while pending:
        node = pending.pop()
        found.add(node.key)
        pending.extend(node.narrower)
    # The cast's world has a top concept of its own, which the data files do not know.
    assert len({node.key for node in tree} - {"coordinate-measuring"}) == 18
    assert found == set(preferred_labels())


def test_the_number_of_statements_does_not_grow_with_the_list():
    with count_statements() as few:
        list_capabilities(limit=2)
    with count_statements() as many:
        list_capabilities(limit=20)
    assert few.count == many.count


def count(model):
    return session.scalar(select(func.count()).select_from(model))


def test_all_tables_are_filled():
    assert count(State) == 56
    assert count(County) == 3231
    assert count(ZipCode) > 41_000
    assert count(NaicsCode) == 2125
    assert count(Cluster) == 68
    assert count(Capability) >= 320
    assert count(CapabilityLabel) >= 1300


def test_every_manufacturing_industry_has_a_cluster():
    industries = set(
        session.scalars(
            select(NaicsCode.code).where(
                func.length(NaicsCode.code) == 6, NaicsCode.code >= "31", NaicsCode.code < "34"
            )
        )
    )
    placed = set(session.scalars(select(ClusterIndustry.naics_code)))
    assert len(industries) == 346
    assert industries - placed == set()


def test_every_traded_cluster_has_industries():
    traded = [cluster for cluster in list_clusters() if cluster.kind == "traded"]
    assert len(traded) == 51
    assert all(cluster.industries for cluster in traded)


def test_zip_codes_of_the_states_know_their_county():
    territories = ("AS", "GU", "MP", "PR", "VI", "FM", "MH", "PW")
    total = session.scalar(select(func.count()).where(ZipCode.state.not_in(territories)))
    known = session.scalar(
        select(func.count()).where(
            ZipCode.state.not_in(territories), ZipCode.county_fips.is_not(None)
        )
    )
    assert known / total >= 0.99

"""The criteria and the score: pure functions of what two sides say."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from portal.matching.rules import criteria, learning, scoring, sizes
from portal.matching.rules.facts import Finding, Offered, Wanted
from portal.matching.rules.kinship import Kinship, emphasis
from portal.matching.rules.wording import is_question, question, sentence
from portal.matching.rules.words import CANDIDATE_KINDS, CRITERIA
from portal.partnerships.rules.words import REQUEST_KINDS

TODAY = dt.date(2026, 5, 4)
LOUISVILLE, WICHITA = (38.25, -85.75), (37.69, -97.34)
KINSHIP = Kinship(
    {
        "cnc-milling": ["machining"],
        "cnc-turning": ["machining"],
        "5-axis-milling": ["cnc-milling"],
        "welding": ["joining"],
        **{f"treatment-{number}": ["surfaces"] for number in range(30)},
    }
)
NEED = Wanted(
    request_id=1,
    organization_id=1,
    kind="equipment_sharing",
    direction="need",
    text="Mill a plate of 24 in",
    organization_kind="sme",
    capabilities={"cnc-milling": 1.0},
    point=LOUISVILLE,
    radius_miles=50,
    wanted_by=dt.date(2026, 6, 1),
    certifications=("ISO 9001",),
    sizes={"length": 24.0},
    budget_cents=480_000,
    trl=5,
    partner_kinds=("sme", "university"),
    partner_sizes=("10-19",),
    clusters=frozenset({"metalworking"}),
)
MILL = Offered(
    kind="equipment",
    id=7,
    organization_id=2,
    relevance=0.8,
    organization_kind="sme",
    employee_band="10-19",
    capabilities=("cnc-milling",),
    point=LOUISVILLE,
    certifications=("ISO 9001",),
    sharing="bookable",
    rates=(("hour", 8_500),),
    sizes={"length": 40.0},
    is_free=True,
    free_on=dt.date(2026, 5, 6),
    clusters=frozenset({"metalworking"}),
    confirmed_on=dt.date(2026, 4, 1),
)
OFFER = Offered(
    kind="request", id=8, organization_id=2, request_kind="equipment_sharing", point=LOUISVILLE
)
LEARNING = replace(
    NEED,
    kind="training",
    people=6,
    languages=frozenset({"es"}),
    credentials={3: "OSHA 10"},
    partner_kinds=(),
)
COURSE = Offered(
    kind="program",
    id=9,
    organization_id=2,
    relevance=0.8,
    organization_kind="community_college",
    employee_band="10-19",
    capabilities=("cnc-milling",),
    point=LOUISVILLE,
    starts_on=dt.date(2026, 5, 20),
    free_seats=8,
    cost_cents=80_000,
    languages=frozenset({"en", "es"}),
    credential_id=3,
    credential="OSHA 10-Hour General Industry",
    clusters=frozenset({"metalworking"}),
    confirmed_on=dt.date(2026, 4, 1),
)


def finding(name: str, wanted: Wanted, offered: Offered) -> Finding | None:
    found = criteria.compare(wanted, offered, KINSHIP, TODAY)
    return next((one for one in found if one.name == name), None)


def test_every_criterion_is_met_by_who_has_all_that_is_asked_for() -> None:
    found = {one.name: one.verdict for one in criteria.compare(NEED, MILL, KINSHIP, TODAY)}

    of_machines = [name for name in CRITERIA if name not in ("trl", "credential", "language")]
    assert found == dict.fromkeys(of_machines, "met")
    taught = {one.name: one.verdict for one in criteria.compare(LEARNING, COURSE, KINSHIP, TODAY)}
    not_of_programs = ("trl", "certification", "eligibility", "partner_kind")
    assert taught == dict.fromkeys(
        [name for name in CRITERIA if name not in not_of_programs], "met"
    )
    near = finding("trl", NEED, replace(OFFER, trl=6))
    assert near is not None
    assert near.verdict == "met"


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("capability", replace(MILL, capabilities=("welding",))),
        ("text", replace(MILL, relevance=0.1)),
        ("distance", replace(MILL, point=WICHITA)),
        ("availability", replace(MILL, is_free=False)),
        ("certification", replace(MILL, certifications=("AS9100",))),
        ("eligibility", replace(MILL, sharing="in_house")),
        ("eligibility", replace(OFFER, takes_kinds=("university",))),
        ("capacity", replace(MILL, sizes={"length": 10.0})),
        ("rate", replace(MILL, rates=(("hour", 100_000),))),
        ("trl", replace(OFFER, trl=9)),
        ("partner_kind", replace(MILL, organization_kind="large_firm")),
        ("partner_size", replace(MILL, employee_band="500+")),
        ("cluster", replace(MILL, clusters=frozenset({"plastics"}))),
        ("freshness", replace(MILL, confirmed_on=dt.date(2025, 1, 1))),
    ],
)
def test_a_criterion_that_is_not_met_lowers_the_score_and_says_so(
    name: str, offered: Offered
) -> None:
    before = OFFER if offered.kind == "request" else MILL
    if name == "trl":
        before = replace(OFFER, trl=5)
    elif offered.kind == "request":
        before = replace(OFFER, takes_kinds=("sme",))
    found = finding(name, NEED, offered)

    assert found is not None
    assert found.verdict == "unmet"
    assert score(NEED, offered) < score(NEED, before)


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("capability", replace(MILL, capabilities=())),
        ("distance", replace(MILL, point=None)),
        ("availability", replace(MILL, is_free=None)),
        ("certification", replace(MILL, certifications=())),
        ("eligibility", replace(MILL, eligibility="Two years on a Haas.")),
        ("capacity", replace(MILL, sizes={})),
        ("rate", replace(MILL, rates=())),
        ("trl", OFFER),
        ("partner_size", replace(MILL, employee_band="")),
        ("cluster", replace(MILL, clusters=frozenset())),
        ("freshness", replace(MILL, confirmed_on=None)),
    ],
)
def test_what_nobody_filled_in_is_unknown_and_neither_met_nor_unmet(
    name: str, offered: Offered
) -> None:
    found = finding(name, NEED, offered)

    assert found is not None
    assert found.verdict == "unknown"
    # Whatever its owner can tell, its owner is asked.
    assert is_question(found.as_row())


@pytest.mark.parametrize(
    ("name", "offered", "verdict"),
    [
        ("availability", replace(COURSE, starts_on=dt.date(2026, 8, 1)), "unmet"),
        ("availability", replace(COURSE, starts_on=None, free_seats=None), "unknown"),
        ("capacity", replace(COURSE, free_seats=3), "unmet"),
        ("rate", replace(COURSE, cost_cents=90_000), "unmet"),
        ("rate", replace(COURSE, cost_cents=None), "unknown"),
        ("credential", replace(COURSE, credential_id=4), "unmet"),
        ("language", replace(COURSE, languages=frozenset({"en"})), "unmet"),
    ],
)
def test_a_course_that_is_late_full_dear_or_another_one_suits_less_and_says_so(
    name: str, offered: Offered, verdict: str
) -> None:
    found = finding(name, LEARNING, offered)

    assert found is not None
    assert found.verdict == verdict
    assert score(LEARNING, offered) < score(LEARNING, COURSE)


def test_a_course_online_is_near_everybody() -> None:
    found = finding("distance", LEARNING, replace(COURSE, point=WICHITA, is_online=True))

    assert found is not None
    assert (found.verdict, found.is_hard) == ("met", False)


def test_texts_say_for_how_many_in_which_language_and_toward_which_credential() -> None:
    known = {1: ("Certified Production Technician", "CPT"), 2: ("", "", "ipc-a-610")}

    assert learning.people_in("TIG on thin stainless, for six helpers") == 6
    assert learning.people_in("Dos aprendices, o 15 inspectores nuevos") == 15
    assert learning.people_in("Two days of 8 hours at 40 amps") is None
    assert learning.languages_in("IPC-A-610 in Vietnamese or Spanish") == {"vi", "es"}
    assert learning.credentials_in("IPC A-610 in Spanish, and the CPT", known) == {
        1: "CPT",
        2: "ipc-a-610",
    }
    assert learning.credentials_in("a cpt of sorts", known) == {}


@pytest.mark.parametrize(
    "offered",
    [
        replace(MILL, point=WICHITA),
        replace(MILL, sharing="in_house"),
        replace(MILL, organization_kind="large_firm"),
        replace(OFFER, takes_kinds=("university",)),
    ],
)
def test_a_hard_criterion_that_is_not_met_removes_the_candidate(offered: Offered) -> None:
    found = criteria.compare(NEED, offered, KINSHIP, TODAY)

    assert scoring.find_obstacle(found) is not None
    assert scoring.find_obstacle(criteria.compare(NEED, MILL, KINSHIP, TODAY)) is None


def test_without_a_radius_distance_removes_nobody() -> None:
    far = finding("distance", replace(NEED, radius_miles=None), replace(MILL, point=WICHITA))

    assert far is not None
    assert (far.verdict, far.is_hard) == ("unmet", False)


def test_narrower_serves_more_than_broader_and_siblings_of_few_more_than_those_of_many() -> None:
    exact = KINSHIP.closeness("cnc-milling", "cnc-milling")
    narrower = KINSHIP.closeness("cnc-milling", "5-axis-milling")
    broader = KINSHIP.closeness("5-axis-milling", "cnc-milling")
    sibling = KINSHIP.closeness("cnc-milling", "cnc-turning")
    one_of_many = KINSHIP.closeness("treatment-1", "treatment-2")

    assert exact == 1 > narrower > broader > sibling > one_of_many > 0
    assert KINSHIP.closeness("cnc-milling", "welding") == 0


def test_what_a_record_of_a_place_can_do_counts_less_than_what_the_place_says_itself() -> None:
    own = replace(MILL, kind="organization")
    held = replace(own, capabilities=("welding",), held=("cnc-milling",))

    assert 0 < score(NEED, held) < score(NEED, own)


def test_a_capability_counts_the_more_the_words_speak_of_it_and_less_if_one_has_it() -> None:
    labels = {"cnc-milling": "CNC milling", "welding": "Welding"}
    counts = emphasis("CNC milling wanted", labels, ["laser"], own=["welding"])

    assert counts["cnc-milling"] == 1.0 > counts["laser"] > counts["welding"]


def test_sizes_are_read_from_texts_and_specifications_in_one_unit() -> None:
    assert sizes.sizes_in("Frames 11 x 4 x 3 ft, 620 lb") == {"length": 132.0, "mass": 620.0}
    assert sizes.sizes_in("held to 0.0008 in, 40 in/min") == {}
    rows = [{"name": "Travel", "value": "700 x 1000 x 600", "unit": "mm"}]
    assert sizes.sizes_of(rows)["length"] == pytest.approx(39.4, abs=0.1)


def test_certificates_are_recognized_however_they_are_written() -> None:
    assert sizes.certificates_in("AS 9100D shop, iso13485") == ("ISO 13485", "AS9100")
    assert sizes.is_certificate("AS9100", "AS9100")
    assert not sizes.is_certificate("ISO 9001", "AS9100")


def test_the_tables_know_every_kind_of_candidate_and_request() -> None:
    for kind, row in scoring.SUITS.items():
        assert set(row) == {*CANDIDATE_KINDS, *(f"request:{one}" for one in REQUEST_KINDS)} - {
            "request"
        }, kind
    assert set(scoring.SUITS) == set(REQUEST_KINDS) == set(criteria.REACH)
    assert set(scoring.WEIGHTS) == set(CRITERIA)


@pytest.mark.parametrize(
    ("wanted", "offered"),
    [
        (NEED, MILL),
        (NEED, replace(MILL, is_free=None, rates=(), sizes={}, certifications=(), point=None)),
        (NEED, replace(MILL, capabilities=("5-axis-milling",), sizes={"length": 9.0})),
        (NEED, replace(MILL, capabilities=("cnc-turning",), rates=(("day", 900_000),))),
        (NEED, replace(MILL, capabilities=("welding",), is_free=False, point=WICHITA)),
        (NEED, replace(MILL, capabilities=(), certifications=("AS9100",), clusters=frozenset())),
        (NEED, replace(MILL, employee_band="", sharing="in_house", confirmed_on=None)),
        (NEED, replace(MILL, employee_band="500+", eligibility="Ask.", relevance=0.0)),
        (replace(NEED, radius_miles=None), replace(MILL, organization_kind="large_firm")),
        (replace(NEED, radius_miles=None), replace(MILL, point=WICHITA, clusters=frozenset("x"))),
        (NEED, replace(OFFER, trl=5, takes_kinds=("sme",))),
        (NEED, replace(OFFER, trl=1, takes_kinds=("university",))),
        (replace(NEED, wanted_by=None), replace(MILL, is_free=None, sharing="by_request")),
        (NEED, replace(MILL, confirmed_on=dt.date(2024, 1, 1))),
        (NEED, OFFER),
        (LEARNING, COURSE),
        (LEARNING, replace(COURSE, starts_on=None, free_seats=None, cost_cents=None)),
        (replace(LEARNING, wanted_by=None), replace(COURSE, starts_on=None, is_online=True)),
        (
            LEARNING,
            replace(
                COURSE,
                starts_on=dt.date(2026, 9, 1),
                free_seats=2,
                cost_cents=900_000,
                credential_id=None,
                languages=frozenset({"vi"}),
            ),
        ),
    ],
)
def test_every_finding_has_a_sentence_without_gaps(
    app: Any, wanted: Wanted, offered: Offered
) -> None:
    names = dict.fromkeys(("cnc-milling", "5-axis-milling", "cnc-turning", "welding"), "Milling")
    with app.test_request_context():
        for one in criteria.compare(wanted, offered, KINSHIP, TODAY):
            text = sentence(one.as_row(), {**names, "metalworking": "Metalworking"})
            assert text, one
            assert "%(" not in text, one
            assert "None" not in text, one
            assert "%(" not in question(one.as_row(), names)


@pytest.mark.parametrize(
    ("radius", "expected"),
    [
        (None, "It is close by, in the same ZIP code or within a mile."),
        (25, "It is close by, within the 25 mi asked for."),
    ],
)
def test_what_is_in_the_same_place_is_close_by(app: Any, radius: int | None, expected: str) -> None:
    found = criteria.distance(replace(NEED, radius_miles=radius), MILL)
    assert found is not None
    with app.test_request_context():
        assert sentence(found.as_row(), {}) == expected


def score(wanted: Wanted, offered: Offered) -> float:
    found = criteria.compare(wanted, offered, KINSHIP, TODAY)
    return scoring.score(found, scoring.suits(wanted, offered))

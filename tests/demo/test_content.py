"""The demo's records: enough of them, varied, and each as its form and its kind demand."""

import datetime as dt
import re
import tomllib
from collections import Counter

import pytest
import zipcodes

from portal.demo import queries
from portal.demo.rules.chance import moved_apart
from portal.demo.rules.organizations import (
    parse_certification,
    parse_contact,
    parse_hours,
    parse_rate,
    parse_specification,
)
from portal.demo.rules.synthetic import Place, Vocabulary, make_organizations
from portal.directory.rules import read_query, read_search
from portal.facilities.rules import (
    CONDITIONS,
    CUSTOMER_CLASSES,
    FACILITY_KINDS,
    RATE_UNITS,
    SHARING_TERMS,
    find_hours_problem,
    find_repeated_rate,
)
from portal.kernel.clock import today
from portal.kernel.listing import VISIBILITIES
from portal.organizations.rules import (
    CERTIFICATIONS,
    EMPLOYEE_BANDS,
    MEMBERS_ONLY_FIELDS,
    ORGANIZATION_KINDS,
    OWNERSHIP,
)
from portal.partnerships.rules.publishing import missing_fields
from portal.partnerships.rules.words import (
    AGREEMENT_KINDS,
    DIRECTIONS,
    IP_STATUSES,
    LONGEST_LIFE_DAYS,
    REQUEST_KINDS,
)
from portal.partnerships.rules.workflows import REQUESTS, RESPONSES
from portal.regions import services as regions_services
from portal.skills.services import read_table
from portal.training.rules.programs import (
    DELIVERIES,
    FUNDING_SOURCES,
    PROGRAM_FIELDS,
    PROGRAM_KINDS,
)

ORGANIZATIONS = queries.read_organizations()
FACILITIES = [facility for item in ORGANIZATIONS for facility in item.facilities]
EQUIPMENT = [
    *(machine for facility in FACILITIES for machine in facility.equipment),
    *(machine for item in ORGANIZATIONS for machine in item.equipment),
]
REQUESTS_POSTED = [request for item in ORGANIZATIONS for request in item.requests]
RESPONSES_SENT = [response for request in REQUESTS_POSTED for response in request.responses]
KEYS = {item.key: item for item in ORGANIZATIONS}
RECORDS = [*ORGANIZATIONS, *FACILITIES, *EQUIPMENT, *REQUESTS_POSTED]
DATA = regions_services.DATA
REGIONS = tomllib.loads((DATA / "regions.toml").read_text("utf-8"))

#: What a form with nothing filled in would hand over, for the rules of requests.
EMPTY = {
    **dict.fromkeys(
        ("summary", "expertise_sought", "advantages", "innovations", "ip_status", "call_name"), ""
    ),
    **dict.fromkeys(("trl", "duration_months", "call_deadline")),
    "capabilities": [],
    "partner_kinds": [],
    "is_anonymous": False,
    "anonymous_summary": "",
}

ORGANIZATION_FIELDS = {
    *("name", "other_names", "kind", "summary", "description", "website", "phone", "email"),
    *("street", "zip_code", "employee_band", "naics_codes", "capabilities", "certifications"),
    *("ownership", "uei", "cage", "members_only_fields", "contacts"),
}
FACILITY_FIELDS = {
    *("name", "kind", "summary", "description", "street", "zip_code", "opening_hours"),
    *("access_policy", "services", "safety_notes", "capabilities", "visibility"),
    *("contact_name", "contact_email", "contact_phone"),
}
EQUIPMENT_FIELDS = {
    *("name", "make", "model", "serial_number", "year", "condition", "summary", "description"),
    *("capabilities", "specifications", "technique", "street", "zip_code", "sharing_terms"),
    *("eligibility", "operator_provided", "training_needed", "rates", "service_level"),
    "visibility",
}
REQUEST_FIELDS = {
    *("kind", "direction", "title", "summary", "description", "capabilities", "zip_code"),
    *("radius_miles", "wanted_by", "expires_on", "visibility", "is_anonymous"),
    *("anonymous_summary", "expertise_sought", "advantages", "innovations", "trl", "ip_status"),
    *("partner_kinds", "partner_sizes", "agreement_kind", "budget_cents", "call_name"),
    *("call_deadline", "coordinator_wanted", "duration_months"),
}


def words_of(record):
    return record.values.get("title") or record.values["name"]


def texts_of(record):
    for value in record.values.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            for part in value:
                row = part.values() if isinstance(part, dict) else [part]
                yield from (text for text in row if isinstance(text, str))


def test_programs_are_many_of_every_kind_and_teach_what_there_are_names_for():
    programs = queries.read_programs()
    sections = [section for program in programs for section in program.sections]
    skills, credentials = (
        {row["key"] for row in read_table(f"{name}.tsv")} for name in ("skills", "credentials")
    )
    assert len(programs) >= 60
    assert len(sections) >= 150
    assert {program.values["kind"] for program in programs} == set(PROGRAM_KINDS)
    providers = {KEYS[program.provider].values["kind"] for program in programs}
    assert {"community_college", "labor_union", "trade_association", "research_lab"} <= providers
    titles = Counter((program.provider, program.values["title"]) for program in programs)
    assert max(titles.values()) == 1
    for program in programs:
        values = program.values
        assert set(values) <= {*PROGRAM_FIELDS, "skills", "occupation"}, values["title"]
        assert set(values["skills"]) <= skills, values["title"]
        assert len(values["summary"]) <= 280, values["title"]
        assert program.is_own or program.credential in {"", *credentials}
        assert values.get("delivery", "in_person") in DELIVERIES
        assert set(values["funding"]) <= set(FUNDING_SOURCES)
        if values["kind"] == "apprenticeship":
            assert values["wage_schedule"], values["title"]
            assert values["sponsor"], values["title"]


def test_demands_are_many_and_some_skills_are_asked_for_by_enough_firms_to_be_told():
    demands = queries.read_demands()
    keys = {row["key"] for row in read_table("skills.tsv")}
    codes = {row["code"] for row in read_table("occupations.tsv")}
    asked = [demand for its in demands.values() for demand in its]
    assert len(asked) >= 80
    assert {demand.skill for demand in asked} <= keys
    assert {demand.occupation for demand in asked if demand.occupation} <= codes
    for region in REGIONS:
        firms = Counter(
            demand.skill
            for key, its in demands.items()
            if KEYS[key].region == region
            for demand in its
        )
        assert max(firms.values()) >= 3, region


def test_who_takes_part_names_sections_that_there_are():
    sections = {
        (program.provider, program.values["title"]): len(program.sections)
        for program in queries.read_programs()
    }
    for one in queries.read_enrollments():
        assert one.section <= sections[one.provider, one.program], one
        assert {*one.accepted, *one.passed, *one.failed} <= set(one.people), one
        assert not one.by or one.by in KEYS


def test_each_region_has_enough_of_everything():
    for region in REGIONS:
        here = [item for item in ORGANIZATIONS if item.region == region]
        kinds = Counter(item.values["kind"] for item in here)
        assert len(here) >= 42
        assert set(kinds) == set(ORGANIZATION_KINDS)
        assert kinds.most_common(1)[0][0] == "sme"
    assert len(FACILITIES) >= 63
    assert len(EQUIPMENT) >= 260
    assert len(REQUESTS_POSTED) >= 126


def test_every_region_posts_needs_and_offers_of_every_kind():
    for region in REGIONS:
        posted = {
            (request.values["kind"], request.values["direction"])
            for item in ORGANIZATIONS
            if item.region == region
            for request in item.requests
        }
        assert posted >= {(kind, "need") for kind in REQUEST_KINDS} | {
            (kind, "offer") for kind in REQUEST_KINDS
        }


def test_records_differ_in_audience_state_and_age():
    assert {machine.values["visibility"] for machine in EQUIPMENT} >= {
        "public",
        "members",
        "organization",
    }
    # What a broker wrote waits for a firm's word by e-mail, and nobody reads the demo's.
    assert {request.state for request in REQUESTS_POSTED} == set(REQUESTS.statuses) - {"proposed"}
    assert {response.state for response in RESPONSES_SENT} >= {"sent", "accepted", "declined"}
    assert any(item.owner is None for item in ORGANIZATIONS)
    ages = [item.confirmed_days_ago for item in ORGANIZATIONS]
    assert min(ages) <= 2
    assert max(ages) > 365
    assert len(set(ages)) >= 60


@pytest.mark.parametrize(
    ("records", "fields"),
    [
        (ORGANIZATIONS, ORGANIZATION_FIELDS),
        (FACILITIES, FACILITY_FIELDS),
        (EQUIPMENT, EQUIPMENT_FIELDS),
        (REQUESTS_POSTED, REQUEST_FIELDS),
    ],
    ids=["organizations", "facilities", "equipment", "requests"],
)
def test_records_have_no_field_that_their_form_lacks(records, fields):
    unknown = {name for record in records for name in record.values} - fields
    assert unknown == set()


def test_nothing_is_written_twice():
    names = Counter(item.values["name"].casefold() for item in ORGANIZATIONS)
    keys = Counter(item.key for item in ORGANIZATIONS)
    titles = Counter(request.values["title"].casefold() for request in REQUESTS_POSTED)
    sentences = Counter(
        record.values[field].casefold()
        for record in RECORDS
        for field in ("summary", "description")
        if record.values.get(field)
    )
    for counted in (names, keys, titles, sentences):
        assert [text for text, count in counted.items() if count > 1] == []
    for item in ORGANIZATIONS:
        machines = [
            machine.values["name"] for record in item.facilities for machine in record.equipment
        ] + [machine.values["name"] for machine in item.equipment]
        assert len(machines) == len(set(machines)), item.key


def test_summaries_say_something_in_280_characters_at_most():
    for record in RECORDS:
        assert 12 <= len(record.values["summary"]) <= 280, words_of(record)


def test_words_of_the_forms_are_used():
    for item in ORGANIZATIONS:
        values = item.values
        assert values["employee_band"] in EMPLOYEE_BANDS
        assert set(values.get("ownership", ())) <= set(OWNERSHIP)
        assert set(values.get("members_only_fields", ())) <= set(MEMBERS_ONLY_FIELDS)
        assert {row["name"] for row in values["certifications"]} <= set(CERTIFICATIONS)
    for facility in FACILITIES:
        assert facility.values["kind"] in FACILITY_KINDS
        assert find_hours_problem(facility.values["opening_hours"]) is None
    for machine in EQUIPMENT:
        values = machine.values
        assert values["condition"] in CONDITIONS
        assert values["sharing_terms"] in SHARING_TERMS
        assert {row["customer_class"] for row in values["rates"]} <= set(CUSTOMER_CLASSES)
        assert {row["unit"] for row in values["rates"]} <= set(RATE_UNITS)
        assert find_repeated_rate(values["rates"]) is None
        assert values["make"]
        assert values["model"]
        assert values["year"] <= today().year
    for record in (*FACILITIES, *EQUIPMENT, *REQUESTS_POSTED):
        assert record.values["visibility"] in VISIBILITIES


def test_shared_machines_say_for_whom_and_at_what_price():
    for machine in EQUIPMENT:
        if machine.values["sharing_terms"] != "in_house":
            assert machine.values["rates"], words_of(machine)


def test_requests_have_what_their_kind_demands():
    for request in REQUESTS_POSTED:
        values = EMPTY | request.values
        assert values["kind"] in REQUEST_KINDS
        assert values["direction"] in DIRECTIONS
        assert values["agreement_kind"] in AGREEMENT_KINDS
        assert values["ip_status"] in {"", *IP_STATUSES}
        assert set(values["partner_kinds"]) <= set(ORGANIZATION_KINDS)
        assert set(values.get("partner_sizes", ())) <= set(EMPLOYEE_BANDS)
        if request.state != "draft":
            assert list(missing_fields(values)) == [], values["title"]


def test_requests_run_for_a_year_at_most_and_only_expired_ones_are_over():
    for request in REQUESTS_POSTED:
        days = (request.values["expires_on"] - today()).days
        assert days <= LONGEST_LIFE_DAYS
        assert (days < 0) == (request.state == "expired"), request.values["title"]
        wanted_by = request.values.get("wanted_by")
        assert wanted_by is None or wanted_by > today()


def test_responses_come_from_other_organizations_that_somebody_represents():
    for item in ORGANIZATIONS:
        for request in item.requests:
            senders = [response.organization for response in request.responses]
            assert len(senders) == len(set(senders))
            assert item.key not in senders
            assert not request.responses or item.owner is not None
            for response in request.responses:
                assert KEYS[response.organization].owner is not None
                assert response.state in RESPONSES.statuses
                assert (response.reason != "") == (response.state in ("accepted", "declined"))


def test_what_nobody_represents_posts_nothing():
    for item in ORGANIZATIONS:
        assert item.owner is not None or not (item.requests or item.facilities or item.equipment)


def test_capabilities_are_of_the_thesaurus():
    thesaurus = tomllib.loads((DATA / "capabilities.toml").read_text("utf-8"))
    for record in RECORDS:
        capabilities = record.values["capabilities"]
        assert set(capabilities) <= set(thesaurus), words_of(record)
        assert len(capabilities) == len(set(capabilities))


def test_industries_are_six_digit_codes_of_naics_2022():
    lines = (DATA / "naics_2022.csv").read_text("utf-8").splitlines()
    codes = {line.partition(",")[0] for line in lines}
    for item in ORGANIZATIONS:
        assert item.values["naics_codes"]
        for code in item.values["naics_codes"]:
            assert len(code) == 6
            assert code in codes, item.key


def test_every_place_lies_in_its_region():
    names = {}
    for line in (DATA / "counties.csv").read_text("utf-8").splitlines()[1:]:
        fips, name, state, *_point = line.split(",")
        names[name, state] = fips
    for item in ORGANIZATIONS:
        zip_codes = {
            item.values["zip_code"],
            *(facility.values["zip_code"] for facility in item.facilities),
        }
        for zip_code in zip_codes:
            found = zipcodes.matching(zip_code)
            assert found, zip_code
            fips = names[found[0]["county"], found[0]["state"]]
            assert fips in REGIONS[item.region]["county_fips"], (item.key, zip_code)


def test_telephones_and_addresses_can_reach_nobody():
    for record in RECORDS:
        for text in texts_of(record):
            for number in re.findall(r"\b\d{3}-\d{3}-\d{4}\b", text):
                assert re.fullmatch(r"\d{3}-555-01\d\d", number), text
            for domain in re.findall(r"(?:@|https?://)([\w.-]+)", text):
                assert domain.endswith(".example"), text


def test_cast_signs_in_for_organizations_that_exist():
    cast = queries.read_cast()
    assert {person.email.partition("@")[2] for person in cast.people} == {"demo.example"}
    for region in REGIONS:
        roles = [person.role for person in cast.people if person.region == region]
        assert {"owner", "manager", "member"} <= set(roles)
        assert [person.brokers for person in cast.people].count(region) == 1
        assert region in cast.time_zones
    for person in cast.people:
        assert person.administrator or KEYS[person.organization].region == person.region
    assert sum(person.administrator for person in cast.people) == 1


def test_newcomers_ask_for_what_can_be_asked():
    for newcomer in queries.read_cast().newcomers:
        assert bool(newcomer.claims) != bool(newcomer.joins)
        wanted = KEYS[newcomer.claims or newcomer.joins]
        assert (wanted.owner is None) == bool(newcomer.claims)
        assert wanted.region == newcomer.region
        assert newcomer.email.partition("@")[2] == wanted.values["email"].partition("@")[2]


def test_owners_have_addresses_of_their_own():
    cast = queries.read_cast()
    assert set(cast.owners) <= {item.key for item in ORGANIZATIONS if item.owner is not None}
    addresses = [item.owner[1] for item in ORGANIZATIONS if item.owner is not None]
    assert len(addresses) == len(set(addresses))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("ISO 9001 +10", ("ISO 9001", dt.date(2026, 3, 11))),
        ("AS9100 -1", ("AS9100", dt.date(2026, 2, 28))),
        ("NIST SP 800-171", ("NIST SP 800-171", None)),
        ("ISO/IEC 17025 +365", ("ISO/IEC 17025", dt.date(2027, 3, 1))),
    ],
)
def test_certification_expires_so_many_days_from_the_day(text, kept):
    row = parse_certification(text, dt.date(2026, 3, 1))
    assert (row["name"], row["expires_on"]) == kept


def test_opening_hours_are_written_out_by_day():
    rows = parse_hours("Mon-Tue 08:00-12:00, Sat 09:00-17:30")
    assert [(row["weekday"], row["opens"], row["closes"]) for row in rows] == [
        (0, "08:00", "12:00"),
        (1, "08:00", "12:00"),
        (5, "09:00", "17:30"),
    ]


def test_rows_are_split_at_bars():
    assert parse_specification("Max OD | 6 | in") == {"name": "Max OD", "value": "6", "unit": "in"}
    assert parse_specification("Module | 1 to 12")["unit"] == ""
    assert parse_contact("Roy | lab manager | roy@x.example")["phone"] == ""
    assert parse_rate("other 7.50/run") == {
        "customer_class": "other",
        "price_cents": 750,
        "unit": "run",
    }


@pytest.mark.parametrize("misspelled", ["Monday 08:00-12:00", "Mon 8-12", "Mon–Tue 08:00-12:00"])
def test_misspelled_hours_are_refused(misspelled):
    with pytest.raises(ValueError, match="hours"):
        parse_hours(misspelled)


def test_rate_without_a_unit_is_refused():
    with pytest.raises(ValueError, match="rate"):
        parse_rate("other 75")


def test_neighbors_are_moved_apart_but_stay_near():
    first = moved_apart("one", 38.25, -85.75)
    second = moved_apart("two", 38.25, -85.75)
    assert first == moved_apart("one", 38.25, -85.75)
    assert first != second
    for latitude, longitude in (first, second):
        assert abs(latitude - 38.25) < 0.012
        assert abs(longitude + 85.75) < 0.015


def test_same_seed_makes_the_same_records_fit_to_be_published():
    vocabulary = Vocabulary(
        [("wire-edm", "Wire EDM"), ("turning", "Turning"), ("welding", "Welding")],
        [Place("40202", "Louisville", "KY", "21111", 38.25, -85.75)],
        ["332710", "336413"],
        [machine.values for machine in EQUIPMENT],
    )
    first = list(make_organizations(vocabulary, 400, 3))
    assert list(make_organizations(vocabulary, 400, 3)) == first
    assert list(make_organizations(vocabulary, 400, 4)) != first
    assert sum(item.record_count for item in first) == 400
    for item in first:
        assert len(item.capabilities) == len(set(item.capabilities))
        for request in item.requests:
            values = EMPTY | request.values | {"capabilities": request.capabilities}
            assert list(missing_fields(values)) == []


def test_searches_of_its_people_are_written_as_saved_ones_are():
    found = [query for person in queries.read_cast().people for query in person.searches.values()]
    assert found
    assert [read_search(read_query(query), ()).query() for query in found] == found

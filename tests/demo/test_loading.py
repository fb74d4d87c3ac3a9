"""Loading the demo and generating records: whole, once, quietly, and never by strangers."""

import csv
import datetime as dt
import tomllib

import pytest
import zipcodes
from sqlalchemy import delete, func, insert, select

from benchmarks import matching, relevance
from portal.accounts.forms import common_passwords
from portal.accounts.models import User
from portal.accounts.queries import password_cost
from portal.accounts.rules import context_word_in, is_common, is_password_right
from portal.agreements.models import Agreement, Outcome
from portal.bookings.models.access import AccessRequest, Qualification
from portal.bookings.models.booking import Booking
from portal.demo import queries
from portal.demo.cli import load_if_empty
from portal.demo.services import people, synthetic
from portal.facilities.models import Equipment, EquipmentRate, Facility
from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import now
from portal.kernel.database import db, session, unit_of_work
from portal.kernel.errors import Forbidden, Unauthenticated
from portal.kernel.mail import OutgoingMail
from portal.kernel.workflow import WorkflowStep
from portal.organizations.models import Claim, JoinRequest, Membership, Organization
from portal.partnerships.models import Request, Response
from portal.regions.models import (
    Capability,
    CapabilityLabel,
    County,
    NaicsCode,
    Region,
    State,
    ZipCode,
    capability_broader,
)
from portal.regions.rules import name_key
from portal.regions.services import DATA
from portal.skills.services import load_skills
from portal.training.models.certificates import Certificate
from portal.training.models.demands import SkillDemand
from portal.training.models.programs import Program
from portal.training.models.sections import Section

MODELS = (Organization, Facility, Equipment, Request)


def count_demo(model):
    return session.scalar(select(func.count()).select_from(model).where(model.is_demo))


def counts():
    return {
        model.__name__: session.scalar(select(func.count()).select_from(model))
        for model in (*MODELS, Response, Membership, User, Region)
    }


@pytest.fixture
def run(app, monkeypatch):
    """Run a command of the portal; returns its result."""
    monkeypatch.setitem(app.config, "DEMO_DATA", True)
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=words)


@pytest.fixture
def reference(app):
    """As much of the reference data as the demo needs: loading all of it takes its time."""
    used = queries.read_organizations()
    zip_codes = {item.values["zip_code"] for item in used}
    industries = {code for item in used for code in item.values["naics_codes"]}
    thesaurus = tomllib.loads((DATA / "capabilities.toml").read_text("utf-8"))
    region_counties = {
        fips for region in queries.read_regions().values() for fips in region["county_fips"]
    }
    with unit_of_work():
        add(State, "code", read_rows("states.csv"))
        counties = [
            {**row, "latitude": float(row["latitude"]), "longitude": float(row["longitude"])}
            for row in read_rows("counties.csv")
            if row["fips"] in region_counties
        ]
        add(County, "fips", counties)
        names = {(row["name"], row["state"]): row["fips"] for row in counties}
        places = [zipcodes.matching(zip_code)[0] for zip_code in zip_codes]
        add(
            ZipCode,
            "zip_code",
            [
                {
                    "zip_code": place["zip_code"],
                    "place": place["city"],
                    "state": place["state"],
                    "county_fips": names[place["county"], place["state"]],
                    "latitude": float(place["lat"]),
                    "longitude": float(place["long"]),
                }
                for place in places
            ],
        )
        add(NaicsCode, "code", [{"code": code, "title": f"Industry {code}"} for code in industries])
        fields = ("label", "label_es", "definition")
        add(
            Capability,
            "key",
            [
                {"key": key, **{field: concept[field] for field in fields}}
                for key, concept in thesaurus.items()
            ],
        )
        add_names(thesaurus)
    load_skills(SYSTEM)


def add_names(thesaurus):
    """Give the concepts their names and order, those of the cast's world as well."""
    session.execute(delete(CapabilityLabel))
    session.execute(delete(capability_broader))
    labels = [
        {
            "capability_key": key,
            "text": text,
            "match_key": name_key(text),
            "kind": kind,
            "language": language,
        }
        for key, concept in thesaurus.items()
        for text, kind, language in [
            (concept["label"], "preferred", "en"),
            (concept["label_es"], "preferred", "es"),
            *((text, "alternate", "en") for text in concept["also"]),
            *((text, "hidden", "en") for text in concept.get("hidden", ())),
            *((text, "hidden", "es") for text in concept.get("hidden_es", ())),
        ]
    ]
    session.execute(
        insert(CapabilityLabel), list({its["match_key"]: its for its in reversed(labels)}.values())
    )
    session.execute(
        insert(capability_broader),
        [
            {"capability_key": key, "broader_key": above}
            for key, concept in thesaurus.items()
            for above in concept["broader"]
        ],
    )


def read_rows(name):
    return list(csv.DictReader((DATA / name).read_text("utf-8").splitlines()))


def add(model, key, rows):
    """Insert the rows that the cast's world does not have."""
    column = getattr(model, key)
    known = set(session.scalars(select(column)))
    missing = [row for row in rows if row[key] not in known]
    session.execute(insert(model), missing)


@pytest.mark.long
def test_demo_is_loaded_as_its_people_would_have_made_it_and_only_once(reference, run, drain):
    # One region runs all lines that write; what is missing then shows that a load goes on.
    result = run("demo", "load", "--region", "greater-louisville")
    assert result.exit_code == 0, result.output
    assert set(check_loaded()) == {"greater-louisville"}

    if db.engine.dialect.name != "sqlite":
        return  # what follows is the same, and takes longer than loading

    assert run("demo", "load").exit_code == 0
    assert len(check_loaded()) == len(queries.read_regions())
    drain()
    assert session.scalar(select(func.count()).select_from(OutgoingMail)) == 0

    assert quality_of_search() >= 0.85
    assert quality_of_matching() >= 0.79

    before = counts()
    again = run("demo", "load")
    assert again.exit_code == 0
    assert "nothing changed" in again.output
    assert counts() == before


def check_loaded():
    """Compare what is here with what is written of it; return the regions that are here."""
    by_name = {
        row.name: row
        for row in session.scalars(select(Organization).where(Organization.source == "demo"))
    }
    written = [item for item in queries.read_organizations() if item.values["name"] in by_name]
    here = {item.key for item in written}
    assert sum(count_demo(model) for model in MODELS) == sum(item.record_count for item in written)

    owners = dict(
        session.execute(
            select(Membership.organization_id, User.email)
            .join(User, User.id == Membership.user_id)
            .where(Membership.role == "owner")
        ).all()
    )
    for item in written:
        row = by_name[item.values["name"]]
        assert owners.get(row.id) == (item.owner[1] if item.owner else None)
        days = (now() - row.confirmed_at) / dt.timedelta(days=1)
        assert item.confirmed_days_ago <= days < item.confirmed_days_ago + 1
        assert row.latitude is not None
        assert row.county_fips is not None
    assert 0 < sum(row.verified_at is not None for row in by_name.values()) < len(by_name)
    check_requests(written, here)

    waiting = [
        session.scalar(select(func.count()).select_from(model)) for model in (Claim, JoinRequest)
    ]
    newcomers = [one for one in queries.read_cast().newcomers if {one.claims, one.joins} & here]
    # One of each is of the cast's world.
    assert sum(waiting) == len(newcomers) + 2

    access = [item for item in queries.read_access() if item.host in here]
    states = session.execute(
        select(AccessRequest.status, AccessRequest.closed_at)
        .join(User, User.id == AccessRequest.user_id)
        .where(User.is_demo)
    ).all()
    granted = [item for item in access if item.granted_days_ago is not None]
    assert sum(status == "granted" for status, _closed_at in states) == len(granted)
    assert len(states) == len(access)

    booked = session.scalars(select(Booking.status).where(Booking.is_demo)).all()
    bookings = [item for item in queries.read_bookings() if item.host in here]
    assert len(booked) == sum(item.weeks for item in bookings)
    assert set(booked) == {"requested", "approved"}

    stories = [story for story in queries.read_stories() if story.organization in here]
    made = session.execute(select(Agreement.title, Agreement.status).where(Agreement.is_demo)).all()
    assert dict(made) == {
        story.agreement["title"]: story.agreement.get("state", "active") for story in stories
    }
    told = [item for story in stories for item in story.agreement["outcomes"]]
    # One is of the cast's world.
    assert session.scalar(select(func.count()).select_from(Outcome)) == len(told) + 1
    confirmed = session.scalar(
        select(func.count()).select_from(Outcome).where(Outcome.status == "confirmed")
    )
    assert confirmed == sum(item.get("confirmed", False) for item in told)
    check_training(here)
    return {item.region for item in written}


def check_requests(written, here):
    """Compare requests and responses, but those that wait for who is not here."""
    requests = [request for item in written for request in item.requests]
    states = {
        request.values["title"]: request.state
        for request in requests
        if all(response.organization in here for response in request.responses)
    }
    centers = {code.zip_code: code for code in session.scalars(select(ZipCode))}
    rows = session.scalars(select(Request).where(Request.is_demo)).all()
    for row in rows:
        assert row.status == states.get(row.title, "published")
        assert row.status == "draft" or row.published_at < now() - dt.timedelta(hours=1)
        center = centers[row.zip_code]
        assert (row.latitude, row.longitude) != (center.latitude, center.longitude)
        assert abs(row.latitude - center.latitude) < 0.02
    assert {row.title for row in rows} == {request.values["title"] for request in requests}

    answers = {
        response.message: response.state
        for request in requests
        for response in request.responses
        if request.values["title"] in states
    }
    sent = session.scalars(
        select(Response).join(Request, Request.id == Response.request_id).where(Request.is_demo)
    ).all()
    assert {response.message: response.status for response in sent} == answers
    an_hour_ago = now() - dt.timedelta(hours=1)
    for response in sent:
        assert response.created_at < an_hour_ago
        assert response.decided_at is None or (
            response.created_at <= response.decided_at + dt.timedelta(minutes=1)
        )
    assert session.scalar(select(func.max(WorkflowStep.taken_at))) < an_hour_ago


def check_training(here):
    """Compare programs, certificates and needs."""
    taught = [program for program in queries.read_programs() if program.provider in here]
    sections = [section for program in taught for section in program.sections]
    assert count_demo(Program) == len(taught)
    assert count_demo(Section) == len(sections)
    is_open = (Section.is_demo, Section.status == "open")
    assert session.scalar(select(func.count()).where(*is_open)) > 0.85 * len(sections)
    passed = [
        email for one in queries.read_enrollments() if one.provider in here for email in one.passed
    ]
    holders = session.scalars(
        select(User.email)
        .join(Certificate, Certificate.user_id == User.id)
        .where(Certificate.is_demo)
    ).all()
    assert sorted(holders) == sorted(passed)
    needed = [demands for key, demands in queries.read_demands().items() if key in here]
    assert count_demo(SkillDemand) == sum(map(len, needed))
    opened = session.scalars(
        select(User.email)
        .join(Qualification, Qualification.user_id == User.id)
        .where(Qualification.certificate_path != "")
    )
    openers = {
        "salt-river-ctc": "ana@demo.example",
        "ninnescah-community-college": "walt@demo.example",
    }
    assert {person for key, person in openers.items() if key in here} <= set(opened)


def quality_of_search():
    """The nDCG@10 of the judged queries; measured here, so that the demo is loaded only once."""
    others = {
        (model.__name__.lower(), number)
        for model in (*MODELS, Program)
        for number in session.scalars(select(model.id).where(~model.is_demo))
    }
    whole = relevance.demo_collection()
    documents = {name: its for name, its in whole.documents.items() if its.key not in others}
    measured = relevance.measure_all(relevance.ours(documents), whole)
    return relevance.average(list(measured.values())).ndcg


def quality_of_matching():
    """The precision@5 of the judged needs, in the index that was just made for the search."""
    documents = relevance.demo_collection().documents
    names = {document.key: name for name, document in documents.items()}
    needs = {**matching.demo_needs(), **matching.further_needs()}
    measured = matching.measure_all(matching.read_judged(), needs, matching.matching(names))
    assert len(measured) >= 80
    return matching.average([one for one, _answer in measured.values()]).precision


def test_cast_signs_in_with_the_password_that_is_shown(run):
    cast = queries.read_cast()
    people.load_cast(SYSTEM, cast=cast, demo_regions={})
    for person in cast.people:
        user = session.scalars(select(User).where(User.email == person.email)).one()
        assert is_password_right(user.password_hash, cast.password, password_cost())
        assert user.email_verified_at is not None
        assert user.is_demo
        assert user.is_administrator == person.administrator


def test_shared_password_keeps_the_rules_for_passwords():
    cast = queries.read_cast()
    assert len(cast.password) >= 12
    assert not is_common(cast.password, common_passwords())
    for person in cast.people:
        assert context_word_in(cast.password, (person.name, person.email)) is None


def test_portal_in_earnest_refuses_people_whose_password_everybody_knows(app):
    assert not app.config["DEMO_DATA"]
    before = counts()
    result = app.test_cli_runner().invoke(args=("demo", "load"))
    assert result.exit_code == 1
    assert "DEMO_DATA" in result.output
    assert counts() == before


def test_set_up_leaves_a_filled_database_alone(run, app, capsys):
    before = counts()
    load_if_empty()
    assert counts() == before
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("name", "refusal"), [("nobody", Unauthenticated), ("dov", Forbidden), ("root", Forbidden)]
)
def test_only_the_portal_itself_writes_demo_data(actor, name, refusal):
    with pytest.raises(refusal):
        people.load_cast(actor(name), cast=queries.read_cast(), demo_regions={})
    with pytest.raises(refusal):
        synthetic.insert_synthetic(actor(name), batch=[])


def test_generated_records_are_as_many_as_asked_and_fit_to_be_found(reference, run):
    result = run("demo", "generate", "--records", "301", "--seed", "5")
    assert result.exit_code == 0, result.output
    assert sum(count_demo(model) for model in MODELS) == 301
    assert "documents indexed" in result.output
    assert session.scalar(select(func.count()).select_from(EquipmentRate)) > 0
    for row in session.scalars(select(Organization).where(Organization.is_demo)):
        assert row.county_fips
        assert len(row.summary) <= 280
        assert row.name != row.match_key


def test_generating_without_reference_data_says_what_to_do(run):
    with unit_of_work():
        session.execute(delete(ZipCode))
    result = run("demo", "generate", "--records", "10")
    assert result.exit_code == 1
    assert "flask reference load" in result.output

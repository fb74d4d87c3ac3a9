"""Programs come in as tables and linked data, and leave so that they come back the same."""

import io
import json
from collections.abc import Callable

from flask.testing import FlaskClient

from portal.intake import services
from portal.intake.forms import read_candidates
from portal.intake.rules.rows import Tally
from portal.kernel.authorization import Actor
from portal.kernel.database import session
from portal.organizations.models import Organization
from portal.training.models.programs import Program
from portal.training.queries.programs import get_program
from portal.training.services.programs import update_program
from tests.cast import World

ActorOf = Callable[[str], Actor]
ClientOf = Callable[[str], FlaskClient]


def load(actor: Actor, world: World, data: bytes, name: str = "college") -> Tally:
    reading = read_candidates(data, "programs")
    organization = session.get_one(Organization, world.organizations[name])
    return services.import_programs(actor, organization, candidates=reading.candidates)


def test_a_table_makes_programs_and_leaves_out_unknown_words(actor: ActorOf, world: World) -> None:
    table = (
        b"Name,Type,Skills,Credential,Tuition,wage_schedule,colour\n"
        b"Robot welding,On the job,MIG welding; telepathy,NIMS of nowhere,450.50,"
        b"First 1000 hours | 16.50; Then | 18,red\n"
    )

    tally = load(actor("cleo"), world, table)

    assert (tally.counts["created"], tally.counts["refused"]) == (1, 0)
    assert {item.message for item in tally.findings} == {
        "We do not know “telepathy”. It is left out.",
        "We do not know “NIMS of nowhere”. It is left out.",
    }
    made = get_program(max(session.query(Program.id).all())[0])
    assert (made.title, made.kind, made.cost_cents) == ("Robot welding", "on_the_job", 45_050)
    assert [skill.key for skill in made.skills] == ["mig-welding"]
    assert made.wage_schedule == [
        {"period": "First 1000 hours", "wage_cents": 1_650},
        {"period": "Then", "wage_cents": 1_800},
    ]
    assert load(actor("cleo"), world, table).counts["unchanged"] == 1


def test_an_exported_table_comes_back_unchanged(
    actor: ActorOf, client_of: ClientOf, world: World
) -> None:
    program = get_program(world.programs["college_public"])
    update_program(
        actor("cleo"),
        program,
        funding=["employer", "union"],
        occupation="51-4041",
        wage_schedule=[{"period": "First year", "wage_cents": 1_700}],
    )

    data = client_of("nobody").get("/exports/programs.csv").data
    tally = load(actor("cleo"), world, data)

    assert (tally.counts["unchanged"], tally.counts["changed"]) == (1, 0), tally.findings
    assert "training@college.example" not in data.decode()


def test_linked_data_of_ours_and_of_ctdl_is_read(
    actor: ActorOf, client_of: ClientOf, world: World
) -> None:
    sent = client_of("nobody").get("/exports/programs.jsonld").get_json()
    (course,) = sent["@graph"]
    assert course["@type"] == ["Course", "ceterms:Course"]
    (instance,) = [one for one in course["hasCourseInstance"] if "/2" in one["@id"][-2:]]
    assert instance["offers"]["lowPrice"] == "150.00"
    assert "meet.example" not in json.dumps(sent)

    assert load(actor("eve"), world, json.dumps(sent).encode(), "aero").counts["created"] == 1
    foreign = {
        "@type": "ceterms:LearningProgram",
        "ceterms:ctid": "ce-1",
        "ceterms:name": {"en-US": "Welding technology"},
        "ceterms:estimatedDuration": [{"ceterms:exactDuration": "P12W"}],
        "ceterms:estimatedCost": [{"ceterms:price": 900}],
    }
    assert load(actor("eve"), world, json.dumps([foreign]).encode(), "aero").counts["created"] == 1
    own = session.query(Program).where(Program.external_id == "ce-1").one()
    assert (own.title, own.kind, own.duration_weeks, own.cost_cents) == (
        "Welding technology",
        "certificate",
        12,
        90_000,
    )


def test_what_is_no_linked_data_is_refused(client_of: ClientOf, world: World) -> None:
    answer = client_of("cleo").post(
        "/imports/new?what=programs",
        data={
            "organization_id": world.organizations["college"],
            "visibility": "public",
            "file": (io.BytesIO(b'{"@graph": ['), "catalog.jsonld"),
        },
    )

    assert answer.status_code == 422
    assert "no JSON-LD that we can read" in answer.text

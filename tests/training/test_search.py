"""What the search knows of programs, and how it follows what happens to their sections."""

import datetime as dt
from collections.abc import Callable

from flask.testing import FlaskClient

from portal.kernel.authorization import Actor
from portal.kernel.clock import today_here
from portal.training import documents
from portal.training.queries.programs import get_program
from portal.training.queries.sections import get_section
from portal.training.services import programs as services
from portal.training.services import sections
from tests.cast import World

ActorOf = Callable[[str], Actor]
ClientOf = Callable[[str], FlaskClient]


def test_document_has_skills_the_next_section_and_no_contact(world: World) -> None:
    (document,) = documents.list_program_documents([world.programs["college_public"]])

    assert document.facets["skill"] == ("cnc-mill-operation",)
    assert document.facets["capability"] == ("cnc-milling", "machining")
    assert document.facets["credential"] == (str(world.credentials["nims"]),)
    assert document.facets["county"] == ("18019",)
    assert {"VMC operation", "Operación de fresadora CNC"} <= set(document.keywords)
    assert document.extra["free_seats"] == "6"
    assert (document.extra["lowest_cents"], document.extra["highest_cents"]) == ("15000", "20000")
    assert "training@college.example" not in repr(document)
    assert "meet.example" not in repr(document)


def test_drafts_and_the_archive_have_no_document(world: World, actor: ActorOf) -> None:
    services.archive_program(actor("ana"), get_program(world.programs["shop_members"]))

    found = documents.list_program_documents(list(world.programs.values()))

    names = {name for name, number in world.programs.items() if number in {d.id for d in found}}
    assert names == {"college_organization", "college_members", "college_public"}


def test_results_say_when_it_begins_and_forget_a_cancelled_section(
    world: World,
    actor: ActorOf,
    client_of: ClientOf,
    indexed: None,
    drain: Callable[[], None],
) -> None:
    client = client_of("nobody")
    assert "6 seats left" in client.get("/search?q=milling&kind=program").text
    program = f'data-url="/training/programs/{world.programs["college_public"]}"'
    # While one types: by its title, and by the skill that it teaches.
    for typed in ("college pub", "cnc mill oper"):
        assert program in client.get(f"/search/suggestions?q={typed}").text
    for name, is_offered in (("nobody", False), ("cleo", True)):
        offered = client_of(name).get("/search/suggestions?q=college org").text
        assert ("/training/programs/" in offered) is is_offered

    section = get_section(world.sections["open"])
    sections.act_on_section(actor("cleo"), section, "cancel", note="The mill broke down.")
    drain()

    answer = client.get("/search?q=milling&kind=program").text
    assert "College public milling course" in answer
    assert "seats left" not in answer


def test_programs_are_found_by_when_they_begin(
    world: World, client_of: ClientOf, indexed: None
) -> None:
    until = today_here() + dt.timedelta(days=35)
    search = "/search?kind=program&begins_until="

    assert "College public milling course" in client_of("nobody").get(f"{search}{until}").text
    before = until - dt.timedelta(days=20)
    assert "College public milling course" not in client_of("nobody").get(f"{search}{before}").text

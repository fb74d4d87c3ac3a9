"""Sections come in as a table, with their rooms booked, and leave so that they come back alike."""

import datetime as dt
import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.facilities.models import Facility
from portal.intake import services
from portal.intake.forms import read_candidates
from portal.intake.models import ImportRun
from portal.intake.reactions import work_off_imports
from portal.intake.rules.rows import Tally
from portal.kernel.authorization import Actor
from portal.kernel.database import session, unit_of_work
from portal.organizations.models import Organization
from portal.training.models.programs import Program
from portal.training.models.sections import Section
from portal.training.queries.sections import get_section
from tests.cast import World

ActorOf = Callable[[str], Actor]
ClientOf = Callable[[str], FlaskClient]
FIRST = dt.date.today() + dt.timedelta(days=60)  # noqa: DTZ011


def load(actor: Actor, world: World, table: str) -> Tally:
    reading = read_candidates(table.encode(), "sections")
    college = session.get_one(Organization, world.organizations["college"])
    return services.import_sections(actor, college, candidates=reading.candidates)


def newest() -> Section:
    number = session.scalar(select(Section.id).order_by(Section.id.desc()).limit(1))
    assert number is not None
    return get_section(number)


def test_a_table_plans_sections_with_rooms_and_changes_them_when_it_comes_again(
    actor: ActorOf, world: World
) -> None:
    cleo = actor("cleo")
    head = "Program,Name,Status,Date,Starts,Ends,Frequency,Weekdays,Count,Facility,Seats,Prices\n"
    row = (
        f"College public milling course,Evenings,open,{FIRST},18:00,20:00,weekly,Mon; Wednesday,4,"
        "commons-facility-{facility},{seats},Member SME | 150; other | 200.50\n"
    )
    facility = world.facilities["college_public"]
    table = head + row.format(facility=facility, seats=12)

    assert load(cleo, world, table).counts["created"] == 1
    made = newest()
    assert (made.status, made.seats, len(made.meetings)) == ("open", 12, 4)
    assert {one.starts_at.astimezone().weekday() for one in made.meetings} <= {0, 2}
    assert all(one.booking_id for one in made.meetings)
    assert made.price_by_class == {"member_sme": 15_000, "other": 20_050}

    assert load(cleo, world, table).counts["unchanged"] == 1
    assert load(cleo, world, head + row.format(facility=facility, seats=9)).counts["changed"] == 1
    assert (newest().id, newest().seats) == (made.id, 9)
    # Of what one does not see nothing is told, not even that it is there.
    for number in (world.facilities["aero_organization"], 10**6):
        told = load(cleo, world, head + row.format(facility=number, seats=9)).findings
        assert "We do not know one facility" in told[0].message


def test_a_program_is_known_by_its_title_whatever_letters_it_has(
    actor: ActorOf, world: World
) -> None:
    with unit_of_work():
        session.get_one(Program, world.programs["college_public"]).title = "Álgebra"

    table = f"Program,Date,Seats\nÁlgebra,{FIRST},8\n"

    assert load(actor("cleo"), world, table).counts["created"] == 1


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ("Astrology,2027-09-01,18:00,20:00,8,", "Program", "do not know a program"),
        ("College public milling course,soon,18:00,20:00,8,", "Date", ""),
        ("College public milling course,2027-09-01,18:00,,8,", "Starts", "both times"),
        (
            "College public milling course,2027-09-01,18:00,20:00,8,Room 9",
            "Facility",
            "do not know",
        ),
    ],
)
def test_a_row_with_a_problem_is_left_out_and_told_by_line_and_column(
    actor: ActorOf, world: World, row: str, column: str, message: str
) -> None:
    before = newest().id
    table = (
        "Program,Date,Starts,Ends,Seats,Facility\n"
        f"{row}\n"
        "College public milling course,2027-10-01,18:00,20:00,8,\n"
    )

    tally = load(actor("cleo"), world, table)

    assert (tally.counts["created"], tally.counts["refused"]) == (1, 1)
    (told,) = tally.findings
    assert (told.line, told.column) == (2, column)
    assert message in told.message
    assert newest().id > before


def test_exported_sections_come_back_unchanged_and_tell_strangers_no_link(
    actor: ActorOf, client_of: ClientOf, world: World
) -> None:
    with unit_of_work():
        # The room of another host, which has a name of its own for it and hides it now.
        lent = session.get_one(Facility, world.facilities["shop_public"])
        lent.external_id, lent.visibility = "R1", "organization"
        session.get_one(Section, newest().id).facility_id = lent.id
    own = client_of("cleo").get("/exports/sections.csv?all=1").text
    tally = load(actor("cleo"), world, own)

    assert tally.counts["unchanged"] == len(world.sections), tally.findings
    public = client_of("nobody").get("/exports/sections.csv").text
    assert "College public milling course" in public
    assert "https://meet.example" not in public
    assert "https://meet.example" in own


def test_a_college_uploads_a_table_and_sees_what_would_happen(
    client_of: ClientOf, world: World
) -> None:
    before = newest().id
    room = f"commons-facility-{world.facilities['college_public']}"
    row = f"College public milling course,{FIRST},8,18:00,20:00,daily,200,{room},Part"
    table = "Program,Date,Seats,Starts,Ends,Frequency,Count,Facility,Name\n" + "".join(
        f"{row} {number}\n" for number in range(3)
    )

    answer = client_of("cleo").post(
        "/imports/new?what=sections",
        data={
            "organization_id": world.organizations["college"],
            "file": (io.BytesIO(table.encode()), "autumn.csv"),
        },
    )

    assert answer.status_code == 303
    run = session.scalars(select(ImportRun).order_by(ImportRun.id.desc()).limit(1)).one()
    assert (run.source_format, run.status) == ("sections", "checking")
    # No transaction writes so many meetings that others wait long for it.
    assert sum(iter(work_off_imports, 0)) == 2
    shown = client_of("cleo").get(f"/imports/{run.id}").text
    assert "College public milling course" in shown
    # The second row's clash is found by trying; the third's by reading, since it is tried alone.
    assert shown.count("An earlier row wants the same room on") == 1
    assert newest().id == before

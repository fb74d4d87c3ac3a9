"""UNIQUIP catalogs come in, go out cell for cell as they were, and come in again unchanged."""

import csv
import io

import pytest
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from portal.facilities.models import Equipment, EquipmentRate, Facility
from portal.facilities.services.equipment import update_equipment
from portal.facilities.services.facilities import change_facility_visibility
from portal.intake import queries, services
from portal.intake.forms import read_candidates
from portal.intake.rules.machines import hourly_text
from portal.intake.rules.uniquip import UNIQUIP
from portal.kernel.authorization import NOBODY, SYSTEM
from portal.kernel.database import session, unit_of_work
from portal.kernel.spreadsheets import csv_pieces, read_sheet
from portal.organizations.models import Organization
from tests.intake.conftest import uniquip

LAB = {
    "Type": "Facility", "Name": "Metrology lab", "Description": "Measures.", "ID": "F-1",
    "Contact Name": "Lee", "Contact Telephone": "+1 502 555 0100", "Contact Email": "lee@X.example",
    "Location": "West wing", "Department": "Physics", "Web Address": "https://lab.example",
}  # fmt: skip
CMM = {
    "Type": "equipment", "Name": "Bridge CMM", "Description": "=HYPERLINK(1)\nand more",
    "Related Facility ID": "F-1", "Technique": "Coordinate measuring", "ID": "E-1",
    "Location": "-85.75", "Contact Name": "@Kim", "Secondary Contact Email": "kim@x.example",
    "Site Location": "Campus 'A'", "Building": "東", "Service Level": "Self service",
}  # fmt: skip
NAMELESS = {"Type": "equipment", "Description": "A lathe, without name and number"}
CATALOG = (CMM, LAB, NAMELESS)


def bring_in(world, *rows, who=SYSTEM, **options):
    college = session.get_one(Organization, world.organizations["college"])
    candidates = read_candidates(uniquip(*rows), "uniquip").candidates
    return services.import_equipment(who, college, candidates=candidates, **options)


def take_out(world, who=NOBODY, *, keeps_contacts=True):
    rows = queries.uniquip_rows(
        who, organization_id=world.organizations["college"], keeps_contacts=keeps_contacts
    )
    return "".join(csv_pieces(UNIQUIP, rows)).encode()


def imported_rows(data):
    """The rows of an export that are not of the cast's own world."""
    return [
        dict(row.cells)
        for row in read_sheet(data).rows
        if not row.cells["ID"].startswith("commons-")
    ]


def test_a_catalog_comes_in_with_equipment_in_its_facility(world):
    tally = bring_in(world, *CATALOG)
    assert tally.counts["created"] == 3
    machine = session.scalar(select(Equipment).where(Equipment.external_id == "E-1"))
    lab = session.scalar(select(Facility).where(Facility.external_id == "F-1"))
    assert machine.facility_id == lab.id
    assert (machine.technique, machine.visibility) == ("Coordinate measuring", "public")
    assert lab.contact_email == "lee@x.example"


def test_a_list_of_machines_comes_in_as_equipment_under_its_own_columns(world):
    college = session.get_one(Organization, world.organizations["college"])
    data = (
        b"Machine,Manufacturer,Model,Serial No.,Year,Capabilities,Description,Rate\n"
        b"Bridge CMM,Zeiss,Contura,4711,2019,CMM;juggling,Measures,85\n"
        b"Lathe,Haas,ST-10,,soon,,,20\n"
    )
    reading = read_candidates(data, "uniquip")
    assert [(one.column, one.kind) for one in reading.findings] == [("Rate", "note")]
    tally = services.import_equipment(SYSTEM, college, candidates=reading.candidates)
    assert (tally.counts["created"], tally.counts["refused"]) == (1, 1)
    machine = session.scalar(
        select(Equipment)
        .options(selectinload(Equipment.capabilities))
        .where(Equipment.serial_number == "4711")
    )
    assert (machine.make, machine.model, machine.serial_number) == ("Zeiss", "Contura", "4711")
    assert (machine.year, machine.description) == (2019, "Measures")
    assert [one.key for one in machine.capabilities] == ["coordinate-measuring"]
    assert [(one.line, one.column, one.kind) for one in tally.findings] == [
        (2, "Capabilities", "note"),
        (3, "Year", "problem"),
    ]
    again = services.import_equipment(SYSTEM, college, candidates=reading.candidates)
    assert (again.counts["created"], again.counts["unchanged"]) == (0, 1)
    # A machine that was listed here by hand changes by its exported number.
    own = f"ID,Name,Capabilities\ncommons-equipment-{world.equipment['college_public']},Mill,CMM\n"
    candidates = read_candidates(own.encode(), "uniquip").candidates
    for outcome in ("changed", "unchanged"):
        tally = services.import_equipment(SYSTEM, college, candidates=candidates)
        assert tally.counts[outcome] == 1


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("$85 per hour", "$85"),
        ("85 / h.", "85"),
        ("85 por hora", "85"),
        ("85", "85"),
        # A cell may be so long; nobody waits for it.
        (f"1{' ' * 32_000}x", f"1{' ' * 32_000}x"),
    ],
)
def test_a_price_of_an_hour_may_say_so_once_more(text, price):
    assert hourly_text(text) == price


def test_what_an_hour_costs_comes_in_beside_other_prices(world):
    college = session.get_one(Organization, world.organizations["college"])
    listed = f"commons-equipment-{world.equipment['college_public']}"

    def bring(own, listed_price, lathe):
        data = f'ID,Name,{own}\n{listed},Mill,{listed_price}\nL-1,Lathe,"{lathe}"\n'
        reading = read_candidates(data.encode(), "uniquip")
        assert not reading.findings
        tally = services.import_equipment(SYSTEM, college, candidates=reading.candidates)
        assert not tally.counts["refused"]
        return {
            row.name: {(rate.customer_class, rate.unit): rate.price_cents for rate in row.rates}
            for row in session.scalars(
                select(Equipment)
                .options(selectinload(Equipment.rates))
                .where(Equipment.organization_id == college.id)
                .where(Equipment.name.in_(("Mill", "Lathe")))
                .execution_options(populate_existing=True)
            )
        }

    with unit_of_work():
        mill = session.get_one(
            Equipment, world.equipment["college_public"], options=[selectinload(Equipment.rates)]
        )
        mill.rates.append(EquipmentRate(customer_class="academic", unit="day", price_cents=100))
    academic = {("academic", "day"): 100}
    found = bring("Hourly rate", "$90 per hour", "20.50")
    assert found == {
        "Mill": {("other", "hour"): 9000, **academic},
        "Lathe": {("other", "hour"): 2050},
    }
    # Without a price in its cell a machine keeps what it has.
    found = bring("Rate ($/hr)", "", "$1,020/h")
    assert found == {
        "Mill": {("other", "hour"): 9000, **academic},
        "Lathe": {("other", "hour"): 102000},
    }


def test_a_catalog_goes_out_cell_for_cell_and_comes_in_again_unchanged(world):
    bring_in(world, *CATALOG)
    exported = take_out(world)
    expected = [{name: row.get(name, "") for name in UNIQUIP} for row in (LAB, CMM, NAMELESS)]
    assert imported_rows(exported) == expected
    college = session.get_one(Organization, world.organizations["college"])
    again = services.import_equipment(
        SYSTEM, college, candidates=read_candidates(exported, "uniquip").candidates
    )
    assert (again.counts["created"], again.counts["changed"]) == (0, 0)
    assert again.counts["refused"] == 0
    assert take_out(world) == exported


def test_no_cell_of_an_export_runs_as_a_formula(world):
    bring_in(world, CMM, LAB)
    cells = [cell for row in csv.reader(io.StringIO(take_out(world).decode())) for cell in row]
    assert "'=HYPERLINK(1)\nand more" in cells
    assert "'@Kim" in cells
    assert "-85.75" in cells


def test_what_was_changed_here_goes_out_as_it_is_now(world, actor):
    bring_in(world, CMM, LAB)
    machine = session.scalar(select(Equipment).where(Equipment.external_id == "E-1"))
    update_equipment(actor("cleo"), machine, name="Bridge CMM II")
    names = [row["Name"] for row in imported_rows(take_out(world))]
    assert names == ["Metrology lab", "Bridge CMM II"]


def test_records_made_here_come_back_as_themselves(world, actor):
    exported = take_out(world, actor("cleo"))
    before = len(session.scalars(select(Equipment.id)).all())
    data = exported.replace(b"College members mill", b"Better mill")
    college = session.get_one(Organization, world.organizations["college"])
    tally = services.import_equipment(
        actor("cleo"), college, candidates=read_candidates(data, "uniquip").candidates
    )
    assert (tally.counts["created"], tally.counts["changed"]) == (0, 1)
    assert tally.counts["unchanged"] == 7
    assert len(session.scalars(select(Equipment.id)).all()) == before
    mill = session.get_one(Equipment, world.equipment["college_members"])
    assert (mill.name, mill.visibility) == ("Better mill", "members")


def test_an_import_again_keeps_the_visibility_that_a_record_has_now(world):
    bring_in(world, LAB, visibility="draft")
    bring_in(world, {**LAB, "Name": "Lab"}, visibility="public")
    lab = session.scalar(select(Facility).where(Facility.external_id == "F-1"))
    assert (lab.name, lab.visibility) == ("Lab", "draft")


def test_equipment_of_a_facility_that_nobody_knows_is_refused_whole(world):
    before = len(session.scalars(select(Equipment.id)).all())
    tally = bring_in(world, {**CMM, "Related Facility ID": "F-9"}, {**NAMELESS, "ID": "E-2"})
    assert (tally.counts["refused"], tally.counts["created"]) == (1, 1)
    [finding] = tally.findings
    assert (finding.line, finding.column) == (2, "Related Facility ID")
    assert len(session.scalars(select(Equipment.id)).all()) == before + 1


def test_a_trial_says_the_same_and_writes_nothing(world):
    trial = bring_in(world, *CATALOG, is_trial=True)
    assert trial.counts["created"] == 3
    assert session.scalar(select(Facility).where(Facility.external_id == "F-1")) is None


def test_strangers_get_only_what_is_public(world):
    public = [row.cells["Name"] for row in read_sheet(take_out(world)).rows]
    assert public == ["College public lab", "College public mill"]


def test_strangers_do_not_get_whom_to_call(world, client_of):
    bring_in(world, *CATALOG)
    stranger = client_of("nobody").get("/exports/equipment.csv?all=1").text
    assert "Metrology lab" in stranger
    for person in ("Lee", "lee@", "555 0100", "@Kim", "kim@x.example"):
        assert person not in stranger, person
    signed_in = client_of("dov").get("/exports/equipment.csv?all=1").text
    assert "lee@X.example" in signed_in
    assert "kim@x.example" in signed_in


def test_equipment_does_not_name_a_facility_that_its_readers_do_not_see(world):
    bring_in(world, CMM, LAB)
    lab = session.scalar(select(Facility).where(Facility.external_id == "F-1"))
    change_facility_visibility(SYSTEM, lab, visibility="organization")
    [row] = imported_rows(take_out(world))
    assert (row["ID"], row["Related Facility ID"]) == ("E-1", "")


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_the_command_line_brings_a_catalog_in_and_takes_it_out(app, world, tmp_path, suffix):
    source, target = tmp_path / "in.csv", tmp_path / f"out.{suffix}"
    source.write_bytes(uniquip(*CATALOG))
    college = str(world.organizations["college"])
    runner = app.test_cli_runner()
    common = ["equipment", "--format", "uniquip", "--organization", college]
    first = runner.invoke(args=["import", *common, str(source)])
    assert "3 created, 0 changed, 0 unchanged" in first.output, first.output
    result = runner.invoke(args=["export", *common, str(target)])
    assert result.exit_code == 0, result.output
    expected = [{name: row.get(name, "") for name in UNIQUIP} for row in (LAB, CMM, NAMELESS)]
    assert imported_rows(target.read_bytes()) == expected

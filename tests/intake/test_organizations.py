"""Organizations from lists and from the federal directory of colleges, on the command line."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from portal.directory.queries.searching import search
from portal.directory.rules import Search
from portal.intake import services
from portal.intake.forms import read_candidates
from portal.kernel.authorization import NOBODY, SYSTEM
from portal.kernel.database import session
from portal.organizations.models import Organization
from portal.regions.services import load_reference
from tests.intake.conftest import table

IPEDS = Path(__file__).resolve().parents[3] / "shared" / "data" / "ipeds_hd2020.csv"


def run(app, *arguments):
    result = app.test_cli_runner().invoke(args=["import", "organizations", *map(str, arguments)])
    session.rollback()
    return result


def part_of_directory(folder, *, every):
    """Write a part of the rows of the federal directory into a file."""
    header, *lines = IPEDS.read_bytes().splitlines(keepends=True)
    part = folder / "part.csv"
    part.write_bytes(b"".join([header, *lines[::every]]))
    return part


def by_ipeds(number):
    return session.scalar(select(Organization).where(Organization.ipeds_id == number))


def count():
    return session.scalar(select(func.count()).select_from(Organization))


@pytest.mark.long
@pytest.mark.sqlite
@pytest.mark.skipif(not IPEDS.exists(), reason="the federal file is not beside the project")
def test_the_federal_directory_comes_in_whole_and_a_second_run_changes_nothing(app, tmp_path):
    load_reference(SYSTEM)
    first = run(app, IPEDS, "--format", "ipeds")
    assert first.exit_code == 0, first.output
    assert "6,207 created, 0 changed, 0 unchanged" in first.output
    assert "233 closed or administrative" in first.output
    kept = count()
    # Each row is looked up by its number; every tenth says what all would.
    again = run(app, part_of_directory(tmp_path, every=10), "--format", "ipeds")
    assert "0 created, 0 changed, 6" in again.output
    assert count() == kept
    alabama = by_ipeds("100654")
    assert (alabama.name, alabama.kind) == ("Alabama A & M University", "university")
    assert (alabama.county_fips, alabama.phone) == ("01089", "(256) 372-5000")
    assert (alabama.latitude, alabama.longitude) == (34.78337, -86.5685)
    assert alabama.other_names == ["AAMU"]
    assert alabama.confirmed_at is None
    jefferson = session.scalar(
        select(Organization).where(Organization.name == "Jefferson Community and Technical College")
    )
    assert (jefferson.kind, jefferson.county_fips) == ("community_college", "21111")
    palau = session.scalar(
        select(Organization).where(Organization.name == "Palau Community College")
    )
    assert (palau.country, palau.county_fips) == ("PW", None)
    found = search(NOBODY, Search(text="Jefferson Community"), offset=0, limit=5)
    assert jefferson.name in [hit.title for hit in found.hits]


@pytest.mark.skipif(not IPEDS.exists(), reason="the federal file is not beside the project")
def test_a_part_of_the_federal_directory_comes_in_and_a_second_run_changes_nothing(app, tmp_path):
    part = part_of_directory(tmp_path, every=100)
    first = run(app, part, "--format", "ipeds")
    assert first.exit_code == 0, first.output
    created = count() - 4  # the cast's own
    assert created > 50
    assert f"{created} created, 0 changed, 0 unchanged" in first.output
    again = run(app, part, "--format", "ipeds")
    assert f"0 created, 0 changed, {created} unchanged" in again.output


COLLEGE = {
    "UNITID": "100001", "INSTNM": "Knobs College", "IALIAS": " ", "ADDR": "1 Hill", "CITY": "Salem",
    "STABBR": "IN", "ZIP": "47130", "SECTOR": "4", "COUNTYCD": "18019", "GENTELE": "8125550100",
    "WEBADDR": "www.knobs.example/", "CYACTIVE": "1", "DEATHYR": "-2", "LATITUDE": "38.4",
    "LONGITUD": "-85.7",
}  # fmt: skip


def test_a_county_that_we_do_not_know_is_left_out_and_told(app, tmp_path):
    file = tmp_path / "hd.csv"
    file.write_bytes(table([{**COLLEGE, "COUNTYCD": "09190", "ZIP": "06001-1234"}]))
    result = run(app, file, "--format", "ipeds")
    assert "1 created" in result.output
    assert "line 2, COUNTYCD" in result.stderr
    assert by_ipeds("100001").county_fips is None


def test_one_bad_row_keeps_no_good_one_out_and_is_not_half_written(app, tmp_path):
    file = tmp_path / "hd.csv"
    rows = [
        COLLEGE,
        {**COLLEGE, "UNITID": "100002", "INSTNM": "B", "LATITUDE": "north"},
        # Passes the form; only the database knows that there is no such ZIP code.
        {**COLLEGE, "UNITID": "100003", "INSTNM": "C", "ZIP": "99999", "COUNTYCD": "-2",
         "LATITUDE": "-2", "LONGITUD": "-2"},
        {**COLLEGE, "UNITID": "100004", "INSTNM": "D", "SECTOR": "0"},
        {**COLLEGE, "UNITID": "100005", "INSTNM": "E", "DEATHYR": "2020"},
        {**COLLEGE, "UNITID": "100006", "INSTNM": "F", "SECTOR": "1"},
    ]  # fmt: skip
    file.write_bytes(table(rows))
    before = count()
    result = run(app, file, "--format", "ipeds", "--no-index")
    assert "2 created, 0 changed, 0 unchanged" in result.output
    assert "2 with a problem" in result.output
    assert "2 closed" in result.output
    assert "line 3, LATITUDE" in result.stderr
    assert "line 4, ZIP" in result.stderr
    assert count() == before + 2


def test_a_check_writes_nothing(app, tmp_path):
    file = tmp_path / "hd.csv"
    file.write_bytes(table([COLLEGE]))
    before = count()
    assert "1 created" in run(app, file, "--format", "ipeds", "--check").output
    assert count() == before


PLANTS = [
    {"country": "CN", "name": "東莞精密工業", "address": "1 Industry Road, Dongguan"},
    {"country": "China", "name": "東莞精密工業", "address": "1 Industry Road, Dongguan"},
    {"country": "US", "name": "Knobs Tool", "address": "1 Hill, Jeffersonville, IN 47130"},
    {"country": "US", "name": "=cmd|x!A1", "address": "2 Hill, Jeffersonville, IN 47130"},
    {"country": "US", "name": "Ana's Machine Shop, Inc.", "address": "9 Elm, Wichita, KS 67202"},
]


def test_a_list_in_any_script_comes_in_and_again_changes_nothing(app, tmp_path):
    file = tmp_path / "plants.csv"
    file.write_bytes(table(PLANTS))
    result = run(app, file, "--format", "csv", "--problems", tmp_path / "problems.csv")
    assert "3 created" in result.output
    assert "1 repeats" in result.output
    assert "1 probably here already" in result.output
    assert "line 6" in result.stderr
    problems = (tmp_path / "problems.csv").read_text("utf-8")
    assert "Ana's Machine Shop" in problems
    plant = session.scalar(select(Organization).where(Organization.name == "東莞精密工業"))
    assert (plant.country, plant.county_fips) == ("CN", None)
    tool = session.scalar(select(Organization).where(Organization.name == "Knobs Tool"))
    assert (tool.country, tool.county_fips, tool.city) == ("US", "18019", "Jeffersonville")
    again = run(app, file, "--format", "csv")
    assert "0 created, 0 changed, 3 unchanged" in again.output


def test_probable_duplicates_come_in_when_that_is_asked_for(app, tmp_path):
    file = tmp_path / "plants.csv"
    file.write_bytes(table(PLANTS))
    assert "4 created" in run(app, file, "--format", "csv", "--allow-duplicates").output


def test_a_broker_imports_only_into_the_own_region(actor, world):
    data = table(
        [
            {"name": "Near", "address": "1 Hill, Jeffersonville, IN 47130", "country": "US"},
            {"name": "Far", "address": "1 Elm, Wichita, KS 67202", "country": "US"},
        ]
    )
    tally = services.import_organizations(
        actor("dov"), source="csv", candidates=read_candidates(data, "csv").candidates
    )
    assert (tally.counts["created"], tally.counts["refused"]) == (1, 1)
    assert [finding.line for finding in tally.findings] == [3]

"""Imports as people do them: upload, preview, import, report; and the downloads."""

import csv
import datetime as dt
import io
import re

import pytest
import time_machine
from sqlalchemy import func, select

from portal.facilities.models import Equipment
from portal.intake import queries, reactions, services
from portal.intake.forms import read_candidates
from portal.intake.models import ImportRun
from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.mail import OutgoingMail
from tests.intake.conftest import uniquip
from tests.intake.test_equipment import CMM, LAB

BAD = {"Type": "equipment", "Name": "Ghost", "ID": "E-9", "Related Facility ID": "nowhere"}


def upload(client, world, data, *, name="catalog.csv"):
    return client.post(
        "/imports/new?what=equipment",
        data={
            "organization_id": world.organizations["college"],
            "visibility": "public",
            "file": (io.BytesIO(data), name),
        },
    )


def count():
    return session.scalar(select(func.count()).select_from(Equipment))


def test_cleo_checks_and_imports_her_colleges_equipment(client_of, world, work_off, drain):
    cleo, before = client_of("cleo"), count()
    page = upload(cleo, world, uniquip(CMM, LAB, BAD))
    assert page.status_code == 303
    address = page.headers["Location"]
    checking = cleo.get(address)
    assert "being checked" in checking.text
    assert 'http-equiv="refresh"' in checking.text
    assert "every 1s" in cleo.get(f"{address}/progress").text

    work_off()
    preview = cleo.get(address)
    assert "Nothing is written yet" in preview.text
    assert "Metrology lab" in preview.text
    assert "Related Facility ID" in preview.text
    assert "nowhere" in preview.text
    assert "http-equiv" not in preview.text
    assert "every 1s" not in preview.text
    assert count() == before
    assert "catalog.csv is ready" in cleo.get("/desk").text
    problems = cleo.get(f"{address}/problems.csv").text
    assert re.search(r"5,Related Facility ID,problem,.*nowhere", problems)

    assert cleo.post(f"{address}/actions/start").status_code == 303
    work_off()
    report = cleo.get(address)
    assert "The import is done" in report.text
    listed = f"/equipment/mine?organization={world.organizations['college']}"
    assert f'href="{listed}"' in report.text
    assert "Bridge CMM" in cleo.get(listed).text
    assert count() == before + 1
    assert "catalog.csv was imported" in cleo.get("/desk").text
    drain()
    mail = session.scalar(select(OutgoingMail).order_by(OutgoingMail.id.desc()))
    assert mail.recipient == "cleo@cast.example"
    assert address in mail.body_text
    cleo.post(f"{address}/actions/close")
    assert "catalog.csv was imported" not in cleo.get("/desk").text
    assert "catalog.csv" in cleo.get("/imports").text


@pytest.mark.database
def test_a_killed_import_goes_on_where_it_stood(client_of, world, work_off, monkeypatch):
    cleo = client_of("cleo")
    rows = [{**CMM, "ID": f"E-{number}", "Related Facility ID": ""} for number in range(250)]
    address = upload(cleo, world, uniquip(*rows)).headers["Location"]
    work_off()
    cleo.post(f"{address}/actions/start")
    before = count()
    monkeypatch.setattr(reactions, "_SECONDS", -1.0)
    assert reactions.work_off_imports() == 1
    assert count() == before + 100
    assert "100 of 250" in cleo.get(address).text
    reactions._at_hand.clear()
    work_off()
    assert count() == before + 250
    assert "The import is done" in cleo.get(address).text


def test_a_batch_that_another_worker_has_taken_is_not_taken_again(client_of, world, actor):
    rows = [{**CMM, "ID": f"E-{number}", "Related Facility ID": ""} for number in range(250)]
    data = uniquip(*rows)
    upload(client_of("cleo"), world, data)
    for position in (0, 100, 100):
        run = queries.find_next_run()
        services.advance_import(
            SYSTEM,
            run,
            reading=read_candidates(data, "uniquip"),
            position=position,
            on_behalf_of=actor("cleo"),
        )
    assert (run.position, run.counts["created"]) == (200, 200)


@pytest.mark.parametrize(("kept_seconds", "taken"), [(60.0, [200, 0]), (-1.0, [100, 100])])
def test_two_files_take_turns_but_not_at_every_batch(
    client_of, world, monkeypatch, kept_seconds, taken
):
    """Each turn reads the whole file anew."""
    cleo = client_of("cleo")
    for name in ("a", "b"):
        rows = [{**CMM, "ID": f"{name}-{n}", "Related Facility ID": ""} for n in range(201)]
        upload(cleo, world, uniquip(*rows))
    monkeypatch.setattr(reactions, "_SECONDS", -1.0)
    monkeypatch.setattr(reactions, "_KEPT_SECONDS", kept_seconds)
    reactions._at_hand.clear()
    for _turn in range(2):
        reactions.work_off_imports()
    reactions._at_hand.clear()

    positions = select(ImportRun.position).where(ImportRun.status == "checking")
    assert list(session.scalars(positions.order_by(ImportRun.id))) == taken


def test_a_file_that_we_cannot_cope_with_does_not_hold_up_the_next(
    client_of, world, work_off, monkeypatch
):
    cleo = client_of("cleo")
    broken = upload(cleo, world, uniquip(CMM, LAB)).headers["Location"]
    sound = upload(cleo, world, uniquip(CMM, LAB)).headers["Location"]

    def fail_once(*given, **options):
        monkeypatch.undo()
        raise ZeroDivisionError

    monkeypatch.setattr(reactions, "read_candidates", fail_once)
    work_off()
    assert "Something went wrong on our side" in cleo.get(broken).text
    assert "Nothing is written yet" in cleo.get(sound).text


def test_who_manages_only_what_is_archived_is_asked_for_an_organization(client_of, world):
    ana = client_of("ana")
    closed = f"/organizations/{world.organizations['shop']}/actions/archive"
    assert ana.post(closed, data={"confirmed": "yes"}).status_code == 303
    answer = ana.get("/imports/new")
    assert answer.status_code == 200
    assert "Please choose" in answer.text


def test_a_file_that_is_no_catalog_is_refused_at_the_upload(client_of, world):
    cleo = client_of("cleo")
    for data, name in ((b"a,b\n1,2\n", "x.csv"), (b"<html>", "x.csv"), (b"", "x.csv")):
        assert upload(cleo, world, data, name=name).status_code == 422
    assert session.scalar(select(func.count()).select_from(ImportRun)) == 1


@pytest.mark.parametrize(
    ("what", "source_format"),
    [
        ("equipment", "uniquip"),
        ("programs", "programs"),
        ("sections", "sections"),
        ("organizations", "csv"),
    ],
)
def test_an_empty_table_has_columns_that_its_import_knows(
    app, client_of, world, what, source_format
):
    root = client_of("root")
    college = world.organizations["college"]
    form = root.get(f"/imports/new?what={what}&organization_id={college}").text
    assert f'href="/imports/{what}.csv"' in form
    table = root.get(f"/imports/{what}.csv").data
    columns = next(csv.reader(io.StringIO(table.decode("utf-8-sig"))))
    filled = table + b"Lathe" + b"," * (len(columns) - 1) + b"\r\n"
    with app.test_request_context():
        reading = read_candidates(filled, source_format)
    assert len(reading.candidates) == 1
    assert [one.column for one in reading.findings] == []
    if what == "equipment":
        assert {"Name", "Make", "Serial number", "Capabilities"} < set(columns)
        assert [one.findings for one in reading.candidates] == [()]


def test_what_one_offers_leads_to_imports(client_of, world):
    text = client_of("cleo").get("/equipment/mine").text
    address = f"/imports/new?what=equipment&amp;organization_id={world.organizations['college']}"
    assert f'href="{address}"' in text


def test_root_imports_a_list_of_organizations(client_of, work_off):
    root = client_of("root")
    data = b"name;address;country\nKnobs Tool;1 Hill, Jeffersonville, IN 47130;usa\n"
    page = root.post(
        "/imports/new?what=organizations",
        data={
            "source_format": "csv",
            "kind": "large_firm",
            "file": (io.BytesIO(data), "firms.csv"),
        },
    )
    work_off()
    address = page.headers["Location"]
    assert "Large firm" in root.get(address).text
    root.post(f"{address}/actions/start")
    work_off()
    assert "The import is done" in root.get(address).text


def test_a_cancelled_import_writes_nothing(client_of, world, work_off):
    cleo, before = client_of("cleo"), count()
    address = upload(cleo, world, uniquip(CMM, LAB)).headers["Location"]
    cleo.post(f"{address}/actions/cancel")
    work_off()
    assert cleo.post(f"{address}/actions/start").status_code == 409
    assert count() == before


@pytest.mark.database
def test_who_lost_the_right_meanwhile_imports_nothing(client_of, world, work_off, actor):
    from portal.organizations.models import Membership
    from portal.organizations.services.roles import change_membership_role

    cleo, before = client_of("cleo"), count()
    address = upload(cleo, world, uniquip(CMM, LAB)).headers["Location"]
    work_off()
    membership = session.get_one(Membership, world.memberships["cleo_college"])
    change_membership_role(actor("root"), membership, role="member")
    cleo.post(f"{address}/actions/start")
    work_off()
    assert "failed" in cleo.get(address).text
    assert count() == before


def test_files_of_imports_are_deleted_after_a_month(client_of, world, work_off):
    cleo = client_of("cleo")
    address = upload(cleo, world, uniquip(CMM, LAB)).headers["Location"]
    work_off()
    assert services.delete_old_files(SYSTEM) == 0
    with time_machine.travel(now() + dt.timedelta(days=31), tick=False):
        assert services.delete_old_files(SYSTEM) == 1
    assert "cancelled" in cleo.get(address).text


def test_exports_hold_what_is_public_unless_more_is_asked_for(client_of):
    ana = client_of("ana")
    public = ana.get("/exports/equipment.csv?format=uniquip")
    assert public.mimetype == "text/csv"
    assert "attachment" in public.headers["Content-Disposition"]
    assert "Shop public mill" in public.text
    assert "Shop draft mill" not in public.text
    assert "Shop draft mill" in ana.get("/exports/equipment.csv?all=1").text
    nobody = client_of("nobody")
    assert "Shop members mill" not in nobody.get("/exports/equipment.csv?all=1").text
    assert nobody.get("/exports/equipment.csv?format=xyz").status_code == 422


def test_exported_organizations_keep_their_exact_point_with_the_street(client_of, world):
    ana = client_of("ana")
    address = f"/api/v1/organizations/{world.organizations['shop']}"
    place = {"members_only_fields": ["street"], "latitude": 38.26111, "longitude": -85.74222}
    assert ana.patch(address, json=place).status_code == 200
    shown = [ana.get("/exports/organizations.csv?all=1"), ana.get("/exports/organizations.csv")]
    members, everybody = (csv.DictReader(io.StringIO(answer.text)) for answer in shown)
    mine = [
        next(row for row in rows if row["zip_code"] == "40202") for rows in (members, everybody)
    ]
    assert (mine[0]["street"], mine[0]["latitude"]) == ("100 Main Street", "38.26111")
    assert (mine[1]["street"], mine[1]["latitude"]) == ("", "38.2529")


def test_exported_organizations_keep_what_is_for_members(client_of):
    assert "555-0101" not in client_of("nobody").get("/exports/organizations.csv?all=1").text
    assert "555-0101" not in client_of("ana").get("/exports/organizations.csv").text
    shown = client_of("ana").get("/exports/organizations.csv?all=1").text
    assert "555-0101" in shown
    assert "5-axis-milling" in shown

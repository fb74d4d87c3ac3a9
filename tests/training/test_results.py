"""Who came, who passed; certificates, rosters and statements, and what each side reads of them."""

import csv
import datetime as dt
import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook

from portal.kernel.authorization import SYSTEM, can
from portal.kernel.clock import now, today_here
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden, Invalid
from portal.kernel.outbox import OutboxEvent
from portal.organizations.models import Organization
from portal.skills.models import Credential
from portal.training.events import CertificateIssued
from portal.training.models.enrollments import Enrollment
from portal.training.policies import Permission
from portal.training.queries import certificates as certificate_queries
from portal.training.queries import enrollments as queries
from portal.training.queries import rosters
from portal.training.queries.sections import get_section
from portal.training.services import enrollments as services
from portal.training.services import results, seats
from portal.training.services.results import Result
from tests.cast import World
from tests.training.conftest import (
    ActorOf,
    OpenSection,
    OrganizationOf,
    again,
    begin,
    end_free_days,
)

ClientOf = Callable[[str], FlaskClient]
Class = Callable[..., list[Enrollment]]


@pytest.fixture
def course(actor: ActorOf, open_section: OpenSection, organization_of: OrganizationOf) -> Class:
    """Ben, whom the shop sends, and Eve, who pays for herself, in a section that has begun."""

    def make() -> list[Enrollment]:
        section = open_section()
        (ben,) = services.enroll_others(
            actor("ana"), section, organization=organization_of("shop"), emails=["ben@cast.example"]
        )
        services.answer_enrollment(actor("ben"), ben, "accept")
        eve = services.enroll(actor("eve"), section)
        begin(section)
        return [again(ben), again(eve)]

    return make


def test_nobody_passes_before_it_has_begun(actor: ActorOf, open_section: OpenSection) -> None:
    row = services.enroll(actor("ben"), open_section())
    with pytest.raises(Conflict, match="begun"):
        results.record_result(actor("cleo"), again(row), passed=True)


def test_who_passes_gets_a_certificate_that_lasts_as_the_credential_does(
    actor: ActorOf, world: World, course: Class
) -> None:
    ben, _eve = course()
    with pytest.raises(Forbidden):
        results.record_result(actor("ben"), ben, passed=True)
    results.record_result(actor("cleo"), ben, passed=True, grade="B+")
    row = again(ben)
    assert (row.status, row.grade, row.finished_on) == ("completed", "B+", today_here())
    (certificate,) = certificate_queries.list_of_enrollment(row.id)
    credential = session.get_one(Credential, world.credentials["nims"])
    assert (certificate.holder_name, certificate.title) == ("Ben", credential.name)
    assert certificate.expires_on is not None
    assert certificate.expires_on.year == today_here().year + 3
    payload = session.query(OutboxEvent).filter_by(name=CertificateIssued.name()).one().payload
    assert payload == {
        "certificate_id": certificate.id,
        "user_id": world.users["ben"],
        "credential_id": credential.id,
    }


def test_corrected_result_takes_the_certificate_back(actor: ActorOf, course: Class) -> None:
    ben, _eve = course()
    cleo = actor("cleo")
    results.record_result(cleo, ben, passed=True)
    results.record_result(cleo, again(ben), passed=True, grade="A")
    results.record_result(cleo, again(ben), passed=False)
    (certificate,) = certificate_queries.list_of_enrollment(ben.id)
    assert certificate_queries.state_today(certificate) == "revoked"
    results.record_result(cleo, again(ben), passed=True)
    states = [
        certificate_queries.state_today(one)
        for one in certificate_queries.list_of_enrollment(ben.id)
    ]
    assert states == ["revoked", "valid"]


def test_whole_class_is_written_down_at_once(actor: ActorOf, course: Class) -> None:
    ben, eve = course()
    section = get_section(ben.section_id)
    with unit_of_work():
        section.meetings[0].starts_at = now() - dt.timedelta(days=2)
    meeting = section.meetings[0]
    # A form says nothing about who is not on it, such as on another page.
    results.save_roster(
        actor("cleo"), section, meeting_id=meeting.id, among=[ben.id], present=[ben.id]
    )
    rows = {row.enrollment.name: row for row in rosters.load_roster(get_section(section.id))}
    assert (rows["Ben"].of_meetings, rows["Eve"].of_meetings) == (1, 0)
    changed = results.save_roster(
        actor("cleo"),
        get_section(section.id),
        meeting_id=meeting.id,
        present=[ben.id],
        results={ben.id: Result(True, "A"), eve.id: Result(None)},
    )
    assert changed == 1
    rows = {row.enrollment.name: row for row in rosters.load_roster(get_section(section.id))}
    assert (rows["Ben"].came_to, rows["Eve"].came_to, rows["Eve"].of_meetings) == (1, 0, 1)
    assert (again(ben).status, again(eve).status) == ("completed", "enrolled")
    # The same once more changes nothing.
    assert (
        results.save_roster(
            actor("cleo"), get_section(section.id), results={ben.id: Result(True, "A")}
        )
        == 0
    )
    with pytest.raises(Conflict, match="still to come"):
        results.save_roster(
            actor("cleo"), get_section(section.id), meeting_id=section.meetings[-1].id
        )
    with pytest.raises(Invalid, match="meetings"):
        results.save_roster(actor("cleo"), get_section(section.id), meeting_id=10**6)


def test_who_is_written_down_by_hand_keeps_the_certificate_in_an_account_later(
    actor: ActorOf, open_section: OpenSection
) -> None:
    row = services.enroll_by_hand(
        actor("cleo"), open_section("running"), name="Ben B.", email="ben@cast.example"
    )
    results.record_result(actor("cleo"), end_free_days(row), passed=True)
    (certificate,) = certificate_queries.list_of_enrollment(row.id)
    assert certificate.user_id is None
    services.answer_enrollment(actor("ben"), again(row), "join")
    (certificate,) = certificate_queries.list_of_enrollment(row.id)
    assert certificate.user_id == actor("ben").user_id
    assert [one.enrollment.id for one in certificate_queries.load_transcript(actor("ben"))][:1] == [
        row.id
    ]


def test_whoever_is_added_for_free_to_what_was_only_planned_has_a_result_at_once(
    actor: ActorOf, open_section: OpenSection, client_of: ClientOf
) -> None:
    section = begin(open_section("planned"))
    roster = f"/training/sections/{section.id}/roster"
    added = {"name": "Ben B.", "email": "ben@cast.example", "organization": "Ana's Machine Shop"}
    cleo, ben = client_of("cleo"), client_of("ben")
    cleo.post(f"{roster}/people", data={**added, "is_free": "y"})
    assert "results can be written down" in cleo.get(roster).text
    cleo.post(f"/training/sections/{section.id}/actions/start")
    assert "Keep it in your account" in ben.get("/training/enrollments").text
    (row,) = queries.list_written_down(actor("ben"))
    cleo.post(roster, data={"on": row.id, f"result-{row.id}": "pass", f"grade-{row.id}": "A"})
    assert again(row).status == "completed"
    ben.post(f"/training/enrollments/{row.id}/answer", data={"action": "join"})
    (certificate,) = certificate_queries.list_of_enrollment(row.id)
    paper = ben.get(f"/training/certificates/{certificate.number}/print").text
    assert f'href="/training/certificates/{certificate.number}"' in paper
    assert "data-print" in paper


def test_link_that_was_passed_on_brings_nobody_the_certificate_of_another(
    actor: ActorOf, open_section: OpenSection
) -> None:
    row = services.enroll_by_hand(
        actor("cleo"), open_section("running"), name="Ben B.", email="ben@cast.example"
    )
    token = services.renew_enrollment_link(SYSTEM, row)
    results.record_result(actor("cleo"), end_free_days(row), passed=True)
    with pytest.raises(Conflict, match="the address to which"):
        services.answer_enrollment(actor("eve"), again(row), "join", token=token)
    assert again(row).user_id is None
    services.answer_enrollment(actor("ben"), again(row), "join", token=token)
    assert again(row).user_id == actor("ben").user_id


# Certificates for everybody


def test_checking_a_number_tells_what_is_printed_and_nothing_else(
    world: World, client_of: ClientOf
) -> None:
    number = world.certificates["ben"]
    typed = number.lower().replace("-", "")
    answer = client_of("nobody").get(f"/training/certificates?number={typed}")
    assert answer.status_code == 303
    page = client_of("nobody").get(answer.location).text
    for told in ("Valid", "Ben", "Safety at the mill", "Falls City Community College"):
        assert told in page
    for kept in ("canary-grade-B", "ben@cast.example", "Revoke", "Print it"):
        assert kept not in page


def test_who_checks_a_certificate_learns_whether_its_issuer_is_known(
    client_of: ClientOf, world: World
) -> None:
    number, college = world.certificates["ben"], world.organizations["college"]
    address, visitor = f"/training/certificates/{number}", client_of("nobody")
    for verified_at, told in ((None, "has not verified"), (now(), "is who it says")):
        with unit_of_work():
            session.get_one(Organization, college).verified_at = verified_at
        page = visitor.get(address).text
        assert told in page
        assert f'<a href="/organizations/{college}">Falls City Community College</a>' in page
        told_to_programs = visitor.get(f"/api/v1/certificates/{number}").json
        assert told_to_programs["is_issuer_verified"] is (verified_at is not None)


def test_revoked_and_expired_certificates_say_so(
    actor: ActorOf, world: World, client_of: ClientOf
) -> None:
    number = world.certificates["ben"]
    certificate = certificate_queries.get_certificate(number)
    with unit_of_work():
        certificate.expires_on = today_here() - dt.timedelta(days=1)
    address = f"/api/v1/certificates/{number}"
    assert client_of("nobody").get(address).json["state"] == "expired"
    with pytest.raises(Forbidden):
        results.revoke_certificate(actor("ben"), certificate, reason="No")
    results.revoke_certificate(actor("cleo"), certificate, reason="Somebody else sat the test")
    with pytest.raises(Conflict):
        results.revoke_certificate(actor("cleo"), certificate, reason="Again")
    page = client_of("nobody").get(f"/training/certificates/{number}").text
    assert "Revoked" in page
    assert "sat the test" not in page
    assert "sat the test" in client_of("ben").get(f"/training/certificates/{number}").text


def test_number_that_nobody_has_is_not_found_and_many_tries_are_refused(
    client_of: ClientOf, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of("nobody")
    assert client.get("/training/certificates/0000-0000-0000-0000").status_code == 404
    assert "16 signs" in client.get("/training/certificates?number=12").text
    monkeypatch.setitem(client.application.config, "CERTIFICATE_CHECKS_PER_MINUTE", 1)
    tries = {
        client.get("/training/certificates/0000-0000-0000-0001").status_code for _time in range(3)
    }
    assert 429 in tries


def test_code_on_paper_is_a_picture_for_its_holder(world: World, client_of: ClientOf) -> None:
    number = world.certificates["ben"]
    code = client_of("ben").get(f"/training/certificates/{number}/code.svg")
    assert code.mimetype == "image/svg+xml"
    assert client_of("eve").get(f"/training/certificates/{number}/code.svg").status_code == 404
    paper = client_of("ben").get(f"/training/certificates/{number}/print").text
    assert "This is to certify" in paper
    assert number in paper


# What each side reads


def test_firm_reads_pass_and_attendance_of_its_people_but_no_grade(
    actor: ActorOf, world: World, client_of: ClientOf
) -> None:
    row = queries.get_enrollment(world.enrollments["ben_passed"])
    assert can(actor("ana"), Permission.ENROLLMENT_VIEW, row)
    address = f"/training/enrollments/{row.id}"
    assert "canary-grade-B" not in client_of("ana").get(address).text
    assert "canary-grade-B" in client_of("ben").get(address).text
    assert "canary-grade-B" in client_of("cleo").get(address).text
    answer = client_of("ana").get(f"/api/v1/enrollments/{row.id}").json
    assert (answer["status"], answer["grade"]) == ("completed", None)
    assert client_of("eve").get(address).status_code == 404


def test_statements_of_both_sides_and_of_sections_add_up(
    actor: ActorOf, course: Class, organization_of: OrganizationOf
) -> None:
    ben, _eve = course()
    month = get_section(ben.section_id).starts_on
    college, shop = organization_of("college"), organization_of("shop")
    whole = rosters.load_month(college, side="provider", month=month)
    assert whole.total_cents == 35_000
    paid = whole.statements
    assert [(one.other.name if one.other else None, one.total_cents) for one in paid] == [
        (shop.name, 15_000),
        (None, 20_000),
    ]
    (owed,) = rosters.load_month(shop, side="payer", month=month).statements
    assert (owed.other.id if owed.other else None, owed.total_cents) == (college.id, 15_000)
    section = rosters.load_section_statement(get_section(ben.section_id))
    assert sum(one.total_cents for one in section) == 35_000
    following = month + dt.timedelta(days=40)
    assert rosters.load_month(shop, side="payer", month=following).statements == []


def test_rosters_and_statements_leave_as_tables(
    world: World, client_of: ClientOf, organization_of: OrganizationOf
) -> None:
    row = queries.get_enrollment(world.enrollments["ben_passed"])
    client = client_of("cleo")
    roster = f"/training/sections/{row.section_id}/roster"
    (line,) = csv.DictReader(io.StringIO(client.get(f"{roster}.csv").text))
    assert (line["name"], line["grade"], line["certificate"], line["owed"]) == (
        "Ben",
        "canary-grade-B",
        world.certificates["ben"],
        "150.00",
    )
    book = load_workbook(io.BytesIO(client.get(f"{roster}.xlsx").data))
    assert book.active is not None
    assert book.active["B2"].value == "Ben"
    # What is summed up is a number there.
    assert [book.active[cell].value for cell in ("I2", "J2")] == [150, 150]
    month = f"{row.section.starts_on:%Y-%m}"
    statement = f"/organizations/{world.organizations['shop']}/training-statement"
    text = client_of("ana").get(f"{statement}.csv?side=payer&month={month}").text
    (line,) = csv.DictReader(io.StringIO(text))
    assert (line["person"], line["amount"], line["payer"]) == (
        "Ben",
        "150.00",
        organization_of("shop").name,
    )
    assert "canary-grade-B" not in text
    for asked in (
        client_of("ana").get(f"{statement}.xlsx?side=payer&month={month}"),
        client.get(f"/training/sections/{row.section_id}/statement.xlsx"),
    ):
        book = load_workbook(io.BytesIO(asked.data))
        assert book.active is not None
        assert book.active["L2"].value == 150
    page = client_of("ana").get(f"{statement}?side=payer&month={month}").text
    assert "$150" in page


def test_transcript_is_ones_own_and_leaves_as_a_table(world: World, client_of: ClientOf) -> None:
    (line,) = csv.DictReader(io.StringIO(client_of("ben").get("/training/transcript.csv").text))
    assert (line["result"], line["grade"], line["certificate_state"]) == (
        "completed",
        "canary-grade-B",
        "valid",
    )
    assert "canary-grade-B" in client_of("ben").get("/training/transcript").text
    assert "canary-grade-B" not in client_of("ana").get("/training/transcript").text


def test_roster_page_takes_attendance_and_results_in_one_form(
    world: World, client_of: ClientOf
) -> None:
    row_id = world.enrollments["ben_passed"]
    section_id = world.sections["completed"]
    address = f"/training/sections/{section_id}/roster?meeting={world.meetings['completed']}"
    page = client_of("cleo").get(address).text
    assert f'name="result-{row_id}"' in page
    form = {
        "attendance": "yes",
        "present": [row_id],
        f"result-{row_id}": "fail",
        f"grade-{row_id}": "D",
    }
    assert client_of("cleo").post(address, data=form).status_code == 303
    row = queries.get_enrollment(row_id)
    assert (row.status, row.grade, queries.attended(row)) == ("failed", "D", (1, 1))
    broken = client_of("cleo").post(address, data={f"result-{row_id}": "pass", "present": ["x"]})
    assert broken.status_code == 200
    assert "Please give a number" in broken.text
    assert queries.get_enrollment(row_id).status == "failed"


def test_section_that_was_cancelled_owes_nothing(
    actor: ActorOf, course: Class, organization_of: OrganizationOf
) -> None:
    ben, _eve = course()
    section = get_section(ben.section_id)
    with unit_of_work():
        section.status = "cancelled"
    assert rosters.load_section_statement(section) == []
    assert seats.cancel_enrollments(SYSTEM, get_section(section.id)) == 2
    assert again(ben).status == "cancelled"

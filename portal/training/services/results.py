"""Commands of the provider's people: who came, who passed, and the certificates that follow."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from flask_babel import format_date
from flask_babel import gettext as _

from portal.kernel.authorization import Actor
from portal.kernel.clock import now, today, today_here
from portal.kernel.commands import command
from portal.kernel.database import lock, session
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.outbox import record
from portal.training.events import CertificateIssued, CertificateRevoked
from portal.training.models.certificates import Certificate
from portal.training.models.enrollments import Attendance, Enrollment
from portal.training.models.sections import Section
from portal.training.policies import Permission
from portal.training.queries import certificates as queries
from portal.training.queries import rosters
from portal.training.rules.certificates import last_valid_day, make_number
from portal.training.rules.enrollments import (
    ENROLLMENTS,
    LONGEST_GRADE,
    TAKING_PART,
    result_waits_until,
)

LONGEST_REASON = 500


@dataclass(frozen=True)
class Result:
    """Whether somebody passed (None: not said), and the grade."""

    passed: bool | None
    grade: str = ""


@command(Permission.ENROLLMENT_RECORD)
def record_result(
    actor: Actor, enrollment: Enrollment, *, passed: bool, grade: str = ""
) -> Enrollment:
    """Write down whether somebody passed, with a grade or without, and print the certificate.

    A result can be corrected: who did not pass after all loses the certificate.
    Raises Conflict for who does not take part, or before it has begun.
    """
    _check_begun(enrollment.section)
    _record(actor, enrollment, Result(passed, grade))
    return enrollment


@command(Permission.ROSTER_RECORD)
def save_roster(
    actor: Actor,
    section: Section,
    *,
    meeting_id: int | None = None,
    among: Collection[int] | None = None,
    present: Collection[int] = (),
    results: Mapping[int, Result] | None = None,
) -> int:
    """Write down who came to a meeting and who passed, for many at once; return how many.

    among: the numbers of the enrollments that the form had; of others it says nothing.
    present: of those whose people came; the others of the form did not.
    results: by enrollment; those that say nothing, or what is known already, change nothing.
    """
    rows = rosters.list_taking_part(section, among)
    if meeting_id is not None:
        _note_attendance(actor, section, rows, meeting_id, present)
    changed = 0
    for row in rows:
        result = (results or {}).get(row.id)
        if result is None or result.passed is None:
            continue
        status = "completed" if result.passed else "failed"
        if (row.status, row.grade) != (status, result.grade.strip()):
            _check_begun(section)
            _record(actor, row, result)
            changed += 1
    return changed


def _note_attendance(
    actor: Actor,
    section: Section,
    rows: Collection[Enrollment],
    meeting_id: int,
    present: Collection[int],
) -> None:
    meeting = next((one for one in section.meetings if one.id == meeting_id), None)
    if meeting is None:
        raise Invalid("meeting", _("Please choose one of its meetings."))
    zone = section.timezone
    if meeting.starts_at.astimezone(ZoneInfo(zone)).date() > today(zone):
        raise Conflict(_("This meeting is still to come."))
    noted = rosters.list_attendance(meeting_id)
    for row in rows:
        mark = noted.get(row.id)
        if mark is None:
            session.add(
                Attendance(
                    enrollment_id=row.id,
                    meeting_id=meeting_id,
                    is_present=row.id in present,
                    noted_by_id=actor.user_id,
                )
            )
        elif mark.is_present != (row.id in present):
            mark.is_present, mark.noted_by_id = row.id in present, actor.user_id


def _check_begun(section: Section) -> None:
    if section.status not in ("open", "running", "completed") or section.starts_on > today_here():
        raise Conflict(_("Results are recorded once the section has begun."))


def _record(actor: Actor, enrollment: Enrollment, result: Result) -> None:
    grade = result.grade.strip()
    if len(grade) > LONGEST_GRADE:
        raise Invalid("grade", _("Please use %(most)d characters at most.", most=LONGEST_GRADE))
    if enrollment.status not in TAKING_PART:
        raise Conflict(_("Only who takes part has a result."))
    day = result_waits_until(
        enrollment.status, enrollment.price_cents, enrollment.free_until, today_here()
    )
    if day is not None:
        raise Conflict(
            _("Withdrawing is free until %(day)s, so results come after it.", day=format_date(day))
        )
    status = "completed" if result.passed else "failed"
    if enrollment.status != status:
        enrollment.finished_on = today_here()
        ENROLLMENTS.apply(actor, enrollment, "pass" if result.passed else "fail")
    enrollment.grade = grade
    session.flush()
    if result.passed:
        _issue(enrollment)
    else:
        certificate = queries.find_unrevoked(enrollment.id)
        if certificate is not None:
            _revoke(actor, certificate, _("The result was corrected."))


def _issue(enrollment: Enrollment) -> None:
    """Print the certificate of who passed, once."""
    if queries.find_unrevoked(enrollment.id) is not None:
        return
    program = enrollment.section.program
    credential = program.credential
    certificate = Certificate(
        number=make_number(),
        enrollment_id=enrollment.id,
        user_id=enrollment.user_id,
        organization_id=enrollment.provider_organization_id,
        credential_id=program.credential_id,
        holder_name=enrollment.name,
        title=credential.name if credential is not None else program.title,
        issuer_name=enrollment.provider.name,
        issued_on=today_here(),
        expires_on=last_valid_day(today_here(), credential.valid_months if credential else None),
        is_demo=enrollment.is_demo,
    )
    session.add(certificate)
    session.flush()
    record(CertificateIssued(certificate.id, certificate.user_id, certificate.credential_id))


@command(Permission.CERTIFICATE_REVOKE)
def revoke_certificate(actor: Actor, certificate: Certificate, *, reason: str) -> Certificate:
    """Take a certificate back; whoever checks its number reads so, without the reason."""
    if certificate.revoked_at is not None:
        raise Conflict(_("It was revoked already."))
    if not reason.strip():
        raise Invalid("reason", _("Please give a reason."))
    _revoke(actor, certificate, reason.strip())
    return certificate


def _revoke(actor: Actor, certificate: Certificate, reason: str) -> None:
    lock(certificate)
    certificate.revoked_at, certificate.revoked_by_id = now(), actor.user_id
    certificate.revoked_reason = reason[:LONGEST_REASON]
    session.flush()
    record(CertificateRevoked(certificate.id, certificate.user_id, certificate.credential_id))

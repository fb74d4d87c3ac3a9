"""Reads of certificates: by number for everybody, by person, and what a transcript tells."""

from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.kernel.authorization import Actor, authorize
from portal.kernel.clock import today_here
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.training.models.certificates import Certificate
from portal.training.models.enrollments import Enrollment
from portal.training.models.programs import Program
from portal.training.models.sections import Section
from portal.training.policies import Permission
from portal.training.queries.enrollments import attendance_of
from portal.training.rules.certificates import read_number, state_of
from portal.training.rules.enrollments import TAKING_PART, attended_of

#: Nobody has learned more in one life.
MOST_ON_TRANSCRIPT = 500


def get_certificate(number: str) -> Certificate:
    """Return the certificate of a number, however it was typed. Raises NotFound."""
    known = read_number(number)
    found = (
        session.scalar(
            select(Certificate)
            .options(
                joinedload(Certificate.user),
                joinedload(Certificate.credential),
                joinedload(Certificate.organization),
            )
            .where(Certificate.number == known)
        )
        if known is not None
        else None
    )
    if found is None:
        raise NotFound(_("No certificate has this number. Please compare it with the paper."))
    return found


def get_visible_certificate(actor: Actor, number: str) -> Certificate:
    """Return a certificate to its holder and to the people of its provider. Raises NotFound."""
    certificate = get_certificate(number)
    authorize(actor, Permission.CERTIFICATE_VIEW, certificate)
    return certificate


def find_certificate(certificate_id: int) -> Certificate | None:
    """Return a certificate with its holder, or None."""
    return session.scalar(
        select(Certificate)
        .options(joinedload(Certificate.user), joinedload(Certificate.enrollment))
        .where(Certificate.id == certificate_id)
    )


def list_of_enrollment(enrollment_id: int) -> list[Certificate]:
    """Return what was printed for an enrollment, in order."""
    return list(
        session.scalars(
            select(Certificate)
            .where(Certificate.enrollment_id == enrollment_id)
            .order_by(Certificate.id)
        )
    )


def find_unrevoked(enrollment_id: int) -> Certificate | None:
    """Return the certificate of an enrollment that was not revoked, or None."""
    return session.scalars(
        select(Certificate)
        .where(Certificate.enrollment_id == enrollment_id, Certificate.revoked_at.is_(None))
        .order_by(Certificate.id)
        .limit(1)
    ).first()


def state_today(certificate: Certificate) -> str:
    """Return what a certificate is today: "valid", "expired" or "revoked"."""
    return state_of(today_here(), certificate.expires_on, certificate.revoked_at)


@dataclass(frozen=True)
class TranscriptRow:
    """Something that a person has learned, or is learning: with its result and certificate."""

    enrollment: Enrollment
    certificate: Certificate | None
    state: str
    came_to: int
    of_meetings: int


TRANSCRIPT_COLUMNS = (
    "program",
    "provider",
    "begins",
    "ends",
    "hours",
    "result",
    "grade",
    "came_to",
    "of_meetings",
    "credential",
    "certificate",
    "issued",
    "expires",
    "certificate_state",
)


def load_transcript(actor: Actor) -> list[TranscriptRow]:
    """Return what the actor took part in, the latest first."""
    authorize(actor, Permission.TRANSCRIPT_VIEW)
    rows = list(
        session.scalars(
            select(Enrollment)
            .join(Section, Section.id == Enrollment.section_id)
            .options(
                joinedload(Enrollment.section)
                .joinedload(Section.program)
                .joinedload(Program.credential),
                joinedload(Enrollment.provider),
            )
            .where(
                Enrollment.user_id == actor.user_id,
                Enrollment.status.in_(TAKING_PART),
            )
            .order_by(Section.starts_on.desc(), Enrollment.id.desc())
            .limit(MOST_ON_TRANSCRIPT)
        )
    )
    numbers = [row.id for row in rows]
    printed: dict[int, Certificate] = {}
    for one in session.scalars(
        select(Certificate).where(Certificate.enrollment_id.in_(numbers)).order_by(Certificate.id)
    ):
        printed[one.enrollment_id or 0] = one
    marks = attendance_of(numbers)
    found = []
    for row in rows:
        certificate = printed.get(row.id)
        came, seen = attended_of(marks[row.id].values())
        state = state_today(certificate) if certificate is not None else ""
        found.append(TranscriptRow(row, certificate, state, came, seen))
    return found


def transcript_cells(row: TranscriptRow) -> list[str]:
    """Return a row of the transcript as a table has it."""
    section, certificate = row.enrollment.section, row.certificate
    program = section.program
    return [
        program.title,
        row.enrollment.provider.name,
        section.starts_on.isoformat(),
        section.ends_on.isoformat(),
        str(program.duration_hours or ""),
        row.enrollment.status,
        row.enrollment.grade,
        str(row.came_to),
        str(row.of_meetings),
        program.credential.name if program.credential else "",
        certificate.number if certificate else "",
        certificate.issued_on.isoformat() if certificate else "",
        certificate.expires_on.isoformat() if certificate and certificate.expires_on else "",
        row.state,
    ]

"""What happened in training: ids and plain values."""

from dataclasses import dataclass, field
from typing import Any

from portal.kernel.outbox import Event

# Programs


@dataclass(frozen=True)
class ProgramSaved(Event):
    """A program was made or changed in any way: its fields, visibility, freshness, archive."""

    program_id: int
    organization_id: int


@dataclass(frozen=True)
class ProgramDeleted(Event):
    """A program is gone, with its sections."""

    program_id: int
    organization_id: int


# Sections


@dataclass(frozen=True)
class SectionSaved(Event):
    """A section was made or changed in any way that no other event tells."""

    section_id: int
    program_id: int


@dataclass(frozen=True)
class SectionOpened(Event):
    """People can enroll in a section from now on."""

    section_id: int
    program_id: int


@dataclass(frozen=True)
class SectionMoved(Event):
    """When or where a section is held was changed.

    dropped: the meetings to come that it has no longer, each as number, beginning and end.
    """

    section_id: int
    program_id: int
    by_user_id: int | None
    dropped: list[list[Any]] = field(default_factory=list)


@dataclass(frozen=True)
class SectionCancelled(Event):
    """A section will not be held; note says why."""

    section_id: int
    program_id: int
    note: str


@dataclass(frozen=True)
class SectionDeleted(Event):
    """A section that nobody had enrolled in is gone."""

    section_id: int
    program_id: int


# Enrollments and certificates


@dataclass(frozen=True)
class EnrollmentMade(Event):
    """Somebody enrolled, asked to, was invited or got in line."""

    enrollment_id: int
    section_id: int
    by_user_id: int | None


@dataclass(frozen=True)
class EnrollmentStepped(Event):
    """An enrollment took a step of its workflow.

    left_section_id: from which section somebody was moved to this one.
    """

    enrollment_id: int
    section_id: int
    action: str
    status: str
    by_user_id: int | None
    note: str
    left_section_id: int | None = None


@dataclass(frozen=True)
class CertificateIssued(Event):
    """A certificate was printed for who passed, or is kept in an account from now on.

    user_id: None as long as nobody has said which account is theirs.
    """

    certificate_id: int
    user_id: int | None
    credential_id: int | None


@dataclass(frozen=True)
class CertificateRevoked(Event):
    """A certificate was taken back."""

    certificate_id: int
    user_id: int | None
    credential_id: int | None


# Demands


@dataclass(frozen=True)
class DemandSaved(Event):
    """A demand for a skill was stated or changed in any way."""

    demand_id: int
    organization_id: int


@dataclass(frozen=True)
class CohortOffered(Event):
    """A provider offered a cohort to the firms that asked for a skill."""

    offer_id: int


@dataclass(frozen=True)
class SeatsHeld(Event):
    """Seats that a firm took of a cohort are held for it from now on."""

    invitation_id: int


@dataclass(frozen=True)
class CohortAnswered(Event):
    """A firm accepted or declined an offer of a cohort."""

    invitation_id: int
    offer_id: int

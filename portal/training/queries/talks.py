"""What conversations hang on in training: an enrollment, between its provider and the firm."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from portal.conversations.queries.sections import Section as ThreadSection
from portal.conversations.queries.sections import section_about
from portal.kernel.authorization import Actor
from portal.kernel.database import session
from portal.kernel.manifest import Party
from portal.training.models.enrollments import Enrollment
from portal.training.queries.enrollments import ENROLLMENT_OPTIONS

_section_about_enrollment = section_about("enrollment")


def load_enrollments(ids: Sequence[int]) -> Mapping[int, Enrollment]:
    """Return those enrollments that exist, with their section and two sides, by number."""
    rows = session.scalars(
        select(Enrollment).options(*ENROLLMENT_OPTIONS).where(Enrollment.id.in_(ids))
    )
    return {row.id: row for row in rows}


def parties_of(row: Enrollment) -> tuple[Party, ...]:
    """Return the two sides that talk about an enrollment: the firm that pays, and the provider."""
    provider = Party(row.provider_organization_id, row.provider.name)
    if row.organization is None or row.organization_id == row.provider_organization_id:
        return (provider,)
    return Party(row.organization.id, row.organization.name), provider


def talk_section(actor: Actor, row: Enrollment) -> ThreadSection | None:
    """Return the conversation for an enrollment's page; None where there is nobody to talk to."""
    return _section_about_enrollment(actor, row) if len(parties_of(row)) > 1 else None

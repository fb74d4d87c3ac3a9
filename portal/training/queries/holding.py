"""Seats of sections that are held for firms which took them of an offered cohort.

As long as a section is planned they are promised; from its opening on they are held for a while, so
that the firm can name its people. Whom it has named has a seat, and the others' are still held.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import joinedload

from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.settings import setting
from portal.organizations.models import Organization
from portal.training.models.demands import CohortInvitation, CohortOffer
from portal.training.models.enrollments import Enrollment
from portal.training.models.sections import Section
from portal.training.rules.enrollments import answer_by

#: So many are looked at in one round of the clock.
MOST_ENDED = 200


@dataclass(frozen=True)
class Held:
    """Seats that are held for a firm; until: None as long as the section is planned."""

    organization_id: int
    organization: str
    seats: int
    until: dt.datetime | None


def kept_until(section: Section, status: str) -> dt.datetime:
    """Return until when a seat is kept that is given away now. status: "invited" or "offered"."""
    name = "SEAT_INVITATION_HOURS" if status == "invited" else "SEAT_OFFER_HOURS"
    kept_for = dt.timedelta(hours=setting(name))
    return answer_by(now(), kept_for, section.starts_on, section.timezone)


def load_held(section_ids: Collection[int]) -> Mapping[int, list[Held]]:
    """Return what is held of sections, by the sections' ids; firms in the order of their offers."""
    named = func.count(Enrollment.id)
    rows = session.execute(
        select(
            CohortOffer.section_id,
            Organization.id,
            Organization.name,
            CohortInvitation.people - named,
            CohortInvitation.held_until,
        )
        .join(CohortInvitation, CohortInvitation.offer_id == CohortOffer.id)
        .join(Section, Section.id == CohortOffer.section_id)
        .join(Organization, Organization.id == CohortInvitation.organization_id)
        .outerjoin(
            Enrollment,
            and_(
                Enrollment.section_id == Section.id,
                Enrollment.organization_id == Organization.id,
                Enrollment.seat.is_not(None),
            ),
        )
        .where(
            CohortOffer.section_id.in_(sorted(section_ids)),
            CohortInvitation.status == "accepted",
            or_(
                Section.status == "planned",
                and_(Section.status == "open", CohortInvitation.held_until > now()),
            ),
        )
        .group_by(
            CohortOffer.section_id,
            CohortInvitation.id,
            CohortInvitation.people,
            CohortInvitation.held_until,
            Organization.id,
            Organization.name,
        )
        .having(CohortInvitation.people > named)
        .order_by(CohortInvitation.id)
    )
    found: dict[int, list[Held]] = defaultdict(list)
    for section_id, organization_id, name, seats, until in rows:
        found[section_id].append(Held(organization_id, name, seats or 0, until))
    return found


def list_promised(section_id: int) -> list[CohortInvitation]:
    """Return the invitations to a section that were accepted, in order."""
    return list(
        session.scalars(
            select(CohortInvitation)
            .join(CohortOffer, CohortOffer.id == CohortInvitation.offer_id)
            .where(CohortOffer.section_id == section_id, CohortInvitation.status == "accepted")
            .order_by(CohortInvitation.id)
        )
    )


def list_ended(limit: int = MOST_ENDED) -> list[CohortInvitation]:
    """Return the invitations whose seats were held until now, in the order of their sections."""
    return list(
        session.scalars(
            select(CohortInvitation)
            .join(CohortInvitation.offer)
            .options(joinedload(CohortInvitation.offer).joinedload(CohortOffer.section))
            .where(CohortInvitation.held_until <= now())
            .order_by(CohortOffer.section_id, CohortInvitation.id)
            .limit(limit)
        )
    )

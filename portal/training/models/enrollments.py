"""Who takes part in a section, or wants to, and who came to which meeting."""

import datetime as dt

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.facilities.rules import CUSTOMER_CLASSES
from portal.kernel.clock import now
from portal.kernel.database import Identified, Model, Timestamped, known_values
from portal.organizations.models import Organization
from portal.training.models.sections import Section, SectionMeeting
from portal.training.rules.enrollments import (
    ENROLLMENT_STATUSES,
    KEPT_STATUSES,
    LIVE_STATUSES,
    SEATED_STATUSES,
    TAKING_PART,
)


def _among(statuses: tuple[str, ...]) -> str:
    return "status IN ({})".format(", ".join(f"'{status}'" for status in statuses))


_LIVE = text(_among(LIVE_STATUSES))


class Enrollment(Identified, Timestamped, Model):
    """A person's place in a section, or in the line for one.

    provider_organization_id: whose section it is. organization_id: the firm that pays; None where
    the person does. user_id: None until the person has said which account is theirs.
    email, name: where the invitation went, and what stands on the roster.
    seat: which of the section's seats, from 1, as long as one is taken or kept. of_seats: how many
    the section has; the database itself keeps it so, and by it every seat within the section.
    customer_class, price_cents: as they were at enrollment; no price is None.
    answer_by: until when a seat is kept for who was invited or is next in line.
    token_hash: of the link in the invitation.
    free_until: the last day on which withdrawing costs nothing; it never gets earlier.
    is_by_hand: the provider wrote it on the roster, and nobody asked for it here.
    is_withdrawn_late: withdrawn when the notice was over, so that the price is owed.
    request_digest: of what was asked for with the idempotency key.
    """

    __table_args__ = (
        known_values("status", ENROLLMENT_STATUSES),
        known_values("customer_class", CUSTOMER_CLASSES),
        # When a section gets more or fewer seats, `of_seats` follows; a seat beyond is refused.
        ForeignKeyConstraint(
            ["section_id", "of_seats"],
            ["section.id", "section.seats"],
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        CheckConstraint(
            f"({_among(SEATED_STATUSES)}) = (seat IS NOT NULL)", name="seat_while_seated"
        ),
        CheckConstraint("seat >= 1 AND seat <= of_seats", name="seat_within_section"),
        CheckConstraint(
            f"({_among(KEPT_STATUSES)}) = (answer_by IS NOT NULL)", name="kept_until_answered"
        ),
        CheckConstraint(
            f"grade = '' OR {_among(('completed', 'failed'))}", name="grade_with_result"
        ),
        CheckConstraint(
            f"finished_on IS NULL OR {_among(('completed', 'failed'))}", name="finished_with_result"
        ),
        CheckConstraint("price_cents IS NULL OR price_cents >= 0", name="price_not_negative"),
        CheckConstraint(
            "NOT is_withdrawn_late OR status = 'withdrawn'", name="late_when_withdrawn"
        ),
        UniqueConstraint("section_id", "seat"),
        Index(
            "ix_enrollment_one_of_a_person",
            "section_id",
            "user_id",
            unique=True,
            sqlite_where=_LIVE,
            postgresql_where=_LIVE,
        ),
        Index(
            "ix_enrollment_one_of_an_address",
            "section_id",
            "organization_id",
            "email",
            unique=True,
            sqlite_where=_LIVE,
            postgresql_where=_LIVE,
        ),
        Index("ix_enrollment_section_id_status", "section_id", "status", "id"),
        Index("ix_enrollment_user_id_id", "user_id", "id"),
        Index("ix_enrollment_organization_id_id", "organization_id", "id"),
        Index("ix_enrollment_email", "email"),
        Index("ix_enrollment_status_answer_by", "status", "answer_by"),
        Index("ix_enrollment_enrolled_by_id_key", "enrolled_by_id", "idempotency_key"),
    )

    locked_after = "section"
    is_settled = False

    section_id: Mapped[int]
    of_seats: Mapped[int]
    provider_organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    organization_id: Mapped[int | None] = mapped_column(
        ForeignKey("organization.id", ondelete="SET NULL")
    )
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    enrolled_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(120), default="")
    status: Mapped[str] = mapped_column(String(10))
    seat: Mapped[int | None]
    customer_class: Mapped[str] = mapped_column(String(20))
    price_cents: Mapped[int | None]
    answer_by: Mapped[dt.datetime | None]
    free_until: Mapped[dt.date]
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    grade: Mapped[str] = mapped_column(String(20), default="")
    finished_on: Mapped[dt.date | None]
    is_by_hand: Mapped[bool] = mapped_column(default=False)
    is_withdrawn_late: Mapped[bool] = mapped_column(default=False)
    idempotency_key: Mapped[str | None] = mapped_column(String(80))
    request_digest: Mapped[str | None] = mapped_column(String(32))
    is_demo: Mapped[bool] = mapped_column(default=False)

    section: Mapped[Section] = relationship(
        primaryjoin=lambda: Section.id == Enrollment.section_id,
        foreign_keys=lambda: Enrollment.section_id,
        lazy="raise_on_sql",
    )
    provider: Mapped[Organization] = relationship(
        foreign_keys=provider_organization_id, lazy="raise_on_sql"
    )
    organization: Mapped[Organization | None] = relationship(
        foreign_keys=organization_id, lazy="raise_on_sql"
    )
    user: Mapped[User | None] = relationship(foreign_keys=user_id, lazy="raise_on_sql")
    enrolled_by: Mapped[User | None] = relationship(
        foreign_keys=enrolled_by_id, lazy="raise_on_sql"
    )

    @property
    def takes_part(self) -> bool:
        """Whether the person is in the section, or was to its end."""
        return self.status in TAKING_PART


class Attendance(Model):
    """Whether somebody came to a meeting, as the provider's people noted it."""

    is_settled = False

    enrollment_id: Mapped[int] = mapped_column(
        ForeignKey("enrollment.id", ondelete="CASCADE"), primary_key=True
    )
    meeting_id: Mapped[int] = mapped_column(
        ForeignKey("section_meeting.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    is_present: Mapped[bool]
    noted_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    noted_at: Mapped[dt.datetime] = mapped_column(default=now, onupdate=now)

    enrollment: Mapped[Enrollment] = relationship(lazy="raise_on_sql")
    meeting: Mapped[SectionMeeting] = relationship(lazy="raise_on_sql")

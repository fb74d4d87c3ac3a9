"""Introductions, their two or three sides, and what became known of whom to whom, and when."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, join
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from portal.accounts.models import User
from portal.brokerage.rules.introductions import (
    FIRM_KINDS,
    INTRODUCTION_STATUSES,
    PARTY_STATUSES,
    REVEAL_STAGES,
)
from portal.kernel.clock import now
from portal.kernel.database import Identified, Model, Timestamped, known_values
from portal.matching.models import Match
from portal.organizations.models import Membership, Organization
from portal.partnerships.models import Request
from portal.regions.models import BrokerAppointment, Region


class Introduction(Identified, Timestamped, Model):
    """A broker's proposal that two or three organizations meet.

    request_id, match_id: what it is about, and the suggestion that the broker confirmed by it.
    title, terms: what all sides read before they know each other, and what they accept.
    asked_at, answer_by: since when and until when the sides are asked for the present answer.
    remind_at: when those who have not given it are reminded next (None: not again).
    identified_at, opened_at: when all had agreed to meet, and when all had given their contacts.
    """

    __table_args__ = (
        known_values("status", INTRODUCTION_STATUSES),
        CheckConstraint("answer_days > 0", name="answer_days_positive"),
        CheckConstraint("answer_by > asked_at", name="answer_after_question"),
        CheckConstraint(
            "remind_at IS NULL OR remind_at < answer_by", name="reminder_before_answer"
        ),
        CheckConstraint(
            "status NOT IN ('identified', 'open') OR identified_at IS NOT NULL",
            name="identified_at_known",
        ),
        CheckConstraint(
            "status <> 'proposed' OR identified_at IS NULL", name="proposed_is_without_names"
        ),
        CheckConstraint("(status = 'open') = (opened_at IS NOT NULL)", name="opened_at_known"),
        Index("ix_introduction_status_answer_by", "status", "answer_by"),
        Index("ix_introduction_status_remind_at", "status", "remind_at"),
        Index("ix_introduction_region_id_id", "region_id", "id"),
    )

    region_id: Mapped[int] = mapped_column(ForeignKey("region.id", ondelete="CASCADE"))
    request_id: Mapped[int | None] = mapped_column(
        ForeignKey("request.id", ondelete="SET NULL"), index=True
    )
    match_id: Mapped[int | None] = mapped_column(
        ForeignKey("match.id", ondelete="SET NULL"), index=True
    )
    title: Mapped[str] = mapped_column(String(200))
    terms: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(10), default="proposed")
    answer_days: Mapped[int]
    asked_at: Mapped[dt.datetime] = mapped_column(default=now)
    answer_by: Mapped[dt.datetime]
    remind_at: Mapped[dt.datetime | None]
    identified_at: Mapped[dt.datetime | None]
    opened_at: Mapped[dt.datetime | None]
    is_demo: Mapped[bool] = mapped_column(default=False)
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )

    match: Mapped[Match | None] = relationship(lazy="raise_on_sql")
    region: Mapped[Region] = relationship(lazy="raise_on_sql")
    request: Mapped[Request | None] = relationship(lazy="raise_on_sql")
    created_by: Mapped[User | None] = relationship(lazy="raise_on_sql")
    parties: Mapped[list["IntroductionParty"]] = relationship(
        back_populates="introduction",
        order_by=lambda: IntroductionParty.position,
        lazy="raise_on_sql",
        passive_deletes=True,
    )
    reveals: Mapped[list["IntroductionReveal"]] = relationship(
        order_by=lambda: IntroductionReveal.id, lazy="raise_on_sql", passive_deletes=True
    )

    #: Where the brokers of its region work, but no firms: those who ask write to them.
    broker_organizations: Mapped[list[Organization]] = relationship(
        secondary=lambda: join(
            BrokerAppointment, Membership, BrokerAppointment.user_id == Membership.user_id
        ),
        primaryjoin=lambda: Introduction.region_id == foreign(BrokerAppointment.region_id),
        secondaryjoin=lambda: (
            (Organization.id == foreign(Membership.organization_id))
            & (Organization.status == "active")
            & Organization.kind.not_in(FIRM_KINDS)
        ),
        order_by=lambda: Organization.id,
        lazy="raise_on_sql",
        viewonly=True,
    )

    @property
    def staying(self) -> list["IntroductionParty"]:
        """The sides that have not declined."""
        return [party for party in self.parties if party.status != "declined"]


class IntroductionParty(Identified, Model):
    """One side of an introduction.

    summary: what the others read of it before they know its name; reason: why it should meet them,
    which it alone reads. The contact is what its people gave for the others, and nothing else.
    is_hidden: it posted an anonymous request, so until all agreed to meet, the broker does not know
    either who it is. Then the broker may have named the same organization as another side.
    is_held: it gave the last answer, and yet two of the sides must not meet; nobody but its own
    people learns that it answered.
    """

    locked_after = "introduction"

    __table_args__ = (
        known_values("status", PARTY_STATUSES),
        UniqueConstraint("introduction_id", "organization_id", "is_hidden"),
        UniqueConstraint("introduction_id", "position"),
        CheckConstraint("position BETWEEN 1 AND 3", name="position_in_range"),
        CheckConstraint(
            "status NOT IN ('consented', 'sharing') OR terms_accepted_at IS NOT NULL",
            name="consent_accepts_terms",
        ),
        CheckConstraint("status <> 'sharing' OR shared_at IS NOT NULL", name="shared_at_known"),
        CheckConstraint(
            "shared_at IS NOT NULL"
            " OR (contact_name = '' AND contact_email = '' AND contact_phone = '')",
            name="contact_is_given",
        ),
        CheckConstraint(
            "(status = 'declined') = (decline_reason <> '')", name="declined_with_reason"
        ),
    )

    introduction_id: Mapped[int] = mapped_column(ForeignKey("introduction.id", ondelete="CASCADE"))
    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    position: Mapped[int]
    is_hidden: Mapped[bool] = mapped_column(default=False)
    is_held: Mapped[bool] = mapped_column(default=False)
    summary: Mapped[str] = mapped_column(String(500))
    reason: Mapped[str] = mapped_column(String(2000))
    status: Mapped[str] = mapped_column(String(10), default="waiting")
    terms_accepted_at: Mapped[dt.datetime | None]
    terms_accepted_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    shared_at: Mapped[dt.datetime | None]
    contact_name: Mapped[str] = mapped_column(String(200), default="")
    contact_email: Mapped[str] = mapped_column(String(254), default="")
    contact_phone: Mapped[str] = mapped_column(String(30), default="")
    decline_reason: Mapped[str] = mapped_column(String(2000), default="")

    introduction: Mapped[Introduction] = relationship(back_populates="parties", lazy="raise_on_sql")
    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")


class IntroductionReveal(Identified, Model):
    """That something of one side became known to another: both read it here."""

    __table_args__ = (
        known_values("stage", REVEAL_STAGES),
        UniqueConstraint("party_id", "to_party_id", "stage"),
        CheckConstraint("party_id <> to_party_id", name="to_another"),
        Index("ix_introduction_reveal_introduction_id_id", "introduction_id", "id"),
    )

    introduction_id: Mapped[int] = mapped_column(ForeignKey("introduction.id", ondelete="CASCADE"))
    party_id: Mapped[int] = mapped_column(ForeignKey("introduction_party.id", ondelete="CASCADE"))
    to_party_id: Mapped[int] = mapped_column(
        ForeignKey("introduction_party.id", ondelete="CASCADE"), index=True
    )
    stage: Mapped[str] = mapped_column(String(8))
    revealed_at: Mapped[dt.datetime] = mapped_column(default=now)

    to_party: Mapped[IntroductionParty] = relationship(
        foreign_keys=to_party_id, lazy="raise_on_sql"
    )

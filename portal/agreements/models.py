"""Agreements with parties, documents and milestones; outcomes, and what claims them."""

import datetime as dt

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.agreements.rules.words import (
    AGREEMENT_KINDS,
    AGREEMENT_STATUSES,
    OUTCOME_KINDS,
    OUTCOME_STATUSES,
    PARTY_ROLES,
)
from portal.bookings.models.access import Clearance
from portal.brokerage.models.introductions import Introduction
from portal.kernel.clock import now
from portal.kernel.database import NO_NUMBER_TWICE, Identified, Model, Timestamped, known_values
from portal.kernel.files import StoredFile
from portal.organizations.models import Organization
from portal.partnerships.models import Request, Response


class Agreement(Identified, Timestamped, Model):
    """What organizations agreed on.

    organization_id: who drafts it. revision: grows with every change of its words and documents,
    so that nobody has acknowledged what came later. is_reported: whether brokers of its parties'
    regions see it and count it. The three values are what the parties put into it, in cents.
    proposed_at: when the other parties first saw it. end_told_at: when they were told of its end.
    renewal_ends_on: its last day, once all parties agree with that as well.
    """

    __table_args__ = (
        known_values("kind", AGREEMENT_KINDS),
        known_values("status", AGREEMENT_STATUSES),
        CheckConstraint("revision > 0", name="revision_positive"),
        CheckConstraint("private_cents >= 0", name="private_not_negative"),
        CheckConstraint("public_cents >= 0", name="public_not_negative"),
        CheckConstraint("in_kind_cents >= 0", name="in_kind_not_negative"),
        CheckConstraint(
            "starts_on IS NULL OR ends_on IS NULL OR ends_on >= starts_on", name="dates_in_order"
        ),
        CheckConstraint("status = 'draft' OR proposed_at IS NOT NULL", name="proposed_has_time"),
        CheckConstraint(
            "status NOT IN ('active', 'completed') OR activated_at IS NOT NULL",
            name="active_has_time",
        ),
        CheckConstraint(
            "(status IN ('completed', 'terminated')) = (closed_at IS NOT NULL)",
            name="closed_has_time",
        ),
        CheckConstraint(
            "renewal_ends_on IS NULL OR (status = 'active' AND ends_on IS NOT NULL"
            " AND renewal_ends_on > ends_on)",
            name="renewal_is_later",
        ),
        Index("ix_agreement_status_ends_on", "status", "ends_on"),
        NO_NUMBER_TWICE,
    )

    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(200))
    terms: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[str] = mapped_column(String(10), default="draft")
    revision: Mapped[int] = mapped_column(default=1)
    starts_on: Mapped[dt.date | None]
    ends_on: Mapped[dt.date | None]
    renewal_ends_on: Mapped[dt.date | None]
    private_cents: Mapped[int] = mapped_column(BigInteger, default=0)
    public_cents: Mapped[int] = mapped_column(BigInteger, default=0)
    in_kind_cents: Mapped[int] = mapped_column(BigInteger, default=0)
    is_reported: Mapped[bool] = mapped_column(default=True)
    is_demo: Mapped[bool] = mapped_column(default=False)
    request_id: Mapped[int | None] = mapped_column(
        ForeignKey("request.id", ondelete="SET NULL"), index=True
    )
    response_id: Mapped[int | None] = mapped_column(
        ForeignKey("response.id", ondelete="SET NULL"), index=True
    )
    introduction_id: Mapped[int | None] = mapped_column(
        ForeignKey("introduction.id", ondelete="SET NULL"), index=True
    )
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    proposed_at: Mapped[dt.datetime | None]
    activated_at: Mapped[dt.datetime | None]
    closed_at: Mapped[dt.datetime | None]
    end_told_at: Mapped[dt.datetime | None]

    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    request: Mapped[Request | None] = relationship(lazy="raise_on_sql")
    response: Mapped[Response | None] = relationship(lazy="raise_on_sql")
    introduction: Mapped[Introduction | None] = relationship(lazy="raise_on_sql")
    parties: Mapped[list["AgreementParty"]] = relationship(
        order_by=lambda: AgreementParty.id,
        lazy="raise_on_sql",
        cascade="all, delete-orphan",
        passive_deletes=True,
    )
    documents: Mapped[list["AgreementDocument"]] = relationship(
        order_by=lambda: AgreementDocument.id, lazy="raise_on_sql", passive_deletes=True
    )
    milestones: Mapped[list["Milestone"]] = relationship(
        order_by=lambda: (Milestone.due_on, Milestone.id), lazy="raise_on_sql", passive_deletes=True
    )


class AgreementParty(Identified, Model):
    """An organization's part in an agreement; `clearance_id` is the gate that it opened for it."""

    __table_args__ = (
        known_values("role", PARTY_ROLES),
        UniqueConstraint("agreement_id", "organization_id"),
    )

    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreement.id", ondelete="CASCADE"))
    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    role: Mapped[str] = mapped_column(String(8))
    clearance_id: Mapped[int | None] = mapped_column(
        ForeignKey("clearance.id", ondelete="SET NULL"), index=True
    )

    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    clearance: Mapped[Clearance | None] = relationship(lazy="raise_on_sql")
    acknowledgments: Mapped[list["Acknowledgment"]] = relationship(
        order_by=lambda: Acknowledgment.revision, lazy="raise_on_sql", passive_deletes=True
    )

    @property
    def acknowledged_revision(self) -> int:
        """The newest revision that the party has agreed with; 0 before the first."""
        return self.acknowledgments[-1].revision if self.acknowledgments else 0

    @property
    def acknowledged_at(self) -> dt.datetime | None:
        """When the party last agreed with a revision."""
        return self.acknowledgments[-1].acknowledged_at if self.acknowledgments else None


class Acknowledgment(Identified, Model):
    """A party's word that it agrees with a revision of an agreement, with all its documents."""

    __table_args__ = (
        UniqueConstraint("party_id", "revision"),
        CheckConstraint("revision > 0", name="revision_positive"),
    )

    party_id: Mapped[int] = mapped_column(ForeignKey("agreement_party.id", ondelete="CASCADE"))
    revision: Mapped[int]
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    acknowledged_at: Mapped[dt.datetime] = mapped_column(default=now)

    user: Mapped[User | None] = relationship(lazy="raise_on_sql")


class AgreementDocument(Identified, Model):
    """A document of an agreement, in all its versions."""

    agreement_id: Mapped[int] = mapped_column(
        ForeignKey("agreement.id", ondelete="CASCADE"), index=True
    )
    title: Mapped[str] = mapped_column(String(200))

    agreement: Mapped[Agreement] = relationship(back_populates="documents", lazy="raise_on_sql")
    versions: Mapped[list["DocumentVersion"]] = relationship(
        back_populates="document",
        order_by=lambda: DocumentVersion.number,
        lazy="raise_on_sql",
        passive_deletes=True,
    )


class DocumentVersion(Identified, Model):
    """One version of a document; `revision` is that of the agreement which it came with."""

    __table_args__ = (
        UniqueConstraint("document_id", "number"),
        CheckConstraint("number > 0", name="number_positive"),
        CheckConstraint("revision > 0", name="revision_positive"),
    )

    document_id: Mapped[int] = mapped_column(
        ForeignKey("agreement_document.id", ondelete="CASCADE")
    )
    number: Mapped[int]
    revision: Mapped[int]
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), unique=True)
    note: Mapped[str] = mapped_column(String(500), default="")
    organization_id: Mapped[int | None] = mapped_column(
        ForeignKey("organization.id", ondelete="SET NULL"), index=True
    )
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    document: Mapped[AgreementDocument] = relationship(
        back_populates="versions", lazy="raise_on_sql"
    )
    file: Mapped[StoredFile] = relationship(lazy="raise_on_sql")
    organization: Mapped[Organization | None] = relationship(lazy="raise_on_sql")

    @property
    def url(self) -> str:
        """Where people of the parties download it."""
        return f"/agreements/{self.document.agreement_id}/documents/{self.id}"


class Milestone(Identified, Model):
    """A day by which something of an agreement is to be done, by one party or by all of them.

    told_soon_at, told_over_at: when people were told that its day comes, and that it is over.
    """

    __table_args__ = (Index("ix_milestone_due_on_id", "due_on", "id"),)

    agreement_id: Mapped[int] = mapped_column(
        ForeignKey("agreement.id", ondelete="CASCADE"), index=True
    )
    title: Mapped[str] = mapped_column(String(200))
    due_on: Mapped[dt.date]
    organization_id: Mapped[int | None] = mapped_column(
        ForeignKey("organization.id", ondelete="SET NULL"), index=True
    )
    done_at: Mapped[dt.datetime | None]
    done_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    told_soon_at: Mapped[dt.datetime | None]
    told_over_at: Mapped[dt.datetime | None]

    agreement: Mapped[Agreement] = relationship(back_populates="milestones", lazy="raise_on_sql")
    organization: Mapped[Organization | None] = relationship(lazy="raise_on_sql")


class Outcome(Identified, Timestamped, Model):
    """A dated, typed, quantified result of agreements, which is one however many claim it.

    organization_id: where it came about; asserted_by_id: the organization that says so.
    amount_hundredths: money in cents, everything else in hundredths of the unit of its kind.
    confirmed_by_id: the organization that confirmed it; None where a broker of the region did.
    twin_id: an older outcome that this one may be the same as; until somebody says, it is not
    counted. merged_into_id: the one that it was the same as.
    """

    __table_args__ = (
        known_values("kind", OUTCOME_KINDS),
        known_values("status", OUTCOME_STATUSES),
        CheckConstraint("amount_hundredths > 0", name="amount_positive"),
        CheckConstraint(
            "(status = 'confirmed') = (confirmed_at IS NOT NULL)", name="confirmed_has_time"
        ),
        CheckConstraint("status <> 'confirmed' OR twin_id IS NULL", name="confirmed_is_no_twin"),
        CheckConstraint("twin_id <> id", name="no_twin_of_itself"),
        CheckConstraint(
            "(status = 'merged') = (merged_into_id IS NOT NULL)", name="merged_into_another"
        ),
        CheckConstraint("merged_into_id <> id", name="not_merged_into_itself"),
        Index(
            "ix_outcome_organization_id_kind_happened_on", "organization_id", "kind", "happened_on"
        ),
    )

    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    amount_hundredths: Mapped[int] = mapped_column(BigInteger)
    happened_on: Mapped[dt.date]
    status: Mapped[str] = mapped_column(String(9), default="asserted")
    asserted_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("organization.id", ondelete="SET NULL"), index=True
    )
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    confirmed_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("organization.id", ondelete="SET NULL"), index=True
    )
    confirmed_at: Mapped[dt.datetime | None]
    twin_id: Mapped[int | None] = mapped_column(
        ForeignKey("outcome.id", ondelete="SET NULL"), index=True
    )
    # Not "set null": what was merged is not counted again because the other one is gone.
    merged_into_id: Mapped[int | None] = mapped_column(
        ForeignKey("outcome.id", ondelete="CASCADE"), index=True
    )

    organization: Mapped[Organization] = relationship(
        foreign_keys=organization_id, lazy="raise_on_sql"
    )
    asserted_by: Mapped[Organization | None] = relationship(
        foreign_keys=asserted_by_id, lazy="raise_on_sql"
    )
    confirmed_by: Mapped[Organization | None] = relationship(
        foreign_keys=confirmed_by_id, lazy="raise_on_sql"
    )
    claims: Mapped[list["OutcomeClaim"]] = relationship(
        back_populates="outcome",
        order_by=lambda: OutcomeClaim.id,
        lazy="raise_on_sql",
        passive_deletes=True,
    )


class OutcomeClaim(Identified, Model):
    """An agreement to which an outcome is put down, with the evidence that its parties see.

    The first one of an outcome is the one that counts; the others share it.
    """

    __table_args__ = (UniqueConstraint("outcome_id", "agreement_id"),)

    outcome_id: Mapped[int] = mapped_column(ForeignKey("outcome.id", ondelete="CASCADE"))
    agreement_id: Mapped[int] = mapped_column(
        ForeignKey("agreement.id", ondelete="CASCADE"), index=True
    )
    organization_id: Mapped[int | None] = mapped_column(
        ForeignKey("organization.id", ondelete="SET NULL"), index=True
    )
    evidence: Mapped[str] = mapped_column(String(2000), default="")
    file_id: Mapped[int | None] = mapped_column(
        ForeignKey("stored_file.id", ondelete="SET NULL"), unique=True
    )
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    outcome: Mapped[Outcome] = relationship(back_populates="claims", lazy="raise_on_sql")
    agreement: Mapped[Agreement] = relationship(lazy="raise_on_sql")
    organization: Mapped[Organization | None] = relationship(lazy="raise_on_sql")
    file: Mapped[StoredFile | None] = relationship(lazy="raise_on_sql")

"""Organizations and their people: profiles, memberships, invitations, join requests, claims."""

import datetime as dt
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    cast,
    text,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.kernel.clock import now
from portal.kernel.database import Identified, Model, Timestamped, known_values
from portal.kernel.files import StoredFile
from portal.kernel.listing import Confirmed
from portal.organizations.rules import EMPLOYEE_BANDS, ORGANIZATION_KINDS
from portal.regions.models import Capability, NaicsCode, Placed

organization_capability = Table(
    "organization_capability",
    Model.metadata,
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True),
    Column("capability_key", ForeignKey("capability.key"), primary_key=True, index=True),
)

organization_naics = Table(
    "organization_naics",
    Model.metadata,
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True),
    Column("naics_code", ForeignKey("naics_code.code"), primary_key=True, index=True),
)


class Organization(Identified, Timestamped, Confirmed, Placed, Model):
    """A stakeholder of the region. Its profile is public but for its members-only fields.

    match_key: the folded name, by which probable duplicates are found.
    status: "active", or "archived" once its owners or an administrator closed it.
    """

    __table_args__ = (
        known_values("kind", ORGANIZATION_KINDS),
        known_values("employee_band", EMPLOYEE_BANDS, is_optional=True),
        CheckConstraint("status IN ('active', 'archived')", name="status_known"),
        CheckConstraint("source IN ('own', 'ipeds', 'csv', 'demo', 'broker')", name="source_known"),
        Index("ix_organization_name_id", "name", "id"),
        Index("ix_organization_match_key", "match_key"),
    )

    name: Mapped[str] = mapped_column(String(200))
    match_key: Mapped[str] = mapped_column(String(200))
    other_names: Mapped[list[str]] = mapped_column(default=list)
    kind: Mapped[str] = mapped_column(String(40), index=True)
    summary: Mapped[str] = mapped_column(String(280), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    website: Mapped[str] = mapped_column(String(500), default="")
    phone: Mapped[str] = mapped_column(String(30), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    country: Mapped[str] = mapped_column(String(2), default="US")
    employee_band: Mapped[str] = mapped_column(String(10), default="")
    ownership: Mapped[list[str]] = mapped_column(default=list)
    certifications: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    contacts: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    members_only_fields: Mapped[list[str]] = mapped_column(default=list)
    uei: Mapped[str | None] = mapped_column(String(12), unique=True)
    ror: Mapped[str | None] = mapped_column(String(40), unique=True)
    cage: Mapped[str | None] = mapped_column(String(5), unique=True)
    ipeds_id: Mapped[str | None] = mapped_column(String(8), unique=True)
    source: Mapped[str] = mapped_column(String(8), default="own")
    # What was imported is confirmed by nobody, so there is no default here.
    confirmed_at: Mapped[dt.datetime | None] = mapped_column()
    is_demo: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(String(10), default="active")
    verified_at: Mapped[dt.datetime | None]
    verified_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    logo_id: Mapped[int | None] = mapped_column(
        ForeignKey("stored_file.id", ondelete="SET NULL"), index=True
    )

    capabilities: Mapped[list[Capability]] = relationship(
        secondary=organization_capability, order_by=Capability.label, lazy="raise_on_sql"
    )
    naics: Mapped[list[NaicsCode]] = relationship(
        secondary=organization_naics, order_by=NaicsCode.code, lazy="raise_on_sql"
    )
    logo: Mapped[StoredFile | None] = relationship(lazy="raise_on_sql")
    memberships: Mapped[list["Membership"]] = relationship(
        back_populates="organization", lazy="raise_on_sql", passive_deletes=True
    )
    confirmed_by: Mapped[User | None] = relationship(
        foreign_keys="Organization.confirmed_by_id", lazy="raise_on_sql"
    )
    verified_by: Mapped[User | None] = relationship(
        foreign_keys=verified_by_id, lazy="raise_on_sql"
    )

    @property
    def naics_codes(self) -> list[str]:
        """The codes of its industries, as forms and documents name them."""
        return [industry.code for industry in self.naics]

    @hybrid_property
    def keeps_street(self) -> bool:
        """Whether only members get its street, and nobody more than the middle of its ZIP code."""
        return "street" in self.members_only_fields

    @keeps_street.inplace.expression
    @classmethod
    def _keeps_street_in_sql(cls) -> ColumnElement[bool]:
        return cast(cls.members_only_fields, String).contains('"street"')

    @property
    def shown_point(self) -> tuple[float, float] | None:
        """Where it stands on a map, for everybody."""
        if self.keeps_street or self.latitude is None or self.longitude is None:
            return self.coarse_point
        return self.latitude, self.longitude


class Membership(Identified, Model):
    """A user's role in an organization."""

    __table_args__ = (
        CheckConstraint("role IN ('owner', 'manager', 'member')", name="role_known"),
        Index("uq_membership_organization_id_user_id", "organization_id", "user_id", unique=True),
    )

    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(8))
    joined_at: Mapped[dt.datetime] = mapped_column(default=now)

    organization: Mapped[Organization] = relationship(
        back_populates="memberships", lazy="raise_on_sql"
    )
    user: Mapped[User] = relationship(lazy="raise_on_sql")


class Invitation(Identified, Model):
    """An invitation by e-mail to join an organization, to somebody with or without an account."""

    __table_args__ = (
        CheckConstraint("role IN ('owner', 'manager', 'member')", name="role_known"),
        CheckConstraint(
            "status IN ('sent', 'accepted', 'declined', 'withdrawn', 'expired')",
            name="status_known",
        ),
        Index(
            "uq_invitation_open",
            "organization_id",
            "email",
            unique=True,
            sqlite_where=text("status = 'sent'"),
            postgresql_where=text("status = 'sent'"),
        ),
    )

    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    email: Mapped[str] = mapped_column(String(254), index=True)
    role: Mapped[str] = mapped_column(String(8))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    status: Mapped[str] = mapped_column(String(10), default="sent")
    invited_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    expires_at: Mapped[dt.datetime]

    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    invited_by: Mapped[User | None] = relationship(lazy="raise_on_sql")


class JoinRequest(Identified, Model):
    """A person's request to join an organization that already has people here."""

    __table_args__ = (
        CheckConstraint(
            "status IN ('open', 'accepted', 'declined', 'withdrawn')", name="status_known"
        ),
        Index(
            "uq_join_request_open",
            "organization_id",
            "user_id",
            unique=True,
            sqlite_where=text("status = 'open'"),
            postgresql_where=text("status = 'open'"),
        ),
    )

    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    message: Mapped[str] = mapped_column(String(2000), default="")
    status: Mapped[str] = mapped_column(String(10), default="open")
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    user: Mapped[User] = relationship(lazy="raise_on_sql")


class Claim(Identified, Model):
    """A person's claim to own an imported organization, with evidence, for a broker to decide."""

    __table_args__ = (
        CheckConstraint(
            "status IN ('pending', 'approved', 'denied', 'withdrawn', 'revoked')",
            name="status_known",
        ),
        Index(
            "uq_claim_pending",
            "organization_id",
            "user_id",
            unique=True,
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
    )

    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    evidence: Mapped[str] = mapped_column(String(2000))
    status: Mapped[str] = mapped_column(String(10), default="pending")
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    user: Mapped[User] = relationship(lazy="raise_on_sql")

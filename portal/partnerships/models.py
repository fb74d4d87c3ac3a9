"""Requests, their attachments, and the responses of other organizations."""

import datetime as dt

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.facilities.models import Equipment, Facility
from portal.kernel.clock import now
from portal.kernel.database import Identified, Model, Timestamped, known_values
from portal.kernel.files import StoredFile
from portal.kernel.listing import Listed, visibility_check
from portal.organizations.models import Organization
from portal.partnerships.rules.words import AGREEMENT_KINDS, IP_STATUSES
from portal.regions.models import Capability, County

request_capability = Table(
    "request_capability",
    Model.metadata,
    Column("request_id", ForeignKey("request.id", ondelete="CASCADE"), primary_key=True),
    Column("capability_key", ForeignKey("capability.key"), primary_key=True, index=True),
)


class Request(Identified, Timestamped, Listed, Model):
    """A posted partnership need or offer.

    status: where it stands in the workflow of `rules.py`; visibility: who sees it once published.
    radius_miles: how far away partners may be (None: anywhere).
    reminded_at: when its people were told that the end is near (None: not of this end).
    equipment_id, facility_id: what it asks to use, if that is one thing that stands here;
    asked_organization_id: whose that is. It sees the request, and is told of it, once published.
    """

    __table_args__ = (
        visibility_check(),
        CheckConstraint(
            "kind IN ('equipment_sharing', 'rd_cooperation', 'technology', 'supply_chain',"
            " 'training', 'consortium')",
            name="kind_known",
        ),
        known_values("ip_status", IP_STATUSES, is_optional=True),
        known_values("agreement_kind", AGREEMENT_KINDS, is_optional=True),
        CheckConstraint("direction IN ('need', 'offer')", name="direction_known"),
        CheckConstraint(
            "status IN ('draft', 'published', 'paused', 'fulfilled', 'withdrawn', 'expired')",
            name="status_known",
        ),
        CheckConstraint("trl IS NULL OR trl BETWEEN 1 AND 9", name="trl_in_range"),
        CheckConstraint("radius_miles IS NULL OR radius_miles > 0", name="radius_positive"),
        CheckConstraint("renewals BETWEEN 0 AND 1", name="one_renewal"),
        CheckConstraint("budget_cents IS NULL OR budget_cents >= 0", name="budget_not_negative"),
        CheckConstraint("equipment_id IS NULL OR facility_id IS NULL", name="one_subject"),
        CheckConstraint("asked_organization_id <> organization_id", name="asks_another"),
        Index("ix_request_status_expires_on", "status", "expires_on"),
        Index("ix_request_published_at_id", "published_at", "id"),
    )

    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(20))
    direction: Mapped[str] = mapped_column(String(5))
    title: Mapped[str] = mapped_column(String(200))
    summary: Mapped[str] = mapped_column(String(500), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[str] = mapped_column(String(10), default="draft")
    zip_code: Mapped[str] = mapped_column(String(10), default="")
    county_fips: Mapped[str | None] = mapped_column(ForeignKey("county.fips"), index=True)
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    radius_miles: Mapped[int | None]
    wanted_by: Mapped[dt.date | None]
    expires_on: Mapped[dt.date]
    published_at: Mapped[dt.datetime | None]
    renewals: Mapped[int] = mapped_column(default=0)
    reminded_at: Mapped[dt.datetime | None]
    is_anonymous: Mapped[bool] = mapped_column(default=False)
    anonymous_summary: Mapped[str] = mapped_column(String(500), default="")
    expertise_sought: Mapped[str] = mapped_column(String(2000), default="")
    advantages: Mapped[str] = mapped_column(String(2000), default="")
    innovations: Mapped[str] = mapped_column(String(2000), default="")
    trl: Mapped[int | None]
    ip_status: Mapped[str] = mapped_column(String(20), default="")
    partner_kinds: Mapped[list[str]] = mapped_column(default=list)
    partner_sizes: Mapped[list[str]] = mapped_column(default=list)
    agreement_kind: Mapped[str] = mapped_column(String(20), default="")
    budget_cents: Mapped[int | None]
    call_name: Mapped[str] = mapped_column(String(200), default="")
    call_deadline: Mapped[dt.date | None]
    coordinator_wanted: Mapped[bool] = mapped_column(default=False)
    duration_months: Mapped[int | None]
    equipment_id: Mapped[int | None] = mapped_column(
        ForeignKey("equipment.id", ondelete="SET NULL"), index=True
    )
    facility_id: Mapped[int | None] = mapped_column(
        ForeignKey("facility.id", ondelete="SET NULL"), index=True
    )
    asked_organization_id: Mapped[int | None] = mapped_column(
        ForeignKey("organization.id", ondelete="SET NULL"), index=True
    )

    organization: Mapped[Organization] = relationship(
        foreign_keys=organization_id, lazy="raise_on_sql"
    )
    asked_organization: Mapped[Organization | None] = relationship(
        foreign_keys=asked_organization_id, lazy="raise_on_sql"
    )
    equipment: Mapped[Equipment | None] = relationship(lazy="raise_on_sql")
    facility: Mapped[Facility | None] = relationship(lazy="raise_on_sql")
    county: Mapped[County | None] = relationship(lazy="raise_on_sql")
    capabilities: Mapped[list[Capability]] = relationship(
        secondary=request_capability, order_by=Capability.label, lazy="raise_on_sql"
    )
    attachments: Mapped[list["RequestAttachment"]] = relationship(
        order_by=lambda: RequestAttachment.id, lazy="raise_on_sql", passive_deletes=True
    )
    confirmed_by: Mapped[User | None] = relationship(
        foreign_keys="Request.confirmed_by_id", lazy="raise_on_sql"
    )


class RequestAttachment(Identified, Model):
    """A drawing, specification or picture that belongs to a request."""

    request_id: Mapped[int] = mapped_column(
        ForeignKey("request.id", ondelete="CASCADE"), index=True
    )
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), unique=True)
    title: Mapped[str] = mapped_column(String(200), default="")

    file: Mapped[StoredFile] = relationship(lazy="raise_on_sql")


class Response(Identified, Model):
    """An organization's expression of interest in a request; one per organization."""

    __table_args__ = (
        UniqueConstraint("request_id", "organization_id"),
        CheckConstraint(
            "status IN ('sent', 'accepted', 'declined', 'withdrawn')", name="status_known"
        ),
    )

    request_id: Mapped[int] = mapped_column(
        ForeignKey("request.id", ondelete="CASCADE"), index=True
    )
    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    message: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(10), default="sent")
    decision_note: Mapped[str] = mapped_column(String(2000), default="")
    decided_at: Mapped[dt.datetime | None]
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    request: Mapped[Request] = relationship(lazy="raise_on_sql")
    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    created_by: Mapped[User | None] = relationship(lazy="raise_on_sql")

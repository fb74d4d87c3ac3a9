"""Requests with all that hangs on them, and the responses of other organizations."""

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
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.facilities.models import Equipment, Facility
from portal.kernel.clock import now
from portal.kernel.database import NO_NUMBER_TWICE, Identified, Model, Timestamped, known_values
from portal.kernel.files import StoredFile
from portal.kernel.listing import Listed, visibility_check
from portal.organizations.models import Organization
from portal.partnerships.rules.words import (
    AGREEMENT_KINDS,
    IP_STATUSES,
    MANDATE_STATUSES,
    RESULTS,
    REVEAL_CAUSES,
)
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
    search_words: what was searched for, and not found, before it was written.
    radius_miles: how far away partners may be (None: anywhere).
    reminded_at: when its people were told that the end is near (None: not of this end).
    is_urgent: mutual aid: it is told to everyone near who offers the capability, and ends in days.
    is_on_behalf: a broker of the region wrote it for the organization, whose word it needs.
    equipment_id, facility_id: what it asks to use, if that is one thing that stands here;
    asked_organization_id: whose that is. It sees the request, and is told of it, once published.
    """

    is_settled = False

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
            "status IN ('draft', 'proposed', 'published', 'paused', 'fulfilled', 'withdrawn',"
            " 'expired')",
            name="status_known",
        ),
        CheckConstraint("trl IS NULL OR trl BETWEEN 1 AND 9", name="trl_in_range"),
        CheckConstraint("radius_miles IS NULL OR radius_miles > 0", name="radius_positive"),
        CheckConstraint("renewals BETWEEN 0 AND 1", name="one_renewal"),
        CheckConstraint("budget_cents IS NULL OR budget_cents >= 0", name="budget_not_negative"),
        CheckConstraint("equipment_id IS NULL OR facility_id IS NULL", name="one_subject"),
        CheckConstraint("asked_organization_id <> organization_id", name="asks_another"),
        CheckConstraint("NOT is_urgent OR direction = 'need'", name="urgent_is_need"),
        Index("ix_request_status_expires_on", "status", "expires_on"),
        Index("ix_request_published_at_id", "published_at", "id"),
        NO_NUMBER_TWICE,
    )

    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(20))
    direction: Mapped[str] = mapped_column(String(5))
    title: Mapped[str] = mapped_column(String(200))
    search_words: Mapped[str] = mapped_column(String(200), default="")
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
    is_urgent: Mapped[bool] = mapped_column(default=False)
    is_on_behalf: Mapped[bool] = mapped_column(default=False)
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
    created_by: Mapped[User | None] = relationship(
        foreign_keys="Request.created_by_id", lazy="raise_on_sql"
    )
    reveals: Mapped[list["RequestReveal"]] = relationship(
        order_by=lambda: RequestReveal.id, lazy="raise_on_sql", passive_deletes=True
    )


class RequestAttachment(Identified, Model):
    """A drawing, specification or picture that belongs to a request."""

    is_settled = False

    request_id: Mapped[int] = mapped_column(
        ForeignKey("request.id", ondelete="CASCADE"), index=True
    )
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), unique=True)
    title: Mapped[str] = mapped_column(String(200), default="")

    file: Mapped[StoredFile] = relationship(lazy="raise_on_sql")


class Response(Identified, Model):
    """An organization's expression of interest in a request; one per organization."""

    is_settled = False

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


class RequestReveal(Identified, Model):
    """An anonymous request let an organization know whose it is (None: everybody). A log."""

    is_settled = False

    __table_args__ = (
        known_values("cause", REVEAL_CAUSES),
        Index(
            "uq_request_reveal_organization",
            "request_id",
            "organization_id",
            unique=True,
            sqlite_where=text("organization_id IS NOT NULL"),
            postgresql_where=text("organization_id IS NOT NULL"),
        ),
    )

    request_id: Mapped[int] = mapped_column(
        ForeignKey("request.id", ondelete="CASCADE"), index=True
    )
    organization_id: Mapped[int | None] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    cause: Mapped[str] = mapped_column(String(8))
    revealed_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    revealed_at: Mapped[dt.datetime] = mapped_column(default=now)

    organization: Mapped[Organization | None] = relationship(lazy="raise_on_sql")
    revealed_by: Mapped[User | None] = relationship(lazy="raise_on_sql")


class RequestClosing(Model):
    """What came of a request, as its people say when it is over."""

    is_settled = False

    __table_args__ = (known_values("result", RESULTS),)

    request_id: Mapped[int] = mapped_column(
        ForeignKey("request.id", ondelete="CASCADE"), primary_key=True
    )
    result: Mapped[str] = mapped_column(String(16))
    response_id: Mapped[int | None] = mapped_column(
        ForeignKey("response.id", ondelete="SET NULL"), index=True
    )
    note: Mapped[str] = mapped_column(String(2000), default="")
    told_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    told_at: Mapped[dt.datetime] = mapped_column(default=now)

    response: Mapped[Response | None] = relationship(lazy="raise_on_sql")


class Mandate(Identified, Model):
    """The word of a firm that a broker may post a request for it, asked for by e-mail.

    Only the hash of the link's token is kept. answered_by: the name that was given with the answer.
    """

    is_settled = False

    __table_args__ = (known_values("status", MANDATE_STATUSES),)

    locked_after = "request"

    request_id: Mapped[int] = mapped_column(
        ForeignKey("request.id", ondelete="CASCADE"), unique=True
    )
    email: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(2))
    message: Mapped[str] = mapped_column(String(2000), default="")
    status: Mapped[str] = mapped_column(String(8), default="asked")
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    asked_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    asked_at: Mapped[dt.datetime] = mapped_column(default=now)
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
    answered_by: Mapped[str] = mapped_column(String(200), default="")
    answered_at: Mapped[dt.datetime | None]
    note: Mapped[str] = mapped_column(String(2000), default="")

    request: Mapped[Request] = relationship(lazy="raise_on_sql")
    asked_by: Mapped[User | None] = relationship(lazy="raise_on_sql")


class UrgentCall(Model):
    """An organization that was told of an urgent request, and how far away it is."""

    is_settled = False

    __table_args__ = (CheckConstraint("miles >= 0", name="miles_not_negative"),)

    request_id: Mapped[int] = mapped_column(
        ForeignKey("request.id", ondelete="CASCADE"), primary_key=True
    )
    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    miles: Mapped[float]
    told_at: Mapped[dt.datetime] = mapped_column(default=now)

    request: Mapped[Request] = relationship(lazy="raise_on_sql")


class UrgentSilence(Model):
    """A person who wants no e-mail about the urgent requests of others."""

    is_settled = False

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    since: Mapped[dt.datetime] = mapped_column(default=now)

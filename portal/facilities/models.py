"""Facilities and equipment, with their photos, documents, capabilities and rates."""

from typing import Any

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
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.kernel.database import NO_NUMBER_TWICE, Identified, Model, Timestamped
from portal.kernel.files import StoredFile
from portal.kernel.listing import Listed, visibility_check
from portal.organizations.models import Organization
from portal.regions.models import Capability, Placed

facility_capability = Table(
    "facility_capability",
    Model.metadata,
    Column("facility_id", ForeignKey("facility.id", ondelete="CASCADE"), primary_key=True),
    Column("capability_key", ForeignKey("capability.key"), primary_key=True, index=True),
)

equipment_capability = Table(
    "equipment_capability",
    Model.metadata,
    Column("equipment_id", ForeignKey("equipment.id", ondelete="CASCADE"), primary_key=True),
    Column("capability_key", ForeignKey("capability.key"), primary_key=True, index=True),
)


class Facility(Identified, Timestamped, Listed, Placed, Model):
    """A place that can be shared. opening_hours: rows of {weekday 0–6, opens, closes} (HH:MM).

    external_id, external_values: its id in the catalog it was imported from, and what that catalog
    says of it for which there is no field here, so that an export gives it back.
    """

    __table_args__ = (
        visibility_check(),
        CheckConstraint(
            "kind IN ('lab', 'pilot_line', 'makerspace', 'test_bed', 'shop_floor')",
            name="kind_known",
        ),
        Index("ix_facility_name_id", "name", "id"),
        UniqueConstraint("organization_id", "external_id"),
        NO_NUMBER_TWICE,
    )

    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20))
    summary: Mapped[str] = mapped_column(String(280), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    opening_hours: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    access_policy: Mapped[str] = mapped_column(Text, default="")
    services: Mapped[str] = mapped_column(Text, default="")
    safety_notes: Mapped[str] = mapped_column(Text, default="")
    contact_name: Mapped[str] = mapped_column(String(120), default="")
    contact_email: Mapped[str] = mapped_column(String(254), default="")
    contact_phone: Mapped[str] = mapped_column(String(30), default="")
    external_id: Mapped[str | None] = mapped_column(String(120))
    external_values: Mapped[dict[str, Any]] = mapped_column(default=dict)

    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    capabilities: Mapped[list[Capability]] = relationship(
        secondary=facility_capability, order_by=Capability.label, lazy="raise_on_sql"
    )
    equipment: Mapped[list["Equipment"]] = relationship(
        back_populates="facility", lazy="raise_on_sql", passive_deletes=True
    )
    photos: Mapped[list["FacilityPhoto"]] = relationship(
        order_by=lambda: (FacilityPhoto.position, FacilityPhoto.id),
        lazy="raise_on_sql",
        passive_deletes=True,
    )
    confirmed_by: Mapped[User | None] = relationship(
        foreign_keys="Facility.confirmed_by_id", lazy="raise_on_sql"
    )


class Equipment(Identified, Timestamped, Listed, Placed, Model):
    """A machine or instrument, in a facility or on its own (then it has a place of its own).

    specifications: rows of {name, value, unit}.
    """

    __table_args__ = (
        visibility_check(),
        CheckConstraint(
            "condition IN ('', 'new', 'good', 'fair', 'needs_repair')", name="condition_known"
        ),
        CheckConstraint(
            "sharing_terms IN ('in_house', 'by_request', 'bookable')", name="sharing_terms_known"
        ),
        CheckConstraint("year IS NULL OR year BETWEEN 1850 AND 2100", name="year_plausible"),
        Index("ix_equipment_name_id", "name", "id"),
        UniqueConstraint("organization_id", "external_id"),
        NO_NUMBER_TWICE,
    )

    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    facility_id: Mapped[int | None] = mapped_column(
        ForeignKey("facility.id", ondelete="SET NULL"), index=True
    )
    name: Mapped[str] = mapped_column(String(200))
    make: Mapped[str] = mapped_column(String(120), default="")
    model: Mapped[str] = mapped_column(String(120), default="")
    serial_number: Mapped[str] = mapped_column(String(120), default="")
    year: Mapped[int | None]
    condition: Mapped[str] = mapped_column(String(16), default="")
    summary: Mapped[str] = mapped_column(String(280), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    specifications: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    technique: Mapped[str] = mapped_column(String(200), default="")
    sharing_terms: Mapped[str] = mapped_column(String(12), default="by_request")
    eligibility: Mapped[str] = mapped_column(String(2000), default="")
    operator_provided: Mapped[bool] = mapped_column(default=False)
    training_needed: Mapped[str] = mapped_column(String(2000), default="")
    service_level: Mapped[str] = mapped_column(String(200), default="")
    external_id: Mapped[str | None] = mapped_column(String(120))
    external_values: Mapped[dict[str, Any]] = mapped_column(default=dict)

    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    facility: Mapped[Facility | None] = relationship(
        back_populates="equipment", lazy="raise_on_sql"
    )
    capabilities: Mapped[list[Capability]] = relationship(
        secondary=equipment_capability, order_by=Capability.label, lazy="raise_on_sql"
    )
    rates: Mapped[list["EquipmentRate"]] = relationship(
        order_by=lambda: (EquipmentRate.customer_class, EquipmentRate.unit),
        cascade="all, delete-orphan",
        lazy="raise_on_sql",
        passive_deletes=True,
    )
    photos: Mapped[list["EquipmentPhoto"]] = relationship(
        order_by=lambda: (EquipmentPhoto.position, EquipmentPhoto.id),
        lazy="raise_on_sql",
        passive_deletes=True,
    )
    documents: Mapped[list["EquipmentDocument"]] = relationship(
        order_by=lambda: EquipmentDocument.id, lazy="raise_on_sql", passive_deletes=True
    )
    confirmed_by: Mapped[User | None] = relationship(
        foreign_keys="Equipment.confirmed_by_id", lazy="raise_on_sql"
    )

    @hybrid_property
    def is_bookable(self) -> bool:
        """Whether other organizations can book it here; in a query, the condition for that."""
        return self.sharing_terms == "bookable"


class EquipmentRate(Identified, Model):
    """What an hour, day, run or sample costs a customer class, in cents."""

    __table_args__ = (
        UniqueConstraint("equipment_id", "customer_class", "unit"),
        CheckConstraint("price_cents >= 0", name="price_not_negative"),
        CheckConstraint(
            "customer_class IN ('own_organization', 'member_sme', 'academic', 'other')",
            name="customer_class_known",
        ),
        CheckConstraint("unit IN ('hour', 'day', 'run', 'sample')", name="unit_known"),
    )

    equipment_id: Mapped[int] = mapped_column(ForeignKey("equipment.id", ondelete="CASCADE"))
    customer_class: Mapped[str] = mapped_column(String(20))
    unit: Mapped[str] = mapped_column(String(8))
    price_cents: Mapped[int]


class FacilityPhoto(Identified, Model):
    """A photo of a facility, with words for those who cannot see it."""

    facility_id: Mapped[int] = mapped_column(
        ForeignKey("facility.id", ondelete="CASCADE"), index=True
    )
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), unique=True)
    caption: Mapped[str] = mapped_column(String(200), default="")
    position: Mapped[int] = mapped_column(default=0)

    file: Mapped[StoredFile] = relationship(lazy="raise_on_sql")


class EquipmentPhoto(Identified, Model):
    """A photo of a piece of equipment, with words for those who cannot see it."""

    equipment_id: Mapped[int] = mapped_column(
        ForeignKey("equipment.id", ondelete="CASCADE"), index=True
    )
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), unique=True)
    caption: Mapped[str] = mapped_column(String(200), default="")
    position: Mapped[int] = mapped_column(default=0)

    file: Mapped[StoredFile] = relationship(lazy="raise_on_sql")


class EquipmentDocument(Identified, Model):
    """A data sheet, manual or certificate of a piece of equipment."""

    equipment_id: Mapped[int] = mapped_column(
        ForeignKey("equipment.id", ondelete="CASCADE"), index=True
    )
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), unique=True)
    title: Mapped[str] = mapped_column(String(200), default="")

    file: Mapped[StoredFile] = relationship(lazy="raise_on_sql")

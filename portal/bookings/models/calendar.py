"""When something can be booked at all: resources, their rules, hours, closures, dependencies."""

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
    UniqueConstraint,
    case,
    select,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.bookings.rules.words import (
    CLOSURE_KINDS,
    QUOTA_PERIODS,
    QUOTA_SHARERS,
    RESOURCE_KINDS,
)
from portal.facilities.models import Equipment, Facility
from portal.facilities.rules import CUSTOMER_CLASSES
from portal.kernel.clock import now
from portal.kernel.database import Identified, Model, known_values
from portal.organizations.models import Organization
from portal.regions.models import Region


class Resource(Identified, Model):
    """What rules, closures and bookings hang on; made when the first of them is written.

    kind: "equipment", "facility" or "operator" (a person of the organization whose time is booked
    along); "organization" carries what holds for all of its resources and is never booked itself.
    name: as it was when last written, for the bookings of what was removed since.
    is_bookable: whether others may book a facility or an operator; equipment says so by its sharing
    terms.
    time_zone: an IANA name, or nothing where the place decides.
    hours: rows of {weekday 0–6, opens, closes} (HH:MM), or None where they are inherited. A
    facility's are its opening hours, so it has none here.
    """

    __table_args__ = (
        known_values("kind", RESOURCE_KINDS),
        CheckConstraint("kind = 'facility' OR facility_id IS NULL", name="facility_of_its_kind"),
        CheckConstraint("kind = 'equipment' OR equipment_id IS NULL", name="equipment_of_its_kind"),
        CheckConstraint("kind = 'operator' OR operator_id IS NULL", name="operator_of_its_kind"),
        CheckConstraint("kind <> 'facility' OR hours IS NULL", name="facility_has_opening_hours"),
        UniqueConstraint("organization_id", "operator_id"),
        Index(
            "uq_resource_organization",
            "organization_id",
            unique=True,
            sqlite_where=Column("kind") == "organization",
            postgresql_where=Column("kind") == "organization",
        ),
    )

    kind: Mapped[str] = mapped_column(String(12))
    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    facility_id: Mapped[int | None] = mapped_column(
        ForeignKey("facility.id", ondelete="SET NULL"), unique=True
    )
    equipment_id: Mapped[int | None] = mapped_column(
        ForeignKey("equipment.id", ondelete="SET NULL"), unique=True
    )
    operator_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    name: Mapped[str] = mapped_column(String(200))
    is_bookable: Mapped[bool] = mapped_column(default=False)
    time_zone: Mapped[str] = mapped_column(String(60), default="")
    hours: Mapped[list[dict[str, Any]] | None]

    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    facility: Mapped[Facility | None] = relationship(lazy="raise_on_sql")
    equipment: Mapped[Equipment | None] = relationship(lazy="raise_on_sql")
    operator: Mapped[User | None] = relationship(lazy="raise_on_sql")

    @hybrid_property
    def is_open(self) -> bool:
        """Tell whether organizations other than its own can book it; equipment says so itself."""
        if self.kind == "equipment":
            return self.equipment is not None and self.equipment.is_bookable
        return self.is_bookable

    @property
    def is_gone(self) -> bool:
        """Tell whether nothing is left that anybody could book."""
        if self.kind == "operator":
            return self.operator_id is None
        return self.equipment is None and self.facility is None

    def is_open_to(self, organization_id: int) -> bool:
        """Tell whether an organization can book it, if rules and gates let it."""
        return not self.is_gone and (self.organization_id == organization_id or self.is_open)

    @is_open.inplace.expression
    @classmethod
    def _is_open_in_sql(cls) -> ColumnElement[bool]:
        shared = select(Equipment.id).where(Equipment.is_bookable)
        return case((cls.kind == "equipment", cls.equipment_id.in_(shared)), else_=cls.is_bookable)


rule_layer_region = Table(
    "rule_layer_region",
    Model.metadata,
    Column("rule_layer_id", ForeignKey("rule_layer.id", ondelete="CASCADE"), primary_key=True),
    Column("region_id", ForeignKey("region.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class RuleLayer(Identified, Model):
    """What one resource says of its booking rules, for one customer class or ("") for all.

    None: nothing is said here, so the next layer decides: of a resource the one of the customer's
    class before the one of all, then the facility's, then the organization's, then the defaults
    of `rules/inheritance.py`. Narrower wins.
    eligible_kinds: kinds of organizations that may book; eligible_regions: an empty list of an
    `is_regional` layer lets nobody in.
    """

    __table_args__ = (
        UniqueConstraint("resource_id", "customer_class"),
        known_values("customer_class", CUSTOMER_CLASSES, is_optional=True),
        CheckConstraint(
            "approval IS NULL OR approval IN ('instant', 'host')", name="approval_known"
        ),
        *(
            CheckConstraint(f"{name} IS NULL OR {name} >= {least}", name=f"{name}_in_range")
            for name, least in (
                ("slot_minutes", 1),
                ("min_length_minutes", 1),
                ("max_length_minutes", 1),
                ("lead_time_minutes", 0),
                ("horizon_days", 1),
                ("cancel_notice_minutes", 0),
                ("buffer_before_minutes", 0),
                ("buffer_after_minutes", 0),
                ("turnaround_minutes", 0),
                ("capacity", 1),
                ("no_show_minutes", 1),
            )
        ),
        CheckConstraint(
            "min_length_minutes IS NULL OR max_length_minutes IS NULL"
            " OR min_length_minutes <= max_length_minutes",
            name="lengths_in_order",
        ),
        CheckConstraint("customer_class = '' OR capacity IS NULL", name="one_capacity"),
    )

    resource_id: Mapped[int] = mapped_column(ForeignKey("resource.id", ondelete="CASCADE"))
    customer_class: Mapped[str] = mapped_column(String(20), default="")
    slot_minutes: Mapped[int | None]
    min_length_minutes: Mapped[int | None]
    max_length_minutes: Mapped[int | None]
    lead_time_minutes: Mapped[int | None]
    horizon_days: Mapped[int | None]
    cancel_notice_minutes: Mapped[int | None]
    buffer_before_minutes: Mapped[int | None]
    buffer_after_minutes: Mapped[int | None]
    turnaround_minutes: Mapped[int | None]
    capacity: Mapped[int | None]
    no_show_minutes: Mapped[int | None]
    approval: Mapped[str | None] = mapped_column(String(8))
    needs_qualification: Mapped[bool | None]
    needs_agreement: Mapped[bool | None]
    needs_insurance: Mapped[bool | None]
    needs_induction: Mapped[bool | None]
    eligible_kinds: Mapped[list[str] | None]
    is_regional: Mapped[bool | None]

    resource: Mapped[Resource] = relationship(lazy="raise_on_sql")
    eligible_regions: Mapped[list[Region]] = relationship(
        secondary=rule_layer_region, order_by=Region.name, lazy="raise_on_sql"
    )


class Quota(Identified, Model):
    """How much one person, one organization or everybody together may book in a period.

    Days, weeks (from Monday) and months are those of the resource's time zone; a booking over
    midnight counts to each period with its part, as a count to the one in which it starts.
    """

    __table_args__ = (
        UniqueConstraint("resource_id", "customer_class", "shared_by", "period"),
        known_values("customer_class", CUSTOMER_CLASSES, is_optional=True),
        known_values("shared_by", QUOTA_SHARERS),
        known_values("period", QUOTA_PERIODS),
        CheckConstraint("most_minutes IS NULL OR most_minutes > 0", name="minutes_positive"),
        CheckConstraint("most_bookings IS NULL OR most_bookings > 0", name="bookings_positive"),
        CheckConstraint(
            "most_minutes IS NOT NULL OR most_bookings IS NOT NULL", name="says_something"
        ),
    )

    resource_id: Mapped[int] = mapped_column(ForeignKey("resource.id", ondelete="CASCADE"))
    customer_class: Mapped[str] = mapped_column(String(20), default="")
    shared_by: Mapped[str] = mapped_column(String(12))
    period: Mapped[str] = mapped_column(String(5))
    most_minutes: Mapped[int | None]
    most_bookings: Mapped[int | None]

    resource: Mapped[Resource] = relationship(lazy="raise_on_sql")


class SpecialHours(Identified, Model):
    """The hours of one date, instead of the weekday's: rows of {opens, closes}; none is closed."""

    __table_args__ = (UniqueConstraint("resource_id", "date"),)

    resource_id: Mapped[int] = mapped_column(ForeignKey("resource.id", ondelete="CASCADE"))
    date: Mapped[dt.date]
    hours: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    reason: Mapped[str] = mapped_column(String(200), default="")

    resource: Mapped[Resource] = relationship(lazy="raise_on_sql")


closure_organization = Table(
    "closure_organization",
    Model.metadata,
    Column("closure_id", ForeignKey("closure.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "organization_id",
        ForeignKey("organization.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
)


class Closure(Identified, Model):
    """A time in which a resource, and what depends on it, cannot be booked.

    kind: "closure" (holidays, stocktaking), "blocking" (kept free for somebody: the organizations
    in `allowed` may book it) or "outage" (it does not work, by plan or not).
    ends_at: None for an outage whose end nobody knows yet.
    recurrence: as `rules/recurrence.py` reads it, or None; the span then is the first of many.
    """

    __table_args__ = (
        known_values("kind", CLOSURE_KINDS),
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="span_in_order"),
        CheckConstraint("kind = 'outage' OR ends_at IS NOT NULL", name="only_outages_are_open"),
        CheckConstraint("recurrence IS NULL OR ends_at IS NOT NULL", name="repeats_a_whole_span"),
        Index("ix_closure_resource_id_starts_at", "resource_id", "starts_at"),
    )

    resource_id: Mapped[int] = mapped_column(ForeignKey("resource.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(8))
    is_planned: Mapped[bool] = mapped_column(default=True)
    starts_at: Mapped[dt.datetime]
    ends_at: Mapped[dt.datetime | None]
    recurrence: Mapped[dict[str, Any] | None]
    reason: Mapped[str] = mapped_column(String(500), default="")
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    resource: Mapped[Resource] = relationship(lazy="raise_on_sql")
    allowed: Mapped[list[Organization]] = relationship(
        secondary=closure_organization, order_by=Organization.name, lazy="raise_on_sql"
    )


class Dependency(Model):
    """A resource that does not work without another: a machine without its compressor.

    Equipment always depends on its facility; that needs no row here.
    """

    __table_args__ = (CheckConstraint("resource_id <> needs_id", name="needs_another"),)

    resource_id: Mapped[int] = mapped_column(
        ForeignKey("resource.id", ondelete="CASCADE"), primary_key=True
    )
    needs_id: Mapped[int] = mapped_column(
        ForeignKey("resource.id", ondelete="CASCADE"), primary_key=True, index=True
    )

    resource: Mapped[Resource] = relationship(foreign_keys=resource_id, lazy="raise_on_sql")
    needs: Mapped[Resource] = relationship(foreign_keys=needs_id, lazy="raise_on_sql")

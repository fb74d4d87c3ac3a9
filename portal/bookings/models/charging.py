"""What the use of a resource costs, what was charged for it, and what went wrong."""

import datetime as dt

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Closure, Resource
from portal.bookings.rules.words import CHARGE_KINDS, DISPUTE_STATUSES
from portal.facilities.rules import CUSTOMER_CLASSES, RATE_UNITS
from portal.kernel.clock import now
from portal.kernel.database import Identified, Model, known_values
from portal.organizations.models import Organization


class RateCard(Identified, Model):
    """What one resource says of its prices, for one customer class or ("") for all; None: nothing.

    Prices of use of a piece of equipment are its `EquipmentRate`s; here stand those of facilities,
    operators and whole organizations, and the terms of all of them.
    operator_cents: per hour; cancellation_cents: for cancelling later than the notice allows.
    """

    __table_args__ = (
        UniqueConstraint("resource_id", "customer_class"),
        known_values("customer_class", CUSTOMER_CLASSES, is_optional=True),
        *(
            CheckConstraint(f"{name} IS NULL OR {name} >= 0", name=f"{name}_not_negative")
            for name in (
                "hour_cents",
                "day_cents",
                "run_cents",
                "sample_cents",
                "minimum_cents",
                "operator_cents",
                "cancellation_cents",
                "no_show_cents",
            )
        ),
    )

    resource_id: Mapped[int] = mapped_column(ForeignKey("resource.id", ondelete="CASCADE"))
    customer_class: Mapped[str] = mapped_column(String(20), default="")
    hour_cents: Mapped[int | None]
    day_cents: Mapped[int | None]
    run_cents: Mapped[int | None]
    sample_cents: Mapped[int | None]
    minimum_cents: Mapped[int | None]
    operator_cents: Mapped[int | None]
    cancellation_cents: Mapped[int | None]
    no_show_cents: Mapped[int | None]

    resource: Mapped[Resource] = relationship(lazy="raise_on_sql")


class ChargeLine(Identified, Model):
    """A line of what a booking costs, in cents; a booking's charge is the sum of its lines.

    quantity_thousandths: of the unit. note: why, for what a host adds or takes off by hand.
    Lines are added and never changed: what was wrong is put right by another line.
    """

    __table_args__ = (
        known_values("kind", CHARGE_KINDS),
        known_values("unit", RATE_UNITS, is_optional=True),
        CheckConstraint(
            "amount_cents >= 0 OR kind IN ('adjustment', 'voucher', 'in_kind')",
            name="only_what_is_taken_off_is_negative",
        ),
        CheckConstraint(
            "amount_cents < 0 OR kind NOT IN ('voucher', 'in_kind')", name="vouchers_are_taken_off"
        ),
        CheckConstraint(
            "note <> '' OR kind NOT IN ('adjustment', 'voucher', 'in_kind')",
            name="by_hand_says_why",
        ),
        CheckConstraint("quantity_thousandths >= 0", name="quantity_not_negative"),
    )

    is_settled = False

    booking_id: Mapped[int] = mapped_column(
        ForeignKey("booking.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(12))
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    unit: Mapped[str] = mapped_column(String(8), default="")
    quantity_thousandths: Mapped[int] = mapped_column(default=0)
    unit_cents: Mapped[int] = mapped_column(default=0)
    note: Mapped[str] = mapped_column(String(500), default="")
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    booking: Mapped[Booking] = relationship(lazy="raise_on_sql")
    created_by: Mapped[User | None] = relationship(lazy="raise_on_sql")


class Dispute(Identified, Model):
    """The paying organization does not agree with a booking's charge; the host answers once."""

    __table_args__ = (
        known_values("status", DISPUTE_STATUSES),
        CheckConstraint("(status = 'open') = (decided_at IS NULL)", name="decided_when_closed"),
        Index(
            "uq_dispute_open",
            "booking_id",
            unique=True,
            sqlite_where=text("status = 'open'"),
            postgresql_where=text("status = 'open'"),
        ),
    )

    booking_id: Mapped[int] = mapped_column(
        ForeignKey("booking.id", ondelete="CASCADE"), index=True
    )
    host_organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    reason: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(8), default="open")
    answer: Mapped[str] = mapped_column(String(2000), default="")
    raised_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    decided_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    raised_at: Mapped[dt.datetime] = mapped_column(default=now)
    decided_at: Mapped[dt.datetime | None]

    booking: Mapped[Booking] = relationship(lazy="raise_on_sql")
    organization: Mapped[Organization] = relationship(
        foreign_keys=organization_id, lazy="raise_on_sql"
    )


class Incident(Identified, Model):
    """What went wrong during a booking, and the outage that was opened for it, if any."""

    booking_id: Mapped[int] = mapped_column(
        ForeignKey("booking.id", ondelete="CASCADE"), index=True
    )
    text: Mapped[str] = mapped_column(Text)
    closure_id: Mapped[int | None] = mapped_column(
        ForeignKey("closure.id", ondelete="SET NULL"), unique=True
    )
    reported_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    reported_at: Mapped[dt.datetime] = mapped_column(default=now)

    booking: Mapped[Booking] = relationship(lazy="raise_on_sql")
    closure: Mapped[Closure | None] = relationship(lazy="raise_on_sql")
    reported_by: Mapped[User | None] = relationship(lazy="raise_on_sql")

"""Bookings with their series, moves and overrides, and the waiting list."""

import datetime as dt
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    event,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.bookings.models.calendar import Resource
from portal.bookings.rules.words import (
    BOOKING_STATUSES,
    HOLDING_STATUSES,
    WAITING_STATUSES,
)
from portal.facilities.rules import CUSTOMER_CLASSES
from portal.kernel.clock import now
from portal.kernel.database import Identified, Model, Timestamped, known_values
from portal.organizations.models import Organization

_HOLDING = "status IN ({})".format(", ".join(f"'{status}'" for status in HOLDING_STATUSES))


class BookingSeries(Identified, Model):
    """What bookings were made together by a recurrence; each of them stands alone afterwards."""

    is_settled = False

    recurrence: Mapped[dict[str, Any]]
    created_at: Mapped[dt.datetime] = mapped_column(default=now)


class Booking(Identified, Timestamped, Model):
    """A claim on a resource for a half-open span of time.

    host_organization_id: whose the resource is; organization_id: who books it; user_id: the person
    who will be there; booked_by_id: who wrote it.
    place: which of the resource's `capacity` places it holds, from 1. Two bookings that hold time
    never share a place at one time: the database itself refuses that. Negative while places are
    dealt out anew within a transaction.
    party: what several bookings made at once, all or nothing, have in common.
    sequence: grows whenever its time, state or purpose changes, as calendar programs expect.
    customer_class, estimate_cents: as they were when it was made.
    used_from, used_until: when it was really used. runs, samples: how many are paid for, as planned
    until its end and as they were afterwards. with_operator: whether one comes along.
    is_cancelled_late: cancelled by its own side when the notice that the rules ask for was over.
    request_digest: of what was asked for with the idempotency key.
    """

    __table_args__ = (
        known_values("status", BOOKING_STATUSES),
        known_values("customer_class", CUSTOMER_CLASSES),
        CheckConstraint("ends_at > starts_at", name="span_in_order"),
        CheckConstraint("place <> 0", name="place_counts_from_one"),
        CheckConstraint(
            "used_until IS NULL OR (used_from IS NOT NULL AND used_until >= used_from)",
            name="use_in_order",
        ),
        CheckConstraint("estimate_cents IS NULL OR estimate_cents >= 0", name="estimate_positive"),
        CheckConstraint("runs >= 0 AND samples >= 0", name="counts_not_negative"),
        UniqueConstraint("booked_by_id", "idempotency_key"),
        Index("ix_booking_resource_id_ends_at", "resource_id", "ends_at"),
        Index("ix_booking_organization_id_starts_at", "organization_id", "starts_at"),
        Index("ix_booking_host_organization_id_starts_at", "host_organization_id", "starts_at"),
        Index("ix_booking_user_id_starts_at", "user_id", "starts_at"),
        Index("ix_booking_status_starts_at", "status", "starts_at"),
        # Hardly any has one of these, and an index of all would be written for each.
        Index(
            "ix_booking_series_id",
            "series_id",
            sqlite_where=text("series_id IS NOT NULL"),
            postgresql_where=text("series_id IS NOT NULL"),
        ),
        Index(
            "ix_booking_party",
            "party",
            sqlite_where=text("party IS NOT NULL"),
            postgresql_where=text("party IS NOT NULL"),
        ),
        ExcludeConstraint(
            (
                func.int8range(literal_column("resource_id"), literal_column("resource_id"), "[]"),
                "&&",
            ),
            (func.int4range(literal_column("place"), literal_column("place"), "[]"), "&&"),
            (func.tstzrange(literal_column("starts_at"), literal_column("ends_at")), "&&"),
            name="ex_booking_one_at_a_time",
            where=literal_column(_HOLDING),
        ).ddl_if(dialect="postgresql"),
    )

    locked_after = "resource"
    is_settled = False

    resource_id: Mapped[int] = mapped_column(ForeignKey("resource.id", ondelete="CASCADE"))
    host_organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE")
    )
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    booked_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    series_id: Mapped[int | None] = mapped_column(
        ForeignKey("booking_series.id", ondelete="SET NULL")
    )
    party: Mapped[str | None] = mapped_column(String(32))
    starts_at: Mapped[dt.datetime]
    ends_at: Mapped[dt.datetime]
    place: Mapped[int] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(String(10))
    purpose: Mapped[str] = mapped_column(String(500), default="")
    customer_class: Mapped[str] = mapped_column(String(20))
    # A long booking at a high price is more than a plain integer of PostgreSQL holds.
    estimate_cents: Mapped[int | None] = mapped_column(BigInteger)
    sequence: Mapped[int] = mapped_column(default=0)
    used_from: Mapped[dt.datetime | None]
    used_until: Mapped[dt.datetime | None]
    runs: Mapped[int] = mapped_column(default=0)
    samples: Mapped[int] = mapped_column(default=0)
    with_operator: Mapped[bool] = mapped_column(default=False)
    usage_notes: Mapped[str] = mapped_column(Text, default="")
    is_cancelled_late: Mapped[bool] = mapped_column(default=False)
    idempotency_key: Mapped[str | None] = mapped_column(String(80))
    request_digest: Mapped[str | None] = mapped_column(String(32))
    is_demo: Mapped[bool] = mapped_column(default=False)

    resource: Mapped[Resource] = relationship(lazy="raise_on_sql")
    host: Mapped[Organization] = relationship(
        foreign_keys=host_organization_id, lazy="raise_on_sql"
    )
    organization: Mapped[Organization] = relationship(
        foreign_keys=organization_id, lazy="raise_on_sql"
    )
    user: Mapped[User | None] = relationship(foreign_keys=user_id, lazy="raise_on_sql")
    booked_by: Mapped[User | None] = relationship(foreign_keys=booked_by_id, lazy="raise_on_sql")
    series: Mapped[BookingSeries | None] = relationship(lazy="raise_on_sql")
    overrides: Mapped[list["BookingOverride"]] = relationship(
        order_by=lambda: BookingOverride.id, lazy="raise_on_sql", passive_deletes=True
    )
    moves: Mapped[list["BookingMove"]] = relationship(
        order_by=lambda: BookingMove.id, lazy="raise_on_sql", passive_deletes=True
    )

    @property
    def use(self) -> dict[str, Any]:
        """How it is used beyond its time, as far as its price depends on it."""
        return {name: getattr(self, name) for name in ("runs", "samples", "with_operator")}


def _refuse_overlaps(moment: str, others: str = "") -> DDL:
    # SQLite's counterpart of PostgreSQL's exclusion constraint.
    name = moment.partition(" ")[0].lower()
    overlapping = (
        f"resource_id = NEW.resource_id AND place = NEW.place AND {_HOLDING}"
        f" AND starts_at < NEW.ends_at AND ends_at > NEW.starts_at{others}"
    )
    return DDL(
        f"CREATE TRIGGER booking_one_at_a_time_{name} BEFORE {moment} ON booking"  # noqa: S608
        f" WHEN NEW.{_HOLDING} AND EXISTS (SELECT 1 FROM booking WHERE {overlapping})"
        " BEGIN SELECT RAISE(ABORT, 'ex_booking_one_at_a_time'); END"
    ).execute_if(dialect="sqlite")


TRIGGERS = (
    _refuse_overlaps("INSERT"),
    _refuse_overlaps(
        "UPDATE OF resource_id, place, status, starts_at, ends_at", " AND id <> NEW.id"
    ),
)
for _trigger in TRIGGERS:
    event.listen(Booking.__table__, "after_create", _trigger)


class BookingMove(Identified, Model):
    """What a booking was before its time, person or resource changed."""

    __table_args__ = (CheckConstraint("was_until > was_from", name="span_in_order"),)

    is_settled = False

    booking_id: Mapped[int] = mapped_column(
        ForeignKey("booking.id", ondelete="CASCADE"), index=True
    )
    was_from: Mapped[dt.datetime]
    was_until: Mapped[dt.datetime]
    was_user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    was_resource_id: Mapped[int] = mapped_column(
        ForeignKey("resource.id", ondelete="CASCADE"), index=True
    )
    moved_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    moved_at: Mapped[dt.datetime] = mapped_column(default=now)
    reason: Mapped[str] = mapped_column(String(500), default="")

    moved_by: Mapped[User | None] = relationship(foreign_keys=moved_by_id, lazy="raise_on_sql")
    was_user: Mapped[User | None] = relationship(foreign_keys=was_user_id, lazy="raise_on_sql")
    was_resource: Mapped[Resource] = relationship(lazy="raise_on_sql")


class BookingOverride(Identified, Model):
    """A rule that a host set aside for a booking, and why."""

    is_settled = False

    booking_id: Mapped[int] = mapped_column(
        ForeignKey("booking.id", ondelete="CASCADE"), index=True
    )
    code: Mapped[str] = mapped_column(String(20))
    message: Mapped[str] = mapped_column(String(500))
    reason: Mapped[str] = mapped_column(String(500))
    overridden_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    overridden_at: Mapped[dt.datetime] = mapped_column(default=now)

    overridden_by: Mapped[User | None] = relationship(lazy="raise_on_sql")


class WaitingEntry(Identified, Model):
    """Somebody who waits for a span that is taken, first come first served (by id).

    offered_until: until when the freed span is kept for this one; then the next is asked.
    """

    __table_args__ = (
        known_values("status", WAITING_STATUSES),
        CheckConstraint("ends_at > starts_at", name="span_in_order"),
        CheckConstraint("(status = 'offered') = (offered_until IS NOT NULL)", name="offer_has_end"),
        Index("ix_waiting_entry_resource_id_status", "resource_id", "status", "id"),
    )

    locked_after = "resource"
    is_settled = False

    resource_id: Mapped[int] = mapped_column(ForeignKey("resource.id", ondelete="CASCADE"))
    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    starts_at: Mapped[dt.datetime]
    ends_at: Mapped[dt.datetime]
    purpose: Mapped[str] = mapped_column(String(500), default="")
    status: Mapped[str] = mapped_column(String(8), default="waiting")
    offered_until: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    resource: Mapped[Resource] = relationship(lazy="raise_on_sql")
    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    user: Mapped[User] = relationship(lazy="raise_on_sql")

"""Sections: a program held at certain dates, with its meetings, its prices and its seats."""

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.bookings.models.booking import Booking
from portal.facilities.models import Facility
from portal.facilities.rules import CUSTOMER_CLASSES
from portal.kernel.database import NO_NUMBER_TWICE, Identified, Model, Timestamped, known_values
from portal.organizations.models import Organization
from portal.regions.models import Placed
from portal.training.models.programs import Program
from portal.training.rules.sections import SECTION_STATUSES


class Section(Identified, Timestamped, Placed, Model):
    """A program as it is held once: dates, place, seats, price.

    organization_id: the provider, as the program has it.
    name: tells it from others of its program ("Evenings"); may be empty.
    timezone: IANA name; its times are told on the clocks there.
    schedule: when it meets as it was said last, as `Schedule.as_json` writes it; its meetings may
    differ from that one by one. None where it has no meetings, or only ones written one by one.
    facility_id: where it is held, if that is a facility known here; place: the room, in words.
    Address, county and map point are those that count: of the facility as far as the program's
    readers may know them, else the section's own, else the provider's.
    online_url: only for those enrolled and the provider's people.
    min_seats: 0 where it is held for any number of people.
    enroll_until: the last day to enroll; None: the day before it begins.
    notice_days: so many days before it begins one withdraws without owing the price.
    sequence: grows whenever its time or state changes, as calendar programs expect.
    """

    __table_args__ = (
        known_values("status", SECTION_STATUSES),
        CheckConstraint("ends_on >= starts_on", name="dates_in_order"),
        CheckConstraint("seats > 0", name="seats_positive"),
        CheckConstraint("min_seats >= 0 AND min_seats <= seats", name="minimum_within_seats"),
        CheckConstraint(
            "enroll_until IS NULL OR enroll_until <= ends_on", name="deadline_before_end"
        ),
        Index("ix_section_program_id_starts_on", "program_id", "starts_on"),
        Index("ix_section_organization_id_starts_on", "organization_id", "starts_on"),
        Index("ix_section_status_starts_on", "status", "starts_on"),
        UniqueConstraint("program_id", "external_id"),
        CheckConstraint("notice_days >= 0 AND notice_days <= 365", name="notice_days_plausible"),
        # What enrollments hold on to, so that no seat lies beyond what the section has.
        Index("ix_section_id_seats", "id", "seats", unique=True),
        NO_NUMBER_TWICE,
    )

    is_settled = False

    program_id: Mapped[int] = mapped_column(ForeignKey("training_program.id", ondelete="CASCADE"))
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(120), default="")
    status: Mapped[str] = mapped_column(String(10), default="planned")
    starts_on: Mapped[dt.date]
    ends_on: Mapped[dt.date]
    timezone: Mapped[str] = mapped_column(String(40))
    schedule: Mapped[dict[str, Any] | None]
    facility_id: Mapped[int | None] = mapped_column(
        ForeignKey("facility.id", ondelete="SET NULL"), index=True
    )
    place: Mapped[str] = mapped_column(String(200), default="")
    online_url: Mapped[str] = mapped_column(String(500), default="")
    instructor: Mapped[str] = mapped_column(String(200), default="")
    seats: Mapped[int]
    min_seats: Mapped[int] = mapped_column(default=0)
    enroll_until: Mapped[dt.date | None]
    needs_approval: Mapped[bool] = mapped_column(default=False)
    notice_days: Mapped[int] = mapped_column(default=0)
    notes: Mapped[str] = mapped_column(String(2000), default="")
    sequence: Mapped[int] = mapped_column(default=0)
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    is_demo: Mapped[bool] = mapped_column(default=False)
    external_id: Mapped[str | None] = mapped_column(String(200))

    program: Mapped[Program] = relationship(lazy="raise_on_sql")
    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    facility: Mapped[Facility | None] = relationship(lazy="raise_on_sql")
    meetings: Mapped[list["SectionMeeting"]] = relationship(
        order_by=lambda: (SectionMeeting.starts_at, SectionMeeting.id),
        lazy="raise_on_sql",
        cascade="all, delete-orphan",
        passive_deletes=True,
    )
    prices: Mapped[list["SectionPrice"]] = relationship(
        order_by=lambda: SectionPrice.customer_class,
        lazy="raise_on_sql",
        cascade="all, delete-orphan",
        passive_deletes=True,
    )

    @property
    def price_by_class(self) -> dict[str, int]:
        """What a seat costs, in cents, for the classes for which that is said."""
        return {price.customer_class: price.price_cents for price in self.prices}


class SectionMeeting(Identified, Model):
    """A time at which a section meets, with the booking of its facility then."""

    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="span_in_order"),
        Index("ix_section_meeting_section_id_starts_at", "section_id", "starts_at"),
    )

    is_settled = False

    section_id: Mapped[int] = mapped_column(ForeignKey("section.id", ondelete="CASCADE"))
    starts_at: Mapped[dt.datetime]
    ends_at: Mapped[dt.datetime]
    booking_id: Mapped[int | None] = mapped_column(
        ForeignKey("booking.id", ondelete="SET NULL"), unique=True
    )

    booking: Mapped[Booking | None] = relationship(lazy="raise_on_sql")


class SectionPrice(Model):
    """What a seat of a section costs a customer class."""

    __table_args__ = (
        known_values("customer_class", CUSTOMER_CLASSES),
        CheckConstraint("price_cents >= 0", name="price_not_negative"),
    )

    section_id: Mapped[int] = mapped_column(
        ForeignKey("section.id", ondelete="CASCADE"), primary_key=True
    )
    customer_class: Mapped[str] = mapped_column(String(20), primary_key=True)
    price_cents: Mapped[int]

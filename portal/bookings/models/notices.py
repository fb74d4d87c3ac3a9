"""What people want to be told of bookings, what they were reminded of, and their calendar feeds."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.bookings.models.calendar import Resource
from portal.kernel.clock import now
from portal.kernel.database import Identified, Model


class NoticeChoice(Model):
    """What a person wants to get by e-mail; without a row, everything, and a day before.

    remind_minutes: how long before a booking begins, or None for no reminder.
    """

    __table_args__ = (
        CheckConstraint(
            "remind_minutes IS NULL OR remind_minutes IN (60, 1440)", name="remind_minutes_known"
        ),
    )

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    tells_person: Mapped[bool] = mapped_column(default=True)
    tells_host: Mapped[bool] = mapped_column(default=True)
    tells_offers: Mapped[bool] = mapped_column(default=True)
    remind_minutes: Mapped[int | None]


class Reminder(Model):
    """That a person was reminded of a booking at one time; a booking that is moved has another."""

    is_settled = False

    booking_id: Mapped[int] = mapped_column(
        ForeignKey("booking.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    starts_at: Mapped[dt.datetime] = mapped_column(primary_key=True)
    sent_at: Mapped[dt.datetime] = mapped_column(default=now)


class CalendarFeed(Identified, Model):
    """A secret address under which a calendar program reads bookings for a person.

    resource_id: all bookings of one thing of the person's organization; None: the person's own.
    What it shows is what the person may see at the time of reading.
    """

    __table_args__ = (
        Index(
            "uq_calendar_feed_own",
            "user_id",
            unique=True,
            sqlite_where=text("resource_id IS NULL"),
            postgresql_where=text("resource_id IS NULL"),
        ),
        Index(
            "uq_calendar_feed_resource",
            "user_id",
            "resource_id",
            unique=True,
            sqlite_where=text("resource_id IS NOT NULL"),
            postgresql_where=text("resource_id IS NOT NULL"),
        ),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    resource_id: Mapped[int | None] = mapped_column(
        ForeignKey("resource.id", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    user: Mapped[User] = relationship(lazy="raise_on_sql")
    resource: Mapped[Resource | None] = relationship(lazy="raise_on_sql")

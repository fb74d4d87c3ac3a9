"""Cases: what a region's brokers follow from a need to an outcome, with notes and tasks."""

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.brokerage.rules.stages import STAGES
from portal.kernel.clock import now
from portal.kernel.database import Identified, Model, Timestamped, known_values
from portal.organizations.models import Organization
from portal.partnerships.models import Request
from portal.regions.models import Region


class Case(Identified, Timestamped, Model):
    """One thing that the brokers of a region bring about; only they read it.

    status: its stage, as `rules/stages.py` lists them; staged_at: when it came to it.
    request_id: the need or offer that it follows; organization_id: whose case it is.
    keeper_id: the broker who looks after it; next_action, next_on: what is to be done, and by when.
    """

    __tablename__ = "broker_case"
    __table_args__ = (
        known_values("status", STAGES),
        CheckConstraint("next_on IS NULL OR next_action <> ''", name="next_day_of_something"),
        UniqueConstraint("region_id", "request_id"),
        Index("ix_broker_case_region_id_status_next_on", "region_id", "status", "next_on"),
    )

    region_id: Mapped[int] = mapped_column(ForeignKey("region.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(200))
    organization_id: Mapped[int | None] = mapped_column(
        ForeignKey("organization.id", ondelete="SET NULL"), index=True
    )
    request_id: Mapped[int | None] = mapped_column(
        ForeignKey("request.id", ondelete="SET NULL"), index=True
    )
    status: Mapped[str] = mapped_column(String(11), default="new")
    staged_at: Mapped[dt.datetime] = mapped_column(default=now)
    keeper_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    next_action: Mapped[str] = mapped_column(String(200), default="")
    next_on: Mapped[dt.date | None]
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )

    region: Mapped[Region] = relationship(lazy="raise_on_sql")
    organization: Mapped[Organization | None] = relationship(lazy="raise_on_sql")
    request: Mapped[Request | None] = relationship(lazy="raise_on_sql")
    keeper: Mapped[User | None] = relationship(foreign_keys=keeper_id, lazy="raise_on_sql")


class CaseNote(Identified, Model):
    """What a broker wrote down about a case, for the region's brokers."""

    case_id: Mapped[int] = mapped_column(
        ForeignKey("broker_case.id", ondelete="CASCADE"), index=True
    )
    text: Mapped[str] = mapped_column(Text)
    author_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    author: Mapped[User | None] = relationship(lazy="raise_on_sql")


class CaseTask(Identified, Model):
    """Something to do for a case; done_at: when it was (None: still open)."""

    __table_args__ = (
        Index("ix_case_task_keeper_id_done_at_due_on", "keeper_id", "done_at", "due_on"),
    )

    case_id: Mapped[int] = mapped_column(
        ForeignKey("broker_case.id", ondelete="CASCADE"), index=True
    )
    title: Mapped[str] = mapped_column(String(200))
    due_on: Mapped[dt.date | None]
    keeper_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    done_at: Mapped[dt.datetime | None]
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    case: Mapped[Case] = relationship(lazy="raise_on_sql")
    keeper: Mapped[User | None] = relationship(foreign_keys=keeper_id, lazy="raise_on_sql")


class CaseFilter(Identified, Model):
    """A choice among the cases that a broker keeps under a name; `values` as the address has it."""

    __table_args__ = (UniqueConstraint("user_id", "name"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

"""Webhooks of organizations, and the notices that go to them."""

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.kernel.clock import now
from portal.kernel.database import Identified, Model, Timestamped, known_values
from portal.kernel.outgoing import LONGEST_URL, PROBLEMS
from portal.organizations.models import Organization
from portal.webhooks.rules import NOTICE_STATUSES


class Webhook(Identified, Timestamped, Model):
    """An address of an organization's that is told what happens.

    secret: signs the notices; kept as it is, since signing needs it, and shown only when made.
    failures: how many notices in a row were given up.
    """

    __table_args__ = (CheckConstraint("failures >= 0", name="failures_not_negative"),)

    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    url: Mapped[str] = mapped_column(String(LONGEST_URL))
    kinds: Mapped[list[str]] = mapped_column(default=list)
    secret: Mapped[str] = mapped_column(String(80))
    is_active: Mapped[bool] = mapped_column(default=True)
    failures: Mapped[int] = mapped_column(default=0)
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )

    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")


class Notice(Identified, Model):
    """Something that a webhook is told.

    key: by which its program knows it at every try. answer: the status that came back last;
    problem: why none came.
    """

    is_settled = False

    __table_args__ = (
        known_values("status", NOTICE_STATUSES),
        known_values("problem", PROBLEMS, is_optional=True),
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        Index("ix_webhook_notice_webhook_id_id", "webhook_id", "id"),
        Index("ix_webhook_notice_created_at", "created_at"),
    )
    __tablename__ = "webhook_notice"

    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(40), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    data: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(String(10), default="open")
    attempts: Mapped[int] = mapped_column(default=0)
    answer: Mapped[int | None]
    problem: Mapped[str] = mapped_column(String(20), default="")
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    tried_at: Mapped[dt.datetime | None]

    webhook: Mapped[Webhook] = relationship(lazy="raise_on_sql")

"""What brokers did from their desk that others should know of."""

import datetime as dt

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Identified, Model


class ConfirmationAsk(Identified, Model):
    """A broker asked an organization's people to look at what they have not confirmed for long."""

    __table_args__ = (
        Index("ix_confirmation_ask_organization_id_asked_at", "organization_id", "asked_at"),
    )

    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    asked_at: Mapped[dt.datetime] = mapped_column(default=now)
    asked_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )

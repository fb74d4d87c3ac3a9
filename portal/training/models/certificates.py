"""Certificates: what was printed for somebody who passed, which stands whatever changes later."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.kernel.database import Identified, Model, Timestamped
from portal.organizations.models import Organization
from portal.skills.models import Credential
from portal.training.models.enrollments import Enrollment


class Certificate(Identified, Timestamped, Model):
    """A certificate with its number, which anybody who has the number can check.

    holder_name, title, issuer_name: as printed. title: the credential's name, or the program's.
    user_id: None as long as nobody has said which account is theirs.
    expires_on: the last day on which it is valid; None: for good.
    """

    __table_args__ = (
        CheckConstraint("expires_on IS NULL OR expires_on >= issued_on", name="dates_in_order"),
        CheckConstraint("(revoked_at IS NULL) = (revoked_reason = '')", name="revoked_with_reason"),
        Index("ix_certificate_user_id_issued_on", "user_id", "issued_on"),
        Index("ix_certificate_organization_id_id", "organization_id", "id"),
    )

    is_settled = False

    number: Mapped[str] = mapped_column(String(19), unique=True)
    enrollment_id: Mapped[int | None] = mapped_column(
        ForeignKey("enrollment.id", ondelete="SET NULL"), index=True
    )
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    credential_id: Mapped[int | None] = mapped_column(
        ForeignKey("credential.id", ondelete="SET NULL"), index=True
    )
    holder_name: Mapped[str] = mapped_column(String(120))
    title: Mapped[str] = mapped_column(String(200))
    issuer_name: Mapped[str] = mapped_column(String(200))
    issued_on: Mapped[dt.date]
    expires_on: Mapped[dt.date | None]
    revoked_at: Mapped[dt.datetime | None]
    revoked_reason: Mapped[str] = mapped_column(String(500), default="")
    revoked_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    is_demo: Mapped[bool] = mapped_column(default=False)

    @property
    def is_issuer_verified(self) -> bool:
        """Whether somebody has checked that the organization that issued it is what it says."""
        return self.organization.verified_at is not None

    enrollment: Mapped[Enrollment | None] = relationship(lazy="raise_on_sql")
    user: Mapped[User | None] = relationship(foreign_keys=user_id, lazy="raise_on_sql")
    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    credential: Mapped[Credential | None] = relationship(lazy="raise_on_sql")

"""Imports that people started, and what there is to tell about their rows."""

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.kernel.database import Identified, Model, Timestamped
from portal.kernel.files import StoredFile
from portal.organizations.models import Organization


class ImportRun(Identified, Timestamped, Model):
    """A file on its way in: checked first, then imported, in batches from `position` on.

    kind: of organizations whose row names none; visibility: of new facilities,
    equipment and programs.
    counts: numbers by outcome; sample: the first rows as they would be.
    """

    __table_args__ = (
        CheckConstraint(
            "status IN ('checking', 'checked', 'importing', 'done', 'failed', 'cancelled',"
            " 'closed')",
            name="status_known",
        ),
        CheckConstraint(
            "source_format IN ('csv', 'ipeds', 'uniquip', 'programs', 'sections')",
            name="format_known",
        ),
        Index("ix_import_run_status_id", "status", "id"),
    )

    is_settled = False

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    organization_id: Mapped[int | None] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    file_id: Mapped[int | None] = mapped_column(
        ForeignKey("stored_file.id", ondelete="SET NULL"), index=True
    )
    file_name: Mapped[str] = mapped_column(String(200))
    source_format: Mapped[str] = mapped_column(String(8))
    kind: Mapped[str] = mapped_column(String(40), default="")
    visibility: Mapped[str] = mapped_column(String(12), default="")
    allow_duplicates: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(String(10), default="checking")
    position: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    finding_count: Mapped[int] = mapped_column(default=0)
    sample: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    message: Mapped[str] = mapped_column(String(1000), default="")
    finished_at: Mapped[dt.datetime | None]

    user: Mapped[User] = relationship(lazy="raise_on_sql")
    organization: Mapped[Organization | None] = relationship(lazy="raise_on_sql")
    file: Mapped[StoredFile | None] = relationship(lazy="raise_on_sql")


class ImportFinding(Identified, Model):
    """A problem, a probable duplicate or a note, by line and column."""

    __table_args__ = (
        CheckConstraint("kind IN ('problem', 'duplicate', 'note')", name="kind_known"),
        Index("ix_import_finding_run_id_id", "run_id", "id"),
    )

    is_settled = False

    run_id: Mapped[int] = mapped_column(ForeignKey("import_run.id", ondelete="CASCADE"))
    line: Mapped[int]
    column: Mapped[str] = mapped_column(String(200))
    message: Mapped[str] = mapped_column(String(1000))
    kind: Mapped[str] = mapped_column(String(10))

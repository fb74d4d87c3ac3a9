"""What opens a gate: qualifications of people, recognitions between hosts, and clearances."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.bookings.rules.words import CLEARANCE_KINDS, GRANT_STATUSES
from portal.facilities.models import Equipment, Facility
from portal.kernel.clock import now
from portal.kernel.database import Identified, Model, known_values
from portal.kernel.files import StoredFile
from portal.organizations.models import Organization
from portal.regions.models import Capability


class Qualification(Identified, Model):
    """A person's proven right to operate a machine, or all of a capability, of a host.

    lapses_after_days: how long it lasts without use (None: use does not matter); `last_used_at`
    is the end of the last booking of such a machine.
    recognized_from_id: the other host's qualification that this one was granted for.
    """

    __table_args__ = (
        known_values("status", GRANT_STATUSES),
        CheckConstraint(
            "(equipment_id IS NULL) <> (capability_key IS NULL)", name="one_thing_to_operate"
        ),
        CheckConstraint("expires_on IS NULL OR expires_on >= granted_on", name="dates_in_order"),
        CheckConstraint(
            "lapses_after_days IS NULL OR lapses_after_days > 0", name="lapse_positive"
        ),
        UniqueConstraint("host_organization_id", "user_id", "equipment_id"),
        UniqueConstraint("host_organization_id", "user_id", "capability_key"),
        Index("ix_qualification_status_expires_on", "status", "expires_on"),
    )

    host_organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE")
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    equipment_id: Mapped[int | None] = mapped_column(
        ForeignKey("equipment.id", ondelete="CASCADE"), index=True
    )
    capability_key: Mapped[str | None] = mapped_column(ForeignKey("capability.key"), index=True)
    status: Mapped[str] = mapped_column(String(8), default="valid")
    granted_on: Mapped[dt.date]
    expires_on: Mapped[dt.date | None]
    lapses_after_days: Mapped[int | None]
    last_used_at: Mapped[dt.datetime | None]
    evidence: Mapped[str] = mapped_column(Text, default="")
    evidence_file_id: Mapped[int | None] = mapped_column(
        ForeignKey("stored_file.id", ondelete="SET NULL"), unique=True
    )
    recognized_from_id: Mapped[int | None] = mapped_column(
        ForeignKey("qualification.id", ondelete="SET NULL"), index=True
    )
    warned_at: Mapped[dt.datetime | None]
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    host: Mapped[Organization] = relationship(lazy="raise_on_sql")
    user: Mapped[User] = relationship(foreign_keys=user_id, lazy="raise_on_sql")
    equipment: Mapped[Equipment | None] = relationship(lazy="raise_on_sql")
    capability: Mapped[Capability | None] = relationship(lazy="raise_on_sql")
    evidence_file: Mapped[StoredFile | None] = relationship(lazy="raise_on_sql")
    recognized_from: Mapped["Qualification | None"] = relationship(
        remote_side="Qualification.id", lazy="raise_on_sql"
    )


class Recognition(Identified, Model):
    """Whose word a host takes: another host's qualifications, or a credential by its name."""

    __table_args__ = (
        CheckConstraint(
            "(recognized_organization_id IS NULL) <> (credential = '')", name="one_source"
        ),
        CheckConstraint(
            "recognized_organization_id IS NULL"
            " OR recognized_organization_id <> host_organization_id",
            name="recognizes_another",
        ),
        UniqueConstraint(
            "host_organization_id",
            "recognized_organization_id",
            "credential",
            "capability_key",
            name="uq_recognition_source",
        ),
    )

    host_organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE")
    )
    recognized_organization_id: Mapped[int | None] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    credential: Mapped[str] = mapped_column(String(200), default="")
    capability_key: Mapped[str | None] = mapped_column(ForeignKey("capability.key"), index=True)
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    host: Mapped[Organization] = relationship(
        foreign_keys=host_organization_id, lazy="raise_on_sql"
    )
    recognized_organization: Mapped[Organization | None] = relationship(
        foreign_keys=recognized_organization_id, lazy="raise_on_sql"
    )
    capability: Mapped[Capability | None] = relationship(lazy="raise_on_sql")


class Clearance(Identified, Model):
    """What a host has on file: a signed agreement or an insurance certificate of an organization,
    or a person's safety induction (of one facility, or of all of the host's)."""

    __table_args__ = (
        known_values("kind", CLEARANCE_KINDS),
        known_values("status", GRANT_STATUSES),
        CheckConstraint("(kind = 'induction') = (user_id IS NOT NULL)", name="people_are_inducted"),
        CheckConstraint(
            "(kind = 'induction') = (organization_id IS NULL)", name="organizations_sign"
        ),
        CheckConstraint("facility_id IS NULL OR kind = 'induction'", name="facility_of_induction"),
        CheckConstraint("expires_on IS NULL OR expires_on >= valid_from", name="dates_in_order"),
        Index("ix_clearance_host_organization_id_kind", "host_organization_id", "kind"),
    )

    host_organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE")
    )
    kind: Mapped[str] = mapped_column(String(9))
    organization_id: Mapped[int | None] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    facility_id: Mapped[int | None] = mapped_column(
        ForeignKey("facility.id", ondelete="CASCADE"), index=True
    )
    status: Mapped[str] = mapped_column(String(8), default="valid")
    valid_from: Mapped[dt.date]
    expires_on: Mapped[dt.date | None]
    reference: Mapped[str] = mapped_column(String(200), default="")
    file_id: Mapped[int | None] = mapped_column(
        ForeignKey("stored_file.id", ondelete="SET NULL"), unique=True
    )
    warned_at: Mapped[dt.datetime | None]
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    host: Mapped[Organization] = relationship(
        foreign_keys=host_organization_id, lazy="raise_on_sql"
    )
    organization: Mapped[Organization | None] = relationship(
        foreign_keys=organization_id, lazy="raise_on_sql"
    )
    user: Mapped[User | None] = relationship(foreign_keys=user_id, lazy="raise_on_sql")
    facility: Mapped[Facility | None] = relationship(lazy="raise_on_sql")
    file: Mapped[StoredFile | None] = relationship(lazy="raise_on_sql")

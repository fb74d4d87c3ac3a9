"""What opens a gate: qualifications, recognitions between hosts, clearances; and who asks."""

import datetime as dt

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.bookings.rules.words import (
    ACCESS_KINDS,
    ACCESS_REQUEST_STATUSES,
    CLEARANCE_KINDS,
    GRANT_STATUSES,
)
from portal.facilities.models import Equipment, Facility
from portal.kernel.clock import now
from portal.kernel.database import Identified, Model, known_values
from portal.kernel.files import StoredFile
from portal.organizations.models import Organization
from portal.regions.models import Capability
from portal.skills.models import Credential

_FOR_ALL = text("equipment_id IS NULL AND capability_key IS NULL")
_BY_CERTIFICATE = text("certificate_path <> ''")

recognition_provider = Table(
    "recognition_provider",
    Model.metadata,
    Column("recognition_id", ForeignKey("recognition.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "organization_id",
        ForeignKey("organization.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
)


class Qualification(Identified, Model):
    """A person's proven right to operate a machine, or all of a capability, of a host.

    lapses_after_days: how long it lasts without use (None: use does not matter); `last_used_at`
    is the end of the last booking of such a machine.
    ends_on: the last day on which it opens the gate, by expiry or by disuse, whichever is first;
    `rules/access.py` works it out, and every command that changes one of the others writes it.
    Without equipment and capability it is for all that the host has; only a credential that the
    host recognizes for everything grants that.
    recognition_id: the recognized credential for which it was granted. Other hosts' qualifications
    that are recognized open the gate by themselves.
    certificate_path: of a certificate that granted it, the page here that says whether it is good.
    """

    __table_args__ = (
        known_values("status", GRANT_STATUSES),
        CheckConstraint(
            "equipment_id IS NULL OR capability_key IS NULL", name="one_thing_to_operate"
        ),
        CheckConstraint("expires_on IS NULL OR expires_on >= granted_on", name="dates_in_order"),
        CheckConstraint(
            "lapses_after_days IS NULL OR lapses_after_days > 0", name="lapse_positive"
        ),
        CheckConstraint(
            "(ends_on IS NULL) = (expires_on IS NULL AND lapses_after_days IS NULL)",
            name="end_where_it_ends",
        ),
        CheckConstraint("expires_on IS NULL OR ends_on <= expires_on", name="ends_by_expiry"),
        UniqueConstraint("host_organization_id", "user_id", "equipment_id"),
        UniqueConstraint("host_organization_id", "user_id", "capability_key"),
        Index(
            "uq_qualification_for_all",
            "host_organization_id",
            "user_id",
            unique=True,
            sqlite_where=_FOR_ALL,
            postgresql_where=_FOR_ALL,
        ),
        Index("ix_qualification_status_ends_on", "status", "ends_on"),
        Index(
            "ix_qualification_certificate_path",
            "certificate_path",
            sqlite_where=_BY_CERTIFICATE,
            postgresql_where=_BY_CERTIFICATE,
        ),
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
    ends_on: Mapped[dt.date | None]
    evidence: Mapped[str] = mapped_column(Text, default="")
    evidence_file_id: Mapped[int | None] = mapped_column(
        ForeignKey("stored_file.id", ondelete="SET NULL"), unique=True
    )
    recognition_id: Mapped[int | None] = mapped_column(
        ForeignKey("recognition.id", ondelete="SET NULL"), index=True
    )
    certificate_path: Mapped[str] = mapped_column(String(200), default="")
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
    recognition: Mapped["Recognition | None"] = relationship(lazy="raise_on_sql")


class Recognition(Identified, Model):
    """Whose word a host takes: another host's qualifications, or a credential.

    capability_key: for what alone, or None for everything. A revoked one is kept for the ledger.
    is_by_named_providers: certificates of `providers` alone count, and where those are gone, none;
    else those of every provider that a broker has verified.
    """

    __table_args__ = (
        known_values("status", GRANT_STATUSES),
        CheckConstraint(
            "(recognized_organization_id IS NULL) <> (credential_id IS NULL)", name="one_source"
        ),
        CheckConstraint(
            "recognized_organization_id IS NULL"
            " OR recognized_organization_id <> host_organization_id",
            name="recognizes_another",
        ),
        CheckConstraint(
            "credential_id IS NOT NULL OR NOT is_by_named_providers",
            name="named_providers_of_credential",
        ),
        # Nothing is never the same as nothing in an index, so each case has one of its own.
        *(
            Index(
                f"uq_recognition_{name}",
                "host_organization_id",
                *columns,
                unique=True,
                sqlite_where=text(where),
                postgresql_where=text(where),
            )
            for name, columns, where in (
                (
                    "organization",
                    ("recognized_organization_id", "capability_key"),
                    "recognized_organization_id IS NOT NULL AND capability_key IS NOT NULL",
                ),
                (
                    "organization_for_all",
                    ("recognized_organization_id",),
                    "recognized_organization_id IS NOT NULL AND capability_key IS NULL",
                ),
                (
                    "credential",
                    ("credential_id", "capability_key"),
                    "credential_id IS NOT NULL AND capability_key IS NOT NULL",
                ),
                (
                    "credential_for_all",
                    ("credential_id",),
                    "credential_id IS NOT NULL AND capability_key IS NULL",
                ),
            )
        ),
    )

    host_organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    recognized_organization_id: Mapped[int | None] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    credential_id: Mapped[int | None] = mapped_column(
        ForeignKey("credential.id", ondelete="CASCADE"), index=True
    )
    is_by_named_providers: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(String(8), default="valid")
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
    credential: Mapped[Credential | None] = relationship(lazy="raise_on_sql")
    capability: Mapped[Capability | None] = relationship(lazy="raise_on_sql")
    providers: Mapped[list[Organization]] = relationship(
        secondary=recognition_provider, order_by=Organization.name, lazy="raise_on_sql"
    )

    def takes_from(self, provider_id: int) -> bool:
        """Tell whether the host takes certificates of a provider; those of its own it always does.

        `providers` are loaded. Whether anybody vouches for the provider is another question.
        """
        return (
            not self.is_by_named_providers
            or provider_id == self.host_organization_id
            or any(provider.id == provider_id for provider in self.providers)
        )


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


class AccessRequest(Identified, Model):
    """Somebody who misses a gate asks the host to open it.

    organization_id: for whom they book; equipment_id, facility_id: what they would book (of a
    qualification the equipment to operate, unless it is all of a capability).
    answer: what the host said when it declined.
    """

    __table_args__ = (
        known_values("kind", ACCESS_KINDS),
        known_values("status", ACCESS_REQUEST_STATUSES),
        CheckConstraint(
            "kind <> 'qualification' OR (equipment_id IS NULL) <> (capability_key IS NULL)",
            name="one_thing_to_operate",
        ),
        CheckConstraint(
            "capability_key IS NULL OR kind = 'qualification'", name="capability_to_operate"
        ),
        CheckConstraint("equipment_id IS NULL OR facility_id IS NULL", name="one_thing_to_book"),
        CheckConstraint("(status = 'open') = (closed_at IS NULL)", name="closed_has_time"),
        *(
            Index(
                f"uq_access_request_open_{column}",
                "user_id",
                "kind",
                column,
                unique=True,
                sqlite_where=text("status = 'open'"),
                postgresql_where=text("status = 'open'"),
            )
            for column in ("equipment_id", "facility_id", "capability_key")
        ),
        Index("ix_access_request_host_organization_id_status", "host_organization_id", "status"),
    )

    host_organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE")
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(13))
    equipment_id: Mapped[int | None] = mapped_column(
        ForeignKey("equipment.id", ondelete="CASCADE"), index=True
    )
    facility_id: Mapped[int | None] = mapped_column(
        ForeignKey("facility.id", ondelete="CASCADE"), index=True
    )
    capability_key: Mapped[str | None] = mapped_column(ForeignKey("capability.key"), index=True)
    message: Mapped[str] = mapped_column(String(2000), default="")
    status: Mapped[str] = mapped_column(String(9), default="open")
    answer: Mapped[str] = mapped_column(String(2000), default="")
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    closed_at: Mapped[dt.datetime | None]

    host: Mapped[Organization] = relationship(
        foreign_keys=host_organization_id, lazy="raise_on_sql"
    )
    organization: Mapped[Organization] = relationship(
        foreign_keys=organization_id, lazy="raise_on_sql"
    )
    user: Mapped[User] = relationship(lazy="raise_on_sql")
    equipment: Mapped[Equipment | None] = relationship(lazy="raise_on_sql")
    facility: Mapped[Facility | None] = relationship(lazy="raise_on_sql")
    capability: Mapped[Capability | None] = relationship(lazy="raise_on_sql")

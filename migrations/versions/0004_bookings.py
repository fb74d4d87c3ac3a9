"""Bookings: resources and their rules, bookings that cannot overlap, what opens their gates.

Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
_HOLDING = "status IN ('approved', 'in_use', 'completed')"


def upgrade() -> None:
    op.create_table(
        "booking_series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recurrence", _JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_series")),
    )
    op.create_table(
        "recognition",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host_organization_id", sa.Integer(), nullable=False),
        sa.Column("recognized_organization_id", sa.Integer(), nullable=True),
        sa.Column("credential", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("capability_key", sa.String(length=80), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('valid', 'revoked')", name=op.f("ck_recognition_status_known")
        ),
        sa.CheckConstraint(
            "(recognized_organization_id IS NULL) <> (credential = '')",
            name=op.f("ck_recognition_one_source"),
        ),
        sa.CheckConstraint(
            "recognized_organization_id IS NULL OR recognized_organization_id <> host_organization_id",
            name=op.f("ck_recognition_recognizes_another"),
        ),
        sa.ForeignKeyConstraint(
            ["capability_key"], ["capability.key"], name=op.f("fk_recognition_capability_key")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["users.id"],
            name=op.f("fk_recognition_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["host_organization_id"],
            ["organization.id"],
            name=op.f("fk_recognition_host_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["recognized_organization_id"],
            ["organization.id"],
            name=op.f("fk_recognition_recognized_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recognition")),
    )
    with op.batch_alter_table("recognition", schema=None) as batch_op:
        for name, columns, where in (
            (
                "organization",
                ["recognized_organization_id", "capability_key"],
                "recognized_organization_id IS NOT NULL AND capability_key IS NOT NULL",
            ),
            (
                "organization_for_all",
                ["recognized_organization_id"],
                "recognized_organization_id IS NOT NULL AND capability_key IS NULL",
            ),
            (
                "credential",
                ["credential", "capability_key"],
                "recognized_organization_id IS NULL AND capability_key IS NOT NULL",
            ),
            (
                "credential_for_all",
                ["credential"],
                "recognized_organization_id IS NULL AND capability_key IS NULL",
            ),
        ):
            batch_op.create_index(
                f"uq_recognition_{name}",
                ["host_organization_id", *columns],
                unique=True,
                sqlite_where=sa.text(where),
                postgresql_where=sa.text(where),
            )
        batch_op.create_index(
            batch_op.f("ix_recognition_capability_key"), ["capability_key"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_recognition_created_by_id"), ["created_by_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_recognition_recognized_organization_id"),
            ["recognized_organization_id"],
            unique=False,
        )

    op.create_table(
        "clearance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host_organization_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=9), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("facility_id", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=True),
        sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'induction') = (organization_id IS NULL)",
            name=op.f("ck_clearance_organizations_sign"),
        ),
        sa.CheckConstraint(
            "(kind = 'induction') = (user_id IS NOT NULL)",
            name=op.f("ck_clearance_people_are_inducted"),
        ),
        sa.CheckConstraint(
            "facility_id IS NULL OR kind = 'induction'",
            name=op.f("ck_clearance_facility_of_induction"),
        ),
        sa.CheckConstraint(
            "kind IN ('agreement', 'insurance', 'induction')", name=op.f("ck_clearance_kind_known")
        ),
        sa.CheckConstraint(
            "status IN ('valid', 'revoked')", name=op.f("ck_clearance_status_known")
        ),
        sa.CheckConstraint(
            "expires_on IS NULL OR expires_on >= valid_from",
            name=op.f("ck_clearance_dates_in_order"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["users.id"],
            name=op.f("fk_clearance_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["facility_id"],
            ["facility.id"],
            name=op.f("fk_clearance_facility_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_file.id"], name=op.f("fk_clearance_file_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["host_organization_id"],
            ["organization.id"],
            name=op.f("fk_clearance_host_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_clearance_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_clearance_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clearance")),
        sa.UniqueConstraint("file_id", name=op.f("uq_clearance_file_id")),
    )
    with op.batch_alter_table("clearance", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_clearance_created_by_id"), ["created_by_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_clearance_facility_id"), ["facility_id"], unique=False)
        batch_op.create_index(
            "ix_clearance_host_organization_id_kind", ["host_organization_id", "kind"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_clearance_organization_id"), ["organization_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_clearance_user_id"), ["user_id"], unique=False)

    op.create_table(
        "qualification",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host_organization_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("equipment_id", sa.Integer(), nullable=True),
        sa.Column("capability_key", sa.String(length=80), nullable=True),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("granted_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("lapses_after_days", sa.Integer(), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("evidence_file_id", sa.Integer(), nullable=True),
        sa.Column("recognition_id", sa.Integer(), nullable=True),
        sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('valid', 'revoked')", name=op.f("ck_qualification_status_known")
        ),
        sa.CheckConstraint(
            "(equipment_id IS NULL) <> (capability_key IS NULL)",
            name=op.f("ck_qualification_one_thing_to_operate"),
        ),
        sa.CheckConstraint(
            "expires_on IS NULL OR expires_on >= granted_on",
            name=op.f("ck_qualification_dates_in_order"),
        ),
        sa.CheckConstraint(
            "(ends_on IS NULL) = (expires_on IS NULL AND lapses_after_days IS NULL)",
            name=op.f("ck_qualification_end_where_it_ends"),
        ),
        sa.CheckConstraint(
            "expires_on IS NULL OR ends_on <= expires_on",
            name=op.f("ck_qualification_ends_by_expiry"),
        ),
        sa.CheckConstraint(
            "lapses_after_days IS NULL OR lapses_after_days > 0",
            name=op.f("ck_qualification_lapse_positive"),
        ),
        sa.ForeignKeyConstraint(
            ["capability_key"], ["capability.key"], name=op.f("fk_qualification_capability_key")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["users.id"],
            name=op.f("fk_qualification_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["equipment_id"],
            ["equipment.id"],
            name=op.f("fk_qualification_equipment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["evidence_file_id"],
            ["stored_file.id"],
            name=op.f("fk_qualification_evidence_file_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["host_organization_id"],
            ["organization.id"],
            name=op.f("fk_qualification_host_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["recognition_id"],
            ["recognition.id"],
            name=op.f("fk_qualification_recognition_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_qualification_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qualification")),
        sa.UniqueConstraint("evidence_file_id", name=op.f("uq_qualification_evidence_file_id")),
        sa.UniqueConstraint(
            "host_organization_id",
            "user_id",
            "capability_key",
            name=op.f("uq_qualification_host_organization_id_user_id_capability_key"),
        ),
        sa.UniqueConstraint(
            "host_organization_id",
            "user_id",
            "equipment_id",
            name=op.f("uq_qualification_host_organization_id_user_id_equipment_id"),
        ),
    )
    with op.batch_alter_table("qualification", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_qualification_capability_key"), ["capability_key"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_qualification_created_by_id"), ["created_by_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_qualification_equipment_id"), ["equipment_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_qualification_recognition_id"), ["recognition_id"], unique=False
        )
        batch_op.create_index(
            "ix_qualification_status_ends_on", ["status", "ends_on"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_qualification_user_id"), ["user_id"], unique=False)

    op.create_table(
        "access_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host_organization_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=13), nullable=False),
        sa.Column("equipment_id", sa.Integer(), nullable=True),
        sa.Column("facility_id", sa.Integer(), nullable=True),
        sa.Column("capability_key", sa.String(length=80), nullable=True),
        sa.Column("message", sa.String(length=2000), nullable=False),
        sa.Column("status", sa.String(length=9), nullable=False),
        sa.Column("answer", sa.String(length=2000), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('qualification', 'agreement', 'insurance', 'induction')",
            name=op.f("ck_access_request_kind_known"),
        ),
        sa.CheckConstraint(
            "status IN ('open', 'granted', 'declined', 'withdrawn')",
            name=op.f("ck_access_request_status_known"),
        ),
        sa.CheckConstraint(
            "kind <> 'qualification' OR (equipment_id IS NULL) <> (capability_key IS NULL)",
            name=op.f("ck_access_request_one_thing_to_operate"),
        ),
        sa.CheckConstraint(
            "capability_key IS NULL OR kind = 'qualification'",
            name=op.f("ck_access_request_capability_to_operate"),
        ),
        sa.CheckConstraint(
            "equipment_id IS NULL OR facility_id IS NULL",
            name=op.f("ck_access_request_one_thing_to_book"),
        ),
        sa.CheckConstraint(
            "(status = 'open') = (closed_at IS NULL)",
            name=op.f("ck_access_request_closed_has_time"),
        ),
        sa.ForeignKeyConstraint(
            ["capability_key"], ["capability.key"], name=op.f("fk_access_request_capability_key")
        ),
        sa.ForeignKeyConstraint(
            ["equipment_id"],
            ["equipment.id"],
            name=op.f("fk_access_request_equipment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["facility_id"],
            ["facility.id"],
            name=op.f("fk_access_request_facility_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["host_organization_id"],
            ["organization.id"],
            name=op.f("fk_access_request_host_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_access_request_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_access_request_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_request")),
    )
    with op.batch_alter_table("access_request", schema=None) as batch_op:
        for column in ("equipment_id", "facility_id", "capability_key"):
            batch_op.create_index(
                f"uq_access_request_open_{column}",
                ["user_id", "kind", column],
                unique=True,
                sqlite_where=sa.text("status = 'open'"),
                postgresql_where=sa.text("status = 'open'"),
            )
            batch_op.create_index(batch_op.f(f"ix_access_request_{column}"), [column], unique=False)
        batch_op.create_index(
            "ix_access_request_host_organization_id_status",
            ["host_organization_id", "status"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_access_request_organization_id"), ["organization_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_access_request_user_id"), ["user_id"], unique=False)

    op.create_table(
        "resource",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=True),
        sa.Column("equipment_id", sa.Integer(), nullable=True),
        sa.Column("operator_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("is_bookable", sa.Boolean(), nullable=False),
        sa.Column("time_zone", sa.String(length=60), nullable=False),
        sa.Column("hours", _JSON, nullable=True),
        sa.CheckConstraint(
            "kind <> 'facility' OR hours IS NULL",
            name=op.f("ck_resource_facility_has_opening_hours"),
        ),
        sa.CheckConstraint(
            "kind = 'equipment' OR equipment_id IS NULL",
            name=op.f("ck_resource_equipment_of_its_kind"),
        ),
        sa.CheckConstraint(
            "kind = 'facility' OR facility_id IS NULL",
            name=op.f("ck_resource_facility_of_its_kind"),
        ),
        sa.CheckConstraint(
            "kind = 'operator' OR operator_id IS NULL",
            name=op.f("ck_resource_operator_of_its_kind"),
        ),
        sa.CheckConstraint(
            "kind IN ('equipment', 'facility', 'operator', 'organization')",
            name=op.f("ck_resource_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["equipment_id"],
            ["equipment.id"],
            name=op.f("fk_resource_equipment_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["facility_id"],
            ["facility.id"],
            name=op.f("fk_resource_facility_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["users.id"], name=op.f("fk_resource_operator_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_resource_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource")),
        sa.UniqueConstraint("equipment_id", name=op.f("uq_resource_equipment_id")),
        sa.UniqueConstraint("facility_id", name=op.f("uq_resource_facility_id")),
        sa.UniqueConstraint(
            "organization_id", "operator_id", name=op.f("uq_resource_organization_id_operator_id")
        ),
    )
    with op.batch_alter_table("resource", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_resource_operator_id"), ["operator_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_resource_organization_id"), ["organization_id"], unique=False
        )
        batch_op.create_index(
            "uq_resource_organization",
            ["organization_id"],
            unique=True,
            sqlite_where=sa.text("kind = 'organization'"),
            postgresql_where=sa.text("kind = 'organization'"),
        )

    op.create_table(
        "booking",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("host_organization_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("booked_by_id", sa.Integer(), nullable=True),
        sa.Column("series_id", sa.Integer(), nullable=True),
        sa.Column("party", sa.String(length=32), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("purpose", sa.String(length=500), nullable=False),
        sa.Column("customer_class", sa.String(length=20), nullable=False),
        sa.Column("estimate_cents", sa.BigInteger(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("used_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("with_operator", sa.Boolean(), nullable=False),
        sa.Column("usage_notes", sa.Text(), nullable=False),
        sa.Column("is_cancelled_late", sa.Boolean(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=80), nullable=True),
        sa.Column("request_digest", sa.String(length=32), nullable=True),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "customer_class IN ('own_organization', 'member_sme', 'academic', 'other')",
            name=op.f("ck_booking_customer_class_known"),
        ),
        sa.CheckConstraint(
            "status IN ('requested', 'approved', 'declined', 'cancelled', 'in_use', 'completed', 'no_show')",
            name=op.f("ck_booking_status_known"),
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_booking_span_in_order")),
        sa.CheckConstraint(
            "estimate_cents IS NULL OR estimate_cents >= 0",
            name=op.f("ck_booking_estimate_positive"),
        ),
        sa.CheckConstraint("place <> 0", name=op.f("ck_booking_place_counts_from_one")),
        sa.CheckConstraint(
            "runs >= 0 AND samples >= 0", name=op.f("ck_booking_counts_not_negative")
        ),
        sa.CheckConstraint(
            "used_until IS NULL OR (used_from IS NOT NULL AND used_until >= used_from)",
            name=op.f("ck_booking_use_in_order"),
        ),
        sa.ForeignKeyConstraint(
            ["booked_by_id"],
            ["users.id"],
            name=op.f("fk_booking_booked_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["host_organization_id"],
            ["organization.id"],
            name=op.f("fk_booking_host_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_booking_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"],
            ["resource.id"],
            name=op.f("fk_booking_resource_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["series_id"],
            ["booking_series.id"],
            name=op.f("fk_booking_series_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_booking_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking")),
        sa.UniqueConstraint(
            "booked_by_id", "idempotency_key", name=op.f("uq_booking_booked_by_id_idempotency_key")
        ),
    )
    with op.batch_alter_table("booking", schema=None) as batch_op:
        batch_op.create_index(
            "ix_booking_host_organization_id_starts_at",
            ["host_organization_id", "starts_at"],
            unique=False,
        )
        batch_op.create_index(
            "ix_booking_organization_id_starts_at", ["organization_id", "starts_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_booking_party"), ["party"], unique=False)
        batch_op.create_index(
            "ix_booking_resource_id_ends_at", ["resource_id", "ends_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_booking_series_id"), ["series_id"], unique=False)
        batch_op.create_index("ix_booking_status_starts_at", ["status", "starts_at"], unique=False)
        batch_op.create_index(
            "ix_booking_user_id_starts_at", ["user_id", "starts_at"], unique=False
        )

    op.create_table(
        "closure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("is_planned", sa.Boolean(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recurrence", _JSON, nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind = 'outage' OR ends_at IS NOT NULL", name=op.f("ck_closure_only_outages_are_open")
        ),
        sa.CheckConstraint(
            "kind IN ('closure', 'blocking', 'outage')", name=op.f("ck_closure_kind_known")
        ),
        sa.CheckConstraint(
            "ends_at IS NULL OR ends_at > starts_at", name=op.f("ck_closure_span_in_order")
        ),
        sa.CheckConstraint(
            "recurrence IS NULL OR ends_at IS NOT NULL",
            name=op.f("ck_closure_repeats_a_whole_span"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["users.id"],
            name=op.f("fk_closure_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"],
            ["resource.id"],
            name=op.f("fk_closure_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closure")),
    )
    with op.batch_alter_table("closure", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_closure_created_by_id"), ["created_by_id"], unique=False
        )
        batch_op.create_index(
            "ix_closure_resource_id_starts_at", ["resource_id", "starts_at"], unique=False
        )

    op.create_table(
        "dependency",
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("needs_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("resource_id <> needs_id", name=op.f("ck_dependency_needs_another")),
        sa.ForeignKeyConstraint(
            ["needs_id"], ["resource.id"], name=op.f("fk_dependency_needs_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"],
            ["resource.id"],
            name=op.f("fk_dependency_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("resource_id", "needs_id", name=op.f("pk_dependency")),
    )
    with op.batch_alter_table("dependency", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dependency_needs_id"), ["needs_id"], unique=False)

    op.create_table(
        "quota",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("customer_class", sa.String(length=20), nullable=False),
        sa.Column("shared_by", sa.String(length=12), nullable=False),
        sa.Column("period", sa.String(length=5), nullable=False),
        sa.Column("most_minutes", sa.Integer(), nullable=True),
        sa.Column("most_bookings", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "customer_class IN ('', 'own_organization', 'member_sme', 'academic', 'other')",
            name=op.f("ck_quota_customer_class_known"),
        ),
        sa.CheckConstraint(
            "period IN ('day', 'week', 'month')", name=op.f("ck_quota_period_known")
        ),
        sa.CheckConstraint(
            "shared_by IN ('person', 'organization', 'equipment')",
            name=op.f("ck_quota_shared_by_known"),
        ),
        sa.CheckConstraint(
            "most_bookings IS NULL OR most_bookings > 0", name=op.f("ck_quota_bookings_positive")
        ),
        sa.CheckConstraint(
            "most_minutes IS NOT NULL OR most_bookings IS NOT NULL",
            name=op.f("ck_quota_says_something"),
        ),
        sa.CheckConstraint(
            "most_minutes IS NULL OR most_minutes > 0", name=op.f("ck_quota_minutes_positive")
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resource.id"], name=op.f("fk_quota_resource_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota")),
        sa.UniqueConstraint(
            "resource_id",
            "customer_class",
            "shared_by",
            "period",
            name=op.f("uq_quota_resource_id_customer_class_shared_by_period"),
        ),
    )
    op.create_table(
        "rule_layer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("customer_class", sa.String(length=20), nullable=False),
        sa.Column("slot_minutes", sa.Integer(), nullable=True),
        sa.Column("min_length_minutes", sa.Integer(), nullable=True),
        sa.Column("max_length_minutes", sa.Integer(), nullable=True),
        sa.Column("lead_time_minutes", sa.Integer(), nullable=True),
        sa.Column("horizon_days", sa.Integer(), nullable=True),
        sa.Column("cancel_notice_minutes", sa.Integer(), nullable=True),
        sa.Column("buffer_before_minutes", sa.Integer(), nullable=True),
        sa.Column("buffer_after_minutes", sa.Integer(), nullable=True),
        sa.Column("turnaround_minutes", sa.Integer(), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("no_show_minutes", sa.Integer(), nullable=True),
        sa.Column("approval", sa.String(length=8), nullable=True),
        sa.Column("needs_qualification", sa.Boolean(), nullable=True),
        sa.Column("needs_agreement", sa.Boolean(), nullable=True),
        sa.Column("needs_insurance", sa.Boolean(), nullable=True),
        sa.Column("needs_induction", sa.Boolean(), nullable=True),
        sa.Column("eligible_kinds", _JSON, nullable=True),
        sa.Column("is_regional", sa.Boolean(), nullable=True),
        sa.CheckConstraint(
            "approval IS NULL OR approval IN ('instant', 'host')",
            name=op.f("ck_rule_layer_approval_known"),
        ),
        sa.CheckConstraint(
            "customer_class = '' OR capacity IS NULL", name=op.f("ck_rule_layer_one_capacity")
        ),
        sa.CheckConstraint(
            "customer_class IN ('', 'own_organization', 'member_sme', 'academic', 'other')",
            name=op.f("ck_rule_layer_customer_class_known"),
        ),
        sa.CheckConstraint(
            "buffer_after_minutes IS NULL OR buffer_after_minutes >= 0",
            name=op.f("ck_rule_layer_buffer_after_minutes_in_range"),
        ),
        sa.CheckConstraint(
            "buffer_before_minutes IS NULL OR buffer_before_minutes >= 0",
            name=op.f("ck_rule_layer_buffer_before_minutes_in_range"),
        ),
        sa.CheckConstraint(
            "cancel_notice_minutes IS NULL OR cancel_notice_minutes >= 0",
            name=op.f("ck_rule_layer_cancel_notice_minutes_in_range"),
        ),
        sa.CheckConstraint(
            "capacity IS NULL OR capacity >= 1", name=op.f("ck_rule_layer_capacity_in_range")
        ),
        sa.CheckConstraint(
            "horizon_days IS NULL OR horizon_days >= 1",
            name=op.f("ck_rule_layer_horizon_days_in_range"),
        ),
        sa.CheckConstraint(
            "lead_time_minutes IS NULL OR lead_time_minutes >= 0",
            name=op.f("ck_rule_layer_lead_time_minutes_in_range"),
        ),
        sa.CheckConstraint(
            "max_length_minutes IS NULL OR max_length_minutes >= 1",
            name=op.f("ck_rule_layer_max_length_minutes_in_range"),
        ),
        sa.CheckConstraint(
            "min_length_minutes IS NULL OR max_length_minutes IS NULL OR min_length_minutes <= max_length_minutes",
            name=op.f("ck_rule_layer_lengths_in_order"),
        ),
        sa.CheckConstraint(
            "min_length_minutes IS NULL OR min_length_minutes >= 1",
            name=op.f("ck_rule_layer_min_length_minutes_in_range"),
        ),
        sa.CheckConstraint(
            "no_show_minutes IS NULL OR no_show_minutes >= 1",
            name=op.f("ck_rule_layer_no_show_minutes_in_range"),
        ),
        sa.CheckConstraint(
            "slot_minutes IS NULL OR slot_minutes >= 1",
            name=op.f("ck_rule_layer_slot_minutes_in_range"),
        ),
        sa.CheckConstraint(
            "turnaround_minutes IS NULL OR turnaround_minutes >= 0",
            name=op.f("ck_rule_layer_turnaround_minutes_in_range"),
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"],
            ["resource.id"],
            name=op.f("fk_rule_layer_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_layer")),
        sa.UniqueConstraint(
            "resource_id", "customer_class", name=op.f("uq_rule_layer_resource_id_customer_class")
        ),
    )
    op.create_table(
        "special_hours",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("hours", _JSON, nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id"],
            ["resource.id"],
            name=op.f("fk_special_hours_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_special_hours")),
        sa.UniqueConstraint("resource_id", "date", name=op.f("uq_special_hours_resource_id_date")),
    )
    op.create_table(
        "waiting_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("purpose", sa.String(length=500), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("offered_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status = 'offered') = (offered_until IS NOT NULL)",
            name=op.f("ck_waiting_entry_offer_has_end"),
        ),
        sa.CheckConstraint(
            "status IN ('waiting', 'offered', 'taken', 'lapsed', 'left')",
            name=op.f("ck_waiting_entry_status_known"),
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_waiting_entry_span_in_order")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_waiting_entry_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"],
            ["resource.id"],
            name=op.f("fk_waiting_entry_resource_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_waiting_entry_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_entry")),
    )
    with op.batch_alter_table("waiting_entry", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_waiting_entry_organization_id"), ["organization_id"], unique=False
        )
        batch_op.create_index(
            "ix_waiting_entry_resource_id_status", ["resource_id", "status", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_waiting_entry_user_id"), ["user_id"], unique=False)

    op.create_table(
        "booking_move",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("was_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("was_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("was_user_id", sa.Integer(), nullable=True),
        sa.Column("was_resource_id", sa.Integer(), nullable=False),
        sa.Column("moved_by_id", sa.Integer(), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.CheckConstraint("was_until > was_from", name=op.f("ck_booking_move_span_in_order")),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["booking.id"],
            name=op.f("fk_booking_move_booking_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["moved_by_id"],
            ["users.id"],
            name=op.f("fk_booking_move_moved_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["was_resource_id"],
            ["resource.id"],
            name=op.f("fk_booking_move_was_resource_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["was_user_id"],
            ["users.id"],
            name=op.f("fk_booking_move_was_user_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_move")),
    )
    with op.batch_alter_table("booking_move", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_booking_move_booking_id"), ["booking_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_booking_move_moved_by_id"), ["moved_by_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_booking_move_was_resource_id"), ["was_resource_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_booking_move_was_user_id"), ["was_user_id"], unique=False
        )

    op.create_table(
        "booking_override",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("message", sa.String(length=500), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("overridden_by_id", sa.Integer(), nullable=True),
        sa.Column("overridden_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["booking.id"],
            name=op.f("fk_booking_override_booking_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["overridden_by_id"],
            ["users.id"],
            name=op.f("fk_booking_override_overridden_by_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_override")),
    )
    with op.batch_alter_table("booking_override", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_booking_override_booking_id"), ["booking_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_booking_override_overridden_by_id"), ["overridden_by_id"], unique=False
        )

    op.create_table(
        "closure_organization",
        sa.Column("closure_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["closure_id"],
            ["closure.id"],
            name=op.f("fk_closure_organization_closure_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_closure_organization_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "closure_id", "organization_id", name=op.f("pk_closure_organization")
        ),
    )
    with op.batch_alter_table("closure_organization", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_closure_organization_organization_id"), ["organization_id"], unique=False
        )

    op.create_table(
        "rule_layer_region",
        sa.Column("rule_layer_id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["region_id"],
            ["region.id"],
            name=op.f("fk_rule_layer_region_region_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["rule_layer_id"],
            ["rule_layer.id"],
            name=op.f("fk_rule_layer_region_rule_layer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("rule_layer_id", "region_id", name=op.f("pk_rule_layer_region")),
    )
    with op.batch_alter_table("rule_layer_region", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_rule_layer_region_region_id"), ["region_id"], unique=False
        )

    with op.batch_alter_table("zip_code", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("time_zone", sa.String(length=60), nullable=False, server_default="")
        )
    with op.batch_alter_table("zip_code", schema=None) as batch_op:
        batch_op.alter_column("time_zone", server_default=None)
    _refuse_overlaps()


def _refuse_overlaps() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE booking ADD CONSTRAINT ex_booking_one_at_a_time EXCLUDE USING gist ("
            "int8range(resource_id, resource_id, '[]') WITH &&, "
            "int4range(place, place, '[]') WITH &&, "
            f"tstzrange(starts_at, ends_at) WITH &&) WHERE ({_HOLDING})"
        )
        return
    for name, moment, others in (
        ("insert", "INSERT", ""),
        (
            "update",
            "UPDATE OF resource_id, place, status, starts_at, ends_at",
            " AND id <> NEW.id",
        ),
    ):
        overlapping = (
            f"resource_id = NEW.resource_id AND place = NEW.place AND {_HOLDING}"
            f" AND starts_at < NEW.ends_at AND ends_at > NEW.starts_at{others}"
        )
        op.execute(
            f"CREATE TRIGGER booking_one_at_a_time_{name} BEFORE {moment} ON booking"
            f" WHEN NEW.{_HOLDING} AND EXISTS (SELECT 1 FROM booking WHERE {overlapping})"
            " BEGIN SELECT RAISE(ABORT, 'ex_booking_one_at_a_time'); END"
        )


def downgrade() -> None:
    with op.batch_alter_table("zip_code") as batch_op:
        batch_op.drop_column("time_zone")
    for table in (
        "rule_layer_region",
        "closure_organization",
        "booking_override",
        "booking_move",
        "waiting_entry",
        "special_hours",
        "rule_layer",
        "quota",
        "dependency",
        "closure",
        "booking",
        "resource",
        "access_request",
        "qualification",
        "clearance",
        "recognition",
        "booking_series",
    ):
        op.drop_table(table)

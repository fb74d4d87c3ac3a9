"""Who takes part in sections, who came, and what was printed for who passed.

Revision: 0021, after 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_LIVE = (
    "status IN ('waiting', 'invited', 'requested', 'offered', 'enrolled', 'completed', 'failed')"
)


def upgrade() -> None:
    with op.batch_alter_table("section") as batch_op:
        batch_op.add_column(
            sa.Column("notice_days", sa.Integer(), nullable=False, server_default="0")
        )
        batch_op.create_check_constraint(
            "notice_days_plausible", "notice_days >= 0 AND notice_days <= 365"
        )
        batch_op.create_index("ix_section_id_seats", ["id", "seats"], unique=True)
    op.create_table(
        "enrollment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("section_id", sa.Integer(), nullable=False),
        sa.Column("of_seats", sa.Integer(), nullable=False),
        sa.Column("provider_organization_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("enrolled_by_id", sa.Integer(), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("seat", sa.Integer(), nullable=True),
        sa.Column("customer_class", sa.String(length=20), nullable=False),
        sa.Column("price_cents", sa.Integer(), nullable=True),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("grade", sa.String(length=20), nullable=False),
        sa.Column("finished_on", sa.Date(), nullable=True),
        sa.Column("is_withdrawn_late", sa.Boolean(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=80), nullable=True),
        sa.Column("request_digest", sa.String(length=32), nullable=True),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status IN ('invited', 'offered')) = (answer_by IS NOT NULL)",
            name=op.f("ck_enrollment_kept_until_answered"),
        ),
        sa.CheckConstraint(
            "(status IN ('invited', 'requested', 'offered', 'enrolled', 'completed', 'failed')) = (seat IS NOT NULL)",
            name=op.f("ck_enrollment_seat_while_seated"),
        ),
        sa.CheckConstraint(
            "NOT is_withdrawn_late OR status = 'withdrawn'",
            name=op.f("ck_enrollment_late_when_withdrawn"),
        ),
        sa.CheckConstraint(
            "customer_class IN ('own_organization', 'member_sme', 'academic', 'other')",
            name=op.f("ck_enrollment_customer_class_known"),
        ),
        sa.CheckConstraint(
            "finished_on IS NULL OR status IN ('completed', 'failed')",
            name=op.f("ck_enrollment_finished_with_result"),
        ),
        sa.CheckConstraint(
            "grade = '' OR status IN ('completed', 'failed')",
            name=op.f("ck_enrollment_grade_with_result"),
        ),
        sa.CheckConstraint(
            "status IN ('invited', 'requested', 'waiting', 'offered', 'enrolled', 'completed', 'failed', 'declined', 'withdrawn', 'lapsed', 'cancelled')",
            name=op.f("ck_enrollment_status_known"),
        ),
        sa.CheckConstraint(
            "price_cents IS NULL OR price_cents >= 0", name=op.f("ck_enrollment_price_not_negative")
        ),
        sa.CheckConstraint(
            "seat >= 1 AND seat <= of_seats", name=op.f("ck_enrollment_seat_within_section")
        ),
        sa.ForeignKeyConstraint(
            ["enrolled_by_id"],
            ["users.id"],
            name=op.f("fk_enrollment_enrolled_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_enrollment_organization_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["provider_organization_id"],
            ["organization.id"],
            name=op.f("fk_enrollment_provider_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["section_id", "of_seats"],
            ["section.id", "section.seats"],
            name=op.f("fk_enrollment_section_id_of_seats"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_enrollment_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrollment")),
        sa.UniqueConstraint("section_id", "seat", name=op.f("uq_enrollment_section_id_seat")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_enrollment_token_hash")),
    )
    with op.batch_alter_table("enrollment") as batch_op:
        batch_op.create_index("ix_enrollment_email", ["email"], unique=False)
        batch_op.create_index(
            "ix_enrollment_enrolled_by_id_key", ["enrolled_by_id", "idempotency_key"], unique=False
        )
        batch_op.create_index(
            "ix_enrollment_one_of_a_person",
            ["section_id", "user_id"],
            unique=True,
            sqlite_where=sa.text(_LIVE),
            postgresql_where=sa.text(_LIVE),
        )
        batch_op.create_index(
            "ix_enrollment_one_of_an_address",
            ["section_id", "organization_id", "email"],
            unique=True,
            sqlite_where=sa.text(_LIVE),
            postgresql_where=sa.text(_LIVE),
        )
        batch_op.create_index(
            "ix_enrollment_organization_id_id", ["organization_id", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_enrollment_provider_organization_id"),
            ["provider_organization_id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_enrollment_section_id_status", ["section_id", "status", "id"], unique=False
        )
        batch_op.create_index(
            "ix_enrollment_status_answer_by", ["status", "answer_by"], unique=False
        )
        batch_op.create_index("ix_enrollment_user_id_id", ["user_id", "id"], unique=False)

    op.create_table(
        "certificate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=19), nullable=False),
        sa.Column("enrollment_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("credential_id", sa.Integer(), nullable=True),
        sa.Column("holder_name", sa.String(length=120), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("issuer_name", sa.String(length=200), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_reason", sa.String(length=500), nullable=False),
        sa.Column("revoked_by_id", sa.Integer(), nullable=True),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoked_reason = '')",
            name=op.f("ck_certificate_revoked_with_reason"),
        ),
        sa.CheckConstraint(
            "expires_on IS NULL OR expires_on >= issued_on",
            name=op.f("ck_certificate_dates_in_order"),
        ),
        sa.ForeignKeyConstraint(
            ["credential_id"],
            ["credential.id"],
            name=op.f("fk_certificate_credential_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["enrollment_id"],
            ["enrollment.id"],
            name=op.f("fk_certificate_enrollment_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_certificate_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["revoked_by_id"],
            ["users.id"],
            name=op.f("fk_certificate_revoked_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_certificate_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
        sa.UniqueConstraint("number", name=op.f("uq_certificate_number")),
    )
    with op.batch_alter_table("certificate") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_certificate_credential_id"), ["credential_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_certificate_enrollment_id"), ["enrollment_id"], unique=False
        )
        batch_op.create_index(
            "ix_certificate_organization_id_id", ["organization_id", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_certificate_revoked_by_id"), ["revoked_by_id"], unique=False
        )
        batch_op.create_index(
            "ix_certificate_user_id_issued_on", ["user_id", "issued_on"], unique=False
        )

    op.create_table(
        "attendance",
        sa.Column("enrollment_id", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.Integer(), nullable=False),
        sa.Column("is_present", sa.Boolean(), nullable=False),
        sa.Column("noted_by_id", sa.Integer(), nullable=True),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["enrollment_id"],
            ["enrollment.id"],
            name=op.f("fk_attendance_enrollment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["meeting_id"],
            ["section_meeting.id"],
            name=op.f("fk_attendance_meeting_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["noted_by_id"],
            ["users.id"],
            name=op.f("fk_attendance_noted_by_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("enrollment_id", "meeting_id", name=op.f("pk_attendance")),
    )
    with op.batch_alter_table("attendance") as batch_op:
        batch_op.create_index(batch_op.f("ix_attendance_meeting_id"), ["meeting_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_attendance_noted_by_id"), ["noted_by_id"], unique=False
        )


def downgrade() -> None:
    op.drop_table("attendance")
    op.drop_table("certificate")
    op.drop_table("enrollment")
    with op.batch_alter_table("section") as batch_op:
        batch_op.drop_index("ix_section_id_seats")
        batch_op.drop_constraint(op.f("ck_section_notice_days_plausible"), type_="check")
        batch_op.drop_column("notice_days")

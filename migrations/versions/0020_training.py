"""Programs of training, and their sections with meetings and prices.

Revision: 0020, after 0019
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "training_program",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("summary", sa.String(length=280), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("credential_id", sa.Integer(), nullable=True),
        sa.Column("prerequisites", sa.String(length=2000), nullable=False),
        sa.Column("duration_hours", sa.Integer(), nullable=True),
        sa.Column("duration_weeks", sa.Integer(), nullable=True),
        sa.Column("delivery", sa.String(length=12), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("cost_cents", sa.Integer(), nullable=True),
        sa.Column("cost_note", sa.String(length=500), nullable=False),
        sa.Column(
            "funding",
            sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("eligibility", sa.String(length=2000), nullable=False),
        sa.Column("outcomes", sa.Text(), nullable=False),
        sa.Column("accessibility", sa.String(length=2000), nullable=False),
        sa.Column("contact_name", sa.String(length=120), nullable=False),
        sa.Column("contact_email", sa.String(length=254), nullable=False),
        sa.Column("contact_phone", sa.String(length=30), nullable=False),
        sa.Column("website", sa.String(length=500), nullable=False),
        sa.Column("sponsor", sa.String(length=200), nullable=False),
        sa.Column("occupation_code", sa.String(length=7), nullable=True),
        sa.Column(
            "wage_schedule",
            sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("related_instruction", sa.String(length=2000), nullable=False),
        sa.Column("is_archived", sa.Boolean(), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column(
            "external_values",
            sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("visibility", sa.String(length=12), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "delivery IN ('in_person', 'online', 'self_paced', 'hybrid', 'at_work')",
            name=op.f("ck_training_program_delivery_known"),
        ),
        sa.CheckConstraint(
            "kind IN ('course', 'certificate', 'degree', 'apprenticeship', 'on_the_job', 'workshop', 'online')",
            name=op.f("ck_training_program_kind_known"),
        ),
        sa.CheckConstraint(
            "language IN ('en', 'es', 'en-es', 'ase', 'ar', 'fr', 'ht', 'ko', 'pt', 'ru', 'so', 'tl', 'vi', 'zh')",
            name=op.f("ck_training_program_language_known"),
        ),
        sa.CheckConstraint(
            "visibility IN ('draft', 'organization', 'members', 'public')",
            name=op.f("ck_training_program_visibility_known"),
        ),
        sa.CheckConstraint(
            "cost_cents IS NULL OR cost_cents >= 0",
            name=op.f("ck_training_program_cost_not_negative"),
        ),
        sa.CheckConstraint(
            "duration_hours IS NULL OR duration_hours > 0",
            name=op.f("ck_training_program_hours_positive"),
        ),
        sa.CheckConstraint(
            "duration_weeks IS NULL OR duration_weeks > 0",
            name=op.f("ck_training_program_weeks_positive"),
        ),
        sa.ForeignKeyConstraint(
            ["confirmed_by_id"],
            ["users.id"],
            name=op.f("fk_training_program_confirmed_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["users.id"],
            name=op.f("fk_training_program_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["credential_id"],
            ["credential.id"],
            name=op.f("fk_training_program_credential_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["occupation_code"],
            ["occupation.code"],
            name=op.f("fk_training_program_occupation_code"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_training_program_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_program")),
        sa.UniqueConstraint(
            "organization_id",
            "external_id",
            name=op.f("uq_training_program_organization_id_external_id"),
        ),
    )
    with op.batch_alter_table("training_program", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_training_program_confirmed_by_id"), ["confirmed_by_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_training_program_created_by_id"), ["created_by_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_training_program_credential_id"), ["credential_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_training_program_occupation_code"), ["occupation_code"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_training_program_organization_id"), ["organization_id"], unique=False
        )
        batch_op.create_index("ix_training_program_title_id", ["title", "id"], unique=False)

    op.create_table(
        "program_skill",
        sa.Column("program_id", sa.Integer(), nullable=False),
        sa.Column("skill_key", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id"],
            ["training_program.id"],
            name=op.f("fk_program_skill_program_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["skill_key"], ["skill.key"], name=op.f("fk_program_skill_skill_key")
        ),
        sa.PrimaryKeyConstraint("program_id", "skill_key", name=op.f("pk_program_skill")),
    )
    with op.batch_alter_table("program_skill", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_program_skill_skill_key"), ["skill_key"], unique=False)

    op.create_table(
        "section",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("program_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("timezone", sa.String(length=40), nullable=False),
        sa.Column(
            "schedule",
            sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql"),
            nullable=True,
        ),
        sa.Column("facility_id", sa.Integer(), nullable=True),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("online_url", sa.String(length=500), nullable=False),
        sa.Column("instructor", sa.String(length=200), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("min_seats", sa.Integer(), nullable=False),
        sa.Column("enroll_until", sa.Date(), nullable=True),
        sa.Column("needs_approval", sa.Boolean(), nullable=False),
        sa.Column("notes", sa.String(length=2000), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("street", sa.String(length=200), nullable=False),
        sa.Column("city", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=2), nullable=False),
        sa.Column("zip_code", sa.String(length=10), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("county_fips", sa.String(length=5), nullable=True),
        sa.CheckConstraint(
            "status IN ('planned', 'open', 'running', 'completed', 'cancelled')",
            name=op.f("ck_section_status_known"),
        ),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_section_dates_in_order")),
        sa.CheckConstraint(
            "enroll_until IS NULL OR enroll_until <= ends_on",
            name=op.f("ck_section_deadline_before_end"),
        ),
        sa.CheckConstraint(
            "min_seats >= 0 AND min_seats <= seats", name=op.f("ck_section_minimum_within_seats")
        ),
        sa.CheckConstraint("seats > 0", name=op.f("ck_section_seats_positive")),
        sa.ForeignKeyConstraint(
            ["county_fips"], ["county.fips"], name=op.f("fk_section_county_fips")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["users.id"],
            name=op.f("fk_section_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["facility_id"],
            ["facility.id"],
            name=op.f("fk_section_facility_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_section_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["program_id"],
            ["training_program.id"],
            name=op.f("fk_section_program_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_section")),
        sa.UniqueConstraint(
            "program_id", "external_id", name=op.f("uq_section_program_id_external_id")
        ),
    )
    with op.batch_alter_table("section", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_section_county_fips"), ["county_fips"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_section_created_by_id"), ["created_by_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_section_facility_id"), ["facility_id"], unique=False)
        batch_op.create_index(
            "ix_section_organization_id_starts_on", ["organization_id", "starts_on"], unique=False
        )
        batch_op.create_index(
            "ix_section_program_id_starts_on", ["program_id", "starts_on"], unique=False
        )
        batch_op.create_index("ix_section_status_starts_on", ["status", "starts_on"], unique=False)

    op.create_table(
        "section_price",
        sa.Column("section_id", sa.Integer(), nullable=False),
        sa.Column("customer_class", sa.String(length=20), nullable=False),
        sa.Column("price_cents", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "customer_class IN ('own_organization', 'member_sme', 'academic', 'other')",
            name=op.f("ck_section_price_customer_class_known"),
        ),
        sa.CheckConstraint("price_cents >= 0", name=op.f("ck_section_price_price_not_negative")),
        sa.ForeignKeyConstraint(
            ["section_id"],
            ["section.id"],
            name=op.f("fk_section_price_section_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("section_id", "customer_class", name=op.f("pk_section_price")),
    )
    op.create_table(
        "section_meeting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("section_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_section_meeting_span_in_order")),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["booking.id"],
            name=op.f("fk_section_meeting_booking_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["section_id"],
            ["section.id"],
            name=op.f("fk_section_meeting_section_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_section_meeting")),
        sa.UniqueConstraint("booking_id", name=op.f("uq_section_meeting_booking_id")),
    )
    with op.batch_alter_table("section_meeting", schema=None) as batch_op:
        batch_op.create_index(
            "ix_section_meeting_section_id_starts_at", ["section_id", "starts_at"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("section_meeting", schema=None) as batch_op:
        batch_op.drop_index("ix_section_meeting_section_id_starts_at")

    op.drop_table("section_meeting")
    op.drop_table("section_price")
    with op.batch_alter_table("section", schema=None) as batch_op:
        batch_op.drop_index("ix_section_status_starts_on")
        batch_op.drop_index("ix_section_program_id_starts_on")
        batch_op.drop_index("ix_section_organization_id_starts_on")
        batch_op.drop_index(batch_op.f("ix_section_facility_id"))
        batch_op.drop_index(batch_op.f("ix_section_created_by_id"))
        batch_op.drop_index(batch_op.f("ix_section_county_fips"))

    op.drop_table("section")
    with op.batch_alter_table("program_skill", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_program_skill_skill_key"))

    op.drop_table("program_skill")
    with op.batch_alter_table("training_program", schema=None) as batch_op:
        batch_op.drop_index("ix_training_program_title_id")
        batch_op.drop_index(batch_op.f("ix_training_program_organization_id"))
        batch_op.drop_index(batch_op.f("ix_training_program_occupation_code"))
        batch_op.drop_index(batch_op.f("ix_training_program_credential_id"))
        batch_op.drop_index(batch_op.f("ix_training_program_created_by_id"))
        batch_op.drop_index(batch_op.f("ix_training_program_confirmed_by_id"))

    op.drop_table("training_program")

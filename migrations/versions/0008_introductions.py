"""Introductions: two or three organizations, and what became known of whom to whom.

Revision: 0008, after 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "introduction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("answer_days", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("identified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status = 'open') = (opened_at IS NOT NULL)",
            name=op.f("ck_introduction_opened_at_known"),
        ),
        sa.CheckConstraint(
            "status <> 'proposed' OR identified_at IS NULL",
            name=op.f("ck_introduction_proposed_is_without_names"),
        ),
        sa.CheckConstraint(
            "status IN ('proposed', 'identified', 'open', 'declined', 'lapsed', 'withdrawn')",
            name=op.f("ck_introduction_status_known"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('identified', 'open') OR identified_at IS NOT NULL",
            name=op.f("ck_introduction_identified_at_known"),
        ),
        sa.CheckConstraint(
            "answer_by > asked_at", name=op.f("ck_introduction_answer_after_question")
        ),
        sa.CheckConstraint("answer_days > 0", name=op.f("ck_introduction_answer_days_positive")),
        sa.CheckConstraint(
            "remind_at IS NULL OR remind_at < answer_by",
            name=op.f("ck_introduction_reminder_before_answer"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["users.id"],
            name=op.f("fk_introduction_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["region_id"],
            ["region.id"],
            name=op.f("fk_introduction_region_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["request.id"],
            name=op.f("fk_introduction_request_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_introduction")),
    )
    with op.batch_alter_table("introduction", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_introduction_created_by_id"), ["created_by_id"], unique=False
        )
        batch_op.create_index("ix_introduction_region_id_id", ["region_id", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_introduction_request_id"), ["request_id"], unique=False
        )
        batch_op.create_index(
            "ix_introduction_status_answer_by", ["status", "answer_by"], unique=False
        )
        batch_op.create_index(
            "ix_introduction_status_remind_at", ["status", "remind_at"], unique=False
        )

    op.create_table(
        "introduction_party",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("introduction_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_hidden", sa.Boolean(), nullable=False),
        sa.Column("summary", sa.String(length=500), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("terms_accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("terms_accepted_by_id", sa.Integer(), nullable=True),
        sa.Column("shared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contact_name", sa.String(length=200), nullable=False),
        sa.Column("contact_email", sa.String(length=254), nullable=False),
        sa.Column("contact_phone", sa.String(length=30), nullable=False),
        sa.Column("decline_reason", sa.String(length=2000), nullable=False),
        sa.CheckConstraint(
            "(status = 'declined') = (decline_reason <> '')",
            name=op.f("ck_introduction_party_declined_with_reason"),
        ),
        sa.CheckConstraint(
            "shared_at IS NOT NULL OR (contact_name = '' AND contact_email = '' AND contact_phone = '')",
            name=op.f("ck_introduction_party_contact_is_given"),
        ),
        sa.CheckConstraint(
            "status <> 'sharing' OR shared_at IS NOT NULL",
            name=op.f("ck_introduction_party_shared_at_known"),
        ),
        sa.CheckConstraint(
            "status IN ('waiting', 'consented', 'sharing', 'declined')",
            name=op.f("ck_introduction_party_status_known"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('consented', 'sharing') OR terms_accepted_at IS NOT NULL",
            name=op.f("ck_introduction_party_consent_accepts_terms"),
        ),
        sa.CheckConstraint(
            "position BETWEEN 1 AND 3", name=op.f("ck_introduction_party_position_in_range")
        ),
        sa.ForeignKeyConstraint(
            ["introduction_id"],
            ["introduction.id"],
            name=op.f("fk_introduction_party_introduction_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_introduction_party_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["terms_accepted_by_id"],
            ["users.id"],
            name=op.f("fk_introduction_party_terms_accepted_by_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_introduction_party")),
        sa.UniqueConstraint(
            "introduction_id",
            "organization_id",
            name=op.f("uq_introduction_party_introduction_id_organization_id"),
        ),
        sa.UniqueConstraint(
            "introduction_id",
            "position",
            name=op.f("uq_introduction_party_introduction_id_position"),
        ),
    )
    with op.batch_alter_table("introduction_party", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_introduction_party_organization_id"), ["organization_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_introduction_party_terms_accepted_by_id"),
            ["terms_accepted_by_id"],
            unique=False,
        )

    op.create_table(
        "introduction_reveal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("introduction_id", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("to_party_id", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=8), nullable=False),
        sa.Column("revealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "stage IN ('summary', 'identity', 'contact')",
            name=op.f("ck_introduction_reveal_stage_known"),
        ),
        sa.CheckConstraint(
            "party_id <> to_party_id", name=op.f("ck_introduction_reveal_to_another")
        ),
        sa.ForeignKeyConstraint(
            ["introduction_id"],
            ["introduction.id"],
            name=op.f("fk_introduction_reveal_introduction_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["introduction_party.id"],
            name=op.f("fk_introduction_reveal_party_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["to_party_id"],
            ["introduction_party.id"],
            name=op.f("fk_introduction_reveal_to_party_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_introduction_reveal")),
        sa.UniqueConstraint(
            "party_id",
            "to_party_id",
            "stage",
            name=op.f("uq_introduction_reveal_party_id_to_party_id_stage"),
        ),
    )
    with op.batch_alter_table("introduction_reveal", schema=None) as batch_op:
        batch_op.create_index(
            "ix_introduction_reveal_introduction_id_id", ["introduction_id", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_introduction_reveal_to_party_id"), ["to_party_id"], unique=False
        )


def downgrade() -> None:
    for table in ("introduction_reveal", "introduction_party", "introduction"):
        op.drop_table(table)

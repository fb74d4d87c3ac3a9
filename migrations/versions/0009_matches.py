"""Matches of requests with candidates, feedback on them, answers, and when they are computed.

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "match_choice",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("wants_mail", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_match_choice_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_match_choice")),
    )
    op.create_table(
        "match",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("candidate_kind", sa.String(length=20), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("criteria", _JSON, nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("owner_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "candidate_kind IN ('equipment', 'facility', 'organization', 'request')",
            name=op.f("ck_match_candidate_kind_known"),
        ),
        sa.CheckConstraint(
            "status IN ('open', 'ruled_out', 'gone')", name=op.f("ck_match_status_known")
        ),
        sa.CheckConstraint("score BETWEEN 0 AND 1", name=op.f("ck_match_score_in_range")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_match_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["request.id"], name=op.f("fk_match_request_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match")),
        sa.UniqueConstraint(
            "request_id",
            "candidate_kind",
            "candidate_id",
            name=op.f("uq_match_request_id_candidate_kind_candidate_id"),
        ),
    )
    with op.batch_alter_table("match", schema=None) as batch_op:
        batch_op.create_index(
            "ix_match_candidate_kind_candidate_id", ["candidate_kind", "candidate_id"], unique=False
        )
        batch_op.create_index(
            "ix_match_organization_id_status", ["organization_id", "status"], unique=False
        )

    op.create_table(
        "match_round",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["request.id"],
            name=op.f("fk_match_round_request_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_match_round")),
    )
    with op.batch_alter_table("match_round", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_match_round_due_at"), ["due_at"], unique=False)

    op.create_table(
        "match_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("match_id", sa.Integer(), nullable=False),
        sa.Column("criterion", sa.String(length=20), nullable=False),
        sa.Column("is_met", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "criterion IN ('capability', 'text', 'distance', 'availability', 'certification', 'eligibility', 'capacity', 'rate', 'trl', 'partner_kind', 'partner_size', 'cluster', 'freshness')",
            name=op.f("ck_match_answer_criterion_known"),
        ),
        sa.ForeignKeyConstraint(
            ["answered_by_id"],
            ["users.id"],
            name=op.f("fk_match_answer_answered_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["match_id"], ["match.id"], name=op.f("fk_match_answer_match_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_answer")),
        sa.UniqueConstraint(
            "match_id", "criterion", name=op.f("uq_match_answer_match_id_criterion")
        ),
    )
    with op.batch_alter_table("match_answer", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_match_answer_answered_by_id"), ["answered_by_id"], unique=False
        )

    op.create_table(
        "match_feedback",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("match_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(length=10), nullable=False),
        sa.Column("is_useful", sa.Boolean(), nullable=False),
        sa.Column("criterion", sa.String(length=20), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("verdicts", _JSON, nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "criterion IN ('', 'capability', 'text', 'distance', 'availability', 'certification', 'eligibility', 'capacity', 'rate', 'trl', 'partner_kind', 'partner_size', 'cluster', 'freshness')",
            name=op.f("ck_match_feedback_criterion_known"),
        ),
        sa.CheckConstraint(
            "side IN ('request', 'owner', 'broker')", name=op.f("ck_match_feedback_side_known")
        ),
        sa.ForeignKeyConstraint(
            ["match_id"], ["match.id"], name=op.f("fk_match_feedback_match_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_match_feedback_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_feedback")),
        sa.UniqueConstraint("match_id", "user_id", name=op.f("uq_match_feedback_match_id_user_id")),
    )
    with op.batch_alter_table("match_feedback", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_match_feedback_user_id"), ["user_id"], unique=False)


def downgrade() -> None:
    for table in ("match_feedback", "match_answer", "match_round", "match", "match_choice"):
        op.drop_table(table)

"""Cases of a region's brokers, with notes, tasks and kept filters; who was asked to confirm.

Revision: 0013, after 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "case_filter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("values", _JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_case_filter_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_case_filter"),
        sa.UniqueConstraint("user_id", "name", name="uq_case_filter_user_id_name"),
    )
    op.create_table(
        "broker_case",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=True),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=11), nullable=False),
        sa.Column("staged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("keeper_id", sa.Integer(), nullable=True),
        sa.Column("next_action", sa.String(length=200), nullable=False),
        sa.Column("next_on", sa.Date(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "next_on IS NULL OR next_action <> ''", name="ck_broker_case_next_day_of_something"
        ),
        sa.CheckConstraint(
            "status IN ('new', 'qualified', 'introduced', 'in_talks', 'agreed', 'delivering', 'closed_won', 'closed_lost')",
            name="ck_broker_case_status_known",
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["users.id"],
            name="fk_broker_case_created_by_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["keeper_id"], ["users.id"], name="fk_broker_case_keeper_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name="fk_broker_case_organization_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["region_id"], ["region.id"], name="fk_broker_case_region_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["request.id"], name="fk_broker_case_request_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_broker_case"),
        sa.UniqueConstraint("region_id", "request_id", name="uq_broker_case_region_id_request_id"),
    )
    op.create_index("ix_broker_case_created_by_id", "broker_case", ["created_by_id"])
    op.create_index("ix_broker_case_keeper_id", "broker_case", ["keeper_id"])
    op.create_index("ix_broker_case_organization_id", "broker_case", ["organization_id"])
    op.create_index(
        "ix_broker_case_region_id_status_next_on", "broker_case", ["region_id", "status", "next_on"]
    )
    op.create_index("ix_broker_case_request_id", "broker_case", ["request_id"])

    op.create_table(
        "case_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name="fk_case_note_author_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["broker_case.id"], name="fk_case_note_case_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_case_note"),
    )
    op.create_index("ix_case_note_author_id", "case_note", ["author_id"])
    op.create_index("ix_case_note_case_id", "case_note", ["case_id"])

    op.create_table(
        "case_task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("keeper_id", sa.Integer(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["broker_case.id"], name="fk_case_task_case_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["users.id"], name="fk_case_task_created_by_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["keeper_id"], ["users.id"], name="fk_case_task_keeper_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_case_task"),
    )
    op.create_index("ix_case_task_case_id", "case_task", ["case_id"])
    op.create_index("ix_case_task_created_by_id", "case_task", ["created_by_id"])
    op.create_index(
        "ix_case_task_keeper_id_done_at_due_on", "case_task", ["keeper_id", "done_at", "due_on"]
    )
    op.create_table(
        "confirmation_ask",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["asked_by_id"],
            ["users.id"],
            name="fk_confirmation_ask_asked_by_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name="fk_confirmation_ask_organization_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_confirmation_ask"),
    )
    op.create_index("ix_confirmation_ask_asked_by_id", "confirmation_ask", ["asked_by_id"])
    op.create_index(
        "ix_confirmation_ask_organization_id_asked_at",
        "confirmation_ask",
        ["organization_id", "asked_at"],
    )


def downgrade() -> None:
    op.drop_table("confirmation_ask")
    op.drop_table("case_task")
    op.drop_table("case_note")
    op.drop_table("broker_case")
    op.drop_table("case_filter")

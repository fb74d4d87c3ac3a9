"""Urgent requests, requests on behalf of a firm, reveals of anonymous ones, what came of them.

Revision: 0012, after 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_BEFORE = "'draft', 'published', 'paused', 'fulfilled', 'withdrawn', 'expired'"
_NOW = "'draft', 'proposed', 'published', 'paused', 'fulfilled', 'withdrawn', 'expired'"


def upgrade() -> None:
    with op.batch_alter_table("request") as batch:
        for column in ("is_urgent", "is_on_behalf"):
            batch.add_column(
                sa.Column(column, sa.Boolean(), nullable=False, server_default=sa.false())
            )
        batch.drop_constraint(op.f("ck_request_status_known"), type_="check")
        batch.create_check_constraint("status_known", f"status IN ({_NOW})")
        batch.create_check_constraint("urgent_is_need", "NOT is_urgent OR direction = 'need'")
    with op.batch_alter_table("request") as batch:
        for column in ("is_urgent", "is_on_behalf"):
            batch.alter_column(column, server_default=None)
    op.create_table(
        "request_reveal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=True),
        sa.Column("cause", sa.String(length=8), nullable=False),
        sa.Column("revealed_by_id", sa.Integer(), nullable=True),
        sa.Column("revealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "cause IN ('accept', 'owner')", name=op.f("ck_request_reveal_cause_known")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["request.id"],
            name=op.f("fk_request_reveal_request_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_request_reveal_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["revealed_by_id"],
            ["users.id"],
            name=op.f("fk_request_reveal_revealed_by_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_reveal")),
    )
    op.create_table(
        "request_closing",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("result", sa.String(length=16), nullable=False),
        sa.Column("response_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("told_by_id", sa.Integer(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "result IN ('found_here', 'found_elsewhere', 'not_needed', 'nobody')",
            name=op.f("ck_request_closing_result_known"),
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["request.id"],
            name=op.f("fk_request_closing_request_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["response_id"],
            ["response.id"],
            name=op.f("fk_request_closing_response_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["told_by_id"],
            ["users.id"],
            name=op.f("fk_request_closing_told_by_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_request_closing")),
    )
    op.create_table(
        "mandate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("message", sa.String(length=2000), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by", sa.String(length=200), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.CheckConstraint(
            "status IN ('asked', 'given', 'refused', 'lapsed', 'revoked')",
            name=op.f("ck_mandate_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["request.id"], name=op.f("fk_mandate_request_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["users.id"], name=op.f("fk_mandate_asked_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mandate")),
        sa.UniqueConstraint("request_id", name=op.f("uq_mandate_request_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_mandate_token_hash")),
    )
    op.create_table(
        "urgent_call",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("miles", sa.Double(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("miles >= 0", name=op.f("ck_urgent_call_miles_not_negative")),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["request.id"],
            name=op.f("fk_urgent_call_request_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_urgent_call_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("request_id", "organization_id", name=op.f("pk_urgent_call")),
    )
    op.create_table(
        "urgent_silence",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_urgent_silence_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_urgent_silence")),
    )
    for table, column in (
        ("request_reveal", "request_id"),
        ("request_reveal", "organization_id"),
        ("request_reveal", "revealed_by_id"),
        ("request_closing", "response_id"),
        ("request_closing", "told_by_id"),
        ("mandate", "asked_by_id"),
        ("mandate", "expires_at"),
        ("urgent_call", "organization_id"),
    ):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    op.create_index(
        "uq_request_reveal_organization",
        "request_reveal",
        ["request_id", "organization_id"],
        unique=True,
        sqlite_where=sa.text("organization_id IS NOT NULL"),
        postgresql_where=sa.text("organization_id IS NOT NULL"),
    )
    # Whose response to an anonymous request was accepted has learned already whose it is.
    op.execute(
        "INSERT INTO request_reveal (request_id, organization_id, cause, revealed_at)"
        " SELECT response.request_id, response.organization_id, 'accept',"
        " coalesce(response.decided_at, response.created_at) FROM response"
        " JOIN request ON request.id = response.request_id"
        " WHERE request.is_anonymous AND response.status = 'accepted'"
    )


def downgrade() -> None:
    for table in ("urgent_silence", "urgent_call", "mandate", "request_closing", "request_reveal"):
        op.drop_table(table)
    op.execute("UPDATE request SET status = 'draft' WHERE status = 'proposed'")
    with op.batch_alter_table("request") as batch:
        batch.drop_constraint(op.f("ck_request_urgent_is_need"), type_="check")
        batch.drop_constraint(op.f("ck_request_status_known"), type_="check")
        batch.create_check_constraint("status_known", f"status IN ({_BEFORE})")
        batch.drop_column("is_on_behalf")
        batch.drop_column("is_urgent")

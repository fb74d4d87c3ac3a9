"""What people are told of bookings, their calendar feeds, and mail that carries an invitation.

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notice_choice",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("tells_person", sa.Boolean(), nullable=False),
        sa.Column("tells_host", sa.Boolean(), nullable=False),
        sa.Column("tells_offers", sa.Boolean(), nullable=False),
        sa.Column("remind_minutes", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "remind_minutes IS NULL OR remind_minutes IN (60, 1440)",
            name=op.f("ck_notice_choice_remind_minutes_known"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notice_choice_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_notice_choice")),
    )
    op.create_table(
        "calendar_feed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id"],
            ["resource.id"],
            name=op.f("fk_calendar_feed_resource_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_calendar_feed_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_calendar_feed_token_hash")),
    )
    with op.batch_alter_table("calendar_feed", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_calendar_feed_resource_id"), ["resource_id"], unique=False
        )
        batch_op.create_index(
            "uq_calendar_feed_own",
            ["user_id"],
            unique=True,
            sqlite_where=sa.text("resource_id IS NULL"),
            postgresql_where=sa.text("resource_id IS NULL"),
        )
        batch_op.create_index(
            "uq_calendar_feed_resource",
            ["user_id", "resource_id"],
            unique=True,
            sqlite_where=sa.text("resource_id IS NOT NULL"),
            postgresql_where=sa.text("resource_id IS NOT NULL"),
        )

    op.create_table(
        "reminder",
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["booking.id"], name=op.f("fk_reminder_booking_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_reminder_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("booking_id", "user_id", "starts_at", name=op.f("pk_reminder")),
    )
    with op.batch_alter_table("reminder", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reminder_user_id"), ["user_id"], unique=False)

    with op.batch_alter_table("outgoing_mail", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("calendar_text", sa.Text(), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("calendar_method", sa.String(length=10), nullable=False, server_default="")
        )
    with op.batch_alter_table("outgoing_mail") as batch_op:
        batch_op.alter_column("calendar_text", server_default=None)
        batch_op.alter_column("calendar_method", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("outgoing_mail") as batch_op:
        batch_op.drop_column("calendar_method")
        batch_op.drop_column("calendar_text")
    for table in ("calendar_feed", "reminder", "notice_choice"):
        op.drop_table(table)

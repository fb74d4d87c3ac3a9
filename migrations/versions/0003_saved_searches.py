"""Saved searches and what they found, unmet demand, and where mail that was ordered is stopped.

Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_search",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=True),
        sa.Column("query", sa.String(length=4000), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("frequency", sa.String(length=8), nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_event_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(user_id IS NULL) <> (organization_id IS NULL)",
            name=op.f("ck_saved_search_one_owner"),
        ),
        sa.CheckConstraint("round >= 0", name=op.f("ck_saved_search_round_not_negative")),
        sa.CheckConstraint(
            "channel IN ('email', 'desk')", name=op.f("ck_saved_search_channel_known")
        ),
        sa.CheckConstraint(
            "frequency IN ('at_once', 'daily', 'weekly')",
            name=op.f("ck_saved_search_frequency_known"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_saved_search_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_saved_search_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_search")),
    )
    with op.batch_alter_table("saved_search") as batch:
        batch.create_index("ix_saved_search_due_at_id", ["due_at", "id"])
        batch.create_index(batch.f("ix_saved_search_organization_id"), ["organization_id"])
        batch.create_index(batch.f("ix_saved_search_user_id"), ["user_id"])
    op.create_table(
        "saved_search_baseline",
        sa.Column("saved_search_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("numbers", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["saved_search_id"],
            ["saved_search.id"],
            name=op.f("fk_saved_search_baseline_saved_search_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("saved_search_id", "kind", name=op.f("pk_saved_search_baseline")),
    )
    op.create_table(
        "saved_search_match",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("saved_search_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["saved_search_id"],
            ["saved_search.id"],
            name=op.f("fk_saved_search_match_saved_search_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_search_match")),
        sa.UniqueConstraint(
            "saved_search_id",
            "kind",
            "record_id",
            name=op.f("uq_saved_search_match_saved_search_id_kind_record_id"),
        ),
    )
    with op.batch_alter_table("saved_search_match") as batch:
        batch.create_index("ix_saved_search_match_kind_record_id", ["kind", "record_id"])
        batch.create_index("ix_saved_search_match_saved_search_id_id", ["saved_search_id", "id"])
    op.create_table(
        "saved_search_reader",
        sa.Column("saved_search_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("seen_round", sa.Integer(), nullable=False),
        sa.Column("is_stopped", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["saved_search_id"],
            ["saved_search.id"],
            name=op.f("fk_saved_search_reader_saved_search_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_saved_search_reader_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("saved_search_id", "user_id", name=op.f("pk_saved_search_reader")),
    )
    with op.batch_alter_table("saved_search_reader") as batch:
        batch.create_index(batch.f("ix_saved_search_reader_user_id"), ["user_id"])
    op.create_table(
        "unmet_demand",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("words", sa.String(length=120), nullable=False),
        sa.Column("county_fips", sa.String(length=5), nullable=False),
        sa.Column("searches", sa.Integer(), nullable=False),
        sa.CheckConstraint("searches > 0", name=op.f("ck_unmet_demand_searches_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unmet_demand")),
        sa.UniqueConstraint(
            "day", "words", "county_fips", name=op.f("uq_unmet_demand_day_words_county_fips")
        ),
    )
    with op.batch_alter_table("outgoing_mail") as batch:
        batch.add_column(
            sa.Column("stop_url", sa.String(length=500), nullable=False, server_default="")
        )
    with op.batch_alter_table("outgoing_mail") as batch:
        batch.alter_column("stop_url", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("outgoing_mail") as batch:
        batch.drop_column("stop_url")
    for table in (
        "unmet_demand",
        "saved_search_reader",
        "saved_search_match",
        "saved_search_baseline",
        "saved_search",
    ):
        op.drop_table(table)

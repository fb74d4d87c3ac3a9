"""What use costs and what was charged for it: rate cards, lines, disputes, incidents.

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rate_card",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("customer_class", sa.String(length=20), nullable=False),
        sa.Column("hour_cents", sa.Integer(), nullable=True),
        sa.Column("day_cents", sa.Integer(), nullable=True),
        sa.Column("run_cents", sa.Integer(), nullable=True),
        sa.Column("sample_cents", sa.Integer(), nullable=True),
        sa.Column("minimum_cents", sa.Integer(), nullable=True),
        sa.Column("operator_cents", sa.Integer(), nullable=True),
        sa.Column("cancellation_cents", sa.Integer(), nullable=True),
        sa.Column("no_show_cents", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "customer_class IN ('', 'own_organization', 'member_sme', 'academic', 'other')",
            name=op.f("ck_rate_card_customer_class_known"),
        ),
        sa.CheckConstraint(
            "cancellation_cents IS NULL OR cancellation_cents >= 0",
            name=op.f("ck_rate_card_cancellation_cents_not_negative"),
        ),
        sa.CheckConstraint(
            "day_cents IS NULL OR day_cents >= 0", name=op.f("ck_rate_card_day_cents_not_negative")
        ),
        sa.CheckConstraint(
            "hour_cents IS NULL OR hour_cents >= 0",
            name=op.f("ck_rate_card_hour_cents_not_negative"),
        ),
        sa.CheckConstraint(
            "minimum_cents IS NULL OR minimum_cents >= 0",
            name=op.f("ck_rate_card_minimum_cents_not_negative"),
        ),
        sa.CheckConstraint(
            "no_show_cents IS NULL OR no_show_cents >= 0",
            name=op.f("ck_rate_card_no_show_cents_not_negative"),
        ),
        sa.CheckConstraint(
            "operator_cents IS NULL OR operator_cents >= 0",
            name=op.f("ck_rate_card_operator_cents_not_negative"),
        ),
        sa.CheckConstraint(
            "run_cents IS NULL OR run_cents >= 0", name=op.f("ck_rate_card_run_cents_not_negative")
        ),
        sa.CheckConstraint(
            "sample_cents IS NULL OR sample_cents >= 0",
            name=op.f("ck_rate_card_sample_cents_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"],
            ["resource.id"],
            name=op.f("fk_rate_card_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate_card")),
        sa.UniqueConstraint(
            "resource_id", "customer_class", name=op.f("uq_rate_card_resource_id_customer_class")
        ),
    )
    op.create_table(
        "charge_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.String(length=8), nullable=False),
        sa.Column("quantity_thousandths", sa.Integer(), nullable=False),
        sa.Column("unit_cents", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "amount_cents < 0 OR kind NOT IN ('voucher', 'in_kind')",
            name=op.f("ck_charge_line_vouchers_are_taken_off"),
        ),
        sa.CheckConstraint(
            "amount_cents >= 0 OR kind IN ('adjustment', 'voucher', 'in_kind')",
            name=op.f("ck_charge_line_only_what_is_taken_off_is_negative"),
        ),
        sa.CheckConstraint(
            "kind IN ('use', 'operator', 'minimum', 'cancellation', 'no_show', 'adjustment', 'voucher', 'in_kind')",
            name=op.f("ck_charge_line_kind_known"),
        ),
        sa.CheckConstraint(
            "note <> '' OR kind NOT IN ('adjustment', 'voucher', 'in_kind')",
            name=op.f("ck_charge_line_by_hand_says_why"),
        ),
        sa.CheckConstraint(
            "unit IN ('', 'hour', 'day', 'run', 'sample')", name=op.f("ck_charge_line_unit_known")
        ),
        sa.CheckConstraint(
            "quantity_thousandths >= 0", name=op.f("ck_charge_line_quantity_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["booking.id"],
            name=op.f("fk_charge_line_booking_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["users.id"],
            name=op.f("fk_charge_line_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charge_line")),
    )
    with op.batch_alter_table("charge_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_charge_line_booking_id"), ["booking_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_charge_line_created_by_id"), ["created_by_id"], unique=False
        )

    op.create_table(
        "dispute",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("host_organization_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("answer", sa.String(length=2000), nullable=False),
        sa.Column("raised_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'open') = (decided_at IS NULL)", name=op.f("ck_dispute_decided_when_closed")
        ),
        sa.CheckConstraint(
            "status IN ('open', 'settled', 'rejected')", name=op.f("ck_dispute_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["booking.id"], name=op.f("fk_dispute_booking_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"],
            ["users.id"],
            name=op.f("fk_dispute_decided_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["host_organization_id"],
            ["organization.id"],
            name=op.f("fk_dispute_host_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_dispute_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["raised_by_id"],
            ["users.id"],
            name=op.f("fk_dispute_raised_by_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
    )
    with op.batch_alter_table("dispute", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dispute_booking_id"), ["booking_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_dispute_decided_by_id"), ["decided_by_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_dispute_host_organization_id"), ["host_organization_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_dispute_organization_id"), ["organization_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_dispute_raised_by_id"), ["raised_by_id"], unique=False)
        batch_op.create_index(
            "uq_dispute_open",
            ["booking_id"],
            unique=True,
            sqlite_where=sa.text("status = 'open'"),
            postgresql_where=sa.text("status = 'open'"),
        )

    op.create_table(
        "incident",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("closure_id", sa.Integer(), nullable=True),
        sa.Column("reported_by_id", sa.Integer(), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["booking.id"], name=op.f("fk_incident_booking_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["closure_id"], ["closure.id"], name=op.f("fk_incident_closure_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["reported_by_id"],
            ["users.id"],
            name=op.f("fk_incident_reported_by_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
        sa.UniqueConstraint("closure_id", name=op.f("uq_incident_closure_id")),
    )
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_incident_booking_id"), ["booking_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_incident_reported_by_id"), ["reported_by_id"], unique=False
        )


def downgrade() -> None:
    for table in ("incident", "dispute", "charge_line", "rate_card"):
        op.drop_table(table)

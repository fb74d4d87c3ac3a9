"""Hosts name the providers whose certificates count; foreign keys that had no index of their own.

Revision: 0027, after 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_INDEXES = (
    ("recognition", "host_organization_id"),
    ("block", "organization_id"),
    ("calendar_feed", "user_id"),
)


def upgrade() -> None:
    with op.batch_alter_table("recognition") as batch:
        batch.add_column(
            sa.Column(
                "is_by_named_providers", sa.Boolean(), nullable=False, server_default=sa.false()
            )
        )
    with op.batch_alter_table("recognition") as batch:
        batch.alter_column("is_by_named_providers", server_default=None)
        batch.create_check_constraint(
            "named_providers_of_credential",
            "credential_id IS NOT NULL OR NOT is_by_named_providers",
        )
    op.create_table(
        "recognition_provider",
        sa.Column("recognition_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recognition_id"],
            ["recognition.id"],
            name=op.f("fk_recognition_provider_recognition_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_recognition_provider_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "recognition_id", "organization_id", name=op.f("pk_recognition_provider")
        ),
    )
    op.create_index(
        op.f("ix_recognition_provider_organization_id"), "recognition_provider", ["organization_id"]
    )
    for table, column in _INDEXES:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def downgrade() -> None:
    for table, column in reversed(_INDEXES):
        op.drop_index(op.f(f"ix_{table}_{column}"), table_name=table)
    # Whom a host trusts could not be told any more, so its word stands no longer.
    op.execute("UPDATE recognition SET status = 'revoked' WHERE is_by_named_providers")
    op.drop_table("recognition_provider")
    with op.batch_alter_table("recognition") as batch:
        batch.drop_constraint(op.f("ck_recognition_named_providers_of_credential"), type_="check")
        batch.drop_column("is_by_named_providers")

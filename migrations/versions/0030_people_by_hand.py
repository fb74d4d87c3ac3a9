"""Enrollments say whether the provider wrote them down by itself.

Revision: 0030, after 0029
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("enrollment") as batch:
        batch.add_column(
            sa.Column("is_by_hand", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("enrollment") as batch:
        batch.alter_column("is_by_hand", server_default=None)
    # So far, only the provider named people for whom no firm paid.
    op.execute(
        "UPDATE enrollment SET is_by_hand = (1 = 1) WHERE organization_id IS NULL"
        " AND (user_id IS NULL OR user_id <> enrolled_by_id)"
    )


def downgrade() -> None:
    with op.batch_alter_table("enrollment") as batch:
        batch.drop_column("is_by_hand")

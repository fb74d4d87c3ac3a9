"""A mark that moves with every change of what is read often and changed seldom.

Revision: 0010, after 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "settled_mark",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_settled_mark_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settled_mark")),
    )


def downgrade() -> None:
    op.drop_table("settled_mark")

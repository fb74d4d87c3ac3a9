"""The match that a broker confirmed by proposing an introduction.

Revision: 0015, after 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("introduction") as batch_op:
        batch_op.add_column(sa.Column("match_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_introduction_match_id"),
            "match",
            ["match_id"],
            ["id"],
            ondelete="SET NULL",
        )
        batch_op.create_index(batch_op.f("ix_introduction_match_id"), ["match_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("introduction") as batch_op:
        batch_op.drop_index(batch_op.f("ix_introduction_match_id"))
        batch_op.drop_constraint(batch_op.f("fk_introduction_match_id"), type_="foreignkey")
        batch_op.drop_column("match_id")

"""The search that led to a request.

Revision: 0014, after 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("search_words", sa.String(length=200), nullable=False, server_default="")
        )
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.alter_column("search_words", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.drop_column("search_words")

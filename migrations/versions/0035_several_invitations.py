"""A message may bring several calendar objects, each of which says its method itself.

Revision: 0035, after 0034
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("outgoing_mail", "calendar_method")


def downgrade() -> None:
    op.add_column(
        "outgoing_mail",
        sa.Column("calendar_method", sa.String(length=10), nullable=False, server_default=""),
    )

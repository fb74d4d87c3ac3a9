"""Agreements that their parties renew.

Revision: 0025, after 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("agreement") as batch:
        batch.add_column(sa.Column("renewal_ends_on", sa.Date(), nullable=True))
        batch.create_check_constraint(
            "renewal_is_later",
            "renewal_ends_on IS NULL OR (status = 'active' AND ends_on IS NOT NULL"
            " AND renewal_ends_on > ends_on)",
        )


def downgrade() -> None:
    with op.batch_alter_table("agreement") as batch:
        batch.drop_constraint(op.f("ck_agreement_renewal_is_later"), type_="check")
        batch.drop_column("renewal_ends_on")

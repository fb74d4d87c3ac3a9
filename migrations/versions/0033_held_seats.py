"""Seats of a cohort are held for the firms that take them.

Revision: 0033, after 0032
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_NAME = "ck_cohort_invitation_held_once_accepted"


def upgrade() -> None:
    with op.batch_alter_table("cohort_invitation") as batch:
        batch.add_column(sa.Column("held_until", sa.DateTime(timezone=True), nullable=True))
        batch.create_check_constraint(op.f(_NAME), "held_until IS NULL OR status = 'accepted'")
        batch.create_index("ix_cohort_invitation_held_until", ["held_until"])


def downgrade() -> None:
    with op.batch_alter_table("cohort_invitation") as batch:
        batch.drop_index("ix_cohort_invitation_held_until")
        batch.drop_constraint(op.f(_NAME), type_="check")
        batch.drop_column("held_until")

"""Introductions that two of three go on with, and answers that nobody else learns of.

Revision: 0019, after 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_BEFORE = "status IN ('proposed', 'identified', 'open', 'declined', 'lapsed', 'withdrawn')"
_NOW = "status IN ('proposed', 'halted', 'identified', 'open', 'declined', 'lapsed', 'withdrawn')"


def _allow(known: str) -> None:
    with op.batch_alter_table("introduction") as batch:
        batch.drop_constraint(op.f("ck_introduction_status_known"), type_="check")
        batch.create_check_constraint("status_known", known)


def _name_once(before: str, *columns: str) -> None:
    with op.batch_alter_table("introduction_party") as batch:
        batch.drop_constraint(op.f(before), type_="unique")
        batch.create_unique_constraint(
            op.f(f"uq_introduction_party_{'_'.join(columns)}"), list(columns)
        )


def upgrade() -> None:
    _allow(_NOW)
    with op.batch_alter_table("introduction_party") as batch:
        batch.add_column(
            sa.Column("is_held", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("introduction_party") as batch:
        batch.alter_column("is_held", existing_type=sa.Boolean(), server_default=None)
    _name_once(
        "uq_introduction_party_introduction_id_organization_id",
        "introduction_id",
        "organization_id",
        "is_hidden",
    )


def downgrade() -> None:
    # One side stands for an organization again; what was proposed to two of one is gone.
    op.execute(
        "DELETE FROM introduction WHERE id IN (SELECT introduction_id FROM introduction_party"
        " GROUP BY introduction_id, organization_id HAVING count(*) > 1)"
    )
    op.execute("UPDATE introduction SET status = 'lapsed' WHERE status = 'halted'")
    _name_once(
        "uq_introduction_party_introduction_id_organization_id_is_hidden",
        "introduction_id",
        "organization_id",
    )
    with op.batch_alter_table("introduction_party") as batch:
        batch.drop_column("is_held")
    _allow(_BEFORE)

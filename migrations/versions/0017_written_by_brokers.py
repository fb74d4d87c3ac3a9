"""Organizations that a broker wrote down in an interview.

Revision: 0017, after 0016
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_BEFORE = "source IN ('own', 'ipeds', 'csv', 'demo')"
_NOW = "source IN ('own', 'ipeds', 'csv', 'demo', 'broker')"


def _allow(known: str) -> None:
    with op.batch_alter_table("organization") as batch:
        batch.drop_constraint(op.f("ck_organization_source_known"), type_="check")
        batch.create_check_constraint("source_known", known)


def upgrade() -> None:
    _allow(_NOW)


def downgrade() -> None:
    op.execute("UPDATE organization SET source = 'csv' WHERE source = 'broker'")
    _allow(_BEFORE)

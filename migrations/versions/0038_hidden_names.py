"""Names of capabilities that searches know and nobody is shown.

Revision: 0038, after 0037
"""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_NAME = "ck_capability_label_kind_known"


def upgrade() -> None:
    with op.batch_alter_table("capability_label") as batch:
        batch.drop_constraint(op.f(_NAME), type_="check")
        batch.create_check_constraint(op.f(_NAME), "kind IN ('preferred', 'alternate', 'hidden')")


def downgrade() -> None:
    op.execute("DELETE FROM capability_label WHERE kind = 'hidden'")
    with op.batch_alter_table("capability_label") as batch:
        batch.drop_constraint(op.f(_NAME), type_="check")
        batch.create_check_constraint(op.f(_NAME), "kind IN ('preferred', 'alternate')")

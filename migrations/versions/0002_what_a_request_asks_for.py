"""What a request asks to use and whose that is; the names of clusters in Spanish.

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_PARENTS = {
    "equipment_id": "equipment",
    "facility_id": "facility",
    "asked_organization_id": "organization",
}


def upgrade() -> None:
    with op.batch_alter_table("request") as batch:
        for column, parent in _PARENTS.items():
            batch.add_column(sa.Column(column, sa.Integer(), nullable=True))
            batch.create_index(f"ix_request_{column}", [column])
            batch.create_foreign_key(
                f"fk_request_{column}", parent, [column], ["id"], ondelete="SET NULL"
            )
        batch.create_check_constraint("one_subject", "equipment_id IS NULL OR facility_id IS NULL")
        batch.create_check_constraint("asks_another", "asked_organization_id <> organization_id")
    with op.batch_alter_table("cluster") as batch:
        batch.add_column(
            sa.Column("name_es", sa.String(length=120), nullable=False, server_default="")
        )
    with op.batch_alter_table("cluster") as batch:
        batch.alter_column("name_es", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("cluster") as batch:
        batch.drop_column("name_es")
    with op.batch_alter_table("request") as batch:
        batch.drop_constraint(op.f("ck_request_asks_another"), type_="check")
        batch.drop_constraint(op.f("ck_request_one_subject"), type_="check")
        for column in reversed(_PARENTS):
            batch.drop_constraint(f"fk_request_{column}", type_="foreignkey")
            batch.drop_index(f"ix_request_{column}")
            batch.drop_column(column)

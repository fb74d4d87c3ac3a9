"""Sections can be imported.

Revision: 0031, after 0030
"""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_NAME = "ck_import_run_format_known"


def upgrade() -> None:
    with op.batch_alter_table("import_run") as batch:
        batch.drop_constraint(op.f(_NAME), type_="check")
        batch.create_check_constraint(
            op.f(_NAME), "source_format IN ('csv', 'ipeds', 'uniquip', 'programs', 'sections')"
        )


def downgrade() -> None:
    op.execute("DELETE FROM import_run WHERE source_format = 'sections'")
    with op.batch_alter_table("import_run") as batch:
        batch.drop_constraint(op.f(_NAME), type_="check")
        batch.create_check_constraint(
            op.f(_NAME), "source_format IN ('csv', 'ipeds', 'uniquip', 'programs')"
        )

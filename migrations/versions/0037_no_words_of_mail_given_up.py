"""The words of mail that was given up are erased, as those of sent mail are.

Revision: 0037, after 0036
"""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE outgoing_mail SET body_text = '', body_html = '', calendar_text = '', stop_url = ''"
        " WHERE failed_at IS NOT NULL"
    )


def downgrade() -> None:
    pass

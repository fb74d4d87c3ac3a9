"""Who has chosen no time zone reads times in that of the organization they joined first.

Revision: 0039, after 0038
"""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE users SET time_zone = COALESCE((SELECT zip_code.time_zone FROM membership"
        " JOIN organization ON organization.id = membership.organization_id"
        " JOIN zip_code ON zip_code.zip_code = SUBSTR(organization.zip_code, 1, 5)"
        " WHERE membership.user_id = users.id AND zip_code.time_zone <> ''"
        " ORDER BY membership.id LIMIT 1), '') WHERE time_zone = ''"
    )


def downgrade() -> None:
    pass

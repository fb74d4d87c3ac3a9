"""What saved searches find is called their results; matches are what requests have.

Revision: 0028, after 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_COLUMNS = "saved_search_id, kind, record_id, round, found_at"


def _move(old: str, new: str) -> None:
    """Make the table anew under the other name: a renamed one keeps the names of its constraints.

    The numbers of its rows are nobody's business, but for their order.
    """
    op.create_table(
        new,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("saved_search_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["saved_search_id"],
            ["saved_search.id"],
            name=op.f(f"fk_{new}_saved_search_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{new}")),
        sa.UniqueConstraint(
            "saved_search_id",
            "kind",
            "record_id",
            name=op.f(f"uq_{new}_saved_search_id_kind_record_id"),
        ),
    )
    op.execute(f"INSERT INTO {new} ({_COLUMNS}) SELECT {_COLUMNS} FROM {old} ORDER BY id")
    op.drop_table(old)
    op.create_index(f"ix_{new}_kind_record_id", new, ["kind", "record_id"])
    op.create_index(f"ix_{new}_saved_search_id_id", new, ["saved_search_id", "id"])


def upgrade() -> None:
    _move("saved_search_match", "saved_search_result")


def downgrade() -> None:
    _move("saved_search_result", "saved_search_match")

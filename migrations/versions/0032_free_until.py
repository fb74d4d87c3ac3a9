"""Enrollments keep until when they can be withdrawn for free.

Revision: 0032, after 0031
"""

import datetime as dt

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_ENROLLMENT = sa.table(
    "enrollment",
    sa.column("id", sa.Integer),
    sa.column("section_id", sa.Integer),
    sa.column("is_by_hand", sa.Boolean),
    sa.column("created_at", sa.DateTime(timezone=True)),
    sa.column("free_until", sa.Date),
)
_SECTION = sa.table(
    "section",
    sa.column("id", sa.Integer),
    sa.column("starts_on", sa.Date),
    sa.column("notice_days", sa.Integer),
)


def upgrade() -> None:
    with op.batch_alter_table("enrollment") as batch:
        batch.add_column(sa.Column("free_until", sa.Date(), nullable=True))
    _fill()
    with op.batch_alter_table("enrollment") as batch:
        batch.alter_column("free_until", existing_type=sa.Date(), nullable=False)


def _fill() -> None:
    """Write down what held so far; who was written down unasked has a week from then on."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.select(
            _ENROLLMENT.c.id,
            _ENROLLMENT.c.is_by_hand,
            _ENROLLMENT.c.created_at,
            _SECTION.c.starts_on,
            _SECTION.c.notice_days,
        ).join_from(_ENROLLMENT, _SECTION, _SECTION.c.id == _ENROLLMENT.c.section_id)
    ).all()
    days = []
    for number, is_by_hand, created_at, starts_on, notice_days in rows:
        free_until = starts_on - dt.timedelta(days=max(notice_days, 1))
        if is_by_hand:
            free_until = max(free_until, created_at.date() + dt.timedelta(days=7))
        days.append({"number": number, "day": free_until})
    if days:
        connection.execute(
            sa.update(_ENROLLMENT)
            .where(_ENROLLMENT.c.id == sa.bindparam("number"))
            .values(free_until=sa.bindparam("day")),
            days,
        )


def downgrade() -> None:
    with op.batch_alter_table("enrollment") as batch:
        batch.drop_column("free_until")

"""Programs as candidates for requests, compared by credential and language as well.

Revision: 0024, after 0023
"""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_KINDS = ("equipment", "facility", "organization", "request")
_CRITERIA = (
    "capability",
    "text",
    "distance",
    "availability",
    "certification",
    "eligibility",
    "capacity",
    "rate",
    "trl",
    "partner_kind",
    "partner_size",
    "cluster",
    "freshness",
)
_NEW = ("credential", "language")


def upgrade() -> None:
    _allow("match", "candidate_kind", (*_KINDS, "program"))
    at = _CRITERIA.index("rate") + 1
    _allow_criteria((*_CRITERIA[:at], *_NEW, *_CRITERIA[at:]))


def downgrade() -> None:
    # What was said of programs goes with the matches it was said of.
    for table in ("match_answer", "match_feedback"):
        op.execute(
            f"DELETE FROM {table} WHERE match_id IN"
            " (SELECT id FROM match WHERE candidate_kind = 'program')"
        )
    op.execute("DELETE FROM match WHERE candidate_kind = 'program'")
    _allow_criteria(_CRITERIA)
    _allow("match", "candidate_kind", _KINDS)


def _allow_criteria(known: tuple[str, ...]) -> None:
    _allow("match_feedback", "criterion", ("", *known))
    _allow("match_answer", "criterion", known)


def _allow(table: str, column: str, known: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{word}'" for word in known)
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(op.f(f"ck_{table}_{column}_known"), type_="check")
        batch.create_check_constraint(f"{column}_known", f"{column} IN ({listed})")

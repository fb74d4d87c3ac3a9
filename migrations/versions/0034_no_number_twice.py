"""On SQLite, too, no number of a record that was deleted is given to another.

Addresses, labels, calendars, conversations, histories and saved searches name records by it.

Revision: 0034, after 0033
"""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_TABLES = (
    "agreement",
    "equipment",
    "facility",
    "request",
    "saved_search",
    "section",
    "training_program",
)
_REUSED = "\tid INTEGER NOT NULL, "
_UNIQUE = "\tid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "


def upgrade() -> None:
    for table in _TABLES:
        _rebuild(table, (_REUSED, _UNIQUE), (_key(table), ""))


def downgrade() -> None:
    for table in _TABLES:
        first = "\n\tCONSTRAINT"
        _rebuild(table, (_UNIQUE, _REUSED), (first, _key(table) + first))


def _key(table: str) -> str:
    return f"\n\tCONSTRAINT pk_{table} PRIMARY KEY (id), "


def _rebuild(table: str, *changes: tuple[str, str]) -> None:
    """Write a SQLite table anew with changes to what made it, and all else as it was."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    parts = connection.exec_driver_sql(
        "SELECT type, sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL", (table,)
    ).all()
    (made,) = [sql for kind, sql in parts if kind == "table"]
    for before, after in changes:
        if before not in made:
            raise RuntimeError(f"{table} is not made as this migration knows it: {made}")
        made = made.replace(before, after, 1)
    for statement in (
        f'CREATE TABLE "new_{table}" {made[made.index("(") :]}',
        f'INSERT INTO "new_{table}" SELECT * FROM "{table}"',
        f'DROP TABLE "{table}"',
        f'ALTER TABLE "new_{table}" RENAME TO "{table}"',
        *(sql for kind, sql in parts if kind != "table"),
    ):
        connection.exec_driver_sql(statement)

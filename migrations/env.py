"""Runs the migrations on the app's own engine, one transaction for each upgrade or downgrade.

On SQLite a batch ALTER rebuilds the table; with foreign keys on, dropping the old one would
delete its children, so they are off on the raw connection and checked afterwards.
"""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app
from sqlalchemy import JSON, Connection

from portal.kernel.database import Model, UtcDateTime, db


def render_item(kind: str, item: object, autogen_context: AutogenContext) -> str | Literal[False]:
    """Write our own column types as what they are in the database."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, JSON):
        autogen_context.imports.add("from sqlalchemy.dialects.postgresql import JSONB")
        return "sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), 'postgresql')"
    return False


def migrate(connection: Connection) -> None:
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    context.configure(
        connection=connection,
        target_metadata=Model.metadata,
        render_item=render_item,
        transaction_per_migration=False,
        **current_app.extensions["migrate"].configure_args,
    )
    context.run_migrations()
    if is_sqlite:
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise RuntimeError(f"the migration leaves rows without their parents: {broken[:5]}")


if context.is_offline_mode():
    raise SystemExit("Migrations run on a database, not as SQL text.")
with db.engine.connect() as connection, connection.begin():
    migrate(connection)
db.engine.dispose()

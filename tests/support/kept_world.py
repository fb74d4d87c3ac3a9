"""The cast's world as it was built, kept so that it can be put back after a test that wrote.

Both ways tell whether anything was written, since most tests only read.
"""

import sqlite3
from pathlib import Path

from flask import Flask

from portal.kernel.database import Model, db


class KeptInSqlite:
    """SQLite's: every row is compared, for there are few, and SQLite itself counts commits.

    Everybody's connections stay as they are: to read the schema anew takes far longer.
    """

    def __init__(self, app: Flask) -> None:
        self._path = Path(app.instance_path) / "portal.db"
        # The last: where numbers that are not given twice have come to.
        self._tables = [*(table.name for table in Model.metadata.sorted_tables), "sqlite_sequence"]
        self._connection: sqlite3.Connection | None = None
        self._rows = {table: self._present_rows(table) for table in self._tables}
        self._unwritten = self._version()

    def is_written(self) -> bool:
        """Tell whether anybody wrote anything since the world was kept or put back."""
        return self._version() != self._unwritten

    def put_back(self) -> None:
        """Write those tables anew whose rows are others."""
        self._execute("BEGIN IMMEDIATE")
        for table, rows in self._rows.items():
            if self._present_rows(table) != rows:
                self._execute(f'DELETE FROM "{table}"')
                for row in rows:
                    values = ", ".join("?" for _value in row)
                    self._execute(f'INSERT INTO "{table}" VALUES ({values})', row)
        self._execute("COMMIT")
        self._unwritten = self._version()

    def keep_anew(self, table: str) -> None:
        """Keep what one table holds now; nothing else was written since the world was put back."""
        self._rows[table] = self._present_rows(table)
        self._unwritten = self._version()

    def close(self) -> None:
        """Let go of the database, until it is asked again."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        # What two connections say of the version cannot be compared.
        self._unwritten = None

    def _version(self) -> object:
        # Changes with every commit of anybody else.
        return self._execute("PRAGMA data_version").fetchone()

    def _present_rows(self, table: str) -> list[tuple[object, ...]]:
        return self._execute(f'SELECT * FROM "{table}" ORDER BY rowid').fetchall()

    def _execute(self, statement: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        if self._connection is None:
            self._connection = sqlite3.connect(
                self._path, isolation_level=None, cached_statements=3 * len(self._tables)
            )
            self._connection.execute("PRAGMA synchronous=OFF")
        return self._connection.execute(statement, values)


class KeptInPostgresql:
    """PostgreSQL's: a copy of every row, and every table says that it was written to.

    Far faster than a new database or than all rows.
    """

    def __init__(self, app: Flask) -> None:
        numbering = []
        with db.engine.begin() as connection:
            connection.exec_driver_sql(
                """
                CREATE SCHEMA kept;
                CREATE UNLOGGED TABLE kept.written (name text);
                CREATE FUNCTION kept.note() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN INSERT INTO kept.written VALUES (TG_TABLE_NAME); RETURN NULL; END'
                """
            )
            for table in Model.metadata.sorted_tables:
                connection.exec_driver_sql(
                    f"""
                    CREATE TABLE kept."{table.name}" AS TABLE public."{table.name}";
                    CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
                    ON public."{table.name}" EXECUTE FUNCTION kept.note()
                    """
                )
                if table.autoincrement_column is not None:
                    sequence, number = connection.exec_driver_sql(
                        f"""
                        SELECT pg_get_serial_sequence('public."{table.name}"', 'id'),
                               coalesce(max(id), 0) + 1 FROM kept."{table.name}"
                        """
                    ).one()
                    numbering.append(f"setval('{sequence}', {number}, false)")
            # A number is taken for good, even if its row never comes to be.
            connection.exec_driver_sql(
                "CREATE FUNCTION kept.renumber() RETURNS void LANGUAGE plpgsql AS"
                f" $$BEGIN PERFORM {', '.join(numbering)}; END$$"
            )

    def is_written(self) -> bool:
        """Tell whether anybody wrote anything since the world was kept or put back."""
        return bool(self._written_tables())

    def put_back(self) -> None:
        """Copy the kept rows of written tables back."""
        statements = ["SET LOCAL session_replication_role = replica", "SELECT kept.renumber()"]
        for table in self._written_tables():
            statements.append(f'DELETE FROM public."{table}"')
            statements.append(f'INSERT INTO public."{table}" SELECT * FROM kept."{table}"')
        statements.append("DELETE FROM kept.written")
        with db.engine.begin() as connection:
            connection.exec_driver_sql("; ".join(statements))

    def keep_anew(self, table: str) -> None:
        """Keep what one table holds now; nothing else was written since the world was put back."""
        with db.engine.begin() as connection:
            connection.exec_driver_sql(
                f"""
                DELETE FROM kept."{table}";
                INSERT INTO kept."{table}" SELECT * FROM public."{table}";
                DELETE FROM kept.written
                """
            )

    def close(self) -> None:
        """Let go of the database."""

    def _written_tables(self) -> list[str]:
        with db.engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT DISTINCT name FROM kept.written")
            return list(found.scalars())

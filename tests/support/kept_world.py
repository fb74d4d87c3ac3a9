"""The cast's world as it was built, kept so that it can be put back after a test that wrote.

Both ways tell whether anything was written, since most tests only read.
"""

import gc
import shutil
import sqlite3
from pathlib import Path

from flask import Flask

from portal.kernel.database import Model, Reader, db


class KeptFile:
    """SQLite's: a copy of the file, and SQLite's own count of commits."""

    def __init__(self, app: Flask) -> None:
        self._path = Path(app.instance_path) / "portal.db"
        self._kept = self._path.with_name("kept.db")
        self._reader: Reader = app.extensions["portal-reader"]
        db.engine.dispose()
        connection = sqlite3.connect(self._path)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        gc.collect()
        shutil.copyfile(self._path, self._kept)
        self._unwritten = self._reader.version()

    def is_written(self) -> bool:
        """Tell whether anybody wrote anything since the world was kept or put back."""
        return self._reader.version() != self._unwritten

    def put_back(self) -> None:
        """Make the database what it was."""
        self.close()
        db.engine.dispose()
        for ending in ("-wal", "-shm"):
            self._path.with_name(f"portal.db{ending}").unlink(missing_ok=True)
        shutil.copyfile(self._kept, self._path)
        self._unwritten = self._reader.version()

    def close(self) -> None:
        """Let go of the database."""
        self._reader.close()


class KeptRows:
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
                    numbering.append(
                        f"setval(pg_get_serial_sequence('public.\"{table.name}\"', 'id'),"
                        f' (SELECT coalesce(max(id), 0) + 1 FROM kept."{table.name}"), false)'
                    )
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

    def close(self) -> None:
        """Let go of the database."""

    def _written_tables(self) -> list[str]:
        with db.engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT DISTINCT name FROM kept.written")
            return list(found.scalars())

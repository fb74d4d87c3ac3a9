"""Migrations: up, down and up again with data, on both databases; no drift; all or nothing."""

import contextlib
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, text

from portal.app import ROOT, create_app
from portal.kernel.database import Model, db
from tests.support.postgresql import Cluster
from tests.world.building import build_world


@contextlib.contextmanager
def app_of_its_own(folder: Path, database_url: str | None) -> Iterator[Flask]:
    settings = {"INSTANCE_PATH": str(folder)}
    if database_url is not None:
        settings["DATABASE_URL"] = database_url
    app = create_app("testing", **settings)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest) -> Cluster | None:
    """The server, if the tests run on one."""
    is_asked = request.config.getoption("--database") == "postgresql"
    return request.getfixturevalue("postgresql") if is_asked else None


@pytest.fixture(scope="module")
def migrated(
    cluster: Cluster | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, str]]:
    """Where a database is that all migrations made once, for every test to begin with a copy.

    That is a folder on SQLite, and the name of a database on the server.
    """
    folder, name = tmp_path_factory.mktemp("migrated"), f"migrated_{uuid.uuid4().hex}"
    with app_of_its_own(folder, cluster and cluster.create(name)):
        upgrade()
    yield folder, name
    if cluster is not None:
        cluster.drop(name)


@pytest.fixture
def migrated_app(
    cluster: Cluster | None, migrated: tuple[Path, str], tmp_path: Path
) -> Iterator[Flask]:
    """An app of its own whose database the migrations made."""
    folder, name = migrated
    if cluster is None:
        for file in folder.glob("portal.db*"):
            shutil.copyfile(file, tmp_path / file.name)
        with app_of_its_own(tmp_path, None) as app:
            yield app
        return
    copy = f"{name}_copy"
    with app_of_its_own(tmp_path, cluster.create_from_template(copy, name)) as app:
        yield app
    cluster.drop(copy)


def row_counts() -> dict[str, int]:
    with db.engine.connect() as connection:
        return {
            table: connection.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one()
            for table in sorted(Model.metadata.tables)
        }


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


@pytest.mark.database
def test_the_newest_migration_makes_what_the_models_say(migrated_app: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Model.metadata) == []
    assert tables() == set(Model.metadata.tables)


@pytest.mark.sqlite
def test_numbers_are_given_once_where_the_models_say_so(migrated_app: Flask) -> None:
    """A migration that alters such a table in a batch has to say it again."""
    wanted = {
        table.name
        for table in Model.metadata.tables.values()
        if table.dialect_options["sqlite"]["autoincrement"]
    }
    with db.engine.connect() as connection:
        found = connection.execute(
            text(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'"
            )
        )
        assert {name for (name,) in found} == wanted


@pytest.mark.database
def test_up_again_with_data_loses_no_row(migrated_app: Flask) -> None:
    build_world()
    db.session.remove()
    before = row_counts()

    upgrade()
    assert row_counts() == before

    downgrade(revision="base")
    assert tables() == set()

    upgrade()
    assert sum(row_counts().values()) == 0
    build_world()
    db.session.remove()
    assert row_counts() == before


@pytest.mark.database
def test_a_failing_migration_leaves_nothing_behind(migrated_app: Flask, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(ROOT / "migrations", folder)
    head = max(path.name for path in (folder / "versions").glob("*.py")).partition("_")[0]
    (folder / "versions" / "9999_broken.py").write_text(
        f'''"""Broken."""
import sqlalchemy as sa
from alembic import op
revision = "9999"
down_revision = "{head}"
def upgrade():
    op.create_table("half_done", sa.Column("id", sa.Integer, primary_key=True))
    op.execute("SELECT no_such_column FROM users")
def downgrade():
    pass
'''
    )
    with pytest.raises(Exception, match="no_such_column"):
        upgrade(directory=str(folder))

    assert "half_done" not in tables()
    with db.engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == head


@pytest.mark.database
def test_rebuilding_a_parent_table_keeps_its_children(migrated_app: Flask, tmp_path: Path) -> None:
    """On SQLite a batch change drops the old table; its children must not go with it."""
    folder = tmp_path / "migrations"
    shutil.copytree(ROOT / "migrations", folder)
    head = max(path.name for path in (folder / "versions").glob("*.py")).partition("_")[0]
    (folder / "versions" / "9999_wider.py").write_text(
        f'''"""Wider."""
import sqlalchemy as sa
from alembic import op
revision = "9999"
down_revision = "{head}"
def upgrade():
    with op.batch_alter_table("organization", recreate="auto") as batch:
        batch.alter_column("name", type_=sa.String(300), existing_type=sa.String(200))
def downgrade():
    pass
'''
    )
    build_world()
    db.session.remove()
    before = row_counts()

    upgrade(directory=str(folder))

    assert row_counts() == before

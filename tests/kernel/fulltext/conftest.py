"""An index of its own for every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.schema import DropSchema

from portal.kernel.fulltext.index import Index
from portal.kernel.fulltext.port import Document
from portal.kernel.fulltext.postgresql.tables import SCHEMA
from tests.support.postgresql import Cluster

IndexOf = Callable[..., Index]


@pytest.fixture
def index_of(tmp_path: Path) -> IndexOf:
    """Makes an index of the documents given, in two segments if there are several."""

    def make(*documents: Document) -> Index:
        index = Index(tmp_path / "index")
        index.rebuild(documents[:1])
        index.apply(documents[1:])
        return index

    return make


@pytest.fixture(scope="session")
def database(postgresql: Cluster, request: pytest.FixtureRequest) -> Iterator[sqlalchemy.Engine]:
    """A database for the index of one test after the other."""
    worker = getattr(request.config, "workerinput", {}).get("workerid", "main")
    name = f"search_{worker}"
    engine = sqlalchemy.create_engine(postgresql.create(name))
    yield engine
    engine.dispose()
    postgresql.drop(name)


@pytest.fixture
def fresh_database(database: sqlalchemy.Engine) -> Iterator[sqlalchemy.Engine]:
    """The same, without an index."""
    yield database
    with database.begin() as connection:
        connection.execute(DropSchema(SCHEMA, cascade=True, if_exists=True))

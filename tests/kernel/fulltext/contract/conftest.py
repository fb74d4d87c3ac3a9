"""What is said here of search holds for every engine behind the port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.schema import DropSchema

from portal.kernel.fulltext.index import Index
from portal.kernel.fulltext.port import Document, Engine
from portal.kernel.fulltext.postgresql.index import PostgreSQLIndex
from portal.kernel.fulltext.postgresql.tables import SCHEMA
from tests.support.postgresql import Cluster

IndexOf = Callable[..., Engine]


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


@pytest.fixture(params=["whoosh", "postgresql"])
def open_index(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Engine]:
    """Opens the test's index, of which nobody has asked anything yet: it is missing."""
    if request.param == "whoosh":
        return partial(Index, tmp_path / "index")
    return partial(PostgreSQLIndex, request.getfixturevalue("fresh_database"))


@pytest.fixture
def index_of(open_index: Callable[..., Engine]) -> IndexOf:
    """Makes an index of the documents given, all but the first in a second commit."""

    def make(*documents: Document) -> Engine:
        index = open_index()
        index.rebuild(documents[:1])
        index.apply(documents[1:])
        return index

    return make

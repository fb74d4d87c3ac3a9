"""The private PostgreSQL server does what the tests on it rely on."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest

from tests.support.postgresql import Cluster


@pytest.fixture
def name(postgresql: Cluster) -> Iterator[str]:
    name = f"self_test_{uuid.uuid4().hex}"
    yield name
    postgresql.drop(name)


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"))


def test_a_copy_of_a_template_has_its_rows_and_leaves_the_template_alone(
    postgresql: Cluster, name: str
) -> None:
    copy = f"{name}_copy"
    with connect(postgresql.create(name)) as connection:
        connection.execute("CREATE TABLE machines (name text)")
        connection.execute("INSERT INTO machines VALUES ('lathe')")
    try:
        with connect(postgresql.create_from_template(copy, name)) as connection:
            assert connection.execute("SELECT name FROM machines").fetchall() == [("lathe",)]
            connection.execute("DELETE FROM machines")
        with connect(postgresql.database_url(name)) as connection:
            assert connection.execute("SELECT count(*) FROM machines").fetchall() == [(1,)]
    finally:
        postgresql.drop(copy)


def test_a_database_is_dropped_under_an_open_connection(postgresql: Cluster, name: str) -> None:
    connection = connect(postgresql.create(name))
    assert postgresql.exists(name)
    postgresql.drop(name)
    assert not postgresql.exists(name)
    connection.close()


def test_letters_beyond_english_compare_without_regard_to_case(
    postgresql: Cluster, name: str
) -> None:
    with connect(postgresql.create(name)) as connection:
        assert connection.execute("SELECT lower('SAN JOSÉ ÑANDÚ')").fetchall() == [
            ("san josé ñandú",)
        ]


def test_the_server_does_not_listen_on_the_network(postgresql: Cluster, name: str) -> None:
    with connect(postgresql.create(name)) as connection:
        assert connection.execute("SHOW listen_addresses").fetchall() == [("",)]

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


def test_a_snapshot_brings_back_rows_keys_and_generated_values(
    postgresql: Cluster, name: str
) -> None:
    rows = "SELECT machines.id, machines.name, loud FROM machines ORDER BY 1"
    with connect(postgresql.create(name)) as connection:
        connection.execute(
            "CREATE TABLE shops (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY);"
            "CREATE TABLE machines (id serial PRIMARY KEY, name text UNIQUE,"
            " shop_id int REFERENCES shops, loud text GENERATED ALWAYS AS (upper(name)) STORED);"
            "INSERT INTO shops DEFAULT VALUES;"
            "INSERT INTO machines (name, shop_id) VALUES ('lathe', 1), ('mill', 1);"
        )
    postgresql.take_snapshot(name)
    with connect(postgresql.database_url(name)) as connection:
        connection.execute("DELETE FROM machines WHERE name = 'lathe'")
        connection.execute("UPDATE machines SET name = 'press'")
        connection.execute("INSERT INTO machines (name) VALUES ('drill')")
    postgresql.restore_snapshot(name)
    with connect(postgresql.database_url(name)) as connection:
        assert connection.execute(rows).fetchall() == [(1, "lathe", "LATHE"), (2, "mill", "MILL")]
        added = connection.execute("INSERT INTO machines (name) VALUES ('saw') RETURNING id")
        assert added.fetchall() == [(3,)]
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            connection.execute("DELETE FROM shops")

"""Every route × every member of the cast: served exactly where its row of the matrix says.

Each domain keeps its rows in `tests/<domain>/matrix.py`; a route without a row fails.
"""

import importlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.kernel.database import Model, db, session
from tests.architecture.matrix import Row
from tests.cast import CAST, World

TESTS = Path(__file__).parent.parent
# Counters and last-seen marks move with any visit and belong to nobody's record.
MOVING_TABLES = {"throttle_count", "user_session", "outbox_event", "outbox_delivery", "job_run"}


@cache
def rows() -> tuple[Row, ...]:
    return tuple(
        row
        for path in sorted(TESTS.glob("*/matrix.py"))
        if path.parent.name != "architecture"
        for row in importlib.import_module(f"tests.{path.parent.name}.matrix").ROUTES
    )


def routes(app: Flask) -> set[tuple[str, str]]:
    return {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }


def test_every_route_stands_in_the_matrix_once(app: Flask) -> None:
    listed = [(row.endpoint, row.method) for row in rows()]

    assert set(listed) == routes(app)
    assert len(listed) == len(set(listed))


@cache
def contents_of_world() -> dict[str, list[tuple[object, ...]]]:
    """Return what the cast's world holds as it is given to every test."""
    return contents()


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.method} {row.endpoint}")
def test_route_serves_exactly_those_it_should(
    app: Flask,
    world: World,
    client_of: Callable[[str], FlaskClient],
    indexed: None,
    reset_world: Callable[[], None],
    is_world_written: Callable[[], bool],
    row: Row,
) -> None:
    allowed = set(row.allowed.split())
    assert allowed <= set(CAST)
    before = contents_of_world()
    for name in asked([name for name in CAST if name not in allowed]):
        response = call(app, client_of(name), row, world)
        assert is_refusal(response), f"{name} got {response.status}"
    assert not is_world_written() or contents() == before, "somebody refused changed a row"
    for name in asked([name for name in CAST if name in allowed]):
        response = call(app, client_of(name), row, world)
        assert not is_refusal(response), f"{name} got {response.status}: {response.text[:300]}"
        assert response.status_code < 500
        if row.method != "GET":
            reset_world()


def asked(people: list[str]) -> list[str]:
    """Choose whom to try: all of them, on the second database who sees least and who sees most.

    What a rule says of a row and of a list is compared for everybody on both.
    """
    return people if db.engine.dialect.name == "sqlite" else [*people[:1], *people[1:][-1:]]


def call(app: Flask, client: FlaskClient, row: Row, world: World) -> TestResponse:
    with app.test_request_context():
        url = url_for(row.endpoint, _method=row.method, **row.values(world))
    data = row.data(world)
    if row.is_json:
        return client.open(url, method=row.method, json=data)
    if row.method == "GET":
        return client.get(url, query_string=data)
    return client.open(url, method=row.method, data=data)


def is_refusal(response: TestResponse) -> bool:
    if response.status_code in (401, 403, 404):
        return True
    return response.status_code == 303 and "/sign-in" in response.headers["Location"]


def contents() -> dict[str, list[tuple[object, ...]]]:
    """Return all rows as the driver has them: SQLAlchemy takes ten times as long over so many."""
    session.rollback()
    found = {}
    cursor = session.connection().connection.cursor()
    for table, question in questions().items():
        cursor.execute(question)
        found[table] = cursor.fetchall()
    cursor.close()
    session.rollback()
    return found


@cache
def questions() -> dict[str, str]:
    """Ask every table for all its rows, in an order that their changes leave as it is."""
    found = {}
    for table in Model.metadata.sorted_tables:
        if table.name not in MOVING_TABLES:
            key = ", ".join(table.primary_key.columns.keys())
            found[table.name] = f'SELECT * FROM "{table.name}" ORDER BY {key}'
    return found

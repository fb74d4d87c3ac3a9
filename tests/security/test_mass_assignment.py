"""What a person may not decide cannot be slipped into a form or a body that they may send."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from portal.kernel.api import Operation
from tests.architecture.matrix import Row
from tests.architecture.test_permission_matrix import call, contents, contents_of_world, rows
from tests.cast import World

#: Columns that no form of anybody's has where it is not its very purpose.
SMUGGLED: Mapping[str, Any] = {
    "id": 1,
    "role": "owner",
    "status": "accepted",
    "is_administrator": True,
    "is_active": True,
    "is_demo": True,
    "verified_at": "2026-01-01T00:00:00Z",
    "verified_by_id": 1,
    "email_verified_at": "2026-01-01T00:00:00Z",
    "confirmed_at": "2030-01-01T00:00:00Z",
    "confirmed_by_id": 1,
    "created_by_id": 1,
    "user_id": 1,
    "invited_by_id": 1,
    "organization_id": 3,
    "published_at": "2026-01-01T00:00:00Z",
    "expires_at": "2099-01-01T00:00:00Z",
    "decided_at": "2026-01-01T00:00:00Z",
    "renewals": 0,
    "price_cents": 1,
    "match_key": "another",
    "source": "ipeds",
    "ipeds_id": "123456",
    "logo_id": 1,
    "file_id": 1,
    "password_hash": "x",
    "scopes": ["account:write"],
    "external_id": "x",
    "external_values": {"a": "b"},
}
#: Differ from run to run whatever is sent.
RANDOM_TABLES = {"email_link", "api_token", "stored_file", "settled_mark"}
#: Hold the hash of a password, whose salt differs.
SALTED_TABLES = {"users"}
WRITERS = ("ana", "cleo", "dov", "eve", "ben", "root", "nobody")

WRITES = [row for row in rows() if row.method != "GET" and row.allowed]


def operation_of(app: Flask, row: Row) -> Operation | None:
    found: Operation | None = getattr(app.view_functions[row.endpoint], "operation", None)
    return found


def writer_of(row: Row) -> str:
    return next(name for name in WRITERS if name in row.allowed.split())


def rows_after(
    app: Flask,
    world: World,
    client: FlaskClient,
    is_world_written: Callable[[], bool],
    row: Row,
    extra: Mapping[str, Any],
) -> tuple[int, dict[str, Any]]:
    changed = Row(
        row.endpoint,
        row.method,
        row.allowed,
        values=row.values,
        data=lambda world: {**row.data(world), **extra},
        is_json=row.is_json,
    )
    with time_machine.travel("2026-10-05T12:00:00Z", tick=False):
        status = call(app, client, changed, world).status_code
    found = contents() if is_world_written() else contents_of_world()
    return status, {
        name: [tuple(map(_without_salt, row)) for row in table] if name in SALTED_TABLES else table
        for name, table in found.items()
        if name not in RANDOM_TABLES
    }


def _without_salt(value: object) -> object:
    return "hash" if isinstance(value, str) and value.startswith("$argon2") else value


# What a form or a body has is read before any database is asked.
@pytest.mark.sqlite
@pytest.mark.parametrize(
    "row",
    [row for row in WRITES if not row.endpoint.split(".")[0].endswith("_api")],
    ids=lambda row: f"{row.method} {row.endpoint}",
)
def test_fields_that_a_form_does_not_have_change_nothing(
    app: Flask,
    world: World,
    client_of: Callable[[str], FlaskClient],
    reset_world: Callable[[], None],
    is_world_written: Callable[[], bool],
    indexed: None,
    row: Row,
) -> None:
    client = client_of(writer_of(row))
    own = row.data(world)
    smuggled = {name: str(value) for name, value in SMUGGLED.items() if name not in own}
    expected = rows_after(app, world, client, is_world_written, row, {})
    reset_world()
    again = client_of(writer_of(row))
    assert rows_after(app, world, again, is_world_written, row, smuggled) == expected


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "row",
    [row for row in WRITES if row.is_json],
    ids=lambda row: f"{row.method} {row.endpoint}",
)
def test_fields_that_a_body_does_not_have_are_refused(
    app: Flask,
    world: World,
    client_of: Callable[[str], FlaskClient],
    is_world_written: Callable[[], bool],
    indexed: None,
    row: Row,
) -> None:
    operation = operation_of(app, row)
    assert operation is not None
    if operation.form is None:
        # Such an operation reads no body at all.
        return
    with app.test_request_context():
        known = set(operation.form()._fields)
    client = client_of(writer_of(row))
    forbidden = {name: value for name, value in SMUGGLED.items() if name not in known}
    assert {"id", "is_administrator", "verified_at", "created_by_id"} <= forbidden.keys()

    response = call_with(app, world, client, row, forbidden)
    assert response.status_code == 422
    # All are told of at once, each by its name.
    named = {message.split(":")[0] for message in response.json["errors"][""]}
    assert forbidden.keys() <= named
    assert not is_world_written()


def call_with(
    app: Flask, world: World, client: FlaskClient, row: Row, extra: Mapping[str, Any]
) -> Any:
    changed = Row(
        row.endpoint,
        row.method,
        row.allowed,
        values=row.values,
        data=lambda world: {**row.data(world), **extra},
        is_json=True,
    )
    return call(app, client, changed, world)


def test_every_change_of_a_record_refuses_somebody_who_is_signed_in(app: Flask) -> None:
    rules = {rule.endpoint: rule.arguments for rule in app.url_map.iter_rules()}
    open_to_all = {
        f"{row.method} {row.endpoint}"
        for row in rows()
        if row.method != "GET"
        and any(name.endswith("_id") for name in rules[row.endpoint])
        and {"cleo", "eve", "dov", "root", "ana", "ben"} <= set(row.allowed.split())
    }

    # Anybody may say that an organization is theirs, and a broker decides; anybody may enroll.
    assert open_to_all == {"POST organizations.claim", "POST training.enroll"}


def test_no_change_of_a_record_is_open_to_visitors(app: Flask) -> None:
    rules = {rule.endpoint: rule.arguments for rule in app.url_map.iter_rules()}
    open_to_visitors = {
        f"{row.method} {row.endpoint}"
        for row in rows()
        if row.method != "GET"
        and any(name.endswith("_id") for name in rules[row.endpoint])
        and "nobody" in row.allowed.split()
    }

    assert open_to_visitors == set()

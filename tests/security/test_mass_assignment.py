"""What a person may not decide cannot be slipped into a form or a body that they may send."""

import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from portal.kernel.api import Operation
from portal.kernel.clock import now
from portal.kernel.database import Model
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
#: Forms that have such a field, though this person may leave it out.
OWN_FIELDS: Mapping[str, set[str]] = {
    "role": {
        "agreements.create_agreement",
        "agreements.edit_agreement",
    },
    "organization_id": {
        "agreements.add_milestone",
        "agreements.edit_milestone",
        "agreements.assert_outcome",
        "brokerage.ask",
        "brokerage.interview",
        "brokerage.open_case",
        "brokerage.edit_case",
        "conversations.write",
        "conversations.write_about",
        "conversations.write_to_organization",
        "partnerships.create_request",
        "partnerships.keep_new_draft",
        "partnerships.respond",
        "partnerships.reveal",
    },
    "ipeds_id": {
        "organizations.register",
        "organizations.edit",
    },
    "is_active": {
        "webhooks.show",
    },
}
#: Differ from run to run whatever is sent.
RANDOM_TABLES = {"email_link", "api_token", "stored_file", "settled_mark"}
#: So do these, and passwords' hashes by their salts.
RANDOM_COLUMNS = {"token_hash", "secret", "password_hash"}
WRITERS = ("ana", "cleo", "dov", "eve", "ben", "root", "nobody")

#: Of these the cast's world has nothing that would change: what is done is done already, cannot be
#: done yet, needs a link from a mail, or is looked at by itself in tests of its domain.
WRITES_NOTHING = {
    "accounts.change_email",
    "accounts.close_account",
    "accounts.reset_password",
    "accounts.verify_email",
    "agreements.acknowledge_agreement",
    "agreements.tell_apart",
    "bookings.book_of_kind",
    "bookings.hand_over",
    "bookings.raise_dispute",
    "bookings.report_incident",
    "bookings.wait",
    "brokerage.open_cases",
    "conversations.unblock",
    "facilities.confirm_own",
    "intake.act_on_import",
    "partnerships.renew",
    "partnerships.reveal",
    "training.confirm_own",
    "webhooks.send_again",
    "webhooks.try_out",
}

WRITES = [row for row in rows() if row.method != "GET" and row.allowed]


def operation_of(app: Flask, row: Row) -> Operation | None:
    found: Operation | None = getattr(app.view_functions[row.endpoint], "operation", None)
    return found


def writer_of(row: Row) -> str:
    return next(name for name in WRITERS if name in row.allowed.split())


def rows_after(
    app: Flask,
    world: World,
    client_of: Callable[[str], FlaskClient],
    is_world_written: Callable[[], bool],
    row: Row,
    extra: Mapping[str, Any],
    moment: dt.datetime,
) -> tuple[int, bool, dict[str, Any]]:
    changed = Row(
        row.endpoint,
        row.method,
        row.allowed,
        values=row.values,
        data=lambda world: {**row.data(world), **extra},
        is_json=row.is_json,
    )
    with time_machine.travel(moment, tick=False):
        status = call(app, client_of(writer_of(row)), changed, world).status_code
    is_written = is_world_written()
    found = contents() if is_written else contents_of_world()
    return (
        status,
        is_written,
        {
            name: _without_random(name, table)
            for name, table in found.items()
            if name not in RANDOM_TABLES
        },
    )


def _without_random(name: str, table: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Keep of what is random how long it is: what was smuggled in is shorter."""
    columns = Model.metadata.tables[name].columns.keys()
    if RANDOM_COLUMNS.isdisjoint(columns):
        return table
    is_random = [column in RANDOM_COLUMNS for column in columns]
    return [
        tuple(
            len(str(value)) if hide else value for value, hide in zip(row, is_random, strict=True)
        )
        for row in table
    ]


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
    own = row.data(world)
    smuggled = {
        name: str(value)
        for name, value in SMUGGLED.items()
        if name not in own and row.endpoint not in OWN_FIELDS.get(name, ())
    }
    send = partial(rows_after, app, world, client_of, is_world_written, row, moment=now())
    expected = send({})
    assert expected[1] is (row.endpoint not in WRITES_NOTHING)
    reset_world()
    assert send(smuggled) == expected


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

"""A call of the API that changes a record leaves what its body does not name as it is."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.kernel.database import Model
from tests.architecture.matrix import Row
from tests.architecture.test_permission_matrix import call, contents, rows
from tests.cast import World
from tests.security.test_mass_assignment import writer_of

CHANGES = [row for row in rows() if row.method in ("PATCH", "PUT")]
#: Whoever saves a record confirms it, whatever changes; that stands in its history.
SAVED = {"updated_at", "confirmed_at", "revision", "mark"}
HISTORY = "workflow_step"
Tables = dict[str, list[tuple[object, ...]]]


@pytest.mark.parametrize("row", CHANGES, ids=lambda row: row.endpoint)
def test_an_empty_body_changes_nothing_or_is_refused_with_its_fields(
    app: Flask, world: World, client_of: Callable[[str], FlaskClient], row: Row
) -> None:
    client = client_of(writer_of(row))
    # From now on there are values that an empty form does not have.
    assert call(app, client, row, world).status_code == 200
    before = contents()
    empty = Row(row.endpoint, row.method, row.allowed, row.values, is_json=True)
    answer = call(app, client, empty, world)
    assert answer.status_code == 200 or answer.json["errors"], answer.text
    assert not [*differences(before, contents())]


def differences(before: Tables, after: Tables) -> Iterator[tuple[str, object, object]]:
    for name in before.keys() - {HISTORY}:
        columns = Model.metadata.tables[name].columns.keys()
        for was, is_now in zip(before[name], after[name], strict=True):
            for column, old, new in zip(columns, was, is_now, strict=True):
                if old != new and column not in SAVED:
                    yield f"{name}.{column}", old, new

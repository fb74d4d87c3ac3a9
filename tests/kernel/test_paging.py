"""Pages of a list make up the whole list; a cursor that it did not make is refused."""

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.accounts.models import UserSession
from portal.facilities.models import Equipment
from portal.kernel.errors import Invalid
from portal.kernel.paging import keyset_page

pytestmark = pytest.mark.usefixtures("app")

ORDERS = {
    "name": (Equipment, [Equipment.name, Equipment.id]),
    "owner, then name": (Equipment, [Equipment.organization_id, Equipment.name, Equipment.id]),
    "many of the same": (Equipment, [Equipment.sharing_terms, Equipment.id]),
    "instant": (UserSession, [UserSession.created_at, UserSession.id]),
}


def cursor_of(values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=st.sampled_from(sorted(ORDERS)), limit=st.integers(1, 15), descending=st.booleans())
def test_pages_one_after_another_are_the_whole_list(
    order: str, limit: int, descending: bool
) -> None:
    model, keys = ORDERS[order]
    whole = keyset_page(select(model), keys, limit=100, descending=descending).items
    found: list[Any] = []
    cursor = None
    while True:
        page = keyset_page(select(model), keys, cursor=cursor, limit=limit, descending=descending)
        assert 1 <= len(page.items) <= limit
        found += page.items
        cursor = page.next
        if cursor is None:
            break

    assert [row.id for row in found] == [row.id for row in whole]
    assert len({row.id for row in found}) == len(found) > 5


BROKEN = {
    "not base64": "***",
    "not ASCII": "é",
    "no JSON": base64.urlsafe_b64encode(b"[1,").decode(),
    "no list": cursor_of({"name": "a"}),
    "too few": cursor_of(["a"]),
    "too many": cursor_of(["a", 1, 2]),
    "another list's": cursor_of([1, "a"]),
    "nothing in it": cursor_of([None, None]),
    "a truth": cursor_of(["a", True]),
    "a fraction": cursor_of(["a", 1.5]),
    "no number": cursor_of(["a", float("nan")]),
    "a huge number": cursor_of(["a", 2**70]),
    "a number larger than any record's": cursor_of(["a", 2**31]),
    "NUL": cursor_of(["a\x00", 1]),
    "half a character": cursor_of(["\ud800", 1]),
    "a list": cursor_of([["a"], 1]),
    "nested without end": base64.urlsafe_b64encode(b"[" * 50_000).decode(),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_cursor_is_refused(kind: str) -> None:
    with pytest.raises(Invalid) as refusal:
        keyset_page(select(Equipment), [Equipment.name, Equipment.id], cursor=BROKEN[kind])

    assert refusal.value.field == "cursor"


@pytest.mark.parametrize(
    "moment", ["2026-01-01", "2026-01-01T00:00:00", "0001-01-01T00:00:00+23:00", "soon", 5, ""]
)
def test_cursor_without_a_whole_instant_is_refused(moment: object) -> None:
    with pytest.raises(Invalid):
        keyset_page(
            select(UserSession),
            [UserSession.created_at, UserSession.id],
            cursor=cursor_of([moment, 1]),
        )

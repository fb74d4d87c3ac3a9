"""Keyset pages: a list's order, its limit, and an opaque cursor instead of an offset."""

import base64
import datetime as dt
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, tuple_

from portal.kernel.database import session
from portal.kernel.errors import Invalid

T = TypeVar("T")
LARGEST_PAGE = 100
_BROKEN = _l("This page link is broken. Please start again.")
# Of what lists are ordered by; PostgreSQL takes no larger one to compare it with.
_LARGEST_NUMBER = 2**31 - 1
_UNWANTED = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list, and the cursor of the next page, if there is one."""

    items: list[T]
    next: str | None


def keyset_page(
    statement: Select[*tuple[Any, ...]],
    keys: Sequence[Any],
    *,
    cursor: str | None = None,
    limit: int = 20,
    descending: bool = False,
    scalars: bool = True,
) -> Page[Any]:
    """Return a page of a statement ordered by `keys`, the last of which must be unique.

    keys: columns that the statement's rows (or their entity, with `scalars`) carry by name.
    Raises Invalid("cursor") for a cursor that this list did not make.
    """
    limit = max(1, min(limit, LARGEST_PAGE))
    if cursor:
        values = _decode(cursor, keys)
        row_value = tuple_(*keys)
        statement = statement.where(row_value < values if descending else row_value > values)
    order = [key.desc() if descending else key.asc() for key in keys]
    statement = statement.order_by(*order).limit(limit + 1)
    found: list[Any] = (
        list(session.scalars(statement).unique()) if scalars else list(session.execute(statement))
    )
    items = found[:limit]
    if len(found) <= limit:
        return Page(items, None)
    return Page(items, _encode([getattr(items[-1], key.key) for key in keys]))


def _encode(values: list[Any]) -> str:
    plain = [value.isoformat() if isinstance(value, dt.date) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def _decode(cursor: str, keys: Sequence[Any]) -> tuple[Any, ...]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        plain = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(plain, list) or len(plain) != len(keys):
            raise ValueError
        return tuple(
            _typed(value, key.type.python_type) for value, key in zip(plain, keys, strict=True)
        )
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Invalid("cursor", str(_BROKEN)) from error


def _typed(value: Any, kind: type) -> Any:
    if issubclass(kind, dt.datetime):
        moment = dt.datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(dt.UTC)
    if issubclass(kind, dt.date):
        return dt.date.fromisoformat(value)
    if not isinstance(value, kind) or isinstance(value, bool) != issubclass(kind, bool):
        raise ValueError
    if isinstance(value, int) and abs(value) > _LARGEST_NUMBER:
        raise ValueError
    if isinstance(value, str) and _UNWANTED.search(value):
        raise ValueError
    return value

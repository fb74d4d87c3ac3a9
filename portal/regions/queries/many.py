"""Reads by many values at once."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Select

from portal.kernel.database import session


def rows_in(statement: Select[*tuple[Any, ...]], column: Any, values: Iterable[Any]) -> list[Any]:
    """Run a statement of one column or entity like `tuples_in`."""
    return [row for (row,) in tuples_in(statement, column, values)]


def tuples_in(statement: Select[*tuple[Any, ...]], column: Any, values: Iterable[Any]) -> list[Any]:
    """Run a statement for many values of a column, in portions that every database takes."""
    wanted: Sequence[Any] = list(dict.fromkeys(values))
    found: list[Any] = []
    for start in range(0, len(wanted), 500):
        found.extend(session.execute(statement.where(column.in_(wanted[start : start + 500]))))
    return found

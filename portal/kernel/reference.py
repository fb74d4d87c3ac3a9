"""Reference tables: brought to the state of the files that the portal ships with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, insert, select, update

from portal.kernel.database import session

_PORTION = 1000

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Part:
    """One reference table: its columns, how many of them are the key, and its rows.

    only_ours: rows that the files no longer have are removed (nothing else points to them).
    among: which of the table's rows come from files at all, where people add others.
    """

    table: Table
    columns: tuple[str, ...]
    keys: int
    rows: list[Row]
    only_ours: bool = False
    among: ColumnElement[bool] | None = None


def table_of(model: Any) -> Table:
    """Return the table of a model."""
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 (for the type checker)
    return table


def sync(part: Part) -> tuple[int, int, int]:
    """Add, change and (where they are only ours) remove rows; return the three counts."""
    table, columns = part.table, part.columns
    statement = select(*(table.c[name] for name in columns))
    if part.among is not None:
        statement = statement.where(part.among)
    present = {tuple(row[: part.keys]): tuple(row) for row in session.execute(statement)}
    wanted = {row[: part.keys]: row for row in part.rows}
    gone = [key for key in present if key not in wanted] if part.only_ours else []
    for key in gone:
        session.execute(delete(table).where(_is_row(part, key)))
    different = [row for key, row in wanted.items() if key in present and present[key] != row]
    for row in different:
        values = dict(zip(columns[part.keys :], row[part.keys :], strict=True))
        session.execute(update(table).where(_is_row(part, row[: part.keys])).values(values))
    new = [
        dict(zip(columns, row, strict=True)) for key, row in wanted.items() if key not in present
    ]
    for portion in portions(new):
        session.execute(insert(table), portion)
    return len(new), len(different), len(gone)


def _is_row(part: Part, key: Row) -> Any:
    return and_(
        *(part.table.c[name] == value for name, value in zip(part.columns, key, strict=False))
    )


def portions(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Return rows in portions that every database takes at once."""
    for start in range(0, len(rows), _PORTION):
        yield rows[start : start + _PORTION]

"""Instants in the database: a column of aware UTC moments."""

import datetime as dt
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.types import DateTime, TypeDecorator


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware UTC instant. Naive values are refused, since nobody knows what they mean.

    On SQLite it is a text, which goes past what SQLAlchemy does around it: that takes five times as
    long as the rest.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        return None if value is None else _in_utc(value)

    def process_result_value(
        self, value: dt.datetime | None, dialect: Dialect
    ) -> dt.datetime | None:
        return None if value is None else _in_utc(value)

    def bind_processor(self, dialect: Dialect) -> Any:
        """Return what writes an instant."""
        return _write_instant if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return what reads an instant."""
        if dialect.name == "sqlite":
            return _read_instant
        return super().result_processor(dialect, coltype)

    @property
    def python_type(self) -> type[Any]:
        """What cursors are read back as; SQLAlchemy says `object` of a decorated type."""
        return dt.datetime


def _in_utc(value: dt.datetime) -> dt.datetime:
    if value.tzinfo is None:
        raise ValueError("a stored instant needs a time zone")
    return value.astimezone(dt.UTC)


def _write_instant(value: dt.datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is not dt.UTC:
        value = _in_utc(value)
    return value.isoformat(" ", "microseconds")[:_WITHOUT_OFFSET]


_WITHOUT_OFFSET = len("2027-03-01 09:00:00.000000")


def _read_instant(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text + "+00:00")

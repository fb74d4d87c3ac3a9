"""Counts the SQL statements of a block, for statement budgets."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import event

from portal.kernel.database import db


@dataclass
class Statements:
    """The statements that a block has sent, in order."""

    texts: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.texts)


@contextmanager
def count_statements() -> Iterator[Statements]:
    """Collect the statements sent to the app's database within the block."""
    seen = Statements()

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.texts.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)

"""The outbox: events written in the command's transaction, one delivery row per handler.

The worker delivers them at least once; nothing is lost when a process dies after the commit.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.kernel.clock import now
from portal.kernel.database import Identified, Model, insert_row, insert_rows, is_writing


class Event:
    """Base of all events: frozen dataclasses of ids and plain JSON values, in the past tense."""

    known: ClassVar[dict[str, type["Event"]]] = {}

    def __init_subclass__(cls) -> None:
        Event.known[cls.name()] = cls

    @classmethod
    def name(cls) -> str:
        """The stable name, `<domain>.<Class>`."""
        return f"{cls.__module__.split('.')[-2]}.{cls.__name__}"


E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Reaction:
    """A subscription: `handler(event)` follows every `event`, in a transaction of its own.

    is_outside: it waits for somebody else's answer, so it is called in a thread of its own and in
    no transaction; what it writes, it writes by commands, and being called twice does no harm.
    """

    event: type[Event]
    handler: Callable[[Any], object]
    is_outside: bool = False

    @property
    def name(self) -> str:
        # By the domain, though its reactions may be a folder: two domains may use the same words.
        return f"{self.handler.__module__.split('.')[1]}.{self.handler.__name__}"


class OutboxEvent(Identified, Model):
    """Something that happened, as the command recorded it."""

    is_settled = False

    name: Mapped[str] = mapped_column(String(80))
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    deliveries: Mapped[list["OutboxDelivery"]] = relationship(
        back_populates="event", lazy="raise_on_sql", passive_deletes=True
    )


class OutboxDelivery(Identified, Model):
    """One handler's share of an event: open until `done_at` or `failed_at` is set."""

    __table_args__ = (
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        Index(
            "ix_outbox_delivery_open",
            "due_at",
            "id",
            sqlite_where=text("done_at IS NULL AND failed_at IS NULL"),
            postgresql_where=text("done_at IS NULL AND failed_at IS NULL"),
        ),
        # Few are claimed at a time, and none when it is written.
        Index(
            "ix_outbox_delivery_claimed_by",
            "claimed_by",
            sqlite_where=text("claimed_by IS NOT NULL"),
            postgresql_where=text("claimed_by IS NOT NULL"),
        ),
    )

    is_settled = False

    event_id: Mapped[int] = mapped_column(
        ForeignKey("outbox_event.id", ondelete="CASCADE"), index=True
    )
    handler: Mapped[str] = mapped_column(String(160))
    due_at: Mapped[dt.datetime] = mapped_column(default=now)
    claimed_by: Mapped[str | None] = mapped_column(String(40))
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(String(2000))
    done_at: Mapped[dt.datetime | None]
    failed_at: Mapped[dt.datetime | None]

    event: Mapped[OutboxEvent] = relationship(back_populates="deliveries", lazy="raise_on_sql")


_handlers: dict[str, Callable[[Any], object]] = {}
_outside: set[str] = set()
_subscribers: dict[str, list[str]] = {}
_heard: ContextVar[frozenset[str] | None] = ContextVar("heard", default=None)


def subscribe(reactions: Iterable[Reaction]) -> None:
    """Make reactions known to `record`; done by the composition root."""
    for reaction in reactions:
        subscribe_name(reaction.event, reaction.name)
        _handlers[reaction.name] = reaction.handler
        if reaction.is_outside:
            _outside.add(reaction.name)


def subscribe_name(event: type[Event], handler: str) -> None:
    """Give every such event a delivery for a handler that the worker serves in its own way."""
    names = _subscribers.setdefault(event.name(), [])
    if handler not in names:
        names.append(handler)


def handler_named(name: str) -> Callable[[Any], object] | None:
    """Return the function of a delivery, or None when a newer version no longer has it."""
    return _handlers.get(name)


def is_outside(name: str) -> bool:
    """Tell whether a handler waits for somebody else's answer."""
    return name in _outside


def outside_names() -> list[str]:
    """Return the handlers that wait for somebody else's answer."""
    return sorted(_outside)


@contextmanager
def heard_only_by(*handlers: str) -> Iterator[None]:
    """Keep what happens in a block from all handlers but some: a past that is only told."""
    token = _heard.set(frozenset(handlers))
    try:
        yield
    finally:
        _heard.reset(token)


def record(event: Event) -> None:
    """Write an event into the present command's transaction."""
    if not is_writing():
        raise RuntimeError("events are recorded inside commands")
    heard = _heard.get()
    handlers = [
        name for name in _subscribers.get(event.name(), ()) if heard is None or name in heard
    ]
    if not handlers:
        return
    payload = {"name": event.name(), "payload": dict(vars(event))}
    event_id = insert_row(OutboxEvent, payload)["id"]
    insert_rows(
        OutboxDelivery, [{"event_id": event_id, "handler": handler} for handler in handlers]
    )


def load_event(name: str, payload: Mapping[str, Any]) -> Event | None:
    """Rebuild an event from its row; None when no such event is known any more."""
    kind = Event.known.get(name)
    if kind is None:
        return None
    fields = {item.name for item in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return kind(**{key: value for key, value in payload.items() if key in fields})

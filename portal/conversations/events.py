"""What happens in conversations, as ids and plain values."""

from dataclasses import dataclass

from portal.kernel.outbox import Event


@dataclass(frozen=True)
class MessagePosted(Event):
    """Somebody wrote a message."""

    message_id: int


@dataclass(frozen=True)
class MessageReported(Event):
    """Somebody told that a message is abuse."""

    report_id: int


@dataclass(frozen=True)
class ReportDecided(Event):
    """A report was upheld, and its message hidden, or dismissed."""

    report_id: int
    action: str
    note: str


@dataclass(frozen=True)
class DigestDue(Event):
    """A person's time to hear of a day's messages has come."""

    user_id: int

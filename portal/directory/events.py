"""What happened to saved searches: ids and plain values."""

from dataclasses import dataclass

from portal.kernel.outbox import Event


@dataclass(frozen=True)
class ResultsFound(Event):
    """A saved search found something new; `round` says which time that was."""

    saved_search_id: int
    round: int

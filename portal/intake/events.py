"""What happens to imports, as ids and plain values."""

from dataclasses import dataclass

from portal.kernel.outbox import Event


@dataclass(frozen=True)
class ImportFinished(Event):
    """An import has come to its end, or failed on the way."""

    run_id: int

"""What happens to matches, as ids and plain values."""

from dataclasses import dataclass

from portal.kernel.outbox import Event


@dataclass(frozen=True)
class MatchesFound(Event):
    """A request has new candidates, of which its people are told now, once.

    owners_told: those of the matches of which the candidates' owners are told as well.
    """

    request_id: int
    match_ids: list[int]
    owners_told: list[int]


@dataclass(frozen=True)
class MatchAnswered(Event):
    """The owner of a candidate answered about a criterion that nobody could tell."""

    match_id: int
    criterion: str

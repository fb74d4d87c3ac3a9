"""What happens to agreements and their outcomes, as ids and plain values."""

from dataclasses import dataclass

from portal.kernel.outbox import Event


@dataclass(frozen=True)
class AgreementMoved(Event):
    """An agreement took a step of its workflow."""

    agreement_id: int
    action: str
    status: str
    note: str
    by_user_id: int | None


@dataclass(frozen=True)
class DocumentAdded(Event):
    """A document, or a new version of one, was added to an agreement."""

    version_id: int
    by_user_id: int | None


@dataclass(frozen=True)
class MilestoneDue(Event):
    """A milestone is due before long, or is over."""

    milestone_id: int
    is_over: bool


@dataclass(frozen=True)
class AgreementEndsSoon(Event):
    """An agreement's last day comes before long."""

    agreement_id: int


@dataclass(frozen=True)
class OutcomeMoved(Event):
    """An outcome was asserted, shared, or took a step of its workflow."""

    outcome_id: int
    action: str
    note: str
    by_user_id: int | None


@dataclass(frozen=True)
class OutcomeAlike(Event):
    """An outcome looks like another one, and its organization has to say whether it is."""

    outcome_id: int

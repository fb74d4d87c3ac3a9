"""What happens in brokerage, as ids and plain values."""

from dataclasses import dataclass

from portal.kernel.outbox import Event


@dataclass(frozen=True)
class BrokersAsked(Event):
    """Somebody asked the brokers of a region for help, which opened a case."""

    case_id: int


@dataclass(frozen=True)
class IntroductionProposed(Event):
    """A broker proposed that organizations meet."""

    introduction_id: int


@dataclass(frozen=True)
class IntroductionConsented(Event):
    """All sides agreed to meet and accepted the terms: they now know who the others are."""

    introduction_id: int


@dataclass(frozen=True)
class IntroductionOpened(Event):
    """All sides gave their contacts: they now know how to reach each other."""

    introduction_id: int


@dataclass(frozen=True)
class IntroductionDeclined(Event):
    """One of the sides does not want to meet; its reason is for the broker alone."""

    introduction_id: int
    party_id: int


@dataclass(frozen=True)
class IntroductionResumed(Event):
    """One of three declined, and the broker lets the other two go on."""

    introduction_id: int


@dataclass(frozen=True)
class IntroductionLapsed(Event):
    """Somebody's answer did not come in time."""

    introduction_id: int


@dataclass(frozen=True)
class IntroductionWithdrawn(Event):
    """The broker took the proposal back."""

    introduction_id: int


@dataclass(frozen=True)
class IntroductionWaits(Event):
    """Somebody's answer is due soon."""

    introduction_id: int


@dataclass(frozen=True)
class CaseMoved(Event):
    """A case came to another stage."""

    case_id: int
    action: str
    status: str
    by_user_id: int | None


@dataclass(frozen=True)
class CaseHandedOver(Event):
    """Another broker looks after a case now."""

    case_id: int
    by_user_id: int | None


@dataclass(frozen=True)
class CaseTaskGiven(Event):
    """A broker was given something to do for a case."""

    task_id: int
    by_user_id: int | None


@dataclass(frozen=True)
class ConfirmationAsked(Event):
    """A broker asked an organization's people to look at what they list."""

    organization_id: int

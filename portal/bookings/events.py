"""What happens to bookings and to what opens their gates, as ids and plain values."""

from dataclasses import dataclass

from portal.kernel.outbox import Event


@dataclass(frozen=True)
class BookingMade(Event):
    """A booking was made or asked for."""

    booking_id: int
    by_user_id: int | None


@dataclass(frozen=True)
class BookingMoved(Event):
    """A booking's time, person or resource changed."""

    booking_id: int
    move_id: int
    by_user_id: int | None


@dataclass(frozen=True)
class BookingStepped(Event):
    """A booking took a step of its workflow."""

    booking_id: int
    action: str
    status: str
    by_user_id: int | None
    note: str


@dataclass(frozen=True)
class SpanFreed(Event):
    """Time that was taken is free again."""

    resource_id: int


@dataclass(frozen=True)
class WaitingGoesOn(Event):
    """More wait for freed time than are asked in one go: who came after this entry is next."""

    resource_id: int
    after_entry_id: int


@dataclass(frozen=True)
class SpanOffered(Event):
    """A freed span is kept for the next who waits."""

    waiting_entry_id: int


@dataclass(frozen=True)
class CalendarChanged(Event):
    """A resource's rules, hours, closures or dependencies were changed."""

    resource_id: int


@dataclass(frozen=True)
class QualificationStepped(Event):
    """A qualification was granted, renewed or revoked."""

    qualification_id: int
    action: str
    note: str


@dataclass(frozen=True)
class QualificationEndsSoon(Event):
    """A qualification expires, or lapses by disuse, before long."""

    qualification_id: int


@dataclass(frozen=True)
class RecognitionStepped(Event):
    """A host took the word of another, or of a credential; or takes it no longer."""

    recognition_id: int
    action: str
    note: str


@dataclass(frozen=True)
class ClearanceStepped(Event):
    """An agreement, insurance certificate or induction was filed or revoked."""

    clearance_id: int
    action: str
    note: str


@dataclass(frozen=True)
class ClearanceEndsSoon(Event):
    """An agreement, insurance certificate or induction expires before long."""

    clearance_id: int


@dataclass(frozen=True)
class AccessAsked(Event):
    """Somebody who misses a gate asked the host to open it."""

    access_request_id: int


@dataclass(frozen=True)
class AccessAnswered(Event):
    """A host declined what somebody asked for; what it grants is told as granted."""

    access_request_id: int
    note: str


@dataclass(frozen=True)
class ChargeSettled(Event):
    """What a booking costs was written down, once it was over."""

    booking_id: int


@dataclass(frozen=True)
class DisputeStepped(Event):
    """A charge was disputed, or the host answered."""

    dispute_id: int
    action: str


@dataclass(frozen=True)
class IncidentReported(Event):
    """Something went wrong during a booking."""

    incident_id: int


@dataclass(frozen=True)
class BookingStartsSoon(Event):
    """A booking begins soon, and a person is to be reminded of it."""

    booking_id: int
    user_id: int

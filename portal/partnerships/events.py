"""What happens to requests and responses, as ids and plain values."""

from dataclasses import dataclass

from portal.kernel.outbox import Event


@dataclass(frozen=True)
class RequestSaved(Event):
    """A request was written or changed."""

    request_id: int


@dataclass(frozen=True)
class RequestMoved(Event):
    """A request took a step of its workflow."""

    request_id: int
    action: str
    status: str
    by_user_id: int | None


@dataclass(frozen=True)
class RequestRenewed(Event):
    """A request's end was put off, once."""

    request_id: int


@dataclass(frozen=True)
class RequestEndsSoon(Event):
    """A request's time is over in two weeks or less."""

    request_id: int


@dataclass(frozen=True)
class RequestRevealed(Event):
    """An anonymous request let an organization know whose it is (None: everybody)."""

    request_id: int
    organization_id: int | None


@dataclass(frozen=True)
class RequestClosed(Event):
    """The people of a request said what came of it; `result` is a key of `words.RESULTS`."""

    request_id: int
    result: str


@dataclass(frozen=True)
class MandateAsked(Event):
    """A firm is asked, or asked again, whether a broker may post a request for it."""

    mandate_id: int


@dataclass(frozen=True)
class MandateAnswered(Event):
    """A firm gave or refused its word, or did not answer in time."""

    mandate_id: int
    status: str


@dataclass(frozen=True)
class RequestDeleted(Event):
    """A draft was deleted."""

    request_id: int


@dataclass(frozen=True)
class ResponseSent(Event):
    """An organization expressed interest in a request."""

    response_id: int


@dataclass(frozen=True)
class ResponseDecided(Event):
    """A response was accepted, declined or withdrawn, or lapsed with its request."""

    response_id: int
    action: str
    note: str

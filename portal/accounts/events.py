"""What happened to accounts. A user id of None stands where an address was not known here.

target: the path to which the person goes on once the address is confirmed, or "".
"""

from dataclasses import dataclass

from portal.kernel.outbox import Event


@dataclass(frozen=True)
class UserSignedUp(Event):
    user_id: int
    target: str = ""


@dataclass(frozen=True)
class KnownAddressSignedUp(Event):
    user_id: int


@dataclass(frozen=True)
class VerificationRequested(Event):
    user_id: int | None
    target: str = ""


@dataclass(frozen=True)
class EmailVerified(Event):
    user_id: int


@dataclass(frozen=True)
class PasswordResetRequested(Event):
    user_id: int | None


@dataclass(frozen=True)
class PasswordChanged(Event):
    user_id: int
    ended_tokens: int = 0


@dataclass(frozen=True)
class EmailChangeRequested(Event):
    user_id: int
    email: str


@dataclass(frozen=True)
class EmailChanged(Event):
    user_id: int
    old_email: str


@dataclass(frozen=True)
class TokenMade(Event):
    user_id: int
    token_id: int


@dataclass(frozen=True)
class AccountClosed(Event):
    """A person closed the account for good; nothing tells any more who it was."""

    user_id: int


@dataclass(frozen=True)
class AccountDeactivated(Event):
    user_id: int

"""Numbers in a link that nobody but us can have put there, so that whoever has it need not sign in.

Such a link does one harmless thing (it stops e-mail) and never expires; what opens an account is
kept in the database instead.
"""

import hashlib
import hmac
import re

_TOKEN = re.compile(r"[0-9]{1,10}-[0-9]{1,10}")


def seal_numbers(secret: str, purpose: str, first: int, second: int) -> str:
    """Return the token of two numbers; it holds for one purpose."""
    numbers = f"{first}-{second}"
    return f"{numbers}-{_seal(secret, purpose, numbers)}"


def read_numbers(secret: str, purpose: str, token: str) -> tuple[int, int] | None:
    """Return the two numbers of a token, or None unless it is one of ours."""
    numbers, _dash, seal = token.rpartition("-")
    if not _TOKEN.fullmatch(numbers) or not seal.isascii():
        return None
    if not hmac.compare_digest(seal, _seal(secret, purpose, numbers)):
        return None
    first, second = numbers.split("-")
    return int(first), int(second)


def _seal(secret: str, purpose: str, numbers: str) -> str:
    message = f"{purpose}:{numbers}"
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()[:40]

"""Passwords, secrets and what a browser calls itself: pure functions, no I/O."""

import functools
import hashlib
import ipaddress
import re
import secrets
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import argon2

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 128
#: Context words shorter than this would refuse too many honest passwords.
SHORTEST_CONTEXT_WORD = 4

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)


def erased_address(user_id: int) -> str:
    """Return what stands in place of the address of somebody who closed the account."""
    return f"closed-{user_id}@closed.invalid"


@dataclass(frozen=True)
class PasswordCost:
    """What argon2id is made to spend on one password."""

    memory_kib: int
    passes: int
    lanes: int


@functools.lru_cache(maxsize=8)
def _hasher(cost: PasswordCost) -> argon2.PasswordHasher:
    return argon2.PasswordHasher(
        time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes
    )


@functools.lru_cache(maxsize=8)
def _decoy(cost: PasswordCost) -> str:
    return _hasher(cost).hash(secrets.token_hex(16))


def _same_form(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def hash_password(password: str, cost: PasswordCost) -> str:
    """Return the argon2id hash of a password, with its parameters and salt."""
    return _hasher(cost).hash(_same_form(password))


def is_password_right(known: str | None, password: str, cost: PasswordCost) -> bool:
    """Tell whether a password is the one of a hash; without a hash, do the same work and say no."""
    decoy = _decoy(cost)
    try:
        _hasher(cost).verify(known or decoy, _same_form(password))
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
    return known is not None


def needs_new_hash(known: str, cost: PasswordCost) -> bool:
    """Tell whether a hash was made with other parameters than those of today."""
    return _hasher(cost).check_needs_rehash(known)


def is_common(password: str, common: Collection[str]) -> bool:
    """Tell whether a password is a common one, as it stands or with marks put around it."""
    folded = _same_form(password).casefold()
    return folded in common or folded.strip(" !?.,;:*#@$%&+-_=~()[]<>'\"") in common


def context_word_in(password: str, sources: Iterable[str]) -> str | None:
    """Return the first word of the sources (names, an address) that a password holds, if any."""
    squeezed = re.sub(r"[\W_]", "", _same_form(password).casefold())
    for source in sources:
        text = source.casefold().partition("@")[0]
        words = [*re.split(r"[\W_]+", text), re.sub(r"[\W_]", "", text)]
        for word in words:
            if len(word) >= SHORTEST_CONTEXT_WORD and word in squeezed:
                return word
    return None


def new_secret() -> str:
    """Return a random secret of 256 bits for a cookie, a link or a token."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """Return what is kept of a random secret: its SHA-256, in hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def network_of(address: str | None) -> str:
    """Return the network a client's address belongs to: itself, or its /64 for IPv6."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        # A server that listens for both writes each IPv4 address so: all are in one /64.
        parsed = parsed.ipv4_mapped
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def describe_browser(user_agent: str) -> tuple[str, str]:
    """Return the names of browser and system that a User-Agent header gives ("" if none known)."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return browser, system

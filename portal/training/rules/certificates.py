"""Certificates: numbers that nobody can guess, how long they are valid, what they are now. Pure."""

import calendar
import datetime as dt
import re
import secrets
from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

#: Digits and letters that nobody takes for one another when reading aloud or typing.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: Sixteen of thirty-two signs are 80 bits: nobody finds one by trying.
_LENGTH = 16
_GROUP = 4
#: Where everybody who has its number reads whether a certificate is valid.
CERTIFICATE_ADDRESS = "/training/certificates/%s"
_SOUND_ALIKE = str.maketrans("OIL", "011")
_NUMBER = re.compile(f"[{_ALPHABET}]{{{_LENGTH}}}")

#: What a certificate is to whoever checks it.
CERTIFICATE_STATES: Mapping[str, Any] = {
    "valid": _l("Valid"),
    "expired": _l("Expired"),
    "revoked": _l("Revoked"),
}
CERTIFICATE_TONES: Mapping[str, str] = {"valid": "good", "expired": "warn", "revoked": "bad"}


def make_number() -> str:
    """Return a number that no certificate has: "7K2M-X9QA-…" in groups of four."""
    signs = "".join(secrets.choice(_ALPHABET) for _place in range(_LENGTH))
    return "-".join(signs[place : place + _GROUP] for place in range(0, _LENGTH, _GROUP))


def read_number(text: str) -> str | None:
    """Return a number as it is kept, however somebody typed it; None for what is no number."""
    signs = re.sub(r"[\s\-–.]", "", text).upper().translate(_SOUND_ALIKE)
    if not _NUMBER.fullmatch(signs):
        return None
    return "-".join(signs[place : place + _GROUP] for place in range(0, _LENGTH, _GROUP))


def last_valid_day(issued_on: dt.date, valid_months: int | None) -> dt.date | None:
    """Return the last day on which a certificate is valid, or None where it never ends.

    A month later is the same day of the month, or its last where it is shorter.
    """
    if valid_months is None:
        return None
    months = issued_on.month - 1 + valid_months
    year, month = issued_on.year + months // 12, months % 12 + 1
    day = min(issued_on.day, calendar.monthrange(year, month)[1])
    return dt.date(year, month, day)


def state_of(today: dt.date, expires_on: dt.date | None, revoked_at: dt.datetime | None) -> str:
    """Return what a certificate is today: a key of `CERTIFICATE_STATES`."""
    if revoked_at is not None:
        return "revoked"
    return "expired" if expires_on is not None and today > expires_on else "valid"

"""Sizes and certificates that texts name: "frames 11 x 4 x 3 ft, 620 lb", "ISO 13485"."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

#: By unit: the dimension, and how many of its base units (inch, pound, ton of force) it has.
_UNITS: Mapping[str, tuple[str, float]] = {
    "in": ("length", 1.0),
    "inch": ("length", 1.0),
    "inches": ("length", 1.0),
    "ft": ("length", 12.0),
    "foot": ("length", 12.0),
    "feet": ("length", 12.0),
    "mm": ("length", 1 / 25.4),
    "cm": ("length", 1 / 2.54),
    "m": ("length", 1 / 0.0254),
    "lb": ("mass", 1.0),
    "lbs": ("mass", 1.0),
    "pounds": ("mass", 1.0),
    "kg": ("mass", 2.20462),
    "ton": ("force", 1.0),
    "tons": ("force", 1.0),
    "us tons": ("force", 1.0),
    "metric tons": ("force", 1.10231),
    "kip": ("force", 0.5),
    "kn": ("force", 0.112404),
}
_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_SIZE = re.compile(
    rf"(?P<numbers>{_NUMBER}(?:\s*[x×]\s*{_NUMBER})*)[\s-]*"
    r"(?P<unit>in|inch|inches|ft|foot|feet|mm|cm|m|lbs?|pounds|kg|tons?|kip|kn)\b(?![/²³])",
    re.IGNORECASE,
)
#: Smaller lengths are tolerances and thicknesses, which a table or a travel says nothing about.
SHORTEST_INCHES = 4.0

#: Certificates by the words that name them in a text.
_CERTIFICATES: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "ISO 9001": r"\biso[\s-]*9001\b",
        "ISO 13485": r"\biso[\s-]*13485\b",
        "ISO 14001": r"\biso[\s-]*14001\b",
        "ISO/IEC 17025": r"\biso(?:/iec)?[\s-]*17025\b",
        "AS9100": r"\bas[\s-]*9100",
        "IATF 16949": r"\biatf\b",
        "Nadcap": r"\bnadcap\b",
        "ITAR registration": r"\bitar\b",
        "NIST SP 800-171": r"\b800-171\b",
        "FDA registration": r"\bfda[\s-]*regist",
        "ASME U stamp": r"\basme\b",
        "UL": r"\bul[\s-]*(?:508|listed|listing)",
    }.items()
}


def sizes_in(text: str) -> dict[str, float]:
    """Return the largest figure of each dimension that a text names, in base units."""
    found: dict[str, float] = {}
    for match in _SIZE.finditer(text):
        numbers = re.findall(_NUMBER, match["numbers"])
        _put(found, numbers, match["unit"])
    return found


def sizes_of(specifications: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return the largest figure of each dimension among rows of {name, value, unit}."""
    found: dict[str, float] = {}
    for row in specifications:
        _put(found, re.findall(_NUMBER, str(row["value"])), str(row["unit"]))
    return found


def certificates_in(text: str) -> tuple[str, ...]:
    """Return the certificates that a text names, as organizations list them."""
    return tuple(name for name, pattern in _CERTIFICATES.items() if pattern.search(text))


def is_certificate(listed: str, wanted: str) -> bool:
    """Tell whether what an organization lists is the certificate that is wanted."""
    pattern = _CERTIFICATES.get(wanted)
    return listed.casefold() == wanted.casefold() or bool(pattern and pattern.search(listed))


def _put(found: dict[str, float], numbers: list[str], unit: str) -> None:
    known = _UNITS.get(unit.strip().lower())
    if known is None or not numbers:
        return
    dimension, factor = known
    size = max(float(number.replace(",", "")) for number in numbers) * factor
    if dimension != "length" or size >= SHORTEST_INCHES:
        found[dimension] = max(size, found.get(dimension, 0.0))

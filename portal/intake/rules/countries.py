"""Countries in any usual spelling."""

import re
from collections.abc import Mapping
from functools import cache

from babel import Locale
from babel.core import get_global

from portal.regions.rules import name_key

_MORE_COUNTRIES = {
    "america": "US",
    "united states of america": "US",
    "england": "GB",
    "great britain": "GB",
    "scotland": "GB",
    "uk": "GB",
    "wales": "GB",
    "holland": "NL",
    "the netherlands": "NL",
    "korea": "KR",
    "republic of korea": "KR",
    "korea republic of": "KR",
    "pr china": "CN",
    "prc": "CN",
    "p r china": "CN",
    "peoples republic of china": "CN",
    "mainland china": "CN",
    "hong kong": "HK",
    "macau": "MO",
    "macao": "MO",
    "taiwan roc": "TW",
    "turkey": "TR",
    "viet nam": "VN",
    "russian federation": "RU",
    "czech republic": "CZ",
    "ivory coast": "CI",
    "burma": "MM",
    "uae": "AE",
}


@cache
def _countries() -> Mapping[str, str]:
    """Return codes by every spelling: ISO 3166 codes of two and three letters, names."""
    known = {}
    for language in ("zh", "ja", "ko", "de", "pt", "fr", "es", "en"):
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in ("EU", "EZ", "UN", "QO", "ZZ"):
                known[_country_key(name)] = code
                known[code.casefold()] = code
    for alias, codes in get_global("territory_aliases").items():
        if len(alias) == 3 and alias.isalpha() and len(codes) == 1:
            known.setdefault(alias.casefold(), codes[0])
    return {**known, **_MORE_COUNTRIES}


def _country_key(text: str) -> str:
    return " ".join(re.sub(r"[.,()'’&]", " ", name_key(text)).split())


def country_code(text: str) -> str | None:
    """Return the two letters of a country in any usual spelling, or None."""
    return _countries().get(_country_key(text))

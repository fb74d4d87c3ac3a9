"""IPEDS: the directory of U.S. colleges and universities."""

import re
from collections.abc import Mapping

#: SECTOR: control and level. Private two-year colleges stand with the community colleges, which
#: they resemble in what they teach; schools of less than two years have no kind of their own.
_KIND_BY_SECTOR = {
    "1": "university",
    "2": "university",
    "3": "university",
    "4": "community_college",
    "5": "community_college",
    "6": "community_college",
}

#: States in free association: countries with U.S. postal addresses.
_ASSOCIATED = ("FM", "MH", "PW")

IPEDS_COLUMNS: Mapping[str, str] = {
    "ipeds_id": "UNITID",
    "name": "INSTNM",
    "other_names": "IALIAS",
    "kind": "SECTOR",
    "street": "ADDR",
    "city": "CITY",
    "state": "STABBR",
    "zip_code": "ZIP",
    "county_fips": "COUNTYCD",
    "latitude": "LATITUDE",
    "longitude": "LONGITUD",
    "phone": "GENTELE",
    "website": "WEBADDR",
}

IPEDS_NEEDED = ("UNITID", "INSTNM", "SECTOR", "STABBR", "COUNTYCD")


def ipeds_is_left_out(row: Mapping[str, str]) -> bool:
    """Tell whether a row is an administrative unit or an institution that closed."""
    return (
        row["SECTOR"] == "0"
        or row.get("CYACTIVE", "1") != "1"
        or bool(_given(row.get("DEATHYR", "")))
    )


def ipeds_texts(row: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Return the texts of a row by field, and the country. No person's name is among them."""
    texts = {name: _given(row.get(column, "")) for name, column in IPEDS_COLUMNS.items()}
    country = texts["state"] if texts["state"] in _ASSOCIATED else "US"
    texts["kind"] = _KIND_BY_SECTOR.get(texts["kind"], "other_intermediary")
    texts["other_names"] = "; ".join(_aliases(texts["other_names"]))
    texts["county_fips"] = texts["county_fips"].zfill(5) if texts["county_fips"] else ""
    texts["phone"] = _phone(texts["phone"])
    # One chain writes a campus's name with spaces behind a number sign.
    texts["website"] = texts["website"].partition("#")[0].rstrip("/")
    return texts, country


def _given(text: str) -> str:
    """Return a text; the file writes "not applicable" and "not reported" as -2 and -1."""
    text = text.strip()
    return "" if text in ("-1", "-2", "-3") else text


def _aliases(text: str) -> list[str]:
    pieces = re.split(r"[|;]|\s{2,}", text)
    names = dict.fromkeys(piece.strip(" ,") for piece in pieces)
    return [name for name in names if 0 < len(name) <= 200][:10]


def _phone(text: str) -> str:
    digits = re.sub(r"\D", "", text)
    if len(digits) < 10:
        return ""
    extension = f" x{digits[10:]}" if len(digits) > 10 else ""
    return f"({digits[:3]}) {digits[3:6]}-{digits[6:10]}{extension}"

"""Lists of organizations: what their columns mean, and addresses taken apart."""

import re
from collections.abc import Mapping

from portal.organizations.rules import match_key

_COLUMN_NAMES = {
    "company": "name",
    "company_name": "name",
    "facility": "name",
    "facility_name": "name",
    "organisation": "name",
    "organization": "name",
    "organization_name": "name",
    "alias": "other_names",
    "aliases": "other_names",
    "country_code": "country",
    "country_name": "country",
    "county": "county_fips",
    "fips": "county_fips",
    "e_mail": "email",
    "employees": "employee_band",
    "industry": "naics_codes",
    "lat": "latitude",
    "lng": "longitude",
    "lon": "longitude",
    "long": "longitude",
    "naics": "naics_codes",
    "postal_code": "zip_code",
    "postcode": "zip_code",
    "telephone": "phone",
    "town": "city",
    "url": "website",
    "web": "website",
    "web_address": "website",
    "zip": "zip_code",
}

_US_ADDRESS = re.compile(
    r"(?P<street>.+?),\s*(?P<city>[^,]+),\s*(?P<state>[A-Za-z]{2})\.?,?\s+(?P<zip_code>\d{5}(?:-\d{4})?)"
    r"(?:,?\s*(?:USA?|United States(?: of America)?))?",
    re.IGNORECASE,
)


def column_field(column: str) -> str:
    """Return the field that a column of a list probably means."""
    plain = re.sub(r"[\W_]+", "_", column.casefold()).strip("_")
    return _COLUMN_NAMES.get(plain, plain)


def place_texts(texts: Mapping[str, str], country: str) -> dict[str, str]:
    """Return the texts with the address taken apart, as far as it says so itself."""
    found = {name: text for name, text in texts.items() if name not in ("address", "country")}
    address = " ".join(texts.get("address", "").split())
    if country == "US":
        whole = _US_ADDRESS.fullmatch(address)
        parts = whole.groupdict() if whole else {"street": address}
        for name, text in parts.items():
            found[name] = found.get(name) or text
        if re.fullmatch(r"\d{4}", found.get("zip_code", "")):
            # Spreadsheets take leading zeros away.
            found["zip_code"] = "0" + found["zip_code"]
        return found
    found["street"] = found.get("street") or address
    if len(found.get("state", "")) > 2:
        # There is no column for the provinces of other countries.
        found["street"] = ", ".join(text for text in (found["street"], found["state"]) if text)
        found["state"] = ""
    return found


def namesake_key(name: str, country: str) -> tuple[str, str]:
    """Return what rows share that are probably the same organization."""
    return match_key(name), country

"""Reads of places: ZIP codes, towns, the time zone somewhere."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from portal.kernel.database import session
from portal.kernel.settled import settled_for_now
from portal.regions.models import County, RegionCounty, State, ZipCode
from portal.regions.queries.many import rows_in
from portal.regions.rules import read_town


@dataclass(frozen=True)
class Place:
    """A ZIP code's place; a town's is that of the ZIP code nearest to its middle.

    county: the county's label ("Jefferson County, KY") or empty.
    """

    zip_code: str
    place: str
    state: str
    county_fips: str | None
    county: str
    latitude: float
    longitude: float


def find_zip(text: str) -> Place | None:
    """Return the place of a ZIP code ("40202", "40202-1234"), or None."""
    found = re.fullmatch(r"\s*(\d{5})(?:-?\d{4})?\s*", text, re.ASCII)
    if not found:
        return None
    code = session.get(ZipCode, found[1])
    return _place_of(code) if code is not None else None


def find_place(text: str) -> Place | None:
    """Return the place of a ZIP code or of a town ("Wichita", "Wichita, KS"), or None.

    Of several towns of that name it is one in a region of the portal, else the largest: that with
    most ZIP codes.
    """
    if any(letter.isdecimal() for letter in text):
        return find_zip(text)
    # A page that finds nothing asks again for each search that asks for a little less.
    return settled_for_now(("town", text), lambda: _find_town(text))


def _find_town(text: str) -> Place | None:
    readings = read_town(text)
    # All ZIP codes are looked through, in 6 ms: towns are asked for too seldom to have an index.
    name = func.lower(ZipCode.place)
    rows = session.execute(
        select(ZipCode, name, State.name, RegionCounty.county_fips)
        .join(State, State.code == ZipCode.state)
        .outerjoin(RegionCounty, RegionCounty.county_fips == ZipCode.county_fips)
        .where(name.in_(readings))
        .order_by(ZipCode.state, ZipCode.zip_code)
    ).all()
    towns: dict[tuple[str, str], dict[str, ZipCode]] = defaultdict(dict)
    own = set()
    for code, town, state, region_county in rows:
        if readings[town] in ("", code.state.lower(), state.lower()):
            towns[town, code.state][code.zip_code] = code
            if region_county is not None:
                own.add((town, code.state))
    if not towns:
        return None
    best = max(towns, key=lambda town: (town in own, len(towns[town])))
    codes = list(towns[best].values())
    latitude = sum(code.latitude for code in codes) / len(codes)
    longitude = sum(code.longitude for code in codes) / len(codes)
    return _place_of(
        min(
            codes,
            key=lambda code: (code.latitude - latitude) ** 2 + (code.longitude - longitude) ** 2,
        )
    )


def _place_of(code: ZipCode) -> Place:
    county = session.get(County, code.county_fips) if code.county_fips else None
    return Place(
        code.zip_code,
        code.place,
        code.state,
        code.county_fips,
        county.label if county is not None else "",
        code.latitude,
        code.longitude,
    )


def find_zips(codes: Iterable[str]) -> dict[str, ZipCode]:
    """Return the rows of many five-digit ZIP codes, for importers."""
    return {row.zip_code: row for row in rows_in(select(ZipCode), ZipCode.zip_code, codes)}


def time_zone_at(zip_code: Any, county_fips: Any) -> Any:
    """Return the time zone of a ZIP code, or else of the county's first, in SQL."""
    by_zip = (
        select(ZipCode.time_zone)
        .where(ZipCode.zip_code == func.substr(zip_code, 1, 5))
        .scalar_subquery()
    )
    by_county = (
        select(ZipCode.time_zone)
        .where(ZipCode.county_fips == county_fips, ZipCode.time_zone != "")
        .order_by(ZipCode.zip_code)
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(func.nullif(by_zip, ""), by_county)

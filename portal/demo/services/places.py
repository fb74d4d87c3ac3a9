"""Where the demo's regions and records are."""

from collections.abc import Mapping
from typing import Any

from portal.demo.rules.chance import moved_apart
from portal.demo.rules.organizations import DemoOrganization
from portal.kernel.authorization import SYSTEM
from portal.regions import services as regions
from portal.regions.queries.places import find_zip
from portal.regions.queries.regions import find_region


def draw_region(key: str, fields: Mapping[str, Any]) -> bool:
    """Make a region of the demo; tell whether it was new."""
    if find_region(key) is not None:
        return False
    regions.create_region(SYSTEM, key=key, is_demo=True, **fields)
    return True


def place_near(organization: DemoOrganization, zip_code: str) -> dict[str, Any]:
    """Return the county and a point near that of a ZIP code."""
    found = find_zip(zip_code)
    if found is None:
        raise LookupError(f"no ZIP code {zip_code}: load the reference data first")
    latitude, longitude = moved_apart(organization.key, found.latitude, found.longitude)
    return {
        "city": found.place,
        "state": found.state,
        "county_fips": found.county_fips,
        "latitude": latitude,
        "longitude": longitude,
    }


def point_near(organization: DemoOrganization, zip_code: str) -> dict[str, Any]:
    """Return a point near that of a ZIP code."""
    place = place_near(organization, zip_code)
    return {name: place[name] for name in ("latitude", "longitude")}

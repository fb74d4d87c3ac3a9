"""What people type into forms of every record, turned into rows: capabilities, industries, places.

Raises Invalid with the name of the field where nothing fits.
"""

from collections.abc import Collection, Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from portal.kernel.database import session
from portal.kernel.errors import Invalid, check_all
from portal.regions.models import Capability, County
from portal.regions.queries.capabilities import resolve_capabilities
from portal.regions.queries.counties import find_county
from portal.regions.queries.industries import industries_named, naics_titles
from portal.regions.queries.places import find_zip


def get_capabilities(names: Collection[str]) -> list[Capability]:
    """Return the concepts of keys or names in any language; each once.

    Raises Invalid("capabilities") for an unknown name, with the nearest ones that are known.
    """
    if not names:
        return []
    keys, unknown = resolve_capabilities(names)
    for name, near in unknown.items():
        if not near:
            message = _(
                "We do not know “%(name)s”. The list of capabilities shows what we know.", name=name
            )
        else:
            message = _(
                "We do not know “%(name)s”. Did you mean %(others)s?",
                name=name,
                others=", ".join(f"“{label}”" for label in near),
            )
        raise Invalid("capabilities", message)
    return list(
        session.scalars(
            select(Capability).where(Capability.key.in_(keys)).order_by(Capability.label)
        )
    )


def get_naics(names: Collection[str]) -> list[str]:
    """Return the NAICS codes of codes or titles, each once.

    Raises Invalid("naics_codes") for an unknown one, with the nearest that are known.
    """
    # "332710 Machine Shops" is a code with its title beside it.
    codes = {name: name.partition(" ")[0] for name in names}
    known = set(naics_titles(codes.values()))
    for name, code in codes.items():
        if code in known:
            continue
        near = [] if name.isdecimal() else industries_named(name)
        titled = [found for found, title in near if title.casefold() == name.casefold()]
        if titled:
            known.add(titled[0])
        elif near:
            raise Invalid(
                "naics_codes",
                _(
                    "We do not know “%(name)s”. Did you mean %(others)s?",
                    name=name,
                    others=", ".join(f"{found} ({title})" for found, title in near),
                ),
            )
        else:
            raise Invalid(
                "naics_codes",
                _("%(code)s is no manufacturing code of NAICS 2022 that we know.", code=name),
            )
    return sorted(known)


def complete_place(
    fields: Mapping[str, Any], before: object | None = None, *, country: str = "US"
) -> dict[str, Any]:
    """Return city, state, zip_code, county_fips, latitude and longitude, filled from the ZIP code.

    fields: those that were given; the county as FIPS code or as "Jefferson County, KY".
    before: the record as it stands; a new ZIP code there moves county and point along.
    Raises Invalid for a county or ZIP code that does not exist.
    """
    names = ("city", "state", "zip_code", "county_fips", "latitude", "longitude")
    place = {
        name: fields[name] if name in fields else getattr(before, name, None) for name in names
    }
    if before is None or place["county_fips"] != getattr(before, "county_fips", None):
        place["county_fips"] = _county_fips(
            place["county_fips"] or "", place["state"] or "", place["zip_code"] or ""
        )
    if before is not None and place["zip_code"] != getattr(before, "zip_code", None):
        for group in (("county_fips",), ("latitude", "longitude"), ("city", "state")):
            if all(place[name] == getattr(before, name) for name in group):
                place.update(dict.fromkeys(group))
    if (place["latitude"] is None) != (place["longitude"] is None):
        raise Invalid("longitude", _("Please give both latitude and longitude, or neither."))
    is_complete = place["county_fips"] and place["latitude"] is not None
    if place["zip_code"] and country == "US" and not is_complete:
        found = find_zip(place["zip_code"])
        if found is None and not place["county_fips"] and place["latitude"] is None:
            raise Invalid(
                "zip_code",
                _("We do not know this ZIP code. Please check it, or give the county as well."),
            )
        if found is not None:
            place["county_fips"] = place["county_fips"] or found.county_fips
            place["city"] = place["city"] or found.place
            place["state"] = place["state"] or found.state
            if place["latitude"] is None:
                place["latitude"], place["longitude"] = found.latitude, found.longitude
    return {**place, **{name: place[name] or "" for name in ("city", "state", "zip_code")}}


def check_named(values: Mapping[str, Any]) -> None:
    """Raise Invalid with all capabilities, industries and places of a form that nobody knows."""
    check_all(
        lambda: get_capabilities(values.get("capabilities") or ()),
        lambda: get_naics(values.get("naics_codes") or ()),
        lambda: _check_place(values),
    )


def _check_place(values: Mapping[str, Any]) -> None:
    # Half of a point says nothing of the other half, which was refused.
    if "zip_code" in values and ("latitude" in values) == ("longitude" in values):
        complete_place(values, country=values.get("country") or "US")


def _county_fips(text: str, state: str, zip_code: str) -> str | None:
    text = text.strip()
    if not text:
        return None
    if text.isdecimal():
        county_fips = session.scalar(select(County.fips).where(County.fips == text))
    else:
        name, _comma, given_state = (part.strip() for part in text.rpartition(","))
        if not name and not state and (found := find_zip(zip_code)) is not None:
            # Whoever gives the ZIP code and “Bullitt” has said in which state.
            state = found.state
        county = find_county(name or given_state, given_state if name else state)
        county_fips = county.fips if county else None
    if county_fips is None:
        raise Invalid(
            "county_fips",
            _(
                "We do not know the county “%(name)s”. "
                "Please write it like Jefferson County, KY, or leave it empty.",
                name=text,
            ),
        )
    return county_fips

"""Reads of counties: by code, by name and state, their labels and outlines."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from portal.kernel.database import session
from portal.regions.models import County, State
from portal.regions.queries.many import rows_in, tuples_in
from portal.regions.rules import CountyNames, name_key


def list_counties(*, state: str | None = None) -> list[County]:
    """Return the counties (of a state, by its postal code) by state and name."""
    statement = select(County).order_by(County.state, County.name)
    if state is not None:
        statement = statement.where(County.state == state)
    return list(session.scalars(statement))


def counties_by_fips(codes: Iterable[str]) -> dict[str, County]:
    """Return the counties that exist among FIPS codes."""
    return {county.fips: county for county in rows_in(select(County), County.fips, codes)}


def county_labels(codes: Iterable[str]) -> dict[str, str]:
    """Return "Jefferson County, KY" by FIPS code, for facets and lists."""
    statement = select(County.fips, County.name, County.state)
    rows = tuples_in(statement, County.fips, codes)
    return {fips: f"{name}, {state}" for fips, name, state in rows}


def county_names() -> CountyNames:
    """Return what finds counties by name and state; importers keep it for all their rows."""
    counties = session.execute(select(County.fips, County.name, County.state))
    states = session.execute(select(State.code, State.name))
    return CountyNames(
        [(fips, name, state) for fips, name, state in counties],
        dict(states.all()),
    )


def find_county(name: str, state: str) -> County | None:
    """Return the county of a name in any usual spelling, in a state by name or postal code."""
    wanted = name_key(state)
    for code, full_name in session.execute(select(State.code, State.name)):
        if wanted in (code.casefold(), name_key(full_name)):
            counties = {county.fips: county for county in list_counties(state=code)}
            names = CountyNames(
                [(county.fips, county.name, code) for county in counties.values()], {code: code}
            )
            return counties.get(names.find(name, code) or "")
    return None


def outlines_of(codes: Iterable[str]) -> dict[str, list[Any]]:
    """Return the outlines (rings of [longitude, latitude]) that are known, by FIPS code."""
    statement = select(County.fips, County.outline).order_by(County.fips)
    rows = tuples_in(statement, County.fips, codes)
    return {fips: outline for fips, outline in rows if outline}

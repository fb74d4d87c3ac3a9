"""Reads for the pages of the whole portal: what is new, and what is wanted."""

from collections.abc import Sequence
from dataclasses import dataclass

from portal.directory.queries.searching import Found, search
from portal.directory.rules import Search
from portal.kernel.authorization import Actor
from portal.kernel.fulltext.port import IndexUnavailable

NEWEST = 6


@dataclass(frozen=True)
class Shared:
    """What a place shares: numbers by kind and capability, what is new, wanted and taught.

    counts: (kind, label, number); capabilities: (key, label, number), the most frequent first.
    """

    counts: list[tuple[str, str, int]]
    capabilities: list[tuple[str, str, int]]
    counties: dict[str, int]
    newest: Found
    wanted: Found
    taught: Found


def find_shared(actor: Actor, county_fips: Sequence[str] = ()) -> Shared | None:
    """Return what the counties (all, if none are given) share, or None while search is down."""
    chosen = {"county": tuple(county_fips)} if county_fips else {}
    try:
        newest = search(
            actor,
            Search(chosen={**chosen, "kind": ("equipment", "facility")}, sort="newest"),
            offset=0,
            limit=NEWEST,
            most_values=0,
        )
        wanted = search(
            actor,
            Search(chosen={**chosen, "kind": ("request",)}, sort="newest"),
            offset=0,
            limit=NEWEST,
            most_values=0,
        )
        taught = search(
            actor,
            Search(chosen={**chosen, "kind": ("program",)}, sort="newest"),
            offset=0,
            limit=NEWEST // 2,
            most_values=0,
        )
        everything = search(actor, Search(chosen=chosen), offset=0, limit=0)
    except IndexUnavailable:
        return None
    facets = {facet.name: facet.values for facet in everything.facets}
    return Shared(
        counts=[(item.value, item.label, item.count) for item in facets.get("kind", ())],
        capabilities=[
            (item.value, item.label, item.count) for item in facets.get("capability", ())[:12]
        ],
        counties={
            item.value: item.count
            for item in facets.get("county", ())
            if not county_fips or item.value in county_fips
        },
        newest=newest,
        wanted=wanted,
        taught=taught,
    )

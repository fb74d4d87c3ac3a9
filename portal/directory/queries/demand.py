"""Reads of unmet demand: what was searched for and not found."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select

from portal.directory.models import UnmetDemand
from portal.directory.policies import Permission
from portal.directory.rules import FEWEST_SEARCHES
from portal.kernel.authorization import Actor, authorize
from portal.kernel.clock import today_here
from portal.kernel.database import session
from portal.regions.queries import counties_of_region


@dataclass(frozen=True)
class Demand:
    """Words that were searched for and not found: how often, and on which day last."""

    words: str
    searches: int
    last_on: dt.date


def list_unmet_demand(
    actor: Actor, *, days: int, region_id: int | None = None, limit: int = 200
) -> list[Demand]:
    """Return what was not found in the last days, the most wanted first.

    region_id: of searches around the region's counties only. Words that were counted seldom may
    be somebody's own, so they are left out.
    """
    authorize(actor, Permission.DEMAND_VIEW)
    searches = func.sum(UnmetDemand.searches)
    statement = (
        select(UnmetDemand.words, searches, func.max(UnmetDemand.day))
        .where(UnmetDemand.day > today_here() - dt.timedelta(days=days))
        .group_by(UnmetDemand.words)
        .having(searches >= FEWEST_SEARCHES)
        .order_by(searches.desc(), UnmetDemand.words)
        .limit(limit)
    )
    if region_id is not None:
        codes = [county.fips for county in counties_of_region(region_id)]
        statement = statement.where(UnmetDemand.county_fips.in_(codes))
    return [Demand(*row) for row in session.execute(statement)]

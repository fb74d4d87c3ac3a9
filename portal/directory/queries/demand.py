"""Reads of unmet demand: what was searched for and not found."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlencode

from flask_babel import ngettext
from sqlalchemy import func, select

from portal.directory.models import UnmetDemand
from portal.directory.policies import Permission
from portal.directory.rules import FEWEST_SEARCHES, USUAL_DEMAND_DAYS
from portal.kernel.authorization import Actor, authorize
from portal.kernel.clock import today_here
from portal.kernel.database import session
from portal.kernel.manifest import DeskItem


@dataclass(frozen=True)
class Demand:
    """Words that were searched for and not found: how often, and on which day last."""

    words: str
    searches: int
    last_on: dt.date


def list_unmet_demand(
    actor: Actor, *, days: int, county_fips: Collection[str] | None = None, limit: int = 200
) -> list[Demand]:
    """Return what was not found in the last days, the most wanted first.

    county_fips: of searches around these counties only. Words that were counted seldom may be
    somebody's own, so they are left out.
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
    if county_fips is not None:
        statement = statement.where(UnmetDemand.county_fips.in_(sorted(county_fips)))
    return [Demand(*row) for row in session.execute(statement)]


def list_for_brokers(actor: Actor, limit: int) -> list[DeskItem]:
    """Return what was not found around the actor's counties lately, the most wanted first."""
    found = list_unmet_demand(
        actor, days=USUAL_DEMAND_DAYS, county_fips=actor.brokered_counties, limit=limit
    )
    return [
        DeskItem(
            item.words,
            f"/search?{urlencode({'q': item.words})}",
            dt.datetime.combine(item.last_on, dt.time(), dt.UTC),
            detail=ngettext(
                "searched for once, and not found",
                "searched for %(num)s times, and not found",
                item.searches,
            ),
        )
        for item in found
    ]

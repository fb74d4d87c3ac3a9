"""Firms of the region that state needs, for tests of demands and gaps."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import now, today_here
from portal.kernel.database import session, unit_of_work
from portal.organizations.models import Organization
from portal.organizations.rules import match_key
from portal.training.models.demands import SkillDemand
from portal.training.rules.demands import quarter_begins, quarter_of
from portal.training.services import demands as services


def later(quarters: int) -> dt.date:
    """Return a day in a quarter to come."""
    return quarter_begins(quarter_of(today_here()) + quarters) + dt.timedelta(days=40)


def add_firm(name: str, county: str = "21111", **values: Any) -> Organization:
    with unit_of_work():
        firm = Organization(
            name=name,
            match_key=match_key(name),
            kind="sme",
            county_fips=county,
            status="active",
            source="own",
            verified_at=now(),
            **values,
        )
        session.add(firm)
        session.flush()
    return firm


def ask(firm: Organization, skill: str, people: int, quarters: int = 2, **values) -> SkillDemand:
    return services.state_demand(
        SYSTEM, firm, skill=skill, people=people, needed_by=later(quarters), **values
    )


def add_askers(
    people: Sequence[int], skill: str = "cnc-mill-operation", county: str = "21111", quarters=2
) -> list[Organization]:
    """Add firms that ask for a skill, each for so many people."""
    found = [
        add_firm(f"{skill} {county} {quarters} firm {number}", county)
        for number in range(len(people))
    ]
    for firm, number in zip(found, people, strict=True):
        ask(firm, skill, number, quarters)
    return found

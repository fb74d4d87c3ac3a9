"""Reads of regions' brokers; their names and addresses are for administrators' pages only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import bindparam, select

from portal.accounts.models import User
from portal.kernel.authorization import Actor
from portal.kernel.database import session
from portal.kernel.manifest import Hindrance
from portal.regions.models import BrokerAppointment, Region, RegionCounty


@dataclass(frozen=True)
class BrokerView:
    """A broker of a region, for administrators."""

    user_id: int
    name: str
    email: str
    appointed_at: Any


_BROKERS = select(User.id, User.name, User.email, BrokerAppointment.appointed_at).join(
    BrokerAppointment, BrokerAppointment.user_id == User.id
)


def list_brokers(region_id: int, limit: int = 200) -> list[BrokerView]:
    """Return a region's brokers by name; for administrators."""
    rows = session.execute(
        _BROKERS.where(BrokerAppointment.region_id == region_id)
        .order_by(User.name, User.id)
        .limit(limit)
    )
    return [BrokerView(*row) for row in rows]


def has_brokers(region_id: int) -> bool:
    """Tell whether a region has anybody to ask."""
    found = (
        select(BrokerAppointment.user_id)
        .join(User, User.id == BrokerAppointment.user_id)
        .where(BrokerAppointment.region_id == region_id, User.is_active)
    )
    return session.scalar(found.limit(1)) is not None


def find_broker(region_id: int, user_id: int) -> BrokerView | None:
    """Return one of a region's brokers, or None; for administrators."""
    row = session.execute(
        _BROKERS.where(BrokerAppointment.region_id == region_id, User.id == user_id)
    ).one_or_none()
    return row and BrokerView(*row)


def broker_ids_of_county(county_fips: str | None) -> list[int]:
    """Return the users who are brokers of the regions of a county."""
    if county_fips is None:
        return []
    return list(
        session.scalars(
            select(BrokerAppointment.user_id)
            .join(RegionCounty, RegionCounty.region_id == BrokerAppointment.region_id)
            .where(RegionCounty.county_fips == county_fips)
            .distinct()
            .order_by(BrokerAppointment.user_id)
        )
    )


def list_hindrances(actor: Actor) -> list[Hindrance]:
    """Return the regions that would be without this broker."""
    return [
        Hindrance(
            _("Ask an administrator to end your work as a broker of %(region)s.", region=name),
            f"/regions/{key}",
        )
        for name, key in session.execute(
            select(Region.name, Region.key)
            .where(Region.id.in_(sorted(actor.brokered_regions)))
            .order_by(Region.name)
        )
    ]


# Every request asks this, so it is put together once.
_ACTOR_FACTS = (
    select(BrokerAppointment.region_id, RegionCounty.county_fips)
    .outerjoin(RegionCounty, RegionCounty.region_id == BrokerAppointment.region_id)
    .where(BrokerAppointment.user_id == bindparam("user_id"))
)


def actor_facts(user_id: int) -> Mapping[str, Any]:
    """Return what an actor is as a broker: region ids and county FIPS codes."""
    rows = session.execute(_ACTOR_FACTS, {"user_id": user_id}).all()
    return {
        "brokered_regions": frozenset(region_id for region_id, _fips in rows),
        "brokered_counties": frozenset(fips for _region_id, fips in rows if fips),
    }

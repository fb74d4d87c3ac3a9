"""Reads of regions and the counties in them."""

from collections.abc import Collection
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.paging import Page, keyset_page
from portal.regions.models import County, Region, RegionCounty


def list_regions(*, cursor: str | None = None, limit: int = 100) -> Page[Region]:
    """Return a page of regions with their counties, by name."""
    statement = select(Region).options(selectinload(Region.counties))
    return keyset_page(statement, (Region.name, Region.id), cursor=cursor, limit=limit)


def get_region(region_id: int) -> Region:
    """Return a region with its counties. Raises NotFound."""
    return _region(Region.id == region_id)


def get_region_by_key(key: str) -> Region:
    """Return a region with its counties. Raises NotFound."""
    return _region(Region.key == key)


def _region(condition: Any) -> Region:
    statement = select(Region).options(selectinload(Region.counties)).where(condition)
    region = session.scalar(statement)
    if region is None:
        raise NotFound(_("There is no such region."))
    return region


def find_region(key: str) -> Region | None:
    """Return the region of a key, without its counties, or None."""
    return session.scalar(select(Region).where(Region.key == key))


def regions_by_id(region_ids: Collection[int]) -> list[Region]:
    """Return regions by name, without their counties."""
    if not region_ids:
        return []
    return list(
        session.scalars(select(Region).where(Region.id.in_(region_ids)).order_by(Region.name))
    )


def counties_of_region(region_id: int) -> list[County]:
    """Return a region's counties by state and name."""
    return list(
        session.scalars(
            select(County)
            .join(RegionCounty, RegionCounty.county_fips == County.fips)
            .where(RegionCounty.region_id == region_id)
            .order_by(County.state, County.name)
        )
    )

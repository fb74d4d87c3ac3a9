"""What several engines need of a record and of a place."""

from collections.abc import Iterable, Mapping
from math import cos, radians
from typing import Any

import numpy as np

from portal.kernel.fulltext.port import KIND_FACET, Document, Near

EARTH_MILES = 3_958.7613
_MILES_PER_DEGREE = 69.093


def whole_text(document: Document) -> str:
    """Return everything of a record that is searched."""
    parts = (document.title, document.organization, *document.keywords)
    return "\n".join((*parts, document.summary, document.body))


def facets_of(document: Document) -> Mapping[str, Iterable[str]]:
    """Return the values of all six facets."""
    return {KIND_FACET: (document.kind,), **document.facets}


def square_around(near: Near) -> tuple[float, float, float, float]:
    """Return south, north, west and east of the square that holds the circle."""
    up = (near.radius_miles or 0.0) / _MILES_PER_DEGREE + 0.001
    aside = up / cos(radians(near.latitude)) + 0.001
    return near.latitude - up, near.latitude + up, near.longitude - aside, near.longitude + aside


def keep_within(near: Near | None, latitudes: Any, longitudes: Any) -> list[int]:
    """Return the places of those within the radius, the nearest first."""
    if near is None or not len(latitudes):
        return []
    north, north2 = radians(near.latitude), np.radians(latitudes)
    half = np.sin((north2 - north) / 2) ** 2 + cos(north) * np.cos(north2) * (
        np.sin(np.radians(longitudes - near.longitude) / 2) ** 2
    )
    miles = 2 * EARTH_MILES * np.arcsin(np.sqrt(half))
    order = np.argsort(miles, kind="stable")
    inside: list[int] = order[miles[order] <= (near.radius_miles or 0.0)].tolist()
    return inside

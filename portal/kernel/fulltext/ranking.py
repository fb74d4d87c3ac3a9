"""Which documents come first, and how far away they are."""

from __future__ import annotations

from math import asin, cos, pi, radians, sin, sqrt
from typing import Any, Final

import numpy as np

from portal.kernel.fulltext.arrays import Array
from portal.kernel.fulltext.decoding import point_of
from portal.kernel.fulltext.port import Near
from portal.kernel.fulltext.rows import DEGREES, NOWHERE
from portal.kernel.fulltext.snapshot import Snapshot

EARTH_MILES: Final = 3_958.7613
_BLOCK: Final = 64


def miles_between(latitude: float, longitude: float, latitude2: float, longitude2: float) -> float:
    """The great-circle distance (haversine)."""
    north, north2 = radians(latitude), radians(latitude2)
    half = sin((north2 - north) / 2) ** 2
    half += cos(north) * cos(north2) * sin(radians(longitude2 - longitude) / 2) ** 2
    return 2 * EARTH_MILES * asin(min(1.0, sqrt(half)))


def miles_to(snapshot: Snapshot, number: int, near: Near) -> float | None:
    """How far a document is from where the searcher looks."""
    latitude = int(snapshot.column("latitude")[number])
    longitude = int(snapshot.column("longitude")[number])
    if NOWHERE in {latitude, longitude}:
        return None
    return miles_between(near.latitude, near.longitude, latitude / DEGREES, longitude / DEGREES)


def chords(snapshot: Snapshot, ids: Array, near: Near) -> Array:
    """The squares of the straight distances from there to documents, through a sphere of radius 1.

    They grow with the distance; not a number: nowhere.
    """
    x, y, z = point_of(near.latitude, near.longitude)
    points = snapshot.points
    total = (points[0][ids] - x) ** 2
    total += (points[1][ids] - y) ** 2
    total += (points[2][ids] - z) ** 2
    return total


def within(snapshot: Snapshot, ids: Array, near: Near) -> Array:
    """Those of the documents that lie within the radius, if there is one."""
    if near.radius_miles is None:
        return ids
    angle = min(near.radius_miles / EARTH_MILES, pi)
    chord = 2 * sin(angle / 2)
    # What is too far north or south needs no more arithmetic; this is most of it.
    _, _, z = point_of(near.latitude, near.longitude)
    ids = ids[np.abs(snapshot.points[2][ids] - z) <= chord + 1e-9]
    found: Array = ids[chords(snapshot, ids, near) <= chord * chord + 1e-15]
    return found


def smallest(keys: Array, ids: Array, ties: Array, count: int) -> Array:
    """The places of the `count` smallest keys, ascending; of equal ones that of the smallest tie.

    A tie belongs to a document: that of the key at some place is `ties[ids[place]]`.
    """
    if len(keys) <= 4 * count:
        places = np.arange(len(keys))
    else:
        places = (keys <= _bound(keys, count)).nonzero()[0]
        if len(places) > 4 * count:
            # Many keys are equal: of those, keep the ones that their ties put first.
            limit = np.partition(keys[places], count - 1)[count - 1]
            below, equal = places[keys[places] < limit], places[keys[places] == limit]
            missing = count - len(below)
            if missing < len(equal):
                least = np.argpartition(ties[ids[equal]], missing - 1)[:missing]
                equal = equal[least]
            places = np.concatenate((below, equal))
    order = np.lexsort((ties[ids[places]], keys[places]))
    return places[order[:count]]


def _bound(keys: Array, count: int) -> Any:
    """A key that at least `count` do not exceed, and not many more."""
    blocks = len(keys) // _BLOCK
    if blocks > count:
        # The least of each of `count` blocks are so many already. To find them is one pass.
        keys = np.minimum.reduce(keys[: blocks * _BLOCK].reshape(blocks, _BLOCK), axis=1)
    return np.partition(keys, count - 1)[count - 1]

"""Pure functions of places and words: names as people type them, closures, outlines, map paths.

Nothing here reads a file or the database; what it works on is given.
"""

import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

Point = tuple[float, float]
Ring = list[Point]

_COUNTY_WORDS = re.compile(
    r"^(?:city and borough|municipality|borough|county|parish) of\s+"
    r"|\s+(?:city and borough|census area|county|parish|borough|municipality|municipio"
    r"|district|island|cnty|cty|co)$"
)
_SAINT = re.compile(r"\b(?:saint|sainte|ste)\b")


def name_key(text: str) -> str:
    """Return a name as it is compared: no case, no accents, hyphens and runs of space as one."""
    plain = text.casefold()
    if not plain.isascii():
        letters = unicodedata.normalize("NFKD", plain)
        plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub(r"[\s\-_‐‑‒–—]+", " ", plain).strip()


_SHORTENED = {"st": "saint", "ste": "sainte", "ft": "fort", "mt": "mount", "pt": "point"}
_MOST_TOWN_WORDS = 8


def read_town(text: str) -> dict[str, str]:
    """Return what may be a town's name at the beginning of a text, each with what follows it.

    "St. Louis, MO" may be the town of that name, followed by nothing, or "saint louis" followed by
    "mo". All in small letters; nothing for a text too long for a town.
    """
    found: dict[str, str] = {}
    # The Postal Service writes "O Fallon", but "Lees Summit".
    for sign in (" ", ""):
        words = re.sub(r"[.,-]", " ", re.sub(r"['’]", sign, text.lower())).split()
        if len(words) > _MOST_TOWN_WORDS:
            continue
        # The last one may be a state: "MT".
        words[:-1] = [_SHORTENED.get(word, word) for word in words[:-1]]
        for cut in range(len(words), 0, -1):
            # "D.C." has come apart.
            found[" ".join(words[:cut])] = " ".join(words[cut:]).replace("d c", "dc")
    return found


def county_keys(name: str) -> tuple[str, str]:
    """Return a county's name in two forms for comparison: whole, and without its kind.

    "St. Louis County" → ("stlouiscounty", "stlouis"); "saint louis" → ("stlouis", "stlouis").
    """
    words = _SAINT.sub("st", re.sub(r"[.,'’`]", "", name_key(name)))
    words = re.sub(r"\s+(?:cnty|cty|co)$", " county", words)
    bare = _COUNTY_WORDS.sub("", words)
    if bare == words:
        bare = words.removesuffix(" city").strip()
    return words.replace(" ", ""), bare.replace(" ", "")


class CountyNames:
    """Finds a county's FIPS code by its name and state, however both are spelled.

    counties: (fips, name, state's postal code); states: name by postal code.
    """

    #: Counties that were renamed or divided, in the words of sources of another year.
    _RENAMED = (
        ("AK", "chugach", "valdezcordova"),
        ("AK", "copperriver", "valdezcordova"),
        ("AK", "princeofwalesouterketchikan", "princeofwaleshyder"),
        ("AK", "skagwayhoonahangoon", "hoonahangoon"),
        ("AK", "wadehampton", "kusilvak"),
        ("AK", "wrangellpetersburg", "wrangell"),
        ("FL", "dade", "miamidade"),
        ("SD", "shannon", "oglalalakota"),
        ("VA", "bedfordcity", "bedford"),
    )

    def __init__(self, counties: Iterable[tuple[str, str, str]], states: Mapping[str, str]) -> None:
        self._states = {name_key(name): code for code, name in states.items()}
        self._states |= {code.casefold(): code for code in states}
        self._whole: dict[tuple[str, str], str] = {}
        self._bare: dict[tuple[str, str], str] = {}
        # A bare name that county and city share means the county, so cities come last.
        ordered = sorted(counties, key=lambda county: county[1].endswith(" city"))
        for fips, name, state in ordered:
            whole, bare = county_keys(name)
            self._whole[state, whole] = fips
            self._bare.setdefault((state, bare), fips)
        for state, other, now in self._RENAMED:
            if (state, now) in self._bare:
                self._bare.setdefault((state, other), self._bare[state, now])

    def find(self, name: str, state: str) -> str | None:
        """Return the FIPS code, or None where no county of the state has that name."""
        code = self._states.get(name_key(state).rstrip("."))
        if code is None or not name.strip():
            return None
        whole, bare = county_keys(name)
        for keys in (self._whole, self._bare):
            for key in (whole, bare):
                if (code, key) in keys:
                    return keys[code, key]
        return None


def closure(keys: Iterable[str], relation: Mapping[str, Collection[str]]) -> dict[str, int]:
    """Return all that is reached from `keys` by the relation, with the fewest steps to it."""
    steps = dict.fromkeys(keys, 0)
    edge = list(steps)
    while edge:
        following: list[str] = []
        for key in edge:
            for other in relation.get(key, ()):
                if other not in steps:
                    steps[other] = steps[key] + 1
                    following.append(other)
        edge = following
    return steps


def decode_outlines(topology: Mapping[str, Any], tolerance: float = 0.004) -> dict[str, list[Ring]]:
    """Return the outer rings of each county of a TopoJSON file, simplified, largest first.

    tolerance: in degrees. Arcs are simplified before they are put together, so that neighbors
    keep their common border. Points are (longitude, latitude), rounded to three digits.
    """
    scale_x, scale_y = topology["transform"]["scale"]
    shift_x, shift_y = topology["transform"]["translate"]
    arcs: list[Ring] = []
    for deltas in topology["arcs"]:
        x = y = 0
        arc: Ring = []
        for step_x, step_y in deltas:
            x, y = x + step_x, y + step_y
            arc.append((round(x * scale_x + shift_x, 3), round(y * scale_y + shift_y, 3)))
        arcs.append(simplify(arc, tolerance))
    found: dict[str, list[Ring]] = {}
    for geometry in topology["objects"]["counties"]["geometries"]:
        polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        rings = [_ring(polygon[0], arcs) for polygon in polygons]
        rings = sorted(rings, key=lambda ring: -abs(_area(ring)))
        # Islets too small to be seen would only make pages heavy.
        found[geometry["id"]] = [
            ring
            for number, ring in enumerate(rings)
            if number == 0 or (len(ring) > 3 and abs(_area(ring)) > tolerance**2 * 8)
        ]
    return found


def simplify(line: Ring, tolerance: float) -> Ring:
    """Leave out points of a line that lie within the tolerance of it (Douglas and Peucker)."""
    if len(line) < 3:
        return line
    keep = {0, len(line) - 1}
    pending = [(0, len(line) - 1)]
    while pending:
        first, last = pending.pop()
        farthest, distance = first, 0.0
        for number in range(first + 1, last):
            found = _distance_to_segment(line[number], line[first], line[last])
            if found > distance:
                farthest, distance = number, found
        if distance > tolerance:
            keep.add(farthest)
            pending += [(first, farthest), (farthest, last)]
    return [line[number] for number in sorted(keep)]


def _distance_to_segment(point: Point, start: Point, end: Point) -> float:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = dx * dx + dy * dy
    along = 0.0
    if length:
        along = ((point[0] - start[0]) * dx + (point[1] - start[1]) * dy) / length
        along = min(1.0, max(0.0, along))
    return math.hypot(point[0] - start[0] - along * dx, point[1] - start[1] - along * dy)


def _ring(numbers: Sequence[int], arcs: Sequence[Ring]) -> Ring:
    ring: Ring = []
    for number in numbers:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        ring.extend(arc[1:] if ring else arc)
    return ring


def _area(ring: Ring) -> float:
    pairs = zip(ring, [*ring[1:], *ring[:1]], strict=True)
    return sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in pairs) / 2


@dataclass(frozen=True)
class MapShape:
    """A county on the map: its FIPS code and SVG path data."""

    fips: str
    path: str


@dataclass(frozen=True)
class MapPoint:
    """A place on the map: the caller's number for it, and where it stands in the view box."""

    number: int
    x: float
    y: float


@dataclass(frozen=True)
class MapDrawing:
    """What the map template draws. `width` and `height` are those of the view box.

    columns, rows: where a line parts places that are far from each other, the empty land between
    them left out.
    """

    width: int
    height: int
    shapes: list[MapShape]
    points: list[MapPoint]
    columns: list[float] = field(default_factory=list)
    rows: list[float] = field(default_factory=list)


#: A map without anything for so many degrees and so much of it is folded, if that leaves few parts.
_EMPTY_DEGREES = 3.0
_EMPTY_SHARE = 0.15
_MOST_PARTS = 4
#: Each part gets so much ground around it, and the whole map at least that of some 20 miles.
_GROUND_DEGREES = 0.15


class _Axis:
    """One direction of a map: the stretches on which something is, put one after the other."""

    def __init__(self, spans: Iterable[tuple[float, float]]) -> None:
        parts: list[list[float]] = []
        ordered = sorted(spans)
        extent = max(high for _low, high in ordered) - ordered[0][0]
        for low, high in ordered:
            if parts and low - parts[-1][1] <= max(_EMPTY_DEGREES, _EMPTY_SHARE * extent):
                parts[-1][1] = max(parts[-1][1], high)
            else:
                parts.append([low, high])
        if len(parts) > _MOST_PARTS:
            parts = [[parts[0][0], parts[-1][1]]]
        if len(parts) > 1:
            parts = [[low - _GROUND_DEGREES, high + _GROUND_DEGREES] for low, high in parts]
        elif parts[0][1] - parts[0][0] < _GROUND_DEGREES:
            middle = sum(parts[0]) / 2
            parts = [[middle - _GROUND_DEGREES / 2, middle + _GROUND_DEGREES / 2]]
        self.folds: list[float] = []
        self._starts: list[tuple[float, float]] = []
        self.length = 0.0
        for low, high in parts:
            self._starts.append((low, self.length))
            self.length += high - low
            self.folds.append(self.length)
        self.folds.pop()

    def place(self, value: float) -> float:
        """Return where a value stands on the folded axis."""
        low, start = max(item for item in self._starts if item[0] <= value or item[1] == 0)
        return start + value - low


def draw_map(
    outlines: Mapping[str, Sequence[Sequence[Sequence[float]]]],
    points: Sequence[Point] = (),
    *,
    width: int = 640,
    tallest: int = 640,
    margin: int = 12,
) -> MapDrawing:
    """Project counties and (latitude, longitude) points into a view box they fill.

    outlines: rings of (longitude, latitude) by FIPS code. Equirectangular, with longitudes
    shortened by the cosine of the middle latitude, so that shapes look right. A point outside
    all counties widens the map; without counties and points the map is empty. Where a few groups
    of places are far apart, the empty land between them is folded away, and the map is never
    flatter than three to one.
    """
    places = [(longitude, latitude) for latitude, longitude in points]
    corners = [(p[0], p[1]) for rings in outlines.values() for ring in rings for p in ring]
    everything = corners + places
    if not everything:
        return MapDrawing(width, width // 2, [], [])
    # Alaska reaches over the 180th meridian; its western tip goes to the left of the rest.
    is_wrapped = max(p[0] for p in everything) - min(p[0] for p in everything) > 180

    def unwrap(longitude: float) -> float:
        return longitude - 360 if is_wrapped and longitude > 0 else longitude

    south, north = min(p[1] for p in everything), max(p[1] for p in everything)
    shrink = math.cos(math.radians((south + north) / 2))
    groups = [[p for ring in rings for p in ring] for rings in outlines.values()]
    groups += [[place] for place in places]
    across = _Axis(_span(unwrap(p[0]) * shrink for p in group) for group in groups if group)
    # Southward, as the view box counts.
    down = _Axis(_span(-p[1] for p in group) for group in groups if group)
    scale = min((width - 2 * margin) / across.length, (tallest - 2 * margin) / down.length)
    height = max(round(down.length * scale) + 2 * margin, width // 3)
    left = (width - across.length * scale) / 2
    top = (height - down.length * scale) / 2

    def place(longitude: float, latitude: float) -> Point:
        x = left + across.place(unwrap(longitude) * shrink) * scale
        return round(x, 1), round(top + down.place(-latitude) * scale, 1)

    shapes = []
    for fips, rings in outlines.items():
        pieces = []
        for ring in rings:
            steps = list(dict.fromkeys(place(p[0], p[1]) for p in ring))
            if len(steps) > 2:
                pieces.append("M" + "L".join(f"{x:g} {y:g}" for x, y in steps) + "Z")
        shapes.append(MapShape(fips, "".join(pieces)))
    found = [MapPoint(number, *place(*position)) for number, position in enumerate(places)]
    return MapDrawing(
        width,
        height,
        shapes,
        found,
        columns=[round(left + fold * scale, 1) for fold in across.folds],
        rows=[round(top + fold * scale, 1) for fold in down.folds],
    )


def draw_counties(outlines: Mapping[str, Sequence[Sequence[Sequence[float]]]]) -> MapDrawing:
    """Draw counties as `draw_map` does; what was drawn before is not drawn anew."""
    return _drawn_once(
        tuple(
            (fips, tuple(tuple((p[0], p[1]) for p in ring) for ring in rings))
            for fips, rings in sorted(outlines.items())
        )
    )


@lru_cache(maxsize=100)
def _drawn_once(outlines: tuple[tuple[str, tuple[tuple[Point, ...], ...]], ...]) -> MapDrawing:
    return draw_map(dict(outlines))


def _span(values: Iterable[float]) -> tuple[float, float]:
    known = list(values)
    return min(known), max(known)


def slug(name: str) -> str:
    """Return a name as a key for addresses: "Greater Louisville" → "greater-louisville"."""
    return re.sub(r"[^a-z0-9]+", "-", name_key(name)).strip("-")

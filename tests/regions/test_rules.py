"""Closures and map drawings, as pure functions."""

import math
from itertools import pairwise

import pytest

from portal.regions.rules import (
    closure,
    decode_outlines,
    draw_map,
    name_key,
    simplify,
    slug,
)

SQUARE = [[(-86.0, 38.0), (-85.0, 38.0), (-85.0, 39.0), (-86.0, 39.0), (-86.0, 38.0)]]
#: Two neighbors of a grid of 10 × 10, of which the second has a hair-thin islet.
TOPOLOGY = {
    "transform": {"scale": [0.1, 0.1], "translate": [-90, 40]},
    "arcs": [
        [[10, 0], [0, 10]],  # the common border, northwards
        [[10, 10], [-10, 0], [0, -10], [10, 0]],
        [[10, 10], [10, 0], [0, -10], [-10, 0]],
        [[30, 0], [0, 0], [0, 0]],
    ],
    "objects": {
        "counties": {
            "geometries": [
                {"type": "Polygon", "id": "01001", "arcs": [[0, 1]]},
                {"type": "MultiPolygon", "id": "01003", "arcs": [[[3]], [[0, 2]]]},
            ]
        }
    },
}


@pytest.mark.parametrize(
    ("one", "other"),
    [("5-axis milling", "5 Axis  Milling"), ("Metrología", "metrologia"), ("CAD/CAM", "cad/cam")],
)
def test_spellings_of_a_name_are_equal(one, other):
    assert name_key(one) == name_key(other)


def test_different_names_stay_different():
    assert name_key("R&D") != name_key("RD")


def test_a_closure_counts_the_fewest_steps():
    relation = {"mill": ["machining", "cnc"], "cnc": ["machining"], "machining": ["making"]}
    assert closure(["mill"], relation) == {"mill": 0, "cnc": 1, "machining": 1, "making": 2}


def test_a_closure_of_nothing_is_empty():
    assert closure([], {"a": ["b"]}) == {}


def test_points_on_a_straight_line_are_left_out():
    assert simplify([(0, 0), (1, 0.001), (2, 0), (2, 5)], 0.01) == [(0, 0), (2, 0), (2, 5)]


def test_outlines_share_their_border_and_lose_islets_nobody_sees():
    outlines = decode_outlines(TOPOLOGY)
    assert set(outlines) == {"01001", "01003"}
    assert len(outlines["01003"]) == 1
    border = {(-89.0, 40.0), (-89.0, 41.0)}
    assert border <= set(outlines["01001"][0])
    assert border <= set(outlines["01003"][0])


def test_a_map_fills_its_view_box_and_keeps_shapes():
    drawing = draw_map({"21111": SQUARE}, width=640, tallest=640, margin=10)
    numbers = [
        tuple(map(float, pair.split()))
        for pair in drawing.shapes[0].path.strip("MZ").replace("M", "L").split("L")
    ]
    widest = max(x for x, _ in numbers) - min(x for x, _ in numbers)
    highest = max(y for _, y in numbers) - min(y for _, y in numbers)
    assert drawing.height == 640
    assert highest == pytest.approx(620, abs=1)
    # A degree of longitude is shorter than one of latitude by the cosine.
    assert widest / highest == pytest.approx(math.cos(math.radians(38.5)), abs=0.01)


def test_a_point_stands_where_its_county_is():
    drawing = draw_map({"21111": SQUARE}, [(38.5, -85.5), (39.0, -86.0)])
    middle, corner = drawing.points
    assert (middle.number, corner.number) == (0, 1)
    assert middle.x == pytest.approx(drawing.width / 2, abs=1)
    assert middle.y == pytest.approx(drawing.height / 2, abs=1)
    assert corner.x < middle.x
    assert corner.y < middle.y


def test_one_place_alone_gets_a_map_around_it():
    drawing = draw_map({}, [(38.25, -85.75)])
    assert drawing.points[0].x == pytest.approx(drawing.width / 2, abs=1)
    assert drawing.points[0].y == pytest.approx(drawing.height / 2, abs=1)


def moved(ring, east, north=0.0):
    return [(longitude + east, latitude + north) for longitude, latitude in ring]


def test_far_places_stand_side_by_side_without_the_land_between_them():
    outlines = {"21111": SQUARE, "20173": [moved(SQUARE[0], -20.0, -1.0)]}
    drawing = draw_map(outlines, [(38.5, -85.5), (37.5, -105.5)])
    louisville, wichita = drawing.points
    [fold] = drawing.columns
    assert wichita.x < fold < louisville.x
    assert wichita.y > louisville.y, "the one farther south stays below"
    assert drawing.rows == []
    assert drawing.height > drawing.width / 3
    shapes = {shape.fips: shape.path for shape in drawing.shapes}
    xs = [float(step.split()[0]) for step in shapes["21111"].strip("MZ").split("L")]
    assert max(xs) - min(xs) > drawing.width / 4, "and each is drawn large"


def test_many_places_over_the_whole_country_are_not_folded():
    points = [(38.0, -120.0 + 8 * number) for number in range(6)]
    drawing = draw_map({}, points)
    assert (drawing.columns, drawing.rows) == ([], [])
    steps = [after.x - before.x for before, after in pairwise(drawing.points)]
    assert max(steps) == pytest.approx(min(steps), abs=0.5)
    assert drawing.height >= drawing.width // 3
    assert drawing.points[0].y == pytest.approx(drawing.height / 2, abs=1)


def test_an_island_far_off_is_folded_in_and_gaps_of_the_mainland_are_not():
    mainland = [(40.0, -120.0 + number * 5) for number in range(9)]
    drawing = draw_map({}, [*mainland, (21.0, -157.0)])
    assert (len(drawing.columns), len(drawing.rows)) == (1, 1)
    hawaii = drawing.points[-1]
    assert hawaii.x < drawing.columns[0] < drawing.points[0].x
    assert hawaii.y > drawing.rows[0] > drawing.points[0].y


def test_a_map_of_nothing_is_empty():
    drawing = draw_map({})
    assert (drawing.shapes, drawing.points) == ([], [])


def test_alaska_is_not_torn_apart_by_the_date_line():
    west = [[(179.0, 51.0), (179.5, 51.0), (179.5, 52.0), (179.0, 51.0)]]
    east = [[(-170.0, 51.0), (-169.0, 51.0), (-169.0, 52.0), (-170.0, 51.0)]]
    drawing = draw_map({"02016": west, "02013": east}, [(51.5, 179.2), (51.5, -169.5)])
    left, right = drawing.points
    assert left.x < right.x
    assert right.x - left.x < drawing.width


@pytest.mark.parametrize(
    ("name", "key"), [("Greater Louisville", "greater-louisville"), ("  ¡Doña Ana! ", "dona-ana")]
)
def test_a_name_becomes_a_key_for_addresses(name, key):
    assert slug(name) == key

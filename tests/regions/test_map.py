"""The map as a page part: readable by eye, by keyboard and by screen reader."""

import pytest
from flask import get_template_attribute

from portal.regions.rules import draw_map
from tests.regions.test_rules import SQUARE

PLACES = [{"label": "Ana's <Shop>", "url": "/organizations/1", "place": "Louisville, KY"}]


@pytest.fixture
def county_map(app):
    with app.test_request_context("/"):
        yield get_template_attribute("regions/map.html", "county_map")


def test_places_are_links_on_the_map_and_in_the_table(county_map):
    drawing = draw_map({"21111": SQUARE}, [(38.5, -85.5)])
    page = county_map(drawing, "1 result", {"21111": "Jefferson County, KY"}, PLACES)
    assert '<title id="map-title">1 result</title>' in page
    assert page.count('href="/organizations/1"') == 2
    assert 'aria-label="Ana&#39;s &lt;Shop&gt;"' in page
    assert "Louisville, KY" in page
    assert "style=" not in page


def test_a_map_without_places_lists_its_counties(county_map):
    drawing = draw_map({"21111": SQUARE})
    page = county_map(drawing, "Our county", {"21111": "Jefferson County, KY"}, id="ours")
    assert 'role="img" aria-labelledby="ours-title"' in page
    assert "<title>Jefferson County, KY</title>" in page
    assert '<th scope="row">Jefferson County, KY</th><td>21111</td>' in page


def test_a_folded_map_says_so(county_map):
    far = [[(longitude - 20, latitude) for longitude, latitude in SQUARE[0]]]
    page = county_map(draw_map({"21111": SQUARE, "20173": far}), "Two counties", {})
    assert "the land between them is left out" in page
    assert "left out" not in county_map(draw_map({"21111": SQUARE}), "One county", {})


def test_only_the_counties_meant_are_shaded(county_map):
    drawing = draw_map({"21111": SQUARE, "18019": SQUARE})
    page = county_map(drawing, "Two counties", {}, inside={"18019"})
    assert page.count("data-inside") == 1

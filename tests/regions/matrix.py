"""Who reaches the pages and the API of regions, capabilities and clusters."""

from collections.abc import Mapping
from typing import Any

from tests.architecture.matrix import EVERYBODY, Row
from tests.cast import World


def louisville(world: World) -> Mapping[str, Any]:
    return {"region_id": world.regions["greater-louisville"]}


def dov_of_louisville(world: World) -> Mapping[str, Any]:
    return {**louisville(world), "user_id": world.users["dov"]}


def milling(_world: World) -> Mapping[str, Any]:
    return {"key": "cnc-milling"}


def drawn(_world: World) -> Mapping[str, Any]:
    return {"name": "Falls Cities", "summary": "", "county_fips": ["21111"]}


ROUTES = [
    Row("regions.list_regions", "GET", EVERYBODY),
    Row("regions.list_capabilities", "GET", EVERYBODY),
    Row("regions.show_capability", "GET", EVERYBODY, values=milling),
    Row("regions.suggest_capabilities", "GET", EVERYBODY, data=lambda world: {"q": "mill"}),
    Row("regions.list_clusters", "GET", EVERYBODY),
    Row("regions.administer_regions", "GET", "root"),
    Row("regions.create_region", "GET", "root"),
    Row("regions.create_region", "POST", "root", data=drawn),
    Row("regions.edit_region", "GET", "root", values=louisville),
    Row("regions.edit_region", "POST", "root", values=louisville, data=drawn),
    Row("regions.appoint_broker", "GET", "root", values=louisville),
    Row(
        "regions.appoint_broker",
        "POST",
        "root",
        values=louisville,
        data=lambda world: {"email": "cleo@cast.example"},
    ),
    Row(
        "regions.dismiss_broker",
        "POST",
        "root",
        values=dov_of_louisville,
        data=lambda world: {"confirmed": "yes"},
    ),
    Row("regions_api.list_regions", "GET", EVERYBODY),
    Row("regions_api.create_region", "POST", "root", data=drawn, is_json=True),
    Row("regions_api.show_region", "GET", EVERYBODY, values=louisville),
    Row("regions_api.change_region", "PATCH", "root", values=louisville, data=drawn, is_json=True),
    Row("regions_api.list_capabilities", "GET", EVERYBODY),
    Row("regions_api.show_capability", "GET", EVERYBODY, values=milling),
]

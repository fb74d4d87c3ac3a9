"""Who reaches the directory: everybody, and each finds what they may see; who keeps searches."""

from collections.abc import Mapping
from typing import Any

from portal.directory.rules import sign_stop
from tests.architecture.matrix import EVERYBODY, SIGNED_IN, Row
from tests.cast import World


def search_of_shop(world: World) -> Mapping[str, Any]:
    return {"saved_search_id": world.saved_searches["shop"]}


def stop_token(world: World) -> Mapping[str, Any]:
    search_id, person = world.saved_searches["shop"], world.users["ben"]
    return {"token": sign_stop("only-for-tests", search_id, person)}


def new_search(_world: World) -> Mapping[str, Any]:
    return {
        "name": "Mills",
        "search": "q=mill&kind=equipment",
        "channel": "email",
        "frequency": "daily",
        "organization_id": "",
        "replaces": "",
    }


def new_search_as_json(_world: World) -> Mapping[str, Any]:
    return {"name": "Mills", "search": "q=mill", "channel": "desk", "frequency": "at_once"}


ROUTES = [
    Row("directory.search", "GET", EVERYBODY),
    Row("directory.suggestions", "GET", EVERYBODY),
    Row("directory.show_atom_feed", "GET", EVERYBODY),
    Row("directory.show_json_feed", "GET", EVERYBODY),
    Row("directory.list_unmet_demand", "GET", "dov root"),
    Row("directory.list_saved_searches", "GET", SIGNED_IN),
    Row("directory.save_search", "GET", SIGNED_IN),
    Row("directory.save_search", "POST", SIGNED_IN, data=new_search),
    Row("directory.show_saved_search", "GET", "ana ben", values=search_of_shop),
    Row("directory.edit_saved_search", "GET", "ana", values=search_of_shop),
    Row("directory.edit_saved_search", "POST", "ana", values=search_of_shop, data=new_search),
    Row(
        "directory.delete_saved_search",
        "POST",
        "ana",
        values=search_of_shop,
        data=lambda _world: {"confirmed": "yes"},
    ),
    Row(
        "directory.act_on_saved_search",
        "POST",
        "ana",
        values=lambda world: {**search_of_shop(world), "action": "pause"},
    ),
    Row("directory.stop_by_link", "GET", EVERYBODY, values=stop_token),
    Row("directory.stop_by_link", "POST", EVERYBODY, values=stop_token),
    Row("directory_api.search", "GET", EVERYBODY),
    Row("directory_api.list_saved_searches", "GET", SIGNED_IN),
    Row("directory_api.save_search", "POST", SIGNED_IN, data=new_search_as_json, is_json=True),
    Row("directory_api.show_saved_search", "GET", "ana ben", values=search_of_shop),
    Row(
        "directory_api.change_saved_search",
        "PATCH",
        "ana",
        values=search_of_shop,
        data=lambda _world: {"is_paused": True},
        is_json=True,
    ),
    Row("directory_api.delete_saved_search", "DELETE", "ana", values=search_of_shop),
]

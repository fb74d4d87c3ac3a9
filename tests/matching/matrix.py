"""Who reaches the pages and the API of matches."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.architecture.matrix import SIGNED_IN, Row
from tests.cast import World

Values = Callable[[World], Mapping[str, Any]]


def match(**more: Any) -> Values:
    return lambda world: {"match_id": world.matches["college_mill_for_shop"], **more}


def of_shop(world: World) -> Mapping[str, Any]:
    return {"request_id": world.requests["shop_public"]}


def opinion(_world: World) -> Mapping[str, Any]:
    return {"opinion": "not_useful", "criterion": "distance", "note": "Too far for us."}


def answer(_world: World) -> Mapping[str, Any]:
    return {"criterion": "rate", "answer": "yes"}


# The request's people, the candidate's, the broker of the region.
SIDES = "ana ben cleo dov"

ROUTES = [
    Row("matching.list_for_me", "GET", SIGNED_IN),
    Row("matching.show", "GET", f"{SIDES} root", values=match()),
    Row("matching.judge", "POST", SIDES, values=match(), data=opinion),
    Row("matching.answer", "POST", "cleo", values=match(), data=answer),
    Row("matching.choose_mail", "POST", SIGNED_IN),
    Row("matching.report", "GET", "dov root"),
    Row("matching_api.list_for_me", "GET", SIGNED_IN),
    Row("matching_api.list_of_request", "GET", "ana ben dov root", values=of_shop),
    Row("matching_api.show", "GET", f"{SIDES} root", values=match()),
    Row("matching_api.judge", "POST", SIDES, values=match(), data=opinion, is_json=True),
    Row("matching_api.answer", "POST", "cleo", values=match(), data=answer, is_json=True),
    Row("matching_api.report", "GET", "dov root"),
]

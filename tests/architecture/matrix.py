"""The rows of the permission matrix: who may reach a route, and how it is called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.cast import CAST, World

EVERYBODY = " ".join(CAST)
SIGNED_IN = " ".join(CAST[1:])


def _nothing(_world: World) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Row:
    """One route and method: `allowed` names those of the cast whom it serves.

    values: the ids in its address; data: the form fields (or, with is_json, the JSON body) that a
    permitted person would send.
    """

    endpoint: str
    method: str
    allowed: str
    values: Callable[[World], Mapping[str, Any]] = _nothing
    data: Callable[[World], Mapping[str, Any]] = _nothing
    is_json: bool = False

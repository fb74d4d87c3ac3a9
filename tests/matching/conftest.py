"""A small commons around the cast's: a need, and what the search index has for it."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.matching import reactions
from portal.matching.models import MatchRound
from portal.partnerships.models import Request
from portal.partnerships.queries.requests import get_request
from portal.regions.models import Capability
from tests.cast import World


@pytest.fixture
def need(world: World) -> Request:
    """Eve's public need, which now asks for 5-axis milling anywhere."""
    with unit_of_work():
        request = get_request(world.requests["aero_public"])
        request.capabilities = [session.get_one(Capability, "5-axis-milling")]
        request.title = "Mill five titanium fittings"
    return request


@pytest.fixture
def compute(app: Flask, world: World, indexed: None) -> Callable[[], None]:
    """Let the worker compute the matches of all requests that are due.

    Of the cast's only Eve's and the shop's public ones are; the others would take most of the time.
    """
    resting = set(world.requests.values())
    resting -= {world.requests["aero_public"], world.requests["shop_public"]}
    with unit_of_work():
        for request_id in sorted(resting):
            session.merge(MatchRound(request_id=request_id, due_at=now() + dt.timedelta(days=1)))

    def run() -> None:
        while reactions.compute_due_matches():
            pass

    return run


@pytest.fixture
def change(world: World) -> Callable[..., Any]:
    """Change columns of a row of a model."""

    def run(model: type[Any], number: int, **values: Any) -> Any:
        with unit_of_work():
            row = get_request(number) if model is Request else session.get_one(model, number)
            for name, value in values.items():
                setattr(row, name, value)
        return row

    return run

"""Both faces of every rule say the same: for everybody in the cast and every row."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from portal.kernel.authorization import Actor, can, visible
from portal.kernel.database import session, unit_of_work
from portal.matching.models import Match
from portal.matching.policies import Permission
from portal.matching.queries.matches import get_match
from portal.partnerships.models import Request
from portal.partnerships.queries.requests import get_request
from tests.cast import CAST, World

OF_MATCHES = [Permission.MATCH_VIEW, Permission.MATCH_JUDGE, Permission.MATCH_ANSWER]


@pytest.mark.parametrize("status", ["published", "withdrawn"])
@pytest.mark.parametrize("visibility", ["public", "organization"])
def test_row_and_list_agree(
    world: World, actor: Callable[[str], Actor], status: str, visibility: str
) -> None:
    with unit_of_work():
        request = session.get_one(Request, world.requests["shop_public"])
        request.status, request.visibility = status, visibility
    matches = [get_match(number) for number in world.matches.values()]
    requests = [get_request(number) for number in session.scalars(select(Request.id))]
    for name in CAST:
        person = actor(name)
        for permission in OF_MATCHES:
            listed = set(session.scalars(select(Match.id).where(visible(person, permission))))
            assert listed == {row.id for row in matches if can(person, permission, row)}
        listed = set(
            session.scalars(
                select(Request.id).where(visible(person, Permission.MATCH_VIEW_CANDIDATES))
            )
        )
        assert listed == {
            row.id for row in requests if can(person, Permission.MATCH_VIEW_CANDIDATES, row)
        }


@pytest.mark.parametrize(
    ("model", "name", "values", "seers"),
    [
        (Match, "college_mill_for_shop", {}, {"ana", "ben", "cleo", "dov", "root"}),
        (Match, "college_mill_for_shop", {"status": "ruled_out"}, {"ana", "ben", "dov", "root"}),
        (Request, "shop_public", {"status": "fulfilled"}, {"ana", "ben", "dov", "root"}),
        (Request, "shop_public", {"visibility": "organization"}, {"ana", "ben", "root"}),
    ],
    ids=["open", "ruled out", "of a request that is over", "of a request of one's own"],
)
def test_a_match_is_seen_by(
    world: World,
    actor: Callable[[str], Actor],
    model: type[Match | Request],
    name: str,
    values: dict[str, str],
    seers: set[str],
) -> None:
    number = (world.matches if model is Match else world.requests)[name]
    with unit_of_work():
        row = session.get_one(model, number)
        for column, value in values.items():
            setattr(row, column, value)
    match = get_match(world.matches["college_mill_for_shop"])
    assert {one for one in CAST if can(actor(one), Permission.MATCH_VIEW, match)} == seers

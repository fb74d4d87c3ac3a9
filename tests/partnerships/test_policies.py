"""Both faces of every rule say the same: for everybody in the cast and every row."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from portal.kernel.authorization import can, visible
from portal.kernel.database import session, unit_of_work
from portal.organizations.models import Organization
from portal.partnerships.models import Request, RequestReveal, Response
from portal.partnerships.policies import Permission
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries import responses as response_queries
from tests.cast import CAST, World
from tests.partnerships.conftest import ActorOf

OF_REQUESTS = [
    permission
    for permission in Permission
    if permission.startswith("request.")
    and permission not in (Permission.REQUEST_CREATE, Permission.REQUEST_WRITE_FOR)
] + [Permission.RESPONSE_SEND]
OF_RESPONSES = [
    permission
    for permission in Permission
    if permission.startswith("response.") and permission != Permission.RESPONSE_SEND
]


@pytest.mark.parametrize("is_closed", [False, True])
def test_row_and_list_agree(
    world: World, actor: ActorOf, change: Callable[..., Request], is_closed: bool
) -> None:
    change("aero_public", is_anonymous=True, created_by_id=world.users["ben"])
    change("shop_public", is_anonymous=True, created_by_id=world.users["ben"])
    change("aero_organization", asked_organization_id=world.organizations["college"])
    with unit_of_work():
        session.add(
            RequestReveal(
                request_id=world.requests["aero_public"],
                organization_id=world.organizations["college"],
                cause="owner",
            )
        )
    if is_closed:
        change("college_public", status="withdrawn")
        with unit_of_work():
            session.get_one(Response, world.responses["college_to_shop"]).status = "accepted"
    requests = [
        queries.get_request(number)
        for number in (*world.requests.values(), *world.proposals.values())
    ]
    responses = [response_queries.get_response(number) for number in world.responses.values()]
    for model, rows, permissions in (
        (Request, requests, OF_REQUESTS),
        (Response, responses, OF_RESPONSES),
    ):
        for name in CAST:
            person = actor(name)
            for permission in permissions:
                listed = set(session.scalars(select(model.id).where(visible(person, permission))))
                checked = {row.id for row in rows if can(person, permission, row)}
                assert listed == checked, (name, permission)


def test_brokers_write_for_firms_of_their_region_alone(world: World, actor: ActorOf) -> None:
    with unit_of_work():
        session.get_one(Organization, world.organizations["college"]).status = "archived"
    rows = [session.get_one(Organization, number) for number in world.organizations.values()]
    for name in CAST:
        person = actor(name)
        permission = Permission.REQUEST_WRITE_FOR
        listed = set(session.scalars(select(Organization.id).where(visible(person, permission))))
        checked = {row.id for row in rows if can(person, permission, row)}
        assert listed == checked, name
        expected = {"shop", "unclaimed"} if name == "dov" else set()
        assert listed == {world.organizations[key] for key in expected}, name

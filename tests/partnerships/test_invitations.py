"""Asking an organization to respond, from the page of one's request."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from portal.kernel.authorization import can
from portal.kernel.database import session, unit_of_work
from portal.partnerships.models import Request
from portal.partnerships.policies import Permission
from portal.partnerships.queries import requests as queries
from tests.cast import World
from tests.partnerships.conftest import ActorOf

ClientOf = Callable[[str], FlaskClient]


def test_who_is_invited_reads_a_message_that_leads_to_the_request(
    world: World, client_of: ClientOf
) -> None:
    number = world.requests["shop_members"]
    ana, page = client_of("ana"), f"/requests/{number}/invite"
    with unit_of_work():
        session.get_one(Request, number).kind = "consortium"
    assert page in ana.get(f"/requests/{number}").text
    form = ana.get(f"{page}?organization={world.organizations['college']}").text
    assert 'value="Falls City Community College"' in form
    assert "We put together a consortium for this call" in form
    words = {"organization": "Falls City Community College", "text": "Be our training partner."}
    sent = ana.post(page, data=words)
    assert "/conversations/" in sent.location
    read = client_of("cleo").get(sent.location).text
    assert "Be our training partner." in read
    assert f"/requests/{number}" in read


@pytest.mark.parametrize(
    ("who", "problem"),
    [
        ("Ana's Machine Shop", "This is your own organization."),
        ("Falls City Community College", "has responded already."),
        ("Prairie Aero Composites", "Your organization has blocked the other side."),
        ("Nobody & Sons", "We do not know an organization of this name."),
        ("Ohio Valley Institute", "Nobody of this organization reads messages here."),
    ],
)
def test_who_cannot_be_invited_is_told_at_the_field(
    who: str, problem: str, world: World, client_of: ClientOf
) -> None:
    page = f"/requests/{world.requests['shop_public']}/invite"
    answer = client_of("ana").post(page, data={"organization": who, "text": "Kept words."})
    assert answer.status_code == 422
    assert problem in answer.text
    assert "Kept words." in answer.text


def test_only_what_the_invited_may_read_under_its_name_takes_invitations(
    world: World, actor: ActorOf
) -> None:
    number = world.requests["shop_public"]

    def may(name: str = "ana", **values: object) -> bool:
        with unit_of_work():
            row = session.get_one(Request, number)
            for field, value in values.items():
                setattr(row, field, value)
        return can(actor(name), Permission.REQUEST_INVITE, queries.get_request(number))

    assert may()
    assert not may("ben")
    assert not may("cleo")
    assert not may(visibility="organization")
    assert may(visibility="members")
    assert not may(is_anonymous=True, anonymous_summary="A shop.")
    assert not may(is_anonymous=False, status="paused")

"""Closing one's own account: what has to be settled first, what goes, and what others keep."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select, update

from portal.accounts.models import User, UserSession
from portal.bookings.models.access import AccessRequest
from portal.bookings.models.booking import Booking, WaitingEntry
from portal.bookings.models.notices import CalendarFeed
from portal.directory.models import SavedSearch
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict
from portal.kernel.mail import OutgoingMail, Reader, queue_mail
from portal.organizations.models import Claim, Invitation, JoinRequest, Membership, Organization
from portal.organizations.services.joining import act_on_join_request
from portal.training.models.enrollments import Enrollment
from tests.cast import World

Clients = Callable[[str], FlaskClient]
EVE = "eve@cast.example"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("ana", "Make somebody else an owner of “Ana&#39;s Machine Shop”"),
        ("ben", "Cancel what you have booked, or hand it over."),
        ("dov", "Ask an administrator to end your work as a broker of Greater Louisville."),
        ("root", "Ask another administrator to close your account"),
    ],
)
def test_what_others_count_on_is_settled_first(
    client_of: Clients, world: World, name: str, what: str
) -> None:
    client = client_of(name)
    page = client.get("/account/close").text
    assert what in page
    assert "Close my account for good" not in page

    assert client.post("/account/close").status_code == 409
    assert session.get_one(User, world.users[name]).email == f"{name}@cast.example"


def test_what_was_handed_over_or_booked_for_others_is_settled(
    client_of: Clients, world: World
) -> None:
    ben = client_of("ben")
    assert "what you have booked" in ben.get("/account/close").text
    with unit_of_work():
        session.execute(
            update(Booking)
            .where(Booking.user_id == world.users["ben"])
            .values(user_id=world.users["ana"], booked_by_id=world.users["ben"])
        )
    assert "Close my account for good" in ben.get("/account/close").text


@pytest.mark.database
def test_who_closes_the_account_is_erased_and_signed_out_and_may_come_back(
    client_of: Clients, world: World
) -> None:
    eve, number = client_of("eve"), world.users["eve"]
    with unit_of_work():
        queue_mail("eve@cast.example", "account_known", reader=Reader())
        session.add(
            SavedSearch(
                name="Mills",
                user_id=number,
                query="q=mill",
                channel="email",
                frequency="daily",
                due_at=now(),
            )
        )
    assert "“Prairie Aero Composites” is archived" in eve.get("/account/close").text
    talk = f"/conversations/{world.threads['shop_college']}"

    answer = eve.post("/account/close")

    assert answer.status_code == 303
    assert "Your account is closed" in eve.get(answer.location).text
    assert "/sign-in" in eve.get("/desk").location
    user = session.get_one(User, number)
    assert (user.name, user.is_active, user.password_hash) == ("Closed account", False, None)
    assert "eve" not in user.email
    for table, column in (
        (UserSession, UserSession.user_id),
        (Membership, Membership.user_id),
        (SavedSearch, SavedSearch.user_id),
    ):
        assert session.scalar(select(table).where(column == number)) is None
    written = select(OutgoingMail).where(OutgoingMail.recipient == "eve@cast.example")
    assert session.scalar(written) is None
    aero = session.get_one(Organization, world.organizations["aero"])
    assert aero.status == "archived"
    # What others have stays.
    assert client_of("cleo").get(talk).status_code == 200
    again = {"name": "Eve", "email": "eve@cast.example", "password": "violet tractor moon"}
    client_of("nobody").post("/sign-up", data=again)
    assert session.scalar(select(User.id).where(User.email == "eve@cast.example")) is not None


@pytest.mark.database
def test_what_nobody_has_answered_yet_ends_with_the_account(
    client_of: Clients, world: World
) -> None:
    number = world.users["eve"]
    with unit_of_work():
        session.add(
            WaitingEntry(
                resource_id=world.resources["college_public"],
                organization_id=world.organizations["aero"],
                user_id=number,
                starts_at=now() + dt.timedelta(days=2),
                ends_at=now() + dt.timedelta(days=2, hours=1),
            )
        )
        session.add(CalendarFeed(user_id=number, token_hash="0" * 64))
        session.add(
            Claim(organization_id=world.organizations["unclaimed"], user_id=number, evidence="I.")
        )
        # Such as Eve answered before.
        session.get_one(Invitation, world.invitations["shop_to_newcomer"]).email = EVE
        session.get_one(Invitation, world.invitations["shop_to_newcomer"]).status = "declined"

    assert client_of("eve").post("/account/close").status_code == 303

    def of_eve(column: Any) -> list[Any]:
        return list(session.scalars(select(column).where(column.class_.user_id == number)))

    assert of_eve(JoinRequest.status) == ["withdrawn"]
    assert of_eve(Claim.status) == ["withdrawn"]
    assert of_eve(AccessRequest.status) == ["withdrawn"]
    assert of_eve(WaitingEntry.status) == ["left"]
    assert of_eve(CalendarFeed.id) == []
    assert of_eve(Enrollment.status) == ["withdrawn"]
    assert EVE not in session.scalars(select(Invitation.email)).all()
    asked = client_of("cleo").get(f"/organizations/{world.organizations['college']}/people")
    assert "Closed account" not in asked.text


@pytest.mark.database
def test_nobody_is_let_in_whose_account_is_closed(
    client_of: Clients, world: World, actor: Callable[[str], Actor]
) -> None:
    client_of("eve").post("/account/close")
    with unit_of_work():
        # As if it had been read before the account was closed.
        asked = session.get_one(JoinRequest, world.join_requests["eve_to_college"])
        asked.status = "open"
    with pytest.raises(Conflict, match="closed"):
        act_on_join_request(actor("cleo"), asked, action="accept")
    members = select(Membership).where(Membership.user_id == world.users["eve"])
    assert session.scalar(members) is None


def test_the_password_is_asked_again_before_an_account_is_closed(
    client_of: Clients, world: World
) -> None:
    eve = client_of("eve")
    with time_machine.travel(now() + dt.timedelta(minutes=31), tick=False):
        for answer in (eve.get("/account/close"), eve.post("/account/close")):
            assert "/confirm-password" in answer.location
    assert session.get_one(User, world.users["eve"]).is_active

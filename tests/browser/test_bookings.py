"""Booking, approving, waiting and checking in, as people do it at a phone, a desk, a keyboard."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import RuleLayer
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from tests.browser.conftest import Sit
from tests.cast import World
from tests.support.server import LiveServer

PLACE = ZoneInfo("America/Kentucky/Louisville")


@pytest.fixture
def address(world: World) -> str:
    return f"/equipment/{world.equipment['college_public']}"


def open_at_once(world: World) -> None:
    """Let the college's mill be booked without approval."""
    with unit_of_work():
        session.add(RuleLayer(resource_id=world.resources["college_public"], approval="instant"))


def in_a_week() -> dt.date:
    return now().astimezone(PLACE).date() + dt.timedelta(days=7)


def take(world: World, starts_at: dt.datetime, name: str = "cleo") -> int:
    """Write a booking of an hour, whatever the rules say; return its id."""
    organization = world.organizations["college" if name == "cleo" else "shop"]
    booking = Booking(
        resource_id=world.resources["college_public"],
        host_organization_id=world.organizations["college"],
        organization_id=organization,
        user_id=world.users[name],
        booked_by_id=world.users[name],
        starts_at=starts_at,
        ends_at=starts_at + dt.timedelta(hours=1),
        status="approved",
        customer_class="own_organization" if name == "cleo" else "member_sme",
    )
    with unit_of_work():
        session.add(booking)
    return booking.id


def test_a_time_is_asked_for_on_a_phone_and_approved_without_scripts(
    sit: Sit, address: str
) -> None:
    ana = sit("ana", "on a phone")
    ana.open(address)
    ana.follow("Book it")
    ana.open(f"{address}/times?date={in_a_week()}")
    ana.follow("Book 12:00\u202fAM")
    ana.fill("From", "09:00")
    ana.fill("Until", "10:30")
    ana.fill("What for", "First articles of the pump")
    ana.press("Ask for it")
    ana.sees("You asked for")
    booking = ana.address
    cleo = sit("cleo", "without scripts")
    cleo.open("/desk")
    cleo.sees("First articles of the pump")
    cleo.open(booking)
    cleo.press("Approve")
    cleo.sees("The booking was approved.")
    ana.open(booking)
    ana.sees("9:00–10:30\u202fAM")
    ana.sees("Cancel the booking")


def test_who_waits_is_told_and_takes_what_got_free(
    sit: Sit, live_server: LiveServer, world: World, address: str
) -> None:
    open_at_once(world)
    nine = dt.datetime.combine(in_a_week(), dt.time(9), PLACE)
    taken = take(world, nine.astimezone(dt.UTC))
    ana = sit("ana")
    ana.open(f"{address}/times?date={in_a_week()}")
    ana.sees("busy")
    ana.open(
        f"{address}/book?starts_at={nine.astimezone(dt.UTC):%Y-%m-%dT%H:%MZ}"
        f"&ends_at={nine.astimezone(dt.UTC) + dt.timedelta(hours=1):%Y-%m-%dT%H:%MZ}"
    )
    ana.press("Book it")
    ana.sees("It is already booked")
    ana.press("Tell me when it gets free")
    ana.sees("You get an e-mail when it gets free.")
    cleo = sit("cleo")
    cleo.open(f"/bookings/{taken}")
    cleo.unfold("Cancel the booking")
    cleo.button("Cancel the booking").click()
    with cleo.page.expect_navigation():
        cleo.page.get_by_role("dialog").get_by_role("button", name="Cancel the booking").click()
    cleo.sees("The booking was cancelled.")
    live_server.settle()
    ana.open("/desk")
    ana.sees("is free: ")
    ana.page.get_by_role("main").get_by_role("button", name="Book it").first.click()
    ana.sees("is booked for you.")


def test_the_code_at_the_machine_checks_in_with_one_big_button(
    sit: Sit, world: World, address: str
) -> None:
    take(world, now() - dt.timedelta(minutes=5), "ben")
    ben = sit("ben", "on a phone")
    ben.open(f"{address}/check-in")
    button = ben.button("Check in")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    ben.press("Check in")
    ben.sees("You are checked in.")
    expect(ben.button("Check out")).to_be_visible()


def test_a_time_is_booked_by_keyboard_alone(sit: Sit, world: World, address: str) -> None:
    open_at_once(world)
    ana = sit("ana", "by keyboard")
    ana.open(f"{address}/times?date={in_a_week()}")
    ana.follow("Book it")
    ana.fill("What for", "Fixtures")
    ana.press("Book it")
    ana.sees("is booked: ")
    expect(ana.page.get_by_role("heading", level=1)).to_have_text("College public mill")

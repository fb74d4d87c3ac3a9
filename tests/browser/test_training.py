"""Training as people use it: published, enrolled in for a firm, passed, and the machine opens."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from portal.bookings.models.calendar import RuleLayer
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.organizations.models import Organization
from tests.browser.conftest import Sit
from tests.browser.hands import Hands
from tests.cast import World
from tests.support.server import LiveServer
from tests.training.firms import add_askers

PLACE = ZoneInfo("America/Kentucky/Louisville")
PEOPLE = ("ben@cast.example", "kim@shop.example", "lou@shop.example")


def today() -> dt.date:
    return now().astimezone(PLACE).date()


def publish_a_section(cleo: Hands, world: World) -> str:
    """Let the college open a section that begins today; return its address."""
    cleo.open(f"/training/programs/{world.programs['college_public']}/sections/new")
    cleo.fill("First day", today().isoformat())
    cleo.unfold("It has no fixed times")
    cleo.fill("Last day", (today() + dt.timedelta(days=2)).isoformat())
    cleo.fill("Seats", "4")
    cleo.fill("Last day to enroll", (today() + dt.timedelta(days=1)).isoformat())
    cleo.press("Open for enrollment")
    cleo.sees("The section is open for enrollment.")
    return cleo.address


@pytest.mark.long
def test_a_college_publishes_a_section_a_firm_sends_three_and_who_passes_books_a_machine(
    sit: Sit, live_server: LiveServer, world: World
) -> None:
    with unit_of_work():
        session.add(
            RuleLayer(
                resource_id=world.resources["college_public"],
                approval="instant",
                needs_qualification=True,
            )
        )
    cleo, college = sit("cleo"), world.organizations["college"]
    cleo.open(f"/organizations/{college}/access/recognitions")
    cleo.fill("Or a credential", "CNC Milling: Operations (Institute for Metalworking)")
    cleo.press("Recognize")
    cleo.sees("The recognition was added.")
    section = publish_a_section(cleo, world)

    ana = sit("ana", "on a phone")
    ana.open(section)
    ana.follow("Enroll your people")
    ana.fill("E-mail addresses of your people", "\n".join(PEOPLE))
    ana.press("Keep seats and invite")
    ana.sees("3 × ")
    ana.press("Keep seats and invite")
    for email in PEOPLE:
        ana.sees(email)

    ben, machine = sit("ben", "without scripts"), f"/equipment/{world.equipment['college_public']}"
    ben.open(live_server.link_in_mail("ben@cast.example", "/training/seats/"))
    with ben.page.expect_navigation():
        ben.page.get_by_role("main").get_by_role("button", name="Take the seat").click()
    ben.open(machine)
    ben.sees("Missing")
    ben.follow("Learn it: College public milling course")
    assert ben.address == section

    cleo.open(f"{section}/roster")
    cleo.choose("Result of Ben", "Passed")
    cleo.press("Save roster")
    live_server.settle()

    certificate = live_server.link_in_mail("ben@cast.example", "/training/certificates/")
    stranger = sit("nobody")
    stranger.open(certificate)
    stranger.sees("Ben")
    stranger.sees("Valid")
    ben.open(f"{machine}/times?date={today() + dt.timedelta(days=7)}")
    ben.follow("Book it")
    ben.fill("What for", "First part after the course")
    ben.press("Book it")
    ben.sees("is booked: ")


def test_a_college_offers_a_cohort_to_the_firms_that_asked_in_two_clicks(
    sit: Sit, world: World
) -> None:
    add_askers([3, 2, 2, 2])
    with unit_of_work():
        session.get_one(Organization, world.organizations["college"]).verified_at = now()
    cleo = sit("cleo", "on a phone")
    cleo.open("/training/gaps")
    cleo.sees("4 firms ask for this")

    with cleo.page.expect_navigation():
        cleo.page.get_by_role("main").get_by_role("link", name="Offer a cohort").first.click()
    cleo.press("Offer it to 4 firms")

    cleo.sees("The section is planned, and 4 firms were told.")

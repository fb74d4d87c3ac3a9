"""From an urgent need to a meeting: an owner at a phone, a broker at a desk, a college without
scripts."""

import pytest

from tests.browser.conftest import Sit
from tests.support.server import LiveServer


@pytest.mark.long
def test_a_firm_posts_an_urgent_need_and_is_introduced_to_a_laboratory_of_a_college(
    live_server: LiveServer, sit: Sit
) -> None:
    ana = sit("ana", "on a phone")
    ana.open("/requests/new?kind=equipment_sharing&direction=need")
    ana.fill("Title", "Measuring machine by Friday")
    ana.fill("Summary", "Ours is down and forty housings wait for their first article report.")
    ana.fill("Capabilities", "Coordinate measuring")
    ana.fill("Expertise sought", "Somebody who programs the run with us.")
    ana.fill("Within", "50")
    ana.check("This is urgent")
    ana.press("Publish")
    ana.sees("Measuring machine by Friday")
    need = ana.address
    live_server.settle()

    dov = sit("dov")
    dov.open(need)
    dov.follow("Propose an introduction")
    dov.sees("Ana's Machine Shop")
    second = dov.page.get_by_role("group", name="Second side")
    second.get_by_role("combobox", name="Organization").fill("Falls City Community College")
    second.get_by_label("What the others read of it").fill("A college with an open laboratory.")
    second.get_by_label("Why it should meet them").fill("They have forty housings to measure.")
    dov.press("Propose introduction")
    dov.sees("The introduction is proposed.")
    live_server.settle()

    cleo = sit("cleo", "without scripts")
    cleo.open(live_server.link_in_mail("cleo@cast.example", "/introductions/"))
    cleo.sees("They have forty housings to measure.")
    cleo.sees_not("Ana's Machine Shop")
    cleo.check("We accept the terms of confidentiality")
    cleo.press("Agree to meet")
    cleo.sees("You have answered.")

    ana.open("/desk")
    ana.follow("Equipment sharing: Coordinate measuring")
    ana.sees("A college with an open laboratory.")
    ana.sees_not("Falls City Community College")
    ana.check("We accept the terms of confidentiality")
    ana.press("Agree to meet")
    ana.sees("Falls City Community College")
    ana.fill("Phone", "502 555 0142")
    ana.press("Give our contact")
    ana.sees_not("cleo@cast.example")

    cleo.open(cleo.address)
    cleo.sees("Ana's Machine Shop")
    cleo.sees_not("502 555 0142")
    cleo.press("Give our contact")
    cleo.sees("502 555 0142")
    ana.open(ana.address)
    ana.sees("cleo@cast.example")
    ana.fill("Message to Falls City Community College", "May we come on Thursday?")
    ana.press("Send")
    cleo.open(cleo.address)
    cleo.sees("May we come on Thursday?")

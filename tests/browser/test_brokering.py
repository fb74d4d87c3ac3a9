"""From a need to what came of it, as a broker and two organizations bring it about together."""

import re

from portal.brokerage.models.cases import Case
from portal.kernel.clock import today_here
from portal.kernel.database import session
from tests.browser.conftest import Sit
from tests.browser.hands import Hands
from tests.cast import World
from tests.support.server import LiveServer


def follow_need(dov: Hands) -> None:
    """Open a case of the college's need from the desk, and call it worth pursuing."""
    dov.open("/broker")
    row = dov.page.get_by_role("listitem").filter(has_text="College public need")
    row.get_by_label("Choose").check()
    dov.press("Open cases for what is chosen")
    dov.follow("College public need")
    dov.unfold("Qualified: worth pursuing")
    dov.press("Qualified: worth pursuing")
    dov.sees("The case has moved on.")


def propose(dov: Hands) -> str:
    """Propose that the shop meets the college for its need; return where they answer."""
    dov.follow("Propose an introduction")
    dov.page.locator("[name=title]").fill("A mill for a course")
    for side, organization in enumerate(("", "Ana's Machine Shop")):
        if organization:
            dov.page.locator(f"[name=parties-{side}-organization]").fill(organization)
        dov.page.locator(f"[name=parties-{side}-summary]").fill("Somebody in the next county.")
        dov.page.locator(f"[name=parties-{side}-reason]").fill("You want the same thing.")
    dov.press("Propose introduction")
    dov.sees("The introduction is proposed.")
    return dov.address


def meet(person: Hands, introduction: str, name: str) -> None:
    """Agree to meet."""
    person.open(introduction)
    person.check("We accept the terms of confidentiality")
    person.press("Agree to meet")


def share(person: Hands, introduction: str, name: str) -> None:
    """Give a contact."""
    person.open(introduction)
    person.fill("Name", name)
    person.fill("E-mail", f"{name.lower()}@cast.example")
    person.press("Give our contact")


def test_broker_moves_a_case_from_need_to_outcome(
    sit: Sit, live_server: LiveServer, world: World
) -> None:
    dov, ana, cleo = sit("dov"), sit("ana", "on a phone"), sit("cleo")
    follow_need(dov)
    case = dov.address
    introduction = propose(dov)
    for step in (meet, share):
        for person, name in ((ana, "Ana"), (cleo, "Cleo")):
            step(person, introduction, name)
    cleo.sees("ana@cast.example")
    live_server.settle()
    dov.open(case)
    dov.sees("In talks")

    cleo.follow("Draft an agreement")
    cleo.choose("Kind", "Use of equipment")
    cleo.fill("Title", "The mill on Saturdays")
    cleo.choose("What your organization does", "Receives")
    cleo.page.locator("[name=parties-0-role]").select_option("provider")
    cleo.fill("Holds from", str(today_here()))
    cleo.press("Save draft")
    agreement = cleo.address
    cleo.press("Propose to Ana's Machine Shop")
    ana.open(agreement)
    ana.button("Agree").click()
    ana.page.get_by_role("dialog").get_by_role("button", name="Agree").click()
    ana.sees("Active")
    ana.follow("Record an outcome")
    ana.choose("Kind", "Revenue")
    ana.fill("Amount", "4800")
    ana.fill("Day", str(today_here()))
    ana.press("Record outcome")
    outcome = ana.address
    cleo.open(outcome)
    cleo.press("Confirm")
    live_server.settle()

    dov.open(case)
    dov.sees("Agreed")
    dov.sees("The mill on Saturdays")
    dov.unfold("Close: won")
    dov.press("Close: won")
    dov.sees("The case is closed as won.")
    number = int(re.findall(r"\d+", case)[-1])
    assert session.get_one(Case, number).status == "closed_won"
    dov.open(f"{agreement}/chain")
    for text in ("College public need", "A mill for a course", "The mill on Saturdays", "4,800"):
        dov.sees(text)

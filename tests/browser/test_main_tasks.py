"""What people come for, from end to end: on a phone, by keyboard alone, and without JavaScript."""

import json
import re
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Person, Sit
from tests.browser.hands import Hands
from tests.cast import PASSWORD, World
from tests.support.server import LiveServer

SEARCHED_AS = {"facilities": "facility", "equipment": "equipment", "requests": "request"}
EMAIL = "gail@salt-river.example"


@pytest.mark.long
def test_an_owner_signs_up_registers_a_firm_and_publishes_a_machine_that_strangers_find(
    live_server: LiveServer, person: Person, photo: Path
) -> None:
    gail = person("nobody")
    gail.open("/sign-up")
    gail.fill("Your name", "Gail Novak")
    gail.fill("E-mail", EMAIL)
    gail.fill("Password", PASSWORD)
    gail.press("Sign up")
    gail.sees("mail")
    gail.open(live_server.link_in_mail(EMAIL, "/verification/"))
    gail.fill("Password", PASSWORD)
    gail.press("Confirm and sign in")

    gail.open("/organizations/register")
    gail.fill("Name", "Salt River Springs")
    gail.choose("Kind", "Small or medium-sized firm")
    gail.fill("Summary", "Coil springs in lots of one and more.")
    gail.fill("ZIP code", "40202")
    gail.press("Register")
    gail.sees("Salt River Springs")

    gail.open("/equipment/new")
    gail.fill("Name", "Spring coiler with wire feed")
    gail.fill("Capabilities", "CNC milling")
    gail.attach("Photos", photo)
    gail.fill("What the photo shows", "The coiler from its front")
    gail.press("Save and publish")
    expect(gail.page.get_by_role("heading", level=1)).to_have_text("Spring coiler with wire feed")
    live_server.settle()

    stranger = person("nobody")
    stranger.open("/")
    stranger.fill("Search the region", "spring coiler")
    stranger.press("Search")
    stranger.follow("Spring coiler with wire feed")
    stranger.sees("Salt River Springs")
    picture = stranger.page.get_by_role("img", name="The coiler from its front")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    stranger.sees_not(EMAIL)


@pytest.mark.long
def test_a_college_asks_a_firm_answers_and_both_then_see_how_to_reach_the_other(
    live_server: LiveServer, person: Person, world: World
) -> None:
    cleo = person("cleo")
    cleo.open("/requests/new")
    cleo.choose("Need or offer", "Need")
    cleo.choose("Kind", "Supply chain")
    cleo.fill("Title", "Fixtures for our measuring room")
    cleo.fill("Summary", "Twelve fixtures of aluminum for the measuring room.")
    cleo.fill("Capabilities", "CNC milling")
    cleo.fill("Expertise sought", "Somebody who mills aluminum.")
    cleo.press("Publish")
    cleo.sees("Fixtures for our measuring room")
    address = cleo.address
    live_server.settle()

    ana = person("ana")
    ana.open("/search?q=fixtures")
    ana.follow("Fixtures for our measuring room")
    ana.follow("Respond")
    ana.fill("Message", "We mill twelve by the end of the month.")
    ana.press("Send response")
    response = ana.address
    assert "/responses/" in response
    ana.sees_not("Who responded")
    live_server.settle()

    cleo.open("/desk")
    cleo.sees("Fixtures for our measuring room")
    cleo.open(response)
    cleo.sees("We mill twelve by the end of the month.")
    accept(cleo)
    live_server.settle()
    for hands in (cleo, ana):
        hands.open(response)
        for contact in ("Ana's Machine Shop", "office@shop.example", "Falls City Community"):
            hands.sees(contact)

    eve = person("eve")
    eve.open(address)
    eve.sees("Twelve fixtures of aluminum")
    eve.sees_not("We mill twelve")
    reply = eve.page.goto(response)
    assert reply is not None
    assert reply.status == 404


def accept(hands: Hands) -> None:
    """Accept, with or without a word of reason."""
    folded = hands.page.get_by_role("main").locator("summary", has_text="Accept")
    if folded.count():
        hands.unfold("Accept")
    hands.press("Accept")
    hands.sees("Each side now sees how to reach the other.")


def test_a_stranger_sees_nothing_that_is_not_public(sit: Sit, world: World) -> None:
    stranger = sit("nobody")
    for kind in ("facilities", "equipment", "requests"):
        records: dict[str, int] = getattr(world, kind)
        stranger.open(f"/search?q=shop&kind={SEARCHED_AS[kind]}")
        stranger.sees("Shop public")
        for visibility in ("draft", "organization", "members"):
            stranger.sees_not(f"Shop {visibility}")
        for visibility in ("draft", "organization", "members"):
            reply = stranger.page.goto(f"/{kind}/{records[f'shop_{visibility}']}")
            assert reply is not None
            assert reply.status == 404
            stranger.sees_not(f"Shop {visibility}")
            stranger.sees("Sign in")


def test_a_broker_decides_who_represents_an_organization(
    live_server: LiveServer, person: Person, world: World
) -> None:
    eve = person("eve")
    eve.open(f"/organizations/{world.organizations['unclaimed']}")
    eve.follow("This is ours: claim it")
    eve.fill("How can we tell that you speak for it?", "The front desk knows me.")
    eve.press("Send claim")
    live_server.settle()

    dov = person("dov")
    dov.open("/desk")
    dov.open(f"/claims/{world.claims['cleo_on_unclaimed']}")
    dov.sees("I am its registrar")
    if dov.page.locator("summary", has_text="Approve").count():
        dov.unfold("Approve")
    dov.press("Approve")
    live_server.settle()

    cleo = person("cleo")
    cleo.open(f"/organizations/{world.organizations['unclaimed']}")
    expect(cleo.link("Edit")).to_be_visible()


def test_a_search_is_narrowed_brought_near_and_put_on_a_map(
    live_server: LiveServer, person: Person
) -> None:
    stranger = person("nobody")
    stranger.open("/search")
    stranger.fill("Machine, skill, name or place", "mill")
    stranger.fill("Near ZIP or town", "40202")
    stranger.press("Search")
    expect(stranger.page).to_have_url(re.compile("near=40202"))
    stranger.sees("near Louisville, KY")
    stranger.sees_not("Aero public mill")  # 470 miles away
    filters = stranger.page.get_by_role("main").locator(".facets > summary")
    if filters.is_visible():
        stranger.unfold("Filters")
    stranger.tick("Equipment")
    expect(stranger.page).to_have_url(re.compile("kind=equipment"))
    expect(stranger.link("Shop public mill")).to_be_visible()
    stranger.sees_not("Shop public lab")
    stranger.follow("Map")
    expect(stranger.page).to_have_url(re.compile("view=map"))
    expect(stranger.page.locator("svg.map")).to_be_visible()


def test_a_person_reads_the_portal_in_spanish(live_server: LiveServer, person: Person) -> None:
    ana = person("ana")
    ana.open("/account")
    ana.choose("Language", "Español")
    ana.press("Save profile")
    expect(ana.page.locator("html")).to_have_attribute("lang", "es")
    ana.open("/desk")
    expect(ana.page.locator("html")).to_have_attribute("lang", "es")


def test_a_forgotten_password_is_replaced(live_server: LiveServer, person: Person) -> None:
    ben = person("nobody")
    ben.open("/sign-in")
    ben.follow("Forgotten your password?")
    ben.fill("E-mail", "ben@cast.example")
    ben.press("Send the link")
    link = live_server.link_in_mail("ben@cast.example", "/password/")
    ben.open(link)
    ben.fill("New password", "violet tractor moon")
    ben.press("Set password")
    ben.sees("password")
    live_server.sign_in(ben.context, "nobody")
    ben.open("/sign-in")
    ben.fill("E-mail", "ben@cast.example")
    ben.fill("Password", "violet tractor moon")
    ben.press("Sign in")
    expect(ben.page).to_have_url(re.compile("/desk"))
    again = ben.page.goto(link)
    assert again is not None
    assert again.status == 410


def test_a_token_is_made_once_shown_once_and_works(live_server: LiveServer, person: Person) -> None:
    ana = person("ana")
    ana.open("/account/tokens")
    confirm_password(ana)
    ana.fill("What it is for", "Price list")
    ana.press("Make token")
    secret = ana.page.get_by_role("main").locator("code").first.inner_text()
    ana.page.reload()
    ana.open("/account/tokens")
    ana.sees("Price list")
    ana.sees_not(secret)
    request = Request(f"{live_server.url}/api/v1/me", headers={"Authorization": f"Bearer {secret}"})
    with urlopen(request) as answer:
        assert json.load(answer)["email"] == "ana@cast.example"


def confirm_password(hands: Hands) -> None:
    """Give the password again where a page asks for it."""
    if "confirm-password" in hands.address:
        hands.fill("Password", PASSWORD)
        hands.press("Go on")
        expect(hands.page).not_to_have_url(re.compile("confirm-password"))

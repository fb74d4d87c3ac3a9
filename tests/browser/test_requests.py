"""What a script adds to the form of a request: other fields for another kind, and a kept draft."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Route, expect
from sqlalchemy import select

from portal.kernel.database import session
from portal.partnerships.models import Request
from tests.browser.conftest import Sit
from tests.browser.pages import DESK
from tests.support.server import LiveServer


@pytest.mark.long
def test_what_is_typed_is_kept_as_one_draft_and_fits_the_kind_that_is_chosen(
    live_server: LiveServer, open_browser: Callable[..., BrowserContext]
) -> None:
    context = open_browser(base_url=live_server.url, viewport=DESK)
    live_server.sign_in(context, "ana")
    page = context.new_page()
    page.goto("/requests/new")
    page.get_by_label("Title").fill("Welding help for eight")
    page.get_by_label("Kind (required)", exact=True).select_option("consortium")
    expect(page.locator("#request-fields")).to_contain_text("Foundry to lead work")
    # Nothing that was typed is lost, and the fields that came are whole.
    expect(page.get_by_label("Title")).to_have_value("Welding help for eight")
    expect(page.locator(".picker")).to_have_count(1)

    # A few seconds later it is a draft of the portal's, with a page of its own.
    expect(page).to_have_url(re.compile(r"/requests/\d+/edit$"))
    expect(page.get_by_text("Kept as a draft")).to_be_visible()
    expect(page.locator("#quality")).to_contain_text("Please name the call")
    page.get_by_label("Summary (to publish)", exact=True).fill("We weld various things.")
    expect(page.locator("#quality")).to_contain_text("“various” says little.")
    page.get_by_role("button", name="Save as draft").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Welding help for eight")

    session.rollback()
    written = session.scalars(
        select(Request).where(Request.title == "Welding help for eight")
    ).all()
    assert [(row.status, row.summary) for row in written] == [("draft", "We weld various things.")]


def test_what_is_typed_while_other_fields_come_stays(sit: Sit) -> None:
    ana = sit("ana")
    ana.open("/requests/new")
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "POST":
            held.append(route)
        else:
            route.continue_()

    ana.page.route("**/requests/new", hold)
    with ana.page.expect_request(lambda request: request.method == "POST"):
        ana.choose("Kind", "Consortium")
    ana.fill("Title", "A reader for worn stamps")
    held[0].continue_()
    ana.sees("Foundry to lead work")
    expect(ana.field("Title")).to_have_value("A reader for worn stamps")


def test_what_is_typed_just_as_other_fields_came_stays(sit: Sit) -> None:
    ana = sit("ana")
    ana.open("/requests/new")
    ana.page.evaluate(
        """() => document.addEventListener("htmx:before:settle", () => {
            document.getElementById("title").value = "A reader for worn stamps";
        })"""
    )
    ana.choose("Kind", "Consortium")
    ana.sees("Foundry to lead work")
    expect(ana.page.locator(".htmx-added")).to_have_count(0)
    expect(ana.field("Title")).to_have_value("A reader for worn stamps")

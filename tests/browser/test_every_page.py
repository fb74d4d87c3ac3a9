"""Every page for every member of the cast: accessible, narrow enough, light in bytes."""

import re
import zlib
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import BrowserContext, Page
from werkzeug.test import TestResponse

from tests.browser.pages import DESK, PHONE, PageOfSite, page_rows, pages_of
from tests.cast import CAST, World
from tests.support.browser import AXE, ROOT, axe, screenshot
from tests.support.server import LiveServer

LARGEST_PAGE = 60 * 1024
# What a color scheme or a width can break; everything else is the same in both.
RULES_OF_LOOK = (
    "color-contrast",
    "target-size",
    "link-in-text-block",
    "scrollable-region-focusable",
)
STYLE_SHEET = ROOT / "static" / "css" / "portal.css"
FRAME = (".site-header", ".site-footer")
VOID_ELEMENTS = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}

# Links that nobody sent lead to a page that offers a new one.
STATUSES = {
    "not found": 404,
    "accounts.verify_email": 410,
    "accounts.reset_password": 410,
    "accounts.change_email": 410,
}

Open = Callable[..., BrowserContext]


def overflow(page: Page) -> list[str]:
    """Name what stands out of the window, if the page scrolls sideways."""
    found: list[str] = page.evaluate(
        """() => {
          const root = document.documentElement;
          if (root.scrollWidth <= root.clientWidth) return [];
          return [...document.querySelectorAll('body *')]
            .filter((element) => element.getBoundingClientRect().right > root.clientWidth + 1
              && !element.closest('.table-scroll, .visually-hidden'))
            .slice(0, 5).map((element) => element.outerHTML.slice(0, 200));
        }"""
    )
    return found


class Weight:
    """The compressed bytes of a page: its HTML, style sheets and scripts."""

    def __init__(self) -> None:
        self._assets: dict[str, int] = {}

    def of(self, response: TestResponse, client: FlaskClient) -> int:
        addresses = re.findall(r'(?:href|src)="([^"]+\.(?:css|js)(?:\?[^"]*)?)"', response.text)
        assert addresses, f"{response.request.path} names neither style sheet nor script"
        for address in addresses:
            if address not in self._assets:
                self._assets[address] = len(zlib.compress(client.get(address).data, 6))
        return len(zlib.compress(response.data, 6)) + sum(self._assets[a] for a in addresses)


class Shape(HTMLParser):
    """The elements of a page's main part: what they are, stand in and hold, without their words.

    Pages of the same elements are laid out, named and colored alike; only their words differ.
    `looks` are the elements by what a style sheet can tell them apart.
    """

    _WORDS = ("href", "value", "id", "for", "action", "src", "datetime", "content", "d", "x", "y")
    # What the style sheet asks for, and what browsers' own do.
    _SEEN = frozenset(re.findall(r"\[([a-z-]+)", STYLE_SHEET.read_text(encoding="utf-8"))) | {
        *("class", "type", "disabled", "checked", "multiple", "rows", "size", "colspan"),
    }

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: set[tuple[str, ...]] = set()
        self.looks: set[tuple[str, ...]] = set()
        self._open: list[tuple[str, str]] = []
        self.feed(html[html.index("<main") : html.index("<footer")])

    def _add(self, element: str, look: str) -> None:
        around = self._open[-2:]
        self.elements.add((*(element for element, _look in around), element))
        self.looks.add((*(look for _element, look in around), look))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        kept = sorted(f"{name}={value}" for name, value in attributes if name not in self._WORDS)
        named = sorted(name for name, value in attributes if name in self._WORDS and value)
        seen = sorted(
            name if name in self._WORDS or name == "title" else f"{name}={value}"
            for name, value in attributes
            if name in self._SEEN
        )
        element, look = " ".join((tag, *kept, *named)), " ".join((tag, *seen))
        self._add(element, look)
        if tag not in VOID_ELEMENTS:
            self._open.append((element, look))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0].split(" ", 1)[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip():
            self._add("words", "words")


class Eyes:
    """Looks at pages in a browser, at each part as often as it takes.

    Many pages are of the same parts, whoever reads them: each page is looked at once at least,
    each part once for all, and the frame once for each person. Colors and sizes are looked at
    where a page has something that no page before it looked like.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._pages: set[str] = set()
        self._elements: set[tuple[str, ...]] = set()
        self._looks: set[tuple[str, ...]] = set()

    def problems_of(
        self, name: str, target: PageOfSite, html: str, *, has_frame: bool
    ) -> list[str]:
        """Return what is wrong with a page for a person, light and dark, wide and narrow."""
        shape = Shape(html)
        if target.name in self._pages and shape.elements <= self._elements and not has_frame:
            return []
        is_like_others = shape.looks <= self._looks and not has_frame
        self._pages.add(target.name)
        self._elements |= shape.elements
        self._looks |= shape.looks
        page, frame = self._page, () if has_frame else FRAME
        page.goto(target.path)
        keep_pictures(page, name, target)
        violations = axe(page, without=RULES_OF_LOOK if is_like_others else (), outside=frame)
        found = [str(violation) for violation in violations]
        page.set_viewport_size({"width": 320, "height": 640})
        if not is_like_others:
            page.emulate_media(color_scheme="dark")
            violations = axe(page, only=RULES_OF_LOOK, outside=frame)
            found += [f"dark, on a phone: {violation}" for violation in violations]
        found += [f"too wide at 320: {element}" for element in overflow(page)]
        page.set_viewport_size(DESK)
        if not is_like_others:
            page.emulate_media(color_scheme="light")
        return found


@pytest.mark.long
def test_every_page_is_accessible_light_and_no_wider_than_a_phone(
    app: Flask,
    world: World,
    client_of: Callable[[str], FlaskClient],
    live_server: LiveServer,
    open_browser: Open,
) -> None:
    weight = Weight()
    problems: list[str] = []
    context = open_browser(base_url=live_server.url, viewport=DESK, color_scheme="light")
    # Once for all pages: it is long, and handing it over takes as long as opening a page.
    context.add_init_script(path=AXE)
    errors: list[str] = []
    context.on(
        "console",
        lambda message: errors.append(message.text) if message.type == "error" else None,
    )
    eyes = Eyes(context.new_page())
    for name in CAST:
        live_server.sign_in(context, name)
        # Most pages need no browser to be read.
        client = client_of(name)
        is_frame_known = False
        for target in pages_of(name, app, world):
            response = client.get(target.path)
            while response.status_code == 303:
                response = client.get(response.location)
            if response.mimetype != "text/html":
                continue  # a calendar, a picture
            expected = STATUSES.get(target.name, 200)
            found = [f"answers {response.status}"] if response.status_code != expected else []
            size = weight.of(response, client)
            if size > LARGEST_PAGE:
                found.append(f"weighs {size} bytes")
            found += eyes.problems_of(name, target, response.text, has_frame=not is_frame_known)
            is_frame_known = True
            found += [error for error in errors if "Failed to load" not in error]
            errors.clear()
            problems += [f"{name} {target.name} {target.path}: {problem}" for problem in found]
    assert not problems, "\n".join(problems)


# One of each kind, so that anybody can look at them; pictures of all pages take minutes.
PICTURED = {
    "home.index",
    "home.desk",
    "home.region",
    "home.help_page",
    "directory.search",
    "organizations.show",
    "facilities.show_equipment",
    "facilities.new_equipment",
    "facilities.list_own",
    "partnerships.show",
    "partnerships.create_request",
    "accounts.sign_in",
    "intake.show_import",
    "not found",
}


def keep_pictures(page: Page, name: str, target: PageOfSite) -> None:
    """Keep two pictures of a page of each kind, as the first of the cast who may open it."""
    if target.name not in PICTURED:
        return
    first = [row.allowed.split()[0] for row in page_rows() if row.endpoint == target.name]
    if name not in (first or CAST[:1]):
        return
    screenshot(page, f"{target.name} on a desk")
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    screenshot(page, f"{target.name} on a phone in the dark")
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")


MAIN_PAGES = ["home.index", "directory.search", "organizations.show", "facilities.show_equipment"]


@pytest.mark.parametrize("name", ["nobody", "ana"])
def test_at_twice_the_size_nothing_is_lost(
    app: Flask, world: World, live_server: LiveServer, open_browser: Open, name: str
) -> None:
    # Browsers zoom by halving the window in CSS pixels.
    context = open_browser(base_url=live_server.url, viewport={"width": 640, "height": 450})
    live_server.sign_in(context, name)
    page = context.new_page()
    for target in pages_of(name, app, world):
        if target.name not in MAIN_PAGES:
            continue
        page.goto(target.path)
        assert not overflow(page), target.name
        cut = page.locator("main :is(h1, h2, h3, p, dt, dd, a, button, label)").evaluate_all(
            """all => all.filter((one) => one.offsetParent
                && getComputedStyle(one).overflowX === 'hidden'
                && one.scrollWidth > one.clientWidth + 1
                && !one.closest('.visually-hidden')).map((one) => one.outerHTML.slice(0, 200))"""
        )
        assert not cut, target.name
        assert page.get_by_role("link", name="Skip to the content").count() == 1
        assert page.get_by_role("heading", level=1).is_visible(), target.name


def test_nothing_but_this_site_is_named_in_the_frame(
    live_server: LiveServer, open_browser: Open
) -> None:
    asked: set[str] = set()
    context = open_browser(base_url=live_server.url)
    context.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    context.new_page().goto("/")
    assert asked == {urlsplit(live_server.url).netloc}

"""Every page for every member of the cast: accessible, narrow enough, light in bytes."""

import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import BrowserContext, Page
from werkzeug.test import TestResponse

from tests.browser.pages import DESK, PageOfSite, pages_of
from tests.cast import CAST, World
from tests.support.browser import AXE, ROOT, axe
from tests.support.server import LiveServer

LARGEST_PAGE = 60 * 1024
# What a color scheme and a width can break; everything else is the same in both.
RULES_OF_COLOR = ("color-contrast", "link-in-text-block")
RULES_OF_SIZE = ("target-size", "scrollable-region-focusable")
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
    return [f"too wide: {element}" for element in found]


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

    Pages of the same elements are laid out and named alike; only their words differ. `looks` are
    the elements by what a style sheet can tell them apart, `frame` those around the main part.
    `problems` are ids that stand twice, or that nothing has, which is told of every page here,
    since words are not kept.
    """

    # What the style sheet asks for, and what browsers' own do.
    _SEEN = frozenset(re.findall(r"\[([a-z-]+)", STYLE_SHEET.read_text(encoding="utf-8"))) | {
        *("class", "type", "disabled", "checked", "multiple", "rows", "size", "colspan"),
    }
    # Of the others it matters that they are there and not empty.
    _TOLD_BY_VALUE = (_SEEN - {"href", "title", "rows", "size", "colspan"}) | {
        *("autocomplete", "scope", "aria-hidden", "aria-expanded", "aria-pressed", "aria-checked"),
        *("aria-live", "aria-haspopup"),
    }
    _REFERENCES = frozenset(
        (
            *("for", "list", "form", "headers", "aria-controls", "aria-owns", "aria-labelledby"),
            *("aria-describedby", "aria-errormessage", "aria-activedescendant"),
        )
    )

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: set[tuple[str, ...]] = set()
        self.looks: set[tuple[str, ...]] = set()
        self.frame: set[tuple[str, ...]] = set()
        self._open: list[tuple[str, str]] = []
        self._ids: Counter[str] = Counter()
        self._referred: set[str] = set()
        self._is_main = False
        self.feed(html)
        self.problems = [
            *(f"the id {name} stands {n} times" for name, n in self._ids.items() if n > 1),
            *(f"nothing has the id {name}" for name in sorted(self._referred - self._ids.keys())),
        ]

    def _add(self, element: str, look: str) -> None:
        around = self._open[-2:]
        part = (*(element for element, _look in around), element)
        if self._is_main:
            self.elements.add(part)
            self.looks.add((*(look for _element, look in around), look))
        else:
            self.frame.add(part)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name == "id":
                self._ids[value or ""] += 1
            elif name in self._REFERENCES:
                self._referred.update((value or "").split())
        self._is_main = self._is_main or tag == "main"
        told = {
            name: f"{name}={value}" if name in self._TOLD_BY_VALUE or not value else name
            for name, value in attributes
        }
        element = " ".join((tag, *sorted(told.values())))
        look = " ".join((tag, *sorted(told[name] for name in told.keys() & self._SEEN)))
        self._add(element, look)
        if tag not in VOID_ELEMENTS:
            self._open.append((element, look))

    def handle_endtag(self, tag: str) -> None:
        if tag == "main":
            self._is_main = False
        while self._open and self._open.pop()[0].split(" ", 1)[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip():
            self._add("words", "words")


# Of each visible text: its color, size and weight, what color a link's neighbors have, and all
# that lies behind it. By these alone axe judges contrast.
COLORS = """() => {
  const found = new Set(), of = new Map()
  const style = (element) => {
    if (!of.has(element)) of.set(element, getComputedStyle(element))
    return of.get(element)
  }
  const tell = (element) => {
    if (!element.checkVisibility({visibilityProperty: true})) return
    const own = style(element), parts = [own.color, own.fontSize, own.fontWeight]
    const link = element.closest('a')
    if (link) parts.push(style(link).textDecorationLine, style(link.parentElement).color)
    for (let around = element; around; around = around.parentElement) {
      const {backgroundColor, backgroundImage, opacity} = style(around)
      if (backgroundColor !== 'rgba(0, 0, 0, 0)' || backgroundImage !== 'none' || opacity !== '1')
        parts.push(backgroundColor, backgroundImage, opacity)
      if (backgroundColor.startsWith('rgb(')) break
    }
    found.add(parts.join(' '))
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode())
    if (texts.currentNode.data.trim()) tell(texts.currentNode.parentElement)
  document.querySelectorAll('input, select, textarea').forEach(tell)
  return [...found]
}"""


class Eyes:
    """Looks at pages in a browser, at each part as often as it takes.

    Many pages are of the same parts, whoever reads them: each page is opened once at least, each
    part looked at once for all, and the frame once for each person. Sizes are looked at where a
    page has something that no page before it looked like, contrast where it has colors that none
    before it had.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._elements: set[tuple[str, ...]] = set()
        self._looks: set[tuple[str, ...]] = set()
        self._frames: set[tuple[str, ...]] = set()
        self._colors: dict[str, set[str]] = {"light": set(), "dark": set()}
        self._scheme = "light"

    def new_in(self, shape: Shape) -> int:
        """Return how much of what a page is of was not looked at yet."""
        return len(shape.elements - self._elements) + len(shape.frame - self._frames)

    def most_new_first(self, pages: Sequence["Read"]) -> Iterator["Read"]:
        """Yield pages, always one with the most that is new, so that few have anything new."""
        waiting = [(-self.new_in(page.shape), number) for number, page in enumerate(pages)]
        heapify(waiting)
        while waiting:
            told, number = heappop(waiting)
            new = -self.new_in(pages[number].shape)
            if new == told:
                yield pages[number]
            else:  # another page had some of it
                heappush(waiting, (new, number))

    def too_wide(self, path: str) -> list[str]:
        """Return what stands out of a phone's window, which words alone can bring about."""
        if self._scheme == "light":
            self._turn()
        self._page.goto(path)
        return overflow(self._page)

    def problems_of(self, path: str, shape: Shape) -> list[str]:
        """Return what is wrong with a page, light and wide, dark and narrow."""
        has_frame = not shape.frame <= self._frames
        rules = () if shape.looks <= self._looks and not has_frame else RULES_OF_SIZE
        self._elements |= shape.elements
        self._looks |= shape.looks
        self._frames |= shape.frame
        self._page.goto(path)
        frame = () if has_frame else FRAME
        # Turned half as often, since each page begins as the last one ended.
        found = self._looked_at(rules, frame)
        self._turn()
        return found + self._looked_at(rules, frame)

    def _looked_at(self, rules: tuple[str, ...], frame: tuple[str, ...]) -> list[str]:
        page, known = self._page, self._colors[self._scheme]
        colors = set(page.evaluate(COLORS))
        if not colors <= known:
            rules += RULES_OF_COLOR
            known |= colors
        if self._scheme == "light":
            without = tuple({*RULES_OF_SIZE, *RULES_OF_COLOR} - {*rules})
            return [str(violation) for violation in axe(page, without=without, outside=frame)]
        violations = axe(page, only=rules, outside=frame) if rules else []
        found = [f"dark, on a phone: {violation}" for violation in violations]
        return found + overflow(page)

    def _turn(self) -> None:
        is_light = self._scheme == "light"
        self._scheme = "dark" if is_light else "light"
        self._page.set_viewport_size({"width": 320, "height": 640} if is_light else DESK)
        self._page.emulate_media(color_scheme="dark" if is_light else "light")


@dataclass(frozen=True)
class Read:
    """A page as one of the cast was given it."""

    name: str
    target: PageOfSite
    shape: Shape


@pytest.mark.long
def test_every_page_is_accessible_light_and_no_wider_than_a_phone(
    app: Flask,
    world: World,
    client_of: Callable[[str], FlaskClient],
    live_server: LiveServer,
    open_browser: Open,
) -> None:
    problems: list[str] = []

    def tell(name: str, target: PageOfSite, found: list[str]) -> None:
        problems.extend(f"{name} {target.name} {target.path}: {problem}" for problem in found)

    # Most pages need no browser to be read.
    weight = Weight()
    pages: list[Read] = []
    for name in CAST:
        client, answers = client_of(name), dict[str, TestResponse]()
        for target in pages_of(name, app, world):
            # What many pages lead on to is read once.
            path: str | None = target.path
            while path is not None:
                if path not in answers:
                    answers[path] = client.get(path)
                response = answers[path]
                path = response.location if response.status_code == 303 else None
            if response.mimetype != "text/html":
                continue  # a calendar, a picture
            shape = Shape(response.text)
            expected = STATUSES.get(target.name, 200)
            found = [f"answers {response.status}"] if response.status_code != expected else []
            size = weight.of(response, client)
            if size > LARGEST_PAGE:
                found.append(f"weighs {size} bytes")
            tell(name, target, found + shape.problems)
            pages.append(Read(name, target, shape))

    context = open_browser(base_url=live_server.url, viewport=DESK, color_scheme="light")
    # Once for all pages: it is long, and handing it over takes as long as opening a page.
    context.add_init_script(path=AXE)
    errors: list[str] = []
    context.on(
        "console",
        lambda message: errors.append(message.text) if message.type == "error" else None,
    )
    eyes = Eyes(context.new_page())
    done: set[str] = set()
    for read in eyes.most_new_first(pages):
        path, is_known = read.target.path, not eyes.new_in(read.shape)
        if is_known and read.target.name in done:
            continue
        done.add(read.target.name)
        live_server.sign_in(context, read.name)
        found = eyes.too_wide(path) if is_known else eyes.problems_of(path, read.shape)
        tell(read.name, read.target, found + [e for e in errors if "Failed to load" not in e])
        errors.clear()
    assert not problems, "\n".join(problems)


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

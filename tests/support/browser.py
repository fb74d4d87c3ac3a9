"""Chromium for tests: sees only this machine, and fails the test on what a page must never do.

A page must never ask another host for anything, raise an uncaught error or break its own
Content-Security-Policy.
"""

import ipaddress
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = ROOT / "build" / "screenshots"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
# The shell is Chromium without a window of its own: the same pages in half the time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
MAC_PATHS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
# A busy machine may take its time; what is right at once costs none of it.
PATIENCE_MILLISECONDS = 15_000
ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
    # No page of a test lives long enough for its scripts to be worth compiling well.
    "--js-flags=--no-opt --no-maglev",
    # Whatever is not on this machine goes to a proxy that is not there.
    "--proxy-server=http://127.0.0.1:9",
    "--proxy-bypass-list=127.0.0.1;localhost;[::1]",
]


def find_chromium() -> str | None:
    chosen = os.environ.get("CHROMIUM")
    found = (shutil.which(name) for name in NAMES)
    paths = (path for path in MAC_PATHS if Path(path).exists())
    return chosen or next((path for path in found if path), None) or next(paths, None)


def is_on_this_machine(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme in {"data", "blob", "about"}:
        return True
    host = parts.hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True)
class Violation:
    """One rule of WCAG that a page breaks, and the elements that break it."""

    rule: str
    impact: str
    help: str
    elements: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.rule} ({self.impact}): {self.help}\n  " + "\n  ".join(self.elements)


def axe(
    page: Page,
    *,
    only: tuple[str, ...] = (),
    without: tuple[str, ...] = (),
    outside: tuple[str, ...] = (),
) -> list[Violation]:
    """What axe-core finds wrong on the page by WCAG 2.2, levels A and AA.

    `only` and `without` name rules, `outside` the parts that are not looked at.
    """
    options = {
        "runOnly": {"type": "rule", "values": only} if only else AXE_TAGS,
        "rules": {rule: {"enabled": False} for rule in without},
        "resultTypes": ["violations"],
        # No page has frames, and only the style sheet itself can turn a page by force.
        "iframes": False,
        "preload": False,
    }
    # What it finds in order is not sent over.
    run = "async (given) => window.axe ? (await axe.run(...given)).violations : null"
    given = [{"exclude": [[part] for part in outside]} if outside else "html", options]
    violations = page.evaluate(run, given)
    if violations is None:
        # Evaluated by the debugger, so the page's Content-Security-Policy stays as strict as it is.
        page.evaluate(AXE.read_text(encoding="utf-8"))
        violations = page.evaluate(run, given)
    return [
        Violation(
            found["id"],
            found["impact"] or "",
            found["help"],
            tuple(
                f"{' '.join(map(str, node['target']))}: {node.get('failureSummary', '')}"
                for node in found["nodes"]
            ),
        )
        for found in violations
    ]


def screenshot(page: Page, name: str, *, full_page: bool = True) -> Path:
    """Keeps a picture of the page as build/screenshots/<name>.png."""
    path = SCREENSHOTS / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.png"
    page.screenshot(path=path, full_page=full_page, animations="disabled")
    return path


class Misdeeds:
    """Collects what pages did that they must never do."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def watch(self, context: BrowserContext) -> None:
        context.on("request", lambda request: self._check(request.url))
        context.on("page", lambda page: page.on("websocket", lambda ws: self._check(ws.url)))
        context.on(
            "weberror",
            lambda error: self.found.append(f"uncaught error: {error.error}\n{error.error.stack}"),
        )
        context.on("console", lambda message: self._check_message(message.type, message.text))

    def _check(self, url: str) -> None:
        if not is_on_this_machine(url):
            self.found.append(f"request to another host: {url}")

    def _check_message(self, kind: str, text: str) -> None:
        if kind == "error" and "Content Security Policy" in text:
            self.found.append(f"policy broken: {text}")


@pytest.fixture(scope="session")
def _playwright() -> Iterator[Playwright]:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """The one browser of this process."""
    executable = find_chromium()
    if executable is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium-headless-shell).")
    # Asked for only now, so that without Chromium nothing is started.
    playwright: Playwright = request.getfixturevalue("_playwright")
    as_root = sys.platform == "linux" and os.geteuid() == 0
    browser = playwright.chromium.launch(
        executable_path=executable, args=[*ARGUMENTS, *(["--no-sandbox"] if as_root else [])]
    )
    yield browser
    browser.close()


@pytest.fixture
def misdeeds() -> Misdeeds:
    return Misdeeds()


@pytest.fixture
def open_browser(chromium: Browser, misdeeds: Misdeeds) -> Iterator[Callable[..., BrowserContext]]:
    """Opens a browser of its own (no cookies yet): `open_browser(java_script_enabled=False)`.

    Takes what Playwright's `new_context` takes: base_url, viewport, color_scheme, locale ...
    """
    contexts: list[BrowserContext] = []

    def open_(**options: Any) -> BrowserContext:
        context = chromium.new_context(
            **{
                "viewport": {"width": 1280, "height": 800},
                "locale": "en-US",
                "timezone_id": "America/New_York",
                "reduced_motion": "reduce",
                **options,
            }
        )
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        misdeeds.watch(context)
        contexts.append(context)
        return context

    yield open_
    for context in contexts:
        try:
            context.close()
        except PlaywrightError as error:  # a crashed browser explains the failure by itself
            misdeeds.found.append(str(error))
    if misdeeds.found:
        pytest.fail("A page did what no page may:\n" + "\n".join(dict.fromkeys(misdeeds.found)))


@pytest.fixture
def page(open_browser: Callable[..., BrowserContext]) -> Page:
    """One page in a fresh browser of desk size."""
    return open_browser().new_page()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)

"""Three ways to use the portal: with a finger on a phone, by keyboard alone, and without scripts.

A task is written once, in words of the page, and done in each way.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, Locator, Page, expect

MOST_TABS = 150


@dataclass
class Hands:
    """A person at a browser, by what the person sees: labels, links, buttons."""

    context: BrowserContext
    page: Page = field(init=False)

    def __post_init__(self) -> None:
        self.page = self.context.new_page()

    def open(self, address: str) -> None:
        """Type an address."""
        self.page.goto(address)

    @property
    def address(self) -> str:
        """The address of the page, without the place on it."""
        return self.page.url.partition("#")[0]

    def field(self, label: str) -> Locator:
        """Return the first control of the main part under a label."""
        name = re.compile(rf"^{re.escape(label)}( \((required|to publish)\))?$")
        return self.page.get_by_role("main").get_by_label(name).first

    def link(self, name: str) -> Locator:
        """Return a link of the main part."""
        return self.page.get_by_role("main").get_by_role("link", name=name).first

    def button(self, name: str) -> Locator:
        """Return a button of the main part."""
        return self.page.get_by_role("main").get_by_role("button", name=name, exact=True).first

    def fill(self, label: str, text: str) -> None:
        """Write into a field."""
        self.field(label).fill(text)

    def choose(self, label: str, option: str) -> None:
        """Choose an option of a list."""
        self.field(label).select_option(label=option)

    def check(self, label: str) -> None:
        """Tick a box."""
        self.field(label).check()

    def attach(self, label: str, path: Path) -> None:
        """Give a file to a field; the window for files is the system's own."""
        self.field(label).set_input_files(path)

    def follow(self, link: str) -> None:
        """Follow a link and wait for its page."""
        with self.page.expect_navigation():
            self._act(self.link(link))

    def tick(self, link: str) -> None:
        """Choose what is a link and looks like a box to tick."""
        self.follow(link)

    def press(self, button: str) -> None:
        """Press a button and wait for the page that answers."""
        with self.page.expect_navigation():
            self._act(self.button(button))

    def unfold(self, text: str) -> None:
        """Open what is folded."""
        self.page.get_by_role("main").locator("summary", has_text=text).first.click()

    def sees(self, text: str) -> None:
        """Expect a text in the page."""
        expect(self.page.locator("body")).to_contain_text(text)

    def sees_not(self, text: str) -> None:
        """Expect the page to be free of a text."""
        expect(self.page.locator("body")).not_to_contain_text(text)

    def _act(self, target: Locator) -> None:
        target.click()


class Keyboard(Hands):
    """A person without a mouse: Tab until it is reached, then the keys that a person knows."""

    def fill(self, label: str, text: str) -> None:
        self._reach(self.field(label))
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)

    def choose(self, label: str, option: str) -> None:
        self._reach(self.field(label))
        self.page.keyboard.type(option)
        expect(self.field(label).locator("option:checked")).to_have_text(option)

    def check(self, label: str) -> None:
        self._reach(self.field(label))
        self.page.keyboard.press("Space")
        expect(self.field(label)).to_be_checked()

    def tick(self, link: str) -> None:
        self._reach(self.link(link))
        with self.page.expect_navigation():
            self.page.keyboard.press("Space")

    def attach(self, label: str, path: Path) -> None:
        self._reach(self.field(label))
        self.field(label).set_input_files(path)

    def unfold(self, text: str) -> None:
        self._reach(self.page.get_by_role("main").locator("summary", has_text=text).first)
        self.page.keyboard.press("Enter")

    def _act(self, target: Locator) -> None:
        self._reach(target)
        self.page.keyboard.press("Enter")

    def _reach(self, target: Locator) -> None:
        expect(target).to_be_visible()
        if self.page.evaluate("document.activeElement === document.body"):
            # On a new page the first Tab stands on the link that leaves the header out.
            self.page.keyboard.press("Tab")
            self.page.keyboard.press("Enter")
        for _number in range(MOST_TABS):
            outline = target.evaluate(
                "element => element === document.activeElement"
                " && getComputedStyle(element).outlineStyle"
            )
            if outline:
                # Where a person is must be seen.
                assert outline != "none", f"no focus to be seen on {target}"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"not reached by Tab: {target}")

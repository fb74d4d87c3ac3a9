"""Fixtures of the browser tests: a person in each of three ways or in one of them,
and a photo to upload."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import BrowserContext

from tests.browser.hands import Hands, Keyboard
from tests.browser.pages import DESK, PHONE
from tests.support.server import LiveServer

Person = Callable[[str], Hands]
Sit = Callable[..., Hands]


@pytest.fixture(params=["on a phone", "by keyboard", "without scripts"])
def person(
    request: pytest.FixtureRequest,
    live_server: LiveServer,
    open_browser: Callable[..., BrowserContext],
) -> Person:
    """Put a member of the cast ("nobody": a stranger) in front of a browser of their own."""

    def make(name: str) -> Hands:
        context = open_browser(
            base_url=live_server.url,
            viewport=PHONE if request.param == "on a phone" else DESK,
            java_script_enabled=request.param != "without scripts",
        )
        live_server.sign_in(context, name)
        return Keyboard(context) if request.param == "by keyboard" else Hands(context)

    return make


@pytest.fixture
def sit(live_server: LiveServer, open_browser: Callable[..., BrowserContext]) -> Sit:
    """Put a member of the cast at a desk, on a phone, at a keyboard, or without scripts."""

    def make(name: str, way: str = "at a desk") -> Hands:
        context = open_browser(
            base_url=live_server.url,
            viewport=PHONE if way == "on a phone" else DESK,
            java_script_enabled=way != "without scripts",
        )
        live_server.sign_in(context, name)
        return Keyboard(context) if way == "by keyboard" else Hands(context)

    return make


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo as a phone takes it."""
    path = tmp_path / "mill.jpg"
    image = Image.new("RGB", (1200, 900), "#7a8794")
    drawing = ImageDraw.Draw(image)
    drawing.rectangle((250, 250, 950, 800), fill="#2f4257")
    drawing.rectangle((380, 350, 820, 620), fill="#b6c3cf")
    image.save(path, exif=b"Exif\x00\x00")
    return path

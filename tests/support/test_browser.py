"""The browser of the tests: what it reports, and what it keeps away from other hosts."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.support.browser import SCREENSHOTS, Misdeeds, axe, is_on_this_machine, screenshot

GOOD = """<!doctype html><html lang="en"><head><title>Good</title></head>
<body><main><h1>Welding near Louisville</h1></main></body></html>"""
UNNAMED_FIELD = GOOD.replace("</main>", '<input type="text"></main>')
FOREIGN_PICTURE = GOOD.replace("</main>", '<img alt="" src="http://pictures.example/a.png"></main>')
INLINE_SCRIPT = GOOD.replace("</main>", "<script>document.title = 'ran'</script></main>")
PAGES = {
    "/good": GOOD,
    "/unnamed-field": UNNAMED_FIELD,
    "/foreign-picture": FOREIGN_PICTURE,
    "/inline-script": INLINE_SCRIPT,
}


class Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = PAGES.get(self.path, "").encode()
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        if self.path != "/foreign-picture":
            self.send_header("Content-Security-Policy", "default-src 'self'")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keeps the tests' output free of a line for each request."""


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_axe_finds_a_field_without_a_name_under_a_strict_policy(page: Page, site: str) -> None:
    page.goto(f"{site}/unnamed-field")
    assert [violation.rule for violation in axe(page)] == ["label"]


def test_axe_looks_where_and_for_what_it_is_asked_and_at_the_page_as_such_always(
    page: Page, site: str
) -> None:
    page.goto(f"{site}/unnamed-field")
    page.evaluate("document.title = ''")

    def found(**options: tuple[str, ...]) -> list[str]:
        return [violation.rule for violation in axe(page, **options)]

    assert found() == ["document-title", "label"]
    assert found(outside=("main",)) == ["document-title"]
    assert found(outside=("header",), without=("document-title",)) == ["label"]
    assert found(only=("color-contrast", "label")) == ["label"]


def test_axe_finds_nothing_on_a_good_page(page: Page, site: str) -> None:
    page.goto(f"{site}/good")
    assert axe(page) == []


def test_a_request_to_another_host_is_stopped_and_noted(
    page: Page, site: str, misdeeds: Misdeeds
) -> None:
    with page.expect_event("requestfailed") as failed:
        page.goto(f"{site}/foreign-picture")
    assert failed.value.url == "http://pictures.example/a.png"
    assert misdeeds.found == ["request to another host: http://pictures.example/a.png"]
    misdeeds.found.clear()


def test_a_broken_policy_is_noted(page: Page, site: str, misdeeds: Misdeeds) -> None:
    page.goto(f"{site}/inline-script")
    assert page.title() == "Good"
    assert len(misdeeds.found) == 1
    assert "policy broken" in misdeeds.found[0]
    misdeeds.found.clear()


def test_an_uncaught_error_is_noted(page: Page, site: str, misdeeds: Misdeeds) -> None:
    page.goto(f"{site}/good")
    with page.expect_event("pageerror"):
        page.evaluate("setTimeout(() => { throw new Error('boom') })")
    assert ["boom" in found for found in misdeeds.found] == [True]
    misdeeds.found.clear()


def test_a_page_shows_its_words_with_javascript_off(
    open_browser: Callable[..., BrowserContext], site: str
) -> None:
    page = open_browser(java_script_enabled=False, base_url=site).new_page()
    page.goto("/good")
    assert page.get_by_role("heading").inner_text() == "Welding near Louisville"


def test_a_screenshot_is_kept_under_a_readable_name(page: Page, site: str) -> None:
    page.goto(f"{site}/good")
    path = screenshot(page, "Self-test: good page")
    assert path == SCREENSHOTS / "self-test-good-page.png"
    assert path.read_bytes().startswith(b"\x89PNG")
    path.unlink()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000/", True),
        ("http://localhost/x", True),
        ("http://[::1]:80/", True),
        ("data:image/png;base64,AA==", True),
        ("http://example.org/", False),
        ("http://10.0.0.1/", False),
        ("http://localhost.example.org/", False),
        ("wss://127.0.0.1.example.org/", False),
    ],
)
def test_only_this_machine_counts_as_this_machine(url: str, expected: bool) -> None:
    assert is_on_this_machine(url) is expected

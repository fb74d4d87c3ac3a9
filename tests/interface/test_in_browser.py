"""The face in Chromium: accessible, whole without a script, kind with one."""

import re
import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect
from werkzeug.serving import make_server

from tests.interface.gallery import make_gallery
from tests.support.browser import axe, screenshot

PATHS = {
    "home": "/",
    "results": "/results?q=welding",
    "nothing found": "/results?q=nothing",
    "record": "/record",
    "form": "/form",
    "worklist": "/worklist",
    "dashboard": "/dashboard",
    "text": "/page",
    "error 404": "/errors/404",
    "plain error": "/errors/plain/503",
}
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}

Open = Callable[..., BrowserContext]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, make_gallery(), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def visit(open_browser: Open, address: str) -> Callable[..., Page]:
    def open_(path: str, **options: object) -> Page:
        context = open_browser(base_url=address, **{"viewport": PHONE, **options})
        if options.get("java_script_enabled") is not False:
            context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.goto(path)
        return page

    return open_


class Held:
    """A request that is kept from its answer until the test lets it go."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.routes: list[Route] = []
        page.route(url, self._hold)

    def _hold(self, route: Route) -> None:
        self.routes.append(route)

    def release(self) -> None:
        while not self.routes:
            self.page.wait_for_timeout(10)
        for route in self.routes:
            route.continue_()
        self.page.unroute_all()


@pytest.mark.parametrize(
    ("scheme", "size"), [("light", PHONE), ("dark", DESK)], ids=["light phone", "dark desk"]
)
def test_every_page_kind_is_accessible(
    visit: Callable[..., Page], scheme: str, size: dict[str, int]
) -> None:
    page = visit("/", color_scheme=scheme, viewport=size)
    for name, path in PATHS.items():
        page.goto(path)
        assert axe(page) == [], name
        screenshot(page, f"gallery {name} {scheme} {size['width']}")
    page.goto("/record?as=1")
    assert axe(page) == []


def test_open_menus_dialogs_and_errors_are_accessible(visit: Callable[..., Page]) -> None:
    page = visit("/record?as=1")
    page.get_by_text("Menu", exact=True).click()
    assert axe(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Delete").click()
    assert axe(page) == []
    page.goto("/form")
    page.get_by_role("button", name="Save and publish").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert axe(page) == []
    page.goto("/results")
    page.get_by_role("combobox").press_sequentially("weld")
    expect(page.get_by_role("option")).to_have_count(2)
    assert axe(page) == []


def test_nothing_is_wider_than_the_window(visit: Callable[..., Page]) -> None:
    page = visit("/")
    for name, path in PATHS.items():
        page.goto(f"{path}{'&' if '?' in path else '?'}as=1")
        for width in (320, 640, 768, 1024, 1152):
            page.set_viewport_size({"width": width, "height": 700})
            wide = page.locator("html").evaluate("html => html.scrollWidth")
            assert wide <= width, name


def test_skip_link_comes_first_and_leads_to_the_content(visit: Callable[..., Page]) -> None:
    page = visit("/record")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_destructive_button_asks_in_a_dialog_that_names_the_thing(
    visit: Callable[..., Page],
) -> None:
    page = visit("/record?as=1")
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete “Bridge coordinate measuring machine”?")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert "/record" in page.url
    expect(page.locator(".notice[data-tone=good]")).to_have_count(0)
    page.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The request was withdrawn.")).to_be_visible()


def test_without_a_script_a_page_asks_instead(visit: Callable[..., Page]) -> None:
    page = visit("/record?as=1", java_script_enabled=False)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Withdraw")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("The request was withdrawn.")).to_be_visible()


def test_menu_opens_without_a_script_on_a_phone_and_stands_open_on_a_desk(
    visit: Callable[..., Page],
) -> None:
    phone = visit("/page", java_script_enabled=False)
    link = phone.get_by_role("navigation", name="Main").get_by_role("link", name="Requests")
    expect(link).to_be_hidden()
    phone.get_by_text("Menu", exact=True).click()
    expect(link).to_be_visible()
    desk = visit("/page", java_script_enabled=False, viewport=DESK)
    navigation = desk.get_by_role("navigation", name="Main")
    expect(navigation.get_by_role("link", name="Requests")).to_be_visible()
    expect(desk.get_by_text("Menu", exact=True)).to_be_hidden()


def test_refining_keeps_focus_speaks_the_count_and_is_a_link(visit: Callable[..., Page]) -> None:
    page = visit("/results?q=welding")
    page.get_by_text("Filters", exact=True).first.click()
    page.get_by_role("link", name="Facilities").click()
    expect(page).to_have_url(re.compile(r"/results\?kind=facility$"))
    expect(page.locator("#announcer")).to_have_text("4 results")
    expect(page.get_by_role("link", name="Facilities")).to_be_focused()
    page.go_back()
    expect(page).to_have_url(re.compile(r"/results\?q=welding$"))
    expect(page.get_by_role("searchbox").or_(page.get_by_role("combobox"))).to_have_value("welding")


def test_suggestions_are_chosen_by_keyboard_and_closed_with_escape(
    visit: Callable[..., Page],
) -> None:
    page = visit("/results")
    field = page.get_by_role("combobox")
    field.press_sequentially("weld")
    expect(page.get_by_role("option")).to_have_count(2)
    field.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    field.press("ArrowDown")
    expect(page.get_by_role("option", selected=True)).to_contain_text("Welding and joining")
    field.press("Enter")
    expect(page).to_have_url(re.compile(r"/record#2$"))


def test_what_is_marked_stays_marked_in_a_newer_list(visit: Callable[..., Page]) -> None:
    page = visit("/results")
    field = page.get_by_role("combobox")
    field.fill("b")
    expect(page.get_by_role("option")).to_have_count(4)
    for _number in range(3):
        field.press("ArrowDown")
    marked = page.get_by_role("option", selected=True)
    expect(marked).to_have_text("Bluegrass Tool & Die")
    field.fill("bl")
    expect(page.get_by_role("option")).to_have_count(1)
    expect(marked).to_have_text("Bluegrass Tool & Die")
    field.press("Enter")
    expect(page).to_have_url(re.compile(r"/record#3$"))


def test_what_is_no_longer_in_the_list_is_never_chosen(visit: Callable[..., Page]) -> None:
    page = visit("/results")
    field = page.get_by_role("combobox")
    field.fill("b")
    expect(page.get_by_role("option")).to_have_count(4)
    field.press("ArrowDown")
    field.fill("bl")
    expect(page.get_by_role("option")).to_have_count(1)
    expect(page.get_by_role("option", selected=True)).to_have_count(0)
    field.press("Enter")
    expect(page).to_have_url(re.compile(r"/results\?q=bl$"))


def test_rows_are_added_and_removed_in_place(visit: Callable[..., Page]) -> None:
    page = visit("/form")
    rows = page.get_by_role("group", name="Specifications").locator("[data-row]")
    expect(rows).to_have_count(2)
    rows.nth(1).get_by_label("Value").fill("2.5")
    page.get_by_role("button", name="Add a figure").click()
    expect(rows).to_have_count(3)
    expect(rows.nth(2).get_by_label("Name")).to_be_focused()
    expect(rows.nth(2).get_by_label("Value")).to_have_value("")
    rows.nth(0).get_by_role("button", name="Remove this row").click()
    expect(rows).to_have_count(2)
    expect(rows.nth(0).get_by_label("Value")).to_have_value("2.5")
    names = rows.nth(1).locator("input").evaluate_all("all => all.map(one => one.name)")
    assert names == [f"specifications-2-{part}" for part in ("name", "value", "unit")]


def test_draft_comes_back_until_it_is_saved(visit: Callable[..., Page]) -> None:
    page = visit("/form")
    page.get_by_label("Name (required)").fill("Bridge CMM")
    page.get_by_label("Bookable").check()
    page.get_by_label("Wire EDM").check()
    page.get_by_role("button", name="Add a figure").click()
    page.get_by_label("Value").nth(2).fill("2.5")
    page.get_by_label("Password").fill("a secret")
    page.goto("/page")
    assert "a secret" not in page.evaluate("JSON.stringify(sessionStorage)")
    page.goto("/form")
    expect(page.get_by_text("What you had typed here before is back.")).to_be_visible()
    expect(page.get_by_label("Name (required)")).to_have_value("Bridge CMM")
    expect(page.get_by_label("Bookable")).to_be_checked()
    expect(page.get_by_label("Wire EDM")).to_be_checked()
    expect(page.get_by_label("5-axis milling")).not_to_be_checked()
    expect(page.get_by_label("Value").nth(2)).to_have_value("2.5")
    page.get_by_role("button", name="Save and publish").click()
    expect(page.get_by_text("was saved.")).to_be_visible()
    page.goto("/form")
    expect(page.get_by_label("Name (required)")).to_have_value("")


def test_signing_out_forgets_drafts(visit: Callable[..., Page]) -> None:
    page = visit("/form?as=1")
    page.get_by_label("Name (required)").fill("Bridge CMM")
    page.locator(".site-account summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile(r"/$"))
    assert page.evaluate("sessionStorage.length") == 0


def test_what_was_sent_does_not_stand_in_its_field_again(visit: Callable[..., Page]) -> None:
    page = visit("/talk")
    page.get_by_label("Message").fill("Can you do it on Friday?")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("Your message was sent.")).to_be_visible()
    expect(page.get_by_label("Message")).to_have_value("")


def test_what_nobody_was_signed_in_to_send_comes_back(visit: Callable[..., Page]) -> None:
    page = visit("/talk?nobody=1")
    page.get_by_label("Message").fill("An hour's words")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", name="Please sign in first")).to_be_visible()
    page.goto("/in")
    page.goto("/talk?nobody=1")
    expect(page.get_by_label("Message")).to_have_value("An hour's words")
    # Another place of the same address is another form.
    page.goto("/talk?nobody=2")
    expect(page.get_by_label("Message")).to_have_value("")


def test_what_the_network_did_not_take_comes_back(visit: Callable[..., Page]) -> None:
    page = visit("/talk")
    page.get_by_label("Message").fill("From the shop floor")
    page.context.set_offline(True)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page).to_have_url(re.compile("^chrome-error:"))
    page.context.set_offline(False)
    page.goto("/page")
    page.goto("/talk")
    expect(page.get_by_label("Message")).to_have_value("From the shop floor")


def test_what_came_while_the_database_was_busy_comes_back(visit: Callable[..., Page]) -> None:
    page = visit("/talk?busy=1")
    page.get_by_label("Message").fill("An hour's words")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", name="This does not work right now")).to_be_visible()
    page.get_by_role("link", name="Back to where you were").click()
    expect(page.get_by_label("Message")).to_have_value("An hour's words")


def test_what_a_page_asks_about_once_more_is_kept_until_it_is_answered(
    visit: Callable[..., Page],
) -> None:
    page = visit("/talk?asks=1")
    page.get_by_label("Message").fill("Three seats")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", name="Send it?")).to_be_visible()
    page.goto("/talk?asks=1")
    expect(page.get_by_label("Message")).to_have_value("Three seats")
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("button", name="Yes, send it").click()
    expect(page.get_by_text("Your message was sent.")).to_be_visible()
    page.goto("/talk?asks=1")
    expect(page.get_by_label("Message")).to_have_value("")


def test_what_is_typed_into_one_of_several_forms_comes_back_to_it_alone(
    visit: Callable[..., Page],
) -> None:
    page = visit("/talk")
    page.get_by_label("About the price").fill("Too much")
    page.goto("/page")
    page.goto("/talk")
    expect(page.get_by_label("About the price")).to_have_value("Too much")
    expect(page.get_by_label("About the drawing")).to_have_value("")


def test_ticks_that_come_back_stand_at_whom_they_were_given(visit: Callable[..., Page]) -> None:
    page = visit("/talk")
    page.get_by_label("Message").fill("Roster")
    page.get_by_label("Cleo came").check()
    page.context.add_cookies([{"name": "gone", "value": "Ana", "url": page.url}])
    page.goto("/talk")
    expect(page.get_by_label("Cleo came")).to_be_checked()
    expect(page.get_by_label("Ben came")).not_to_be_checked()


def test_long_list_of_choices_is_narrowed_and_says_what_is_chosen(
    visit: Callable[..., Page],
) -> None:
    page = visit("/form")
    group = page.get_by_role("group", name="Capabilities")
    page.get_by_label("Find in this list").fill("weld")
    expect(group.get_by_role("checkbox")).to_have_count(3)
    group.get_by_label("TIG welding").check()
    expect(group).to_contain_text("Chosen: TIG welding")
    page.get_by_label("Find in this list").fill("nothing of that kind")
    expect(group).to_contain_text("Nothing in this list fits.")


def found_words(page: Page) -> Locator:
    """What is offered for what was typed beside a list."""
    return page.get_by_role("listbox", name="Find and add").get_by_role("option")


def test_words_are_found_and_added_to_a_list(visit: Callable[..., Page]) -> None:
    page = visit("/form")
    names = page.get_by_label("Other names")
    names.fill("Big Bertha")
    finder = page.get_by_role("combobox", name="Find and add")
    finder.press_sequentially("bluegrass")
    expect(found_words(page)).to_have_count(1)
    finder.press("ArrowDown")
    finder.press("Enter")
    expect(names).to_have_value("Big Bertha\nBluegrass Tool & Die\n")
    expect(finder).to_have_value("")
    expect(page.locator("#announcer")).to_have_text("Added: Bluegrass Tool & Die")
    assert "/form" in page.url
    # The same words can be looked for once more.
    finder.fill("bluegrass")
    expect(found_words(page)).to_have_text("Bluegrass Tool & Die")


def test_words_are_found_where_the_script_comes_late(visit: Callable[..., Page]) -> None:
    page = visit("/page")
    script = Held(page, "**/portal.js*")
    page.add_init_script(
        "document.addEventListener('htmx:after:process',"
        " () => { document.documentElement.dataset.processed = '' })"
    )
    page.goto("/form", wait_until="commit")
    expect(page.locator("html[data-processed]")).to_be_attached()
    script.release()
    page.get_by_role("combobox", name="Find and add").fill("bluegrass")
    expect(found_words(page)).to_have_text("Bluegrass Tool & Die")


def test_answer_that_comes_after_the_choice_is_not_shown(visit: Callable[..., Page]) -> None:
    page = visit("/form")
    finder = page.get_by_role("combobox", name="Find and add")
    finder.fill("blue")
    expect(found_words(page)).to_have_count(1)
    answer = Held(page, "**/suggestions?*")
    with page.expect_request("**/suggestions?*"):
        finder.fill("bluegrass")
    finder.press("ArrowDown")
    finder.press("Enter")
    expect(finder).to_have_value("")
    page.evaluate(
        "() => { window.answered = new Promise(done =>"
        " document.addEventListener('htmx:finally:request', () => done(true))) }"
    )
    answer.release()
    assert page.evaluate("window.answered")
    expect(found_words(page)).to_have_count(0)
    finder.press("ArrowDown")
    expect(found_words(page)).to_have_count(0)


def test_characters_are_counted_down(visit: Callable[..., Page]) -> None:
    page = visit("/form")
    page.get_by_label("Summary").fill("x" * 30)
    expect(page.get_by_text("250 characters left")).to_be_visible()


def test_files_that_are_too_large_are_refused_when_they_are_chosen(
    visit: Callable[..., Page],
) -> None:
    page = visit("/form")
    field = page.get_by_label("Documents")

    def choose(*megabytes: int, kind: str = "application/pdf") -> None:
        field.set_input_files(
            [
                {"name": f"{size}.pdf", "mimeType": kind, "buffer": bytes(size * 1024 * 1024)}
                for size in megabytes
            ]
        )

    def names() -> list[str]:
        found: list[str] = field.evaluate("field => [...field.files].map((file) => file.name)")
        return found

    choose(1, 11, 2)
    told = page.get_by_text("“11.pdf” is too large. Please choose a file of 10 MB at most.")
    expect(told).to_be_visible()
    assert names() == ["1.pdf", "2.pdf"]
    choose(1)
    expect(told).to_be_hidden()
    choose(8, 9)
    expect(page.get_by_text("15 MB together at most")).to_be_visible()
    assert names() == []
    # The server makes pictures smaller.
    choose(11, kind="image/jpeg")
    expect(page.get_by_text("together at most")).to_be_hidden()
    assert names() == ["11.pdf"]


def test_link_is_copied(visit: Callable[..., Page]) -> None:
    page = visit("/record")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Link copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").endswith("/record")


def test_errors_take_the_focus_and_lead_to_their_fields(visit: Callable[..., Page]) -> None:
    page = visit("/form")
    page.get_by_label("Within").fill("9999")
    page.get_by_role("button", name="Save and publish").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page).to_have_title(re.compile("^Error: "))
    page.get_by_role("alert").get_by_role("link", name="Within").click()
    expect(page.get_by_label("Within")).to_be_focused()
    expect(page.get_by_label("Within")).to_have_value("9999")


def test_printed_record_has_no_buttons_and_no_menus(visit: Callable[..., Page]) -> None:
    page = visit("/record")
    page.emulate_media(media="print")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".site-header")).to_be_hidden()
    expect(page.get_by_role("button")).to_have_count(0)

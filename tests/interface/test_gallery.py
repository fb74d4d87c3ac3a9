"""Skeletons and macros as they come out: one heading, names for everything, no idle part."""

import datetime as dt
import itertools
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.directory.views.results import rows_of, value_link
from portal.kernel.clock import now
from portal.kernel.fulltext.port import MATCH, MATCH_END, Fragment
from tests.interface.gallery import HITS, make_gallery

ROOT = Path(__file__).resolve().parents[2]
GALLERY = ROOT / "tests" / "interface" / "templates" / "gallery"
COMPONENTS = ROOT / "templates" / "components"
PAGES = [
    "/",
    "/results",
    "/results?q=nothing",
    "/record?as=1",
    "/form",
    "/in",
    "/worklist?as=1",
    "/dashboard",
    "/page",
    *(f"/errors/{status}" for status in (400, 401, 403, 404, 405, 409)),
    *(f"/errors/{status}" for status in (413, 422, 429, 500, 503)),
    "/errors/plain/500",
    "/errors/plain/503",
]
VOID = {"area", "br", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Document(HTMLParser):
    """A page as elements: tag, attributes and text, with who contains whom."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.open: list[Element] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, list(self.open))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {n: v or "" for n, v in attrs}, list(self.open)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def all(self, *tags: str) -> Iterator["Element"]:
        return (element for element in self.elements if element.tag in tags)


class Element:
    """One element."""

    def __init__(self, tag: str, attributes: dict[str, str], inside: list["Element"]) -> None:
        self.tag, self.attributes, self.inside, self.text = tag, attributes, inside, ""

    def __repr__(self) -> str:
        return f"<{self.tag} {self.attributes}>"


@pytest.fixture(scope="module")
def gallery() -> Flask:
    return make_gallery()


@pytest.fixture
def visitor(gallery: Flask) -> FlaskClient:
    return gallery.test_client()


def read(client: FlaskClient, url: str) -> Document:
    return Document(client.get(url).get_data(as_text=True))


@pytest.mark.parametrize("url", PAGES)
def test_page_has_one_heading_a_title_and_a_main_part(visitor: FlaskClient, url: str) -> None:
    document = read(visitor, url)
    (heading,) = document.all("h1")
    (title,) = (e for e in document.all("title") if e.inside[-1].tag == "head")
    assert heading.text.strip() in " ".join(title.text.split())
    assert len(list(document.all("main"))) == 1


@pytest.mark.parametrize("url", PAGES)
def test_headings_skip_no_level(visitor: FlaskClient, url: str) -> None:
    levels = [
        int(e.tag[1])
        for e in read(visitor, url).all("h1", "h2", "h3", "h4")
        if "dialog" not in [above.tag for above in e.inside]
    ]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("url", PAGES)
def test_every_icon_stands_beside_text(visitor: FlaskClient, url: str) -> None:
    for element in read(visitor, url).all("svg"):
        if element.attributes.get("role") == "img":
            continue
        assert element.attributes["aria-hidden"] == "true"
        near = element.inside[-1] if element.inside[-1].text.strip() else element.inside[-2]
        assert near.text.strip(), f"an icon alone in {element.inside[-1]}"


@pytest.mark.parametrize("url", PAGES)
def test_every_control_has_a_label_and_every_id_is_there_once(
    visitor: FlaskClient, url: str
) -> None:
    document = read(visitor, url)
    ids = [e.attributes["id"] for e in document.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    labeled = {e.attributes.get("for") for e in document.all("label")}
    for control in document.all("input", "select", "textarea"):
        if control.attributes.get("type") != "hidden":
            assert control.attributes["id"] in labeled, control
    for element in document.elements:
        for name in ("aria-describedby", "aria-labelledby", "aria-controls", "for"):
            for target in element.attributes.get(name, "").split():
                assert target in ids, f"{element} names {target}, which is not there"


@pytest.mark.parametrize("url", PAGES)
def test_every_changing_form_carries_the_token(visitor: FlaskClient, url: str) -> None:
    document = read(visitor, url)
    for form in document.all("form"):
        if form.attributes.get("method") == "post":
            names = [e.attributes.get("name") for e in document.all("input") if form in e.inside]
            assert names.count("csrf_token") == 1, form


@pytest.mark.parametrize("url", PAGES)
def test_page_is_light(visitor: FlaskClient, url: str) -> None:
    assert len(visitor.get(url).data) < 40_000


def test_anonymous_first_page_sets_no_cookie(visitor: FlaskClient) -> None:
    assert "Set-Cookie" not in visitor.get("/").headers


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503])
def test_no_error_is_a_dead_end(visitor: FlaskClient, status: int) -> None:
    document = read(visitor, f"/errors/{status}")
    (main,) = document.all("main")
    assert [e for e in document.all("a") if main in e.inside]
    assert [e for e in document.all("form") if main in e.inside] or status != 404


def test_refused_form_keeps_what_was_typed_and_points_to_each_error(visitor: FlaskClient) -> None:
    visitor.get("/form")
    page = visitor.get("/form").get_data(as_text=True)
    (token,) = set(re.findall(r'name="csrf_token" value="([^"]+)"', page))
    sent = {"csrf_token": token, "summary": "typed", "radius_miles": "9999", "wanted_by": "soon"}
    sent |= {"specifications-0-name": "x" * 61, "aliases-0": "y" * 201}
    response = visitor.post("/form", data=sent)
    assert response.status_code == 422
    document = Document(response.get_data(as_text=True))
    (summary,) = (e for e in document.elements if e.attributes.get("class") == "error-summary")
    targets = [e.attributes["href"][1:] for e in document.all("a") if summary in e.inside]
    assert targets == ["name", "radius_miles", "wanted_by", "specifications-0-name", "aliases-0"]
    for target in targets:
        (control,) = (e for e in document.elements if e.attributes.get("id") == target)
        assert control.attributes["aria-invalid"] == "true"
        assert f"{target}-error" in control.attributes["aria-describedby"].split()
    (text,) = (e for e in document.all("textarea") if e.attributes["id"] == "summary")
    assert text.text.strip() == "typed"


def test_asking_for_a_row_adds_one_and_complains_of_nothing(visitor: FlaskClient) -> None:
    page = visitor.get("/form").get_data(as_text=True)
    (token,) = set(re.findall(r'name="csrf_token" value="([^"]+)"', page))
    before = page.count('name="specifications-')
    sent = {"csrf_token": token, "add-row": "specifications"}
    for row in (0, 1):
        sent |= {f"specifications-{row}-{part}": "" for part in ("name", "value", "unit")}
    after = visitor.post("/form", data=sent).get_data(as_text=True)
    assert after.count('name="specifications-') == before + 3
    assert "error-summary" not in after


def test_what_is_typed_by_people_is_never_markup(gallery: Flask) -> None:
    hostile = "<script>alert(1)</script>"
    hit = {"kind": hostile, "url": hostile, "title": hostile, "summary": hostile}
    row = HITS[0]._replace(
        kind=hostile,
        url=hostile,
        title=hostile,
        summary=f"{hostile} summary",
        highlights=(Fragment(f"{MATCH}{hostile}{MATCH_END}"),),
        organization=hostile,
        extra={"county": hostile, "direction": "need", "confirmed": now().isoformat()},
    )
    ui = gallery.jinja_env.get_template("components/ui.html").module
    with gallery.test_request_context("/"):
        for text in (
            ui.badge(hostile),
            ui.facts([(hostile, hostile)]),
            ui.tags([(hostile, hostile)]),
            ui.breadcrumb([(hostile, hostile)]),
            ui.notice(hostile),
            ui.rich(hostile),
            ui.empty_state(hostile, hostile),
            ui.link_button(hostile, hostile),
            ui.post_button(hostile, "/x", confirm=hostile, confirm_text=hostile, about=hostile),
            ui.result_item(hit),
            rows_of([row]).decode(),
            value_link("en", hostile, hostile, hostile, 1, False, hostile),
            ui.table(hostile, [hostile], [[hostile]]),
            ui.bar_chart(hostile, [(hostile, 1)], hostile),
            ui.search_box("/x", value=hostile),
            ui.trust_line(source=hostile),
        ):
            assert "<script" not in text


def test_facts_leave_out_what_is_not_known_and_keep_zero(gallery: Flask) -> None:
    ui = gallery.jinja_env.get_template("components/ui.html").module
    with gallery.test_request_context("/"):
        rows = [("Unknown", None), ("Empty", ""), ("None", []), ("Zero", 0), ("No", False)]
        text = ui.facts(rows)
    assert re.findall(r"<dt>(\w+)</dt>", text) == ["Zero", "No"]


def test_every_macro_is_shown_in_the_gallery_and_explained_in_the_guide() -> None:
    shown = "".join(path.read_text(encoding="utf-8") for path in GALLERY.glob("*.html"))
    shown += "".join(path.read_text(encoding="utf-8") for path in COMPONENTS.glob("*.html"))
    shown += (ROOT / "templates" / "base.html").read_text(encoding="utf-8")
    guide = (ROOT / "docs" / "interface.md").read_text(encoding="utf-8")
    for name in ("ui.html", "fields.html"):
        macros = re.findall(r"\{%-? macro ([a-z]\w*)\(", (COMPONENTS / name).read_text("utf-8"))
        assert [m for m in macros if len(re.findall(rf"\b{m}\(", shown)) < 2] == []
        # The mark is the frame's own.
        assert [m for m in macros if f"`{m}(" not in guide and m != "brand_mark"] == []


def test_every_icon_is_named_in_the_guide() -> None:
    drawn = set(re.findall(r'name == "([a-z-]+)"', (COMPONENTS / "ui.html").read_text("utf-8")))
    guide = (ROOT / "docs" / "interface.md").read_text(encoding="utf-8")
    (named,) = re.findall(r"Names: ([a-z -]+) \|", guide)
    assert drawn == set(named.split())


def test_every_class_of_the_stylesheet_is_in_use_or_in_the_guide() -> None:
    text = (ROOT / "static" / "css" / "portal.css").read_text(encoding="utf-8")
    classes = set(re.findall(r"\.([a-z][a-z-]+)\b(?=[^{}]*\{)", re.sub(r"/\*.*?\*/", "", text)))
    places = [COMPONENTS, GALLERY, ROOT / "static" / "js"]
    used = "".join(p.read_text("utf-8") for place in places for p in place.iterdir())
    used += (ROOT / "templates" / "base.html").read_text("utf-8")
    used += (ROOT / "docs" / "interface.md").read_text("utf-8")
    assert {name for name in classes if not re.search(rf"\b{name}\b", used)} == {"htmx-request"}


def test_times_are_told_to_the_minute_in_the_viewers_zone_and_ages_in_days(gallery: Flask) -> None:
    ui = gallery.jinja_env.get_template("components/ui.html").module
    with gallery.test_request_context("/"):
        moment = dt.datetime(2026, 1, 30, 3, 5, 59, tzinfo=dt.UTC)
        assert "Jan 29, 2026, 10:05" in ui.when(moment)
        assert "EST" in ui.when(moment)
        assert "12 days ago" in ui.ago(now() - dt.timedelta(days=12))
        assert "3 weeks ago" in ui.ago(now() - dt.timedelta(days=22))

"""What holds for every template: nothing inline, nothing from elsewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# Mail programs know no stylesheets and run no scripts.
PAGES = [path for path in TEMPLATES if "email" not in path.relative_to(ROOT).parts]
SKELETONS = {
    path.name
    for path in (ROOT / "templates" / "components").glob("*.html")
    if '{% extends "' in path.read_text(encoding="utf-8")
}

FORBIDDEN = {
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "an event attribute": re.compile(r"<[a-z][^>]*\son[a-z]+\s*=", re.IGNORECASE),
    # Linked data is no script: no browser runs it.
    "an inline script": re.compile(
        r'<script\b(?![^>]*\bsrc=)(?! type="application/ld\+json">)', re.IGNORECASE
    ),
    "a javascript address": re.compile(r"javascript:", re.IGNORECASE),
    "evaluated htmx": re.compile(r"hx-on|hx-vals=[\"']js:|hx-trigger=[\"'][^\"']*\["),
    "something from another host": re.compile(
        r"<(?:script|img|link|iframe|source|video|audio)\b[^>]*(?:src|href)=[\"'](?:https?:)?//"
    ),
    "a table without a caption": re.compile(r"<table\b(?!(?:(?!</table>).)*<caption)", re.DOTALL),
}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT / "templates"))


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_page_has_nothing_that_the_security_policy_or_the_manners_forbid(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert [name for name, pattern in FORBIDDEN.items() if pattern.search(text)] == []


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_page_extends_a_skeleton_and_leaves_its_heading_to_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = re.search(r"\{%-? extends \"([^\"]+)\"", text)
    if not found or _name(path).startswith(("components/", "errors/")):
        return
    assert found[1].removeprefix("components/") in SKELETONS
    assert "<h1" not in text

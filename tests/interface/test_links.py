"""No dead link: every address that a template asks for belongs to a view."""

import re
from pathlib import Path

from flask import Flask

ROOT = Path(__file__).resolve().parents[2]


def test_every_endpoint_named_in_a_template_exists(app: Flask) -> None:
    missing = {
        f"{path.relative_to(ROOT)}: {endpoint}"
        for path in (ROOT / "templates").rglob("*.*")
        for endpoint in re.findall(r"url_for\(\s*[\"']([\w.]+)", path.read_text(encoding="utf-8"))
        if endpoint not in app.view_functions
    }
    assert missing == set()


def test_every_static_file_named_in_a_template_exists() -> None:
    missing = {
        name
        for path in (ROOT / "templates").rglob("*.html")
        for name in re.findall(r"asset\([\"']([^\"']+)", path.read_text(encoding="utf-8"))
        if not (ROOT / "static" / name).is_file()
    }
    assert missing == set()


def test_every_template_extended_or_imported_exists() -> None:
    pattern = re.compile(r"\{%-?\s*(?:extends|from|import|include)\s+[\"']([^\"']+)")
    missing = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "templates").rglob("*.*")
        for name in pattern.findall(path.read_text(encoding="utf-8"))
        if not (ROOT / "templates" / name).is_file()
    }
    assert missing == set()

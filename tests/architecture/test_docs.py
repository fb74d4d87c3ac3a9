"""Documents that cannot drift: the reference is what the code says, and links lead somewhere."""

import re
from pathlib import Path

import pytest
from flask import Flask

from portal.kernel.authorization import scope_of
from script import reference

ROOT = Path(__file__).resolve().parents[2]


def test_reference_is_what_the_code_says(app: Flask) -> None:
    for name, text in reference.pages(app).items():
        assert (reference.FOLDER / name).read_text() == text, (
            f"docs/reference/{name} is out of date: run python -m script.reference"
        )


def test_reference_names_the_scope_that_a_token_needs(app: Flask) -> None:
    text = (reference.FOLDER / "permissions.md").read_text()
    scopes = dict(re.findall(r"\| `([\w.]+)` \| `([\w:]+)` \|", text))
    assert scopes == {permission: scope_of(permission) for permission in scopes}
    assert scopes["saved_search.view_own"] == "read"


def test_every_view_says_what_it_does(app: Flask) -> None:
    silent = [
        endpoint
        for endpoint, view in app.view_functions.items()
        if not view.__doc__ and endpoint != "static"
    ]
    assert silent == []


@pytest.mark.parametrize("path", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]))
def test_links_of_documents_lead_to_files(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text())
    missing = [
        target
        for target in targets
        if "://" not in target
        and not target.startswith("mailto:")
        and not (path.parent / target).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("word", ["requirements.txt", "config.py", "wsgi.py", "CHANGELOG.md"])
def test_readme_names_what_a_newcomer_looks_for(word: str) -> None:
    assert word in (ROOT / "README.md").read_text()

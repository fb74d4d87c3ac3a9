"""The stylesheet: small, on tokens, and readable in both schemes."""

import re

import pytest

from tests.interface.stylesheet import STYLESHEET, colors, contrast, layer

GROUNDS = ("paper", "surface", "sunken")
TEXT_ON_GROUND = [
    *((text, ground) for ground in GROUNDS for text in ("ink", "ink-soft", "link", "bad", "good")),
    *((tone, f"{tone}-ground") for tone in ("link", "good", "warn", "bad")),
    *(("ink", f"{tone}-ground") for tone in ("link", "good", "warn", "bad")),
    ("warn", "paper"),
    ("warn", "surface"),
    ("ink-soft", "link-ground"),
    ("on-copper", "copper"),
    ("on-copper", "copper-deep"),
    ("ink", "mark"),
    ("paper", "ink"),
]
EDGE_ON_GROUND = [
    *((edge, ground) for ground in GROUNDS for edge in ("line-strong", "focus", "copper")),
    ("bad", "surface"),
    *(("focus", f"{tone}-ground") for tone in ("link", "good", "warn", "bad")),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT_ON_GROUND)
def test_text_can_be_read_on_its_ground(scheme: str, text: str, ground: str) -> None:
    tokens = colors(scheme)
    assert contrast(tokens[text], tokens[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("edge", "ground"), EDGE_ON_GROUND)
def test_edges_of_controls_and_focus_can_be_seen(scheme: str, edge: str, ground: str) -> None:
    tokens = colors(scheme)
    assert contrast(tokens[edge], tokens[ground]) >= 3


def test_dark_scheme_redefines_every_color() -> None:
    light, dark = colors("light"), colors("dark")
    assert {name for name in light if light[name] == dark[name]} == set()


def test_stylesheet_stays_within_30_kilobytes() -> None:
    assert STYLESHEET.stat().st_size <= 30 * 1024


def test_colors_are_named_only_among_the_tokens() -> None:
    # A logo keeps its white ground in the dark, paper is white, and a backdrop darkens anything.
    allowed = {"background: #fff;", "--paper: #fff", "rgb(8 14 24 / 55%)"}
    rest = "".join(layer(name) for name in ("base", "layout", "components"))
    rest += layer("utilities").split("@media print")[0]
    for text in allowed:
        rest = rest.replace(text, "")
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", rest) == []


def test_every_custom_property_in_use_is_defined_and_every_one_defined_is_used() -> None:
    text = STYLESHEET.read_text(encoding="utf-8")
    defined = set(re.findall(r"(--[a-z0-9-]+):", text))
    used = set(re.findall(r"var\((--[a-z0-9-]+)", text))
    assert used == defined


def test_nothing_is_loaded_from_elsewhere() -> None:
    text = STYLESHEET.read_text(encoding="utf-8")
    assert "@import" not in text
    assert "url(" not in text


def test_no_page_is_turned_by_how_the_window_is_held() -> None:
    # What looks at the pages' accessibility does not read style sheets.
    assert "orientation" not in STYLESHEET.read_text(encoding="utf-8")
